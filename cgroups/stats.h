/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel counts for an instance: the files of its outer cgroup, so that what the instance
 * does inside (delegation, cgroups of its own) changes nothing.
 *
 * Nothing is invented: a file that the kernel or the hierarchy lacks, and a line that is not what
 * it should be, leave `has` false. 0 means that the kernel said 0.
 */
#ifndef JAIL_CGROUPS_STATS_H
#define JAIL_CGROUPS_STATS_H

#include "cgroups/cgroup.h"

#define CGROUP_STAT_MAX UINT64_MAX /* the kernel's "max": no limit */

/*
 * Every number: name, file, key, and where it stands in the JSON output. A key "#N" is field N of a
 * file of one line. Numbers of one file stand together, and so do those of one group.
 */
#define CGROUP_STATS(X)                                                                            \
	X(CPU_USAGE, "cpu.stat", "usage_usec", "cpu", "usageUsec")                                 \
	X(CPU_USER, "cpu.stat", "user_usec", "cpu", "userUsec")                                    \
	X(CPU_SYSTEM, "cpu.stat", "system_usec", "cpu", "systemUsec")                              \
	X(CPU_NICE, "cpu.stat", "nice_usec", "cpu", "niceUsec")                                    \
	X(CPU_PERIODS, "cpu.stat", "nr_periods", "cpu", "periods")                                 \
	X(CPU_THROTTLED, "cpu.stat", "nr_throttled", "cpu", "throttledPeriods")                    \
	X(CPU_THROTTLED_USEC, "cpu.stat", "throttled_usec", "cpu", "throttledUsec")                \
	X(CPU_BURSTS, "cpu.stat", "nr_bursts", "cpu", "bursts")                                    \
	X(CPU_BURST_USEC, "cpu.stat", "burst_usec", "cpu", "burstUsec")                            \
	X(CPU_MAX, "cpu.max", "#0", "cpu", "quotaUsec")                                            \
	X(CPU_PERIOD, "cpu.max", "#1", "cpu", "periodUsec")                                        \
	X(CPU_WEIGHT, "cpu.weight", "#0", "cpu", "weight")                                         \
	X(MEMORY_CURRENT, "memory.current", "#0", "memory", "current")                             \
	X(MEMORY_PEAK, "memory.peak", "#0", "memory", "peak")                                      \
	X(MEMORY_MAX, "memory.max", "#0", "memory", "max")                                         \
	X(MEMORY_HIGH, "memory.high", "#0", "memory", "high")                                      \
	X(MEMORY_LOW, "memory.low", "#0", "memory", "low")                                         \
	X(MEMORY_MIN, "memory.min", "#0", "memory", "min")                                         \
	X(SWAP_CURRENT, "memory.swap.current", "#0", "memory", "swap")                             \
	X(SWAP_PEAK, "memory.swap.peak", "#0", "memory", "swapPeak")                               \
	X(SWAP_MAX, "memory.swap.max", "#0", "memory", "swapMax")                                  \
	X(ZSWAP_CURRENT, "memory.zswap.current", "#0", "memory", "zswap")                          \
	X(ZSWAP_MAX, "memory.zswap.max", "#0", "memory", "zswapMax")                               \
	X(MEMORY_ANON, "memory.stat", "anon", "memoryKinds", "anon")                               \
	X(MEMORY_FILE, "memory.stat", "file", "memoryKinds", "file")                               \
	X(MEMORY_KERNEL, "memory.stat", "kernel", "memoryKinds", "kernel")                         \
	X(MEMORY_STACK, "memory.stat", "kernel_stack", "memoryKinds", "kernelStack")               \
	X(MEMORY_TABLES, "memory.stat", "pagetables", "memoryKinds", "pageTables")                 \
	X(MEMORY_SEC_TABLES, "memory.stat", "sec_pagetables", "memoryKinds", "secPageTables")      \
	X(MEMORY_PERCPU, "memory.stat", "percpu", "memoryKinds", "percpu")                         \
	X(MEMORY_SOCK, "memory.stat", "sock", "memoryKinds", "sock")                               \
	X(MEMORY_VMALLOC, "memory.stat", "vmalloc", "memoryKinds", "vmalloc")                      \
	X(MEMORY_SHMEM, "memory.stat", "shmem", "memoryKinds", "shmem")                            \
	X(MEMORY_ZSWAP, "memory.stat", "zswap", "memoryKinds", "zswap")                            \
	X(MEMORY_ZSWAPPED, "memory.stat", "zswapped", "memoryKinds", "zswapped")                   \
	X(MEMORY_MAPPED, "memory.stat", "file_mapped", "memoryKinds", "fileMapped")                \
	X(MEMORY_DIRTY, "memory.stat", "file_dirty", "memoryKinds", "fileDirty")                   \
	X(MEMORY_WRITEBACK, "memory.stat", "file_writeback", "memoryKinds", "fileWriteback")       \
	X(MEMORY_SWAPCACHED, "memory.stat", "swapcached", "memoryKinds", "swapCached")             \
	X(MEMORY_ANON_THP, "memory.stat", "anon_thp", "memoryKinds", "anonThp")                    \
	X(MEMORY_INACT_ANON, "memory.stat", "inactive_anon", "memoryKinds", "inactiveAnon")        \
	X(MEMORY_ACT_ANON, "memory.stat", "active_anon", "memoryKinds", "activeAnon")              \
	X(MEMORY_INACT_FILE, "memory.stat", "inactive_file", "memoryKinds", "inactiveFile")        \
	X(MEMORY_ACT_FILE, "memory.stat", "active_file", "memoryKinds", "activeFile")              \
	X(MEMORY_UNEVICTABLE, "memory.stat", "unevictable", "memoryKinds", "unevictable")          \
	X(MEMORY_SLAB, "memory.stat", "slab", "memoryKinds", "slab")                               \
	X(MEMORY_SLAB_YES, "memory.stat", "slab_reclaimable", "memoryKinds", "slabReclaimable")    \
	X(MEMORY_SLAB_NO, "memory.stat", "slab_unreclaimable", "memoryKinds", "slabUnreclaimable") \
	X(MEMORY_FAULTS, "memory.stat", "pgfault", "memoryKinds", "pageFaults")                    \
	X(MEMORY_MAJOR, "memory.stat", "pgmajfault", "memoryKinds", "majorFaults")                 \
	X(EVENT_LOW, "memory.events", "low", "memoryEvents", "low")                                \
	X(EVENT_HIGH, "memory.events", "high", "memoryEvents", "high")                             \
	X(EVENT_MAX, "memory.events", "max", "memoryEvents", "max")                                \
	X(EVENT_OOM, "memory.events", "oom", "memoryEvents", "oom")                                \
	X(EVENT_OOM_KILL, "memory.events", "oom_kill", "memoryEvents", "oomKill")                  \
	X(EVENT_OOM_GROUP, "memory.events", "oom_group_kill", "memoryEvents", "oomGroupKill")      \
	X(PIDS_CURRENT, "pids.current", "#0", "pids", "current")                                   \
	X(PIDS_PEAK, "pids.peak", "#0", "pids", "peak")                                            \
	X(PIDS_MAX, "pids.max", "#0", "pids", "max")                                               \
	X(PIDS_FAILED, "pids.events", "max", "pids", "failedForks")                                \
	X(CGROUP_DESCENDANTS, "cgroup.stat", "nr_descendants", "cgroups", "descendants")           \
	X(CGROUP_DYING, "cgroup.stat", "nr_dying_descendants", "cgroups", "dying")                 \
	X(CGROUP_FROZEN, "cgroup.events", "frozen", "cgroups", "frozen")

