/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Namespaces made and joined: who owns them, what the child starts with, what the caller keeps. */
#include <linux/nsfs.h>
#include <linux/securebits.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <time.h>

#include "namespaces/procfd.h"
#include "tests/unit/namespaces_fixture.h"

/* A child that waits for a byte on its socket, runs fn as root of its namespace, and ends with its
 * result; the socket's other end stays with it. */
struct held {
	pid_t pid;
	int pidfd, sock;
};

static void held_make(uint64_t namespaces, const struct id_range *ids, int (*fn)(int),
		      struct held *ret)
{
	struct ns_clone c = { .namespaces = namespaces,
			      .cgroup_fd = -EBADF,
			      .owner_uid = ids->count ? ids->first : 0 };
	struct err e = ERR_INIT;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	ret->pidfd = -EBADF;
	ret->pid = ns_clone(&c, &ret->pidfd, &e);
	if (ret->pid == 0) {
		char go;

		(void)close(sv[0]);
		if (read(sv[1], &go, 1) != 1 || ns_become_root(&e) < 0)
			_exit(200);
		_exit(fn(sv[1]));
	}
	if (ret->pid < 0)
		print_error("%s (%s)\n", e.text, e.hint);
	assert_true(ret->pid > 0);
	assert_true(ret->pidfd >= 0);
	(void)close(sv[1]);
	ret->sock = sv[0];
	assert_int_equal(idmap_write(ret->pid, ids, &e), 0);
}

static void held_go(const struct held *h)
{
	assert_int_equal(write(h->sock, "g", 1), 1);
}

static int held_end(struct held *h)
{
	int status;

	(void)shutdown(h->sock, SHUT_RDWR); /* a later child may have a copy of it */
	(void)close(h->sock);
	(void)close(h->pidfd);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct id_range range_a = { FIXTURE_BASE, IDMAP_COUNT };
static const struct id_range range_b = { FIXTURE_BASE + IDMAP_COUNT, IDMAP_COUNT };

static int just_wait(int sock)
{
	char byte;

	return (int)read(sock, &byte, 1); /* until the other end closes */
}

static void test_owner(void **state)
{
	struct held h;
	char path[64];
	uid_t owner = 7;
	int fd, before = prctl(PR_GET_SECUREBITS), signal_before = 0, signal_after = 0;

	(void)state;
	assert_int_equal(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
	assert_int_equal(prctl(PR_GET_PDEATHSIG, &signal_before), 0);
	held_make(FIXTURE_ALL_NS, &range_a, just_wait, &h);
	assert_true(str_format(path, sizeof(path), "%d/ns/user", (int)h.pid) > 0);
	fd = procfd_open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, NS_GET_OWNER_UID, &owner), 0);
	assert_int_equal(owner, FIXTURE_BASE);
	(void)close(fd);
	/* the caller is what it was */
	assert_int_equal(geteuid(), 0);
	assert_int_equal(prctl(PR_GET_SECUREBITS), before);
	assert_int_equal(prctl(PR_GET_PDEATHSIG, &signal_after), 0);
	assert_int_equal(signal_after, SIGUSR1);
	assert_int_equal(prctl(PR_SET_PDEATHSIG, 0), 0);
	held_go(&h);
	assert_int_equal(held_end(&h), 0);
}

static int all_differ(int sock)
{
	static const char *const names[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup" };
	char theirs[7][64], byte;

	if (recv(sock, theirs, sizeof(theirs), 0) != (ssize_t)sizeof(theirs))
		return 90;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64], own[64] = "";

		(void)str_format(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		if (readlink(path, own, sizeof(own) - 1) <= 0)
			return 91;
		if (str_eq(own, theirs[i]))
			return 92;
	}
	if (getpid() != 1)
		return 93;
	return read(sock, &byte, 1) == 0 ? 0 : 94;
}

