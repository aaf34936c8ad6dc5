/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables as objects: made, found damaged, filled and emptied. What they do to packets is in
 * netsetup_nft_{packets,publish,firewall}_root_test.c.
 */
#include "netsetup_nft_rig.h"

#include "netsetup/nft_set_priv.h"

static enum nft_table_state query(uint64_t *ret_handle)
{
	struct net_network networks[] = { rig.front, rig.back };
	struct err why = ERR_INIT;
	uint64_t handle;
	int r = nft_table_query(rig.nl, networks, 2, ret_handle ? ret_handle : &handle, &why);

	if (r < 0)
		print_error("%s\n", why.text);
	assert_true(r >= 0);
	return (enum nft_table_state)r;
}

static void test_made(void **state)
{
	struct err why = ERR_INIT;
	uint64_t handle = 1, old;

	(void)state;
	network_init(&rig.front, "front", "jail0", 88);
	network_init(&rig.back, "back", "jn1", 89);
	assert_int_equal(query(&handle), NFT_TABLE_WRONG);
	assert_int_equal(handle, 0);
	OK(nft_table_make(rig.nl, 0, &e));
	assert_int_equal(query(&handle), NFT_TABLE_NO_NETWORK);
	OK(nft_network_add(rig.nl, &rig.front, &e));
	assert_int_equal(query(&handle), NFT_TABLE_NO_NETWORK);
	OK(nft_network_add(rig.nl, &rig.back, &e));
	assert_int_equal(query(&handle), NFT_TABLE_WHOLE);
	/* Somebody made it meanwhile; somebody replaced it meanwhile. */
	assert_int_equal(nft_table_make(rig.nl, 0, &why), -EAGAIN);
	old = handle;
	OK(nft_table_make(rig.nl, old, &e));
	assert_int_equal(query(&handle), NFT_TABLE_NO_NETWORK);
	assert_true(handle != old);
	assert_int_equal(nft_table_make(rig.nl, old, &why), -EAGAIN);
	assert_int_equal(why.code, 0);
	OK(nft_table_delete(rig.nl, &e));
	assert_int_equal(query(&handle), NFT_TABLE_WRONG);
	OK(nft_table_delete(rig.nl, &e));
}

/* A shell command damages the tables: that is noticed, and they are made whole again. */
static void assert_noticed(const char *command, enum nft_table_state expected)
{
	uint64_t handle = 0;
	struct err why = ERR_INIT;
	int r;

	tables_new();
	assert_int_equal(query(NULL), NFT_TABLE_WHOLE);
	sh(rig.home, "%s", command);
	if (query(&handle) != expected)
		fail_msg("not noticed: %s", command);
	if (expected == NFT_TABLE_WRONG) {
		r = nft_table_make(rig.nl, handle, &why);
		if (r < 0)
			fail_msg("after %s: %s", command, why.text);
	}
	OK(nft_network_add(rig.nl, &rig.front, &e));
	OK(nft_network_add(rig.nl, &rig.back, &e));
	assert_int_equal(query(NULL), NFT_TABLE_WHOLE);
}

#define HANDLE_OF(rule)                                                                            \
	"$(nft -a list table inet jail | sed -n 's/.*" rule " # handle //p' | head -n 1)"

static void test_damage(void **state)
{
	(void)state;
	assert_noticed("nft flush ruleset", NFT_TABLE_WRONG);
	assert_noticed("nft flush table inet jail", NFT_TABLE_WRONG);
	assert_noticed("nft delete table inet jail", NFT_TABLE_WRONG);
	assert_noticed("nft delete table arp jail", NFT_TABLE_WRONG);
	assert_noticed("nft flush table arp jail", NFT_TABLE_WRONG);
	/* All is there, but made by another version. */
	assert_noticed("t=$(nft list table arp jail | sed 's/jail rules [0-9]*/jail rules 1/') && "
		       "nft delete table arp jail && echo \"$t\" | nft -f -",
		       NFT_TABLE_WRONG);
	assert_noticed("nft delete set inet jail members6", NFT_TABLE_WRONG);
	assert_noticed("nft flush chain inet jail tenants && nft delete map inet jail tenant4",
		       NFT_TABLE_WRONG);
	/* In a chain that another one jumps to, and in a base chain. */
	assert_noticed(
		"nft delete rule inet jail unwanted handle " HANDLE_OF("icmp type redirect drop"),
		NFT_TABLE_WRONG);
	assert_noticed("nft delete rule inet jail forward handle " HANDLE_OF("jump leaving"),
		       NFT_TABLE_WRONG);
	assert_noticed("nft insert rule inet jail entering accept", NFT_TABLE_WRONG);
	assert_noticed("nft flush set inet jail networks", NFT_TABLE_NO_NETWORK);
	assert_noticed("nft flush set inet jail nat6", NFT_TABLE_NO_NETWORK);
	assert_noticed("nft delete element inet jail neighbours4 "
		       "{ 10.88.0.0/16 . 10.88.0.0/16 }",
		       NFT_TABLE_NO_NETWORK);
}

