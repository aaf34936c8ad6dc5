/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of a cgroup by its path. Controllers go by their names here: an OCI configuration may use
 * one that jail's own instances don't have (rdma, misc, whatever comes), which is enabled on the
 * way down only when it is needed.
 */
#include <fcntl.h>
#include <limits.h>

#include "base/file.h"
#include "base/path.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/directory.h"

/* "memory" of "memory.max"; what belongs to no controller is "cgroup". */
static void controller_of(const char *file, char ret[static CGROUP_FILE_MAX])
{
	(void)snprintf(ret, CGROUP_FILE_MAX, "%.*s", (int)strcspn(file, "."), file);
}

/* Whether a file such as cgroup.controllers lists the name. */
static bool is_listed(int dir, const char *file, const char *name)
{
	char text[1024];
	size_t n = strlen(name);

	if (file_peek_at(dir, file, text, sizeof(text)) < 0)
		return false;
	for (const char *p = text; *p; p += strspn(p, " ")) {
		size_t word = strcspn(p, " ");

		if (word == n && memcmp(p, name, n) == 0)
			return true;
		p += word;
	}
	return false;
}

/* Has every cgroup above `path` hand the controller down, as far as they can. */
static void ask_above(int root, const char *path, const char *name)
{
	CLEANUP_FD int dir = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *at = path;
	char add[CGROUP_FILE_MAX + 1];

	(void)snprintf(add, sizeof(add), "+%s", name);
	while (dir >= 0 && (at = strchr(at, '/'))) {
		char above[PATH_MAX];

		if (at > path) {
			(void)snprintf(above, sizeof(above), "%.*s", (int)(at - path - 1),
				       path + 1);
			fd_reset(&dir);
			dir = path_open_beneath(root, above, O_RDONLY | O_DIRECTORY, 0);
		}
		at++;
		if (dir >= 0 && is_listed(dir, "cgroup.controllers", name) &&
		    !is_listed(dir, "cgroup.subtree_control", name) && !cgroup_has_processes(dir))
			(void)file_poke_at(dir, "cgroup.subtree_control", add, strlen(add));
	}
}

/* Why it is not there. */
static int missing(int dir, const struct cgroup_tree *t, const char *path,
		   const struct cgroup_setting *s, struct err *e)
{
	CLEANUP_FD int above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[PATH_MAX + sizeof(t->path)];

	(void)snprintf(name, sizeof(name), "%s%.*s", t->path, (int)(strrchr(path, '/') - path),
		       path);
	return cgroup_missing(above, name, s->key, s->controller, e);
}

static int check_controllers(int dir, const char *path, const struct cgroup_settings *settings,
			     struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = cgroup_find_root(&t, e);

	if (root < 0)
		return TAKE_FD(root);
	for (size_t i = 0; i < settings->n; i++) {
		const struct cgroup_setting *s = &settings->v[i];
		char name[CGROUP_FILE_MAX];

		controller_of(s->file, name);
		if (str_eq(name, "cgroup") || is_listed(dir, "cgroup.controllers", name) ||
		    faccessat(dir, s->file, F_OK, 0) == 0)
			continue;
		ask_above(root, path, name);
		/* One without a bit: what lacks is found when its file is opened. */
		if (s->controller && !is_listed(dir, "cgroup.controllers", name))
			return missing(dir, &t, path, s, e);
	}
	return 0;
}

int cgroup_directory_apply(int dir, const char *path, struct cgroup_settings *settings,
			   struct cgroup_undo **ret_undo, struct err *e)
{
	int r;

	*ret_undo = NULL;
	if (settings->n == 0)
		return 0;
	r = check_controllers(dir, path, settings, e);
	if (r < 0)
		return r;
	r = cgroup_settings_order(dir, settings, e);
	return r < 0 ? r : cgroup_settings_apply(dir, settings, ret_undo, e);
}
