/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Printing a log. The files are opened first, newest first, and if log.json is still the same
 * afterwards, then no rotation came in between and they are one consistent sequence; they stay ours
 * however often the writer renames them. They are read oldest first.
 *
 * To follow is to go on reading log.json at its end until inotify(7) says that the directory has
 * changed; when log.json has become another file, the rest of ours is read (the writer never comes
 * back to it) and the one that follows it, found by its place in the row of names, is next.
 */
#include "runtime/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/text.h"
#include "runtime/log_priv.h"

#define LOG_FILES_MAX 1000
#define LOG_OPEN_TRIES 100
#define LOG_FOLLOW_MS 500

struct log_files {
	size_t n;
	int fds[LOG_FILES_MAX]; /* newest first */
};

struct log_reader {
	int dir;
	const struct log_options *o;
	FILE *out, *err_out;
	FILE *last; /* where the last record went */
	char since[CLOCK_TEXT_MAX];
	bool unfinished[2]; /* the stream's last piece had no newline */
	bool skipping; /* inside a line that is too long to be a record */
	uint64_t damaged;
	size_t used; /* of line */
	char line[LOG_RECORD_MAX];
	char text[LOG_RECORD_MAX];
};

static void log_files_close(struct log_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		fd_reset(&f->fds[i]);
	f->n = 0;
}

static void log_files_free(struct log_files **f)
{
	if (*f != NULL)
		log_files_close(*f);
	free(*f);
}

