/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has which published port. */
#include "base_tmpdir.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>

#include "base/lease.h"
#include "netsetup/port_priv.h"

static struct jail_name name(const char *text)
{
	struct err e = ERR_INIT;
	struct jail_name n = { .s = "" };

	assert_int_equal(name_parse("test", text, &n, &e), 0);
	return n;
}

/* A port that nobody listens on, with a socket that keeps it; *ret_port in host byte order. */
static int free_port(int type, uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

/* Listens on one loopback address. Return: fd; -1 without that family. */
static int listener(int family, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_addr = in6addr_loopback,
				   .sin6_port = htons(port) };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET)
		assert_int_equal(bind(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
	else
		assert_int_equal(bind(fd, (struct sockaddr *)&v6, sizeof(v6)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* address: "" = every one of both families. */
static struct net_port range(uint16_t host_port, uint16_t count, const char *address)
{
	struct net_port p = { .family = AF_UNSPEC,
			      .host_port = host_port,
			      .port = 80,
			      .count = count,
			      .protocol = IPPROTO_TCP };

	if (address[0]) {
		p.family = strchr(address, ':') ? AF_INET6 : AF_INET;
		assert_int_equal(inet_pton(p.family, address, &p.host_address), 1);
	}
	return p;
}

static struct net_port tcp(uint16_t host_port, const char *address)
{
	return range(host_port, 1, address);
}

/* First of `count` ports that nobody listens on. */
static uint16_t free_range(unsigned count)
{
	for (unsigned first = 20000; first < 30000; first += count) {
		struct net_port p = range((uint16_t)first, (uint16_t)count, "");
		struct err e = ERR_INIT;

		if (port_check_host(&p, &e) == 0)
			return (uint16_t)first;
	}
	fail_msg("no %u free ports", count);
	return 0;
}

static size_t entries(const struct tmpdir *t)
{
	char path[80];
	size_t n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s", t->path);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *ent; (ent = readdir(d));)
		n += ent->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void test_lease(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db"), holder = { .s = "" };
	struct err e = ERR_INIT;
	struct net_port two[2];
	uint16_t port;
	char key[32], expected[128];

	(void)close(free_port(SOCK_STREAM, &port));
	two[0] = tcp(port, "");
	two[1] = two[0];
	two[1].protocol = IPPROTO_UDP;
	assert_int_equal(net_ports_lease(t->fd, two, 2, &web, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, two, 2, &web, &e), 0);
	(void)snprintf(key, sizeof(key), "tcp-%u", port);
	assert_int_equal(lease_holder(t->fd, key, &holder), 0);
	assert_string_equal(holder.s, "web");
	assert_int_equal(net_ports_lease(t->fd, &two[1], 1, &db, &e), -EADDRINUSE);
	(void)snprintf(expected, sizeof(expected), "port %u/udp is already published by web", port);
	assert_string_equal(e.text, expected);
	net_ports_release(t->fd, two, 2, &db); /* not the owner */
	assert_int_equal(entries(t), 2);
	net_ports_release(t->fd, two, 2, &web);
	assert_int_equal(entries(t), 0);
}

static void test_lease_all_or_none(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db");
	struct err e = ERR_INIT;
	struct net_port three[3];
	uint16_t port[3];
	int fds[3];

	for (size_t i = 0; i < 3; i++)
		fds[i] = free_port(SOCK_STREAM, &port[i]);
	for (size_t i = 0; i < 3; i++) {
		(void)close(fds[i]);
		three[i] = tcp(port[i], i == 1 ? "127.0.0.1" : "");
	}
	assert_int_equal(net_ports_lease(t->fd, &three[2], 1, &db, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, three, 3, &web, &e), -EADDRINUSE);
	assert_int_equal(entries(t), 1);
}

/* Each pair, by two owners, in both orders; and again after the first one has released. */
static void test_lease_pairs(void **state)
{
	static const struct {
		const char *a;
		unsigned a_offset, a_count;
		const char *b;
		unsigned b_offset, b_count;
		bool collide;
	} cases[] = {
		{ "", 0, 1, "", 0, 1, true },
		{ "", 0, 1, "127.0.0.1", 0, 1, true },
		{ "", 0, 1, "0.0.0.0", 0, 1, true },
		{ "", 0, 1, "::", 0, 1, true },
		{ "", 0, 1, "::1", 0, 1, true },
		{ "", 0, 1, "", 1, 1, false },
		{ "0.0.0.0", 0, 1, "127.0.0.1", 0, 1, true },
		{ "0.0.0.0", 0, 1, "::", 0, 1, false },
		{ "0.0.0.0", 0, 1, "::1", 0, 1, false },
		{ "::", 0, 1, "::1", 0, 1, true },
		{ "127.0.0.1", 0, 1, "127.0.0.1", 0, 1, true },
		{ "127.0.0.1", 0, 1, "127.0.0.2", 0, 1, false },
		{ "127.0.0.1", 0, 1, "::1", 0, 1, false },
		{ "", 0, 10, "", 9, 1, true },
		{ "", 0, 10, "", 10, 1, false },
		{ "", 0, 10, "127.0.0.1", 5, 1, true },
		{ "", 0, 10, "::1", 0, 1, true },
		{ "", 0, 10, "", 5, 10, true },
		{ "", 0, 10, "", 10, 10, false },
		{ "", 0, 10, "", 0, 10, true },
		{ "127.0.0.1", 0, 10, "127.0.0.2", 0, 10, false },
		{ "127.0.0.1", 0, 10, "127.0.0.2", 3, 1, false },
		{ "127.0.0.1", 0, 10, "127.0.0.1", 3, 1, true },
		{ "127.0.0.1", 0, 10, "0.0.0.0", 3, 1, true },
		{ "127.0.0.1", 0, 10, "", 3, 1, true },
		{ "127.0.0.1", 0, 10, "::", 3, 1, false },
		{ "0.0.0.0", 0, 10, "::", 0, 10, false },
		{ "::", 0, 10, "::1", 9, 2, true },
	};
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db");
	uint16_t first = free_range(20);

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		size_t c = i / 2;
		struct net_port a = range((uint16_t)(first + cases[c].a_offset),
					  (uint16_t)cases[c].a_count, cases[c].a);
		struct net_port b = range((uint16_t)(first + cases[c].b_offset),
					  (uint16_t)cases[c].b_count, cases[c].b);
		const struct net_port *one = i % 2 ? &a : &b, *two = i % 2 ? &b : &a;
		struct err e = ERR_INIT;
		int r;

		if (net_ports_lease(t->fd, one, 1, &web, &e) < 0)
			fail_msg("%zu: %s", i, e.text);
		r = net_ports_lease(t->fd, two, 1, &db, &e);
		if (r != (cases[c].collide ? -EADDRINUSE : 0) ||
		    (r < 0 && !strstr(e.text, "is already published by web")))
			fail_msg("%zu: %d %s", i, r, e.text);
		net_ports_release(t->fd, one, 1, &web);
		e = ERR_INIT;
		if (net_ports_lease(t->fd, two, 1, &db, &e) < 0)
			fail_msg("%zu, after the release: %s", i, e.text);
		net_ports_release(t->fd, two, 1, &db);
		assert_int_equal(entries(t), 0);
	}
}

/* The message names the one port of a range that is taken. */
static void test_lease_range_message(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db");
	uint16_t first = free_range(20);
	struct net_port ten = range(first, 10, ""), one = tcp((uint16_t)(first + 7), "::1");
	struct net_port other = range((uint16_t)(first + 9), 2, "127.0.0.1");
	struct err e = ERR_INIT;
	char expected[128];

	assert_int_equal(net_ports_lease(t->fd, &one, 1, &web, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, &ten, 1, &db, &e), -EADDRINUSE);
	(void)snprintf(expected, sizeof(expected), "port %u/tcp is already published by web",
		       first + 7);
	assert_string_equal(e.text, expected);
	net_ports_release(t->fd, &one, 1, &web);
	e = ERR_INIT;
	assert_int_equal(net_ports_lease(t->fd, &ten, 1, &db, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, &other, 1, &web, &e), -EADDRINUSE);
	(void)snprintf(expected, sizeof(expected),
		       "port 127.0.0.1:%u-%u/tcp is already published by db", first + 9,
		       first + 10);
	assert_string_equal(e.text, expected);
}

/* A range has its lease in a pool of its own, which gc can go through. */
static void test_lease_range_pool(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db"), holder = { .s = "" };
	uint16_t first = free_range(20);
	struct net_port two[2] = { range(first, 10, ""), range((uint16_t)(first + 10), 10, "::1") };
	struct err e = ERR_INIT;
	char key[64];
	int pool;

	assert_int_equal(net_ports_open_ranges(t->fd), -ENOENT);
	assert_int_equal(net_ports_lease(t->fd, two, 2, &web, &e), 0);
	pool = net_ports_open_ranges(t->fd);
	assert_true(pool >= 0);
	(void)snprintf(key, sizeof(key), "tcp-%u-%u", first, first + 9);
	assert_int_equal(lease_holder(pool, key, &holder), 0);
	assert_string_equal(holder.s, "web");
	(void)snprintf(key, sizeof(key), "tcp-%u-%u-::1", first + 10, first + 19);
	assert_int_equal(lease_holder(pool, key, &holder), 0);
	net_ports_release(t->fd, two, 2, &db); /* not the owner */
	assert_int_equal(lease_holder(pool, key, &holder), 0);
	/* gc has dropped one: the other's release leaves nothing. */
	assert_int_equal(lease_drop(pool, key, &web), 0);
	(void)close(pool);
	net_ports_release(t->fd, two, 2, &web);
	assert_int_equal(entries(t), 0);
}

/* What a running instance has stays its own when a longer list fails, and when part of it goes. */
static void test_lease_change(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db"), holder = { .s = "" };
	uint16_t first = free_range(20);
	struct net_port old[3] = { tcp(first, ""), tcp((uint16_t)(first + 1), "127.0.0.1"),
				   range((uint16_t)(first + 2), 3, "") };
	struct net_port new[3] = { old[0], old[2], tcp((uint16_t)(first + 9), "") };
	struct err e = ERR_INIT;
	char key[32];
	int fd;

	assert_int_equal(net_ports_lease(t->fd, &new[2], 1, &db, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, old, 3, &web, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, new, 3, &web, &e), -EADDRINUSE);
	assert_int_equal(entries(t), 5); /* db's, web's two, a hint, ranges */
	net_ports_release(t->fd, &new[2], 1, &db);
	e = ERR_INIT;
	new[0].port = 81; /* leads elsewhere: the same lease */
	assert_int_equal(net_ports_lease(t->fd, new, 3, &web, &e), 0);
	net_ports_release_others(t->fd, old, 3, new, 3, &web);
	assert_int_equal(entries(t), 3);
	(void)snprintf(key, sizeof(key), "tcp-%u", first);
	assert_int_equal(lease_holder(t->fd, key, &holder), 0);
	/* Also one that could not be had now. */
	fd = listener(AF_INET, first);
	assert_int_equal(net_ports_lease(t->fd, new, 3, &web, &e), -EADDRINUSE);
	assert_int_equal(lease_holder(t->fd, key, &holder), 0);
	(void)close(fd);
	net_ports_release(t->fd, new, 3, &web);
	assert_int_equal(entries(t), 0);
}

/* A proxy of the owner's own listens on what it has published on the loopback. */
static void test_lease_own_proxy(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web");
	struct err e = ERR_INIT;
	struct net_port one;
	uint16_t port;
	int fd;

	(void)close(free_port(SOCK_STREAM, &port));
	one = tcp(port, "127.0.0.1");
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &web, &e), 0);
	fd = listener(AF_INET, port);
	assert_true(fd >= 0);
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &web, &e), 0);
	net_ports_release(t->fd, &one, 1, &web);
	/* Without a lease from before it is a stranger. */
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &web, &e), -EADDRINUSE);
	(void)close(fd);
}

