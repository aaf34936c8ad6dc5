/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "images/store_priv.h"

/* Under the lock: gc sees the old name or both. */
static int tag_write(struct image_store *s, const struct image_ref *from,
		     const struct image_ref *to, bool replace, struct err *e)
{
	struct store_file file;
	struct image image;
	struct stat st;
	int r = store_get(s, from, &image, e);

	if (r == 0)
		r = store_file_name(to, &file, e);
	if (r < 0)
		return r;
	if (!replace && fstatat(s->images, file.s, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		(void)err_set(e, EEXIST, "image \"%s\": the name is in use", to->s);
		return err_hint(e, "choose another name, or replace it with --replace");
	}
	image.ref = *to;
	return image_file_write(s->images, &image, e);
}

int store_tag(struct image_store *s, const struct image_ref *from, const struct image_ref *to,
	      bool replace, struct err *e)
{
	CLEANUP_FD int lock = store_lock(s, e);

	return lock < 0 ? lock : tag_write(s, from, to, replace, e);
}
