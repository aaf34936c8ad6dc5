/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_IMAGES_SNAPSHOT_PRIV_H
#define JAIL_IMAGES_SNAPSHOT_PRIV_H

#include "images/snapshot.h"

#define SNAPSHOT_FILE "snapshot.json"

/* 16 hex digits. */
bool snapshot_is_id(const char *text);
/* On what an open "upper" or "fs" stands. */
int snapshot_parent_read(int fd, struct snapshot_id *ret, struct err *e);
int snapshot_parent_set(int fd, const struct snapshot_id *parent, struct err *e);

#endif
