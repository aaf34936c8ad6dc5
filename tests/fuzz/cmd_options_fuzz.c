/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: words divided by NUL, the first of them the verb's, through the tables that the
 * command has. A refusal has a reason; operands and values are words of the line; the options that
 * make a spec make one that is printed and read as the same, or say what is wrong.
 */
#include "cmd/jail/spec_flags.h"
#include "cmd/jail/verbs.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/spec_equal.h"

#define WORDS_MAX 64

struct words {
	char *text;
	size_t n;
	char *v[WORDS_MAX + 1];
	int count;
};

static void divide(const uint8_t *data, size_t size, struct words *ret)
{
	ret->text = malloc(size + 1);
	fuzz_require(ret->text != NULL, "memory");
	memcpy(ret->text, data, size);
	ret->text[size] = '\0';
	ret->n = size;
	ret->count = 0;
	for (size_t at = 0; at < size && ret->count < WORDS_MAX; at += strlen(ret->text + at) + 1)
		ret->v[ret->count++] = ret->text + at;
	ret->v[ret->count] = NULL;
}

static bool is_of(const struct words *w, const char *text)
{
	return text >= w->text && text <= w->text + w->n;
}

static void check_result(const struct words *w, const struct verb *v,
			 const struct options_result *r)
{
	fuzz_require(r->n_operands <= (size_t)w->count && !r->operands[r->n_operands], "operands");
	fuzz_require(r->n_before_dashes <= r->n_operands, "before the dashes");
	for (size_t i = 0; i < r->n_operands; i++)
		fuzz_require(is_of(w, r->operands[i]), "an operand is a word");
	for (size_t i = 0; i < r->n_deferred; i++) {
		const struct option_use *use = &r->deferred[i];

		fuzz_require(use->option == v->shared + use->index ||
				     use->option == v->options + use->index,
			     "an option of a table");
		fuzz_require(!use->option->value == !use->value, "a value where one is wanted");
		fuzz_require(!use->value || is_of(w, use->value), "a value is part of a word");
	}
}

static void check_values(const struct words *w, const struct verb *v, void *values)
{
	for (const struct option *o = v->options; o && o->name; o++) {
		char *field = (char *)values + o->offset;

		if (o->type == OPTION_LIST) {
			const struct option_list *list = (void *)field;

			fuzz_require(!list->v == (list->n == 0), "a list");
			for (size_t i = 0; i < list->n; i++)
				fuzz_require(is_of(w, list->v[i]), "a value is part of a word");
		}
	}
}

static void check_spec(struct cli *c, size_t command)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_SPEC struct jail_spec s, again;
	struct err e = ERR_INIT;
	const char *differs;
	struct json_out o;

	spec_init(&again);
	if (!fuzz_judged(spec_flags_build(c, NULL, command, &s, &e), &e) ||
	    !fuzz_judged(spec_finish(&s, &e), &e))
		return;
	json_out_init(&o, &b, false);
	spec_to_json(&s, &o, NULL);
	fuzz_require(strbuf_ok(&b, &e) == 0, "it is printed");
	fuzz_require(spec_decode("again", b.data, b.len, &again, &e) >= 0, e.text);
	fuzz_require(spec_finish(&again, &e) >= 0, e.text);
	differs = spec_differ(&s, &again);
	fuzz_require(!differs, differs ? differs : "");
}

static void parse(const struct words *w, int at, const struct verb *v)
{
	struct cli c = { .verb = v, .values = calloc(1, v->values_size + 1) };
	const struct options_table tables[OPTIONS_TABLES] = {
		{ v->options, c.values },
		{ v->shared, NULL },
		{ cli_global_options, &c.global },
	};
	struct err e = ERR_INIT;
	int r;

	fuzz_require(c.values != NULL, "memory");
	if (v->defaults)
		memcpy(c.values, v->defaults, v->values_size);
	r = options_parse(w->count - at, (char **)(uintptr_t)w->v + at, tables,
			  v->command ? v->command_at : OPTIONS_NO_COMMAND, &c.args, &e);
	if (fuzz_judged(r, &e)) {
		check_result(w, v, &c.args);
		check_values(w, v, c.values);
		if (v->shared == spec_flags && c.args.n_operands >= v->min_operands)
			check_spec(&c, v->command && c.args.n_operands ? 1 : 0);
	} else {
		fuzz_require(r == -EINVAL || r == -ERANGE, "a line that is wrong");
		fuzz_require(help_hint(v, &e) < 0 && e.hint[0], "a hint");
	}
	options_result_free(&c.args);
	options_values_free(v->options, c.values);
	free(c.values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char group[VERB_NAME_MAX];
	struct err e = ERR_INIT;
	const struct verb *v;
	struct words w;
	int at = 0;

	divide(data, size, &w);
	v = w.count ? verb_find(w.count, w.v, &at) : NULL;
	if (v)
		parse(&w, at, v);
	else if (w.count && !verb_group(w.count, w.v, group))
		(void)fuzz_judged(verb_unknown(w.count, w.v, &e), &e);
	free(w.text);
	return 0;
}
