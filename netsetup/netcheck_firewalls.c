/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of others. A packet has to be let through by every base chain at its hook, so a firewall
 * that drops what it does not know drops what our table has let through. Such chains are found by a
 * dump: their policy is drop, or their last rule drops or rejects whatever is left. Ones that let
 * our interfaces through already, by their group, are fine. What to add is printed ready to be
 * pasted; it is not added, because a firewall of others is theirs.
 */
#include "netsetup/netcheck_priv.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/str.h"
#include "netsetup/netcheck_legacy_priv.h"
#include "netsetup/nft_priv.h"

#define FIREWALLS_BATCH_SIZE 1024
#define FIREWALLS_MAX 64 /* base chains of others at our two hooks */

struct chain {
	uint8_t family; /* NFPROTO_* */
	char table[64], name[64];
	uint32_t hook, policy;
	bool base;
	bool last_drops; /* its last rule, unconditionally */
	bool in, out; /* a rule accepts what comes from, goes to our group */
};

struct chains {
	struct chain v[FIREWALLS_MAX];
	size_t n;
	bool docker; /* its DOCKER-USER is there */
};

static int take_hook(const struct nlattr *attr, void *arg)
{
	struct chain *c = arg;

	if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM)
		c->hook = ntohl(nl_u32(attr));
	return MNL_CB_OK;
}

static int take_chain_attribute(const struct nlattr *attr, void *arg)
{
	struct chain *c = arg;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_CHAIN_TABLE:
		(void)nl_text(attr, c->table, sizeof(c->table));
		break;
	case NFTA_CHAIN_NAME:
		(void)nl_text(attr, c->name, sizeof(c->name));
		break;
	case NFTA_CHAIN_POLICY:
		c->policy = ntohl(nl_u32(attr));
		break;
	case NFTA_CHAIN_HOOK:
		c->base = true;
		(void)mnl_attr_parse_nested(attr, take_hook, c);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_chain(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(nlh);
	struct chain c = { .family = g->nfgen_family, .policy = NF_ACCEPT };
	struct chains *all = arg;

	(void)index;
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN))
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(*g), take_chain_attribute, &c);
	all->docker = all->docker || str_eq(c.name, "DOCKER-USER");
	if (!c.base || all->n == FIREWALLS_MAX ||
	    (c.family != NFPROTO_INET && c.family != NFPROTO_IPV4 && c.family != NFPROTO_IPV6) ||
	    (c.hook != NF_INET_LOCAL_IN && c.hook != NF_INET_FORWARD) ||
	    (str_eq(c.table, NFT_TABLE) && c.family == NFPROTO_INET))
		return 0;
	all->v[all->n++] = c;
	return 0;
}

/* ---- what a rule does ---- */

struct rule {
	unsigned conditions; /* expressions that ask for something: two for a group alone */
	uint32_t key; /* of meta; the last one asked */
	bool ours; /* ... and it is our group */
	bool other; /* compared otherwise than by == */
	bool drops, accepts;
	char expression[16]; /* being parsed */
};

static int take_verdict(const struct nlattr *attr, void *arg)
{
	struct rule *r = arg;

	if (mnl_attr_get_type(attr) == NFTA_VERDICT_CODE) {
		r->drops = (int)ntohl(nl_u32(attr)) == NF_DROP;
		r->accepts = (int)ntohl(nl_u32(attr)) == NF_ACCEPT;
	}
	return MNL_CB_OK;
}

static int take_value(const struct nlattr *attr, void *arg)
{
	struct rule *r = arg;
	uint32_t group;

	if (mnl_attr_get_type(attr) == NFTA_DATA_VERDICT)
		(void)mnl_attr_parse_nested(attr, take_verdict, r);
	if (mnl_attr_get_type(attr) == NFTA_DATA_VALUE &&
	    mnl_attr_get_payload_len(attr) == sizeof(group)) {
		memcpy(&group, mnl_attr_get_payload(attr), sizeof(group));
		r->ours = group == NET_GROUP;
	}
	return MNL_CB_OK;
}

