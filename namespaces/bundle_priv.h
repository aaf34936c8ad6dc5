/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of an OCI container's root share. */
#ifndef JAIL_NAMESPACES_BUNDLE_PRIV_H
#define JAIL_NAMESPACES_BUNDLE_PRIV_H

#include <sys/stat.h>

#include "namespaces/bundle.h"

/* bundle_mount() at work. */
struct bundle_child {
	const struct bundle *b;
	struct bundle_kit *k;
	int root, proc; /* as in struct bundle_root; proc may be -EBADF */
	bool on_top;
	bool selinux; /* the kernel takes "context=" */
	int *late; /* for bundle_root.read_only; room for one for each mount */
	size_t n_late;
};

/* bundle_source.c: detached copies of the host's. Where the parent isn't privileged the child makes
 * them, with the same functions. `user_ns`: for id maps, of the container, or -EBADF. */
int bundle_source_root(const struct bundle *b, struct err *e);
int bundle_source_mount(const struct bundle *b, const struct bundle_mount *m, int user_ns,
			struct err *e);
/* A mount of the host in whose place the container can't have a new one; the flags of m, `attr` and
 * propagation as for others. */
int bundle_source_tree(const struct bundle *b, const struct bundle_mount *m, const char *path,
		       uint64_t attr, struct err *e);

/* bundle_dev_source.c: the host's node for one of the container's. */
#define BUNDLE_DEV_NODES 6 /* that every container has */
extern const struct bundle_device bundle_dev_nodes[BUNDLE_DEV_NODES]; /* the first: /dev/null */
/* The default ones, then those listed. */
const struct bundle_device *bundle_dev_at(const struct bundle *b, size_t i);
int bundle_dev_source(const struct bundle_device *d, struct err *e);
int bundle_dev_sources(const struct bundle *b, struct bundle_kit *k, struct err *e);

/* bundle_dev.c, child: nodes and links of /dev. */
int bundle_dev_apply(const struct bundle_child *c, struct err *e);

/* bundle_target.c, child. Each resolves inside the root, once; what is missing is made (rows 14,
 * 22). Return: O_PATH fd (of what was there: what has just been made may be open for reading). */
int bundle_target(const struct bundle_child *c, const struct bundle_mount *m, bool is_dir,
		  int source, struct err *e);
/* The path itself, also where it is a symlink; a file is made where there is nothing. */
int bundle_target_nofollow(int root, const char *path, bool is_dir, struct err *e);
/* What is mounted there is what was mounted (rows 15, 16): for proc and sysfs. */
int bundle_target_verify(const struct bundle_child *c, const struct bundle_mount *m, int mount,
			 struct err *e);

/* bundle_new.c, child: a new file system, detached. covered: what it will be mounted on. mode: for
 * a tmpfs, or -1. */
int bundle_new(const struct bundle_child *c, const struct bundle_mount *m, int mode, struct err *e);
bool bundle_is_tmpfs(const struct bundle_mount *m);
/* Mounted read-only from the start nothing could be made in it, as the mounts below it need. */
bool bundle_is_late(const struct bundle_mount *m);

#endif
