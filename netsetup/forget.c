/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbour entries of an instance that nothing else tells of: a command was killed between making
 * them and adding the element that would name them. They have its MAC address, which follows from
 * its id. A dump, for that case alone.
 */
#include "netsetup/network.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/str.h"
#include "netsetup/route_priv.h"

#define FORGET_BATCH_SIZE 16384
#define FORGET_MAX 64 /* in one exchange; the next round takes the next */
#define FORGET_ROUNDS 64

struct forget_entry {
	unsigned index;
	int family;
	uint8_t address[16];
};

struct forget {
	const char *id;
	struct forget_entry entries[FORGET_MAX];
	size_t n;
};

struct forget_answer {
	const uint8_t *mac, *address;
	size_t length;
};

static int forget_attribute(const struct nlattr *attr, void *arg)
{
	struct forget_answer *a = arg;

	if (mnl_attr_get_type(attr) == NDA_LLADDR && mnl_attr_get_payload_len(attr) == NET_MAC_LEN)
		a->mac = mnl_attr_get_payload(attr);
	if (mnl_attr_get_type(attr) == NDA_DST) {
		a->address = mnl_attr_get_payload(attr);
		a->length = mnl_attr_get_payload_len(attr);
	}
	return MNL_CB_OK;
}

static bool forget_is_ours(const char *id, const uint8_t *mac)
{
	uint8_t own[NET_MAC_LEN];

	for (unsigned i = 0; i < NET_INTERFACES_MAX; i++) {
		net_mac_of(id, i, own);
		if (memcmp(own, mac, sizeof(own)) == 0)
			return true;
	}
	return false;
}

static int forget_take(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct forget_answer a = { .mac = NULL };
	struct forget *f = arg;
	struct forget_entry *entry;

	(void)index;
	if (nlh->nlmsg_type != RTM_NEWNEIGH || !(nd->ndm_state & NUD_PERMANENT) ||
	    (nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6) || f->n == FORGET_MAX)
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(*nd), forget_attribute, &a);
	if (!a.mac || !a.address || a.length > sizeof(f->entries[0].address) ||
	    !forget_is_ours(f->id, a.mac))
		return 0;
	entry = &f->entries[f->n++];
	*entry = (struct forget_entry){ .index = (unsigned)nd->ndm_ifindex,
					.family = nd->ndm_family };
	memcpy(entry->address, a.address, a.length);
	return 0;
}

/* Return: number of entries that were there (and are gone now), or -errno. */
static int forget_round(struct nl *nl, struct forget *f, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch list = NL_BATCH_INIT, drop = NL_BATCH_INIT;
	int r;

	f->n = 0;
	nl_batch_reserve(&list, FORGET_BATCH_SIZE);
	(void)nl_begin(&list, RTM_GETNEIGH, NLM_F_DUMP, sizeof(struct ndmsg), "list neighbours");
	r = nl_exchange(nl, &list, forget_take, f, e);
	if (r < 0 && r != -EINTR)
		return r;
	if (f->n == 0)
		return r == -EINTR ? 1 : 0;
	nl_batch_reserve(&drop, FORGET_BATCH_SIZE);
	for (size_t i = 0; i < f->n; i++)
		route_put_unreach(&drop, f->entries[i].index, f->entries[i].family,
				  f->entries[i].address);
	r = nl_run(nl, &drop, NULL, NULL, e);
	return r < 0 ? r : (int)f->n;
}

int net_forget_neighbours(const char *id, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct forget f = { .id = id };
	int r = nl_open(NETLINK_ROUTE, &nl, e);

	for (int round = 0; r >= 0 && round < FORGET_ROUNDS; round++) {
		r = forget_round(&nl, &f, e);
		if (r == 0)
			return 0;
	}
	return r < 0 ? err_wrap(e, "neighbour entries") : 0;
}
