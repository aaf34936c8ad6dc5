/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an instance's counters: one openat(2) and read(2) for each file, out of a table. No
 * process is looked at, no directory listed, so a thousand instances are a thousand times one.
 */
#include "cgroups/stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/file.h"
#include "base/num.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/stats_priv.h"

/* io.stat has a line of 100 bytes for each device that was ever used. */
#define STATS_FILE_MAX (512u << 10)
#define STATS_HUGE_UNLIMITED (UINT64_C(1) << 62)

const struct cgroup_stat_place cgroup_stat_places[CGROUP_STAT_END] = {
#define X(id, file, key, group, json) { file, key, group, json },
	CGROUP_STATS(X)
#undef X
};

static const char *const pressure_files[CGROUP_PRESSURES] = {
	[CGROUP_PRESSURE_CPU] = "cpu.pressure",
	[CGROUP_PRESSURE_MEMORY] = "memory.pressure",
	[CGROUP_PRESSURE_IO] = "io.pressure",
};

static const struct {
	const char *suffix;
	const char *key; /* of a line; NULL: the file is the number */
} huge_files[CGROUP_HUGE_VALUES] = {
	[CGROUP_HUGE_CURRENT] = { "current", NULL },
	[CGROUP_HUGE_MAX] = { "max", NULL },
	[CGROUP_HUGE_RESERVED] = { "rsvd.current", NULL },
	[CGROUP_HUGE_FAILURES] = { "events", "max" },
};

void cgroup_stats_free(struct cgroup_stats *s)
{
	free(s->io);
	*s = (struct cgroup_stats){ .io = NULL };
}