enum cgroup_stat {
#define X(id, file, key, group, json) CGROUP_STAT_##id,
	CGROUP_STATS(X)
#undef X
		CGROUP_STAT_END
};

struct cgroup_stat_place {
	const char *file, *key, *group, *json;
};
extern const struct cgroup_stat_place cgroup_stat_places[CGROUP_STAT_END];

/* "some" or "full" of a pressure file: averages in thousandths of a percent. */
struct cgroup_pressure {
	bool has;
	uint64_t avg10, avg60, avg300, total_usec;
};
enum { CGROUP_PRESSURE_CPU, CGROUP_PRESSURE_MEMORY, CGROUP_PRESSURE_IO, CGROUP_PRESSURES };

enum {
	CGROUP_IO_READ_BYTES,
	CGROUP_IO_WRITE_BYTES,
	CGROUP_IO_READS,
	CGROUP_IO_WRITES,
	CGROUP_IO_DISCARD_BYTES,
	CGROUP_IO_DISCARDS,
	CGROUP_IO_VALUES
};
struct cgroup_io_stat {
	unsigned major, minor;
	char name[64]; /* "sda", or "" when the device is gone */
	bool has[CGROUP_IO_VALUES];
	uint64_t value[CGROUP_IO_VALUES];
};

#define CGROUP_STAT_HUGE_SIZES 16
enum {
	CGROUP_HUGE_CURRENT,
	CGROUP_HUGE_MAX,
	CGROUP_HUGE_RESERVED,
	CGROUP_HUGE_FAILURES,
	CGROUP_HUGE_VALUES
};
struct cgroup_huge_stat {
	char size[16]; /* as in the file's name: "2MB" */
	bool has[CGROUP_HUGE_VALUES];
	uint64_t value[CGROUP_HUGE_VALUES];
};

struct cgroup_stats {
	bool has[CGROUP_STAT_END];
	uint64_t value[CGROUP_STAT_END];
	struct cgroup_pressure some[CGROUP_PRESSURES], full[CGROUP_PRESSURES];
	bool has_io; /* there is an io.stat; it may be empty */
	struct cgroup_io_stat *io; /* owned */
	size_t n_io;
	struct cgroup_huge_stat huge[CGROUP_STAT_HUGE_SIZES];
	size_t n_huge;
};
void cgroup_stats_free(struct cgroup_stats *s);

/* What all instances have in common, found once: the cost of an instance is its own files alone. */
struct cgroup_stats_reader {
	int devices; /* /sys/dev/block, or -EBADF */
	char huge[CGROUP_STAT_HUGE_SIZES][16];
	size_t n_huge;
	char *buffer; /* owned */
};
int cgroup_stats_open(struct cgroup_stats_reader *ret, struct err *e);
void cgroup_stats_close(struct cgroup_stats_reader *r);
/* Frozen or not. *ret is the caller's to free. -ENOENT, -ENODEV: the cgroup is gone. */
int cgroup_stats_read(struct cgroup_stats_reader *r, const struct cgroup_tree *t,
		      const struct jail_name *name, struct cgroup_stats *ret, struct err *e);
/* The same from any open cgroup. */
int cgroup_stats_read_dir(struct cgroup_stats_reader *r, int dir, struct cgroup_stats *ret,
			  struct err *e);

#endif
