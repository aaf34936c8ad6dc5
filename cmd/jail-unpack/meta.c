/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/jail-unpack/meta.h"

#include <archive.h>
#include <archive_entry.h>

/* (uid_t)-1 means "leave as it is" to chown(2). */
#define META_ID_MAX ((int64_t)UINT32_MAX - 1)

int meta_read(struct archive_entry *entry, struct tree_meta *ret, struct err *e)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	long ns = archive_entry_mtime_nsec(entry);

	if (uid < 0 || uid > META_ID_MAX || gid < 0 || gid > META_ID_MAX)
		return err_set(e, EBADMSG, "its owner %lld:%lld is impossible", (long long)uid,
			       (long long)gid);
	if (ns < 0 || ns > 999999999)
		return err_set(e, EBADMSG, "its time is impossible");
	ret->mode = archive_entry_perm(entry) & 07777;
	ret->uid = (uid_t)uid;
	ret->gid = (gid_t)gid;
	ret->mtime.tv_sec = (time_t)archive_entry_mtime(entry);
	ret->mtime.tv_nsec = ns;
	return 0;
}

int meta_next_piece(struct archive *a, int64_t size, int64_t end, struct meta_piece *ret,
		    struct err *e)
{
	la_int64_t at;
	int r = archive_read_data_block(a, &ret->data, &ret->n, &at);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK)
		return err_set(e, EBADMSG, "%s", archive_error_string(a));
	if (at < end || at > size || (int64_t)ret->n > size - at)
		return err_set(e, EBADMSG, "its sparse map is impossible");
	ret->at = at;
	return 1;
}
