/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees in a cgroup that was delegated to us. */
#include "cgroups/place.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "cgroups/cgroup_priv.h"

/* "0::/PATH" among the lines; with v1 hierarchies there are others. */
int cgroup_path_of(pid_t pid, char *ret, size_t n)
{
	char file[64], text[4096], *line = text, *next;
	ssize_t r;

	(void)str_format(file, sizeof(file), "/proc/%d/cgroup", pid);
	r = file_peek_at(AT_FDCWD, file, text, sizeof(text));
	if (r < 0)
		return (int)r;
	for (; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (str_starts(line, "0::/"))
			return str_format(ret, n, "%s", line + 3) < 0 ? -ENAMETOOLONG : 0;
	}
	return -ENOENT;
}

static int place_dir(const struct cgroup_place *p, struct cgroup_tree *t, struct err *e)
{
	CLEANUP_FD int root = cgroup_find_root(t, e);
	int dir;

	if (root < 0)
		return TAKE_FD(root);
	dir = path_open_beneath(root, p->path + 1, O_RDONLY | O_DIRECTORY, 0);
	return dir < 0 ? err_ret(e, dir, "open cgroup %s%s", t->path, p->path) : dir;
}

int cgroup_place_self(struct cgroup_place *ret, struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	struct cgroup_place p = { .inode = 0 };
	CLEANUP_FD int dir = -EBADF;
	struct stat st;
	int r = cgroup_path_of(getpid(), p.path, sizeof(p.path));

	if (r < 0)
		return err_ret(e, r, "find the cgroup of this process");
	if (str_eq(p.path, "/"))
		return err_set(e, EOPNOTSUPP, "this process is in the root cgroup");
	dir = place_dir(&p, &t, e);
	if (dir < 0)
		return TAKE_FD(dir);
	if (fstat(dir, &st) < 0)
		return err_sys(e, "look at cgroup %s", p.path);
	p.inode = st.st_ino;
	*ret = p;
	return 0;
}

bool cgroup_place_is_there(const struct cgroup_place *p)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = place_dir(p, &t, &ignored);
	struct stat st;

	return dir >= 0 && fstat(dir, &st) == 0 && st.st_ino == p->inode;
}

int cgroup_place_open(const struct cgroup_place *p, struct cgroup_tree *ret, struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int dir = place_dir(p, &t, e);
	struct stat st;
	size_t n = strlen(t.path);
	int r;

	if (dir < 0)
		return TAKE_FD(dir);
	if (fstat(dir, &st) < 0)
		return err_sys(e, "look at cgroup %s%s", t.path, p->path);
	if (st.st_ino != p->inode)
		return err_set(e, ENOENT, "cgroup %s%s is another one by now", t.path, p->path);
	r = cgroup_read_controllers(dir, "cgroup.subtree_control", &t.controllers);
	if (r < 0)
		return err_ret(e, r, "read %s%s/cgroup.subtree_control", t.path, p->path);
	if (str_format(t.path + n, sizeof(t.path) - n, "%s", p->path) < 0)
		return err_set(e, ENAMETOOLONG, "cgroup %s%s: path too long", t.path, p->path);
	t.root_fd = TAKE_FD(dir);
	*ret = t;
	return 0;
}

int cgroup_place_enter(struct cgroup_tree *t, struct err *e)
{
	CLEANUP_FD int monitor = cgroup_monitor_fd(t, e);
	int r;

	if (monitor < 0)
		return TAKE_FD(monitor);
	r = file_poke_at(monitor, "cgroup.procs", "0", 1);
	if (r < 0)
		return err_ret(e, r, "move into cgroup %s/" CGROUP_MONITOR, t->path);
	t->controllers = cgroup_hand_down(t->root_fd);
	return 0;
}