/* Both forms for one owner. */
static void test_lease_both_forms(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web");
	struct net_port any, one;
	struct err e = ERR_INIT;
	uint16_t port;

	(void)close(free_port(SOCK_STREAM, &port));
	any = tcp(port, "");
	one = tcp(port, "127.0.0.1");
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &web, &e), 0);
	net_ports_release(t->fd, &one, 1, &web);
	net_ports_release(t->fd, &any, 1, &web);
	assert_int_equal(entries(t), 0);
}

/* A lease that gc dropped leaves its hint: it means nothing. */
static void test_lease_stale_hint(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db");
	struct err e = ERR_INIT;
	struct net_port any, one;
	uint16_t port;
	char key[48];

	(void)close(free_port(SOCK_STREAM, &port));
	any = tcp(port, "");
	one = tcp(port, "127.0.0.1");
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &db, &e), 0);
	(void)snprintf(key, sizeof(key), "tcp-%u-127.0.0.1", port);
	assert_int_equal(lease_drop(t->fd, key, &db), 0);
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), 0);
}

static void test_lease_twice(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web");
	struct err e = ERR_INIT;
	struct net_port two[2];
	uint16_t port;

	(void)close(free_port(SOCK_STREAM, &port));
	two[0] = two[1] = tcp(port, "");
	two[1] = tcp(port, "::1"); /* covered by the other */
	assert_int_equal(net_ports_lease(t->fd, two, 2, &web, &e), -EINVAL);
	assert_non_null(strstr(e.text, "listed twice"));
	assert_int_equal(entries(t), 0);
}

