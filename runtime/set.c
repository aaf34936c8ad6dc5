/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing an instance's spec, and what runs of it. The spec's own lock serialises changes: the
 * instance's lock is its supervisor's while it is up.
 *
 * A supervisor may start the instance again at any moment, and it reads spec.json without asking
 * anybody. So a change is kernel first, then file, and then a second look: if the init is still the
 * one whose cgroup was changed, the two agree; if it is another, that one was maybe started by the
 * old file, and the change is made again; while it is starting, nobody knows, and it is waited for.
 * The file is written before a restart reads it as long as state.json is there (forget_last()).
 */
#include <fcntl.h>
#include <signal.h>

#include "base/clock.h"
#include "base/fd.h"
#include "runtime/devices.h"
#include "runtime/disk.h"
#include "runtime/network_change.h"
#include "runtime/policy.h"
#include "runtime/spec_edit.h"
#include "runtime/systemd.h"
#include "runtime/volumes.h"

#define SET_WAIT_MS 30000
#define SET_MAX 64

struct set_job {
	struct jail *j;
	const struct jail_name *name;
	const struct set_options *o;
	struct spec_path paths[SET_MAX];
	const char *values[SET_MAX];
	struct strv texts; /* of the paths */
	int dir;
	struct jail_spec before, after; /* spec.json's */
	struct jail_spec effective; /* before, or what runtime.json had */
	bool stored, live, stopped;
	pid_t applied; /* the init whose cgroup has the change */
};

void set_result_free(struct set_result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].key);
		free(r->v[i].before);
		free(r->v[i].after);
	}
	free(r->v);
	*r = (struct set_result){ .n = 0 };
}

static int parse_setting(struct set_job *s, size_t i, struct err *e)
{
	const char *text = s->o->settings[i], *equals = strchr(text, '=');
	struct spec_path *p = &s->paths[i];
	char key[sizeof(p->text)];

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(key))
		return err_set(e, EINVAL, "\"%.200s\": expected KEY=VALUE", text);
	(void)str_format(key, sizeof(key), "%.*s", (int)(equals - text), text);
	if (spec_path_parse(key, p, e) < 0)
		return -e->code;
	s->values[i] = equals + 1;
	if (spec_path_change(p) == SPEC_PATH_FIXED) {
		(void)err_set(e, EINVAL, "%s: is decided when the instance is made", p->text);
		return err_hint(e, "%s",
				str_eq(p->text, "name") ? "jail rename NAME NEW-NAME"
							: "make a new instance");
	}
	if (s->o->runtime &&
	    (!str_starts(p->text, "resources.") || str_starts(p->text, "resources.disk"))) {
		(void)err_set(e, EINVAL, "%s: only limits can change with --runtime", p->text);
		return err_hint(e, "without --runtime the change is stored");
	}
	for (size_t k = 0; k < i; k++)
		if (str_eq(s->paths[k].text, p->text))
			return err_set(e, EINVAL, "%s: is given twice", p->text);
	return strv_add(&s->texts, p->text) < 0 ? err_nomem(e) : 0;
}

/* *ret: `from` with all settings made. Judged as a whole. */
static int edited(const struct set_job *s, const struct jail_spec *from, struct jail_spec *ret,
		  struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	int r;

	spec_init(&spec);
	r = spec_copy(from, &spec, e);
	for (size_t i = 0; i < s->o->n && r >= 0; i++)
		r = spec_edit(&spec, &s->paths[i], s->values[i], e);
	if (r >= 0)
		r = spec_finish(&spec, e);
	if (r < 0)
		return r;
	spec_free(ret);
	*ret = spec;
	spec_init(&spec);
	return 0;
}

/* The same for what is to come into force, which the policy judges too. */
static int edited_by_policy(const struct set_job *s, const struct jail_spec *from,
			    struct jail_spec *ret, struct err *e)
{
	int r = edited(s, from, ret, e);

	return r < 0 ? r : policy_apply(&s->j->config, ret, e);
}

/* The first key that a running instance can't change, or NULL. Of its disk it depends on the value.
 */
