/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device filter's program, run in an interpreter on devices of a table. No root needed. */
#include <linux/bpf.h> /* before base/banned.h */

#include "base_tmpdir.h"

#include "cgroups/devices.h"
#include "ebpf_sim.h"

#define R CGROUP_DEVICE_READ
#define W CGROUP_DEVICE_WRITE
#define M CGROUP_DEVICE_MKNOD
#define RWM CGROUP_DEVICE_ALL
#define ANY CGROUP_DEVICE_ANY

static struct bpf_insn insns[CGROUP_DEVICES_INSNS_MAX];
static int n_insns;

static void make(const struct cgroup_device *list, size_t n)
{
	struct err e = ERR_INIT;

	n_insns = cgroup_devices_program(list, n, insns, &e);
	if (n_insns < 0)
		fail_msg("%s", e.text);
	assert_true(n_insns <= (int)ARRAY_SIZE(insns));
}

static bool allows(bool block, uint32_t major, uint32_t minor, uint32_t access)
{
	struct bpf_cgroup_dev_ctx c = {
		.access_type = access << 16 | (block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	uint64_t r = ebpf_run(insns, n_insns, &c, sizeof(c));

	assert_true(r <= 1); /* anything else the kernel's verifier refuses */
	return r;
}

/* Each combination of read, write and make. */
static void check(bool block, uint32_t major, uint32_t minor, uint32_t granted)
{
	for (uint32_t access = 0; access <= RWM; access++) {
		bool want = granted > 0 && (access & ~granted) == 0;

		if (allows(block, major, minor, access) != want)
			fail_msg("%c %u:%u access %u: expected %d", block ? 'b' : 'c', major, minor,
				 access, want);
	}
}

/* What everybody has, and its neighbours on all sides. */
static const struct cgroup_device table[] = {
	{ false, 1, 3, RWM },	   { false, 1, 5, RWM },	{ false, 1, 7, RWM },
	{ false, 1, 8, RWM },	   { false, 1, 9, RWM },	{ false, 5, 0, RWM },
	{ false, 5, 2, RWM },	   { false, 136, 0, RWM },	{ false, 136, 1048575, RWM },
	{ false, 136, 4095, RWM }, { false, 136, ANY, RWM },	{ true, 1, 3, 0 },
	{ true, 136, 0, 0 },	   { false, 1, 1, 0 }, /* mem */
	{ false, 1, 2, 0 },	   { false, 1, 4, 0 }, /* port */
	{ false, 1, 6, 0 },	   { false, 1, 10, 0 },		{ false, 1, 11, 0 }, /* kmsg */
	{ false, 5, 1, 0 }, /* the machine's console */
	{ false, 4, 0, 0 },	   { false, 4, 64, 0 },		{ false, 10, 200, 0 },
	{ false, 10, 229, 0 },	   { false, 10, 237, 0 },	{ false, 137, 0, 0 },
	{ false, 0, 0, 0 },	   { true, 0, 0, 0 },		{ true, 7, 0, 0 },
	{ true, 8, 0, 0 },	   { true, 253, 0, 0 },		{ true, 259, 1, 0 },
	{ false, 257, 3, 0 },	   { false, 65537, 3, 0 },	{ false, 1, 259, 0 },
	{ false, 1, 65539, 0 },	   { false, UINT32_MAX, 3, 0 },
};

static void test_default(void **state)
{
	(void)state;
	make(NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check(table[i].block, table[i].major, table[i].minor, table[i].access);
}

/* Neither a block nor a character device, as no kernel asks today. */
static void test_odd_types(void **state)
{
	(void)state;
	make(NULL, 0);
	for (uint32_t type = 0; type < 16; type++) {
		struct bpf_cgroup_dev_ctx c = { .access_type = (uint32_t)R << 16 | type,
						.major = 1,
						.minor = 3 };

		assert_int_equal(ebpf_run(insns, n_insns, &c, sizeof(c)),
				 type == BPF_DEVCG_DEV_CHAR);
	}
}

static void test_granted(void **state)
{
	static const struct cgroup_device list[] = {
		{ false, 10, 229, R | W | M }, { true, 8, 0, R },
		{ true, 8, 16, R | W },	       { true, 8, 32, M },
		{ false, 240, ANY, R },	       { true, 4095, 1048575, W },
	};

	(void)state;
	make(list, ARRAY_SIZE(list));
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		check(list[i].block, list[i].major, list[i].minor, list[i].access);
		check(!list[i].block, list[i].major, list[i].minor, 0);
		check(list[i].block, list[i].major + 1, list[i].minor, 0);
	}
	check(true, 8, 1, 0);
	check(false, 240, 77, R);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].major != 8 && !(table[i].major == 10 && table[i].minor == 229))
			check(table[i].block, table[i].major, table[i].minor, table[i].access);
	}
}

/* The longest program: all of the list works, and it grows by the same for each. */
static void test_many(void **state)
{
	struct cgroup_device list[LIMIT_DEVICES + 1];
	struct err e = ERR_INIT;
	int none, one;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		list[i] = (struct cgroup_device){ i % 2, 300, (uint32_t)i, R | W };
	make(NULL, 0);
	none = n_insns;
	make(list, 1);
	one = n_insns;
	make(list, LIMIT_DEVICES);
	assert_int_equal(n_insns - none, LIMIT_DEVICES * (one - none));
	for (uint32_t i = 0; i < LIMIT_DEVICES; i++)
		check(i % 2, 300, i, R | W);
	check(LIMIT_DEVICES % 2, 300, LIMIT_DEVICES, 0);
	assert_int_equal(cgroup_devices_program(list, ARRAY_SIZE(list), insns, &e), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_odd_types),
		cmocka_unit_test(test_granted),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
