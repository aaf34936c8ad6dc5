/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a split file, twice: first all of it, for its sizes and for where the contents are that
 * were replaced; then in order, to make the stream. What the second pass reads was checked by the
 * first, and is checked again: nothing stands between the two but a file.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "base/path.h"
#include "base/str.h"
#include "images/split_priv.h"

#define READ_PIECE ((size_t)256 << 10)
#define READ_TOTAL_MAX (1ull << 62)

struct split_old {
	char *name; /* owned */
	uint64_t before; /* F records that stand before it */
	uint64_t frame; /* its offset in the file */
};

struct split_read {
	const struct split_input *in;
	int tree; /* borrowed */
	const struct split_output *out;
	struct split_source
		*old_source; /* owned; opened when there is a content that was replaced */
	struct split_old *old; /* owned; by name and place once the first pass is over */
	size_t n_old, room_old;
	uint64_t contents; /* F records so far */
	uint64_t total; /* of the stream so far */
	bool has_crc; /* the content that was given last came from the tree */
	uint32_t crc;
	char crc_name[ENTRY_NAME_MAX + 1];
	struct split_record record;
	uint8_t piece[READ_PIECE];
};

static void read_free(struct split_read **r)
{
	if (!*r)
		return;
	for (size_t i = 0; i < (*r)->n_old; i++)
		free((*r)->old[i].name);
	free((*r)->old);
	split_source_free(&(*r)->old_source);
	free(TAKE_PTR(*r));
}

static int read_new(const struct split_input *in, struct split_read **ret, struct err *e)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return err_nomem(e);
	(*ret)->in = in;
	(*ret)->tree = -EBADF;
	return 0;
}

/* Passes n bytes of the source on, or over when there is nobody to give them to. */
static int read_bytes(struct split_read *r, struct split_source *s, uint64_t n, bool give,
		      struct err *e)
{
	while (n > 0) {
		size_t part = n < READ_PIECE ? (size_t)n : READ_PIECE;
		int status = split_source_read(s, r->piece, part, e);

		if (status == 0 && give)
			status = r->out->sink(r->piece, part, r->out->arg, e);
		if (status < 0)
			return status;
		n -= part;
	}
	return 0;
}

static int read_count(struct split_read *r, uint64_t n, struct err *e)
{
	if (n > READ_TOTAL_MAX - r->total)
		return err_set(e, EBADMSG, "its sizes are impossible");
	r->total += n;
	return 0;
}

static int read_note_old(struct split_read *r, uint64_t frame, struct err *e)
{
	struct split_old *old;

	if (r->n_old >= SPLIT_REPLACED_MAX)
		return err_set(e, EBADMSG, "more than %u replaced files", SPLIT_REPLACED_MAX);
	if (r->n_old == r->room_old) {
		size_t room = r->room_old ? 2 * r->room_old : 64;
		struct split_old *grown = reallocarray(r->old, room, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		r->old = grown;
		r->room_old = room;
	}
	old = &r->old[r->n_old];
	*old = (struct split_old){ strdup(r->record.name), r->contents, frame };
	if (!old->name)
		return err_nomem(e);
	r->n_old++;
	return 0;
}

static int read_compare(const void *a, const void *b)
{
	const struct split_old *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);

	return by_name ? by_name : (x->before > y->before) - (x->before < y->before);
}

/* One record of the first pass. Return: 1 it was the last. */
static int read_survey_one(struct split_read *r, struct split_source *s, struct err *e)
{
	uint64_t frame = 0;
	int first = split_source_at_frame(s, &frame, e);
	int status = first < 0 ? first : split_record_read(s, &r->record, e);

	if (status < 0)
		return status;
	switch (r->record.type) {
	case SPLIT_RAW:
		status = read_count(r, r->record.len, e);
		return status < 0 ? status : read_bytes(r, s, r->record.len, false, e);
	case SPLIT_CONTENT:
		r->contents++;
		return read_count(r, r->record.size, e);
	case SPLIT_CHECK:
		return 0;
	case SPLIT_REPLACED:
		if (!first)
			return err_set(e, EBADMSG, "a replaced file without a frame");
		status = read_note_old(r, frame, e);
		return status < 0 ? status : read_bytes(r, s, r->record.size, false, e);
	case SPLIT_END:
		if (r->record.size != r->total)
			return err_set(e, EBADMSG, "its parts make another size than it says");
		status = split_source_end(s, e);
		return status < 0 ? status : 1;
	}
	return -EINVAL;
}

static int read_survey(struct split_read *r, struct split_source *s, struct err *e)
{
	int status = split_magic_read(s, e);

	while (status == 0)
		status = read_survey_one(r, s, e);
	if (status < 0)
		return err_wrap(e, SPLIT_FILE);
	if (r->n_old)
		qsort(r->old, r->n_old, sizeof(*r->old), read_compare);
	r->contents = r->total = 0;
	return 0;
}

/* What became of the content that is being read: the first P of its name behind it, or NULL. */
static const struct split_old *read_find_old(const struct split_read *r)
{
	size_t low = 0, high = r->n_old;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int by_name = strcmp(r->old[middle].name, r->record.name);

		if (by_name < 0 || (by_name == 0 && r->old[middle].before < r->contents))
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n_old && strcmp(r->old[low].name, r->record.name) == 0 ? &r->old[low]
									       : NULL;
}

