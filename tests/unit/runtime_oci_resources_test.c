/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.resources as files, linux.cgroupsPath as a place, settings and annotations as properties of
 * a scope: text in, text out. No root needed.
 */
#include "base_tmpdir.h"

#include "cgroups/directory.h"
#include "runtime/oci/cgroup.h"
#include "runtime/oci/resources.h"
#include "runtime/oci/scope_property.h"

static const struct oci_resource_facts fresh = { .has_bfq = false };
static const struct oci_resource_facts bfq = { .has_bfq = true };
static const struct oci_resource_facts running = { .cpu_max = "50000 200000" };

/* "FILE[ DEVICE]=VALUE;..." */
static void flatten(const struct cgroup_settings *s, char *ret, size_t n)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < s->n; i++) {
		int r = snprintf(ret + used, n - used, "%s%s%s%s=%s", i ? ";" : "", s->v[i].file,
				 s->v[i].device[0] ? " " : "", s->v[i].device, s->v[i].value);

		assert_true(r > 0 && (size_t)r < n - used);
		used += (size_t)r;
		assert_true(str_starts(s->v[i].key, "linux.resources."));
	}
}

static void expect(const struct oci_resources *r, const struct oci_resource_facts *facts,
		   const char *want)
{
	CLEANUP_SETTINGS struct cgroup_settings s = { .n = 0 };
	struct err e = ERR_INIT;
	char got[2048];

	if (oci_resources_convert(r, facts, &s, &e) < 0)
		fail_msg("%s", e.text);
	flatten(&s, got, sizeof(got));
	assert_string_equal(got, want);
}

