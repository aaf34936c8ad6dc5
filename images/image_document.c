/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The config document of an image of the store, parsed and found to be of the image's layers. */
#include "images/image_document.h"

#include "images/digest.h"

void image_document_free(struct image_document *d)
{
	free(TAKE_PTR(d->text));
	image_config_free(&d->config);
}

/* What an import writes today for one that comes without. */
static int document_make(const struct image *image, struct image_document *ret, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct platform host;
	int r;

	platform_host(&host);
	r = image_config_write(&host, image->created_ms, "jail image import", image->layers,
			       image->n_layers, &b, e);
	if (r < 0)
		return r;
	ret->n = b.len;
	ret->text = strbuf_take(&b);
	return ret->text ? 0 : err_nomem(e);
}

static int document_check(const struct image_document *d, const struct image *image, struct err *e)
{
	const struct image_config *config = &d->config;

	if (image_has_layers(image, config->layers, config->n_layers))
		return 0;
	(void)err_set(e, EBADMSG, "its config %s is of other layers", d->digest.hex);
	return err_hint(e, "import the image again with --replace");
}

static int document_read(const struct image_store *s, const struct image *image,
			 struct image_document *ret, struct err *e)
{
	int r = digest_is_set(&image->config)
			? store_config_read(s, &image->config, &ret->text, &ret->n, e)
			: document_make(image, ret, e);

	if (r < 0)
		return r;
	digest_of(ret->text, ret->n, &ret->digest);
	r = image_config_parse("config", ret->text, ret->n, &ret->config, e);
	return r < 0 ? r : document_check(ret, image, e);
}

int image_document_read(const struct image_store *s, const struct image *image,
			struct image_document *ret, struct err *e)
{
	struct image_document d = { .text = NULL };
	int r = document_read(s, image, &d, e);

	if (r < 0) {
		image_document_free(&d);
		return err_wrap(e, "image \"%s\"", image->ref.s);
	}
	*ret = d;
	return 0;
}
