/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every step is fatal when it fails. The order matters: mounts and namespaces need the capabilities
 * that are dropped after them.
 */
#include "cmd/jail-unpack/confine.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "images/entry.h"
#include "namespaces/mountfd.h"

/* The largest dictionaries that decompressors use by default are 64 MiB (xz -9) and 128 MiB (zstd);
 * an archive may ask for gigabytes (row 41). */
#define CONFINE_MEMORY ((rlim_t)384 << 20)
/* Uid 0 has no meaning for whatever might be executed. */
#define CONFINE_SECUREBITS                                                                         \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |                          \
	 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)
#define CONFINE_FILES ((rlim_t)ENTRY_DEPTH_MAX + 128)

static int confine_rlimit(__rlimit_resource_t what, rlim_t value, struct err *e)
{
	struct rlimit limit;

	/* A hard limit that is lower already stays. */
	if (getrlimit(what, &limit) < 0)
		return err_sys(e, "read resource limit %d", (int)what);
	if (limit.rlim_max < value)
		value = limit.rlim_max;
	limit = (struct rlimit){ .rlim_cur = value, .rlim_max = value };
	if (setrlimit(what, &limit) < 0)
		return err_sys(e, "set resource limit %d", (int)what);
	return 0;
}

static int confine_rlimits(const struct confine *c, struct err *e)
{
	int r;

	r = confine_rlimit(RLIMIT_CORE, 0, e);
	if (r == 0)
		r = confine_rlimit(RLIMIT_FSIZE, c->max_bytes, e);
	if (r == 0)
		r = confine_rlimit(RLIMIT_NOFILE, CONFINE_FILES, e);
#ifndef CONFINE_SANITIZED
	if (r == 0)
		r = confine_rlimit(RLIMIT_AS, CONFINE_MEMORY, e);
#endif
	/* Beyond RLIMIT_FSIZE a write shall fail, not kill. */
	if (r == 0 && signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		r = err_sys(e, "ignore SIGXFSZ");
	return r;
}

/*
 * The copy of the tree's mount is made in the host's mount namespace (a copy can't be taken out of
 * another one), attached over the root of the new one, and becomes its root.
 */
static int confine_tree(const struct confine *c, struct err *e)
{
	static const struct mount_param empty[] = { { "size", "4k" },
						    { "nr_inodes", "1" },
						    { "mode", "0555" } };

	if (c->no_tree)
		return mountfd_new("tmpfs", empty, ARRAY_SIZE(empty),
				   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					   MOUNT_ATTR_NOEXEC,
				   e);
	return mountfd_clone(UNPACK_FD_TREE, "", c->submounts,
			     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, -EBADF,
			     e);
}

static int confine_root(const struct confine *c, struct err *e)
{
	CLEANUP_FD int tree = confine_tree(c, e), root = -EBADF;
	int r;

	if (tree < 0)
		return tree;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return err_sys(e, "new namespaces");
	r = mountfd_propagation_all(MS_PRIVATE, e);
	if (r < 0)
		return r;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open the root");
	r = mountfd_attach(tree, root, e);
	if (r == 0)
		r = mountfd_pivot(tree, e);
	if (r < 0)
		return r;
	/* The only fd of a directory from now on: "..", as seen from the old one, leads out. */
	(void)close(UNPACK_FD_TREE);
	fd_reset(&tree);
	fd_reset(&root);
	r = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r < 0 ? err_sys(e, "open the tree") : r;
}

static int confine_capabilities(uint64_t caps, struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32) },
	};
	struct __user_cap_data_struct now[2];

	for (unsigned cap = 0; cap < 64; cap++) {
		int have = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (have < 0)
			break; /* past the last one that the kernel knows */
		if (have && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(e, "drop capability %u", cap);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, "clear ambient capabilities");
	if (prctl(PR_SET_SECUREBITS, CONFINE_SECUREBITS, 0, 0, 0) < 0)
		return err_sys(e, "set securebits");
	if (syscall(SYS_capset, &header, data) < 0)
		return err_sys(e, "set capabilities");
	if (syscall(SYS_capget, &header, now) < 0)
		return err_sys(e, "read capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(now); i++)
		if (now[i].effective != data[i].effective ||
		    now[i].permitted != data[i].permitted || now[i].inheritable)
			return err_set(e, EPERM, "the capabilities are not what was set");
	return 0;
}

static int confine_process(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "become undumpable");
	return 0;
}

int confine_rights(const struct confine *c, struct err *e)
{
	int r = confine_process(e);

	if (r == 0)
		r = confine_rlimits(c, e);
	return r == 0 ? confine_capabilities(c->capabilities, e) : r;
}

int confine_namespaces(const struct confine *c, struct err *e)
{
	CLEANUP_FD int root = -EBADF;
	int r = confine_process(e);

	if (r < 0)
		return r;
	(void)sys_close_range(UNPACK_FD_SPLIT + 1, ~0u, 0);
	root = confine_root(c, e);
	if (root < 0)
		return root;
	r = confine_rights(c, e);
	return r < 0 ? r : TAKE_FD(root);
}
