/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of an export have for sizes and digests. */
#include "base/json.h"
#include "images/transfer.h"

void transfer_layer_name(const struct digest *layer, char ret[static TRANSFER_NAME_MAX])
{
	(void)str_format(ret, TRANSFER_NAME_MAX, "layers/%s", layer->hex); /* fits */
}

void transfer_snapshot_name(size_t i, char ret[static TRANSFER_NAME_MAX])
{
	(void)str_format(ret, TRANSFER_NAME_MAX, "snapshots/%zu", i); /* fits */
}

void transfer_sums_free(struct transfer_sums *s)
{
	free(s->v);
	*s = (struct transfer_sums){ .v = NULL };
}

int transfer_sums_add(struct transfer_sums *s, const struct transfer_sum *sum, struct err *e)
{
	if (s->n == TRANSFER_PARTS_MAX)
		return err_set(e, E2BIG, "more than %d parts", TRANSFER_PARTS_MAX);
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 32;
		struct transfer_sum *grown = reallocarray(s->v, room, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		s->v = grown;
		s->room = room;
	}
	s->v[s->n++] = *sum;
	return 0;
}

void transfer_sums_write(const struct transfer_sums *s, struct json_out *o)
{
	json_out_array(o, NULL);
	for (size_t i = 0; i < s->n; i++) {
		char digest[sizeof("sha256:") + sizeof(s->v[i].sha256.hex)];

		(void)str_format(digest, sizeof(digest), "sha256:%s", s->v[i].sha256.hex);
		json_out_object(o, NULL);
		json_out_str(o, "name", s->v[i].name);
		json_out_u64(o, "bytes", s->v[i].bytes);
		json_out_str(o, "digest", digest);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

static bool text_is(const struct json *object, const char *key, const char *text)
{
	const struct json *v = json_get(object, key);

	return v && v->type == JSON_STRING && str_eq(v->text, text);
}

/* What was written of it against what came. */
static int check_one(const struct json_doc *doc, const struct json *one,
		     const struct transfer_sum *sum, struct err *e)
{
	char digest[sizeof("sha256:") + sizeof(sum->sha256.hex)];
	const struct json *bytes;

	if (one->type != JSON_OBJECT || one->count != 3)
		return json_err(doc, one, e, EBADMSG,
				"must have \"name\", \"bytes\" and \"digest\"");
	if (!text_is(one, "name", sum->name))
		return json_err(doc, one, e, EBADMSG, "speaks of something else than \"%s\"",
				sum->name);
	bytes = json_get(one, "bytes");
	if (!bytes || !bytes->is_int || bytes->integer < 0 ||
	    (uint64_t)bytes->integer != sum->bytes)
		return err_set(e, EBADMSG, "%s is damaged: it has %llu bytes, and should not",
			       sum->name, (unsigned long long)sum->bytes);
	(void)str_format(digest, sizeof(digest), "sha256:%s", sum->sha256.hex);
	if (!text_is(one, "digest", digest))
		return err_set(e, EBADMSG, "%s is damaged: its digest is %s, and should not be",
			       sum->name, digest);
	return 0;
}

int transfer_sums_check(const struct transfer_sums *s, const char *text, size_t n, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	const struct json *root, *one;
	int r = json_parse(TRANSFER_SUMS, text, n, &doc, e);

	if (r < 0)
		return r;
	root = json_root(doc);
	if (root->type != JSON_ARRAY || root->count != s->n)
		return json_err(doc, root, e, EBADMSG, "must be an array of %zu elements", s->n);
	one = root->first;
	for (size_t i = 0; r == 0 && i < s->n; i++, one = one->next)
		r = check_one(doc, one, &s->v[i], e);
	return r;
}
