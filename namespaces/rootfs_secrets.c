/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Secrets for the instance: the tmpfs behind ROOTFS_SECRETS_DIR.
 *
 * The parent makes it, so that its superblock belongs to the initial user namespace: once sealed,
 * nothing inside can write to it, grow it or make it writable again, and it may be kept out of swap
 * (Linux 6.4, initial user namespace only). Its files belong to the instance's root.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "namespaces/rootfs_priv.h"

#define SECRETS_PAGE 4096u

static int secrets_mount(const struct rootfs_spec *spec, struct err *e)
{
	uint64_t bytes = SECRETS_PAGE;
	char size[32], inodes[32];
	struct mount_param params[] = {
		{ "source", "credentials" }, { "mode", "0500" }, { "size", size },
		{ "nr_inodes", inodes },     { "noswap", NULL },
	};
	struct err first = ERR_INIT;
	int fd;

	for (size_t i = 0; i < spec->n_secrets; i++)
		bytes += (spec->secrets[i].len / SECRETS_PAGE + 1) * SECRETS_PAGE;
	if (str_format(size, sizeof(size), "%" PRIu64, bytes) < 0 ||
	    str_format(inodes, sizeof(inodes), "%zu", spec->n_secrets + 2) < 0)
		return err_set(e, EINVAL, "size");
	fd = mountfd_new("tmpfs", params, ARRAY_SIZE(params),
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &first);
	if (fd >= 0)
		return fd;
	return mountfd_new("tmpfs", params, ARRAY_SIZE(params) - 1,
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
}

static int secrets_file(int dir, const struct rootfs_secret *s, uid_t uid, struct err *e)
{
	CLEANUP_FD int fd =
		openat(dir, s->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	int r;

	if (fd < 0)
		return err_sys(e, "make %s", s->name);
	r = fd_write_all(fd, s->data, s->len);
	if (r < 0)
		return err_ret(e, r, "write %s", s->name);
	return fchown(fd, uid, uid) < 0 ? err_sys(e, "chown %s", s->name) : 0;
}

int rootfs_secrets_build(const struct rootfs_spec *spec, struct err *e)
{
	uid_t uid = idmap_to_host(&spec->ids, 0);
	CLEANUP_FD int fd = secrets_mount(spec, e);

	if (fd < 0)
		return err_wrap(e, "credentials");
	for (size_t i = 0; i < spec->n_secrets; i++)
		if (secrets_file(fd, &spec->secrets[i], uid, e) < 0)
			return err_wrap(e, "credentials");
	if (fchownat(fd, "", uid, uid, AT_EMPTY_PATH) < 0)
		return err_sys(e, "credentials: chown");
	if (mountfd_seal(fd, e) < 0)
		return err_wrap(e, "credentials");
	return TAKE_FD(fd);
}

int rootfs_secrets_attach(struct rootfs_child *c, struct err *e)
{
	CLEANUP_FD int fd = -EBADF, target = -EBADF;

	if (c->spec->n_secrets == 0)
		return 0;
	if (c->next >= c->kit->n)
		return err_set(e, EPROTO, "no credentials were received");
	fd = TAKE_FD(c->kit->fds[c->next]);
	c->next++;
	target = rootfs_target_path(c, ROOTFS_SECRETS_DIR, true, e);
	if (target < 0 || mountfd_attach(fd, target, e) < 0)
		return err_wrap(e, "credentials");
	return 0;
}
