/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates of an interface, by token buckets (tbf) that the instance can't see or touch.
 *
 *     what it receives:  the host's end sends it              tbf on the host's end
 *     what it sends:     the host's end receives it; there is no queue on that side of a link, so
 *                        a filter redirects it to an ifb, whose "sending" is the host's receiving:
 *                        ve... clsact, u32 (matches all) --mirred--> vs... tbf
 *
 * From the ifb packets go on as received by the host's end: bridge and table see no difference. The
 * ifb exists only with a rate, and does not go with the namespace.
 *
 * A packet that is larger than the bucket would never pass: tbf cuts those that the instance's TCP
 * has put together (up to 64 KiB) when they don't fit, and a burst that a plain packet doesn't fit
 * into is refused here.
 */
#include "netsetup/end_priv.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include "base/str.h"

#define SHAPE_BURST_MIN 65536u
#define SHAPE_BURSTS_PER_SECOND 100
#define SHAPE_QUEUES_PER_SECOND 10 /* a packet waits for 1/10 s at most, then it is dropped */
#define SHAPE_MTU_DEFAULT 1500u
#define SHAPE_HEADER (ETH_HLEN + 4u) /* and a VLAN's */
#define SHAPE_HANDLE 0x10000u /* "1:" */
#define SHAPE_INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define SHAPE_PRIORITY 1u

static uint64_t shape_bytes_per_second(const struct net_rate *rate)
{
	return rate->bits_per_second < 8 ? 1 : rate->bits_per_second / 8;
}

static uint32_t shape_cap(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static uint32_t shape_burst(const struct net_rate *rate)
{
	uint64_t burst = rate->burst_bytes;

	if (burst == 0)
		burst = shape_bytes_per_second(rate) / SHAPE_BURSTS_PER_SECOND;
	if (rate->burst_bytes == 0 && burst < SHAPE_BURST_MIN)
		burst = SHAPE_BURST_MIN;
	return shape_cap(burst);
}

static int shape_check(const struct link_end *end, const struct net_rate *rate, const char *which,
		       struct err *e)
{
	unsigned mtu = end->wanted->network->mtu ? end->wanted->network->mtu : SHAPE_MTU_DEFAULT;

	if (rate->bits_per_second == 0 || shape_burst(rate) >= mtu + SHAPE_HEADER)
		return 0;
	err_set(e, EINVAL,
		"network.interfaces: %s, %s: burst of %llu bytes is less than one packet",
		end->inside, which, (unsigned long long)rate->burst_bytes);
	return err_hint(e, "give at least %u, or leave it out", mtu + SHAPE_HEADER);
}

static struct tcmsg *shape_begin(struct nl_batch *b, int type, int flags, unsigned index,
				 const char *what)
{
	struct tcmsg *tc = nl_begin(b, type, flags | NLM_F_ACK, sizeof(*tc), what);

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)index;
	return tc;
}

static void shape_put_bucket(struct nl_batch *b, unsigned index, const struct net_rate *rate)
{
	uint64_t bytes = shape_bytes_per_second(rate);
	uint32_t burst = shape_burst(rate);
	uint64_t queue = bytes / SHAPE_QUEUES_PER_SECOND;
	struct tc_tbf_qopt options = {
		/* So that the kernel wants no table of times. */
		.rate = { .linklayer = TC_LINKLAYER_ETHERNET, .rate = shape_cap(bytes) },
		.limit = shape_cap(queue > burst ? queue : burst),
	};
	struct tcmsg *tc;
	size_t nest;

	tc = shape_begin(b, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, index, "sch_tbf");
	tc->tcm_handle = SHAPE_HANDLE;
	tc->tcm_parent = TC_H_ROOT;
	nl_put_str(b, TCA_KIND, "tbf");
	nest = nl_nest(b, TCA_OPTIONS);
	nl_put(b, TCA_TBF_PARMS, &options, sizeof(options));
	nl_put_u32(b, TCA_TBF_BURST, burst);
	if (bytes >= UINT32_MAX)
		nl_put(b, TCA_TBF_RATE64, &bytes, sizeof(bytes));
	nl_nest_end(b, nest);
}

