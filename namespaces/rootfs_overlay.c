/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The overlay: shared read-only layers below, the instance's own directory above, no file copied or
 * chowned.
 *
 * Each layer is a copy of its mount with the instance's id map on it: what is root's on disk
 * appears as the range's first id, and lands with that owner in the upper directory when it is
 * copied up. The upper directory itself is not idmapped; it only belongs to that id. The
 * same holds for what was "upper" once (own_paths), and lies between it and those layers.
 *
 * overlayfs finds its directories by path, in the mount namespace of the caller. So the instance's
 * directory, as a private copy of its mount (or its own file system's mount, which is nowhere
 * else), is attached in the child's still unused mount
 * namespace (ROOTFS_SCRATCH_PARENT), the layers are attached onto its l/0, l/1, ..., and the
 * overlay is made from there, by the host's root: the superblock belongs to the initial user
 * namespace and honours no xattrs or whiteouts that an instance made (row 52). overlayfs keeps
 * private copies of the mounts that it uses; what was attached goes away when the child pivots.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/rootfs_priv.h"

#define OVERLAY_VALUE_MAX 255 /* fsconfig(2): a string of at most 255 bytes */

void rootfs_overlay_close(struct rootfs_overlay *o)
{
	fd_reset(&o->instance);
	for (size_t i = 0; i < o->n; i++)
		fd_reset(&o->layers[i]);
	o->n = 0;
}

int rootfs_overlay_open(const struct rootfs_spec *spec, int userns_fd, struct rootfs_overlay *ret,
			struct err *e)
{
	CLEANUP(rootfs_overlay_close) struct rootfs_overlay o = { .instance = -EBADF };

	if (spec->n_layers == 0 || spec->n_layers + spec->n_own > LIMIT_LAYERS)
		return err_set(e, EINVAL,
			       "root file system: %zu layers and %zu snapshots; expected 1 to %d",
			       spec->n_layers, spec->n_own, LIMIT_LAYERS);
	if (spec->own_mount) {
		o.instance = fcntl(spec->instance_dir, F_DUPFD_CLOEXEC, 0);
		if (o.instance < 0)
			return err_sys(e, "arrange fds");
	} else {
		o.instance = mountfd_clone(spec->instance_dir, "", false, 0, 0, -EBADF, e);
		if (o.instance < 0)
			return err_wrap(e, "instance directory");
	}
	for (size_t i = 0; i < spec->n_layers; i++) {
		int fd = mountfd_clone(AT_FDCWD, spec->layer_paths[i], false,
				       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0,
				       userns_fd, e);

		if (fd < 0)
			return err_wrap(e, "layer %s", spec->layer_paths[i]);
		o.layers[o.n++] = fd;
	}
	o.own = spec->own_paths;
	o.n_own = spec->n_own;
	*ret = o;
	o = (struct rootfs_overlay){ .instance = -EBADF };
	return 0;
}

/* Attaches a layer onto the i-th of the directories "0", "1", ... of `points`. */
static int overlay_attach_layer(int layer, int points, size_t i, struct err *e)
{
	CLEANUP_FD int target = -EBADF;
	char name[16];
	int r = str_format(name, sizeof(name), "%zu", i);

	if (r < 0)
		return err_ret(e, r, "layer %zu", i);
	target = path_open_beneath(points, name, O_PATH | O_DIRECTORY, 0);
	if (target < 0)
		return err_ret(e, target, "mount point l/%s of the instance", name);
	return mountfd_attach(layer, target, e) < 0 ? err_wrap(e, "layer %zu", i) : 0;
}

/* Of the instance's directory, which is attached by now: a part of a detached mount can be copied
 * only since Linux 6.15. */
static int overlay_attach_own(const struct rootfs_overlay *o, int points, size_t i, struct err *e)
{
	CLEANUP_FD int dir = path_open_beneath(o->instance, o->own[i], O_PATH | O_DIRECTORY, 0);
	CLEANUP_FD int layer = -EBADF;

	if (dir < 0)
		return err_ret(e, dir, "open %s of the instance", o->own[i]);
	layer = mountfd_clone(dir, "", false,
			      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, -EBADF,
			      e);
	if (layer < 0)
		return err_wrap(e, "%s of the instance", o->own[i]);
	return overlay_attach_layer(layer, points, i, e);
}

