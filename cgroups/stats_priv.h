/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parsers of statistics, apart so that they can be tried with text that no kernel writes. */
#ifndef JAIL_CGROUPS_STATS_PRIV_H
#define JAIL_CGROUPS_STATS_PRIV_H

#include "cgroups/stats.h"

#define STATS_IO_DEVICES_MAX 4096

/* All change the text. What they do not understand they pass over. */

/* The numbers of one file, whose places are [first, end). */
void stats_parse_numbers(char *text, size_t first, size_t end, struct cgroup_stats *ret);
void stats_parse_pressure(char *text, struct cgroup_pressure *ret_some,
			  struct cgroup_pressure *ret_full);
/* io.stat. Names are not looked up. Return: 0 or -ENOMEM. */
int stats_parse_io(char *text, struct cgroup_io_stat **ret, size_t *ret_n);
/* "hugepages-2048kB" in sysfs is "2MB" in the names of a cgroup's files (mem_fmt() of
 * mm/hugetlb_cgroup.c). False for what is no such name. */
bool stats_huge_name(const char *sysfs, char ret[static 16]);

#endif
