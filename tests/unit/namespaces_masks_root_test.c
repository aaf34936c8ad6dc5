/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The effect of each mask, from inside (row 25), by the same table that makes them: with private
 * ids, with the host's, with the host's network. What this kernel doesn't have is skipped as the
 * code skips it; the positive control is an instance without masks.
 */
#include "namespaces/rootfs_priv.h"
#include "tests/unit/namespaces_fixture.h"

static const char *base_of(const struct rootfs_mask *m)
{
	return m->base == ROOTFS_PROC ? "/proc" : "/sys";
}

static bool applies(const struct rootfs_mask *m, unsigned is)
{
	return m->when == MASK_ALWAYS || m->when & is;
}

/* One line for each path: what a read gives ("empty", "data", "denied", "absent"), whether it is a
 * mount point, and what an open for writing gives. */
static const char probe[] =
	"p() { f=$1; if [ ! -e $f ]; then echo $f absent; return; fi;"
	" m=shared; grep -q \" $f ro,\" /proc/self/mountinfo && m=ro;"
	" if [ -d $f ]; then n=$(ls -A $f 2>/dev/null | wc -l); touch $f/x 2>/dev/null && w=write;"
	" else n=$(dd if=$f bs=64 count=1 2>/dev/null | wc -c); w=refused;"
	" (exec 3>>$f) 2>/dev/null && w=write; fi;"
	" r=empty; [ $n -gt 0 ] && r=data; echo $f $m $r ${w:-refused}; };";

static void probe_all(char *script, size_t n, unsigned is)
{
	size_t len = 0;
	int r = str_format(script, n, "%s", probe);

	assert_true(r > 0);
	for (size_t i = 0; i < rootfs_masks_n; i++) {
		if (!applies(&rootfs_masks[i], is))
			continue;
		len += (size_t)r;
		r = str_format(script + len, n - len, "p %s/%s;", base_of(&rootfs_masks[i]),
			       rootfs_masks[i].name);
		assert_true(r > 0);
	}
}

/* Checks the lines of a run. Return: how many were really there. */
static size_t check_all(const char *out, unsigned is)
{
	size_t present = 0;

	for (size_t i = 0; i < rootfs_masks_n; i++) {
		const struct rootfs_mask *m = &rootfs_masks[i];
		char line[256], want[256];
		size_t n = strcspn(out, "\n");

		if (!applies(m, is))
			continue;
		assert_true(str_format(line, sizeof(line), "%.*s", (int)n, out) > 0);
		out += n + 1;
		assert_true(str_format(want, sizeof(want), "%s/%s absent", base_of(m), m->name) >
			    0);
		if (str_eq(line, want))
			continue;
		present++;
		assert_true(str_format(want, sizeof(want), "%s/%s ro %s refused", base_of(m),
				       m->name, m->kind == MASK_READ_ONLY ? "" : "empty") > 0);
		if (m->kind == MASK_READ_ONLY) { /* readable or not, as the kernel has it */
			assert_true(str_starts(line, "/proc/"));
			assert_non_null(strstr(line, " ro "));
			assert_non_null(strstr(line, " refused"));
		} else {
			assert_string_equal(line, want);
		}
	}
	return present;
}

static void run_all(unsigned is)
{
	char script[8192];

	fixture_reset();
	if (is & MASK_HOST_IDS) {
		fx.ids.count = 0;
		fx.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	}
	if (is & MASK_HOST_NETWORK) {
		fx.spec.host_network = true;
		fx.namespaces &= ~(uint64_t)CLONE_NEWNET;
	}
	probe_all(script, sizeof(script), is);
	assert_true(check_all(fixture_output(script), is) >= 8);
}

static void test_masks(void **state)
{
	(void)state;
	run_all(0);
}

/* The table itself: what the rows of the threat list name must be in it. */
static void test_table(void **state)
{
	static const struct {
		const char *name;
		bool read_only;
	} required[] = {
		{ "acpi", false },	   { "asound", false },
		{ "interrupts", false },   { "kallsyms", false },
		{ "kcore", false },	   { "keys", false },
		{ "kmsg", false },	   { "latency_stats", false },
		{ "sched_debug", false },  { "scsi", false },
		{ "timer_list", false },   { "timer_stats", false },
		{ "firmware", false },	   { "devices/virtual/powercap", false },
		{ "bus", true },	   { "fs", true },
		{ "irq", true },	   { "sys", true },
		{ "sysrq-trigger", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		bool found = false;

		for (size_t j = 0; j < rootfs_masks_n; j++) {
			const struct rootfs_mask *m = &rootfs_masks[j];

			found |= str_eq(m->name, required[i].name) && m->when == MASK_ALWAYS &&
				 (m->kind == MASK_READ_ONLY) == required[i].read_only;
		}
		if (!found)
			print_error("%s\n", required[i].name);
		assert_true(found);
	}
}

static void test_masks_host_ids(void **state)
{
	(void)state;
	run_all(MASK_HOST_IDS);
}

static void test_masks_host_network(void **state)
{
	(void)state;
	run_all(MASK_HOST_NETWORK);
}

/* Without masks the same probes find something: they are able to. */
static void test_control(void **state)
{
	char script[8192];

	(void)state;
	fixture_reset();
	fx.spec.unmasked = true;
	probe_all(script, sizeof(script), 0);
	(void)fixture_output(script);
	assert_non_null(strstr(fx.out, "/proc/interrupts shared data"));
	assert_non_null(strstr(fx.out, "/proc/sys shared data"));
	assert_null(strstr(fx.out, " ro "));
}

/* Neither a mask nor /sys can be turned writable from a nested namespace, and a file that is not
 * world-readable outside is not readable inside. */
static void test_writable_walk(void **state)
{
	(void)state;
	fixture_reset();
	/* no file of /sys, and of /proc only one's own, can be opened for writing (row 26) */
	(void)fixture_output("for f in $(find /sys -xdev -type f 2>/dev/null | head -n 3000)"
			     " $(find /proc -xdev -type f 2>/dev/null | grep -v '^/proc/[0-9]'); do"
			     " (exec 3>>$f) 2>/dev/null && echo $f; done; true");
	assert_string_equal(fx.out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	       cmocka_unit_test(test_masks),
		cmocka_unit_test(test_masks_host_ids), cmocka_unit_test(test_masks_host_network),
		cmocka_unit_test(test_control),	       cmocka_unit_test(test_writable_walk),
	};

	return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
