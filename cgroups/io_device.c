/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysfs describes each device in /sys/dev/block/MAJ:MIN: "partition" is there for a partition,
 * whose disk is the directory above; "slaves" lists what a dm or md device is made of;
 * "loop/backing_file" says where a loop device keeps its blocks.
 */
#include "cgroups/io_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/str.h"

#define IO_DEPTH_MAX 16 /* device upon device */

struct io_walk {
	int sys;
	struct io_device *ret;
};

static bool io_has(const struct io_walk *w, const char *number, const char *file)
{
	char path[IO_NUMBER_MAX + 32];

	return str_format(path, sizeof(path), "%s/%s", number, file) >= 0 &&
	       faccessat(w->sys, path, F_OK, 0) == 0;
}

static int io_read(const struct io_walk *w, const char *number, const char *file, char *ret,
		   size_t n)
{
	char path[IO_NUMBER_MAX + 300];
	ssize_t r = str_format(path, sizeof(path), "%s/%s", number, file);

	return r < 0 ? -ENAMETOOLONG : (int)file_peek_at(w->sys, path, ret, n);
}

static int io_add(struct io_walk *w, const char *number)
{
	struct io_device *d = w->ret;

	for (size_t i = 0; i < d->n_disks; i++) {
		if (str_eq(d->disks[i], number))
			return 0;
	}
	if (d->n_disks == IO_DISKS_MAX)
		return -E2BIG;
	(void)str_format(d->disks[d->n_disks++], IO_NUMBER_MAX, "%s", number);
	return 0;
}

/* The device below the file system that holds the file of a loop device, or the device that is its
 * file. Return: false where none is known: deleted, or on a file system without one. */
static bool io_loop_below(const struct io_walk *w, const char *number, char *ret)
{
	char path[4096];
	struct stat st;
	dev_t dev;

	if (io_read(w, number, "loop/backing_file", path, sizeof(path)) < 0 || stat(path, &st) < 0)
		return false;
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	(void)str_format(ret, IO_NUMBER_MAX, "%u:%u", major(dev), minor(dev));
	return faccessat(w->sys, ret, F_OK, 0) == 0;
}

static int io_walk(struct io_walk *w, const char *number, int depth);

/* Return: how many there are, or -errno. */
static int io_walk_slaves(struct io_walk *w, const char *number, int depth)
{
	char path[IO_NUMBER_MAX + 8], below[IO_NUMBER_MAX], file[300];
	CLEANUP_DIR DIR *d = NULL;
	CLEANUP_FD int fd = -EBADF;
	struct dirent *ent;
	int n = 0, r = 0;

	(void)str_format(path, sizeof(path), "%s/slaves", number);
	fd = openat(w->sys, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	d = dir_take(&fd);
	if (!d)
		return -errno;
	while (r >= 0 && (ent = readdir(d))) {
		if (ent->d_name[0] == '.')
			continue;
		(void)str_format(file, sizeof(file), "slaves/%s/dev", ent->d_name);
		r = io_read(w, number, file, below, sizeof(below));
		if (r >= 0)
			r = io_walk(w, below, depth - 1);
		n++;
	}
	return r < 0 ? r : n;
}

static int io_walk(struct io_walk *w, const char *number, int depth)
{
	char below[IO_NUMBER_MAX];
	int r;

	if (depth == 0)
		return -ELOOP;
	if (io_has(w, number, "partition")) {
		r = io_read(w, number, "../dev", below, sizeof(below));
		return r < 0 ? r : io_walk(w, below, depth - 1);
	}
	if (io_loop_below(w, number, below))
		return io_walk(w, below, depth - 1);
	r = io_walk_slaves(w, number, depth);
	return r == 0 ? io_add(w, number) : r;
}

/* "MAJ:MIN" of what the spec names. */
static int io_number(const char *key, const char *device, char *ret, struct err *e)
{
	struct stat st;
	int r;

	if (device[0] != '/') {
		r = str_format(ret, IO_NUMBER_MAX, "%s", device);
		return r < 0 ? err_set(e, EINVAL, "%s.device: too long", key) : 0;
	}
	if (stat(device, &st) < 0)
		return err_sys(e, "%s.device: %s", key, device);
	if (!S_ISBLK(st.st_mode))
		return err_set(e, ENOTBLK, "%s.device: %s is not a block device", key, device);
	(void)str_format(ret, IO_NUMBER_MAX, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

int io_device_resolve(int sys_block, const char *key, const char *device, struct io_device *ret,
		      struct err *e)
{
	struct io_device found = { .n_disks = 0 };
	struct io_walk w = { .sys = sys_block, .ret = &found };
	CLEANUP_FD int opened = -EBADF;
	char number[IO_NUMBER_MAX];
	int r = io_number(key, device, number, e);

	if (r < 0)
		return r;
	if (w.sys < 0)
		w.sys = opened = open("/sys/dev/block", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w.sys < 0)
		return err_sys(e, "%s.device: open /sys/dev/block", key);
	if (faccessat(w.sys, number, F_OK, 0) < 0)
		return err_set(e, ENODEV, "%s.device: %s: there is no such block device", key,
			       device);
	r = io_walk(&w, number, IO_DEPTH_MAX);
	if (r >= 0 && io_has(&w, number, "partition"))
		r = io_read(&w, number, "../dev", number, sizeof(number));
	if (r < 0)
		return err_ret(e, r, "%s.device: %s: find its disks in /sys/dev/block", key,
			       device);
	(void)str_format(found.rate, sizeof(found.rate), "%s",
			 found.n_disks == 1 ? found.disks[0] : number);
	*ret = found;
	return 0;
}
