/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journalctl does the work. With a time to begin at, its --lines=N are the first N lines (systemd
 * before 255), so the last N are looked for from the end, and printed from the cursor of the
 * oldest.
 */
#include "cmd/jail/journal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

#define FOLLOW_LOOK_MS 250
#define CURSOR "__CURSOR="
#define TIME "__REALTIME_TIMESTAMP="

/* Return: pid or negative errno; out: its stdout, or -EBADF. */
static pid_t journalctl(const struct strv *args, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0 && out >= 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawnp(&pid, args->v[0], &actions, NULL, args->v, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r == 0 ? pid : -r;
}

static void wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* What a program has written before this is in the journal after it, as it would be in a log of
 * ours: journald may be behind. Without its answer what is there must do. */
static void journal_sync(void)
{
	CLEANUP_STRV struct strv a = { 0 };
	pid_t pid;

	if (strv_add(&a, "journalctl") < 0 || strv_add(&a, "--sync") < 0)
		return;
	pid = journalctl(&a, -EBADF);
	if (pid > 0)
		wait_for(pid);
}

/* The messages of the unit that the instance wrote. */
static bool begin(struct strv *a, const struct jail_name *name, const char *format)
{
	return strv_add(a, "journalctl") == 0 && strv_add(a, "--no-pager") == 0 &&
	       strv_add(a, "--quiet") == 0 && strv_addf(a, "--output=%s", format) == 0 &&
	       strv_addf(a, "_SYSTEMD_UNIT=jail@%s.service", name->s) == 0 &&
	       strv_addf(a, "SYSLOG_IDENTIFIER=jail@%s", name->s) == 0;
}

static bool add_since(struct strv *a, uint64_t ms)
{
	return strv_addf(a, "--since=@%llu.%03llu", (unsigned long long)ms / 1000,
			 (unsigned long long)ms % 1000) == 0;
}

static bool add_count(struct strv *a, uint64_t n)
{
	return strv_addf(a, "--lines=%llu", (unsigned long long)n) == 0;
}

/* Newest first, in the export format: the cursor of the oldest that is not too old. Return: 0, or
 * -ENOENT: there is none. */
static int read_cursor(FILE *in, uint64_t since_ms, char **ret)
{
	CLEANUP_FREE char *line = NULL, *next = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, in)) > 0) {
		struct err ignored = ERR_INIT;
		uint64_t us = 0;

		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (str_starts(line, CURSOR)) {
			free(next);
			next = strdup(line + strlen(CURSOR));
		} else if (str_starts(line, TIME)) {
			if (num_parse_u64(line + strlen(TIME), 0, UINT64_MAX, &us, &ignored) < 0 ||
			    us / 1000 < since_ms)
				break;
			free(*ret);
			*ret = TAKE_PTR(next);
		}
	}
	return *ret ? 0 : -ENOENT;
}

/* Starts it with a pipe to read from. Return: fd or negative errno. */
static int journalctl_open(const struct strv *args, pid_t *ret_pid)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	*ret_pid = journalctl(args, pair[1]);
	(void)close(pair[1]);
	if (*ret_pid < 0)
		(void)close(pair[0]);
	return *ret_pid < 0 ? *ret_pid : pair[0];
}

/* Return: as of read_cursor(). */
static int find_tail(const struct journal_request *q, uint64_t lines, const struct jail_name *name,
		     char **ret)
{
	CLEANUP_STRV struct strv a = { 0 };
	pid_t pid = -1;
	FILE *in;
	int r, fd;

	/* Beside those that every entry has: one field, and none that a program writes. */
	if (!begin(&a, name, "export") || strv_add(&a, "--output-fields=_PID") < 0 ||
	    !add_count(&a, lines) || strv_add(&a, "--reverse") < 0)
		return -ENOMEM;
	fd = journalctl_open(&a, &pid);
	if (fd < 0)
		return fd;
	in = fdopen(fd, "re");
	r = in ? read_cursor(in, q->since_ms, ret) : -ENOMEM;
	if (in)
		(void)fclose(in);
	else
		(void)close(fd);
	wait_for(pid);
	return r;
}

/* The arguments that name what is printed, and where it begins. */
static int choose(const struct journal_request *q, const struct jail_name *name, struct strv *a,
		  struct err *e)
{
	CLEANUP_FREE char *cursor = NULL;
	bool ok = begin(a, name, q->json ? "json" : q->timestamps ? "short-iso" : "cat");
	int r = 0;

