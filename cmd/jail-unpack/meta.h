/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owner, mode and time of a member, judged. */
#ifndef JAIL_UNPACK_META_H
#define JAIL_UNPACK_META_H

#include "cmd/jail-unpack/tree.h"

struct archive_entry;

/* -EBADMSG: no file can have these. */
int meta_read(struct archive_entry *entry, struct tree_meta *ret, struct err *e);

#endif
