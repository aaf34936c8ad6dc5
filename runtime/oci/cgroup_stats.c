/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `events --stats` says of a container: the kernel's numbers by runc's names, in its units
 * (times in nanoseconds, "no limit" as the largest number). What the kernel does not count for this
 * cgroup is left out, as Go's encoders leave out a zero.
 */
#include <inttypes.h>

#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "cgroups/directory.h"
#include "cgroups/stats.h"
#include "runtime/oci/cgroup_priv.h"

#define NSEC_PER_USEC 1000
#define MEMORY_STAT_MAX 16384

static void put(struct json_out *o, const char *key, const struct cgroup_stats *s,
		enum cgroup_stat i)
{
	if (s->has[i])
		json_out_u64(o, key, s->value[i]);
}

static void put_nsec(struct json_out *o, const char *key, const struct cgroup_stats *s,
		     enum cgroup_stat i)
{
	if (s->has[i])
		json_out_u64(o, key, s->value[i] * NSEC_PER_USEC);
}

static void put_pressure_line(struct json_out *o, const char *key, const struct cgroup_pressure *p)
{
	if (!p->has)
		return;
	json_out_object(o, key);
	json_out_milli(o, "avg10", p->avg10);
	json_out_milli(o, "avg60", p->avg60);
	json_out_milli(o, "avg300", p->avg300);
	json_out_u64(o, "total", p->total_usec);
	json_out_object_end(o);
}

static void put_pressure(struct json_out *o, const struct cgroup_stats *s, size_t i)
{
	if (!s->some[i].has && !s->full[i].has)
		return;
	json_out_object(o, "psi");
	put_pressure_line(o, "some", &s->some[i]);
	put_pressure_line(o, "full", &s->full[i]);
	json_out_object_end(o);
}

static void put_cpu(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "cpu");
	json_out_object(o, "usage");
	put_nsec(o, "total", s, CGROUP_STAT_CPU_USAGE);
	put_nsec(o, "kernel", s, CGROUP_STAT_CPU_SYSTEM);
	put_nsec(o, "user", s, CGROUP_STAT_CPU_USER);
	json_out_object_end(o);
	json_out_object(o, "throttling");
	put(o, "periods", s, CGROUP_STAT_CPU_PERIODS);
	put(o, "throttledPeriods", s, CGROUP_STAT_CPU_THROTTLED);
	put_nsec(o, "throttledTime", s, CGROUP_STAT_CPU_THROTTLED_USEC);
	json_out_object_end(o);
	put_pressure(o, s, CGROUP_PRESSURE_CPU);
	json_out_object_end(o);
}

/* v1 counted swap together with memory, and runc still does. */
static void put_swap(struct json_out *o, const struct cgroup_stats *s)
{
	uint64_t usage = s->value[CGROUP_STAT_SWAP_CURRENT] + s->value[CGROUP_STAT_MEMORY_CURRENT];
	uint64_t swap = s->value[CGROUP_STAT_SWAP_MAX], memory = s->value[CGROUP_STAT_MEMORY_MAX];
	bool none = swap == CGROUP_STAT_MAX || memory == CGROUP_STAT_MAX;

	if (!s->has[CGROUP_STAT_SWAP_CURRENT] || !s->has[CGROUP_STAT_SWAP_MAX])
		return;
	json_out_object(o, "swap");
	json_out_u64(o, "limit", none ? CGROUP_STAT_MAX : swap + memory);
	json_out_u64(o, "usage", usage);
	json_out_u64(o, "failcnt", 0);
	json_out_object_end(o);
}

/* All of memory.stat, whatever the kernel has. */
static void put_raw(struct json_out *o, int dir)
{
	CLEANUP_FREE char *text = malloc(MEMORY_STAT_MAX);
	char *line = text, *next;

	if (!text || file_peek_at(dir, "memory.stat", text, MEMORY_STAT_MAX) < 0)
		return;
	json_out_object(o, "raw");
	for (; *line; line = next) {
		struct err ignored = ERR_INIT;
		uint64_t n;
		char *value;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		if (num_parse_u64(value, 0, UINT64_MAX, &n, &ignored) >= 0)
			json_out_u64(o, line, n);
	}
	json_out_object_end(o);
}

