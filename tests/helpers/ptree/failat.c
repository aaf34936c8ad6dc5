/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	failat [--stays] [--no-memory] N COMMAND...
 *	failat [--no-memory] count COMMAND...
 *
 * Runs a command, and the N-th error that the kernel could have given it, or a program of ours that
 * it has started, happens: the call is not done. Errors count in the order of the calls, whichever
 * process makes them, and of one call in the order of the table below; so a number is a place in
 * the work. What runs inside of an instance doesn't count, nor the dynamic
 * loader. --stays: from then on every call fails
 * that can fail with this errno, as on a disk that is full. --no-memory: without mmap(2), where a
 * sanitizer's run time gives up.
 *
 * Says on stderr, as "failat: ...", what has failed; count: on stdout, how many there are. Status:
 * the command's.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ptree.h"

#define ERRORS_MAX 4
#define PIDS (1 << 22) /* the kernel's maximum */

/* On what a call must be made to count. */
enum on {
	ANYTHING,
	A_FILE, /* its first argument: a file or directory of a file system, not stdin to stderr */
	MEMORY, /* not of a file */
	NEW_FILE, /* O_CREAT */
	OLD_FILE, /* not that */
	NEW_FD, /* a command of fcntl(2) that makes one */
};

struct fallible {
	long nr;
	const char *name;
	enum on on;
	int errors[ERRORS_MAX];
};
#define CALL(name, ...)                                                                            \
	{                                                                                          \
		SYS_##name, #name, __VA_ARGS__                                                     \
	}
#define NEW_ERRORS                                                                                 \
	{                                                                                          \
		ENOSPC, EMFILE, EIO, ENOMEM                                                        \
	}
#define OLD_ERRORS                                                                                 \
	{                                                                                          \
		EMFILE, EIO, ENOMEM                                                                \
	}
#define FD_ERRORS                                                                                  \
	{                                                                                          \
		EMFILE, ENOMEM                                                                     \
	}
#define DISK_ERRORS                                                                                \
	{                                                                                          \
		ENOSPC, EIO                                                                        \
	}
#define IO_ERROR                                                                                   \
	{                                                                                          \
		EIO                                                                                \
	}
#define MEMORY_ERROR                                                                               \
	{                                                                                          \
		ENOMEM                                                                             \
	}
