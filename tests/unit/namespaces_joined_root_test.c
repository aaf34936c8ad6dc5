/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clones where some namespaces are those of another process: who is where, and the caller unmoved.
 */
#include <time.h>

#include "namespaces/procfd.h"
#include "tests/unit/namespaces_fixture.h"

static const struct {
	uint64_t flag;
	const char *name;
} kinds[] = {
	{ CLONE_NEWNS, "mnt" },	       { CLONE_NEWPID, "pid" },	  { CLONE_NEWNET, "net" },
	{ CLONE_NEWIPC, "ipc" },       { CLONE_NEWUTS, "uts" },	  { CLONE_NEWUSER, "user" },
	{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" },
};

#define NO_USER                                                                                    \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |                 \
	 CLONE_NEWCGROUP | CLONE_NEWTIME)

static const struct id_range range = { FIXTURE_BASE, IDMAP_COUNT };
static const struct id_range no_range = { 0, 0 };

/* A process that waits until its socket closes. */
struct held {
	pid_t pid;
	int pidfd, sock;
};

static void wait_as_root(int sock)
{
	struct err e = ERR_INIT;
	char byte;

	/* The byte tells that it has become root. */
	if (read(sock, &byte, 1) != 1 || ns_become_root(&e) < 0 || write(sock, "r", 1) != 1)
		_exit(200);
	_exit((int)read(sock, &byte, 1));
}

static void held_start(const struct ns_clone *c, const struct ns_joined *joined, size_t n,
		       const struct id_range *ids, struct held *ret)
{
	struct err e = ERR_INIT;
	int sv[2];
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	ret->pidfd = -EBADF;
	ret->pid = ns_clone_joined(c, joined, n, &ret->pidfd, &e);
	if (ret->pid == 0) {
		(void)close(sv[0]);
		wait_as_root(sv[1]);
	}
	if (ret->pid < 0)
		fail_msg("%s (%s)", e.text, e.hint);
	(void)close(sv[1]);
	ret->sock = sv[0];
	if (ids->count)
		assert_int_equal(idmap_write(ret->pid, ids, &e), 0);
	assert_int_equal(write(ret->sock, "g", 1), 1);
	assert_int_equal(read(ret->sock, &byte, 1), 1);
}

