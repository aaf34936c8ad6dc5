/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an archive member may be called and may carry: the policy of the importer as pure functions,
 * without a system call, so that they can be fuzzed and tested by table (rows 33, 37, 38, 39, 40).
 * Nothing outside this file looks at a name as it stood in the archive.
 */
#ifndef JAIL_IMAGES_ENTRY_H
#define JAIL_IMAGES_ENTRY_H

#include "base/err.h"

#define ENTRY_NAME_MAX 4096 /* bytes of a name, the limit that import_limits.max_name lowers */
#define ENTRY_DEPTH_MAX 512 /* components: each holds a directory open (row 41) */
#define ENTRY_COMPONENT_MAX 255

/*
 * A name as components. Each is 1 to 255 bytes, has no '/' and no NUL, is neither "." nor "..", and
 * does not begin with ".wh.". n = 0 is the root of the layer itself ("./").
 */
struct entry_name {
	size_t n;
	uint16_t at[ENTRY_DEPTH_MAX]; /* offset of each component in `bytes` */
	char bytes[ENTRY_NAME_MAX + 1]; /* the components, each NUL-terminated */
};

static inline const char *entry_component(const struct entry_name *name, size_t i)
{
	return name->bytes + name->at[i];
}

struct entry_limits {
	uint64_t max_name; /* at most ENTRY_NAME_MAX */
	size_t max_depth; /* at most ENTRY_DEPTH_MAX */
	bool whiteouts_are_names; /* no layer is made of it (jail cp): ".wh.x" is a name */
};

/*
 * Splits a member name (or the target of a hard link) of n bytes. "." and empty components vanish.
 * Return: 0; -EPERM for a name that points elsewhere or would mean something to overlayfs or an OCI
 * unpacker: absolute, "..", embedded NUL, whiteout; -E2BIG over a limit (named); -ENAMETOOLONG for
 * a component over 255 bytes; -EINVAL for an empty name. *ret is undefined then. The text says why;
 * the caller adds which member.
 */
int entry_name_parse(const char *text, size_t n, const struct entry_limits *limits,
		     struct entry_name *ret, struct err *e);

/* What a member of an OCI layer stands for. */
enum entry_kind {
	ENTRY_PLAIN, /* itself */
	ENTRY_WHITEOUT, /* "d/.wh.f": lower layers' "d/f" is gone */
	ENTRY_OPAQUE, /* "d/.wh..wh..opq": all that lower layers have in "d" is gone */
	ENTRY_IGNORED, /* AUFS's own: ".wh..wh.plnk/...", ".wh..wh.aufs" */
};

/*
 * As entry_name_parse(), for a member of a layer, where whiteouts have their meaning (row 38). *ret
 * is the name of what is gone, or of the opaque directory. What follows ".wh." is a component like
 * any other, so ".wh..", ".wh..." and ".wh." are refused; so is a whiteout as a parent. Return: the
 * kind, or as entry_name_parse().
 */
int entry_layer_parse(const char *text, size_t n, const struct entry_limits *limits,
		      struct entry_name *ret, struct err *e);

enum entry_xattr {
	ENTRY_XATTR_SET, /* as it is */
	ENTRY_XATTR_SET_LATE, /* as it is, but after the directory's members exist: a default ACL
				 would be inherited by them */
	ENTRY_XATTR_DROP, /* counted, not set */
};
#define ENTRY_XATTR_VALUE_MAX 65536 /* XATTR_SIZE_MAX of the kernel */
#define ENTRY_CAPABILITY_MAX 24

/*
 * Allowlist: user.*, POSIX ACLs, and a well-formed security.capability, which is brought to version
 * 2
 * (*ret_cap, 20 bytes). A version 3 value of another root than 0 belonged to somebody's user
 * namespace and means nothing here. trusted.* (overlay's own), security.selinux, ima, evm and what
 * is unknown are dropped. `value` may be replaced: *value and *n then point to ret_cap.
 */
enum entry_xattr entry_xattr_policy(const char *name, const void **value, size_t *n,
				    uint8_t ret_cap[static ENTRY_CAPABILITY_MAX]);

#endif
