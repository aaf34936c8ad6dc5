/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of an export, as a tar or as files of a directory. Nothing of the time, the user or the
 * host gets into it.
 *
 * The tar is made here, and not by libarchive: its writer of this format brings all its other
 * formats into a static program, and libxml2 with them. What is needed is one header of ustar with
 * a name of less than 100 bytes, and a pax header for a file of 8 GiB or more.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "images/export_priv.h"

#define TAR_BLOCK 512
#define TAR_USTAR_SIZE_MAX 077777777777ull
#define OUT_BUFFER ((size_t)256 << 10)

struct export_out {
	int fd; /* borrowed */
	bool tar;
	int file; /* of the directory, the one that is being written */
	uint64_t size, left; /* of the member; bytes that are still to come */
	size_t n; /* in the buffer */
	uint8_t buffer[OUT_BUFFER];
};

/* By offset, each a NUL-terminated text. */
static const struct tar_field {
	size_t at;
	const char *text;
} tar_fields[] = {
	{ 108, "0000000" }, /* uid */
	{ 116, "0000000" }, /* gid */
	{ 136, "00000000000" }, /* mtime */
	{ 257, "ustar" },	{ 329, "0000000" }, /* device numbers */
	{ 337, "0000000" },
};
enum {
	TAR_NAME_LEN = 100,
	TAR_MODE = 100,
	TAR_SIZE = 124,
	TAR_SIZE_LEN = 12,
	TAR_CHECKSUM = 148,
	TAR_CHECKSUM_LEN = 8,
	TAR_TYPE = 156,
	TAR_VERSION = 263,
};

int export_out_open(int out, bool is_directory, struct export_out **ret, struct err *e)
{
	struct export_out *o = calloc(1, sizeof(*o));

	if (!o)
		return err_nomem(e);
	o->fd = out;
	o->file = -EBADF;
	o->tar = !is_directory;
	*ret = o;
	return 0;
}

void export_out_free(struct export_out **o)
{
	if (*o) {
		fd_reset(&(*o)->file);
		free(TAKE_PTR(*o));
	}
}

static int out_flush(struct export_out *o, struct err *e)
{
	int r = fd_write_all(o->tar ? o->fd : o->file, o->buffer, o->n);

	o->n = 0;
	return r < 0 ? err_ret(e, r, "write") : 0;
}

static int out_write(struct export_out *o, const void *data, size_t n, struct err *e)
{
	const uint8_t *p = data;

	while (n > 0) {
		size_t part = OUT_BUFFER - o->n < n ? OUT_BUFFER - o->n : n;

		memcpy(o->buffer + o->n, p, part);
		o->n += part;
		p += part;
		n -= part;
		if (o->n == OUT_BUFFER && out_flush(o, e) < 0)
			return -e->code;
	}
	return 0;
}

/* Up to a whole block. */
static int out_pad(struct export_out *o, uint64_t size, struct err *e)
{
	static const uint8_t zeroes[TAR_BLOCK];
	size_t over = (size_t)(size % TAR_BLOCK);

	return over ? out_write(o, zeroes, TAR_BLOCK - over, e) : 0;
}

int export_tar_header(const char *name, char type, uint64_t size, uint8_t h[static TAR_BLOCK],
		      struct err *e)
{
	unsigned sum = 0;
	int r;

	memset(h, 0, TAR_BLOCK);
	r = str_format((char *)h, TAR_NAME_LEN, "%s", name);
	if (r < 0)
		return err_ret(e, r, "member %s", name);
	for (size_t i = 0; i < ARRAY_SIZE(tar_fields); i++)
		memcpy(h + tar_fields[i].at, tar_fields[i].text, strlen(tar_fields[i].text));
	memcpy(h + TAR_MODE, type == '5' ? "0000755" : "0000644", 7);
	/* One that is larger is in the pax header before, which counts. */
	(void)snprintf((char *)h + TAR_SIZE, TAR_SIZE_LEN, "%011llo",
		       (unsigned long long)(size & TAR_USTAR_SIZE_MAX));
	h[TAR_TYPE] = (uint8_t)type;
	memcpy(h + TAR_VERSION, "00", 2);
	memset(h + TAR_CHECKSUM, ' ', TAR_CHECKSUM_LEN);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	(void)snprintf((char *)h + TAR_CHECKSUM, TAR_CHECKSUM_LEN - 1, "%06o", sum & 0777777);
	return 0;
}

static int out_header(struct export_out *o, const char *name, char type, uint64_t size,
		      struct err *e)
{
	uint8_t h[TAR_BLOCK];
	int r = export_tar_header(name, type, size, h, e);

	return r < 0 ? r : out_write(o, h, sizeof(h), e);
}

/* "LENGTH size=SIZE\n", where LENGTH counts itself. */
static int out_pax_size(struct export_out *o, uint64_t size, struct err *e)
{
	char record[64];
	int n = snprintf(record, sizeof(record), "00 size=%llu\n", (unsigned long long)size), r;

	(void)snprintf(record, sizeof(record), "%d size=%llu\n", n, (unsigned long long)size);
	r = out_header(o, "pax", 'x', (uint64_t)n, e);
	if (r == 0)
		r = out_write(o, record, (size_t)n, e);
	return r < 0 ? r : out_pad(o, (uint64_t)n, e);
}

int export_out_dir(struct export_out *o, const char *name, struct err *e)
{
	char slash[TAR_NAME_LEN];
	int r;

	if (!o->tar)
		return mkdirat(o->fd, name, 0755) < 0 ? err_sys(e, "make directory %s", name) : 0;
	r = str_format(slash, sizeof(slash), "%s/", name);
	return r < 0 ? err_ret(e, r, "member %s", name) : out_header(o, slash, '5', 0, e);
}

int export_out_file(struct export_out *o, const char *name, uint64_t size, struct err *e)
{
	int r = 0;

	o->size = o->left = size;
	if (o->tar) {
		if (size > TAR_USTAR_SIZE_MAX)
			r = out_pax_size(o, size, e);
		return r < 0 ? r : out_header(o, name, '0', size, e);
	}
	o->file = path_open_beneath(o->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
	return o->file < 0 ? err_ret(e, TAKE_FD(o->file), "make %s", name) : 0;
}

int export_out_data(struct export_out *o, const void *data, size_t n, struct err *e)
{
	if (n > o->left)
		return err_set(e, EBADMSG, "there is more of it than was announced");
	o->left -= n;
	return out_write(o, data, n, e);
}

int export_out_file_end(struct export_out *o, struct err *e)
{
	if (o->left > 0)
		return err_set(e, EBADMSG, "there is less of it than was announced");
	if (o->tar)
		return out_pad(o, o->size, e);
	if (out_flush(o, e) < 0)
		return -e->code;
	if (fsync(o->file) < 0)
		return err_sys(e, "write to disk");
	fd_reset(&o->file);
	return 0;
}

int export_out_text(struct export_out *o, const char *name, const void *data, size_t n,
		    struct err *e)
{
	int r = export_out_file(o, name, n, e);

	if (r == 0)
		r = export_out_data(o, data, n, e);
	return r < 0 ? r : export_out_file_end(o, e);
}

int export_out_finish(struct export_out *o, struct err *e)
{
	static const uint8_t end[2 * TAR_BLOCK];
	int r;

	if (!o->tar)
		return fsync(o->fd) < 0 ? err_sys(e, "write to disk") : 0;
	r = out_write(o, end, sizeof(end), e);
	return r < 0 ? r : out_flush(o, e);
}
