/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec decoder under libFuzzer. Beyond not crashing: what is accepted reads back from its own
 * print as the same, a refusal leaves the result alone and says why, and finishing is idempotent.
 * Seeds: tests/spec/good, tests/spec/bad, tests/spec/semantic.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/spec.h"
#include "tests/unit/spec_equal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (!condition) {
		(void)fprintf(stderr, "spec_fuzz: %s\n", what);
		abort();
	}
}

static void check_round_trip(const struct jail_spec *s)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_SPEC struct jail_spec again;
	struct err e = ERR_INIT;
	struct json_out o;
	const char *differs;

	spec_init(&again);
	json_out_init(&o, &b, false);
	spec_to_json(s, &o, NULL);
	require(strbuf_ok(&b, &e) == 0, "printing failed");
	require(spec_decode("again", b.data, b.len, &again, &e) >= 0, e.text);
	differs = spec_differ(s, &again);
	require(!differs, differs ? differs : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e = ERR_INIT;
	int r;

	spec_init(&s);
	r = spec_decode("fuzz", (const char *)data, size, &s, &e);
	if (r < 0) {
		require(e.code == -r && e.text[0], "an error without a reason");
		return 0;
	}
	require(e.code == 0, "an error with a success");
	check_round_trip(&s);
	if (spec_finish(&s, &e) < 0) {
		require(e.code > 0 && e.text[0], "an error without a reason");
		return 0;
	}
	require(spec_finish(&s, &e) >= 0, e.text);
	return 0;
}
