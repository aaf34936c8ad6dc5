/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports on loopback: what arrives in the instance, and how it looks there. */
#include "tests/unit/proxy_rig.h"

#include <sys/resource.h>

/* Rows 72, 74: whichever families meet, the instance sees the gateway. */
static void families(const char *listen, bool v4, bool v6, const char *target, const char *seen)
{
	CLEANUP_FD int server = rig_serve(target, 80, SOCK_STREAM);
	CLEANUP_PAIR struct pair p = { -EBADF, -EBADF };
	struct err e = ERR_INIT;

	if (!v4)
		rig.plan.addresses.v4.s_addr = 0;
	if (!v6)
		memset(&rig.plan.addresses.v6, 0, sizeof(rig.plan.addresses.v6));
	rig_port(listen, 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	p = pair_make(listen, 8080, server, seen);
	rig_say(p.client, "question");
	rig_hear(p.server, "question");
	rig_say(p.server, "answer");
	rig_hear(p.client, "answer");
	/* Each half ends by itself. */
	assert_int_equal(shutdown(p.client, SHUT_WR), 0);
	rig_hear(p.server, "");
	rig_say(p.server, "and more");
	rig_hear(p.client, "and more");
	fd_reset(&p.server);
	rig_hear(p.client, "");
	assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
}

static void test_4_to_4(void **state)
{
	(void)state;
	families("127.0.0.1", true, true, "10.88.0.2", "10.88.0.1");
}

static void test_6_to_6(void **state)
{
	(void)state;
	families("::1", true, true, "fd00:88::2", "fd00:88::1");
}

static void test_4_to_6(void **state)
{
	(void)state;
	families("127.1.2.3", false, true, "fd00:88::2", "fd00:88::1");
}

static void test_6_to_4(void **state)
{
	(void)state;
	families("::1", true, false, "10.88.0.2", "10.88.0.1");
}

/* Row 72: only from the host; and only what is on loopback is ours. */
static void test_from_elsewhere(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM), own = -EBADF;

	(void)state;
	assert_true(server >= 0);
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_port("10.88.0.1", 8081, 80, 1, IPPROTO_TCP);
	rig_start();
	rig_enter(rig.inside);
	assert_int_equal(rig_connect("10.88.0.1", 8080, SOCK_STREAM), -ECONNREFUSED);
	rig_enter(rig.home);
	assert_int_equal(rig_connect("10.88.0.1", 8080, SOCK_STREAM), -ECONNREFUSED);
	assert_int_equal(rig_connect("10.88.0.1", 8081, SOCK_STREAM), -ECONNREFUSED);
	own = rig_connect("127.0.0.1", 8080, SOCK_STREAM);
	assert_true(own >= 0);
}

static void test_nobody_inside(void **state)
{
	CLEANUP_FD int client = -EBADF;

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	client = rig_connect("127.0.0.1", 8080, SOCK_STREAM);
	/* With one CPU the proxy may have broken it before connect() looks. */
	if (client != -ECONNRESET)
		rig_hear_reset(client);
}

