/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command line options as tables. A verb has one table of options and a struct that they fill in;
 * the parser, the usage text and the check for typing errors all read the same table.
 *
 * Accepted: -f, -it (bundled), -n 5, -n5, --tail 5, --tail=5, --flag=true, --flag=false, and "--",
 * which ends the options.
 * Options and operands mix freely until the operand that starts a program's command line; that one
 * and everything after it belong to the program, whatever they look like.
 */
#ifndef JAIL_CMD_OPTIONS_H
#define JAIL_CMD_OPTIONS_H

#include "base/err.h"

enum option_type {
	OPTION_FLAG, /* bool *: no value */
	OPTION_STRING, /* const char **: the last one wins */
	OPTION_LIST, /* struct option_list: each use adds one */
	OPTION_U64, /* uint64_t * */
	OPTION_DURATION, /* uint64_t *, milliseconds: "10s", "1m30s" */
	OPTION_DEFERRED, /* remembered in order in options_result.deferred, applied by the verb */
};

struct option_list {
	const char **v; /* NULL-terminated, strings borrowed from argv; NULL when never used */
	size_t n;
};

struct option {
	const char *name; /* without the dashes */
	char letter; /* 0 = none */
	enum option_type type;
	size_t offset; /* into the verb's struct; unused by OPTION_DEFERRED */
	const char *value; /* what the value is called in the help; NULL = takes none */
	const char *help;
};
/* Closes a table of options. */
#define OPTION_END                                                                                 \
	{                                                                                          \
		.name = NULL                                                                       \
	}

struct option_use { /* one use of an OPTION_DEFERRED */
	size_t index; /* into the table that it was found in */
	const struct option *option;
	const char *value; /* borrowed from argv; NULL without a value */
};

struct options_result {
	char **operands; /* borrowed from argv, argc long; NULL-terminated */
	size_t n_operands;
	size_t n_before_dashes; /* operands that stood before "--"; = n_operands without it */
	struct option_use *deferred;
	size_t n_deferred;
};

struct options_table {
	const struct option *options; /* closed by OPTION_END; may be NULL */
	void *values; /* what the offsets point into; NULL: all are OPTION_DEFERRED */
};

#define OPTIONS_NO_COMMAND SIZE_MAX

/* The verb's own, one that several verbs share (may be empty), the global one. */
#define OPTIONS_TABLES 3

/*
 * Parses argv[0..argc), which starts after the verb. command_at: the number of operands after which
 * the program's command line starts, or OPTIONS_NO_COMMAND. Return: 0, or -EINVAL with a text that
 * names the nearest known option. *ret is to be freed in either case.
 */
int options_parse(int argc, char **argv, const struct options_table tables[static OPTIONS_TABLES],
		  size_t command_at, struct options_result *ret, struct err *e);
void options_result_free(struct options_result *r);
/* Frees the lists in `values`. */
void options_values_free(const struct option *options, void *values);

#endif