static const struct fallible table[] = {
	CALL(open, NEW_FILE, NEW_ERRORS),
	CALL(open, OLD_FILE, OLD_ERRORS),
	CALL(openat, NEW_FILE, NEW_ERRORS),
	CALL(openat, OLD_FILE, OLD_ERRORS),
	CALL(openat2, NEW_FILE, NEW_ERRORS),
	CALL(openat2, OLD_FILE, OLD_ERRORS),
	CALL(socket, ANYTHING, FD_ERRORS),
	CALL(socketpair, ANYTHING, FD_ERRORS),
	CALL(accept4, ANYTHING, FD_ERRORS),
	CALL(pipe2, ANYTHING, FD_ERRORS),
	CALL(memfd_create, ANYTHING, FD_ERRORS),
	CALL(eventfd2, ANYTHING, FD_ERRORS),
	CALL(signalfd4, ANYTHING, FD_ERRORS),
	CALL(timerfd_create, ANYTHING, FD_ERRORS),
	CALL(epoll_create1, ANYTHING, FD_ERRORS),
	CALL(inotify_init1, ANYTHING, FD_ERRORS),
	CALL(inotify_add_watch, ANYTHING, { ENOSPC, ENOMEM }),
	CALL(pidfd_open, ANYTHING, FD_ERRORS),
	CALL(fcntl, NEW_FD, { EMFILE }),
	CALL(read, A_FILE, IO_ERROR),
	CALL(pread64, A_FILE, IO_ERROR),
	CALL(getdents64, A_FILE, IO_ERROR),
	CALL(readlink, ANYTHING, IO_ERROR),
	CALL(readlinkat, ANYTHING, IO_ERROR),
	CALL(statx, ANYTHING, IO_ERROR),
	CALL(newfstatat, ANYTHING, IO_ERROR),
	CALL(faccessat, ANYTHING, IO_ERROR),
	CALL(faccessat2, ANYTHING, IO_ERROR),
	CALL(write, A_FILE, DISK_ERRORS),
	CALL(writev, A_FILE, DISK_ERRORS),
	CALL(pwrite64, A_FILE, DISK_ERRORS),
	CALL(copy_file_range, ANYTHING, DISK_ERRORS),
	CALL(sendfile, ANYTHING, DISK_ERRORS),
	CALL(ftruncate, A_FILE, DISK_ERRORS),
	CALL(fallocate, A_FILE, DISK_ERRORS),
	CALL(fsync, A_FILE, DISK_ERRORS),
	CALL(fdatasync, A_FILE, DISK_ERRORS),
	CALL(syncfs, A_FILE, DISK_ERRORS),
	CALL(mkdir, ANYTHING, DISK_ERRORS),
	CALL(mkdirat, ANYTHING, DISK_ERRORS),
	CALL(mknodat, ANYTHING, DISK_ERRORS),
	CALL(symlinkat, ANYTHING, DISK_ERRORS),
	CALL(linkat, ANYTHING, DISK_ERRORS),
	CALL(rename, ANYTHING, DISK_ERRORS),
	CALL(renameat, ANYTHING, DISK_ERRORS),
	CALL(renameat2, ANYTHING, DISK_ERRORS),
	CALL(unlink, ANYTHING, IO_ERROR),
	CALL(unlinkat, ANYTHING, IO_ERROR),
	CALL(rmdir, ANYTHING, IO_ERROR),
	CALL(fchmod, A_FILE, DISK_ERRORS),
	CALL(fchmodat, ANYTHING, DISK_ERRORS),
	CALL(fchown, A_FILE, DISK_ERRORS),
	CALL(fchownat, ANYTHING, DISK_ERRORS),
	CALL(fsetxattr, A_FILE, DISK_ERRORS),
	CALL(lsetxattr, ANYTHING, DISK_ERRORS),
	CALL(fremovexattr, A_FILE, DISK_ERRORS),
	CALL(utimensat, ANYTHING, DISK_ERRORS),
	CALL(bind, ANYTHING, { ENOMEM, ENOSPC }),
	CALL(sendto, ANYTHING, MEMORY_ERROR),
	CALL(sendmsg, ANYTHING, MEMORY_ERROR),
	CALL(recvmsg, ANYTHING, MEMORY_ERROR),
	CALL(mount, ANYTHING, MEMORY_ERROR),
	CALL(umount2, ANYTHING, MEMORY_ERROR),
	CALL(fsopen, ANYTHING, FD_ERRORS),
	CALL(fsconfig, ANYTHING, MEMORY_ERROR),
	CALL(fsmount, ANYTHING, FD_ERRORS),
	CALL(open_tree, ANYTHING, FD_ERRORS),
	CALL(move_mount, ANYTHING, MEMORY_ERROR),
	CALL(mount_setattr, ANYTHING, MEMORY_ERROR),
	CALL(pivot_root, ANYTHING, MEMORY_ERROR),
	CALL(unshare, ANYTHING, { ENOMEM, ENOSPC }),
	CALL(setns, ANYTHING, MEMORY_ERROR),
	CALL(clone, ANYTHING, MEMORY_ERROR),
	CALL(clone3, ANYTHING, { ENOMEM, ENOSPC }),
	CALL(fork, ANYTHING, MEMORY_ERROR),
	CALL(vfork, ANYTHING, MEMORY_ERROR),
	CALL(execve, ANYTHING, { ENOMEM, EIO }),
	CALL(execveat, ANYTHING, { ENOMEM, EIO }),
	CALL(ioctl, ANYTHING, MEMORY_ERROR),
	CALL(bpf, ANYTHING, MEMORY_ERROR),
	CALL(seccomp, ANYTHING, MEMORY_ERROR),
	CALL(keyctl, ANYTHING, MEMORY_ERROR),
	CALL(setuid, ANYTHING, MEMORY_ERROR),
	CALL(setresuid, ANYTHING, MEMORY_ERROR),
	CALL(setresgid, ANYTHING, MEMORY_ERROR),
	CALL(setgroups, ANYTHING, MEMORY_ERROR),
	CALL(capset, ANYTHING, MEMORY_ERROR),
	CALL(mmap, MEMORY, MEMORY_ERROR),
};

static unsigned long wanted, seen;
static int failing; /* the errno that stays */
static bool happened, stays, no_memory;

