/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hoard KIND [hold]: takes as many as it gets of what no cgroup counts, and says "N ERROR" for how
 * many there were and what the next one was told. With "hold" it keeps them until it is killed.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>

#include "probe.h"

#define MANY 2000000

static long take_inotify(long i)
{
	(void)i;
	return inotify_init1(IN_CLOEXEC);
}

static long take_pty(long i)
{
	(void)i;
	return open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static long take_file(long i)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/dev/shm/%ld", i);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? fd : close(fd);
}

static long take_queue(long i)
{
	struct mq_attr small = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	char name[64];
	mqd_t queue;

	(void)snprintf(name, sizeof(name), "/hoard%ld", i);
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &small);
	return queue < 0 ? queue : close(queue);
}

/* A signal that is queued and never taken. */
static long take_signal(long i)
{
	union sigval value = { .sival_int = (int)i };

	return sigqueue(getpid(), SIGRTMIN, value);
}

static long take_key(long i)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "hoard%ld", i);
	return syscall(SYS_add_key, "user", name, "x", 1, -2 /* of the process */);
}

/* The last of a chain: each is inside the one before, so it is for the kernel's count alone. */
static long take_ipc(long i)
{
	int hold[2];
	pid_t pid;
	char ok = 0;

	(void)i;
	if (pipe(hold) < 0)
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		(void)close(hold[0]);
		if (unshare(CLONE_NEWIPC) < 0)
			_exit(errno);
		(void)write(hold[1], "y", 1);
		(void)close(hold[1]);
		for (;;)
			(void)pause();
	}
	(void)close(hold[1]);
	if (read(hold[0], &ok, 1) != 1)
		errno = ENOSPC;
	(void)close(hold[0]);
	return ok == 'y' ? 0 : -1;
}

int verb_hoard(int argc, char **argv)
{
	static const struct {
		const char *name;
		long (*take)(long i);
	} kinds[] = {
		{ "inotify", take_inotify }, { "pty", take_pty },	{ "file", take_file },
		{ "queue", take_queue },     { "signal", take_signal }, { "key", take_key },
		{ "ipc", take_ipc },
	};
	struct rlimit files;
	sigset_t set;
	size_t kind = 0;
	long n = 0;

	while (kind < COUNT(kinds) && (argc < 1 || strcmp(argv[0], kinds[kind].name) != 0))
		kind++;
	if (kind == COUNT(kinds))
		usage();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGRTMIN);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	while (n < MANY && kinds[kind].take(n) >= 0)
		n++;
	(void)printf("%ld %s\n", n, n < MANY ? error_name(errno) : "none");
	(void)fflush(stdout);
	while (argc > 1)
		(void)pause();
	return 0;
}
