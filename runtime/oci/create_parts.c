/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a create is made of before its process exists; the order is in create.c. */
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "runtime/oci/create_priv.h"
#include "runtime/seccomp_notify.h"

#define CGROUP_WAIT_MS 10000

void oci_launch_free(struct oci_launch *l)
{
	bundle_kit_close(&l->kit);
	fd_reset(&l->config.bundle.user_ns);
	oci_config_free(&l->config);
	oci_state_free(&l->state);
	seccomp_program_free(&l->filter);
	fd_reset(&l->root);
	fd_reset(&l->dir);
	fd_reset(&l->lock);
	fd_reset(&l->cgroup);
	fd_reset(&l->listen);
	fd_reset(&l->console);
	fd_reset(&l->show);
	fd_reset(&l->notify);
	fd_reset(&l->sock);
	fd_reset(&l->master);
	fd_reset(&l->pidfd);
}

static void undo_dir(void *arg)
{
	struct oci_launch *l = arg;
	struct err why = ERR_INIT;

	if (l->hooked &&
	    oci_hooks(&l->config, OCI_HOOK_POSTSTOP, &l->state, &l->id, OCI_STOPPED, &why) < 0)
		warn("%s", why.text);
	(void)path_remove_tree(l->root, l->id.s, &why);
}

static void undo_cgroup(void *arg)
{
	struct oci_launch *l = arg;
	struct err ignored = ERR_INIT;

	(void)oci_cgroup_destroy(&l->state.cgroup, CGROUP_WAIT_MS, &ignored);
}

/* Labels that nobody enforces would be a promise that isn't kept. */
static int check_label(const struct oci_config *c, struct err *e)
{
	struct stat st;

	if (!c->bundle.mount_label || stat("/sys/fs/selinux/enforce", &st) == 0)
		return 0;
	(void)err_set(e, EOPNOTSUPP, "linux.mountLabel: SELinux is not enabled on this host");
	return err_hint(e, "turn labels off in the engine (podman: --security-opt label=disable)");
}

static int load_bundle(struct oci_launch *l, struct err *e)
{
	const char *path = l->o->bundle ? l->o->bundle : ".";
	CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct oci_config *c = &l->config;
	char real[PATH_MAX];
	int r;

	if (fd < 0)
		return err_sys(e, "open bundle %s", path);
	r = fd_path(fd, real, sizeof(real));
	if (r < 0)
		return err_ret(e, r, "path of bundle %s", path);
	l->state.bundle = strdup(real);
	if (!l->state.bundle)
		return err_nomem(e);
	if (oci_config_load(fd, real, &l->config, e) < 0)
		return -e->code;
	if ((l->rt->look && l->rt->look(c, e) < 0) || oci_annotations_check(c, e) < 0 ||
	    oci_config_check_host(c, e) < 0 || check_label(c, e) < 0)
		return -e->code;
	l->config.bundle.no_pivot = l->o->no_pivot;
	if (!c->process.given || c->process.args.n == 0)
		return err_set(e, EINVAL, "process.args: nothing to run");
	l->state.rootfs = strdup(c->bundle.rootfs);
	return l->state.rootfs ? 0 : err_nomem(e);
}

static void stamp(struct oci_state *s)
{
	struct timespec now;
	struct tm tm;
	char seconds[32];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)str_format(s->created, sizeof(s->created), "%s.%09ldZ", seconds, now.tv_nsec);
	s->owner = geteuid();
}

/* mkdir(2) decides whose the id is. */
static int make_dir(struct oci_launch *l, struct err *e)
{
	l->root = oci_root_open(l->rt, true, e);
	if (l->root < 0)
		return l->root;
	if (mkdirat(l->root, l->id.s, 0700) < 0) {
		if (errno == EEXIST)
			return err_set(e, EEXIST, "container with id %s already exists", l->id.s);
		return err_sys(e, "make the state directory of %s", l->id.s);
	}
	rollback_push(&l->undo, undo_dir, l);
	l->dir = path_open_beneath(l->root, l->id.s, O_RDONLY | O_DIRECTORY, 0);
	if (l->dir < 0)
		return err_ret(e, l->dir, "open the state directory of %s", l->id.s);
	l->lock = lock_take_at(l->dir, "lock", LOCK_MODE_EXCLUSIVE, 0, e);
	if (l->lock < 0)
		return l->lock;
	stamp(&l->state);
	return file_write_at(l->dir, "config.json", l->config.text, l->config.text_len, 0600,
			     FILE_NOSYNC, e);
}

