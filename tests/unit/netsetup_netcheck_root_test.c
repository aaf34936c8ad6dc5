/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `jail network check` finds: in a network namespace of its own each obstacle is made with the
 * tools that make it in life, found, and taken away again.
 *
 * vm: too
 * vm: modules=br_netfilter
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netfilter/xt_devgroup.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/str.h"
#include "netsetup/netcheck_priv.h"

#define GROUP "1784768876" /* NET_GROUP, as it has to be printed */

static struct netcheck_result results[64];
static size_t n_results;

static void collect(const struct netcheck_result *r, void *arg)
{
	(void)arg;
	assert_true(n_results < ARRAY_SIZE(results));
	results[n_results++] = *r;
}

static struct net_network network(const char *name, const char *interface, const char *subnet,
				  unsigned prefix)
{
	struct net_network n = { .prefix4 = prefix };

	(void)snprintf(n.name.s, sizeof(n.name.s), "%s", name);
	(void)snprintf(n.interface, sizeof(n.interface), "%s", interface);
	assert_int_equal(inet_pton(AF_INET, subnet, &n.subnet4), 1);
	n.gateway4.s_addr = htonl(ntohl(n.subnet4.s_addr) + 1);
	return n;
}

/* Return: how many are missing. */
static int check(const struct net_network *networks, size_t n)
{
	struct err e = ERR_INIT;
	int r;

	n_results = 0;
	r = netcheck(networks, n, collect, NULL, &e);
	if (r < 0)
		fail_msg("%s", e.text);
	return r;
}

static void print_results(void)
{
	for (size_t i = 0; i < n_results; i++)
		print_error("%d %s: %s\n", results[i].verdict, results[i].name, results[i].detail);
}

/* Of all with this name there is exactly one, and it says this. */
static void assert_one(const char *name, enum netcheck_verdict verdict, const char *text)
{
	size_t found = 0, right = 0;

	for (size_t i = 0; i < n_results; i++)
		if (str_eq(results[i].name, name)) {
			found++;
			right += results[i].verdict == verdict && strstr(results[i].detail, text);
		}
	if (found != 1 || right != 1) {
		print_results();
		fail_msg("%s: expected %d \"%s\"", name, verdict, text);
	}
}

static const char *detail_of(const char *name)
{
	for (size_t i = 0; i < n_results; i++)
		if (str_eq(results[i].name, name))
			return results[i].detail;
	return NULL;
}

static int sh_status(const char *command)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define sh(command) assert_int_equal(sh_status(command), 0)

static int namespace_make(void **state)
{
	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	sh("ip link set lo up && mount -t sysfs sysfs /sys");
	/* On in new namespaces where br_netfilter is part of the kernel. */
	(void)sh_status("sysctl -q -w net.bridge.bridge-nf-call-iptables=0 2>/dev/null");
	sh("sysctl -q -w net.ipv4.ip_forward=0");
	return 0;
}

static void test_nothing_in_the_way(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);

	(void)state;
	assert_int_equal(check(&n, 1), 0);
	assert_one("nf-tables", NETCHECK_OK, "can be made");
	assert_one("bridge", NETCHECK_OK, "can be made");
	assert_one("veth", NETCHECK_OK, "can be made");
	assert_one("rates", NETCHECK_OK, "can be set");
	assert_null(detail_of("macvlan"));
	assert_one("ipv6", NETCHECK_OK, "no network uses it");
	assert_one("other-firewalls", NETCHECK_OK, "nobody else's rules");
	assert_one("subnets", NETCHECK_OK, "no network overlaps");
	assert_null(detail_of("uplink"));
	/* It has only looked. */
	sh("test -z \"$(nft list ruleset)\" && test -z \"$(ip -o link | grep -v ': lo:')\"");
	sh("test \"$(cat /proc/sys/net/ipv4/ip_forward)\" = 0");
}

