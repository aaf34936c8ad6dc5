/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor under every runtime: floor ROOT PROGRAM [ARG...] does what can't be left out and
 * nothing else. One clone3 with the same namespaces as an instance, id maps, the same mounts,
 * pivot_root, exec. No cgroup, no filter, no network, no log. Prints nothing; its status is the
 * program's.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(125, "%s", file);
	close(fd);
}

static void attach(const char *type, const char *target, unsigned long flags, const char *data)
{
	if (mount(type, target, type, flags, data) < 0)
		err(125, "mount %s", target);
}

static void child(const char *root, char **argv, int go)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char byte;

	if (read(go, &byte, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		err(125, "start");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		err(125, "root");
	attach("proc", "proc", safe, NULL);
	attach("sysfs", "sys", safe | MS_RDONLY, NULL);
	attach("tmpfs", "dev", MS_NOSUID, "mode=755");
	if (mkdir("dev/pts", 0755) < 0 || mkdir("dev/shm", 0755) < 0 ||
	    mkdir("dev/mqueue", 0755) < 0)
		err(125, "mkdir");
	attach("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666");
	attach("tmpfs", "dev/shm", safe, "mode=1777");
	attach("mqueue", "dev/mqueue", safe, NULL);
	attach("tmpfs", "run", MS_NOSUID | MS_NODEV, "mode=755");
	attach("tmpfs", "tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		err(125, "pivot_root");
	execv(argv[0], argv);
	err(127, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP | CLONE_NEWUSER,
		.exit_signal = SIGCHLD,
	};
	char file[64];
	int go[2], status;
	pid_t pid;

	if (argc < 3 || pipe2(go, O_CLOEXEC) < 0)
		errx(125, "usage: floor ROOT PROGRAM [ARG...]");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		err(125, "clone3");
	if (pid == 0)
		child(argv[1], argv + 2, go[0]);
	snprintf(file, sizeof(file), "/proc/%d/uid_map", pid);
	put(file, "0 0 65536\n");
	snprintf(file, sizeof(file), "/proc/%d/gid_map", pid);
	put(file, "0 0 65536\n");
	if (write(go[1], "x", 1) != 1 || waitpid(pid, &status, 0) != pid)
		err(125, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
