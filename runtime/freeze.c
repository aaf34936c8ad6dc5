/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freezing with somebody who thaws, see freeze.h. */
#include "runtime/freeze.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define FREEZE_WAIT_MS 10000
#define READY 'r' /* the child is out of reach of what may end us */
#define DONE 'd' /* we have thawed it ourselves */

static uint64_t now_us(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Not in our session, and deaf: what ends us by a terminal, by our process group or, a service
 * that is stopped, by our cgroup leaves it alone. */
static NORETURN void watch(const struct cgroup_tree *tree, const struct jail_name *name, int life)
{
	struct err ignored = ERR_INIT;
	char word = READY;
	sigset_t all;
	ssize_t n;

	(void)setsid();
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)send(life, &word, 1, MSG_NOSIGNAL);
	do
		n = read(life, &word, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1 || word != DONE)
		(void)cgroup_freeze(tree, name, false, FREEZE_WAIT_MS, &ignored);
	_exit(0);
}

static int watch_begin(struct freeze *f, const struct cgroup_tree *tree, struct err *e)
{
	CLEANUP_FD int theirs = -EBADF;
	int pair[2];
	char word = 0;
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	f->life = pair[0];
	theirs = pair[1];
	f->child = fork();
	if (f->child < 0)
		return err_sys(e, "fork");
	if (f->child == 0) {
		fd_reset(&f->life);
		watch(tree, f->name, theirs);
	}
	fd_reset(&theirs); /* or its end would not be seen */
	do
		n = recv(f->life, &word, 1, 0);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : err_set(e, ECHILD, "the child that would let it go on has ended");
}

static void watch_end(struct freeze *f, bool thawed)
{
	const char word = DONE;
	pid_t r;

	if (f->child <= 0)
		return;
	if (thawed)
		(void)send(f->life, &word, 1, MSG_NOSIGNAL);
	fd_reset(&f->life);
	do
		r = waitpid(f->child, NULL, 0);
	while (r < 0 && errno == EINTR);
	f->child = 0;
}

int freeze_begin(struct jail *j, const struct jail_name *name, struct freeze *ret, struct err *e)
{
	struct freeze f CLEANUP_FREEZE = FREEZE_INIT;
	const struct cgroup_tree *tree = instance_tree(j, name, e);
	int r;

	f.j = j;
	f.name = name;
	if (!tree)
		return -e->code;
	f.was_paused = cgroup_is_frozen(tree, name) == 1;
	if (!f.was_paused && (r = watch_begin(&f, tree, e)) < 0)
		return r;
	f.since_us = now_us();
	if (!f.was_paused && (r = cgroup_freeze(tree, name, true, FREEZE_WAIT_MS, e)) < 0)
		return r;
	*ret = f;
	f = FREEZE_INIT;
	return 0;
}

int freeze_end(struct freeze *f, uint64_t *ret_us, struct err *e)
{
	const struct cgroup_tree *tree = instance_tree(f->j, f->name, e);
	bool still = tree && cgroup_is_frozen(tree, f->name) == 1;
	int r = tree ? 0 : -e->code;

	if (tree && !f->was_paused)
		r = cgroup_freeze(tree, f->name, false, FREEZE_WAIT_MS, e);
	*ret_us = now_us() - f->since_us;
	watch_end(f, r >= 0);
	if (r < 0)
		return r;
	if (still)
		return 0;
	(void)err_set(e, EBUSY, "it was resumed, or has ended, in between");
	return err_hint(e, "try again");
}

void freeze_abandon(struct freeze *f)
{
	watch_end(f, false); /* the child thaws */
	fd_reset(&f->life);
}
