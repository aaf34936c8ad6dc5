/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images of a `docker save` archive: manifest.json names members, not digests. What a layer holds
 * is checked against the config's diff_ids; a name that is a digest has to be the right one.
 */
#include <string.h>

#include "images/digest.h"
#include "images/import_priv.h"

/* "blobs/sha256/HEX", "HEX.json", "sha256:HEX": the digest that the name claims, if any. */
static bool plan_claims(const char *member, struct blob_digest *ret)
{
	const char *base = strrchr(member, '/');
	const char *function = str_starts(member, "blobs/sha512/") ? "sha512:" : "sha256:";
	char text[sizeof(*ret)];
	struct err ignored = ERR_INIT;

	base = base ? base + 1 : member;
	if (str_starts(base, "sha256:"))
		base += strlen("sha256:");
	return str_format(text, sizeof(text), "%s%.*s", function, (int)strcspn(base, "."), base) >
		       0 &&
	       blob_digest_parse(text, ret, &ignored) == 0;
}

static int plan_docker_config(const struct blobs *b, const char *member, struct document *ret,
			      struct err *e)
{
	struct blob_digest claimed, got;
	int r = blobs_read(b, member, ret, e);

	if (r < 0)
		return err_wrap(e, "config, named by manifest.json");
	if (!plan_claims(member, &claimed))
		return 0;
	blob_digest_of(ret->text, ret->n, &claimed, &got);
	if (!str_eq(claimed.s, got.s))
		return err_set(e, EBADMSG,
			       "config: the digest is %s; its name, as manifest.json has it, is "
			       "%.300s",
			       got.s, member);
	return 0;
}

static int plan_docker_layer(const struct blobs *b, const char *member, struct plan_layer *ret,
			     struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct err ignored = ERR_INIT;

	ret->member = strdup(member);
	if (!ret->member)
		return err_nomem(e);
	/* A blob's name is its digest; older names are ids of something else. */
	if (!str_starts(member, "blobs/sha") || !plan_claims(member, &ret->blob))
		return 0;
	/* One that is missing may be in the store. */
	fd = blobs_open(b, member, &ret->size, &ignored);
	ret->described = fd >= 0;
	return 0;
}

static int plan_of_docker(const struct blobs *b, const struct docker_image *image,
			  const struct import_request *req, struct plan_list *ret, struct err *e)
{
	CLEANUP_DOCUMENT struct document config = { .text = NULL };
	struct plan *plan = NULL;
	int r = plan_docker_config(b, image->config, &config, e);

	if (r == 0)
		r = plan_add(ret, image->config, &config, image->n_layers, &plan, e);
	for (size_t i = 0; r == 0 && i < image->n_layers; i++)
		r = plan_docker_layer(b, image->layers[i], &plan->layers[i], e);
	for (size_t i = 0; r == 0 && !req->has_ref && i < image->n_tags; i++)
		r = plan_name(plan, image->tags[i], e);
	return r;
}

int plans_of_docker(const struct blobs *b, const struct import_request *req,
		    const struct document *doc, struct plan_list *ret, struct err *e)
{
	CLEANUP(docker_manifest_free) struct docker_manifest m = { .v = NULL };
	int r = docker_manifest_parse("manifest.json", doc->text, doc->n, &m, e);

	if (r < 0)
		return r;
	if (!req->all) {
		r = docker_manifest_choose(&m, req->wanted, e);
		return r < 0 ? r : plan_of_docker(b, &m.v[r], req, ret, e);
	}
	for (size_t i = 0; r == 0 && i < m.n; i++)
		r = plan_of_docker(b, &m.v[i], req, ret, e);
	return r;
}
