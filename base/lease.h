/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: who owns number K of a pool (an id range, an address, a published port). One directory
 * per pool, one symlink per lease: name = the key, target = the owner. symlink(2) is atomic and
 * carries its owner, so there is no lock, no file to rewrite and nothing half-written; taking one
 * costs the same whatever the number of leases (promise 5: probing starts at a hash of the owner).
 * A lease of an owner that no longer exists is stale and `gc` removes it.
 */
#ifndef JAIL_BASE_LEASE_H
#define JAIL_BASE_LEASE_H

#include "base/ident.h"

/* Takes `key` for `owner`. Return: 0; -EEXIST when another owner has it (its name in *ret_holder if
 * not NULL); 0 again when the same owner has it already. */
int lease_take(int pool_dir, const char *key, const struct jail_name *owner,
	       struct jail_name *ret_holder, struct err *e);
/* Return: 0 and *ret, or -ENOENT. */
int lease_holder(int pool_dir, const char *key, struct jail_name *ret);
/* Removes `key` if `owner` has it; -ENOENT/-EPERM otherwise (not an error to callers that clean
 * up). */
int lease_drop(int pool_dir, const char *key, const struct jail_name *owner);
/* Numbers [first, first + count); the key of one is `format`ted by the callback. */
typedef void lease_key_fn(uint64_t number, const void *arg, char *ret, size_t n);
struct lease_range {
	uint64_t first, count;
	lease_key_fn *format;
	/* Numbers that somebody uses who knows of no lease; NULL: none. */
	bool (*is_foreign)(uint64_t number, const void *arg);
	const void *arg;
	bool compact; /* low numbers first: a range of N leases has them among its first 2 N or so
		       */
};
struct lease_taken {
	uint64_t number;
	uint64_t
		met; /* numbers of others that were met in the whole range: many when it fills up */
	bool had; /* the owner had it already */
};
/*
 * Takes any free number of a range: probes from hash(owner) on, wrapping; compact: a few numbers of
 * the first 60 before, of the first 120, and so on. An owner that was interrupted gets the same
 * number again, so it has one from each range. Return: 0 or -ENOSPC ("pool exhausted: N of N in
 * use").
 */
int lease_take_any(int pool_dir, const struct lease_range *range, const struct jail_name *owner,
		   struct lease_taken *ret, struct err *e);
/* Calls fn for every lease; stops at the first negative return and passes it on. */
typedef int lease_each_fn(const char *key, const struct jail_name *owner, void *arg);
int lease_each(int pool_dir, lease_each_fn *fn, void *arg, struct err *e);
/* Hands one lease from `from` to `to`, atomically. Return: 0 (also when `to` has it already),
 * -ENOENT, -EPERM when neither has it. To rename an owner the caller does it for each of its keys.
 */
int lease_rename(int pool_dir, const char *key, const struct jail_name *from,
		 const struct jail_name *to);

#endif
