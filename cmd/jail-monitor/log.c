/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cutting output into lines, and the files that they go to.
 *
 * A line ends after its newline, or where it has grown to line_max, and becomes one record. Records
 * of one read are collected in a buffer and leave with one write(2) each time, so a file never ends
 * in the middle of a record unless the machine dies or the disk is full; a short write is undone
 * with ftruncate(2) (we are the only writer).
 *
 * The directory belongs to root alone, yet the file is opened as if it did not: no symlink is
 * followed, no FIFO or device is taken for a log (row 81).
 *
 * The buffers are page-aligned, so that an idle monitor can hand their pages back.
 */
#include "cmd/jail-monitor/log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "cmd/jail-monitor/line.h"
#include "cmd/jail-monitor/monitor.h"
#include "cmd/jail-monitor/text.h"

#define LOG_NAME "log.json"
#define LOG_NAME_MAX (sizeof(LOG_NAME) + 1 + TEXT_NUMBER_MAX)
/* A note of the monitor's own, encoded. */
#define LOG_NOTE_MAX 256

_Static_assert(sizeof(((struct log_buffers *)0)->out) >= LINE_ENCODED_MAX(LIMIT_LOG_LINE),
	       "one line must fit");

static const char *const stream_names[LOG_STREAMS] = { "stdout", "stderr" };

/* "log.json" for 0, "log.json.N". */
static void log_name(char ret[static LOG_NAME_MAX], unsigned number)
{
	char *at = text_put(ret, LOG_NAME);

	if (number > 0) {
		*at++ = '.';
		at = text_put_number(at, number);
	}
	*at = '\0';
}

/* Opens log.json for appending. A record that a crash has cut short gets its newline, so that it
 * spoils only itself. */
static bool log_open_file(struct log *l)
{
	struct stat st;
	char last;
	int fd = openat(
		l->dir, LOG_NAME,
		O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

	fd = fd_move_up(fd);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (st.st_size > 0 && (pread(fd, &last, 1, st.st_size - 1) != 1 ||
				(last != '\n' && write(fd, "\n", 1) != 1)))) {
		(void)close(fd);
		return false;
	}
	l->size = st.st_size > 0 ? (uint64_t)st.st_size + (last != '\n') : 0;
	l->fd = fd;
	return true;
}

/* log.json becomes log.json.1 and so on; the oldest goes. A failure leaves log.json too large to be
 * written to, so the bound holds and the output counts as lost. */
static bool log_rotate(struct log *l)
{
	char from[LOG_NAME_MAX], to[LOG_NAME_MAX];
	unsigned i;

	for (i = l->files - 1; i > 0; i--) {
		log_name(from, i - 1);
		log_name(to, i);
		if (renameat(l->dir, from, l->dir, to) < 0 && errno != ENOENT)
			return false;
	}
	if (l->files == 1 && unlinkat(l->dir, LOG_NAME, 0) < 0 && errno != ENOENT)
		return false;
	fd_reset(&l->fd);
	return log_open_file(l);
}

/* Appends n <= max_bytes bytes, all or nothing. */
static bool log_append(struct log *l, const char *data, size_t n)
{
	ssize_t r;

	if (l->fd < 0 && !log_open_file(l))
		return false;
	if (l->size > 0 && l->size + n > l->max_bytes && !log_rotate(l))
		return false;
	r = write(l->fd, data, n);
	if (r == (ssize_t)n) {
		l->size += n;
		return true;
	}
	if (r > 0 && ftruncate(l->fd, (off_t)l->size) < 0)
		l->size += (uint64_t)r;
	return false;
}

