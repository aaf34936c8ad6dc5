/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image index, also index.json of a layout: parsing it, and which of its entries is meant. */
#include "images/manifest_priv.h"

void image_index_free(struct image_index *index)
{
	free(index->v);
	*index = (struct image_index){ .n = 0 };
}

static int index_entries(const struct json_doc *doc, const struct json *v, void *target,
			 struct err *e)
{
	struct image_index *index = target;
	int r = doc_list(doc, v, JSON_ARRAY, MANIFEST_ENTRIES_MAX, "entries", e);

	if (r < 0)
		return r;
	index->v = calloc(v->count ? v->count : 1, sizeof(*index->v));
	if (!index->v)
		return err_nomem(e);
	for (const struct json *m = v->first; r == 0 && m; m = m->next)
		r = descriptor_parse(doc, m, &index->v[index->n++], e);
	return r;
}

static const struct doc_field index_fields[] = {
	{ "manifests", index_entries, 0, true },
};

int image_index_parse(const char *file, const char *text, size_t n, struct image_index *ret,
		      struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct image_index index = { .n = 0 };
	const struct json *root;
	int r = doc_open(file, text, n, JSON_OBJECT, &doc, e);

	if (r < 0)
		return r;
	root = json_root(doc);
	r = manifest_check_version(doc, root, DESCRIPTOR_INDEX, e);
	if (r == 0)
		r = doc_fields(doc, root, index_fields, ARRAY_SIZE(index_fields), &index, e);
	if (r < 0) {
		image_index_free(&index);
		return r;
	}
	*ret = index;
	return 0;
}

/* What is wanted, and how well an entry serves. */
struct index_wish {
	const char *name; /* or NULL */
	const struct platform *platform;
};

static bool index_is_image(const struct descriptor *d)
{
	return (d->kind == DESCRIPTOR_INDEX || d->kind == DESCRIPTOR_MANIFEST) &&
	       !(str_eq(d->platform.os, "unknown") && str_eq(d->platform.architecture, "unknown"));
}

/* What an entry is called in messages. */
static const char *index_label(const struct descriptor *d)
{
	if (d->full_name[0])
		return d->full_name;
	return d->name[0] ? d->name : d->digest.s;
}

static unsigned index_name_match(const struct index_wish *wish, const struct descriptor *d)
{
	unsigned full, name;

	if (!wish->name)
		return 1;
	if (str_eq(wish->name, d->digest.s) || str_eq(wish->name, blob_digest_hex(d->digest.s)))
		return 3;
	full = manifest_name_match(wish->name, d->full_name);
	name = manifest_name_match(wish->name, d->name);
	return full > name ? full : name;
}

static unsigned index_platform_match(const struct index_wish *wish, const struct descriptor *d)
{
	return platform_match(wish->platform, &d->platform);
}

/* The best of the entries, by name and then by platform, the first of equals. Return: its
 * position, or index->n. */
static size_t index_best(const struct image_index *index, const struct index_wish *wish,
			 unsigned *ret_name)
{
	unsigned best_name = 0, best_platform = 0;
	size_t best = index->n;

	for (size_t i = 0; i < index->n; i++) {
		const struct descriptor *d = &index->v[i];
		unsigned name = index_name_match(wish, d);
		unsigned platform = index_platform_match(wish, d);

		if (!index_is_image(d) || name == 0 || platform == 0 || name < best_name ||
		    (name == best_name && platform <= best_platform))
			continue;
		best = i;
		best_name = name;
		best_platform = platform;
	}
	*ret_name = best_name;
	return best;
}

/* Whether entry d could be meant as well as the best one: another image, which either has another
 * name or can't be told from it. Equal platforms with one name are one image in two compressions.
 */
static bool index_competes(const struct index_wish *wish, const struct descriptor *best,
			   unsigned best_name, const struct descriptor *d)
{
	unsigned platform = index_platform_match(wish, d);

	if (!index_is_image(d) || platform == 0 || index_name_match(wish, d) != best_name ||
	    str_eq(d->digest.s, best->digest.s))
		return false;
	if (!str_eq(d->name, best->name) || !str_eq(d->full_name, best->full_name))
		return true;
	return !d->has_platform && !best->has_platform;
}

static bool index_label_seen(const struct image_index *index, size_t before, const char *label)
{
	for (size_t i = 0; i < before; i++)
		if (index_is_image(&index->v[i]) && str_eq(index_label(&index->v[i]), label))
			return true;
	return false;
}

static void index_list_labels(const struct image_index *index, struct strbuf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++) {
		const char *label = index_label(&index->v[i]);

		if (index_is_image(&index->v[i]) && !index_label_seen(index, i, label))
			manifest_list(b, &n, label);
	}
}

/* Platforms of the entries that have the name. Return: how many. */
static size_t index_list_platforms(const struct image_index *index, const struct index_wish *wish,
				   struct strbuf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++) {
		const struct descriptor *d = &index->v[i];
		char text[64];

		if (!index_is_image(d) || index_name_match(wish, d) == 0)
			continue;
		platform_format(&d->platform, text);
		manifest_list(b, &n, text);
	}
	return n;
}

static int index_none(const struct image_index *index, const struct index_wish *wish, struct err *e)
{
	CLEANUP_STRBUF struct strbuf names = STRBUF_INIT, platforms = STRBUF_INIT;
	char text[64];

	index_list_labels(index, &names);
	if (names.len == 0)
		return err_set(e, ENOENT, "the index names no image (%zu other entries)", index->n);
	if (index_list_platforms(index, wish, &platforms) == 0)
		return err_set(e, ENOENT, "no image \"%.255s\"; there is: %s", wish->name,
			       strbuf_str(&names));
	platform_format(wish->platform, text);
	return err_set(e, ENOENT, "no image for %s; there is: %s", text, strbuf_str(&platforms));
}

int image_index_choose(const struct image_index *index, const char *wanted,
		       const struct platform *platform, struct err *e)
{
	const struct index_wish wish = { .name = wanted, .platform = platform };
	CLEANUP_STRBUF struct strbuf names = STRBUF_INIT;
	unsigned name = 0;
	size_t best = index_best(index, &wish, &name);

	if (best == index->n)
		return index_none(index, &wish, e);
	for (size_t i = 0; i < index->n; i++) {
		if (!index_competes(&wish, &index->v[best], name, &index->v[i]))
			continue;
		index_list_labels(index, &names);
		return err_set(e, ENOTUNIQ, "several images: %s", strbuf_str(&names));
	}
	return (int)best;
}
