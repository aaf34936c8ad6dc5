/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is made of the kernel's counters and of its log when the out-of-memory killer was at work.
 * Directories of plain files stand for cgroups; a socket of records stands for /dev/kmsg.
 */
#include "base_tmpdir.h"

#include <sys/socket.h>
#include <sys/xattr.h>

#include "cgroups/cgroup_priv.h"

/* DIR/jail/acme/web, where "acme" stands for a tenant. */
struct tree {
	struct cgroup_tree t;
	struct jail_name name;
	int tenant, web;
};

static int make_dir(int dir, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(dir, name, 0755), 0);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static struct tree make_tree(void **state)
{
	struct tmpdir *d = *state;
	struct tree f = { .t = { .root_fd = make_dir(d->fd, "jail"),
				 .controllers = CGROUP_MEMORY } };

	f.tenant = make_dir(f.t.root_fd, "acme");
	f.web = make_dir(f.tenant, "web");
	(void)str_format(f.name.s, sizeof(f.name.s), "acme/web");
	(void)str_format(f.t.path, sizeof(f.t.path), "%s/jail", d->path);
	return f;
}

static void drop_tree(const struct tree *f)
{
	(void)close(f->t.root_fd);
	(void)close(f->tenant);
	(void)close(f->web);
}

static struct cgroup_oom look(const struct tree *f)
{
	struct cgroup_oom oom;
	struct err e = ERR_INIT;

	if (cgroup_oom_read(&f->t, &f->name, &oom, &e) < 0)
		fail_msg("%s", e.text);
	return oom;
}

static void test_nothing_killed(void **state)
{
	struct tree f = make_tree(state);
	struct cgroup_oom oom = look(&f); /* no memory controller */

	assert_int_equal(oom.kills, 0);
	assert_int_equal(oom.peak_bytes, 0);
	assert_int_equal(oom.level, CGROUP_OOM_NONE);
	tmpdir_put(f.web, "memory.events", "low 0\nhigh 7\nmax 3\noom 0\noom_kill 0\n");
	tmpdir_put(f.web, "memory.current", "4096\n");
	assert_int_equal(look(&f).peak_bytes, 4096);
	tmpdir_put(f.web, "memory.peak", "67108864\n");
	oom = look(&f);
	assert_int_equal(oom.kills, 0);
	assert_int_equal(oom.level, CGROUP_OOM_NONE);
	assert_int_equal(oom.peak_bytes, 67108864);
	drop_tree(&f);
}

static void test_no_cgroup(void **state)
{
	struct tree f = make_tree(state);
	struct cgroup_oom oom;
	struct err e = ERR_INIT;

	(void)str_format(f.name.s, sizeof(f.name.s), "none");
	assert_int_equal(cgroup_oom_read(&f.t, &f.name, &oom, &e), -ENOENT);
	assert_non_null(strstr(e.text, "jail/none"));
	drop_tree(&f);
}

static void test_level_by_counters(void **state)
{
	struct tree f = make_tree(state);

	/* Killed without a limit of any cgroup being hit: the machine's memory. */
	tmpdir_put(f.web, "memory.events", "oom 0\noom_kill 2\noom_group_kill 0\n");
	assert_int_equal(look(&f).kills, 2);
	assert_int_equal(look(&f).level, CGROUP_OOM_HOST);
	tmpdir_put(f.web, "memory.events", "oom 1\noom_kill 2\n");
	assert_int_equal(look(&f).level, CGROUP_OOM_INSTANCE);
	drop_tree(&f);
}

static void test_level_above(void **state)
{
	struct tree f = make_tree(state);

	tmpdir_put(f.tenant, "memory.events.local", "oom 4\noom_kill 4\n");
	tmpdir_put(f.t.root_fd, "memory.events.local", "oom 9\noom_kill 9\n");
	tmpdir_put(f.web, "memory.events", "oom 0\noom_kill 1\n");
	/* Nobody knows whether that was before. */
	assert_int_equal(look(&f).level, CGROUP_OOM_UNKNOWN);
	cgroup_oom_mark(&f.t, f.web);
	if (fgetxattr(f.web, "user.jail.oom", NULL, 0) < 0) {
		drop_tree(&f);
		skip(); /* a file system without user attributes */
	}
	assert_int_equal(look(&f).level, CGROUP_OOM_HOST); /* nobody's limit since */
	tmpdir_put(f.tenant, "memory.events.local", "oom 5\noom_kill 5\n");
	assert_int_equal(look(&f).level, CGROUP_OOM_TENANT);
	tmpdir_put(f.tenant, "memory.events.local", "oom 4\noom_kill 4\n");
	tmpdir_put(f.t.root_fd, "memory.events.local", "oom 10\noom_kill 9\n");
	assert_int_equal(look(&f).level, CGROUP_OOM_HOST);
	/* A damaged mark is none. */
	assert_int_equal(fsetxattr(f.web, "user.jail.oom", "x y:z", 5, 0), 0);
	assert_int_equal(look(&f).level, CGROUP_OOM_UNKNOWN);
	drop_tree(&f);
}

