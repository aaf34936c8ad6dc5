/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits as a table: which field of the spec goes into which file of which controller, in what
 * form. Each is written while the cgroup is empty (row 66) and read back through the same fd: the
 * kernel rounds some values and takes others without effect, and promise 2 wants the difference
 * known.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "cgroups/cgroup_priv.h"

#define LIMITS_PERIOD_US 100000u /* the kernel's default for cpu.max */
#define LIMITS_PERIOD_MAX_US 1000000u
#define LIMITS_QUOTA_MIN_US 1000u /* the kernel's minimum */
#define LIMITS_VALUE_MAX 1100 /* a CPU list of the spec, and some */

/* Writes the value as the kernel takes it, and as it will show it. Return: false if it has none. */
typedef bool limits_format_fn(const struct cgroup_limits *l, char *write, char *expect);

struct limits_key {
	const char *json; /* for messages */
	uint32_t controller;
	const char *file;
	limits_format_fn *format;
};

/* Period of cpu.max: the default, or the longest where the quota would be below its minimum. */
static uint64_t limits_period(const struct cgroup_limits *l)
{
	return l->cpu_max_millis * LIMITS_PERIOD_US / 1000 < LIMITS_QUOTA_MIN_US
		       ? LIMITS_PERIOD_MAX_US
		       : LIMITS_PERIOD_US;
}

static bool limits_cpu_weight(const struct cgroup_limits *l, char *write, char *expect)
{
	(void)snprintf(write, LIMITS_VALUE_MAX, "%" PRIu64, l->cpu_weight);
	(void)snprintf(expect, LIMITS_VALUE_MAX, "%s", write);
	return l->has_cpu_weight;
}

static bool limits_cpu_max(const struct cgroup_limits *l, char *write, char *expect)
{
	uint64_t period = limits_period(l);

	(void)snprintf(write, LIMITS_VALUE_MAX, "%" PRIu64 " %" PRIu64,
		       l->cpu_max_millis * period / 1000, period);
	(void)snprintf(expect, LIMITS_VALUE_MAX, "%s", write);
	return l->has_cpu_max;
}

static bool limits_cpu_burst(const struct cgroup_limits *l, char *write, char *expect)
{
	uint64_t period = l->has_cpu_max ? limits_period(l) : LIMITS_PERIOD_US;

	(void)snprintf(write, LIMITS_VALUE_MAX, "%" PRIu64, l->cpu_burst_millis * period / 1000);
	(void)snprintf(expect, LIMITS_VALUE_MAX, "%s", write);
	return l->has_cpu_burst;
}

static bool limits_cpus(const struct cgroup_limits *l, char *write, char *expect)
{
	if (!l->cpus)
		return false;
	(void)snprintf(write, LIMITS_VALUE_MAX, "%s", l->cpus);
	(void)snprintf(expect, LIMITS_VALUE_MAX, "%s", l->cpus);
	return true;
}

/* Memory is counted in whole pages, rounded down; more than fits a counter is "max". */
static void limits_bytes(uint64_t bytes, char *write, char *expect)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t pages = bytes / page;

	if (bytes == UINT64_MAX)
		(void)snprintf(write, LIMITS_VALUE_MAX, "max");
	else
		(void)snprintf(write, LIMITS_VALUE_MAX, "%" PRIu64, bytes);
	if (pages >= (uint64_t)LONG_MAX / page)
		(void)snprintf(expect, LIMITS_VALUE_MAX, "max");
	else
		(void)snprintf(expect, LIMITS_VALUE_MAX, "%" PRIu64, pages * page);
}

static bool limits_memory_max(const struct cgroup_limits *l, char *write, char *expect)
{
	limits_bytes(l->memory_max, write, expect);
	return l->has_memory_max;
}

static bool limits_memory_high(const struct cgroup_limits *l, char *write, char *expect)
{
	limits_bytes(l->memory_high, write, expect);
	return l->has_memory_high;
}

static bool limits_memory_low(const struct cgroup_limits *l, char *write, char *expect)
{
	limits_bytes(l->memory_low, write, expect);
	return l->has_memory_low;
}

static bool limits_swap_max(const struct cgroup_limits *l, char *write, char *expect)
{
	limits_bytes(l->swap_max, write, expect);
	return l->has_swap_max;
}

static bool limits_pids_max(const struct cgroup_limits *l, char *write, char *expect)
{
	if (l->pids_max == UINT64_MAX)
		(void)snprintf(write, LIMITS_VALUE_MAX, "max");
	else
		(void)snprintf(write, LIMITS_VALUE_MAX, "%" PRIu64, l->pids_max);
	(void)snprintf(expect, LIMITS_VALUE_MAX, "%s", write);
	return l->has_pids_max;
}

