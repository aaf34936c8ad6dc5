/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an export goes: a file, which appears under its name when it is whole, a directory, stdout.
 */
#ifndef JAIL_CMD_OUTPUT_H
#define JAIL_CMD_OUTPUT_H

#include <limits.h>

#include "base/err.h"

struct output {
	const char *path; /* NULL: stdout */
	int fd; /* owned, but for stdout */
	bool is_directory, made; /* the directory is ours to remove */
	bool nameless; /* so far */
	char temporary[PATH_MAX]; /* "": it has none */
};
#define CLEANUP_OUTPUT CLEANUP(output_close)

/* path: NULL, "-": stdout, if that is no terminal. directories: "DIR/" is one that is not there
 * yet, or empty. */
int output_open(const char *path, bool directories, struct output *ret, struct err *e);
int output_keep(struct output *o, struct err *e);
/* What was not kept goes. */
void output_close(struct output *o);

#endif
