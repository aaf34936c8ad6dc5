/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file has no name until it is whole, so that nothing is left of an export that is killed. Where
 * the file system can't do that it has another name until then.
 */
#include "cmd/jail/output.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/str.h"

#define NAME_ATTEMPTS 16

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

/* Return: fd; -EOPNOTSUPP: there are no such files here. */
static int open_nameless(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int fd;

	if (str_format(dir, sizeof(dir), "%.*s.", slash ? (int)(slash - path) + 1 : 0, path) < 0)
		return err_set(e, ENAMETOOLONG, "%s: the name is too long", path);
	fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		return -EOPNOTSUPP;
	return fd < 0 ? err_sys(e, "make %s", path) : fd;
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
	o->fd = open_nameless(o->path, e);
	o->nameless = o->fd >= 0;
	if (o->fd != -EOPNOTSUPP)
		return o->fd < 0 ? o->fd : 0;
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

static int link_as(const struct output *o, const char *path)
{
	char fd[32];

	(void)str_format(fd, sizeof(fd), "/proc/self/fd/%d", o->fd);
	return linkat(AT_FDCWD, fd, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* 1: it has its name. 0: there is a file of that name, and ours has a temporary one beside it. */
static int give_name(struct output *o, struct err *e)
{
	int r = link_as(o, o->path);

	if (r == 0)
		return 1;
	for (int i = 0; i < NAME_ATTEMPTS && r == -EEXIST; i++) {
		char name[PATH_MAX];
		uint32_t number;

		if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
			return err_sys(e, "random number");
		r = str_format(name, sizeof(name), "%s.%08x", o->path, number);
		if (r < 0 || (r = link_as(o, name)) < 0)
			continue;
		memcpy(o->temporary, name, sizeof(name));
		return 0;
	}
	return err_ret(e, r, "give %s its name", o->path);
}

int output_keep(struct output *o, struct err *e)
{
	int r = 0;

	if (!o->temporary[0] && !o->nameless)
		return 0;
	if (fsync(o->fd) < 0)
		return err_sys(e, "write %s to disk", o->path);
	if (o->nameless)
		r = give_name(o, e);
	if (r != 0)
		return r < 0 ? r : 0;
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
