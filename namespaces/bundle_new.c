/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New file systems of an OCI container, made by its own root, so that they belong to its own
 * namespaces, with all their attributes before they are attached (row 24).
 *
 * Where the kernel refuses a new one to a user namespace (no network namespace of its own for
 * sysfs, no cgroup namespace for cgroup2, ...) the host's is bound in its place, as other runtimes
 * do; cgroups read-only then (row 27).
 */
#include "namespaces/bundle_priv.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/str.h"

#define VALUE_MAX 255 /* fsconfig(2) */
#define CGROUP_NS_INIT_INODE 0xEFFFFFFBu /* PROC_CGROUP_INIT_INO of the kernel */
#define EXTRA_PARAMS 3

bool bundle_is_tmpfs(const struct bundle_mount *m)
{
	return m->kind == BUNDLE_NEW && str_eq(m->fstype, "tmpfs");
}

static uint64_t new_attr(const struct bundle_mount *m)
{
	return m->attr_set | m->rattr_set;
}

bool bundle_is_late(const struct bundle_mount *m)
{
	return m->kind == BUNDLE_NEW && (new_attr(m) & MOUNT_ATTR_RDONLY) &&
	       (str_eq(m->fstype, "tmpfs") || str_eq(m->destination, "/dev"));
}

static bool has_long_value(const struct bundle_mount *m)
{
	for (size_t i = 0; i < m->n_data; i++) {
		if (m->data[i].value && strlen(m->data[i].value) > VALUE_MAX)
			return true;
	}
	return m->source && strlen(m->source) > VALUE_MAX;
}

/* By mount(2), with its options as one string. */
static int new_long(const struct mount_param *params, size_t n, const char *fstype, uint64_t attr,
		    struct err *e)
{
	struct mount_how how = { .attr_set = attr, .idmap_fd = -EBADF };
	CLEANUP_STRBUF struct strbuf data = STRBUF_INIT;
	CLEANUP_FD int fd = -EBADF;

	for (size_t i = 1; i < n; i++) /* the first is the source */
		strbuf_addf(&data, "%s%s%s%s", data.len ? "," : "", params[i].key,
			    params[i].value ? "=" : "", params[i].value ? params[i].value : "");
	if (strbuf_ok(&data, e) < 0)
		return -e->code;
	fd = mountfd_new_long(fstype, params[0].value, strbuf_str(&data), e);
	if (fd < 0 || mountfd_change(fd, &how, e) < 0)
		return -e->code;
	return TAKE_FD(fd);
}

static bool takes_label(const struct bundle_child *c, const char *fstype)
{
	return c->selinux && c->b->mount_label && !str_eq(fstype, "proc") &&
	       !str_eq(fstype, "sysfs") && !str_eq(fstype, "cgroup2") && !str_eq(fstype, "mqueue");
}

/* mqueue takes no option for it. */
static int label_root(const struct bundle_child *c, int fs, struct err *e)
{
	const char *label = c->b->mount_label;
	CLEANUP_FD int fd = -EBADF;

	if (!c->selinux || !label)
		return 0;
	fd = openat(fs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsetxattr(fd, "security.selinux", label, strlen(label) + 1, 0) < 0)
		return err_sys(e, "linux.mountLabel");
	return 0;
}

/* skip: a parameter to leave out, or NULL. */
static int new_make(const struct bundle_child *c, const struct bundle_mount *m, const char *mode,
		    const char *skip, struct err *e)
{
	CLEANUP_FREE struct mount_param *p = calloc(m->n_data + EXTRA_PARAMS, sizeof(*p));
	uint64_t attr = new_attr(m);
	size_t n = 0;

	if (!p)
		return err_nomem(e);
	p[n++] = (struct mount_param){ "source", m->source ? m->source : m->fstype };
	if (mode)
		p[n++] = (struct mount_param){ "mode", mode };
	if (takes_label(c, m->fstype))
		p[n++] = (struct mount_param){ "context", c->b->mount_label };
	for (size_t i = 0; i < m->n_data; i++) {
		if (!skip || !str_eq(m->data[i].key, skip))
			p[n++] = m->data[i];
	}
	if (bundle_is_late(m))
		attr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (has_long_value(m))
		return new_long(p, n, m->fstype, attr, e);
	return mountfd_new(m->fstype, p, n, attr, e);
}

