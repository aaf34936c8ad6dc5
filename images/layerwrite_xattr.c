/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes of a layer's members: those that an import takes (images/entry.h). */
#include <endian.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <sys/xattr.h>

#include "images/entry.h"
#include "images/layerwrite_priv.h"

struct layer_xattrs {
	_Alignas(uint64_t) char value[XATTR_SIZE_MAX]; /* structures lie in it */
	char names[XATTR_LIST_MAX + 1];
};

void layer_xattrs_free(struct layer_xattrs **x)
{
	free(TAKE_PTR(*x));
}

static int add_value(struct layer_xattrs *x, const struct tree_node *n, const char *path,
		     const char *name, struct tar_member *m, struct err *e)
{
	ssize_t got = lgetxattr(path, name, x->value, sizeof(x->value));
	uint8_t cap[ENTRY_CAPABILITY_MAX];
	const void *value = x->value;
	size_t len;

	if (got < 0)
		return errno == ENODATA ? 0 : err_sys(e, "read the attribute %s", name);
	len = tree_xattr_seen(&n->part->layer->shift, name, x->value, (size_t)got);
	if (str_eq(name, XATTR_NAME_CAPS) && len >= sizeof(struct vfs_cap_data)) {
		struct vfs_cap_data *c = (void *)x->value;

		c->magic_etc |= htole32(VFS_CAP_REVISION_2);
	}
	if (entry_xattr_policy(name, &value, &len, cap) != ENTRY_XATTR_DROP)
		tar_member_xattr(m, name, value, len);
	return 0;
}

int layer_xattrs_add(struct layer_xattrs **x, const struct tree_node *n, const char *name,
		     struct tar_member *m, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	char path[NAME_MAX + 64];
	ssize_t len;
	int r = str_format(path, sizeof(path), "/proc/self/fd/%d/%s", n->part->fd, name);

	if (r < 0)
		return err_ret(e, r, "%s", name);
	if (!*x)
		*x = malloc(sizeof(**x));
	if (!*x)
		return err_nomem(e);
	len = llistxattr(path, (*x)->names, XATTR_LIST_MAX);
	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : err_sys(e, "list attributes");
	(*x)->names[len] = '\0';
	for (const char *at = (*x)->names; at < (*x)->names + len; at += strlen(at) + 1)
		if (strv_add(&names, at) < 0)
			return err_nomem(e);
	tree_names_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		if (add_value(*x, n, path, names.v[i], m, e) < 0)
			return -e->code;
	return 0;
}