static bool shape_no_qdisc(int result)
{
	/* "Cannot delete qdisc with handle of zero": there is none but the default one. */
	return result == -EINVAL || link_is_missing(result);
}

static void shape_put_no_qdisc(struct nl_batch *b, unsigned index, uint32_t parent)
{
	struct tcmsg *tc = shape_begin(b, RTM_DELQDISC, 0, index, "remove rate");

	nl_allow(b, shape_no_qdisc);
	tc->tcm_parent = parent;
}

/* ---- what it sends ---- */

static void shape_put_mirred(struct nl_batch *b, unsigned to)
{
	struct tc_mirred mirred = { .action = TC_ACT_STOLEN,
				    .eaction = TCA_EGRESS_REDIR,
				    .ifindex = to };
	size_t list, action, options;

	list = nl_nest(b, TCA_U32_ACT);
	action = nl_nest(b, 1);
	nl_put_str(b, TCA_ACT_KIND, "mirred");
	options = nl_nest(b, TCA_ACT_OPTIONS);
	nl_put(b, TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
	nl_nest_end(b, options);
	nl_nest_end(b, action);
	nl_nest_end(b, list);
}

static void shape_put_redirect(struct nl_batch *b, unsigned from, unsigned to)
{
	/* With one key behind it, of zeros: 0 bits of the first word are 0. */
	const struct tc_u32_sel sel = { .flags = TC_U32_TERMINAL, .nkeys = 1 };
	uint8_t match[sizeof(sel) + sizeof(struct tc_u32_key)] = { 0 };
	struct tcmsg *tc;
	size_t nest;

	memcpy(match, &sel, sizeof(sel));
	tc = shape_begin(b, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, from, "sch_ingress");
	tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	tc->tcm_parent = TC_H_CLSACT;
	nl_put_str(b, TCA_KIND, "clsact");
	tc = shape_begin(b, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, from,
			 "cls_u32 or act_mirred");
	tc->tcm_parent = SHAPE_INGRESS;
	tc->tcm_info = TC_H_MAKE(SHAPE_PRIORITY << 16, htons(ETH_P_ALL));
	nl_put_str(b, TCA_KIND, "u32");
	nest = nl_nest(b, TCA_OPTIONS);
	nl_put(b, TCA_U32_SEL, match, sizeof(match));
	shape_put_mirred(b, to);
	nl_nest_end(b, nest);
}

/* What is missing is a part of the kernel: the names of the messages are those of its modules. */
static int shape_run(struct nl *nl, struct nl_batch *b, struct err *e)
{
	unsigned i;
	int r = nl_exchange(nl, b, NULL, NULL, e);

	for (i = 0; r >= 0 && i < b->n; i++) {
		int result = b->messages[i].result;

		if ((result != -ENOENT && result != -EOPNOTSUPP) || b->messages[i].fine) {
			r = nl_check(b, i, e);
			continue;
		}
		err_set(e, EOPNOTSUPP,
			"network.interfaces: a rate needs %s, which this kernel has not",
			b->messages[i].what);
		return err_hint(e, "load the module (modprobe), or leave the rates out");
	}
	return r;
}

static int shape_make_shaper(struct nl *nl, const struct link_end *end, unsigned *ret_index,
			     struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	uint8_t mac[LINK_MAC_LEN];
	size_t info;
	int r = end_make_room(nl, end, end->shaper, e);

	if (r < 0)
		return r;
	link_mac_of("shaper", end->shaper, mac);
	nl_batch_reserve(&b, END_BATCH_SIZE);
	(void)nl_begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
		       sizeof(struct ifinfomsg), "ifb");
	link_put_common(&b, end->shaper, mac, end->wanted->network->mtu);
	link_put_queues(&b);
	info = nl_nest(&b, IFLA_LINKINFO);
	nl_put_str(&b, IFLA_INFO_KIND, "ifb");
	nl_nest_end(&b, info);
	end_put_alias(&b, end, end->shaper);
	r = shape_run(nl, &b, e);
	if (r < 0)
		return r;
	*ret_index = link_index(nl, end->shaper);
	return *ret_index ? 0 : err_set(e, ENODEV, "interface %s is gone again", end->shaper);
}

