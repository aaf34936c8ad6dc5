/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What file_write_at() of somebody who was killed has left beside the file. Those of the image
 * store are its own gc's. */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "runtime/gc_priv.h"

/* A directory that is not there, or goes at this moment, has none. */
static void files_in(struct gc *g, int parent, const char *name)
{
	CLEANUP_FD int dir = path_open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0);
	struct err why = ERR_INIT;
	int n = dir < 0 ? 0 : file_remove_unfinished(dir, &why);

	if (n >= 0)
		g->report->files += (size_t)n;
	else
		gc_note_failure(g, &why);
}

static int files_below(struct gc *g, int parent, const char *name, struct err *e)
{
	CLEANUP_FD int dir = path_open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0);

	return dir < 0 ? 0 : gc_each_entry(dir, files_in, g, e);
}

int gc_files(struct gc *g, struct err *e)
{
	const struct jail *j = g->j;
	int r;

	files_in(g, j->state, ".");
	files_in(g, j->state, "networks");
	files_in(g, j->run, "seccomp");
	r = files_below(g, j->state, "instances", e);
	if (r >= 0)
		r = files_below(g, j->state, "volumes", e);
	return r < 0 ? r : gc_each_entry(j->run_instances, files_in, g, e);
}
