/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: writer's encoder and reader's decoder together, and printing with all its options. */
#include "base_tmpdir.h"

#include "base/clock.h"
#include "cmd/jail-monitor/line.h"
#include "runtime/log.h"
#include "runtime/log_priv.h"

/* The writer is not in the library: it is a program of its own. */
#include "cmd/jail-monitor/line.c"
#include "cmd/jail-monitor/text.c"

#define TIME "2026-11-21T00:48:41.123Z"

static void assert_encoded(const char *text, size_t n, const char *expected)
{
	char line[4096], back[4096];
	struct log_record record;
	size_t length = line_encode(line, TIME, "stdout", (const uint8_t *)text, n);
	char whole[4096];

	assert_in_range(length, 1, LINE_ENCODED_MAX(n));
	(void)snprintf(whole, sizeof(whole),
		       "{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"%s}\n", expected);
	assert_int_equal(length, strlen(whole));
	assert_memory_equal(line, whole, length);
	assert_int_equal(log_record_parse(line, length - 1, &record, back), 0);
	assert_int_equal(record.n, n);
	assert_memory_equal(back, text, n);
	assert_string_equal(record.time, TIME);
}

static void test_encode(void **state)
{
	(void)state;
	assert_encoded("", 0, "\"");
	assert_encoded("hi\n", 3, "hi\\n\"");
	assert_encoded("\"\\/\b\f\r\t", 7, "\\\"\\\\/\\u0008\\u000c\\r\\t\"");
	assert_encoded("a\0b\033\177", 5, "a\\u0000b\\u001b\177\"");
	/* e acute, euro, G clef; C1 and bidi controls are text here, and escaped when shown. */
	assert_encoded("\303\251\342\202\254\360\235\204\236", 9,
		       "\303\251\342\202\254\360\235\204\236\"");
	assert_encoded("\302\233\342\200\256", 5, "\302\233\342\200\256\"");
	/* Not UTF-8: all of it is bytes. */
	assert_encoded("\303\251\377", 3, "\\u00c3\\u00a9\\u00ff\",\"raw\":true");
	assert_encoded("\300\200", 2, "\\u00c0\\u0080\",\"raw\":true"); /* overlong */
	assert_encoded("\355\240\200", 3, "\\u00ed\\u00a0\\u0080\",\"raw\":true"); /* surrogate */
	assert_encoded("\364\220\200\200", 4, "\\u00f4\\u0090\\u0080\\u0080\",\"raw\":true");
	assert_encoded("x\342\202", 3, "x\\u00e2\\u0082\",\"raw\":true"); /* cut */
	/* Text that looks like the mark of a raw record. */
	assert_encoded("\",\"raw\":true}", 13, "\\\",\\\"raw\\\":true}\"");
	assert_encoded("\377\",\"raw\":true", 13, "\\u00ff\\\",\\\"raw\\\":true\",\"raw\":true");
}

/* All pairs of bytes, at the end and in the middle. */
static void test_encode_pairs(void **state)
{
	char line[256], back[256];
	struct log_record record;

	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		const uint8_t text[] = { 'a', (uint8_t)(i >> 8), (uint8_t)i, 'b' };

		for (size_t n = 3; n <= 4; n++) {
			size_t length = line_encode(line, TIME, "stderr", text, n);

			assert_int_equal(log_record_parse(line, length - 1, &record, back), 0);
			assert_int_equal(record.source, LOG_FROM_STDERR);
			assert_int_equal(record.n, n);
			assert_memory_equal(back, text, n);
		}
	}
}

