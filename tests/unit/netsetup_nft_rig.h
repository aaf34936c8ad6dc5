/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of nft_*.c: a host with two networks, an outside, and instances, whose links are
 * made with ip(8), because here only the tables are tried:
 *
 *     outside 192.0.2.2, 2001:db8::2 --- up0 192.0.2.1, 2001:db8::1 --- jail0 10.88.0.1, fd00:88::1
 *                                                                   --- jn1   10.89.0.1, fd00:89::1
 *
 * Instance n of a network has the addresses .0.(10+n) and ::(10+n in hex). All in private
 * namespaces; a socket is opened during a visit to one and stays there. What must not arrive is
 * waited for WAIT_BLOCKED_MS; what must arrive, at most WAIT_MS.
 */
#ifndef JAIL_TESTS_UNIT_NETSETUP_NFT_RIG_H
#define JAIL_TESTS_UNIT_NETSETUP_NFT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "netsetup/nft_priv.h"

#define WAIT_MS 3000
#define WAIT_BLOCKED_MS 100
#define HOST4 "192.0.2.1"
#define HOST6 "2001:db8::1"
#define OUTSIDE4 "192.0.2.2"
#define OUTSIDE6 "2001:db8::2"
#define BOXES_MAX 8

struct box { /* an instance */
	struct jail_name name;
	char id[33];
	int netns;
	struct net_interface interface;
	struct net_attachment at;
	struct net_plan plan;
	char ip4[INET_ADDRSTRLEN], ip6[INET6_ADDRSTRLEN];
	uint8_t mac[NET_MAC_LEN];
	net_group group; /* instance:NAME */
	struct net_rule rules[2][8]; /* of its plan, and of the one before */
	unsigned turn;
};

static struct {
	int home, outside;
	struct net_network front, back;
	struct box boxes[BOXES_MAX];
	struct nl *nl;
} rig;

static inline void enter(int netns)
{
	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
}