static void test_all_namespaces(void **state)
{
	static const char *const names[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup" };
	char ours[7][64] = { { 0 } };
	struct held h;

	(void)state;
	/* /proc is still the host's, so "self" is not found by a pid of another namespace: the
	 * child looks itself up there through its host pid. Hence the control: our own names. */
	held_make(FIXTURE_ALL_NS & ~(uint64_t)CLONE_NEWPID, &range_a, all_differ, &h);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];

		(void)str_format(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		assert_true(readlink(path, ours[i], sizeof(ours[i]) - 1) > 0);
	}
	ours[1][0] = '\0'; /* the pid namespace is shared in this one */
	held_go(&h);
	assert_int_equal(send(h.sock, ours, sizeof(ours), 0), (int)sizeof(ours));
	(void)shutdown(h.sock, SHUT_WR);
	assert_int_equal(held_end(&h), 93); /* all differ; only it isn't pid 1 */
}

static int signals_default(int sock)
{
	sigset_t blocked;

	(void)sock;
	for (int s = 1; s <= SIGRTMAX; s++) {
		struct sigaction a;

		if (sigaction(s, NULL, &a) == 0 && a.sa_handler != SIG_DFL)
			return s;
	}
	if (sigprocmask(SIG_BLOCK, NULL, &blocked) < 0)
		return 100;
	for (int s = 1; s <= SIGRTMAX; s++) {
		if (sigismember(&blocked, s) == 1)
			return 101;
	}
	return prctl(PR_GET_DUMPABLE) == 0 ? 0 : 102;
}

static void on_signal(int s)
{
	(void)s;
}

static void test_signals(void **state)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, handle = { .sa_handler = on_signal };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t usr2;
	struct held h;

	(void)state;
	(void)sigemptyset(&usr2);
	(void)sigaddset(&usr2, SIGUSR2);
	assert_int_equal(sigaction(SIGPIPE, &ignore, NULL), 0);
	assert_int_equal(sigaction(SIGHUP, &handle, NULL), 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr2, NULL), 0);
	held_make(FIXTURE_ALL_NS, &range_a, signals_default, &h);
	held_go(&h);
	assert_int_equal(held_end(&h), 0);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &usr2, NULL), 0);
	assert_int_equal(sigaction(SIGPIPE, &dfl, NULL), 0);
	assert_int_equal(sigaction(SIGHUP, &dfl, NULL), 0);
}

/* How many inotify instances this user can have, at most 100: kept open until told to end. */
static int inotify_hoard(int sock)
{
	uint32_t n = 0;
	char byte;

	while (n < 100 && inotify_init1(IN_CLOEXEC) >= 0)
		n++;
	if (send(sock, &n, sizeof(n), 0) != sizeof(n))
		return 90;
	return read(sock, &byte, 1) == 0 ? 0 : 91;
}

static uint32_t hoarded(const struct held *h)
{
	uint32_t n = 0;

	held_go(h);
	assert_int_equal(recv(h->sock, &n, sizeof(n), 0), (int)sizeof(n));
	return n;
}

/* fs.inotify.max_user_instances is 128: two that hoard 100 fit only if each has a pool of its own
 * (row 60). The naive twin: two ranges, but both namespaces owned by the host's root. */