static int overlay_attach_layers(const struct rootfs_overlay *o, int points, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < o->n_own; i++)
		r = overlay_attach_own(o, points, i, e);
	for (size_t i = 0; r >= 0 && i < o->n; i++)
		r = overlay_attach_layer(o->layers[i], points, o->n_own + i, e);
	return r;
}

/*
 * Relative names keep `lowerdir` short: 88 layers fit. More go one by one through "lowerdir+"
 * (Linux 6.5). redirect_dir and metacopy off, index off: an image can't point a directory or a
 * file's data at another place of a layer, and layers may be shared and moved.
 */
static int overlay_new(size_t n_layers, struct err *e)
{
	struct mount_param params[LIMIT_LAYERS + 8] = {
		{ "source", "overlay" },  { "upperdir", "../upper" },
		{ "workdir", "../work" }, { "redirect_dir", "nofollow" },
		{ "metacopy", "off" },	  { "index", "off" },
	};
	char names[LIMIT_LAYERS][4], lower[OVERLAY_VALUE_MAX + 1];
	size_t n = 6, len = 0;
	bool fits = true;

	for (size_t i = 0; i < n_layers; i++) {
		int r = str_format(names[i], sizeof(names[i]), "%zu", i);

		if (r < 0)
			return err_ret(e, r, "layer %zu", i);
		r = fits ? str_format(lower + len, sizeof(lower) - len, "%s%s", i ? ":" : "",
				      names[i])
			 : 0;
		fits = fits && r >= 0;
		len += fits ? (size_t)r : 0;
	}
	if (fits)
		params[n++] = (struct mount_param){ "lowerdir", lower };
	for (size_t i = 0; !fits && i < n_layers; i++)
		params[n++] = (struct mount_param){ "lowerdir+", names[i] };
	return mountfd_new("overlay", params, n, MOUNT_ATTR_NODEV, e);
}

int rootfs_overlay_assemble(const struct rootfs_overlay *o, struct err *e)
{
	CLEANUP_FD int scratch = open(ROOTFS_SCRATCH_PARENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int points = -EBADF;

	if (scratch < 0)
		return err_sys(e, "open " ROOTFS_SCRATCH_PARENT);
	if (mountfd_attach(o->instance, scratch, e) < 0)
		return err_wrap(e, "instance directory");
	points = path_open_beneath(o->instance, "l", O_PATH | O_DIRECTORY, 0);
	if (points < 0)
		return err_ret(e, points, "mount points \"l\" of the instance");
	if (overlay_attach_layers(o, points, e) < 0)
		return -e->code;
	if (fchdir(points) < 0)
		return err_sys(e, "chdir to the instance directory");
	return overlay_new(o->n_own + o->n, e);
}

/* A directory of the instance's, made by an earlier attempt or now, owned by `uid` of the host. */
static int overlay_make_dir(int dir, const char *name, uid_t uid, struct err *e)
{
	CLEANUP_FD int fd = path_make_dir_at(dir, name, 0755, e);
	struct stat st;

	if (fd < 0)
		return -e->code;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", name);
	if (st.st_uid == 0 && uid != 0 && fchown(fd, uid, uid) < 0)
		return err_sys(e, "give %s to uid %u", name, uid);
	return 0;
}

int rootfs_prepare_dir(int instance_dir, size_t n_layers, const struct id_range *ids, struct err *e)
{
	CLEANUP_FD int points = -EBADF;
	uid_t base = idmap_to_host(ids, 0);

	if (overlay_make_dir(instance_dir, "upper", base, e) < 0 ||
	    overlay_make_dir(instance_dir, "work", base, e) < 0)
		return err_wrap(e, "instance directory");
	points = path_make_dir_at(instance_dir, "l", 0755, e);
	if (points < 0)
		return err_wrap(e, "instance directory");
	for (size_t i = 0; i < n_layers; i++) {
		char name[16];
		int r = str_format(name, sizeof(name), "%zu", i);

		if (r < 0)
			return err_ret(e, r, "layer %zu", i);
		if (overlay_make_dir(points, name, 0, e) < 0)
			return err_wrap(e, "instance directory: l");
	}
	return 0;
}
