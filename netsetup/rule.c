/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firewall rules as text (rule.h has the notation). A line is read word by word into the three
 * lists that it is the product of (protocols, ports, peers), and multiplied out when all of it is
 * known to be right.
 */
#include "netsetup/rule.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "base/str.h"

#define RULE_LINE_MAX 1024
#define RULE_USAGE "in|out [tcp|udp|sctp|icmp] [PORT[-LAST],...] [from|to PEER,...]"
#define RULE_PEERS "an address, a subnet, instance:NAME, label:KEY[=VALUE]"

struct rule_line {
	bool out;
	uint8_t protocol;
	const char *tenant;
	struct net_rule ports[NET_RULES_MAX], peers[NET_RULES_MAX]; /* only those members count */
	size_t n_ports, n_peers;
};

void net_rules_free(struct net_rules *r)
{
	free(r->v);
	*r = (struct net_rules){ .v = NULL };
}

static int rule_too_many(struct err *e)
{
	(void)err_set(e, E2BIG, "more than %d conditions, lists multiplied out", NET_RULES_MAX);
	return err_hint(e, "use subnets, port ranges or labels in place of long lists");
}

/* The next word; NULL at the end. */
static char *rule_word(char **rest)
{
	char *word;

	do
		word = strsep(rest, " ");
	while (word && !*word);
	return word;
}

