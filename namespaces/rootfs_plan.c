/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mounts of an instance, as a table, in the order in which they are made, then those of its
 * spec. Each is made with its final attributes, detached, and attached once (row 24).
 *
 * Every tmpfs has a size and a number of inodes (row 69), devpts a number of ptys. /proc, /sys and
 * /dev go onto real directories of the root only (row 15); /run and /tmp may be reached through
 * links inside it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/rootfs_priv.h"

#define PLAN_TMPFS_DEFAULT (64ull << 20)
#define PLAN_INODES_MIN 64ull
#define PLAN_INODES_MAX (1ull << 20)
#define PLAN_PARAMS 5

#define NO_SUID_DEV_EXEC (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct plan_entry {
	const char *path;
	const char *name; /* the mount point, relative to `base`; NULL: found by path */
	enum rootfs_slot base;
	enum rootfs_slot slot; /* later entries and masks start from it */
	const char *fstype; /* NULL: from the kit */
	uint64_t attr;
	bool replaceable; /* left out when the spec has a mount there */
	bool nesting; /* only with rootfs_spec.nesting */
	bool cgroups; /* writable with rootfs_spec.own_cgroups */
	bool skeleton; /* gets the directories that the image has there */
	struct mount_param params[PLAN_PARAMS];
};

#define PLAN_SHM_SIZE "@shm" /* replaced by the spec's value */

static const struct plan_entry plan[] = {
	{
		.path = "/proc",
		.name = "proc",
		.base = ROOTFS_ROOT,
		.slot = ROOTFS_PROC,
		.fstype = "proc",
		.attr = NO_SUID_DEV_EXEC,
		.params = { { "source", "proc" } },
	},
	{
		.path = "/sys",
		.name = "sys",
		.base = ROOTFS_ROOT,
		.slot = ROOTFS_SYS,
		.fstype = "sysfs",
		.attr = MOUNT_ATTR_RDONLY | NO_SUID_DEV_EXEC,
		.params = { { "source", "sysfs" } },
	},
	{
		.path = "/sys/fs/cgroup",
		.name = "fs/cgroup",
		.base = ROOTFS_SYS,
		.fstype = "cgroup2",
		.attr = MOUNT_ATTR_RDONLY | NO_SUID_DEV_EXEC,
		.cgroups = true,
		.params = { { "source", "cgroup2" } },
	},
	{
		.path = "/dev",
		.name = "dev",
		.base = ROOTFS_ROOT,
		.slot = ROOTFS_DEV,
	},
	{
		.path = "/dev/pts",
		.name = "pts",
		.base = ROOTFS_DEV,
		.slot = ROOTFS_PTS,
		.fstype = "devpts",
		.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.params = { { "source", "devpts" },
			    { "ptmxmode", "0666" },
			    { "mode", "0620" },
			    { "gid", "5" },
			    { "max", "1024" } },
	},
	{
		.path = "/dev/shm",
		.name = "shm",
		.base = ROOTFS_DEV,
		.fstype = "tmpfs",
		.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.replaceable = true,
		.params = { { "source", "shm" },
			    { "mode", "1777" },
			    { "size", PLAN_SHM_SIZE },
			    { "nr_inodes", "65536" } },
	},
	{
		.path = "/dev/mqueue",
		.name = "mqueue",
		.base = ROOTFS_DEV,
		.fstype = "mqueue",
		.attr = NO_SUID_DEV_EXEC,
		.params = { { "source", "mqueue" } },
	},
	{
		.path = "/run",
		.base = ROOTFS_ROOT,
		.fstype = "tmpfs",
		.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.replaceable = true,
		.skeleton = true,
		.params = { { "source", "run" },
			    { "mode", "0755" },
			    { "size", "64m" },
			    { "nr_inodes", "65536" } },
	},
	{
		.path = "/tmp",
		.base = ROOTFS_ROOT,
		.fstype = "tmpfs",
		.attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.replaceable = true,
		.params = { { "source", "tmp" },
			    { "mode", "1777" },
			    { "size", "512m" },
			    { "nr_inodes", "262144" } },
	},
	{
		.path = ROOTFS_NESTING_DIR "/proc",
		.fstype = "proc",
		.attr = NO_SUID_DEV_EXEC,
		.nesting = true,
		.params = { { "source", "proc" } },
	},
	{
		.path = ROOTFS_NESTING_DIR "/sys",
		.fstype = "sysfs",
		.attr = NO_SUID_DEV_EXEC,
		.nesting = true,
		.params = { { "source", "sysfs" } },
	},
};

