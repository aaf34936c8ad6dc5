/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of copied files. An entry is named through the descriptor of its directory in /proc,
 * which is how the l*xattr calls reach what can't be opened (a symlink, a FIFO, a device).
 *
 * When ids are shifted, two extended attributes hold ids too: POSIX ACLs, and file capabilities of
 * a user namespace (VFS_CAP_REVISION_3), which name its root.
 */
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <sys/xattr.h>

#include "base/str.h"
#include "images/snapshot.h"
#include "images/treecopy_priv.h"

#define OVERLAY_PREFIX XATTR_TRUSTED_PREFIX "overlay."
/* Names a file of a layer by its place on the disk; it is for inode numbers, which differ anyway.
 */
#define OVERLAY_ORIGIN OVERLAY_PREFIX "origin"

struct attr_buffer {
	_Alignas(uint64_t) char value[XATTR_SIZE_MAX]; /* structures lie in it */
	char names[XATTR_LIST_MAX + 1];
};

uint32_t tree_shift_id(const struct tree_shift *s, uint32_t id)
{
	return id >= s->from && id - s->from < s->count ? s->to + (id - s->from) : id;
}

static void shift_le32(const struct tree_shift *s, __le32 *id)
{
	*id = htole32(tree_shift_id(s, le32toh(*id)));
}

static void shift_acl(const struct tree_shift *s, void *value, size_t n)
{
	struct posix_acl_xattr_header *h = value;
	struct posix_acl_xattr_entry *v = (void *)(h + 1);

	if (n < sizeof(*h) || le32toh(h->a_version) != POSIX_ACL_XATTR_VERSION)
		return;
	for (size_t i = 0; i < (n - sizeof(*h)) / sizeof(*v); i++)
		if (le16toh(v[i].e_tag) == ACL_USER || le16toh(v[i].e_tag) == ACL_GROUP)
			shift_le32(s, &v[i].e_id);
}