static void test_networks(void **state)
{
	struct net_network moved;
	struct err why = ERR_INIT;
	char *before, *after;

	(void)state;
	tables_new();
	before = ruleset_sorted();
	OK(nft_network_add(rig.nl, &rig.front, &e));
	after = ruleset_sorted();
	assert_string_equal(after, before);
	free(after);
	/* The same name with other subnets, another tenant, and no way out. */
	network_init(&moved, "front", "jail0", 90);
	(void)snprintf(moved.tenant, sizeof(moved.tenant), "acme");
	moved.internal = true;
	OK(nft_network_add(rig.nl, &moved, &e));
	assert_false(listed("10.88.0.0"));
	assert_false(listed("fd00:88::"));
	assert_true(listed("elements = { 10.89.0.0/16 comment \"back\" }"));
	assert_true(listed("chain tenant-acme {"));
	rig.front = moved;
	assert_int_equal(query(NULL), NFT_TABLE_WHOLE);
	/* One that takes what is another's: nothing changes. */
	network_init(&moved, "third", "jn2", 89);
	assert_int_equal(nft_network_add(rig.nl, &moved, &why), -EEXIST);
	assert_non_null(strstr(why.text, "network third"));
	assert_non_null(strstr(why.hint, "another network"));
	assert_false(listed("\"third\""));
	OK(nft_network_delete(rig.nl, &rig.front, &e));
	OK(nft_network_delete(rig.nl, &rig.front, &e));
	assert_false(listed("\"front\""));
	assert_false(listed("chain tenant-acme"));
	assert_true(listed("\"back\""));
	network_init(&rig.front, "front", "jail0", 88);
	OK(nft_network_add(rig.nl, &rig.front, &e));
	after = ruleset_sorted();
	assert_string_equal(after, before);
	free(after);
	free(before);
}

/* Each property of a network is seen to have changed. */
static void test_network_changed(void **state)
{
	struct net_network was;

	(void)state;
	tables_new();
	was = rig.front;
#define CHANGED(change)                                                                            \
	do {                                                                                       \
		rig.front = was;                                                                   \
		change;                                                                            \
		assert_int_equal(query(NULL), NFT_TABLE_NO_NETWORK);                               \
	} while (0)
	CHANGED(rig.front.nat = false);
	CHANGED(rig.front.internal = true);
	CHANGED(rig.front.isolated = true);
	CHANGED(rig.front.tenant[0] = 'x');
	CHANGED(rig.front.uplink[0] = 'x');
	CHANGED(rig.front.prefix6 = 0);
	CHANGED(to_ip("10.88.0.2", AF_INET, &rig.front.gateway4));
	rig.front = was;
	assert_int_equal(query(NULL), NFT_TABLE_WHOLE);
}

/* ---- instances ---- */

static struct net_port ports[] = {
	{ .host_port = 8080, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .host_port = 9000, .port = 9000, .count = 100, .protocol = IPPROTO_UDP },
	{ .host_port = 7000, .port = 6000, .count = 3, .protocol = IPPROTO_SCTP },
	{ .family = AF_INET, .host_port = 81, .port = 81, .count = 1, .protocol = IPPROTO_TCP },
	{ .family = AF_INET6, .host_port = 82, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .family = AF_INET6, .host_port = 83, .port = 83, .count = 2, .protocol = IPPROTO_TCP },
};

