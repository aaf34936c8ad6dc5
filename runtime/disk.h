/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance's disk, between its spec (resources.disk, volatile) and images/disk.h. All functions
 * take the instance's directory; for one without an image they do nothing.
 */
#ifndef JAIL_RUNTIME_DISK_H
#define JAIL_RUNTIME_DISK_H

#include "images/disk.h"
#include "runtime/engine_priv.h"

/* At create: makes what the start will need. -EOPNOTSUPP: the host can't hold the limits, and the
 * text says what is missing. What was begun lies in the directory. */
int instance_disk_make(struct jail *j, const struct jail_spec *spec, const struct meta *meta,
		       int dir, bool durable, struct err *e);
/* Room for another image, of an instance that is down: mount points for its layers; unless `keep`,
 * in place of what the instance has written there is nothing. `gone`: an empty directory on the
 * same file system that takes what the caller is to remove. */
int instance_disk_rebuild(const struct jail_spec *spec, const struct meta *meta, int dir, bool keep,
			  int gone, struct err *e);
/* The id of its project, or 0; and giving that back, when its files are gone. */
uint32_t instance_disk_project(int dir);
int instance_disk_release(struct jail *j, const struct jail_name *owner, uint32_t project,
			  struct err *e);
/*
 * At start: what holds "upper", "work" and "l". Return: fd of a detached mount; -EBADF without *e:
 * the directory itself.
 */
int instance_disk_open(const struct jail_spec *spec, const struct meta *meta, int dir,
		       struct err *e);
/* What holds "upper" between runs, or, when `up`, during one. Return: fd, which may
 * be O_PATH. */
int instance_disk_reach(const struct jail_spec *spec, int dir, bool up, struct err *e);
/* When all is mounted, before the program runs: the limits are what the spec says. */
int instance_disk_hold(const struct jail_spec *spec, int dir, struct err *e);
/* At the end of a run, when nothing of it is left. Failure is a warning. */
void instance_disk_close(const struct jail_name *name, int dir);

/* Limits for one that has none and is down (disk_add.c): a disk with all its files in the directory
 * `into`; and, when that is committed, the moves into place. gone: an empty directory on the same
 * file system that takes what the caller is to remove. */
#define DISK_ADDED "disk"
int instance_disk_add(const struct jail_spec *to, const struct meta *meta, int dir, int into,
		      struct err *e);
int instance_disk_added(int dir, int from, int gone, struct err *e);

bool instance_disk_differs(const struct jail_spec *a, const struct jail_spec *b);
/* Whether this change can't be made while the instance is up. */
bool instance_disk_needs_restart(const struct jail_spec *from, const struct jail_spec *to, int dir);
/* From one spec's limits to another's; `up` as of disk_image_resize(). */
int instance_disk_change(const struct jail_spec *from, const struct jail_spec *to, int dir, bool up,
			 struct err *e);

/* What is in use, where that is known. pid, root_device: of the running instance (struct
 * run_state), or 0. */
void instance_disk_look(int dir, pid_t pid, uint64_t root_device, struct instance_disk *ret);
/* docs/json.md, "disk"; NULL: null. */
void instance_disk_to_json(struct json_out *o, const struct instance_disk *d);

#endif
