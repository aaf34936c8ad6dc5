/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile as text, and the same text as linux.seccomp of an OCI configuration. Whatever it holds:
 * an error, or a program that the kernel would take by its size, that answers each call, that ends
 * calls of a foreign ABI, and that is the same when compiled again.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "runtime/seccomp_priv.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_program(const struct seccomp_program *p)
{
	struct seccomp_data data = { .arch = AUDIT_ARCH_X86_64 };

	check(p->n > 0 && p->n <= BPF_MAXINSNS && p->filter);
	for (int nr = 0; nr < 470; nr++) {
		data.nr = nr;
		for (int i = 0; i < 6; i++)
			data.args[i] = (uint64_t)nr * 0x9e3779b97f4a7c15u >> i;
		(void)seccomp_evaluate(p->filter, p->n, &data);
	}
	data.arch = AUDIT_ARCH_S390X;
	check(seccomp_evaluate(p->filter, p->n, &data) == SECCOMP_RET_KILL_PROCESS);
}

/* Ends the profile. */
static void check_profile(struct seccomp_profile *profile)
{
	struct seccomp_program first, second;
	struct err e = ERR_INIT;

	if (seccomp_profile_compile(profile, &first, &e) < 0) {
		check(e.code > 0 && e.text[0] != '\0');
	} else {
		check_program(&first);
		check(seccomp_profile_compile(profile, &second, &e) == 0);
		check(first.n == second.n && first.notifies == second.notifies &&
		      memcmp(first.filter, second.filter, first.n * sizeof(*first.filter)) == 0);
		seccomp_program_free(&first);
		seccomp_program_free(&second);
	}
	seccomp_profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct seccomp_target target = {
		.arch = SCMP_ARCH_X86_64,
		.kernel_major = 6,
		.capabilities = n ? data[0] * UINT64_C(0x0101010101) : 0,
	};
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct seccomp_profile profile;
	struct err e = ERR_INIT;

	if (seccomp_profile_parse("f", (const char *)data, n, &target, &profile, &e) < 0)
		check(e.code > 0 && e.text[0] != '\0');
	else
		check_profile(&profile);
	e = ERR_INIT;
	if (json_parse("f", (const char *)data, n, &doc, &e) < 0)
		return 0;
	if (seccomp_profile_read_oci("f", json_root(doc), &target, &profile, &e) < 0)
		check(e.code > 0 && e.text[0] != '\0');
	else
		check_profile(&profile);
	return 0;
}
