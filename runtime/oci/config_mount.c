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

/* list: the "options", or NULL. A string may hold several options. */
static bool has_option(const struct json *list, const char *name)
{
	size_t n = strlen(name);

	for (const struct json *o = list ? list->first : NULL; o; o = o->next)
		for (const char *p = o->text; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
			if (str_starts(p, name) && (p[n] == '\0' || p[n] == ','))
				return true;
	return false;
}

static bool is_remount(const struct json *mount)
{
	return has_option(json_get(mount, "options"), "remount");
}

static const struct decode_field source_path = { .offset = offsetof(struct bundle_mount, source) };

static int find_kind(const struct decoder *d, const struct json *node, const struct raw_mount *raw,
		     struct bundle_mount *m, struct err *e)
{
	const struct json *list = json_get(node, "options");
	bool bind = has_option(list, "bind") || has_option(list, "rbind");

	if (is_remount(node)) {
		m->kind = BUNDLE_BIND; /* whose options are those of mounts alone */
		return 0;
	}
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

/* ---- "remount": the mount that an earlier entry makes at the same place gets these options too,
 * and there is one mount less (namespaces/mountfd.h: a mount has all attributes before it is
 * attached). */

static void add_attr(uint64_t *set, uint64_t *clr, uint64_t new_set, uint64_t new_clr)
{
	*set = (*set & ~new_clr) | new_set;
	*clr = (*clr | new_clr) & ~(new_set & ~(uint64_t)MOUNT_ATTR__ATIME);
}

static bool changes_root(struct oci_config *c, const struct bundle_mount *m)
{
	if (!str_eq(m->destination, "/") || m->attr_set != MOUNT_ATTR_RDONLY || m->attr_clr ||
	    m->rattr_set || m->rattr_clr || m->n_propagation)
		return false;
	c->bundle.read_only = true;
	return true;
}

static int remount(const struct decoder *d, const struct json *node, const struct bundle_mount *m,
		   struct bundle_mount *target, struct err *e)
{
	if (m->idmap != BUNDLE_IDMAP_NONE || m->copy_up || m->source_link || m->destination_link)
		return json_err(d->doc, node, e, EINVAL,
				"\"remount\" can't change how the mount was made");
	if (target->n_propagation + m->n_propagation > BUNDLE_PROPAGATIONS_MAX)
		return json_err(d->doc, node, e, E2BIG, "at most %d kinds of propagation",
				BUNDLE_PROPAGATIONS_MAX);
	add_attr(&target->attr_set, &target->attr_clr, m->attr_set, m->attr_clr);
	add_attr(&target->rattr_set, &target->rattr_clr, m->rattr_set, m->rattr_clr);
	for (size_t i = 0; i < m->n_propagation; i++)
		target->propagation[target->n_propagation++] = m->propagation[i];
	return 0;
}

/* Return: index + 1 of the last of n mounts at the destination, or 0. */
static size_t find_mount(const struct bundle_mount *list, size_t n, const char *destination)
{
	while (n > 0 && !str_eq(list[n - 1].destination, destination))
		n--;
	return n;
}

int oci_mounts_fold(const struct decoder *d, struct oci_config *c, const struct json *list,
		    struct err *e)
{
	struct bundle_mount *out = arena_alloc(d->arena, c->bundle.n_mounts, sizeof(*out));
	size_t n = 0, found, i = 0;

	if (!out)
		return err_nomem(e);
	for (const struct json *node = list ? list->first : NULL; node; node = node->next) {
		const struct bundle_mount *m = &c->bundle.mounts[i++];

		if (!is_remount(node)) {
			out[n++] = *m;
			continue;
		}
		found = find_mount(out, n, m->destination);
		if (!found && changes_root(c, m))
			continue;
		if (!found)
			return json_err(d->doc, node, e, EINVAL,
					"\"remount\" of %s, where nothing before it is mounted",
					m->destination);
		if (remount(d, node, m, &out[found - 1], e) < 0)
			return -e->code;
	}
	c->bundle.mounts = out;
	c->bundle.n_mounts = n;
	return 0;
}
