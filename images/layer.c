/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/layer.h"

#include <fcntl.h>
#include <nettle/sha2.h>
#include <sys/file.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "images/digest.h"
#include "images/import_priv.h"

static int layer_lock(int dir, struct err *e)
{
	int r;

	/* Waits only for a gc that is removing it. */
	do
		r = flock(dir, LOCK_SH);
	while (r < 0 && errno == EINTR);
	return r < 0 ? err_sys(e, "lock it") : 0;
}

int store_layer_open(const struct image_store *s, const struct digest *digest, struct layer *ret,
		     struct err *e)
{
	CLEANUP_LAYER struct layer l = LAYER_INIT;
	int r;

	l.digest = *digest;
	l.how = &s->unpacker;
	l.dir = path_open_beneath(s->layers, digest->hex, O_RDONLY | O_DIRECTORY, 0);
	if (l.dir == -ENOENT) {
		(void)err_set(e, ENOENT, "layer %s is not in the store", digest->hex);
		return err_hint(e, "import the image again, with --replace");
	}
	r = l.dir < 0 ? err_ret(e, l.dir, "open") : layer_lock(l.dir, e);
	if (r < 0)
		return err_wrap(e, "layer %s", digest->hex);
	*ret = l;
	l.dir = -EBADF;
	return 0;
}

void store_layer_close(struct layer *l)
{
	fd_reset(&l->dir);
}

int layer_open_tree(const struct layer *l, struct err *e)
{
	int fd = path_open_beneath(l->dir, "fs", O_RDONLY | O_DIRECTORY, 0);

	return fd < 0 ? err_ret(e, fd, "open its tree") : fd;
}

static int layer_open_split(const struct layer *l, struct err *e)
{
	int fd = path_open_beneath(l->dir, SPLIT_FILE, O_RDONLY | O_NOFOLLOW, 0);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return err_ret(e, fd, "open " SPLIT_FILE);
	(void)err_set(
		e, ENODATA,
		"what its tar stream looked like was not recorded by the version of jail that "
		"imported it");
	return err_hint(e, "remove the images and instances that use it, and import it again");
}

struct layer_hash {
	struct sha256_ctx sha256;
	const struct split_output *out;
};

static int layer_sink(const void *data, size_t n, void *arg, struct err *e)
{
	struct layer_hash *h = arg;

	sha256_update(&h->sha256, n, data);
	return h->out->sink(data, n, h->out->arg, e);
}

static int layer_file(const struct stat *st, void *arg, struct err *e)
{
	struct layer_hash *h = arg;

	return h->out->file ? h->out->file(st, h->out->arg, e) : 0;
}

static int layer_lost(const char *name, const struct err *why, void *arg, struct err *e)
{
	struct layer_hash *h = arg;

	return h->out->lost(name, why, h->out->arg, e);
}

static int layer_changed(const char *name, void *arg, struct err *e)
{
	struct layer_hash *h = arg;

	return h->out->changed ? h->out->changed(name, h->out->arg, e) : 0;
}

int layer_stream(const struct layer *l, const struct split_output *out, struct err *e)
{
	struct layer_hash h = { .out = out };
	const struct split_output hashed = { layer_sink, layer_file, out->lost ? layer_lost : NULL,
					     layer_changed, &h };
	CLEANUP_FD int split = layer_open_split(l, e), tree = -EBADF;
	const struct split_input in = { split_input_child, split, l->how };
	uint8_t sha256[SHA256_DIGEST_SIZE];
	struct digest got;
	int r;

	if (split < 0)
		return split;
	tree = layer_open_tree(l, e);
	if (tree < 0)
		return tree;
	sha256_init(&h.sha256);
	r = split_stream(&in, tree, &hashed, e);
	if (r < 0)
		return r;
	sha256_digest(&h.sha256, sizeof(sha256), sha256);
	digest_from_bytes(sha256, &got);
	if (!str_eq(got.hex, l->digest.hex))
		return err_set(e, EBADMSG, "file contents were changed: its stream has sha256 %s",
			       got.hex);
	return 0;
}

int layer_stream_size(const struct layer *l, uint64_t *ret, struct err *e)
{
	CLEANUP_FD int split = layer_open_split(l, e);
	const struct split_input in = { split_input_child, split, l->how };

	return split < 0 ? split : split_size(&in, ret, e);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int store_each_layer(const struct image_store *s, store_layer_fn *fn, void *arg, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(s->layers);
	CLEANUP_STRV struct strv names = { .v = NULL };
	struct dirent *entry;
	int r = 0;

	if (!d)
		return err_sys(e, "list the layers");
	while ((errno = 0, entry = readdir(d)))
		if (strv_addf(&names, "sha256:%s", entry->d_name) < 0)
			return err_nomem(e);
	if (errno)
		return err_sys(e, "list the layers");
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_text);
	for (size_t i = 0; r >= 0 && i < names.n; i++) {
		struct err not_ours = ERR_INIT;
		struct digest layer;

		if (digest_parse(names.v[i], &layer, &not_ours) == 0)
			r = fn(&layer, arg);
	}
	return r;
}
