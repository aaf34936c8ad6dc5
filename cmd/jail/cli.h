/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every verb gets and how everything is printed. A verb parses nothing that its table can,
 * calls the engine, prints; it returns an exit status (>= 0), or a negative errno with *e set,
 * which main() prints and turns into the verb's status for failure.
 *
 *     0    done                       125  run, exec, attach, start --attach: an error of jail
 *     1    failed                     126  ... the program is there and cannot be executed
 *     2    usage error                127  ... there is no such program
 *                                     else the program's own status, 128+N for signal N
 */
#ifndef JAIL_CMD_CLI_H
#define JAIL_CMD_CLI_H

#include "base/str.h"
#include "base/text.h"
#include "cmd/options.h"
#include "runtime/jail.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_JAIL = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

#define TABLE_WIDTH 80 /* columns of a table where no terminal says otherwise */

struct verb;
struct global_options {
	const char *config; /* --config FILE */
	const char *policy; /* --policy FILE */
	bool help;
};

struct cli {
	const struct verb *verb;
	struct global_options global;
	struct jail_config config; /* unset for VERB_BARE */
	struct jail *jail; /* NULL unless VERB_STATE */
	struct options_result args;
	void *values; /* the verb's struct of options */
	int failed; /* exit status of a failure: EXIT_FAILED or EXIT_JAIL */
};
extern const struct option cli_global_options[];

/* "jail: TEXT" and an indented line for the hint, on stderr, escaped. */
void cli_error(const struct err *e);
/* The same for what a verb failed of, with the hint that any verb's failure may have. */
void cli_failure(const struct cli *c, struct err *e);
/* Sink for warn(). */
void cli_warning(const char *text);
/* Prints a finished JSON document and a newline on stdout. */
int cli_print_json(struct strbuf *b, struct err *e);
/* The same of an instance. */
int cli_print_instance(struct jail *j, const struct jail_name *name, struct err *e);
/* Columns of the terminal; TABLE_WIDTH without one. */
size_t cli_width(void);
/* Prints the rest of a line on stdout, escaped, with lines broken to fit: it begins in `column`,
 * and so do the lines after it. */
void cli_print_rest(const char *text, size_t column);
/* A line of a text about one thing: a title of less than CLI_FIELD_COLUMNS, and the rest so. */
#define CLI_FIELD_COLUMNS 12
void cli_print_field(const char *title, const char *text);
/* Prints a table on stdout, 80 columns or what the terminal has; frees it. */
int cli_print_table(struct table *t, bool wide, struct err *e);
/* Cuts an ASCII text to `columns` with "..." at the end; ret has room for columns + 1. */
void cli_cut(const char *text, size_t columns, char *ret);
/* Which of n words the value of an option is. Return: the index, 0 for what was not given;
 * -EINVAL. */
int cli_choose(const char *option, const char *value, const char *const *words, size_t n,
	       struct err *e);
/* Reads a file named on the command line ("-": stdin), at most max bytes. *ret NUL-terminated. */
int cli_read_file(const char *file, size_t max, char **ret, size_t *ret_len, struct err *e);
/* For a result `r` of what prints by itself: 0 when stdout is what failed, since cli_flush() tells
 * of that at the end, and when a reader has gone. */
int cli_printed(int r);
/* Hands what is buffered to stdout; a write error (a full disk) is an error of the command.
 * -EPIPE, without an error: the reader has gone. */
int cli_flush(struct err *e);

#endif
