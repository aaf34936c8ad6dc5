/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root file system of an instance, in two halves.
 *
 * Parent half (host privileges): makes detached mounts out of host objects: the overlay over
 * idmapped layers, bind sources, /dev with its device nodes. It enters the child's new mount
 * namespace for a moment to attach the idmapped layers that overlayfs wants to find by path, so
 * that the host's mount table never changes and no second copy of it is made. Child half (root of
 * its own user namespace, nothing more): attaches them inside the new root by the plan, in order,
 * each target opened by openat2 in the root; makes proc, sysfs, mqueue, devpts, cgroup2, tmpfs,
 * generated files and the sources of masks itself, so that they belong to its own namespaces;
 * pivots. What travels between the halves are fds in a struct rootfs_kit, sent by SCM_RIGHTS.
 *
 * What an instance finds (the tables in rootfs_plan.c and rootfs_masks.c are the whole truth):
 * /proc, /sys read-only, /sys/fs/cgroup (read-only unless own_cgroups), /dev (a tmpfs of its own
 * with null zero full random urandom tty, fd stdin stdout stderr, ptmx, pts, shm, mqueue, with a
 * terminal console, and the spec's devices), /run and /tmp as size-limited tmpfs, empty at each
 * start as on a machine that boots but for the directories that the image has in /run (a mount of
 * the spec at the same place replaces /run, /tmp, /dev/shm).
 *
 * All this is made in the instance's own user namespace, so root there needs only CAP_SYS_ADMIN to
 * take masks and read-only flags away again, unless the caller locks them (namespaces/lock.h).
 */
#ifndef JAIL_NAMESPACES_ROOTFS_H
#define JAIL_NAMESPACES_ROOTFS_H

#include "base/err.h"
#include "base/limits.h"
#include "namespaces/idmap.h"

enum rootfs_kind {
	ROOTFS_OVERLAY, /* layers below, upper above */
	ROOTFS_DIRECTORY, /* a host directory, idmapped into the range; mounts below it stay out */
};

enum bind_kind { BIND_BIND, BIND_TMPFS, BIND_MOUNT };

/* A mount of the spec, in the order of the spec. */
struct rootfs_mount {
	enum bind_kind kind;
	const char *source; /* absolute host path, BIND_BIND */
	int fd; /* BIND_MOUNT: a detached mount of the caller's, borrowed, which becomes this one */
	const char *destination; /* absolute path inside, cleaned */
	bool recursive; /* rbind */
	bool no_follow; /* BIND_BIND: a symlink anywhere in `source` is an error (row 21) */
	bool read_only, nosuid, nodev, noexec, noatime;
	bool idmap; /* files of the source appear inside with the ids they have on the host's disk,
		       shifted */
	uint64_t propagation; /* MS_PRIVATE (default 0), MS_SLAVE, MS_SHARED, ...; MS_REC beside it
				 has no meaning of its own: `recursive` decides */
	uint64_t size_bytes; /* tmpfs; 0 = 64 MiB. Inodes are limited to one for each 4 KiB */
	uint32_t mode; /* tmpfs; 0 = 01777 */
};

/*
 * A file that the runtime generates: /etc/hostname, hosts, resolv.conf. It is a file of a private
 * tmpfs, mounted over what the image has there (a symlink is covered, not followed). Writable:
 * package scripts and resolvconf expect that; what they write is the instance's alone and is gone
 * with it. A mount of the spec at the same place replaces it.
 *
 * Or it is a file that instances share (netsetup/hosts.h): mounted read-only, and what its owner
 * writes is seen inside at once. Where root inside could make the mount writable, the file is not
 * his all the same.
 */
#define ROOTFS_FILES_MAX 16
struct rootfs_file {
	const char *destination;
	const char *content; /* NULL: the file behind fd */
	size_t len;
	int fd; /* borrowed; any file of the host */
};

/* The kernel lets a user namespace mount a proc or sysfs of its own only where it sees a whole one:
 * mount_too_revealing() of fs/namespace.c. */
#define ROOTFS_NESTING_DIR "/run/host/nesting"

/* A read-only file below ROOTFS_SECRETS_DIR, which only root of the instance can read. */
#define ROOTFS_SECRETS_DIR "/run/host/credentials"
struct rootfs_secret {
	const char *name; /* one component */
	const void *data;
	size_t len;
};

struct rootfs_device {
	const char *path; /* "/dev/fuse", below /dev */
	mode_t mode; /* type and permissions of the node, which belongs to the instance's root */
	dev_t rdev;
};

struct rootfs_spec {
	enum rootfs_kind kind;
	const char *const
		*layer_paths; /* absolute, top layer first, each a directory of the layer store */
	size_t n_layers;
	/* Directories below instance_dir, top first, that lie above those layers: what was its
	 * "upper" once. Owners are right already. */
	const char *const *own_paths;
	size_t n_own;
	int instance_dir; /* holds "upper", "work" and the mount points "l/0".."l/N"; borrowed */
	bool own_mount; /* which is a detached mount, and becomes part of the instance */
	const char *directory; /* ROOTFS_DIRECTORY */
	bool read_only; /* whole root read-only; a ROOTFS_DIRECTORY is then never written to, so its
			   mount points must exist */
	struct id_range ids;
	const struct rootfs_mount *mounts;
	size_t n_mounts;
	const struct rootfs_file *files;
	size_t n_files;
	const struct rootfs_secret *secrets;
	size_t n_secrets; /* 0: no such directory */
	const char *views_dir; /* where lxcfs is mounted */
	unsigned views; /* which of its files: rootfs_views_probe(); 0: none */
	const struct rootfs_device *devices;
	size_t n_devices;
	bool host_network; /* sysfs is then a read-only bind of the host's with class/net masked,
			      since a new one is refused */
	bool terminal; /* /dev/console is the pty */
	bool nesting; /* unmasked /proc and /sys below ROOTFS_NESTING_DIR, /proc/sys writable */
	bool bind_devices; /* rootfs_dev_must_bind(): the caller's own nodes, by bind mounts */
	bool own_cgroups; /* /sys/fs/cgroup is writable: what lies there was delegated */
	bool own_init; /* for an init of its own: /dev/tty1 is the console */
	const struct rootfs_file *run_files; /* plain files, below /run; with a mount of the spec
						at /run there are none */
	size_t n_run_files;
	const char *boot_id; /* what /proc/sys/kernel/random/boot_id says, with its newline; NULL =
				the host's */
	bool unmasked; /* no masks (only for userNamespace auto and when the spec says so) */
	uint64_t shm_size_bytes; /* 0 = 64 MiB */
};

/*
 * Mounts on their way. fds: made by the parent half: the root, /sys with host_network, /dev (with
 * bind_devices its nodes too), then
 * one for each bind mount in the order of the spec, then the secrets,
 * then the files of lxcfs, then shared files. own: made by the child half,
 * by its own numbering, once `begun`. Zeroed it is empty.
 */
#define ROOTFS_OWN_MAX 128
#define ROOTFS_VIEWS_MAX 8 /* files of lxcfs */
#define ROOTFS_DEV_NODES 6 /* fixed ones of /dev */
struct rootfs_kit {
	int fds[LIMIT_MOUNTS + 4 + ROOTFS_VIEWS_MAX + ROOTFS_DEV_NODES + ROOTFS_FILES_MAX];
	size_t n;
	bool begun;
	int own[ROOTFS_OWN_MAX];
};
void rootfs_kit_close(struct rootfs_kit *kit);

/* Makes "upper", "work", "l/N" in the instance's directory, owned by the range. Idempotent; called
 * by create. */
int rootfs_prepare_dir(int instance_dir, size_t n_layers, const struct id_range *ids,
		       struct err *e);

/*
 * Parent half. pidfd: the child in its new, still untouched mount namespace with its id maps
 * written. Bind sources are opened here with the host's eyes (each path used once). Makes the
 * child's mount namespace private. Single-threaded callers only (setns). Errors name the mount
 * ("mounts[2]: /srv/www: No such file or directory").
 */
int rootfs_build(const struct rootfs_spec *spec, int pidfd, struct rootfs_kit *ret, struct err *e);
/* Sends and receives what the parent made over a SOCK_SEQPACKET socket. Receiving keeps what the
 * child has begun with. */
int rootfs_kit_send(int sock, const struct rootfs_kit *kit, struct err *e);
int rootfs_kit_recv(int sock, struct rootfs_kit *ret, struct err *e);

/*
 * Child half, first part, which needs nothing from the parent: after ns_become_root(), before
 * rootfs_kit_recv(), so that it runs while the parent is at work on the overlay. Optional:
 * rootfs_enter() does it when it was not done.
 */
int rootfs_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e);
/*
 * Child half: everything from "my namespaces are new, I am root in them" (after ns_become_root())
 * to "cwd is / of the instance". *ret_console: with spec->terminal, the master side of a pty of the
 * instance's own devpts, whose peer is /dev/console; else -EBADF. *ret_console_peer likewise the
 * slave end. Consumes the kit's fds.
 */