static void held_end(struct held *h)
{
	int status;

	(void)shutdown(h->sock, SHUT_RDWR);
	(void)close(h->sock);
	/* Ours to wait for, by number and by pidfd, whoever made it. */
	assert_int_equal(waitid(P_PIDFD, (id_t)h->pidfd, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	assert_int_equal(status, 0);
	(void)close(h->pidfd);
}

static void ns_link(pid_t pid, const char *name, char ret[static 64])
{
	char path[64];
	ssize_t n;

	if (pid)
		(void)str_format(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	else
		(void)str_format(path, sizeof(path), "/proc/self/ns/%s", name);
	n = readlink(path, ret, 63);
	assert_true(n > 0);
	ret[n] = '\0';
}

static int ns_open(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	(void)str_format(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Each namespace of `pid` is the one of `target` (joined), a new one, or ours. */
static void expect_where(pid_t pid, pid_t target, uint64_t joined, uint64_t fresh)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char has[64], theirs[64], own[64];

		ns_link(pid, kinds[i].name, has);
		ns_link(target, kinds[i].name, theirs);
		ns_link(0, kinds[i].name, own);
		if (joined & kinds[i].flag)
			assert_string_equal(has, theirs);
		else if (fresh & kinds[i].flag)
			assert_true(!str_eq(has, theirs) && !str_eq(has, own));
		else
			assert_string_equal(has, own);
	}
}

/* What of the caller must be as before. */
struct place {
	char ns[8][64], children[2][64];
	struct stat root, cwd;
	int fds;
};

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void look(struct place *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		ns_link(0, kinds[i].name, ret->ns[i]);
	ns_link(0, "pid_for_children", ret->children[0]);
	ns_link(0, "time_for_children", ret->children[1]);
	assert_int_equal(stat("/", &ret->root), 0);
	assert_int_equal(stat(".", &ret->cwd), 0);
	ret->fds = count_fds();
}

static void expect_unmoved(const struct place *before)
{
	struct place now;

	look(&now);
	assert_memory_equal(before->ns, now.ns, sizeof(now.ns));
	assert_memory_equal(before->children, now.children, sizeof(now.children));
	assert_int_equal(before->root.st_ino, now.root.st_ino);
	assert_int_equal(before->root.st_dev, now.root.st_dev);
	assert_int_equal(before->cwd.st_ino, now.cwd.st_ino);
	assert_int_equal(before->fds, now.fds);
}

static size_t open_joined(pid_t target, uint64_t flags, struct ns_joined ret[static 8])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (flags & kinds[i].flag)
			ret[n++] =
				(struct ns_joined){ kinds[i].flag, ns_open(target, kinds[i].name) };
	return n;
}

static void close_joined(struct ns_joined *j, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(j[i].fd);
}

static void join_some(pid_t target, uint64_t joined, uint64_t fresh, uint32_t owner)
{
	struct ns_clone c = { .namespaces = fresh, .cgroup_fd = -EBADF, .owner_uid = owner };
	struct ns_joined j[8];
	size_t n = open_joined(target, joined, j);
	struct place before;
	struct held h;

	look(&before);
	held_start(&c, j, n, fresh & CLONE_NEWUSER ? &range : &no_range, &h);
	expect_where(h.pid, target, joined, fresh);
	held_end(&h);
	expect_unmoved(&before);
	close_joined(j, n);
}

/* All subsets of the kinds, the rest new or the host's; of a target in the host's user namespace.
 */
static void test_every_subset(void **state)
{
	struct ns_clone c = { .namespaces = NO_USER, .cgroup_fd = -EBADF };
	struct err e = ERR_INIT;
	struct held target;

	(void)state;
	assert_true(procfd_get(&e) >= 0);
	held_start(&c, NULL, 0, &no_range, &target);
	for (unsigned i = 0; i < 256; i++) {
		uint64_t joined = 0;

		if (i & 1u << 5) /* user */
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			if (i & 1u << k)
				joined |= kinds[k].flag;
		join_some(target.pid, joined, 0, 0);
		join_some(target.pid, joined, NO_USER & ~joined, 0);
		join_some(target.pid, joined, (NO_USER & ~joined) | CLONE_NEWUSER, FIXTURE_BASE);
	}
	held_end(&target);
}

static void test_user_namespace(void **state)
{
	struct ns_clone c = { .namespaces = NO_USER | CLONE_NEWUSER,
			      .cgroup_fd = -EBADF,
			      .owner_uid = FIXTURE_BASE };
	struct held target;

	(void)state;
	held_start(&c, NULL, 0, &range, &target);
	for (unsigned i = 0; i < 256; i++) {
		uint64_t joined = CLONE_NEWUSER;

		if (!(i & 1u << 5))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			if (i & 1u << k)
				joined |= kinds[k].flag;
		join_some(target.pid, joined, NO_USER & ~joined, 0);
	}
	join_some(target.pid, CLONE_NEWUSER, 0, 0);
	held_end(&target);
}

/* Joining where one is already, as "/proc/1/ns/net" of a host says it, is nothing. */
static void test_own_namespaces(void **state)
{
	struct ns_clone c = { .namespaces = CLONE_NEWPID, .cgroup_fd = -EBADF };
	struct ns_joined j[8];
	size_t n = open_joined(getpid(), CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET, j);
	struct held h;

	(void)state;
	held_start(&c, j, n, &no_range, &h);
	expect_where(h.pid, getpid(), 0, CLONE_NEWPID);
	held_end(&h);
	close_joined(j, n);
}

static void cgroup_of(pid_t pid, char ret[static 512])
{
	char path[64], *text = NULL, *end;
	size_t n;
	int fd;

	(void)str_format(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fd_read_all(fd, 4096, &text, &n) >= 0);
	(void)close(fd);
	end = strstr(text, "0::");
	assert_non_null(end);
	(void)str_format(ret, 512, "%s", end + 3);
	free(text);
}

static void test_cgroup(void **state)
{
	static const uint64_t joins[] = { 0,
					  CLONE_NEWNET,
					  CLONE_NEWUSER | CLONE_NEWNET,
					  CLONE_NEWCGROUP,
					  CLONE_NEWCGROUP | CLONE_NEWUSER,
					  CLONE_NEWNS };
	struct ns_clone c = { .namespaces = FIXTURE_ALL_NS,
			      .cgroup_fd = -EBADF,
			      .owner_uid = FIXTURE_BASE };
	const char *root = getenv("SANDBOX_ROOT");
	struct held target, h;
	struct ns_joined j[8];
	char path[256], text[512];

	(void)state;
	if (!root)
		skip();
	(void)str_format(path, sizeof(path), "%s/joined-test", root);
	assert_int_equal(mkdir(path, 0755), 0);
	held_start(&c, NULL, 0, &range, &target);
	c.cgroup_fd = fixture_open_dir(AT_FDCWD, path);
	c.owner_uid = 0;
	for (size_t i = 0; i < ARRAY_SIZE(joins); i++) {
		size_t n = open_joined(target.pid, joins[i], j);

		c.namespaces = FIXTURE_ALL_NS & ~joins[i] & ~(uint64_t)CLONE_NEWUSER;
		held_start(&c, j, n, &no_range, &h);
		cgroup_of(h.pid, text);
		assert_non_null(strstr(text, "/joined-test\n"));
		held_end(&h);
		close_joined(j, n);
	}
	held_end(&target);
	(void)close(c.cgroup_fd);
	assert_int_equal(rmdir(path), 0);
}

static int64_t clock_offset_of(pid_t pid, const char *clock)
{
	char path[64], *text = NULL, *at;
	size_t n;
	int fd;
	long long value;

	(void)str_format(path, sizeof(path), "/proc/%d/timens_offsets", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fd_read_all(fd, 4096, &text, &n) >= 0);
	(void)close(fd);
	at = strstr(text, clock);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(clock), "%lld", &value), 1);
	free(text);
	return value;
}

