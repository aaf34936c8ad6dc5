/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shared hosts files: what a C library reads in them, at every moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/dir.h"
#include "base/fd.h"
#include "netsetup/hosts_priv.h"
#include "tests/unit/base_tmpdir.h"

#define MANY 3000

static struct jail_name name_of(const char *text)
{
	struct err e = ERR_INIT;
	struct jail_name name;

	assert_int_equal(name_parse("test", text, &name, &e), 0);
	return name;
}

static struct net_addresses addresses_of(const char *v4, const char *v6)
{
	struct net_addresses a = { 0 };

	if (v4)
		assert_int_equal(inet_pton(AF_INET, v4, &a.v4), 1);
	if (v6)
		assert_int_equal(inet_pton(AF_INET6, v6, &a.v6), 1);
	return a;
}

static void put_full(int dir, const char *network, const char *tenant, const char *instance,
		     const char *alias, struct net_addresses a)
{
	struct jail_name n = name_of(network), i = name_of(instance);
	struct hosts_entry entry = { &i, tenant, &n, a, alias };
	struct err e = ERR_INIT;

	if (hosts_put(dir, &entry, &e) != 0)
		fail_msg("%s", e.text);
}

static void put(int dir, const char *network, const char *instance, const char *v4, const char *v6)
{
	put_full(dir, network, "", instance, NULL, addresses_of(v4, v6));
}

static void erase(int dir, const char *network, const char *instance)
{
	struct jail_name n = name_of(network), i = name_of(instance);
	struct err e = ERR_INIT;

	assert_int_equal(hosts_erase(dir, &n, &i, &e), 0);
}

static int open_file(int dir, const char *first, const char *second)
{
	struct jail_name a = name_of(first), b = name_of(second ? second : first);
	const struct jail_name *networks[] = { &a, &b };
	struct err e = ERR_INIT;
	int fd = hosts_open(dir, networks, second ? 2 : 1, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	return fd;
}

/* The file as it is, NUL-terminated; the caller's. */
static char *read_file(int fd)
{
	char *text = NULL;
	size_t n = 0;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_all(fd, 64u << 20, &text, &n), 0);
	assert_int_equal(strlen(text), n);
	return text;
}

/* What the C libraries make of it: "ADDRESS ADDRESS ", in order, of all lines with the name. */
static const char *lookup_in(const char *text, const char *name)
{
	static char found[512];
	size_t len, used = 0;

	found[0] = '\0';
	for (const char *line = text; *line; line += len + 1) {
		char copy[512], *rest = copy, *address, *word;

		len = strcspn(line, "\n");
		assert_true(line[len] == '\n' && len < 256);
		memcpy(copy, line, len);
		copy[len] = '\0';
		copy[strcspn(copy, "#")] = '\0';
		address = strtok_r(copy, " \t", &rest);
		while (address && (word = strtok_r(NULL, " \t", &rest))) {
			if (!str_eq(word, name))
				continue;
			used += (size_t)snprintf(found + used, sizeof(found) - used, "%s ",
						 address);
			assert_true(used < sizeof(found));
		}
	}
	return found;
}

static void assert_lookup(int fd, const char *name, const char *expected)
{
	CLEANUP_FREE char *text = read_file(fd);

	assert_string_equal(lookup_in(text, name), expected);
}

static void test_life(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int fd = open_file(t->fd, "front", NULL);

	/* Others see it by the inode that they have. */
	assert_lookup(fd, "localhost", "127.0.0.1 ::1 ");
	put(t->fd, "front", "web", "10.88.0.7", "fd00::7");
	put(t->fd, "front", "db", "10.88.0.8", NULL);
	put(t->fd, "front", "six", NULL, "fd00::9");
	assert_lookup(fd, "web", "10.88.0.7 fd00::7 ");
	assert_lookup(fd, "web.jail", "10.88.0.7 fd00::7 ");
	assert_lookup(fd, "db", "10.88.0.8 ");
	assert_lookup(fd, "six.jail", "fd00::9 ");
	put(t->fd, "front", "web", "10.88.0.17", "fd00::17");
	assert_lookup(fd, "web", "10.88.0.17 fd00::17 ");
	put(t->fd, "front", "web", "10.88.0.17", NULL);
	assert_lookup(fd, "web", "10.88.0.17 ");
	erase(t->fd, "front", "web");
	assert_lookup(fd, "web", "");
	assert_lookup(fd, "web.jail", "");
	assert_lookup(fd, "db", "10.88.0.8 ");
	erase(t->fd, "front", "web");
	erase(t->fd, "nowhere", "web");
	assert_lookup(fd, "localhost", "127.0.0.1 ::1 ");
	/* It can't be written to through what is mounted. */
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
}