static const struct spec_path *needs_restart(const struct set_job *s)
{
	/* With --runtime there is no change of the disk, and no `after`. */
	bool disk = !s->o->runtime && instance_disk_needs_restart(&s->before, &s->after, s->dir);

	for (size_t i = 0; i < s->o->n; i++)
		if (spec_path_change(&s->paths[i]) == SPEC_PATH_RESTART ||
		    (disk && str_starts(s->paths[i].text, "resources.disk")))
			return &s->paths[i];
	return NULL;
}

static int store(struct set_job *s, struct err *e)
{
	CLEANUP_FD int gate = engine_gate(s->j, e);
	int r = gate < 0 ? gate : volumes_check(s->j, &s->after, &s->before, e);

	if (r < 0)
		return r;
	r = instance_must_be_there(s->j, s->name, s->dir, e);
	if (r < 0)
		return r;
	r = spec_write(s->dir, &s->after, FILE_SYNC, e);
	s->stored = r >= 0;
	return r;
}

/* The disk first: the copy may take its time, and keeps nobody waiting. */
static int store_with_disk(struct set_job *s, struct err *e)
{
	CLEANUP_FD int gate = -EBADF;
	struct err ignored = ERR_INIT;
	int r = rebuild_add_disk(s->dir, &s->after, e);

	if (r >= 0)
		r = gate = engine_gate(s->j, e);
	if (r >= 0)
		r = volumes_check(s->j, &s->after, &s->before, e);
	if (r >= 0)
		r = rebuild_commit(s->dir, e);
	if (r < 0 && !rebuild_is_due(s->dir))
		(void)rebuild_finish(s->dir, &ignored);
	s->stored = r >= 0 || rebuild_is_due(s->dir);
	return r;
}

/* What the running instance has: runtime.json's spec, or else the stored one. */
static int read_effective(struct set_job *s, const struct running *r, bool *ret_runtime,
			  struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	int rc;

	spec_init(&spec);
	rc = spec_read_runtime(r->run, &spec, e);
	*ret_runtime = rc >= 0;
	if (rc == -ENOENT)
		rc = spec_copy(&s->before, &spec, e);
	if (rc < 0)
		return rc;
	spec_free(&s->effective);
	s->effective = spec;
	spec_init(&spec);
	return 0;
}

/* Files of a change whose kernel part is done. */
static int store_live(struct set_job *s, const struct running *r, const struct jail_spec *now,
		      bool had_runtime, struct err *e)
{
	struct err ignored = ERR_INIT;
	int rc = 0;

	if (s->o->runtime || had_runtime)
		rc = spec_write_runtime(r->run, now, e);
	if (rc < 0 || s->o->runtime || s->stored)
		return rc;
	rc = store(s, e);
	if (rc < 0 && had_runtime)
		(void)spec_write_runtime(r->run, &s->effective, &ignored);
	return rc;
}

/* Nodes and filter, from those of one spec to those of another. */
static int change_devices(const struct set_job *s, const struct running *r,
			  const struct cgroup_tree *tree, const struct jail_spec *from,
			  const struct jail_spec *to, struct err *e)
{
	struct devices_live l = { .tree = tree, .name = s->name, .pid = r->state.pid };
	struct meta meta = { .n_layers = 0 };
	int rc;

	if (!devices_differ(from, to))
		return 0;
	rc = meta_read(s->dir, &meta, e);
	l.uid = meta.ids.count ? meta.ids.first : 0;
	return rc < 0 ? rc : devices_change(&l, from, to, e);
}

static int apply_live(struct set_job *s, const struct running *r, struct err *e)
{
	CLEANUP_UNDO struct cgroup_undo *undo = NULL;
	struct network_change change CLEANUP_NETWORK_CHANGE = NETWORK_CHANGE_INIT;
	CLEANUP_SPEC struct jail_spec now;
	const struct cgroup_tree *tree;
	struct err ignored = ERR_INIT;
	bool had_runtime = false;
	int rc = read_effective(s, r, &had_runtime, e);

	spec_init(&now);
	if (rc >= 0)
		rc = edited_by_policy(s, &s->effective, &now, e);
	if (rc < 0)
		return rc;
	tree = instance_tree(s->j, s->name, e);
	if (!tree)
		return -e->code;
	if (network_differs(&s->effective, &now)) {
		rc = network_change_begin(&change, s->j, s->name, s->dir, r, &s->effective, &now,
					  e);
		if (rc < 0)
			return rc;
	}
	rc = cgroup_change_limits(tree, s->name, &s->effective.limits, &now.limits, &s->texts,
				  &undo, e);
	if (rc >= 0)
		rc = change_devices(s, r, tree, &s->effective, &now, e);
	if (rc >= 0) {
		rc = instance_disk_change(&s->effective, &now, s->dir, true, e);
		if (rc >= 0 && (rc = store_live(s, r, &now, had_runtime, e)) < 0)
			(void)instance_disk_change(&now, &s->effective, s->dir, true, &ignored);
		if (rc < 0)
			(void)change_devices(s, r, tree, &now, &s->effective, &ignored);
	}
	if (rc < 0) {
		cgroup_undo_run(&undo);
		network_change_undo(&change);
		return rc;
	}
	network_change_commit(&change);
	s->applied = r->state.pid;
	s->live = true;
	return 0;
}

