/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process whose namespaces a copy joins. For an instance that is down one is made: it mounts
 * what a start would mount, in namespaces of its own, and waits; nothing of the image runs, and the
 * host's mount table stays as it is. It ends with the command, and dies with us.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/copy_priv.h"
#include "runtime/disk.h"
#include "runtime/process.h"

#define HOLD_NAMESPACES                                                                            \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP)

/* In a user namespace of its own all of its files are its root's to give, whatever capabilities the
 * spec leaves to programs. With the host's ids those are the limit. */
static void join_as(struct copy_target *t, const struct jail_spec *spec)
{
	bool own = spec->security.user_namespace == SPEC_USERNS_AUTO;

	t->namespaces = CLONE_NEWNS | (own ? CLONE_NEWUSER : 0);
	t->capabilities = own ? UINT64_MAX : spec_capabilities(spec);
}

/* The holder's mounts. */
static int hold(const struct rootfs_spec *root, int sock, struct err *e)
{
	struct rootfs_kit kit = { .n = 0 };
	int master = -EBADF, peer = -EBADF;
	char go;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "prctl");
	if (recv(sock, &go, 1, 0) != 1)
		return err_set(e, ECANCELED, "jail gave up");
	if (ns_become_root(e) < 0 || rootfs_begin(root, &kit, e) < 0 ||
	    rootfs_kit_recv(sock, &kit, e) < 0 || rootfs_enter(root, &kit, &master, &peer, e) < 0)
		return -e->code;
	return 0;
}

static NORETURN void hold_main(const struct rootfs_spec *root, int sock)
{
	struct err e = ERR_INIT;
	char end;
	int r = hold(root, sock, &e);

	(void)send(sock, &e, sizeof(e), MSG_NOSIGNAL);
	if (r == 0)
		(void)recv(sock, &end, 1, 0); /* until nobody holds the other end */
	_exit(0);
}

static int hold_clone(struct copy_target *t, struct err *e)
{
	const struct id_range *ids = &t->launch.meta.ids;
	struct start *s = &t->start;
	const struct ns_clone c = {
		.namespaces = HOLD_NAMESPACES | t->namespaces,
		.cgroup_fd = -EBADF,
		.owner_uid = ids->count ? ids->first : 0,
	};
	CLEANUP_FD int theirs = -EBADF;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	s->sock = pair[0];
	theirs = pair[1];
	s->pid = ns_clone(&c, &s->pidfd, e);
	if (s->pid == 0) {
		fd_reset(&s->sock);
		hold_main(&s->root, theirs);
	}
	return s->pid < 0 ? s->pid : 0;
}

static int hold_build(struct copy_target *t, struct err *e)
{
	struct rootfs_kit kit = { .n = 0 };
	struct start *s = &t->start;
	struct err said;
	int r = t->launch.meta.ids.count ? idmap_write(s->pid, &t->launch.meta.ids, e) : 0;

	if (r < 0)
		return err_wrap(e, "id map");
	if (send(s->sock, "g", 1, MSG_NOSIGNAL) != 1)
		return err_sys(e, "the process that holds its mounts has ended");
	r = rootfs_build(&s->root, s->pidfd, &kit, e);
	if (r == 0)
		r = rootfs_kit_send(s->sock, &kit, e);
	rootfs_kit_close(&kit);
	if (r < 0)
		return r;
	if (recv(s->sock, &said, sizeof(said), 0) != (ssize_t)sizeof(said))
		return err_set(e, ECHILD, "the process that holds its mounts has ended");
	if (said.code == 0)
		return 0;
	*e = said;
	return -e->code;
}

/* Of what a start mounts, the files that somebody keeps. */
static void hold_only_files(struct start *s)
{
	struct rootfs_spec *r = &s->root;

	r->n_mounts = s->l->spec.n_mounts; /* without the notify socket */
	r->n_files = r->n_run_files = r->n_secrets = r->n_devices = 0;
	r->views = 0;
	r->host_network = r->terminal = r->own_init = r->own_cgroups = r->nesting = false;
	r->boot_id = NULL;
}

static int open_stopped(struct copy_target *t, bool place, struct err *e)
{
	struct launch *l = &t->launch;
	int r;

	if (l->lock < 0)
		return l->lock;
	if ((r = launch_load(l, e)) < 0 || (r = reconcile_locked(l->j, &l->name, l->dir, e)) < 0)
		return r;
	if (place && l->spec.is_volatile) {
		(void)err_set(e, EROFS,
			      "is volatile and does not run: it keeps nothing that is written now");
		return err_hint(e, "start it first: jail start %s", l->name.s);
	}
	join_as(t, &l->spec);
	r = root_spec_make(&t->start, e);
	if (r < 0)
		return r;
	hold_only_files(&t->start);
	if ((r = hold_clone(t, e)) < 0 || (r = hold_build(t, e)) < 0 ||
	    (r = instance_disk_hold(&l->spec, l->dir, e)) < 0)
		return err_wrap(e, "root file system");
	t->pidfd = t->start.pidfd;
	return 0;
}

static int open_running(struct copy_target *t, struct running *r, struct err *e)
{
	struct jail_spec spec;
	int rc;

	spec_init(&spec);
	rc = spec_read(r->dir, &spec, e);
	if (rc >= 0) {
		join_as(t, &spec);
		t->pidfd = TAKE_FD(r->pidfd);
	}
	spec_free(&spec);
	return rc < 0 ? rc : 0;
}

int copy_target_open(struct jail *j, const struct jail_name *name, bool place,
		     struct copy_target *ret, struct err *e)
{
	struct running running CLEANUP_RUNNING = RUNNING_INIT;
	struct err why = ERR_INIT;
	int r = running_open(j, name, &running, &why);

	ret->name = name;
	if (r == 0)
		return open_running(ret, &running, e);
	if (r != -ESRCH) {
		*e = why;
		return r;
	}
	ret->stopped = true;
	launch_init(&ret->launch, j, name);
	ret->start = (struct start)START_INIT(&ret->launch);
	ret->launch.lock = instance_lock_down(j, name, &ret->launch.dir, e);
	return open_stopped(ret, place, e);
}

void copy_target_close(struct copy_target *t)
{
	struct start *s = &t->start;
	bool mounted = t->stopped && s->pid > 0;

	if (!t->stopped) {
		fd_reset(&t->pidfd);
		return;
	}
	if (s->pid > 0) {
		(void)sys_pidfd_send_signal(s->pidfd, SIGKILL);
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	start_free(s);
	if (mounted)
		instance_disk_close(&t->launch.name, t->launch.dir);
	launch_free(&t->launch);
}
