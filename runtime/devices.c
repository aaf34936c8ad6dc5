/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See devices.h. */
#include "runtime/devices.h"

#include <fcntl.h>
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
