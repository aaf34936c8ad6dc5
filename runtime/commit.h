/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image out of what an instance has changed of its own. */
#ifndef JAIL_RUNTIME_COMMIT_H
#define JAIL_RUNTIME_COMMIT_H

#include "images/commit.h"
#include "runtime/jail.h"

struct commit_options {
	const struct jail_name *snapshot; /* NULL: as it is now */
	const char *comment; /* NULL */
	struct import_request import; /* ref, replace, limits, progress */
};
/*
 * One layer more than the instance's image, with owners as inside, and the process of its spec as
 * the image's own. A running one stands still while the layer is written: *ret_frozen_us.
 * -EEXIST; as of instance_snapshot_create().
 */
int instance_commit(struct jail *j, const struct jail_name *name, const struct commit_options *o,
		    struct imported_list *ret, uint64_t *ret_frozen_us, struct err *e);

#endif
