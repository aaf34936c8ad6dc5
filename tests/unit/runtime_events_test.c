/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of events: what is written comes back, torn lines don't take others with them, and it
 * stays bounded. */
#include "base_tmpdir.h"

#include "base/clock.h"
#include "runtime/engine_priv.h"
#include "runtime/events.h"
#include "runtime/events_proto.h"

#define EVENT(name)                                                                                \
	"{\"time\":\"2026-11-21T00:48:41.123Z\",\"event\":\"paused\",\"name\":\"" name "\"}"

static unsigned warnings;

static void count_warning(const char *text)
{
	(void)text;
	warnings++;
}

static struct jail jail_of(const struct tmpdir *t)
{
	return (struct jail){ .state = t->fd };
}

/* What events_print() gives. */
static void print(struct jail *j, const struct event_options *o, char *ret, size_t n)
{
	struct err e = ERR_INIT;
	FILE *f = fmemopen(ret, n, "w");

	assert_non_null(f);
	memset(ret, 0, n);
	if (events_print(j, o, f, &e) < 0)
		fail_msg("%s", e.text);
	(void)fclose(f);
}

static void put(const struct tmpdir *t, const char *file, const char *text)
{
	char path[64];

	(void)mkdirat(t->fd, EVENTS_DIR, 0700);
	(void)snprintf(path, sizeof(path), EVENTS_DIR "/%s", file);
	tmpdir_put(t->fd, path, text);
}