static void test_time_offsets(void **state)
{
	static const struct ns_time_offset day = { 86400, 5 }, none = { 0, 0 }, back = { -1, 0 },
					   wrong = { INT64_MAX, 0 };
	struct ns_clone c = { .namespaces = CLONE_NEWTIME, .cgroup_fd = -EBADF };
	struct err e = ERR_INIT;
	struct place before;
	struct ns_joined j[8];
	struct held target, h;
	size_t n;

	(void)state;
	held_start(&(struct ns_clone){ .namespaces = CLONE_NEWUSER, .cgroup_fd = -EBADF }, NULL, 0,
		   &range, &target);
	n = open_joined(target.pid, CLONE_NEWUSER, j);
	look(&before);
	for (size_t with_user = 0; with_user <= n; with_user++) {
		c.monotonic = &day;
		c.boottime = NULL;
		held_start(&c, j, with_user, &no_range, &h);
		assert_int_equal(clock_offset_of(h.pid, "monotonic"), 86400);
		assert_int_equal(clock_offset_of(h.pid, "boottime"), 0);
		held_end(&h);
		c.monotonic = &none;
		c.boottime = &back;
		held_start(&c, j, with_user, &no_range, &h);
		assert_int_equal(clock_offset_of(h.pid, "monotonic"), 0);
		assert_int_equal(clock_offset_of(h.pid, "boottime"), -1);
		held_end(&h);
		c.boottime = &wrong;
		e = ERR_INIT;
		assert_int_equal(ns_clone_joined(&c, j, with_user, &h.pidfd, &e), -ERANGE);
		assert_non_null(strstr(e.text, "boottime clock's offset"));
		expect_unmoved(&before);
	}
	close_joined(j, n);
	held_end(&target);
}

