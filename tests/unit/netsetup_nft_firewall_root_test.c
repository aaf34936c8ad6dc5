/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may talk to whom: the host, the outside, neighbours, tenants, and what an instance's own
 * rules say. Real packets; instances are ports of a bridge or routed, which must make no
 * difference.
 *
 * vm: too
 * vm: modules=br_netfilter
 */
#include "netsetup_nft_rig.h"

#define BRIDGED false
#define ROUTED true
#define PORT 8000

static struct net_rule allow(bool out, enum net_peer peer)
{
	return (struct net_rule){ .allow = true, .out = out, .peer = peer };
}

static struct net_rule about(bool is_allow, bool out, const char *address, unsigned prefix)
{
	struct net_rule r = { .allow = is_allow,
			      .out = out,
			      .peer = NET_PEER_ADDRESS,
			      .family = strchr(address, ':') ? AF_INET6 : AF_INET,
			      .prefix = (uint8_t)prefix };

	to_ip(address, r.family, &r.address);
	return r;
}

/* Puts a network's properties in place. */
static void network_is(const struct net_network *n)
{
	OK(nft_network_add(rig.nl, n, &e));
}

struct service { /* on one port, both families, of one namespace */
	int tcp4, tcp6;
};

static struct service serve(int netns, uint16_t port)
{
	return (struct service){ bound(netns, SOCK_STREAM, "0.0.0.0", port),
				 bound(netns, SOCK_STREAM, "::", port) };
}

static void done(struct service *s)
{
	(void)close(s->tcp4);
	(void)close(s->tcp6);
}

static void reaches(const struct box *from, const struct box *to, const struct service *s)
{
	assert_reaches(from->netns, to->ip4, PORT, s->tcp4, from->ip4);
	assert_reaches(from->netns, to->ip6, PORT, s->tcp6, from->ip6);
}

static void blocked(const struct box *from, const struct box *to)
{
	assert_blocked(from->netns, to->ip4, PORT);
	assert_blocked(from->netns, to->ip6, PORT);
}

static void reaches_outside(const struct box *from, const struct service *s)
{
	assert_reaches(from->netns, OUTSIDE4, PORT, s->tcp4, NULL);
	assert_reaches(from->netns, OUTSIDE6, PORT, s->tcp6, NULL);
}

static void blocked_outside(const struct box *from)
{
	assert_blocked(from->netns, OUTSIDE4, PORT);
	assert_blocked(from->netns, OUTSIDE6, PORT);
}

/* ---- the host ---- */

static const char *const host_addresses[] = { "10.88.0.1", HOST4, "fd00:88::1", HOST6 };

static void assert_host_closed(const struct box *b)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(host_addresses); i++)
		assert_blocked(b->netns, host_addresses[i], PORT);
	assert_true(ping(b->netns, "10.88.0.1", WAIT_MS));
	assert_true(ping(b->netns, "fd00:88::1", WAIT_MS));
	assert_true(ping(b->netns, "fe80::1", WAIT_MS));
	assert_false(ping(b->netns, HOST4, WAIT_BLOCKED_MS));
	assert_false(ping(b->netns, HOST6, WAIT_BLOCKED_MS));
	assert_false(ping(b->netns, "10.89.0.1", WAIT_BLOCKED_MS));
	assert_false(ping(b->netns, "fd00:89::1", WAIT_BLOCKED_MS));
}

static void reaches_host(const struct box *b, const struct service *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(host_addresses); i++)
		assert_reaches(b->netns, host_addresses[i], PORT, i < 2 ? s->tcp4 : s->tcp6,
			       i < 2 ? b->ip4 : b->ip6);
}

/* Row 75. */
static void test_host(void **state)
{
	struct service s = serve(rig.home, PORT);
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);

	(void)state;
	assert_host_closed(a);
	assert_host_closed(b);
	/* Without the protection they get through. */
	sh(rig.home, "nft flush chain inet jail host");
	reaches_host(a, &s);
	reaches_host(b, &s);
	done(&s);
}