static int take_part(const struct nlattr *attr, void *arg)
{
	struct rule *r = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (str_eq(r->expression, "immediate") && type == NFTA_IMMEDIATE_DATA)
		(void)mnl_attr_parse_nested(attr, take_value, r);
	if (str_eq(r->expression, "cmp") && type == NFTA_CMP_OP)
		r->other = r->other || ntohl(nl_u32(attr)) != NFT_CMP_EQ;
	if (str_eq(r->expression, "cmp") && type == NFTA_CMP_DATA)
		(void)mnl_attr_parse_nested(attr, take_value, r);
	if (str_eq(r->expression, "meta") && type == NFTA_META_KEY)
		r->key = ntohl(nl_u32(attr));
	return MNL_CB_OK;
}

static int take_expression(const struct nlattr *attr, void *arg)
{
	struct rule *r = arg;

	if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME) {
		(void)nl_text(attr, r->expression, sizeof(r->expression));
		if (str_eq(r->expression, "reject"))
			r->drops = true;
		else if (!str_eq(r->expression, "immediate") && !str_eq(r->expression, "counter") &&
			 !str_eq(r->expression, "log"))
			r->conditions++;
	} else if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA) {
		(void)mnl_attr_parse_nested(attr, take_part, r);
	}
	return MNL_CB_OK;
}

static int take_element(const struct nlattr *attr, void *arg)
{
	struct rule *r = arg;

	r->expression[0] = '\0';
	(void)mnl_attr_parse_nested(attr, take_expression, r);
	return MNL_CB_OK;
}

static int take_rule_attribute(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_RULE_EXPRESSIONS)
		(void)mnl_attr_parse_nested(attr, take_element, arg);
	return MNL_CB_OK;
}

static int take_rule(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct rule r = { .key = UINT32_MAX };
	struct chain *c = arg;

	(void)index;
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_rule_attribute, &r);
	c->last_drops = r.drops && r.conditions == 0;
	if (!r.accepts || !r.ours || r.other || r.conditions != 2)
		return 0;
	c->in = c->in || r.key == NFT_META_IIFGROUP;
	c->out = c->out || r.key == NFT_META_OIFGROUP;
	return 0;
}

static void begin_dump(struct nl_batch *b, int type, uint8_t family, const char *what)
{
	struct nfgenmsg *g =
		nl_begin(b, NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_DUMP, sizeof(*g), what);

	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
}

static int read_chains(struct nl *nl, struct chains *all, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int r;

	nl_batch_reserve(&b, FIREWALLS_BATCH_SIZE);
	begin_dump(&b, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, "list nftables chains");
	r = nl_exchange(nl, &b, take_chain, all, e);
	return r < 0 ? r : nl_check(&b, 0, e);
}

static int read_rules(struct nl *nl, struct chain *c, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int r;

	nl_batch_reserve(&b, FIREWALLS_BATCH_SIZE);
	begin_dump(&b, NFT_MSG_GETRULE, c->family, "list nftables rules");
	nl_put_str(&b, NFTA_RULE_TABLE, c->table);
	nl_put_str(&b, NFTA_RULE_CHAIN, c->name);
	r = nl_exchange(nl, &b, take_rule, c, e);
	return r < 0 ? r : nl_check(&b, 0, e);
}

/* ---- what to say ---- */

static const char *family_name(uint8_t family)
{
	if (family == NFPROTO_INET)
		return "inet";
	return family == NFPROTO_IPV6 ? "ip6" : "ip";
}

/* Chains that iptables made, in either of its kinds: only it should change them. */
static bool is_iptables(const char *table, const char *chain)
{
	return str_eq(table, "filter") && (str_eq(chain, "FORWARD") || str_eq(chain, "INPUT"));
}

static void advise_iptables(struct strbuf *b, bool six, const char *chain, bool in, bool out)
{
	const char *program = six ? "ip6tables" : "iptables";

	if (!in)
		strbuf_addf(b, "%s -I %s -m devgroup --src-group %u -j ACCEPT", program, chain,
			    NET_GROUP);
	if (!out)
		strbuf_addf(b, "%s%s -I %s -m devgroup --dst-group %u -j ACCEPT", in ? "" : "; ",
			    program, chain, NET_GROUP);
}