static void test_cut(void **state)
{
	static const struct {
		const char *text;
		size_t expected;
	} cases[] = {
		{ "abc", 3 },
		{ "ab\303", 2 },
		{ "ab\303\251", 4 },
		{ "ab\342\202", 2 },
		{ "ab\342\202\254", 5 },
		{ "a\360\235\204", 1 },
		{ "a\360\235\204\236", 5 },
		{ "ab\377", 3 },
		{ "ab\200", 3 },
		{ "\200\200\200\200", 4 },
		{ "ab\300", 3 },
		{ "a\355\240", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(line_cut((const uint8_t *)cases[i].text, strlen(cases[i].text)),
				 cases[i].expected);
}

static void test_time(void **state)
{
	static const uint64_t times[] = { 0,
					  951782399999,
					  951782400000, /* 29 February 2000 */
					  951868800000,
					  1709164800000, /* 29 February 2024 */
					  1795222121123,
					  4107542399999, /* 2100 has no 29 February */
					  4107542400000 };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		char ours[TEXT_TIME_LEN + 1] = "", theirs[CLOCK_TEXT_MAX];

		assert_ptr_equal(text_put_time(ours, times[i]), ours + TEXT_TIME_LEN);
		clock_format(times[i], theirs, sizeof(theirs));
		assert_string_equal(ours, theirs);
	}
}

static void test_numbers(void **state)
{
	static const uint64_t numbers[] = { 0, 9, 10, 99, 100, 4294967296, UINT64_MAX };
	uint64_t back;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char text[TEXT_NUMBER_MAX + 1], expected[32];

		*text_put_number(text, numbers[i]) = '\0';
		(void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)numbers[i]);
		assert_string_equal(text, expected);
		assert_true(text_parse_number(text, UINT64_MAX, &back));
		assert_int_equal(back, numbers[i]);
	}
	assert_false(text_parse_number("18446744073709551616", UINT64_MAX, &back));
	assert_false(text_parse_number("99999999999999999999", UINT64_MAX, &back));
	assert_false(text_parse_number("11", 10, &back));
	assert_false(text_parse_number("", 10, &back));
	assert_false(text_parse_number("-1", 10, &back));
	assert_false(text_parse_number("1 ", 10, &back));
}

static void test_damaged_records(void **state)
{
	static const char *const lines[] = {
		"",
		"{}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"x\"",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"x\"}}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"x\\\"}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdin\",\"text\":\"x\"}",
		"{\"time\":\"2026-11-21 00:48:41.123Z\",\"stream\":\"stdout\",\"text\":\"x\"}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"\\x41\"}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"\\u0041\"}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"\\u00e9\"}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"\\u00\"}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"\303\251\",\"raw\":true}",
		"{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"x\",\"raw\":false}",
		"\",\"raw\":true}",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct log_record record = { .n = 77 };

		if (log_record_parse(lines[i], strlen(lines[i]), &record, text) != -EBADMSG)
			fail_msg("taken: %s", lines[i]);
		assert_int_equal(record.n, 77);
	}
}

/* Printing. */

static void put_record(int dir, const char *file, const char *time, const char *stream,
		       const char *text)
{
	CLEANUP_FD int fd = openat(dir, file, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char line[4096];
	size_t n = line_encode(line, time, stream, (const uint8_t *)text, strlen(text));

	assert_true(fd >= 0);
	assert_int_equal(write(fd, line, n), (ssize_t)n);
}

struct printed {
	char out[8192], err[4096];
};

static struct printed print(int dir, const struct log_options *o, log_alive_fn *alive, void *arg)
{
	struct printed p = { .out = "" };
	FILE *out = fmemopen(p.out, sizeof(p.out), "w");
	FILE *err = fmemopen(p.err, sizeof(p.err), "w");
	struct err e = ERR_INIT;
	int r = log_print(dir, o, out, err, alive, arg, &e);

	(void)fclose(out);
	(void)fclose(err);
	if (r != 0)
		fail_msg("%s", e.text);
	return p;
}

static void put_three_files(int dir)
{
	put_record(dir, "log.json.2", "2026-01-01T00:00:00.001Z", "stdout", "one\n");
	put_record(dir, "log.json.2", "2026-01-01T00:00:00.002Z", "stderr", "two\n");
	put_record(dir, "log.json.1", "2026-01-01T00:00:00.003Z", "stdout", "three\n");
	put_record(dir, "log.json", "2026-01-01T00:00:00.004Z", "stdout", "four\n");
	put_record(dir, "log.json", "2026-01-01T00:00:00.005Z", "stdout", "five\n");
}

static void test_print(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options all = { .tail = UINT64_MAX };
	struct printed p = print(t->fd, &all, NULL, NULL);

	/* No log yet. */
	assert_string_equal(p.out, "");
	put_three_files(t->fd);
	p = print(t->fd, &all, NULL, NULL);
	assert_string_equal(p.out, "one\nthree\nfour\nfive\n");
	assert_string_equal(p.err, "two\n");
	all.timestamps = true;
	all.since_ms = 1767225600004;
	p = print(t->fd, &all, NULL, NULL);
	assert_string_equal(p.out,
			    "2026-01-01T00:00:00.004Z four\n2026-01-01T00:00:00.005Z five\n");
	assert_string_equal(p.err, "");
}

static void test_tail(void **state)
{
	static const char *const expected[] = { "",
						"five\n",
						"four\nfive\n",
						"three\nfour\nfive\n",
						"three\nfour\nfive\n",
						"one\nthree\nfour\nfive\n",
						"one\nthree\nfour\nfive\n" };
	const struct tmpdir *t = *state;

	put_three_files(t->fd);
	for (uint64_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct log_options o = { .tail = i };
		struct printed p = print(t->fd, &o, NULL, NULL);

		assert_string_equal(p.out, expected[i]);
		assert_string_equal(p.err, i >= 4 ? "two\n" : "");
	}
}

/* Lines around the size of the block in which the tail is searched. */
static void test_tail_large(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = 3 };
	static char text[2000];
	struct printed p;

	for (int i = 0; i < 200; i++) {
		memset(text, 'x', sizeof(text) - 1);
		(void)snprintf(text + 1000 + i, sizeof(text) - 1000 - (size_t)i, " %d\n", i);
		put_record(t->fd, "log.json", TIME, "stdout", text);
	}
	p = print(t->fd, &o, NULL, NULL);
	assert_int_equal(strlen(p.out), 3 * 1005 + 197 + 198 + 199);
	assert_non_null(strstr(p.out, "x 197\n"));
	assert_non_null(strstr(p.out, "x 199\n"));
	assert_null(strstr(p.out, "x 196\n"));
}

