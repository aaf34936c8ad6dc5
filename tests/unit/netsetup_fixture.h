/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small internet for the tests of netsetup/, all in private namespaces of this process:
 *
 *     outside 192.0.2.2 --- 192.0.2.1 host 10.88.0.1 --- jail0 --- instances 10.88.0.x
 *             2001:db8::2   2001:db8::1    fd88::1                           fd88::x
 *
 * There are no helper processes: a socket is opened during a visit to a namespace and stays there.
 * What must not arrive is waited for WAIT_BLOCKED_MS; what must arrive, at most WAIT_MS.
 */
#ifndef JAIL_TESTS_UNIT_NETSETUP_FIXTURE_H
#define JAIL_TESTS_UNIT_NETSETUP_FIXTURE_H

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
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "netsetup/network.h"
#include "netsetup/port.h"

#define WAIT_MS 3000
#define WAIT_BLOCKED_MS 250
#define HOST_ADDRESS "192.0.2.1"
#define OUTSIDE_ADDRESS "192.0.2.2"
#define GATEWAY "10.88.0.1"
#define HOST_ADDRESS6 "2001:db8::1"
#define OUTSIDE_ADDRESS6 "2001:db8::2"
#define GATEWAY6 "fd88::1"
#define INSTANCES_MAX 64
#define NETWORKS_MAX 3

struct instance {
	struct jail_name name;
	char id[33];
	int netns;
	struct net_interface interfaces[NET_INTERFACES_MAX];
	size_t n_interfaces;
	struct net_attachment at;
	struct net_port ports[4];
	size_t n_ports;
	struct net_rule rules[4];
	size_t n_rules;
};

struct world {
	int home, outside;
	/* default: jail0, 10.88.0.0/16, fd88::/64; other: jail1, 10.89.0.0/24, fd89::/64 */
	struct net_network networks[NETWORKS_MAX];
	struct instance instances[INSTANCES_MAX]; /* in use: a name */
};

static struct world w;

