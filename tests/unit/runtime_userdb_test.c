/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "user[:group]" against hostile user databases (row 46): exact ids or an error, and never a wait.
 * Part one works on text; part two on files, where FIFOs, links, devices and sizes matter.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/userdb_priv.h"

static const char passwd_text[] = "# comment\n"
				  "root:x:0:0:root:/root:/bin/sh\n"
				  "\n"
				  "+::::::\n"
				  "short:x:1:1\n"
				  "1000:x:0:0:a name of digits:/evil:/bin/sh\n"
				  "4294967296:x:0:0::/evil:/bin/sh\n"
				  "-1:x:0:0::/evil:/bin/sh\n"
				  "www-data:x:33:33:www:/var/www:/usr/sbin/nologin\n"
				  "alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n"
				  "alice:x:0:0:second:/evil:/bin/sh\n"
				  "backslash:x:1001:1001::/home/\\n:/bin/sh\n"
				  "return:x:1002:1002::/home/\rroot:/bin/sh\n"
				  "relative:x:1003:1003::home:/bin/sh\n"
				  "nohome:x:1004:1004:::/bin/sh\n"
				  "big:x:4294967295:0::/:/bin/sh\n"
				  "huge:x:4294967296:0::/:/bin/sh\n"
				  "wrapped:x:18446744073709551616:0::/:/bin/sh\n"
				  "minus:x:-1:0::/:/bin/sh\n"
				  "plus:x:+1:0::/:/bin/sh\n"
				  "octal:x:010:0::/:/bin/sh\n"
				  "hex:x:0x10:0::/:/bin/sh\n"
				  "blank:x: 5:0::/:/bin/sh\n"
				  "empty:x::0::/:/bin/sh\n"
				  "badgid:x:5:x::/:/bin/sh\n"
				  "outside:x:70000:70000::/:/bin/sh\n"
				  "machine$:x:1005:1005::/:/bin/sh\n"
				  "last:x:1006:1006::/last:/bin/sh"; /* no newline */

static const char group_text[] = "root:x:0:\n"
				 "adm:x:4:alice,www-data\n"
				 "sudo:x:27:root,alice\n"
				 "1000:x:0:alice2\n"
				 "users:x:100:malice,alices,alice \n"
				 "alice:x:1000:\n"
				 "again:x:27:alice\n"
				 "far:x:70000:faraway\n"
				 "badone:x:zero:unlucky\n"
				 "short:x:9\n";

static struct userdb make_db(const char *passwd, size_t n_passwd, const char *group, size_t n_group)
{
	return (struct userdb){
		.passwd = { .name = "/etc/passwd", .text = passwd, .n = n_passwd },
		.group = { .name = "/etc/group", .text = group, .n = n_group },
	};
}

static int resolve(const char *text, struct creds_user *ret, struct err *e)
{
	struct userdb db =
		make_db(passwd_text, sizeof(passwd_text) - 1, group_text, sizeof(group_text) - 1);

	*e = ERR_INIT;
	memset(ret, 0x5a, sizeof(*ret));
	return userdb_resolve_text(&db, text, 65536, ret, e);
}

