/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of /proc and /sys an instance may not read, or only read: the maskedPaths and readonlyPaths
 * that OCI engines use (moby, daemon/pkg/oci/defaults.go), plus what matters only when root inside
 * is root outside, because the kernel's own file modes then protect nothing.
 *
 * A masked directory is an empty read-only one, a masked file an empty read-only one, both from the
 * runtime's own tmpfs (row 17); a read-only path is a read-only copy of itself. A path that this
 * kernel doesn't have needs no mask; any other failure is fatal (row 25). The names are looked up
 * in a procfs and a sysfs that we have just made, below which nobody can have put a link.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/rootfs_priv.h"

const struct rootfs_mask rootfs_masks[] = {
	{ ROOTFS_PROC, MASK_DIR, "acpi", MASK_ALWAYS }, /* CVE-2018-10892 */
	{ ROOTFS_PROC, MASK_DIR, "asound", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_FILE, "interrupts", MASK_ALWAYS }, /* keystroke timing */
	{ ROOTFS_PROC, MASK_FILE, "kallsyms", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_FILE, "kcore", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_FILE, "keys", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_FILE, "kmsg", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_FILE, "latency_stats", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_FILE, "sched_debug", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_DIR, "scsi", MASK_ALWAYS }, /* CVE-2017-16539 */
	{ ROOTFS_PROC, MASK_FILE, "timer_list", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_FILE, "timer_stats", MASK_ALWAYS },
	{ ROOTFS_SYS, MASK_DIR, "devices/virtual/powercap", MASK_ALWAYS }, /* CVE-2020-8694 */
	{ ROOTFS_SYS, MASK_DIR, "firmware", MASK_ALWAYS },
	{ ROOTFS_SYS, MASK_DIR, "class/net", MASK_HOST_NETWORK },
	{ ROOTFS_PROC, MASK_FILE, "kpagecgroup", MASK_HOST_IDS },
	{ ROOTFS_PROC, MASK_FILE, "kpagecount", MASK_HOST_IDS },
	{ ROOTFS_PROC, MASK_FILE, "kpageflags", MASK_HOST_IDS },
	{ ROOTFS_PROC, MASK_FILE, "mtrr", MASK_HOST_IDS },
	{ ROOTFS_PROC, MASK_FILE, "slabinfo", MASK_HOST_IDS },
	{ ROOTFS_PROC, MASK_FILE, "vmallocinfo", MASK_HOST_IDS },

	{ ROOTFS_PROC, MASK_READ_ONLY, "bus", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_READ_ONLY, "fs", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_READ_ONLY, "irq", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_READ_ONLY, "pressure", MASK_ALWAYS }, /* triggers run in the host */
	{ ROOTFS_PROC, MASK_READ_ONLY, "sys", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_READ_ONLY, "sysrq-trigger", MASK_ALWAYS },
	{ ROOTFS_PROC, MASK_READ_ONLY, "driver", MASK_HOST_IDS },
	{ ROOTFS_PROC, MASK_READ_ONLY, "dynamic_debug", MASK_HOST_IDS },
};
const size_t rootfs_masks_n = ARRAY_SIZE(rootfs_masks);

_Static_assert(ARRAY_SIZE(rootfs_masks) <= ROOTFS_MASKS_MAX, "masks fit into rootfs_kit.own");

static bool mask_is_wanted(const struct rootfs_spec *spec, const struct rootfs_mask *m)
{
	unsigned is = (spec->ids.count == 0 ? MASK_HOST_IDS : 0u) |
		      (spec->host_network ? MASK_HOST_NETWORK : 0u);

	/* Whoever mounts his own proc has it writable anyway; the kernel checks who owns what. */
	if (spec->nesting && m->kind == MASK_READ_ONLY && str_eq(m->name, "sys"))
		return false;
	return m->when == MASK_ALWAYS || m->when & is;
}

static int mask_fail(const struct rootfs_mask *m, struct err *e)
{
	return err_wrap(e, "mask /%s/%s", m->base == ROOTFS_PROC ? "proc" : "sys", m->name);
}

static int mask_source(const struct rootfs_mask *m, int base, int private, struct err *e)
{
	switch (m->kind) {
	case MASK_DIR:
		return mountfd_clone(private, ROOTFS_MASK_DIR, false, MOUNT_ATTR_RDONLY, 0, -EBADF,
				     e);
	case MASK_FILE:
		return mountfd_clone(private, ROOTFS_MASK_FILE, false, MOUNT_ATTR_RDONLY, 0, -EBADF,
				     e);
	case MASK_READ_ONLY:
		return mountfd_clone(base, m->name, false, MOUNT_ATTR_RDONLY, 0, -EBADF, e);
	}
	return err_set(e, EINVAL, "mask of unknown kind %d", (int)m->kind);
}

