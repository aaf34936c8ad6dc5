/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images of an OCI layout: oci-layout, index.json, and everything else by digest. */
#include <string.h>

#include "base/json.h"
#include "images/import_priv.h"

#define PLAN_INDEX_DEPTH 4 /* an index in an index: one for the platforms is what there is */

static int plan_check_layout(const struct blobs *b, struct err *e)
{
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	CLEANUP_JSON struct json_doc *json = NULL;
	const struct json *version;
	int r = blobs_read(b, "oci-layout", &doc, e);

	if (r == 0)
		r = json_parse("oci-layout", doc.text, doc.n, &json, e);
	if (r < 0)
		return r;
	version = json_root(json)->type == JSON_OBJECT
			  ? json_get(json_root(json), "imageLayoutVersion")
			  : NULL;
	if (!version || version->type != JSON_STRING || !str_starts(version->text, "1."))
		return err_set(e, EBADMSG, "oci-layout: expected imageLayoutVersion 1.x");
	return 0;
}

/* Layers of a manifest, each by its digest. */
static int plan_layers(const struct blobs *b, const char *by, const struct image_manifest *m,
		       struct plan *p, struct err *e)
{
	for (size_t i = 0; i < m->n_layers; i++) {
		const struct descriptor *d = &m->layers[i];
		char member[BLOB_MEMBER_MAX];

		if (d->kind == DESCRIPTOR_LAYER_ENCRYPTED)
			return err_set(e, ENOTSUP, "%s: layer %zu is encrypted", by, i + 1);
		blobs_member_name(b, &d->digest, member);
		p->layers[i] = (struct plan_layer){ .member = strdup(member),
						    .described = true,
						    .blob = d->digest,
						    .size = d->size };
		if (!p->layers[i].member)
			return err_nomem(e);
	}
	return 0;
}

static int plan_of_parsed(const struct blobs *b, const char *by, const struct document *doc,
			  const struct image_manifest *m, struct plan_list *ret,
			  struct plan **ret_plan, struct err *e)
{
	CLEANUP_DOCUMENT struct document config = { .text = NULL };
	char file[BLOB_MEMBER_MAX], named[128];
	int r;

	(void)str_format(named, sizeof(named), "manifest sha256:%s", doc->digest.hex); /* fits */
	(void)by;
	r = blobs_read_descriptor(b, &m->config, named, &config, e);
	if (r < 0)
		return err_wrap(e, "config");
	blobs_member_name(b, &m->config.digest, file);
	r = plan_add(ret, file, &config, m->n_layers, ret_plan, e);
	if (r < 0)
		return r;
	(*ret_plan)->manifest = doc->digest;
	return plan_layers(b, named, m, *ret_plan, e);
}

int plan_of_manifest(const struct blobs *b, const char *by, const struct document *doc,
		     struct plan_list *ret, struct plan **ret_plan, struct err *e)
{
	CLEANUP_FREE struct image_manifest *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_nomem(e);
	r = image_manifest_parse(by, doc->text, doc->n, m, e);
	return r < 0 ? r : plan_of_parsed(b, by, doc, m, ret, ret_plan, e);
}

/* Follows an index of platforms down to a manifest, whose document is the result. */
static int plan_descend(const struct blobs *b, const struct descriptor *from, const char *by,
			const struct platform *platform, struct document *ret, struct err *e)
{
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	struct descriptor d = *from;
	char name[BLOB_MEMBER_MAX];
	int r;

	for (int depth = 0; depth < PLAN_INDEX_DEPTH; depth++) {
		CLEANUP(image_index_free) struct image_index index = { .v = NULL };

		document_free(&doc);
		r = blobs_read_descriptor(b, &d, depth ? "its index" : by, &doc, e);
		if (r < 0)
			return r;
		if (d.kind != DESCRIPTOR_INDEX) {
			*ret = doc;
			doc.text = NULL;
			return 0;
		}
		blobs_member_name(b, &d.digest, name);
		r = image_index_parse(name, doc.text, doc.n, &index, e);
		if (r == 0)
			r = image_index_choose(&index, NULL, platform, e);
		if (r < 0)
			return r;
		d = index.v[r];
	}
	return err_set(e, EBADMSG, "index.json: indexes more than %d deep", PLAN_INDEX_DEPTH);
}

/* "latest" alone, as `skopeo copy ... oci:DIR:latest` writes it, is a tag of who knows what. */
static const char *plan_entry_name(const struct descriptor *d)
{
	if (d->full_name[0])
		return d->full_name;
	return strpbrk(d->name, "/:") ? d->name : NULL;
}

static int plan_of_entry(const struct blobs *b, const struct descriptor *d,
			 const struct import_request *req, const struct platform *platform,
			 struct plan_list *ret, struct err *e)
{
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	const char *name = plan_entry_name(d);
	struct plan *plan = NULL;
	char file[BLOB_MEMBER_MAX];
	int r = plan_descend(b, d, "index.json", platform, &doc, e);

	if (r < 0)
		return r;
	(void)str_format(file, sizeof(file), "blobs/sha256/%s", doc.digest.hex); /* fits */
	r = plan_of_manifest(b, file, &doc, ret, &plan, e);
	if (r == 0 && name && !req->has_ref)
		r = plan_name(plan, name, e);
	return r;
}

/* Whether an entry before it has the same name: the choice among them is by platform. */
static bool plan_is_first(const struct image_index *index, size_t at, const char *name)
{
	for (size_t i = 0; i < at; i++) {
		const char *other = plan_entry_name(&index->v[i]);

		if (other && str_eq(other, name))
			return false;
	}
	return true;
}

static int plan_of_all(const struct blobs *b, const struct image_index *index,
		       const struct import_request *req, const struct platform *platform,
		       struct plan_list *ret, struct err *e)
{
	for (size_t i = 0; i < index->n; i++) {
		const char *name = plan_entry_name(&index->v[i]);
		int at;

		if (!name || !plan_is_first(index, i, name))
			continue;
		at = image_index_choose(index, name, platform, e);
		if (at < 0)
			return at;
		if (plan_of_entry(b, &index->v[at], req, platform, ret, e) < 0)
			return err_wrap(e, "image \"%s\"", name);
	}
	return ret->n > 0 ? 0 : err_set(e, ENOENT, "index.json: no image in it has a name");
}

int plans_of_layout(const struct blobs *b, const struct import_request *req,
		    const struct platform *platform, struct plan_list *ret, struct err *e)
{
	CLEANUP(image_index_free) struct image_index index = { .v = NULL };
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	int r = plan_check_layout(b, e);

	if (r < 0)
		return r;
	r = blobs_read(b, "index.json", &doc, e);
	if (r < 0)
		return r;
	r = image_index_parse("index.json", doc.text, doc.n, &index, e);
	if (r < 0)
		return r;
	if (req->all)
		return plan_of_all(b, &index, req, platform, ret, e);
	r = image_index_choose(&index, req->wanted, platform, e);
	return r < 0 ? r : plan_of_entry(b, &index.v[r], req, platform, ret, e);
}