static int shape_stop_redirect(struct nl *nl, const struct link_end *end, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	shape_put_no_qdisc(&b, end->index, TC_H_CLSACT);
	return nl_run(nl, &b, NULL, NULL, e);
}

static int shape_start_sending(struct nl *nl, const struct link_end *end, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct err ignored = ERR_INIT;
	unsigned shaper = 0;
	int r = shape_make_shaper(nl, end, &shaper, e);

	if (r < 0)
		return r;
	nl_batch_reserve(&b, END_BATCH_SIZE);
	link_put_no_address(&b, shaper);
	shape_put_bucket(&b, shaper, &end->wanted->egress);
	link_put_up(&b, shaper, "bring shaper up");
	shape_put_no_qdisc(&b, end->index, TC_H_CLSACT);
	shape_put_redirect(&b, end->index, shaper);
	r = shape_run(nl, &b, e);
	if (r < 0) {
		/* A redirection to an interface that is gone would drop everything. */
		(void)shape_stop_redirect(nl, end, &ignored);
		(void)link_delete(nl, shaper, &ignored);
	}
	return r;
}

static int shape_set_sending(struct nl *nl, const struct link_end *end, bool had, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	const struct net_rate *rate = &end->wanted->egress;
	unsigned shaper = had ? link_index(nl, end->shaper) : 0;
	int r;

	if (!rate->bits_per_second) {
		r = had ? shape_stop_redirect(nl, end, e) : 0;
		return r < 0 || !shaper ? r : link_delete(nl, shaper, e);
	}
	if (!shaper)
		return shape_start_sending(nl, end, e);
	nl_batch_reserve(&b, END_BATCH_SIZE);
	shape_put_bucket(&b, shaper, rate);
	return shape_run(nl, &b, e);
}

static int shape_set_receiving(struct nl *nl, const struct link_end *end, bool had, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	if (end->wanted->ingress.bits_per_second)
		shape_put_bucket(&b, end->index, &end->wanted->ingress);
	else if (had)
		shape_put_no_qdisc(&b, end->index, TC_H_ROOT);
	return shape_run(nl, &b, e);
}

static bool shape_same(const struct net_rate *a, const struct net_rate *b)
{
	return a->bits_per_second == b->bits_per_second &&
	       (a->bits_per_second == 0 || a->burst_bytes == b->burst_bytes);
}

int shape_set(struct nl *nl, const struct link_end *end, const struct net_interface *had,
	      struct err *e)
{
	static const struct net_interface none = { .network = NULL };
	const struct net_interface *wanted = end->wanted;
	int r = 0;

	if (!end_has_veth(end)) {
		if (wanted->ingress.bits_per_second == 0 && wanted->egress.bits_per_second == 0)
			return 0;
		return err_set(e, EOPNOTSUPP,
			       "network.interfaces: %s is a macvlan, whose packets "
			       "this host does not see: it can't have a rate",
			       end->inside);
	}
	had = had ? had : &none;
	if (!shape_same(&wanted->ingress, &had->ingress)) {
		r = shape_check(end, &wanted->ingress, "ingress", e);
		if (r >= 0)
			r = shape_set_receiving(nl, end, had->ingress.bits_per_second != 0, e);
	}
	if (r >= 0 && !shape_same(&wanted->egress, &had->egress)) {
		r = shape_check(end, &wanted->egress, "egress", e);
		if (r >= 0)
			r = shape_set_sending(nl, end, had->egress.bits_per_second != 0, e);
	}
	return r;
}