static void put_memory(struct json_out *o, const struct cgroup_stats *s, int dir)
{
	json_out_object(o, "memory");
	put(o, "cache", s, CGROUP_STAT_MEMORY_FILE);
	if (s->has[CGROUP_STAT_MEMORY_CURRENT]) {
		json_out_object(o, "usage");
		put(o, "limit", s, CGROUP_STAT_MEMORY_MAX);
		put(o, "usage", s, CGROUP_STAT_MEMORY_CURRENT);
		put(o, "max", s, CGROUP_STAT_MEMORY_PEAK);
		put(o, "failcnt", s, CGROUP_STAT_EVENT_MAX);
		json_out_object_end(o);
		put_swap(o, s);
	}
	put_raw(o, dir);
	put_pressure(o, s, CGROUP_PRESSURE_MEMORY);
	json_out_object_end(o);
}

static void put_pids(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "pids");
	put(o, "current", s, CGROUP_STAT_PIDS_CURRENT);
	if (s->value[CGROUP_STAT_PIDS_MAX] != CGROUP_STAT_MAX) /* engines take 0 for "none" */
		put(o, "limit", s, CGROUP_STAT_PIDS_MAX);
	json_out_object_end(o);
}

static void put_io_list(struct json_out *o, const struct cgroup_stats *s, const char *key,
			const int values[static 3])
{
	static const char *const ops[] = { "Read", "Write", "Discard" };

	json_out_array(o, key);
	for (size_t i = 0; i < s->n_io; i++) {
		const struct cgroup_io_stat *io = &s->io[i];

		for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
			if (!io->has[values[k]])
				continue;
			json_out_object(o, NULL);
			json_out_u64(o, "major", io->major);
			json_out_u64(o, "minor", io->minor);
			json_out_str(o, "op", ops[k]);
			json_out_u64(o, "value", io->value[values[k]]);
			json_out_object_end(o);
		}
	}
	json_out_array_end(o);
}

static void put_io(struct json_out *o, const struct cgroup_stats *s)
{
	static const int bytes[] = { CGROUP_IO_READ_BYTES, CGROUP_IO_WRITE_BYTES,
				     CGROUP_IO_DISCARD_BYTES };
	static const int counts[] = { CGROUP_IO_READS, CGROUP_IO_WRITES, CGROUP_IO_DISCARDS };

	json_out_object(o, "blkio");
	if (s->n_io > 0) {
		put_io_list(o, s, "ioServiceBytesRecursive", bytes);
		put_io_list(o, s, "ioServicedRecursive", counts);
	}
	put_pressure(o, s, CGROUP_PRESSURE_IO);
	json_out_object_end(o);
}

/* "max" is the largest usage ever in runc's output, which v2 does not count. */
static void put_huge(struct json_out *o, const struct cgroup_stats *s)
{
	json_out_object(o, "hugetlb");
	for (size_t i = 0; i < s->n_huge; i++) {
		const struct cgroup_huge_stat *h = &s->huge[i];

		json_out_object(o, h->size);
		json_out_u64(o, "usage", h->value[CGROUP_HUGE_CURRENT]);
		if (h->has[CGROUP_HUGE_FAILURES])
			json_out_u64(o, "failcnt", h->value[CGROUP_HUGE_FAILURES]);
		json_out_object_end(o);
	}
	json_out_object_end(o);
}

int oci_cgroup_stats(const struct oci_cgroup *g, struct json_out *o, const char *key, struct err *e)
{
	CLEANUP_FD int dir = oci_cgroup_open(g, e);
	struct cgroup_stats_reader reader;
	struct cgroup_stats s;
	int r;

	if (dir < 0)
		return TAKE_FD(dir);
	r = cgroup_stats_open(&reader, e);
	if (r < 0)
		return r;
	r = cgroup_stats_read_dir(&reader, dir, &s, e);
	cgroup_stats_close(&reader);
	if (r < 0)
		return err_wrap(e, "cgroup %s", g->path);
	json_out_object(o, key);
	put_cpu(o, &s);
	put_memory(o, &s, dir);
	put_pids(o, &s);
	put_io(o, &s);
	put_huge(o, &s);
	json_out_object_end(o);
	cgroup_stats_free(&s);
	return 0;
}

int oci_cgroup_wait_oom(const struct oci_cgroup *g, int timeout_ms, uint64_t *oom_kills,
			struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int dir = oci_cgroup_open(g, &why);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0) {
		*e = why;
		return TAKE_FD(dir);
	}
	return cgroup_directory_wait_oom(dir, g->path, timeout_ms, oom_kills, e);
}
