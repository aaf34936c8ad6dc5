/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host and one instance, in private network namespaces of this process:
 *
 *     host 10.88.0.1, fd00:88::1 --- instance 10.88.0.2, fd00:88::2
 *
 * with a child that stands for the instance's init, and a run directory. Sockets are opened during
 * a visit to a namespace and stay there.
 */
#ifndef JAIL_TESTS_UNIT_PROXY_RIG_H
#define JAIL_TESTS_UNIT_PROXY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/sys.h"
#include "netsetup/port.h"
#include "runtime/proxy.h"
#include "tests/unit/base_tmpdir.h"

#define WAIT_MS 10000
#define WAIT_BLOCKED_MS 250
#define RIG_UID 1342242814u
#define RIG_NAME "proxied"

struct rig {
	int home, inside;
	struct tmpdir *run;
	char libexec[256];
	pid_t init;
	struct jail_name name;
	struct net_port ports[8];
	struct proxy_plan plan;
	struct proxy_place place;
};
static struct rig rig;

static inline void rig_enter(int netns)
{
	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
}

static inline int rig_sh(const char *line)
{
	char sh[] = "sh", flag[] = "-c", command[256], *args[] = { sh, flag, command, NULL };
	int status = -1;
	pid_t pid;

	(void)snprintf(command, sizeof(command), "%s", line);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execv("/bin/sh", args);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void rig_ip(const char *arguments)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "ip %s", arguments);
	assert_int_equal(rig_sh(command), 0);
}

/* The kernel makes the route by which it takes an IPv6 address for its own in a work queue. */
static inline void rig_await_local(const char *address)
{
	char command[256];
	int status = 1;

	(void)snprintf(command, sizeof(command),
		       "ip -6 route show table local | grep -q '^local %s '", address);
	for (int i = 0; i < 1000 && status != 0; i++)
		status = rig_sh(command);
	assert_int_equal(status, 0);
}

static inline int rig_new_netns(void)
{
	int fd;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	rig_ip("link set lo up");
	return fd;
}

static inline int rig_group_setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", rig.libexec, sizeof(rig.libexec) - 1);
	char command[64];

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < 3; i++) /* build/tests/unit/X_test -> build */
		*strrchr(rig.libexec, '/') = '\0';
	rig.inside = rig_new_netns();
	rig.home = rig_new_netns();
	(void)snprintf(command, sizeof(command),
		       "link add v0 type veth peer name v1 netns /proc/%d/fd/%d", getpid(),
		       rig.inside);
	rig_ip(command);
	rig_ip("addr add 10.88.0.1/24 dev v0");
	rig_ip("addr add 10.88.0.9/24 dev v0"); /* so that the source is not the only one */
	rig_ip("addr add fd00:88::1/64 dev v0 nodad");
	rig_ip("addr add fd00:88::9/64 dev v0 nodad");
	rig_ip("link set v0 up");
	rig_enter(rig.inside);
	rig_ip("addr add 10.88.0.2/24 dev v1");
	rig_ip("addr add fd00:88::2/64 dev v1 nodad");
	rig_ip("link set v1 up");
	rig_await_local("fd00:88::2");
	rig_enter(rig.home);
	rig_await_local("fd00:88::1");
	rig_await_local("fd00:88::9");
	return 0;
}

static inline void rig_begin_init(void)
{
	rig.init = fork();
	assert_true(rig.init >= 0);
	if (rig.init == 0) {
		(void)pause();
		_exit(0);
	}
	rig.place.pidfd = sys_pidfd_open(rig.init, 0);
	assert_true(rig.place.pidfd >= 0);
}

static inline int rig_setup(void **state)
{
	assert_int_equal(tmpdir_make((void **)&rig.run), 0);
	(void)snprintf(rig.name.s, sizeof(rig.name.s), RIG_NAME);
	rig.place = (struct proxy_place){ .libexec_dir = rig.libexec, .run = rig.run->fd };
	rig_begin_init();
	rig.plan = (struct proxy_plan){ .instance = &rig.name, .ports = rig.ports, .uid = RIG_UID };
	assert_int_equal(inet_pton(AF_INET, "10.88.0.2", &rig.plan.addresses.v4), 1);
	assert_int_equal(inet_pton(AF_INET6, "fd00:88::2", &rig.plan.addresses.v6), 1);
	assert_int_equal(inet_pton(AF_INET, "10.88.0.1", &rig.plan.gateways.v4), 1);
	assert_int_equal(inet_pton(AF_INET6, "fd00:88::1", &rig.plan.gateways.v6), 1);
	*state = &rig;
	return 0;
}

static inline void rig_end_init(void)
{
	if (rig.init <= 0)
		return;
	assert_int_equal(kill(rig.init, SIGKILL), 0);
	assert_int_equal(waitpid(rig.init, NULL, 0), rig.init);
	rig.init = 0;
	fd_reset(&rig.place.pidfd); /* its number may be that of any other descriptor next */
}

static inline int rig_teardown(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	(void)proxy_stop(rig.run->fd, &e);
	rig_end_init();
	return tmpdir_drop((void **)&rig.run);
}
#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