static void advise_firewalld(const struct netcheck *c, struct strbuf *b)
{
	strbuf_adds(b, "firewall-cmd --permanent --zone=trusted");
	for (size_t i = 0; i < c->n && i < 4; i++)
		if (c->networks[i].interface[0])
			strbuf_addf(b, " --add-interface=%s", c->networks[i].interface);
	strbuf_adds(b, " --add-interface=ve+; firewall-cmd --reload");
}

static void advise_nft(const struct chain *ch, struct strbuf *b, bool out)
{
	const char *family = family_name(ch->family);

	if (!ch->in)
		strbuf_addf(b, "nft insert rule %s %s %s iifgroup %u accept", family, ch->table,
			    ch->name, NET_GROUP);
	if (!out)
		strbuf_addf(b, "%snft insert rule %s %s %s oifgroup %u accept", ch->in ? "" : "; ",
			    family, ch->table, ch->name, NET_GROUP);
}

/* Return: whether the chain is in the way. */
static bool judge_chain(struct netcheck *c, const struct chain *ch, bool docker)
{
	CLEANUP_STRBUF struct strbuf advice = STRBUF_INIT;
	bool forward = ch->hook == NF_INET_FORWARD;
	/* Nothing leaves by the way in. */
	bool out = ch->out || !forward;

	if ((ch->policy != NF_DROP && !ch->last_drops) || (ch->in && out))
		return false;
	if (str_eq(ch->table, "firewalld"))
		advise_firewalld(c, &advice);
	else if (is_iptables(ch->table, ch->name))
		advise_iptables(&advice, ch->family == NFPROTO_IPV6,
				docker && forward ? "DOCKER-USER" : ch->name, ch->in, out);
	else
		advise_nft(ch, &advice, out);
	netcheck_say(c, "other-firewalls", NETCHECK_WARNING,
		     "table %s %s, chain %s drops what it does not know, %s: %s",
		     family_name(ch->family), ch->table, ch->name,
		     forward ? "also what instances send and get"
			     : "also what instances ask of this host, like a ping of the gateway",
		     strbuf_str(&advice));
	return true;
}

static void judge_legacy(struct netcheck *c, int family, bool *found)
{
	CLEANUP_STRBUF struct strbuf advice = STRBUF_INIT;

	if (!legacy_forward_drops(family))
		return;
	advise_iptables(&advice, family == AF_INET6, "FORWARD", false, false);
	netcheck_say(c, "other-firewalls", NETCHECK_WARNING,
		     "the policy of %s-legacy's FORWARD is DROP, also for what instances send and "
		     "get, unless a rule lets it through: %s",
		     family == AF_INET6 ? "ip6tables" : "iptables", strbuf_str(&advice));
	*found = true;
}

int netcheck_firewalls(struct netcheck *c, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct chains all = { .n = 0 };
	bool found = false;
	int r = nl_open(NETLINK_NETFILTER, &nl, e);

	if (r >= 0)
		r = read_chains(&nl, &all, e);
	for (size_t i = 0; i < all.n && r >= 0; i++) {
		r = read_rules(&nl, &all.v[i], e);
		if (r >= 0 && judge_chain(c, &all.v[i], all.docker))
			found = true;
	}
	/* Somebody changes them at this moment, or there is no nf_tables, which was said already.
	 */
	if (r == -EINTR || r == -EOPNOTSUPP) {
		netcheck_say(c, "other-firewalls", NETCHECK_WARNING, "can't be listed: %s",
			     r == -EINTR ? "they are being changed; try again" : e->text);
		*e = ERR_INIT;
		return 0;
	}
	if (r < 0)
		return r;
	judge_legacy(c, AF_INET, &found);
	judge_legacy(c, AF_INET6, &found);
	if (!found)
		netcheck_say(c, "other-firewalls", NETCHECK_OK,
			     "nobody else's rules drop what they do not know");
	return 0;
}
