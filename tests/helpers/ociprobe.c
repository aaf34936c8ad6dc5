// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a container's process sees of itself that no program of busybox shows. Each subcommand
 * prints one line; tests/oci compares it. Static, since it runs in images without a library.
 *
 *     syscall NR [ARG...]   the raw call: "0" (any success) or "errno N"
 *     sched                 "POLICY nice N priority N flags N runtime N deadline N period N"
 *     mempolicy             "MODE NODES", as numbers
 *     keyring               description of the session keyring, "SERIAL TYPE;UID;GID;PERM;NAME"
 *     fds                   descriptors above 2 but the one that reads, each "N:TARGET"
 *     args ARG...           argv, each in brackets
 *     dumpable              of this process
 *     signals               the ignored and the blocked, as masks
 *     open PATH FLAGS       "ok" or "errno N"; r, w, c (creates), t (truncates)
 *     mknod PATH b|c MAJOR MINOR
 *     winsize               "ROWS COLS" of stdin
 *     oflag                 whether ONLCR is set on stdin
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static int result(long r)
{
	if (r < 0)
		printf("errno %d\n", errno);
	else
		puts("0");
	return 0;
}

static int do_syscall(int n, char **arg)
{
	unsigned long a[7] = { 0 };

	for (int i = 0; i < n && i < 7; i++)
		a[i] = strtoul(arg[i], NULL, 0);
	return result(syscall((long)a[0], a[1], a[2], a[3], a[4], a[5], a[6]));
}

static int do_sched(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} a = { 0 };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) < 0)
		return result(-1);
	printf("%u nice %d priority %u flags %llu runtime %llu deadline %llu period %llu\n",
	       a.policy, a.nice, a.priority, (unsigned long long)a.flags,
	       (unsigned long long)a.runtime, (unsigned long long)a.deadline,
	       (unsigned long long)a.period);
	return 0;
}

static int do_mempolicy(void)
{
	unsigned long nodes[16] = { 0 };
	int mode = 0;

	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, NULL, 0) < 0)
		return result(-1);
	printf("%d %lu\n", mode, nodes[0]);
	return 0;
}

static int do_keyring(void)
{
	char text[256] = "";
	long id = syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* the session's */, 0);

	if (id < 0 || syscall(SYS_keyctl, 6 /* KEYCTL_DESCRIBE */, id, text, sizeof text) < 0)
		return result(-1);
	printf("%ld %s\n", id, text);
	return 0;
}

static int do_fds(void)
{
	char target[4096];
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!dir)
		return result(-1);
	while ((entry = readdir(dir))) {
		ssize_t n;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) < 3 ||
		    atoi(entry->d_name) == dirfd(dir))
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		printf("%s:%.*s\n", entry->d_name, (int)(n < 0 ? 0 : n), target);
	}
	return 0;
}

static int do_signals(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "SigIgn", 6) || !strncmp(line, "SigBlk", 6))
			fputs(line, stdout);
	return 0;
}

static int do_open(const char *path, const char *how)
{
	int flags = strchr(how, 'w') ? (strchr(how, 'r') ? O_RDWR : O_WRONLY) : O_RDONLY;

	if (strchr(how, 'c'))
		flags |= O_CREAT;
	if (strchr(how, 't'))
		flags |= O_TRUNC;
	if (open(path, flags | O_NONBLOCK | O_CLOEXEC, 0600) < 0)
		return result(-1);
	puts("ok");
	return 0;
}

static int do_mknod(char **arg)
{
	return result(mknod(arg[0], (arg[1][0] == 'b' ? S_IFBLK : S_IFCHR) | 0600,
			    makedev((unsigned)atoi(arg[2]), (unsigned)atoi(arg[3]))));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct winsize size;
	struct termios tio;

	if (!strcmp(what, "syscall") && argc > 2)
		return do_syscall(argc - 2, argv + 2);
	if (!strcmp(what, "sched"))
		return do_sched();
	if (!strcmp(what, "mempolicy"))
		return do_mempolicy();
	if (!strcmp(what, "keyring"))
		return do_keyring();
	if (!strcmp(what, "fds"))
		return do_fds();
	if (!strcmp(what, "dumpable"))
		return printf("%d\n", prctl(PR_GET_DUMPABLE)) < 0;
	if (!strcmp(what, "signals"))
		return do_signals();
	if (!strcmp(what, "open") && argc == 4)
		return do_open(argv[2], argv[3]);
	if (!strcmp(what, "mknod") && argc == 6)
		return do_mknod(argv + 2);
	if (!strcmp(what, "winsize"))
		return ioctl(0, TIOCGWINSZ, &size) < 0
			       ? result(-1)
			       : printf("%d %d\n", size.ws_row, size.ws_col) < 0;
	if (!strcmp(what, "oflag"))
		return tcgetattr(0, &tio) < 0 ? result(-1)
					      : puts(tio.c_oflag & ONLCR ? "onlcr" : "-onlcr") < 0;
	if (!strcmp(what, "args")) {
		for (int i = 0; i < argc; i++)
			printf("[%s]", argv[i]);
		putchar('\n');
		return 0;
	}
	fprintf(stderr, "ociprobe: what?\n");
	return 2;
}