static void test_lease_host_listens(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web");
	struct net_port any;
	uint16_t port;
	int fd = free_port(SOCK_STREAM, &port);
	struct err e = ERR_INIT;

	any = tcp(port, "");
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "a process of this host listens there"));
	assert_non_null(strstr(e.hint, "another port"));
	assert_int_equal(entries(t), 0);
	(void)close(fd);
	e = ERR_INIT;
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), 0);
	net_ports_release(t->fd, &any, 1, &web);
	fd = free_port(SOCK_DGRAM, &port);
	any = tcp(port, "");
	any.protocol = IPPROTO_UDP;
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRINUSE);
	(void)close(fd);
	e = ERR_INIT;
	any = tcp(port, "192.0.2.77");
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRNOTAVAIL);
	assert_non_null(strstr(e.text, "this host has no address 192.0.2.77"));
	e = ERR_INIT;
	any = tcp(port, "2001:db8::77");
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRNOTAVAIL);
	assert_non_null(strstr(e.text, "this host has no address 2001:db8::77"));
	assert_int_equal(entries(t), 0);
}

/* Who listens on IPv6 alone, and in the middle of a range. */
static void test_lease_host_listens_ipv6(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web");
	uint16_t first = free_range(10);
	struct net_port both = range(first, 10, ""), four = range(first, 10, "0.0.0.0");
	struct net_port six = range(first, 10, "::");
	struct err e = ERR_INIT;
	char expected[64];
	int fd = listener(AF_INET6, (uint16_t)(first + 4));

	if (fd < 0)
		skip(); /* a kernel without IPv6 */
	assert_int_equal(net_ports_lease(t->fd, &both, 1, &web, &e), -EADDRINUSE);
	(void)snprintf(expected, sizeof(expected), "port %u/tcp is in use", first + 4);
	assert_non_null(strstr(e.text, expected));
	assert_int_equal(entries(t), 0);
	/* What listens in the other family is not in the way. */
	e = ERR_INIT;
	assert_int_equal(net_ports_lease(t->fd, &four, 1, &web, &e), 0);
	net_ports_release(t->fd, &four, 1, &web);
	(void)close(fd);
	fd = listener(AF_INET, (uint16_t)(first + 4));
	assert_int_equal(net_ports_lease(t->fd, &six, 1, &web, &e), 0);
	(void)close(fd);
}

/* With or without SCTP in this kernel. */
static void test_lease_sctp(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db");
	struct net_port one = tcp(free_range(1), "");
	struct err e = ERR_INIT;

	one.protocol = IPPROTO_SCTP;
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &web, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &db, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "/sctp is already published by web"));
	net_ports_release(t->fd, &one, 1, &web);
	assert_int_equal(entries(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_lease),
		TMPDIR_TEST(test_lease_all_or_none),
		TMPDIR_TEST(test_lease_pairs),
		TMPDIR_TEST(test_lease_range_message),
		TMPDIR_TEST(test_lease_range_pool),
		TMPDIR_TEST(test_lease_change),
		TMPDIR_TEST(test_lease_own_proxy),
		TMPDIR_TEST(test_lease_both_forms),
		TMPDIR_TEST(test_lease_stale_hint),
		TMPDIR_TEST(test_lease_twice),
		TMPDIR_TEST(test_lease_host_listens),
		TMPDIR_TEST(test_lease_host_listens_ipv6),
		TMPDIR_TEST(test_lease_sctp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
