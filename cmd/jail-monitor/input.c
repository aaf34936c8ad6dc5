/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients write to the instance. Each client has at most one message here; it gets
 * MONITOR_STDIN_DONE when the instance has taken it all, and only then sends the next. So a program
 * that does not read its input holds up the client's input and nothing else: signals and window
 * sizes still come through the same socket. Messages of several clients are written whole, one
 * after the other.
 */
#include "cmd/jail-monitor/monitor.h"

bool input_is_held(const struct monitor *m)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].stdin_held)
			return true;
	}
	return false;
}

/* End of input, or nobody is left to read it. The fixed fd stays taken. A console stays open: its
 * end of input is a character. */
static void input_close(const struct monitor *m)
{
	if (!m->s.tty)
		fd_forget(m, MONITOR_FD_IN);
}

static void input_done(struct monitor *m, int i)
{
	struct client *client = &m->clients[i];

	client->stdin_held = false;
	client->done_owed = !client_send(m, i, MONITOR_STDIN_DONE, NULL, 0);
}

void input_discard(struct monitor *m)
{
	int i;

	m->stdin_client = -1;
	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].stdin_held)
			input_done(m, i);
	}
}

static int input_next(const struct monitor *m)
{
	int i;

	if (m->stdin_client >= 0)
		return m->stdin_client;
	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].stdin_held)
			return i;
	}
	return -1;
}

/* Return: true when all of the client's message is done with. */
static bool input_write_one(const struct monitor *m, struct client *client, const uint8_t *data)
{
	if (client->stdin_len == 0)
		input_close(m);
	while (client->stdin_at < client->stdin_len) {
		ssize_t n = write(MONITOR_FD_IN, data + client->stdin_at,
				  client->stdin_len - client->stdin_at);

		if (n > 0) {
			client->stdin_at += (uint32_t)n;
		} else if (n == 0 || errno == EAGAIN) {
			return false;
		} else if (errno != EINTR) {
			/* EPIPE: the program does not want it. Drop this and all that follows. */
			input_close(m);
			return true;
		}
	}
	return true;
}

void input_write(struct monitor *m)
{
	int i;

	while ((i = input_next(m)) >= 0) {
		struct client *client = &m->clients[i];

		m->stdin_client = i;
		if (!input_write_one(m, client, m->buffers->input[i]))
			return;
		m->stdin_client = -1;
		input_done(m, i);
	}
}
