/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup that somebody else made and handed to us (systemd's delegated cgroup of a unit), as a
 * place for an instance's tree: PLACE/NAME and PLACE/NAME/inside instead of ROOT/jail/NAME. A place
 * is held by nothing, so it is known by path and inode: the kernel never gives an inode number of
 * the cgroup file system out twice, so "is there" is a fact, not a guess.
 */
#ifndef JAIL_CGROUPS_PLACE_H
#define JAIL_CGROUPS_PLACE_H

#include "cgroups/cgroup.h"

struct cgroup_place {
	uint64_t inode;
	char path[224]; /* below the root of the v2 tree, begins with '/' */
};

/* Where the calling process is. -EOPNOTSUPP when the v2 tree has no controllers of its own (hybrid
 * host) or we are in its root. */
int cgroup_place_self(struct cgroup_place *ret, struct err *e);
/* Path as of /proc/PID/cgroup. Return: 0 or -errno. */
int cgroup_path_of(pid_t pid, char *ret, size_t n);
/* It still exists and is the same. */
bool cgroup_place_is_there(const struct cgroup_place *p);
/* Opens it as a tree. -ENOENT: it is gone. */
int cgroup_place_open(const struct cgroup_place *p, struct cgroup_tree *ret, struct err *e);
/* Moves the calling process to PLACE/.monitor, so that PLACE has no process of its own, and hands
 * its controllers down. Fills in t->controllers. */
int cgroup_place_enter(struct cgroup_tree *t, struct err *e);

#endif
