/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How volumes are shown. */
#include "base/clock.h"
#include "runtime/disk.h"
#include "runtime/volumes_priv.h"

void volume_labels_to_json(const struct volume *v, struct json_out *o)
{
	json_out_object(o, "labels");
	for (size_t i = 0; i < v->labels.n; i++) {
		char *text = v->labels.v[i];
		char *equals = strchr(text, '=');

		*equals = '\0';
		json_out_str(o, text, equals + 1);
		*equals = '=';
	}
	json_out_object_end(o);
}

void volume_look(struct jail *j, const struct volume *v, struct instance_disk *ret)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = volume_dir(j, &v->name, &ignored);

	*ret = (struct instance_disk){ .kind = DISK_DIRECTORY };
	if (dir < 0)
		return;
	if (disk_kind_of(dir) != DISK_IMAGE) {
		instance_disk_look(dir, 0, 0, ret);
		return;
	}
	ret->kind = DISK_IMAGE;
	ret->has_usage = disk_image_usage_shared(dir, &ret->usage, &ignored) >= 0;
}

static void out_limit(struct json_out *o, const char *key, uint64_t limit)
{
	if (limit)
		json_out_u64(o, key, limit);
	else
		json_out_null(o, key);
}

static void out_snapshots(struct jail *j, const struct volume *v, struct json_out *o)
{
	CLEANUP_STRV struct strv names = { .v = NULL };

	(void)volume_snapshot_names(j, &v->name, &names);
	json_out_array(o, "snapshots");
	for (size_t i = 0; i < names.n; i++)
		json_out_str(o, NULL, names.v[i]);
	json_out_array_end(o);
}

static void out_volume(struct jail *j, const struct volume *v, const struct volume_uses *u,
		       struct json_out *o)
{
	struct instance_disk disk;
	char text[CLOCK_TEXT_MAX], path[sizeof(j->config.state_dir) + LIMIT_NAME_LEN + 16];

	json_out_object(o, NULL);
	json_out_str(o, "name", v->name.s);
	json_out_str(o, "id", v->id.s);
	if (v->tenant.s[0])
		json_out_str(o, "tenant", v->tenant.s);
	else
		json_out_null(o, "tenant");
	clock_format(v->created_ms, text, sizeof(text));
	json_out_str(o, "createdAt", text);
	(void)str_format(path, sizeof(path), "%s/volumes/%s", j->config.state_dir, v->name.s);
	json_out_str(o, "directory", path);
	out_limit(o, "sizeBytes", v->limits.size_bytes);
	out_limit(o, "inodes", v->limits.inodes);
	json_out_object(o, "owner");
	json_out_u64(o, "uid", v->uid);
	json_out_u64(o, "gid", v->gid);
	json_out_object_end(o);
	(void)str_format(text, sizeof(text), "%04o", v->mode);
	json_out_str(o, "mode", text);
	volume_labels_to_json(v, o);
	volume_look(j, v, &disk);
	instance_disk_to_json(o, &disk);
	out_snapshots(j, v, o);
	json_out_array(o, "instances");
	for (size_t i = 0; i < u->volumes.n; i++)
		if (str_eq(u->volumes.v[i], v->name.s))
			json_out_str(o, NULL, u->instances.v[i]);
	json_out_array_end(o);
	json_out_object_end(o);
}

int volumes_to_json(struct jail *j, const struct volume *volumes, size_t n, struct json_out *o,
		    const char *key, struct err *e)
{
	CLEANUP_VOLUME_USES struct volume_uses u = { { .n = 0 }, { .n = 0 } };
	int r = volume_uses(j, false, &u, e);

	if (r < 0)
		return r;
	json_out_array(o, key);
	for (size_t i = 0; i < n; i++)
		out_volume(j, &volumes[i], &u, o);
	json_out_array_end(o);
	return 0;
}
