/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where below its own cgroup an instance keeps a process. systemd moves itself to init.scope, and
 * container engines move what they find out of the way, to hand controllers to their children (the
 * "no internal processes" rule of cgroups(7)).
 */
#include <fcntl.h>
#include <limits.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"

/* The path of the v2 tree out of proc(5)'s PID/cgroup. */
static const char *v2_path(char *text)
{
	char *line = strstr(text, "0::/");

	while (line && line != text && line[-1] != '\n')
		line = strstr(line + 1, "0::/");
	if (!line)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line + strlen("0::");
}

/*
 * What follows NAME/inside in the path, or NULL. The first NAME/inside is the one: what precedes it
 * is the host's, what follows the instance's.
 */
static const char *below_inside(const char *path, const struct jail_name *name)
{
	char inside[sizeof(name->s) + 16];
	const char *at;
	size_t n;

	if (str_format(inside, sizeof(inside), "/%s/inside", name->s) < 0)
		return NULL;
	n = strlen(inside);
	at = strstr(path, inside);
	while (at && at[n] != '/' && at[n] != '\0')
		at = strstr(at + 1, inside);
	return at ? at + n : NULL;
}

int cgroup_open_of(const struct cgroup_tree *t, const struct jail_name *name, pid_t pid,
		   struct err *e)
{
	CLEANUP_FD int inside = cgroup_open(t, name, e);
	const char *path, *rest;
	char file[64], text[8192];
	int fd;

	if (inside < 0)
		return inside;
	(void)str_format(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (file_peek_at(AT_FDCWD, file, text, sizeof(text)) < 0)
		return err_set(e, ESRCH, "read %s", file);
	path = v2_path(text);
	rest = path ? below_inside(path, name) : NULL;
	if (!rest || !rest[0])
		return TAKE_FD(inside);
	fd = path_open_beneath(inside, rest + 1, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? err_ret(e, fd, "open cgroup %s", path) : fd;
}
