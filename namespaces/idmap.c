/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges of ids. A range is one key in a directory of leases, so that two instances can't have the
 * same (row 60); probing starts at a hash of the owner, so that taking one costs the same whatever
 * the number of instances.
 *
 * The map of a user namespace can be written once. It is read back: a map that isn't what was asked
 * for would show up much later, as files of somebody else.
 */
#include "namespaces/idmap.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/lease.h"
#include "base/str.h"
#include "namespaces/procfd.h"

/* The last id, (uint32_t)-1, means "no id" to the kernel, and ids below a full range would overlap
 * the host's own users. */
static int idmap_check_pool(const struct id_pool *pool, struct err *e)
{
	uint64_t end = pool->first + (uint64_t)pool->ranges * IDMAP_COUNT;

	if (pool->first < IDMAP_COUNT || pool->ranges == 0 || end > UINT32_MAX)
		return err_set(e, EINVAL,
			       "ids: %" PRIu32 " ranges from %" PRIu32
			       " on: expected at least one range between %u and %" PRIu32,
			       pool->ranges, pool->first, IDMAP_COUNT, UINT32_MAX - 1);
	return 0;
}

static void idmap_key(uint64_t number, const void *arg, char *ret, size_t n)
{
	(void)arg;
	(void)str_format(ret, n, "%" PRIu64, number);
}

int idmap_lease(int pool_dir, const struct id_pool *pool, const struct jail_name *owner,
		struct id_range *ret, struct err *e)
{
	struct lease_range indices = { .count = pool->ranges, .format = idmap_key };
	struct lease_taken taken;
	int r = idmap_check_pool(pool, e);

	if (r < 0)
		return r;
	r = lease_take_any(pool_dir, &indices, owner, &taken, e);
	if (r < 0) {
		(void)err_wrap(e, "id range for %s", owner->s);
		return r == -ENOSPC ? err_hint(e, "remove unused instances, run jail gc, or raise "
						  "ids.ranges in the configuration")
				    : r;
	}
	*ret = (struct id_range){ .first = pool->first + (uint32_t)taken.number * IDMAP_COUNT,
				  .count = IDMAP_COUNT };
	return 0;
}

void idmap_release(int pool_dir, const struct id_pool *pool, const struct jail_name *owner,
		   const struct id_range *range)
{
	char key[32];

	if (range->count == 0 || range->first < pool->first ||
	    (range->first - pool->first) % IDMAP_COUNT)
		return;
	idmap_key((range->first - pool->first) / IDMAP_COUNT, NULL, key, sizeof(key));
	(void)lease_drop(pool_dir, key, owner); /* not ours, or gone: nothing to give back */
}

static int idmap_write_one(pid_t pid, const char *file, const struct id_range *range, struct err *e)
{
	char path[64], text[64], want[64], got[128];
	CLEANUP_FD int fd = -EBADF;
	int len, want_len;
	ssize_t n;

	if (str_format(path, sizeof(path), "%d/%s", (int)pid, file) < 0)
		return err_set(e, EINVAL, "pid %d", (int)pid);
	len = str_format(text, sizeof(text), "0 %" PRIu32 " %" PRIu32 "\n", range->first,
			 range->count);
	/* As the kernel prints it: m_show() in kernel/user_namespace.c. */
	want_len = str_format(want, sizeof(want), "%10u %10" PRIu32 " %10" PRIu32 "\n", 0u,
			      range->first, range->count);
	fd = procfd_open(path, O_RDWR);
	if (fd < 0)
		return err_ret(e, fd, "open /proc/%s", path);
	if (write(fd, text, (size_t)len) != len)
		return err_sys(e, "write \"0 %" PRIu32 " %" PRIu32 "\" to /proc/%s", range->first,
			       range->count, path);
	n = pread(fd, got, sizeof(got), 0);
	if (n < 0)
		return err_sys(e, "read back /proc/%s", path);
	if (n != want_len || memcmp(got, want, (size_t)n) != 0)
		return err_set(e, EIO, "/proc/%s does not read back as written", path);
	return 0;
}

int idmap_write(pid_t pid, const struct id_range *range, struct err *e)
{
	int r;

	if (range->count == 0)
		return 0;
	r = idmap_write_one(pid, "uid_map", range, e);
	return r < 0 ? r : idmap_write_one(pid, "gid_map", range, e);
}

uint32_t idmap_to_host(const struct id_range *range, uint32_t inside)
{
	if (range->count == 0)
		return inside;
	return inside < range->count ? range->first + inside : (uint32_t)-1;
}