static void test_pieces_of_a_line(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = UINT64_MAX, .timestamps = true };
	struct printed p;

	put_record(t->fd, "log.json", TIME, "stdout", "begin ");
	put_record(t->fd, "log.json", TIME, "stderr", "other\n");
	put_record(t->fd, "log.json", TIME, "stdout", "end\n");
	put_record(t->fd, "log.json", TIME, "stdout", "next\n");
	p = print(t->fd, &o, NULL, NULL);
	assert_string_equal(p.out, TIME " begin end\n" TIME " next\n");
	assert_string_equal(p.err, TIME " other\n");
}

/* Nothing that steers a terminal gets through (row 80), and a pipe gets every byte. */
static void test_escape(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = UINT64_MAX, .escape = true };
	struct printed p;

	put_record(t->fd, "log.json", TIME, "stdout", "a\033[2J\tb\r\n");
	put_record(t->fd, "log.json", TIME, "stdout", "\302\233\342\200\256x\ry\n");
	put_record(t->fd, "log.json", TIME, "stdout", "\377\233\n");
	put_record(t->fd, "log.json", TIME, "jail", "note 1\n");
	p = print(t->fd, &o, NULL, NULL);
	assert_string_equal(p.out, "a\\x1b[2J\tb\n\\u{009b}\\u{202e}x\\x0dy\n\\xff\\x9b\n");
	assert_string_equal(p.err, "jail: note 1\n");
	o.escape = false;
	p = print(t->fd, &o, NULL, NULL);
	assert_string_equal(p.out, "a\033[2J\tb\r\n\302\233\342\200\256x\ry\n\377\233\n");
}

static void test_json(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = 2, .json = true };
	struct printed p;

	put_record(t->fd, "log.json", TIME, "stdout", "a\n");
	put_record(t->fd, "log.json", TIME, "stderr", "b\377\n");
	p = print(t->fd, &o, NULL, NULL);
	assert_string_equal(p.out,
			    "{\"time\":\"" TIME "\",\"stream\":\"stdout\",\"text\":\"a\\n\"}\n"
			    "{\"time\":\"" TIME
			    "\",\"stream\":\"stderr\",\"text\":\"b\\u00ff\\n\",\"raw\":true}\n");
}

static char warned[256];
static void sink(const char *text)
{
	(void)snprintf(warned, sizeof(warned), "%s", text);
}

static void test_damage_is_told(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = UINT64_MAX };
	static char huge[LOG_RECORD_MAX + 5000];
	struct printed p;
	CLEANUP_FD int fd = -EBADF;

	put_record(t->fd, "log.json", TIME, "stdout", "a\n");
	fd = openat(t->fd, "log.json", O_WRONLY | O_APPEND);
	memset(huge, 'y', sizeof(huge));
	assert_int_equal(write(fd, "{\"time\":\"20\n", 12), 12);
	assert_int_equal(write(fd, huge, sizeof(huge)), sizeof(huge));
	assert_int_equal(write(fd, "\n\n", 2), 2);
	put_record(t->fd, "log.json", TIME, "stdout", "b\n");
	warn_set_sink(sink);
	p = print(t->fd, &o, NULL, NULL);
	warn_set_sink(NULL);
	assert_string_equal(p.out, "a\nb\n");
	assert_string_equal(warned, "2 damaged records of the log were left out");
}

