/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics: what kernels write, what they never should, and a directory that stands for a cgroup.
 */
#include "base_tmpdir.h"

#include "cgroups/stats_priv.h"

#define PLACES(id) CGROUP_STAT_##id

static void parse_range(const char *text, size_t first, size_t end, struct cgroup_stats *ret)
{
	char copy[4096];

	*ret = (struct cgroup_stats){ .io = NULL };
	assert_true(str_format(copy, sizeof(copy), "%s", text) >= 0);
	stats_parse_numbers(copy, first, end, ret);
}

static void assert_stat(const struct cgroup_stats *s, enum cgroup_stat i, uint64_t value)
{
	assert_true(s->has[i]);
	assert_true(s->value[i] == value);
}

/* The reader opens each file once because its numbers stand together; so do those of a group. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < CGROUP_STAT_END; i++) {
		const struct cgroup_stat_place *a = &cgroup_stat_places[i];

		for (size_t k = i + 1; k < CGROUP_STAT_END; k++) {
			const struct cgroup_stat_place *b = &cgroup_stat_places[k];
			const struct cgroup_stat_place *before = &cgroup_stat_places[k - 1];

			assert_false(str_eq(a->file, b->file) && str_eq(a->key, b->key));
			assert_false(str_eq(a->group, b->group) && str_eq(a->json, b->json));
			if (str_eq(a->file, b->file))
				assert_string_equal(before->file, b->file);
			if (str_eq(a->group, b->group))
				assert_string_equal(before->group, b->group);
		}
	}
}

static void test_numbers(void **state)
{
	const size_t first = PLACES(CPU_USAGE), end = PLACES(CPU_MAX);
	struct cgroup_stats s;

	(void)state;
	parse_range("usage_usec 1209892101\nuser_usec 768476632\nsystem_usec 441415469\n"
		    "core_sched.force_idle_usec 0\nnr_periods 7\nnr_throttled 0\n"
		    "throttled_usec 18446744073709551614\nnr_bursts 1\nburst_usec 2",
		    first, end, &s);
	assert_stat(&s, PLACES(CPU_USAGE), 1209892101);
	assert_stat(&s, PLACES(CPU_SYSTEM), 441415469);
	assert_stat(&s, PLACES(CPU_PERIODS), 7);
	assert_stat(&s, PLACES(CPU_THROTTLED), 0);
	assert_stat(&s, PLACES(CPU_THROTTLED_USEC), UINT64_MAX - 1);
	assert_stat(&s, PLACES(CPU_BURST_USEC), 2);
	assert_false(s.has[PLACES(CPU_NICE)]);
	assert_false(s.has[PLACES(CPU_MAX)]);
	assert_false(s.has[PLACES(MEMORY_ANON)]);
}

static void test_fields(void **state)
{
	struct cgroup_stats s;

	(void)state;
	parse_range("50000 100000", PLACES(CPU_MAX), PLACES(CPU_WEIGHT), &s);
	assert_stat(&s, PLACES(CPU_MAX), 50000);
	assert_stat(&s, PLACES(CPU_PERIOD), 100000);
	parse_range("max 100000\n", PLACES(CPU_MAX), PLACES(CPU_WEIGHT), &s);
	assert_stat(&s, PLACES(CPU_MAX), CGROUP_STAT_MAX);
	assert_stat(&s, PLACES(CPU_PERIOD), 100000);
	parse_range("50000", PLACES(CPU_MAX), PLACES(CPU_WEIGHT), &s);
	assert_stat(&s, PLACES(CPU_MAX), 50000);
	assert_false(s.has[PLACES(CPU_PERIOD)]);
	parse_range("max", PLACES(PIDS_MAX), PLACES(PIDS_FAILED), &s);
	assert_stat(&s, PLACES(PIDS_MAX), CGROUP_STAT_MAX);
	/* The "max" of an events file is a key. */
	parse_range("max 3", PLACES(PIDS_FAILED), PLACES(CGROUP_DESCENDANTS), &s);
	assert_stat(&s, PLACES(PIDS_FAILED), 3);
}

/* Not one of these may become a number. */
static void test_malformed_numbers(void **state)
{
	static const char *const bad[] = {
		"",
		"\n\n",
		" ",
		"usage_usec",
		"usage_usec ",
		"usage_usec -1",
		"usage_usec +1",
		"usage_usec 0x10",
		"usage_usec 1.5",
		"usage_usec 12a",
		"usage_usec 012",
		"usage_usec 1 2",
		"usage_usecs 1",
		"xusage_usec 1",
		"usage_usec\t1",
		"USAGE_USEC 1",
		"usage_usec 18446744073709551615",
		"usage_usec 18446744073709551616",
		"usage_usec 99999999999999999999999999999999",
		"usage_usec maximum",
	};
	struct cgroup_stats s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		parse_range(bad[i], PLACES(CPU_USAGE), PLACES(CPU_MAX), &s);
		for (size_t k = 0; k < CGROUP_STAT_END; k++)
			assert_false(s.has[k]);
	}
	/* One bad line costs that one only. */
	parse_range("usage_usec x\nuser_usec 5\n\nsystem_usec\n", PLACES(CPU_USAGE),
		    PLACES(CPU_MAX), &s);
	assert_false(s.has[PLACES(CPU_USAGE)]);
	assert_stat(&s, PLACES(CPU_USER), 5);
	assert_false(s.has[PLACES(CPU_SYSTEM)]);
}

