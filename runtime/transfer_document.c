/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail-export.json. The reader takes exactly what the writer writes. */
#include "namespaces/idmap.h"
#include "runtime/engine_priv.h"
#include "runtime/transfer.h"

#define FORMAT "jail-export"
#define VERSION 1
#define DIGEST_TEXT (sizeof("sha256:") + sizeof(((struct digest *)0)->hex))

void transfer_document_free(struct transfer_document *d)
{
	free(TAKE_PTR(d->snapshots));
	d->n_snapshots = 0;
}

/* ---- out ---- */

static void write_index(struct json_out *o, const char *key, int i)
{
	if (i < 0)
		json_out_null(o, key);
	else
		json_out_int(o, key, i);
}

static void write_layer(const struct transfer_layer *l, struct json_out *o)
{
	char text[DIGEST_TEXT];

	(void)str_format(text, sizeof(text), "sha256:%s", l->digest.hex); /* fits */
	json_out_object(o, NULL);
	json_out_str(o, "digest", text);
	json_out_u64(o, "bytes", l->bytes);
	json_out_bool(o, "included", l->included);
	json_out_object_end(o);
}

static void write_snapshot(const struct transfer_snapshot *s, struct json_out *o)
{
	json_out_object(o, NULL);
	json_out_str(o, "name", s->record.name.s);
	write_index(o, "parent", s->parent);
	json_out_u64(o, "createdMs", s->record.created_ms);
	json_out_bool(o, "copied", s->record.copied);
	if (s->record.frozen)
		json_out_u64(o, "frozenUs", s->record.frozen_us);
	else
		json_out_null(o, "frozenUs");
	json_out_object_end(o);
}

void transfer_document_write(const struct transfer_document *d, struct json_out *o)
{
	json_out_object(o, NULL);
	json_out_str(o, "format", FORMAT);
	json_out_int(o, "version", VERSION);
	json_out_str(o, "id", d->id.s);
	json_out_u64(o, "createdMs", d->created_ms);
	json_out_u64(o, "idCount", d->id_count);
	json_out_bool(o, "provisioned", d->provisioned);
	json_out_str(o, "image", d->image.s);
	json_out_bool(o, "imageConfig", d->image_config);
	json_out_array(o, "layers");
	for (size_t i = 0; i < d->n_layers; i++)
		write_layer(&d->layers[i], o);
	json_out_array_end(o);
	json_out_array(o, "snapshots");
	for (size_t i = 0; i < d->n_snapshots; i++)
		write_snapshot(&d->snapshots[i], o);
	json_out_array_end(o);
	write_index(o, "head", d->head);
	json_out_object_end(o);
}

/* ---- in ---- */

struct reader {
	const struct json_doc *doc;
	const struct json *object;
	struct err *e;
};

static const struct json *member(const struct reader *r, const char *key, enum json_type type)
{
	const struct json *v = json_get(r->object, key);

	if (v && v->type == type)
		return v;
	(void)json_err(r->doc, v ? v : r->object, r->e, EBADMSG, "\"%s\" must be %s", key,
		       json_type_name(type));
	return NULL;
}

static int get_u64(const struct reader *r, const char *key, uint64_t max, uint64_t *ret)
{
	const struct json *v = member(r, key, JSON_NUMBER);

	if (!v)
		return -EBADMSG;
	if (!v->is_int || v->integer < 0 || (uint64_t)v->integer > max)
		return json_err(r->doc, v, r->e, EBADMSG, "must be a number from 0 to %llu",
				(unsigned long long)max);
	*ret = (uint64_t)v->integer;
	return 0;
}

static int get_bool(const struct reader *r, const char *key, bool *ret)
{
	const struct json *v = member(r, key, JSON_BOOL);

	if (!v)
		return -EBADMSG;
	*ret = v->boolean;
	return 0;
}

