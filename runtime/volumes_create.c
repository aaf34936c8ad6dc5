/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A volume is made in STATE/trash under its id, with its lock held, so that gc leaves it and the
 * project that it has leased alone; and appears by one rename that refuses to replace. The gate is
 * held only at the two ends of that: a large copy keeps nobody waiting.
 *
 * What `from` holds is copied into the new and empty volume by held directories, through no link
 * and no other mount (row 48): nothing in it leads out of it (images/treecopy.h).
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/num.h"
#include "base/path.h"
#include "base/rollback.h"
#include "images/treecopy.h"
#include "runtime/disk.h"
#include "runtime/spec_priv.h"
#include "runtime/volumes_priv.h"

#define LOST_FOUND "lost+found"
#define LINKS ".links-"

struct making {
	struct jail *j;
	const struct volume_options *o;
	struct volume v;
	int trash, dir, lock;
	uint32_t project; /* or 0 */
};

int volume_parse_owner(const char *text, struct volume_options *o, struct err *e)
{
	const char *colon = strchr(text, ':');
	CLEANUP_FREE char *user = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	uint64_t uid = 0, gid = 0;
	int r;

	if (!user)
		return err_nomem(e);
	r = num_parse_u64(user, 0, VOLUME_ID_MAX, &uid, e);
	if (r >= 0)
		r = num_parse_u64(colon ? colon + 1 : user, 0, VOLUME_ID_MAX, &gid, e);
	if (r < 0) {
		(void)err_wrap(e, "owner \"%.60s\"", text);
		return err_hint(e, "give ids as they are inside: UID or UID:GID");
	}
	o->has_owner = true;
	o->uid = (uint32_t)uid;
	o->gid = (uint32_t)gid;
	return 0;
}

int volume_parse_mode(const char *text, struct volume_options *o, struct err *e)
{
	if (spec_parse_mode(text, &o->mode, e) < 0)
		return err_wrap(e, "mode");
	o->has_mode = true;
	return 0;
}

static void undo_directory(void *arg)
{
	struct making *m = arg;
	struct err ignored = ERR_INIT;

	fd_reset(&m->dir);
	(void)path_remove_tree(m->trash, m->v.id.s, &ignored);
}

/* Before its directory goes, but it is empty by then or counted as somebody else's until it is. */
static void undo_project(void *arg)
{
	struct making *m = arg;
	struct err why = ERR_INIT;

	if (instance_disk_release(m->j, &m->v.id, m->project, &why) < 0)
		warn("%s", why.text);
}

static int name_in_use(const struct jail_name *name, struct err *e)
{
	(void)err_set(e, EEXIST, "exists already");
	return err_hint(e, "`jail volume inspect %s` shows it", name->s);
}

