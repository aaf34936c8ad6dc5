/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.namespaces: which are made, and which are joined. */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "namespaces/procfd.h"
#include "runtime/oci/engine_priv.h"

static const char *const files[][2] = {
	{ "mnt", "mount" }, { "pid", "pid" },	{ "net", "network" },	{ "ipc", "ipc" },
	{ "uts", "uts" },   { "user", "user" }, { "cgroup", "cgroup" }, { "time", "time" },
};
static const uint64_t flags[] = { CLONE_NEWNS,	CLONE_NEWPID,  CLONE_NEWNET,	CLONE_NEWIPC,
				  CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWCGROUP, CLONE_NEWTIME };

static size_t kind_of(uint64_t flag)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(flags) && flags[i] != flag)
		i++;
	return i;
}

/* It is the one that we are in: then there is nothing to join, and a user namespace can't be. */
static bool is_ours(int fd, size_t kind)
{
	struct stat theirs, ours;
	char path[32];
	CLEANUP_FD int own = -EBADF;

	(void)str_format(path, sizeof(path), "self/ns/%s", files[kind][0]);
	own = procfd_open(path, O_RDONLY);
	return own >= 0 && fstat(own, &ours) == 0 && fstat(fd, &theirs) == 0 &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static int open_one(const struct oci_namespace *n, struct oci_namespaces *ret, struct err *e)
{
	/* A FIFO or a device would do something when it is opened. */
	CLEANUP_FD int fd = open(n->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t kind = kind_of(n->flag);
	int type;

	if (fd < 0)
		return err_sys(e, "linux.namespaces: %s: open %s", files[kind][1], n->path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0 || (uint64_t)type != n->flag)
		return err_set(e, EINVAL, "linux.namespaces: %s is not a %s namespace", n->path,
			       files[kind][1]);
	if (is_ours(fd, kind))
		return 0;
	ret->joined[ret->n_joined++] = (struct ns_joined){ .flag = n->flag, .fd = TAKE_FD(fd) };
	return 0;
}

int oci_namespaces_open(const struct oci_config *c, struct oci_namespaces *ret, struct err *e)
{
	*ret = (struct oci_namespaces){ .fresh = 0 };
	for (size_t i = 0; i < c->n_namespaces; i++) {
		const struct oci_namespace *n = &c->namespaces[i];

		if (!n->path)
			ret->fresh |= n->flag;
		else if (open_one(n, ret, e) < 0)
			return -e->code;
	}
	return 0;
}

void oci_namespaces_close(struct oci_namespaces *n)
{
	for (size_t i = 0; i < n->n_joined; i++)
		fd_reset(&n->joined[i].fd);
	n->n_joined = 0;
}