/* The burst stands behind the quota that it may not exceed. */
static const struct limits_key limits_keys[] = {
	{ "resources.cpu.weight", CGROUP_CPU, "cpu.weight", limits_cpu_weight },
	{ "resources.cpu.max", CGROUP_CPU, "cpu.max", limits_cpu_max },
	{ "resources.cpu.burst", CGROUP_CPU, "cpu.max.burst", limits_cpu_burst },
	{ "resources.cpu.cpus", CGROUP_CPUSET, "cpuset.cpus", limits_cpus },
	{ "resources.memory.max", CGROUP_MEMORY, "memory.max", limits_memory_max },
	{ "resources.memory.high", CGROUP_MEMORY, "memory.high", limits_memory_high },
	{ "resources.memory.low", CGROUP_MEMORY, "memory.low", limits_memory_low },
	{ "resources.memory.swapMax", CGROUP_MEMORY, "memory.swap.max", limits_swap_max },
	{ "resources.pids.max", CGROUP_PIDS, "pids.max", limits_pids_max },
};

/* Opens one file of the cgroup. ENOENT: the controller is there, the key isn't. */
static int limits_open(int dir, const char *key, const char *file, struct err *e)
{
	int fd = openat(dir, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT) {
		(void)err_set(e, EOPNOTSUPP, "%s: this kernel has no %s", key, file);
		return err_hint(e, "use another kernel, or remove %s", key);
	}
	return err_sys(e, "%s: open %s", key, file);
}

static int limits_write(int fd, const char *key, const char *file, const char *value, struct err *e)
{
	ssize_t w = write(fd, value, strlen(value));

	if (w < 0)
		return err_sys(e, "%s: write \"%s\" to %s", key, value, file);
	return 0;
}

/* Reads the whole file from its start into buf, NUL-terminated. */
static int limits_read(int fd, const char *key, const char *file, char *buf, size_t n,
		       struct err *e)
{
	ssize_t r = pread(fd, buf, n - 1, 0);

	if (r < 0)
		return err_sys(e, "%s: read %s", key, file);
	buf[r] = '\0';
	return 0;
}

static int limits_apply(int dir, const struct limits_key *k, const char *value, const char *expect,
			struct err *e)
{
	CLEANUP_FD int fd = limits_open(dir, k->json, k->file, e);
	char got[LIMITS_VALUE_MAX];

	if (fd < 0)
		return TAKE_FD(fd);
	if (limits_write(fd, k->json, k->file, value, e) < 0 ||
	    limits_read(fd, k->json, k->file, got, sizeof(got), e) < 0)
		return -e->code;
	got[strcspn(got, "\n")] = '\0';
	if (!str_eq(got, expect))
		return err_set(e, EINVAL, "%s: wrote \"%s\" to %s, the kernel made it \"%s\"",
			       k->json, value, k->file, got);
	return 0;
}

/* CPUs that are not online drop out of the list, and when none is left the kernel silently takes
 * the parent's. */
static int limits_check_cpus(int dir, const char *cpus, struct err *e)
{
	char got[LIMITS_VALUE_MAX];
	ssize_t r = file_peek_at(dir, "cpuset.cpus.effective", got, sizeof(got));

	if (r < 0)
		return err_ret(e, (int)r, "resources.cpu.cpus: read cpuset.cpus.effective");
	if (!str_eq(got, cpus)) {
		(void)err_set(e, EINVAL,
			      "resources.cpu.cpus: \"%s\" is not what can be had: \"%s\"", cpus,
			      got);
		return err_hint(e,
				"name only CPUs that are online (/sys/devices/system/cpu/online)");
	}
	return 0;
}

/* Turns a device of the spec into "MAJ:MIN". */
static int limits_device(const char *key, const struct cgroup_io_limit *io, char *ret, size_t n,
			 struct err *e)
{
	struct stat st;
	int r;

