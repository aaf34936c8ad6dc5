/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Id maps of several ranges (user_namespaces(7)). A map can be written once, with one write(2) of
 * less than a page, and is read back: a map that isn't what was asked for would show up much later,
 * as files of somebody else.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/str.h"
#include "base/sys.h"
#include "namespaces/bundle.h"
#include "namespaces/procfd.h"

#define MAP_TEXT_MAX 4096 /* map_write() of the kernel: less than a page */
#define MAP_LINE_MAX 40 /* three numbers of ten digits, as the kernel prints them, and more */

static int map_open(pid_t pid, const char *file, int flags, struct err *e)
{
	char path[64];
	int fd;

	(void)str_format(path, sizeof(path), "%d/%s", (int)pid, file);
	fd = procfd_open(path, flags);
	return fd < 0 ? err_ret(e, fd, "open /proc/%s", path) : fd;
}

static int map_format(char *text, const struct id_mapping *maps, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int r = str_format(text + len, MAP_TEXT_MAX - len,
				   "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", maps[i].inside,
				   maps[i].outside, maps[i].count);

		if (r < 0)
			return r;
		len += (size_t)r;
	}
	return (int)len;
}

/* The kernel sorts more than five ranges by their inside ids, so each is looked for. */
static bool map_has(const char *text, const struct id_mapping *m)
{
	char line[MAP_LINE_MAX];
	int n = str_format(line, sizeof(line), "%10" PRIu32 " %10" PRIu32 " %10" PRIu32 "\n",
			   m->inside, m->outside, m->count);
	const char *at = n < 0 ? NULL : strstr(text, line);

	return at && (at == text || at[-1] == '\n');
}

static int map_verify(int fd, const char *file, const struct id_mapping *maps, size_t n,
		      struct err *e)
{
	CLEANUP_FREE char *text = malloc(n * MAP_LINE_MAX + 2);
	size_t len = 0;
	ssize_t got = 1;

	if (!text)
		return err_nomem(e);
	while (got > 0 && len < n * MAP_LINE_MAX) {
		got = pread(fd, text + len, n * MAP_LINE_MAX - len, (off_t)len);
		if (got < 0)
			return err_sys(e, "read back %s", file);
		len += (size_t)got;
	}
	text[len] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (!map_has(text, &maps[i]))
			return err_set(e, EIO, "%s does not read back as written", file);
	}
	return 0;
}

static int map_write(pid_t pid, const char *file, const struct id_mapping *maps, size_t n,
		     struct err *e)
{
	char text[MAP_TEXT_MAX];
	CLEANUP_FD int fd = map_open(pid, file, O_RDWR, e);
	int len = map_format(text, maps, n);

	if (fd < 0)
		return -e->code;
	if (len < 0)
		return err_set(e, E2BIG, "%s: %zu ranges are too many", file, n);
	if (write(fd, text, (size_t)len) != len) {
		int r = err_sys(e, "write %s", file);

		return r == -EPERM ? err_hint(e, "without privileges only one id, one's own, can "
						 "be mapped")
				   : r;
	}
	return map_verify(fd, file, maps, n, e);
}

static int map_deny_setgroups(pid_t pid, struct err *e)
{
	CLEANUP_FD int fd = map_open(pid, "setgroups", O_WRONLY, e);

	if (fd < 0)
		return -e->code;
	return write(fd, "deny", 4) != 4 ? err_sys(e, "write setgroups") : 0;
}

int id_mappings_write(pid_t pid, const struct id_mappings *maps, struct err *e)
{
	struct err first = ERR_INIT;

	if (maps->n_uids && map_write(pid, "uid_map", maps->uids, maps->n_uids, e) < 0)
		return -e->code;
	if (!maps->n_gids || map_write(pid, "gid_map", maps->gids, maps->n_gids, &first) == 0)
		return 0;
	if (first.code == EPERM && map_deny_setgroups(pid, &(struct err){ 0 }) == 0)
		return map_write(pid, "gid_map", maps->gids, maps->n_gids, e);
	*e = first;
	return -e->code;
}

uint32_t id_mappings_to_host(const struct id_mapping *maps, size_t n, uint32_t inside)
{
	for (size_t i = 0; i < n; i++) {
		if (inside >= maps[i].inside && inside - maps[i].inside < maps[i].count)
			return maps[i].outside + (inside - maps[i].inside);
	}
	return (uint32_t)-1;
}

/* The helper does nothing: it is there for the namespace to be there. */
static pid_t holder_start(int *ret_pidfd, struct err *e)
{
	struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_PIDFD,
				   .pidfd = (uint64_t)(uintptr_t)ret_pidfd };
	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			_exit(1);
		for (;;)
			(void)pause();
	}
	if (pid < 0) {
		int r = err_sys(e, "make a user namespace");

		return r == -ENOSPC ? err_hint(e, "raise user.max_user_namespaces") : r;
	}
	return pid;
}

int id_mappings_namespace(const struct id_mappings *maps, struct err *e)
{
	CLEANUP_FD int pidfd = -EBADF, fd = -EBADF;
	pid_t pid = holder_start(&pidfd, e);
	int r;

	if (pid < 0)
		return -e->code;
	r = id_mappings_write(pid, maps, e);
	if (r >= 0)
		fd = r = map_open(pid, "ns/user", O_RDONLY, e);
	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return r < 0 ? err_wrap(e, "id mappings") : TAKE_FD(fd);
}
