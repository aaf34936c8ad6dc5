/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a volume can change: its limits, and labels. The file system first, then the record, as
 * with the disk of an instance: what a kill leaves between the two, the next mount puts right.
 */
#include <fcntl.h>
#include <inttypes.h>

#include "base/num.h"
#include "runtime/disk.h"
#include "runtime/spec_priv.h"
#include "runtime/volumes_priv.h"

#define LABELS "labels."
#define LOST_FOUND "lost+found"
#define LAST_USE_WAIT_MS 30000

int volume_check_limits(const struct disk_limits *limits, struct err *e)
{
	if (limits->size_bytes &&
	    (limits->size_bytes < DISK_SIZE_MIN || limits->size_bytes > DISK_SIZE_MAX))
		return err_set(e, ERANGE, "size: from 16MiB to 1024TiB");
	if (limits->inodes &&
	    (limits->inodes < DISK_INODES_MIN || limits->inodes > DISK_INODES_MAX))
		return err_set(e, ERANGE, "inodes: from %d to %" PRIu64, DISK_INODES_MIN,
			       (uint64_t)DISK_INODES_MAX);
	return 0;
}

static void remove_label(struct volume *v, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < v->labels.n; i++) {
		if (strncmp(v->labels.v[i], key, n) != 0 || v->labels.v[i][n] != '=')
			continue;
		free(v->labels.v[i]);
		memmove(&v->labels.v[i], &v->labels.v[i + 1],
			(v->labels.n - i) * sizeof(*v->labels.v));
		v->labels.n--;
		return;
	}
}

/* "KEY=VALUE", of a label. */
static int set_label(struct volume *v, const char *text, struct err *e)
{
	size_t n = strcspn(text, "=");
	CLEANUP_FREE char *key = strndup(text, n);

	if (!key)
		return err_nomem(e);
	if (text[n + 1])
		return volume_set_label(v, text, e) < 0 ? err_wrap(e, "labels") : 0;
	if (spec_check_label_key(key, e) < 0)
		return err_wrap(e, "labels");
	remove_label(v, key);
	return 0;
}

static int set_size(struct volume *v, const char *value, struct err *e)
{
	v->limits.size_bytes = 0;
	if (!*value)
		return 0;
	if (num_parse_size(value, &v->limits.size_bytes, e) < 0)
		return err_wrap(e, "size");
	return v->limits.size_bytes ? 0 : err_set(e, EINVAL, "size: must be more than 0");
}

static int set_inodes(struct volume *v, const char *value, struct err *e)
{
	v->limits.inodes = 0;
	if (!*value)
		return 0;
	return num_parse_u64(value, DISK_INODES_MIN, DISK_INODES_MAX, &v->limits.inodes, e) < 0
		       ? err_wrap(e, "inodes")
		       : 0;
}

static int apply(struct volume *v, const char *text, struct err *e)
{
	static const char size[] = "size=", inodes[] = "inodes=";

	if (str_starts(text, size))
		return set_size(v, text + strlen(size), e);
	if (str_starts(text, inodes))
		return set_inodes(v, text + strlen(inodes), e);
	if (str_starts(text, LABELS) && strchr(text, '='))
		return set_label(v, text + strlen(LABELS), e);
	(void)err_set(e, EINVAL, "\"%.100s\": no such setting", text);
	return err_hint(e, "size=SIZE, inodes=N, " LABELS "KEY=VALUE; an empty value removes");
}

static int change_project(int dir, const struct disk_limits *limits, struct err *e)
{
	uint32_t id;
	int r = disk_project_read(dir, &id, e);

	if (r < 0 || (r = disk_project_check(dir, id, limits, e)) < 0)
		return r;
	return disk_project_limit(dir, id, limits, e);
}

/* Return: 1 it is there; 0. */
static int has_lost_found(int dir, const struct disk_limits *limits, struct err *e)
{
	CLEANUP_FD int mount = disk_image_open(dir, limits, LAST_USE_WAIT_MS, e);

	return mount < 0 ? mount : faccessat(mount, LOST_FOUND, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int volume_image_resize(int dir, const struct disk_limits *now, const struct disk_limits *limits,
			struct err *e)
{
	CLEANUP_FD int mount = -EBADF;
	int had = has_lost_found(dir, now, e);

	if (had < 0)
		return had;
	mount = disk_image_open(dir, limits, LAST_USE_WAIT_MS, e);
	if (mount < 0)
		return mount;
	/* Shrinking makes it, see make_content() in volumes_create.c. */
	if (!had && unlinkat(mount, LOST_FOUND, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "remove " LOST_FOUND);
	return 0;
}

static int change_image(int dir, const struct disk_limits *now, const struct disk_limits *limits,
			struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int mount = -EBADF;
	int r;

	if (!limits->size_bytes) {
		(void)err_set(e, EOPNOTSUPP, "size: an image file has to have one");
		return err_hint(e, "set it to a larger size");
	}
	/* Kept mounted for the time of it, or not in use: nobody gets it meanwhile. */
	mount = disk_image_reach(dir, &why);
	if (mount == -ENOENT)
		return volume_image_resize(dir, now, limits, e);
	if (mount < 0) {
		*e = why;
		return mount;
	}
	r = disk_image_resize(dir, limits, true, e);
	return r == -EBUSY ? err_hint(e, "stop the instances that have it") : r;
}

static int change_limits(int dir, const struct disk_limits *now, const struct disk_limits *limits,
			 struct err *e)
{
	switch (disk_kind_of(dir)) {
	case DISK_PROJECT:
		return change_project(dir, limits, e);
	case DISK_IMAGE:
		return change_image(dir, now, limits, e);
	case DISK_DIRECTORY:
	case DISK_TMPFS:
		break;
	}
	(void)err_set(e, EOPNOTSUPP, "it was made without limits, and they can't be added");
	return err_hint(e, "make another: jail volume create --size SIZE --from DIRECTORY NEW");
}

/* *v: as it was, and as it is. */
static int set_all(int dir, const char *const *settings, size_t n, struct volume *v, struct err *e)
{
	const struct disk_limits before = v->limits;
	struct err ignored = ERR_INIT;
	bool limits;
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = apply(v, settings[i], e);
	limits = before.size_bytes != v->limits.size_bytes || before.inodes != v->limits.inodes;
	if (r >= 0 && limits)
		r = volume_check_limits(&v->limits, e);
	if (r >= 0 && limits)
		r = change_limits(dir, &before, &v->limits, e);
	if (r < 0)
		return r;
	r = volume_file_write(dir, v, e);
	if (r < 0 && limits)
		(void)change_limits(dir, &v->limits, &before, &ignored);
	return r;
}

int volume_set(struct jail *j, const struct jail_name *name, const char *const *settings, size_t n,
	       struct volume *ret, struct err *e)
{
	CLEANUP_FD int dir = volume_dir(j, name, e), guard = -EBADF;
	CLEANUP_VOLUME struct volume v = { .mode = 0 };
	int r = dir;

	if (r < 0)
		return r;
	r = guard = volume_guard(dir, LOCK_MODE_EXCLUSIVE, VOLUME_GUARD_WAIT_MS, e);
	if (r >= 0)
		r = volume_file_read(dir, name, &v, e);
	if (r >= 0)
		r = set_all(dir, settings, n, &v, e);
	if (r < 0)
		return err_wrap(e, "volume %s", name->s);
	*ret = v;
	v = (struct volume){ .mode = 0 };
	return 0;
}
