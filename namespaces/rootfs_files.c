/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The private tmpfs: generated files and the sources of masks. It is attached in the old root
 * (ROOTFS_SCRATCH_CHILD), where copies of parts of it can be made (a detached mount can't be copied
 * before Linux 6.15), and goes away with the old root; the copies stay. Everything in it is made by
 * the runtime, nothing comes from the root file system (rows 17, 47).
 *
 * A shared file is none of it: only the parent sees the mount that it is on.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "namespaces/rootfs_priv.h"

/* Generated files may grow by what an instance appends to its hosts file. */
#define FILES_SIZE "1m"
#define FILES_INODES "64"

static int files_write(int dir, const char *name, const void *data, size_t n, mode_t mode,
		       struct err *e)
{
	CLEANUP_FD int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return err_sys(e, "make %s", name);
	r = fd_write_all(fd, data, n);
	return r < 0 ? err_ret(e, r, "write %s", name) : 0;
}

static int files_name(size_t i, char ret[static 16])
{
	return str_format(ret, 16, "%zu", i);
}

int rootfs_files_make(const struct rootfs_spec *spec, struct err *e)
{
	static const struct mount_param params[] = {
		{ "source", "jail" },
		{ "mode", "0755" },
		{ "size", FILES_SIZE },
		{ "nr_inodes", FILES_INODES },
	};
	CLEANUP_FD int fd =
		mountfd_new("tmpfs", params, ARRAY_SIZE(params),
			    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);

	if (fd < 0)
		return -e->code;
	if (spec->n_files > ROOTFS_FILES_MAX)
		return err_set(e, E2BIG, "more than %d generated files", ROOTFS_FILES_MAX);
	if (!spec->unmasked) {
		if (mkdirat(fd, ROOTFS_MASK_DIR, 0555) < 0)
			return err_sys(e, "make a mask");
		if (files_write(fd, ROOTFS_MASK_FILE, "", 0, 0444, e) < 0)
			return -e->code;
	}
	if (spec->boot_id &&
	    files_write(fd, ROOTFS_BOOT_ID, spec->boot_id, strlen(spec->boot_id), 0444, e) < 0)
		return -e->code;
	for (size_t i = 0; i < spec->n_files; i++) {
		const struct rootfs_file *f = &spec->files[i];
		char name[16];

		if (!f->content)
			continue;
		if (files_name(i, name) < 0 ||
		    files_write(fd, name, f->content, f->len, 0644, e) < 0)
			return err_wrap(e, "%s", f->destination);
	}
	return TAKE_FD(fd);
}

static int run_file(const struct rootfs_child *c, const struct rootfs_file *f, struct err *e)
{
	const char *name = strrchr(f->destination, '/') + 1;
	CLEANUP_FD int dir = -EBADF;
	char parent[512];
	int r = str_format(parent, sizeof(parent), "%.*s", (int)(name - 1 - f->destination),
			   f->destination);

	if (r < 0)
		return err_ret(e, r, "%s", f->destination);
	dir = path_make_in_root(c->fd[ROOTFS_ROOT], parent, true, 0755, e);
	return dir < 0 ? dir : files_write(dir, name, f->content, f->len, 0444, e);
}

int rootfs_files_run(const struct rootfs_child *c, struct err *e)
{
	if (rootfs_is_replaced(c->spec, "/run"))
		return 0;
	for (size_t i = 0; i < c->spec->n_run_files; i++) {
		if (run_file(c, &c->spec->run_files[i], e) < 0)
			return err_wrap(e, "file %s", c->spec->run_files[i].destination);
	}
	return 0;
}

int rootfs_files_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	for (size_t i = 0; i < spec->n_files; i++) {
		char name[16];
		int fd;

		if (!spec->files[i].content || rootfs_is_replaced(spec, spec->files[i].destination))
			continue;
		fd = files_name(i, name);
		if (fd < 0)
			return err_ret(e, fd, "file %zu", i);
		fd = mountfd_clone(kit->own[OWN_PRIVATE], name, false, 0, 0, -EBADF, e);
		if (fd < 0)
			return err_wrap(e, "file %s", spec->files[i].destination);
		kit->own[OWN_FILES + i] = fd;
	}
	return 0;
}

static bool is_shared(const struct rootfs_spec *spec, size_t i)
{
	return !spec->files[i].content && !rootfs_is_replaced(spec, spec->files[i].destination);
}

int rootfs_files_build(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	if (spec->n_files > ROOTFS_FILES_MAX)
		return err_set(e, E2BIG, "more than %d generated files", ROOTFS_FILES_MAX);
	for (size_t i = 0; i < spec->n_files; i++) {
		int fd;

		if (!is_shared(spec, i))
			continue;
		fd = mountfd_clone(spec->files[i].fd, "", false, ROOTFS_SHARED_FILE_ATTR, 0, -EBADF,
				   e);
		if (fd < 0)
			return err_wrap(e, "file %s", spec->files[i].destination);
		kit->fds[kit->n++] = fd;
	}
	return 0;
}

int rootfs_files_take(struct rootfs_child *c, struct err *e)
{
	for (size_t i = 0; i < c->spec->n_files; i++) {
		if (!is_shared(c->spec, i))
			continue;
		if (c->next >= c->kit->n)
			return err_set(e, EPROTO, "file %s was not received",
				       c->spec->files[i].destination);
		c->kit->own[OWN_FILES + i] = TAKE_FD(c->kit->fds[c->next]);
		c->next++;
	}
	return 0;
}

int rootfs_files_attach(const struct rootfs_child *c, struct err *e)
{
	for (size_t i = 0; i < c->spec->n_files; i++) {
		const char *path = c->spec->files[i].destination;
		CLEANUP_FD int target = -EBADF;

		if (c->kit->own[OWN_FILES + i] < 0)
			continue;
		target = rootfs_target_file(c, path, e);
		if (target < 0 || mountfd_attach(c->kit->own[OWN_FILES + i], target, e) < 0)
			return err_wrap(e, "file %s", path);
	}
	return 0;
}
