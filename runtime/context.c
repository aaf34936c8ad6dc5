/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening the state tree. Only the directories that every command needs are opened at once; lease
 * pools, the image store and the cgroup tree when somebody asks, so that `jail logs` does not pay
 * for them.
 */
#include <fcntl.h>

#include "base/lock.h"
#include "base/path.h"
#include "runtime/engine_priv.h"
#include "runtime/unit.h"

#define GATE_WAIT_MS 60000
#define ALONE_WAIT_MS 60000
#define USERS_NAMED 8 /* in a message */

int jail_open(const struct jail_config *c, struct jail **ret, struct err *e)
{
	struct jail *j __attribute__((cleanup(jail_close))) = calloc(1, sizeof(*j));

	if (!j)
		return err_nomem(e);
	if (faccessat(AT_FDCWD, "/proc/self/fd", F_OK, 0) < 0) {
		(void)err_sys(e, "/proc/self/fd");
		return err_hint(e, "mount a proc file system on /proc");
	}
	j->config = *c;
	j->state = j->instances = j->run = j->run_instances = -EBADF;
	j->ids = j->projects = j->ports = -EBADF;
	j->store = (struct image_store){
		.images = -EBADF, .configs = -EBADF, .layers = -EBADF, .staging = -EBADF
	};
	j->work = CGROUP_WORK_INIT;
	j->tree.root_fd = j->unit_tree.root_fd = -EBADF;
	j->state = path_make_state_dir(c->state_dir, e);
	if (j->state < 0)
		return err_wrap(e, "state directory");
	j->run = path_make_state_dir(c->run_dir, e);
	if (j->run < 0)
		return err_wrap(e, "run directory");
	j->instances = path_make_dir_at(j->state, "instances", 0700, e);
	if (j->instances < 0)
		return err_wrap(e, "%s", c->state_dir);
	j->run_instances = path_make_dir_at(j->run, "instances", 0700, e);
	if (j->run_instances < 0)
		return err_wrap(e, "%s", c->run_dir);
	*ret = TAKE_PTR(j);
	return 0;
}

void engine_close_dirs(struct jail *j)
{
	if (j->have_store)
		store_close(&j->store);
	if (j->have_tree)
		cgroup_tree_close(&j->tree);
	cgroup_tree_close(&j->unit_tree);
	j->have_store = j->have_tree = false;
	fd_reset(&j->work.dir);
	fd_reset(&j->ids);
	fd_reset(&j->projects);
	fd_reset(&j->ports);
	fd_reset(&j->run_instances);
	fd_reset(&j->instances);
	fd_reset(&j->run);
	fd_reset(&j->state);
}

void jail_close(struct jail **jp)
{
	if (!*jp)
		return;
	engine_work_end(*jp);
	engine_close_dirs(*jp);
	free(*jp);
	*jp = NULL;
}

const struct jail_config *jail_config(const struct jail *j)
{
	return &j->config;
}

/* Opens base/first/second (second may be NULL) once into *slot. */
static int pool_open(int *slot, int base, const char *first, const char *second, struct err *e)
{
	CLEANUP_FD int parent = -EBADF;

	if (*slot >= 0)
		return *slot;
	parent = path_make_dir_at(base, first, 0700, e);
	if (parent < 0)
		return err_wrap(e, "lease directory %s", first);
	if (!second) {
		*slot = TAKE_FD(parent);
		return *slot;
	}
	*slot = path_make_dir_at(parent, second, 0700, e);
	if (*slot < 0)
		return err_wrap(e, "lease directory %s/%s", first, second);
	return *slot;
}

int engine_ids(struct jail *j, struct err *e)
{
	return pool_open(&j->ids, j->state, "leases", "ids", e);
}

int engine_projects(struct jail *j, struct err *e)
{
	return pool_open(&j->projects, j->state, "leases", "projects", e);
}

int engine_ports(struct jail *j, struct err *e)
{
	return pool_open(&j->ports, j->run, "ports", NULL, e);
}

int engine_store(struct jail *j, struct err *e)
{
	int r;

	if (j->have_store)
		return 0;
	r = store_open(j->state, &j->store, e);
	if (r < 0)
		return err_wrap(e, "image store");
	j->have_store = true;
	return engine_unpacker(j, &j->store.unpacker, e);
}

struct image_store *jail_images(struct jail *j, struct err *e)
{
	return engine_store(j, e) < 0 ? NULL : &j->store;
}

int engine_tree(struct jail *j, struct err *e)
{
	int r;

	if (j->have_tree)
		return 0;
	r = cgroup_tree_open(&j->tree, e);
	if (r < 0)
		return r;
	j->have_tree = true;
	return 0;
}

const struct cgroup_tree *instance_tree(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int run = run_dir_open(j, name, false, e);
	struct cgroup_place place;
	int r = run;

	if (run >= 0)
		r = unit_place_read(run, &place, e);
	if (r == -ENOENT)
		return engine_tree(j, e) < 0 ? NULL : &j->tree;
	if (r < 0)
		return NULL;
	cgroup_tree_close(&j->unit_tree);
	return cgroup_place_open(&place, &j->unit_tree, e) < 0 ? NULL : &j->unit_tree;
}

int engine_gate(struct jail *j, struct err *e)
{
	struct err why = ERR_INIT;
	int gate = lock_take_at(j->state, "lock", LOCK_MODE_SHARED, GATE_WAIT_MS, &why);

	if (gate != -EWOULDBLOCK) {
		if (gate < 0)
			*e = why;
		return gate;
	}
	err_set(e, EBUSY, "`jail gc` is at work since more than %d s", GATE_WAIT_MS / 1000);
	return err_hint(e, "try again when it has finished");
}

int engine_gate_alone(struct jail *j, struct err *e)
{
	struct err why = ERR_INIT;
	int gate = lock_take_at(j->state, "lock", LOCK_MODE_EXCLUSIVE, ALONE_WAIT_MS, &why);

	if (gate != -EWOULDBLOCK) {
		if (gate < 0)
			*e = why;
		return gate;
	}
	(void)err_set(e, EBUSY, "instances are being created since %d s", ALONE_WAIT_MS / 1000);
	return err_hint(e, "try again when that has finished");
}

int engine_refuse_used(const struct strv *users, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

	if (!users->n)
		return 0;
	for (size_t i = 0; i < users->n && i < USERS_NAMED; i++)
		strbuf_addf(&b, "%s%s", i ? ", " : "", users->v[i]);
	if (users->n > USERS_NAMED)
		strbuf_addf(&b, " and %zu others", users->n - USERS_NAMED);
	return err_set(e, EBUSY, "is used by %s", strbuf_str(&b));
}