static void pressure(const char *text, struct cgroup_pressure *some, struct cgroup_pressure *full)
{
	char copy[512];

	*some = *full = (struct cgroup_pressure){ .has = false };
	assert_true(str_format(copy, sizeof(copy), "%s", text) >= 0);
	stats_parse_pressure(copy, some, full);
}

static void test_pressure(void **state)
{
	static const char *const bad[] = {
		"some",
		"some avg10=0.00 avg60=0.00 avg300=0.00",
		"some avg10=0.00 avg60=0.00 total=1",
		"some avg10= avg60=0.00 avg300=0.00 total=1",
		"some avg10=0.0000 avg60=0.00 avg300=0.00 total=1",
		"some avg10=-1.00 avg60=0.00 avg300=0.00 total=1",
		"some avg10=1,00 avg60=0.00 avg300=0.00 total=1",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=x",
		"most avg10=0.00 avg60=0.00 avg300=0.00 total=1",
		"avg10=0.00 avg60=0.00 avg300=0.00 total=1",
	};
	struct cgroup_pressure some, full;

	(void)state;
	pressure("some avg10=0.04 avg60=12.78 avg300=100.00 total=115166302\n"
		 "full avg10=0.00 avg60=0.00 avg300=0.90 total=0\n",
		 &some, &full);
	assert_true(some.has && full.has);
	assert_int_equal(some.avg10, 40);
	assert_int_equal(some.avg60, 12780);
	assert_int_equal(some.avg300, 100000);
	assert_int_equal(some.total_usec, 115166302);
	assert_int_equal(full.avg300, 900);
	assert_int_equal(full.total_usec, 0);
	/* cpu.pressure had no "full" before Linux 5.13. */
	pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=1", &some, &full);
	assert_true(some.has && !full.has);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		pressure(bad[i], &some, &full);
		assert_false(some.has || full.has);
	}
}

static size_t io(const char *text, struct cgroup_io_stat **ret)
{
	char copy[1024];
	size_t n = 0;

	free(*ret);
	*ret = NULL;
	assert_true(str_format(copy, sizeof(copy), "%s", text) >= 0);
	assert_int_equal(stats_parse_io(copy, ret, &n), 0);
	return n;
}

static void test_io(void **state)
{
	CLEANUP_FREE struct cgroup_io_stat *s = NULL;

	(void)state;
	assert_int_equal(io("8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=7\n"
			    "259:12 rbytes=1 cost.usage=9\n",
			    &s),
			 2);
	assert_int_equal(s[0].major, 8);
	assert_int_equal(s[0].value[CGROUP_IO_READ_BYTES], 4096);
	assert_int_equal(s[0].value[CGROUP_IO_DISCARDS], 7);
	assert_true(s[0].has[CGROUP_IO_WRITES]);
	assert_int_equal(s[1].minor, 12);
	assert_false(s[1].has[CGROUP_IO_WRITES]);
	/* A device without numbers has its name before the next one's, or alone on a line. */
	assert_int_equal(io("253:1 253:0 rbytes=3\n8:16 \n", &s), 1);
	assert_int_equal(s[0].minor, 0);
	assert_int_equal(s[0].value[CGROUP_IO_READ_BYTES], 3);
	assert_int_equal(io("", &s), 0);
	assert_int_equal(io("rbytes=3\n8 rbytes=3\n8: rbytes=3\n:8 rbytes=3\na:b rbytes=3\n"
			    "8:0:0 rbytes=3\n-8:0 rbytes=3\n4294967296:0 rbytes=3\n",
			    &s),
			 0);
	assert_int_equal(io("8:0 rbytes=x wbytes= rios==1 wios=", &s), 1);
	for (size_t i = 0; i < CGROUP_IO_VALUES; i++)
		assert_false(s[0].has[i]);
}

