/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One member: its name through the policy, its type through the table below, its content and
 * attributes through one open fd. Anything that the kernel's file systems can't hold as the archive
 * has it is an error; the few kinds that are left out on purpose are counted.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <zlib.h>

#include "cmd/jail-unpack/meta.h"
#include "cmd/jail-unpack/tree_priv.h"
#include "cmd/jail-unpack/unpack.h"
#include "cmd/jail-unpack/xattr.h"
#include "images/layerwrite.h"
#include "images/store.h"

/* The content. Gaps between blocks are holes, and stay so. */
int member_content(struct unpack *u, struct archive *a, int fd, int64_t size, struct err *e)
{
	bool hollow = u->as_is && (u->limits.flags & UNPACK_HOLLOW), whole = true;
	uint32_t crc = (uint32_t)crc32_z(0, NULL, 0);
	struct meta_piece p;
	int64_t end = 0;
	int r;

	while ((r = meta_next_piece(a, size, end, &p, e)) > 0) {
		if (!hollow && tree_write(fd, p.data, p.n, p.at, e) < 0)
			return -e->code;
		if (u->as_is && u->split)
			crc = (uint32_t)crc32_z(crc, p.data, p.n);
		whole = whole && p.at == end;
		end = p.at + (int64_t)p.n;
		report_progress(u);
	}
	if (r < 0)
		return r;
	if (u->as_is && (!whole || end != size))
		return err_set(e, EBADMSG,
			       "two readings of the archive disagree on whether it is sparse");
	if ((hollow || end < size) && ftruncate(fd, size) < 0)
		return err_sys(e, "set its size to %lld", (long long)size);
	return split_content(u, crc, e);
}

int member_make(struct unpack *u, struct archive_entry *entry, int *ret_fd, struct err *e)
{
	int64_t size = archive_entry_size(entry);
	int fd;

	/* The logical size: a sparse map may promise 2^62 bytes in one block (row 41). */
	if (size < 0)
		return err_set(e, EBADMSG, "its size is impossible");
	if ((uint64_t)size > u->limits.max_bytes - u->result.content_bytes)
		return err_set(e, E2BIG, "limit maxBytes exceeded: more than %llu bytes",
			       (unsigned long long)u->limits.max_bytes);
	fd = tree_make_file(&u->tree, &u->name, e);
	if (fd < 0)
		return fd;
	u->result.content_bytes += (uint64_t)size;
	*ret_fd = fd;
	return 0;
}

static int member_file(struct unpack *u, struct archive *a, struct archive_entry *entry,
		       const struct tree_meta *meta, struct err *e)
{
	const struct xattr_how how = { &u->shift, NULL, &u->result.skipped_xattrs };
	CLEANUP_FD int fd = -EBADF;
	int64_t size = archive_entry_size(entry);
	int r = member_make(u, entry, &fd, e);

	if (r == 0)
		r = split_member(u, size, e);
	if (r == 0)
		r = member_content(u, a, fd, size, e);
	u->as_is = false;
	if (r == 0)
		r = tree_set_owner(fd, meta, e);
	/* After the owner: chown removes security.capability. */
	if (r == 0)
		r = xattr_apply(fd, entry, &how, e);
	if (r == 0)
		r = tree_set_times(fd, &meta->mtime, e);
	u->result.files++;
	return r;
}

static int member_dir(struct unpack *u, struct archive_entry *entry, const struct tree_meta *meta,
		      struct err *e)
{
	const struct xattr_how how = { &u->shift, &u->tree, &u->result.skipped_xattrs };
	int r = tree_make_dir(&u->tree, &u->name, meta, e);

	u->result.directories++;
	if (r < 0)
		return r;
	if (u->mode == UNPACK_TREE && member_has_mark(entry, STORE_OPAQUE_XATTR) &&
	    (r = tree_became_opaque(&u->tree, e)) < 0)
		return r;
	return xattr_apply(tree_top(&u->tree), entry, &how, e);
}

static int member_symlink(struct unpack *u, struct archive_entry *entry,
			  const struct tree_meta *meta, struct err *e)
{
	const char *target = archive_entry_symlink(entry);

	/* Where it points is the business of whoever follows it, inside the instance. */
	if (!target || !*target)
		return err_set(e, EBADMSG, "a symbolic link without a target");
	if (strlen(target) >= PATH_MAX)
		return err_set(e, ENAMETOOLONG, "the target of the symbolic link is too long");
	xattr_skip(entry, &u->result.skipped_xattrs);
	u->result.symlinks++;
	return tree_make_symlink(&u->tree, &u->name, target, meta, e);
}

