/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/verify.h"

#include "base/fd.h"
#include "base/path.h"
#include "images/compare.h"
#include "images/import_priv.h"
#include "images/layer.h"

#define VERIFY_HOLLOW "hollow"
#define VERIFY_WHOLE "whole"

struct verify {
	struct unpack_feed feed; /* the stream goes in here */
	int tree; /* where it is unpacked; borrowed */
	bool hollow; /* without the contents that the digest proves */
	struct compare *c; /* borrowed */
	uint64_t bytes;
	/* Why the stream is another one is known: a content isn't there, and zeroes stand for it,
	 * or was changed. */
	bool explained;
	/* Files whose content went into the stream, and with it into its digest. */
	ino_t *proven; /* owned */
	size_t n_proven, room_proven;
};

void verify_result_free(struct verify_result *v)
{
	strv_free(&v->problems);
}

static void verify_free(struct verify *v)
{
	unpack_feed_free(&v->feed);
	free(v->proven);
}

/* ---- the child ---- */

static int verify_start(struct verify *v, const struct unpacker *how, struct err *e)
{
	/* The stream passed the limits when it was imported, or is damaged and as long as it was.
	 */
	const struct unpack_request request = {
		.magic = UNPACK_MAGIC,
		.mode = UNPACK_LAYER,
		.flags = v->hollow ? UNPACK_HOLLOW : 0,
		.max_bytes = INT64_MAX,
		.max_members = UINT64_MAX,
		.max_name = ENTRY_NAME_MAX,
		.max_ratio = UINT64_MAX,
	};
	const struct unpack_fds fds = { .tree = v->tree, .split = -EBADF };

	return unpack_feed_start(&v->feed, how, &request, &fds, e);
}

/* One that has ended before its input did has all that it wants. */
static int verify_sink(const void *data, size_t n, void *arg, struct err *e)
{
	struct verify *v = arg;
	int r;

	v->bytes += n;
	r = unpack_feed_write(&v->feed, data, n, e);
	return r < 0 ? r : 0;
}

/* ---- which contents are in the digest ---- */