int rootfs_enter(const struct rootfs_spec *spec, struct rootfs_kit *kit, int *ret_console,
		 int *ret_console_peer, struct err *e);
/* The caller is in a user namespace, as when jail runs inside an instance: it can make no device
 * nodes. */
bool rootfs_dev_must_bind(void);
/* Which files lxcfs, mounted at `dir`, has for instances: a set for rootfs_spec.views, not empty.
 * -ENOTCONN: its server is gone. */
int rootfs_views_probe(const char *dir, unsigned *ret, struct err *e);
/* Gives a running instance, held by pidfd, the files anew. Single-threaded callers only (setns). */
int rootfs_views_refresh(const char *dir, unsigned which, int pidfd, struct err *e);
/*
 * Another shared file in place of the one that a running instance, held by pidfd, has at `path`.
 * had: that one, or -EBADF: a generated one, which is covered. What the instance has there by
 * itself stays. fd, had: borrowed. Return: 1 replaced, 0 it stays. Single-threaded callers only
 * (setns).
 */
int rootfs_file_replace(const char *path, int had, int fd, int pidfd, struct err *e);
/* A further pty from the devpts of the instance that the caller has joined (exec -t): (master,
 * slave). */
int rootfs_open_pty(int *ret_master, int *ret_slave, struct err *e);

/* /dev of the running instance whose init is `pid`. -ESTALE: something else is there by now.
 * Return: fd. */
int rootfs_dev_open(pid_t pid, struct err *e);
/* Makes the node in it, with its directories; `uid`: the host's id of the instance's root. Return:
 * 1 made, 0 it was there. */
int rootfs_dev_add(int dev, const struct rootfs_device *d, uid_t uid, struct err *e);
/* Removes a node; what is there and is none stays. The filter decides, not the node. */
void rootfs_dev_drop(int dev, const char *path);

#endif
