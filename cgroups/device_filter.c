/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device filter, by bpf(2) itself: a program of a few loads and compares needs no library.
 * include/uapi/linux/bpf.h, Documentation/bpf/prog_cgroup_sysctl.rst (for the return value),
 * security/device_cgroup.c (for what asks it).
 */
#include <linux/bpf.h> /* before base/banned.h */

#include "cgroups/device_filter.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/str.h"

#define PROGRAM_NAME "jail_devices" /* less than BPF_OBJ_NAME_LEN; how we know our own */
#define PROGRAMS_MAX 64 /* on one cgroup, the kernel's BPF_CGROUP_MAX_PROGS */
#define USER_NS_INIT_INO 0xeffffffdu /* PROC_USER_INIT_INO, include/linux/proc_ns.h */

static void add(struct filter *f, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	f->at[f->n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst & 0xfu, .src_reg = src & 0xfu, .off = off, .imm = imm
	};
}

void filter_add(struct filter *f, uint8_t code, uint8_t dst, uint8_t src, int32_t imm)
{
	add(f, code, dst, src, 0, imm);
}

static void add_load(struct filter *f, uint8_t dst, size_t offset)
{
	add(f, BPF_LDX | BPF_MEM | BPF_W, dst, R_CONTEXT, (int16_t)offset, 0);
}

void filter_begin(struct filter *f)
{
	add_load(f, R_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	filter_add(f, BPF_ALU | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0);
	filter_add(f, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0xffff);
	filter_add(f, BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 0, 16);
	add_load(f, R_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	add_load(f, R_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

int filter_jump_unless(struct filter *f, uint8_t reg, uint32_t value)
{
	filter_add(f, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, (int32_t)value);
	return f->n - 1;
}

int filter_jump_if(struct filter *f, uint8_t reg, uint32_t value)
{
	filter_add(f, BPF_JMP32 | BPF_JEQ | BPF_K, reg, 0, (int32_t)value);
	return f->n - 1;
}

void filter_here(struct filter *f, const int *jumps, int n)
{
	for (int i = 0; i < n; i++)
		f->at[jumps[i]].off = (int16_t)(f->n - jumps[i] - 1);
}

void filter_allow(struct filter *f)
{
	filter_add(f, BPF_JMP | BPF_JA, 0, 0, 0); /* filter_end() says where to */
}

void filter_deny(struct filter *f)
{
	filter_add(f, BPF_ALU | BPF_MOV | BPF_K, R_RETURN, 0, 0);
	filter_add(f, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

void filter_end(struct filter *f, bool allow)
{
	if (!allow) /* else nothing would come to it, which the kernel refuses */
		filter_deny(f);
	for (int i = 0; i < f->n; i++) {
		if (f->at[i].code == (BPF_JMP | BPF_JA))
			f->at[i].off = (int16_t)(f->n - i - 1);
	}
	filter_add(f, BPF_ALU | BPF_MOV | BPF_K, R_RETURN, 0, 1);
	filter_add(f, BPF_JMP | BPF_EXIT, 0, 0, 0);
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
static int load(const struct filter *f)
{
	union bpf_attr a = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)f->n,
		.insns = pointer(f->at),
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

int filter_put(int cgroup, const struct filter *f, bool *ret_active, struct err *e)
{
	CLEANUP_FD int program = load(f);
	int r = program < 0 ? program : cgroup < 0 ? 0 : replace(cgroup, program);

	if (r < 0 && is_host_root())
		return refused(r, e);
	*ret_active = r >= 0;
	return 0;
}
