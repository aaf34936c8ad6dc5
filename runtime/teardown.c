/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking down what an instance has outside of itself: its cgroup with all that runs in it, its
 * nftables elements and ports, its run directory. The same code serves a normal end (the
 * supervisor's), a supervisor that was killed (whoever comes next and finds the lock free), and gc.
 * Every step is idempotent and the run directory goes last, so a teardown that is killed is done
 * again by the next command.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/path.h"
#include "netsetup/port.h"
#include "runtime/disk.h"
#include "runtime/events.h"
#include "runtime/launch_priv.h"
#include "runtime/network_change.h"
#include "runtime/oom.h"
#include "runtime/systemd.h"
#include "runtime/traffic.h"

#define DESTROY_WAIT_MS 30000

/* A start that was killed before it wrote state.json: its elements are found by their owner's name.
 */
static bool is_another(const struct jail_name *name, void *arg)
{
	const struct jail_name *stale = arg;

	return !str_eq(name->s, stale->s);
}

/* Removes what it had: by keys where the records tell them, else by its name. */
static int teardown_network(struct jail *j, const struct jail_name *name, int dir,
			    const struct meta *meta, const struct jail_spec *spec,
			    const struct run_state *state, struct err *e)
{
	CLEANUP_PLAN struct instance_plan p = INSTANCE_PLAN_INIT;
	struct err why = ERR_INIT;
	int r = -ENOENT;

	if (spec && !spec_has_networks(spec))
		return 0;
	if (spec && state && !state->has_net)
		return 0;
	if (meta && spec && state)
		r = instance_plan_make(j, name, meta, spec, &p, &why);
	if (r < 0) {
		r = net_gc(is_another, (void *)(uintptr_t)name, e);
		return r < 0 || !meta ? r : net_forget_neighbours(meta->owner.s, e);
	}
	network_names_erase(j, &p);
	traffic_keep(dir, &p.net);
	return net_detach(&p.net, &state->net, e);
}

/* While its cgroup is still there to ask. */
static void event_oom(struct jail *j, const struct cgroup_tree *tree, const struct jail_name *name)
{
	struct err ignored = ERR_INIT;
	struct cgroup_oom oom;

	if (cgroup_oom_read(tree, name, &oom, &ignored) >= 0 && oom.kills > 0)
		event_record(j, EVENT_OOM, name, &(struct event_detail){ .oom = &oom });
}

static int teardown_cgroup(struct jail *j, const struct jail_name *name, int dir, struct err *e)
{
	struct err why = ERR_INIT;
	const struct cgroup_tree *tree = instance_tree(j, name, &why);

	if (tree) {
		oom_record(tree, name, dir);
		event_oom(j, tree, name);
		return cgroup_destroy(tree, name, DESTROY_WAIT_MS, e);
	}
	if (why.code == ENOENT) /* gone with its unit */
		return 0;
	*e = why;
	return -e->code;
}

static void release_ports(struct jail *j, const struct jail_spec *spec,
			  const struct jail_name *owner)
{
	if (spec)
		net_ports_release(j->ports, spec->network.ports, spec->network.n_ports, owner);
	else
		net_ports_release_all(j->ports, owner);
}

int teardown_kernel(struct jail *j, const struct jail_name *name, int dir, int run, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	struct run_state state;
	struct err why = ERR_INIT;
	struct meta meta;
	bool has_meta, has_spec, has_state, known = true;
	CLEANUP_FD int change = -EBADF;
	int r;

	spec_init(&spec);
	r = teardown_cgroup(j, name, dir, e);
	if (r < 0)
		return r;
	/* First: a change that is under way writes them. */
	change = network_change_wait(run, &known);
	/* A damaged record must not keep the rest from going: what is known does. */
	has_meta = meta_read(dir, &meta, &why) >= 0;
	has_spec = spec_read(dir, &spec, &why) >= 0;
	if (!has_meta || !has_spec)
		warn("%s: %s", name->s, why.text);
	r = run_state_read(run, &state, &why);
	if (r < 0 && r != -ENOENT)
		warn("%s: %s", name->s, why.text);
	has_state = r >= 0;
	if (proxy_stop(run, &why) < 0)
		warn("%s: %s", name->s, why.text);
	r = teardown_network(j, name, dir, has_meta ? &meta : NULL, has_spec ? &spec : NULL,
			     has_state && known ? &state : NULL, e);
	/* Only now may somebody else have the ports (row 79). */
	if (r >= 0 && has_meta && (spec.network.n_ports || !has_spec) && engine_ports(j, &why) >= 0)
		release_ports(j, has_spec ? &spec : NULL, &meta.owner);
	return r;
}

static void run_poststop(struct jail *j, const struct jail_name *name, int dir)
{
	struct launch l = { .j = j, .name = *name };
	struct err why = ERR_INIT;

	spec_init(&l.spec);
	if (spec_read(dir, &l.spec, &why) >= 0 &&
	    run_hooks(&l, "poststop", l.spec.hooks.poststop, l.spec.hooks.n_poststop, 0, &why) < 0)
		warn("%s: %s", name->s, why.text);
	spec_free(&l.spec);
}

/* The run directory, also of one that has lost it (a cleaner of /run) and has a cgroup still.
 * -ENOENT without touching *e: there is nothing to take down. */
static int run_dir_of_stale(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int run = run_dir_open(j, name, false, e);
	struct err ignored = ERR_INIT;

	if (run != -ENOENT || engine_tree(j, &ignored) < 0 || cgroup_is_frozen(&j->tree, name) < 0)
		return TAKE_FD(run);
	return run_dir_open(j, name, true, e);
}

int teardown(struct jail *j, const struct jail_name *name, int dir, struct err *e)
{
	CLEANUP_FD int run = run_dir_of_stale(j, name, e);
	int r;

	if (run < 0)
		return run == -ENOENT ? 0 : run;
	r = teardown_kernel(j, name, dir, run, e);
	run_poststop(j, name, dir);
	if (r < 0)
		return r;
	instance_disk_close(name, dir);
	r = path_remove_tree(j->run_instances, name->s, e);
	if (r >= 0)
		event_record(j, EVENT_STOPPED, name, NULL);
	return r;
}

/* The supervisor was killed: the exit that nobody saw. `s` is NULL when it did not get to write it.
 */
static int record_lost(struct jail *j, const struct jail_name *name, int dir,
		       const struct run_state *s, struct err *e)
{
	struct instance_exit x;
	int r;

	if (!exit_record_is_due(dir))
		return 0; /* nothing ran, or it was killed after it had written the record */
	r = exit_record_last(dir, &x, e);
	if (r < 0)
		return r;
	if (s) {
		x.started_ms = s->started_ms;
		x.restarts = s->restarts;
	}
	x.finished_ms = clock_wall_ms();
	event_record(j, EVENT_EXITED, name,
		     &(struct event_detail){ .status = x.status, .reason = x.reason });
	return exit_record_write(dir, &x, s ? s->pid : 0, e);
}

int reconcile_locked(struct jail *j, const struct jail_name *name, int dir, struct err *e)
{
	CLEANUP_FD int run = run_dir_of_stale(j, name, e);
	struct err why = ERR_INIT;
	struct run_state s;
	int r;

	if (run < 0)
		return run == -ENOENT ? 0 : run;
	r = run_state_read(run, &s, &why);
	if (r < 0 && r != -ENOENT)
		warn("%s: %s", name->s, why.text);
	/* On a full disk exit.next goes on saying that it was lost. */
	if (record_lost(j, name, dir, r >= 0 ? &s : NULL, &why) < 0)
		warn("%s: %s", name->s, why.text);
	return teardown(j, name, dir, e);
}

/* Gives back what the instance had leased. */
static void release(struct jail *j, const struct meta *meta)
{
	struct err why = ERR_INIT;

	if (meta->ids.count && engine_ids(j, &why) >= 0)
		idmap_release(j->ids, &j->config.ids, &meta->owner, &meta->ids);
	network_release(j, meta, NULL);
}

int remove_locked(struct jail *j, const struct jail_name *name, int dir, struct err *e)
{
	CLEANUP_FD int trash = path_make_dir_at(j->state, "trash", 0700, e);
	const uint32_t project = instance_disk_project(dir);
	struct meta meta = { .n_layers = 0 };
	struct err why = ERR_INIT;
	int r;

	if (trash < 0)
		return trash;
	r = meta_read(dir, &meta, &why);
	if (r < 0) {
		/* Without its record nobody knows what it leased; gc finds that by the missing
		 * owner. */
		warn("%s: %s; \"jail gc\" frees what it had leased", name->s, why.text);
		meta.owner = *name;
		r = path_remove_tree(trash, name->s, e);
		if (r < 0)
			return r;
	}
	/* Out of sight in one step; a crash from here on leaves something that gc removes. */
	if (renameat2(j->instances, name->s, trash, meta.owner.s, RENAME_NOREPLACE) < 0)
		return err_sys(e, "remove %s", name->s);
	systemd_dropin_remove(j, name);
	release(j, &meta);
	event_record(j, EVENT_REMOVED, name, &(struct event_detail){ .id = meta.owner.s });
	r = path_remove_tree(trash, meta.owner.s, e);
	return r < 0 ? r : instance_disk_release(j, &meta.owner, project, e);
}
