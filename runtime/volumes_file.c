/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volume.json: written once, before the volume is seen. It is ours, but it is judged as if it were
 * not: a damaged record is an error that says where.
 */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "runtime/spec_priv.h"
#include "runtime/volumes_priv.h"

#define VOLUME_FILE "volume.json"
#define VOLUME_FILE_MAX (2u << 20) /* of labels */
#define VOLUME(member) offsetof(struct volume, member)

void volume_free(struct volume *v)
{
	strv_free(&v->labels);
}

void volumes_free(struct volumes *v)
{
	for (size_t i = 0; i < v->n; i++)
		volume_free(&v->v[i]);
	free(v->v);
	*v = (struct volumes){ .n = 0 };
}

int volume_set_label(struct volume *v, const char *text, struct err *e)
{
	size_t n = strcspn(text, "=");
	CLEANUP_FREE char *key = strndup(text, n);

	if (!key)
		return err_nomem(e);
	if (text[n] != '=')
		return err_set(e, EINVAL, "\"%.100s\": expected KEY=VALUE", text);
	if (spec_check_label_key(key, e) < 0 || spec_check_label_value(text + n + 1, e) < 0 ||
	    spec_check_utf8(text, e) < 0)
		return -e->code;
	if (spec_env_put(&v->labels, text) < 0)
		return err_nomem(e);
	return v->labels.n > LIMIT_LABELS ? err_set(e, E2BIG, "more than %d labels", LIMIT_LABELS)
					  : 0;
}

static int decode_name(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	struct jail_name *name = (struct jail_name *)((char *)base + f->offset);
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	return name_parse(f->key, node->text, name, e) < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_label(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	const char *value = NULL;
	int r = decode_string(d, node, SPEC_LABEL_MAX, &value, e);

	if (r < 0)
		return r;
	strbuf_addf(&b, "%s=%s", node->key, value);
	r = strbuf_ok(&b, e);
	if (r < 0)
		return r;
	return volume_set_label(base, b.data, e) < 0 ? decode_wrap(d, node, e) : 0;
}

static const struct decode_field fields[] = {
	{ .key = "id", .decode = decode_name, .offset = VOLUME(id), .required = true },
	{ .key = "tenant", .decode = decode_name, .offset = VOLUME(tenant) },
	{ .key = "created",
	  .decode = decode_u64,
	  .offset = VOLUME(created_ms),
	  .max = INT64_MAX,
	  .required = true },
	{ .key = "size",
	  .decode = decode_u64,
	  .offset = VOLUME(limits.size_bytes),
	  .max = DISK_SIZE_MAX },
	{ .key = "inodes",
	  .decode = decode_u64,
	  .offset = VOLUME(limits.inodes),
	  .max = DISK_INODES_MAX },
	{ .key = "uid", .decode = decode_u32, .offset = VOLUME(uid), .max = UINT32_MAX },
	{ .key = "gid", .decode = decode_u32, .offset = VOLUME(gid), .max = UINT32_MAX },
	{ .key = "mode", .decode = decode_u32, .offset = VOLUME(mode), .max = 07777 },
	{ .key = "labels", .decode = decode_map, .item = decode_label, .max = LIMIT_LABELS },
};
static const struct decode_table table = { .fields = fields, .n = ARRAY_SIZE(fields) };

int volume_file_write(int dir, const struct volume *v, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "id", v->id.s);
	if (v->tenant.s[0])
		json_out_str(&o, "tenant", v->tenant.s);
	json_out_u64(&o, "created", v->created_ms);
	if (v->limits.size_bytes)
		json_out_u64(&o, "size", v->limits.size_bytes);
	if (v->limits.inodes)
		json_out_u64(&o, "inodes", v->limits.inodes);
	json_out_u64(&o, "uid", v->uid);
	json_out_u64(&o, "gid", v->gid);
	json_out_u64(&o, "mode", v->mode);
	volume_labels_to_json(v, &o);
	json_out_object_end(&o);
	strbuf_addc(&b, '\n');
	r = strbuf_ok(&b, e);
	return r < 0 ? r : file_write_at(dir, VOLUME_FILE, b.data, b.len, 0600, FILE_SYNC, e);
}

static int decode(const char *text, size_t n, struct volume *v, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct decoder d = { .file = VOLUME_FILE };
	int r = json_parse(VOLUME_FILE, text, n, &doc, e);

	if (r < 0)
		return r;
	d.doc = doc;
	r = decode_object(&d, json_root(doc), v, &table, e);
	if (r >= 0 && strlen(v->id.s) != INSTANCE_ID_LEN)
		r = json_err(doc, json_get(json_root(doc), "id"), e, EBADMSG, "is no volume's id");
	return r;
}

int volume_file_read(int dir, const struct jail_name *name, struct volume *ret, struct err *e)
{
	CLEANUP_VOLUME struct volume v = { .name = *name };
	CLEANUP_FREE char *text = NULL;
	size_t n;
	int r = file_read_at(dir, VOLUME_FILE, VOLUME_FILE_MAX, &text, &n, e);

	if (r >= 0)
		r = decode(text, n, &v, e);
	if (r < 0) {
		(void)err_wrap(e, "volume %s", name->s);
		return err_hint(e, "put volumes/%s/" VOLUME_FILE " of the state directory right",
				name->s);
	}
	*ret = v;
	v = (struct volume){ .mode = 0 };
	return 0;
}
