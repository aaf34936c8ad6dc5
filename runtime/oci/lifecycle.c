/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals, freezing, and the end of a container. */
#include <poll.h>
#include <signal.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/oci/engine_priv.h"

#define FREEZE_WAIT_MS 10000
#define KILL_WAIT_MS 10000

static int not_running(const struct oci_container *c, struct err *e)
{
	return err_set(e, ESRCH, "container %s is not running", c->id.s);
}

/* Without a pid namespace of its own nothing ends with the first process: what is left is in the
 * cgroup. */
static int kill_all(const struct oci_container *c, int signal, struct err *e)
{
	int r = oci_cgroup_signal(&c->state.cgroup, signal, e);

	return r < 0 ? err_wrap(e, "kill all of container %s", c->id.s) : 0;
}

int oci_kill(const struct oci_runtime *rt, const struct oci_id *id, int signal, bool all,
	     struct err *e)
{
	struct oci_container c CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	int r = oci_container_open(rt, id, OCI_LOOK, &c, e);

	if (r < 0)
		return r;
	if (all || (signal == SIGKILL && c.state.pid && !c.state.own_pids))
		return kill_all(&c, signal, e);
	if (c.pidfd < 0)
		return not_running(&c, e);
	if (sys_pidfd_send_signal(c.pidfd, signal) < 0)
		return errno == ESRCH ? not_running(&c, e)
				      : err_sys(e, "send signal %d to container %s", signal, id->s);
	/* A frozen process dies only when it is thawed, except by cgroup.kill. */
	if (signal == SIGKILL && oci_cgroup_is_frozen(&c.state.cgroup) > 0)
		return kill_all(&c, signal, e);
	return 0;
}

int oci_pause(const struct oci_runtime *rt, const struct oci_id *id, bool pause, struct err *e)
{
	struct oci_container c CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	enum oci_status status;
	int r = oci_container_open(rt, id, OCI_CHANGE, &c, e);

	if (r < 0)
		return r;
	status = oci_container_status(&c);
	if (pause && status != OCI_RUNNING && status != OCI_CREATED)
		return err_set(e, EINVAL, "container %s is %s: it can't be paused", id->s,
			       oci_status_name(status));
	if (!pause && status != OCI_PAUSED)
		return err_set(e, EINVAL, "container %s is %s, not paused", id->s,
			       oci_status_name(status));
	r = oci_cgroup_freeze(&c.state.cgroup, pause, FREEZE_WAIT_MS, e);
	return r < 0 ? err_wrap(e, "%s container %s", pause ? "pause" : "resume", id->s) : 0;
}

static int end_process(struct oci_container *c, struct err *e)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	int r;

	if (c->pidfd < 0)
		return 0;
	/* By the cgroup first: what is frozen dies too. */
	(void)oci_cgroup_signal(&c->state.cgroup, SIGKILL, &(struct err){ .code = 0 });
	if (sys_pidfd_send_signal(c->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return err_sys(e, "kill container %s", c->id.s);
	do
		r = poll(&p, 1, KILL_WAIT_MS);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return err_set(e, ETIMEDOUT,
			       "container %s: its process does not end: it may hang in the kernel",
			       c->id.s);
	return 0;
}

/* config.md, "Posix-platform Hooks": a failing poststop hook is a warning. */
static void poststop(const struct oci_container *c)
{
	struct oci_config config CLEANUP_OCI_CONFIG = OCI_CONFIG_INIT;
	struct err e = ERR_INIT;

	if (!c->state.poststop)
		return;
	if (oci_container_config(c, &config, &e) < 0 ||
	    oci_hooks(&config, OCI_HOOK_POSTSTOP, &c->state, &c->id, OCI_STOPPED, &e) < 0)
		warn("%s", e.text);
}

static int destroy(struct oci_container *c, struct err *e)
{
	CLEANUP_FD int root = -EBADF;
	int r = 0;

	if (c->state.cgroup.path[0])
		r = oci_cgroup_destroy(&c->state.cgroup, KILL_WAIT_MS, e);
	if (r < 0)
		return err_wrap(e, "delete container %s", c->id.s);
	poststop(c);
	root = oci_root_open(c->rt, false, e);
	return root < 0 ? root : path_remove_tree(root, c->id.s, e);
}

int oci_delete(const struct oci_runtime *rt, const struct oci_id *id, bool force, struct err *e)
{
	struct oci_container c CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	struct err why = ERR_INIT;
	enum oci_status status;
	int r = oci_container_open(rt, id, OCI_CHANGE, &c, &why);

	if (r == -ENOENT && force)
		return 0;
	if (r < 0) {
		*e = why;
		return r;
	}
	status = oci_container_status(&c);
	if (!force && status != OCI_STOPPED && status != OCI_CREATED && status != OCI_CREATING)
		return err_set(e, EINVAL, "cannot delete container %s that is not stopped: %s",
			       id->s, oci_status_name(status));
	r = end_process(&c, e);
	return r < 0 ? r : destroy(&c, e);
}
