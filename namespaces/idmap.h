/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Id ranges of instances: inside ids 0..count-1 are host ids first..first+count-1, for uids and
 * gids alike. "auto" leases a range of IDMAP_COUNT ids from a pool (base/lease.h, key = index); a
 * range is never shared (row 60), is kept across restarts and freed with the instance.
 */
#ifndef JAIL_NAMESPACES_IDMAP_H
#define JAIL_NAMESPACES_IDMAP_H

#include <sys/types.h>

#include "base/ident.h"

#define IDMAP_COUNT 65536u

struct id_range {
	uint32_t first; /* host id of inside id 0 */
	uint32_t count; /* 0 = no user namespace: ids are the host's */
};

struct id_pool {
	uint32_t first; /* host id where the pool starts */
	uint32_t ranges; /* how many ranges of IDMAP_COUNT */
};

/*
 * Leases a range for owner, or returns the one it has. pool_dir: the lease directory. -ENOSPC:
 * exhausted. Once for each instance, which keeps the range with its state: finding one that was
 * displaced by a neighbour since removed would need a scan of the pool, so it isn't looked for.
 */
int idmap_lease(int pool_dir, const struct id_pool *pool, const struct jail_name *owner,
		struct id_range *ret, struct err *e);
void idmap_release(int pool_dir, const struct id_pool *pool, const struct jail_name *owner,
		   const struct id_range *range);

/* Writes uid_map and gid_map of the caller's own child `pid` (not yet waited for, so that the
 * number can't be another's) through the private procfs handle, reads them back. setgroups stays
 * allowed: the writer is privileged. A range of count 0: nothing to do. */
int idmap_write(pid_t pid, const struct id_range *range, struct err *e);
/* Host id of an inside id, or (uint32_t)-1. */
uint32_t idmap_to_host(const struct id_range *range, uint32_t inside);

#endif
