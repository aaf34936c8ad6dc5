/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, buffers, escaping, tables, clock, rollback: what turns into text for a person. */
#include "base_tmpdir.h"

#include "base/clock.h"
#include "base/rollback.h"
#include "base/text.h"
#include "base/utf8.h"

static void test_err(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "web.json"), -ENOENT);
	assert_string_equal(e.text, "open web.json: No such file or directory");
	assert_int_equal(err_wrap(&e, "create %s", "web"), -ENOENT);
	assert_string_equal(e.text, "create web: open web.json: No such file or directory");
	assert_int_equal(err_hint(&e, "inner"), -ENOENT);
	(void)err_hint(&e, "outer");
	assert_string_equal(e.hint, "inner");
	errno = 0;
	assert_int_equal(err_sys(&e, "x"), -EIO);
	assert_string_equal(e.hint, "");
	assert_int_equal(err_ret(&e, -EPERM, "y"), -EPERM);
	assert_int_equal(err_nomem(&e), -ENOMEM);
}

static void test_err_long(void **state)
{
	char big[4096];
	struct err e = ERR_INIT;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_set(&e, EINVAL, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_string_equal(e.text + ERR_TEXT_MAX - 4, "...");
	(void)err_hint(&e, "%s", big);
	assert_string_equal(e.hint + ERR_HINT_MAX - 4, "...");
	/* However long the object's name: the reason stays. */
	(void)err_ret(&e, -ENOENT, "open %s", big);
	assert_non_null(strstr(e.text, "...: No such file or directory"));
	for (int i = 0; i < 50; i++)
		(void)err_wrap(&e, "%s", big);
	assert_true(strlen(e.text) < ERR_TEXT_MAX);
	assert_string_equal(e.text + strlen(e.text) - 3, "...");
}

static char warned[ERR_TEXT_MAX];

static void sink(const char *text)
{
	(void)snprintf(warned, sizeof(warned), "%s", text);
}

static void test_warn(void **state)
{
	(void)state;
	warn("dropped");
	warn_set_sink(sink);
	warn("%d", 5);
	warn_set_sink(NULL);
	warn("dropped too");
	assert_string_equal(warned, "5");
}

static void test_strbuf(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_FREE char *taken = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_string_equal(strbuf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 2000);
	assert_int_equal(strlen(strbuf_str(&b)), 2000);
	assert_int_equal(strbuf_ok(&b, &e), 0);
	taken = strbuf_take(&b);
	assert_int_equal(strlen(taken), 2000);
	assert_string_equal(strbuf_str(&b), "");
	b.max = 4;
	strbuf_adds(&b, "1234");
	assert_int_equal(strbuf_ok(&b, &e), 0);
	strbuf_addc(&b, '5');
	strbuf_adds(&b, "");
	assert_int_equal(strbuf_ok(&b, &e), -E2BIG);
	assert_string_equal(strbuf_str(&b), "1234");
}

static void test_str(void **state)
{
	CLEANUP_STRV struct strv v = { .n = 0 }, copy = { .n = 0 };
	char out[4];

	(void)state;
	assert_int_equal(str_format(out, sizeof(out), "%s", "abc"), 3);
	assert_int_equal(str_format(out, sizeof(out), "%s", "abcd"), -ENAMETOOLONG);
	assert_string_equal(out, "");
	assert_true(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("a", "ab"));
	assert_int_equal(strv_add(&v, "a"), 0);
	assert_int_equal(strv_addf(&v, "%d", 7), 0);
	assert_int_equal(strv_copy(&v, &copy), 0);
	assert_int_equal(copy.n, 2);
	assert_string_equal(copy.v[1], "7");
	assert_null(copy.v[2]);
}

/* The hostile texts of row 80: no byte reaches the terminal that it could take as an order. */
static void test_escape(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain \\ text", "plain \\ text" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "\x1b]52;c;eA==\a", "\\x1b]52;c;eA==\\x07" },
		{ "a\rb\bc\x7f", "a\\x0db\\x08c\\x7f" },
		{ "a\n\tb", "a\\x0a\\x09b" },
		{ "\x9b", "\\x9b" },
		{ "\xc2\x9b", "\\u{009b}" },
		{ "\xe2\x80\xaegpj", "\\u{202e}gpj" },
		{ "\xe2\x81\xa6", "\\u{2066}" },
		{ "\xef\xbb\xbf", "\\u{feff}" },
		{ "\xf3\xa0\x81\x81", "\\u{e0041}" },
		{ "\xc0\xaf", "\\xc0\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xe2\x80", "\\xe2\\x80" },
		{ "h\xc3\xa9 \xe6\x97\xa5", "h\xc3\xa9 \xe6\x97\xa5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

		text_escape(&b, cases[i].in, strlen(cases[i].in), true);
		assert_string_equal(strbuf_str(&b), cases[i].out);
	}
}

