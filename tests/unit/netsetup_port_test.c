/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports: their text, and who has which. */
#include "base_tmpdir.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>

#include "base/lease.h"
#include "netsetup/network.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text, *address;
		uint16_t host_port, port;
		uint8_t protocol;
	} good[] = {
		{ "8080:80", "0.0.0.0", 8080, 80, IPPROTO_TCP },
		{ "8080:80/tcp", "0.0.0.0", 8080, 80, IPPROTO_TCP },
		{ "53:5353/udp", "0.0.0.0", 53, 5353, IPPROTO_UDP },
		{ "1:65535", "0.0.0.0", 1, 65535, IPPROTO_TCP },
		{ "192.0.2.7:8080:80/udp", "192.0.2.7", 8080, 80, IPPROTO_UDP },
		{ "0.0.0.0:8080:80", "0.0.0.0", 8080, 80, IPPROTO_TCP },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct net_port port = { .port = 0 };
		struct err e = ERR_INIT;
		char text[INET_ADDRSTRLEN];

		assert_int_equal(net_port_parse(good[i].text, &port, &e), 0);
		assert_int_equal(e.code, 0);
		assert_string_equal(inet_ntop(AF_INET, &port.host_address, text, sizeof(text)),
				    good[i].address);
		assert_int_equal(port.host_port, good[i].host_port);
		assert_int_equal(port.port, good[i].port);
		assert_int_equal(port.protocol, good[i].protocol);
	}
}

static void test_parse_bad(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *part; /* of the error */
	} bad[] = {
		{ "", -EINVAL, "expected [ADDRESS:]HOST_PORT:PORT" },
		{ "80", -EINVAL, "expected [ADDRESS:]HOST_PORT:PORT" },
		{ ":80", -EINVAL, "port \":80\"" },
		{ "80:", -EINVAL, "port \"80:\"" },
		{ "0:80", -ERANGE, "port \"0:80\"" },
		{ "80:0", -ERANGE, "port \"80:0\"" },
		{ "65536:80", -ERANGE, "65536" },
		{ "99999999999999999999:80", -ERANGE, "99999999999999999999" },
		{ "-1:80", -EOPNOTSUPP, "ranges are not supported yet" },
		{ "+1:80", -EINVAL, "+1" },
		{ " 8080:80", -EINVAL, "port" },
		{ "8080:80 ", -EINVAL, "port" },
		{ "08:80", -EINVAL, "08" },
		{ "8080:80/", -EINVAL, "unknown protocol \"\"" },
		{ "8080:80/TCP", -EINVAL, "unknown protocol \"TCP\"" },
		{ "8080:80/tcp/udp", -EINVAL, "unknown protocol \"tcp/udp\"" },
		{ "8080:80/sctp", -EOPNOTSUPP, "SCTP is not supported yet" },
		{ "8000-8010:80", -EOPNOTSUPP, "ranges are not supported yet" },
		{ "8000:80-90", -EOPNOTSUPP, "ranges are not supported yet" },
		{ "127.0.0.1:8080:80", -EOPNOTSUPP, "loopback address is not supported yet" },
		{ "127.3.2.1:8080:80", -EOPNOTSUPP, "loopback address is not supported yet" },
		{ "[::1]:8080:80", -EOPNOTSUPP, "IPv6 is not supported yet" },
		{ "::1:8080:80", -EINVAL, "\"::1\" is not an IPv4 address" },
		{ "224.0.0.1:8080:80", -EINVAL, "not an address of a host" },
		{ "255.255.255.255:8080:80", -EINVAL, "not an address of a host" },
		{ "1.2.3:8080:80", -EINVAL, "\"1.2.3\" is not an IPv4 address" },
		{ "localhost:8080:80", -EINVAL, "\"localhost\" is not an IPv4 address" },
		{ ":8080:80", -EINVAL, "\"\" is not an IPv4 address" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789", -EINVAL,
		  "too long" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct net_port port = { .port = 7 };
		struct err e = ERR_INIT;

		if (net_port_parse(bad[i].text, &port, &e) != bad[i].r ||
		    !strstr(e.text, bad[i].part))
			fail_msg("\"%s\": %d %s", bad[i].text, -e.code, e.text);
		assert_int_equal(port.port, 7);
	}
}

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

static struct net_port tcp(uint16_t host_port, const char *address)
{
	struct net_port p = { .host_port = host_port, .port = 80, .protocol = IPPROTO_TCP };

	assert_int_equal(inet_pton(AF_INET, address, &p.host_address), 1);
	return p;
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
	two[0] = tcp(port, "0.0.0.0");
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
		three[i] = tcp(port[i], i == 1 ? "127.0.0.1" : "0.0.0.0");
	}
	assert_int_equal(net_ports_lease(t->fd, &three[2], 1, &db, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, three, 3, &web, &e), -EADDRINUSE);
	assert_int_equal(entries(t), 1);
}

static void test_lease_wildcard(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db"), mail = name("mail");
	struct net_port any, one, other;
	struct err e = ERR_INIT;
	char expected[128];
	uint16_t port;

	(void)close(free_port(SOCK_STREAM, &port));
	any = tcp(port, "0.0.0.0");
	one = tcp(port, "127.0.0.1");
	other = tcp(port, "127.0.0.2");
	/* One on all, then one on an address: refused; and the other way round. */
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &db, &e), -EADDRINUSE);
	(void)snprintf(expected, sizeof(expected),
		       "port 127.0.0.1:%u/tcp is already published by web", port);
	assert_string_equal(e.text, expected);
	assert_int_equal(entries(t), 1);
	net_ports_release(t->fd, &any, 1, &web);
	e = ERR_INIT;
	assert_int_equal(net_ports_lease(t->fd, &one, 1, &db, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, &other, 1, &mail, &e), 0);
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "is already published by "));
	/* The last one on an address is in the way as the first was. */
	net_ports_release(t->fd, &one, 1, &db);
	e = ERR_INIT;
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "by mail"));
	net_ports_release(t->fd, &other, 1, &mail);
	assert_int_equal(entries(t), 0);
	e = ERR_INIT;
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), 0);
	/* Both forms for one owner. */
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
	any = tcp(port, "0.0.0.0");
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
	two[0] = two[1] = tcp(port, "0.0.0.0");
	two[1].port = 81;
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

	any = tcp(port, "0.0.0.0");
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
	any = tcp(port, "0.0.0.0");
	any.protocol = IPPROTO_UDP;
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRINUSE);
	(void)close(fd);
	e = ERR_INIT;
	any = tcp(port, "192.0.2.77");
	assert_int_equal(net_ports_lease(t->fd, &any, 1, &web, &e), -EADDRNOTAVAIL);
	assert_non_null(strstr(e.text, "this host has no address 192.0.2.77"));
	assert_int_equal(entries(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	  cmocka_unit_test(test_parse_bad),
		TMPDIR_TEST(test_lease),	  TMPDIR_TEST(test_lease_all_or_none),
		TMPDIR_TEST(test_lease_wildcard), TMPDIR_TEST(test_lease_stale_hint),
		TMPDIR_TEST(test_lease_twice),	  TMPDIR_TEST(test_lease_host_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