/* A number below n, or null. */
static int get_index(const struct reader *r, const char *key, size_t n, int *ret)
{
	const struct json *v = json_get(r->object, key);
	uint64_t i = 0;

	if (v && v->type == JSON_NULL) {
		*ret = -1;
		return 0;
	}
	if (n == 0 || get_u64(r, key, n - 1, &i) < 0)
		return r->e->code ? -r->e->code
				  : json_err(r->doc, v ? v : r->object, r->e, EBADMSG,
					     "\"%s\" must be null", key);
	*ret = (int)i;
	return 0;
}

static int expect_object(const struct reader *r, size_t members)
{
	if (r->object->type != JSON_OBJECT)
		return json_err(r->doc, r->object, r->e, EBADMSG, "must be an object");
	if (r->object->count != members)
		return json_err(r->doc, r->object, r->e, EBADMSG, "must have %zu members", members);
	return 0;
}

static int read_format(const struct reader *r)
{
	const struct json *format, *version;

	if (r->object->type != JSON_OBJECT)
		return json_err(r->doc, r->object, r->e, EBADMSG, "must be an object");
	format = member(r, "format", JSON_STRING);
	if (!format)
		return -EBADMSG;
	if (!str_eq(format->text, FORMAT))
		return json_err(r->doc, format, r->e, EBADMSG, "must be \"" FORMAT "\"");
	version = member(r, "version", JSON_NUMBER);
	if (!version)
		return -EBADMSG;
	if (!version->is_int || version->integer != VERSION)
		return json_err(r->doc, version, r->e, EOPNOTSUPP,
				"this version of jail knows version %d only", VERSION);
	return 0;
}

static int read_identity(const struct reader *r, struct transfer_document *d)
{
	const struct json *id = member(r, "id", JSON_STRING);
	const struct json *image = id ? member(r, "image", JSON_STRING) : NULL;
	struct err why = ERR_INIT;
	uint64_t count = 0;
	int got;

	if (!image)
		return -EBADMSG;
	if (!instance_is_id(id->text) || name_parse("instance id", id->text, &d->id, &why) < 0)
		return json_err(r->doc, id, r->e, EBADMSG, "is not an instance's id");
	if (image_ref_parse(image->text, &d->image, &why) < 0)
		return json_err(r->doc, image, r->e, EBADMSG, "is not the name of an image");
	if ((got = get_u64(r, "createdMs", INT64_MAX, &d->created_ms)) < 0 ||
	    (got = get_u64(r, "idCount", IDMAP_COUNT, &count)) < 0 ||
	    (got = get_bool(r, "provisioned", &d->provisioned)) < 0 ||
	    (got = get_bool(r, "imageConfig", &d->image_config)) < 0)
		return got;
	if (count != 0 && count != IDMAP_COUNT)
		return json_err(r->doc, json_get(r->object, "idCount"), r->e, EBADMSG,
				"must be 0 or %u", (unsigned)IDMAP_COUNT);
	d->id_count = (uint32_t)count;
	return 0;
}

static bool came_before(const struct transfer_document *d, const struct digest *layer)
{
	for (size_t i = 0; i < d->n_layers; i++)
		if (str_eq(d->layers[i].digest.hex, layer->hex))
			return true;
	return false;
}

static int read_layer(const struct reader *r, struct transfer_document *d)
{
	struct transfer_layer l = { .bytes = 0 };
	struct err why = ERR_INIT;
	const struct json *digest;
	int got = expect_object(r, 3);

	if (got < 0)
		return got;
	digest = member(r, "digest", JSON_STRING);
	if (!digest)
		return -EBADMSG;
	if (digest_parse(digest->text, &l.digest, &why) < 0)
		return json_err(r->doc, digest, r->e, EBADMSG, "is not a digest");
	if ((got = get_u64(r, "bytes", INT64_MAX, &l.bytes)) < 0 ||
	    (got = get_bool(r, "included", &l.included)) < 0)
		return got;
	if (l.included && came_before(d, &l.digest))
		return json_err(r->doc, digest, r->e, EBADMSG, "is included twice");
	d->layers[d->n_layers++] = l;
	return 0;
}

