/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and removing a cgroup by its path. Others make and remove in the same tree at the same
 * time, and a parent that is empty may go between two steps of ours: then it is done anew.
 */
#include "cgroups/directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "cgroups/cgroup_priv.h"

#define MAKE_ROUNDS 16

/* Opens NAME in dir, made if it is not there. Return: fd or -errno. */
static int open_or_make(int dir, const char *name, bool *ret_made)
{
	int fd = path_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0), r;

	if (fd != -ENOENT)
		return fd;
	r = cgroup_mkdir(dir, name);
	if (r < 0 && r != -EEXIST)
		return r;
	*ret_made |= r == 0;
	return path_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
}

/* Walks down from the root. What was made is in ret_made also on failure. */
static int make_path(int root, const char *path, char ret_made[static PATH_MAX])
{
	CLEANUP_FD int dir = -EBADF;
	const char *name = path + 1;

	if (cgroup_evacuate(root) == 0)
		(void)cgroup_hand_down(root);
	for (;;) {
		size_t n = strcspn(name, "/");
		char one[NAME_MAX + 1];
		bool made = false;
		int child;

		if (str_format(one, sizeof(one), "%.*s", (int)n, name) < 0)
			return -ENAMETOOLONG;
		child = open_or_make(dir < 0 ? root : dir, one, &made);
		if (made && !ret_made[0])
			(void)snprintf(ret_made, PATH_MAX, "%.*s", (int)(name + n - path), path);
		fd_reset(&dir);
		if (child < 0 || !name[n])
			return child;
		dir = child;
		(void)cgroup_hand_down(dir);
		name += n + 1;
	}
}

/* Removes those above `path`, up to `made`, as far as they are empty. */
static void prune_above(int root, const char *path, const char *made)
{
	char at[PATH_MAX];
	size_t stop = strlen(made);
	char *end;

	(void)snprintf(at, sizeof(at), "%s", path);
	while (stop > 0 && (end = strrchr(at, '/'))) {
		*end = '\0';
		if (strlen(at) < stop ||
		    (unlinkat(root, at + 1, AT_REMOVEDIR) < 0 && errno != ENOENT))
			return;
	}
}

/* Something else's processes would get our limits, and a frozen one would never start ours. */
static int check_free(int dir, const char *mount, const char *path, struct err *e)
{
	int populated = cgroup_event(dir, "populated"), frozen = cgroup_event(dir, "frozen");

	if (populated < 0 || frozen < 0)
		return err_ret(e, populated < 0 ? populated : frozen, "read %s%s/cgroup.events",
			       mount, path);
	if (populated) {
		(void)err_set(e, EBUSY, "cgroup %s%s: processes live in it", mount, path);
		return err_hint(e, "end them, or use another cgroup");
	}
	if (frozen) {
		(void)err_set(e, EBUSY, "cgroup %s%s is frozen, or one above it is", mount, path);
		return err_hint(e, "echo 0 > %s%s/cgroup.freeze", mount, path);
	}
	return 0;
}

int cgroup_directory_make(const char *path, char ret_made[static PATH_MAX], struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = cgroup_find_root(&t, e), dir = -ENOENT;
	char made[PATH_MAX] = "";
	int r = 0;

	if (root < 0)
		return TAKE_FD(root);
	if (str_eq(path, "/"))
		return err_set(e, EINVAL, "cgroup %s: the root is nobody's own", t.path);
	for (int round = 0; round < MAKE_ROUNDS && (dir == -ENOENT || dir == -ENODEV); round++)
		dir = make_path(root, path, made);
	if (dir < 0)
		r = err_ret(e, dir, "make cgroup %s%s", t.path, path);
	else
		r = check_free(dir, t.path, path, e);
	if (r < 0) {
		if (made[0])
			(void)unlinkat(root, path + 1, AT_REMOVEDIR);
		prune_above(root, path, made);
		return r;
	}
	memcpy(ret_made, made, sizeof(made));
	return TAKE_FD(dir);
}

int cgroup_directory_foresee(const char *path, char ret_made[static PATH_MAX], struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = cgroup_find_root(&t, e);
	const char *end = path;

	if (root < 0)
		return TAKE_FD(root);
	ret_made[0] = '\0';
	while (*end && !ret_made[0]) {
		end += 1 + strcspn(end + 1, "/");
		(void)snprintf(ret_made, PATH_MAX, "%.*s", (int)(end - path), path);
		if (faccessat(root, ret_made + 1, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			ret_made[0] = '\0';
		else if (errno != ENOENT)
			return err_sys(e, "look at cgroup %s%s", t.path, ret_made);
	}
	return 0;
}

int cgroup_directory_forget(const char *path, const char *made, struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = -EBADF;

	if (!made[0])
		return 0;
	root = cgroup_find_root(&t, e);
	if (root < 0)
		return TAKE_FD(root);
	/* Not empty: somebody else's, who made it meanwhile. */
	if (unlinkat(root, path + 1, AT_REMOVEDIR) == 0 || errno == ENOENT)
		prune_above(root, path, made);
	return 0;
}

int cgroup_directory_open(const char *path, uint64_t inode, struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = cgroup_find_root(&t, e), dir = -EBADF;
	struct stat st;

	if (root < 0)
		return TAKE_FD(root);
	dir = path_open_beneath(root, path + 1, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return err_ret(e, TAKE_FD(dir), "open cgroup %s%s", t.path, path);
	if (fstat(dir, &st) < 0)
		return err_sys(e, "look at cgroup %s%s", t.path, path);
	if (inode && st.st_ino != inode)
		return err_set(e, ENOENT, "cgroup %s%s is another one by now", t.path, path);
	return TAKE_FD(dir);
}

int cgroup_directory_destroy(const char *path, uint64_t inode, const char *made, unsigned wait_ms,
			     struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = cgroup_find_root(&t, e), dir = -EBADF;
	struct err gone = ERR_INIT;
	int r;

	if (root < 0)
		return TAKE_FD(root);
	dir = cgroup_directory_open(path, inode, &gone);
	if (dir >= 0) {
		r = cgroup_rmdir(root, path + 1);
		if (r == -EBUSY)
			r = cgroup_end(root, path + 1, wait_ms);
	} else if (dir == -ENOENT) {
		r = 0;
	} else {
		*e = gone;
		return TAKE_FD(dir);
	}
	if (r == -ETIMEDOUT) {
		(void)err_set(e, ETIMEDOUT, "end cgroup %s%s: processes outlived SIGKILL for %u ms",
			      t.path, path, wait_ms);
		return err_hint(e, "a process in state D waits for a device; try again later");
	}
	if (r < 0)
		return err_ret(e, r, "remove cgroup %s%s", t.path, path);
	prune_above(root, path, made);
	return 0;
}

int cgroup_directory_name(const char *path, char *ret, size_t n, struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = cgroup_find_root(&t, e);

	if (root < 0)
		return TAKE_FD(root);
	return str_format(ret, n, "%s%s", t.path, path) < 0
		       ? err_set(e, ENAMETOOLONG, "cgroup %s%s: path too long", t.path, path)
		       : 0;
}

int cgroup_directory_give(int dir, uid_t uid, gid_t gid)
{
	static const char *const owned[] = { "", "cgroup.procs", "cgroup.subtree_control",
					     "cgroup.threads" };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++) {
		if (fchownat(dir, owned[i], uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	}
	return 0;
}
