/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the instance writes: read once, logged, then sent to each client that wants it.
 *
 * A client whose socket is full misses the chunk, and learns later how many bytes it has missed;
 * only for a lossless client the chunk stays, and no output is read before it has gone. The log
 * comes first and never waits.
 */
#include "cmd/jail-monitor/monitor.h"

/* How long until a console that no process has open is tried again. */
#define HUNG_RETRY_MS 1000

static bool send_skipped(struct monitor *m, int i)
{
	struct monitor_skipped skipped = { .bytes = m->clients[i].skipped };

	if (skipped.bytes == 0)
		return true;
	if (!client_send(m, i, MONITOR_SKIPPED, &skipped, sizeof(skipped)))
		return false;
	m->clients[i].skipped = 0;
	return true;
}

void output_send(struct monitor *m)
{
	struct chunk *chunk = &m->chunk;
	bool is_output = chunk->type != MONITOR_EXIT;
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		struct client *client = &m->clients[i];

		if (!(chunk->waiting & (1u << i)))
			continue;
		if (send_skipped(m, i) &&
		    client_send(m, i, chunk->type, m->buffers->output, chunk->length)) {
			chunk->waiting &= ~(1u << i);
		} else if (is_output && !client->lossless) {
			chunk->waiting &= ~(1u << i);
			client->skipped += chunk->length;
		}
	}
}

static void output_end(struct monitor *m, enum log_stream stream)
{
	log_end(&m->log, stream);
	if (stream == LOG_STDOUT)
		m->out_ended = true;
	else
		m->err_ended = true;
}

void output_read(struct monitor *m, enum log_stream stream)
{
	int fd = stream == LOG_STDOUT ? MONITOR_FD_OUT : MONITOR_FD_ERR;
	ssize_t n = read(fd, m->buffers->output, sizeof(m->buffers->output));
	int i;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A master whose other side nobody has open gives EIO; a getty may well open it again. */
	if (n < 0 && m->s.tty && m->phase == PHASE_RUNNING) {
		m->out_retry_at = m->now + HUNG_RETRY_MS;
		return;
	}
	if (n <= 0) {
		output_end(m, stream);
		return;
	}
	m->buffers_used = true;
	log_feed(&m->log, stream, m->buffers->output, (size_t)n);
	m->chunk.type = stream == LOG_STDOUT ? MONITOR_STDOUT : MONITOR_STDERR;
	m->chunk.length = (uint32_t)n;
	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].open && m->clients[i].want_output)
			m->chunk.waiting |= 1u << i;
	}
	output_send(m);
}
