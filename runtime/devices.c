/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See devices.h. */
#include "runtime/devices.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int find_one(const struct spec_device *s, struct rootfs_device *node,
		    struct cgroup_device *allowed, struct err *e)
{
	/* A path only, no open of the device: that could block, or rewind a tape. */
	CLEANUP_FD int fd = open(s->source, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(e, "open %s", s->source);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", s->source);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, ENODEV, "%s is not a device", s->source);
	*node = (struct rootfs_device){ spec_device_path(s), st.st_mode, st.st_rdev };
	*allowed = (struct cgroup_device){ S_ISBLK(st.st_mode), major(st.st_rdev),
					   minor(st.st_rdev), s->access };
	return 0;
}

int devices_find(const struct jail_spec *spec, struct devices *ret, struct err *e)
{
	if (spec->security.n_devices > LIMIT_DEVICES)
		return err_set(e, E2BIG, "security.devices: more than %d", LIMIT_DEVICES);
	for (size_t i = 0; i < spec->security.n_devices; i++) {
		if (find_one(&spec->security.devices[i], &ret->nodes[i], &ret->allowed[i], e) < 0)
			return err_wrap(e, "security.devices[%zu]", i);
	}
	return 0;
}

int devices_filter(const struct cgroup_tree *t, const struct jail_name *name,
		   const struct jail_spec *spec, const struct devices *d, struct err *e)
{
	bool active = false;
	int r = cgroup_devices_set(t, name, d->allowed, spec->security.n_devices, &active, e);

	for (size_t i = 0; r >= 0 && !active && i < spec->security.n_devices; i++) {
		if (spec->security.devices[i].access == CGROUP_DEVICE_ALL)
			continue;
		(void)err_set(
			e, EOPNOTSUPP,
			"security.devices[%zu].access: cannot be enforced in a user namespace", i);
		return err_hint(e, "give the device with full access, or start it on the host");
	}
	return r;
}

/* `path` is one of the spec's. */
static bool has_path(const struct jail_spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->security.n_devices; i++) {
		if (str_eq(spec_device_path(&spec->security.devices[i]), path))
			return true;
	}
	return false;
}

bool devices_differ(const struct jail_spec *a, const struct jail_spec *b)
{
	if (a->security.n_devices != b->security.n_devices)
		return true;
	for (size_t i = 0; i < a->security.n_devices; i++) {
		const struct spec_device *x = &a->security.devices[i], *y = &b->security.devices[i];

		if (!str_eq(x->source, y->source) || x->access != y->access ||
		    !str_eq(spec_device_path(x), spec_device_path(y)))
			return true;
	}
	return false;
}

/* Nodes of `of` that `unless` doesn't have. */
static void drop_nodes(int dev, const struct jail_spec *of, const struct jail_spec *unless)
{
	for (size_t i = 0; i < of->security.n_devices; i++) {
		const char *path = spec_device_path(&of->security.devices[i]);

		if (!has_path(unless, path))
			rootfs_dev_drop(dev, path);
	}
}

/* Another device at the same place: its node has to go first, and nothing would bring it back. */
static int check_places(const struct jail_spec *old, const struct jail_spec *now, struct err *e)
{
	for (size_t i = 0; i < old->security.n_devices; i++) {
		const struct spec_device *a = &old->security.devices[i];

		for (size_t k = 0; k < now->security.n_devices; k++) {
			const struct spec_device *b = &now->security.devices[k];

			if (!str_eq(spec_device_path(a), spec_device_path(b)) ||
			    str_eq(a->source, b->source))
				continue;
			(void)err_set(e, EBUSY, "security.devices[%zu]: %s is another device", k,
				      spec_device_path(b));
			return err_hint(e, "--restart, or take the old one away first");
		}
	}
	return 0;
}

int devices_change(const struct devices_live *l, const struct jail_spec *old,
		   const struct jail_spec *now, struct err *e)
{
	CLEANUP_FREE struct devices *d = calloc(1, sizeof(*d));
	CLEANUP_FD int dev = -EBADF;
	size_t n = now->security.n_devices;
	bool made[LIMIT_DEVICES] = { false };
	int r;

	if (!d)
		return err_nomem(e);
	if ((r = check_places(old, now, e)) < 0 || (r = devices_find(now, d, e)) < 0)
		return r;
	r = dev = rootfs_dev_open(l->pid, e);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = rootfs_dev_add(dev, &d->nodes[i], l->uid, e);
		made[i] = r > 0;
		if (r < 0)
			(void)err_wrap(e, "security.devices[%zu]", i);
	}
	if (r >= 0)
		r = devices_filter(l->tree, l->name, now, d, e);
	if (r >= 0) {
		drop_nodes(dev, old, now);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (made[i])
			rootfs_dev_drop(dev, d->nodes[i].path);
	}
	return r;
}