static void ports_init(void)
{
	to_ip("127.0.0.1", AF_INET, &ports[3].host_address);
	to_ip("2001:db8::1", AF_INET6, &ports[4].host_address);
	to_ip("2001:db8::1", AF_INET6, &ports[5].host_address);
}

static struct net_rule rules[] = {
	{ .allow = true, .protocol = IPPROTO_TCP, .first = 80, .last = 90, .peer = NET_PEER_GROUP },
	{ .allow = false, .out = true, .protocol = IPPROTO_ICMP },
	{ .allow = true,
	  .out = true,
	  .peer = NET_PEER_HOST,
	  .protocol = IPPROTO_UDP,
	  .first = 53,
	  .last = 53 },
};

static void add(struct box *b)
{
	OK(nft_instance_add(rig.nl, &b->plan, &b->at, &e));
}

static void delete (struct box *b)
{
	OK(nft_instance_delete(rig.nl, &b->plan, &b->at, &e));
}

static void test_roundtrip(void **state)
{
	static const char *const expected[] = {
		"udp . 9000-9099 comment \"web0\" : 10.88.0.10",
		"udp . 9000-9099 comment \"web0\" : fd00:88::a",
		"sctp . 7002 comment \"web0\" : 10.88.0.10 . 6002",
		"tcp . 8080 comment \"web0\" : 10.88.0.10 . 80",
		"2001:db8::1 . tcp . 82 comment \"web0\" : fd00:88::a . 80",
		"2001:db8::1 . tcp . 83-84 comment \"web0\" : fd00:88::a",
		"10.88.0.10 comment \"web0\" : jump in-web0",
		"fd00:88::a comment \"web0\" : goto host-web0",
		"tcp dport 80-90 accept",
		"meta l4proto ipv6-icmp drop",
		"udp dport 53 accept",
	};
	struct box *b;
	char *before, *with, *after;
	size_t i;

	(void)state;
	tables_new();
	before = ruleset_sorted();
	b = box_plan(0, &rig.front, false);
	b->plan.ports = ports;
	b->plan.n_ports = ARRAY_SIZE(ports);
	b->plan.rules = rules;
	b->plan.n_rules = ARRAY_SIZE(rules);
	add(b);
	with = ruleset();
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		if (!strstr(with, expected[i]))
			fail_msg("not there: %s\n%s", expected[i], with);
	/* That one is not the table's to publish (row 72). */
	assert_null(strstr(with, "127.0.0.1 "));
	assert_int_equal(query(NULL), NFT_TABLE_WHOLE);
	/* Again: as it was. */
	add(b);
	after = ruleset();
	assert_int_equal(strlen(after), strlen(with));
	free(after);
	delete (b);
	after = ruleset_sorted();
	assert_string_equal(after, before);
	delete (b);
	free(after);
	free(before);
	free(with);
}

static void test_delete_what_is_left(void **state)
{
	struct box *a, *b;
	char *before, *after;

	(void)state;
	tables_new();
	a = box_plan(0, &rig.front, false);
	b = box_plan(1, &rig.front, true);
	add(a);
	before = ruleset_sorted();
	b->plan.ports = ports;
	b->plan.n_ports = ARRAY_SIZE(ports);
	b->plan.rules = rules;
	b->plan.n_rules = ARRAY_SIZE(rules);
	add(b);
	sh(rig.home,
	   "nft delete element inet jail ports4 '{ tcp . 8080 }' && "
	   "nft delete element inet jail in6 '{ %s }' && "
	   "nft flush set inet jail sent_outside4",
	   b->ip6);
	delete (b);
	/* Something that its plan doesn't know of leads to its chain. */
	add(b);
	sh(rig.home, "nft add element inet jail out4 "
		     "'{ 10.88.0.99 comment \"web1\" : goto out-web1 }'");
	delete (b);
	sh(rig.home, "nft add element inet jail sent_outside4 '{ %s comment \"web0\" }'", a->ip4);
	after = ruleset_sorted();
	assert_string_equal(after, before);
	free(before);
	free(after);
}

static bool only_web0(const struct jail_name *name, void *arg)
{
	(void)arg;
	return str_eq(name->s, "web0");
}

struct dead {
	char text[512];
};