/* Whether the procfs at /proc shows the pid namespace that we are in. */
static bool proc_is_ours(void)
{
	char text[16], want[16];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	if (n <= 0 || str_format(want, sizeof(want), "%d", (int)getpid()) < 0)
		return false;
	text[n] = '\0';
	return str_eq(text, want);
}

/* Where the host's own is, for when a new one is refused. */
static const char *new_host_path(const char *fstype)
{
	if (str_eq(fstype, "sysfs"))
		return "/sys";
	if (str_eq(fstype, "mqueue"))
		return "/dev/mqueue";
	return str_eq(fstype, "proc") && proc_is_ours() ? "/proc" : NULL;
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* The host's tree, also of a hybrid host, which has it below the old ones. */
static int new_cgroup_bind(const struct bundle_child *c, const struct bundle_mount *m,
			   uint64_t attr, struct err *e)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (is_cgroup2(places[i]))
			return bundle_source_tree(c->b, m, places[i], attr, e);
	}
	return err_set(e, ENODEV, "the host has no cgroup v2 at /sys/fs/cgroup");
}

/* A new mount there, without the host's own options, would take them off the host's (the kernel
 * applies them to the one hierarchy: cgroup_get_tree()), "nsdelegate" for one. */
static bool in_initial_cgroup_ns(const struct bundle_child *c)
{
	struct stat st;
	int r = c->proc >= 0 ? fstatat(c->proc, "self/ns/cgroup", &st, 0)
			     : stat("/proc/self/ns/cgroup", &st); /* of the host */

	return r < 0 || st.st_ino == CGROUP_NS_INIT_INODE;
}

static int new_cgroup(const struct bundle_child *c, const struct bundle_mount *m, struct err *e)
{
	struct bundle_mount fresh = { .fstype = "cgroup2",
				      .source = "cgroup",
				      .attr_set = new_attr(m) };
	struct err first = ERR_INIT;
	int fd;

	if (in_initial_cgroup_ns(c))
		return new_cgroup_bind(c, m, 0, e);
	fd = new_make(c, &fresh, NULL, NULL, &first);
	if (fd >= 0)
		return fd;
	if (first.code == EPERM || first.code == EBUSY)
		return new_cgroup_bind(c, m, MOUNT_ATTR_RDONLY, e);
	*e = first;
	return -e->code;
}

/* first: why there is no new one. */
static int new_instead(const struct bundle_child *c, const struct bundle_mount *m,
		       const struct err *first, struct err *e)
{
	const char *host =
		c->b->private_user && first->code == EPERM ? new_host_path(m->fstype) : NULL;
	int fd = host ? bundle_source_tree(c->b, m, host, 0, e) : -EBADF;

	if (fd >= 0)
		return fd;
	*e = *first;
	if (first->code == EPERM && (str_eq(m->fstype, "proc") || str_eq(m->fstype, "sysfs")))
		return err_hint(e, "a user namespace may have its own only where it sees all of "
				   "the host's, with nothing mounted over parts of it");
	return -e->code;
}

int bundle_new(const struct bundle_child *c, const struct bundle_mount *m, int mode, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct err first = ERR_INIT;
	char text[16];

	if (m->kind == BUNDLE_CGROUP)
		return new_cgroup(c, m, e);
	(void)str_format(text, sizeof(text), "%04o", (unsigned)mode & 07777u);
	fd = new_make(c, m, mode >= 0 ? text : NULL, NULL, &first);
	/* The group of ttys, which not every user namespace has. */
	if (fd < 0 && first.code == EINVAL && str_eq(m->fstype, "devpts"))
		return new_make(c, m, NULL, "gid", e);
	if (fd < 0)
		return new_instead(c, m, &first, e);
	if (str_eq(m->fstype, "mqueue") && label_root(c, fd, e) < 0)
		return -e->code;
	return TAKE_FD(fd);
}