static void test_host_allowed(void **state)
{
	struct net_rule open[] = { allow(true, NET_PEER_HOST) };
	struct net_rule some[] = { allow(true, NET_PEER_HOST), about(false, true, HOST4, 32),
				   about(false, true, HOST6, 128) };
	struct service s = serve(rig.home, PORT), out = serve(rig.outside, PORT);
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);

	(void)state;
	box_rules(a, open, 1);
	reaches_host(a, &s);
	assert_host_closed(b);
	/* It says nothing about the world outside. */
	reaches_outside(a, &out);
	open[0].protocol = IPPROTO_TCP;
	open[0].first = open[0].last = PORT + 1;
	box_rules(a, NULL, 0);
	box_rules(a, open, 1);
	assert_host_closed(a);
	open[0].first = PORT;
	box_rules(b, open, 1);
	reaches_host(b, &s);
	/* What is denied to all is denied to the host. */
	box_rules(b, some, 3);
	assert_blocked(b->netns, HOST4, PORT);
	assert_blocked(b->netns, HOST6, PORT);
	assert_reaches(b->netns, "10.88.0.1", PORT, s.tcp4, b->ip4);
	done(&s);
	done(&out);
}

/* ---- the outside ---- */

static void test_outside(void **state)
{
	struct service s = serve(rig.outside, PORT);
	struct box *boxes[2] = { box_new(0, &rig.front, BRIDGED), box_new(1, &rig.front, ROUTED) };
	struct net_network n;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct box *b = boxes[i];

		n = rig.front;
		network_is(&n);
		assert_reaches(b->netns, OUTSIDE4, PORT, s.tcp4, HOST4);
		assert_reaches(b->netns, OUTSIDE6, PORT, s.tcp6, HOST6);
		n.nat = false;
		network_is(&n);
		assert_reaches(b->netns, OUTSIDE4, PORT, s.tcp4, b->ip4);
		assert_reaches(b->netns, OUTSIDE6, PORT, s.tcp6, b->ip6);
		n.internal = true;
		network_is(&n);
		blocked_outside(b);
		n = rig.front;
		(void)snprintf(n.uplink, sizeof(n.uplink), "up1");
		network_is(&n);
		blocked_outside(b);
		(void)snprintf(n.uplink, sizeof(n.uplink), "up0");
		network_is(&n);
		assert_reaches(b->netns, OUTSIDE4, PORT, s.tcp4, HOST4);
		assert_reaches(b->netns, OUTSIDE6, PORT, s.tcp6, HOST6);
	}
	done(&s);
}

/* Row 73: a route to the subnet is no way in; an allowed port is. */
static void test_from_outside(void **state)
{
	struct net_rule in[] = { allow(false, NET_PEER_ANY) };
	struct box *b = box_new(0, &rig.front, BRIDGED);
	struct service s = serve(b->netns, PORT);

	(void)state;
	assert_blocked(rig.outside, b->ip4, PORT);
	assert_blocked(rig.outside, b->ip6, PORT);
	in[0].protocol = IPPROTO_TCP;
	in[0].first = in[0].last = PORT;
	box_rules(b, in, 1);
	assert_reaches(rig.outside, b->ip4, PORT, s.tcp4, OUTSIDE4);
	assert_reaches(rig.outside, b->ip6, PORT, s.tcp6, OUTSIDE6);
	assert_false(ping(rig.outside, b->ip4, WAIT_BLOCKED_MS));
	box_rules(b, NULL, 0);
	assert_blocked(rig.outside, b->ip4, PORT);
	done(&s);
}

/* Row 75: the metadata service of a cloud. */
static void test_link_local(void **state)
{
	struct net_rule any[] = { allow(true, NET_PEER_ANY) };
	struct net_rule that[] = { about(true, true, "169.254.169.254", 32) };
	struct service s = serve(rig.outside, PORT);
	struct box *b = box_new(0, &rig.front, BRIDGED);

	(void)state;
	sh(rig.outside, "ip addr add 169.254.169.254/32 dev eth0");
	sh(rig.home, "ip route add 169.254.169.254 via " OUTSIDE4);
	assert_blocked(b->netns, "169.254.169.254", PORT);
	box_rules(b, any, 1);
	assert_blocked(b->netns, "169.254.169.254", PORT);
	reaches_outside(b, &s);
	box_rules(b, that, 1);
	assert_reaches(b->netns, "169.254.169.254", PORT, s.tcp4, HOST4);
	blocked_outside(b);
	box_rules(b, NULL, 0);
	sh(rig.home, "nft flush chain inet jail leaving");
	assert_reaches(b->netns, "169.254.169.254", PORT, s.tcp4, HOST4);
	sh(rig.home, "ip route del 169.254.169.254");
	sh(rig.outside, "ip addr del 169.254.169.254/32 dev eth0");
	done(&s);
}

/* ---- each other ---- */