static void expect_refused(const struct ns_clone *c, const struct ns_joined *j, size_t n, int code,
			   const char *text)
{
	struct err e = ERR_INIT;
	struct place before;
	int pidfd = -EBADF;
	pid_t pid;

	look(&before);
	pid = ns_clone_joined(c, j, n, &pidfd, &e);
	if (pid == 0)
		_exit(77);
	assert_int_equal(pid, -code);
	assert_int_equal(pidfd, -EBADF);
	if (!strstr(e.text, text) && !strstr(e.hint, text))
		fail_msg("%s (%s), expected %s", e.text, e.hint, text);
	expect_unmoved(&before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* the target, running: nobody else */
}

static void test_errors(void **state)
{
	struct ns_clone c = { .namespaces = NO_USER | CLONE_NEWUSER, .cgroup_fd = -EBADF };
	struct ns_joined j[8], wrong[2];
	struct held target, first;
	size_t n;

	(void)state;
	held_start(&c, NULL, 0, &range, &target);
	n = open_joined(target.pid, CLONE_NEWNET | CLONE_NEWUSER, j);
	c.namespaces = CLONE_NEWNET;
	expect_refused(&c, j, n, EINVAL, "net namespace: given twice");
	c.namespaces = 0;
	c.sibling = true;
	expect_refused(&c, j, n, EINVAL, "not possible");
	c.sibling = false;
	/* Of another kind, the second of two: the first is left again. */
	wrong[0] = j[0];
	wrong[1] = (struct ns_joined){ CLONE_NEWIPC, j[0].fd };
	expect_refused(&c, wrong, 2, EINVAL, "not a namespace of this kind");
	wrong[1] = (struct ns_joined){ CLONE_NEWNS, j[0].fd };
	expect_refused(&c, wrong, 2, EINVAL, "not a namespace of this kind");
	wrong[1] = (struct ns_joined){ CLONE_NEWIPC, fx.dir_fd };
	expect_refused(&c, wrong, 2, EINVAL, "join the ipc namespace");
	c.cgroup_fd = fx.dir_fd;
	expect_refused(&c, j, 1, EBADF, "clone3");
	expect_refused(&c, j, n, EBADF, "clone3");
	c.cgroup_fd = -EBADF;
	close_joined(j, n);

	/* A pid namespace whose first process is gone. */
	c.namespaces = CLONE_NEWPID;
	held_start(&c, NULL, 0, &no_range, &first);
	n = open_joined(first.pid, CLONE_NEWPID, j);
	held_end(&first);
	c.namespaces = 0;
	expect_refused(&c, j, n, ENOMEM, "first process of the pid namespace has ended");
	close_joined(j, n);
	held_end(&target);
}

static void test_differing(void **state)
{
	struct ns_clone c = { .namespaces =
				      CLONE_NEWNET | CLONE_NEWTIME | CLONE_NEWUSER | CLONE_NEWPID,
			      .cgroup_fd = -EBADF };
	struct err e = ERR_INIT;
	uint64_t set = 1;
	struct held h;

	(void)state;
	held_start(&c, NULL, 0, &range, &h);
	assert_int_equal(ns_differing(h.pidfd, &set, &e), 0);
	assert_int_equal(set, c.namespaces);
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)h.pid, &(siginfo_t){ 0 }, WEXITED), 0);
	assert_int_equal(ns_differing(h.pidfd, &set, &e), -ESRCH);
	(void)close(h.sock);
	(void)close(h.pidfd);
	c.namespaces = 0;
	held_start(&c, NULL, 0, &no_range, &h);
	assert_int_equal(ns_differing(h.pidfd, &set, &e), 0);
	assert_int_equal(set, 0);
	held_end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_subset),   cmocka_unit_test(test_user_namespace),
		cmocka_unit_test(test_own_namespaces), cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_time_offsets),   cmocka_unit_test(test_errors),
		cmocka_unit_test(test_differing),
	};

	return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
