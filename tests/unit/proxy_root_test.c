/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports on loopback: what arrives in the instance and how it looks there, and jail-proxy's life. */
#include "cmd/jail-proxy/pump.c"

#include "tests/unit/proxy_rig.h"

#include <ctype.h>
#include <sys/resource.h>

struct pair {
	int client, server;
};

static void pair_close(struct pair *p)
{
	fd_reset(&p->client);
	fd_reset(&p->server);
}
#define CLEANUP_PAIR CLEANUP(pair_close)

/* A connection through the proxy, both ends. */
static struct pair pair_make(const char *to, uint16_t port, int server, const char *seen)
{
	struct pair p = { rig_connect(to, port, SOCK_STREAM), -EBADF };
	struct address from;

	if (p.client < 0)
		fail_msg("connect to %s: %s", to, strerror(-p.client));
	p.server = rig_accept(server, &from);
	assert_ip(&from, seen);
	return p;
}

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
	assert_true(client >= 0);
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

static unsigned ticks_of(pid_t pid)
{
	char path[64], text[512];
	unsigned long user = 0, kernel = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	assert_true(file_peek_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	assert_int_equal(sscanf(strrchr(text, ')') + 2,
				"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
				&kernel),
			 2);
	return (unsigned)(user + kernel);
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

static void test_conflict(void **state)
{
	CLEANUP_FD int other = -EBADF;
	struct err e = ERR_INIT;
	struct address a = address_of("127.0.0.1", 8082);

	(void)state;
	other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(other, &a.any, a.n), 0);
	assert_int_equal(listen(other, 1), 0);
	rig_port("127.0.0.1", 8080, 80, 4, IPPROTO_TCP);
	assert_int_equal(proxy_start(&rig.place, &rig.plan, &e), -EADDRINUSE);
	assert_string_equal(e.text, "network.ports: listen on port 127.0.0.1:8082/tcp: "
				    "Address already in use");
	assert_non_null(strstr(e.hint, "publish another port"));
	(void)rig_proxy(0);
	/* Nothing of it is left. */
	assert_int_equal(rig_connect("127.0.0.1", 8080, SOCK_STREAM), -ECONNREFUSED);
}

static void test_refusals(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	rig_port("127.0.0.1", 10000, 10000, 1025, IPPROTO_TCP);
	assert_int_equal(proxy_start(&rig.place, &rig.plan, &e), -E2BIG);
	rig.plan.n_ports = 0;
	rig_port("::1", 8080, 80, 1, IPPROTO_UDP);
	rig.plan.addresses = (struct net_addresses){ 0 };
	e = ERR_INIT;
	assert_int_equal(proxy_start(&rig.place, &rig.plan, &e), -EADDRNOTAVAIL);
	assert_string_equal(e.text,
			    "network.ports: port [::1]:8080/udp: instance proxied has no address");
	rig.plan.addresses.v4.s_addr = htonl(0x0a580002);
	rig.place.libexec_dir = "/nowhere";
	e = ERR_INIT;
	assert_int_equal(proxy_start(&rig.place, &rig.plan, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nowhere/jail-proxy"));
	/* A program that can't run as asked is an error, not a silence. */
	rig.place.libexec_dir = rig.libexec;
	rig.plan.uid = 0;
	e = ERR_INIT;
	assert_true(proxy_start(&rig.place, &rig.plan, &e) < 0);
	assert_non_null(strstr(e.text, "jail-proxy"));
	(void)rig_proxy(0);
	/* Nothing to do. */
	rig.plan.n_ports = 0;
	e = ERR_INIT;
	assert_int_equal(proxy_start(&rig.place, &rig.plan, &e), 0);
	assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
}

static void test_change(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM), other = -EBADF;
	CLEANUP_FD int second = rig_serve("10.88.0.2", 81, SOCK_STREAM);
	CLEANUP_PAIR struct pair stays = { -EBADF, -EBADF }, goes = { -EBADF, -EBADF };
	CLEANUP_PAIR struct pair later = { -EBADF, -EBADF };
	struct proxy_plan from, to;
	struct net_port ports[3];
	struct err e = ERR_INIT;
	struct address a = address_of("127.0.0.1", 8089);
	pid_t proxy;

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_port("127.0.0.1", 8081, 80, 1, IPPROTO_TCP);
	from = rig.plan;
	rig_start();
	proxy = rig_proxy(1);
	stays = pair_make("127.0.0.1", 8080, server, "10.88.0.1");
	goes = pair_make("127.0.0.1", 8081, server, "10.88.0.1");
	/* Not possible: all as before. */
	other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(other, &a.any, a.n), 0);
	assert_int_equal(listen(other, 1), 0);
	memcpy(ports, rig.ports, sizeof(ports));
	ports[1].host_port = 8089;
	to = from;
	to.ports = ports;
	assert_int_equal(proxy_change(&rig.place, &from, &to, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "127.0.0.1:8089/tcp"));
	rig_say(goes.client, "still");
	rig_hear(goes.server, "still");
	/* Possible: 8081 goes, 8082 comes, 8080 does not notice. */
	ports[1].host_port = 8082;
	e = ERR_INIT;
	assert_int_equal(proxy_change(&rig.place, &from, &to, &e), 0);
	rig_hear_reset(goes.client);
	assert_int_equal(rig_connect("127.0.0.1", 8081, SOCK_STREAM), -ECONNREFUSED);
	rig_say(stays.client, "here");
	rig_hear(stays.server, "here");
	later = pair_make("127.0.0.1", 8082, server, "10.88.0.1");
	assert_int_equal(rig_proxy(1), proxy);
	/* The same port with another target. */
	memcpy(rig.ports, ports, sizeof(ports));
	rig.ports[1].port = 81;
	assert_int_equal(proxy_change(&rig.place, &to, &from, &e), 0);
	pair_close(&later);
	later = pair_make("127.0.0.1", 8082, second, "10.88.0.1");
	/* None at all, and again some. */
	to.n_ports = 0;
	assert_int_equal(proxy_change(&rig.place, &from, &to, &e), 0);
	assert_int_equal(rig_connect("127.0.0.1", 8080, SOCK_STREAM), -ECONNREFUSED);
	assert_int_equal(proxy_change(&rig.place, &to, &from, &e), 0);
	pair_close(&later);
	later = pair_make("127.0.0.1", 8082, second, "10.88.0.1");
}

static void status_of(pid_t pid, const char *field, char ret[static 256])
{
	char path[64], text[4096], *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_true(file_peek_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	at = strstr(text, field);
	assert_non_null(at);
	at += strlen(field);
	at += strspn(at, " \t");
	(void)snprintf(ret, 256, "%.*s", (int)strcspn(at, "\n"), at);
}

static void wait_end(pid_t proxy)
{
	CLEANUP_FD int fd = sys_pidfd_open(proxy, 0);

	assert_true(fd >= 0 || errno == ESRCH);
	if (fd >= 0)
		assert_true(rig_wait(fd, POLLIN, WAIT_MS));
}

/* With the init; what that has said last is still heard. */
static void test_end(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM);
	CLEANUP_PAIR struct pair p = { -EBADF, -EBADF };
	struct err e = ERR_INIT;
	pid_t proxy;

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	proxy = rig_proxy(1);
	assert_true(proxy > 0);
	p = pair_make("127.0.0.1", 8080, server, "10.88.0.1");
	/* It learns of both at once, and of the end first. */
	assert_int_equal(kill(proxy, SIGSTOP), 0);
	for (char text[256] = ""; text[0] != 'T';)
		status_of(proxy, "\nState:", text);
	rig_end_init();
	rig_say(p.server, "last words");
	assert_int_equal(kill(proxy, SIGCONT), 0);
	rig_hear(p.client, "last words");
	wait_end(proxy);
	/* Whether it has ended or not yet, its port is free after a stop, and its start leaves us
	 * no child. */
	assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
	rig_start();
	assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Killed, it leaves a socket that nobody answers at. */
static void test_killed(void **state)
{
	struct err e = ERR_INIT;
	pid_t proxy;

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	for (int i = 0; i < 20; i++) {
		rig_start();
		assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
	}
	rig_start();
	proxy = rig_proxy(1);
	assert_int_equal(kill(proxy, SIGKILL), 0);
	wait_end(proxy);
	assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
	rig_start();
}

static void test_rights(void **state)
{
	static const char *const none[] = { "\nCapInh:", "\nCapPrm:", "\nCapEff:", "\nCapAmb:" };
	char text[256], path[64], ids[64];
	unsigned fds = 0;
	struct stat st;
	pid_t proxy;

	(void)state;
	rig_port("127.0.0.1", 8080, 80, 3, IPPROTO_TCP);
	rig_start();
	proxy = rig_proxy(1);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		status_of(proxy, none[i], text);
		assert_string_equal(text, "0000000000000000");
	}
	(void)snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", RIG_UID, RIG_UID, RIG_UID, RIG_UID);
	status_of(proxy, "\nUid:", text);
	assert_string_equal(text, ids);
	status_of(proxy, "\nGid:", text);
	assert_string_equal(text, ids);
	status_of(proxy, "\nGroups:", text);
	assert_true(text[0] == '\0' || isspace((unsigned char)text[0]));
	status_of(proxy, "\nNoNewPrivs:", text);
	assert_string_equal(text, "1");
	status_of(proxy, "\nSigIgn:", text);
	assert_string_equal(text, "0000000000001000"); /* SIGPIPE */
	status_of(proxy, "\nSigBlk:", text);
	assert_string_equal(text, "0000000000000000");
	status_of(proxy, "\nPPid:", text);
	(void)snprintf(ids, sizeof(ids), "%d", getpid());
	assert_string_not_equal(text, ids);
	status_of(proxy, "\nVmRSS:", text);
	print_message("resident: %s\n", text);
	/* Not dumpable: its files in /proc are root's, whatever its id. */
	(void)snprintf(path, sizeof(path), "/proc/%d/environ", proxy);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	/* /dev/null, pidfd, control socket, epoll, and the ports. */
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", proxy);
	CLEANUP_DIR DIR *d = opendir(path);
	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d));)
		fds += entry->d_name[0] != '.';
	assert_in_range(fds, 3 + 2 + 1 + 3,
			3 + 2 + 1 + 3 + 1); /* and a client that is just leaving */
}

