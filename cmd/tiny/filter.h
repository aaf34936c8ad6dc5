/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System call filters that are written down as constant data: an allow list, FILTER_BEGIN first and
 * FILTER_END last. Whatever isn't listed kills the process. Values are compared with the low half
 * of an argument, which is all that the kernel looks at in the arguments that are judged here (fds,
 * commands, option names).
 */
#ifndef JAIL_TINY_FILTER_H
#define JAIL_TINY_FILTER_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* The sanitizers reserve terabytes of address space and call the kernel as they please: no filter
 * then, and no limit of memory. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define CONFINE_SANITIZED 1
#endif

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#else
#define FILTER_ARCH 0 /* unknown: nothing runs */
#endif

#define FILTER_LOAD(member)                                                                        \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member))
#define FILTER_IF(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, yes, no)
#define FILTER_RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

/* x32 calls have a high bit in their number, and so are in no list. */
#define FILTER_BEGIN                                                                               \
	FILTER_LOAD(arch), FILTER_IF(BPF_JEQ, FILTER_ARCH, 1, 0),                                  \
		FILTER_RETURN(SECCOMP_RET_KILL_PROCESS), FILTER_LOAD(nr)
#define FILTER_ALLOW(call) FILTER_IF(BPF_JEQ, call, 0, 1), FILTER_RETURN(SECCOMP_RET_ALLOW)
/* With that value as its n-th argument, from 0. */
#define FILTER_ALLOW_IF(call, n, value)                                                            \
	FILTER_IF(BPF_JEQ, call, 0, 4), FILTER_LOAD(args[n]), FILTER_IF(BPF_JEQ, value, 0, 1),     \
		FILTER_RETURN(SECCOMP_RET_ALLOW), FILTER_LOAD(nr)
/* With one of from..to. */
#define FILTER_ALLOW_RANGE(call, n, from, to)                                                      \
	FILTER_IF(BPF_JEQ, call, 0, 5), FILTER_LOAD(args[n]), FILTER_IF(BPF_JGE, from, 0, 2),      \
		FILTER_IF(BPF_JGT, to, 1, 0), FILTER_RETURN(SECCOMP_RET_ALLOW), FILTER_LOAD(nr)
/* With that value, and another argument in from..to. */
#define FILTER_ALLOW_IF_RANGE(call, n, value, m, from, to)                                         \
	FILTER_IF(BPF_JEQ, call, 0, 7), FILTER_LOAD(args[n]), FILTER_IF(BPF_JEQ, value, 0, 4),     \
		FILTER_LOAD(args[m]), FILTER_IF(BPF_JGE, from, 0, 2),                              \
		FILTER_IF(BPF_JGT, to, 1, 0), FILTER_RETURN(SECCOMP_RET_ALLOW), FILTER_LOAD(nr)
#define FILTER_END FILTER_RETURN(SECCOMP_RET_KILL_PROCESS)

#endif