#define KILL "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=inside,mems_allowed=0,"
#define GLOBAL "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
#define WEB "/jail/acme/web"

static const struct cgroup_oom_place place = {
	.path = WEB, .own_len = sizeof(WEB) - 1, .all_len = 5, .whole = true
};

struct line {
	const char *text;
	bool whole; /* the whole tree is mounted */
	bool taken;
	const char *victim;
	enum cgroup_oom_level level;
};

static const struct line lines[] = {
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB ",task_memcg=" WEB
	  "/inside,task=hog,pid=4711,uid=100000\n",
	  true, true, "hog", CGROUP_OOM_INSTANCE },
	/* a limit that the instance gave a part of itself */
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB "/inside/a,task_memcg=" WEB
	  "/inside/a/b,task=hog,pid=4711,uid=0",
	  true, true, "hog", CGROUP_OOM_INSTANCE },
	{ "6,1,7000000,-;" KILL "oom_memcg=/jail/acme,task_memcg=" WEB
	  "/inside,task=two words,pid=4711,uid=0",
	  true, true, "two words", CGROUP_OOM_TENANT },
	{ "6,1,7000000,-;" KILL "oom_memcg=/jail,task_memcg=" WEB "/inside,task=a,pid=4711,uid=0",
	  true, true, "a", CGROUP_OOM_HOST },
	{ "6,1,7000000,-;" GLOBAL "global_oom,task_memcg=" WEB "/inside,task=a,pid=4711,uid=0",
	  true, true, "a", CGROUP_OOM_HOST },
	/* the tree is seen from a cgroup namespace */
	{ "6,1,7000000,-;" KILL "oom_memcg=/x" WEB ",task_memcg=/x" WEB "/inside,task=a,pid=4711,"
	  "uid=0",
	  false, true, "a", CGROUP_OOM_INSTANCE },
	{ "6,1,7000000,-;" KILL "oom_memcg=/x/jail/acme,task_memcg=/x" WEB
	  "/inside,task=a,pid=4711,uid=0",
	  false, true, "a", CGROUP_OOM_TENANT },
	{ "6,1,7000000,-;" KILL "oom_memcg=/x,task_memcg=/x" WEB "/inside,task=a,pid=4711,uid=0",
	  false, true, "a", CGROUP_OOM_HOST },
	/* another's */
	{ "6,1,7000000,-;" KILL "oom_memcg=/x" WEB ",task_memcg=/x" WEB "/inside,task=a,pid=4711,"
	  "uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB "2,task_memcg=" WEB "2/inside,task=a,pid=4711,"
	  "uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB "2,task_memcg=" WEB "2/inside,task=a,pid=4711,"
	  "uid=0",
	  false, false, NULL, CGROUP_OOM_NONE },
	/* forged: by a program's own line, by names of cgroups and programs */
	{ "14,1,7000000,-;" KILL "oom_memcg=" WEB ",task_memcg=" WEB "/inside,task=a,pid=1,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;x;" KILL "oom_memcg=" WEB ",task_memcg=" WEB "/inside,task=a,pid=1,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "oom_memcg=/jail/evil,task_memcg=" WEB
	  ",task=a,pid=1,uid=0,task_memcg=/jail/evil/inside,task=a,pid=2,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,oom_"
	  "memcg=" WEB ",task_memcg=" WEB
	  ",mems_allowed=0,oom_memcg=/jail/evil,task_memcg=/jail/evil,"
	  "task=a,pid=1,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB ",task_memcg=" WEB
	  "/inside,task=a,pid=1,b,pid=4711,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB ",global_oom,task_memcg=" WEB
	  "/inside,task=a,pid=4711,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	/* before its time */
	{ "6,1,4000000,-;" KILL "oom_memcg=" WEB ",task_memcg=" WEB "/inside,task=a,pid=1,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	/* damaged */
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB, true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "task_memcg=" WEB ",task=a,pid=1,uid=0", true, false, NULL,
	  CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB ",task_memcg=" WEB ",task=a,pid=x,uid=0", true,
	  false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;" KILL "oom_memcg=" WEB ",task_memcg=" WEB ",task=a,pid=99999999999,uid=0",
	  true, false, NULL, CGROUP_OOM_NONE },
	{ "6,1,7000000,-;uid=,pid=,task=,task_memcg=,oom_memcg=", true, false, NULL,
	  CGROUP_OOM_NONE },
	{ ";oom-kill:constraint=", true, false, NULL, CGROUP_OOM_NONE },
	{ "", true, false, NULL, CGROUP_OOM_NONE },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct line *l = &lines[i];
		struct cgroup_oom oom = { .kills = 1 };
		struct cgroup_oom_place p = place;
		char *text = strdup(l->text);

		assert_non_null(text);
		p.whole = l->whole;
		if (cgroup_oom_parse(&p, 6000000, text, &oom) != l->taken)
			fail_msg("line %zu: %s", i, l->text);
		assert_int_equal(oom.level, l->level);
		assert_string_equal(oom.victim, l->victim ? l->victim : "");
		assert_int_equal(oom.victim_pid, l->victim ? 4711 : 0);
		free(text);
	}
}