static int note_dead(uint8_t family, const void *address, void *arg, struct err *e)
{
	struct dead *d = arg;
	char one[INET6_ADDRSTRLEN];
	size_t n = strlen(d->text);

	(void)e;
	(void)snprintf(d->text + n, sizeof(d->text) - n, "%s ",
		       inet_ntop(family, address, one, sizeof(one)));
	return 0;
}

/* Row 79: a dead instance had the same address, and its port leads there. */
static void test_dead_is_replaced(void **state)
{
	static const struct net_port overlapping = {
		.host_port = 9050, .port = 9050, .count = 100, .protocol = IPPROTO_UDP
	};
	struct box *dead, *b;
	char *before, *after;

	(void)state;
	tables_new();
	b = box_plan(0, &rig.front, false);
	add(b);
	before = ruleset_sorted();
	delete (b);
	dead = box_plan(1, &rig.front, true);
	dead->interface.address4 = b->interface.address4;
	dead->interface.address6 = b->interface.address6;
	dead->plan.ports = ports;
	dead->plan.n_ports = ARRAY_SIZE(ports);
	add(dead);
	add(b);
	assert_false(listed("tcp . 8080"));
	assert_false(listed("10.88.0.10 comment \"web1\""));
	/* Its link-local address is in nobody's way. */
	OK(nft_gc(rig.nl, only_web0, NULL, note_dead, &(struct dead){ "" }, &e));
	after = ruleset_sorted();
	assert_string_equal(after, before);
	/* And a range that only overlaps. */
	dead = box_plan(1, &rig.front, true);
	dead->plan.ports = ports;
	dead->plan.n_ports = ARRAY_SIZE(ports);
	add(dead);
	delete (b);
	b->plan.ports = &overlapping;
	b->plan.n_ports = 1;
	add(b);
	assert_true(listed("udp . 9050-9149 comment \"web0\" : 10.88.0.10"));
	assert_false(listed("udp . 9000-9099"));
	free(before);
	free(after);
}

static void count_is(struct box *b, const char *text)
{
	struct err why = ERR_INIT;
	struct net_classes c;
	char is[128];

	assert_int_equal(nft_instance_classes(rig.nl, &b->plan, &c, &why), 0);
	(void)snprintf(is, sizeof(is), "%ju/%ju %ju/%ju %ju/%ju %ju/%ju",
		       (uintmax_t)c.received_inside.packets, (uintmax_t)c.received_inside.bytes,
		       (uintmax_t)c.received_outside.packets, (uintmax_t)c.received_outside.bytes,
		       (uintmax_t)c.sent_inside.packets, (uintmax_t)c.sent_inside.bytes,
		       (uintmax_t)c.sent_outside.packets, (uintmax_t)c.sent_outside.bytes);
	assert_string_equal(is, text);
}

static void test_change(void **state)
{
	struct net_rule other[] = { { .allow = true, .protocol = IPPROTO_UDP } };
	struct box *b;
	struct net_plan from, to;
	char *before, *after;

	(void)state;
	tables_new();
	b = box_plan(0, &rig.front, false);
	b->plan.ports = &ports[1];
	b->plan.n_ports = 2;
	b->plan.rules = other;
	b->plan.n_rules = 1;
	add(b);
	delete (b);
	add(b);
	before = ruleset_sorted();
	delete (b);
	from = b->plan;
	from.ports = ports;
	from.n_ports = 2;
	from.rules = rules;
	from.n_rules = ARRAY_SIZE(rules);
	to = b->plan;
	OK(nft_instance_add(rig.nl, &from, &b->at, &e));
	OK(nft_instance_change(rig.nl, &from, &b->at, &to, &b->at, &e));
	after = ruleset_sorted();
	assert_string_equal(after, before);
	free(after);
	/* Nothing to do; and what can't be undone in one step, because a part is missing. */
	OK(nft_instance_change(rig.nl, &to, &b->at, &to, &b->at, &e));
	OK(nft_instance_change(rig.nl, &to, &b->at, &from, &b->at, &e));
	sh(rig.home, "nft delete element inet jail ports4 '{ tcp . 8080 }'");
	OK(nft_instance_change(rig.nl, &from, &b->at, &to, &b->at, &e));
	after = ruleset_sorted();
	assert_string_equal(after, before);
	free(after);
	free(before);
}

