/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image as JSON. One writer for the file and for `image inspect`; the reader accepts exactly
 * what it writes, so that a file which something else touched is an error and not half an image.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "images/digest.h"
#include "images/store_priv.h"

#define IMAGE_VERSION 2
#define LAYER_VERSION 1

static void image_digest_out(struct json_out *o, const char *key, const struct digest *d)
{
	char text[sizeof("sha256:") + sizeof(d->hex)];

	if (!digest_is_set(d)) {
		json_out_null(o, key);
		return;
	}
	(void)str_format(text, sizeof(text), "sha256:%s", d->hex); /* fits */
	json_out_str(o, key, text);
}

static void image_members_out(const struct image *image, struct json_out *o)
{
	char created[CLOCK_TEXT_MAX];

	clock_format(image->created_ms, created, sizeof(created));
	json_out_str(o, "name", image->ref.s);
	json_out_array(o, "layers");
	for (size_t i = 0; i < image->n_layers; i++)
		image_digest_out(o, NULL, &image->layers[i]);
	json_out_array_end(o);
	image_digest_out(o, "config", &image->config);
	image_digest_out(o, "manifest", &image->manifest);
	image_digest_out(o, "archive", &image->archive);
	json_out_u64(o, "archiveBytes", image->archive_bytes);
	json_out_str(o, "created", created);
	json_out_u64(o, "createdMs", image->created_ms);
	json_out_u64(o, "sizeBytes", image->size_bytes);
	json_out_u64(o, "members", image->members);
}

void image_to_json(const struct image *image, struct json_out *o, const char *key)
{
	json_out_object(o, key);
	image_members_out(image, o);
	json_out_object_end(o);
}

void image_and_config_to_json(const struct image *image, const struct image_config *config,
			      struct json_out *o)
{
	json_out_object(o, NULL);
	image_members_out(image, o);
	image_config_to_json(config, o, "imageConfig");
	json_out_object_end(o);
}

int image_file_write(int dir, const struct image *image, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	struct store_file file;
	int r = store_file_name(&image->ref, &file, e);

	if (r < 0)
		return r;
	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_u64(&o, "version", IMAGE_VERSION);
	image_members_out(image, &o);
	json_out_object_end(&o);
	strbuf_addc(&b, '\n');
	r = strbuf_ok(&b, e);
	if (r < 0)
		return r;
	return file_write_at(dir, file.s, b.data, b.len, 0600, FILE_SYNC, e);
}

struct image_parse {
	const struct json_doc *doc;
	struct image *image;
};

static int image_expect(const struct image_parse *p, const struct json *v, enum json_type type,
			struct err *e)
{
	if (v->type == type)
		return 0;
	return json_err(p->doc, v, e, EBADMSG, "expected %s, found %s", json_type_name(type),
			json_type_name(v->type));
}

static int image_parse_u64(const struct image_parse *p, const struct json *v, uint64_t *ret,
			   struct err *e)
{
	int r = image_expect(p, v, JSON_NUMBER, e);

	if (r < 0)
		return r;
	if (!v->is_int || v->integer < 0)
		return json_err(p->doc, v, e, EBADMSG, "expected a whole number from 0");
	*ret = (uint64_t)v->integer;
	return 0;
}