static void test_not_a_file(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = UINT64_MAX };
	struct err e = ERR_INIT;

	assert_int_equal(log_check(t->fd, &e), 0);
	assert_int_equal(unlinkat(t->fd, "log.json", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", t->fd, "log.json"), 0);
	assert_int_equal(log_print(t->fd, &o, stdout, stderr, NULL, NULL, &e), -ELOOP);
	e = ERR_INIT;
	assert_int_equal(log_check(t->fd, &e), -ELOOP);
	assert_int_equal(unlinkat(t->fd, "log.json", 0), 0);
	assert_int_equal(mkfifoat(t->fd, "log.json", 0600), 0);
	e = ERR_INIT;
	assert_int_equal(log_print(t->fd, &o, stdout, stderr, NULL, NULL, &e), -EINVAL);
	e = ERR_INIT;
	assert_int_equal(log_check(t->fd, &e), -EINVAL);
}

/* A writer that rotates in between, called from where the follower asks whether to go on. */
struct writer {
	int dir;
	int step;
};

static bool write_step(void *arg)
{
	struct writer *w = arg;
	char text[32];

	(void)snprintf(text, sizeof(text), "step %d\n", ++w->step);
	/* Twice in one step: the follower has to find the file in the middle. */
	for (int i = 0; i < (w->step == 4 ? 2 : w->step == 2); i++) {
		(void)renameat(w->dir, "log.json.1", w->dir, "log.json.2");
		(void)renameat(w->dir, "log.json", w->dir, "log.json.1");
		put_record(w->dir, "log.json", TIME, "stdout", "rotated\n");
	}
	put_record(w->dir, "log.json", TIME, "stdout", text);
	return w->step < 6;
}

static void test_follow(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = 1, .follow = true };
	struct writer w = { .dir = t->fd };
	struct printed p;

	put_record(t->fd, "log.json", TIME, "stdout", "old\n");
	put_record(t->fd, "log.json", TIME, "stdout", "last\n");
	p = print(t->fd, &o, write_step, &w);
	assert_string_equal(p.out, "last\nstep 1\nrotated\nstep 2\nstep 3\nrotated\nrotated\n"
				   "step 4\nstep 5\nstep 6\n");
}

/* From before the first output, and with nothing of the past. */
static void test_follow_from_nothing(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = 0, .follow = true };
	struct writer w = { .dir = t->fd, .step = 4 };
	struct printed p = print(t->fd, &o, write_step, &w);

	assert_string_equal(p.out, "step 5\nstep 6\n");
}

/* More rotations than there are files, all before the follower looks: it goes on with what is
 * left. */
static bool write_too_fast(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < 5; i++)
		(void)write_step(&(struct writer){ .dir = w->dir, .step = 1 });
	return false;
}

static void test_follow_loses(void **state)
{
	const struct tmpdir *t = *state;
	struct log_options o = { .tail = UINT64_MAX, .follow = true };
	struct writer w = { .dir = t->fd };
	struct printed p;

	put_record(t->fd, "log.json", TIME, "stdout", "first\n");
	warn_set_sink(sink);
	warned[0] = '\0';
	p = print(t->fd, &o, write_too_fast, &w);
	warn_set_sink(NULL);
	assert_string_equal(p.out, "first\nrotated\nstep 2\nrotated\nstep 2\nrotated\nstep 2\n");
	assert_string_equal(
		warned, "a part of the log may have been rotated away before it could be shown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),	  cmocka_unit_test(test_encode_pairs),
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_time),
		cmocka_unit_test(test_numbers),	  cmocka_unit_test(test_damaged_records),
		TMPDIR_TEST(test_print),	  TMPDIR_TEST(test_tail),
		TMPDIR_TEST(test_tail_large),	  TMPDIR_TEST(test_pieces_of_a_line),
		TMPDIR_TEST(test_escape),	  TMPDIR_TEST(test_json),
		TMPDIR_TEST(test_damage_is_told), TMPDIR_TEST(test_not_a_file),
		TMPDIR_TEST(test_follow),	  TMPDIR_TEST(test_follow_from_nothing),
		TMPDIR_TEST(test_follow_loses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