static int plan_new(const struct rootfs_spec *spec, const struct plan_entry *p, struct err *e)
{
	struct mount_param params[PLAN_PARAMS];
	uint64_t size = spec->shm_size_bytes ? spec->shm_size_bytes : PLAN_TMPFS_DEFAULT;
	uint64_t attr = p->attr;
	char shm[32];
	size_t n = 0;
	int r = str_format(shm, sizeof(shm), "%" PRIu64, size);

	if (r < 0)
		return err_ret(e, r, "size");
	for (; n < PLAN_PARAMS && p->params[n].key; n++) {
		params[n] = p->params[n];
		if (params[n].value && str_eq(params[n].value, PLAN_SHM_SIZE))
			params[n].value = shm;
	}
	if (p->cgroups && spec->own_cgroups)
		attr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return mountfd_new(p->fstype, params, n, attr, e);
}

_Static_assert(ARRAY_SIZE(plan) <= ROOTFS_PLAN_MAX, "plan fits into rootfs_kit.own");

static bool plan_is_wanted(const struct rootfs_spec *spec, const struct plan_entry *p)
{
	/* In the host's network a sysfs can't be made. */
	return !p->nesting ||
	       (spec->nesting && !(spec->host_network && str_eq(p->fstype, "sysfs")));
}

/* Whether the child makes it: not what the parent made or the spec replaces. */
static bool plan_is_own(const struct rootfs_spec *spec, const struct plan_entry *p)
{
	return p->fstype && plan_is_wanted(spec, p) &&
	       !(p->slot == ROOTFS_SYS && spec->host_network) &&
	       !(p->replaceable && rootfs_is_replaced(spec, p->path));
}

int rootfs_plan_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(plan); i++) {
		if (!plan_is_own(spec, &plan[i]))
			continue;
		kit->own[OWN_PLAN + i] = plan_new(spec, &plan[i], e);
		if (kit->own[OWN_PLAN + i] < 0)
			return err_wrap(e, "mount %s", plan[i].path);
	}
	return 0;
}

int rootfs_plan_early(const struct rootfs_kit *kit, enum rootfs_slot slot)
{
	for (size_t i = 0; i < ARRAY_SIZE(plan); i++) {
		if (plan[i].slot == slot)
			return kit->own[OWN_PLAN + i];
	}
	return -EBADF;
}

/* The next of the mounts that the parent made. */
static int plan_take(struct rootfs_child *c, struct err *e)
{
	if (c->next >= c->kit->n)
		return err_set(e, EPROTO, "%zu mounts from the host are not enough", c->kit->n);
	c->next++;
	return TAKE_FD(c->kit->fds[c->next - 1]);
}

/* The mount of one entry, not yet in the new root. */
static int plan_make(struct rootfs_child *c, const struct plan_entry *p, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	if (plan_is_own(c->spec, p))
		return TAKE_FD(c->kit->own[OWN_PLAN + (p - plan)]);
	fd = plan_take(c, e);
	if (fd >= 0 && p->slot == ROOTFS_DEV && rootfs_dev_fill(c->spec, fd, e) < 0)
		return -e->code;
	return TAKE_FD(fd);
}