/* A connection that breaks on one side breaks on the other. */
static void test_reset(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM);
	CLEANUP_PAIR struct pair p = { -EBADF, -EBADF };
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	p = pair_make("127.0.0.1", 8080, server, "10.88.0.1");
	rig_say(p.client, "x");
	rig_hear(p.server, "x");
	assert_int_equal(setsockopt(p.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	fd_reset(&p.client);
	rig_hear_reset(p.server);
}

/* The sum of all bytes of a stream of known content. */
static void send_much(int fd, size_t n)
{
	static uint32_t block[16384];
	uint32_t word = 0;

	for (size_t done = 0; done < n; done += sizeof(block)) {
		for (size_t i = 0; i < ARRAY_SIZE(block); i++)
			block[i] = word++ * 2654435761u;
		if (fd_write_all(fd, block, sizeof(block)) < 0)
			_exit(1);
	}
	_exit(shutdown(fd, SHUT_WR) < 0);
}

static void check_much(int fd, size_t n)
{
	uint32_t word = 0, got = 0;
	size_t have = 0, total = 0;
	static uint8_t buffer[200001];

	for (;;) {
		ssize_t r = recv(fd, buffer, sizeof(buffer), 0);

		if (r <= 0) {
			assert_int_equal(r, 0);
			break;
		}
		for (ssize_t i = 0; i < r; i++) {
			memcpy((uint8_t *)&got + have, &buffer[i], 1);
			if (++have == sizeof(got)) {
				assert_int_equal(got, word * 2654435761u);
				word++;
				have = 0;
			}
		}
		total += (size_t)r;
	}
	assert_int_equal(total, n);
}

/* Whoever does not read stops the other; nothing is lost, and nobody spins meanwhile. */
static void test_much(void **state)
{
	const size_t n = 48u << 20;
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM);
	CLEANUP_PAIR struct pair p = { -EBADF, -EBADF };
	pid_t up, down, proxy;
	unsigned before;
	int status;

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	p = pair_make("127.0.0.1", 8080, server, "10.88.0.1");
	proxy = rig_proxy(1);
	assert_true(proxy > 0);
	up = fork();
	if (up == 0)
		send_much(p.client, n);
	down = fork();
	if (down == 0)
		send_much(p.server, n);
	/* All buffers fill, then nothing moves. */
	do {
		before = ticks_of(proxy);
		(void)poll(NULL, 0, WAIT_BLOCKED_MS);
	} while (ticks_of(proxy) - before > 2 && waitpid(up, NULL, WNOHANG) == 0);
	before = ticks_of(proxy);
	(void)poll(NULL, 0, 2 * WAIT_BLOCKED_MS);
	assert_true(ticks_of(proxy) - before <= 2);
	assert_int_equal(waitpid(up, NULL, WNOHANG), 0); /* it is held up */
	check_much(p.server, n);
	/* One direction has ended, the other is still full. */
	before = ticks_of(proxy);
	(void)poll(NULL, 0, 2 * WAIT_BLOCKED_MS);
	assert_true(ticks_of(proxy) - before <= 2);
	check_much(p.client, n);
	assert_int_equal(waitpid(up, &status, 0), up);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(down, &status, 0), down);
	assert_int_equal(status, 0);
}

static void test_bound(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM), waits = -EBADF,
		       in = -EBADF;
	CLEANUP_PAIR struct pair a = { -EBADF, -EBADF }, b = { -EBADF, -EBADF };
	struct address from;
	unsigned before;
	pid_t proxy;

	(void)state;
	rig.plan.connections = 2;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	proxy = rig_proxy(1);
	a = pair_make("127.0.0.1", 8080, server, "10.88.0.1");
	b = pair_make("127.0.0.1", 8080, server, "10.88.0.1");
	waits = rig_connect("127.0.0.1", 8080, SOCK_STREAM);
	assert_true(waits >= 0);
	rig_say(waits, "patient");
	before = ticks_of(proxy);
	assert_false(rig_wait(server, POLLIN, 2 * WAIT_BLOCKED_MS));
	assert_true(ticks_of(proxy) - before <= 2);
	pair_close(&a);
	in = rig_accept(server, &from);
	rig_hear(in, "patient");
	rig_say(b.client, "as before");
	rig_hear(b.server, "as before");
}

/* As the proxy's own user: root without CAP_SYS_RESOURCE may not. */
static void limit_files(pid_t pid, rlim_t n)
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit limit;

		if (setresgid(RIG_UID, RIG_UID, RIG_UID) < 0 ||
		    setresuid(RIG_UID, RIG_UID, RIG_UID) < 0 ||
		    prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0)
			_exit(1);
		limit.rlim_cur = n;
		_exit(prlimit(pid, RLIMIT_NOFILE, &limit, NULL) < 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Without descriptors it waits, does not spin, and goes on when there are some. */
static void test_no_files(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM), client = -EBADF,
		       in = -EBADF;
	struct address from;
	unsigned before;
	pid_t proxy;

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	proxy = rig_proxy(1);
	limit_files(proxy, 6);
	client = rig_connect("127.0.0.1", 8080, SOCK_STREAM);
	assert_true(client >= 0);
	rig_say(client, "patient");
	before = ticks_of(proxy);
	assert_false(rig_wait(server, POLLIN, 2 * WAIT_BLOCKED_MS));
	assert_true(ticks_of(proxy) - before <= 2);
	limit_files(proxy, 64);
	in = rig_accept(server, &from);
	rig_hear(in, "patient");
}

