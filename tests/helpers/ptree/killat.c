/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	killat [OPTION...] N COMMAND...
 *	killat [OPTION...] count COMMAND...
 *
 * Kills a command, and what it has started, at its N-th system call, which is not done any more.
 * Calls count in the order in which they happen, whichever process makes them, so that a number is
 * a place in the work and no time. Only those count that change something which outlives the
 * process, or start or end one; --all-calls: all; --renames: only those by which something
 * appears, disappears or is renamed. --one: only the process that makes the call is killed, and
 * the others go on without a tracer.
 *
 * --to-the-end: what outlives the command is followed too, until it has ended. --also PID: so is
 * this process, which runs already; may be given several times. --only FILE: of the calls only
 *those count that are made by this program.
 *
 * count: says on stdout how many there are. Status: the command's, 137 when it was killed.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ptree.h"

static const long renames[] = { SYS_rename, SYS_renameat,  SYS_renameat2, SYS_link,
				SYS_linkat, SYS_symlinkat, SYS_unlink,	  SYS_unlinkat };
static const long changes[] = {
	SYS_write,
	SYS_writev,
	SYS_pwrite64,
	SYS_copy_file_range,
	SYS_sendfile,
	SYS_splice,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_mkdir,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_symlink,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_fremovexattr,
	SYS_utimensat,
	SYS_fsync,
	SYS_fdatasync,
	SYS_syncfs,
	SYS_flock,
	SYS_mount,
	SYS_umount2,
	SYS_move_mount,
	SYS_fsmount,
	SYS_open_tree,
	SYS_mount_setattr,
	SYS_pivot_root,
	SYS_clone,
	SYS_clone3,
	SYS_fork,
	SYS_vfork,
	SYS_execve,
	SYS_execveat,
	SYS_exit_group,
	SYS_kill,
	SYS_pidfd_send_signal,
	SYS_unshare,
	SYS_setns,
	SYS_sendto,
	SYS_sendmsg,
	SYS_ioctl,
};

static enum { CHANGES, RENAMES, ALL } which = CHANGES;
static enum ptree_do how = PTREE_KILL_ALL;
static unsigned long wanted, seen;
static bool done;
static struct stat only; /* st_ino 0: whoever it is */

static bool has(const long *v, size_t n, uint64_t nr)
{
	for (size_t i = 0; i < n; i++)
		if ((uint64_t)v[i] == nr)
			return true;
	return false;
}
#define HAS(v, nr) has(v, sizeof(v) / sizeof((v)[0]), nr)

static bool creates(const struct ptree_call *c)
{
	uint64_t flags;

	if (c->nr == SYS_creat)
		return true;
	if (c->nr == SYS_openat2)
		return ptree_bytes(c->pid, c->args[2], &flags, sizeof(flags)) && (flags & O_CREAT);
	return c->nr == SYS_openat ? c->args[2] & O_CREAT
				   : c->nr == SYS_open && c->args[1] & O_CREAT;
}

/* By the file, since in a mount namespace of its own a program has any path. */
static bool is_of_interest(pid_t pid)
{
	char path[32];
	struct stat st;

	if (!only.st_ino)
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat(path, &st) == 0 && st.st_dev == only.st_dev && st.st_ino == only.st_ino;
}

static bool counts(const struct ptree_call *c)
{
	return which == ALL || HAS(renames, c->nr) ||
	       (which == CHANGES && (HAS(changes, c->nr) || creates(c)));
}

static enum ptree_do at_call(const struct ptree_call *c, void *arg)
{
	(void)arg;
	if (!c->entry || done || !counts(c) || !is_of_interest(c->pid))
		return PTREE_GO;
	seen++;
	done = wanted && seen == wanted;
	return done ? how : PTREE_GO;
}

static int options(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--one") == 0)
			how = PTREE_KILL_ONE_LET_GO;
		else if (strcmp(argv[i], "--renames") == 0)
			which = RENAMES;
		else if (strcmp(argv[i], "--all-calls") == 0)
			which = ALL;
		else if (strcmp(argv[i], "--to-the-end") == 0)
			ptree_to_the_end = true;
		else if (strcmp(argv[i], "--also") == 0 && i + 1 < argc)
			ptree_also((pid_t)strtol(argv[++i], NULL, 10));
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc &&
			 stat(argv[i + 1], &only) == 0)
			i++;
		else
			errx(125, "%s: no such option, or no such file", argv[i]);
	}
	return i;
}

int main(int argc, char **argv)
{
	int i = options(argc, argv), status;

	if (argc - i < 2)
		errx(125, "usage: killat [OPTION...] N|count COMMAND...");
	if (strcmp(argv[i], "count") != 0 && (wanted = strtoul(argv[i], NULL, 10)) == 0)
		errx(125, "%s: no number of a call", argv[i]);
	status = ptree_run(argv + i + 1, at_call, NULL);
	if (!wanted)
		(void)printf("%lu\n", seen);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