static void refuse(const struct oci_resources *r, int code, const char *text)
{
	CLEANUP_SETTINGS struct cgroup_settings s = { .n = 0 };
	struct err e = ERR_INIT;

	assert_int_equal(oci_resources_convert(r, &fresh, &s, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

#define MEMORY(...) ((struct oci_resources){ .memory = { __VA_ARGS__ } })
#define CPU(...) ((struct oci_resources){ .cpu = { __VA_ARGS__ } })

static void test_memory(void **state)
{
	(void)state;
	expect(&(struct oci_resources){ .n_huge = 0 }, &fresh, "");
	/* What Go's encoders write for what nobody gave. */
	expect(&MEMORY(.has_limit = true, .has_swap = true, .has_reservation = true,
		       .has_kernel = true, .has_kernel_tcp = true),
	       &fresh, "");
	expect(&MEMORY(.has_limit = true, .limit = 1 << 20), &fresh, "memory.max=1048576");
	expect(&MEMORY(.has_limit = true, .limit = -1), &fresh,
	       "memory.swap.max=max;memory.max=max");
	expect(&MEMORY(.has_limit = true, .limit = 1 << 20, .has_swap = true, .swap = 3 << 20),
	       &fresh, "memory.swap.max=2097152;memory.max=1048576");
	expect(&MEMORY(.has_limit = true, .limit = 1 << 20, .has_swap = true, .swap = 1 << 20),
	       &fresh, "memory.swap.max=0;memory.max=1048576");
	expect(&MEMORY(.has_limit = true, .limit = 1 << 20, .has_swap = true, .swap = -1), &fresh,
	       "memory.swap.max=max;memory.max=1048576");
	expect(&MEMORY(.has_limit = true, .limit = -1, .has_swap = true, .swap = 8192), &fresh,
	       "memory.swap.max=8192;memory.max=max");
	expect(&MEMORY(.has_reservation = true, .reservation = 4096), &fresh, "memory.low=4096");
	refuse(&MEMORY(.has_swap = true, .swap = 4096), EINVAL, "memory.limit is not given");
	refuse(&MEMORY(.has_limit = true, .limit = 8192, .has_swap = true, .swap = 4096), EINVAL,
	       "linux.resources.memory.swap");
	refuse(&MEMORY(.has_limit = true, .limit = -2), EINVAL, "linux.resources.memory.limit");
	refuse(&MEMORY(.has_kernel = true, .kernel = 4096), EOPNOTSUPP, "memory.kernel:");
	refuse(&MEMORY(.has_kernel_tcp = true, .kernel_tcp = 4096), EOPNOTSUPP, "kernelTCP");
	refuse(&MEMORY(.disable_oom_killer = true), EOPNOTSUPP, "disableOOMKiller");
	refuse(&MEMORY(.has_swappiness = true, .swappiness = 60), EOPNOTSUPP, "swappiness");
	refuse(&MEMORY(.has_swappiness = true, .swappiness = 0), EOPNOTSUPP, "swappiness");
	/* That is what is the case anyway. */
	expect(&MEMORY(.has_kernel = true, .kernel = -1, .has_kernel_tcp = true, .kernel_tcp = -1,
		       .has_swappiness = true, .swappiness = UINT64_MAX, .use_hierarchy = true),
	       &fresh, "");
}

static void test_shares(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = {
		{ 0, 0 },	   { 1, 1 },	      { 2, 1 },
		{ 3, 2 },	   { 1000, 99 },      { 1023, 100 },
		{ 1024, 100 },	   { 1025, 101 },     { 512, 59 },
		{ 2048, 174 },	   { 10240, 639 },    { 261000, 9962 },
		{ 262143, 10000 }, { 262144, 10000 }, { UINT64_MAX, 10000 },
	};
	uint64_t last = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (oci_shares_to_weight(cases[i].shares) != cases[i].weight)
			fail_msg("%lu: %lu, not %lu", (unsigned long)cases[i].shares,
				 (unsigned long)oci_shares_to_weight(cases[i].shares),
				 (unsigned long)cases[i].weight);
	}
	for (uint64_t shares = 2; shares <= 262144; shares += 97) {
		uint64_t weight = oci_shares_to_weight(shares);

		assert_true(weight >= last && weight <= 10000);
		last = weight;
	}
	assert_int_equal(oci_block_weight(10), 1);
	assert_int_equal(oci_block_weight(500), 4950);
	assert_int_equal(oci_block_weight(1000), 10000);
}

static void test_cpu(void **state)
{
	(void)state;
	expect(&CPU(.has_shares = true, .has_quota = true, .has_period = true,
		    .has_rt_runtime = true, .has_rt_period = true, .has_idle = true,
		    .has_burst = true, .cpus = "", .mems = ""),
	       &fresh, "");
	expect(&CPU(.has_shares = true, .shares = 1024), &fresh, "cpu.weight=100");
	expect(&CPU(.has_quota = true, .quota = 20000), &fresh, "cpu.max=20000 100000");
	expect(&CPU(.has_quota = true, .quota = 20000, .has_period = true, .period = 50000), &fresh,
	       "cpu.max=20000 50000");
	expect(&CPU(.has_quota = true, .quota = -1, .has_period = true, .period = 50000), &fresh,
	       "cpu.max=max 50000");
	expect(&CPU(.has_period = true, .period = 50000), &fresh, "cpu.max=max 50000");
	/* A running one keeps what is not given. */
	expect(&CPU(.has_period = true, .period = 100000), &running, "cpu.max=50000 100000");
	expect(&CPU(.has_quota = true, .quota = 20000), &running, "cpu.max=20000");
	expect(&CPU(.has_quota = true, .quota = -1), &running, "cpu.max=max");
	expect(&CPU(.has_idle = true), &running, "cpu.idle=0");
	expect(&CPU(.has_burst = true), &running, "cpu.max.burst=0");
	expect(&CPU(.has_burst = true, .burst = 1000, .has_quota = true, .quota = 20000), &fresh,
	       "cpu.max=20000 100000;cpu.max.burst=1000");
	expect(&CPU(.has_idle = true, .idle = 1, .has_shares = true, .shares = 1024), &fresh,
	       "cpu.idle=1");
	expect(&CPU(.cpus = "1,0", .mems = "0"), &fresh, "cpuset.cpus=0-1;cpuset.mems=0");
	refuse(&CPU(.cpus = "all"), EINVAL, "linux.resources.cpu.cpus");
	refuse(&CPU(.has_idle = true, .idle = 2), EINVAL, "linux.resources.cpu.idle");
	refuse(&CPU(.has_rt_runtime = true, .rt_runtime = 1), EOPNOTSUPP, "realtimeRuntime");
	refuse(&CPU(.has_rt_period = true, .rt_period = 1), EOPNOTSUPP, "realtimePeriod");
}

static void test_rest(void **state)
{
	static const struct oci_block_device disks[] = { { 8, 0, 1048576 }, { 8, 16, 0 } };
	static const struct oci_block_device weights[] = { { 8, 0, 500 } };
	static const struct oci_huge_limit huge[] = { { "2MB", 5 << 20 } };
	static const struct oci_huge_limit odd[] = { { "3MB", 0 } };
	static const struct oci_rdma_limit rdma[] = { { "mlx5_1", true, true, 3, 10000 },
						      { "rxe3", false, true, 0, 7 } };
	struct oci_resources r = { .pids = { true, 64 } };

	(void)state;
	expect(&r, &fresh, "pids.max=64");
	r.pids.limit = 0;
	expect(&r, &fresh, "");
	expect(&r, &running, "pids.max=max");
	r = (struct oci_resources){ .block_io = { .has_weight = true, .weight = 500 } };
	expect(&r, &fresh, "io.weight=4950");
	expect(&r, &bfq, "io.bfq.weight=500");
	r.block_io.weight = 5;
	refuse(&r, ERANGE, "blockIO.weight");
	r = (struct oci_resources){ .block_io = { .weight_device = { weights, 1 },
						  .read_bps = { disks, 2 },
						  .write_iops = { disks, 1 } } };
	expect(&r, &fresh,
	       "io.weight 8:0=4950;io.max 8:0=rbps=1048576;io.max 8:16=rbps=max;"
	       "io.max 8:0=wiops=1048576");
	r = (struct oci_resources){ .block_io = { .has_leaf_weight = true, .leaf_weight = 10 } };
	refuse(&r, EOPNOTSUPP, "leafWeight");
	r = (struct oci_resources){ .huge = huge, .n_huge = 1 };
	expect(&r, &fresh, "hugetlb.2MB.rsvd.max=5242880;hugetlb.2MB.max=5242880");
	r.huge = odd;
	refuse(&r, EINVAL, "hugepageLimits[0].pageSize");
	r = (struct oci_resources){ .rdma = rdma, .n_rdma = 2 };
	expect(&r, &fresh,
	       "rdma.max mlx5_1=hca_handle=3 hca_object=10000;rdma.max rxe3=hca_object=7");
	r = (struct oci_resources){ .has_network_class = true };
	refuse(&r, EOPNOTSUPP, "linux.resources.network");
}

static void test_unified(void **state)
{
	static struct oci_pair pairs[] = {
		{ "memory.max", "2M" },
		{ "io.max", "259:0 rbps=2097152 wiops=120\n253:0 rbps=2097152\n" },
		{ "cpu.weight", "" },
		{ "misc.max", "res_a 3" },
		{ "cgroup.max.depth", "3" },
	};
	static const char *const bad[] = {
		"cgroup.procs",	 "cgroup.kill", "../memory.max",	  "memory.max/../../x",
		"cgroup.freeze", "memory",	"cgroup.subtree_control", "",
	};
	struct oci_resources r = { .memory = { .has_limit = true, .limit = 4096 },
				   .cpu = { .has_shares = true, .shares = 1024 },
				   .unified = { pairs, ARRAY_SIZE(pairs) } };

	(void)state;
	expect(&r, &fresh,
	       "cpu.weight=100;memory.max=2M;io.max 259:0=rbps=2097152 wiops=120;"
	       "io.max 253:0=rbps=2097152;misc.max=res_a 3;cgroup.max.depth=3");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct oci_pair one = { bad[i], "1" };

		r = (struct oci_resources){ .unified = { &one, 1 } };
		refuse(&r, EINVAL, "linux.resources.unified");
	}
}

static void test_place(void **state)
{
	static const struct {
		bool systemd;
		const char *path, *want, *slice, *unit; /* want NULL: an error */
	} cases[] = {
		{ false, NULL, "/c1", "", "" },
		{ false, "", "/c1", "", "" },
		{ false, "/a/b", "/a/b", "", "" },
		{ false, "a//b/./c/", "/a/b/c", "", "" },
		{ false, "/a..b/...", "/a..b/...", "", "" },
		{ false, "a:b:c", "/a:b:c", "", "" },
		{ false, "/../x", NULL, NULL, NULL },
		{ false, "a/../../x", NULL, NULL, NULL },
		{ false, "a/..", NULL, NULL, NULL },
		{ false, "/", NULL, NULL, NULL },
		{ false, "/a\nb", NULL, NULL, NULL },
		{ true, NULL, "/system.slice/jail-oci-c1.scope", "system.slice",
		  "jail-oci-c1.scope" },
		{ true, "machine.slice:libpod:abc", "/machine.slice/libpod-abc.scope",
		  "machine.slice", "libpod-abc.scope" },
		{ true, ":docker:abc", "/system.slice/docker-abc.scope", "system.slice",
		  "docker-abc.scope" },
		{ true, "a-b-c.slice:p:n", "/a.slice/a-b.slice/a-b-c.slice/p-n.scope",
		  "a-b-c.slice", "p-n.scope" },
		{ true, "-:p:n", "/p-n.scope", "-.slice", "p-n.scope" },
		{ true, "-.slice::n", "/n.scope", "-.slice", "n.scope" },
		{ true, "/a/b", NULL, NULL, NULL },
		{ true, "a.slice:b", NULL, NULL, NULL },
		{ true, "a.slice:b:c:d", NULL, NULL, NULL },
		{ true, "a/b.slice:p:n", NULL, NULL, NULL },
		{ true, "a--b.slice:p:n", NULL, NULL, NULL },
		{ true, "-a.slice:p:n", NULL, NULL, NULL },
		{ true, "a-.slice:p:n", NULL, NULL, NULL },
		{ true, "a:p:n", NULL, NULL, NULL },
		{ true, ".slice:p:n", NULL, NULL, NULL },
		{ true, "a.slice:p:", NULL, NULL, NULL },
		{ true, "a.slice:p:n/x", NULL, NULL, NULL },
		{ true, "a.slice:p:../x", NULL, NULL, NULL },
		{ true, "a.slice:p:n.slice", NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct oci_config c = OCI_CONFIG_INIT;
		struct oci_cgroup g;
		struct err e = ERR_INIT;
		int r;

		c.cgroups_path = cases[i].path;
		r = oci_cgroup_plan(&c, "c1", cases[i].systemd, &g, &e);
		if ((r < 0) != !cases[i].want)
			fail_msg("\"%s\": %d %s", cases[i].path, r, e.text);
		if (r < 0)
			continue;
		assert_string_equal(g.path, cases[i].want);
		assert_string_equal(g.slice, cases[i].slice);
		assert_string_equal(g.unit, cases[i].unit);
		assert_int_equal(g.inode, 0);
	}
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *type;
		uint64_t number;
		const char *string; /* or the list, with '|' */
	} good[] = {
		{ "uint64 5", "t", 5, NULL },
		{ "@t 5", "t", 5, NULL },
		{ "5", "i", 5, NULL },
		{ "-5", "i", (uint64_t)-5, NULL },
		{ "true", "b", 1, NULL },
		{ " boolean false ", "b", 0, NULL },
		{ "uint64 18446744073709551615", "t", UINT64_MAX, NULL },
		{ "'inactive-or-failed'", "s", 0, "inactive-or-failed" },
		{ "\"a'b\"", "s", 0, "a'b" },
		{ "'a\\'b\\n'", "s", 0, "a'b\n" },
		{ "['a', \"b\"]", "as", 0, "a|b" },
		{ "@as []", "as", 0, "" },
		{ "['a']", "as", 0, "a" },
		{ "byte 255", "y", 255, NULL },
	};
	static const char *const bad[] = {
		"",
		"abc",
		"'a",
		"['a'",
		"['a' 'b']",
		"uint64 -1",
		"uint64 x",
		"byte 256",
		"5 6",
		"'a\\x'",
		"[1, 2]",
		"uint64",
		"int32 3000000000",
		"truely",
		"@q 5 @q",
		"0x10",
		"['a',,]",
		"'a' 'b'",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct scope_property p = { .n_bits = 0 };
		struct err e = ERR_INIT;
		char joined[256] = "";
		size_t used = 0;

		if (scope_value_parse("k", good[i].text, &p, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.text);
		assert_string_equal(p.type, good[i].type);
		assert_int_equal(p.number, good[i].number);
		for (size_t k = 0; k < p.list.n; k++)
			used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%s",
						 k ? "|" : "", p.list.v[k]);
		assert_string_equal(joined, good[i].string ? good[i].string : "");
		strv_free(&p.list);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct scope_property p = { .n_bits = 0 };
		struct err e = ERR_INIT;

		if (scope_value_parse("k", bad[i], &p, &e) >= 0)
			fail_msg("\"%s\" is taken", bad[i]);
		strv_free(&p.list);
	}
}

static void test_annotations(void **state)
{
	static struct oci_pair pairs[] = {
		{ "org.systemd.property.TimeoutStopSec", "5" },
		{ "other", "['" },
		{ "org.systemd.property.RuntimeMaxSec", "1.5" },
		{ "org.systemd.property.After", "['a.service']" },
		{ "org.systemd.property.SendSIGHUP", "true" },
	};
	static const struct oci_pair bad[] = {
		{ "org.systemd.property.PIDs", "@au []" },
		{ "org.systemd.property.Slice", "'x.slice'" },
		{ "org.systemd.property.A=b", "true" },
		{ "org.systemd.property.", "true" },
		{ "org.systemd.property.TimeoutStopSec", "'5'" },
		{ "org.systemd.property.TimeoutStopSec", "-5" },
	};
	CLEANUP_PROPERTIES struct scope_properties p = { .n = 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
		scope_add_annotations(&p, &(struct oci_map){ pairs, ARRAY_SIZE(pairs) }, &e), 0);
	assert_int_equal(p.n, 4);
	assert_string_equal(p.v[0].name, "TimeoutStopUSec");
	assert_string_equal(p.v[0].type, "t");
	assert_int_equal(p.v[0].number, 5000000);
	assert_string_equal(p.v[1].name, "RuntimeMaxUSec");
	assert_int_equal(p.v[1].number, 1500000);
	assert_string_equal(p.v[2].type, "as");
	assert_string_equal(p.v[3].name, "SendSIGHUP");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP_PROPERTIES struct scope_properties none = { .n = 0 };
		struct oci_pair one = bad[i];

		e = ERR_INIT;
		if (scope_add_annotations(&none, &(struct oci_map){ &one, 1 }, &e) >= 0)
			fail_msg("%s is taken", bad[i].key);
		assert_non_null(strstr(e.text, bad[i].key));
	}
}

