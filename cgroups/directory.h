/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One cgroup wherever somebody wants it: a path below the root of the visible v2 tree
 * ("/machine.slice/web.scope"), as container engines give it. Paths here are absolute and clean
 * (path_clean()), which the caller sees to. A cgroup is held by nothing, so it is known by path and
 * inode: the kernel never gives an inode number of the cgroup file system out twice.
 */
#ifndef JAIL_CGROUPS_DIRECTORY_H
#define JAIL_CGROUPS_DIRECTORY_H

#include <limits.h>

#include "cgroups/settings.h"

/*
 * Makes it and what lacks above it, each 0755 whatever the umask; those above hand down what
 * controllers they have. One that exists is used if nothing lives in it or below and it is not
 * frozen, else -EBUSY. *ret_made: the topmost that was made, `path` itself if it is the only one,
 * "" if all were there. Nothing is left on failure. Return: directory fd.
 */
int cgroup_directory_make(const char *path, char ret_made[static PATH_MAX], struct err *e);
/* What cgroup_directory_make() would say now, to be on record before it begins: if that is killed,
 * cgroup_directory_forget() removes what it has made, which is empty. */
int cgroup_directory_foresee(const char *path, char ret_made[static PATH_MAX], struct err *e);
int cgroup_directory_forget(const char *path, const char *made, struct err *e);
/* `inode`: or 0 for any. Return: directory fd; -ENOENT (*e set) when it is gone or another is in
 * its place. */
int cgroup_directory_open(const char *path, uint64_t inode, struct err *e);
/* Kills what is there, waits, removes it with all below it, and those above it up to `made` that
 * are empty. One that is gone, or another in its place, is left alone: success. */
int cgroup_directory_destroy(const char *path, uint64_t inode, const char *made, unsigned wait_ms,
			     struct err *e);
/*
 * Writes all settings or none. A controller that is not there is asked for from the cgroups above;
 * where it can't be had, the error says why (-EOPNOTSUPP). *ret_undo: as cgroup_settings_apply().
 */
int cgroup_directory_apply(int dir, const char *path, struct cgroup_settings *settings,
			   struct cgroup_undo **ret_undo, struct err *e);
/* Where processes see themselves in it: the mount point of the tree and the path. For messages. */
int cgroup_directory_name(const char *path, char *ret, size_t n, struct err *e);

/* On an open one; `name` is for messages. */

/* Lets a user manage what lies below: the directory and the files that cgroups(7) "Delegating a
 * hierarchy" names become his (row 27: these and no others). (gid_t)-1: the group stays. Return: 0
 * or -errno. */
int cgroup_directory_give(int dir, uid_t uid, gid_t gid);
/* Freezes or thaws and waits for cgroup.events to say so, bounded by wait_ms; a freeze that is not
 * done by then is taken back. */
int cgroup_directory_freeze(int dir, const char *name, bool frozen, unsigned wait_ms,
			    struct err *e);
/* 1 frozen, 0 not, -ENODEV or -ENOENT: gone. */
int cgroup_directory_is_frozen(int dir);
/* 1 something lives in it or below, 0 not, -ENODEV or -ENOENT: gone. */
int cgroup_directory_is_populated(int dir);
/*
 * Waits until memory.events counts more than *kills processes that the out-of-memory killer took
 * (1; *kills is the number then), nothing lives in the cgroup or it is gone (0), or timeout_ms (-1:
 * none) are over (-ETIMEDOUT, *e not set). Without a memory controller there are no kills.
 */
int cgroup_directory_wait_oom(int dir, const char *name, int timeout_ms, uint64_t *kills,
			      struct err *e);
/* To every process in it and below, also those that are forked meanwhile; SIGKILL by cgroup.kill,
 * which nothing outruns. None is fine. */
int cgroup_directory_signal(int dir, const char *name, int signal, struct err *e);
/* All pids in it and below, sorted; *ret owned by the caller. */
int cgroup_directory_pids(int dir, const char *name, pid_t **ret, size_t *ret_n, struct err *e);

#endif
