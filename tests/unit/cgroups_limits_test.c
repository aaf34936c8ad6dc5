/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the limits write, against a directory of plain files, which keeps what is written to it, and
 * a sysfs made of directories. (A file is not cut by a shorter value: changes have one length.)
 */
#include "base_tmpdir.h"

#include <sys/sysmacros.h>

#include "base/file.h"
#include "cgroups/limits_priv.h"

#define ALL_CONTROLLERS 63u

/* Disks 8:0 and 8:16; 8:1, a partition; 252:0 on the partition; 9:0 on both disks. */
static int fake_sysfs(const struct tmpdir *d)
{
	static const char *const dirs[] = {
		"sys",
		"sys/devices",
		"sys/devices/sda",
		"sys/devices/sda/sda1",
		"sys/devices/sdb",
		"sys/devices/dm-0",
		"sys/devices/dm-0/slaves",
		"sys/devices/md0",
		"sys/devices/md0/slaves",
		"sys/devices/loop0",
		"sys/devices/loop0/loop",
	};
	static const struct {
		const char *path, *to;
	} links[] = {
		{ "sys/8:0", "devices/sda" },
		{ "sys/8:1", "devices/sda/sda1" },
		{ "sys/8:16", "devices/sdb" },
		{ "sys/252:0", "devices/dm-0" },
		{ "sys/9:0", "devices/md0" },
		{ "sys/7:0", "devices/loop0" },
		{ "sys/253:16", "devices/sdb" },
		{ "sys/devices/dm-0/slaves/sda1", "../../sda/sda1" },
		{ "sys/devices/md0/slaves/sda", "../../sda" },
		{ "sys/devices/md0/slaves/sdb", "../../sdb" },
	};

	if (tmpdir_exists(d->fd, "sys"))
		return openat(d->fd, "sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(mkdirat(d->fd, dirs[i], 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		assert_int_equal(symlinkat(links[i].to, d->fd, links[i].path), 0);
	tmpdir_put(d->fd, "sys/devices/sda/dev", "8:0\n");
	tmpdir_put(d->fd, "sys/devices/sda/sda1/dev", "8:1\n");
	tmpdir_put(d->fd, "sys/devices/sda/sda1/partition", "1\n");
	tmpdir_put(d->fd, "sys/devices/sdb/dev", "8:16\n");
	tmpdir_put(d->fd, "sys/devices/loop0/loop/backing_file", "/gone (deleted)\n");
	return openat(d->fd, "sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int write_limits(const struct tmpdir *d, const struct cgroup_limits *l, struct err *e)
{
	const struct cgroup_tree t = { .root_fd = d->fd,
				       .path = "/x/jail",
				       .controllers = ALL_CONTROLLERS };
	CLEANUP_FD int sys = fake_sysfs(d);

	return limits_write(&(struct limits_place){ &t, d->fd, sys }, l, e);
}

static void put_keys(int dir)
{
	static const char *const files[] = {
		"cpu.weight",	    "cpu.max",		"cpu.max.burst",   "cpuset.cpus",
		"memory.max",	    "memory.high",	"memory.low",	   "memory.swap.max",
		"pids.max",	    "io.max",		"io.weight",	   "cpuset.cpus.effective",
		"cpu.idle",	    "cpuset.mems",	"memory.min",	   "cpuset.mems.effective",
		"memory.zswap.max", "memory.oom.group", "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max",
		"memory.wonder",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		tmpdir_put(dir, files[i], "");
}

static void assert_key(int dir, const char *file, const char *want)
{
	char buf[128];

	assert_true(file_peek_at(dir, file, buf, sizeof(buf)) >= 0);
	assert_string_equal(buf, want);
}

static void test_table(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_io_limit io = { .device = "8:0", .rbps = 52428800, .wiops = 7 };
	const struct cgroup_raw raw = { (char[]){ "memory.wonder" }, (char[]){ "7" } };
	struct cgroup_limits l = {
		.has_cpu_weight = true,
		.cpu_weight = 100,
		.has_cpu_max = true,
		.cpu_max_millis = 1500,
		.has_cpu_burst = true,
		.cpu_burst_millis = 500,
		.cpus = "0-3,7",
		.has_memory_max = true,
		.memory_max = 536870912,
		.has_memory_high = true,
		.memory_high = UINT64_MAX,
		.has_memory_low = true,
		.memory_low = 0,
		.has_swap_max = true,
		.swap_max = 4096,
		.has_pids_max = true,
		.pids_max = 512,
		.mems = "0",
		.has_memory_min = true,
		.memory_min = 8192,
		.has_zswap_max = true,
		.zswap_max = 0,
		.oom_group = true,
		.huge[2] = { true, 64 },
		.io = &io,
		.n_io = 1,
		.raw = &raw,
		.n_raw = 1,
	};
	struct err e = ERR_INIT;

	put_keys(d->fd);
	tmpdir_put(d->fd, "cpuset.cpus.effective", "0-3,7\n");
	tmpdir_put(d->fd, "cpuset.mems.effective", "0\n");
	if (write_limits(d, &l, &e) < 0)
		fail_msg("%s", e.text);
	assert_key(d->fd, "cpu.weight", "100");
	assert_key(d->fd, "cpu.max", "150000 100000");
	assert_key(d->fd, "cpu.max.burst", "50000");
	assert_key(d->fd, "cpuset.cpus", "0-3,7");
	assert_key(d->fd, "memory.max", "536870912");
	assert_key(d->fd, "memory.high", "max");
	assert_key(d->fd, "memory.low", "0");
	assert_key(d->fd, "memory.swap.max", "4096");
	assert_key(d->fd, "pids.max", "512");
	assert_key(d->fd, "cpuset.mems", "0");
	assert_key(d->fd, "memory.min", "8192");
	assert_key(d->fd, "memory.zswap.max", "0");
	assert_key(d->fd, "memory.oom.group", "1");
	assert_key(d->fd, "hugetlb.2MB.max", "134217728");
	assert_key(d->fd, "hugetlb.2MB.rsvd.max", "134217728");
	assert_key(d->fd, "memory.wonder", "7");
	assert_key(d->fd, "cpu.idle", "");
	assert_key(d->fd, "io.max", "8:0 rbps=52428800 wbps=max riops=max wiops=7");
	assert_key(d->fd, "io.weight", "");
}

static void test_small_quota(void **state)
{
	static const struct {
		uint64_t millis;
		const char *want;
	} cases[] = { { 1, "1000 1000000" },
		      { 9, "9000 1000000" },
		      { 10, "1000 100000" },
		      { 8192000, "819200000 100000" } };
	const struct tmpdir *d = *state;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cgroup_limits l = { .has_cpu_max = true, .cpu_max_millis = cases[i].millis };

		put_keys(d->fd);
		assert_int_equal(write_limits(d, &l, &e), 0);
		assert_key(d->fd, "cpu.max", cases[i].want);
	}
}

/* What reads back differently is an error: here because the file had more in it before. */
static void test_read_back(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_limits l = { .has_pids_max = true, .pids_max = 12 };
	struct cgroup_io_limit io = { .device = "8:0", .rbps = 1 };
	struct err e = ERR_INIT;

	put_keys(d->fd);
	tmpdir_put(d->fd, "pids.max", "9999");
	assert_int_equal(write_limits(d, &l, &e), -EINVAL);
	assert_string_equal(e.text, "resources.pids.max: wrote \"12\" to pids.max, the kernel made "
				    "it \"1299\"");
	l = (struct cgroup_limits){ .cpus = "9" };
	tmpdir_put(d->fd, "cpuset.cpus.effective", "0-1\n");
	assert_int_equal(write_limits(d, &l, &e), -EINVAL);
	assert_true(str_starts(e.text, "resources.cpu.cpus: \"9\" is not what can be had"));
	l = (struct cgroup_limits){ .io = &io, .n_io = 1 };
	tmpdir_put(d->fd, "io.max", "8:0 rbps=1000000000000000000000000000000000000000000000\n");
	assert_int_equal(write_limits(d, &l, &e), -EINVAL);
	assert_true(str_starts(e.text, "resources.io.8:0: wrote \"8:0 rbps=1 "));
	l = (struct cgroup_limits){ .has_swap_max = true };
	assert_int_equal(unlinkat(d->fd, "memory.swap.max", 0), 0);
	assert_int_equal(write_limits(d, &l, &e), -EOPNOTSUPP);
	assert_string_equal(e.text, "resources.memory.swapMax: this kernel has no memory.swap.max");
}

/* --- devices --- */

static void test_io_device(void **state)
{
	static const struct {
		const char *device, *rate;
		size_t n;
		const char *disks[2];
	} cases[] = {
		{ "8:0", "8:0", 1, { "8:0" } },	  { "8:1", "8:0", 1, { "8:0" } },
		{ "252:0", "8:0", 1, { "8:0" } }, { "9:0", "9:0", 2, { "8:0", "8:16" } },
		{ "7:0", "7:0", 1, { "7:0" } },
	};
	const struct tmpdir *d = *state;
	CLEANUP_FD int sys = fake_sysfs(d);
	struct io_device dev;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool swapped;

		assert_int_equal(io_device_resolve(sys, "k", cases[i].device, &dev, &e), 0);
		assert_string_equal(dev.rate, cases[i].rate);
		assert_int_equal(dev.n_disks, cases[i].n);
		swapped = !str_eq(dev.disks[0], cases[i].disks[0]);
		for (size_t k = 0; k < dev.n_disks; k++)
			assert_string_equal(dev.disks[k],
					    cases[i].disks[swapped ? dev.n_disks - 1 - k : k]);
	}
	/* Devices that are made of each other. */
	tmpdir_put(d->fd, "sys/devices/md0/dev", "9:0\n");
	assert_int_equal(symlinkat("../../md0", d->fd, "sys/devices/md0/slaves/md0"), 0);
	assert_int_equal(io_device_resolve(sys, "k", "9:0", &dev, &e), -ELOOP);
	e = ERR_INIT;
	assert_int_equal(io_device_resolve(sys, "k", "1:1", &dev, &e), -ENODEV);
	assert_string_equal(e.text, "k.device: 1:1: there is no such block device");
	assert_int_equal(io_device_resolve(sys, "k", "/dev/null", &dev, &e), -ENOTBLK);
	assert_string_equal(e.text, "k.device: /dev/null is not a block device");
	assert_int_equal(io_device_resolve(sys, "k", "/dev/none-such", &dev, &e), -ENOENT);
}

static void test_loop(void **state)
{
	const struct tmpdir *d = *state;
	CLEANUP_FD int sys = fake_sysfs(d);
	char path[128], number[IO_NUMBER_MAX];
	struct io_device dev;
	struct err e = ERR_INIT;
	struct stat st;

	(void)str_format(path, sizeof(path), "%s/backing", d->path);
	tmpdir_put(d->fd, "backing", "");
	tmpdir_put(d->fd, "sys/devices/loop0/loop/backing_file", path);
	/* On a file system whose device sysfs doesn't know: the loop device itself. */
	assert_int_equal(io_device_resolve(sys, "k", "7:0", &dev, &e), 0);
	assert_string_equal(dev.rate, "7:0");
	assert_int_equal(stat(path, &st), 0);
	(void)str_format(number, sizeof(number), "sys/%u:%u", major(st.st_dev), minor(st.st_dev));
	assert_int_equal(symlinkat("devices/sda/sda1", d->fd, number), 0);
	assert_int_equal(io_device_resolve(sys, "k", "7:0", &dev, &e), 0);
	assert_string_equal(dev.rate, "8:0");
}

static void test_io_weight(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_io_limit io[2] = { { .device = "/dev/null", .weight = 50 } };
	struct cgroup_limits l = { .io = io, .n_io = 1 };
	struct err e = ERR_INIT;

	put_keys(d->fd);
	assert_int_equal(write_limits(d, &l, &e), -ENOTBLK);
	assert_string_equal(e.text, "resources.io[0].device: /dev/null is not a block device");
	(void)str_format(io[0].device, sizeof(io[0].device), "253:16");
	assert_int_equal(write_limits(d, &l, &e), 0);
	assert_key(d->fd, "io.weight", "253:16 50");
	assert_int_equal(unlinkat(d->fd, "io.weight", 0), 0);
	tmpdir_put(d->fd, "io.bfq.weight", "");
	assert_int_equal(write_limits(d, &l, &e), 0);
	assert_key(d->fd, "io.bfq.weight", "253:16 50");
	/* Two that are one disk. */
	l.n_io = 2;
	(void)str_format(io[0].device, sizeof(io[0].device), "8:1");
	io[1] = (struct cgroup_io_limit){ .device = "252:0", .weight = 5 };
	e = ERR_INIT;
	assert_int_equal(write_limits(d, &l, &e), -EINVAL);
	assert_string_equal(e.text,
			    "resources.io.252:0: is on the same disk (8:0) as resources.io.8:1");
}

/* --- raw files --- */

static void test_raw_names(void **state)
{
	static const char *const good[] = { "memory.high", "hugetlb.2MB.max", "io.bfq.weight",
					    "hugetlb.1GB.rsvd.max" };
	static const char *const bad[] = {
		"",	     "memory",	    "cgroup.procs", "../cgroup.procs", "memory/max",
		".memory",   "memory.",	    "memory..max",  "memory.max/../x", "memory.max\n",
		"a.b.c.d.e", "mem ory.max", "/memory.max",  "cgroup.kill",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(cgroup_raw_is_file(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(cgroup_raw_is_file(bad[i]));
}

static void test_raw_matches(void **state)
{
	static const struct {
		const char *value, *got;
		bool same;
	} cases[] = {
		{ "1G", "1073741824", true },
		{ "1000", "0", true }, /* pages */
		{ "4097", "4096", true },
		{ "4097", "8192", false },
		{ "1k", "1024", true },
		{ "1k", "1025", false },
		{ "max", "max", true },
		{ "50000", "50000 100000", true },
		{ "50000", "60000 100000", false },
		{ "max", "max 100000", true },
		{ "100", "default 100\n8:0 50", true },
		{ "default 99", "default 100", false },
		{ "a 1", "b 1\na 2", false },
		{ "18446744073709551616", "0", false },
		{ "20000000T", "0", false },
		{ "12q", "12", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (limits_raw_matches(cases[i].value, cases[i].got) != cases[i].same)
			fail_msg("%s, %s", cases[i].value, cases[i].got);
	}
}

static void test_raw_errors(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_raw raw = { (char[]){ "memory.wonders" }, (char[]){ "7" } };
	struct cgroup_limits l = { .raw = &raw, .n_raw = 1 };
	struct err e = ERR_INIT;

	put_keys(d->fd);
	assert_int_equal(write_limits(d, &l, &e), -EOPNOTSUPP);
	assert_string_equal(e.text,
			    "resources.unified.memory.wonders: this kernel has no memory.wonders");
	raw.file = (char[]){ "misc.max" };
	e = ERR_INIT;
	assert_int_equal(write_limits(d, &l, &e), -EOPNOTSUPP);
	assert_true(str_starts(e.text, "resources.unified.misc.max: there is no misc.max: "));
	raw.file = (char[]){ "memory.wonder" };
	tmpdir_put(d->fd, "memory.wonder", "88\n");
	e = ERR_INIT;
	assert_int_equal(write_limits(d, &l, &e), -EINVAL);
	assert_string_equal(e.text, "resources.unified.memory.wonder: wrote \"7\" to "
				    "memory.wonder, the kernel made it \"78\"");
	/* No way out of the directory, whoever made the struct. */
	raw.file = (char[]){ "../x.y" };
	e = ERR_INIT;
	assert_int_equal(write_limits(d, &l, &e), -EINVAL);
	assert_true(str_starts(e.text, "resources.unified: \"../x.y\" is not"));
}

/* --- changes --- */

static int change(const struct tmpdir *d, const struct cgroup_limits *old,
		  const struct cgroup_limits *l, const char *again, struct cgroup_undo **undo,
		  struct err *e)
{
	const struct cgroup_tree t = { .root_fd = d->fd, .controllers = ALL_CONTROLLERS };
	CLEANUP_FD int sys = fake_sysfs(d);
	CLEANUP_STRV struct strv list = { 0 };

	if (again)
		assert_int_equal(strv_add(&list, again), 0);
	return limits_change(&(struct limits_place){ &t, d->fd, sys }, old, l, &list, undo, e);
}

/* The steps as "FILE=VALUE ...". */
static void assert_steps(const struct tmpdir *d, const struct cgroup_limits *old,
			 const struct cgroup_limits *l, const char *want)
{
	const struct cgroup_tree t = { .root_fd = d->fd, .controllers = ALL_CONTROLLERS };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_SETTINGS struct cgroup_settings p = { .n = 0 };
	const struct strv none = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(limits_change_plan(&(struct limits_place){ &t, d->fd, -EBADF }, old, l,
					    &none, &p, &e),
			 0);
	for (size_t i = 0; i < p.n; i++)
		strbuf_addf(&b, "%s%s=%s", i ? "; " : "", p.v[i].file, p.v[i].value);
	assert_string_equal(strbuf_str(&b), want);
}

static void test_change_and_undo(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_limits old = {
		.has_pids_max = true, .pids_max = 12, .has_cpu_weight = true, .cpu_weight = 100
	};
	struct cgroup_limits l = old;
	struct cgroup_undo *undo = NULL;
	struct err e = ERR_INIT;

	put_keys(d->fd);
	tmpdir_put(d->fd, "pids.max", "12\n");
	tmpdir_put(d->fd, "cpu.weight", "555\n"); /* by somebody else: not ours to change */
	l.pids_max = 34;
	assert_int_equal(change(d, &old, &l, NULL, &undo, &e), 0);
	assert_key(d->fd, "pids.max", "34");
	assert_key(d->fd, "cpu.weight", "555");
	cgroup_undo_run(&undo);
	assert_null(undo);
	assert_key(d->fd, "pids.max", "12");
	/* Asked for by name: written although the spec has it already. */
	assert_int_equal(change(d, &old, &old, "resources.cpu.weight", &undo, &e), 0);
	assert_key(d->fd, "cpu.weight", "100");
	cgroup_undo_free(&undo);
	assert_int_equal(change(d, &old, &old, NULL, &undo, &e), 0);
	assert_null(undo);
}

/* What fails half-way leaves nothing: the first was written and is taken back. */
static void test_change_fails(void **state)
{
	const struct tmpdir *d = *state;
	const struct cgroup_limits old = { .has_pids_max = true, .pids_max = 12 };
	struct cgroup_limits l = {
		.has_pids_max = true, .pids_max = 34, .has_memory_max = true, .memory_max = 8192
	};
	struct cgroup_undo *undo = NULL;
	struct err e = ERR_INIT;

	put_keys(d->fd);
	tmpdir_put(d->fd, "pids.max", "12\n");
	assert_int_equal(unlinkat(d->fd, "memory.max", 0), 0);
	assert_int_equal(change(d, &old, &l, NULL, &undo, &e), -EOPNOTSUPP);
	assert_string_equal(e.text, "resources.memory.max: this kernel has no memory.max");
	assert_null(undo);
	assert_key(d->fd, "pids.max", "12");
	/* And what was written but came out otherwise. */
	tmpdir_put(d->fd, "memory.max", "1234567\n");
	e = ERR_INIT;
	assert_int_equal(change(d, &old, &l, NULL, &undo, &e), -EINVAL);
	assert_key(d->fd, "pids.max", "12");
	assert_key(d->fd, "memory.max", "1234567");
}

static void test_change_order(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_limits old = { .has_memory_max = true,
				     .memory_max = 81920,
				     .has_memory_high = true,
				     .memory_high = 40960 };
	struct cgroup_limits l = old, none = { .has_pids_max = false };

	put_keys(d->fd);
	tmpdir_put(d->fd, "memory.max", "81920\n");
	l.memory_max = 8192;
	l.memory_high = 4096;
	assert_steps(d, &old, &l, "memory.high=4096; memory.max=8192");
	l.memory_max = 819200;
	l.memory_high = 409600;
	assert_steps(d, &old, &l, "memory.max=819200; memory.high=409600");
	assert_steps(d, &old, &none, "memory.max=max; memory.high=max");
	/* The burst steps aside for the quota, whether it changes or not. */
	tmpdir_put(d->fd, "cpu.max.burst", "50000\n");
	old = (struct cgroup_limits){ .has_cpu_max = true,
				      .cpu_max_millis = 1000,
				      .has_cpu_burst = true,
				      .cpu_burst_millis = 500 };
	l = old;
	l.cpu_max_millis = 300;
	l.cpu_burst_millis = 200;
	assert_steps(d, &old, &l, "cpu.max.burst=0; cpu.max=30000 100000; cpu.max.burst=20000");
	l = old;
	l.cpu_max_millis = 600;
	assert_steps(d, &old, &l, "cpu.max.burst=0; cpu.max=60000 100000; cpu.max.burst=50000");
	assert_steps(d, &old, &none, "cpu.max.burst=0; cpu.max=max 100000; cpu.max.burst=0");
	/* An idle group has no weight. */
	old = (struct cgroup_limits){ .cpu_idle = true };
	l = (struct cgroup_limits){ .has_cpu_weight = true, .cpu_weight = 7 };
	assert_steps(d, &old, &l, "cpu.idle=0; cpu.weight=7");
	assert_steps(d, &l, &old, "cpu.weight=100; cpu.idle=1");
}

static void test_change_reset(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_io_limit io = { .device = "8:1", .rbps = 100, .weight = 50 };
	const struct cgroup_raw raw = { (char[]){ "memory.wonder" }, (char[]){ "7" } };
	struct cgroup_limits none = { .has_pids_max = false };
	struct cgroup_limits old = { .io = &io, .n_io = 1 };
	struct cgroup_undo *undo = NULL;
	struct err e = ERR_INIT;

	put_keys(d->fd);
	tmpdir_put(d->fd, "io.max", "8:0 rbps=100 wbps=max riops=max wiops=max\n");
	assert_int_equal(change(d, &old, &none, NULL, &undo, &e), 0);
	assert_key(d->fd, "io.max", "8:0 rbps=max wbps=max riops=max wiops=max");
	assert_key(d->fd, "io.weight", "8:0 default");
	cgroup_undo_run(&undo);
	assert_key(d->fd, "io.max", "8:0 rbps=100 wbps=max riops=max wiops=max");
	old = (struct cgroup_limits){ .raw = &raw, .n_raw = 1 };
	assert_int_equal(change(d, &old, &none, NULL, &undo, &e), -EOPNOTSUPP);
	assert_string_equal(e.text,
			    "resources.unified.memory.wonder: what memory.wonder is without "
			    "a limit is not known");
	assert_string_equal(e.hint, "use --restart, or give the value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_table),	  TMPDIR_TEST(test_small_quota),
		TMPDIR_TEST(test_read_back),	  TMPDIR_TEST(test_io_device),
		TMPDIR_TEST(test_loop),		  TMPDIR_TEST(test_io_weight),
		cmocka_unit_test(test_raw_names), cmocka_unit_test(test_raw_matches),
		TMPDIR_TEST(test_raw_errors),	  TMPDIR_TEST(test_change_and_undo),
		TMPDIR_TEST(test_change_fails),	  TMPDIR_TEST(test_change_order),
		TMPDIR_TEST(test_change_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
