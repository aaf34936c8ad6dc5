/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes arrive as pax records of two dialects (SCHILY.xattr, LIBARCHIVE.xattr) and ACLs as
 * text, which libarchive takes apart. The kernel wants an ACL as the value of an attribute: a
 * version, then entries sorted by tag (include/linux/posix_acl_xattr.h).
 */
#include "cmd/jail-unpack/xattr.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/xattr.h>

#include "cmd/jail-unpack/tree.h"
#include "images/treecopy.h"

#define XATTR_ACL_ENTRIES_MAX 1024

static int xattr_set(int fd, const char *name, const void *value, size_t n, struct err *e)
{
	if (fsetxattr(fd, name, value, n, 0) == 0)
		return 0;
	(void)err_sys(e, "set attribute %.100s", name);
	if (e->code == EOPNOTSUPP)
		return err_hint(e,
				"the image store's file system must support extended attributes");
	return -e->code;
}

static int xattr_later(struct tree *t, const void *value, size_t n, struct err *e)
{
	void *copy = malloc(n ? n : 1);

	if (!copy)
		return err_nomem(e);
	memcpy(copy, value, n);
	tree_set_default_acl(t, copy, n);
	return 0;
}

static int xattr_apply_as(int fd, const char *name, const void *value, size_t n,
			  enum entry_xattr policy, const struct xattr_how *how, struct err *e)
{
	switch (policy) {
	case ENTRY_XATTR_SET:
		return xattr_set(fd, name, value, n, e);
	case ENTRY_XATTR_SET_LATE:
		if (how->is_dir)
			return xattr_later(how->is_dir, value, n, e);
		break;
	case ENTRY_XATTR_DROP:
		break;
	}
	(*how->skipped)++;
	return 0;
}

static int xattr_apply_one(int fd, const char *name, const void *value, size_t n,
			   const struct xattr_how *how, struct err *e)
{
	uint8_t cap[ENTRY_CAPABILITY_MAX];
	enum entry_xattr policy = entry_xattr_policy(name, &value, &n, cap);
	CLEANUP_FREE void *shifted = NULL;

	if (how->shift->count == 0 || policy == ENTRY_XATTR_DROP)
		return xattr_apply_as(fd, name, value, n, policy, how, e);
	shifted = calloc(1, n + TREE_XATTR_MORE);
	if (!shifted)
		return err_nomem(e);
	memcpy(shifted, value, n);
	if (!tree_xattr_stored(how->shift, name, shifted, &n))
		policy = ENTRY_XATTR_DROP;
	return xattr_apply_as(fd, name, shifted, n, policy, how, e);
}

/* libarchive's entry as the kernel's. Return: false for one that has no number or is no POSIX
 * entry. */
static bool xattr_acl_entry(int tag, int permset, int id, struct posix_acl_xattr_entry *ret)
{
	uint16_t perm = 0, kernel_tag;
	bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;

	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		kernel_tag = ACL_USER_OBJ;
		break;
	case ARCHIVE_ENTRY_ACL_USER:
		kernel_tag = ACL_USER;
		break;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		kernel_tag = ACL_GROUP_OBJ;
		break;
	case ARCHIVE_ENTRY_ACL_GROUP:
		kernel_tag = ACL_GROUP;
		break;
	case ARCHIVE_ENTRY_ACL_MASK:
		kernel_tag = ACL_MASK;
		break;
	case ARCHIVE_ENTRY_ACL_OTHER:
		kernel_tag = ACL_OTHER;
		break;
	default:
		return false;
	}
	if (named && id < 0)
		return false;
	if (permset & ARCHIVE_ENTRY_ACL_READ)
		perm |= ACL_READ;
	if (permset & ARCHIVE_ENTRY_ACL_WRITE)
		perm |= ACL_WRITE;
	if (permset & ARCHIVE_ENTRY_ACL_EXECUTE)
		perm |= ACL_EXECUTE;
	ret->e_tag = htole16(kernel_tag);
	ret->e_perm = htole16(perm);
	ret->e_id = htole32(named ? (uint32_t)id : (uint32_t)ACL_UNDEFINED_ID);
	return true;
}

