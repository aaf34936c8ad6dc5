/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of an instance's devices as a program. */
#include <linux/bpf.h> /* before base/banned.h */

#include "cgroups/devices.h"

#include "cgroups/cgroup_priv.h"
#include "cgroups/device_filter.h"

#define RWM CGROUP_DEVICE_ALL

/*
 * Documentation/admin-guide/devices.txt. Not 5:1, the machine's console: an instance's own is a
 * pty. A pty can only be opened in the devpts that it belongs to, so 136 means the instance's own.
 */
static const struct cgroup_device fixed[] = {
	{ false, 1, 3, RWM }, /* null */
	{ false, 1, 5, RWM }, /* zero */
	{ false, 1, 7, RWM }, /* full */
	{ false, 1, 8, RWM }, /* random */
	{ false, 1, 9, RWM }, /* urandom */
	{ false, 5, 0, RWM }, /* tty */
	{ false, 5, 2, RWM }, /* ptmx */
	{ false, 136, CGROUP_DEVICE_ANY, RWM }, /* pts */
};
_Static_assert((int)CGROUP_DEVICE_MKNOD == (int)BPF_DEVCG_ACC_MKNOD &&
		       (int)CGROUP_DEVICE_READ == (int)BPF_DEVCG_ACC_READ &&
		       (int)CGROUP_DEVICE_WRITE == (int)BPF_DEVCG_ACC_WRITE,
	       "the kernel's numbers");
_Static_assert(ARRAY_SIZE(fixed) == CGROUP_DEVICES_FIXED, "devices.h counts them");

/* Allowed, if it is this device and nothing is asked for that it doesn't grant; else on to the
 * next. */
static void add_device(struct filter *f, const struct cgroup_device *d)
{
	int jumps[4], n = 0;

	jumps[n++] =
		filter_jump_unless(f, R_TYPE, d->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	jumps[n++] = filter_jump_unless(f, R_MAJOR, d->major);
	if (d->minor != CGROUP_DEVICE_ANY)
		jumps[n++] = filter_jump_unless(f, R_MINOR, d->minor);
	if (d->access != CGROUP_DEVICE_ALL) {
		filter_add(f, BPF_ALU | BPF_MOV | BPF_X, R_REST, R_ACCESS, 0);
		filter_add(f, BPF_ALU | BPF_AND | BPF_K, R_REST, 0, (int32_t)~d->access);
		jumps[n++] = filter_jump_unless(f, R_REST, 0);
	}
	filter_allow(f);
	filter_here(f, jumps, n);
}

int cgroup_devices_program(const struct cgroup_device *list, size_t n, struct bpf_insn *ret,
			   struct err *e)
{
	struct filter f = { ret, 0 };

	if (n > LIMIT_DEVICES)
		return err_set(e, E2BIG, "device filter: more than %d devices", LIMIT_DEVICES);
	filter_begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		add_device(&f, &fixed[i]);
	for (size_t i = 0; i < n; i++)
		add_device(&f, &list[i]);
	filter_end(&f, false);
	return f.n;
}

int cgroup_devices_set(const struct cgroup_tree *t, const struct jail_name *name,
		       const struct cgroup_device *list, size_t n, bool *ret_active, struct err *e)
{
	struct bpf_insn insns[CGROUP_DEVICES_INSNS_MAX];
	CLEANUP_FD int cgroup = cgroup_dir(t, name, false);
	int r = cgroup_devices_program(list, n, insns, e);

	if (r < 0)
		return r;
	if (cgroup < 0)
		return err_ret(e, cgroup, "open cgroup %s/%s", t->path, name->s);
	return filter_put(cgroup, &(struct filter){ insns, r }, ret_active, e);
}

int cgroup_devices_probe(bool *ret_active, struct err *e)
{
	struct bpf_insn insns[CGROUP_DEVICES_INSNS_MAX];
	int r = cgroup_devices_program(NULL, 0, insns, e);

	return r < 0 ? r : filter_put(-EBADF, &(struct filter){ insns, r }, ret_active, e);
}