static void test_good(void **state)
{
	static const struct {
		const char *text;
		uid_t uid;
		gid_t gid;
		const char *name, *home;
		size_t n_groups;
		gid_t groups[4];
	} rows[] = {
		{ "", 0, 0, "root", "/root", 2, { 0, 27 } },
		{ "0", 0, 0, "root", "/root", 2, { 0, 27 } },
		{ "root", 0, 0, "root", "/root", 2, { 0, 27 } },
		{ "www-data", 33, 33, "www-data", "/var/www", 2, { 33, 4 } },
		{ "33", 33, 33, "www-data", "/var/www", 2, { 33, 4 } },
		/* 27 is there twice, 1000 is the primary one */
		{ "alice", 1000, 1000, "alice", "/home/alice", 3, { 1000, 4, 27 } },
		{ "1000", 1000, 1000, "alice", "/home/alice", 3, { 1000, 4, 27 } },
		{ "alice:adm", 1000, 4, "alice", "/home/alice", 1, { 4 } },
		{ "alice:0", 1000, 0, "alice", "/home/alice", 1, { 0 } },
		{ "1000:1000", 1000, 1000, "alice", "/home/alice", 1, { 1000 } },
		{ "12345", 12345, 0, "", "/", 1, { 0 } },
		{ "12345:77", 12345, 77, "", "/", 1, { 77 } },
		{ "65535:65535", 65535, 65535, "", "/", 1, { 65535 } },
		{ "backslash", 1001, 1001, "backslash", "/home/\\n", 1, { 1001 } },
		{ "return", 1002, 1002, "return", "/", 1, { 1002 } },
		{ "relative", 1003, 1003, "relative", "/", 1, { 1003 } },
		{ "nohome", 1004, 1004, "nohome", "/", 1, { 1004 } },
		{ "machine$", 1005, 1005, "machine$", "/", 1, { 1005 } },
		{ "last", 1006, 1006, "last", "/last", 1, { 1006 } },
	};
	struct creds_user user;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (resolve(rows[i].text, &user, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_int_equal(user.uid, rows[i].uid);
		assert_int_equal(user.gid, rows[i].gid);
		assert_string_equal(user.name, rows[i].name);
		assert_string_equal(user.home, rows[i].home);
		assert_int_equal(user.n_groups, rows[i].n_groups);
		assert_memory_equal(user.groups, rows[i].groups, user.n_groups * sizeof(gid_t));
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"0x0",
		"01",
		"+1",
		"-1",
		" 1",
		"1 ",
		"1\n",
		"2147483648",
		"4294967295",
		"4294967296",
		"99999999999999",
		"18446744073709551616",
		"1:",
		":1",
		":",
		"1:1:1",
		"1::1",
		"alice:",
		"65536",
		"0:65536",
		"65536:0",
		"outside",
		"nobody-here",
		"alice:nogroup",
		"alice:-1",
		"alice:+4",
		"alice:04",
		"alice:4294967295",
		"alice:badone",
		"alice:short",
		"big",
		"huge",
		"wrapped",
		"minus",
		"plus",
		"octal",
		"hex",
		"blank",
		"empty",
		"badgid",
		"short",
		"+",
		"#",
		"\"alice\"",
		"alice,adm",
		"al ice",
		"alic\x01",
		"\xc3\xa4",
		"../root",
		"root/",
		".",
		"$",
		"alice$$",
		"0e0",
		"1e3",
		"1.0",
		"\xd9\xa1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	char long_text[1000];
	struct creds_user user;
	struct creds_user untouched;
	struct err e;

	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = resolve(rows[i], &user, &e);

		if (r >= 0)
			fail_msg("\"%s\" became %u:%u", rows[i], user.uid, user.gid);
		assert_int_equal(r, -e.code);
		assert_true(e.text[0] != '\0');
		assert_memory_equal(&user, &untouched, sizeof(user));
	}
	memset(long_text, '1', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(resolve(long_text, &user, &e), -EINVAL);
}

/* 2^32 - 2 is the largest id, when there is no bound by a user namespace. */
static void test_largest(void **state)
{
	struct userdb db = make_db("", 0, "", 0);
	struct creds_user user;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(userdb_resolve_text(&db, "4294967294:4294967294", UINT32_MAX, &user, &e),
			 0);
	assert_int_equal(user.uid, 4294967294u);
	assert_int_equal(user.gid, 4294967294u);
	assert_int_equal(userdb_resolve_text(&db, "4294967295", UINT32_MAX, &user, &e), -ERANGE);
}

static void test_no_database(void **state)
{
	struct userdb db = make_db(NULL, 0, NULL, 0);
	struct creds_user user;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(userdb_resolve_text(&db, "", 65536, &user, &e), 0);
	assert_int_equal(user.uid, 0);
	assert_string_equal(user.home, "/");
	assert_int_equal(userdb_resolve_text(&db, "root", 65536, &user, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/etc/passwd"));
	assert_true(e.hint[0] != '\0');
}

static void test_lines(void **state)
{
	static char text[3 * LIMIT_USERDB_LINE];
	static const char with_nul[] = "a:x:1:1::/\0:/bin/sh\nb:x:2:2::/b:\n";
	struct creds_user user;
	struct err e = ERR_INIT;
	struct userdb db;

	(void)state;
	/* longer than the bound: said, not skipped */
	memset(text, 'x', sizeof(text));
	memcpy(text, "root:x:0:0::/:\n", 15);
	db = make_db(text, sizeof(text), "", 0);
	assert_int_equal(userdb_resolve_text(&db, "www-data", 65536, &user, &e), -E2BIG);
	assert_non_null(strstr(e.text, "/etc/passwd:2"));

	db = make_db(with_nul, sizeof(with_nul) - 1, "", 0);
	e = ERR_INIT;
	assert_int_equal(userdb_resolve_text(&db, "a", 65536, &user, &e), -ENOENT);
	assert_int_equal(userdb_resolve_text(&db, "b", 65536, &user, &e), 0);
	assert_string_equal(user.home, "/b");
}

static void test_too_many_groups(void **state)
{
	CLEANUP_STRBUF struct strbuf group = STRBUF_INIT;
	struct creds_user user;
	struct err e = ERR_INIT;
	struct userdb db;

	(void)state;
	for (int i = 0; i < LIMIT_GROUPS - 1; i++)
		strbuf_addf(&group, "g%d:x:%d:u\n", i, i + 100);
	db = make_db("u:x:9:9::/:\n", 12, group.data, group.len);
	assert_int_equal(userdb_resolve_text(&db, "u", 65536, &user, &e), 0);
	assert_int_equal(user.n_groups, LIMIT_GROUPS);
	strbuf_addf(&group, "more:x:7:u\n");
	db = make_db("u:x:9:9::/:\n", 12, group.data, group.len);
	assert_int_equal(userdb_resolve_text(&db, "u", 65536, &user, &e), -E2BIG);
	assert_non_null(strstr(e.text, "groups of user \"u\""));
}

/* A group that can't be mapped is not left out without a word. */
static void test_group_out_of_range(void **state)
{
	static const char passwd[] = "faraway:x:9:9::/:\nunlucky:x:8:8::/:\n";
	struct userdb db = make_db(passwd, sizeof(passwd) - 1, group_text, sizeof(group_text) - 1);
	struct creds_user user;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(userdb_resolve_text(&db, "faraway", 65536, &user, &e), -ERANGE);
	assert_non_null(strstr(e.text, "70000"));
	e = ERR_INIT;
	assert_int_equal(userdb_resolve_text(&db, "unlucky", 65536, &user, &e), -EINVAL);
	assert_non_null(strstr(e.text, "/etc/group:9"));
}

/* Files. */

struct root {
	char path[32];
	int dir, etc;
};

static int root_setup(void **state)
{
	static struct root r;

	(void)snprintf(r.path, sizeof(r.path), "/tmp/userdb-XXXXXX");
	assert_non_null(mkdtemp(r.path));
	r.dir = open(r.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(r.dir, "etc", 0755), 0);
	r.etc = openat(r.dir, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(r.etc >= 0);
	*state = &r;
	return 0;
}

static int root_teardown(void **state)
{
	CLEANUP_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct root *r = *state;
	struct err e = ERR_INIT;

	(void)close(r->dir);
	(void)close(r->etc);
	return path_remove_tree(tmp, r->path + strlen("/tmp/"), &e);
}

static void put(const struct root *r, const char *name, const char *text, size_t n)
{
	CLEANUP_FD int fd =
		openat(r->etc, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, n), 0);
}

static unsigned warnings;
static char last_warning[512];
static void note_warning(const char *text)
{
	warnings++;
	(void)snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static void test_files(void **state)
{
	const struct root *r = *state;
	struct creds_user user;
	struct err e = ERR_INIT;

	put(r, "passwd", passwd_text, sizeof(passwd_text) - 1);
	put(r, "group", group_text, sizeof(group_text) - 1);
	assert_int_equal(userdb_resolve(r->dir, "alice", 65536, &user, &e), 0);
	assert_int_equal(user.uid, 1000);
	assert_int_equal(user.n_groups, 3);
	assert_int_equal(unlinkat(r->etc, "group", 0), 0);
	assert_int_equal(userdb_resolve(r->dir, "alice", 65536, &user, &e), 0);
	assert_int_equal(user.n_groups, 1);
}

/* By name: an error, at once. By number: works, with a warning. Both never open the thing. */
static void expect_refused(const struct root *r, const char *what)
{
	struct creds_user user;
	struct err e = ERR_INIT;
	struct timespec before, after;

	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	if (userdb_resolve(r->dir, "root", 65536, &user, &e) >= 0)
		fail_msg("%s: accepted", what);
	warnings = 0;
	warn_set_sink(note_warning);
	e = ERR_INIT;
	if (userdb_resolve(r->dir, "0", 65536, &user, &e) < 0)
		fail_msg("%s: %s", what, e.text);
	warn_set_sink(NULL);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(user.uid, 0);
	assert_string_equal(user.home, "/");
	assert_int_equal(warnings, 1);
	assert_true(after.tv_sec - before.tv_sec < 2);
	assert_true(unlinkat(r->etc, "passwd", 0) == 0 ||
		    unlinkat(r->etc, "passwd", AT_REMOVEDIR) == 0);
}

static void test_not_regular(void **state)
{
	const struct root *r = *state;
	int fd;

	assert_int_equal(mkfifoat(r->etc, "passwd", 0644), 0);
	expect_refused(r, "FIFO");
	assert_int_equal(symlinkat("/proc/kmsg", r->etc, "passwd"), 0);
	expect_refused(r, "link to /proc/kmsg");
	assert_int_equal(symlinkat("/etc/passwd", r->etc, "passwd"), 0);
	expect_refused(r, "link to itself");
	put(r, "real", "root:x:0:0::/:\n", 15);
	assert_int_equal(symlinkat("real", r->etc, "passwd"), 0);
	expect_refused(r, "link to a file");
	assert_int_equal(mkdirat(r->etc, "passwd", 0755), 0);
	expect_refused(r, "directory");
	if (mknodat(r->etc, "passwd", S_IFCHR | 0644, (1 << 8) | 5) == 0)
		expect_refused(r, "/dev/zero");

	fd = openat(r->etc, "passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 2ll << 30), 0);
	(void)close(fd);
	expect_refused(r, "2 GiB");
	assert_non_null(strstr(last_warning, "home and groups unknown"));
}

/* /etc itself may be a link, but resolves inside the root. */
static void test_etc_link(void **state)
{
	const struct root *r = *state;
	struct creds_user user;
	struct err e = ERR_INIT;

	put(r, "passwd", "inside:x:7:7::/:\n", 17);
	assert_int_equal(renameat(r->dir, "etc", r->dir, "real"), 0);
	assert_int_equal(symlinkat("../../../real", r->dir, "etc"), 0);
	assert_int_equal(userdb_resolve(r->dir, "inside", 65536, &user, &e), 0);
	assert_int_equal(user.uid, 7);
	assert_int_equal(unlinkat(r->dir, "etc", 0), 0);
	assert_int_equal(symlinkat("/etc", r->dir, "etc"), 0); /* itself: a loop, not the host's */
	assert_int_equal(userdb_resolve(r->dir, "root", 65536, &user, &e), -ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_no_database),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_too_many_groups),
		cmocka_unit_test(test_group_out_of_range),
		cmocka_unit_test_setup_teardown(test_files, root_setup, root_teardown),
		cmocka_unit_test_setup_teardown(test_not_regular, root_setup, root_teardown),
		cmocka_unit_test_setup_teardown(test_etc_link, root_setup, root_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