/* Every byte string of one to three bytes: the output is clean and the decoder stays inside. */
static void test_escape_all(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 1u << 16; v++) {
		char in[3] = { (char)(v & 0xff), (char)(v >> 8), (char)(v * 7 >> 3) };
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		uint32_t cp;

		text_escape(&b, in, v % 3 + 1, true);
		for (size_t i = 0; i < b.len;) {
			size_t len = utf8_decode(b.data + i, b.len - i, &cp);

			assert_true(len > 0);
			assert_true(cp >= 0x20 && (cp < 0x7f || cp > 0x9f));
			i += len;
		}
	}
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("h\xc3\xa9"), 2);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(text_width("\xf0\x9f\x98\x80"), 2);
}

static void print_rows(const struct table *t, size_t width, char *out, size_t n)
{
	FILE *f = fmemopen(out, n, "w");
	struct err e = ERR_INIT;

	assert_non_null(f);
	assert_int_equal(table_print(t, f, width, &e), 0);
	assert_int_equal(fclose(f), 0);
}

static void test_table(void **state)
{
	static const char *const rows[][3] = { { "NAME", "STATE", "COMMAND" },
					       { "web", "running", "nginx -g daemon" },
					       { "\xe6\x97\xa5", "", "a\x1b[2J" },
					       { "x", "y", "" } };
	struct table t;
	char out[512];

	(void)state;
	table_init(&t, 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		table_row(&t, rows[i]);
	print_rows(&t, 0, out, sizeof(out));
	assert_string_equal(out, "NAME  STATE    COMMAND\n"
				 "web   running  nginx -g daemon\n"
				 "\xe6\x97\xa5             a\\x1b[2J\n"
				 "x     y\n");
	print_rows(&t, 25, out, sizeof(out));
	assert_string_equal(out, "NAME  STATE    COMMAND\n"
				 "web   running  nginx -...\n"
				 "\xe6\x97\xa5             a\\x1b[2J\n"
				 "x     y\n");
	table_free(&t);
}

static void test_clock(void **state)
{
	char text[CLOCK_TEXT_MAX];
	uint64_t before = clock_boot_ms();

	(void)state;
	clock_format(1795222121123ull, text, sizeof(text));
	assert_string_equal(text, "2026-11-21T00:48:41.123Z");
	clock_format(0, text, sizeof(text));
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_format(UINT64_MAX, text, sizeof(text));
	assert_true(str_starts(text, "9999-12-31T23:59:59."));
	clock_format_age(59999, text, sizeof(text));
	assert_string_equal(text, "59s");
	clock_format_age(3599999, text, sizeof(text));
	assert_string_equal(text, "59m");
	clock_format_age(86399999, text, sizeof(text));
	assert_string_equal(text, "23h");
	clock_format_age(2 * 86400000, text, sizeof(text));
	assert_string_equal(text, "2d");
	assert_true(clock_boot_ms() >= before && before > 0);
	assert_true(clock_wall_ms() > 1600000000000ull);
}

static void note(void *arg)
{
	char *log = arg;

	memmove(log + 1, log, 3);
	log[0] = log[4];
}

static void undo_a(void *arg)
{
	((char *)arg)[4] = 'a';
	note(arg);
}

static void undo_b(void *arg)
{
	((char *)arg)[4] = 'b';
	note(arg);
}

static void test_rollback(void **state)
{
	char log[8] = "....";

	(void)state;
	{
		CLEANUP_ROLLBACK struct rollback r = ROLLBACK_INIT;

		rollback_push(&r, undo_a, log);
		rollback_push(&r, undo_b, log);
		assert_memory_equal(log, "....", 4);
	}
	assert_memory_equal(log, "ab..", 4); /* newest first: b, then a in front of it */
	{
		CLEANUP_ROLLBACK struct rollback r = ROLLBACK_INIT;

		rollback_push(&r, undo_b, log);
		rollback_commit(&r);
	}
	assert_memory_equal(log, "ab..", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err),	   cmocka_unit_test(test_err_long),
		cmocka_unit_test(test_warn),	   cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_str),	   cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_all), cmocka_unit_test(test_width),
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_clock),
		cmocka_unit_test(test_rollback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
