/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root file system of an OCI container: a directory, and a list of mounts that is the caller's
 * (runtime-spec config.md "Mounts", config-linux.md). rootfs.h is the other one, for instances,
 * whose plan is our own.
 *
 * The root file system is hostile, the list is trusted (docs/security.md). So every destination is
 * resolved inside the root, once, to an O_PATH fd (base/path.h), and a mount is made detached, gets
 * its attributes, and is attached by fd (rows 14 to 24 of docs/security.md): nothing that changes
 * in the tree meanwhile can redirect it. proc and sysfs go onto real directories only, and are what
 * they say (rows 15, 16).
 *
 * Order, by who and where:
 *   bundle_open()    the caller, in the host's namespaces, before the clone: the root and what bind
 *                    mounts and device nodes come from, each a detached copy of its own; the child
 *                    inherits the fds. So a source that root of a user namespace can't reach can
 *                    still be mounted, and nothing is opened by a path twice.
 *   bundle_mount()   the child, in all its new (or joined) namespaces, root in its user namespace:
 *                    the root is attached, then the mounts in their order, /dev's nodes and links.
 *   ...              createContainer hooks see the mounts and the host's root
 *   bundle_pivot()   the root becomes /
 *   bundle_console() a pty of the container's own devpts, its end on /dev/console
 *   bundle_seal()    masked and read-only paths, the read-only root
 */
#ifndef JAIL_NAMESPACES_BUNDLE_H
#define JAIL_NAMESPACES_BUNDLE_H

#include <sys/types.h>

#include "namespaces/mountfd.h"

/* One line of a uid_map or gid_map. */
struct id_mapping {
	uint32_t inside, outside, count;
};
struct id_mappings {
	const struct id_mapping *uids, *gids;
	size_t n_uids, n_gids;
};

enum bundle_kind {
	BUNDLE_BIND, /* of a host path */
	BUNDLE_NEW, /* a file system of fstype */
	BUNDLE_CGROUP, /* the cgroup v2 tree, as seen from the container's cgroup namespace */
};
enum bundle_idmap { BUNDLE_IDMAP_NONE, BUNDLE_IDMAP, BUNDLE_RIDMAP };

#define BUNDLE_PROPAGATIONS_MAX 4

struct bundle_mount {
	const char *key; /* "mounts[3]", for messages */
	enum bundle_kind kind;
	const char *source; /* BIND: absolute path on the host; NEW: fsconfig's "source" or NULL */
	const char *destination; /* absolute, clean */
	const char *fstype; /* NEW */
	const struct mount_param *data; /* NEW: the file system's own options */
	size_t n_data;
	bool recursive; /* BIND: with what is mounted below ("rbind") */
	uint64_t attr_set, attr_clr; /* MOUNT_ATTR_* of this mount; clr first */
	uint64_t rattr_set, rattr_clr; /* and of those below it too ("rro", "rnosuid", ...) */
	struct {
		uint64_t type; /* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE */
		bool recursive;
	} propagation[BUNDLE_PROPAGATIONS_MAX]; /* in the order given */
	size_t n_propagation;
	bool copy_up; /* "tmpcopyup": a tmpfs starts with what the directory below it has */
	bool source_link,
		destination_link; /* "src-nofollow", "dest-nofollow": the symlink itself */
	bool has_mode; /* data says "mode=": else a tmpfs takes the mode of what it covers */
	enum bundle_idmap idmap;
	struct id_mappings maps; /* empty: those of the container's user namespace */
};

struct bundle_device {
	const char *key; /* "linux.devices[0]" */
	const char *path; /* absolute, in the container */
	mode_t mode; /* type (S_IFCHR, S_IFBLK, S_IFIFO) and permissions */
	unsigned major, minor;
	uid_t uid; /* ids of the container */
	gid_t gid;
};

struct bundle {
	const char *rootfs; /* absolute */
	bool read_only;
	bool no_pivot; /* MS_MOVE and chroot instead of pivot_root, for a root on an initramfs */
	bool terminal; /* there will be a /dev/console */
	uint64_t propagation; /* of the root mount ("rootfsPropagation"): MS_*; 0 = MS_PRIVATE... */
	bool propagation_recursive;
	bool private_user; /* a user namespace of its own or a joined one: no device nodes can be
			      made, the host's are bound */
	bool private_mounts; /* false: the mount namespace is a joined one */
	struct id_mappings maps; /* the container's user namespace; empty with the host's, or one
				    that is joined (then user_ns says which) */
	int user_ns; /* fd of a joined user namespace or -EBADF; borrowed */
	const char *mount_label; /* SELinux context for file systems that take one, or NULL */
	const struct bundle_mount *mounts;
	size_t n_mounts;
	const struct bundle_device *devices; /* besides the default ones */
	size_t n_devices;
	const char *const *masked; /* linux.maskedPaths */
	size_t n_masked;
	const char *const *read_only_paths;
	size_t n_read_only_paths;
};

/* Detached mounts, one fd each; -EBADF where the child makes its own. Inherited by the child. */
struct bundle_kit {
	int root;
	int *mounts; /* n_mounts; owned */
	int *devices; /* default ones, then n_devices; owned; only with private_user */
	size_t n_mounts, n_devices;
	int mask; /* a copy of the host's /dev/null, to cover files with (row 17) */
};
#define BUNDLE_KIT_INIT ((struct bundle_kit){ .root = -EBADF, .mask = -EBADF })
void bundle_kit_close(struct bundle_kit *k);

/* Errors name the mount: "mounts[2]: /srv/www: No such file or directory". */
int bundle_open(const struct bundle *b, struct bundle_kit *ret, struct err *e);

/* The child's view of its root while it works. */
struct bundle_root {
	int fd; /* O_PATH of the container's / */
	int proc; /* a procfs of the container's pid namespace, attached nowhere (or -EBADF where a
		     new one is refused, then the host's handle serves) */
	/* for the steps after: */
	bool on_top; /* it lies on the old root already, not at its own path */
	int mask; /* from the kit */
	bool selinux;
	int *read_only; /* mounts that become read-only when all below them is mounted */
	size_t n_read_only;
};
#define BUNDLE_ROOT_INIT ((struct bundle_root){ .fd = -EBADF, .proc = -EBADF, .mask = -EBADF })
int bundle_mount(const struct bundle *b, struct bundle_kit *k, struct bundle_root *ret,
		 struct err *e);
int bundle_pivot(const struct bundle *b, const struct bundle_root *root, struct err *e);
int bundle_console(const struct bundle *b, int *ret_master, int *ret_peer, struct err *e);
int bundle_seal(const struct bundle *b, const struct bundle_root *root, struct err *e);
void bundle_root_close(struct bundle_root *r);

/* Without a mount namespace of its own: the process's root is changed, nothing is mounted
 * (bundle_mount refuses a list that isn't empty). */

/* A user namespace that nobody is in, with these maps, for idmapped mounts and for joining. Return:
 * fd. */
int id_mappings_namespace(const struct id_mappings *maps, struct err *e);
/* Writes the maps of our child `pid`, and reads them back. For a writer without privileges
 * setgroups(2) is denied to the namespace, as the kernel wants it (user_namespaces(7)). */
int id_mappings_write(pid_t pid, const struct id_mappings *maps, struct err *e);
/* Host id of an inside id, or (uint32_t)-1. */
uint32_t id_mappings_to_host(const struct id_mapping *maps, size_t n, uint32_t inside);

#endif
