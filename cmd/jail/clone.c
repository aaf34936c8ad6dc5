/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail clone: a new instance with the files of another, or of one of its snapshots. */
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"

struct clone_values {
	struct option_list ports;
	bool json;
};

static const struct option options[] = {
	{ .name = "port",
	  .letter = 'p',
	  .type = OPTION_LIST,
	  .offset = offsetof(struct clone_values, ports),
	  .value = "[ADDR:]HOST:PORT[/PROTO]",
	  .help = "publish a port; those of the source are left out" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct clone_values, json),
	  .help = "print the new instance as JSON (docs/json.md)" },
	OPTION_END,
};

/* "NAME[@SNAPSHOT]" */
static int parse_source(const char *text, struct jail_name *ret, struct jail_name *ret_snapshot,
			struct err *e)
{
	const char *at = strchr(text, '@');
	char name[LIMIT_NAME_LEN + 2];
	int r;

	*ret_snapshot = (struct jail_name){ "" };
	if (!at)
		return name_parse("instance", text, ret, e);
	r = str_format(name, sizeof(name), "%.*s", (int)(at - text), text);
	if (r < 0)
		return err_set(e, EINVAL, "instance \"%.100s\": the name is too long", text);
	r = name_parse("instance", name, ret, e);
	return r < 0 ? r : name_parse("snapshot", at + 1, ret_snapshot, e);
}

static int run(struct cli *c, struct err *e)
{
	const struct clone_values *v = c->values;
	struct jail_name source, snapshot, name;
	struct clone_options o = { .ports = v->ports.v, .n_ports = v->ports.n };
	int r = parse_source(c->args.operands[0], &source, &snapshot, e);

	if (r >= 0)
		r = name_parse("instance", c->args.operands[1], &name, e);
	if (r < 0)
		return r;
	if (snapshot.s[0])
		o.snapshot = &snapshot;
	r = instance_clone(c->jail, &source, &name, &o, e);
	return r < 0 || !v->json ? r : cli_print_instance(c->jail, &name, e);
}

const struct verb verb_clone = {
	.name = "clone",
	.operands = "NAME[@SNAPSHOT] NEW-NAME",
	.help = "Make a new instance with the files of another",
	.options = options,
	.values_size = sizeof(struct clone_values),
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run,
};
