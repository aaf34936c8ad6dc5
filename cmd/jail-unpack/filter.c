/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls that unpacking makes, and those that libc makes beneath it. Everything else
 * fails with ENOSYS, for which a newer libc has a fall-back, rather than killing an import
 * half-way. Memory never becomes executable.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "cmd/jail-unpack/confine.h"

/* libc beneath either of them. */
static const unsigned filter_libc[] = {
	SYS_brk,	SYS_munmap,	    SYS_mremap,	      SYS_madvise,
	SYS_futex,	SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall,
	SYS_getpid,	SYS_gettid,	    SYS_tgkill,	      SYS_exit,
	SYS_exit_group,
};

static const unsigned filter_files[] = {
	/* the archive, the report */
	SYS_read,
	SYS_readv,
	SYS_write,
	SYS_writev,
	SYS_sendto,
	SYS_recvfrom,
	SYS_lseek,
	/* the tree */
	SYS_openat,
	SYS_openat2,
	SYS_close,
	SYS_pread64,
	SYS_pwrite64,
	SYS_ftruncate,
	SYS_fstat,
	SYS_fstatfs,
	SYS_readlinkat,
	SYS_newfstatat,
	SYS_statx,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_symlinkat,
	SYS_linkat,
	SYS_unlinkat,
	SYS_renameat2,
	SYS_fchown,
	SYS_fchownat,
	SYS_fchmod,
	SYS_utimensat,
	SYS_fsetxattr,
	SYS_fgetxattr,
	SYS_flistxattr,
	SYS_fremovexattr,
	SYS_getdents64,
	SYS_fcntl,
	SYS_syncfs,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_sched_yield,
	SYS_getrandom,
};

/* A decoder reads one file and talks to its parent. */
static const unsigned filter_decodes[] = {
	SYS_pread64,
	SYS_sendto,
	SYS_recvfrom,
	SYS_close,
};

/* With PROT_EXEC in their third argument they are refused. */
static const unsigned filter_no_exec[] = { SYS_mmap, SYS_mprotect };

#define FILTER_MAX                                                                                 \
	(16 + 2 * (ARRAY_SIZE(filter_files) + ARRAY_SIZE(filter_libc)) +                           \
	 8 * ARRAY_SIZE(filter_no_exec))

struct filter_program {
	struct sock_filter code[FILTER_MAX];
	size_t n;
};

static void filter_emit(struct filter_program *p, struct sock_filter insn)
{
	p->code[p->n++] = insn;
}

static void filter_load(struct filter_program *p, size_t offset)
{
	filter_emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void filter_return(struct filter_program *p, uint32_t action)
{
	filter_emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void filter_allow(struct filter_program *p, const unsigned *allowed, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		filter_emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							    0, 1));
		filter_return(p, SECCOMP_RET_ALLOW);
	}
}

static void filter_build(struct filter_program *p, const unsigned *allowed, size_t n)
{
	p->n = 0;
	filter_load(p, offsetof(struct seccomp_data, arch));
	filter_emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0));
	filter_return(p, SECCOMP_RET_KILL_PROCESS);
	filter_load(p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_SIZE(filter_no_exec); i++) {
		filter_emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							    filter_no_exec[i], 0, 4));
		/* The low half; the kernel looks at no other bits of it (little-endian). */
		filter_load(p, offsetof(struct seccomp_data, args[2]));
		filter_emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC,
							    0, 1));
		filter_return(p, SECCOMP_RET_ERRNO | EPERM);
		filter_return(p, SECCOMP_RET_ALLOW);
	}
	filter_allow(p, allowed, n);
	filter_allow(p, filter_libc, ARRAY_SIZE(filter_libc));
	filter_return(p, SECCOMP_RET_ERRNO | ENOSYS);
}

int confine_system_calls(enum confine_purpose purpose, struct err *e)
{
#ifdef CONFINE_SANITIZED
	(void)filter_build;
	(void)filter_files;
	(void)filter_decodes;
	(void)purpose;
	(void)e;
	return 0;
#else
	struct filter_program program;
	struct sock_fprog fprog;
	long r;

	if (FILTER_ARCH == 0)
		return err_set(e, ENOTSUP, "there is no system call filter for this architecture");
	if (purpose == CONFINE_DECODES)
		filter_build(&program, filter_decodes, ARRAY_SIZE(filter_decodes));
	else
		filter_build(&program, filter_files, ARRAY_SIZE(filter_files));
	fprog = (struct sock_fprog){ .len = (unsigned short)program.n, .filter = program.code };
	/* All threads, or the number of one that could not be brought along. */
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &fprog);
	if (r < 0)
		return err_sys(e, "install the system call filter");
	if (r > 0)
		return err_set(e, EPERM, "a thread escapes the system call filter");
	return 0;
#endif
}
