/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of OCI profiles, and what the kernel does with arguments. Data, and lookups in it. */
#include <linux/seccomp.h>
#include <string.h>

#include "base/str.h"
#include "runtime/seccomp_priv.h"

/* ERRNO and TRACE carry a number, added by the parser. */
const struct seccomp_word seccomp_actions[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
};
const size_t seccomp_n_actions = ARRAY_SIZE(seccomp_actions);

const struct seccomp_word seccomp_ops[] = {
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ }, { "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT }, { "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT }, { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
};
const size_t seccomp_n_ops = ARRAY_SIZE(seccomp_ops);

/* TSYNC is for threads; the one that installs the filter is alone. */
const struct seccomp_word seccomp_flags[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", 0 },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};
const size_t seccomp_n_flags = ARRAY_SIZE(seccomp_flags);

const struct seccomp_arch_name seccomp_arches[] = {
	{ "SCMP_ARCH_AARCH64", "arm64", SCMP_ARCH_AARCH64 },
	{ "SCMP_ARCH_ARM", "arm", SCMP_ARCH_ARM },
	{ "SCMP_ARCH_LOONGARCH64", "loong64", 0 },
	{ "SCMP_ARCH_M68K", "m68k", 0 },
	{ "SCMP_ARCH_MIPS", "mips", SCMP_ARCH_MIPS },
	{ "SCMP_ARCH_MIPS64", "mips64", SCMP_ARCH_MIPS64 },
	{ "SCMP_ARCH_MIPS64N32", "mips64n32", SCMP_ARCH_MIPS64N32 },
	{ "SCMP_ARCH_MIPSEL", "mipsel", SCMP_ARCH_MIPSEL },
	{ "SCMP_ARCH_MIPSEL64", "mipsel64", SCMP_ARCH_MIPSEL64 },
	{ "SCMP_ARCH_MIPSEL64N32", "mipsel64n32", SCMP_ARCH_MIPSEL64N32 },
	{ "SCMP_ARCH_PARISC", "parisc", SCMP_ARCH_PARISC },
	{ "SCMP_ARCH_PARISC64", "parisc64", SCMP_ARCH_PARISC64 },
	{ "SCMP_ARCH_PPC", "ppc", SCMP_ARCH_PPC },
	{ "SCMP_ARCH_PPC64", "ppc64", SCMP_ARCH_PPC64 },
	{ "SCMP_ARCH_PPC64LE", "ppc64le", SCMP_ARCH_PPC64LE },
	{ "SCMP_ARCH_RISCV64", "riscv64", SCMP_ARCH_RISCV64 },
	{ "SCMP_ARCH_S390", "s390", SCMP_ARCH_S390 },
	{ "SCMP_ARCH_S390X", "s390x", SCMP_ARCH_S390X },
	{ "SCMP_ARCH_SH", "sh", 0 },
	{ "SCMP_ARCH_SHEB", "sheb", 0 },
	{ "SCMP_ARCH_X32", "x32", SCMP_ARCH_X32 },
	{ "SCMP_ARCH_X86", "x86", SCMP_ARCH_X86 },
	{ "SCMP_ARCH_X86_64", "amd64", SCMP_ARCH_X86_64 },
};
const size_t seccomp_n_arches = ARRAY_SIZE(seccomp_arches);

bool seccomp_arch_runs(uint32_t arch, uint32_t sub)
{
	static const struct {
		uint32_t arch, sub;
	} runs[] = {
		{ SCMP_ARCH_X86_64, SCMP_ARCH_X86 },
		{ SCMP_ARCH_X86_64, SCMP_ARCH_X32 },
		{ SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },
	};

	if (arch == sub)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		if (runs[i].arch == arch && runs[i].sub == sub)
			return true;
	return false;
}

/*
 * From the SYSCALL_DEFINEs: parameters of type int or unsigned int, and clone's flags, which it
 * cuts to the lower 32 bits itself. Only arguments that select something, where a rule about them
 * makes sense.
 */
unsigned seccomp_narrow_args(const char *name)
{
	static const struct {
		const char *name;
		unsigned args;
	} narrow[] = {
		{ "arch_prctl", 1u << 0 },
		{ "bpf", 1u << 0 },
		{ "clone", 1u << 0 },
		{ "fcntl", 1u << 1 },
		{ "fcntl64", 1u << 1 },
		{ "futex", 1u << 1 },
		{ "getsockopt", 1u << 1 | 1u << 2 },
		{ "ioctl", 1u << 1 },
		{ "keyctl", 1u << 0 },
		{ "kill", 1u << 0 | 1u << 1 },
		{ "madvise", 1u << 2 },
		{ "msgctl", 1u << 1 },
		{ "personality", 1u << 0 },
		{ "prctl", 1u << 0 },
		{ "quotactl", 1u << 0 },
		{ "reboot", 1u << 0 | 1u << 1 | 1u << 2 },
		{ "seccomp", 1u << 0 | 1u << 1 },
		{ "semctl", 1u << 2 },
		{ "setns", 1u << 1 },
		{ "setsockopt", 1u << 1 | 1u << 2 },
		{ "shmctl", 1u << 1 },
		{ "socket", 1u << 0 | 1u << 1 | 1u << 2 },
		{ "socketcall", 1u << 0 },
		{ "socketpair", 1u << 0 | 1u << 1 | 1u << 2 },
		{ "syslog", 1u << 0 },
		{ "tgkill", 1u << 2 },
		{ "tkill", 1u << 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++)
		if (str_eq(narrow[i].name, name))
			return narrow[i].args;
	return 0;
}

/* The arguments of the calls behind these two are in memory, where no filter sees them. */
const char *seccomp_multiplexer(const char *name, uint64_t *ret_mask, uint64_t *ret_call)
{
	static const struct {
		const char *name;
		bool ipc;
		uint32_t call;
	} calls[] = {
		{ "socket", false, 1 },	     { "bind", false, 2 },
		{ "connect", false, 3 },     { "listen", false, 4 },
		{ "accept", false, 5 },	     { "getsockname", false, 6 },
		{ "getpeername", false, 7 }, { "socketpair", false, 8 },
		{ "send", false, 9 },	     { "recv", false, 10 },
		{ "sendto", false, 11 },     { "recvfrom", false, 12 },
		{ "shutdown", false, 13 },   { "setsockopt", false, 14 },
		{ "getsockopt", false, 15 }, { "sendmsg", false, 16 },
		{ "recvmsg", false, 17 },    { "accept4", false, 18 },
		{ "recvmmsg", false, 19 },   { "sendmmsg", false, 20 },
		{ "semop", true, 1 },	     { "semget", true, 2 },
		{ "semctl", true, 3 },	     { "semtimedop", true, 4 },
		{ "msgsnd", true, 11 },	     { "msgrcv", true, 12 },
		{ "msgget", true, 13 },	     { "msgctl", true, 14 },
		{ "shmat", true, 21 },	     { "shmdt", true, 22 },
		{ "shmget", true, 23 },	     { "shmctl", true, 24 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (str_eq(calls[i].name, name)) {
			/* ipc(2) keeps a version in the upper half of its first argument. */
			*ret_mask = calls[i].ipc ? 0xffff : UINT32_MAX;
			*ret_call = calls[i].call;
			return calls[i].ipc ? "ipc" : "socketcall";
		}
	return NULL;
}
