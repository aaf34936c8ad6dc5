/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `image import` and `image pull` have in common: options, progress, result. */
#ifndef JAIL_CMD_IMAGE_PROGRESS_H
#define JAIL_CMD_IMAGE_PROGRESS_H

#include "cmd/jail/verbs.h"

/* One line on stderr that is written over itself: how much, how fast, and how long it will take
 * where the end is known. */
struct image_progress {
	bool shown; /* stderr is a terminal */
	uint64_t next_ms; /* when to draw again */
	enum import_phase phase;
	uint64_t began_ms; /* the phase */
};
import_progress_fn image_progress_show; /* arg: struct image_progress */
/* Removes the line. */
void image_progress_end(const struct image_progress *p);

/* Fills in what both need. */
int image_import_request(struct cli *c, const char *name, const char *platform,
			 struct import_request *ret, struct err *e);
/* What was imported: a line for each name, or JSON. */
int image_import_print(const struct imported_list *list, bool json, bool quiet, struct err *e);

#endif