/* The last kill counts, and the log's end is the end. */
static void test_log(void **state)
{
	static const char *const records[] = {
		"6,1,7000000,-;" KILL "oom_memcg=" WEB ",task_memcg=" WEB
		"/inside,task=first,pid=1,uid=0\n",
		"6,2,7000001,-;eth0: link up\n SUBSYSTEM=net\n",
		"6,3,7000002,-;" KILL "oom_memcg=/jail/acme,task_memcg=" WEB
		"/inside,task=last,pid=2,uid=0\n",
		"6,4,7000003,-;" KILL "oom_memcg=/jail/other,task_memcg=/jail/other,task=o,pid=3,"
		"uid=0\n",
	};
	struct cgroup_oom oom = { .kills = 2 };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		assert_true(send(pair[0], records[i], strlen(records[i]), 0) > 0);
	cgroup_oom_search(pair[1], &place, 0, &oom);
	assert_string_equal(oom.victim, "last");
	assert_int_equal(oom.victim_pid, 2);
	assert_int_equal(oom.level, CGROUP_OOM_TENANT);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* In a unit's cgroup the tree's root is the instance's own. */
static void test_unit(void **state)
{
	static const struct {
		const char *limit;
		enum cgroup_oom_level level;
	} limits[] = {
		{ "/jail.slice/jail-acme.slice/jail@web.service/web/inside", CGROUP_OOM_INSTANCE },
		{ "/jail.slice/jail-acme.slice/jail@web.service/web", CGROUP_OOM_INSTANCE },
		{ "/jail.slice/jail-acme.slice/jail@web.service", CGROUP_OOM_INSTANCE },
		{ "/jail.slice/jail-acme.slice", CGROUP_OOM_TENANT },
		{ "/jail.slice", CGROUP_OOM_HOST },
		{ "/", CGROUP_OOM_HOST },
	};
	static const char unit[] = "/jail.slice/jail-acme.slice/jail@web.service";
	struct cgroup_oom_place p = { .own_len = strlen(unit),
				      .all_len = strlen("/jail.slice"),
				      .whole = true };

	(void)state;
	(void)str_format(p.path, sizeof(p.path), "%s/web", unit);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct cgroup_oom oom = { .kills = 1 };
		char text[1024];

		(void)snprintf(text, sizeof(text),
			       "6,1,7000000,-;" KILL "oom_memcg=%s,task_memcg=%s/web/inside,task=a,"
			       "pid=1,uid=0",
			       limits[i].limit, unit);
		assert_true(cgroup_oom_parse(&p, 0, text, &oom));
		assert_int_equal(oom.level, limits[i].level);
	}
}

/* The same by counters. */
static void test_unit_counters(void **state)
{
	const struct tmpdir *d = *state;
	struct tree f = { .t = { .controllers = CGROUP_MEMORY }, .name = { "web" } };
	CLEANUP_FD int all = make_dir(d->fd, "jail.slice");

	f.tenant = make_dir(all, "jail-acme.slice");
	f.t.root_fd = make_dir(f.tenant, "jail@web.service");
	f.web = make_dir(f.t.root_fd, "web");
	(void)str_format(f.t.path, sizeof(f.t.path),
			 "%s/jail.slice/jail-acme.slice/jail@web.service", d->path);
	tmpdir_put(f.web, "memory.events", "oom 0\noom_kill 1\n");
	cgroup_oom_mark(&f.t, f.web);
	if (fgetxattr(f.web, "user.jail.oom", NULL, 0) < 0) {
		drop_tree(&f);
		skip();
	}
	tmpdir_put(all, "memory.events.local", "oom 1\n");
	assert_int_equal(look(&f).level, CGROUP_OOM_HOST);
	tmpdir_put(f.tenant, "memory.events.local", "oom 1\n");
	assert_int_equal(look(&f).level, CGROUP_OOM_TENANT);
	tmpdir_put(f.t.root_fd, "memory.events.local", "oom 1\n");
	assert_int_equal(look(&f).level, CGROUP_OOM_INSTANCE);
	drop_tree(&f);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = CGROUP_OOM_NONE; i <= CGROUP_OOM_UNKNOWN; i++)
		assert_int_equal(cgroup_oom_level_parse(cgroup_oom_level_name(i)), i);
	assert_int_equal(cgroup_oom_level_parse("tenants"), CGROUP_OOM_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_nothing_killed),    TMPDIR_TEST(test_no_cgroup),
		TMPDIR_TEST(test_level_by_counters), TMPDIR_TEST(test_level_above),
		TMPDIR_TEST(test_unit_counters),     cmocka_unit_test(test_unit),
		cmocka_unit_test(test_lines),	     cmocka_unit_test(test_log),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