/* Whatever bytes come, the parsers end and stay inside (the sanitizers look). */
static void test_noise(void **state)
{
	static const char alphabet[] = "0189:=. \n\tmaxsomefulravg_ \n";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		CLEANUP_FREE struct cgroup_io_stat *found = NULL;
		struct cgroup_pressure some, full;
		struct cgroup_stats s;
		char text[64];
		size_t n = 0;

		for (; n < sizeof(text) - 1; n++) {
			seed = seed * 1103515245 + 12345;
			text[n] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		text[(size_t)round % sizeof(text)] = text[n] = '\0';
		pressure(text, &some, &full);
		assert_false(some.has || full.has);
		parse_range(text, PLACES(MEMORY_ANON), PLACES(EVENT_LOW), &s);
		(void)io(text, &found);
	}
}

static void test_huge_names(void **state)
{
	static const char *const bad[] = { "",
					   "hugepages-",
					   "hugepages-kB",
					   "hugepages-2048",
					   "hugepages-2048MB",
					   "hugepages-0kB",
					   "hugepages--1kB",
					   "2048kB",
					   "hugepages-1kBx" };
	char name[16];

	(void)state;
	assert_true(stats_huge_name("hugepages-2048kB", name));
	assert_string_equal(name, "2MB");
	assert_true(stats_huge_name("hugepages-1048576kB", name));
	assert_string_equal(name, "1GB");
	assert_true(stats_huge_name("hugepages-64kB", name));
	assert_string_equal(name, "64KB");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(stats_huge_name(bad[i], name));
}

static void read_fixture(const struct tmpdir *t, struct cgroup_stats *ret)
{
	struct cgroup_stats_reader r;
	struct err e = ERR_INIT;

	assert_int_equal(cgroup_stats_open(&r, &e), 0);
	r.n_huge = 2;
	(void)str_format(r.huge[0], sizeof(r.huge[0]), "1GB");
	(void)str_format(r.huge[1], sizeof(r.huge[1]), "2MB");
	assert_int_equal(cgroup_stats_read_dir(&r, t->fd, ret, &e), 0);
	cgroup_stats_close(&r);
}

static void test_directory(void **state)
{
	const struct tmpdir *t = *state;
	struct cgroup_stats s;

	/* A kernel that has nothing: nothing is said. */
	read_fixture(t, &s);
	for (size_t i = 0; i < CGROUP_STAT_END; i++)
		assert_false(s.has[i]);
	assert_false(s.has_io || s.some[CGROUP_PRESSURE_CPU].has);
	assert_int_equal(s.n_huge, 0);
	cgroup_stats_free(&s);

	tmpdir_put(t->fd, "memory.current", "1048576\n");
	tmpdir_put(t->fd, "memory.max", "max\n");
	tmpdir_put(t->fd, "memory.stat", "anon 4096\nfile 8192\nkernel 1\nunknown 5\nslab 9\n");
	tmpdir_put(t->fd, "memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n");
	tmpdir_put(t->fd, "io.stat", "1:0 rbytes=4096\n");
	tmpdir_put(t->fd, "io.pressure", "some avg10=1.50 avg60=0.00 avg300=0.00 total=5\n");
	tmpdir_put(t->fd, "hugetlb.2MB.current", "2097152\n");
	tmpdir_put(t->fd, "hugetlb.2MB.max", "9223372036854771712\n");
	tmpdir_put(t->fd, "hugetlb.2MB.events", "max 4\n");
	tmpdir_put(t->fd, "hugetlb.2MB.rsvd.max", "max\n");
	read_fixture(t, &s);
	assert_stat(&s, PLACES(MEMORY_CURRENT), 1048576);
	assert_stat(&s, PLACES(MEMORY_MAX), CGROUP_STAT_MAX);
	assert_stat(&s, PLACES(MEMORY_ANON), 4096);
	assert_stat(&s, PLACES(MEMORY_SLAB), 9);
	assert_stat(&s, PLACES(EVENT_MAX), 12);
	assert_false(s.has[PLACES(EVENT_OOM_GROUP)]);
	assert_false(s.has[PLACES(MEMORY_PEAK)]);
	assert_true(s.has_io);
	assert_int_equal(s.n_io, 1);
	assert_true(s.some[CGROUP_PRESSURE_IO].has && !s.full[CGROUP_PRESSURE_IO].has);
	assert_int_equal(s.some[CGROUP_PRESSURE_IO].avg10, 1500);
	assert_int_equal(s.n_huge, 1);
	assert_string_equal(s.huge[0].size, "2MB");
	assert_true(s.huge[0].value[CGROUP_HUGE_MAX] == CGROUP_STAT_MAX);
	assert_int_equal(s.huge[0].value[CGROUP_HUGE_FAILURES], 4);
	assert_false(s.huge[0].has[CGROUP_HUGE_RESERVED]);
	cgroup_stats_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_fields),	   cmocka_unit_test(test_malformed_numbers),
		cmocka_unit_test(test_pressure),   cmocka_unit_test(test_io),
		cmocka_unit_test(test_noise),	   TMPDIR_TEST(test_directory),
		cmocka_unit_test(test_huge_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
