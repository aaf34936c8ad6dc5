/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does this kernel have what the networks are made of? Tried, not read from a version: a child in a
 * network namespace of its own makes the real tables and one link of each kind, and all of it goes
 * away with the child.
 */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/str.h"
#include "netsetup/netcheck_priv.h"
#include "netsetup/nft_priv.h"

#define TRY_BATCH_SIZE 1024
#define VETH "jcheck0"
#define PEER "jcheck1"

struct attempt {
	const struct netcheck *c;
	struct nl nl;
	int result;
	struct err e;
	char lacks[128]; /* "tbf, ifb" */
};

/* The whole rule set, with a network of both families. */
static int try_tables(struct attempt *a)
{
	struct net_network sample = { .name = { "check" }, .interface = "jcheck", .nat = true };
	struct nl *nl = NULL;
	int r;

	sample.subnet4.s_addr = htonl(0x0a580000); /* 10.88.0.0; nobody else is in here */
	sample.gateway4.s_addr = htonl(0x0a580001);
	sample.prefix4 = 16;
	sample.subnet6.s6_addr[0] = sample.gateway6.s6_addr[0] = 0xfd;
	sample.gateway6.s6_addr[15] = 1;
	sample.prefix6 = 64;
	r = nft_socket(&nl, &a->e);
	if (r >= 0)
		r = nft_table_make(nl, 0, &a->e);
	return r >= 0 ? nft_network_add(nl, &sample, &a->e) : r;
}

static void *begin_link(struct nl_batch *b, const char *name, const char *kind, size_t *ret_info)
{
	struct ifinfomsg *ifi =
		nl_begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, sizeof(*ifi), kind);

	nl_put_str(b, IFLA_IFNAME, name);
	*ret_info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, kind);
	return ifi;
}

/* Makes a link of a kind that needs no more than its name. Return: 0 or -errno. */
static int make_link(struct nl *nl, const char *name, const char *kind, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	size_t info;

	nl_batch_reserve(&b, TRY_BATCH_SIZE);
	(void)begin_link(&b, name, kind, &info);
	nl_nest_end(&b, info);
	return nl_run(nl, &b, NULL, NULL, e);
}

static int try_bridge(struct attempt *a)
{
	return make_link(&a->nl, "jcheckb", "bridge", &a->e);
}

static int try_veth(struct attempt *a)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	size_t info, data, peer;

	nl_batch_reserve(&b, TRY_BATCH_SIZE);
	(void)begin_link(&b, VETH, "veth", &info);
	data = nl_nest(&b, IFLA_INFO_DATA);
	peer = nl_nest(&b, 1 /* VETH_INFO_PEER */);
	(void)nl_put_raw(&b, sizeof(struct ifinfomsg));
	nl_put_str(&b, IFLA_IFNAME, PEER);
	nl_nest_end(&b, peer);
	nl_nest_end(&b, data);
	nl_nest_end(&b, info);
	return nl_run(&a->nl, &b, NULL, NULL, &a->e);
}

static int try_macvlan(struct attempt *a)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	size_t info;
	int r = try_veth(a);

	if (r < 0)
		return r;
	nl_batch_reserve(&b, TRY_BATCH_SIZE);
	(void)begin_link(&b, "jcheckm", "macvlan", &info);
	nl_nest_end(&b, info);
	nl_put_u32(&b, IFLA_LINK, link_index(&a->nl, VETH));
	return nl_run(&a->nl, &b, NULL, NULL, &a->e);
}

static void lacks(struct attempt *a, const char *what)
{
	size_t n = strlen(a->lacks);

	(void)str_format(a->lacks + n, sizeof(a->lacks) - n, "%s%s", n ? ", " : "", what);
}

/* Asks for a qdisc or filter by its kind alone: -ENOENT says that the kernel does not know it, any
 * other answer (most want options) that it does. */
static void try_kind(struct attempt *a, int type, const char *kind, uint32_t parent, uint32_t info)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct err ignored = ERR_INIT;
	struct tcmsg *tc;

	nl_batch_reserve(&b, TRY_BATCH_SIZE);
	tc = nl_begin(&b, type, NLM_F_CREATE | NLM_F_ACK, sizeof(*tc), kind);
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)link_index(&a->nl, VETH);
	tc->tcm_parent = parent;
	tc->tcm_info = info;
	nl_put_str(&b, TCA_KIND, kind);
	if (nl_exchange(&a->nl, &b, NULL, NULL, &ignored) < 0 || b.messages[0].result == -ENOENT ||
	    b.messages[0].result == -EOPNOTSUPP)
		lacks(a, kind);
}