static int verify_file(const struct stat *st, void *arg, struct err *e)
{
	struct verify *v = arg;

	if (v->n_proven == v->room_proven) {
		size_t room = v->room_proven ? 2 * v->room_proven : 1024;
		ino_t *grown = reallocarray(v->proven, room, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		v->proven = grown;
		v->room_proven = room;
	}
	v->proven[v->n_proven++] = st->st_ino;
	return 0;
}

/* That file is missing or has another size: the comparison will say so. */
static int verify_lost(const char *name, const struct err *why, void *arg, struct err *e)
{
	struct verify *v = arg;

	(void)name;
	(void)why;
	(void)e;
	v->explained = true;
	return 0;
}

static int verify_changed(const char *name, void *arg, struct err *e)
{
	struct verify *v = arg;

	v->explained = true;
	return compare_problem(v->c, name, "its content was changed") < 0 ? err_nomem(e) : 0;
}

static int verify_compare_inodes(const void *a, const void *b)
{
	ino_t x = *(const ino_t *)a, y = *(const ino_t *)b;

	return (x > y) - (x < y);
}

static bool verify_is_proven(const struct stat *st, void *arg)
{
	const struct verify *v = arg;

	return v->n_proven > 0 && bsearch(&st->st_ino, v->proven, v->n_proven, sizeof(*v->proven),
					  verify_compare_inodes) != NULL;
}

/* ---- ---- */

/* Return: 0 its digest is right; 1 it isn't, *e says so; negative. */
static int verify_stream(struct verify *v, const struct layer *l, struct err *e)
{
	const struct split_output out = { verify_sink, verify_file, verify_lost, verify_changed,
					  v };
	struct err why = ERR_INIT;
	uint64_t size = 0;
	int r = layer_stream_size(l, &size, e);
	int status;

	if (r < 0)
		return r;
	status = layer_stream(l, &out, &why);
	/* Whole, and another: what the headers say can still be looked at. */
	if (status < 0 && (status != -EBADMSG || v->bytes != size)) {
		*e = why;
		return status;
	}
	r = unpack_feed_end(&v->feed, e);
	if (r == 0 && status < 0) {
		*e = why;
		return 1;
	}
	return r;
}

static int verify_trees(struct verify *v, const struct layer *l, struct compare *c, struct err *e)
{
	CLEANUP_FD int tree = layer_open_tree(l, e);
	int r = tree < 0 ? tree : opaque_apply(&v->feed.opaque, v->tree, e);

	if (r < 0)
		return r;
	if (v->n_proven > 0)
		qsort(v->proven, v->n_proven, sizeof(*v->proven), verify_compare_inodes);
	c->is_proven = verify_is_proven;
	c->arg = v;
	return compare_trees(c, v->tree, tree, e);
}

static int verify_into(struct verify *v, const struct layer *l, const struct unpacker *how,
		       struct compare *c, struct err *e)
{
	struct err why = ERR_INIT;
	int r = verify_start(v, how, e), status;

	if (r < 0)
		return r;
	status = verify_stream(v, l, &why);
	if (status < 0 && status != -EBADMSG) {
		*e = why;
		return status;
	}
	/* The split file itself is damaged, or the stream is no tar any more. */
	if (status < 0)
		return compare_problem(c, NULL, "%s", why.text) < 0 ? err_nomem(e) : 0;
	r = verify_trees(v, l, c, e);
	if (r == 0 && status > 0 && !v->explained && compare_problem(c, NULL, "%s", why.text) < 0)
		r = err_nomem(e);
	return r;
}

/* name: of the directory in the staging directory that it is unpacked into. */
static int verify_once(struct staging *st, const char *name, const struct layer *l,
		       const struct unpacker *how, struct compare *c, uint64_t *ret_bytes,
		       struct err *e)
{
	CLEANUP_FD int tree = path_make_dir_at(st->dir, name, 0755, e);
	CLEANUP(verify_free)
	struct verify v = { .feed = UNPACK_FEED_INIT,
			    .tree = tree,
			    .c = c,
			    .hollow = str_eq(name, VERIFY_HOLLOW) };
	int r = tree < 0 ? tree : verify_into(&v, l, how, c, e);

	*ret_bytes = v.bytes;
	return r;
}

static int verify_staged(struct staging *st, const struct layer *l, const struct unpacker *how,
			 struct verify_result *ret, struct err *e)
{
	CLEANUP_COMPARE struct compare c = { .n_problems = 0 };
	int r = verify_once(st, VERIFY_HOLLOW, l, how, &c, &ret->stream_bytes, e);

	/* What was replaced later may live on under the name of a hard link: then its content is
	 * neither in the digest nor in the hollow tree. */
	if (r == 0 && c.contents) {
		compare_free(&c);
		c = (struct compare){ .n_problems = 0 };
		r = verify_once(st, VERIFY_WHOLE, l, how, &c, &ret->stream_bytes, e);
	}
	if (r < 0)
		return r;
	ret->problems = c.problems;
	c.problems = (struct strv){ .v = NULL };
	ret->n_problems = c.n_problems;
	return 0;
}

int store_verify_layer(const struct image_store *s, const struct digest *layer,
		       struct verify_result *ret, struct err *e)
{
	CLEANUP_LAYER struct layer l = LAYER_INIT;
	struct staging st = STAGING_INIT;
	struct err ignored = ERR_INIT;
	int r = store_layer_open(s, layer, &l, e);

	if (r == 0)
		r = staging_make(s, &st, e);
	if (r == 0)
		r = verify_staged(&st, &l, &s->unpacker, ret, e);
	/* What can't be removed now is gc's. */
	if (staging_remove(s, &st, &ignored) < 0)
		warn("%s", ignored.text);
	return r < 0 ? err_wrap(e, "layer %s", layer->hex) : 0;
}
