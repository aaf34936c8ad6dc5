/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names come as bytes that a stranger chose. They leave as a list of components that can only go
 * down, so that the code that makes files has nothing left to check but the file system itself.
 */
#include "images/entry.h"

#include <endian.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <string.h>

/* What overlayfs tools and OCI layers call a deleted file. In a plain root file system it has no
 * meaning, and giving it one later is how files vanish (row 38). */
#define ENTRY_WH ".wh."
#define ENTRY_WH_META                                                                              \
	".wh..wh." /* AUFS's own files begin so, and the one of them that is kept:                 \
		    */
#define ENTRY_WH_OPAQUE ".wh..wh..opq"

_Static_assert(ENTRY_NAME_MAX <= UINT16_MAX, "offsets of components are 16 bits");
_Static_assert(ENTRY_COMPONENT_MAX == NAME_MAX, "a component is a file name");

static bool entry_begins(const char *text, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static int entry_check_component(const char *text, size_t n, struct err *e)
{
	if (n == 2 && text[0] == '.' && text[1] == '.')
		return err_set(e, EPERM, "the name has a \"..\" component");
	if (n > ENTRY_COMPONENT_MAX)
		return err_set(e, ENAMETOOLONG,
			       "the name has a component of %zu bytes, %d are possible", n,
			       ENTRY_COMPONENT_MAX);
	return 0;
}

static int entry_refuse_whiteout(struct err *e)
{
	return err_set(e, EPERM,
		       "the name has a whiteout component (" ENTRY_WH
		       "), which only a layer of an OCI image may have");
}

static void entry_add(struct entry_name *name, size_t *used, const char *text, size_t n)
{
	name->at[name->n++] = (uint16_t)*used;
	memcpy(name->bytes + *used, text, n);
	name->bytes[*used + n] = '\0';
	*used += n + 1;
}

static int entry_split(const char *text, size_t n, const struct entry_limits *limits,
		       struct entry_name *ret, struct err *e)
{
	size_t used = 0;

	ret->n = 0;
	if (n == 0)
		return err_set(e, EINVAL, "the name is empty");
	if (n > limits->max_name || n > ENTRY_NAME_MAX)
		return err_set(e, E2BIG,
			       "limit maxName exceeded: a name of %zu bytes, %llu are allowed", n,
			       (unsigned long long)limits->max_name);
	if (memchr(text, '\0', n))
		return err_set(e, EPERM, "the name contains a NUL byte");
	if (text[0] == '/')
		return err_set(e, EPERM, "the name is absolute");

	for (const char *p = text, *end = text + n; p < end;) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		size_t len = (size_t)((slash ? slash : end) - p);
		int r;

		if (len > 0 && !(len == 1 && p[0] == '.')) {
			r = entry_check_component(p, len, e);
			if (r < 0)
				return r;
			if (ret->n >= limits->max_depth || ret->n >= ENTRY_DEPTH_MAX)
				return err_set(
					e, E2BIG,
					"limit maxDepth exceeded: more than %zu directories deep",
					limits->max_depth);
			entry_add(ret, &used, p, len);
		}
		p += len + 1;
	}
	return 0;
}

int entry_name_parse(const char *text, size_t n, const struct entry_limits *limits,
		     struct entry_name *ret, struct err *e)
{
	int r = entry_split(text, n, limits, ret, e);

	for (size_t i = 0; r == 0 && !limits->whiteouts_are_names && i < ret->n; i++) {
		const char *c = entry_component(ret, i);

		if (entry_begins(c, strlen(c), ENTRY_WH))
			r = entry_refuse_whiteout(e);
	}
	return r;
}

/* The last component is ".wh.NAME": leaves NAME, which has to be one that a file can have. */
static int entry_strip_whiteout(struct entry_name *name, struct err *e)
{
	const char *rest = entry_component(name, name->n - 1) + strlen(ENTRY_WH);

	if (rest[0] == '\0' || strcmp(rest, ".") == 0 || strcmp(rest, "..") == 0)
		return err_set(e, EPERM, "a whiteout of \"%s\", which is not the name of a file",
			       rest);
	name->at[name->n - 1] += (uint16_t)strlen(ENTRY_WH);
	return ENTRY_WHITEOUT;
}

int entry_layer_parse(const char *text, size_t n, const struct entry_limits *limits,
		      struct entry_name *ret, struct err *e)
{
	bool whiteout = false;
	int r = entry_split(text, n, limits, ret, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ret->n; i++) {
		const char *c = entry_component(ret, i);
		bool last = i + 1 == ret->n;

		if (last && strcmp(c, ENTRY_WH_OPAQUE) == 0) {
			ret->n--;
			return ENTRY_OPAQUE;
		}
		if (entry_begins(c, strlen(c), ENTRY_WH_META))
			return ENTRY_IGNORED;
		whiteout = entry_begins(c, strlen(c), ENTRY_WH);
		if (whiteout && !last)
			return err_set(e, EPERM, "a whiteout (" ENTRY_WH ") that has members");
	}
	return whiteout ? entry_strip_whiteout(ret, e) : ENTRY_PLAIN;
}

/*
 * struct vfs_ns_cap_data: little-endian magic_etc, two pairs of 32-bit sets, and in version 3 the
 * root id. Version 1 has one pair and can no longer be written.
 */
static bool entry_capability(const uint8_t *value, size_t n, uint8_t *ret)
{
	uint32_t magic;
	uint32_t rootid = 0;

	if (n != XATTR_CAPS_SZ_2 && n != XATTR_CAPS_SZ_3)
		return false;
	memcpy(&magic, value, sizeof(magic));
	magic = le32toh(magic);
	if (magic & ~(uint32_t)(VFS_CAP_REVISION_MASK | VFS_CAP_FLAGS_EFFECTIVE))
		return false;
	if (n == XATTR_CAPS_SZ_3)
		memcpy(&rootid, value + XATTR_CAPS_SZ_2, sizeof(rootid));
	if ((magic & VFS_CAP_REVISION_MASK) !=
	    (n == XATTR_CAPS_SZ_3 ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2))
		return false;
	if (rootid != 0)
		return false;
	memcpy(ret, value, XATTR_CAPS_SZ_2);
	magic = htole32(VFS_CAP_REVISION_2 | (magic & VFS_CAP_FLAGS_EFFECTIVE));
	memcpy(ret, &magic, sizeof(magic));
	return true;
}

enum entry_xattr entry_xattr_policy(const char *name, const void **value, size_t *n,
				    uint8_t ret_cap[static ENTRY_CAPABILITY_MAX])
{
	if (*n > ENTRY_XATTR_VALUE_MAX || strlen(name) > XATTR_NAME_MAX)
		return ENTRY_XATTR_DROP;
	if (strncmp(name, XATTR_USER_PREFIX, XATTR_USER_PREFIX_LEN) == 0)
		return name[XATTR_USER_PREFIX_LEN] ? ENTRY_XATTR_SET : ENTRY_XATTR_DROP;
	if (strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0)
		return ENTRY_XATTR_SET;
	if (strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT) == 0)
		return ENTRY_XATTR_SET_LATE;
	if (strcmp(name, XATTR_NAME_CAPS) == 0 && entry_capability(*value, *n, ret_cap)) {
		*value = ret_cap;
		*n = XATTR_CAPS_SZ_2;
		return ENTRY_XATTR_SET;
	}
	return ENTRY_XATTR_DROP;
}
