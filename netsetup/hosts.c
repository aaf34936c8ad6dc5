/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RUN/hosts: which files there are. All under one lock, a file of its own: instances can open what
 * is mounted in them, and could hold a lock on it for ever.
 *
 *     .lock
 *     H-HASH              the file of one network, or of several
 *     NETWORK/H-HASH      it has that network's entries
 *
 * Each network with an entry has a file of its own, from which the file of a combination is filled
 * when it is made. Marks come before the file and go after it, so what was interrupted is a mark
 * without a file, which means nothing.
 */
#include "netsetup/hosts.h"

#include <fcntl.h>
#include <nettle/sha2.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/str.h"
#include "netsetup/hosts_priv.h"

#define LOCK_NAME ".lock"
#define LOCK_WAIT_MS 30000 /* it is held for microseconds; longer only by a stopped process */
#define FILE_BYTES 16

struct file_name {
	char s[HOSTS_FILE_MAX];
};
_Static_assert(HOSTS_FILE_MAX == sizeof(HOSTS_FILE_PREFIX) + 2 * FILE_BYTES, "it fits");

int hosts_lock(int dir, struct err *e)
{
	int fd = lock_take_at(dir, LOCK_NAME, LOCK_MODE_EXCLUSIVE, LOCK_WAIT_MS, e);

	return fd < 0 ? err_wrap(e, "hosts files") : fd;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const struct jail_name *const *)a)->s,
		      (*(const struct jail_name *const *)b)->s);
}

/* Networks of one combination, each once, in order. */
struct combination {
	const struct jail_name *v[NET_INTERFACES_MAX];
	size_t n;
	struct file_name file;
};

static int combine(const struct jail_name *const *networks, size_t n, struct combination *ret,
		   struct err *e)
{
	uint8_t sum[FILE_BYTES];
	struct sha256_ctx sha;
	size_t kept = 0;

	*ret = (struct combination){ .n = n };
	if (n == 0 || n > ARRAY_SIZE(ret->v))
		return err_set(e, EINVAL, "hosts file: of %zu networks", n);
	for (size_t i = 0; i < n; i++)
		ret->v[i] = networks[i];
	qsort(ret->v, n, sizeof(ret->v) / ARRAY_SIZE(ret->v), compare_names);
	sha256_init(&sha);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && str_eq(ret->v[kept - 1]->s, ret->v[i]->s))
			continue;
		ret->v[kept++] = ret->v[i];
		sha256_update(&sha, strlen(ret->v[i]->s) + 1, (const uint8_t *)ret->v[i]->s);
	}
	ret->n = kept;
	sha256_digest(&sha, sizeof(sum), sum);
	memcpy(ret->file.s, HOSTS_FILE_PREFIX, sizeof(HOSTS_FILE_PREFIX));
	for (size_t i = 0; i < sizeof(sum); i++)
		(void)str_format(ret->file.s + strlen(HOSTS_FILE_PREFIX) + 2 * i, 3, "%02x",
				 sum[i]);
	return 0;
}

