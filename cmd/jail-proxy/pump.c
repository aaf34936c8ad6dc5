/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream goes by splice(2) through a pipe, so its bytes are never copied to us. A pipe is used
 * only while it holds something: an idle connection is two sockets and nothing more. A few empty
 * ones are kept for the next.
 */
#include "cmd/jail-proxy/pump.h"

#include <fcntl.h>
#include <sys/socket.h>

#define ROUNDS 16 /* before other connections have their turn */
#define SPARE_MAX 8

static int spare[SPARE_MAX][2];
static unsigned spare_n;

void pump_init(struct direction *d, char *message)
{
	*d = (struct direction){ .pipe = { -EBADF, -EBADF }, .message = message };
}

static void pump_close(struct direction *d)
{
	fd_reset(&d->pipe[0]);
	fd_reset(&d->pipe[1]);
}

void pump_drop(struct direction *d)
{
	pump_close(d);
	d->fill = 0;
}

static bool pipe_take(struct direction *d)
{
	if (d->pipe[0] >= 0)
		return true;
	if (spare_n > 0) {
		spare_n--;
		d->pipe[0] = spare[spare_n][0];
		d->pipe[1] = spare[spare_n][1];
		return true;
	}
	return pipe2(d->pipe, O_CLOEXEC | O_NONBLOCK) == 0;
}

static void pipe_give(struct direction *d)
{
	if (d->pipe[0] < 0 || d->fill > 0)
		return;
	if (spare_n == SPARE_MAX) {
		pump_close(d);
		return;
	}
	spare[spare_n][0] = TAKE_FD(d->pipe[0]);
	spare[spare_n][1] = TAKE_FD(d->pipe[1]);
	spare_n++;
}

static ssize_t pump_in(struct direction *d, int from)
{
	if (d->message)
		return recv(from, d->message, PUMP_CHUNK, MSG_DONTWAIT);
	if (!pipe_take(d))
		return -1;
	return splice(from, NULL, d->pipe[1], NULL, PUMP_CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static ssize_t pump_out(const struct direction *d, int to)
{
	if (d->message)
		return send(to, d->message + d->at, d->fill, MSG_DONTWAIT | MSG_NOSIGNAL);
	return splice(d->pipe[0], NULL, to, NULL, d->fill, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static bool is_later(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

bool pump_run(struct direction *d, int from, int to)
{
	for (int i = 0; i < ROUNDS && !(d->fill == 0 && d->eof); i++) {
		if (d->fill == 0) {
			ssize_t n = pump_in(d, from);

			if (is_later(n))
				break;
			if (n < 0)
				return false;
			d->eof = n == 0;
			d->at = 0;
			d->fill = (uint32_t)n;
		}
		if (d->fill > 0) {
			ssize_t n = pump_out(d, to);

			if (is_later(n))
				break;
			if (n <= 0)
				return false;
			d->at += (uint32_t)n;
			d->fill -= (uint32_t)n;
		}
	}
	pipe_give(d);
	if (d->eof && d->fill == 0 && !d->shut) {
		d->shut = true;
		/* ENOTCONN: the other side is gone, which reading from it will tell. */
		(void)shutdown(to, SHUT_WR);
	}
	return true;
}
