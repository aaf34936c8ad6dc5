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
/*
 * Takes any free number in [first, first + count): probes from hash(owner) on, wrapping. An owner
 * that was interrupted gets the same number again, so it has one from each pool. *ret is the
 * number; the key is `format`ted by the callback. Return: 0 or -ENOSPC ("pool exhausted: N of N in
 * use").
 */
typedef void lease_key_fn(uint64_t number, char *ret, size_t n);
int lease_take_any(int pool_dir, uint64_t first, uint64_t count, lease_key_fn *format,
		   const struct jail_name *owner, uint64_t *ret, struct err *e);
/* Calls fn for every lease; stops at the first negative return and passes it on. */
typedef int lease_each_fn(const char *key, const struct jail_name *owner, void *arg);
int lease_each(int pool_dir, lease_each_fn *fn, void *arg, struct err *e);
/* Hands one lease from `from` to `to`, atomically. Return: 0 (also when `to` has it already),
 * -ENOENT, -EPERM when neither has it. To rename an owner the caller does it for each of its keys.
 */
int lease_rename(int pool_dir, const char *key, const struct jail_name *from,
		 const struct jail_name *to);

#endif
