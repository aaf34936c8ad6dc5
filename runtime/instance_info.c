/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `ps` and `inspect` show. Derived, never stored: the lock says whether a supervisor lives,
 * state.json what it started, exit.json how the last start ended, cgroup.events whether it is
 * frozen. A read never takes the lock.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/path.h"
#include "runtime/disk.h"
#include "runtime/engine_priv.h"
#include "runtime/image_defaults.h"
#include "runtime/notify.h"
#include "runtime/oom.h"

static const char *const status_names[] = {
	[INSTANCE_CREATED] = "created",	      [INSTANCE_STARTING] = "starting",
	[INSTANCE_RUNNING] = "running",	      [INSTANCE_PAUSED] = "paused",
	[INSTANCE_RESTARTING] = "restarting", [INSTANCE_STOPPING] = "stopping",
	[INSTANCE_STOPPED] = "stopped",
};

const char *instance_status_name(enum instance_status s)
{
	return status_names[s];
}

bool instance_exit_is_oom(const struct instance_exit *x)
{
	/* A program that is killed beside the init's child leaves it alive; what `stop` killed was
	 * not ended by the OOM killer. */
	return x->present && x->oom.kills > 0 && x->status == 128 + SIGKILL &&
	       !str_eq(x->reason, "stopped");
}

void instance_info_free(struct instance_info *i)
{
	spec_free(&i->spec);
	strv_free(&i->limits);
	if (i->image_config)
		image_config_free(i->image_config);
	free(i->image_config);
}

/* Fills in what a living supervisor adds. */
static int info_up(struct jail *j, struct instance_info *i, int dir, struct err *e)
{
	const struct cgroup_tree *tree;
	struct err ignored = ERR_INIT;
	struct run_state s;
	CLEANUP_FD int run = run_dir_open(j, &i->name, false, e);
	int r;

	/* Locked without a run directory: being created, changed or removed, and not up. */
	if (run < 0 && run != -ENOENT)
		return run;
	if (run == -ENOENT) {
		if (!instance_run_is_lost(j, &i->name, dir))
			return 0;
		i->status = INSTANCE_RUNNING;
		(void)instance_run_lost(j, &i->name, &ignored);
		warn("%s: %s", i->name.s, ignored.text);
		return 0;
	}
	i->status = INSTANCE_STARTING;
	r = run_state_read(run, &s, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	i->monitor_pid = s.monitor_pid;
	if (!exit_record_is_due(dir)) {
		i->status = i->last_exit.restarting ? INSTANCE_RESTARTING : INSTANCE_STOPPING;
		return 0;
	}
	i->pid = s.pid;
	i->root_device = s.root_device;
	i->unready = notify_is_awaited(run);
	i->started_ms = s.started_ms;
	i->status = INSTANCE_RUNNING;
	for (size_t k = 0; s.has_net && k < i->n_networks; k++)
		memcpy(i->networks[k].host_interface, s.net.v[k].host_interface,
		       sizeof(i->networks[k].host_interface));
	tree = instance_tree(j, &i->name, &ignored);
	if (tree) {
		(void)str_format(i->cgroup, sizeof(i->cgroup), "%s/%s", tree->path, i->name.s);
		if (cgroup_is_frozen(tree, &i->name) > 0)
			i->status = INSTANCE_PAUSED;
	}
	return 0;
}

void instance_clean_stale(struct jail *j, const struct jail_name *name, int dir)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int run = run_dir_open(j, name, false, &why), same = -EBADF, lock = -EBADF;

	if (run < 0 || instance_is_up(j, name, dir))
		return;
	lock = instance_lock(j, name, 0, &same, &why);
	if (lock >= 0 && reconcile_locked(j, name, same, &why) < 0)
		warn("%s: %s", name->s, why.text);
}

/* Status and last exit. */
static int info_life(struct jail *j, struct instance_info *i, int dir, struct err *e)
{
	struct err why = ERR_INIT;
	int r;

	instance_clean_stale(j, &i->name, dir);
	r = exit_record_last(dir, &i->last_exit, &why);
	if (instance_is_up(j, &i->name, dir)) {
		/* What is due now is of this start. */
		i->last_exit.present = false;
		r = exit_record_read(dir, &i->last_exit, NULL, &why);
	}
	/* A damaged one keeps nobody from seeing the rest; the next exit makes it anew. */
	if (r < 0 && r != -ENOENT) {
		warn("%s: how it ended is not known: %s", i->name.s, why.text);
		i->last_exit = (struct instance_exit){ .present = true, .status = 137 };
		(void)str_format(i->last_exit.reason, sizeof(i->last_exit.reason), "lost");
	}
	i->status = i->last_exit.present ? INSTANCE_STOPPED : INSTANCE_CREATED;
	return instance_is_up(j, &i->name, dir) ? info_up(j, i, dir, e) : 0;
}