static void message_pair(int ret[2])
{
	int small = 1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(setsockopt(ret[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
				 0);
}

/* As SCTP goes: one message stays one, also when it can't be sent at once. */
static void test_messages(void **state)
{
	static char room[PUMP_CHUNK];
	struct direction d;
	char text[4096];
	int in[2], out[2], sent = 0, heard = 0;

	(void)state;
	message_pair(in);
	message_pair(out);
	pump_init(&d, room);
	for (int round = 0; round < 200; round++) {
		int n = snprintf(text, sizeof(text), "%d %*s", sent, sent % 700, "");

		if (send(in[0], text, (size_t)n + 1, MSG_DONTWAIT) > 0)
			sent++;
		assert_true(pump_run(&d, in[1], out[1]));
		if (round % 3 == 0 && recv(out[0], text, sizeof(text), MSG_DONTWAIT) > 0) {
			assert_int_equal(strlen(text),
					 snprintf(NULL, 0, "%d %*s", heard, heard % 700, ""));
			heard++;
		}
	}
	assert_true(sent > heard + 1 && d.fill > 0);
	assert_int_equal(shutdown(in[0], SHUT_WR), 0);
	for (;;) {
		ssize_t n = recv(out[0], text, sizeof(text), MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n > 0) {
			int number = -1;

			assert_int_equal(sscanf(text, "%d", &number), 1);
			assert_int_equal(number, heard);
			heard++;
		}
		assert_true(pump_run(&d, in[1], out[1]));
	}
	assert_int_equal(heard, sent);
	for (int i = 0; i < 2; i++) {
		(void)close(in[i]);
		(void)close(out[i]);
	}
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
		RIG_TEST(test_conflict),
		RIG_TEST(test_refusals),
		RIG_TEST(test_change),
		RIG_TEST(test_end),
		RIG_TEST(test_killed),
		RIG_TEST(test_rights),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
