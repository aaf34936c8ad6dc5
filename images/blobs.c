/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of an archive of images (spooled into a flat directory by jail-unpack), or of a layout in
 * a directory that somebody made. Neither is trusted: a member is a regular file, opened without
 * following a link of the file system, never longer than what it is read for, and what a descriptor
 * names has its size and digest, or is an error (row 51).
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "images/blobname.h"
#include "images/digest.h"
#include "images/import_priv.h"

#define BLOBS_LINKS_MAX 8 /* one after another */

/* In the flat directory a link holds the name of another member, and that is all it may hold. */
static int blobs_open_flat(const struct blobs *b, struct blob_name *name)
{
	for (int i = 0; i < BLOBS_LINKS_MAX; i++) {
		struct blob_name to;
		struct stat st;
		ssize_t n;

		if (fstatat(b->dir, name->s, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		/* Nothing else is opened: the child could make devices, and opening one does
		 * something. It has ended, so nothing changes between the two calls. */
		if (S_ISREG(st.st_mode))
			return path_open_beneath(b->dir, name->s, O_RDONLY | O_NOFOLLOW, 0);
		if (!S_ISLNK(st.st_mode))
			return -EBADMSG;
		n = readlinkat(b->dir, name->s, to.s, sizeof(to.s));
		if (n <= 0 || (size_t)n >= sizeof(to.s) || memchr(to.s, '/', (size_t)n))
			return -ELOOP;
		to.s[n] = '\0';
		*name = to;
	}
	return -ELOOP;
}

static int blobs_open_any(const struct blobs *b, const char *member, struct err *e)
{
	struct blob_name name;
	int r = blob_name_parse(member, &name, e);

	if (r < 0)
		return err_wrap(e, "\"%.300s\"", member);
	r = b->flat ? blobs_open_flat(b, &name)
		    : path_open_beneath(b->dir, member, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	if (r == -ENOENT)
		return err_set(e, ENOENT, "there is no \"%.300s\" in it", member);
	if (r == -EBADMSG)
		return err_set(e, EBADMSG, "\"%.300s\" is not a regular file", member);
	if (r == -ELOOP)
		return err_set(e, ELOOP, "\"%.300s\": symbolic links are not followed", member);
	return r < 0 ? err_ret(e, r, "open \"%.300s\"", member) : r;
}

int blobs_open(const struct blobs *b, const char *member, uint64_t *ret_size, struct err *e)
{
	CLEANUP_FD int fd = blobs_open_any(b, member, e);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat \"%.300s\"", member);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "\"%.300s\" is not a regular file", member);
	*ret_size = (uint64_t)st.st_size;
	return TAKE_FD(fd);
}

bool blobs_have(const struct blobs *b, const char *member)
{
	struct err ignored = ERR_INIT;
	uint64_t size;
	CLEANUP_FD int fd = blobs_open(b, member, &size, &ignored);

	return fd >= 0;
}

void document_free(struct document *d)
{
	free(d->text);
	*d = (struct document){ .text = NULL };
}

int blobs_read(const struct blobs *b, const char *member, struct document *ret, struct err *e)
{
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	CLEANUP_FD int fd = -EBADF;
	uint64_t size = 0;
	int r;

	fd = blobs_open(b, member, &size, e);
	if (fd < 0)
		return fd;
	if (size > MANIFEST_BYTES_MAX)
		return err_set(e, E2BIG,
			       "\"%.300s\" is a document of %llu bytes, at most %u are read",
			       member, (unsigned long long)size, MANIFEST_BYTES_MAX);
	r = fd_read_all(fd, MANIFEST_BYTES_MAX, &doc.text, &doc.n);
	if (r < 0)
		return err_ret(e, r, "read \"%.300s\"", member);
	digest_of(doc.text, doc.n, &doc.digest);
	*ret = doc;
	doc.text = NULL;
	return 0;
}

void blobs_member_name(const struct blobs *b, const struct blob_digest *digest,
		       char ret[static BLOB_MEMBER_MAX])
{
	const char *hex = blob_digest_hex(digest->s);

	(void)str_format(ret, BLOB_MEMBER_MAX, "blobs/%.6s/%s", digest->s, hex); /* fits */
	if (!b->flat && !blobs_have(b, ret) && blobs_have(b, hex))
		(void)str_format(ret, BLOB_MEMBER_MAX, "%s", hex);
}

int blobs_read_descriptor(const struct blobs *b, const struct descriptor *d, const char *by,
			  struct document *ret, struct err *e)
{
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	char member[BLOB_MEMBER_MAX];
	struct blob_digest got;
	int r;

	blobs_member_name(b, &d->digest, member);
	r = blobs_read(b, member, &doc, e);
	if (r < 0)
		return err_wrap(e, "named by %s", by);
	if (doc.n != d->size)
		return err_set(e, EBADMSG, "%s has %zu bytes; %s says %llu", member, doc.n, by,
			       (unsigned long long)d->size);
	blob_digest_of(doc.text, doc.n, &d->digest, &got);
	if (!str_eq(got.s, d->digest.s))
		return err_set(e, EBADMSG, "%s has the digest %s; %s says %s", member, got.s, by,
			       d->digest.s);
	*ret = doc;
	doc.text = NULL;
	return 0;
}
