/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding lxcfs. The mount table says whether it is there without asking it anything: a directory
 * of that name without the mount is one that waits for the service, and one that hangs must not be
 * touched by those who have it switched off.
 */
#include "runtime/lxcfs.h"

#include <fcntl.h>

#include "base/fd.h"
#include "runtime/engine_priv.h"

#define MOUNTS_MAX (16u << 20)

/* A line of proc(5)'s mounts: "SOURCE POINT TYPE OPTIONS 0 0". */
static bool is_lxcfs(const char *line, const char *dir)
{
	const char *point = line + strcspn(line, " \n");
	size_t n;

	if (*point != ' ')
		return false;
	point++;
	n = strcspn(point, " \n");
	return n == strlen(dir) && memcmp(point, dir, n) == 0 &&
	       str_starts(point + n, " fuse.lxcfs ");
}

int lxcfs_find(const struct jail_config *c, unsigned *ret_views, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int fd = -EBADF;
	bool found = false;
	size_t n = 0;
	int r;

	if (!c->lxcfs_dir[0])
		return 0;
	fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open /proc/self/mounts");
	r = fd_read_all(fd, MOUNTS_MAX, &text, &n);
	if (r < 0)
		return err_ret(e, r, "read /proc/self/mounts");
	for (const char *line = text; *line && !found;) {
		size_t length = strcspn(line, "\n");

		found = is_lxcfs(line, c->lxcfs_dir);
		line += length + (line[length] == '\n');
	}
	if (!found)
		return 0;
	r = rootfs_views_probe(c->lxcfs_dir, ret_views, e);
	if (r < 0)
		return err_wrap(e, "lxcfs");
	return 1;
}

void lxcfs_use(const struct jail_config *c, struct rootfs_spec *root)
{
	struct err e = ERR_INIT;
	int r = lxcfs_find(c, &root->views, &e);

	if (r < 0)
		warn("%s: the instance sees the host's memory, CPUs and uptime", e.text);
	root->views_dir = r == 1 ? c->lxcfs_dir : NULL;
}

static int refresh(struct jail *j, const struct jail_name *name, struct err *e)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	unsigned views = 0;
	int rc = lxcfs_find(&j->config, &views, e);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		err_set(e, ENOENT, "lxcfs is not mounted%s%s", j->config.lxcfs_dir[0] ? " at " : "",
			j->config.lxcfs_dir);
		return err_hint(e, "start it: systemctl start lxcfs");
	}
	rc = running_open(j, name, &r, e);
	return rc < 0 ? rc : rootfs_views_refresh(j->config.lxcfs_dir, views, r.pidfd, e);
}

int instance_refresh(struct jail *j, const struct jail_name *name, struct err *e)
{
	int r = refresh(j, name, e);

	return r < 0 ? err_wrap(e, "refresh %s", name->s) : 0;
}