static int read_old(struct split_read *r, const struct split_old *old, struct err *e)
{
	uint64_t size = r->record.size;
	int status = r->old_source ? 0 : split_source_open(r->in, &r->old_source, e);

	if (status < 0)
		return status;
	split_source_seek(r->old_source, old->frame);
	status = split_record_read(r->old_source, &r->record, e);
	if (status < 0)
		return err_wrap(e, SPLIT_FILE);
	if (r->record.type != SPLIT_REPLACED || !str_eq(r->record.name, old->name) ||
	    r->record.size != size)
		return err_set(e, EBADMSG, SPLIT_FILE ": the replaced file %s has another size",
			       old->name);
	return read_bytes(r, r->old_source, size, true, e);
}

/* A name may be longer than what one system call takes: then in two steps. */
static int read_open(int tree, char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	CLEANUP_FD int half = -EBADF;
	char *slash;

	if (strlen(name) < PATH_MAX)
		return path_open_beneath(tree, name, flags, 0);
	slash = strchr(name + ENTRY_NAME_MAX / 2, '/');
	if (!slash)
		return -ENAMETOOLONG;
	*slash = '\0';
	half = path_open_beneath(tree, name, O_PATH | O_DIRECTORY, 0);
	*slash = '/';
	return half < 0 ? half : path_open_beneath(half, slash + 1, flags, 0);
}

static int read_check_file(const struct split_read *r, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "it is no regular file any more");
	if ((uint64_t)st.st_size != r->record.size)
		return err_set(e, EBADMSG, "it has %llu bytes, in the layer it had %llu",
			       (unsigned long long)st.st_size, (unsigned long long)r->record.size);
	return r->out->file ? r->out->file(&st, r->out->arg, e) : 0;
}

/* *left: bytes that were not given yet. */
static int read_file(struct split_read *r, uint64_t *left, struct err *e)
{
	CLEANUP_FD int fd = read_open(r->tree, r->record.name);
	int status;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ENXIO)
		return err_set(e, EBADMSG, "it is not there any more");
	if (fd < 0)
		return err_ret(e, fd, "open");
	status = read_check_file(r, fd, e);
	while (status == 0 && *left > 0) {
		ssize_t n = read(fd, r->piece, *left < READ_PIECE ? (size_t)*left : READ_PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read");
		if (n == 0)
			return err_set(e, EBADMSG, "it became shorter meanwhile");
		*left -= (uint64_t)n;
		r->crc = (uint32_t)crc32_z(r->crc, r->piece, (size_t)n);
		status = r->out->sink(r->piece, (size_t)n, r->out->arg, e);
	}
	return status;
}

static int read_lost(struct split_read *r, uint64_t left, const struct err *why, struct err *e)
{
	int status = r->out->lost(r->record.name, why, r->out->arg, e);

	memset(r->piece, 0, sizeof(r->piece));
	while (status == 0 && left > 0) {
		size_t n = left < READ_PIECE ? (size_t)left : READ_PIECE;

		left -= n;
		status = r->out->sink(r->piece, n, r->out->arg, e);
	}
	return status;
}

static int read_content(struct split_read *r, struct err *e)
{
	const struct split_old *old;
	struct err why = ERR_INIT;
	uint64_t left = r->record.size;
	int status;

	r->contents++;
	r->has_crc = false;
	old = read_find_old(r);
	if (old)
		return read_old(r, old, e);
	r->crc = (uint32_t)crc32_z(0, NULL, 0);
	status = read_file(r, &left, &why);
	if (status == 0) {
		r->has_crc = true;
		memcpy(r->crc_name, r->record.name, sizeof(r->crc_name));
	}
	if (status == -EBADMSG && r->out->lost)
		return read_lost(r, left, &why, e);
	if (status < 0)
		*e = why;
	return status == -EBADMSG ? err_wrap(e, "file %s", r->record.name) : status;
}

static int read_check(struct split_read *r, struct err *e)
{
	bool changed = r->has_crc && r->crc != r->record.crc;

	r->has_crc = false;
	return changed && r->out->changed ? r->out->changed(r->crc_name, r->out->arg, e) : 0;
}

/* One record of the second pass. Return: 1 it was the last. */
static int read_stream_one(struct split_read *r, struct split_source *s, struct err *e)
{
	int status = split_record_read(s, &r->record, e);

	if (status < 0)
		return err_wrap(e, SPLIT_FILE);
	switch (r->record.type) {
	case SPLIT_RAW:
		return read_bytes(r, s, r->record.len, true, e);
	case SPLIT_CONTENT:
		return read_content(r, e);
	case SPLIT_CHECK:
		return read_check(r, e);
	case SPLIT_REPLACED:
		return read_bytes(r, s, r->record.size, false, e);
	case SPLIT_END:
		return 1;
	}
	return -EINVAL;
}

int split_stream(const struct split_input *in, int tree, const struct split_output *out,
		 struct err *e)
{
	CLEANUP(read_free) struct split_read *r = NULL;
	CLEANUP_SPLIT_SOURCE struct split_source *s = NULL;
	int status = read_new(in, &r, e);

	if (status < 0)
		return status;
	r->tree = tree;
	r->out = out;
	status = split_source_open(in, &s, e);
	if (status == 0)
		status = read_survey(r, s, e);
	if (status < 0)
		return status;
	split_source_seek(s, 0);
	status = split_magic_read(s, e);
	if (status < 0)
		return err_wrap(e, SPLIT_FILE);
	while (status == 0)
		status = read_stream_one(r, s, e);
	return status < 0 ? status : 0;
}

int split_size(const struct split_input *in, uint64_t *ret, struct err *e)
{
	CLEANUP(read_free) struct split_read *r = NULL;
	CLEANUP_SPLIT_SOURCE struct split_source *s = NULL;
	int status = read_new(in, &r, e);

	if (status == 0)
		status = split_source_open(in, &s, e);
	if (status == 0)
		status = read_survey(r, s, e);
	if (status == 0)
		*ret = r->record.size;
	return status;
}
