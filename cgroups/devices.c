/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device filter, by bpf(2) itself: a program of a few loads and compares needs no library.
 * include/uapi/linux/bpf.h, Documentation/bpf/prog_cgroup_sysctl.rst (for the return value),
 * security/device_cgroup.c (for what asks it).
 */
#include <linux/bpf.h> /* before base/banned.h */

#include "cgroups/devices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "cgroups/cgroup_priv.h"

#define PROGRAM_NAME "jail_devices" /* less than BPF_OBJ_NAME_LEN; how we know our own */
#define PROGRAMS_MAX 64 /* on one cgroup, the kernel's BPF_CGROUP_MAX_PROGS */
#define USER_NS_INIT_INO 0xeffffffdu /* PROC_USER_INIT_INO, include/linux/proc_ns.h */

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

/* Registers: the context, and what is taken out of it. */
enum { R_RETURN, R_CONTEXT, R_TYPE, R_ACCESS, R_MAJOR, R_MINOR, R_REST };

struct program {
	struct bpf_insn *at;
	int n;
};

static void add(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	p->at[p->n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst & 0xfu, .src_reg = src & 0xfu, .off = off, .imm = imm
	};
}

static void add_load(struct program *p, uint8_t dst, size_t offset)
{
	add(p, BPF_LDX | BPF_MEM | BPF_W, dst, R_CONTEXT, (int16_t)offset, 0);
}

/* Return: the number of the jump, whose target add_device() fills in. Numbers of devices are 32
 * bits without sign, as the compare is (BPF_JMP32). */
static int add_jump_unless(struct program *p, uint8_t reg, uint32_t value)
{
	add(p, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, (int32_t)value);
	return p->n - 1;
}

/* Allowed, if it is this device and nothing is asked for that it doesn't grant; else on to the
 * next. */
static void add_device(struct program *p, const struct cgroup_device *d)
{
	int jumps[4], n = 0;

	jumps[n++] =
		add_jump_unless(p, R_TYPE, d->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	jumps[n++] = add_jump_unless(p, R_MAJOR, d->major);
	if (d->minor != CGROUP_DEVICE_ANY)
		jumps[n++] = add_jump_unless(p, R_MINOR, d->minor);
	if (d->access != CGROUP_DEVICE_ALL) {
		add(p, BPF_ALU | BPF_MOV | BPF_X, R_REST, R_ACCESS, 0, 0);
		add(p, BPF_ALU | BPF_AND | BPF_K, R_REST, 0, 0, (int32_t)~d->access);
		jumps[n++] = add_jump_unless(p, R_REST, 0);
	}
	add(p, BPF_JMP | BPF_JA, 0, 0, 0, 0); /* to the end that allows: filled in there */
	for (int i = 0; i < n; i++)
		p->at[jumps[i]].off = (int16_t)(p->n - jumps[i] - 1);
}

int cgroup_devices_program(const struct cgroup_device *list, size_t n, struct bpf_insn *ret,
			   struct err *e)
{
	struct program p = { ret, 0 };

	if (n > LIMIT_DEVICES)
		return err_set(e, E2BIG, "device filter: more than %d devices", LIMIT_DEVICES);
	add_load(&p, R_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	add(&p, BPF_ALU | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0, 0);
	add(&p, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
	add(&p, BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
	add_load(&p, R_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	add_load(&p, R_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		add_device(&p, &fixed[i]);
	for (size_t i = 0; i < n; i++)
		add_device(&p, &list[i]);
	add(&p, BPF_ALU | BPF_MOV | BPF_K, R_RETURN, 0, 0, 0);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (int i = 0; i < p.n; i++) {
		if (p.at[i].code == (BPF_JMP | BPF_JA))
			p.at[i].off = (int16_t)(p.n - i - 1);
	}
	add(&p, BPF_ALU | BPF_MOV | BPF_K, R_RETURN, 0, 0, 1);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return p.n;
}

/* Return: what the call returns, or -errno. */
static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* Return: fd of the program, or -errno. */
static int load(const struct bpf_insn *insns, int n)
{
	union bpf_attr a = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)n,
		.insns = pointer(insns),
		.license = pointer("GPL"),
		.prog_name = PROGRAM_NAME,
	};

	return bpf(BPF_PROG_LOAD, &a);
}

/* Return: 0 and what the kernel knows of a program, or -errno. */
static int describe(int fd, struct bpf_prog_info *ret)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	memset(ret, 0, sizeof(*ret));
	a.info.bpf_fd = (uint32_t)fd;
	a.info.info_len = sizeof(*ret);
	a.info.info = pointer(ret);
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &a);
}

/* The programs on this very cgroup, in their order. Return: number, or -errno. */
static int query(int cgroup, uint32_t ret[static PROGRAMS_MAX])
{
	union bpf_attr a;
	int r;

	memset(&a, 0, sizeof(a));
	a.query.target_fd = (uint32_t)cgroup;
	a.query.attach_type = BPF_CGROUP_DEVICE;
	a.query.prog_ids = pointer(ret);
	a.query.prog_cnt = PROGRAMS_MAX;
	r = bpf(BPF_PROG_QUERY, &a);
	return r < 0 ? r : (int)a.query.prog_cnt;
}

/* Our program on the cgroup. Return: its fd, -ENOENT, -errno. */
static int find_own(int cgroup)
{
	uint32_t ids[PROGRAMS_MAX];
	int n = query(cgroup, ids);

	for (int i = 0; i < n; i++) {
		struct bpf_prog_info info;
		CLEANUP_FD int fd = -EBADF;
		union bpf_attr a;

		memset(&a, 0, sizeof(a));
		a.prog_id = ids[i];
		fd = bpf(BPF_PROG_GET_FD_BY_ID, &a);
		if (fd == -ENOENT)
			continue;
		if (fd < 0 || describe(fd, &info) < 0)
			return fd < 0 ? TAKE_FD(fd) : -EIO;
		if (str_eq(info.name, PROGRAM_NAME))
			return TAKE_FD(fd);
	}
	return n < 0 ? n : -ENOENT;
}

/* `old` is replaced, unless it is negative. */
static int attach(int cgroup, int program, int old)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.target_fd = (uint32_t)cgroup;
	a.attach_bpf_fd = (uint32_t)program;
	a.attach_type = BPF_CGROUP_DEVICE;
	a.attach_flags = BPF_F_ALLOW_MULTI; /* systemd's can be there too */
	if (old >= 0) {
		a.attach_flags |= BPF_F_REPLACE;
		a.replace_bpf_fd = (uint32_t)old;
	}
	return bpf(BPF_PROG_ATTACH, &a);
}

/* Return: 0 when the program is on the cgroup, -EIO, -errno. */
static int read_back(int cgroup, int program)
{
	struct bpf_prog_info info;
	uint32_t ids[PROGRAMS_MAX];
	int n = query(cgroup, ids), r = describe(program, &info);

	for (int i = 0; i < n && r >= 0; i++) {
		if (ids[i] == info.id)
			return 0;
	}
	return n < 0 ? n : r < 0 ? r : -EIO;
}

static bool is_host_root(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) < 0 || st.st_ino == USER_NS_INIT_INO;
}