/* Opens the target and makes the source. Leaves both unset when this kernel has no such path. */
static int mask_make(const struct rootfs_mask *m, int base, int private, int pair[static 2],
		     struct err *e)
{
	int flags = O_PATH | O_NOFOLLOW | (m->kind == MASK_DIR ? O_DIRECTORY : 0);
	int target = path_open_beneath(base, m->name, flags, 0);

	if (target == -ENOENT)
		return 0;
	if (target < 0) {
		(void)err_ret(e, target, "open");
		return mask_fail(m, e);
	}
	pair[0] = target;
	pair[1] = mask_source(m, base, private, e);
	return pair[1] < 0 ? mask_fail(m, e) : 0;
}

/* Those below `slot`, whose mount is `base`. */
static int masks_make(const struct rootfs_spec *spec, struct rootfs_kit *kit, enum rootfs_slot slot,
		      int base, struct err *e)
{
	for (size_t i = 0; i < rootfs_masks_n; i++) {
		const struct rootfs_mask *m = &rootfs_masks[i];

		if (m->base == slot && mask_is_wanted(spec, m) &&
		    mask_make(m, base, kit->own[OWN_PRIVATE], &kit->own[OWN_MASKS + 2 * i], e) < 0)
			return -e->code;
	}
	return 0;
}

int rootfs_masks_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	int proc = rootfs_plan_early(kit, ROOTFS_PROC), sys = rootfs_plan_early(kit, ROOTFS_SYS);

	if (spec->unmasked)
		return 0;
	if (masks_make(spec, kit, ROOTFS_PROC, proc, e) < 0)
		return -e->code;
	return sys < 0 ? 0 : masks_make(spec, kit, ROOTFS_SYS, sys, e);
}

/* Temperature and throttling counters of each CPU tell one tenant what another computes (GHSA-6fw5
 * of moby). */
static int mask_thermal(const struct rootfs_child *c, struct err *e)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	for (long i = 0; i < cpus; i++) {
		CLEANUP_FD int target = -EBADF, source = -EBADF;
		int pair[2] = { -EBADF, -EBADF };
		char name[64];
		struct rootfs_mask m = { ROOTFS_SYS, MASK_DIR, name, MASK_ALWAYS };
		int r = str_format(name, sizeof(name), "devices/system/cpu/cpu%ld/thermal_throttle",
				   i);

		if (r < 0)
			return err_ret(e, r, "thermal_throttle");
		r = mask_make(&m, c->fd[ROOTFS_SYS], c->kit->own[OWN_PRIVATE], pair, e);
		target = pair[0];
		source = pair[1];
		if (r < 0)
			return r;
		if (target < 0 && i == 0)
			return 0; /* a machine without the sensor: the first CPU is always there */
		if (target >= 0 && mountfd_attach(source, target, e) < 0)
			return mask_fail(&m, e);
	}
	return 0;
}

/* After the masks: the file is on the read-only copy of /proc/sys. */
static int apply_boot_id(const struct rootfs_child *c, struct err *e)
{
	CLEANUP_FD int source = -EBADF, target = -EBADF;

	if (!c->spec->boot_id)
		return 0;
	source = mountfd_clone(c->kit->own[OWN_PRIVATE], ROOTFS_BOOT_ID, false, MOUNT_ATTR_RDONLY,
			       0, -EBADF, e);
	if (source < 0)
		return err_wrap(e, "boot_id");
	target = path_open_beneath(c->fd[ROOTFS_PROC], "sys/kernel/random/boot_id",
				   O_PATH | O_NOFOLLOW, 0);
	if (target < 0)
		return err_ret(e, target, "open /proc/sys/kernel/random/boot_id");
	return mountfd_attach(source, target, e);
}

int rootfs_masks_apply(const struct rootfs_child *c, struct err *e)
{
	if (c->spec->unmasked)
		return apply_boot_id(c, e);
	/* The host's /sys came with the kit. */
	if (c->spec->host_network &&
	    masks_make(c->spec, c->kit, ROOTFS_SYS, c->fd[ROOTFS_SYS], e) < 0)
		return -e->code;
	for (size_t i = 0; i < rootfs_masks_n; i++) {
		const int *pair = &c->kit->own[OWN_MASKS + 2 * i];

		if (pair[0] >= 0 && mountfd_attach(pair[1], pair[0], e) < 0)
			return mask_fail(&rootfs_masks[i], e);
	}
	if (mask_thermal(c, e) < 0)
		return -e->code;
	return apply_boot_id(c, e);
}
