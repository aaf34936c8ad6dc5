/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the v2 tree, and ROOT/jail in it.
 *
 * The usual places are asked first (statfs(2) tells cgroup2 from anything else); only where neither
 * is one the mount table is read. When ROOT/jail exists and hands controllers down, that is all:
 * opening costs the same whatever the number of instances. Controllers are enabled by one write, so
 * a process that was killed in between left either none or all of them; with none it is done anew.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/path.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/mounts.h"

const struct cgroup_controller cgroup_controllers[CGROUP_CONTROLLERS] = {
	{ CGROUP_CPU, "cpu", "cpu" },	       { CGROUP_CPUSET, "cpuset", "cpuset" },
	{ CGROUP_MEMORY, "memory", "memory" }, { CGROUP_IO, "io", "blkio" },
	{ CGROUP_PIDS, "pids", "pids" },       { CGROUP_HUGETLB, "hugetlb", "hugetlb" },
};

int cgroup_read_controllers(int dir, const char *file, uint32_t *ret)
{
	char buf[512];
	const char *p = buf;
	uint32_t mask = 0;
	ssize_t r = file_peek_at(dir, file, buf, sizeof(buf));

	if (r < 0)
		return (int)r;
	while (*p) {
		size_t n = strcspn(p, " ");

		for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
			const char *name = cgroup_controllers[i].name;

			if (strlen(name) == n && memcmp(name, p, n) == 0)
				mask |= cgroup_controllers[i].bit;
		}
		p += n + (p[n] == ' ');
	}
	*ret = mask;
	return 0;
}

/* Opens a directory if it is the root of a mounted cgroup2. Return: fd or -errno. */
static int cgroup_open_root(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs st;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return -errno;
	return st.f_type == CGROUP2_SUPER_MAGIC ? TAKE_FD(fd) : -ENOENT;
}

struct cgroup_found {
	int fd;
	char path[sizeof(((struct cgroup_tree *)NULL)->path)];
	bool hybrid;
};

static int cgroup_take_mount(const struct cgroup_mount *m, void *arg)
{
	struct cgroup_found *f = arg;

	if (!m->v2) {
		f->hybrid |= m->options[0] != '\0';
		return 0;
	}
	if (f->fd < 0 && strlen(m->path) < sizeof(f->path)) {
		f->fd = cgroup_open_root(m->path);
		if (f->fd >= 0)
			(void)str_format(f->path, sizeof(f->path), "%s", m->path);
	}
	return 0;
}

int cgroup_find_root(struct cgroup_tree *ret, struct err *e)
{
	static const struct {
		const char *path;
		bool hybrid;
	} usual[] = { { "/sys/fs/cgroup", false }, { "/sys/fs/cgroup/unified", true } };
	struct cgroup_found found = { .fd = -EBADF };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		int fd = cgroup_open_root(usual[i].path);

		if (fd >= 0) {
			(void)str_format(ret->path, sizeof(ret->path), "%s", usual[i].path);
			ret->hybrid = usual[i].hybrid;
			return fd;
		}
	}
	if (cgroup_mounts_each(cgroup_take_mount, &found, e) < 0)
		return -e->code;
	if (found.fd < 0) {
		(void)err_set(e, ENOENT, "cgroup version 2 is not mounted");
		return err_hint(e, "mount -t cgroup2 none /sys/fs/cgroup, or boot with "
				   "systemd.unified_cgroup_hierarchy=1");
	}
	(void)str_format(ret->path, sizeof(ret->path), "%s", found.path);
	ret->hybrid = found.hybrid;
	return found.fd;
}

/* "+cpu +memory": all of `mask` by one write, or, if that is refused, one by one. */
static void cgroup_enable_mask(int dir, uint32_t mask)
{
	struct strbuf all = STRBUF_INIT;
	int r;

	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (mask & cgroup_controllers[i].bit)
			strbuf_addf(&all, "+%s ", cgroup_controllers[i].name);
	}
	r = all.failed ? -ENOMEM : file_poke_at(dir, "cgroup.subtree_control", all.data, all.len);
	strbuf_free(&all);
	for (size_t i = 0; r < 0 && i < CGROUP_CONTROLLERS; i++) {
		char one[32];

		if (!(mask & cgroup_controllers[i].bit))
			continue;
		(void)snprintf(one, sizeof(one), "+%s", cgroup_controllers[i].name);
		/* Refused: cgroup_missing() finds out why if a limit needs it. */
		(void)file_poke_at(dir, "cgroup.subtree_control", one, strlen(one));
	}
}

