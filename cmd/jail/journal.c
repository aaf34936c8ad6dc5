/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journalctl does the work. With a time to begin at, its --lines=N are the first N lines (systemd
 * before 255), so the last N are looked for from the end, and printed from the cursor of the
 * oldest.
 */
#include "cmd/jail/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

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

/* Return: as above. */
static int find_tail(const struct journal_request *q, const struct jail_name *name, char **ret)
{
	CLEANUP_STRV struct strv a = { 0 };
	int pair[2], r;
	pid_t pid;
	FILE *in;

	/* Beside those that every entry has: one field, and none that a program writes. */
	if (!begin(&a, name, "export") || strv_add(&a, "--output-fields=_PID") < 0 ||
	    !add_count(&a, q->tail) || strv_add(&a, "--reverse") < 0)
		return -ENOMEM;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	pid = journalctl(&a, pair[1]);
	(void)close(pair[1]);
	in = fdopen(pair[0], "re");
	r = pid < 0 ? pid : !in ? -ENOMEM : read_cursor(in, q->since_ms, ret);
	if (in)
		(void)fclose(in);
	else
		(void)close(pair[0]);
	if (pid > 0)
		wait_for(pid);
	return r;
}

int journal_print(const struct journal_request *q, const struct jail_name *name, struct err *e)
{
	CLEANUP_STRV struct strv a = { 0 };
	CLEANUP_FREE char *cursor = NULL;
	bool ok = begin(&a, name, q->json ? "json" : q->timestamps ? "short-iso" : "cat");
	int r = 0;

	/* It is ignored here; journalctl is to end with who reads. */
	(void)signal(SIGPIPE, SIG_DFL);
	journal_sync();
	if (q->tail != UINT64_MAX && q->tail > 0)
		r = find_tail(q, name, &cursor);
	if (r < 0 && r != -ENOENT)
		return err_ret(e, r, "find the last lines in the journal");
	if (cursor)
		ok = ok && strv_addf(&a, "--cursor=%s", cursor) == 0;
	else
		ok = ok && add_since(&a, q->since_ms);
	/* --follow alone shows ten lines. */
	if (q->tail == 0)
		ok = ok && add_count(&a, 0);
	else if (q->follow)
		ok = ok && strv_add(&a, "--lines=all") == 0;
	if (q->follow)
		ok = ok && strv_add(&a, "--follow") == 0;
	if (q->all)
		ok = ok && strv_add(&a, "--all") == 0;
	if (!ok)
		return err_nomem(e);
	(void)execvp(a.v[0], a.v);
	return err_sys(e, "execute journalctl");
}
