/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command that was killed has left in files: file_write_at() beside the file, a rename in
 * the spec. Those of the image store are its own gc's. */
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

/* Of one that is up its next start does it. */
static void name_of(struct gc *g, const struct jail_name *name)
{
	CLEANUP_FD int dir = -EBADF, lock = gc_lock_if_down(g, name, &dir);
	struct err why = ERR_INIT;
	int r = lock < 0 ? 0 : spec_follow_name(dir, name, &why);

	if (r < 0) {
		(void)err_wrap(&why, "%s", name->s);
		gc_note_failure(g, &why);
	}
	g->report->files += r > 0;
}

int gc_files(struct gc *g, struct err *e)
{
	const struct jail *j = g->j;
	int r;

	for (size_t i = 0; i < g->n_known; i++)
		name_of(g, &g->known[i].name);
	files_in(g, j->state, ".");
	files_in(g, j->state, "networks");
	files_in(g, j->run, "seccomp");
	r = files_below(g, j->state, "instances", e);
	if (r >= 0)
		r = files_below(g, j->state, "volumes", e);
	return r < 0 ? r : gc_each_entry(j->run_instances, files_in, g, e);
}
