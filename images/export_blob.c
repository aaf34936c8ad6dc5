/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The blob of a layer. Uncompressed its digest and size are known before, and it goes straight out.
 * Compressed it needs to be made first, for its name is its digest: in a file without a name.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <nettle/sha2.h>

#include "base/fd.h"
#include "base/path.h"
#include "images/digest.h"
#include "images/export_priv.h"

#define BLOB_NAME_MAX 96
#define BLOB_PIECE ((size_t)256 << 10)

static int blob_name(const char *prefix, const struct digest *digest, const char *suffix,
		     char ret[static BLOB_NAME_MAX], struct err *e)
{
	int r = str_format(ret, BLOB_NAME_MAX, "%s%s%s", prefix, digest->hex, suffix);

	return r < 0 ? err_ret(e, r, "name of a blob") : 0;
}

static int blob_out(const void *data, size_t n, void *arg, struct err *e)
{
	return export_out_data(arg, data, n, e);
}

static int blob_plain(struct export *x, const struct layer *l, const char *name,
		      struct export_blob *ret, struct err *e)
{
	const struct split_output out = { .sink = blob_out, .arg = x->out };
	int r = layer_stream_size(l, &ret->size, e);

	if (r == 0)
		r = export_out_file(x->out, name, ret->size, e);
	if (r == 0)
		r = layer_stream(l, &out, e);
	ret->digest = l->digest;
	return r < 0 ? r : export_out_file_end(x->out, e);
}

struct blob_maker {
	struct archive *a;
	int fd;
	struct sha256_ctx sha256;
	uint64_t size;
	int failed; /* errno of a write */
};

static la_ssize_t blob_write(struct archive *a, void *arg, const void *data, size_t n)
{
	struct blob_maker *m = arg;
	int r = fd_write_all(m->fd, data, n);

	if (r < 0) {
		archive_set_error(a, -r, "%s", strerror(-r));
		return -1;
	}
	sha256_update(&m->sha256, n, data);
	m->size += n;
	return (la_ssize_t)n;
}

static int blob_error(struct blob_maker *m, struct err *e)
{
	int code = archive_errno(m->a);

	return err_set(e, code > 0 ? code : EIO, "compress: %s", archive_error_string(m->a));
}

static int blob_compress(const void *data, size_t n, void *arg, struct err *e)
{
	struct blob_maker *m = arg;

	return archive_write_data(m->a, data, n) == (la_ssize_t)n ? 0 : blob_error(m, e);
}

static int blob_filter(struct archive *a, enum export_compress compress)
{
	switch (compress) {
	case EXPORT_PLAIN:
		return ARCHIVE_OK;
	case EXPORT_GZIP:
		/* Without the time in its header. */
		if (archive_write_add_filter_gzip(a) != ARCHIVE_OK)
			return ARCHIVE_FATAL;
		return archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	case EXPORT_ZSTD:
		return archive_write_add_filter_zstd(a);
	}
	return ARCHIVE_FATAL;
}

static int blob_begin(struct blob_maker *m, enum export_compress compress, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	bool ok;

	if (!entry)
		return err_nomem(e);
	archive_entry_set_filetype(entry, AE_IFREG);
	ok = archive_write_set_format_raw(m->a) == ARCHIVE_OK &&
	     blob_filter(m->a, compress) == ARCHIVE_OK &&
	     archive_write_set_bytes_in_last_block(m->a, 1) == ARCHIVE_OK &&
	     archive_write_open(m->a, m, NULL, blob_write, NULL) == ARCHIVE_OK &&
	     archive_write_header(m->a, entry) == ARCHIVE_OK;
	archive_entry_free(entry);
	return ok ? 0 : blob_error(m, e);
}

static int blob_make(struct blob_maker *m, const struct layer *l, enum export_compress compress,
		     struct err *e)
{
	const struct split_output out = { .sink = blob_compress, .arg = m };
	int r;

	m->a = archive_write_new();
	if (!m->a)
		return err_nomem(e);
	sha256_init(&m->sha256);
	r = blob_begin(m, compress, e);
	if (r == 0)
		r = layer_stream(l, &out, e);
	if (r == 0 && archive_write_close(m->a) != ARCHIVE_OK)
		r = blob_error(m, e);
	(void)archive_write_free(m->a);
	return r;
}

static int blob_copy(struct export *x, int fd, struct err *e)
{
	CLEANUP_FREE uint8_t *piece = malloc(BLOB_PIECE);
	off_t at = 0;

	if (!piece)
		return err_nomem(e);
	for (;;) {
		ssize_t n = pread(fd, piece, BLOB_PIECE, at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_sys(e, "read") : 0;
		r = export_out_data(x->out, piece, (size_t)n, e);
		if (r < 0)
			return r;
		at += n;
	}
}

static int blob_compressed(struct export *x, const struct layer *l, const char *prefix,
			   const char *suffix, struct export_blob *ret, struct err *e)
{
	CLEANUP_FD int fd = path_open_beneath(x->store->staging, ".", O_RDWR | O_TMPFILE, 0600);
	struct blob_maker m = { .fd = fd };
	uint8_t sha256[SHA256_DIGEST_SIZE];
	char name[BLOB_NAME_MAX];
	int r;

	if (fd < 0)
		return err_ret(e, fd, "make a temporary file in the image store");
	r = blob_make(&m, l, x->req->compress, e);
	if (r < 0)
		return r;
	sha256_digest(&m.sha256, sizeof(sha256), sha256);
	digest_from_bytes(sha256, &ret->digest);
	ret->size = m.size;
	r = blob_name(prefix, &ret->digest, suffix, name, e);
	if (r == 0)
		r = export_out_file(x->out, name, ret->size, e);
	if (r == 0)
		r = blob_copy(x, fd, e);
	return r < 0 ? r : export_out_file_end(x->out, e);
}

int export_layer(struct export *x, const struct digest *layer, const char *prefix,
		 const char *suffix, const struct export_blob **ret, struct err *e)
{
	const struct layer *l = export_held(x, layer);
	struct export_blob blob = { .of = *layer };
	char name[BLOB_NAME_MAX];
	int r;

	*ret = export_find(x, layer);
	if (*ret)
		return 0;
	r = blob_name(prefix, layer, suffix, name, e);
	if (r == 0)
		r = x->req->compress == EXPORT_PLAIN
			    ? blob_plain(x, l, name, &blob, e)
			    : blob_compressed(x, l, prefix, suffix, &blob, e);
	if (r == 0)
		r = export_note(x, &blob, e);
	if (r < 0)
		return err_wrap(e, "layer %s", layer->hex);
	*ret = export_find(x, layer);
	return 0;
}