static void row_60_inotify_per_owner(void **state)
{
	struct held a, b;
	uint32_t n;

	(void)state;
	held_make(FIXTURE_ALL_NS, &range_a, inotify_hoard, &a);
	held_make(FIXTURE_ALL_NS, &range_b, inotify_hoard, &b);
	assert_int_equal(hoarded(&a), 100);
	assert_int_equal(hoarded(&b), 100);
	assert_int_equal(held_end(&a), 0);
	assert_int_equal(held_end(&b), 0);
	for (int i = 0; i < 2; i++) {
		struct ns_clone c = { .namespaces = CLONE_NEWUSER, .cgroup_fd = -EBADF };
		struct held *h = i ? &b : &a;
		struct err e = ERR_INIT;
		int sv[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
		h->pid = ns_clone(&c, &h->pidfd, &e);
		if (h->pid == 0) {
			char go;

			(void)close(sv[0]);
			_exit(read(sv[1], &go, 1) == 1 && ns_become_root(&e) == 0
				      ? inotify_hoard(sv[1])
				      : 200);
		}
		(void)close(sv[1]);
		h->sock = sv[0];
		assert_int_equal(idmap_write(h->pid, i ? &range_b : &range_a, &e), 0);
	}
	n = hoarded(&a);
	assert_true(n + hoarded(&b) < 200); /* else vacuous */
	assert_int_equal(held_end(&a), 0);
	assert_int_equal(held_end(&b), 0);
}

static int clocks_near_zero(int sock)
{
	struct timespec mono, boot;

	(void)sock;
	if (clock_gettime(CLOCK_MONOTONIC, &mono) < 0 || clock_gettime(CLOCK_BOOTTIME, &boot) < 0)
		return 90;
	return mono.tv_sec < 20 && boot.tv_sec < 20 ? 0 : 91;
}

static int clocks_as_host(int sock)
{
	return clocks_near_zero(sock) == 91 ? 0 : 92;
}

static void test_time(void **state)
{
	struct timespec before, after;
	struct held h;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	assert_true(before.tv_sec > 60); /* else the test says nothing */
	held_make(FIXTURE_ALL_NS | CLONE_NEWTIME, &range_a, clocks_near_zero, &h);
	held_go(&h);
	assert_int_equal(held_end(&h), 0);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
	assert_true(after.tv_sec >= before.tv_sec && after.tv_sec < before.tv_sec + 20);
	/* and the next child has the host's again */
	held_make(FIXTURE_ALL_NS, &range_a, clocks_as_host, &h);
	held_go(&h);
	assert_int_equal(held_end(&h), 0);
}

static int joined(const struct held *h, uint64_t namespaces)
{
	struct err e = ERR_INIT;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ns_join(h->pidfd, namespaces, &e) < 0)
			_exit(e.code);
		if (getuid() != 0 || geteuid() != 0 || getgid() != 0)
			_exit(201);
		if (prctl(PR_GET_DUMPABLE) != 0)
			_exit(202);
		pid = fork(); /* the next child is in its pid namespace */
		if (pid == 0)
			_exit(getpid() < 20 ? 0 : 203);
		_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									   : 204);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void test_join(void **state)
{
	struct held h;

	(void)state;
	held_make(FIXTURE_ALL_NS, &range_a, just_wait, &h);
	held_go(&h);
	assert_int_equal(joined(&h, FIXTURE_ALL_NS), 0);
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)h.pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_int_equal(joined(&h, FIXTURE_ALL_NS), ESRCH); /* ended: never another process */
	assert_int_equal(held_end(&h), 128 + SIGKILL);
}

static void test_errors(void **state)
{
	struct ns_clone c = { .namespaces = FIXTURE_ALL_NS,
			      .cgroup_fd = -EBADF,
			      .owner_uid = FIXTURE_BASE };
	struct id_range bad = { 0xfffffff0u, 100 };
	struct err e = ERR_INIT;
	struct held h;
	int pidfd = -EBADF;

	(void)state;
	/* not a cgroup */
	c.cgroup_fd = fx.dir_fd;
	assert_int_equal(ns_clone(&c, &pidfd, &e), -EBADF);
	assert_int_equal(pidfd, -EBADF);
	assert_int_equal(geteuid(), 0);
	/* a map that the kernel refuses */
	held_make(FIXTURE_ALL_NS, &range_a, just_wait, &h);
	e = ERR_INIT;
	assert_int_equal(idmap_write(h.pid, &bad, &e), -EPERM); /* written once already */
	assert_non_null(strstr(e.text, "uid_map"));
	held_go(&h);
	assert_int_equal(held_end(&h), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner),	cmocka_unit_test(test_all_namespaces),
		cmocka_unit_test(test_signals), cmocka_unit_test(row_60_inotify_per_owner),
		cmocka_unit_test(test_time),	cmocka_unit_test(test_join),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