static int begin(struct making *m, struct rollback *undo, struct err *e)
{
	CLEANUP_FD int gate = engine_gate(m->j, e), dir = -EBADF;

	if (gate < 0)
		return gate;
	dir = volumes_dir(m->j, e);
	if (dir < 0)
		return dir;
	if (faccessat(dir, m->v.name.s, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return name_in_use(&m->v.name, e);
	m->trash = path_make_dir_at(m->j->state, "trash", 0700, e);
	if (m->trash < 0)
		return m->trash;
	if (mkdirat(m->trash, m->v.id.s, 0700) < 0)
		return err_sys(e, "make directory trash/%s", m->v.id.s);
	rollback_push(undo, undo_directory, m);
	m->dir = path_open_beneath(m->trash, m->v.id.s, O_RDONLY | O_DIRECTORY, 0);
	if (m->dir < 0)
		return err_ret(e, m->dir, "open trash/%s", m->v.id.s);
	m->lock = lock_take_at(m->dir, "lock", LOCK_MODE_EXCLUSIVE, 0, e);
	return m->lock < 0 ? m->lock : 0;
}

static int make_project(struct making *m, struct rollback *undo, struct err *e)
{
	int pool = engine_projects(m->j, e), r;

	if (pool < 0)
		return pool;
	r = disk_project_lease(pool, m->dir, &m->j->config.projects, &m->v.id, &m->project, e);
	if (r < 0)
		return r;
	rollback_push(undo, undo_project, m);
	r = disk_project_mark(m->dir, m->project, true, e);
	if (r >= 0)
		r = disk_project_put(m->dir, "data", m->project, e);
	return r < 0 ? r : disk_project_limit(m->dir, m->project, &m->v.limits, e);
}

static int make_image(struct making *m, struct err *e)
{
	if (m->v.limits.size_bytes)
		return disk_image_make(m->dir, &m->v.limits, e);
	(void)err_set(e, EOPNOTSUPP,
		      "a number of inodes needs a size too, since an image file has to hold them");
	return err_hint(e, "give one: --size");
}

static int make_place(struct making *m, struct rollback *undo, struct err *e)
{
	bool limits = m->v.limits.size_bytes || m->v.limits.inodes;
	bool project = limits && disk_project_is_enforced(m->dir);

	if (limits && !project)
		return make_image(m, e);
	if (mkdirat(m->dir, "data", 0700) < 0)
		return err_sys(e, "make directory data");
	return project ? make_project(m, undo, e) : 0;
}

/* Of a file with several names the copies are found by what is in `links`, which has to be on the
 * same mount: for the time of the copy it is in the volume itself. */
static int copy_tree(const struct making *m, int from, int root, struct err *e)
{
	char name[sizeof(LINKS) + sizeof(m->v.id.s)];
	int r;
	CLEANUP_FD int links = -EBADF;
	struct tree_copy c = { .foreign = true };
	struct stat st;

	(void)str_format(name, sizeof(name), LINKS "%s", m->v.id.s); /* fits */
	links = c.links = path_make_dir_at(root, name, 0700, e);
	if (links < 0)
		return links;
	r = tree_copy(&c, from, root, e);
	if (r >= 0 && fstat(root, &st) < 0)
		r = err_sys(e, "stat");
	if (r < 0 || (r = path_remove_tree(root, name, e)) < 0)
		return r;
	return futimens(root, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0
		       ? err_sys(e, "set the times")
		       : 0;
}

static int copy_from(const struct making *m, int root, struct err *e)
{
	CLEANUP_FD int from = open(m->o->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mode_t mask;
	int r;

	if (from < 0)
		return err_sys(e, "copy of %s", m->o->from);
	mask = umask(0);
	r = copy_tree(m, from, root, e);
	(void)umask(mask);
	if (r >= 0)
		return 0;
	if (m->v.limits.size_bytes && (r == -ENOSPC || r == -EDQUOT))
		(void)err_hint(e, "take a larger --size, or more --inodes");
	return err_wrap(e, "copy of %s", m->o->from);
}

static int fill(struct making *m, int root, struct err *e)
{
	const struct volume_options *o = m->o;
	struct stat st;
	int r = o->from ? copy_from(m, root, e) : 0;

	if (r < 0)
		return r;
	if ((o->has_owner || !o->from) && fchown(root, o->uid, o->gid) < 0)
		return err_sys(e, "owner of the volume");
	if ((o->has_mode || !o->from) && fchmod(root, o->has_mode ? o->mode : VOLUME_MODE) < 0)
		return err_sys(e, "mode of the volume");
	if (fstat(root, &st) < 0 || syncfs(root) < 0)
		return err_sys(e, "write the volume");
	m->v.uid = st.st_uid;
	m->v.gid = st.st_gid;
	m->v.mode = st.st_mode & 07777;
	return 0;
}

static int make_content(struct making *m, struct err *e)
{
	CLEANUP_FD int mount = volume_mount(m->dir, &m->v, e), root = -EBADF;

	if (mount < 0)
		return mount;
	root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open the volume");
	/* A database wants an empty directory; e2fsck makes it again when it has found something.
	 */
	if (unlinkat(root, LOST_FOUND, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "remove " LOST_FOUND);
	return fill(m, root, e);
}

static int publish(struct making *m, struct err *e)
{
	CLEANUP_FD int gate = engine_gate(m->j, e), dir = -EBADF;
	const char *name = m->v.name.s;
	int r;

	if (gate < 0)
		return gate;
	dir = volumes_dir(m->j, e);
	if (dir < 0)
		return dir;
	if (fsync(m->dir) < 0)
		return err_sys(e, "sync the volume");
	if (renameat2(m->trash, m->v.id.s, dir, name, RENAME_NOREPLACE) < 0)
		return errno == EEXIST ? name_in_use(&m->v.name, e) : err_sys(e, "make it");
	if (fsync(dir) == 0)
		return 0;
	r = err_sys(e, "sync the directory of volumes");
	(void)renameat2(dir, name, m->trash, m->v.id.s, RENAME_NOREPLACE);
	return r;
}

static int prepare(struct making *m, struct err *e)
{
	const struct volume_options *o = m->o;
	int r = engine_new_id(&m->v.id, e);

	m->v.created_ms = clock_wall_ms();
	m->v.tenant = o->tenant;
	m->v.limits = o->limits;
	for (size_t i = 0; i < o->n_labels && r >= 0; i++)
		r = volume_set_label(&m->v, o->labels[i], e);
	return r < 0 ? r : volume_check_limits(&o->limits, e);
}

static int make(struct making *m, struct rollback *undo, struct err *e)
{
	int r;

	if ((r = prepare(m, e)) < 0 || (r = begin(m, undo, e)) < 0 ||
	    (r = make_place(m, undo, e)) < 0 || (r = make_content(m, e)) < 0 ||
	    (r = volume_file_write(m->dir, &m->v, e)) < 0)
		return r;
	return publish(m, e);
}

int volume_create(struct jail *j, const struct jail_name *name, const struct volume_options *o,
		  struct volume *ret, struct err *e)
{
	struct making m = { .j = j, .o = o, .trash = -EBADF, .dir = -EBADF, .lock = -EBADF };
	struct rollback undo CLEANUP_ROLLBACK = ROLLBACK_INIT;
	int r;

	m.v.name = *name;
	r = make(&m, &undo, e);
	if (r >= 0)
		rollback_commit(&undo);
	else
		rollback_run(&undo);
	fd_reset(&m.lock);
	fd_reset(&m.dir);
	fd_reset(&m.trash);
	if (r < 0) {
		volume_free(&m.v);
		return err_wrap(e, "volume %s", name->s);
	}
	*ret = m.v;
	return 0;
}