/* It runs, and one of the keys counts from a start only. */
static int stop_for_restart(struct set_job *s, const struct run_state *state, struct err *e)
{
	const struct spec_path *p = needs_restart(s);
	bool forced = false;
	int r;

	if (!s->o->restart) {
		(void)err_set(e, EBUSY, "%s: can't change while the instance runs", p->text);
		return err_hint(e, "--restart stores it and starts the instance again");
	}
	if (state && state->remove)
		return err_set(e, EBUSY, "is removed when it stops (--rm)");
	r = instance_stop(s->j, s->name, UINT64_MAX, &forced, e);
	if (r == -ESRCH) {
		*e = ERR_INIT;
		r = 0;
	}
	s->stopped |= r >= 0;
	return r;
}

/* Nobody has it up: with its lock, nobody will before the file is written. Return: 1 done, 0 look
 * again. */
static int store_down(struct set_job *s, struct err *e)
{
	struct network_change change CLEANUP_NETWORK_CHANGE = NETWORK_CHANGE_INIT;
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;
	struct err why = ERR_INIT;
	int r;

	if (s->o->runtime) {
		(void)err_set(e, ESRCH, "is not running");
		return err_hint(e, "without --runtime the change is stored for the next start");
	}
	lock = instance_lock_down(s->j, s->name, &dir, &why);
	if (lock == -EALREADY)
		return 0;
	if (lock < 0) {
		*e = why;
		return lock;
	}
	r = network_differs(&s->before, &s->after)
		    ? network_change_begin(&change, s->j, s->name, s->dir, NULL, &s->before,
					   &s->after, e)
		    : 0;
	if (r >= 0 && instance_disk_differs(&s->before, &s->after) &&
	    disk_kind_of(s->dir) == DISK_DIRECTORY) {
		r = store_with_disk(s, e);
	} else if (r >= 0) {
		r = instance_disk_change(&s->before, &s->after, s->dir, false, e);
		if (r >= 0)
			r = store(s, e);
	}
	if (r >= 0)
		network_change_commit(&change);
	else
		network_change_undo(&change);
	return r < 0 ? r : 1;
}

/* Between two starts, with state.json of the last: the next one reads what is written now. */
static bool is_between(const struct set_job *s)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int run = run_dir_open(s->j, s->name, false, &ignored);

	return run >= 0 && faccessat(run, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !exit_record_is_due(s->dir);
}

/* One look, and what follows from it. Return: 1 done, 0 look again, -EAGAIN wait first. */
static int step(struct set_job *s, struct err *e)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	struct err why = ERR_INIT;
	int rc = running_open(s->j, s->name, &r, &why);

	if (rc >= 0) {
		if (s->applied == r.state.pid)
			return 1;
		if (s->o->restart || needs_restart(s)) /* it came up again: stop that too */
			return stop_for_restart(s, &r.state, e);
		rc = apply_live(s, &r, e);
		/* Its end takes the cgroup away: look what it has come to. */
		return (rc == -ENOENT || rc == -ENODEV) && running_has_ended(&r) ? -EAGAIN : rc;
	}
	if (rc == -ESRCH)
		return s->stored ? 1 : store_down(s, e);
	if (rc != -EAGAIN) {
		*e = why;
		return rc;
	}
	if (!is_between(s) || s->o->runtime)
		return -EAGAIN;
	if (s->o->restart || needs_restart(s))
		return stop_for_restart(s, NULL, e);
	if (s->stored)
		return 1;
	rc = store(s, e);
	return rc < 0 ? rc : 0;
}

