/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clone: a new instance from another one's files and spec. */
#include <fcntl.h>

#include "base/path.h"
#include "runtime/disk.h"
#include "runtime/events.h"
#include "runtime/freeze.h"
#include "runtime/image_defaults.h"
#include "runtime/snapshot_priv.h"
#include "runtime/spec_edit.h"

struct clone {
	struct snapshot_access source;
	const struct snapshot *from; /* NULL: now */
	struct jail_spec spec;
};

/* What was the source's alone. */
static int make_spec(struct clone *c, const struct jail_name *name, const struct clone_options *o,
		     struct err *e)
{
	const struct jail_spec *source = &c->source.spec;
	struct jail_spec *s = &c->spec;
	int r = spec_copy(source, s, e);

	if (r < 0 || (r = spec_take_name(s, name, e)) < 0)
		return r;
	for (size_t i = 0; i < s->network.n_interfaces; i++) {
		s->network.interfaces[i].addresses = (struct net_addresses){ 0 };
		s->network.interfaces[i].prefix4 = s->network.interfaces[i].prefix6 = 0;
	}
	if (s->network.n_ports && !o->n_ports)
		warn("%s: the published ports of %s are left out; give it others with --port",
		     name->s, source->name.s);
	s->network.n_ports = 0;
	for (size_t i = 0; i < o->n_ports; i++)
		if (spec_add_port(s, o->ports[i], e) < 0)
			return -e->code;
	return spec_finish(s, e);
}

/* What lies below, the lowest first. Return: 0 and on which the upper stands. */
static int copy_layers(const struct clone *c, const struct snapshots *to,
		       const struct tree_shift *shift, struct snapshot_id *ret, struct err *e)
{
	const struct snapshots *all = &c->source.all;
	struct snapshot_chain chain;
	int r = snapshots_chain(all, c->from ? &c->from->id : &all->head, &chain, e);

	*ret = (struct snapshot_id){ "" };
	for (size_t i = chain.n; r >= 0 && i > 0; i--) {
		char path[SNAPSHOT_PATH_MAX];
		CLEANUP_FD int fs = -EBADF;

		snapshot_path(&chain.v[i - 1]->id, path);
		fs = path_open_beneath(all->dir, path, O_RDONLY | O_DIRECTORY, 0);
		r = fs < 0 ? err_ret(e, fs, "open " SNAPSHOT_DIR "/%s", path)
			   : snapshots_clone_layer(to, fs, shift, ret, e);
	}
	return r;
}

/* As it is now; of a running one while it stands still. */
static int copy_now(struct clone *c, const struct snapshots *to, int upper,
		    const struct tree_shift *shift, const struct snapshot_id *parent, struct err *e)
{
	struct freeze f CLEANUP_FREEZE = FREEZE_INIT;
	struct snapshot_access *a = &c->source;
	struct err why = ERR_INIT;
	uint64_t us;
	int r, end;

	if (a->lock >= 0)
		return snapshots_clone_upper(to, upper, true, shift, parent, e);
	r = freeze_begin(a->j, &a->name, &f, e);
	if (r < 0)
		return r;
	r = snapshots_clone_upper(to, upper, true, shift, parent, e);
	end = freeze_end(&f, &us, &why);
	if (r < 0)
		return r;
	if (end < 0 || running_has_ended(&a->running)) {
		(void)err_set(e, EBUSY, "%s ended or went on while it was copied", a->name.s);
		return err_hint(e, "try again");
	}
	return 0;
}

static int copy_all(struct clone *c, struct snapshots *to, const struct meta *meta, int dir,
		    struct err *e)
{
	const struct tree_shift shift = { .from = c->source.meta.ids.first,
					  .to = meta->ids.first,
					  .count = c->source.meta.ids.count };
	char path[SNAPSHOT_PATH_MAX];
	CLEANUP_FD int like = -EBADF;
	struct snapshot_id parent;
	int r;

	if (c->from)
		snapshot_path(&c->from->id, path);
	like = path_open_beneath(c->from ? c->source.all.dir : c->source.holder,
				 c->from ? path : "upper", O_RDONLY | O_DIRECTORY, 0);
	if (like < 0)
		return err_ret(e, like, "open the files of %s", c->source.name.s);
	if ((r = snapshots_prepare(to, instance_disk_project(dir), e)) < 0 ||
	    (r = copy_layers(c, to, &shift, &parent, e)) < 0)
		return r;
	r = c->from ? snapshots_clone_upper(to, like, false, &shift, &parent, e)
		    : copy_now(c, to, like, &shift, &parent, e);
	if (r < 0)
		return r;
	return syncfs(to->dir) < 0 ? err_sys(e, "write the copy") : 0;
}

static int fill(const struct meta *meta, int dir, void *arg, struct err *e)
{
	struct clone *c = arg;
	CLEANUP_FD int mount = instance_disk_reach(&c->spec, dir, false, e), holder = -EBADF;
	CLEANUP_SNAPSHOTS struct snapshots to = SNAPSHOTS_INIT;
	int r;

	if (mount < 0)
		return mount;
	holder = path_open_beneath(mount, ".", O_RDONLY | O_DIRECTORY, 0);
	if (holder < 0)
		return err_ret(e, holder, "open what holds the new instance's files");
	to.holder = holder;
	r = copy_all(c, &to, meta, dir, e);
	if (r == -ENOSPC || r == -EDQUOT)
		(void)err_hint(e, "make room, or give the source a larger disk");
	return r < 0 ? err_wrap(e, "copy the files of %s", c->source.name.s) : 0;
}

static void clone_close(struct clone *c)
{
	snapshot_access_close(&c->source);
	spec_free(&c->spec);
}

int instance_clone(struct jail *j, const struct jail_name *source, const struct jail_name *name,
		   const struct clone_options *o, struct err *e)
{
	CLEANUP(clone_close) struct clone c = { .from = NULL };
	struct instance_origin origin = { .fill = fill, .arg = &c };
	CLEANUP_FREE char *config = NULL;
	int r;

	spec_init(&c.spec);
	snapshot_access_init(&c.source);
	r = snapshot_access_open(j, source, false, &c.source, e);
	if (r >= 0 && o->snapshot)
		r = snapshots_get(&c.source.all, o->snapshot, &c.from, e);
	if (r >= 0)
		r = make_spec(&c, name, o, e);
	origin.meta = &c.source.meta;
	if (r >= 0)
		r = image_kept_text(c.source.dir, &config, &origin.n_config, e);
	origin.config = config;
	if (r >= 0)
		r = instance_create_from(j, &c.spec, &origin, e);
	if (r >= 0)
		event_record(j, EVENT_CLONED, source,
			     &(struct event_detail){ .new_name = name->s,
						     .snapshot = c.from ? c.from->name.s : NULL });
	return r < 0 ? err_wrap(e, "clone %s", source->s) : 0;
}
