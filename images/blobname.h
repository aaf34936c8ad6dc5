/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the members of an archive of images (`docker save`, an OCI layout in a tar), as pure
 * functions. The members are put into one flat directory: "blobs/sha256/HEX" becomes the file
 * "blobs%2fsha256%2fHEX", so that whoever opens one has a file name and no path (rows 33, 43).
 */
#ifndef JAIL_IMAGES_BLOBNAME_H
#define JAIL_IMAGES_BLOBNAME_H

#include <limits.h>

#include "images/entry.h"

struct blob_name {
	char s[NAME_MAX + 1]; /* a file name: no '/', not "." or ".." */
};

/* '/' as "%2f", '%' as "%25". Return: 0; -ENAMETOOLONG; -EINVAL for the root. */
int blob_name_flat(const struct entry_name *member, struct blob_name *ret);
/* The same of a name as a manifest writes it ("./HEX.tar" is "HEX.tar"). -EINVAL, as
 * entry_name_parse(), with the reason. */
int blob_name_parse(const char *text, struct blob_name *ret, struct err *e);

/*
 * What a link of the archive means: `target` is relative to the member's directory for a symbolic
 * link, to the archive for a hard one. Return: 0; -EPERM it leads out of the archive, or to nothing
 * that a member could be.
 */
int blob_name_link(const struct entry_name *member, const char *target, bool hard,
		   struct blob_name *ret, struct err *e);

enum blob_hint {
	BLOB_HINT_NONE, /* an archive of images has no such member */
	BLOB_HINT_DIRECTORY, /* either may have this directory: the next member tells */
	BLOB_HINT_ARCHIVE, /* an archive of images may have this file; so may others */
};
/* What a member's name says about the archive. */
enum blob_hint blob_name_hint(const struct entry_name *member, bool is_dir);
/* One of the documents at the top that say which images there are, if it holds what it should. */
bool blob_name_is_document(const struct entry_name *member);

#endif
