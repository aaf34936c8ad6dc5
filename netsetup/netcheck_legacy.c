/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iptables-legacy keeps its rules in tables of its own, read by getsockopt(2) on a raw socket: a
 * list of entries, one after the other, where `underflow` tells the place of the policy of each
 * built-in chain. Asking for a table that is not there would load it, and with it a hook on every
 * packet, so /proc/net/ip_tables_names is asked first.
 */
#include "netsetup/netcheck_legacy_priv.h"

#include <fcntl.h>
#include <linux/netfilter/xt_devgroup.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/str.h"
#include "netsetup/link_priv.h"

#define LEGACY_TABLE "filter"
#define LEGACY_BYTES_MAX (16u << 20)
#define LEGACY_NAMES_MAX 4096

_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "one for both");
_Static_assert(offsetof(struct ipt_get_entries, entrytable) ==
		       offsetof(struct ip6t_get_entries, entrytable),
	       "one for both");

static bool table_is_there(int family)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int fd =
		open(family == AF_INET ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names",
		     O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0 || fd_read_all(fd, LEGACY_NAMES_MAX, &text, &n) < 0)
		return false;
	for (const char *line = text; line && *line;) {
		size_t len = strcspn(line, "\n");

		if (len == strlen(LEGACY_TABLE) && memcmp(line, LEGACY_TABLE, len) == 0)
			return true;
		line += len + (line[len] == '\n');
	}
	return false;
}

/* One entry, of either family. */
struct entry {
	const char *matches; /* up to the target */
	size_t n_matches;
	const struct xt_standard_target *target; /* NULL: it is cut off */
	size_t next;
};

static bool entry_at(int family, const char *table, size_t size, size_t at, struct entry *ret)
{
	size_t head = family == AF_INET ? sizeof(struct ipt_entry) : sizeof(struct ip6t_entry);
	struct ipt_entry four;
	struct ip6t_entry six;
	size_t target, next;

	if (at > size || size - at < head)
		return false;
	if (family == AF_INET) {
		memcpy(&four, table + at, sizeof(four));
		target = four.target_offset;
		next = four.next_offset;
	} else {
		memcpy(&six, table + at, sizeof(six));
		target = six.target_offset;
		next = six.next_offset;
	}
	if (target < head || next < target || next > size - at)
		return false;
	*ret = (struct entry){ .matches = table + at + head,
			       .n_matches = target - head,
			       .next = next };
	if (next - target >= sizeof(*ret->target))
		ret->target = (const void *)(table + at + target);
	return next > 0;
}

static bool asks_our_group(const struct entry *entry)
{
	const char *m = entry->matches;
	size_t left = entry->n_matches;

	while (left >= sizeof(struct xt_entry_match)) {
		struct xt_entry_match match;
		struct xt_devgroup_info group;

		memcpy(&match, m, sizeof(match));
		if (match.u.user.match_size < sizeof(match) || match.u.user.match_size > left)
			return false;
		if (strncmp(match.u.user.name, "devgroup", sizeof(match.u.user.name)) == 0 &&
		    match.u.user.match_size >= sizeof(match) + sizeof(group)) {
			memcpy(&group, m + sizeof(match), sizeof(group));
			if (group.src_group == NET_GROUP || group.dst_group == NET_GROUP)
				return true;
		}
		m += match.u.user.match_size;
		left -= match.u.user.match_size;
	}
	return false;
}

static bool judge_table(int family, const struct ipt_getinfo *info, const char *table)
{
	size_t at = info->hook_entry[NF_INET_FORWARD], end = info->underflow[NF_INET_FORWARD];
	struct entry entry;

	for (; at < end; at += entry.next)
		if (!entry_at(family, table, info->size, at, &entry) || asks_our_group(&entry))
			return false;
	return entry_at(family, table, info->size, end, &entry) && entry.target &&
	       entry.target->verdict == -NF_DROP - 1;
}

bool legacy_forward_drops(int family)
{
	/* IPT_SO_GET_* and IP6T_SO_GET_* are the same numbers. */
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	struct ipt_getinfo info = { .name = LEGACY_TABLE };
	CLEANUP_FREE struct ipt_get_entries *entries = NULL;
	CLEANUP_FD int sock = -EBADF;
	socklen_t n = sizeof(info);

	if (!table_is_there(family))
		return false;
	sock = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (sock < 0 || getsockopt(sock, level, IPT_SO_GET_INFO, &info, &n) < 0 ||
	    info.size > LEGACY_BYTES_MAX || !(info.valid_hooks & 1u << NF_INET_FORWARD))
		return false;
	n = (socklen_t)(sizeof(*entries) + info.size);
	entries = calloc(1, n);
	if (!entries)
		return false;
	memcpy(entries->name, LEGACY_TABLE, sizeof(LEGACY_TABLE));
	entries->size = info.size;
	if (getsockopt(sock, level, IPT_SO_GET_ENTRIES, entries, &n) < 0)
		return false;
	return judge_table(family, &info, (const char *)entries->entrytable);
}
