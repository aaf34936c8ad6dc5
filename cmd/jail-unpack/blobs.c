/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Archives of images: their members go into one flat directory (images/blobname.h), and the parent
 * makes sense of them.
 */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "cmd/jail-unpack/unpack.h"
#include "images/blobname.h"

/* An image has at most LIMIT_LAYERS layers, and the old `docker save` three files for each. */
#define BLOBS_MEMBERS_MAX 65536u

static const struct tree_meta blobs_meta = { .mode = 0600 };

/* Makes u->name the one component that the member is called in the flat directory. */
static int blobs_flatten(struct unpack *u)
{
	struct blob_name flat;
	int r = blob_name_flat(&u->name, &flat);

	if (r < 0)
		return r;
	u->name.n = 1;
	u->name.at[0] = 0;
	memcpy(u->name.bytes, flat.s, strlen(flat.s) + 1);
	return 0;
}

static int blobs_file(struct unpack *u, struct archive *a, struct archive_entry *entry,
		      struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	int r = member_make(u, entry, &fd, e);

	if (r == 0)
		r = member_content(u, a, fd, archive_entry_size(entry), e);
	if (r < 0)
		return r;
	u->result.files++;
	return tree_set_owner(fd, &blobs_meta, e);
}

/* The parent follows it, and sees nothing but the name of another member. */
int blobs_link(struct unpack *u, const char *target, bool hard, struct err *e)
{
	struct blob_name to;
	int r = blob_name_link(&u->name, target, hard, &to, e);

	if (r < 0)
		return r;
	if (blobs_flatten(u) < 0)
		return 0;
	u->result.symlinks++;
	return tree_make_symlink(&u->tree, &u->name, to.s, &blobs_meta, e);
}

int blobs_member(struct unpack *u, struct archive *a, struct archive_entry *entry, struct err *e)
{
	const char *hard = archive_entry_hardlink(entry);
	const char *soft = archive_entry_symlink(entry);
	int r = member_name(u, archive_entry_pathname(entry), e);

	if (r < 0)
		return r;
	if (u->result.members > BLOBS_MEMBERS_MAX)
		return err_set(e, E2BIG,
			       "limit exceeded: an archive of images with more than %u members",
			       BLOBS_MEMBERS_MAX);
	if (hard)
		return blobs_link(u, hard, true, e);
	if (archive_entry_filetype(entry) == AE_IFLNK && soft)
		return blobs_link(u, soft, false, e);
	/* A name that is too long is one that no manifest of an image has. */
	if (archive_entry_filetype(entry) != AE_IFREG || blobs_flatten(u) < 0)
		return 0;
	return blobs_file(u, a, entry, e);
}
