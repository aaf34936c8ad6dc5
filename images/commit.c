/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The staging directory of a commit holds what `docker save` would: manifest.json, the config, and
 * layer.tar. The layers below are in the store, which is why the import never asks for them.
 */
#include "images/commit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "images/digest.h"
#include "images/store_priv.h"

#define LAYER_FILE "layer.tar"

struct commit {
	struct image_store *store;
	const struct commit_request *q;
	struct staging staging;
	int layer; /* LAYER_FILE */
	struct layer_written written;
	struct image_document document; /* of the old image */
};

void commit_free(struct commit **c)
{
	struct err ignored = ERR_INIT;

	if (!*c)
		return;
	fd_reset(&(*c)->layer);
	image_document_free(&(*c)->document);
	if (staging_remove((*c)->store, &(*c)->staging, &ignored) < 0)
		warn("%s", ignored.text);
	free(TAKE_PTR(*c));
}

struct search {
	const struct commit_request *q;
	struct image found;
	bool has, named;
};

static int look(const struct image *image, void *arg)
{
	struct search *s = arg;

	if (s->named || !image_has_layers(image, s->q->layers, s->q->n_layers))
		return 0;
	s->found = *image;
	s->has = true;
	s->named = str_eq(image->ref.s, s->q->image->s);
	return 0;
}

/* The config of an image of exactly these layers; where none has that name any more, of another
 * one's, and where there is none at all, what an import would write. */
static int find_document(struct commit *c, struct err *e)
{
	struct search s = { .q = c->q };
	int r = store_each(c->store, look, &s, e);

	if (r < 0)
		return r;
	if (!s.has) {
		s.found = (struct image){ .ref = *c->q->image,
					  .n_layers = c->q->n_layers,
					  .created_ms = clock_wall_ms() };
		memcpy(s.found.layers, c->q->layers, c->q->n_layers * sizeof(*c->q->layers));
	}
	return image_document_read(c->store, &s.found, &c->document, e);
}

static int check_name(const struct commit *c, struct err *e)
{
	const struct import_request *req = &c->q->import;
	struct image ignored;
	struct err why = ERR_INIT;

	if (req->replace || store_get(c->store, &req->ref, &ignored, &why) == -ENOENT)
		return 0;
	(void)err_set(e, EEXIST, "image \"%s\": the name is in use", req->ref.s);
	return err_hint(e, "choose another name, or replace it with --replace");
}

int commit_begin(struct image_store *s, const struct commit_request *q, struct commit **ret,
		 struct err *e)
{
	CLEANUP_COMMIT struct commit *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_nomem(e);
	c->store = s;
	c->q = q;
	c->staging = STAGING_INIT;
	c->layer = -EBADF;
	if (q->n_layers == LIMIT_LAYERS)
		return err_set(e, E2BIG, "the image has %d layers already, which is the most",
			       LIMIT_LAYERS);
	if ((r = check_name(c, e)) < 0 || (r = find_document(c, e)) < 0 ||
	    (r = staging_make(s, &c->staging, e)) < 0)
		return r;
	c->layer = path_open_beneath(c->staging.dir, LAYER_FILE,
				     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (c->layer < 0)
		return err_ret(e, c->layer, "make " LAYER_FILE);
	*ret = TAKE_PTR(c);
	return 0;
}

int commit_layer(struct commit *c, const struct tree_stack *stack, struct layer_written *ret,
		 struct err *e)
{
	int r = layer_write(stack, c->layer, &c->written, e);

	if (r >= 0)
		*ret = c->written;
	return r;
}

static int write_config(struct commit *c, struct digest *ret, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char name[sizeof(ret->hex) + sizeof(".json")];
	int r = image_config_commit(c->document.text, c->document.n, c->q, clock_wall_ms(),
				    &c->written.digest, &b, e);

	if (r < 0)
		return r;
	digest_of(b.data, b.len, ret);
	(void)str_format(name, sizeof(name), "%s.json", ret->hex); /* fits */
	return file_write_at(c->staging.dir, name, b.data, b.len, 0600, FILE_NOSYNC, e);
}

static int write_manifest(struct commit *c, const struct digest *config, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char name[sizeof(config->hex) + sizeof("/layer.tar")];
	struct json_out o;
	int r;

	(void)str_format(name, sizeof(name), "%s.json", config->hex); /* fits */
	json_out_init(&o, &b, false);
	json_out_array(&o, NULL);
	json_out_object(&o, NULL);
	json_out_str(&o, "Config", name);
	json_out_array(&o, "Layers");
	for (size_t i = 0; i < c->q->n_layers; i++) {
		(void)str_format(name, sizeof(name), "%s/layer.tar", c->q->layers[i].hex);
		json_out_str(&o, NULL, name);
	}
	json_out_str(&o, NULL, LAYER_FILE);
	json_out_array_end(&o);
	json_out_object_end(&o);
	json_out_array_end(&o);
	r = strbuf_ok(&b, e);
	return r < 0 ? r
		     : file_write_at(c->staging.dir, "manifest.json", b.data, b.len, 0600,
				     FILE_NOSYNC, e);
}

int commit_end(struct commit *c, struct imported_list *ret, struct err *e)
{
	struct import_request req = c->q->import;
	struct digest config;
	int r = write_config(c, &config, e);

	if (r >= 0)
		r = write_manifest(c, &config, e);
	if (r < 0)
		return r;
	req.archive_fd = c->staging.dir;
	/* As the old image, whatever it is for. */
	req.has_platform =
		c->document.config.platform.os[0] && c->document.config.platform.architecture[0];
	req.platform = c->document.config.platform;
	return store_import(c->store, &req, ret, e);
}
