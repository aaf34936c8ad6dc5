/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for layers that are in the store already. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "images/digest.h"
#include "images/import_priv.h"

int image_count(const struct image_store *s, struct image *image, struct err *e)
{
	image->size_bytes = image->members = 0;
	for (size_t i = 0; i < image->n_layers; i++) {
		struct layer_counts counts;
		bool again = false;

		for (size_t k = 0; !again && k < i; k++)
			again = str_eq(image->layers[k].hex, image->layers[i].hex);
		if (again)
			continue;
		if (layer_file_read(s, &image->layers[i], &counts, e) < 0)
			return -e->code;
		image->size_bytes += counts.size_bytes;
		image->members += counts.members;
	}
	return 0;
}

bool image_has_layers(const struct image *image, const struct digest *layers, size_t n)
{
	bool same = image->n_layers == n;

	for (size_t i = 0; same && i < n; i++)
		same = str_eq(image->layers[i].hex, layers[i].hex);
	return same;
}

/* "debian:12" as "debian:sha256-HEX". */
static int name_by_digest(const struct image_ref *ref, const struct digest *digest,
			  struct image_ref *ret, struct err *e)
{
	int name = (int)image_ref_name_len(ref);
	char text[LIMIT_IMAGE_REF_LEN + 1];
	int r = str_format(text, sizeof(text), "%.*s:sha256-%s", name, ref->s, digest->hex);

	return r < 0 ? err_ret(e, r, "image %s", ref->s) : image_ref_parse(text, ret, e);
}

/* Return: 1 it has to be written; 0 it is there. */
static int choose_name(const struct image_store *s, const struct image_request *q,
		       const struct digest *config, struct image_ref *ret, struct err *e)
{
	struct err why = ERR_INIT;
	struct image there;
	int r = store_get(s, q->ref, &there, &why);

	*ret = *q->ref;
	if (r == -ENOENT)
		return 1;
	if (r >= 0 && image_has_layers(&there, q->layers, q->n_layers))
		return 0;
	if (!digest_is_set(config))
		return 0;
	if ((r = name_by_digest(q->ref, config, ret, e)) < 0)
		return r;
	return store_get(s, ret, &there, &why) == -ENOENT;
}

int store_add(struct image_store *s, const struct image_request *q, struct image_ref *ret,
	      struct err *e)
{
	CLEANUP_FD int lock = store_lock(s, e);
	struct image image = { .n_layers = q->n_layers, .created_ms = clock_wall_ms() };
	int r;

	*ret = (struct image_ref){ "" };
	if (lock < 0)
		return lock;
	memcpy(image.layers, q->layers, q->n_layers * sizeof(*q->layers));
	if (q->config)
		digest_of(q->config, q->n_config, &image.config);
	r = choose_name(s, q, &image.config, &image.ref, e);
	if (r <= 0)
		return r;
	r = image_count(s, &image, e);
	if (r >= 0 && q->config)
		r = store_config_write(s, &image.config, q->config, q->n_config, e);
	if (r >= 0)
		r = image_file_write(s->images, &image, e);
	if (r >= 0)
		*ret = image.ref;
	return r;
}