static const struct scope_property *find(const struct scope_properties *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (str_eq(p->v[i].name, name))
			return &p->v[i];
	}
	fail_msg("no %s", name);
	return NULL;
}

static void test_properties(void **state)
{
	static struct oci_pair high = { "memory.high", "1G" };
	const struct oci_resources r = {
		.memory = { .has_limit = true, .limit = 1 << 20, .has_swap = true, .swap = -1 },
		.cpu = { .has_quota = true,
			 .quota = 20000,
			 .has_period = true,
			 .period = 50000,
			 .has_shares = true,
			 .shares = 1024,
			 .cpus = "0-2,9" },
		.pids = { true, 64 },
		.unified = { &high, 1 },
	};
	CLEANUP_SETTINGS struct cgroup_settings s = { .n = 0 };
	CLEANUP_PROPERTIES struct scope_properties p = { .n = 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(oci_resources_convert(&r, &fresh, &s, &e), 0);
	assert_int_equal(scope_add_settings(&p, &s, &e), 0);
	assert_int_equal(find(&p, "MemoryMax")->number, 1 << 20);
	assert_true(find(&p, "MemorySwapMax")->number == UINT64_MAX);
	assert_int_equal(find(&p, "MemoryHigh")->number, 1 << 30);
	assert_int_equal(find(&p, "CPUQuotaPerSecUSec")->number, 400000);
	assert_int_equal(find(&p, "CPUQuotaPeriodUSec")->number, 50000);
	assert_int_equal(find(&p, "CPUWeight")->number, 100);
	assert_int_equal(find(&p, "TasksMax")->number, 64);
	assert_int_equal(find(&p, "AllowedCPUs")->n_bits, 2);
	assert_int_equal(find(&p, "AllowedCPUs")->bits[0], 7);
	assert_int_equal(find(&p, "AllowedCPUs")->bits[1], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),	   cmocka_unit_test(test_shares),
		cmocka_unit_test(test_cpu),	   cmocka_unit_test(test_rest),
		cmocka_unit_test(test_unified),	   cmocka_unit_test(test_place),
		cmocka_unit_test(test_values),	   cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
