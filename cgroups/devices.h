/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device filter (row 31): a BPF program on an instance's outer cgroup that decides about every
 * open and mknod(2) of a device node by anything in it. It is attached before the first process is
 * there, out of reach of what is inside, and stays until the cgroup goes: nothing has to be kept
 * open or removed. All programs on a cgroup and above it have to allow an access, so one that
 * systemd attaches there can take away, but never add.
 *
 * What is allowed: the devices that every instance has (null, zero, full, random, urandom, tty and
 * pseudo terminals), and a list. mknod(2) goes by the same list, which is stricter than the OCI
 * default (any node may be made): a node that is made on a volume can be opened by the host's
 * users.
 */
#ifndef JAIL_CGROUPS_DEVICES_H
#define JAIL_CGROUPS_DEVICES_H

#include "base/limits.h"
#include "cgroups/cgroup.h"

enum {
	CGROUP_DEVICE_MKNOD = 1, /* BPF_DEVCG_ACC_MKNOD, ... */
	CGROUP_DEVICE_READ = 2,
	CGROUP_DEVICE_WRITE = 4,
	CGROUP_DEVICE_ALL = CGROUP_DEVICE_MKNOD | CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE,
};
#define CGROUP_DEVICE_ANY UINT32_MAX /* minor: all of the major */

struct cgroup_device {
	bool block; /* else a character device */
	uint32_t major, minor;
	uint32_t access; /* CGROUP_DEVICE_READ | ... */
};

/* The ones that all have; the size of the longest program. */
#define CGROUP_DEVICES_FIXED 8
#define CGROUP_DEVICES_INSNS_MAX (6 + 7 * (LIMIT_DEVICES + CGROUP_DEVICES_FIXED) + 4)

/* <linux/bpf.h> goes before the headers of base/: it uses words that base/banned.h forbids. */
struct bpf_insn;
/* Writes the program into CGROUP_DEVICES_INSNS_MAX instructions. Return: number of instructions;
 * -E2BIG for more than LIMIT_DEVICES. */
int cgroup_devices_program(const struct cgroup_device *list, size_t n, struct bpf_insn *ret,
			   struct err *e);

/*
 * Loads the program and puts it on NAME's outer cgroup; one that is there is replaced in one step,
 * so that no access ever finds none or both. What is attached is read back. On failure what was
 * before still holds.
 *
 * Where only the host's root may load programs and we are not (in a user namespace, as when jail
 * runs inside an instance), there is no filter and *ret_active is false: nobody in such a namespace
 * can make a device node, and the filter of the instance around holds. On the host it is an error.
 */
int cgroup_devices_set(const struct cgroup_tree *t, const struct jail_name *name,
		       const struct cgroup_device *list, size_t n, bool *ret_active, struct err *e);
/* Loads the program of an empty list and drops it; results as above. For check. */
int cgroup_devices_probe(bool *ret_active, struct err *e);

#endif