static void test_neighbours(void **state)
{
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, BRIDGED);
	struct box *c = box_new(2, &rig.front, ROUTED), *d = box_new(3, &rig.back, BRIDGED);
	struct service sb = serve(b->netns, PORT), sc = serve(c->netns, PORT);
	struct service sd = serve(d->netns, PORT), sa = serve(a->netns, PORT);
	struct net_network n = rig.front;

	(void)state;
	reaches(a, b, &sb);
	reaches(a, c, &sc);
	reaches(c, a, &sa);
	blocked(a, d);
	blocked(d, a);
	n.isolated = true;
	network_is(&n);
	blocked(a, b);
	blocked(a, c);
	blocked(c, a);
	done(&sa);
	done(&sb);
	done(&sc);
	done(&sd);
}

/* Where br_netfilter shows frames of bridges to IP's hooks, all is as without. */
static void test_bridge_netfilter(void **state)
{
	static const char set[] = "sysctl -qw net.bridge.bridge-nf-call-iptables=%d "
				  "net.bridge.bridge-nf-call-ip6tables=%d "
				  "net.bridge.bridge-nf-call-arptables=%d";
	struct box *a, *b, *d;
	struct service s, sd, out;

	(void)state;
	/* First of all: a test that is skipped closes no sockets. */
	if (sh_run(rig.home, "test -d /proc/sys/net/bridge", NULL) != 0)
		skip();
	a = box_new(0, &rig.front, BRIDGED);
	b = box_new(1, &rig.front, BRIDGED);
	d = box_new(2, &rig.back, BRIDGED);
	s = serve(b->netns, PORT);
	sd = serve(d->netns, PORT);
	out = serve(rig.outside, PORT);
	sh(rig.home, set, 1, 1, 1);
	reaches(a, b, &s);
	reaches_outside(a, &out);
	blocked(a, d);
	assert_blocked(a->netns, HOST4, PORT);
	assert_true(ping(a->netns, "10.88.0.1", WAIT_MS));
	sh(rig.home, set, 0, 0, 0);
	done(&s);
	done(&sd);
	done(&out);
}

static void tenants_are(const char *front, const char *back)
{
	struct net_network f = rig.front, b = rig.back;

	(void)snprintf(f.tenant, sizeof(f.tenant), "%s", front);
	(void)snprintf(b.tenant, sizeof(b.tenant), "%s", back);
	network_is(&f);
	network_is(&b);
}

/* A rule opens an instance to other networks of its tenant, never to those of others. */
static void test_tenants(void **state)
{
	struct net_rule in[] = { allow(false, NET_PEER_ANY) };
	struct box *a = box_new(0, &rig.front, BRIDGED), *d = box_new(1, &rig.back, ROUTED);
	struct service s = serve(d->netns, PORT), sa = serve(a->netns, PORT);

	(void)state;
	box_rules(d, in, 1);
	reaches(a, d, &s);
	tenants_are("acme", "");
	blocked(a, d);
	tenants_are("", "acme");
	blocked(a, d);
	tenants_are("acme", "umbrella");
	blocked(a, d);
	tenants_are("acme", "acme");
	reaches(a, d, &s);
	blocked(d, a);
	/* A network without a tenant's record has no friends. */
	OK(nft_network_delete(rig.nl, &rig.front, &e));
	blocked(a, d);
	tenants_are("acme", "acme");
	box_rules(a, in, 1);
	reaches(d, a, &sa);
	box_rules(d, NULL, 0);
	blocked(a, d);
	done(&s);
	done(&sa);
}

/* ---- an instance's own rules ---- */

static void test_groups(void **state)
{
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);
	struct box *c = box_new(2, &rig.front, BRIDGED);
	struct net_rule in[] = { allow(false, NET_PEER_GROUP) };
	struct net_rule out[] = { { .out = true, .peer = NET_PEER_GROUP } };
	struct service s = serve(c->netns, PORT);
	struct net_plan alone = a->plan;

	(void)state;
	in[0].group = a->group;
	box_rules(c, in, 1);
	reaches(a, c, &s);
	blocked(b, c);
	/* Who leaves the group changes nobody's rules. */
	alone.groups = &b->group;
	box_change(a, &alone);
	blocked(a, c);
	alone.groups = &a->group;
	box_change(a, &alone);
	reaches(a, c, &s);
	/* And denied on the way out. */
	out[0].group = c->group;
	box_rules(a, out, 1);
	blocked(a, c);
	out[0].group = b->group;
	box_rules(a, out, 1);
	reaches(a, c, &s);
	done(&s);
}