/* Adds a port to the plan. */
static inline void rig_port(const char *address, uint16_t host, uint16_t port, uint16_t count,
			    uint8_t protocol)
{
	struct net_port *p = &rig.ports[rig.plan.n_ports++];

	*p = (struct net_port){ .family = strchr(address, ':') ? AF_INET6 : AF_INET,
				.host_port = host,
				.port = port,
				.count = count,
				.protocol = protocol };
	assert_int_equal(inet_pton(p->family, address, &p->host_address), 1);
}

static inline void rig_start(void)
{
	struct err e = ERR_INIT;

	if (proxy_start(&rig.place, &rig.plan, &e) < 0)
		fail_msg("%s", e.text);
}

/* Return: how many there are for this instance; *ret is one of them. */
static inline unsigned rig_proxies(pid_t *ret)
{
	CLEANUP_DIR DIR *d = opendir("/proc");
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d));) {
		char path[300], line[64] = "";

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		if (file_peek_at(AT_FDCWD, path, line, sizeof(line)) <= 0 ||
		    memcmp(line, "jail-proxy\0" RIG_NAME, sizeof("jail-proxy " RIG_NAME)) != 0)
			continue;
		assert_int_equal(sscanf(entry->d_name, "%d", ret), 1);
		n++;
	}
	return n;
}

/* Waits for those that are just ending. Return: the one that is there; 0 if none is wanted. */
static inline pid_t rig_proxy(unsigned wanted)
{
	pid_t pid = 0;

	for (int i = 0; i < WAIT_MS / 10 && rig_proxies(&pid) != wanted; i++)
		(void)poll(NULL, 0, 10);
	assert_int_equal(rig_proxies(&pid), wanted);
	return pid;
}

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t n;
};

static inline struct address address_of(const char *text, uint16_t port)
{
	struct address a;

	memset(&a, 0, sizeof(a));
	if (strchr(text, ':')) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
		a.n = sizeof(a.v6);
	} else {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, text, &a.v4.sin_addr), 1);
		a.n = sizeof(a.v4);
	}
	return a;
}

static inline void assert_ip(const struct address *a, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(a->any.sa_family,
				  a->any.sa_family == AF_INET6 ? (const void *)&a->v6.sin6_addr
							       : &a->v4.sin_addr,
				  text, sizeof(text)));
	assert_string_equal(text, expected);
}

static inline uint16_t port_of(const struct address *a)
{
	return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

/* A server's socket in the instance. */
static inline int rig_serve(const char *address, uint16_t port, int type)
{
	struct address a = address_of(address, port);
	int fd, on = 1;

	rig_enter(rig.inside);
	fd = socket(a.any.sa_family, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, &a.any, a.n), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	rig_enter(rig.home);
	return fd;
}

static inline int rig_connect(const char *address, uint16_t port, int type)
{
	struct address a = address_of(address, port);
	int fd = socket(a.any.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, &a.any, a.n) < 0) {
		int code = errno;

		(void)close(fd);
		return -code;
	}
	return fd;
}

static inline bool rig_wait(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) == 1;
}

static inline int rig_accept(int server, struct address *ret)
{
	int fd;

	assert_true(rig_wait(server, POLLIN, WAIT_MS));
	memset(ret, 0, sizeof(*ret));
	ret->n = sizeof(ret->v6);
	fd = accept4(server, &ret->any, &ret->n, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline void rig_say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything that was sent is in the other end's queue. */
static inline void rig_wait_arrived(int fd)
{
	int left = 1;

	for (int i = 0; i < WAIT_MS && left > 0; i++) {
		assert_int_equal(ioctl(fd, SIOCOUTQ, &left), 0);
		if (left > 0)
			(void)poll(NULL, 0, 1);
	}
	assert_int_equal(left, 0);
}

/* Exactly these bytes come next; "" is the end. */
static inline void rig_hear(int fd, const char *expected)
{
	char text[256] = "";
	size_t n = 0;

	do {
		ssize_t got;

		assert_true(rig_wait(fd, POLLIN, WAIT_MS));
		got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
		assert_true(got >= 0);
		n += (size_t)got;
		if (got == 0)
			break;
	} while (n < strlen(expected));
	text[n] = '\0';
	assert_string_equal(text, expected);
}

/* The connection was reset. */
static inline void rig_hear_reset(int fd)
{
	char c;

	assert_true(rig_wait(fd, POLLIN, WAIT_MS));
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

struct pair {
	int client, server;
};

static inline void pair_close(struct pair *p)
{
	fd_reset(&p->client);
	fd_reset(&p->server);
}
#define CLEANUP_PAIR CLEANUP(pair_close)

/* A connection through the proxy, both ends. */
static inline struct pair pair_make(const char *to, uint16_t port, int server, const char *seen)
{
	struct pair p = { rig_connect(to, port, SOCK_STREAM), -EBADF };
	struct address from;

	if (p.client < 0)
		fail_msg("connect to %s: %s", to, strerror(-p.client));
	p.server = rig_accept(server, &from);
	assert_ip(&from, seen);
	return p;
}

static inline unsigned ticks_of(pid_t pid)
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

#endif
