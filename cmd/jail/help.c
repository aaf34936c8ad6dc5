/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail help: prints the tables of verbs and options as text of at most 80 columns. */
#include "cmd/jail/verbs.h"

#define HELP_INDENT 28
#define HELP_VERB_COLUMNS 16

static void print_option(const struct option *o, FILE *out)
{
	char left[64];
	int n;

	if (o->letter)
		n = str_format(left, sizeof(left), "  -%c, --%s%s%s", o->letter, o->name,
			       o->value ? " " : "", o->value ? o->value : "");
	else
		n = str_format(left, sizeof(left), "      --%s%s%s", o->name, o->value ? " " : "",
			       o->value ? o->value : "");
	if (n < 0)
		return;
	if (n + 2 > HELP_INDENT)
		(void)fprintf(out, "%s\n%*s%s\n", left, HELP_INDENT, "", o->help);
	else
		(void)fprintf(out, "%-*s%s\n", HELP_INDENT, left, o->help);
}

static void print_options(const char *title, const struct option *options, FILE *out)
{
	if (!options || !options->name)
		return;
	(void)fprintf(out, "\n%s:\n", title);
	for (const struct option *o = options; o->name; o++)
		print_option(o, out);
}

void help_usage(const struct verb *v, FILE *out)
{
	bool any = v->options || v->shared;

	(void)fprintf(out, "usage: jail %s%s%s%s\n\n%s.\n", v->name, any ? " [OPTIONS]" : "",
		      *v->operands ? " " : "", v->operands, v->help);
	if (v->alias)
		(void)fprintf(out, "Also called: jail %s\n", v->alias);
	print_options("options", v->options, out);
	print_options("options that set the spec (config.schema.json)", v->shared, out);
	print_options("global options", cli_global_options, out);
}

static void print_verb(const struct verb *v, FILE *out)
{
	bool fits = strlen(v->name) < HELP_VERB_COLUMNS;

	(void)fprintf(out, "  %-*s%s", HELP_VERB_COLUMNS, v->name, fits ? "" : "\n");
	(void)fprintf(out, "%*s%s\n", fits ? 0 : HELP_VERB_COLUMNS + 2, "", v->help);
}

void help_overview(FILE *out)
{
	(void)fputs("usage: jail [--config FILE] [--policy FILE] COMMAND [OPTIONS] [OPERANDS]\n\n"
		    "Private instances of a Linux system from a tarball and a spec.\n\n"
		    "commands:\n",
		    out);
	for (const struct verb *const *v = verbs; *v; v++)
		if (!((*v)->flags & VERB_HIDDEN))
			print_verb(*v, out);
	print_options("global options", cli_global_options, out);
	(void)fputs("\n\"jail COMMAND --help\" explains one command.\n", out);
}

bool help_group(const char *word, FILE *out)
{
	size_t n = strlen(word);
	bool any = false;

	for (const struct verb *const *v = verbs; *v; v++) {
		if (!str_starts((*v)->name, word) || (*v)->name[n] != ' ')
			continue;
		if (!any)
			(void)fprintf(out,
				      "usage: jail %s COMMAND [OPTIONS] [OPERANDS]\n\ncommands:\n",
				      word);
		print_verb(*v, out);
		any = true;
	}
	return any;
}

int help_hint(const struct verb *v, struct err *e)
{
	return err_hint(e, "usage: jail %s [OPTIONS]%s%s", v->name, *v->operands ? " " : "",
			v->operands);
}

static int run(struct cli *c, struct err *e)
{
	int words = 0, n = (int)c->args.n_operands;
	char group[VERB_NAME_MAX];
	const struct verb *v;

	if (n == 0) {
		help_overview(stdout);
		return 0;
	}
	v = verb_find(n, c->args.operands, &words);
	if (!v && verb_group(n, c->args.operands, group) == n && help_group(group, stdout))
		return 0;
	c->failed = EXIT_USAGE;
	if (!v || (size_t)words != c->args.n_operands)
		return verb_unknown((int)c->args.n_operands, c->args.operands, e);
	help_usage(v, stdout);
	return 0;
}

const struct verb verb_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.help = "Explain the commands, or one of them",
	.max_operands = 3,
	.flags = VERB_BARE,
	.run = run,
};
