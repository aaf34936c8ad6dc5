/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases as symlinks. symlinkat(2) either makes the name with its owner in it, or fails with
 * EEXIST: that is the whole protocol. A lease is dropped only by who holds the owner's lock (the
 * instance's own command, or gc after it saw that the owner is gone), so "read the owner, then
 * unlink" has no competitor.
 */
#include "base/lease.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/dir.h"
#include "base/str.h"

#define LEASE_KEY_MAX 128
#define LEASE_ATTEMPTS 16
#define LEASE_WINDOW 60u /* with network, gateway and the like: the first 64 of a subnet */
#define LEASE_WINDOW_TRIES 4

/* A key is one path component of printable characters that does not begin with '.': those are
 * temporary names. */
static bool lease_key_ok(const char *key)
{
	size_t n = strnlen(key, LEASE_KEY_MAX + 1);

	if (n == 0 || n > LEASE_KEY_MAX || key[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (key[i] <= 0x20 || key[i] == 0x7f || key[i] == '/')
			return false;
	}
	return true;
}

int lease_holder(int pool_dir, const char *key, struct jail_name *ret)
{
	struct err ignored = ERR_INIT;
	char target[LIMIT_NAME_LEN + 2];
	ssize_t n;

	if (!lease_key_ok(key))
		return -EINVAL;
	n = readlinkat(pool_dir, key, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	return name_parse("lease owner", target, ret, &ignored);
}

/* 0 = `owner` has it now, 1 = had it before, -EEXIST = *ret_holder has it, or -errno. */
static int lease_try(int pool_dir, const char *key, const struct jail_name *owner,
		     struct jail_name *ret_holder)
{
	if (!lease_key_ok(key))
		return -EINVAL;
	for (int i = 0; i < LEASE_ATTEMPTS; i++) {
		int r;

		if (symlinkat(owner->s, pool_dir, key) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		r = lease_holder(pool_dir, key, ret_holder);
		if (r == 0)
			return str_eq(ret_holder->s, owner->s) ? 1 : -EEXIST;
		if (r != -ENOENT) /* dropped since: again */
			return r;
	}
	return -EAGAIN;
}

int lease_take(int pool_dir, const char *key, const struct jail_name *owner,
	       struct jail_name *ret_holder, struct err *e)
{
	struct jail_name holder = { .s = "" };
	int r = lease_try(pool_dir, key, owner, &holder);

	if (r == -EEXIST) {
		if (ret_holder)
			*ret_holder = holder;
		return err_set(e, EEXIST, "%s is in use by %s", key, holder.s);
	}
	return r < 0 ? err_ret(e, r, "lease %s for %s", key, owner->s) : 0;
}

int lease_drop(int pool_dir, const char *key, const struct jail_name *owner)
{
	struct jail_name holder;
	int r = lease_holder(pool_dir, key, &holder);

	if (r < 0)
		return r;
	if (!str_eq(holder.s, owner->s))
		return -EPERM;
	return unlinkat(pool_dir, key, 0) < 0 ? -errno : 0;
}

/* FNV-1a: spreads owners over the pool so that a probe rarely meets another's number. */
static uint64_t lease_hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h ^ h >> 29;
}

/* Number `first` + i of a range. Return: 0 and *ret; -EEXIST it is another's, or foreign; else with
 * *e set. */
static int lease_try_number(int pool_dir, const struct lease_range *range, uint64_t i,
			    const struct jail_name *owner, struct lease_taken *ret, struct err *e)
{
	char key[LEASE_KEY_MAX + 1] = "";
	struct jail_name holder;
	int r;

	if (range->is_foreign && range->is_foreign(range->first + i, range->arg))
		return -EEXIST;
	range->format(range->first + i, range->arg, key, sizeof(key));
	r = lease_try(pool_dir, key, owner, &holder);
	if (r == -EEXIST)
		return r;
	if (r < 0)
		return err_ret(e, r, "lease %s for %s", key, owner->s);
	*ret = (struct lease_taken){ .number = range->first + i, .had = r > 0 };
	return 0;
}

/* A few tries in each window, and the next is twice as wide: as many tries as the logarithm of the
 * leases. Return: as lease_try_number(), or -EEXIST. */
static int lease_take_compact(int pool_dir, const struct lease_range *range,
			      const struct jail_name *owner, struct lease_taken *ret, struct err *e)
{
	uint64_t h = lease_hash(owner->s);

	for (uint64_t window = LEASE_WINDOW; window < range->count; window *= 2)
		for (int i = 0; i < LEASE_WINDOW_TRIES; i++) {
			int r = lease_try_number(pool_dir, range, h % window, owner, ret, e);

			if (r != -EEXIST)
				return r;
			h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
		}
	return -EEXIST;
}

int lease_take_any(int pool_dir, const struct lease_range *range, const struct jail_name *owner,
		   struct lease_taken *ret, struct err *e)
{
	uint64_t start = range->count ? lease_hash(owner->s) % range->count : 0;
	int r = -EEXIST;

	if (range->compact)
		r = lease_take_compact(pool_dir, range, owner, ret, e);
	for (uint64_t i = 0; r == -EEXIST && i < range->count; i++) {
		r = lease_try_number(pool_dir, range, (start + i) % range->count, owner, ret, e);
		ret->met = i;
	}
	if (r != -EEXIST)
		return r;
	return err_set(e, ENOSPC, "pool exhausted: %" PRIu64 " of %" PRIu64 " in use", range->count,
		       range->count);
}

int lease_each(int pool_dir, lease_each_fn *fn, void *arg, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(pool_dir);

	if (!d)
		return err_sys(e, "open pool of leases");
	for (;;) {
		struct jail_name owner;
		struct dirent *ent;
		int r;

		errno = 0;
		ent = readdir(d);
		if (!ent)
			return errno ? err_sys(e, "read pool of leases") : 0;
		/* What is not a lease (a temporary name, one dropped since) is passed over. */
		if (lease_holder(pool_dir, ent->d_name, &owner) < 0)
			continue;
		r = fn(ent->d_name, &owner, arg);
		if (r < 0)
			return err_ret(e, r, "lease %s", ent->d_name);
	}
}

int lease_rename(int pool_dir, const char *key, const struct jail_name *from,
		 const struct jail_name *to)
{
	char tmp[LEASE_KEY_MAX + 8];
	struct jail_name holder;
	int r = lease_holder(pool_dir, key, &holder);

	if (r < 0)
		return r;
	if (str_eq(holder.s, to->s)) /* a rename that was interrupted and is done again */
		return 0;
	if (!str_eq(holder.s, from->s))
		return -EPERM;
	r = str_format(tmp, sizeof(tmp), ".%s.tmp", key);
	if (r < 0)
		return r;
	if (unlinkat(pool_dir, tmp, 0) < 0 && errno != ENOENT)
		return -errno;
	if (symlinkat(to->s, pool_dir, tmp) < 0)
		return -errno;
	if (renameat(pool_dir, tmp, pool_dir, key) < 0) {
		r = -errno;
		(void)unlinkat(pool_dir, tmp, 0);
		return r;
	}
	return 0;
}
