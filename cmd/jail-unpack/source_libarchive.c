/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xz, zstd, lz4 and bzip2 by libarchive's filters: one filter, and the "raw" format on top of it,
 * whose one member is the uncompressed stream. Each of the four checks its own checksums.
 */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "cmd/jail-unpack/source.h"

struct filter {
	const char *name;
	int (*enable)(struct archive *a);
};

static const struct filter filters[] = {
	{ "xz", archive_read_support_filter_xz },
	{ "zstd", archive_read_support_filter_zstd },
	{ "lz4", archive_read_support_filter_lz4 },
	{ "bzip2", archive_read_support_filter_bzip2 },
};

struct filter_input {
	struct source *source;
	struct err err; /* of reading the file */
};

static la_ssize_t filter_read(struct archive *a, void *arg, const void **ret)
{
	struct filter_input *in = arg;
	const uint8_t *data;
	ssize_t n = source_read(in->source, &data, &in->err);

	if (n < 0)
		archive_set_error(a, in->err.code, "%s", in->err.text);
	*ret = data;
	return n;
}

static int filter_error(struct archive *a, const struct filter_input *in, const char *name,
			struct err *e)
{
	const char *why = archive_error_string(a);

	if (in->err.code)
		return err_set(e, in->err.code, "%s", in->err.text);
	return err_set(e, archive_errno(a) == ENOMEM ? ENOMEM : EBADMSG,
		       "the %s data is damaged or was cut short: %s", name, why ? why : "unknown");
}

static int filter_open(struct archive *a, const char *name, struct filter_input *in, struct err *e)
{
	struct archive_entry *entry;
	int (*enable)(struct archive *) = NULL;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (strcmp(filters[i].name, name) == 0)
			enable = filters[i].enable;
	/* ARCHIVE_WARN: "using external program" (row 5). Nothing but "built in" will do. */
	if (!enable || enable(a) != ARCHIVE_OK)
		return err_set(e, ENOTSUP, "this libarchive has no built-in %s decompressor", name);
	if (archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK)
		return err_set(e, ENOTSUP, "this libarchive can't read raw streams");
	if (archive_read_open(a, in, NULL, filter_read, NULL) != ARCHIVE_OK)
		return filter_error(a, in, name, e);
	r = archive_read_next_header(a, &entry);
	if (r == ARCHIVE_EOF)
		return err_set(e, EBADMSG, "the archive is empty");
	if (r != ARCHIVE_OK)
		return filter_error(a, in, name, e);
	/* The filter and the file below it. libarchive peels as many as it finds. */
	if (archive_filter_count(a) != 2)
		return err_set(e, EBADMSG, "the archive is compressed more than once");
	return 0;
}

static int filter_copy(struct archive *a, const char *name, struct filter_input *in, struct err *e)
{
	for (;;) {
		const void *data;
		const uint8_t *p;
		size_t n;
		la_int64_t offset;
		int r = archive_read_data_block(a, &data, &n, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return filter_error(a, in, name, e);
		for (p = data; n > 0;) {
			uint8_t *to;
			size_t room;

			r = source_space(in->source, &to, &room);
			if (r < 0)
				return r;
			if (room > n)
				room = n;
			memcpy(to, p, room);
			r = source_put(in->source, room, e);
			if (r < 0)
				return r;
			p += room;
			n -= room;
		}
	}
}

int source_libarchive(struct source *s, const char *name, struct err *e)
{
	struct filter_input in = { .source = s, .err = ERR_INIT };
	struct archive *a = archive_read_new();
	int r;

	if (!a)
		return err_nomem(e);
	r = filter_open(a, name, &in, e);
	if (r == 0)
		r = filter_copy(a, name, &in, e);
	(void)archive_read_free(a);
	return r;
}
