/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which images of an archive are meant, and what each consists of. An OCI layout goes before the
 * manifest.json of `docker save` where both are there: it names everything by digest.
 */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "images/import_priv.h"

#define PLANS_BYTES_MAX ((size_t)64 << 20) /* of config documents at a time (row 41) */

static void plan_free(struct plan *p)
{
	for (size_t i = 0; p->layers && i < p->parsed.n_layers; i++)
		free(p->layers[i].member);
	free(p->layers);
	free(p->names);
	document_free(&p->config);
	image_config_free(&p->parsed);
}

void plan_list_free(struct plan_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		plan_free(&l->v[i]);
	free(l->v);
	*l = (struct plan_list){ .v = NULL };
}

static int plan_grow(struct plan_list *l, struct err *e)
{
	size_t cap = l->cap ? 2 * l->cap : 4;
	struct plan *grown;

	if (l->n < l->cap)
		return 0;
	grown = reallocarray(l->v, cap, sizeof(*grown));
	if (!grown)
		return err_nomem(e);
	l->v = grown;
	l->cap = cap;
	return 0;
}

int plan_add(struct plan_list *l, const char *file, struct document *doc, size_t n_layers,
	     struct plan **ret, struct err *e)
{
	struct plan *p;
	int r = plan_grow(l, e);

	if (r < 0)
		return r;
	if (l->bytes + doc->n > PLANS_BYTES_MAX)
		return err_set(e, E2BIG, "limit exceeded: more than %zu MiB of image configs",
			       PLANS_BYTES_MAX >> 20);
	p = &l->v[l->n];
	*p = (struct plan){ .names = NULL };
	r = image_config_parse(file, doc->text, doc->n, &p->parsed, e);
	if (r < 0)
		return r;
	l->n++; /* the list's to free from here on */
	l->bytes += doc->n;
	p->config = *doc;
	doc->text = NULL;
	if (p->parsed.n_layers != n_layers)
		return err_set(e, EBADMSG,
			       "%s: rootfs.diff_ids lists %zu layers; the manifest lists %zu", file,
			       p->parsed.n_layers, n_layers);
	if (n_layers == 0)
		return err_set(e, EBADMSG, "%s: an image without layers", file);
	p->layers = calloc(n_layers, sizeof(*p->layers));
	if (!p->layers)
		return err_nomem(e);
	*ret = p;
	return 0;
}

int plan_name(struct plan *p, const char *name, struct err *e)
{
	struct image_ref ref, *grown;

	if (image_ref_parse(name, &ref, e) < 0) {
		(void)err_hint(e, "give it another name with --name IMAGE[:TAG]");
		return err_wrap(e, "the archive's name of the image");
	}
	for (size_t i = 0; i < p->n_names; i++)
		if (str_eq(p->names[i].s, ref.s))
			return 0;
	grown = reallocarray(p->names, p->n_names + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(e);
	p->names = grown;
	p->names[p->n_names++] = ref;
	return 0;
}

static int plan_check_names(struct plan *p, const struct import_request *req, struct err *e)
{
	if (req->has_ref) {
		p->n_names = 0;
		return plan_name(p, req->ref.s, e);
	}
	if (p->n_names > 0)
		return 0;
	(void)err_set(e, EDESTADDRREQ, "the archive has no name for the image sha256:%s",
		      p->config.digest.hex);
	return err_hint(e, "give it one with --name IMAGE[:TAG]");
}

/* An index was chosen from by platform; a lone manifest says in its config what it is for. */
static int plan_check_platform(const struct plan *p, const struct import_request *req,
			       const struct platform *wanted, struct err *e)
{
	const struct platform *is = &p->parsed.platform;
	char have[64], want[64];

	if (!is->os[0] || !is->architecture[0] || platform_match(wanted, is) > 0)
		return 0;
	platform_format(is, have);
	platform_format(wanted, want);
	if (req->has_platform)
		return err_set(e, ENOENT, "the image is for %s, not for %s", have, want);
	warn("the image is for %s; this machine is %s", have, want);
	return 0;
}

/* `skopeo copy ... dir:DIR` calls an image's manifest "manifest.json", `docker save` a list. */
static bool plan_is_list(const struct document *doc)
{
	const char *p = doc->text;

	while (*p && isspace((unsigned char)*p))
		p++;
	return *p == '[';
}

static int plans_of_manifest_json(const struct blobs *b, const struct import_request *req,
				  struct plan_list *ret, struct err *e)
{
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	struct plan *plan;
	int r = blobs_read(b, "manifest.json", &doc, e);

	if (r < 0)
		return r;
	if (plan_is_list(&doc))
		return plans_of_docker(b, req, &doc, ret, e);
	return plan_of_manifest(b, "manifest.json", &doc, ret, &plan, e);
}

static int plans_none(const struct blobs *b, enum import_format format, struct err *e)
{
	if (format == IMPORT_OCI)
		return err_set(e, EBADMSG,
			       "it is no OCI layout: it has no oci-layout and index.json");
	if (format == IMPORT_DOCKER)
		return err_set(e, EBADMSG, "it is no archive of docker's: it has no manifest.json");
	if (!b->flat)
		return err_set(e, EBADMSG,
			       "it is a directory with neither oci-layout and index.json nor "
			       "manifest.json: no images");
	(void)err_set(e, EBADMSG,
		      "this archive of images has neither oci-layout and index.json nor "
		      "manifest.json");
	return err_hint(e, "if it is a root file system, say so with --format rootfs");
}

int plans_make(const struct blobs *b, const struct import_request *req, struct plan_list *ret,
	       struct err *e)
{
	struct platform platform = req->platform;
	int r;

	if (!req->has_platform)
		platform_host(&platform);
	if (req->format != IMPORT_DOCKER && blobs_have(b, "index.json") &&
	    blobs_have(b, "oci-layout"))
		r = plans_of_layout(b, req, &platform, ret, e);
	else if (req->format != IMPORT_OCI && blobs_have(b, "manifest.json"))
		r = plans_of_manifest_json(b, req, ret, e);
	else
		return plans_none(b, req->format, e);
	for (size_t i = 0; r == 0 && i < ret->n; i++) {
		r = plan_check_platform(&ret->v[i], req, &platform, e);
		if (r == 0)
			r = plan_check_names(&ret->v[i], req, e);
	}
	return r;
}