/* Row 76 and what goes with it: whose names may hide others. */
static void test_names(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int own = open_file(t->fd, "acme-net", NULL);
	CLEANUP_FD int common = open_file(t->fd, "front", NULL);
	struct net_addresses a = addresses_of("10.88.0.7", NULL);

	put_full(t->fd, "acme-net", "acme", "web", "www.example.com", a);
	put_full(t->fd, "acme-net", "acme", "a.b", "a.b", a);
	assert_lookup(own, "web", "10.88.0.7 ");
	assert_lookup(own, "web.acme.jail", "10.88.0.7 ");
	assert_lookup(own, "web.jail", "");
	assert_lookup(own, "www.example.com", "10.88.0.7 ");
	assert_lookup(own, "a.b", "10.88.0.7 ");
	put_full(t->fd, "acme-net", "acme", "localhost", "ip6-localhost", a);
	assert_lookup(own, "localhost", "127.0.0.1 ::1 ");
	assert_lookup(own, "ip6-localhost", "::1 ");
	assert_lookup(own, "localhost.acme.jail", "10.88.0.7 ");
	put_full(t->fd, "acme-net", "acme", "odd", "x 127.0.0.1#", a);
	assert_lookup(own, "odd", "10.88.0.7 ");
	assert_lookup(own, "x", "");
	/* Nobody's network. */
	put_full(t->fd, "front", "", "web", "db", a);
	put_full(t->fd, "front", "", "www.example.com", NULL, a);
	assert_lookup(common, "web", "10.88.0.7 ");
	assert_lookup(common, "db", "");
	assert_lookup(common, "www.example.com", "");
	assert_lookup(common, "www.example.com.jail", "10.88.0.7 ");
}

/* As long as they get: a record for each family, and both go. */
static void test_long_names(void **state)
{
	struct tmpdir *t = *state;
	char instance[64] = "", tenant[64] = "", full[200];
	CLEANUP_FD int fd = open_file(t->fd, "front", NULL);
	const char *v6 = "fd11:1111:1111:1111:1111:1111:1111:1111";

	memset(instance, 'i', 63);
	memset(tenant, 't', 63);
	(void)snprintf(full, sizeof(full), "%s.%s.jail", instance, tenant);
	put_full(t->fd, "front", tenant, instance, "alias", addresses_of("111.111.111.111", v6));
	assert_lookup(fd, instance, "111.111.111.111 fd11:1111:1111:1111:1111:1111:1111:1111 ");
	assert_lookup(fd, full, "111.111.111.111 fd11:1111:1111:1111:1111:1111:1111:1111 ");
	assert_lookup(fd, "alias", ""); /* there is no room for it */
	put_full(t->fd, "front", tenant, instance, NULL, addresses_of("111.111.111.112", v6));
	assert_lookup(fd, full, "fd11:1111:1111:1111:1111:1111:1111:1111 111.111.111.112 ");
	erase(t->fd, "front", instance);
	assert_lookup(fd, instance, "");
	assert_lookup(fd, full, "");
}

static void test_combinations(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int front = -EBADF, both = -EBADF, again = -EBADF, back = -EBADF;
	struct stat a, b;

	put(t->fd, "front", "web", "10.1.0.2", NULL);
	put(t->fd, "back", "db", "10.2.0.2", "fd02::2");
	both = open_file(t->fd, "front", "back");
	again = open_file(t->fd, "back", "front");
	front = open_file(t->fd, "front", NULL);
	back = open_file(t->fd, "back", "back");
	assert_true(fstat(both, &a) == 0 && fstat(again, &b) == 0 && a.st_ino == b.st_ino);
	/* What was there when it was made, and what comes. */
	put(t->fd, "back", "app", "10.2.0.3", NULL);
	put(t->fd, "front", "app", "10.1.0.3", NULL);
	assert_lookup(both, "web", "10.1.0.2 ");
	assert_lookup(both, "db", "10.2.0.2 fd02::2 ");
	assert_lookup(front, "web", "10.1.0.2 ");
	assert_lookup(front, "db", "");
	assert_lookup(front, "app", "10.1.0.3 ");
	assert_lookup(back, "app", "10.2.0.3 ");
	erase(t->fd, "back", "app");
	assert_lookup(both, "app", "10.1.0.3 ");
	assert_lookup(back, "app", "");
	erase(t->fd, "back", "db");
	assert_lookup(both, "db", "");
}