static bool is_a_file(pid_t pid, uint64_t fd)
{
	char path[64];
	struct stat st;

	if (fd <= STDERR_FILENO)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)fd);
	return stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static bool makes_file(const struct ptree_call *c)
{
	uint64_t flags = 0;

	if (c->nr == SYS_open)
		flags = c->args[1];
	else if (c->nr == SYS_openat)
		flags = c->args[2];
	else if (!ptree_bytes(c->pid, c->args[2], &flags, sizeof(flags)))
		return false;
	return flags & O_CREAT;
}

static bool matches(const struct ptree_call *c, enum on on)
{
	switch (on) {
	case ANYTHING:
		return true;
	case A_FILE:
		return is_a_file(c->pid, c->args[0]);
	case MEMORY:
		return !no_memory && c->args[3] & MAP_ANONYMOUS && c->args[2] & PROT_WRITE;
	case NEW_FILE:
		return makes_file(c);
	case OLD_FILE:
		return !makes_file(c);
	case NEW_FD:
		return c->args[1] == F_DUPFD || c->args[1] == F_DUPFD_CLOEXEC;
	}
	return false;
}

static const struct fallible *find(const struct ptree_call *c)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((uint64_t)table[i].nr == c->nr && matches(c, table[i].on))
			return &table[i];
	return NULL;
}

/* On what: a path among its arguments, or the file behind its descriptor. */
static void describe(const struct ptree_call *c, enum on on, char *ret, size_t n)
{
	char path[64];
	ssize_t len;

	for (int i = 1; i >= 0 && on != A_FILE; i--)
		if (ptree_string(c->pid, c->args[i], ret, n) && ret[0])
			return;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", c->pid, (int)c->args[0]);
	len = readlink(path, ret, n - 1);
	ret[len < 0 ? 0 : len] = '\0';
}

/* A program of ours: what it is called, or NULL. */
static const char *program(pid_t pid)
{
	static char target[4096];
	char path[64], *name;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	/* The root of a mount of just that file (runtime/sealed.c, jail-init). */
	if (strcmp(target, "/") == 0)
		return "jail";
	name = strrchr(target, '/');
	return name && strncmp(name, "/jail", 5) == 0 ? name + 1 : NULL;
}

static enum ptree_do fail(const struct ptree_call *c, const struct fallible *f, int error)
{
	char thing[512];

	if (!happened) {
		describe(c, f->on, thing, sizeof(thing));
		warnx("%s of %s (%s): %s", f->name, program(c->pid), thing, strerror(error));
	}
	happened = true;
	failing = error;
	*c->error = error;
	return PTREE_FAIL;
}

/* Between execve(2) and the end of the dynamic loader, which is about to set up its thread. */
static bool is_loading(const struct ptree_call *c)
{
	static bool loading[PIDS];
	bool *now = &loading[c->pid % PIDS];

	if ((c->nr == SYS_execve || c->nr == SYS_execveat) && !c->entry)
		*now = c->result == 0;
	if (c->nr == SYS_arch_prctl || c->nr == SYS_exit_group)
		*now = false;
	return *now;
}

static enum ptree_do at_call(const struct ptree_call *c, void *arg)
{
	const struct fallible *f;

	(void)arg;
	if (is_loading(c) || !c->entry || (happened && !stays) || !(f = find(c)) ||
	    !program(c->pid))
		return PTREE_GO;
	/* Or one process could not tell the other what is wrong. */
	if (happened && (c->nr == SYS_sendmsg || c->nr == SYS_recvmsg))
		return PTREE_GO;
	for (size_t i = 0; i < ERRORS_MAX && f->errors[i]; i++) {
		seen++;
		if (happened ? f->errors[i] == failing : wanted && seen == wanted)
			return fail(c, f, f->errors[i]);
	}
	return PTREE_GO;
}

int main(int argc, char **argv)
{
	int i = 1, status;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--stays") == 0)
			stays = true;
		else if (strcmp(argv[i], "--no-memory") == 0)
			no_memory = true;
		else
			errx(125, "%s: no such option", argv[i]);
	}
	if (argc - i < 2)
		errx(125, "usage: failat [--stays] [--no-memory] N|count COMMAND...");
	if (strcmp(argv[i], "count") != 0 && (wanted = strtoul(argv[i], NULL, 10)) == 0)
		errx(125, "%s: no number of an error", argv[i]);
	status = ptree_run(argv + i + 1, at_call, NULL);
	if (!wanted)
		(void)printf("%lu\n", seen);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
