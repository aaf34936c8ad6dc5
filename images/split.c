/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a split file: records through one zstd stream. A content that is about to be replaced
 * gets a frame of its own, in the middle of the records, where it is known that it will be needed.
 *
 * libzstd and not libarchive's filter of it: the frames are what makes one content readable out of
 * order, and libarchive hides them.
 */
#include "images/split.h"

#include <endian.h>
#include <string.h>
#include <zstd.h>

#include "base/fd.h"
#include "images/split_priv.h"

#define SPLIT_LEVEL 3
#define SPLIT_PIECE ((size_t)128 << 10)

struct split_writer {
	int fd; /* borrowed */
	ZSTD_CCtx *zstd;
	uint64_t total; /* of the stream */
	uint64_t replaced; /* P records */
	uint8_t out[SPLIT_PIECE], in[SPLIT_PIECE];
};

static int split_compress(struct split_writer *w, const void *data, size_t n, ZSTD_EndDirective end,
			  struct err *e)
{
	ZSTD_inBuffer in = { data, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { w->out, sizeof(w->out), 0 };
		int r;

		left = ZSTD_compressStream2(w->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return err_set(e, EIO, "compress: %s", ZSTD_getErrorName(left));
		r = out.pos ? fd_write_all(w->fd, out.dst, out.pos) : 0;
		if (r < 0)
			return err_ret(e, r, "write");
	} while (end == ZSTD_e_continue ? in.pos < in.size : left > 0);
	return 0;
}

/* The start of a record: its type, and the length of what follows, or its value. */
static int split_head(struct split_writer *w, enum split_type type, size_t n, struct err *e)
{
	uint8_t head[5] = { (uint8_t)type };
	uint32_t len = htole32((uint32_t)n);

	memcpy(head + 1, &len, sizeof(len));
	return split_compress(w, head, sizeof(head), ZSTD_e_continue, e);
}

static int split_name(struct split_writer *w, enum split_type type, const char *name, uint64_t size,
		      struct err *e)
{
	uint64_t value = htole64(size);
	size_t n = strlen(name);
	int r;

	if (n == 0 || n > ENTRY_NAME_MAX)
		return err_set(e, EINVAL, "a name of %zu bytes", n);
	r = split_head(w, type, n, e);
	if (r == 0)
		r = split_compress(w, name, n, ZSTD_e_continue, e);
	return r < 0 ? r : split_compress(w, &value, sizeof(value), ZSTD_e_continue, e);
}

int split_begin(int fd, struct split_writer **ret, struct err *e)
{
	CLEANUP_SPLIT struct split_writer *w = calloc(1, sizeof(*w));
	size_t z;
	int r;

	if (!w)
		return err_nomem(e);
	w->fd = fd;
	w->zstd = ZSTD_createCCtx();
	if (!w->zstd)
		return err_nomem(e);
	z = ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, SPLIT_LEVEL);
	/* Damage of this file is to be told from damage of the tree. */
	if (!ZSTD_isError(z))
		z = ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
	if (ZSTD_isError(z))
		return err_set(e, EIO, "compress: %s", ZSTD_getErrorName(z));
	r = split_compress(w, SPLIT_MAGIC, SPLIT_MAGIC_LEN, ZSTD_e_continue, e);
	if (r < 0)
		return err_wrap(e, SPLIT_FILE);
	*ret = TAKE_PTR(w);
	return 0;
}

int split_raw(struct split_writer *w, const void *data, size_t n, struct err *e)
{
	const uint8_t *p = data;

	while (n > 0) {
		size_t part = n < SPLIT_RAW_MAX ? n : SPLIT_RAW_MAX;
		int r = split_head(w, SPLIT_RAW, part, e);

		if (r == 0)
			r = split_compress(w, p, part, ZSTD_e_continue, e);
		if (r < 0)
			return err_wrap(e, SPLIT_FILE);
		w->total += part;
		p += part;
		n -= part;
	}
	return 0;
}

int split_file(struct split_writer *w, const char *name, uint64_t size, struct err *e)
{
	int r = split_name(w, SPLIT_CONTENT, name, size, e);

	if (r < 0)
		return err_wrap(e, SPLIT_FILE);
	w->total += size;
	return 0;
}

int split_check(struct split_writer *w, uint32_t crc, struct err *e)
{
	int r = split_head(w, SPLIT_CHECK, crc, e);

	return r < 0 ? err_wrap(e, SPLIT_FILE) : 0;
}

static int split_copy(struct split_writer *w, int file, uint64_t size, struct err *e)
{
	while (size > 0) {
		ssize_t n = read(file, w->in, size < sizeof(w->in) ? (size_t)size : sizeof(w->in));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read");
		if (n == 0)
			return err_set(e, EIO, "the file became shorter");
		r = split_compress(w, w->in, (size_t)n, ZSTD_e_continue, e);
		if (r < 0)
			return r;
		size -= (uint64_t)n;
	}
	return 0;
}

int split_replaced(struct split_writer *w, const char *name, int file, struct err *e)
{
	struct stat st;
	int r;

	if (w->replaced >= SPLIT_REPLACED_MAX)
		return err_set(e, E2BIG,
			       "limit maxReplaced exceeded: more than %u members are replaced by "
			       "later ones of the same layer",
			       SPLIT_REPLACED_MAX);
	if (fstat(file, &st) < 0)
		return err_sys(e, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s is no regular file", name);
	r = split_compress(w, NULL, 0, ZSTD_e_end, e);
	if (r == 0)
		r = split_name(w, SPLIT_REPLACED, name, (uint64_t)st.st_size, e);
	if (r == 0)
		r = split_copy(w, file, (uint64_t)st.st_size, e);
	/* What follows is not part of it: to read one content is to read no other. */
	if (r == 0)
		r = split_compress(w, NULL, 0, ZSTD_e_end, e);
	if (r < 0)
		return err_wrap(e, SPLIT_FILE ": %s", name);
	w->replaced++;
	return 0;
}

int split_end(struct split_writer *w, struct err *e)
{
	uint8_t record[9] = { SPLIT_END };
	uint64_t total = htole64(w->total);
	int r;

	memcpy(record + 1, &total, sizeof(total));
	r = split_compress(w, record, sizeof(record), ZSTD_e_end, e);
	return r < 0 ? err_wrap(e, SPLIT_FILE) : 0;
}

void split_free(struct split_writer **w)
{
	if (*w) {
		(void)ZSTD_freeCCtx((*w)->zstd);
		free(TAKE_PTR(*w));
	}
}