static void put_number(int dir, unsigned i)
{
	char instance[16], v4[16], v6[32];

	(void)snprintf(instance, sizeof(instance), "i%u", i);
	(void)snprintf(v4, sizeof(v4), "10.88.%u.%u", i / 256, i % 256);
	(void)snprintf(v6, sizeof(v6), "fd00::%x", i + 1);
	put(dir, "front", instance, v4, v6);
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

static void count_live(int fd, unsigned expected)
{
	CLEANUP_FREE char *text = read_file(fd);
	unsigned lines = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		lines += *line != '#' && *line != ' ';
	assert_int_equal(lines, 2 + 2 * expected); /* and localhost */
}

static void test_many(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int fd = open_file(t->fd, "front", NULL);
	char instance[16], expected[64];
	off_t full;

	assert_int_equal(size_of(fd), 4096);
	for (unsigned i = 0; i < 13; i++)
		put_number(t->fd, i);
	assert_int_equal(size_of(fd), 4096);
	for (unsigned i = 13; i < MANY; i++)
		put_number(t->fd, i);
	count_live(fd, MANY);
	full = size_of(fd);
	assert_true(full <= 3 * MANY * 256);
	for (unsigned i = 0; i < MANY; i += 97) {
		(void)snprintf(instance, sizeof(instance), "i%u", i);
		(void)snprintf(expected, sizeof(expected), "10.88.%u.%u fd00::%x ", i / 256,
			       i % 256, i + 1);
		assert_lookup(fd, instance, expected);
	}
	/* Twice the same is once, and what goes leaves its place. */
	for (unsigned i = 0; i < MANY; i++)
		put_number(t->fd, i);
	count_live(fd, MANY);
	for (unsigned round = 1; round < 4; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			(void)snprintf(instance, sizeof(instance), "i%u", i + MANY * (round - 1));
			erase(t->fd, "front", instance);
			put_number(t->fd, i + MANY * round);
		}
	}
	count_live(fd, MANY);
	assert_int_equal(size_of(fd), full);
}

/* Reads all the time, while entries of a known form come, change, and go. */
static void reader(int fd, int go_on)
{
	for (char c; read(go_on, &c, 1) < 0 && errno == EAGAIN;) {
		CLEANUP_FREE char *text = read_file(fd);
		size_t len;

		for (const char *line = text; *line; line += len + 1) {
			unsigned a = 0, b = 0, i = 0, j = 0;

			len = strcspn(line, "\n");
			if (strncmp(line, "10.88.", 6) == 0 &&
			    (sscanf(line, "10.88.%u.%u\ti%u i%u.jail ", &a, &b, &i, &j) != 4 ||
			     i != j || i % 512 != a * 256 + b))
				_exit(1);
		}
	}
	_exit(0);
}