static int file_open(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int mark(int dir, const struct jail_name *network, const char *file, struct err *e)
{
	CLEANUP_FD int marks = -EBADF, fd = -EBADF;
	int r = path_make_dir_at(dir, network->s, 0700, e);

	if (r < 0)
		return r;
	marks = path_open_beneath(dir, network->s, O_RDONLY | O_DIRECTORY, 0);
	if (marks < 0)
		return err_ret(e, TAKE_FD(marks), "open hosts/%s", network->s);
	fd = openat(marks, file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(e, "make hosts/%s/%s", network->s, file) : 0;
}

struct copy {
	int to;
	struct err *e;
};

static int copy_record(const struct hosts_record *record, void *arg)
{
	struct copy *c = arg;
	struct jail_name name;
	uint64_t hash;

	return hosts_record_read(record, &hash, &name) ? hosts_file_add(c->to, hash, record, c->e)
						       : 0;
}

/* What a network has by now. */
static int copy_network(int dir, const struct jail_name *network, int to, struct err *e)
{
	struct copy c = { to, e };
	struct combination one;
	CLEANUP_FD int from = -EBADF;

	if (combine(&network, 1, &one, e) < 0)
		return -e->code;
	from = file_open(dir, one.file.s, O_RDONLY);
	if (from < 0)
		return from == -ENOENT ? 0 : err_ret(e, TAKE_FD(from), "open hosts/%s", one.file.s);
	return hosts_file_each(from, copy_record, &c, e);
}

static int make(int dir, const struct combination *c, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct file_name fresh = c->file;

	memcpy(fresh.s, HOSTS_FILE_NEW, strlen(HOSTS_FILE_NEW));
	for (size_t i = 0; i < c->n; i++)
		if (mark(dir, c->v[i], c->file.s, e) < 0)
			return -e->code;
	/* For everybody to read: the ids of instances are others, and RUN lets nobody in. */
	fd = openat(dir, fresh.s, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return err_sys(e, "make hosts/%s", fresh.s);
	if (hosts_file_init(fd, e) < 0)
		return -e->code;
	for (size_t i = 0; c->n > 1 && i < c->n; i++)
		if (copy_network(dir, c->v[i], fd, e) < 0)
			return -e->code;
	return renameat(dir, fresh.s, dir, c->file.s) < 0 ? err_sys(e, "make hosts/%s", c->file.s)
							  : 0;
}

int hosts_open(int dir, const struct jail_name *const *networks, size_t n, struct err *e)
{
	CLEANUP_FD int held = -EBADF;
	struct combination c;
	int fd;

	if (combine(networks, n, &c, e) < 0)
		return -e->code;
	fd = file_open(dir, c.file.s, O_RDONLY);
	if (fd == -ENOENT) {
		held = hosts_lock(dir, e);
		if (held < 0)
			return TAKE_FD(held);
		fd = file_open(dir, c.file.s, O_RDONLY);
		if (fd == -ENOENT && make(dir, &c, e) < 0)
			return -e->code;
		if (fd == -ENOENT)
			fd = file_open(dir, c.file.s, O_RDONLY);
	}
	return fd < 0 ? err_ret(e, fd, "open hosts/%s", c.file.s) : fd;
}

/* Under the lock, in every file that has the network's entries. */
static int set_all(int dir, const struct jail_name *network, const struct hosts_key *key,
		   const struct hosts_record *records, size_t n, struct err *e)
{
	CLEANUP_FD int marks = path_open_beneath(dir, network->s, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP_DIR DIR *d = NULL;

	if (marks == -ENOENT)
		return 0;
	d = marks < 0 ? NULL : dir_take(&marks);
	if (!d)
		return err_ret(e, marks < 0 ? TAKE_FD(marks) : -errno, "open hosts/%s", network->s);
	for (struct dirent *entry; (errno = 0, entry = readdir(d));) {
		CLEANUP_FD int fd = -EBADF;

		if (!str_starts(entry->d_name, HOSTS_FILE_PREFIX))
			continue;
		fd = file_open(dir, entry->d_name, O_RDWR);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return err_ret(e, TAKE_FD(fd), "open hosts/%s", entry->d_name);
		if (hosts_file_set(fd, key, records, n, e) < 0)
			return err_wrap(e, "hosts/%s", entry->d_name);
	}
	return errno ? err_sys(e, "list hosts/%s", network->s) : 0;
}

int hosts_put(int dir, const struct hosts_entry *entry, struct err *e)
{
	struct hosts_key key = hosts_key_of(entry->network, entry->instance);
	struct hosts_record records[HOSTS_RECORDS_MAX];
	size_t n = hosts_format(entry, &key, records);
	CLEANUP_FD int held = hosts_lock(dir, e);
	struct combination one;

	if (held < 0 || combine(&entry->network, 1, &one, e) < 0)
		return -e->code;
	if (faccessat(dir, one.file.s, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && make(dir, &one, e) < 0)
		return -e->code;
	return set_all(dir, entry->network, &key, records, n, e);
}

int hosts_erase(int dir, const struct jail_name *network, const struct jail_name *instance,
		struct err *e)
{
	struct hosts_key key = hosts_key_of(network, instance);
	CLEANUP_FD int held = hosts_lock(dir, e);

	return held < 0 ? TAKE_FD(held) : set_all(dir, network, &key, NULL, 0, e);
}