/* Without the right to a namespace nothing can be tried, and that is not "ok". */
static void test_not_tried(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);
	struct netcheck kernel = { .networks = &n, .n = 1, .fn = collect };
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = ERR_INIT;

		n_results = 0;
		if (setresuid(65534, 65534, 65534) < 0 || netcheck_kernel(&kernel, &e) < 0 ||
		    kernel.missing != 3)
			_exit(1);
		for (size_t i = 0; i < n_results; i++)
			if (str_eq(results[i].name, "rates")
				    ? results[i].verdict != NETCHECK_WARNING
				    : (str_eq(results[i].name, "nf-tables") ||
				       str_eq(results[i].name, "bridge") ||
				       str_eq(results[i].name, "veth")) &&
					      results[i].verdict != NETCHECK_MISSING)
				_exit(2);
		_exit(n_results < 4 ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_macvlan(void **state)
{
	struct net_network n = network("lan", "", "192.0.2.0", 24);

	(void)state;
	n.mode = NET_MACVLAN;
	memcpy(n.uplink, "wan0", sizeof("wan0"));
	assert_int_equal(check(&n, 1), 1);
	assert_one("macvlan", NETCHECK_OK, "can be made");
	assert_one("uplink", NETCHECK_MISSING,
		   "wan0 of network lan: this host has no such interface");
	assert_null(detail_of("ip-forward")); /* its packets do not pass the host */
	sh("ip link add wan0 type bridge && ip address add 192.0.2.1/24 dev wan0 && "
	   "ip link set wan0 up");
	assert_int_equal(check(&n, 1), 0);
	assert_one("uplink", NETCHECK_OK, "wan0 of network lan");
	assert_one("subnets", NETCHECK_OK, "");
	sh("ip link delete wan0");
	n.mode = NET_ROUTED;
	assert_int_equal(check(&n, 1), 0);
	assert_one("uplink", NETCHECK_WARNING, "no such interface");
}

static void test_forward(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);

	(void)state;
	assert_int_equal(check(&n, 1), 0);
	assert_one("ip-forward", NETCHECK_OK,
		   "net.ipv4.ip_forward is off; the first start turns it on");
	sh("mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys");
	assert_int_equal(check(&n, 1), 1);
	assert_one("ip-forward", NETCHECK_MISSING, "net.ipv4.ip_forward is off and can't");
	sh("umount /proc/sys && sysctl -q -w net.ipv4.ip_forward=1");
	assert_int_equal(check(&n, 1), 0);
	assert_one("ip-forward", NETCHECK_OK, "net.ipv4.ip_forward is on");
	sh("sysctl -q -w net.ipv4.ip_forward=0");
}

static void test_ipv6(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "fd12::", &n.subnet6), 1);
	n.gateway6 = n.subnet6;
	n.gateway6.s6_addr[15] = 1;
	n.prefix6 = 64;
	assert_int_equal(check(&n, 1), 0);
	assert_one("ipv6", NETCHECK_OK, "is there");
	sh("sysctl -q -w net.ipv6.conf.default.disable_ipv6=1");
	assert_int_equal(check(&n, 1), 0);
	assert_one("ipv6", NETCHECK_WARNING, "net.ipv6.conf.default.disable_ipv6=0");
	n.prefix4 = 0;
	assert_int_equal(check(&n, 1), 1);
	assert_one("ipv6", NETCHECK_MISSING, "net.ipv6.conf.default.disable_ipv6=0");
	assert_one("ip-forward", NETCHECK_OK, "net.ipv6.conf.all.forwarding is off");
	sh("sysctl -q -w net.ipv6.conf.default.disable_ipv6=0");
}

static void test_conntrack(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);

	(void)state;
	/* Of the host as a whole, so not to be filled here. */
	assert_int_equal(check(&n, 1), 0);
	assert_non_null(detail_of("conntrack-table"));
	assert_true(strstr(detail_of("conntrack-table"), " flows") ||
		    strstr(detail_of("conntrack-table"), "not loaded"));
}

static void test_bridge_filter(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);

	(void)state;
	if (sh_status("sysctl -q -w net.bridge.bridge-nf-call-iptables=1 2>/dev/null") != 0)
		skip();
	assert_int_equal(check(&n, 1), 0);
	assert_one("br_netfilter", NETCHECK_WARNING, "bridge-nf-call-iptables=0");
	sh("sysctl -q -w net.bridge.bridge-nf-call-iptables=0");
	assert_int_equal(check(&n, 1), 0);
	assert_one("br_netfilter", NETCHECK_OK, "off");
}

