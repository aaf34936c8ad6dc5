/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of device rules, run in an interpreter, against what the rules say: the last one that
 * speaks of an access decides. No root needed.
 */
#include <linux/bpf.h> /* before base/banned.h */

#include "base_tmpdir.h"

#include "cgroups/device_rules.h"
#include "ebpf_sim.h"

#define R CGROUP_DEVICE_READ
#define W CGROUP_DEVICE_WRITE
#define M CGROUP_DEVICE_MKNOD
#define RWM CGROUP_DEVICE_ALL

static struct bpf_insn insns[CGROUP_DEVICE_RULES_INSNS(CGROUP_DEVICE_RULES_MAX)];
static int n_insns;

static void make(const struct cgroup_device_rule *rules, size_t n)
{
	struct err e = ERR_INIT;

	n_insns = cgroup_device_rules_program(rules, n, insns, &e);
	if (n_insns < 0)
		fail_msg("%s", e.text);
	assert_true(n_insns <= (int)CGROUP_DEVICE_RULES_INSNS(n));
}

static bool allows(char type, uint32_t major, uint32_t minor, uint32_t access)
{
	struct bpf_cgroup_dev_ctx c = {
		.access_type =
			access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	uint64_t r = ebpf_run(insns, n_insns, &c, sizeof(c));

	assert_true(r <= 1); /* anything else the kernel's verifier refuses */
	return r;
}

/* The rules read from the last to the first, one access at a time. */
static bool expected(const struct cgroup_device_rule *rules, size_t n, char type, uint32_t major,
		     uint32_t minor, uint32_t access)
{
	for (uint32_t bit = 1; bit <= W; bit <<= 1) {
		bool yes = false;

		if (!(access & bit))
			continue;
		for (size_t i = n; i-- > 0;) {
			const struct cgroup_device_rule *d = &rules[i];

			if ((d->type != 'a' && d->type != type) ||
			    (d->major >= 0 && d->major != major) ||
			    (d->minor >= 0 && d->minor != minor) || !(d->access & bit))
				continue;
			yes = d->allow;
			break;
		}
		if (!yes)
			return false;
	}
	return true;
}

static void check(const struct cgroup_device_rule *rules, size_t n)
{
	static const uint32_t numbers[] = { 0, 1, 3, 8, 136, UINT32_MAX };

	make(rules, n);
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			for (size_t k = 0; k < ARRAY_SIZE(numbers); k++)
				for (uint32_t access = 1; access <= RWM; access++) {
					char type = "bc"[t];

					if (allows(type, numbers[i], numbers[k], access) !=
					    expected(rules, n, type, numbers[i], numbers[k],
						     access))
						fail_msg("%c %u:%u access %u", type, numbers[i],
							 numbers[k], access);
				}
}

static void test_none(void **state)
{
	(void)state;
	make(NULL, 0);
	assert_false(allows('c', 1, 3, R));
	assert_false(allows('b', 8, 0, M));
}

/* As Docker has it: all denied, some allowed; --privileged; a single one taken out. */
static void test_lists(void **state)
{
	static const struct cgroup_device_rule docker[] = {
		{ false, 'a', -1, -1, RWM }, { true, 'c', 1, 3, RWM },	{ true, 'c', 1, 8, RWM },
		{ true, 'c', 136, -1, RWM }, { false, 'c', 8, 3, RWM }, { true, 'b', 8, -1, R },
	};
	static const struct cgroup_device_rule privileged[] = { { true, 'a', -1, -1, RWM } };
	static const struct cgroup_device_rule all_but_one[] = {
		{ true, 'a', -1, -1, RWM },
		{ false, 'b', 8, 0, W | M },
		{ true, 'b', 8, 0, M },
	};

	(void)state;
	check(docker, ARRAY_SIZE(docker));
	assert_true(allows('c', 1, 3, R | W));
	assert_true(allows('c', 136, 77, R | W));
	assert_true(allows('b', 8, 3, R));
	assert_false(allows('b', 8, 3, R | W)); /* half is not enough */
	assert_false(allows('c', 1, 1, R));
	check(privileged, ARRAY_SIZE(privileged));
	assert_true(allows('b', 259, 77, RWM));
	check(all_but_one, ARRAY_SIZE(all_but_one));
	assert_true(allows('b', 8, 0, R | M));
	assert_false(allows('b', 8, 0, W));
	assert_true(allows('b', 8, 1, W));
}

/* An access that is granted by several rules together. */
static void test_together(void **state)
{
	static const struct cgroup_device_rule rules[] = {
		{ true, 'c', 8, 1, R },
		{ true, 'a', -1, 1, W },
		{ false, 'b', -1, -1, W },
	};

	(void)state;
	check(rules, ARRAY_SIZE(rules));
	assert_true(allows('c', 8, 1, R | W));
	assert_false(allows('c', 8, 1, RWM));
}

/* A rule for everything makes those before it void, whatever they were. */
static void test_reset(void **state)
{
	static const struct cgroup_device_rule rules[] = {
		{ true, 'c', 1, 3, RWM },
		{ false, 'a', -1, -1, RWM },
		{ true, 'c', 1, 8, R },
	};

	(void)state;
	check(rules, ARRAY_SIZE(rules));
	assert_false(allows('c', 1, 3, R));
	assert_true(allows('c', 1, 8, R));
}

static uint32_t random_of(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % n;
}

static void test_random(void **state)
{
	static const int64_t numbers[] = { -1, 0, 1, 3, 8, 136, UINT32_MAX };
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct cgroup_device_rule rules[24];
		size_t n = random_of(&seed, ARRAY_SIZE(rules) + 1);

		for (size_t i = 0; i < n; i++)
			rules[i] = (struct cgroup_device_rule){
				random_of(&seed, 2),
				"abc"[random_of(&seed, 3)],
				numbers[random_of(&seed, ARRAY_SIZE(numbers))],
				numbers[random_of(&seed, ARRAY_SIZE(numbers))],
				random_of(&seed, 8),
			};
		check(rules, n);
	}
}

static void test_bad(void **state)
{
	static const struct cgroup_device_rule bad[] = {
		{ true, 'p', 1, 1, R },
		{ true, 'c', -2, 1, R },
		{ true, 'c', 1, 0x100000000, R },
		{ true, 'c', 1, 1, 8 },
	};
	static struct cgroup_device_rule many[CGROUP_DEVICE_RULES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(cgroup_device_rules_program(&bad[i], 1, insns, &e), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct cgroup_device_rule){ false, 'b', 4000, (int64_t)i, R };
	make(many, CGROUP_DEVICE_RULES_MAX);
	assert_false(allows('b', 4000, 5, R));
	assert_int_equal(cgroup_device_rules_program(many, ARRAY_SIZE(many), insns,
						     &(struct err){ .code = 0 }),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	 cmocka_unit_test(test_lists),
		cmocka_unit_test(test_together), cmocka_unit_test(test_reset),
		cmocka_unit_test(test_random),	 cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
