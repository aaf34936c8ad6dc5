/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How jail-proxy starts, changes and ends, and what it could do. */
#include "tests/unit/proxy_rig.h"

#include <ctype.h>
#include <sched.h>

#include "tests/unit/inject.h"

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

/* Return: its pid, when it doesn't run any more. */
static pid_t freeze_proxy(void)
{
	pid_t proxy = rig_proxy(1);

	assert_int_equal(kill(proxy, SIGSTOP), 0);
	for (char text[256] = ""; text[0] != 'T';)
		status_of(proxy, "\nState:", text);
	return proxy;
}

/* The proxy, frozen when the init ended, learns of both at once, and of the end first. */
static void say_last_words(const struct pair *p, pid_t proxy)
{
	rig_say(p->server, "last words");
	rig_wait_arrived(p->server);
	assert_int_equal(kill(proxy, SIGCONT), 0);
	rig_hear(p->client, "last words");
	wait_end(proxy);
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
	p = pair_make("127.0.0.1", 8080, server, "10.88.0.1");
	proxy = freeze_proxy();
	rig_end_init();
	say_last_words(&p, proxy);
	/* Whether it has ended or not yet, its port is free after a stop, and its start leaves us
	 * no child. */
	assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
	rig_begin_init();
	rig_start();
	assert_int_equal(proxy_stop(rig.run->fd, &e), 0);
	rig_end_init();
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* The same before it has seen that the instance took the connection. */
static void test_end_connecting(void **state)
{
	CLEANUP_FD int server = rig_serve("10.88.0.2", 80, SOCK_STREAM);
	CLEANUP_FD int filler = rig_connect("10.88.0.2", 80, SOCK_STREAM), filled = -EBADF;
	CLEANUP_PAIR struct pair p = { -EBADF, -EBADF };
	struct address from;
	pid_t proxy;

	(void)state;
	assert_true(filler >= 0);
	rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
	rig_start();
	/* A full queue lets the proxy wait for its next SYN, which comes a second later. */
	assert_int_equal(listen(server, 0), 0);
	p.client = rig_connect("127.0.0.1", 8080, SOCK_STREAM);
	assert_true(p.client >= 0);
	while (rig_sh("ss -Hnt state syn-sent dst 10.88.0.2 | grep -q .") != 0)
		(void)poll(NULL, 0, 1);
	proxy = freeze_proxy();
	rig_end_init();
	filled = rig_accept(server, &from);
	p.server = rig_accept(server, &from);
	say_last_words(&p, proxy);
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

/* What somebody would try whose code it runs. */
static void test_attempts(void **state)
{
	static const struct {
		const char *what, *path;
		long nr, args[6];
	} attempts[] = {
		{ "open", "/etc/passwd", SYS_openat, { AT_FDCWD } },
		{ "execute", NULL, SYS_execve, { 0 } },
		{ "signal", NULL, SYS_kill, { 1, 0 } },
		{ "unix socket", NULL, SYS_socket, { AF_UNIX, SOCK_STREAM } },
		{ "netlink socket", NULL, SYS_socket, { AF_NETLINK, SOCK_RAW } },
		{ "socket option", NULL, SYS_setsockopt, { 3, SOL_SOCKET, SO_MARK } },
		{ "code", NULL, SYS_mprotect, { 0x400000, 4096, 7 } },
		{ "user namespace", NULL, SYS_unshare, { CLONE_NEWUSER } },
	};

	(void)state;
	if (inject_is_sanitized())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		long got;
		pid_t proxy;

		rig.plan.n_ports = 0;
		rig_port("127.0.0.1", 8080, 80, 1, IPPROTO_TCP);
		rig_start();
		proxy = rig_proxy(1);
		got = inject(proxy, attempts[i].nr, attempts[i].path, 1, attempts[i].args);
		if (got == -INJECT_MISSING)
			skip();
		if (got != -(INJECT_MISSING + SIGSYS))
			fail_msg("%s: %ld", attempts[i].what, got);
		wait_end(proxy);
	}
}

static void test_rights(void **state)
{
	static const char *const none[] = { "\nCapInh:", "\nCapPrm:", "\nCapEff:", "\nCapBnd:",
					    "\nCapAmb:" };
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
	status_of(proxy, "\nSeccomp:", text);
	assert_string_equal(text, inject_is_sanitized() ? "0" : "2");
	status_of(proxy, "\nSigIgn:", text);
	assert_string_equal(text, "0000000000005a07"); /* HUP INT QUIT USR1 USR2 PIPE TERM */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_conflict), RIG_TEST(test_refusals),	RIG_TEST(test_change),
		RIG_TEST(test_end),	 RIG_TEST(test_end_connecting), RIG_TEST(test_killed),
		RIG_TEST(test_rights),	 RIG_TEST(test_attempts),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