/* ---- rules of others ---- */

static void test_chains(void **state)
{
	static const struct {
		const char *make;
		const char *expected[2]; /* NULL: nothing is in the way */
	} cases[] = {
		{ "add chain inet t c { type filter hook forward priority 0; policy drop; }",
		  { "table inet t, chain c drops",
		    "nft insert rule inet t c iifgroup " GROUP
		    " accept; nft insert rule inet t c oifgroup " GROUP " accept" } },
		{ "add chain inet t c { type filter hook input priority 0; policy drop; }",
		  { "a ping of the gateway",
		    "nft insert rule inet t c iifgroup " GROUP " accept" } },
		{ "add chain inet t c { type filter hook forward priority 9; policy accept; }\n"
		  "add rule inet t c ct state established accept\n"
		  "add rule inet t c counter log reject",
		  { "table inet t, chain c drops", "oifgroup " GROUP } },
		{ "add chain inet t c { type filter hook forward priority 9; policy accept; }\n"
		  "add rule inet t c drop",
		  { "table inet t, chain c drops", "oifgroup " GROUP } },
		{ "add chain inet t c { type filter hook forward priority 0; policy drop; }\n"
		  "add rule inet t c iifgroup " GROUP " accept",
		  { "table inet t, chain c drops",
		    ": nft insert rule inet t c oifgroup " GROUP " accept" } },
		{ "add chain inet t c { type filter hook forward priority 0; policy drop; }\n"
		  "add rule inet t c iifgroup " GROUP " accept\n"
		  "add rule inet t c oifgroup " GROUP " counter accept",
		  { NULL, NULL } },
		{ "add chain inet t c { type filter hook forward priority 0; policy drop; }\n"
		  "add rule inet t c iifgroup != " GROUP " accept\n"
		  "add rule inet t c tcp dport 80 oifgroup " GROUP " accept",
		  { ": nft insert rule inet t c iifgroup",
		    "; nft insert rule inet t c oifgroup" } },
		{ "add chain inet t c { type filter hook forward priority 0; policy accept; }\n"
		  "add rule inet t c iifname \"eth7\" drop",
		  { NULL, NULL } },
		{ "add chain inet t c { type filter hook output priority 0; policy drop; }",
		  { NULL, NULL } },
		{ "add table ip filter\n"
		  "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; "
		  "}",
		  { "iptables -I FORWARD -m devgroup --src-group " GROUP " -j ACCEPT",
		    "; iptables -I FORWARD -m devgroup --dst-group " GROUP " -j ACCEPT" } },
		{ "add table ip6 filter\n"
		  "add chain ip6 filter FORWARD { type filter hook forward priority 0; policy "
		  "drop; }",
		  { "ip6tables -I FORWARD -m devgroup --src-group", "" } },
		{ "add table ip filter\nadd chain ip filter DOCKER-USER\n"
		  "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; "
		  "}",
		  { "iptables -I DOCKER-USER -m devgroup --src-group", "-I DOCKER-USER" } },
		{ "add table inet firewalld\n"
		  "add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; "
		  "}\n"
		  "add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited",
		  { "firewall-cmd --permanent --zone=trusted --add-interface=jail0", "--reload" } },
		{ "add table inet jail\n"
		  "add chain inet jail c { type filter hook forward priority 0; policy drop; }",
		  { NULL, NULL } },
	};
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char command[1024];

		assert_true(str_format(command, sizeof(command),
				       "printf '%%s\\n' 'add table inet t\n%s' | nft -f -",
				       cases[i].make) > 0);
		sh(command);
		assert_int_equal(check(&n, 1), 0);
		if (!cases[i].expected[0]) {
			assert_one("other-firewalls", NETCHECK_OK, "nobody else's");
		} else {
			assert_one("other-firewalls", NETCHECK_WARNING, cases[i].expected[0]);
			assert_one("other-firewalls", NETCHECK_WARNING, cases[i].expected[1]);
		}
		sh("nft flush ruleset");
	}
}