static void test_reader(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int fd = open_file(t->fd, "front", NULL);
	int stop[2], status = -1;
	pid_t pid;

	assert_int_equal(pipe2(stop, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(stop[1]);
		reader(fd, stop[0]);
	}
	for (unsigned i = 0; i < 20000; i++) {
		char instance[16], v4[16];

		(void)snprintf(instance, sizeof(instance), "i%u", i);
		(void)snprintf(v4, sizeof(v4), "10.88.%u.%u", i % 512 / 256, i % 256);
		put(t->fd, "front", instance, v4, i % 3 ? "fd00::1" : NULL);
		erase(t->fd, "front", instance);
	}
	(void)close(stop[0]);
	(void)close(stop[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Kills a child at its n-th stop at a system call. Return: whether it ended by itself before. */
static bool killed_at(unsigned n, int dir, unsigned number)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		put_number(dir, number);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (unsigned i = 0; i < n && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	if (!WIFSTOPPED(status)) {
		assert_int_equal(status, 0);
		return true;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return false;
}

/* Whatever it was doing (making the file, another level, a record): the others' names are there,
 * its own is whole or not, and who comes next finds all in order. */
static void test_killed(void **state)
{
	struct tmpdir *t = *state;
	bool ended = false;
	unsigned kills = 0;

	for (unsigned before = 0; before < 16; before += 15) {
		for (unsigned n = 1; !ended; n++, kills++) {
			struct tmpdir *sub = NULL;
			CLEANUP_FD int fd = -EBADF;
			CLEANUP_FREE char *text = NULL;

			assert_int_equal(tmpdir_make((void **)&sub), 0);
			for (unsigned i = 0; i < before; i++)
				put_number(sub->fd, i);
			ended = killed_at(n, sub->fd, 200);
			fd = open_file(sub->fd, "front", NULL);
			text = read_file(fd);
			if (lookup_in(text, "i200")[0])
				assert_non_null(strstr(lookup_in(text, "i200"), "10.88.0.200 "));
			if (before)
				assert_string_equal(lookup_in(text, "i14"), "10.88.0.14 fd00::f ");
			for (unsigned i = 100; i < 140; i++)
				put_number(sub->fd, i);
			put_number(sub->fd, 200);
			count_live(fd, before + 41);
			assert_lookup(fd, "i200", "10.88.0.200 fd00::c9 ");
			assert_int_equal(tmpdir_drop((void **)&sub), 0);
		}
		ended = false;
	}
	assert_true(kills > 40);
	assert_true(t->fd >= 0);
}

static bool is_alive(const struct jail_name *name, void *arg)
{
	(void)arg;
	return str_eq(name->s, "web") || str_eq(name->s, "a.b");
}

/* Files of some size, and everything, in a tree. */
static void count_files(int dir, unsigned *ret_full, unsigned *ret_all)
{
	CLEANUP_DIR DIR *d = dir_open(dir);

	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d));) {
		CLEANUP_FD int sub = -EBADF;
		struct stat st;

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		assert_int_equal(fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
		(*ret_all)++;
		*ret_full += S_ISREG(st.st_mode) && st.st_size > 0;
		if (!S_ISDIR(st.st_mode))
			continue;
		sub = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(sub >= 0);
		count_files(sub, ret_full, ret_all);
	}
}

static void test_gc(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int front = -EBADF, both = -EBADF, gone = -EBADF;
	unsigned full = 0, all = 0;
	struct err e = ERR_INIT;

	put(t->fd, "front", "web", "10.1.0.2", NULL);
	put(t->fd, "front", "a.b", "10.1.0.3", "fd01::3");
	put(t->fd, "front", "dead", "10.1.0.4", "fd01::4");
	put(t->fd, "back", "web", "10.2.0.2", NULL);
	put(t->fd, "third", "dead", "10.3.0.4", NULL);
	front = open_file(t->fd, "front", NULL);
	both = open_file(t->fd, "front", "back");
	gone = open_file(t->fd, "front", "third");
	tmpdir_put(t->fd, "N-00", "left by a killed process");
	assert_int_equal(hosts_gc(t->fd, is_alive, NULL, &e), 0);
	assert_lookup(front, "web", "10.1.0.2 ");
	assert_lookup(front, "a.b.jail", "10.1.0.3 fd01::3 ");
	assert_lookup(front, "dead", "");
	assert_lookup(both, "web", "10.2.0.2 10.1.0.2 ");
	assert_lookup(both, "dead", "");
	/* front, back, both; their marks; the lock. */
	count_files(t->fd, &full, &all);
	assert_int_equal(full, 3);
	assert_int_equal(all, 3 + 4 + 2 + 1);
	/* And all still works. */
	put(t->fd, "third", "web", "10.3.0.2", NULL);
	fd_reset(&gone);
	gone = open_file(t->fd, "front", "third");
	assert_lookup(gone, "web", "10.1.0.2 10.3.0.2 ");
}

static void test_damage(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int fd = open_file(t->fd, "front", NULL);
	struct jail_name network = name_of("front"), web = name_of("web");
	struct hosts_entry entry = { &web, "", &network, addresses_of("10.1.0.2", NULL), NULL };
	struct err e = ERR_INIT;
	char path[64];

	assert_true(snprintf(path, sizeof(path), "/proc/self/fd/%d", fd) > 0);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(hosts_put(t->fd, &entry, &e), -EIO);
	assert_non_null(strstr(e.text, "damaged (100 bytes)"));
	assert_non_null(strstr(e.text, "hosts/H-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_life),	      TMPDIR_TEST(test_names),
		TMPDIR_TEST(test_long_names), TMPDIR_TEST(test_combinations),
		TMPDIR_TEST(test_many),	      TMPDIR_TEST(test_reader),
		TMPDIR_TEST(test_killed),     TMPDIR_TEST(test_gc),
		TMPDIR_TEST(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