/* The first process will accept on it. */
static int listen_start(struct oci_launch *l, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (l->start)
		return 0;
	l->listen = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (l->listen < 0)
		return err_sys(e, "socket");
	(void)str_format(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" OCI_START_SOCKET,
			 l->dir);
	if (bind(l->listen, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(l->listen, 8) < 0)
		return err_sys(e, "make " OCI_START_SOCKET);
	return 0;
}

static int load_filter(struct oci_launch *l, struct err *e)
{
	CLEANUP_FD int cache = -EBADF;
	int r;

	if (!l->config.seccomp)
		return 0;
	cache = oci_seccomp_cache(l->root, e);
	if (cache < 0)
		return cache;
	r = seccomp_oci_load("config.json", l->config.seccomp, cache, &l->filter, e);
	if (r < 0 || !l->filter.notifies)
		return r;
	l->notify = seccomp_notify_connect(l->config.seccomp_listener, e);
	return l->notify < 0 ? err_wrap(e, "linux.seccomp.listenerPath") : 0;
}

static int make_cgroup(struct oci_launch *l, struct err *e)
{
	int r = oci_cgroup_plan(&l->config, l->id.s, l->rt->systemd, &l->state.cgroup, e);

	if (r < 0 || l->state.cgroup.systemd)
		return r;
	/* Without a process yet: if we are killed, `delete` finds the cgroup by it, whether it was
	 * made or not. */
	if ((r = oci_cgroup_foresee(&l->state.cgroup, e)) < 0 ||
	    (r = oci_state_write(l->dir, &l->state, e)) < 0)
		return r;
	r = oci_cgroup_make(&l->state.cgroup, &l->config, &l->cgroup, e);
	if (r < 0)
		return r;
	rollback_push(&l->undo, undo_cgroup, l);
	return oci_state_write(l->dir, &l->state, e);
}

int oci_launch_scope(struct oci_launch *l, struct err *e)
{
	int r = oci_cgroup_make_scope(&l->state.cgroup, &l->config, l->state.pid, &l->cgroup, e);

	if (r < 0)
		return r;
	rollback_push(&l->undo, undo_cgroup, l);
	return 0;
}

static int open_user_ns(struct oci_launch *l, struct err *e)
{
	const struct oci_namespace *user = oci_namespace_find(&l->config, CLONE_NEWUSER);

	if (!user || !user->path)
		return 0;
	l->config.bundle.user_ns = open(user->path, O_RDONLY | O_CLOEXEC);
	return l->config.bundle.user_ns < 0 ? err_sys(e, "open %s", user->path) : 0;
}

int oci_launch_prepare(struct oci_launch *l, struct err *e)
{
	const struct oci_namespace *pids;
	int r;

	if ((r = load_bundle(l, e)) < 0 ||
	    (r = oci_io_open(&l->o->io, l->config.process.terminal, l->detach, &l->console,
			     &l->show, e)) < 0 ||
	    (r = make_dir(l, e)) < 0)
		return r;
	pids = oci_namespace_find(&l->config, CLONE_NEWPID);
	l->state.own_pids = pids && !pids->path;
	l->state.poststart = l->config.hooks[OCI_HOOK_POSTSTART].n > 0;
	l->state.poststop = l->config.hooks[OCI_HOOK_POSTSTOP].n > 0;
	if ((r = open_user_ns(l, e)) < 0 || (r = load_filter(l, e)) < 0 ||
	    (r = listen_start(l, e)) < 0 || (r = bundle_open(&l->config.bundle, &l->kit, e)) < 0)
		return r;
	return make_cgroup(l, e);
}