/* What both have is not touched. */
static void test_change_keeps_counters(void **state)
{
	struct box *b;
	struct net_plan to;

	(void)state;
	tables_new();
	b = box_plan(0, &rig.front, false);
	sh(rig.home,
	   "nft add element inet jail sent_inside4 '{ %s counter packets 3 bytes 99 "
	   "comment \"web0\" }'",
	   b->ip4);
	b->interface.address4.s_addr = 0; /* so that it is not in the way */
	add(b);
	to_ip(b->ip4, AF_INET, &b->interface.address4);
	to = b->plan;
	to.ports = ports;
	to.n_ports = 1;
	count_is(b, "0/0 0/0 3/99 0/0");
	{
		struct net_interface without = b->interface;
		struct net_plan six = b->plan;

		six.interfaces = &without;
		without.address4.s_addr = 0;
		to.interfaces = &without;
		OK(nft_instance_change(rig.nl, &six, &b->at, &to, &b->at, &e));
	}
	assert_true(listed("tcp . 8080 comment \"web0\" : fd00:88::a . 80"));
	count_is(b, "0/0 0/0 3/99 0/0");
}

/* ---- gc ---- */

static int refuse(uint8_t family, const void *address, void *arg, struct err *e)
{
	(void)family;
	(void)address;
	(void)arg;
	return err_set(e, EIO, "no");
}

static void test_gc(void **state)
{
	struct box *a, *b;
	char *before, *after, local[INET6_ADDRSTRLEN];
	struct dead dead = { "" };
	struct in6_addr ll;
	struct err why = ERR_INIT;

	(void)state;
	tables_new();
	a = box_plan(0, &rig.front, false);
	a->plan.rules = rules;
	a->plan.n_rules = ARRAY_SIZE(rules);
	add(a);
	before = ruleset_sorted();
	b = box_plan(1, &rig.back, true);
	b->plan.ports = ports;
	b->plan.n_ports = ARRAY_SIZE(ports);
	b->plan.rules = rules;
	b->plan.n_rules = ARRAY_SIZE(rules);
	add(b);
	OK(nft_gc(rig.nl, only_web0, NULL, note_dead, &dead, &e));
	after = ruleset_sorted();
	assert_string_equal(after, before);
	net_link_local_of(b->mac, &ll);
	assert_non_null(inet_ntop(AF_INET6, &ll, local, sizeof(local)));
	assert_non_null(strstr(dead.text, b->ip4));
	assert_non_null(strstr(dead.text, b->ip6));
	assert_non_null(strstr(dead.text, local));
	assert_null(strstr(dead.text, a->ip4));
	/* Nothing to do. */
	dead.text[0] = '\0';
	OK(nft_gc(rig.nl, only_web0, NULL, note_dead, &dead, &e));
	assert_string_equal(dead.text, "");
	/* The caller's own failure is passed on. */
	add(b);
	assert_int_equal(nft_gc(rig.nl, only_web0, NULL, refuse, NULL, &why), -EIO);
	OK(nft_table_delete(rig.nl, &e));
	OK(nft_gc(rig.nl, only_web0, NULL, note_dead, &dead, &e));
	free(before);
	free(after);
}

/* ---- cost ---- */

static void many(unsigned n)
{
	struct box b = *box_plan(7, &rig.front, false);
	unsigned i;

	b.plan.instance = &b.name;
	b.plan.id = b.id;
	b.plan.interfaces = &b.interface;
	b.plan.groups = &b.group;
	for (i = 0; i < n; i++) {
		(void)snprintf(b.name.s, sizeof(b.name.s), "other%u", i);
		(void)snprintf(b.id, sizeof(b.id), "%032x", i);
		b.interface.address4.s_addr = htonl(0x0a580100u + i);
		b.interface.address6.s6_addr[12] = 1;
		b.interface.address6.s6_addr[14] = (uint8_t)(i >> 8);
		b.interface.address6.s6_addr[15] = (uint8_t)i;
		OK(nft_instance_add(rig.nl, &b.plan, &b.at, &e));
	}
}