static inline struct in_addr ip(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static inline struct in6_addr ip6(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline void enter(int netns)
{
	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
}

/* Runs a shell command line in a namespace. Return: its exit status. */
PRINTF(2, 3) static inline int sh_status(int netns, const char *fmt, ...)
{
	char command[1024];
	va_list ap;
	int status;
	pid_t pid;

	va_start(ap, fmt);
	assert_true(vsnprintf(command, sizeof(command), fmt, ap) < (int)sizeof(command));
	va_end(ap);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setns(netns, CLONE_NEWNET) < 0)
			_exit(125);
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define sh(netns, ...) assert_int_equal(sh_status(netns, __VA_ARGS__), 0)

/* What a command prints, in a static buffer. */
static inline const char *sh_output(int netns, const char *command)
{
	static char out[1 << 20];
	size_t n = 0;
	int pipefd[2], status;
	pid_t pid;

	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setns(netns, CLONE_NEWNET) < 0 || dup2(pipefd[1], 1) < 0)
			_exit(125);
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(126);
	}
	(void)close(pipefd[1]);
	for (;;) {
		ssize_t got = read(pipefd[0], out + n, sizeof(out) - 1 - n);

		assert_true(got >= 0);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	out[n] = '\0';
	(void)close(pipefd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return out;
}

static inline int netns_new(void)
{
	int fd;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	enter(w.home);
	return fd;
}

static inline struct net_network network_of(const char *name, const char *interface,
					    const char *prefix4, const char *prefix6)
{
	struct net_network n = { .prefix4 = 16, .prefix6 = 64, .isolated = true, .nat = true };
	char text[64];

	(void)snprintf(n.name.s, sizeof(n.name.s), "%s", name);
	(void)snprintf(n.interface, sizeof(n.interface), "%s", interface);
	(void)snprintf(text, sizeof(text), "%s.0.0", prefix4);
	n.subnet4 = ip(text);
	(void)snprintf(text, sizeof(text), "%s.0.1", prefix4);
	n.gateway4 = ip(text);
	(void)snprintf(text, sizeof(text), "%s::", prefix6);
	n.subnet6 = ip6(text);
	(void)snprintf(text, sizeof(text), "%s::1", prefix6);
	n.gateway6 = ip6(text);
	return n;
}

static inline int world_make(void **state)
{
	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	w.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(w.home >= 0);
	w.outside = netns_new();
	w.networks[0] = network_of("default", "jail0", "10.88", "fd88");
	w.networks[1] = network_of("other", "jail1", "10.89", "fd89");
	w.networks[2] = network_of("third", "jail2", "10.90", "fd90");
	sh(w.home,
	   "ip link set lo up && ip link add up0 type veth peer name eth0 netns /proc/%d/fd/%d && "
	   "ip addr add " HOST_ADDRESS "/24 dev up0 && ip link set up0 up && "
	   "ip addr add " HOST_ADDRESS6 "/64 dev up0 nodad",
	   (int)getpid(), w.outside);
	/* On in new namespaces where br_netfilter is part of the kernel; one test turns it on. */
	(void)sh_status(w.home, "sysctl -q -w net.bridge.bridge-nf-call-iptables=0 "
				"net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null");
	sh(w.outside, "ip link set lo up && ip addr add " OUTSIDE_ADDRESS
		      "/24 dev eth0 && ip link set eth0 up && "
		      "ip addr add " OUTSIDE_ADDRESS6 "/64 dev eth0 nodad && "
		      "for n in 88 89 90; do ip route add 10.$n.0.0/16 via " HOST_ADDRESS
		      " && ip route add fd$n::/64 via " HOST_ADDRESS6 "; done");
	return 0;
}

static inline int world_drop(void **state)
{
	(void)state;
	(void)close(w.outside);
	(void)close(w.home);
	return 0;
}

/* ---- instances ---- */

static inline struct net_plan plan_of(const struct instance *i)
{
	return (struct net_plan){
		.instance = &i->name,
		.id = i->id,
		.tenant = "",
		.interfaces = i->interfaces,
		.n_interfaces = i->n_interfaces,
		.ports = i->ports,
		.n_ports = i->n_ports,
		.rules = i->rules,
		.n_rules = i->n_rules,
	};
}

static inline void add_port(struct instance *i, const char *text)
{
	struct err e = ERR_INIT;

	assert_int_equal(net_port_parse(text, &i->ports[i->n_ports++], &e), 0);
}

/* ethN on the network; addresses: 2 + n of its subnets. */
static inline void add_interface(struct instance *i, unsigned n, const struct net_network *network)
{
	struct net_interface *added = &i->interfaces[i->n_interfaces++];

	*added = (struct net_interface){ .network = network };
	if (network->prefix4)
		added->address4.s_addr = htonl(ntohl(network->subnet4.s_addr) + 2 + n);
	if (network->prefix6) {
		added->address6 = network->subnet6;
		added->address6.s6_addr[14] = (uint8_t)((2 + n) >> 8);
		added->address6.s6_addr[15] = (uint8_t)(2 + n);
	}
}

/* The instance webN, with one interface on the default network. */
static inline struct instance *instance_new(unsigned n)
{
	struct instance *i = &w.instances[n];

	*i = (struct instance){ .netns = netns_new() };
	(void)snprintf(i->name.s, sizeof(i->name.s), "web%u", n);
	(void)snprintf(i->id, sizeof(i->id), "0123456789abcdef0123456789ab%04x", n);
	add_interface(i, n, &w.networks[0]);
	return i;
}

static inline void mac_of(const struct instance *i, uint8_t ret[static 6])
{
	net_mac_of(i->id, 0, ret);
}

/* "02:..", in a static buffer. */
static inline const char *mac_text(const struct instance *i, unsigned number)
{
	static char text[18];
	uint8_t m[6];

	net_mac_of(i->id, number, m);
	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		       m[4], m[5]);
	return text;
}

static inline const char *host_interface(const struct instance *i)
{
	return i->at.v[0].host_interface;
}

static inline void attach(struct instance *i)
{
	struct net_plan plan = plan_of(i);
	struct err e = ERR_INIT;
	int r = net_attach(&plan, i->netns, &i->at, &e);

	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
}

static inline void detach(struct instance *i)
{
	struct net_plan plan = plan_of(i);
	struct err e = ERR_INIT;
	int r = net_detach(&plan, &i->at, &e);

	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
}

static inline void ensure_n(size_t n, int expected)
{
	struct err e = ERR_INIT;
	int r = net_host_ensure(w.networks, n, &e);

	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, expected);
}

static inline void ensure(int expected)
{
	ensure_n(1, expected);
}

/* Waits until the kernel has taken down what belonged to closed namespaces. */
static inline void wait_no_veth(void)
{
	int tries;

	for (tries = 0; tries < 300; tries++) {
		if (sh_status(w.home, "grep -q '^ *v[es][0-9a-f]\\{12\\}:' /proc/net/dev") != 0)
			return;
		(void)usleep(10000);
	}
	fail_msg("a veth is left");
}

/* Until a link that nobody waits for is deleted. */
static inline void wait_no_link(const char *name)
{
	for (int tries = 0; tries < 300; tries++) {
		if (sh_status(w.home, "grep -q '^ *%s:' /proc/net/dev", name) != 0)
			return;
		(void)usleep(10000);
	}
	fail_msg("%s is left", name);
}