/* Of one that runs, so far. */
static void info_oom(struct jail *j, struct instance_info *i)
{
	struct err ignored = ERR_INIT;
	const struct cgroup_tree *tree = i->pid > 0 ? instance_tree(j, &i->name, &ignored) : NULL;

	if (tree && cgroup_oom_read(tree, &i->name, &i->oom, &ignored) < 0)
		i->oom = (struct cgroup_oom){ .kills = 0 }; /* it ended at this moment */
}

static void add_limit(const char *file, const char *value, void *arg)
{
	struct instance_info *i = arg;

	(void)strv_addf(&i->limits, "%s=%s", file, value);
}

/* What the kernel enforces now; nothing when the instance ends at this moment. */
static void info_limits(struct jail *j, struct instance_info *i)
{
	struct err ignored = ERR_INIT;
	const struct cgroup_tree *tree = i->pid ? instance_tree(j, &i->name, &ignored) : NULL;

	if (tree)
		(void)cgroup_read_limits(tree, &i->name, add_limit, i);
}

static void copy_networks(struct instance_info *i, const struct meta *meta)
{
	i->n_networks = meta->n_networks;
	for (size_t k = 0; k < meta->n_networks; k++) {
		i->networks[k].network = meta->networks[k].network;
		i->networks[k].addresses = meta->networks[k].addresses;
	}
}

/* r: of reading a record. What isn't there was removed with its instance just now, or is lost. */
static int record_missing(struct jail *j, const struct jail_name *name, int dir, int r,
			  const char *file, struct err *e)
{
	if (r != -ENOENT)
		return r;
	return instance_is_there(j, name, dir) == 0 ? err_set(e, ENOENT, "no such instance")
						    : err_set(e, EBADMSG, "%s is missing", file);
}

int instance_info(struct jail *j, const struct jail_name *name, bool with_spec,
		  struct instance_info *ret, struct err *e)
{
	struct instance_info i CLEANUP_INFO = { .name = *name };
	CLEANUP_FD int dir = instance_open_dir(j, name, e);
	struct meta meta;
	int r;

	spec_init(&i.spec);
	if (dir < 0)
		return err_wrap(e, "%s", name->s);
	r = record_missing(j, name, dir, meta_read(dir, &meta, e), "meta.json", e);
	if (r >= 0) {
		copy_networks(&i, &meta);
		r = info_life(j, &i, dir, e);
	}
	if (r < 0)
		return err_wrap(e, "%s", name->s);
	if (with_spec) {
		info_oom(j, &i);
		r = record_missing(j, name, dir, spec_read(dir, &i.spec, e), "spec.json", e);
		if (r < 0)
			return err_wrap(e, "%s", name->s);
		info_limits(j, &i);
		i.image_config = image_kept_look(dir);
		instance_disk_look(dir, i.pid, i.root_device, &i.disk);
	}
	i.spec.name = *name;
	i.spec.image = meta.image;
	i.spec.has_image = meta.image.s[0] != '\0';
	memcpy(i.id, meta.owner.s, sizeof(i.id));
	i.created_ms = meta.created_ms;
	i.ids = meta.ids;
	(void)str_format(i.directory, sizeof(i.directory), "%s/instances/%s", j->config.state_dir,
			 name->s);
	*ret = i;
	spec_init(&i.spec);
	i.limits = (struct strv){ 0 };
	i.image_config = NULL;
	return 0;
}

int instance_last_exit(struct jail *j, const struct jail_name *name, struct instance_exit *ret)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = instance_open_dir(j, name, &ignored);

	return dir < 0 ? TAKE_FD(dir) : exit_record_read(dir, ret, NULL, &ignored);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_instance(const struct dirent *d)
{
	struct err ignored = ERR_INIT;
	struct jail_name name;

	return name_parse("instance", d->d_name, &name, &ignored) == 0;
}

