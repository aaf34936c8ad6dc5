/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gc: whatever is named after an instance that does not live. Nothing is remembered about what
 * there is to clean; each kind of object is listed and asked for its owner.
 *
 * It holds the state tree's gate, so no name appears meanwhile (create, rename): an owner that is
 * not known belongs to nobody. Known ones may start at any moment, so what belongs to one that is
 * down (a cgroup, a port) is removed only under that instance's own lock. An instance whose record
 * cannot be read owns we don't know what: then leases and layers stay as they are.
 */
#include <fcntl.h>

#include "base/dir.h"
#include "base/lock.h"
#include "base/path.h"
#include "runtime/gc_priv.h"
#include "runtime/schedule.h"

#define GATE_WAIT_MS 600000
#define CGROUP_WAIT_MS 30000

/* One thing that fails keeps nothing else from being cleaned. */
void gc_note_failure(struct gc *g, const struct err *why)
{
	if (g->first.code == 0)
		g->first = *why;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

const struct known *gc_find_known(const struct gc *g, const char *id)
{
	struct known key = { .id = "" };

	if (str_format(key.id, sizeof(key.id), "%s", id) < 0 || !g->n_known)
		return NULL;
	return bsearch(&key, g->known, g->n_known, sizeof(key), by_id);
}

/* Room for `more` elements more of an array that doubles. */
static int grow(void **array, size_t n, size_t more, size_t *room, size_t size)
{
	size_t wanted = *room ? *room : 64;
	void *bigger;

	while (wanted < n + more)
		wanted *= 2;
	if (wanted == *room)
		return 0;
	bigger = reallocarray(*array, wanted, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*room = wanted;
	return 0;
}

/* Takes the lock of an instance that is down. -EWOULDBLOCK: it is up or somebody is at it. */
int gc_lock_if_down(struct gc *g, const struct jail_name *name, int *ret_dir)
{
	struct err held = ERR_INIT;

	return instance_lock(g->j, name, 0, ret_dir, &held);
}

/* Cleans up after a supervisor that was killed. */
static void collect_stale(struct gc *g, const struct jail_name *name, int run)
{
	CLEANUP_FD int dir = -EBADF, lock = gc_lock_if_down(g, name, &dir);
	struct err why = ERR_INIT;
	struct run_state s;

	if (lock < 0) {
		g->bridged |= run_state_read(run, &s, &why) >= 0 && s.has_net;
		return;
	}
	if (reconcile_locked(g->j, name, dir, &why) >= 0) {
		g->report->run_dirs++;
		return;
	}
	(void)err_wrap(&why, "%s", name->s);
	gc_note_failure(g, &why);
}

static int collect_meta(struct gc *g, const struct jail_name *name, const struct meta *m)
{
	struct known *k;

	if (grow((void **)&g->known, g->n_known, 1, &g->room, sizeof(*g->known)) < 0 ||
	    grow((void **)&g->layers, g->n_layers, m->n_layers, &g->layers_room,
		 sizeof(*g->layers)) < 0)
		return -ENOMEM;
	k = &g->known[g->n_known++];
	k->name = *name;
	memcpy(k->id, m->owner.s, sizeof(k->id));
	memcpy(k->networks, m->networks, sizeof(k->networks));
	for (size_t i = 0; i < m->n_layers; i++)
		g->layers[g->n_layers++] = m->layers[i];
	return 0;
}

/* Until then its records don't name all of its layers. */
static int finish_rebuild(struct gc *g, const struct jail_name *name, int dir, struct err *e)
{
	CLEANUP_FD int held = -EBADF, lock = gc_lock_if_down(g, name, &held);

	(void)lock;
	return rebuild_is_due(dir) ? err_set(e, EBUSY, "its rebuild is not finished") : 0;
}

static int collect_one(struct gc *g, const char *text, struct err *e)
{
	struct err why = ERR_INIT;
	struct jail_name name;
	struct meta meta;
	CLEANUP_FD int dir = -EBADF, run = -EBADF;
	int r = name_parse("instance", text, &name, &why);

	if (r >= 0)
		r = dir = instance_open_dir(g->j, &name, &why);
	if (r == -ENOENT)
		return 0; /* removed since */
	if (r >= 0)
		run = run_dir_open(g->j, &name, false, &why);
	if (run >= 0)
		collect_stale(g, &name, run);
	if (r >= 0 && rebuild_is_left(dir))
		r = finish_rebuild(g, &name, dir, &why);
	if (r >= 0)
		r = meta_read(dir, &meta, &why);
	if (r >= 0)
		return collect_meta(g, &name, &meta) < 0 ? err_nomem(e) : 0;
	if (dir >= 0 && instance_is_there(g->j, &name, dir) == 0)
		return 0;
	g->damaged = true;
	warn("%s: %s; leases and layers are left alone", text, why.text);
	return 0;
}

static int by_digest(const void *a, const void *b)
{
	return strcmp(((const struct digest *)a)->hex, ((const struct digest *)b)->hex);
}

static int collect(struct gc *g, struct err *e)
{
	CLEANUP_STRV struct strv names = { 0 };
	int r = instance_names(g->j, &names, e);

	for (size_t i = 0; i < names.n && r >= 0; i++)
		r = collect_one(g, names.v[i], e);
	if (g->n_known)
		qsort(g->known, g->n_known, sizeof(*g->known), by_id);
	if (g->n_layers)
		qsort(g->layers, g->n_layers, sizeof(*g->layers), by_digest);
	return r;
}

/* Calls fn for each entry of a directory that is not hidden. */
int gc_each_entry(int dir, void (*fn)(struct gc *, int, const char *), struct gc *g, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(dir);
	struct dirent *entry;

	if (!d)
		return err_sys(e, "list directory");
	while ((errno = 0, entry = readdir(d)))
		if (entry->d_name[0] != '.')
			fn(g, dir, entry->d_name);
	return errno ? err_sys(e, "list directory") : 0;
}

static int cgroup_one(const struct jail_name *name, void *arg)
{
	struct gc *g = arg;
	struct err why = ERR_INIT;
	CLEANUP_FD int dir = -EBADF, lock = gc_lock_if_down(g, name, &dir);

	if (lock < 0 && lock != -ENOENT)
		return 0;
	if (cgroup_destroy(&g->j->tree, name, CGROUP_WAIT_MS, &why) < 0)
		gc_note_failure(g, &why);
	else
		g->report->cgroups++;
	return 0;
}

static int gc_cgroups(struct gc *g, struct err *e)
{
	int r = engine_tree(g->j, e);

	if (r >= 0)
		r = cgroup_each(&g->j->tree, cgroup_one, g, e);
	return r < 0 ? r : cgroup_work_gc(&g->j->tree, CGROUP_WAIT_MS, &g->report->cgroups, e);
}

static void remove_counted(struct gc *g, int dir, const char *name, size_t *count)
{
	struct err why = ERR_INIT;

	if (path_remove_tree(dir, name, &why) >= 0)
		(*count)++;
	else
		gc_note_failure(g, &why);
}

static void trash_one(struct gc *g, int trash, const char *name)
{
	CLEANUP_FD int dir = path_open_beneath(trash, name, O_RDONLY | O_DIRECTORY, 0);
	struct err why = ERR_INIT;
	int held = dir;

	/* A remove that is still at work holds its lock. Looked at and not taken: that would make
	 * the file again which the remove has just deleted. */
	if (dir >= 0)
		held = lock_is_held_at(dir, "lock");
	if (held == 0 || held == -ENOTDIR || held == -ELOOP)
		remove_counted(g, trash, name, &g->report->instances);
	else if (held < 0 && held != -ENOENT) {
		(void)err_ret(&why, held, "trash/%s", name);
		gc_note_failure(g, &why);
	}
}

/* Run directories of instances that are gone altogether. */
static void run_one(struct gc *g, int run, const char *text)
{
	struct jail_name name;
	struct err why = ERR_INIT;
	CLEANUP_FD int dir = -ENOENT;

	if (name_parse("instance", text, &name, &why) >= 0)
		dir = instance_open_dir(g->j, &name, &why);
	if (dir == -ENOENT)
		remove_counted(g, run, text, &g->report->run_dirs);
	else if (dir < 0)
		gc_note_failure(g, &why);
}

static int gc_directories(struct gc *g, struct err *e)
{
	CLEANUP_FD int trash = path_make_dir_at(g->j->state, "trash", 0700, e);
	int r = trash < 0 ? trash : gc_each_entry(trash, trash_one, g, e);

	return r < 0 ? r : gc_each_entry(g->j->run_instances, run_one, g, e);
}

static bool is_used(const struct digest *layer, void *arg)
{
	const struct gc *g = arg;

	return g->damaged || (g->n_layers && bsearch(layer, g->layers, g->n_layers, sizeof(*layer),
						     by_digest) != NULL);
}

static int gc_images(struct gc *g, struct err *e)
{
	struct store_removed removed = { 0 };
	int r = engine_store(g->j, e);

	if (r >= 0)
		r = store_gc(&g->j->store, is_used, g, &removed, e);
	g->report->layers = removed.layers;
	g->report->configs = removed.configs;
	g->report->staging = removed.staging;
	g->report->bytes = removed.bytes;
	return r;
}

/* For net_gc, which removes later what it asks about now: who is not alive stays so until then. */
static bool is_alive(const struct jail_name *name, void *arg)
{
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;
	struct gc *g = arg;

	for (size_t i = g->n_held; i > 0; i--)
		if (str_eq(g->held[i - 1].name.s, name->s))
			return false;
	lock = gc_lock_if_down(g, name, &dir);
	if (lock < 0)
		return lock != -ENOENT;
	if (grow((void **)&g->held, g->n_held, 1, &g->held_room, sizeof(*g->held)) < 0)
		return true;
	g->held[g->n_held++] = (struct held){ *name, TAKE_FD(lock) };
	return false;
}

static void release_held(struct gc *g)
{
	while (g->n_held > 0)
		fd_reset(&g->held[--g->n_held].lock);
}

/* Also puts back what somebody flushed, as long as anybody needs it. */
static int gc_network(struct gc *g, struct err *e)
{
	int r = g->bridged ? network_ensure_all(g->j, e) : 0;

	if (r >= 0)
		r = net_gc(is_alive, g, e);
	if (r >= 0)
		r = network_names_gc(g->j, is_alive, g, e);
	release_held(g);
	return r;
}

/* The network before the leases, so that nobody gets an address that old elements still speak of
 * (row 79). */
static int run_all(struct gc *g, struct err *e)
{
	static int (*const steps[])(struct gc *, struct err *) = {
		gc_cgroups, gc_network, gc_leases, gc_snapshots, gc_directories, gc_files, gc_images
	};
	int r = collect(g, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct err why = ERR_INIT;

		if (steps[i](g, &why) < 0)
			gc_note_failure(g, &why);
	}
	if (g->first.code)
		*e = g->first;
	return -g->first.code;
}

static void note_schedule(const struct schedule_result *r, void *arg)
{
	struct gc *g = arg;

	g->report->due += r->made;
	g->report->over += r->removed.n;
	if (r->why.code && !r->skipped) {
		struct err why = r->why;

		(void)err_wrap(&why, "snapshots of %s", r->instance.s);
		gc_note_failure(g, &why);
	}
}

/* Without the gate: a copy may take its time. */
static void run_schedules(struct gc *g)
{
	struct err why = ERR_INIT;

	if (schedules_run(g->j, NULL, 0, note_schedule, g, &why) < 0)
		gc_note_failure(g, &why);
}

int jail_gc(struct jail *j, struct gc_report *ret, struct err *e)
{
	struct gc g = { .j = j, .report = ret, .first = ERR_INIT };
	CLEANUP_FD int gate = lock_take_at(j->state, "lock", LOCK_MODE_EXCLUSIVE, GATE_WAIT_MS, e);
	int r;

	*ret = (struct gc_report){ 0 };
	if (gate < 0)
		return err_wrap(e, "gc");
	r = run_all(&g, e);
	fd_reset(&gate);
	run_schedules(&g);
	if (r >= 0 && g.first.code) {
		*e = g.first;
		r = -e->code;
	}
	free(g.known);
	free(g.layers);
	free(g.held);
	return r < 0 ? err_wrap(e, "gc") : 0;
}
