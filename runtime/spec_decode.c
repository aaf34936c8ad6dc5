/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec out of JSON: the top-level object. The other objects have a table each in a file of
 * their topic (spec_process.c, ...); runtime/decode.c walks them. What only code can judge, because
 * it compares two values or depends on flags, is spec_finish()'s business: this file accepts
 * exactly what config.schema.json accepts.
 */
#include "runtime/spec_priv.h"

#define SPEC(member) offsetof(struct jail_spec, member)

/* struct jail_name, of what the key says. */
static int decode_name(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	struct jail_name *name = (struct jail_name *)((char *)base + f->offset);
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	r = name_parse(str_eq(f->key, "name") ? "instance" : f->key, node->text, name, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_image(const struct decoder *d, const struct json *node, void *base,
			const struct decode_field *f, struct err *e)
{
	struct jail_spec *s = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	r = image_ref_parse(node->text, &s->image, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_label(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct jail_spec *s = base;
	struct spec_label *label;
	const char *value = NULL;
	int r;

	if (spec_check_label_key(node->key, e) < 0)
		return decode_wrap_key(d, node, e);
	r = decode_string(d, node, SPEC_LABEL_MAX, &value, e);
	if (r < 0)
		return r;
	if (spec_check_label_value(value, e) < 0)
		return decode_wrap(d, node, e);
	label = spec_grow(&s->labels, s->n_labels, sizeof(*label));
	if (!label)
		return err_nomem(e);
	s->n_labels++;
	label->key = strdup(node->key);
	label->value = strdup(value);
	return label->key && label->value ? 0 : err_nomem(e);
}

static const char *const modes[] = {
	[SPEC_MODE_APP] = "app",
	[SPEC_MODE_SYSTEM] = "system",
	NULL,
};
const struct decode_words spec_mode_words = { modes, NULL };

static int add_other(const struct decoder *d, const struct json *node, struct strv *list,
		     struct err *e)
{
	struct jail_name name;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (name_parse("instance", node->text, &name, e) < 0)
		return decode_wrap(d, node, e);
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], name.s))
			return json_err(d->doc, node, e, EINVAL, "\"%s\" is there twice", name.s);
	return strv_add(list, name.s) < 0 ? err_nomem(e) : 0;
}

static int decode_after(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	return add_other(d, node, &((struct jail_spec *)base)->after, e);
}

static int decode_requires(const struct decoder *d, const struct json *node, void *base,
			   struct err *e)
{
	return add_other(d, node, &((struct jail_spec *)base)->requires, e);
}

/* "$schema" is for editors. */
static int decode_nothing(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	const char *text = NULL;

	(void)base;
	return decode_string(d, node, f->max, &text, e);
}

static const struct decode_field root_fields[] = {
	{ .key = "$schema", .decode = decode_nothing, .max = SPEC_PATH_MAX },
	{ .key = "name", .decode = decode_name, .offset = SPEC(name) },
	{ .key = "image", .decode = decode_image, .flag = SPEC(has_image) },
	{ .key = "volatile", .decode = decode_bool, .offset = SPEC(is_volatile) },
	{ .key = "rootfs",
	  .decode = decode_text,
	  .offset = SPEC(rootfs),
	  .check = spec_check_path },
	{ .key = "labels", .decode = decode_map, .item = decode_label, .max = LIMIT_LABELS },
	{ .key = "tenant", .decode = decode_name, .offset = SPEC(tenant) },
	{ .key = "hostname",
	  .decode = decode_text,
	  .offset = SPEC(hostname),
	  .check = spec_check_hostname },
	{ .key = "mode", .decode = decode_word, .offset = SPEC(mode), .words = &spec_mode_words },
	{ .key = "process", .decode = decode_nested, .table = &spec_process_table },
	{ .key = "resources", .decode = decode_nested, .table = &spec_resources_table },
	{ .key = "network", .decode = decode_nested, .table = &spec_network_table },
	{ .key = "mounts", .decode = decode_array, .item = spec_decode_mount, .max = LIMIT_MOUNTS },
	{ .key = "snapshots",
	  .decode = decode_array,
	  .item = spec_decode_schedule,
	  .max = LIMIT_SCHEDULES },
	{ .key = "security", .decode = decode_nested, .table = &spec_security_table },
	{ .key = "restart", .decode = decode_nested, .table = &spec_restart_table },
	{ .key = "notify", .decode = decode_nested, .table = &spec_notify_table },
	{ .key = "health", .decode = decode_later },
	{ .key = "stop", .decode = decode_nested, .table = &spec_stop_table },
	{ .key = "log", .decode = decode_nested, .table = &spec_log_table },
	{ .key = "hooks", .decode = decode_nested, .table = &spec_hooks_table },
	{ .key = "systemd", .decode = decode_nested, .table = &spec_systemd_table },
	{ .key = "cloudInit", .decode = decode_nested, .table = &spec_cloud_init_table },
	{ .key = "firstBoot", .decode = decode_nested, .table = &spec_first_boot_table },
	{ .key = "autostart", .decode = decode_bool, .offset = SPEC(autostart) },
	{ .key = "after", .decode = decode_array, .item = decode_after, .max = LIMIT_OTHERS },
	{ .key = "requires", .decode = decode_array, .item = decode_requires, .max = LIMIT_OTHERS },
};

static const struct decode_table root_table = { .fields = root_fields,
						.n = ARRAY_SIZE(root_fields) };

int spec_decode(const char *file, const char *text, size_t n, struct jail_spec *ret, struct err *e)
{
	CLEANUP_SPEC struct jail_spec s;
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct decoder d = { .file = file };
	int r;

	spec_init(&s);
	r = json_parse(file, text, n, &doc, e);
	if (r < 0)
		return r;
	d.doc = doc;
	r = decode_object(&d, json_root(doc), &s, &root_table, e);
	if (r < 0)
		return r;
	if (s.has_image && s.rootfs)
		return json_err_key(doc, json_get(json_root(doc), "rootfs"), e, EINVAL,
				    "either \"image\" or \"rootfs\", not both");
	*ret = s;
	spec_init(&s);
	return 0;
}