	if (q->tail != UINT64_MAX)
		r = find_tail(q, q->tail ? q->tail : 1, name, &cursor);
	if (r < 0 && r != -ENOENT)
		return err_ret(e, r, "find the last lines in the journal");
	if (!cursor)
		ok = ok && add_since(a, q->since_ms);
	else if (q->tail)
		ok = ok && strv_addf(a, "--cursor=%s", cursor) == 0;
	else
		ok = ok && strv_addf(a, "--after-cursor=%s", cursor) == 0;
	if (q->all)
		ok = ok && strv_add(a, "--all") == 0;
	return ok ? 0 : err_nomem(e);
}

/* From the pipe to stdout, without the first *skip bytes. Return: bytes read, 0 at the end. */
static ssize_t forward(int fd, uint64_t *skip, struct err *e)
{
	char data[16384];
	ssize_t n;
	size_t gone;

	do
		n = read(fd, data, sizeof(data));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "read from journalctl");
	gone = *skip < (size_t)n ? (size_t)*skip : (size_t)n;
	*skip -= gone;
	if (fwrite(data + gone, 1, (size_t)n - gone, stdout) != (size_t)n - gone ||
	    fflush(stdout) != 0)
		return err_sys(e, "write");
	return n;
}

/* Prints until the instance has ended and nothing comes. Return: 1 then, 0 nobody reads. */
static int follow_alive(int fd, journal_alive_fn *alive, void *arg, uint64_t *ret_bytes,
			struct err *e)
{
	uint64_t skip = 0;

	for (;;) {
		struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
		bool goes_on = alive(arg);
		int r = poll(p, ARRAY_SIZE(p), FOLLOW_LOOK_MS);
		ssize_t n;

		if (r < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (r > 0 && p[1].revents)
			return 0;
		if (r == 0 && !goes_on)
			return 1;
		if (r <= 0)
			continue;
		n = forward(fd, &skip, e);
		if (n <= 0)
			return n < 0 ? (int)n : err_set(e, EPIPE, "journalctl has ended");
		*ret_bytes += (uint64_t)n;
	}
}

/* journalctl --follow knows no end, and does not say how far it is. So when the instance has ended
 * another one prints the same to its end, of which the first so many bytes are out already. */
static int follow(const struct strv *args, journal_alive_fn *alive, void *arg, struct err *e)
{
	CLEANUP_STRV struct strv a = { 0 };
	CLEANUP_FD int fd = -EBADF;
	uint64_t bytes = 0;
	pid_t pid = -1;
	ssize_t n;
	int r;

	for (size_t i = 0; i < args->n; i++)
		if (strv_add(&a, args->v[i]) < 0)
			return err_nomem(e);
	/* --follow alone shows ten lines. */
	if (strv_add(&a, "--follow") < 0 || strv_add(&a, "--lines=all") < 0)
		return err_nomem(e);
	fd = journalctl_open(&a, &pid);
	if (fd < 0)
		return err_ret(e, TAKE_FD(fd), "execute journalctl");
	r = follow_alive(fd, alive, arg, &bytes, e);
	(void)kill(pid, SIGTERM);
	wait_for(pid);
	if (r <= 0)
		return r;
	fd_reset(&fd);
	journal_sync();
	fd = journalctl_open(args, &pid);
	if (fd < 0)
		return err_ret(e, TAKE_FD(fd), "execute journalctl");
	do
		n = forward(fd, &bytes, e);
	while (n > 0);
	fd_reset(&fd);
	wait_for(pid);
	return (int)n;
}

int journal_print(const struct journal_request *q, const struct jail_name *name,
		  journal_alive_fn *alive, void *arg, struct err *e)
{
	CLEANUP_STRV struct strv a = { 0 };
	int r;

	/* It is ignored here; journalctl is to end with who reads. */
	(void)signal(SIGPIPE, SIG_DFL);
	journal_sync();
	r = choose(q, name, &a, e);
	if (r < 0)
		return r;
	if (q->follow)
		return follow(&a, alive, arg, e);
	(void)execvp(a.v[0], a.v);
	return err_sys(e, "execute journalctl");
}