static int refused(int r, struct err *e)
{
	(void)err_ret(e, r, "device filter");
	if (r == -EINVAL || r == -ENOSYS)
		return err_hint(e, "the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF");
	if (r == -EPERM)
		return err_hint(e, "it needs CAP_SYS_ADMIN (or CAP_BPF and CAP_NET_ADMIN), and no "
				   "device program on a cgroup above that forbids more of them");
	return r;
}

static int replace(int cgroup, int program)
{
	CLEANUP_FD int old = find_own(cgroup);
	int r;

	if (old < 0 && old != -ENOENT)
		return TAKE_FD(old);
	r = attach(cgroup, program, old);
	return r < 0 ? r : read_back(cgroup, program);
}

int cgroup_devices_set(const struct cgroup_tree *t, const struct jail_name *name,
		       const struct cgroup_device *list, size_t n, bool *ret_active, struct err *e)
{
	struct bpf_insn insns[CGROUP_DEVICES_INSNS_MAX];
	CLEANUP_FD int cgroup = cgroup_dir(t, name, false), program = -EBADF;
	int r = cgroup_devices_program(list, n, insns, e);

	if (r < 0)
		return r;
	if (cgroup < 0)
		return err_ret(e, cgroup, "open cgroup %s/%s", t->path, name->s);
	program = load(insns, r);
	r = program < 0 ? program : replace(cgroup, program);
	if (r < 0 && is_host_root())
		return refused(r, e);
	*ret_active = r >= 0;
	return 0;
}

int cgroup_devices_probe(bool *ret_active, struct err *e)
{
	struct bpf_insn insns[CGROUP_DEVICES_INSNS_MAX];
	CLEANUP_FD int program = -EBADF;
	int r = cgroup_devices_program(NULL, 0, insns, e);

	if (r < 0)
		return r;
	program = load(insns, r);
	if (program < 0 && is_host_root())
		return refused(program, e);
	*ret_active = program >= 0;
	return 0;
}