/* What is printed does what it says. */
static void test_advice_works(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);
	const char *advice;

	(void)state;
	sh("nft add table inet fw && nft add chain inet fw forward "
	   "'{ type filter hook forward priority 0; policy drop; }' && nft add chain inet fw in "
	   "'{ type filter hook input priority 0; policy drop; }'");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check(&n, 1), 0);
		advice = detail_of("other-firewalls");
		assert_non_null(advice);
		assert_non_null(strstr(advice, ": nft insert"));
		sh(strstr(advice, ": nft insert") + 2);
	}
	assert_int_equal(check(&n, 1), 0);
	assert_one("other-firewalls", NETCHECK_OK, "nobody else's");
	sh("nft flush ruleset");
}

/* ---- iptables-legacy, by its own interface: the program need not be there ---- */

/* How the kernel lays a rule out: each part ends in an array of no elements. */
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
#endif
struct devgroup_entry {
	struct ipt_entry entry;
	struct xt_entry_match match;
	struct xt_devgroup_info info;
	struct xt_standard_target target;
} __attribute__((aligned(8)));
#ifdef __clang__
#pragma clang diagnostic pop
#endif

/* Replaces the table by itself, with another policy for FORWARD, and before that one rule more. */
static void legacy_replace(int sock, int verdict, bool with_rule)
{
	struct ipt_getinfo info = { .name = "filter" };
	struct devgroup_entry rule = {
		.entry = { .target_offset = offsetof(struct devgroup_entry, target),
			   .next_offset = sizeof(rule) },
		.match.u.user = { .match_size = offsetof(struct devgroup_entry, target) -
						offsetof(struct devgroup_entry, match) },
		.info = { .flags = XT_DEVGROUP_MATCH_SRC,
			  .src_group = 0x6a61696c,
			  .src_mask = UINT32_MAX },
		.target = { .target.u.user.target_size = sizeof(rule.target),
			    .verdict = -NF_ACCEPT - 1 },
	};
	size_t more = with_rule ? sizeof(rule) : 0, at;
	struct ipt_get_entries *entries;
	struct ipt_replace *replace;
	struct xt_standard_target *target;
	struct ipt_entry *policy;
	socklen_t n = sizeof(info);

	(void)snprintf(rule.match.u.user.name, sizeof(rule.match.u.user.name), "devgroup");
	assert_int_equal(getsockopt(sock, IPPROTO_IP, IPT_SO_GET_INFO, &info, &n), 0);
	n = (socklen_t)(sizeof(*entries) + info.size);
	entries = calloc(1, n);
	replace = calloc(1, sizeof(*replace) + info.size + more);
	assert_true(entries && replace);
	memcpy(entries->name, "filter", sizeof("filter"));
	entries->size = info.size;
	assert_int_equal(getsockopt(sock, IPPROTO_IP, IPT_SO_GET_ENTRIES, entries, &n), 0);
	at = info.underflow[NF_INET_FORWARD];
	policy = (void *)((char *)entries->entrytable + at);
	target = (void *)((char *)policy + policy->target_offset);
	target->verdict = verdict;
	memcpy(replace->name, "filter", sizeof("filter"));
	replace->valid_hooks = info.valid_hooks;
	replace->num_entries = info.num_entries + with_rule;
	replace->size = (unsigned)(info.size + more);
	for (int i = 0; i < NF_INET_NUMHOOKS; i++) {
		replace->hook_entry[i] = info.hook_entry[i];
		replace->underflow[i] = info.underflow[i];
		if (info.hook_entry[i] > at)
			replace->hook_entry[i] += (unsigned)more;
		if (info.underflow[i] >= at)
			replace->underflow[i] += (unsigned)more;
	}
	memcpy(replace->entries, entries->entrytable, at);
	memcpy((char *)replace->entries + at, &rule, more);
	memcpy((char *)replace->entries + at + more, (char *)entries->entrytable + at,
	       info.size - at);
	replace->num_counters = info.num_entries;
	replace->counters = calloc(info.num_entries, sizeof(*replace->counters));
	assert_int_equal(setsockopt(sock, IPPROTO_IP, IPT_SO_SET_REPLACE, replace,
				    (socklen_t)(sizeof(*replace) + info.size + more)),
			 0);
	free(replace->counters);
	free(replace);
	free(entries);
}

