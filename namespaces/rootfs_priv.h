/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the root file system share. */
#ifndef JAIL_NAMESPACES_ROOTFS_PRIV_H
#define JAIL_NAMESPACES_ROOTFS_PRIV_H

#include "namespaces/mountfd.h"
#include "namespaces/rootfs.h"

#define ROOTFS_SHARED_FILE_ATTR                                                                    \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/*
 * Where the halves attach what must be attached for a while (the layers' directory; the private
 * tmpfs and proc): directories of the old root that exist on every host. Not "/": what covers the
 * old root itself would be found in its place by the umount after pivot_root. Not the same one:
 * they work at the same time, and what the one attaches would cover what the other just has, and go
 * where it goes. Not /proc: the caller may use it in between.
 */
#define ROOTFS_SCRATCH_PARENT "/sys"
#define ROOTFS_SCRATCH_CHILD "/dev"

/* Mounts that later steps start from. */
enum rootfs_slot {
	ROOTFS_NONE,
	ROOTFS_ROOT,
	ROOTFS_PROC,
	ROOTFS_SYS,
	ROOTFS_DEV,
	ROOTFS_PTS,
	ROOTFS_SLOTS,
};

/* What the child makes before the parent is ready: places in rootfs_kit.own. */
#define ROOTFS_PLAN_MAX 15
#define ROOTFS_MASKS_MAX 48
enum {
	OWN_PRIVATE, /* the private tmpfs */
	OWN_PLAN, /* mounts of the plan, by their number in it */
	OWN_FILES = OWN_PLAN + ROOTFS_PLAN_MAX, /* generated files, in the order of the spec */
	OWN_MASKS = OWN_FILES + ROOTFS_FILES_MAX, /* pairs: target, source */
	OWN_END = OWN_MASKS + 2 * ROOTFS_MASKS_MAX,
};
_Static_assert(OWN_END == ROOTFS_OWN_MAX, "the numbering fills rootfs_kit.own");

/* The child half at work. */
struct rootfs_child {
	const struct rootfs_spec *spec;
	struct rootfs_kit *kit;
	size_t next; /* first of kit->fds that is not taken yet */
	int fd[ROOTFS_SLOTS]; /* -EBADF until attached */
};

/* rootfs_overlay.c, parent. Sources are opened in the host's mount namespace, the overlay is
 * assembled in the child's. */
struct rootfs_overlay {
	int instance; /* detached copy of the instance's directory */
	int layers[LIMIT_LAYERS]; /* detached idmapped copies */
	size_t n;
	const char *const *own; /* above them, below `instance`; borrowed */
	size_t n_own;
};
void rootfs_overlay_close(struct rootfs_overlay *o);
int rootfs_overlay_open(const struct rootfs_spec *spec, int userns_fd, struct rootfs_overlay *ret,
			struct err *e);
/* Return: detached mount fd. Changes the working directory. */
int rootfs_overlay_assemble(const struct rootfs_overlay *o, struct err *e);

/* rootfs_dev.c. Parent: /dev with its nodes. Child: what needs no privilege, before it is attached.
 */
int rootfs_dev_build(const struct rootfs_spec *spec, struct err *e);
int rootfs_dev_binds(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e);
int rootfs_dev_attach(struct rootfs_child *c, struct err *e);
int rootfs_dev_fill(const struct rootfs_spec *spec, int dev, struct err *e);

/* rootfs_target.c, child: O_PATH fds of mount points (rows 14, 15, 22). */
/* One component of the root, a directory, not a symlink; made if missing. */
int rootfs_target_fixed(const struct rootfs_child *c, const char *name, struct err *e);
/* Any other path, made if missing; refused when it ends on a kernel file system, "/" or /dev. */
int rootfs_target_path(const struct rootfs_child *c, const char *path, bool is_dir, struct err *e);
/* A file, whose last component may be a symlink and then is the target itself. */
int rootfs_target_file(const struct rootfs_child *c, const char *path, struct err *e);
/* Whether a mount of the spec has exactly this destination. */
bool rootfs_is_replaced(const struct rootfs_spec *spec, const char *path);

/* rootfs_plan.c, child: the fixed mounts, and those of the spec. */
int rootfs_plan_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e);
/* The mount of a slot as long as it is not attached in the new root; borrowed. */
int rootfs_plan_early(const struct rootfs_kit *kit, enum rootfs_slot slot);
int rootfs_plan_apply(struct rootfs_child *c, struct err *e);
int rootfs_plan_mounts(struct rootfs_child *c, struct err *e);

/* rootfs_skeleton.c, child: makes the directories below `from` again in the empty mount `to`. */
int rootfs_skeleton(int from, int to, struct err *e);

/* rootfs_files.c. Parent: copies of the shared files' mounts. Child: takes them; the private tmpfs
 * with its contents; copies of the generated files, and attaching them all. */
int rootfs_files_build(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e);
int rootfs_files_take(struct rootfs_child *c, struct err *e);
int rootfs_files_make(const struct rootfs_spec *spec, struct err *e);
int rootfs_files_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e);
int rootfs_files_attach(const struct rootfs_child *c, struct err *e);
/* The plain files of /run: after it was mounted and before anything is mounted below it. */
int rootfs_files_run(const struct rootfs_child *c, struct err *e);
#define ROOTFS_MASK_DIR "mask.d" /* names in the private tmpfs */
#define ROOTFS_MASK_FILE "mask"
#define ROOTFS_BOOT_ID "boot_id"

/* rootfs_secrets.c. Parent: the sealed tmpfs. Child: attaches it. */
int rootfs_secrets_build(const struct rootfs_spec *spec, struct err *e);
int rootfs_secrets_attach(struct rootfs_child *c, struct err *e);

/* rootfs_views.c. Parent: copies of lxcfs' files. Child: attaches them. */
int rootfs_views_build(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e);
int rootfs_views_attach(struct rootfs_child *c, struct err *e);

/* rootfs_masks.c, child. */
enum rootfs_mask_kind { MASK_DIR, MASK_FILE, MASK_READ_ONLY };
struct rootfs_mask {
	enum rootfs_slot base; /* ROOTFS_PROC, ROOTFS_SYS */
	enum rootfs_mask_kind kind;
	const char *name; /* relative to base */
	unsigned when; /* MASK_ALWAYS or a set of MASK_HOST_* */
};
enum {
	MASK_ALWAYS = 0,
	MASK_HOST_IDS = 1, /* root inside is root outside */
	MASK_HOST_NETWORK = 2,
};
extern const struct rootfs_mask rootfs_masks[];
extern const size_t rootfs_masks_n;
int rootfs_masks_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e);
int rootfs_masks_apply(const struct rootfs_child *c, struct err *e);

/* rootfs_pty.c: a new pty of the devpts whose root directory is pts. */
int rootfs_pty_make(int pts, int *ret_master, int *ret_slave, struct err *e);
int rootfs_pty_console(const struct rootfs_child *c, int *ret_master, int *ret_slave,
		       struct err *e);

#endif
