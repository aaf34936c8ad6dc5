/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Usage, printed from the tables. */
#include "cmd/jail-oci/oci.h"

static void print_options(const struct option *options, FILE *out)
{
	for (const struct option *o = options; o && o->name; o++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
			       o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			       o->value ? " " : "", o->value ? o->value : "");
		(void)fprintf(out, "  %-34s %s\n", left, o->help);
	}
}

void help_overview(FILE *out)
{
	(void)fprintf(out, "jail-oci: an OCI runtime\n\n"
			   "usage: jail-oci [OPTION...] COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; oci_commands[i]; i++)
		(void)fprintf(out, "  %-12s %s\n", oci_commands[i]->name, oci_commands[i]->help);
	(void)fprintf(out, "\n");
	print_options(oci_global_options, out);
}

void help_command(const struct oci_command *c, FILE *out)
{
	(void)fprintf(out, "usage: jail-oci %s [OPTION...]%s%s\n\n%s\n", c->name,
		      c->operands ? " " : "", c->operands ? c->operands : "", c->help);
	if (c->options) {
		(void)fprintf(out, "\n");
		print_options(c->options, out);
	}
}
