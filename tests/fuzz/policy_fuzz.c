/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy file under libFuzzer: a refusal says why, and what is accepted judges any spec. Seeds:
 * tests/fuzz/corpus/policy.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_POLICY struct policy p = { .doc = NULL };
	CLEANUP_SPEC struct jail_spec spec;
	struct err e = ERR_INIT;
	int r = policy_decode("fuzz", (const char *)data, size, &p, &e);

	spec_init(&spec);
	if (r < 0) {
		if (e.code != -r || !e.text[0]) {
			(void)fprintf(stderr, "policy_fuzz: a refusal without a reason\n");
			abort();
		}
		return 0;
	}
	for (size_t i = 0; i < p.n_host_paths; i++)
		if (p.host_paths[i].path[0] != '/')
			abort();
	if (spec_example(&spec, &e) < 0)
		return 0;
	(void)policy_check(&p, &spec, &e);
	return 0;
}
