/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory and all in it, again in a tmpfs that covers it: owners, modes, times, extended
 * attributes, links, devices. Other mounts below it stay behind; hard links become files of their
 * own; at most 262,144 entries and 64 levels.
 */
#ifndef JAIL_NAMESPACES_BUNDLE_COPY_H
#define JAIL_NAMESPACES_BUNDLE_COPY_H

#include "base/err.h"

/* From one held directory to another (row 48). The umask is 0. keep_mode: the root's is as it
 * was. */
int bundle_copy_up(int from, int to, bool keep_mode, struct err *e);

#endif
