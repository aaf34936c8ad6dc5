/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a compiled seccomp program on (architecture, number, arguments) and names the answer, for
 * tests that need no root: sim(&p, SIM_X86_64, SCMP_SYS(ioctl), 0, 0x5412) == SIM_ERRNO(EPERM).
 */
#ifndef JAIL_TESTS_BPF_SIM_H
#define JAIL_TESTS_BPF_SIM_H

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "runtime/seccomp.h"

#define SIM_X86_64 AUDIT_ARCH_X86_64
#define SIM_I386 AUDIT_ARCH_I386
#define SIM_AARCH64 AUDIT_ARCH_AARCH64
#define SIM_ARM AUDIT_ARCH_ARM
#define SIM_X32_BIT 0x40000000

#define SIM_ALLOW SECCOMP_RET_ALLOW
#define SIM_KILL SECCOMP_RET_KILL_PROCESS
#define SIM_ERRNO(n) (SECCOMP_RET_ERRNO | (uint32_t)(n))

struct sim_args {
	uint64_t v[6];
};

static inline uint32_t sim_run(const struct seccomp_program *p, uint32_t arch, int nr,
			       struct sim_args args)
{
	struct seccomp_data data = { .nr = nr, .arch = arch };

	memcpy(data.args, args.v, sizeof(data.args));
	return seccomp_evaluate(p->filter, p->n, &data);
}

#define sim(p, arch, nr, ...) sim_run(p, arch, nr, (struct sim_args){ { __VA_ARGS__ } })

/* The number of a call on an architecture, -1 when it has none. */
static inline int sim_nr(uint32_t arch, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(arch, name);

	return nr < 0 ? -1 : nr;
}

/* "ALLOW", "ERRNO 38", "KILL_PROCESS", ...: as in the golden table. */
static inline const char *sim_text(uint32_t action, char buf[static 32])
{
	uint32_t data = action & SECCOMP_RET_DATA;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "ALLOW";
	case SECCOMP_RET_LOG:
		return "LOG";
	case SECCOMP_RET_KILL_PROCESS:
		return "KILL_PROCESS";
	case SECCOMP_RET_KILL_THREAD:
		return "KILL_THREAD";
	case SECCOMP_RET_TRAP:
		return "TRAP";
	case SECCOMP_RET_ERRNO:
		(void)snprintf(buf, 32, "ERRNO %u", data);
		return buf;
	case SECCOMP_RET_TRACE:
		(void)snprintf(buf, 32, "TRACE %u", data);
		return buf;
	default:
		(void)snprintf(buf, 32, "0x%x", action);
		return buf;
	}
}

#endif
