/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ENOSYS for calls that are newer than a profile. A program that finds EPERM where it tries a new
 * call gives up (glibc's faccessat2, clone3); with ENOSYS it takes the older one. Which kernel a
 * profile was written for is not known, but system calls are numbered in the order in which they
 * come: what lies over the largest number that it names is newer. Other runtimes do the same, so
 * that profiles of engines count on it.
 *
 * The numbers are gone through from above and asked for their names, and not the other way round:
 * for some names of i386 libseccomp has only a number of its own (socket, which is also behind
 * socketcall), and the direct call would count as newer than the profile that allows it.
 */
#include <linux/seccomp.h>
#include <stdlib.h>

#include "runtime/seccomp_priv.h"

#define NUMBERS_END 1024 /* far over the newest call of any architecture */
#define X32_BIT 0x40000000u

static int is_name(const struct json *name, void *arg)
{
	return str_eq(name->text, arg) ? -EEXIST : 0;
}

static bool names_call(const struct seccomp_profile *p, char *name)
{
	for (size_t i = 0; i < p->n_rules; i++)
		if (seccomp_rule_each_name(&p->rules[i], is_name, name) < 0)
			return true;
	return false;
}

/* The largest number that the profile names on this architecture, or -1. */
static int largest_call(const struct seccomp_profile *p, uint32_t arch)
{
	for (int nr = NUMBERS_END; nr >= 0; nr--) {
		char *name = seccomp_syscall_resolve_num_arch(arch, nr);
		bool named = name && names_call(p, name);

		free(name);
		if (named)
			return nr;
	}
	return -1;
}

struct stub {
	struct sock_filter *code;
	size_t n;
};

static void put(struct stub *s, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	s->code[s->n++] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
}

/* Ends in any case: with ENOSYS, or at the stub's end (a jump that is aimed last). */
static void put_limit(struct stub *s, int largest, uint32_t bit)
{
	if (largest >= 0) {
		put(s, BPF_JMP | BPF_JGT | BPF_K, 0, 1, (uint32_t)largest | bit);
		put(s, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
	}
	put(s, BPF_JMP | BPF_JA, 0, 0, 0);
}

/* x32's calls are those of x86_64 with a bit set. Where the profile hasn't x32 they go to the
 * filter, which ends the process. */
static void put_arch(const struct seccomp_profile *p, uint32_t arch, struct stub *s)
{
	size_t skip = s->n, branch;

	put(s, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, arch);
	put(s, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	if (arch == SCMP_ARCH_X86_64) {
		int x32 = -1;

		for (size_t i = 0; i < p->n_arches; i++)
			if (p->arches[i] == SCMP_ARCH_X32)
				x32 = largest_call(p, SCMP_ARCH_X32);
		branch = s->n;
		put(s, BPF_JMP | BPF_JSET | BPF_K, 0, 0, X32_BIT);
		put_limit(s, largest_call(p, arch), 0);
		s->code[branch].jt = (uint8_t)(s->n - branch - 1);
		put_limit(s, x32, X32_BIT);
	} else {
		put_limit(s, largest_call(p, arch), 0);
	}
	s->code[skip].jf = (uint8_t)(s->n - skip - 1);
}

size_t seccomp_enosys_stub(const struct seccomp_profile *p,
			   struct sock_filter ret[static SECCOMP_STUB_MAX])
{
	/* At most 9 for x86_64 and 5 for each other architecture. */
	_Static_assert(1 + 9 + 5 * (SECCOMP_ARCHES_MAX - 1) <= SECCOMP_STUB_MAX, "stub too small");
	struct stub s = { .code = ret };

	if (!p->oci || (p->default_action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO ||
	    (p->default_action & SECCOMP_RET_DATA) == ENOSYS || p->n_rules == 0)
		return 0;
	put(&s, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < p->n_arches; i++)
		if (p->arches[i] != SCMP_ARCH_X32)
			put_arch(p, p->arches[i], &s);
	for (size_t i = 0; i < s.n; i++)
		if (s.code[i].code == (BPF_JMP | BPF_JA))
			s.code[i].k = (uint32_t)(s.n - i - 1);
	return s.n;
}