static bool name_is_taken(const struct transfer_document *d, const char *name)
{
	for (size_t i = 0; i < d->n_snapshots; i++)
		if (str_eq(d->snapshots[i].record.name.s, name))
			return true;
	return false;
}

static int read_record(const struct reader *r, struct transfer_document *d,
		       struct transfer_snapshot *s)
{
	const struct json *name = member(r, "name", JSON_STRING), *frozen;
	struct err why = ERR_INIT;
	int got;

	if (!name)
		return -EBADMSG;
	if (name->text[0] && name_parse("snapshot", name->text, &s->record.name, &why) < 0)
		return json_err(r->doc, name, r->e, EBADMSG, "is not the name of a snapshot");
	if (name->text[0] && name_is_taken(d, name->text))
		return json_err(r->doc, name, r->e, EBADMSG, "comes twice");
	if ((got = get_u64(r, "createdMs", INT64_MAX, &s->record.created_ms)) < 0 ||
	    (got = get_bool(r, "copied", &s->record.copied)) < 0)
		return got;
	frozen = json_get(r->object, "frozenUs");
	s->record.frozen = !frozen || frozen->type != JSON_NULL;
	return s->record.frozen ? get_u64(r, "frozenUs", INT64_MAX, &s->record.frozen_us) : 0;
}

static int read_snapshot(const struct reader *r, struct transfer_document *d)
{
	struct transfer_snapshot s = { .parent = -1 };
	int got = expect_object(r, 5);

	if (got < 0 || (got = get_index(r, "parent", d->n_snapshots, &s.parent)) < 0 ||
	    (got = read_record(r, d, &s)) < 0)
		return got;
	d->snapshots[d->n_snapshots++] = s;
	return 0;
}

static int read_array(const struct reader *r, const char *key, size_t max,
		      int (*fn)(const struct reader *, struct transfer_document *),
		      struct transfer_document *d)
{
	const struct json *array = member(r, key, JSON_ARRAY);
	int got = 0;

	if (!array)
		return -EBADMSG;
	if (array->count > max)
		return json_err(r->doc, array, r->e, E2BIG, "has %zu elements; at most %zu",
				array->count, max);
	for (const struct json *v = array->first; got >= 0 && v; v = v->next)
		got = fn(&(struct reader){ r->doc, v, r->e }, d);
	return got;
}

/* What the files of now stand on is to be mounted together. */
static int check_chain(const struct reader *r, const struct transfer_document *d)
{
	size_t n = d->n_layers;

	for (int i = d->head; i >= 0; i = d->snapshots[i].parent)
		n++;
	return n <= LIMIT_LAYERS ? 0
				 : json_err(r->doc, json_get(r->object, "head"), r->e, E2BIG,
					    "stands on %zu layers and snapshots; at most %d", n,
					    LIMIT_LAYERS);
}

int transfer_document_parse(const char *text, size_t n, struct transfer_document *ret,
			    struct err *e)
{
	CLEANUP_TRANSFER_DOCUMENT struct transfer_document d = { .head = -1 };
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct reader r = { .e = e };
	int got = json_parse(TRANSFER_DOCUMENT, text, n, &doc, e);

	if (got < 0)
		return got;
	r.doc = doc;
	r.object = json_root(doc);
	d.snapshots = calloc(SNAPSHOTS_MAX, sizeof(*d.snapshots));
	if (!d.snapshots)
		return err_nomem(e);
	if ((got = read_format(&r)) < 0 || (got = expect_object(&r, 11)) < 0 ||
	    (got = read_identity(&r, &d)) < 0 ||
	    (got = read_array(&r, "layers", LIMIT_LAYERS, read_layer, &d)) < 0 ||
	    (got = read_array(&r, "snapshots", SNAPSHOTS_MAX, read_snapshot, &d)) < 0 ||
	    (got = get_index(&r, "head", d.n_snapshots, &d.head)) < 0 ||
	    (got = check_chain(&r, &d)) < 0)
		return got;
	*ret = d;
	d.snapshots = NULL;
	return 0;
}
