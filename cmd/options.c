/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser is one loop over argv: an argument is "--", a long option, a bundle of letters, or an
 * operand. What an option does is decided by its type alone (option_store), so that a new option
 * is a line in some verb's table and nothing here.
 */
#include "cmd/options.h"

#include "base/ident.h"
#include "base/num.h"
#include "base/str.h"

struct parser {
	int argc, at; /* argv[at] is the next argument */
	char **argv;
	const struct options_table *tables;
	struct options_result *ret;
};

static const struct option *find_long(const struct parser *p, const char *name, size_t n,
				      const struct options_table **ret_table)
{
	for (size_t t = 0; t < OPTIONS_TABLES; t++) {
		const struct option *o = p->tables[t].options;

		for (; o && o->name; o++)
			if (strlen(o->name) == n && memcmp(o->name, name, n) == 0) {
				*ret_table = &p->tables[t];
				return o;
			}
	}
	return NULL;
}

static const struct option *find_letter(const struct parser *p, char letter,
					const struct options_table **ret_table)
{
	for (size_t t = 0; t < OPTIONS_TABLES; t++) {
		const struct option *o = p->tables[t].options;

		for (; o && o->name; o++)
			if (o->letter == letter) {
				*ret_table = &p->tables[t];
				return o;
			}
	}
	return NULL;
}

static int unknown_long(const struct parser *p, const char *name, size_t n, struct err *e)
{
	const char *words[128];
	size_t n_words = 0;
	char word[64];
	int nearest;

	for (size_t t = 0; t < OPTIONS_TABLES; t++) {
		const struct option *o = p->tables[t].options;

		for (; o && o->name && n_words < ARRAY_SIZE(words); o++)
			words[n_words++] = o->name;
	}
	(void)err_set(e, EINVAL, "unknown option \"--%.*s\"", n > 255 ? 255 : (int)n, name);
	if (n < sizeof(word)) {
		memcpy(word, name, n);
		word[n] = '\0';
		nearest = ident_nearest(word, words, n_words);
		if (nearest >= 0)
			(void)err_hint(e, "did you mean --%s?", words[nearest]);
	}
	return -EINVAL;
}

static int list_add(struct option_list *list, const char *value, struct err *e)
{
	const char **grown = reallocarray(list->v, list->n + 2, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	list->v = grown;
	list->v[list->n++] = value;
	list->v[list->n] = NULL;
	return 0;
}

static int defer(struct options_result *r, const struct options_table *table,
		 const struct option *o, const char *value, struct err *e)
{
	struct option_use *grown = reallocarray(r->deferred, r->n_deferred + 1, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	r->deferred = grown;
	r->deferred[r->n_deferred++] = (struct option_use){
		.index = (size_t)(o - table->options),
		.option = o,
		.value = value,
	};
	return 0;
}

static int option_store(const struct parser *p, const struct options_table *table,
			const struct option *o, const char *value, struct err *e)
{
	char *field;
	int r = 0;

	if (o->type == OPTION_DEFERRED)
		return defer(p->ret, table, o, value, e);
	field = (char *)table->values + o->offset;
	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)(void *)field = true;
		return 0;
	case OPTION_STRING:
		*(const char **)(void *)field = value;
		return 0;
	case OPTION_LIST:
		return list_add((struct option_list *)(void *)field, value, e);
	case OPTION_U64:
		r = num_parse_u64(value, 0, UINT64_MAX, (uint64_t *)(void *)field, e);
		break;
	case OPTION_DURATION:
		r = num_parse_duration(value, (uint64_t *)(void *)field, e);
		break;
	case OPTION_DEFERRED:
		break; /* has no field */
	}
	return r < 0 ? err_wrap(e, "--%s", o->name) : 0;
}

/* --name, --name=value, --name value */
static int parse_long(struct parser *p, const char *arg, struct err *e)
{
	const struct options_table *table = NULL;
	const char *equals = strchr(arg, '=');
	size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct option *o = find_long(p, arg, n, &table);

	if (!o)
		return unknown_long(p, arg, n, e);
	if (o->type == OPTION_FLAG && equals &&
	    (str_eq(equals, "=true") || str_eq(equals, "=false"))) {
		*(bool *)(void *)((char *)table->values + o->offset) = equals[1] == 't';
		return 0;
	}
	if (!o->value && equals)
		return err_set(e, EINVAL, "option --%s takes no value", o->name);
	if (!o->value)
		return option_store(p, table, o, NULL, e);
	if (equals)
		return option_store(p, table, o, equals + 1, e);
	if (p->at == p->argc)
		return err_set(e, EINVAL, "option --%s needs a value: %s", o->name, o->value);
	return option_store(p, table, o, p->argv[p->at++], e);
}

/* -a, -abc, -n5, -n 5, -abn5 */
static int parse_letters(struct parser *p, const char *arg, struct err *e)
{
	for (; *arg; arg++) {
		const struct options_table *table = NULL;
		const struct option *o = find_letter(p, *arg, &table);
		int r;

		if (!o)
			return err_set(e, EINVAL, "unknown option \"-%c\"", *arg);
		if (o->value && arg[1])
			return option_store(p, table, o, arg + 1, e);
		if (o->value && p->at == p->argc)
			return err_set(e, EINVAL, "option -%c needs a value: %s", *arg, o->value);
		r = option_store(p, table, o, o->value ? p->argv[p->at++] : NULL, e);
		if (r < 0 || o->value)
			return r;
	}
	return 0;
}

int options_parse(int argc, char **argv, const struct options_table tables[static OPTIONS_TABLES],
		  size_t command_at, struct options_result *ret, struct err *e)
{
	struct parser p = { .argc = argc, .argv = argv, .tables = tables, .ret = ret };
	bool dashes = false, command = false;
	int r = 0;

	*ret = (struct options_result){ .operands = calloc((size_t)argc + 1, sizeof(char *)) };
	if (!ret->operands)
		return err_nomem(e);
	while (p.at < p.argc && r >= 0) {
		char *arg = p.argv[p.at++];

		if (!dashes && !command && str_eq(arg, "--")) {
			dashes = true;
			ret->n_before_dashes = ret->n_operands;
		} else if (!dashes && !command && str_starts(arg, "--")) {
			r = parse_long(&p, arg + 2, e);
		} else if (!dashes && !command && arg[0] == '-' && arg[1]) {
			r = parse_letters(&p, arg + 1, e);
		} else {
			ret->operands[ret->n_operands++] = arg;
			command = ret->n_operands > command_at;
		}
	}
	if (!dashes)
		ret->n_before_dashes = ret->n_operands;
	return r;
}

void options_result_free(struct options_result *r)
{
	free(r->operands);
	free(r->deferred);
	*r = (struct options_result){ .n_operands = 0 };
}

void options_values_free(const struct option *options, void *values)
{
	for (const struct option *o = options; o && o->name; o++)
		if (o->type == OPTION_LIST) {
			struct option_list *list = (void *)((char *)values + o->offset);

			free(list->v);
			*list = (struct option_list){ .v = NULL };
		}
}