/* The same by an altname. */
static inline void wait_no_veth_of(const char *altname)
{
	for (int tries = 0; tries < 300; tries++) {
		if (sh_status(w.home, "ip link show '%s' >/dev/null 2>&1", altname) != 0)
			return;
		(void)usleep(10000);
	}
	fail_msg("%s is left", altname);
}

/* ---- sockets ---- */

static inline int socket_in(int netns, int domain, int type, int protocol)
{
	int fd;

	enter(netns);
	fd = socket(domain, type | SOCK_CLOEXEC, protocol);
	enter(w.home);
	assert_true(fd >= 0);
	return fd;
}

struct address {
	struct sockaddr_storage s;
	socklen_t n;
	int family;
};

/* Of either family. */
static inline struct address at_port(const char *text, uint16_t port)
{
	struct address a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (a.family == AF_INET) {
		struct sockaddr_in in = { .sin_family = AF_INET,
					  .sin_addr = ip(text),
					  .sin_port = htons(port) };

		memcpy(&a.s, &in, sizeof(in));
		a.n = sizeof(in);
	} else {
		struct sockaddr_in6 in = { .sin6_family = AF_INET6,
					   .sin6_addr = ip6(text),
					   .sin6_port = htons(port) };

		memcpy(&a.s, &in, sizeof(in));
		a.n = sizeof(in);
	}
	return a;
}

/* As seen in the namespace: a link-local address is one of its eth0. */
static inline struct address address_in(int netns, const char *text, uint16_t port)
{
	struct address a = at_port(text, port);
	struct sockaddr_in6 in;

	if (a.family != AF_INET6)
		return a;
	memcpy(&in, &a.s, sizeof(in));
	if (!IN6_IS_ADDR_LINKLOCAL(&in.sin6_addr))
		return a;
	enter(netns);
	in.sin6_scope_id = if_nametoindex("eth0");
	enter(w.home);
	memcpy(&a.s, &in, sizeof(in));
	return a;
}

static inline const struct sockaddr *sa(const struct address *a)
{
	return (const struct sockaddr *)&a->s;
}