static void shift_capability(const struct tree_shift *s, void *value, size_t n)
{
	struct vfs_ns_cap_data *cap = value;

	if (n == sizeof(*cap) &&
	    (le32toh(cap->magic_etc) & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3)
		shift_le32(s, &cap->rootid);
}

static void shift_value(const struct tree_shift *s, const char *name, void *value, size_t n)
{
	if (!s->count)
		return;
	if (str_eq(name, XATTR_NAME_POSIX_ACL_ACCESS) || str_eq(name, XATTR_NAME_POSIX_ACL_DEFAULT))
		shift_acl(s, value, n);
	else if (str_eq(name, XATTR_NAME_CAPS))
		shift_capability(s, value, n);
}

size_t tree_xattr_seen(const struct tree_shift *s, const char *name, void *value, size_t n)
{
	struct vfs_ns_cap_data *cap = value;

	shift_value(s, name, value, n);
	/* The root that it counts for is the instance's in any case, said or not. */
	if (str_eq(name, XATTR_NAME_CAPS) && n >= sizeof(struct vfs_cap_data)) {
		cap->magic_etc &= htole32(~VFS_CAP_REVISION_MASK);
		return sizeof(struct vfs_cap_data);
	}
	return n;
}

static bool acl_is_within(const struct tree_shift *s, const void *value, size_t n)
{
	const struct posix_acl_xattr_header *h = value;
	const struct posix_acl_xattr_entry *v = (const void *)(h + 1);

	for (size_t i = 0; n > sizeof(*h) && i < (n - sizeof(*h)) / sizeof(*v); i++)
		if ((le16toh(v[i].e_tag) == ACL_USER || le16toh(v[i].e_tag) == ACL_GROUP) &&
		    le32toh(v[i].e_id) - s->from >= s->count)
			return false;
	return true;
}

bool tree_xattr_stored(const struct tree_shift *s, const char *name, void *value, size_t *n)
{
	struct vfs_ns_cap_data *cap = value;

	if (!s->count)
		return true;
	if (str_eq(name, XATTR_NAME_CAPS) && *n == XATTR_CAPS_SZ_2) {
		cap->magic_etc = htole32(VFS_CAP_REVISION_3 |
					 (le32toh(cap->magic_etc) & VFS_CAP_FLAGS_EFFECTIVE));
		cap->rootid = htole32(s->to);
		*n = XATTR_CAPS_SZ_3;
		return true;
	}
	if ((str_eq(name, XATTR_NAME_POSIX_ACL_ACCESS) ||
	     str_eq(name, XATTR_NAME_POSIX_ACL_DEFAULT)) &&
	    !acl_is_within(s, value, *n))
		return false;
	shift_value(s, name, value, *n);
	return true;
}

static bool stays_away(const char *name, bool root)
{
	return str_eq(name, OVERLAY_ORIGIN) ||
	       (root && (str_starts(name, OVERLAY_PREFIX) || str_eq(name, SNAPSHOT_PARENT_XATTR)));
}

static int entry_path(int dir, const char *name, char *ret, size_t n, struct err *e)
{
	int r = str_format(ret, n, "/proc/self/fd/%d%s%s", dir, *name ? "/" : "", name);

	return r < 0 ? err_ret(e, r, "%s", name) : 0;
}

static ssize_t list_names(const char *path, bool root, struct attr_buffer *b)
{
	return root ? listxattr(path, b->names, XATTR_LIST_MAX)
		    : llistxattr(path, b->names, XATTR_LIST_MAX);
}

static int copy_one(const struct tree_copy *c, const struct tree_pair *p, const char *from,
		    const char *to, const char *name, struct err *e)
{
	struct attr_buffer *b = c->buffer;
	bool itself = *p->name == '\0'; /* behind a link of /proc */
	ssize_t n = itself ? getxattr(from, name, b->value, sizeof(b->value))
			   : lgetxattr(from, name, b->value, sizeof(b->value));

	if (n < 0)
		return err_sys(e, "%s: read the attribute %s", p->name, name);
	shift_value(&c->shift, name, b->value, (size_t)n);
	if ((itself ? setxattr(to, name, b->value, (size_t)n, 0)
		    : lsetxattr(to, name, b->value, (size_t)n, 0)) < 0 &&
	    !(c->foreign && (errno == EOPNOTSUPP || errno == EPERM)))
		return err_sys(e, "%s: set the attribute %s", p->name, name);
	return 0;
}

static int copy_xattrs(struct tree_copy *c, const struct tree_pair *p, struct err *e)
{
	char from[NAME_MAX + 64], to[NAME_MAX + 64];
	struct attr_buffer *b = c->buffer;
	ssize_t n;

	if (entry_path(p->from, p->name, from, sizeof(from), e) < 0 ||
	    entry_path(p->to, p->name, to, sizeof(to), e) < 0)
		return -e->code;
	n = list_names(from, *p->name == '\0', b);
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : err_sys(e, "%s: list attributes", p->name);
	b->names[n] = '\0';
	for (const char *name = b->names; name < b->names + n; name += strlen(name) + 1)
		if (!stays_away(name, p->root) && copy_one(c, p, from, to, name, e) < 0)
			return -e->code;
	return 0;
}

int tree_copy_attributes(struct tree_copy *c, const struct tree_pair *p, const struct stat *st,
			 struct err *e)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	int flags = *p->name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
	int r;

	if (!c->buffer) {
		c->buffer = malloc(sizeof(struct attr_buffer));
		if (!c->buffer)
			return err_nomem(e);
	}
	if (fchownat(p->to, p->name, tree_shift_id(&c->shift, st->st_uid),
		     tree_shift_id(&c->shift, st->st_gid), flags) < 0)
		return err_sys(e, "%s: set the owner", p->name);
	/* After the owner, whose change takes setuid away. A symlink has none. */
	if (!S_ISLNK(st->st_mode) && (*p->name ? fchmodat(p->to, p->name, st->st_mode & 07777, 0)
					       : fchmod(p->to, st->st_mode & 07777)) < 0)
		return err_sys(e, "%s: set the mode", p->name);
	r = copy_xattrs(c, p, e);
	if (r < 0)
		return r;
	if ((*p->name ? utimensat(p->to, p->name, times, AT_SYMLINK_NOFOLLOW)
		      : futimens(p->to, times)) < 0)
		return err_sys(e, "%s: set the times", p->name);
	return 0;
}

int tree_copy_root(int from, int to, const struct tree_shift *shift, struct err *e)
{
	struct tree_copy c = { .links = -EBADF, .shift = *shift };
	const struct tree_pair p = { .from = from, .to = to, .name = "", .root = true };
	struct stat st;
	int r = fstat(from, &st) < 0 ? err_sys(e, "stat") : tree_copy_attributes(&c, &p, &st, e);

	free(c.buffer);
	return r;
}