/* Runs a shell command line in a namespace; what it prints goes to *ret if that is not NULL. */
static inline int sh_run(int netns, const char *command, char **ret)
{
	static char out[4 << 20];
	int pipefd[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setns(netns, CLONE_NEWNET) < 0 || (ret && dup2(pipefd[1], 1) < 0))
			_exit(125);
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(126);
	}
	(void)close(pipefd[1]);
	while ((got = read(pipefd[0], out + n, sizeof(out) - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	(void)close(pipefd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (ret) {
		*ret = strdup(out);
		assert_non_null(*ret);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

PRINTF(2, 3) static inline void sh(int netns, const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	assert_true(vsnprintf(command, sizeof(command), fmt, ap) < (int)sizeof(command));
	va_end(ap);
	if (sh_run(netns, command, NULL) != 0)
		fail_msg("failed: %s", command);
}

/* The caller frees it. */
static inline char *ruleset(void)
{
	char *text;

	assert_int_equal(sh_run(rig.home, "nft list ruleset", &text), 0);
	return text;
}

/* The same one line for each element, in an order that says nothing. */
static inline char *ruleset_sorted(void)
{
	char *text;

	assert_int_equal(
		sh_run(rig.home,
		       "nft list ruleset | sed 's/elements = { //; s/ }$//' | tr ',' '\\n' | "
		       "sed 's/^[ \t]*//; /^$/d' | sort",
		       &text),
		0);
	return text;
}

static inline bool listed(const char *what)
{
	char *text = ruleset();
	bool found = strstr(text, what) != NULL;

	free(text);
	return found;
}

#define OK(call)                                                                                   \
	do {                                                                                       \
		struct err e = ERR_INIT;                                                           \
		int result = (call);                                                               \
		if (result < 0)                                                                    \
			print_error("%s: %s\n", #call, e.text);                                    \
		assert_int_equal(result, 0);                                                       \
	} while (0)

static inline int netns_new(void)
{
	int fd;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	enter(rig.home);
	return fd;
}

static inline void to_ip(const char *text, int family, void *ret)
{
	assert_int_equal(inet_pton(family, text, ret), 1);
}

/* ---- networks ---- */

static inline void network_init(struct net_network *n, const char *name, const char *interface,
				unsigned number)
{
	char text[64];

	*n = (struct net_network){ .prefix4 = 16, .prefix6 = 64, .nat = true };
	(void)snprintf(n->name.s, sizeof(n->name.s), "%s", name);
	(void)snprintf(n->interface, sizeof(n->interface), "%s", interface);
	(void)snprintf(text, sizeof(text), "10.%u.0.0", number);
	to_ip(text, AF_INET, &n->subnet4);
	(void)snprintf(text, sizeof(text), "10.%u.0.1", number);
	to_ip(text, AF_INET, &n->gateway4);
	(void)snprintf(text, sizeof(text), "fd00:%u::", number);
	to_ip(text, AF_INET6, &n->subnet6);
	(void)snprintf(text, sizeof(text), "fd00:%u::1", number);
	to_ip(text, AF_INET6, &n->gateway6);
}

static inline void network_link(const char *interface, unsigned number)
{
	sh(rig.home,
	   "ip link add %s group %u type bridge && ip addr add 10.%u.0.1/16 dev %s && "
	   "ip addr add fd00:%u::1/64 dev %s nodad && ip addr add fe80::1/64 dev %s nodad && "
	   "ip link set %s up",
	   interface, NET_GROUP, number, interface, number, interface, interface, interface);
}

/* Tables with both networks and nothing else. */
static inline void tables_new(void)
{
	network_init(&rig.front, "front", "jail0", 88);
	network_init(&rig.back, "back", "jn1", 89);
	OK(nft_table_delete(rig.nl, &e));
	OK(nft_table_make(rig.nl, 0, &e));
	OK(nft_network_add(rig.nl, &rig.front, &e));
	OK(nft_network_add(rig.nl, &rig.back, &e));
}

static inline int rig_make(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	rig.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(rig.home >= 0);
	rig.outside = netns_new();
	sh(rig.home,
	   "ip link set lo up && sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
	   "&& "
	   "{ sysctl -qw net.bridge.bridge-nf-call-iptables=0 "
	   "net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || :; } && "
	   "ip link add up0 type veth peer name eth0 netns /proc/%d/fd/%d && "
	   "ip addr add " HOST4 "/24 dev up0 && ip addr add " HOST6 "/64 dev up0 nodad && "
	   "ip link set up0 up",
	   (int)getpid(), rig.outside);
	network_link("jail0", 88);
	network_link("jn1", 89);
	sh(rig.outside,
	   "ip link set lo up && ip addr add " OUTSIDE4 "/24 dev eth0 && "
	   "ip addr add " OUTSIDE6 "/64 dev eth0 nodad && ip link set eth0 up && "
	   "ip route add 10.0.0.0/8 via " HOST4 " && ip route add fd00::/16 via " HOST6);
	assert_int_equal(nft_socket(&rig.nl, &e), 0);
	return 0;
}

/* ---- instances ---- */

/* Only its plan: for the tables. */
static inline struct box *box_plan(unsigned n, const struct net_network *network, bool routed)
{
	struct box *b = &rig.boxes[n];
	unsigned number = network == &rig.front ? 88 : 89;

	memset(b, 0, sizeof(*b));
	b->netns = -EBADF;
	(void)snprintf(b->name.s, sizeof(b->name.s), "web%u", n);
	(void)snprintf(b->id, sizeof(b->id), "%032x", 0xabc0 + n);
	(void)snprintf(b->ip4, sizeof(b->ip4), "10.%u.0.%u", number, 10 + n);
	(void)snprintf(b->ip6, sizeof(b->ip6), "fd00:%u::%x", number, 10 + n);
	net_mac_of(b->id, 0, b->mac);
	b->interface = (struct net_interface){ .network = network, .routed = routed };
	to_ip(b->ip4, AF_INET, &b->interface.address4);
	to_ip(b->ip6, AF_INET6, &b->interface.address6);
	(void)snprintf(b->at.v[0].host_interface, sizeof(b->at.v[0].host_interface), "ve%u", n);
	b->at.v[0].routed = routed;
	b->group = net_group_of("", b->name.s);
	b->plan = (struct net_plan){ .instance = &b->name,
				     .id = b->id,
				     .tenant = "",
				     .interfaces = &b->interface,
				     .n_interfaces = 1,
				     .groups = &b->group,
				     .n_groups = 1 };
	return b;
}

static inline void mac_text(const uint8_t *mac, char ret[static 18])
{
	(void)snprintf(ret, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		       mac[4], mac[5]);
}

/* With its links, and its elements. */
static inline struct box *box_new(unsigned n, const struct net_network *network, bool routed)
{
	struct box *b = box_plan(n, network, routed);
	unsigned number = network == &rig.front ? 88 : 89;
	const char *ve = b->at.v[0].host_interface;
	char mac[18];

	b->netns = netns_new();
	mac_text(b->mac, mac);
	sh(b->netns,
	   "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0");
	sh(rig.home,
	   "ip link add %s group %u type veth peer name eth0 address %s netns /proc/%d/fd/%d && "
	   "sysctl -qw net.ipv6.conf.%s.accept_dad=0 net.ipv6.conf.%s.accept_ra=0",
	   ve, NET_GROUP, mac, (int)getpid(), b->netns, ve, ve);
	if (routed)
		sh(rig.home,
		   "ip link set %s up && ip addr add fe80::1/64 dev %s nodad && "
		   "ip route add %s/32 dev %s && ip -6 route add %s/128 dev %s",
		   ve, ve, b->ip4, ve, b->ip6, ve);
	else
		sh(rig.home,
		   "ip link set %s master %s && bridge link set dev %s isolated on && "
		   "ip link set %s up",
		   ve, network->interface, ve, ve);
	sh(b->netns,
	   "ip link set lo up && ip addr add %s/16 dev eth0 noprefixroute && "
	   "ip addr add %s/64 dev eth0 nodad noprefixroute && ip link set eth0 up && "
	   "ip route add 10.%u.0.1 dev eth0 scope link && ip route add default via 10.%u.0.1 && "
	   "ip -6 route add default via fe80::1 dev eth0",
	   b->ip4, b->ip6, number, number);
	OK(nft_instance_add(rig.nl, &b->plan, &b->at, &e));
	return b;
}

/* Links and elements. */
static inline void box_drop(struct box *b)
{
	OK(nft_instance_delete(rig.nl, &b->plan, &b->at, &e));
	sh(rig.home, "ip link del %s", b->at.v[0].host_interface);
	(void)close(b->netns);
	b->name.s[0] = '\0';
}

/* Another plan in place of the box's; it is the box's from then on. */
static inline void box_change(struct box *b, const struct net_plan *to)
{
	OK(nft_instance_change(rig.nl, &b->plan, &b->at, to, &b->at, &e));
	b->plan = *to;
}

static inline void box_rules(struct box *b, const struct net_rule *rules, size_t n)
{
	struct net_plan to = b->plan;

	assert_true(n <= ARRAY_SIZE(b->rules[0]));
	b->turn = !b->turn;
	if (n > 0)
		memcpy(b->rules[b->turn], rules, n * sizeof(*rules));
	to.rules = b->rules[b->turn];
	to.n_rules = n;
	box_change(b, &to);
}

static inline int test_begin(void **state)
{
	(void)state;
	tables_new();
	return 0;
}

static inline int test_end(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < BOXES_MAX; i++)
		if (rig.boxes[i].name.s[0])
			box_drop(&rig.boxes[i]);
	return 0;
}
#define PACKET_TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)

/* ---- sockets ---- */

struct where {
	struct sockaddr_storage a;
	socklen_t n;
	int family;
};

static inline struct where at_port(const char *address, uint16_t port)
{
	struct where w = { .family = strchr(address, ':') ? AF_INET6 : AF_INET };

	w.a.ss_family = (sa_family_t)w.family;
	if (w.family == AF_INET6) {
		struct sockaddr_in6 *a = (void *)&w.a;

		to_ip(address, AF_INET6, &a->sin6_addr);
		a->sin6_port = htons(port);
		w.n = sizeof(*a);
	} else {
		struct sockaddr_in *a = (void *)&w.a;

		to_ip(address, AF_INET, &a->sin_addr);
		a->sin_port = htons(port);
		w.n = sizeof(*a);
	}
	return w;
}

static inline int socket_in(int netns, int domain, int type, int protocol)
{
	int fd;

	enter(netns);
	fd = socket(domain, type | SOCK_CLOEXEC, protocol);
	enter(rig.home);
	assert_true(fd >= 0);
	return fd;
}

static inline int bound(int netns, int type, const char *address, uint16_t port)
{
	struct where w = at_port(address, port);
	int fd = socket_in(netns, w.family, type, 0), one = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	if (w.family == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&w.a, w.n), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static inline bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* Return: connected fd, or -errno. */
static inline int tcp_connect(int netns, const char *address, uint16_t port, int wait_ms)
{
	struct where w = at_port(address, port);
	int fd = socket_in(netns, w.family, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(error);

	if (connect(fd, (struct sockaddr *)&w.a, w.n) < 0 && errno != EINPROGRESS)
		error = errno;
	else if (poll(&p, 1, wait_ms) != 1)
		error = ETIMEDOUT;
	else
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
	if (error == 0)
		return fd;
	(void)close(fd);
	return -error;
}

/* Connects; the listener sees `peer` (NULL: anybody) as the other side, and can answer. */
static inline void assert_reaches(int netns, const char *address, uint16_t port, int listener,
				  const char *peer)
{
	int client = tcp_connect(netns, address, port, WAIT_MS), server;
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	char text[INET6_ADDRSTRLEN];

	if (client < 0)
		print_error("connect %s:%u: %s\n", address, port, strerror(-client));
	assert_true(client >= 0);
	assert_true(readable(listener, WAIT_MS));
	server = accept4(listener, (struct sockaddr *)&a, &n, SOCK_CLOEXEC);
	assert_true(server >= 0);
	assert_int_equal(
		getnameinfo((struct sockaddr *)&a, n, text, sizeof(text), NULL, 0, NI_NUMERICHOST),
		0);
	if (peer)
		assert_string_equal(text, peer);
	assert_int_equal(write(server, "hello", 5), 5);
	assert_true(readable(client, WAIT_MS));
	(void)close(server);
	(void)close(client);
}

static inline void assert_blocked(int netns, const char *address, uint16_t port)
{
	int fd = tcp_connect(netns, address, port, WAIT_BLOCKED_MS);

	if (fd >= 0)
		print_error("%s:%u was reached\n", address, port);
	assert_int_equal(fd, -ETIMEDOUT);
}

/* An echo request; is there an answer? */
static inline bool ping(int netns, const char *address, int wait_ms)
{
	struct where w = at_port(address, 0);
	uint8_t echo[8] = { 8, 0, 0xf7, 0xf6, 0, 1, 0, 8 }, answer[64];
	int fd;
	bool got;

	if (strncmp(address, "fe80:", 5) == 0) {
		enter(netns);
		((struct sockaddr_in6 *)(void *)&w.a)->sin6_scope_id = if_nametoindex("eth0");
		enter(rig.home);
	}
	sh(netns, "sysctl -qw net.ipv4.ping_group_range='0 0'");
	fd = socket_in(netns, w.family, SOCK_DGRAM,
		       w.family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
	if (w.family == AF_INET6)
		echo[0] = 128;
	got = sendto(fd, echo, sizeof(echo), 0, (struct sockaddr *)&w.a, w.n) == sizeof(echo) &&
	      readable(fd, wait_ms) && recv(fd, answer, sizeof(answer), 0) > 0;
	(void)close(fd);
	return got;
}

/* Takes one datagram off the socket if one comes. */
static inline bool arrives(int fd, int wait_ms)
{
	char text[128];

	return readable(fd, wait_ms) && recv(fd, text, sizeof(text), 0) > 0;
}

#endif
