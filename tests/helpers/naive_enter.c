/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	naive_enter PID PROGRAM [ARG...]
 *
 * Enters an instance as the first runtimes did: the positive control of rows 1, 2, 3 and 7. It
 * keeps every descriptor, its environment, its working directory and all capabilities, stays
 * dumpable, runs from its own file, and does some work between becoming visible and executing.
 * What the tests assert of jail's exec must fail for this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	(void)fprintf(stderr, "naive_enter: %s: %s\n", what, strerror(errno));
	_exit(125);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int type;
	} namespaces[] = {
		{ "ipc", CLONE_NEWIPC },       { "uts", CLONE_NEWUTS }, { "net", CLONE_NEWNET },
		{ "cgroup", CLONE_NEWCGROUP }, { "pid", CLONE_NEWPID }, { "mnt", CLONE_NEWNS },
	};
	const size_t n = sizeof(namespaces) / sizeof(namespaces[0]);
	int fds[sizeof(namespaces) / sizeof(namespaces[0])];
	int status = 0, cwd = open(".", O_RDONLY | O_DIRECTORY);
	pid_t pid;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: naive_enter PID PROGRAM [ARG...]\n");
		return 64;
	}
	for (size_t i = 0; i < n; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s", argv[1], namespaces[i].name);
		fds[i] = open(path, O_RDONLY);
		if (fds[i] < 0)
			die(path);
	}
	for (size_t i = 0; i < n; i++)
		if (setns(fds[i], namespaces[i].type) < 0)
			die(namespaces[i].name);
	/* setns(2) to a mount namespace moves to its root; a "helpful" runtime restores. */
	if (fchdir(cwd) < 0)
		die("fchdir");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		(void)usleep(20000);
		(void)execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