static int rule_parse_protocol(const char *word, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t protocol;
	} protocols[] = {
		{ "tcp", IPPROTO_TCP },
		{ "udp", IPPROTO_UDP },
		{ "sctp", IPPROTO_SCTP },
		{ "icmp", IPPROTO_ICMP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (str_eq(word, protocols[i].name)) {
			*ret = protocols[i].protocol;
			return 1;
		}
	return 0;
}

static int rule_parse_ports(char *list, struct rule_line *line, struct err *e)
{
	char *item;

	while ((item = strsep(&list, ","))) {
		char *dash = strchr(item, '-');
		uint64_t first = 0, last = 0;

		if (line->n_ports == NET_RULES_MAX)
			return rule_too_many(e);
		if (dash)
			*dash++ = '\0';
		if (num_parse_u64(item, 1, UINT16_MAX, &first, e) < 0 ||
		    num_parse_u64(dash ? dash : item, 1, UINT16_MAX, &last, e) < 0)
			return err_wrap(e, "port");
		if (last < first)
			return err_set(e, EINVAL, "port %s-%s goes backwards", item, dash);
		line->ports[line->n_ports].first = (uint16_t)first;
		line->ports[line->n_ports++].last = (uint16_t)last;
	}
	return 0;
}

/* No bit of the address is behind the prefix. */
static bool rule_is_subnet(const uint8_t *address, unsigned bits, unsigned prefix)
{
	for (unsigned i = prefix; i < bits; i++)
		if (address[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

static int rule_parse_address(char *text, struct net_rule *ret, struct err *e)
{
	char *slash = strchr(text, '/');
	unsigned bits = strchr(text, ':') ? 128 : 32;
	uint64_t prefix = bits;

	if (slash)
		*slash++ = '\0';
	ret->peer = NET_PEER_ADDRESS;
	ret->family = bits == 32 ? AF_INET : AF_INET6;
	if (inet_pton(ret->family, text, &ret->address) != 1)
		return err_set(e, EINVAL, "\"%s\": expected " RULE_PEERS " or host", text);
	if (bits == 128 && IN6_IS_ADDR_V4MAPPED(&ret->address.v6))
		return err_set(e, EINVAL, "%s: write the IPv4 address as one", text);
	if (slash && num_parse_u64(slash, 0, bits, &prefix, e) < 0)
		return err_wrap(e, "prefix length of %s", text);
	if (!rule_is_subnet((const uint8_t *)&ret->address, bits, (unsigned)prefix))
		return err_set(e, EINVAL,
			       "%s/%s: not a subnet, there are bits set behind the prefix", text,
			       slash);
	ret->prefix = (uint8_t)prefix;
	return 0;
}

static int rule_parse_label(const char *text, struct err *e)
{
	size_t n = strcspn(text, "=");

	if (n < 1 || n > 128 ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-") < n)
		return err_set(e, EINVAL, "\"label:%s\": expected label:KEY or label:KEY=VALUE",
			       text);
	return 0;
}

static int rule_parse_peer(char *text, struct rule_line *line, struct err *e)
{
	struct net_rule *ret = &line->peers[line->n_peers];
	struct jail_name name;
	bool instance = str_starts(text, "instance:");

	if (line->n_peers == NET_RULES_MAX)
		return rule_too_many(e);
	line->n_peers++;
	if (str_eq(text, "host")) {
		ret->peer = NET_PEER_HOST;
		if (line->out)
			return 0;
		return err_set(
			e, EINVAL,
			"the host reaches every instance; \"host\" goes with \"out to\" only");
	}
	if (!instance && !str_starts(text, "label:"))
		return rule_parse_address(text, ret, e);
	if (instance && name_parse("instance", text + strlen("instance:"), &name, e) < 0)
		return -e->code;
	if (!instance && rule_parse_label(text + strlen("label:"), e) < 0)
		return -e->code;
	ret->peer = NET_PEER_GROUP;
	ret->group = net_group_of(line->tenant, text);
	return 0;
}

static int rule_parse_peers(char *list, struct rule_line *line, struct err *e)
{
	char *item;

	while ((item = strsep(&list, ",")))
		if (rule_parse_peer(item, line, e) < 0)
			return -e->code;
	return 0;
}

static int rule_parse_words(char *rest, struct rule_line *line, struct err *e)
{
	char *word = rule_word(&rest);
	const char *side;

	line->out = word && str_eq(word, "out");
	if (!word || (!line->out && !str_eq(word, "in")))
		return err_set(e, EINVAL, "\"%s\": expected " RULE_USAGE, word ? word : "");
	side = line->out ? "to" : "from";
	word = rule_word(&rest);
	if (word && rule_parse_protocol(word, &line->protocol))
		word = rule_word(&rest);
	if (word && *word >= '0' && *word <= '9') {
		if (line->protocol == IPPROTO_ICMP)
			return err_set(e, EINVAL, "icmp has no ports");
		if (rule_parse_ports(word, line, e) < 0)
			return -e->code;
		word = rule_word(&rest);
	}
	if (!word)
		return 0;
	if (str_eq(word, line->out ? "from" : "to"))
		return err_set(e, EINVAL, "\"%s\" goes with \"%s\"", side,
			       line->out ? "out" : "in");
	if (!str_eq(word, side))
		return err_set(e, EINVAL, "\"%s\": expected " RULE_USAGE, word);
	word = rule_word(&rest);
	if (!word)
		return err_set(e, EINVAL, "behind \"%s\": expected " RULE_PEERS " or host", side);
	if (rule_parse_peers(word, line, e) < 0)
		return -e->code;
	word = rule_word(&rest);
	return word ? err_set(e, EINVAL,
			      "\"%s\": nothing may follow; lists have commas and no blanks", word)
		    : 0;
}

static int rule_append(const struct rule_line *line, bool allow, struct net_rules *r, struct err *e)
{
	/* Without a protocol, ports are those of TCP and UDP. */
	bool two = line->n_ports > 0 && !line->protocol;
	size_t protocols = two ? 2 : 1, ports = line->n_ports ? line->n_ports : 1;
	size_t peers = line->n_peers ? line->n_peers : 1, n = protocols * ports * peers;
	struct net_rule *v;

	if (n > NET_RULES_MAX - r->n)
		return rule_too_many(e);
	v = reallocarray(r->v, r->n + n, sizeof(*v));
	if (!v)
		return err_nomem(e);
	r->v = v;
	for (size_t i = 0; i < n; i++) {
		struct net_rule *to = &v[r->n++];

		*to = line->peers[i / protocols / ports];
		to->allow = allow;
		to->out = line->out;
		to->first = line->ports[i / protocols % ports].first;
		to->last = line->ports[i / protocols % ports].last;
		to->protocol = line->protocol;
		if (two)
			to->protocol = i % 2 ? IPPROTO_UDP : IPPROTO_TCP;
	}
	return 0;
}

int net_rules_parse(const char *text, bool allow, const char *tenant, struct net_rules *r,
		    struct err *e)
{
	CLEANUP_FREE struct rule_line *line = calloc(1, sizeof(*line));
	char copy[RULE_LINE_MAX + 1];
	int n;

	if (!line)
		return err_nomem(e);
	if (str_format(copy, sizeof(copy), "%s", text) < 0)
		return err_set(e, EINVAL, "\"%.64s...\": longer than %d characters", text,
			       RULE_LINE_MAX);
	line->tenant = tenant;
	n = rule_parse_words(copy, line, e);
	if (n >= 0)
		n = rule_append(line, allow, r, e);
	return n < 0 ? err_wrap(e, "rule \"%.100s\"", text) : 0;
}