static int steps(struct set_job *s, struct err *e)
{
	uint64_t end = clock_boot_ms() + SET_WAIT_MS;
	CLEANUP_FD int watch = instance_watch(s->j, s->name);

	for (;;) {
		struct err why = ERR_INIT;
		int r = step(s, &why);

		if (r == -EAGAIN && clock_boot_ms() < end) {
			instance_watch_wait(watch);
			continue;
		}
		if (r == 0)
			continue;
		if (r == -EAGAIN) {
			(void)err_set(e, EBUSY, "is neither up nor down: another command is at it");
			return err_hint(e, "try again when that has finished");
		}
		if (r < 0)
			*e = why;
		return r < 0 ? r : 0;
	}
}

static int start_again(struct set_job *s, struct err *e)
{
	const struct start_options start = { .attach = false };
	bool exec_failed = false;
	int client = -EBADF;
	int r = instance_start(s->j, s->name, &start, &client, &exec_failed, e);

	/* Somebody else was faster; it has what is stored. */
	if (r != -EALREADY)
		return r;
	*e = ERR_INIT;
	return 0;
}

static int take_value(const struct jail_spec *spec, const struct spec_path *p, char **ret,
		      struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	int r = spec_value(spec, p, &b, e);

	if (r <= 0)
		return r;
	*ret = strdup(strbuf_str(&b));
	return *ret ? 0 : err_nomem(e);
}

static int report(struct set_job *s, struct set_result *ret, struct err *e)
{
	struct set_result result CLEANUP_SET_RESULT = { .live = s->live };
	CLEANUP_SPEC struct jail_spec now;
	int r;

	spec_init(&now);
	r = edited(s, &s->effective, &now, e);
	result.v = calloc(s->o->n, sizeof(*result.v));
	if (r >= 0 && !result.v)
		r = err_nomem(e);
	for (size_t i = 0; i < s->o->n && r >= 0; i++) {
		struct set_change *c = &result.v[result.n++];

		c->key = strdup(s->paths[i].text);
		r = c->key ? take_value(&s->effective, &s->paths[i], &c->before, e) : err_nomem(e);
		if (r >= 0)
			r = take_value(&now, &s->paths[i], &c->after, e);
	}
	if (r < 0)
		return r;
	*ret = result;
	result = (struct set_result){ .n = 0 };
	return 0;
}

static int set_locked(struct set_job *s, struct set_result *ret, struct err *e)
{
	int r = spec_read(s->dir, &s->before, e);

	/* What is not stored is judged with what is in effect, and only so. */
	if (r >= 0 && !s->o->runtime)
		r = edited_by_policy(s, &s->before, &s->after, e);
	if (r < 0 || (r = spec_copy(&s->before, &s->effective, e)) < 0)
		return r;
	r = steps(s, e);
	if (s->stopped) {
		struct err why = ERR_INIT;
		int started = start_again(s, r < 0 ? &why : e);

		r = r < 0 ? r : started;
	}
	if (r < 0)
		return r;
	r = report(s, ret, e);
	ret->restarted = s->stopped;
	return r;
}

int instance_set(struct jail *j, const struct jail_name *name, const struct set_options *o,
		 struct set_result *ret, struct err *e)
{
	struct set_job s = { .j = j, .name = name, .o = o };
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;
	int r = 0;

	if (o->n > SET_MAX)
		return err_set(e, E2BIG, "more than %d settings", SET_MAX);
	spec_init(&s.before);
	spec_init(&s.after);
	spec_init(&s.effective);
	for (size_t i = 0; i < o->n && r >= 0; i++)
		r = parse_setting(&s, i, e);
	if (r >= 0)
		r = s.dir = dir = instance_open_dir(j, name, e);
	if (r >= 0)
		r = lock = spec_lock(dir, e);
	if (r >= 0)
		r = set_locked(&s, ret, e);
	if (r >= 0 && !o->runtime)
		systemd_dropin_update(j, name, &s.after);
	strv_free(&s.texts);
	spec_free(&s.before);
	spec_free(&s.after);
	spec_free(&s.effective);
	return r < 0 ? err_wrap(e, "set %s", name->s) : 0;
}