static int member_node(struct unpack *u, struct archive_entry *entry, mode_t type,
		       const struct tree_meta *meta, struct err *e)
{
	unsigned major_nr = (unsigned)archive_entry_rdevmajor(entry);
	unsigned minor_nr = (unsigned)archive_entry_rdevminor(entry);
	dev_t dev = type == S_IFIFO ? 0 : makedev(major_nr, minor_nr);

	/* overlayfs takes a character device 0:0 for a deleted file (row 39). */
	if (type == S_IFCHR && dev == 0 && u->mode == UNPACK_TREE) {
		u->result.whiteouts++;
		return tree_make_whiteout(&u->tree, &u->name, e);
	}
	if (type == S_IFCHR && dev == 0) {
		u->result.skipped_whiteouts++;
		return 0;
	}
	xattr_skip(entry, &u->result.skipped_xattrs);
	if (type == S_IFIFO)
		u->result.fifos++;
	else
		u->result.devices++;
	return tree_make_node(&u->tree, &u->name, type, dev, meta, e);
}

static struct entry_limits member_limits(const struct unpack *u)
{
	return (struct entry_limits){ .max_name = u->limits.max_name,
				      .max_depth = ENTRY_DEPTH_MAX,
				      .whiteouts_are_names = u->mode == UNPACK_TREE };
}

static int member_link(struct unpack *u, const char *target, struct err *e)
{
	const struct entry_limits limits = member_limits(u);
	int r = entry_name_parse(target, strlen(target), &limits, &u->target, e);

	if (r < 0)
		return err_wrap(e, "target of the hard link");
	u->result.hardlinks++;
	return tree_make_link(&u->tree, &u->name, &u->target, e);
}

int member_name(struct unpack *u, const char *name, struct err *e)
{
	const struct entry_limits limits = member_limits(u);

	if (!name)
		return err_set(e, EBADMSG, "it has no name");
	if (u->mode == UNPACK_LAYER)
		return entry_layer_parse(name, strlen(name), &limits, &u->name, e);
	return entry_name_parse(name, strlen(name), &limits, &u->name, e);
}

/* The name says what it is, and its content and attributes say nothing. */
static int member_whiteout(struct unpack *u, enum entry_kind kind, mode_t type, struct err *e)
{
	if (kind == ENTRY_IGNORED)
		return 0;
	if (type == AE_IFDIR)
		return err_set(e, EPERM, "a whiteout that is a directory");
	if (kind == ENTRY_OPAQUE) {
		u->result.opaques++;
		return tree_make_opaque(&u->tree, &u->name, e);
	}
	u->result.whiteouts++;
	return tree_make_whiteout(&u->tree, &u->name, e);
}

int member_unpack(struct unpack *u, struct archive *a, struct archive_entry *entry, struct err *e)
{
	const char *link = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	struct tree_meta meta;
	int r;

	r = member_name(u, archive_entry_pathname(entry), e);
	if (r < 0)
		return r;
	if (r != ENTRY_PLAIN)
		return member_whiteout(u, (enum entry_kind)r, type, e);
	r = meta_read(entry, &meta, e);
	if (r < 0)
		return r;
	r = member_shift(u, &meta, e);
	if (r < 0)
		return r;
	if (archive_entry_fflags_text(entry))
		u->result.skipped_flags++;
	if (link)
		return member_link(u, link, e);
	switch (type) {
	case AE_IFREG:
		if (u->mode == UNPACK_TREE && member_has_mark(entry, LAYER_SOCKET_XATTR))
			return tree_make_node(&u->tree, &u->name, S_IFSOCK, 0, &meta, e);
		return member_file(u, a, entry, &meta, e);
	case AE_IFDIR:
		return member_dir(u, entry, &meta, e);
	case AE_IFLNK:
		return member_symlink(u, entry, &meta, e);
	case AE_IFCHR:
		return member_node(u, entry, S_IFCHR, &meta, e);
	case AE_IFBLK:
		return member_node(u, entry, S_IFBLK, &meta, e);
	case AE_IFIFO:
		return member_node(u, entry, S_IFIFO, &meta, e);
	case AE_IFSOCK:
		u->result.skipped_sockets++;
		return 0;
	default:
		return err_set(e, EBADMSG, "its type %o is unknown", type);
	}
}