/* Return: fd, or -errno. */
static int open_log(int dir, size_t number)
{
	char name[32] = "log.json";
	struct stat st;
	CLEANUP_FD int fd = -EBADF;

	if (number > 0 && str_format(name, sizeof(name), "log.json.%zu", number) < 0)
		return -ENAMETOOLONG;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

static bool is_same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* Opens the whole row. In the middle of a rotation, and after a crash there, log.json is missing.
 * Return: 0 (also for no log at all), -EAGAIN when it moved meanwhile. */
static int open_row(int dir, struct log_files *f, struct err *e)
{
	CLEANUP_FD int again = -EBADF;
	bool has_current = false;

	for (size_t i = 0; i < LOG_FILES_MAX; i++) {
		int fd = open_log(dir, i);

		if (fd == -ENOENT && i > 0)
			break;
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return err_ret(e, fd, "open log.json%s", i > 0 ? ".N" : "");
		has_current |= i == 0;
		f->fds[f->n++] = fd;
	}
	again = open_log(dir, 0);
	if (!has_current)
		return again == -ENOENT ? 0 : -EAGAIN;
	return again >= 0 && is_same_file(again, f->fds[0]) ? 0 : -EAGAIN;
}

static int open_all(int dir, struct log_files *f, struct err *e)
{
	for (int i = 0; i < LOG_OPEN_TRIES; i++) {
		int r = open_row(dir, f, e);

		if (r != -EAGAIN)
			return r;
		log_files_close(f);
	}
	return err_set(e, EAGAIN, "the log is rotated faster than it can be opened");
}

/* Where the last *rest lines of the file begin; *rest: how many of them it has not. */
static int find_tail(int fd, uint64_t *rest, off_t *ret, struct err *e)
{
	char block[65536];
	off_t end = lseek(fd, 0, SEEK_END);
	off_t size = end;

	while (end > 0) {
		size_t n = end < (off_t)sizeof(block) ? (size_t)end : sizeof(block);
		ssize_t got = pread(fd, block, n, end - (off_t)n);

		if (got != (ssize_t)n)
			return err_sys(e, "read the log");
		for (size_t i = n; i > 0; i--) {
			off_t at = end - (off_t)(n - i);

			/* The newline at the very end begins nothing. */
			if (block[i - 1] != '\n' || at == size)
				continue;
			if (--*rest == 0) {
				*ret = at;
				return 0;
			}
		}
		end -= (off_t)n;
	}
	if (size > 0)
		--*rest;
	*ret = 0;
	return 0;
}

static void print_text(struct log_reader *r, FILE *to, size_t n)
{
	CLEANUP_STRBUF struct strbuf escaped = STRBUF_INIT;
	struct err ignored = ERR_INIT;
	bool newline = n > 0 && r->text[n - 1] == '\n';

	if (!r->o->escape) {
		(void)fwrite(r->text, 1, n, to);
		return;
	}
	/* What a console makes of a newline is no control sequence. */
	if (newline)
		n -= n > 1 && r->text[n - 2] == '\r' ? 2 : 1;
	text_escape(&escaped, r->text, n, false);
	if (strbuf_ok(&escaped, &ignored) == 0)
		(void)fputs(strbuf_str(&escaped), to);
	if (newline)
		(void)fputc('\n', to);
}

static void print_record(struct log_reader *r, const char *line, size_t n)
{
	struct log_record record;
	bool *unfinished;
	FILE *to;

	if (log_record_parse(line, n, &record, r->text) < 0) {
		r->damaged++;
		return;
	}
	if (strcmp(record.time, r->since) < 0)
		return;
	to = record.source == LOG_FROM_STDOUT || r->o->json ? r->out : r->err_out;
	/* Two buffers that end at the same terminal. */
	if (r->last != NULL && r->last != to)
		(void)fflush(r->last);
	r->last = to;
	if (r->o->json) {
		(void)fwrite(line, 1, n, to);
		(void)fputc('\n', to);
		return;
	}
	unfinished = &r->unfinished[record.source == LOG_FROM_STDOUT];
	if (r->o->timestamps && !*unfinished)
		(void)fprintf(to, "%s ", record.time);
	if (record.source == LOG_FROM_JAIL)
		(void)fputs("jail: ", to);
	print_text(r, to, record.n);
	*unfinished = record.n == 0 || r->text[record.n - 1] != '\n';
}

/* The lines that r->line has whole; what is left moves to its start. */
static void print_lines(struct log_reader *r)
{
	char *at = r->line;
	char *newline;

	while ((newline = memchr(at, '\n', r->used)) != NULL) {
		size_t n = (size_t)(newline - at);

		/* An empty line is what the writer puts after a record that a crash has cut. */
		if (!r->skipping && n > 0)
			print_record(r, at, n);
		r->skipping = false;
		r->used -= n + 1;
		at = newline + 1;
	}
	memmove(r->line, at, r->used);
	if (r->used == sizeof(r->line)) {
		r->damaged += !r->skipping;
		r->skipping = true;
		r->used = 0;
	}
}

/* Prints from the file's offset to its end. Return: 0 or a negative errno. */
static int print_file(struct log_reader *r, int fd, struct err *e)
{
	for (;;) {
		ssize_t n = read(fd, r->line + r->used, sizeof(r->line) - r->used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read the log");
		if (n == 0)
			break;
		r->used += (size_t)n;
		print_lines(r);
		if (ferror(r->out) || ferror(r->err_out))
			return err_sys(e, "print the log");
	}
	if (fflush(r->out) != 0 || fflush(r->err_out) != 0)
		return err_sys(e, "print the log");
	return 0;
}

/* The file is complete: a rest without newline is what a crash has left. */
static void end_file(struct log_reader *r)
{
	r->damaged += r->used > 0 || r->skipping;
	r->used = 0;
	r->skipping = false;
}

static int print_all(struct log_reader *r, const struct log_files *f, struct err *e)
{
	uint64_t rest = r->o->tail;
	size_t first = 0;

	if (rest == 0) {
		/* Only what comes. */
		return f->n > 0 && lseek(f->fds[0], 0, SEEK_END) < 0 ? err_sys(e, "seek") : 0;
	}
	for (; rest != UINT64_MAX && first < f->n; first++) {
		off_t start = 0;

		if (find_tail(f->fds[first], &rest, &start, e) < 0)
			return -e->code;
		if (lseek(f->fds[first], start, SEEK_SET) < 0)
			return err_sys(e, "seek");
		if (rest == 0) {
			first++;
			break;
		}
	}
	if (rest == UINT64_MAX)
		first = f->n;
	for (size_t i = first; i > 0; i--) {
		if (print_file(r, f->fds[i - 1], e) < 0)
			return -e->code;
		if (i > 1)
			end_file(r);
	}
	return 0;
}

/* The file after `current` in the row of names: fd; -EAGAIN: current is log.json; -ENOENT: there
 * is no log yet. *ret_lost: current is gone, what is returned is the
 * oldest that is left. */
static int open_successor(int dir, int current, bool *ret_lost)
{
	CLEANUP_FD int newer = open_log(dir, 0);

	*ret_lost = false;
	if (newer < 0 || current < 0)
		return newer < 0 ? newer : TAKE_FD(newer);
	if (is_same_file(newer, current))
		return -EAGAIN;
	for (size_t i = 1; i < LOG_FILES_MAX; i++) {
		CLEANUP_FD int fd = open_log(dir, i);

		if (fd < 0) {
			*ret_lost = i > 1;
			break;
		}
		if (is_same_file(fd, current))
			break;
		fd_reset(&newer);
		newer = TAKE_FD(fd);
	}
	return TAKE_FD(newer);
}

/* All that is there now, over any number of rotations. */
static int follow_files(struct log_reader *r, int *current, struct err *e)
{
	for (;;) {
		bool lost = false;
		int next = open_successor(r->dir, *current, &lost);

		/* After the look at the names: a file that has a successor is complete. */
		if (*current >= 0 && print_file(r, *current, e) < 0) {
			fd_reset(&next);
			return -e->code;
		}
		if (next == -EAGAIN || next == -ENOENT)
			return 0;
		if (next < 0)
			return err_ret(e, next, "open log.json");
		if (*current >= 0)
			end_file(r);
		if (lost)
			warn("a part of the log may have been rotated away before it could be "
			     "shown");
		fd_reset(current);
		*current = next;
	}
}

static int follow(struct log_reader *r, int watch, int *current, log_alive_fn *alive, void *arg,
		  struct err *e)
{
	struct pollfd p = { .fd = watch, .events = POLLIN };
	char events[4096];

	for (;;) {
		/* Asked before the last look: what was written until then is seen. */
		bool goes_on = alive == NULL || alive(arg);
		int ready;

		if (follow_files(r, current, e) < 0)
			return -e->code;
		if (!goes_on)
			return 0;
		ready = poll(&p, 1, LOG_FOLLOW_MS);
		if (ready < 0 && errno != EINTR)
			return err_sys(e, "poll");
		/* What happened does not matter, only that something did. */
		while (ready > 0 && read(watch, events, sizeof(events)) > 0)
			;
	}
}

static int open_watch(int dir, struct err *e)
{
	char path[64];
	CLEANUP_FD int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch < 0)
		return err_sys(e, "inotify");
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (inotify_add_watch(watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return err_sys(e, "watch the log's directory");
	return TAKE_FD(watch);
}

int log_print(int dir, const struct log_options *o, FILE *out, FILE *err_out, log_alive_fn *alive,
	      void *arg, struct err *e)
{
	CLEANUP(log_files_free) struct log_files *f = calloc(1, sizeof(*f));
	CLEANUP_FREE struct log_reader *r = calloc(1, sizeof(*r));
	CLEANUP_FD int watch = -EBADF;
	CLEANUP_FD int current = -EBADF;
	int ret;

	if (f == NULL || r == NULL)
		return err_nomem(e);
	r->dir = dir;
	r->o = o;
	r->out = out;
	r->err_out = err_out;
	if (o->since_ms > 0)
		clock_format(o->since_ms, r->since, sizeof(r->since));
	if (o->follow && (watch = open_watch(dir, e)) < 0)
		return watch;
	ret = open_all(dir, f, e);
	if (ret < 0)
		return ret;
	ret = print_all(r, f, e);
	if (ret < 0)
		return ret;
	if (f->n > 0)
		current = TAKE_FD(f->fds[0]);
	if (o->follow)
		ret = follow(r, watch, &current, alive, arg, e);
	if (r->damaged > 0)
		warn("%llu damaged records of the log were left out",
		     (unsigned long long)r->damaged);
	return ret;
}

int log_check(int dir, struct err *e)
{
	struct stat st;
	CLEANUP_FD int fd =
		openat(dir, "log.json",
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, "open log.json");
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at log.json");
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "log.json is not a regular file");
	return 0;
}