static void try_action(struct attempt *a, const char *kind)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct err ignored = ERR_INIT;
	size_t table, first;

	nl_batch_reserve(&b, TRY_BATCH_SIZE);
	(void)nl_begin(&b, RTM_NEWACTION, NLM_F_CREATE | NLM_F_ACK, sizeof(struct tcamsg), kind);
	table = nl_nest(&b, TCA_ACT_TAB);
	first = nl_nest(&b, 1);
	nl_put_str(&b, TCA_ACT_KIND, kind);
	nl_nest_end(&b, first);
	nl_nest_end(&b, table);
	if (nl_exchange(&a->nl, &b, NULL, NULL, &ignored) < 0 || b.messages[0].result == -ENOENT ||
	    b.messages[0].result == -EOPNOTSUPP)
		lacks(a, kind);
}

static int try_rates(struct attempt *a)
{
	struct err ignored = ERR_INIT;
	int r = try_veth(a);

	if (r < 0)
		return r;
	if (make_link(&a->nl, "jchecki", "ifb", &ignored) < 0)
		lacks(a, "ifb");
	try_kind(a, RTM_NEWQDISC, "tbf", TC_H_ROOT, 0);
	try_kind(a, RTM_NEWQDISC, "ingress", TC_H_INGRESS, 0);
	try_kind(a, RTM_NEWTFILTER, "u32", TC_H_MAKE(TC_H_INGRESS, 0),
		 TC_H_MAKE(1u << 16, htons(ETH_P_ALL)));
	try_action(a, "mirred");
	if (a->lacks[0])
		return err_set(&a->e, EOPNOTSUPP, "this kernel lacks %s", a->lacks);
	return 0;
}

static const struct row {
	const char *name;
	int (*try)(struct attempt *a);
	enum netcheck_verdict without;
	bool macvlan; /* only where there is such a network */
	const char *good, *hint;
} rows[] = {
	{ "nf-tables", try_tables, NETCHECK_MISSING, false, "the rule set can be made",
	  "jail needs a kernel with nf_tables (inet, arp), nat and connection tracking" },
	{ "bridge", try_bridge, NETCHECK_MISSING, false, "can be made", "modprobe bridge" },
	{ "veth", try_veth, NETCHECK_MISSING, false, "can be made", "modprobe veth" },
	{ "macvlan", try_macvlan, NETCHECK_MISSING, true, "can be made", "modprobe macvlan" },
	{ "rates", try_rates, NETCHECK_WARNING, false, "ingress and egress rates can be set",
	  "without it no rates: modprobe -a ifb sch_tbf sch_ingress cls_u32 act_mirred" },
};

static void NORETURN child_try(const struct row *row, struct attempt *a)
{
	warn_set_sink(NULL);
	if (unshare(CLONE_NEWNET) < 0)
		a->result = err_sys(&a->e, "unshare the network");
	else
		a->result = nl_open(NETLINK_ROUTE, &a->nl, &a->e);
	if (a->result >= 0)
		a->result = row->try(a);
	_exit(0);
}

static int run_row(struct netcheck *c, const struct row *row, struct attempt *a, struct err *e)
{
	int status = 0;
	pid_t pid;

	*a = (struct attempt){ .c = c, .nl = NL_INIT, .result = -EIO };
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		child_try(row, a);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || (a->result == -EIO && !a->e.code))
		a->result = err_set(&a->e, EIO, "the attempt ended without a result");
	if (a->result >= 0)
		netcheck_say(c, row->name, NETCHECK_OK, "%s", row->good);
	else
		netcheck_say(c, row->name, row->without, "%.300s; %s", a->e.text, row->hint);
	return 0;
}

int netcheck_kernel(struct netcheck *c, struct err *e)
{
	struct attempt *a =
		mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool macvlan = false;
	int r = 0;

	if (a == MAP_FAILED)
		return err_sys(e, "mmap");
	for (size_t i = 0; i < c->n; i++)
		macvlan = macvlan || c->networks[i].mode == NET_MACVLAN;
	for (size_t i = 0; i < ARRAY_SIZE(rows) && r >= 0; i++)
		if (macvlan || !rows[i].macvlan)
			r = run_row(c, &rows[i], a, e);
	(void)munmap(a, sizeof(*a));
	return r;
}