static void test_write_and_print(void **state)
{
	struct jail j = jail_of(*state);
	const struct jail_name web = { "web" }, db = { "db" };
	const struct event_detail exit = { .status = 3, .reason = "exited" };
	const struct cgroup_oom oom = { .kills = 2,
					.level = CGROUP_OOM_INSTANCE,
					.victim_pid = 7,
					.victim = "a \"b\"\x1b[1m" };
	struct event_options o = { .json = true };
	struct err e = ERR_INIT;
	char text[4096];
	struct stat st;

	print(&j, &o, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(event_try(&j, EVENT_STARTED, &web, &(struct event_detail){ .pid = 5 }, &e),
			 0);
	assert_int_equal(event_try(&j, EVENT_EXITED, &db, &exit, &e), 0);
	assert_int_equal(event_try(&j, EVENT_OOM, &web, &(struct event_detail){ .oom = &oom }, &e),
			 0);
	print(&j, &o, text, sizeof(text));
	assert_non_null(strstr(text, "\"event\":\"started\",\"name\":\"web\",\"pid\":5}\n"));
	assert_non_null(strstr(text, "\"name\":\"db\",\"status\":3,\"reason\":\"exited\"}\n"));
	assert_non_null(strstr(text, "\"kills\":2,\"level\":\"instance\",\"victim\":\"a \\\"b"));
	/* Only one, as text, on one line without anything that steers a terminal. */
	o = (struct event_options){ .names = &web, .n_names = 1 };
	print(&j, &o, text, sizeof(text));
	assert_null(strstr(text, "db"));
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "Z  started     web  pid=5\n"));
	/* Nothing is as young as tomorrow. */
	o = (struct event_options){ .since_ms = clock_wall_ms() + 86400000 };
	print(&j, &o, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(fstatat(j.state, EVENTS_DIR "/" EVENTS_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_torn(void **state)
{
	struct jail j = jail_of(*state);
	const struct event_options o = { .json = true };
	char text[4096];

	warn_set_sink(count_warning);
	warnings = 0;
	put(*state, EVENTS_OLD, EVENT("a") "\n\n{\"time\":\"2026-11" EVENT("b") "\n");
	put(*state, EVENTS_FILE,
	    EVENT("c") "\n[]\nno json\n{\"time\":1}\n{\"time\":\"x\",\"event\":\"x\"}\n" EVENT(
		    "d") "x\n" EVENT("e") "\n" EVENT("f"));
	print(&j, &o, text, sizeof(text));
	/* The last has no newline: it is being written. */
	assert_string_equal(text, EVENT("a") "\n" EVENT("b") "\n" EVENT("c") "\n" EVENT("e") "\n");
	assert_int_equal(warnings, 1);
}

/* A line that no buffer holds, and one right behind it. */
static void test_long_line(void **state)
{
	struct jail j = jail_of(*state);
	const struct event_options o = { .json = true };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char text[4096];

	warn_set_sink(count_warning);
	for (int i = 0; i < 100000; i++)
		strbuf_addc(&b, 'x');
	strbuf_adds(&b, "\n" EVENT("a") "\n");
	put(*state, EVENTS_FILE, strbuf_str(&b));
	print(&j, &o, text, sizeof(text));
	assert_string_equal(text, EVENT("a") "\n");
}

static off_t size_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) == 0 ? st.st_size : -1;
}

static void test_rotation(void **state)
{
	const struct tmpdir *t = *state;
	static char line[EVENTS_LINE_MAX];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	/* Three files' worth: two stay. */
	for (int i = 0; i < 3 * EVENTS_FILE_MAX / EVENTS_LINE_MAX; i++)
		assert_int_equal(events_append(t->fd, EVENTS_FILE, EVENTS_OLD, line, sizeof(line)),
				 0);
	assert_int_equal(size_of(t->fd, EVENTS_OLD), EVENTS_FILE_MAX);
	assert_in_range(size_of(t->fd, EVENTS_FILE), 1, EVENTS_FILE_MAX);
	/* A writer that found the file full before another one renamed it renames nothing. */
	{
		CLEANUP_FD int stale = openat(t->fd, EVENTS_OLD, O_WRONLY | O_CLOEXEC);
		off_t before = size_of(t->fd, EVENTS_FILE);

		events_rotate(t->fd, EVENTS_FILE, EVENTS_OLD, stale);
		assert_int_equal(size_of(t->fd, EVENTS_FILE), before);
	}
}

static void test_refused(void **state)
{
	struct jail j = jail_of(*state);
	const struct jail_name web = { "web" };
	struct err e = ERR_INIT;

	/* A symlink in the file's place is not followed; what happened is told, not lost quietly.
	 */
	assert_int_equal(mkdirat(j.state, EVENTS_DIR, 0700), 0);
	assert_int_equal(symlinkat("/dev/full", j.state, EVENTS_DIR "/" EVENTS_FILE), 0);
	assert_int_equal(event_try(&j, EVENT_PAUSED, &web, NULL, &e), -ELOOP);
	warn_set_sink(count_warning);
	warnings = 0;
	event_record(&j, EVENT_PAUSED, &web, NULL);
	assert_int_equal(warnings, 1);
	assert_int_equal(events_append(AT_FDCWD, "/dev/full", "/nosuch", "x\n", 2), ENOSPC);
}

struct follower {
	struct jail *j;
	int step;
};

/* Each wait is a chance to write, also over a rotation. */
static bool next_step(int fd, void *arg)
{
	struct follower *f = arg;
	const struct jail_name names[] = { { "one" }, { "two" }, { "three" }, { "four" } };
	struct err e = ERR_INIT;

	assert_true(fd >= 0);
	if (f->step == 1)
		assert_int_equal(renameat(f->j->state, EVENTS_DIR "/" EVENTS_FILE, f->j->state,
					  EVENTS_DIR "/" EVENTS_OLD),
				 0);
	if (f->step == 2) {
		/* By somebody who had opened the file before the rotation. */
		assert_int_equal(renameat(f->j->state, EVENTS_DIR "/" EVENTS_OLD, f->j->state,
					  EVENTS_DIR "/swap"),
				 0);
		assert_int_equal(renameat(f->j->state, EVENTS_DIR "/" EVENTS_FILE, f->j->state,
					  EVENTS_DIR "/" EVENTS_OLD),
				 0);
		assert_int_equal(renameat(f->j->state, EVENTS_DIR "/swap", f->j->state,
					  EVENTS_DIR "/" EVENTS_FILE),
				 0);
		assert_int_equal(event_try(f->j, EVENT_PAUSED, &names[f->step], NULL, &e), 0);
		assert_int_equal(renameat(f->j->state, EVENTS_DIR "/" EVENTS_FILE, f->j->state,
					  EVENTS_DIR "/swap"),
				 0);
		assert_int_equal(renameat(f->j->state, EVENTS_DIR "/" EVENTS_OLD, f->j->state,
					  EVENTS_DIR "/" EVENTS_FILE),
				 0);
		assert_int_equal(renameat(f->j->state, EVENTS_DIR "/swap", f->j->state,
					  EVENTS_DIR "/" EVENTS_OLD),
				 0);
	} else if (f->step < 4) {
		assert_int_equal(event_try(f->j, EVENT_PAUSED, &names[f->step], NULL, &e), 0);
	}
	return f->step++ < 4;
}

static void test_follow(void **state)
{
	static const char *const expected[] = { "one", "two", "three", "four" };
	struct jail j = jail_of(*state);
	struct follower f = { .j = &j };
	const struct event_options o = {
		.follow = true, .only_new = true, .json = true, .wait = next_step, .arg = &f
	};
	char text[4096], *at = text;

	warn_set_sink(count_warning);
	warnings = 0;
	put(*state, EVENTS_FILE, EVENT("past") "\n");
	print(&j, &o, text, sizeof(text));
	assert_null(strstr(text, "past"));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		at = strstr(at, expected[i]);
		assert_non_null(at);
		assert_null(strstr(at + 1, expected[i]));
	}
	assert_int_equal(warnings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_write_and_print), TMPDIR_TEST(test_torn),
		TMPDIR_TEST(test_long_line),	   TMPDIR_TEST(test_rotation),
		TMPDIR_TEST(test_refused),	   TMPDIR_TEST(test_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
