/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_IMAGES_SNAPSHOT_PRIV_H
#define JAIL_IMAGES_SNAPSHOT_PRIV_H

#include "images/snapshot.h"

#define SNAPSHOT_FILE "snapshot.json"
#define SNAPSHOT_LINKS "links" /* of a copy that is being made */

/* 16 hex digits. */
bool snapshot_is_id(const char *text);
/* On what an open "upper" or "fs" stands. */
int snapshot_parent_read(int fd, struct snapshot_id *ret, struct err *e);
int snapshot_parent_set(int fd, const struct snapshot_id *parent, struct err *e);
/* snapshot.json in an open ID/: the snapshot has a name from now on. */
int snapshot_record_write(int entry, const struct snapshot *what, struct err *e);
/* A directory of its own below s->dir, of no meaning yet. Return: fd. */
int snapshot_entry_make(const struct snapshots *s, struct snapshot_id *ret, struct err *e);
/* The same with an empty "fs" that stands on `parent`; NULL: on itself, which is unfinished. */
int snapshot_entry_make_fs(const struct snapshots *s, const struct snapshot_id *parent,
			   struct snapshot_id *ret, struct err *e);
#endif