static uint16_t udp_hear(int fd, const char *expected, const char *from, struct address *ret)
{
	char text[64] = "";

	assert_true(rig_wait(fd, POLLIN, WAIT_MS));
	memset(ret, 0, sizeof(*ret));
	ret->n = sizeof(ret->v6);
	assert_true(recvfrom(fd, text, sizeof(text) - 1, 0, &ret->any, &ret->n) >= 0);
	assert_string_equal(text, expected);
	assert_ip(ret, from);
	return port_of(ret);
}

static void test_udp(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 53, SOCK_DGRAM);
	CLEANUP_FD int one = -EBADF, two = -EBADF;
	struct address from1, from2, from;
	static int others[1024];
	uint16_t first;

	(void)state;
	rig_port("127.0.0.1", 5353, 53, 1, IPPROTO_UDP);
	rig_start();
	one = rig_connect("127.0.0.1", 5353, SOCK_DGRAM);
	two = rig_connect("127.0.0.1", 5353, SOCK_DGRAM);
	rig_say(one, "from one");
	first = udp_hear(server, "from one", "10.88.0.1", &from1);
	rig_say(two, "from two");
	assert_int_not_equal(udp_hear(server, "from two", "10.88.0.1", &from2), first);
	/* Answers go to whom they are for, in whatever order; also an empty one. */
	assert_int_equal(sendto(server, "to two", 6, 0, &from2.any, from2.n), 6);
	assert_int_equal(sendto(server, "to one", 6, 0, &from1.any, from1.n), 6);
	assert_int_equal(sendto(server, "", 0, 0, &from1.any, from1.n), 0);
	(void)udp_hear(one, "to one", "127.0.0.1", &from);
	(void)udp_hear(one, "", "127.0.0.1", &from);
	(void)udp_hear(two, "to two", "127.0.0.1", &from);
	rig_say(one, "again");
	assert_int_equal(udp_hear(server, "again", "10.88.0.1", &from), first);
	/* 1024 others: whoever was silent for longest is new when he comes back. */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 4096, 4096 }), 0);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = rig_connect("127.0.0.1", 5353, SOCK_DGRAM);
		rig_say(others[i], "other");
		(void)udp_hear(server, "other", "10.88.0.1", &from);
	}
	assert_int_equal(sendto(server, "late", 4, 0, &from1.any, from1.n), 4);
	rig_say(one, "back");
	(void)udp_hear(server, "back", "10.88.0.1", &from);
	assert_int_equal(sendto(server, "found", 5, 0, &from.any, from.n), 5);
	(void)udp_hear(one, "found", "127.0.0.1", &from);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		(void)close(others[i]);
}

/* What nobody inside listened to does not stand in the way of what comes later. */
static void test_udp_refused(void **state)
{
	CLEANUP_FD int one = -EBADF, server = -EBADF;
	struct address from;

	(void)state;
	rig_port("::1", 5353, 53, 1, IPPROTO_UDP);
	rig_start();
	one = rig_connect("::1", 5353, SOCK_DGRAM);
	rig_say(one, "lost");
	rig_say(one, "lost");
	(void)poll(NULL, 0, WAIT_BLOCKED_MS);
	server = rig_serve("fd00:88::2", 53, SOCK_DGRAM);
	rig_say(one, "heard");
	(void)udp_hear(server, "heard", "fd00:88::1", &from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_4_to_4),
		RIG_TEST(test_6_to_6),
		RIG_TEST(test_4_to_6),
		RIG_TEST(test_6_to_4),
		RIG_TEST(test_from_elsewhere),
		RIG_TEST(test_nobody_inside),
		RIG_TEST(test_reset),
		RIG_TEST(test_much),
		RIG_TEST(test_bound),
		RIG_TEST(test_no_files),
		RIG_TEST(test_udp),
		RIG_TEST(test_udp_refused),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