static int plan_target(const struct rootfs_child *c, const struct plan_entry *p, struct err *e)
{
	int fd;

	if (!p->name)
		return rootfs_target_path(c, p->path, true, e);
	if (p->base == ROOTFS_ROOT)
		return rootfs_target_fixed(c, p->name, e);
	fd = path_open_beneath(c->fd[p->base], p->name, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_ret(e, fd, "open") : fd;
}

static int plan_apply_one(struct rootfs_child *c, const struct plan_entry *p, struct err *e)
{
	CLEANUP_FD int fd = plan_make(c, p, e);
	CLEANUP_FD int target = -EBADF;

	if (fd < 0)
		return -e->code;
	target = plan_target(c, p, e);
	if (target < 0 || (p->skeleton && rootfs_skeleton(target, fd, e) < 0))
		return -e->code;
	if (mountfd_attach(fd, target, e) < 0)
		return -e->code;
	if (p->slot != ROOTFS_NONE)
		c->fd[p->slot] = TAKE_FD(fd);
	return p->slot == ROOTFS_DEV ? rootfs_dev_attach(c, e) : 0;
}

int rootfs_plan_apply(struct rootfs_child *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(plan); i++) {
		if (!plan_is_wanted(c->spec, &plan[i]) ||
		    (plan[i].replaceable && rootfs_is_replaced(c->spec, plan[i].path)))
			continue;
		if (plan_apply_one(c, &plan[i], e) < 0)
			return err_wrap(e, "mount %s", plan[i].path);
	}
	return 0;
}

static uint64_t plan_mount_attr(const struct rootfs_mount *m)
{
	return (m->read_only ? MOUNT_ATTR_RDONLY : 0) | (m->nosuid ? MOUNT_ATTR_NOSUID : 0) |
	       (m->nodev ? MOUNT_ATTR_NODEV : 0) | (m->noexec ? MOUNT_ATTR_NOEXEC : 0) |
	       (m->noatime ? MOUNT_ATTR_NOATIME : 0);
}

static int plan_tmpfs(const struct rootfs_mount *m, struct err *e)
{
	char size[32], inodes[32], mode[16];
	struct mount_param params[] = {
		{ "source", "tmpfs" }, { "size", size }, { "nr_inodes", inodes }, { "mode", mode }
	};
	uint64_t bytes = m->size_bytes ? m->size_bytes : PLAN_TMPFS_DEFAULT;
	uint64_t n = bytes / 4096;

	if (n < PLAN_INODES_MIN)
		n = PLAN_INODES_MIN;
	if (n > PLAN_INODES_MAX)
		n = PLAN_INODES_MAX;
	if (str_format(size, sizeof(size), "%" PRIu64, bytes) < 0 ||
	    str_format(inodes, sizeof(inodes), "%" PRIu64, n) < 0 ||
	    str_format(mode, sizeof(mode), "%o", m->mode ? m->mode & 07777 : 01777) < 0)
		return err_set(e, EINVAL, "tmpfs options");
	return mountfd_new("tmpfs", params, ARRAY_SIZE(params),
			   plan_mount_attr(m) | MOUNT_ATTR_NODEV, e);
}

/* The parent may not have been the one who checked it (row 45): the last judge is here. */
static int plan_check_destination(const char *path, struct err *e)
{
	static const char *const kernel[] = { "/proc", "/sys" };

	if (path[0] != '/' || str_eq(path, "/") || str_eq(path, "/dev"))
		return err_set(e, EPERM, "a mount can't replace this directory");
	for (size_t i = 0; i < ARRAY_SIZE(kernel); i++) {
		size_t n = strlen(kernel[i]);

		if (str_starts(path, kernel[i]) && (path[n] == '\0' || path[n] == '/'))
			return err_set(e, EPERM, "no mounts at or below %s", kernel[i]);
	}
	return 0;
}

static int plan_mount(struct rootfs_child *c, const struct rootfs_mount *m, struct err *e)
{
	CLEANUP_FD int fd = m->kind == BIND_TMPFS ? plan_tmpfs(m, e) : plan_take(c, e);
	CLEANUP_FD int target = -EBADF;
	struct stat st;

	if (fd < 0 || plan_check_destination(m->destination, e) < 0)
		return -e->code;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat the source");
	target = rootfs_target_path(c, m->destination, S_ISDIR(st.st_mode), e);
	if (target < 0)
		return -e->code;
	return mountfd_attach(fd, target, e);
}

int rootfs_plan_mounts(struct rootfs_child *c, struct err *e)
{
	for (size_t i = 0; i < c->spec->n_mounts; i++) {
		const struct rootfs_mount *m = &c->spec->mounts[i];

		if (plan_mount(c, m, e) < 0)
			return err_wrap(e, "mounts[%zu]: %s", i, m->destination);
	}
	return 0;
}
