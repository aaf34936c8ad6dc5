/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The short commands on instances: attach, pause, rm, rename. (stop.c and wait.c have the long
 * ones.) A running instance's lock belongs to its supervisor, so what needs it running goes by the
 * pidfd of its init or by the monitor's socket; what needs it down takes the lock.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/path.h"
#include "runtime/engine_priv.h"
#include "runtime/events.h"
#include "runtime/systemd.h"
#include "runtime/unit.h"

#define FREEZE_WAIT_MS 10000
#define REMOVE_WAIT_MS 30000

int instance_attach(struct jail *j, const struct jail_name *name, int *ret_client, struct err *e)
{
	CLEANUP_FD int dir = instance_open_dir(j, name, e), run = -EBADF;
	int sock;

	if (dir < 0)
		return err_wrap(e, "attach %s", name->s);
	run = run_dir_open(j, name, false, e);
	if (run == -ENOENT && instance_run_is_lost(j, name, dir)) {
		(void)instance_run_lost(j, name, e);
		return err_wrap(e, "attach %s", name->s);
	}
	if (run == -ENOENT || !instance_is_up(j, name, dir)) {
		err_set(e, ESRCH, "attach %s: is not running", name->s);
		return err_hint(e, "start it: jail start %s", name->s);
	}
	if (run < 0)
		return err_wrap(e, "attach %s", name->s);
	if (unit_is_up(run) && faccessat(run, "attach.sock", F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		err_set(e, ENOTTY, "attach %s: it has no console: its output is in the journal",
			name->s);
		return err_hint(e, "jail logs -f %s", name->s);
	}
	sock = monitor_connect(run, e);
	if (sock < 0)
		return err_wrap(e, "attach %s", name->s);
	*ret_client = sock;
	return 0;
}

static int set_paused(struct jail *j, const struct jail_name *name, bool pause, struct err *e)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	const struct cgroup_tree *tree;
	struct err why = ERR_INIT;
	int rc = running_open(j, name, &r, e);

	if (rc < 0)
		return rc;
	tree = instance_tree(j, name, e);
	if (!tree)
		return -e->code;
	if (cgroup_is_frozen(tree, name) == (int)pause) {
		err_set(e, EALREADY, "is %s", pause ? "paused already" : "not paused");
		return err_hint(e, "`jail inspect %s` shows its state", name->s);
	}
	rc = cgroup_freeze(tree, name, pause, FREEZE_WAIT_MS, &why);
	if (rc == -ENOENT || rc == -ENODEV)
		return err_set(e, ESRCH, "has just ended");
	if (rc < 0)
		*e = why;
	return rc;
}

int instance_pause(struct jail *j, const struct jail_name *name, bool pause, struct err *e)
{
	int r = set_paused(j, name, pause, e);

	if (r >= 0)
		event_record(j, pause ? EVENT_PAUSED : EVENT_RESUMED, name, NULL);

	return r < 0 ? err_wrap(e, "%s %s", pause ? "pause" : "resume", name->s) : 0;
}

/* In the place of the lock is something that can't be locked: nobody holds it, whatever runs. */
static int clear_lock(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int dir = instance_open_dir(j, name, e);
	struct err ignored = ERR_INIT;
	const struct cgroup_tree *tree;

	if (dir < 0)
		return dir;
	tree = instance_tree(j, name, &ignored);
	if (tree)
		(void)cgroup_kill(tree, name, &ignored);
	return path_remove_tree(dir, "lock", e);
}

/* Takes the lock, with force after a kill, and after another if somebody starts it in between. */
static int lock_for_remove(struct jail *j, const struct jail_name *name, bool force, int *ret_dir,
			   struct err *e)
{
	uint64_t end = clock_boot_ms() + REMOVE_WAIT_MS;

	for (;;) {
		struct err kill_error = ERR_INIT, why = ERR_INIT;
		int killed = force ? instance_kill(j, name, SIGKILL, &kill_error) : 0;
		int lock = instance_lock_down(j, name, ret_dir, &why);

		if (lock == -EALREADY && force && clock_boot_ms() < end)
			continue;
		if ((lock == -EISDIR || lock == -ELOOP || lock == -ENXIO) && force &&
		    clear_lock(j, name, e) >= 0 && clock_boot_ms() < end)
			continue;
		if (lock < 0)
			*e = lock == -EALREADY && killed < 0 ? kill_error : why;
		if (lock == -EALREADY)
			err_hint(e, "stop it first, or use --force");
		return lock;
	}
}

int instance_remove(struct jail *j, const struct jail_name *name, bool force, struct err *e)
{
	CLEANUP_FD int dir = -EBADF, lock = lock_for_remove(j, name, force, &dir, e);
	int r = lock;

	if (r >= 0)
		r = reconcile_locked(j, name, dir, e);
	if (r >= 0)
		r = remove_locked(j, name, dir, e);
	return r < 0 ? err_wrap(e, "rm %s", name->s) : 0;
}

static void rename_unit(struct jail *j, const struct jail_name *name,
			const struct jail_name *new_name, int dir)
{
	CLEANUP_SPEC struct jail_spec spec;
	struct err why = ERR_INIT;

	spec_init(&spec);
	systemd_dropin_remove(j, name);
	if (spec_read(dir, &spec, &why) >= 0)
		systemd_dropin_update(j, new_name, &spec);
}

static int rename_locked(struct jail *j, const struct jail_name *name,
			 const struct jail_name *new_name, int dir, struct err *e)
{
	int r = reconcile_locked(j, name, dir, e);

	if (r >= 0)
		r = spec_rename(dir, new_name, e);
	if (r < 0)
		return r;
	if (renameat2(j->instances, name->s, j->instances, new_name->s, RENAME_NOREPLACE) == 0) {
		event_record(j, EVENT_RENAMED, name,
			     &(struct event_detail){ .new_name = new_name->s });
		rename_unit(j, name, new_name, dir);
		return 0;
	}
	r = -errno;
	(void)spec_rename(dir, name, &(struct err){ 0 });
	if (r != -EEXIST)
		return err_ret(e, r, "rename to %s", new_name->s);
	err_set(e, EEXIST, "the name %s is in use", new_name->s);
	return err_hint(e, "choose another name, or remove it: jail rm %s", new_name->s);
}

int instance_rename(struct jail *j, const struct jail_name *name, const struct jail_name *new_name,
		    struct err *e)
{
	CLEANUP_HOLD struct instance_hold hold = INSTANCE_HOLD_INIT;
	int r = instance_hold_down(j, name, &hold, e);

	if (r >= 0)
		r = rename_locked(j, name, new_name, hold.dir, e);
	return r < 0 ? err_wrap(e, "rename %s", name->s) : 0;
}