bool stats_huge_name(const char *sysfs, char ret[static 16])
{
	static const char prefix[] = "hugepages-";
	const char *p = sysfs + strlen(prefix);
	char number[24];
	uint64_t kib = 0;
	struct err ignored;
	size_t n;

	if (!str_starts(sysfs, prefix))
		return false;
	n = strcspn(p, "k");
	if (!str_eq(p + n, "kB") || str_format(number, sizeof(number), "%.*s", (int)n, p) < 0 ||
	    num_parse_u64(number, 1, UINT64_MAX, &kib, &ignored) < 0)
		return false;
	if (kib >= 1 << 20)
		return str_format(ret, 16, "%" PRIu64 "GB", kib >> 20) >= 0;
	if (kib >= 1 << 10)
		return str_format(ret, 16, "%" PRIu64 "MB", kib >> 10) >= 0;
	return str_format(ret, 16, "%" PRIu64 "KB", kib) >= 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The sizes are the kernel's; a kernel without huge pages has no such directory. */
static void find_huge_sizes(struct cgroup_stats_reader *r)
{
	struct dirent **list;
	int n = scandir("/sys/kernel/mm/hugepages", &list, NULL, by_name);

	for (int i = 0; i < n; i++) {
		if (r->n_huge < CGROUP_STAT_HUGE_SIZES)
			r->n_huge += stats_huge_name(list[i]->d_name, r->huge[r->n_huge]);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

int cgroup_stats_open(struct cgroup_stats_reader *ret, struct err *e)
{
	struct cgroup_stats_reader r = { .devices = -EBADF };

	find_huge_sizes(&r);
	r.buffer = malloc(STATS_FILE_MAX);
	if (!r.buffer)
		return err_nomem(e);
	/* Without it, devices have numbers only. */
	r.devices = open("/sys/dev/block", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*ret = r;
	return 0;
}

void cgroup_stats_close(struct cgroup_stats_reader *r)
{
	fd_reset(&r->devices);
	free(r->buffer);
	r->buffer = NULL;
}

/* Return: 1 read, 0 there is no such thing here, -errno. */
static int read_file(struct cgroup_stats_reader *r, int dir, const char *file, struct err *e)
{
	ssize_t n = file_peek_at(dir, file, r->buffer, STATS_FILE_MAX);

	/* EOPNOTSUPP: pressure that was turned off. */
	if (n == -ENOENT || n == -EOPNOTSUPP)
		return 0;
	return n < 0 ? err_ret(e, (int)n, "read %s", file) : 1;
}

static int read_numbers(struct cgroup_stats_reader *r, int dir, struct cgroup_stats *s,
			struct err *e)
{
	size_t end;

	for (size_t first = 0; first < CGROUP_STAT_END; first = end) {
		const char *file = cgroup_stat_places[first].file;
		int found = read_file(r, dir, file, e);

		if (found < 0)
			return found;
		for (end = first + 1; end < CGROUP_STAT_END; end++)
			if (!str_eq(cgroup_stat_places[end].file, file))
				break;
		if (found)
			stats_parse_numbers(r->buffer, first, end, s);
	}
	return 0;
}

static int read_pressure(struct cgroup_stats_reader *r, int dir, struct cgroup_stats *s,
			 struct err *e)
{
	for (size_t i = 0; i < CGROUP_PRESSURES; i++) {
		int found = read_file(r, dir, pressure_files[i], e);

		if (found < 0)
			return found;
		if (found)
			stats_parse_pressure(r->buffer, &s->some[i], &s->full[i]);
	}
	return 0;
}

/* What the device is called now; it may be gone. */
static void name_device(int devices, struct cgroup_io_stat *s)
{
	char number[32], target[512];
	const char *name;
	ssize_t n;

	(void)snprintf(number, sizeof(number), "%u:%u", s->major, s->minor);
	n = devices < 0 ? -1 : readlinkat(devices, number, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	(void)str_format(s->name, sizeof(s->name), "%s", name ? name + 1 : target);
}

static int read_io(struct cgroup_stats_reader *r, int dir, struct cgroup_stats *s, struct err *e)
{
	int found = read_file(r, dir, "io.stat", e);

	if (found <= 0)
		return found;
	s->has_io = true;
	if (stats_parse_io(r->buffer, &s->io, &s->n_io) < 0)
		return err_nomem(e);
	for (size_t i = 0; i < s->n_io; i++)
		name_device(r->devices, &s->io[i]);
	return 0;
}

static int read_huge_value(struct cgroup_stats_reader *r, int dir, struct cgroup_huge_stat *h,
			   size_t i, struct err *e)
{
	/* The parser's places that look like this: a number alone, and "max N". */
	enum cgroup_stat as = huge_files[i].key ? CGROUP_STAT_PIDS_FAILED : CGROUP_STAT_PIDS_MAX;
	struct cgroup_stats one = { .io = NULL };
	char file[64];
	int found;

	(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", h->size, huge_files[i].suffix);
	found = read_file(r, dir, file, e);
	if (found <= 0)
		return found;
	stats_parse_numbers(r->buffer, as, as + 1, &one);
	h->has[i] = one.has[as];
	h->value[i] = one.value[as];
	/* Kernels that do not say "max" say the counter's largest number of pages in bytes. */
	if (i == CGROUP_HUGE_MAX && h->value[i] >= STATS_HUGE_UNLIMITED)
		h->value[i] = CGROUP_STAT_MAX;
	return 1;
}

static int read_huge(struct cgroup_stats_reader *r, int dir, struct cgroup_stats *s, struct err *e)
{
	for (size_t size = 0; size < r->n_huge; size++) {
		struct cgroup_huge_stat h = { .size = "" };
		int found = 0;

		memcpy(h.size, r->huge[size], sizeof(h.size));
		for (size_t i = 0; i < CGROUP_HUGE_VALUES && found >= 0; i++) {
			found = read_huge_value(r, dir, &h, i, e);
			/* Not handed down to this cgroup: nothing of it is there. */
			if (found == 0 && i == 0)
				break;
		}
		if (found < 0)
			return found;
		if (h.has[CGROUP_HUGE_CURRENT])
			s->huge[s->n_huge++] = h;
	}
	return 0;
}

int cgroup_stats_read_dir(struct cgroup_stats_reader *r, int dir, struct cgroup_stats *ret,
			  struct err *e)
{
	struct cgroup_stats s = { .io = NULL };

	if (read_numbers(r, dir, &s, e) < 0 || read_pressure(r, dir, &s, e) < 0 ||
	    read_io(r, dir, &s, e) < 0 || read_huge(r, dir, &s, e) < 0) {
		cgroup_stats_free(&s);
		return -e->code;
	}
	*ret = s;
	return 0;
}

int cgroup_stats_read(struct cgroup_stats_reader *r, const struct cgroup_tree *t,
		      const struct jail_name *name, struct cgroup_stats *ret, struct err *e)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);

	if (dir < 0)
		return err_ret(e, dir, "open cgroup %s/%s", t->path, name->s);
	if (cgroup_stats_read_dir(r, dir, ret, e) < 0)
		return err_wrap(e, "cgroup %s/%s", t->path, name->s);
	return 0;
}