int instance_names(struct jail *j, struct strv *ret, struct err *e)
{
	struct dirent **list;
	int n = scandirat(j->instances, ".", &list, is_instance, by_name), r = 0;

	if (n < 0)
		return err_sys(e, "list instances");
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = strv_add(ret, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return r < 0 ? err_nomem(e) : 0;
}

static int each_one(struct jail *j, const char *file, instance_each_fn *fn, void *arg)
{
	struct instance_info i CLEANUP_INFO = { .pid = 0 };
	struct err why = ERR_INIT;
	struct jail_name name;
	int r = name_parse("instance", file, &name, &why);

	if (r >= 0)
		r = instance_info(j, &name, false, &i, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		warn("instance %s", why.text);
		return 0;
	}
	return fn(&i, arg);
}

int instance_each(struct jail *j, instance_each_fn *fn, void *arg, struct err *e)
{
	CLEANUP_STRV struct strv names = { 0 };
	int r = instance_names(j, &names, e);

	for (size_t i = 0; i < names.n && r >= 0; i++)
		r = each_one(j, names.v[i], fn, arg);
	return r;
}

struct using
{
	const struct image_ref *ref;
	struct strv *names;
};

static int collect_user(const struct instance_info *i, void *arg)
{
	struct using *u = arg;

	if (!i->spec.has_image || !str_eq(i->spec.image.s, u->ref->s))
		return 0;
	return strv_add(u->names, i->name.s);
}

int instances_using_image(struct jail *j, const struct image_ref *ref, struct strv *ret_names,
			  struct err *e)
{
	struct using u = { ref, ret_names };
	int r = instance_each(j, collect_user, &u, e);

	return r == -ENOMEM ? err_nomem(e) : r;
}

static void time_to_json(struct json_out *o, const char *key, uint64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	if (!ms) {
		json_out_null(o, key);
		return;
	}
	clock_format(ms, text, sizeof(text));
	json_out_str(o, key, text);
}

static void exit_to_json(struct json_out *o, const struct instance_exit *x)
{
	if (!x->present) {
		json_out_null(o, "lastExit");
		return;
	}
	json_out_object(o, "lastExit");
	json_out_int(o, "status", x->status);
	json_out_str(o, "reason", x->reason);
	time_to_json(o, "startedAt", x->started_ms);
	time_to_json(o, "finishedAt", x->finished_ms);
	json_out_u64(o, "restarts", x->restarts);
	oom_to_json(&x->oom, o, "oom");
	json_out_object_end(o);
}

static void or_null(struct json_out *o, const char *key, const char *value)
{
	if (value[0])
		json_out_str(o, key, value);
	else
		json_out_null(o, key);
}

static void limits_to_json(struct json_out *o, const struct strv *limits)
{
	if (limits->n == 0) {
		json_out_null(o, "kernelLimits");
		return;
	}
	json_out_object(o, "kernelLimits");
	for (size_t i = 0; i < limits->n; i++) {
		const char *equals = strchr(limits->v[i], '=');
		char file[64];

		if (str_format(file, sizeof(file), "%.*s", (int)(equals - limits->v[i]),
			       limits->v[i]) >= 0)
			json_out_str(o, file, equals + 1);
	}
	json_out_object_end(o);
}

/* The first interface's is also the instance's own: what most want to know. */
static void networks_to_json(const struct instance_info *i, struct json_out *o)
{
	struct net_address_texts first = { .v4 = "" };
	const char *interface = "";

	for (size_t k = 0; k < i->n_networks && !first.v4[0]; k++)
		net_addresses_format(&i->networks[k].addresses, &first);
	if (i->n_networks > 0)
		interface = i->networks[0].host_interface;
	or_null(o, "address", first.v4[0] ? first.v4 : first.v6);
	or_null(o, "interface", interface);
	json_out_array(o, "networks");
	for (size_t k = 0; k < i->n_networks; k++) {
		const struct instance_network *n = &i->networks[k];
		struct net_address_texts text;
		char inside[16];

		if (!n->network.s[0])
			continue;
		net_addresses_format(&n->addresses, &text);
		json_out_object(o, NULL);
		(void)str_format(inside, sizeof(inside), "eth%zu", k);
		json_out_str(o, "interface", inside);
		json_out_str(o, "network", n->network.s);
		or_null(o, "address4", text.v4);
		or_null(o, "address6", text.v6);
		or_null(o, "hostInterface", n->host_interface);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

void instance_to_json(const struct instance_info *i, struct json_out *o, const char *key)
{
	json_out_object(o, key);
	json_out_str(o, "name", i->name.s);
	json_out_str(o, "id", i->id);
	json_out_str(o, "status", instance_status_name(i->status));
	or_null(o, "image", i->spec.has_image ? i->spec.image.s : "");
	time_to_json(o, "createdAt", i->created_ms);
	time_to_json(o, "startedAt", i->started_ms);
	json_out_int(o, "pid", i->pid);
	json_out_int(o, "monitorPid", i->monitor_pid);
	networks_to_json(i, o);
	or_null(o, "cgroup", i->cgroup);
	json_out_str(o, "directory", i->directory);
	json_out_object(o, "ids");
	json_out_u64(o, "first", i->ids.first);
	json_out_u64(o, "count", i->ids.count);
	json_out_object_end(o);
	exit_to_json(o, &i->last_exit);
	if (i->spec.hostname) { /* loaded with its spec */
		if (i->pid && i->spec.notify.ready)
			json_out_bool(o, "ready", !i->unready);
		else
			json_out_null(o, "ready");
		oom_to_json(&i->oom, o, "oom");
		limits_to_json(o, &i->limits);
		instance_disk_to_json(o, i->spec.has_image ? &i->disk : NULL);
		image_config_to_json(i->image_config, o, "imageConfig");
		spec_to_json(&i->spec, o, "spec");
	}
	json_out_object_end(o);
}
