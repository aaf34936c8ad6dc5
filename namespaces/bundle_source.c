/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bind mounts come from: copies of the host's mounts, made with the host's eyes, each path
 * used once (row 21: sources are the caller's word; the copy is what he named at that moment).
 *
 * Propagation (mount_namespaces(7), config-linux.md "Rootfs Mount Propagation"). A copy of a shared
 * mount is a peer of its source. Other runtimes make all mounts of the new namespace slaves, or
 * whatever rootfsPropagation says, before they copy from them; the same is done here to the copy:
 * by default it receives what the host mounts below its source and sends nothing (row 29). Only
 * with a shared root it stays a peer, and not even then out of a user namespace: as the kernel does
 * (copy_tree(), CL_SHARED_TO_SLAVE), it becomes a slave that is shared among its own.
 *
 * Flags. A bind keeps those of its source, but for those that are asked for. In a user namespace of
 * ours, as when jail-oci runs inside a container, some are locked (mount_namespaces(7),
 * "Restrictions"): adding is always possible, what can't be cleared stays.
 */
#include "namespaces/bundle_priv.h"

#include <fcntl.h>

/* Flags that are bits of their own. */
static const uint64_t source_bits[] = {
	MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID,	  MOUNT_ATTR_NODEV,
	MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOSYMFOLLOW,
};

/* One by one, after a change of all was refused: what is locked stays as it is. */
static int source_attr_each(int fd, uint64_t set, uint64_t clr, bool recursive, struct err *e)
{
	struct err locked;

	for (size_t i = 0; i < ARRAY_SIZE(source_bits); i++) {
		uint64_t bit = source_bits[i];
		struct mount_how how = { .idmap_fd = -EBADF, .recursive = recursive };

		if (set & bit) {
			how.attr_set = bit;
			if (mountfd_change(fd, &how, e) < 0)
				return -e->code;
		} else if (clr & bit) {
			how.attr_clr = bit;
			(void)mountfd_change(fd, &how, &locked);
		}
	}
	if ((set | clr) & MOUNT_ATTR__ATIME) {
		struct mount_how how = { .attr_set = set & MOUNT_ATTR__ATIME,
					 .attr_clr = MOUNT_ATTR__ATIME,
					 .idmap_fd = -EBADF,
					 .recursive = recursive };

		(void)mountfd_change(fd, &how, &locked);
	}
	return 0;
}

static int source_attr(int fd, uint64_t set, uint64_t clr, bool recursive, struct err *e)
{
	struct mount_how how = {
		.attr_set = set, .attr_clr = clr, .idmap_fd = -EBADF, .recursive = recursive
	};
	struct err first = ERR_INIT;

	if (!(set | clr))
		return 0;
	if (mountfd_change(fd, &how, &first) == 0)
		return 0;
	if (first.code == EPERM)
		return source_attr_each(fd, set, clr, recursive, e);
	*e = first;
	return -e->code;
}

static int source_propagation(const struct bundle *b, int fd, struct err *e)
{
	switch (b->propagation) {
	case MS_SHARED:
		if (b->private_user && mountfd_propagation(fd, MS_SLAVE, true, e) < 0)
			return -e->code;
		return b->private_user ? mountfd_propagation(fd, MS_SHARED, true, e) : 0;
	case MS_PRIVATE:
	case MS_UNBINDABLE:
		return mountfd_propagation(fd, MS_PRIVATE, true, e);
	default:
		return mountfd_propagation(fd, MS_SLAVE, true, e);
	}
}

int bundle_source_root(const struct bundle *b, struct err *e)
{
	CLEANUP_FD int fd = mountfd_copy(AT_FDCWD, b->rootfs, true, false, e);
	struct stat st;
	/* Never a peer of the host: everything is mounted below it. */
	uint64_t propagation =
		b->propagation == 0 || b->propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;

	if (fd < 0)
		return -e->code;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "%s", b->rootfs);
	return mountfd_propagation(fd, propagation, true, e) < 0 ? -e->code : TAKE_FD(fd);
}

static int source_idmap(const struct bundle_mount *m, int fd, int user_ns, struct err *e)
{
	CLEANUP_FD int own = -EBADF;
	struct mount_how how = { .idmap_fd = user_ns, .recursive = m->idmap == BUNDLE_RIDMAP };

	if (m->idmap == BUNDLE_IDMAP_NONE)
		return 0;
	if (m->maps.n_uids || m->maps.n_gids) {
		own = id_mappings_namespace(&m->maps, e);
		if (own < 0)
			return -e->code;
		how.idmap_fd = own;
	}
	if (how.idmap_fd < 0)
		return err_set(e, EINVAL,
			       "an id-mapped mount needs mappings, its own or a user namespace's");
	return mountfd_change(fd, &how, e);
}

int bundle_source_mount(const struct bundle *b, const struct bundle_mount *m, int user_ns,
			struct err *e)
{
	CLEANUP_FD int fd = mountfd_copy(AT_FDCWD, m->source, m->recursive, m->source_link, e);

	if (fd < 0 && e->code == EINVAL && !m->recursive)
		return err_hint(e, "in a user namespace what is mounted below a directory comes "
				   "along: use \"rbind\"");
	if (fd < 0)
		return -e->code;
	if (source_propagation(b, fd, e) < 0 || source_idmap(m, fd, user_ns, e) < 0 ||
	    source_attr(fd, m->attr_set, m->attr_clr, false, e) < 0 ||
	    source_attr(fd, m->rattr_set, m->rattr_clr, true, e) < 0)
		return err_wrap(e, "%s", m->source);
	return TAKE_FD(fd);
}

int bundle_source_tree(const struct bundle *b, const struct bundle_mount *m, const char *path,
		       uint64_t attr, struct err *e)
{
	struct bundle_mount bind = {
		.source = path,
		.recursive = true,
		.rattr_set = m->attr_set | m->rattr_set | attr,
	};

	return bundle_source_mount(b, &bind, -EBADF, e);
}