/* Messages of an add, a reading of counters, and a delete. */
static unsigned messages_of_life(void)
{
	struct box *b = box_plan(0, &rig.front, false);
	struct net_classes c;
	struct err why = ERR_INIT;
	uint32_t before = rig.nl->seq;

	b->plan.ports = ports;
	b->plan.n_ports = ARRAY_SIZE(ports);
	b->plan.rules = rules;
	b->plan.n_rules = ARRAY_SIZE(rules);
	add(b);
	assert_int_equal(nft_instance_classes(rig.nl, &b->plan, &c, &why), 0);
	delete (b);
	return rig.nl->seq - before;
}

static void test_constant_messages(void **state)
{
	unsigned alone;

	(void)state;
	tables_new();
	many(1);
	alone = messages_of_life();
	assert_true(alone > 0);
	tables_new();
	many(1000);
	assert_int_equal(messages_of_life(), alone);
	assert_true(listed("\"other999\""));
	assert_false(listed("\"web0\""));
}

/* As much as a spec may hold: LIMIT_PORTS conditions and NET_RULES_MAX rules (netsetup/rule.h). */
static void test_most_that_a_spec_holds(void **state)
{
	static struct net_port p[LIMIT_PORTS];
	static struct net_rule r[256];
	struct err why = ERR_INIT;
	struct box *b;
	char *before, *after;
	size_t i;

	(void)state;
	tables_new();
	before = ruleset_sorted();
	for (i = 0; i < LIMIT_PORTS; i++)
		p[i] = (struct net_port){ .host_port = (uint16_t)(2000 + 20 * i),
					  .port = (uint16_t)(1000 + 20 * i),
					  .count = 20,
					  .protocol = IPPROTO_TCP };
	for (i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = (struct net_rule){ .out = i % 2,
					  .peer = NET_PEER_GROUP,
					  .protocol = IPPROTO_TCP,
					  .first = 1,
					  .last = (uint16_t)(i + 2),
					  .group = i };
	b = box_plan(0, &rig.front, false);
	b->plan.ports = p;
	b->plan.n_ports = ARRAY_SIZE(p);
	b->plan.rules = r;
	b->plan.n_rules = ARRAY_SIZE(r);
	add(b);
	assert_true(listed("tcp . 22479 comment \"web0\" : fd00:88::a . 21479"));
	assert_true(listed("tcp dport 1-256 drop"));
	delete (b);
	after = ruleset_sorted();
	assert_string_equal(after, before);
	/* Hundreds of errors for one transaction are still read. */
	OK(nft_table_delete(rig.nl, &e));
	assert_int_equal(nft_instance_add(rig.nl, &b->plan, &b->at, &why), -ENOENT);
	free(before);
	free(after);
}

/* Tables of others are theirs. */
static void test_others(void **state)
{
	struct box *b;
	char *before, *after;
	uint64_t handle;

	(void)state;
	OK(nft_table_delete(rig.nl, &e));
	sh(rig.home, "nft add table ip jail && nft add set ip jail s '{ type ipv4_addr; }' && "
		     "nft add element ip jail s '{ 192.0.2.9 }' && nft add chain ip jail in-web0 "
		     "'{ type filter hook forward priority 0; policy drop; }' && "
		     "nft add table inet other && nft add chain inet other out-gone && "
		     "nft add rule inet other out-gone drop");
	before = ruleset_sorted();
	tables_new();
	b = box_plan(0, &rig.front, false);
	b->plan.rules = rules;
	b->plan.n_rules = ARRAY_SIZE(rules);
	add(b);
	OK(nft_gc(rig.nl, only_web0, NULL, note_dead, &(struct dead){ "" }, &e));
	assert_int_equal(query(&handle), NFT_TABLE_WHOLE);
	OK(nft_table_make(rig.nl, handle, &e));
	OK(nft_table_delete(rig.nl, &e));
	after = ruleset_sorted();
	assert_string_equal(after, before);
	sh(rig.home, "nft flush ruleset");
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_network_changed),
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_delete_what_is_left),
		cmocka_unit_test(test_dead_is_replaced),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_change_keeps_counters),
		cmocka_unit_test(test_gc),
		cmocka_unit_test(test_constant_messages),
		cmocka_unit_test(test_most_that_a_spec_holds),
		cmocka_unit_test(test_others),
	};

	ports_init();
	return cmocka_run_group_tests(tests, rig_make, NULL);
}
