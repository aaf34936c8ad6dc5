/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding, listing and removing volumes. Nothing is remembered about who uses one: the instances
 * are asked. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>

#include "base/lock.h"
#include "base/path.h"
#include "runtime/disk.h"
#include "runtime/volumes_priv.h"

int volumes_dir(struct jail *j, struct err *e)
{
	int fd = path_make_dir_at(j->state, "volumes", 0700, e);

	return fd < 0 ? err_wrap(e, "%s", j->config.state_dir) : fd;
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int volume_names(int dir, struct strv *ret, struct err *e)
{
	struct dirent **list;
	int n = scandirat(dir, ".", &list, is_visible, NULL), r = 0;

	if (n < 0)
		return err_sys(e, "list volumes");
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = strv_add(ret, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	if (r < 0)
		return err_nomem(e);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
	return 0;
}

static int no_volume(int dir, const struct jail_name *name, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	struct err ignored = ERR_INIT;
	int nearest = -1;

	(void)err_set(e, ENOENT, "no volume %s", name->s);
	if (volume_names(dir, &names, &ignored) >= 0)
		nearest = ident_nearest(name->s, (const char *const *)names.v, names.n);
	if (names.v && nearest >= 0)
		return err_hint(e, "did you mean \"%s\"?", names.v[nearest]);
	return err_hint(e, "make it: jail volume create %s", name->s);
}

int volume_dir(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int dir = volumes_dir(j, e);
	int fd;

	if (dir < 0)
		return dir;
	fd = path_open_beneath(dir, name->s, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -ENOENT)
		return no_volume(dir, name, e);
	return fd < 0 ? err_ret(e, fd, "open volume %s", name->s) : fd;
}

int volume_guard(int dir, enum lock_mode mode, unsigned wait_ms, struct err *e)
{
	struct err why = ERR_INIT;
	int fd = lock_take_at(dir, "guard", mode, wait_ms, &why);

	if (fd >= 0)
		return fd;
	if (fd != -EWOULDBLOCK) {
		*e = why;
		return fd;
	}
	(void)err_set(e, EBUSY, "%s",
		      mode == LOCK_MODE_SHARED
			      ? "a snapshot of it is made, or its limits change"
			      : "an instance that has it is starting, or another command is at it");
	return err_hint(e, "try again when that has finished");
}

int volume_read(struct jail *j, const struct jail_name *name, struct volume *ret, struct err *e)
{
	CLEANUP_FD int dir = volume_dir(j, name, e);

	return dir < 0 ? dir : volume_file_read(dir, name, ret, e);
}

int volumes_read(struct jail *j, bool strict, struct volumes *ret, struct err *e)
{
	CLEANUP_VOLUMES struct volumes all = { .n = 0 };
	CLEANUP_STRV struct strv names = { .v = NULL };
	CLEANUP_FD int dir = volumes_dir(j, e);
	int r = dir < 0 ? dir : volume_names(dir, &names, e);

	if (r < 0)
		return r;
	all.v = calloc(names.n + 1, sizeof(*all.v));
	if (!all.v)
		return err_nomem(e);
	for (size_t i = 0; i < names.n; i++) {
		struct err why = ERR_INIT;
		struct jail_name name;

		r = name_parse("volume", names.v[i], &name, &why);
		if (r >= 0)
			r = volume_read(j, &name, &all.v[all.n], &why);
		if (r >= 0) {
			all.n++;
		} else if (r != -ENOENT && strict) { /* else removed meanwhile */
			*e = why;
			return r;
		} else if (r != -ENOENT) {
			warn("%s", why.text);
		}
	}
	*ret = all;
	all = (struct volumes){ .n = 0 };
	return 0;
}

void volume_uses_free(struct volume_uses *u)
{
	strv_free(&u->volumes);
	strv_free(&u->instances);
}

static int uses_of(struct jail *j, const char *instance, struct volume_uses *u, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	CLEANUP_FD int dir = -EBADF;
	struct jail_name name;
	int r = name_parse("instance", instance, &name, e);

	spec_init(&spec);
	if (r >= 0)
		r = dir = instance_open_dir(j, &name, e);
	if (r >= 0)
		r = spec_read(dir, &spec, e);
	if (r < 0)
		return dir >= 0 && instance_is_there(j, &name, dir) == 0 ? -ENOENT : r;
	for (size_t i = 0; i < spec.n_mounts; i++)
		if (spec.mounts[i].kind == SPEC_MOUNT_VOLUME &&
		    (strv_add(&u->volumes, spec.mounts[i].source) < 0 ||
		     strv_add(&u->instances, instance) < 0))
			return err_nomem(e);
	return 0;
}

int volume_uses(struct jail *j, bool strict, struct volume_uses *ret, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r = instance_names(j, &names, e);

	for (size_t i = 0; i < names.n && r >= 0; i++) {
		struct err why = ERR_INIT;

		r = uses_of(j, names.v[i], ret, &why);
		if (r == -ENOMEM || (r < 0 && r != -ENOENT && strict)) {
			*e = why;
			return err_wrap(e, "instance %s", names.v[i]);
		}
		if (r < 0 && r != -ENOENT)
			warn("%s: %s", names.v[i], why.text);
		r = 0;
	}
	return r;
}

int volume_users(struct jail *j, const struct jail_name *name, struct strv *ret, struct err *e)
{
	CLEANUP_VOLUME_USES struct volume_uses u = { { .n = 0 }, { .n = 0 } };
	int r = volume_uses(j, true, &u, e);

	for (size_t i = 0; i < u.volumes.n && r >= 0; i++) {
		/* One that has it twice comes twice in a row. */
		if (!str_eq(u.volumes.v[i], name->s) ||
		    (ret->n && str_eq(ret->v[ret->n - 1], u.instances.v[i])))
			continue;
		if (strv_add(ret, u.instances.v[i]) < 0)
			r = err_nomem(e);
	}
	return r;
}

static int refuse_used(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_STRV struct strv users = { .v = NULL };
	int r = volume_users(j, name, &users, e);

	if (r < 0 || (r = engine_refuse_used(&users, e)) == 0)
		return r;
	(void)err_wrap(e, "volume %s", name->s);
	return err_hint(e, "`jail rm` these first, or take the mount out of their specs");
}

/* Out of sight, by one rename; gc removes what is left of it. Its lock says that we are at it. */
static int hide(struct jail *j, const struct jail_name *name, int trash, struct volume *ret,
		int *ret_lock, struct err *e)
{
	CLEANUP_FD int dir = volumes_dir(j, e), own = -EBADF, guard = -EBADF;
	int r;

	if (dir < 0)
		return dir;
	own = volume_dir(j, name, e);
	r = own < 0 ? own : volume_file_read(own, name, ret, e);
	if (r < 0 || (r = refuse_used(j, name, e)) < 0)
		return r;
	/* Everybody waits for the gate, so nobody is waited for here. */
	guard = volume_guard(own, LOCK_MODE_EXCLUSIVE, 0, e);
	if (guard < 0)
		return err_wrap(e, "volume %s", name->s);
	*ret_lock = lock_take_at(own, "lock", LOCK_MODE_EXCLUSIVE, 0, e);
	if (*ret_lock < 0)
		return *ret_lock;
	if (renameat2(dir, name->s, trash, ret->id.s, RENAME_NOREPLACE) < 0)
		return err_sys(e, "move volume %s to the trash", name->s);
	return fsync(dir) < 0 ? err_sys(e, "write the directory of volumes") : 0;
}

int volume_remove(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int trash = path_make_dir_at(j->state, "trash", 0700, e), lock = -EBADF;
	CLEANUP_FD int dir = -EBADF, gate = -EBADF;
	CLEANUP_VOLUME struct volume v = { .mode = 0 };
	uint32_t project = 0;
	int r = trash;

	if (r >= 0)
		r = gate = engine_gate_alone(j, e);
	if (r >= 0)
		r = hide(j, name, trash, &v, &lock, e);
	fd_reset(&gate);
	if (r >= 0) {
		dir = path_open_beneath(trash, v.id.s, O_RDONLY | O_DIRECTORY, 0);
		project = dir < 0 ? 0 : instance_disk_project(dir);
		r = path_remove_tree(trash, v.id.s, e);
	}
	if (r >= 0)
		r = instance_disk_release(j, &v.id, project, e);
	return r;
}