static void test_rules_out(void **state)
{
	struct net_rule some[] = { about(true, true, "192.0.2.0", 29),
				   about(true, true, "2001:db8::", 126),
				   about(false, true, OUTSIDE4, 32) };
	struct service s = serve(rig.outside, PORT);
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, BRIDGED);
	struct service sb = serve(b->netns, PORT);

	(void)state;
	/* Allowed is what is listed, and no more. */
	box_rules(a, some, 2);
	reaches_outside(a, &s);
	blocked(a, b);
	/* What is denied comes first. */
	box_rules(a, some, 3);
	assert_blocked(a->netns, OUTSIDE4, PORT);
	assert_reaches(a->netns, OUTSIDE6, PORT, s.tcp6, HOST6);
	some[0].prefix = 31; /* 192.0.2.0 and .1 */
	some[1].prefix = 127;
	box_rules(a, some, 2);
	blocked_outside(a);
	/* Only denied: the rest is as without rules. */
	box_rules(a, &some[2], 1);
	assert_blocked(a->netns, OUTSIDE4, PORT);
	assert_reaches(a->netns, OUTSIDE6, PORT, s.tcp6, HOST6);
	reaches(a, b, &sb);
	/* What comes out of a chain is still judged on its way in. */
	some[0] = allow(true, NET_PEER_ANY);
	box_rules(a, some, 1);
	reaches(a, b, &sb);
	some[1] = (struct net_rule){ .protocol = IPPROTO_TCP };
	box_rules(b, &some[1], 1);
	blocked(a, b);
	done(&s);
	done(&sb);
}

/* Who was allowed in gets his answer, whatever the instance may send by itself. */
static void test_answers(void **state)
{
	struct net_rule no_out[] = { { .out = true }, allow(false, NET_PEER_ANY) };
	struct net_network n = rig.front;
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);
	struct service s = serve(b->netns, PORT), sa = serve(a->netns, PORT);
	struct service out = serve(rig.outside, PORT);

	(void)state;
	box_rules(b, no_out, 2);
	reaches(a, b, &s);
	assert_reaches(rig.outside, b->ip4, PORT, s.tcp4, OUTSIDE4);
	blocked(b, a);
	blocked_outside(b);
	n.internal = true;
	network_is(&n);
	assert_reaches(rig.outside, b->ip4, PORT, s.tcp4, OUTSIDE4);
	assert_reaches(rig.outside, b->ip6, PORT, s.tcp6, OUTSIDE6);
	done(&s);
	done(&sa);
	done(&out);
}

static void test_rules_of_ports(void **state)
{
	struct net_rule ports[] = {
		{ .allow = true, .protocol = IPPROTO_TCP, .first = PORT - 5, .last = PORT + 5 },
		{ .protocol = IPPROTO_TCP, .first = PORT, .last = PORT },
		{ .allow = true, .protocol = IPPROTO_ICMP }
	};
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);
	struct service s = serve(b->netns, PORT);

	(void)state;
	box_rules(b, ports, 1);
	reaches(a, b, &s);
	assert_false(ping(a->netns, b->ip4, WAIT_BLOCKED_MS));
	assert_false(ping(a->netns, b->ip6, WAIT_BLOCKED_MS));
	box_rules(b, ports, 2);
	blocked(a, b);
	ports[0].first = PORT + 1;
	box_rules(b, NULL, 0);
	box_rules(b, ports, 1);
	blocked(a, b);
	ports[0].first = 1;
	ports[0].last = PORT - 1;
	box_rules(b, &ports[2], 1);
	blocked(a, b);
	assert_true(ping(a->netns, b->ip4, WAIT_MS));
	assert_true(ping(a->netns, b->ip6, WAIT_MS));
	box_rules(b, NULL, 0);
	ports[0].protocol = IPPROTO_UDP;
	ports[0].first = 1;
	ports[0].last = 65535;
	box_rules(b, ports, 1);
	blocked(a, b);
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PACKET_TEST(test_host),
		PACKET_TEST(test_host_allowed),
		PACKET_TEST(test_outside),
		PACKET_TEST(test_from_outside),
		PACKET_TEST(test_link_local),
		PACKET_TEST(test_neighbours),
		PACKET_TEST(test_bridge_netfilter),
		PACKET_TEST(test_tenants),
		PACKET_TEST(test_groups),
		PACKET_TEST(test_rules_out),
		PACKET_TEST(test_rules_of_ports),
		PACKET_TEST(test_answers),
	};

	return cmocka_run_group_tests(tests, rig_make, NULL);
}
