/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/jail/output.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/str.h"

static int open_directory(struct output *o, struct err *e)
{
	CLEANUP_DIR DIR *d = NULL;
	struct dirent *ent;

	o->made = mkdir(o->path, 0755) == 0;
	if (!o->made && errno != EEXIST)
		return err_sys(e, "make directory %s", o->path);
	o->fd = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->fd < 0)
		return err_sys(e, "open %s", o->path);
	d = dir_open(o->fd);
	if (!d)
		return err_sys(e, "read %s", o->path);
	while ((ent = readdir(d)))
		if (!str_eq(ent->d_name, ".") && !str_eq(ent->d_name, ".."))
			return err_set(e, ENOTEMPTY, "%s is not empty", o->path);
	return 0;
}

static int open_file(struct output *o, struct err *e)
{
	struct stat st;

	/* A device, a pipe: there is nothing to put in its place. */
	if (stat(o->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode))
			return err_set(e, EISDIR, "%s is a directory", o->path);
		o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return o->fd < 0 ? err_sys(e, "open %s", o->path) : 0;
	}
	if (str_format(o->temporary, sizeof(o->temporary), "%s.XXXXXX", o->path) < 0)
		return err_set(e, ENAMETOOLONG, "%s: the name is too long", o->path);
	o->fd = mkostemp(o->temporary, O_CLOEXEC);
	if (o->fd < 0) {
		o->temporary[0] = '\0';
		return err_sys(e, "make %s", o->path);
	}
	return 0;
}

int output_open(const char *path, bool directories, struct output *ret, struct err *e)
{
	*ret = (struct output){ .path = path, .fd = -EBADF };
	if (!path || str_eq(path, "-")) {
		ret->path = NULL;
		if (isatty(STDOUT_FILENO)) {
			(void)err_set(e, EINVAL, "stdout is a terminal");
			return err_hint(e, "name a file with --output FILE, or redirect stdout");
		}
		ret->fd = STDOUT_FILENO;
		return 0;
	}
	ret->is_directory = directories && *path && path[strlen(path) - 1] == '/';
	if (ret->is_directory)
		return open_directory(ret, e);
	if (open_file(ret, e) >= 0)
		return 0;
	return directories && e->code == EISDIR
		       ? err_hint(e, "write a directory with: --output %s/", path)
		       : -e->code;
}

int output_keep(struct output *o, struct err *e)
{
	if (!o->temporary[0])
		return 0;
	if (fsync(o->fd) < 0)
		return err_sys(e, "write %s to disk", o->path);
	if (rename(o->temporary, o->path) < 0)
		return err_sys(e, "rename to %s", o->path);
	o->temporary[0] = '\0';
	return 0;
}

void output_close(struct output *o)
{
	if (o->temporary[0])
		(void)unlink(o->temporary);
	if (o->path)
		fd_reset(&o->fd);
}