static int image_parse_digest(const struct image_parse *p, const struct json *v, struct digest *ret,
			      struct err *e)
{
	struct err why = ERR_INIT;
	int r = image_expect(p, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (digest_parse(v->text, ret, &why) < 0)
		return json_err(p->doc, v, e, EBADMSG, "%s", why.text);
	return 0;
}

static int image_parse_version(const struct image_parse *p, const struct json *v, struct err *e)
{
	uint64_t version = 0;
	int r = image_parse_u64(p, v, &version, e);

	if (r == 0 && (version == 0 || version > IMAGE_VERSION))
		return json_err(p->doc, v, e, EBADMSG, "this version of jail reads version 1 to %d",
				IMAGE_VERSION);
	return r;
}

static int image_parse_name(const struct image_parse *p, const struct json *v, struct err *e)
{
	struct err why = ERR_INIT;
	int r = image_expect(p, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (image_ref_parse(v->text, &p->image->ref, &why) < 0)
		return json_err(p->doc, v, e, EBADMSG, "%s", why.text);
	return 0;
}

static int image_parse_layers(const struct image_parse *p, const struct json *v, struct err *e)
{
	int r = image_expect(p, v, JSON_ARRAY, e);

	if (r < 0)
		return r;
	if (v->count == 0 || v->count > LIMIT_LAYERS)
		return json_err(p->doc, v, e, EBADMSG, "expected 1 to %d layers", LIMIT_LAYERS);
	for (const struct json *l = v->first; r == 0 && l; l = l->next)
		r = image_parse_digest(p, l, &p->image->layers[p->image->n_layers++], e);
	return r;
}

static int image_parse_digest_or_null(const struct image_parse *p, const struct json *v,
				      struct digest *ret, struct err *e)
{
	return v->type == JSON_NULL ? 0 : image_parse_digest(p, v, ret, e);
}

static int image_parse_config(const struct image_parse *p, const struct json *v, struct err *e)
{
	return image_parse_digest_or_null(p, v, &p->image->config, e);
}

static int image_parse_manifest(const struct image_parse *p, const struct json *v, struct err *e)
{
	return image_parse_digest_or_null(p, v, &p->image->manifest, e);
}

static int image_parse_archive(const struct image_parse *p, const struct json *v, struct err *e)
{
	return image_parse_digest_or_null(p, v, &p->image->archive, e);
}

static int image_parse_archive_bytes(const struct image_parse *p, const struct json *v,
				     struct err *e)
{
	return image_parse_u64(p, v, &p->image->archive_bytes, e);
}

/* For people; createdMs is what counts. */
static int image_parse_created(const struct image_parse *p, const struct json *v, struct err *e)
{
	return image_expect(p, v, JSON_STRING, e);
}

static int image_parse_created_ms(const struct image_parse *p, const struct json *v, struct err *e)
{
	return image_parse_u64(p, v, &p->image->created_ms, e);
}

static int image_parse_size(const struct image_parse *p, const struct json *v, struct err *e)
{
	return image_parse_u64(p, v, &p->image->size_bytes, e);
}

static int image_parse_members(const struct image_parse *p, const struct json *v, struct err *e)
{
	return image_parse_u64(p, v, &p->image->members, e);
}

static const struct {
	const char *key;
	int (*parse)(const struct image_parse *p, const struct json *v, struct err *e);
	int since; /* the version that brought it */
} image_fields[] = {
	{ "version", image_parse_version, 1 },
	{ "name", image_parse_name, 1 },
	{ "layers", image_parse_layers, 1 },
	{ "config", image_parse_config, 2 },
	{ "manifest", image_parse_manifest, 2 },
	{ "archive", image_parse_archive, 1 },
	{ "archiveBytes", image_parse_archive_bytes, 1 },
	{ "created", image_parse_created, 1 },
	{ "createdMs", image_parse_created_ms, 1 },
	{ "sizeBytes", image_parse_size, 1 },
	{ "members", image_parse_members, 1 },
};

int image_file_parse(const char *file, const char *text, size_t n, struct image *ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct image image = { .n_layers = 0 };
	struct image_parse p = { .image = &image };
	const struct json *root, *version;
	size_t expected = 0;
	int r = json_parse(file, text, n, &doc, e);

	if (r < 0)
		return r;
	p.doc = doc;
	root = json_root(doc);
	r = image_expect(&p, root, JSON_OBJECT, e);
	if (r < 0)
		return r;
	version = json_get(root, "version");
	/* All are required, and duplicates are refused by the parser: with the count right there is
	 * no room for an unknown one. */
	for (size_t i = 0; i < ARRAY_SIZE(image_fields); i++)
		expected +=
			!version || !version->is_int || image_fields[i].since <= version->integer;
	if (root->count != expected)
		return json_err(doc, root, e, EBADMSG, "expected %zu members, found %zu", expected,
				root->count);
	for (size_t i = 0; i < ARRAY_SIZE(image_fields); i++) {
		const struct json *v = json_get(root, image_fields[i].key);

		if (!v && version && image_fields[i].since > version->integer)
			continue;
		if (!v)
			return json_err(doc, root, e, EBADMSG, "\"%s\" is missing",
					image_fields[i].key);
		r = image_fields[i].parse(&p, v, e);
		if (r < 0)
			return r;
	}
	*ret = image;
	return 0;
}

int layer_file_write(int dir, const struct digest *layer, const struct unpack_result *result,
		     struct err *e)
{
	const struct {
		const char *key;
		uint64_t value;
	} counts[] = {
		{ "streamBytes", result->stream_bytes },
		{ "sizeBytes", result->content_bytes },
		{ "members", result->members },
		{ "files", result->files },
		{ "directories", result->directories },
		{ "symlinks", result->symlinks },
		{ "hardlinks", result->hardlinks },
		{ "devices", result->devices },
		{ "fifos", result->fifos },
		{ "whiteouts", result->whiteouts },
		{ "opaques", result->opaques },
		{ "skippedSockets", result->skipped_sockets },
		{ "skippedWhiteouts", result->skipped_whiteouts },
		{ "skippedXattrs", result->skipped_xattrs },
		{ "skippedFlags", result->skipped_flags },
	};
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_u64(&o, "version", LAYER_VERSION);
	image_digest_out(&o, "digest", layer);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		json_out_u64(&o, counts[i].key, counts[i].value);
	json_out_object_end(&o);
	strbuf_addc(&b, '\n');
	r = strbuf_ok(&b, e);
	if (r < 0)
		return r;
	return file_write_at(dir, "layer.json", b.data, b.len, 0600, FILE_SYNC, e);
}

int layer_file_read(const struct image_store *s, const struct digest *layer,
		    struct layer_counts *ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int dir = path_open_beneath(s->layers, layer->hex, O_RDONLY | O_DIRECTORY, 0);
	const struct {
		const char *key;
		uint64_t *to;
	} fields[] = { { "sizeBytes", &ret->size_bytes }, { "members", &ret->members } };
	size_t n;
	int r;

	if (dir < 0)
		return err_ret(e, dir, "open layer %s", layer->hex);
	r = file_read_at(dir, "layer.json", LIMIT_JSON_BYTES, &text, &n, e);
	if (r == 0)
		r = json_parse("layer.json", text, n, &doc, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fields); i++) {
		struct image_parse at = { .doc = doc };
		const struct json *root = json_root(doc);
		const struct json *v =
			root->type == JSON_OBJECT ? json_get(root, fields[i].key) : NULL;

		r = v ? image_parse_u64(&at, v, fields[i].to, e)
		      : json_err(doc, root, e, EBADMSG, "\"%s\" is missing", fields[i].key);
	}
	return r < 0 ? err_wrap(e, "layer %s", layer->hex) : 0;
}