static void put_now(char ret[static TEXT_TIME_LEN])
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)text_put_time(ret, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static bool log_write_note(struct log *l, const char *text, uint64_t number)
{
	char time[TEXT_TIME_LEN], message[LOG_NOTE_MAX / 2],
		line[LINE_ENCODED_MAX(LOG_NOTE_MAX / 2)];
	char *at;

	put_now(time);
	at = text_put(message, text);
	*at++ = ' ';
	at = text_put_number(at, number);
	*at++ = '\n';
	return log_append(
		l, line,
		line_encode(line, time, "jail", (const uint8_t *)message, (size_t)(at - message)));
}

static void log_flush(struct log *l)
{
	if (l->used == 0)
		return;
	if (l->lost > 0 && log_write_note(l, "bytes of output lost:", l->lost))
		l->lost = 0;
	if (l->lost > 0 || !log_append(l, l->buffers->out, l->used))
		l->lost += l->used_text;
	l->used = 0;
	l->used_text = 0;
}

static void log_line(struct log *l, enum log_stream stream, const uint8_t *text, size_t n)
{
	char *out = l->buffers->out;
	size_t length;

	if (sizeof(l->buffers->out) - l->used < LINE_ENCODED_MAX(n))
		log_flush(l);
	length = line_encode(out + l->used, l->time, stream_names[stream], text, n);
	if (l->used > 0 && l->size + l->used + length > l->max_bytes) {
		/* This line begins the next file. */
		size_t at = l->used;

		log_flush(l);
		memmove(out, out + at, length);
	}
	l->used += length;
	l->used_text += n;
}

void log_open(struct log *l, int dir, uint64_t max_bytes, unsigned files)
{
	char name[LOG_NAME_MAX];
	size_t room = (size_t)((max_bytes > UINT32_MAX ? UINT32_MAX : max_bytes) - LINE_FRAME_MAX);

	*l = (struct log){ .dir = dir, .fd = -EBADF, .files = files, .max_bytes = max_bytes };
	/* Even the worst line must fit into one file. */
	l->line_max = room / 6 < LIMIT_LOG_LINE ? room / 6 : LIMIT_LOG_LINE;
	(void)log_open_file(l);
	/* What an earlier start with more files has left. */
	do {
		log_name(name, files++);
	} while (unlinkat(dir, name, 0) == 0);
}

void log_close(struct log *l)
{
	fd_reset(&l->fd);
}

void log_feed(struct log *l, enum log_stream stream, const uint8_t *data, size_t n)
{
	uint8_t *line = l->buffers->held[stream];

	/* One time for all lines of a read: the output has no finer one. */
	put_now(l->time);
	while (n > 0) {
		const uint8_t *newline = memchr(data, '\n', n);
		size_t have = l->held[stream];
		size_t take = newline != NULL ? (size_t)(newline - data) + 1 : n;
		size_t keep;

		if (have == 0 && newline != NULL && take <= l->line_max) {
			log_line(l, stream, data, take);
			data += take;
			n -= take;
			continue;
		}
		if (take > l->line_max - have) {
			take = l->line_max - have;
			newline = NULL;
		}
		memcpy(line + have, data, take);
		data += take;
		n -= take;
		have += take;
		keep = 0;
		if (newline == NULL && have < l->line_max) {
			l->held[stream] = have;
			break;
		}
		if (newline == NULL)
			keep = have - line_cut(line, have);
		log_line(l, stream, line, have - keep);
		memmove(line, line + have - keep, keep);
		l->held[stream] = keep;
	}
	log_flush(l);
}

void log_end(struct log *l, enum log_stream stream)
{
	if (l->held[stream] > 0) {
		put_now(l->time);
		log_line(l, stream, l->buffers->held[stream], l->held[stream]);
		l->held[stream] = 0;
	}
	log_flush(l);
	/* The end is also the last chance to tell. */
	if (l->lost > 0 && log_write_note(l, "bytes of output lost:", l->lost))
		l->lost = 0;
}

void log_note(struct log *l, const char *text, uint64_t number)
{
	(void)log_write_note(l, text, number);
}

bool log_is_held(const struct log *l)
{
	return l->held[LOG_STDOUT] > 0 || l->held[LOG_STDERR] > 0 || l->lost > 0;
}

void log_release(struct log *l)
{
	int i;

	for (i = 0; i < LOG_STREAMS; i++) {
		if (l->held[i] == 0)
			(void)madvise(l->buffers->held[i], sizeof(l->buffers->held[i]),
				      MADV_DONTNEED);
	}
	(void)madvise(l->buffers->out, sizeof(l->buffers->out), MADV_DONTNEED);
}
