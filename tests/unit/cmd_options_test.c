/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option parser, and a walk over the tables of verbs and options. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/jail/verbs.h"

struct values {
	bool all, json;
	const char *name;
	struct option_list env;
	uint64_t number, duration_ms;
};

static const struct option own[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct values, all) },
	{ .name = "json", .type = OPTION_FLAG, .offset = offsetof(struct values, json) },
	{ .name = "name",
	  .letter = 'n',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct values, name),
	  .value = "NAME" },
	{ .name = "env",
	  .letter = 'e',
	  .type = OPTION_LIST,
	  .offset = offsetof(struct values, env),
	  .value = "K=V" },
	{ .name = "number",
	  .type = OPTION_U64,
	  .offset = offsetof(struct values, number),
	  .value = "N" },
	{ .name = "wait",
	  .letter = 'w',
	  .type = OPTION_DURATION,
	  .offset = offsetof(struct values, duration_ms),
	  .value = "DURATION" },
	OPTION_END,
};

static const struct option shared[] = {
	{ .name = "memory", .letter = 'm', .type = OPTION_DEFERRED, .value = "SIZE" },
	{ .name = "tty", .letter = 't', .type = OPTION_DEFERRED },
	OPTION_END,
};

struct parsed {
	struct values values;
	struct global_options global;
	struct options_result result;
	struct err e;
	int r;
};

/* Parses up to the first NULL of argv. */
static struct parsed parse(size_t command_at, const char *const *argv)
{
	struct parsed p = { .r = 0 };
	const struct options_table tables[OPTIONS_TABLES] = {
		{ own, &p.values },
		{ shared, NULL },
		{ cli_global_options, &p.global },
	};
	int argc = 0;

	while (argv[argc])
		argc++;
	p.r = options_parse(argc, (char **)(uintptr_t)argv, tables, command_at, &p.result, &p.e);
	return p;
}

static void release(struct parsed *p)
{
	options_values_free(own, &p->values);
	options_result_free(&p->result);
}

#define PARSE(at, ...) parse((at), (const char *const[]){ __VA_ARGS__, NULL })

static void test_forms(void **state)
{
	struct parsed p = PARSE(OPTIONS_NO_COMMAND, "one", "-a", "--name=x", "two", "-e", "A=1",
				"-eB=2", "--env", "C=", "--number", "7", "-w", "1m30s", "--json");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_true(p.values.all && p.values.json);
	assert_string_equal(p.values.name, "x");
	assert_int_equal(p.values.env.n, 3);
	assert_string_equal(p.values.env.v[0], "A=1");
	assert_string_equal(p.values.env.v[1], "B=2");
	assert_string_equal(p.values.env.v[2], "C=");
	assert_null(p.values.env.v[3]);
	assert_int_equal(p.values.number, 7);
	assert_int_equal(p.values.duration_ms, 90000);
	assert_int_equal(p.result.n_operands, 2);
	assert_string_equal(p.result.operands[1], "two");
	assert_null(p.result.operands[2]);
	release(&p);
}

static void test_bundles(void **state)
{
	struct parsed p = PARSE(OPTIONS_NO_COMMAND, "-atm", "1G", "-anx");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_true(p.values.all);
	assert_string_equal(p.values.name, "x");
	assert_int_equal(p.result.n_deferred, 2);
	assert_string_equal(p.result.deferred[0].option->name, "tty");
	assert_int_equal(p.result.deferred[0].index, 1);
	assert_null(p.result.deferred[0].value);
	assert_string_equal(p.result.deferred[1].value, "1G");
	release(&p);
}

static void test_command_is_the_programs(void **state)
{
	struct parsed p =
		PARSE(1, "-a", "web", "--name", "x", "ls", "--json", "--", "-a", "--help");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_false(p.values.json || p.global.help);
	assert_string_equal(p.values.name, "x");
	assert_int_equal(p.result.n_operands, 6);
	assert_string_equal(p.result.operands[1], "ls");
	assert_string_equal(p.result.operands[3], "--");
	assert_int_equal(p.result.n_before_dashes, 6);
	release(&p);
}

static void test_dashes(void **state)
{
	struct parsed p = PARSE(1, "--json", "--", "-a", "--", "b");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_int_equal(p.result.n_before_dashes, 0);
	assert_int_equal(p.result.n_operands, 3);
	assert_string_equal(p.result.operands[1], "--");
	release(&p);
	/* A lone dash is an operand: stdin. */
	p = PARSE(OPTIONS_NO_COMMAND, "-");
	assert_int_equal(p.result.n_operands, 1);
	release(&p);
}

static void test_errors(void **state)
{
	static const struct {
		const char *arguments[3];
		const char *text, *hint;
	} cases[] = {
		{ { "--nmae" }, "--nmae", "--name" },	  { { "-q" }, "\"-q\"", "" },
		{ { "--name" }, "needs a value", "" },	  { { "-n" }, "needs a value", "" },
		{ { "--all=1" }, "takes no value", "" },  { { "--number", "x" }, "--number", "" },
		{ { "--number", "-1" }, "--number", "" }, { { "-w", "soon" }, "--wait", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed p = parse(OPTIONS_NO_COMMAND, cases[i].arguments);

		assert_int_equal(p.r, -EINVAL);
		assert_non_null(strstr(p.e.text, cases[i].text));
		assert_non_null(strstr(p.e.hint, cases[i].hint));
		release(&p);
	}
}

static void check_option(const struct verb *v, const struct option *o)
{
	const struct option *tables[] = { v->options, v->shared, cli_global_options };
	size_t same_name = 0, same_letter = 0;

	assert_true(strlen(o->name) > 1);
	assert_non_null(o->help);
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct option *other = tables[t]; other && other->name; other++) {
			same_name += str_eq(o->name, other->name);
			same_letter += o->letter && o->letter == other->letter;
		}
	assert_int_equal(same_name, 1);
	assert_int_equal(same_letter, o->letter ? 1 : 0);
	switch (o->type) {
	case OPTION_FLAG:
		assert_null(o->value);
		break;
	case OPTION_STRING:
	case OPTION_LIST:
	case OPTION_U64:
	case OPTION_DURATION:
		assert_non_null(o->value);
		break;
	case OPTION_DEFERRED:
		break;
	}
}

static void test_verbs(void **state)
{
	(void)state;
	for (const struct verb *const *v = verbs; *v; v++) {
		char first[32] = "", second[32] = "", third[32] = "";
		char *words[] = { first, second, third };
		int taken = 0, n = sscanf((*v)->name, "%31s %31s %31s", first, second, third);

		assert_ptr_equal(verb_find(n, words, &taken), *v);
		assert_int_equal(taken, n);
		assert_true((*v)->min_operands <= (*v)->max_operands);
		assert_non_null((*v)->operands);
		assert_true(strlen((*v)->help) > 0 && strlen((*v)->help) <= 60);
		assert_non_null((*v)->run);
		for (const struct option *o = (*v)->options; o && o->name; o++) {
			check_option(*v, o);
			assert_true(o->type == OPTION_DEFERRED || o->offset < (*v)->values_size);
		}
		for (const struct option *o = (*v)->shared; o && o->name; o++) {
			check_option(*v, o);
			assert_int_equal(o->type, OPTION_DEFERRED);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_bundles),
		cmocka_unit_test(test_command_is_the_programs),
		cmocka_unit_test(test_dashes),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_verbs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