static void test_legacy(void **state)
{
	struct net_network n = network("default", "jail0", "10.88.0.0", 16);
	struct ipt_getinfo info = { .name = "filter" };
	socklen_t len = sizeof(info);
	int sock;

	(void)state;
	/* Another namespace: the hooks of a table stay as long as that. */
	assert_int_equal(namespace_make(NULL), 0);
	assert_int_equal(check(&n, 1), 0);
	sh("! grep -q filter /proc/net/ip_tables_names 2>/dev/null"); /* looking makes none */
	sock = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	assert_true(sock >= 0);
	if (getsockopt(sock, IPPROTO_IP, IPT_SO_GET_INFO, &info, &len) < 0) {
		(void)close(sock);
		skip(); /* not in this kernel */
	}
	assert_int_equal(check(&n, 1), 0);
	assert_one("other-firewalls", NETCHECK_OK, "nobody else's");
	legacy_replace(sock, -NF_DROP - 1, false);
	assert_int_equal(check(&n, 1), 0);
	assert_one("other-firewalls", NETCHECK_WARNING, "the policy of iptables-legacy's FORWARD");
	assert_one("other-firewalls", NETCHECK_WARNING,
		   "iptables -I FORWARD -m devgroup --src-group " GROUP " -j ACCEPT");
	legacy_replace(sock, -NF_DROP - 1, true);
	assert_int_equal(check(&n, 1), 0);
	assert_one("other-firewalls", NETCHECK_OK, "nobody else's");
	(void)close(sock);
}

/* ---- subnets ---- */

static void test_subnets(void **state)
{
	struct net_network n[2] = { network("default", "jail0", "10.88.0.0", 16),
				    network("front", "jn1", "10.89.0.0", 24) };

	(void)state;
	sh("ip link add other type bridge && ip link set other up");
	sh("ip route add 10.88.4.0/24 dev other");
	assert_int_equal(check(n, 2), 0);
	assert_one(
		"subnets", NETCHECK_WARNING,
		"10.88.0.0/16 of network default overlaps 10.88.4.0/24, to which this host has a "
		"route by other");
	sh("ip route flush dev other && ip route add blackhole 10.89.0.0/25");
	assert_int_equal(check(n, 2), 1);
	assert_one("subnets", NETCHECK_MISSING,
		   "10.89.0.0/24 of network front overlaps 10.89.0.0/25");
	sh("ip route delete blackhole 10.89.0.0/25");

	/* A way to everything is none to us; a larger one is, but not in the way. */
	sh("ip route add default dev other");
	assert_int_equal(check(n, 2), 0);
	assert_one("subnets", NETCHECK_OK, "");
	sh("ip route add 10.0.0.0/8 dev other");
	assert_int_equal(check(n, 1), 0);
	assert_one("subnets", NETCHECK_WARNING, "overlaps 10.0.0.0/8");
	sh("ip link delete other");

	/* Its own. */
	sh("ip link add jail0 type bridge && ip address add 10.88.0.1/16 dev jail0 && "
	   "ip link set jail0 up && ip link add ve0 group " GROUP " type bridge && "
	   "ip link set ve0 up && ip route add 10.88.0.7/32 dev ve0");
	assert_int_equal(check(n, 2), 0);
	assert_one("subnets", NETCHECK_OK, "");
	sh("ip link set jail0 name else0 2>/dev/null || { ip link set jail0 down && "
	   "ip link set jail0 name else0 && ip link set else0 up; }");
	assert_true(check(n, 2) > 0);
	sh("ip link delete else0 && ip link delete ve0");

	n[1] = network("front", "jn1", "10.88.9.0", 24);
	assert_int_equal(check(n, 2), 1);
	assert_one("subnets", NETCHECK_MISSING,
		   "10.88.0.0/16 of network default overlaps 10.88.9.0/24 of network front");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_in_the_way),
		cmocka_unit_test(test_not_tried),
		cmocka_unit_test(test_macvlan),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_conntrack),
		cmocka_unit_test(test_bridge_filter),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_advice_works),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_legacy),
	};

	return cmocka_run_group_tests(tests, namespace_make, NULL);
}