bool cgroup_has_processes(int dir)
{
	char pids[4096];

	return faccessat(dir, "cgroup.type", F_OK, 0) == 0 &&
	       file_peek_at(dir, "cgroup.procs", pids, sizeof(pids)) != 0;
}

/* Enables in one directory what it has and does not hand down yet. Return: what it hands down. */
uint32_t cgroup_hand_down(int dir)
{
	uint32_t has = 0, gives = 0;

	if (cgroup_read_controllers(dir, "cgroup.controllers", &has) < 0 ||
	    cgroup_read_controllers(dir, "cgroup.subtree_control", &gives) < 0)
		return 0;
	if ((has & ~gives) == 0 || cgroup_has_processes(dir))
		return gives;
	cgroup_enable_mask(dir, has & ~gives);
	return cgroup_read_controllers(dir, "cgroup.subtree_control", &gives) < 0 ? 0 : gives;
}

uint32_t cgroup_enable(int root_fd, int jail_fd)
{
	if (cgroup_evacuate(root_fd) == 0)
		(void)cgroup_hand_down(root_fd);
	return cgroup_hand_down(jail_fd);
}

int cgroup_mkdir(int dir, const char *name)
{
	mode_t mask = umask(022);
	int r = mkdirat(dir, name, 0755) < 0 ? -errno : 0;

	(void)umask(mask);
	return r;
}

int cgroup_tree_open(struct cgroup_tree *ret, struct err *e)
{
	CLEANUP_FD int root = -EBADF, jail = -EBADF;
	struct cgroup_tree t = { .root_fd = -EBADF };
	int r;

	root = cgroup_find_root(&t, e);
	if (root < 0)
		return TAKE_FD(root);
	jail = path_open_beneath(root, "jail", O_RDONLY | O_DIRECTORY, 0);
	if (jail == -ENOENT) {
		r = cgroup_mkdir(root, "jail");
		if (r < 0 && r != -EEXIST)
			return err_ret(e, r, "make cgroup %s/jail", t.path);
		jail = path_open_beneath(root, "jail", O_RDONLY | O_DIRECTORY, 0);
	}
	if (jail < 0)
		return err_ret(e, TAKE_FD(jail), "open cgroup %s/jail", t.path);
	r = cgroup_read_controllers(jail, "cgroup.subtree_control", &t.controllers);
	if (r < 0)
		return err_ret(e, r, "read %s/jail/cgroup.subtree_control", t.path);
	if (t.controllers == 0)
		t.controllers = cgroup_enable(root, jail);
	r = (int)strlen(t.path);
	if (str_format(t.path + r, sizeof(t.path) - (size_t)r, "/jail") < 0)
		return err_set(e, ENAMETOOLONG, "cgroup %s/jail: path too long", t.path);
	t.root_fd = TAKE_FD(jail);
	*ret = t;
	return 0;
}

void cgroup_tree_close(struct cgroup_tree *t)
{
	fd_reset(&t->root_fd);
}

int cgroup_probe(struct cgroup_tree *ret, struct err *e)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	CLEANUP_FD int root = cgroup_find_root(&t, e);
	int r;

	if (root < 0)
		return TAKE_FD(root);
	r = cgroup_read_controllers(root, "cgroup.controllers", &t.controllers);
	if (r < 0)
		return err_ret(e, r, "read %s/cgroup.controllers", t.path);
	t.root_fd = TAKE_FD(root);
	*ret = t;
	return 0;
}

int cgroup_monitor_fd(const struct cgroup_tree *t, struct err *e)
{
	int fd = path_open_beneath(t->root_fd, CGROUP_MONITOR, O_RDONLY | O_DIRECTORY, 0);

	if (fd == -ENOENT) {
		int r = cgroup_mkdir(t->root_fd, CGROUP_MONITOR);

		if (r < 0 && r != -EEXIST)
			return err_ret(e, r, "make cgroup %s/" CGROUP_MONITOR, t->path);
		fd = path_open_beneath(t->root_fd, CGROUP_MONITOR, O_RDONLY | O_DIRECTORY, 0);
	}
	return fd < 0 ? err_ret(e, fd, "open cgroup %s/" CGROUP_MONITOR, t->path) : fd;
}
