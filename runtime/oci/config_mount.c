/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "mounts" (config.md, "Mounts"). What a mount is, is its type's and its options' business
 * together: "bind" in either makes it a bind mount, and only then its options can be judged. So the
 * object is read first, the options follow.
 */
#include <limits.h>

#include "base/num.h"
#include "base/path.h"
#include "runtime/oci/config_priv.h"

#define MOUNT(member) offsetof(struct raw_mount, member)

struct raw_mount {
	const char *destination, *type, *source;
	struct oci_strings options;
	struct id_mapping *uids, *gids;
	size_t n_uids, n_gids;
};

static const struct decode_field mount_fields[] = {
	{ .key = "destination",
	  .decode = decode_ref,
	  .offset = MOUNT(destination),
	  .max = PATH_MAX - 2,
	  .required = true },
	{ .key = "type", .decode = decode_ref_given, .offset = MOUNT(type) },
	{ .key = "source",
	  .decode = decode_ref_given,
	  .offset = MOUNT(source),
	  .max = PATH_MAX - 1 },
	{ .key = "options",
	  .decode = decode_refs,
	  .offset = MOUNT(options.v),
	  .count = MOUNT(options.n),
	  .max = LIMIT_OCI_OPTIONS },
	{ .key = "uidMappings",
	  .decode = decode_elements,
	  .offset = MOUNT(uids),
	  .count = MOUNT(n_uids),
	  .size = sizeof(struct id_mapping),
	  .table = &oci_mapping_table,
	  .max = LIMIT_ID_MAPS },
	{ .key = "gidMappings",
	  .decode = decode_elements,
	  .offset = MOUNT(gids),
	  .count = MOUNT(n_gids),
	  .size = sizeof(struct id_mapping),
	  .table = &oci_mapping_table,
	  .max = LIMIT_ID_MAPS },
};
static const struct decode_table mount_table = OCI_TABLE(mount_fields);

/* runc and crun take a relative destination with a warning; the specification wants it absolute. */
static int clean_destination(const struct decoder *d, const struct json *node,
			     const char *destination, const char **ret, struct err *e)
{
	char path[PATH_MAX + 1], clean[PATH_MAX];
	const struct json *at = json_get(node, "destination");

	if (destination[0] == '\0')
		return json_err(d->doc, at, e, EINVAL, "is empty");
	if (destination[0] != '/')
		warn("%s:%u:%u: destination \"%.200s\" is not absolute, taken as /%.200s", d->file,
		     at->line, at->column, destination, destination);
	if (str_format(path, sizeof(path), "%s%s", destination[0] == '/' ? "" : "/", destination) <
		    0 ||
	    path_clean(path, clean, sizeof(clean)) < 0)
		return json_err(d->doc, at, e, ENAMETOOLONG, "is too long a path");
	*ret = arena_strn(d->arena, clean, strlen(clean));
	return *ret ? 0 : err_nomem(e);
}