static inline int bound(int netns, int type, const char *address, uint16_t port)
{
	struct address a = at_port(address, port);
	int fd = socket_in(netns, a.family, type, 0), one = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	if (a.family == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, sa(&a), a.n), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static inline bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* Return: connected fd, -ETIMEDOUT after wait_ms, or what connect(2) said. */
static inline int tcp_connect(int netns, const char *address, uint16_t port, int wait_ms)
{
	struct address a = address_in(netns, address, port);
	int fd = socket_in(netns, a.family, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(error);

	if (connect(fd, sa(&a), a.n) < 0 && errno != EINPROGRESS) {
		error = errno;
	} else if (poll(&p, 1, wait_ms) != 1) {
		error = ETIMEDOUT;
	} else {
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
	}
	if (error == 0)
		return fd;
	(void)close(fd);
	return -error;
}

/* Connects, and the listener sees `peer` as the other side. */
static inline void assert_reaches(int netns, const char *address, uint16_t port, int listener,
				  const char *peer)
{
	int client = tcp_connect(netns, address, port, WAIT_MS), server;
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE];
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	if (client < 0)
		print_error("connect %s:%u: %s\n", address, port, strerror(-client));
	assert_true(client >= 0);
	assert_true(readable(listener, WAIT_MS));
	server = accept4(listener, (struct sockaddr *)&a, &n, SOCK_CLOEXEC);
	assert_true(server >= 0);
	assert_int_equal(
		getnameinfo((struct sockaddr *)&a, n, text, sizeof(text), NULL, 0, NI_NUMERICHOST),
		0);
	assert_string_equal(text, peer);
	/* And the way back works: */
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

static inline uint16_t checksum(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n % 2)
		sum += (uint32_t)(p[n - 1] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* An echo that is answered. Of IPv6 the kernel fills in the checksum, and takes the header off. */
static inline bool ping(int netns, const char *address, int wait_ms)
{
	struct address a = address_in(netns, address, 0);
	bool four = a.family == AF_INET;
	struct icmphdr echo = { .type = four ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
				.un.echo = { .id = 7, .sequence = 9 } };
	int fd = socket_in(netns, a.family, SOCK_RAW, four ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	bool answered = false;
	char packet[256];

	if (four)
		echo.checksum = checksum(&echo, sizeof(echo));
	if (sendto(fd, &echo, sizeof(echo), 0, sa(&a), a.n) < 0) {
		(void)close(fd);
		return false;
	}
	while (!answered && readable(fd, wait_ms)) {
		ssize_t n = recv(fd, packet, sizeof(packet), 0);

		answered = four ? n >= 28 && packet[20] == ICMP_ECHOREPLY
				: n >= 8 && (uint8_t)packet[0] == ICMP6_ECHO_REPLY;
	}
	(void)close(fd);
	return answered;
}

/* ---- frames ---- */

/* Sends one frame out of an instance's eth0 as it is. */
static inline void send_frame(int netns, const void *frame, size_t n)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int fd = socket_in(netns, AF_PACKET, SOCK_RAW, 0);

	enter(netns);
	to.sll_ifindex = (int)if_nametoindex("eth0");
	enter(w.home);
	assert_true(to.sll_ifindex > 0);
	assert_int_equal(sendto(fd, frame, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
	(void)close(fd);
}

/* Of an interface of the host. */
static inline void interface_mac(const char *name, uint8_t ret[static 6])
{
	struct ifreq request = { .ifr_name = "" };
	int fd = socket_in(w.home, AF_INET, SOCK_DGRAM, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
	memcpy(ret, request.ifr_hwaddr.sa_data, 6);
	(void)close(fd);
}

struct udp4_frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	char text[6];
} __attribute__((packed));

struct udp6_frame {
	struct ethhdr eth;
	struct ip6_hdr ip;
	struct udphdr udp;
	char text[6];
} __attribute__((packed));

static inline struct udphdr hello_udp(uint16_t port)
{
	return (struct udphdr){ .uh_sport = htons(4000),
				.uh_dport = htons(port),
				.uh_ulen = htons(14) };
}

static inline void send_udp4(int netns, const uint8_t *mac, const uint8_t *gateway,
			     const char *source, const char *to, uint16_t port)
{
	struct udp4_frame f = {
		.eth = { .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP },
		.udp = hello_udp(port),
		.text = "hello",
	};

	memcpy(f.eth.h_source, mac, 6);
	memcpy(f.eth.h_dest, gateway, 6);
	f.ip.tot_len = htons(sizeof(f) - sizeof(f.eth));
	f.ip.saddr = ip(source).s_addr;
	f.ip.daddr = ip(to).s_addr;
	f.ip.check = checksum(&f.ip, sizeof(f.ip));
	send_frame(netns, &f, sizeof(f));
}

/* The checksum of an IPv6 packet's content. */
static inline uint16_t checksum6(const void *header, const void *content, size_t n)
{
	struct ip6_hdr h;
	struct {
		struct in6_addr from, to;
		uint32_t n, next;
		uint8_t content[256];
	} pseudo = { .n = htonl((uint32_t)n) };

	assert_true(n <= sizeof(pseudo.content));
	memcpy(&h, header, sizeof(h));
	pseudo.from = h.ip6_src;
	pseudo.to = h.ip6_dst;
	pseudo.next = htonl(h.ip6_nxt);
	memcpy(pseudo.content, content, n);
	return checksum(&pseudo, offsetof(__typeof__(pseudo), content) + n);
}

static inline void send_udp6(int netns, const uint8_t *mac, const uint8_t *gateway,
			     const char *source, const char *to, uint16_t port)
{
	struct udp6_frame f = {
		.eth = { .h_proto = htons(ETH_P_IPV6) },
		.udp = hello_udp(port),
		.text = "hello",
	};
	const size_t n = sizeof(f.udp) + sizeof(f.text);

	memcpy(f.eth.h_source, mac, 6);
	memcpy(f.eth.h_dest, gateway, 6);
	f.ip.ip6_flow = htonl(6u << 28);
	f.ip.ip6_plen = htons((uint16_t)n);
	f.ip.ip6_nxt = IPPROTO_UDP;
	f.ip.ip6_hlim = 64;
	f.ip.ip6_src = ip6(source);
	f.ip.ip6_dst = ip6(to);
	f.udp.uh_sum = checksum6(&f.ip, &f.udp, n);
	send_frame(netns, &f, sizeof(f));
}

/* A UDP datagram "hello" with the given source MAC and address, of either family, to the host's
 * interface `by`. */
static inline void send_udp_by(int netns, const char *by, const uint8_t *mac, const char *source,
			       const char *to, uint16_t port)
{
	uint8_t gateway[6];

	interface_mac(by, gateway);
	if (strchr(source, ':'))
		send_udp6(netns, mac, gateway, source, to, port);
	else
		send_udp4(netns, mac, gateway, source, to, port);
}

static inline void send_udp_from(int netns, const uint8_t *mac, const char *source, const char *to,
				 uint16_t port)
{
	send_udp_by(netns, "jail0", mac, source, to, port);
}

/* Takes one datagram off the socket if one comes. */
static inline bool arrives(int fd, int wait_ms)
{
	char text[64];

	if (!readable(fd, wait_ms))
		return false;
	assert_true(recv(fd, text, sizeof(text), 0) > 0);
	return true;
}

#endif
