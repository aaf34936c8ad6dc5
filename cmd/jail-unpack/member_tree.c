/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the members of an instance's own files have that those of an image's layer haven't. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/str.h"
#include "cmd/jail-unpack/unpack.h"

int member_shift(const struct unpack *u, struct tree_meta *meta, struct err *e)
{
	if (u->shift.count == 0)
		return 0;
	if (meta->uid >= u->shift.count || meta->gid >= u->shift.count)
		return err_set(e, EPERM, "its owner %u:%u is none that an instance has (0 to %u)",
			       meta->uid, meta->gid, u->shift.count - 1);
	meta->uid = tree_shift_id(&u->shift, meta->uid);
	meta->gid = tree_shift_id(&u->shift, meta->gid);
	return 0;
}

bool member_has_mark(struct archive_entry *entry, const char *name)
{
	const char *found;
	const void *value;
	size_t n;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &found, &value, &n) == ARCHIVE_OK)
		if (str_eq(found, name))
			return n == 1 && memcmp(value, "y", 1) == 0;
	return false;
}