static bool has_option(const struct raw_mount *raw, const char *name)
{
	for (size_t i = 0; i < raw->options.n; i++) {
		const char *p = raw->options.v[i];

		for (; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
			if (str_starts(p, name) &&
			    (p[strlen(name)] == '\0' || p[strlen(name)] == ','))
				return true;
	}
	return false;
}

static const struct decode_field source_path = { .offset = offsetof(struct bundle_mount, source) };

static int find_kind(const struct decoder *d, const struct json *node, const struct raw_mount *raw,
		     struct bundle_mount *m, struct err *e)
{
	bool bind = has_option(raw, "bind") || has_option(raw, "rbind");

	if (bind || (raw->type && (str_eq(raw->type, "bind") || str_eq(raw->type, "rbind")))) {
		m->kind = BUNDLE_BIND;
		m->recursive = !bind && str_eq(raw->type, "rbind");
		if (!raw->source)
			return json_err(d->doc, node, e, EINVAL,
					"\"source\" is missing, a bind mount needs one");
		return decode_path(d, json_get(node, "source"), m, &source_path, e);
	}
	if (!raw->type)
		return json_err(d->doc, node, e, EINVAL,
				"\"type\" is missing, and no option says \"bind\"");
	m->kind = str_eq(raw->type, "cgroup") || str_eq(raw->type, "cgroup2") ? BUNDLE_CGROUP
									      : BUNDLE_NEW;
	m->fstype = raw->type;
	return 0;
}

/* "uidMappings" and "gidMappings" alone are as good as the option "idmap" (runc). */
static int take_mappings(const struct decoder *d, const struct json *node,
			 const struct raw_mount *raw, struct bundle_mount *m, struct err *e)
{
	int r;

	if (raw->n_uids == 0 && raw->n_gids == 0)
		return 0;
	if (m->maps.n_uids || m->maps.n_gids)
		return json_err(d->doc, node, e, EINVAL,
				"mappings are in an option and in uidMappings or gidMappings");
	if (raw->n_uids == 0 || raw->n_gids == 0)
		return json_err(d->doc, node, e, EINVAL,
				"has one of uidMappings and gidMappings, it takes both");
	r = oci_mappings_check(d, json_get(node, "uidMappings"), raw->uids, raw->n_uids, e);
	if (r < 0)
		return r;
	r = oci_mappings_check(d, json_get(node, "gidMappings"), raw->gids, raw->n_gids, e);
	if (r < 0)
		return r;
	m->maps = (struct id_mappings){
		.uids = raw->uids, .gids = raw->gids, .n_uids = raw->n_uids, .n_gids = raw->n_gids
	};
	if (m->idmap == BUNDLE_IDMAP_NONE)
		m->idmap = BUNDLE_IDMAP;
	return 0;
}

static int check_mount(const struct decoder *d, const struct json *node,
		       const struct bundle_mount *m, struct err *e)
{
	if (m->idmap != BUNDLE_IDMAP_NONE && m->kind != BUNDLE_BIND)
		return json_err(d->doc, node, e, EINVAL,
				"id mappings are for bind mounts, this is a new %s", m->fstype);
	if (m->copy_up && (m->kind != BUNDLE_NEW || !str_eq(m->fstype, "tmpfs")))
		return json_err(d->doc, node, e, EINVAL, "\"tmpcopyup\" is for tmpfs");
	if (m->source_link && m->kind != BUNDLE_BIND)
		return json_err(d->doc, node, e, EINVAL, "\"src-nofollow\" is for bind mounts");
	return 0;
}

/* A file system on a read-only device can't be opened but read-only; a mount's own attribute comes
 * too late. Those without a device share one superblock, which has to stay as it is. */
static void add_read_only(struct bundle_mount *m, struct mount_param *data)
{
	if (m->kind == BUNDLE_NEW && m->source && m->source[0] == '/' &&
	    (m->attr_set & MOUNT_ATTR_RDONLY))
		data[m->n_data++] = (struct mount_param){ .key = "ro" };
}

/* Options that are in one string count for as many as it has commas. */
static size_t count_options(const struct raw_mount *raw)
{
	size_t n = raw->options.n + 1;

	for (size_t i = 0; i < raw->options.n; i++)
		for (const char *p = raw->options.v[i]; *p; p++)
			n += *p == ',';
	return n;
}

static const char *make_key(const struct decoder *d, const struct json *node)
{
	CLEANUP_STRBUF struct strbuf path = STRBUF_INIT;

	json_path(node, &path);
	return path.data ? arena_strn(d->arena, path.data, path.len) : NULL;
}

int oci_decode_mount(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct bundle_mount *m = base;
	struct raw_mount raw = { .destination = NULL };
	const struct json *list = json_get(node, "options");
	struct oci_mount_job job = { .d = d, .m = m };
	int r = decode_object(d, node, &raw, &mount_table, e);

	if (r < 0)
		return r;
	m->key = make_key(d, node);
	job.data = arena_alloc(d->arena, count_options(&raw), sizeof(*job.data));
	if (!m->key || !job.data)
		return err_nomem(e);
	m->data = job.data;
	m->source = raw.source;
	r = clean_destination(d, node, raw.destination, &m->destination, e);
	if (r < 0 || (r = find_kind(d, node, &raw, m, e)) < 0)
		return r;
	for (const struct json *o = list ? list->first : NULL; o; o = o->next) {
		job.node = o;
		r = oci_mount_option(&job, e);
		if (r < 0)
			return r;
	}
	r = take_mappings(d, node, &raw, m, e);
	if (r < 0)
		return r;
	add_read_only(m, job.data);
	return check_mount(d, node, m, e);
}