static int xattr_acl_compare(const void *a, const void *b)
{
	const struct posix_acl_xattr_entry *x = a, *y = b;

	if (x->e_tag != y->e_tag)
		return le16toh(x->e_tag) < le16toh(y->e_tag) ? -1 : 1;
	return le32toh(x->e_id) < le32toh(y->e_id) ? -1 : le32toh(x->e_id) > le32toh(y->e_id);
}

/* Return: length of *ret (the caller frees), 0 when the ACL can't be expressed. */
static ssize_t xattr_acl_build(struct archive_entry *entry, int type, uint8_t **ret, struct err *e)
{
	const struct posix_acl_xattr_header header = { .a_version =
							       htole32(POSIX_ACL_XATTR_VERSION) };
	CLEANUP_FREE struct posix_acl_xattr_entry *list = NULL;
	int count = archive_entry_acl_reset(entry, type);
	int got_type, permset, tag, id;
	const char *name;
	size_t n = 0;
	uint8_t *out;

	if (count <= 0 || count > XATTR_ACL_ENTRIES_MAX)
		return 0;
	list = calloc((size_t)count, sizeof(*list));
	if (!list)
		return err_nomem(e);
	while (archive_entry_acl_next(entry, type, &got_type, &permset, &tag, &id, &name) ==
	       ARCHIVE_OK) {
		if (n == (size_t)count || !xattr_acl_entry(tag, permset, id, &list[n]))
			return 0;
		n++;
	}
	qsort(list, n, sizeof(*list), xattr_acl_compare);
	out = malloc(sizeof(header) + n * sizeof(*list));
	if (!out)
		return err_nomem(e);
	memcpy(out, &header, sizeof(header));
	memcpy(out + sizeof(header), list, n * sizeof(*list));
	*ret = out;
	return (ssize_t)(sizeof(header) + n * sizeof(*list));
}

static int xattr_apply_acl(int fd, struct archive_entry *entry, int type,
			   const struct xattr_how *how, struct err *e)
{
	const char *name = type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS ? XATTR_NAME_POSIX_ACL_ACCESS
								 : XATTR_NAME_POSIX_ACL_DEFAULT;
	CLEANUP_FREE uint8_t *value = NULL;
	ssize_t n;

	if (!(archive_entry_acl_types(entry) & type))
		return 0;
	n = xattr_acl_build(entry, type, &value, e);
	if (n < 0)
		return (int)n;
	if (n == 0) {
		(*how->skipped)++;
		return 0;
	}
	return xattr_apply_one(fd, name, value, (size_t)n, how, e);
}

int xattr_apply(int fd, struct archive_entry *entry, const struct xattr_how *how, struct err *e)
{
	const char *name;
	const void *value;
	size_t n;
	int r;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &n) == ARCHIVE_OK) {
		r = xattr_apply_one(fd, name, value, n, how, e);
		if (r < 0)
			return r;
	}
	if (archive_entry_acl_types(entry) & ARCHIVE_ENTRY_ACL_TYPE_NFS4)
		(*how->skipped)++;
	r = xattr_apply_acl(fd, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, how, e);
	if (r < 0)
		return r;
	return xattr_apply_acl(fd, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, how, e);
}

void xattr_skip(struct archive_entry *entry, uint64_t *skipped)
{
	*skipped += (uint64_t)archive_entry_xattr_count(entry);
	if (archive_entry_acl_types(entry))
		(*skipped)++;
}

int xattr_clear(int fd, struct err *e)
{
	CLEANUP_FREE char *list = malloc(XATTR_LIST_MAX);
	ssize_t n;

	if (!list)
		return err_nomem(e);
	n = flistxattr(fd, list, XATTR_LIST_MAX);
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : err_sys(e, "list attributes");
	for (const char *p = list; p < list + n; p += strlen(p) + 1) {
		/* Ours only: the host's security modules put theirs on every file. */
		if (strncmp(p, XATTR_USER_PREFIX, XATTR_USER_PREFIX_LEN) != 0 &&
		    strcmp(p, XATTR_NAME_POSIX_ACL_ACCESS) != 0 &&
		    strcmp(p, XATTR_NAME_POSIX_ACL_DEFAULT) != 0)
			continue;
		if (fremovexattr(fd, p) < 0 && errno != ENODATA)
			return err_sys(e, "remove attribute %.100s", p);
	}
	return 0;
}