	if (io->device[0] != '/') {
		r = str_format(ret, n, "%s", io->device);
	} else {
		if (stat(io->device, &st) < 0)
			return err_sys(e, "%s.device: %s", key, io->device);
		if (!S_ISBLK(st.st_mode))
			return err_set(e, ENOTBLK, "%s.device: %s is not a block device", key,
				       io->device);
		r = str_format(ret, n, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	}
	return r < 0 ? err_set(e, EINVAL, "%s.device: too long", key) : 0;
}

/* Whether the file's line for the device holds every word of `want`. */
static bool limits_line_has(const char *text, const char *device, const char *want)
{
	size_t n = strlen(device);
	const char *line = text;

	while (*line && !(str_starts(line, device) && line[n] == ' '))
		line += strcspn(line, "\n") + (strchr(line, '\n') != NULL);
	if (!*line)
		return false;
	while (*want) {
		size_t word = strcspn(want, " "), at = n;
		bool found = false;

		while (!found && line[at] == ' ') {
			size_t have = strcspn(line + at + 1, " \n");

			found = have == word && memcmp(line + at + 1, want, word) == 0;
			at += have + 1;
		}
		if (!found)
			return false;
		want += word + (want[word] == ' ');
	}
	return true;
}

static int limits_apply_io(int dir, const char *key, const char *file, const char *device,
			   const char *words, struct err *e)
{
	CLEANUP_FD int fd = limits_open(dir, key, file, e);
	char line[256], got[4096];

	if (fd < 0)
		return TAKE_FD(fd);
	(void)snprintf(line, sizeof(line), "%s %s", device, words);
	if (limits_write(fd, key, file, line, e) < 0) {
		if (e->code == ENODEV)
			return err_hint(e, "name a whole disk that exists, not a partition");
		return -e->code;
	}
	if (limits_read(fd, key, file, got, sizeof(got), e) < 0)
		return -e->code;
	if (!limits_line_has(got, device, words))
		return err_set(e, EINVAL, "%s: wrote \"%s\" to %s, the kernel made it \"%s\"", key,
			       line, file, got);
	return 0;
}

/* "rbps=1 wiops=2": what is given of a device's four rates. */
static void limits_rates(const struct cgroup_io_limit *io, char *ret, size_t n)
{
	const struct {
		const char *name;
		uint64_t value;
	} rates[] = { { "rbps", io->rbps },
		      { "wbps", io->wbps },
		      { "riops", io->riops },
		      { "wiops", io->wiops } };
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		int len;

		if (rates[i].value == 0)
			continue;
		len = str_format(ret + used, n - used, "%s%s=%" PRIu64, used ? " " : "",
				 rates[i].name, rates[i].value);
		if (len > 0)
			used += (size_t)len;
	}
}

/* io.weight belongs to the cost model, io.bfq.weight to the BFQ scheduler: which one there is
 * depends on the kernel. */
static int limits_io_weight(int dir, const char *key, const char *device, uint64_t weight,
			    struct err *e)
{
	const char *file =
		faccessat(dir, "io.weight", F_OK, 0) == 0 ? "io.weight" : "io.bfq.weight";
	char value[32];

	(void)snprintf(value, sizeof(value), "%" PRIu64, weight);
	return limits_apply_io(dir, key, file, device, value, e);
}

static int limits_io(const struct cgroup_tree *t, uint32_t has, int dir,
		     const struct cgroup_limits *l, struct err *e)
{
	for (size_t i = 0; i < l->n_io; i++) {
		const struct cgroup_io_limit *io = &l->io[i];
		char key[48], device[sizeof(io->device)], rates[160];

		(void)snprintf(key, sizeof(key), "resources.io[%zu]", i);
		if (!(has & CGROUP_IO))
			return cgroup_missing(t, key, CGROUP_IO, e);
		if (limits_device(key, io, device, sizeof(device), e) < 0)
			return -e->code;
		limits_rates(io, rates, sizeof(rates));
		if (rates[0] && limits_apply_io(dir, key, "io.max", device, rates, e) < 0)
			return -e->code;
		if (io->weight && limits_io_weight(dir, key, device, io->weight, e) < 0)
			return -e->code;
	}
	return 0;
}

/* The controllers of `dir`; when one that is needed lacks, the tree is asked for all again. */
static uint32_t limits_controllers(const struct cgroup_tree *t, uint32_t need)
{
	CLEANUP_FD int root = -EBADF;

	if ((need & ~t->controllers) == 0)
		return t->controllers;
	root = openat(t->root_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? t->controllers : cgroup_enable(root, t->root_fd);
}

int cgroup_write_limits(const struct cgroup_tree *t, int dir, const struct cgroup_limits *l,
			struct err *e)
{
	char value[LIMITS_VALUE_MAX], expect[LIMITS_VALUE_MAX];
	uint32_t need = l->n_io ? CGROUP_IO : 0, has;

	for (size_t i = 0; i < ARRAY_SIZE(limits_keys); i++) {
		if (limits_keys[i].format(l, value, expect))
			need |= limits_keys[i].controller;
	}
	if (need == 0)
		return 0;
	has = limits_controllers(t, need);
	for (size_t i = 0; i < ARRAY_SIZE(limits_keys); i++) {
		const struct limits_key *k = &limits_keys[i];

		if (!k->format(l, value, expect))
			continue;
		if (!(has & k->controller))
			return cgroup_missing(t, k->json, k->controller, e);
		if (limits_apply(dir, k, value, expect, e) < 0)
			return -e->code;
	}
	if (l->cpus && limits_check_cpus(dir, l->cpus, e) < 0)
		return -e->code;
	return limits_io(t, has, dir, l, e);
}
