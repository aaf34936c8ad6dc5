/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What says that an instance is up under systemd; see unit.h. */
#include "runtime/unit.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/num.h"

int unit_place_write(int run, const struct cgroup_place *p, struct err *e)
{
	char text[sizeof(p->path) + 32];
	int n = str_format(text, sizeof(text), "%llu %s\n", (unsigned long long)p->inode, p->path);

	return n < 0 ? err_ret(e, n, "record the unit's cgroup")
		     : file_write_at(run, "unit", text, (size_t)n, 0600, FILE_NOSYNC, e);
}

int unit_place_read(int run, struct cgroup_place *ret, struct err *e)
{
	struct cgroup_place p = { .inode = 0 };
	struct err why = ERR_INIT;
	CLEANUP_FREE char *text = NULL;
	char *space;
	size_t n;
	int r = file_read_at(run, "unit", sizeof(p.path) + 32, &text, &n, &why);

	if (r == -ENOENT)
		return r;
	if (r < 0) {
		*e = why;
		return r;
	}
	text[strcspn(text, "\n")] = '\0';
	space = strchr(text, ' ');
	if (space)
		*space++ = '\0';
	if (!space || num_parse_u64(text, 1, UINT64_MAX, &p.inode, &why) < 0 || space[0] != '/' ||
	    str_format(p.path, sizeof(p.path), "%s", space) < 0)
		return err_set(e, EBADMSG, "the file \"unit\" is damaged");
	*ret = p;
	return 0;
}

bool unit_is_up(int run)
{
	struct err ignored = ERR_INIT;
	struct cgroup_place p;

	return unit_place_read(run, &p, &ignored) >= 0 && cgroup_place_is_there(&p);
}

/* "NSpid:\tHOST\t1": one pid namespace below ours, and the first process of it. */
static bool is_first_process(pid_t pid)
{
	char file[64], text[8192], want[64];
	const char *line;

	(void)str_format(file, sizeof(file), "/proc/%d/status", pid);
	(void)str_format(want, sizeof(want), "\nNSpid:\t%d\t1\n", pid);
	if (file_peek_at(AT_FDCWD, file, text, sizeof(text)) < 0)
		return false;
	line = strstr(text, want);
	return line != NULL;
}

bool unit_owns_init(int run, const struct jail_name *name, pid_t pid)
{
	char path[4096], below[sizeof(((struct cgroup_place *)NULL)->path) + LIMIT_NAME_LEN + 16];
	struct err ignored = ERR_INIT;
	struct cgroup_place p;

	if (unit_place_read(run, &p, &ignored) < 0 || cgroup_path_of(pid, path, sizeof(path)) < 0)
		return false;
	(void)str_format(below, sizeof(below), "%s/%s/inside", p.path, name->s);
	return str_starts(path, below) && is_first_process(pid);
}

void unit_mark_stopping(int run)
{
	CLEANUP_FD int fd =
		openat(run, "stopping", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	(void)fd;
}

bool unit_is_stopping(int run)
{
	return faccessat(run, "stopping", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
