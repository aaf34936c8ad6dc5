/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail exec: one more program in a running instance, under the same confinement. */
#include "cmd/jail/attachment.h"
#include "cmd/jail/verbs.h"

struct exec_values {
	bool interactive, tty, detach;
	const char *user, *workdir;
	struct option_list env;
};

static const struct option options[] = {
	{ .name = "interactive",
	  .letter = 'i',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct exec_values, interactive),
	  .help = "keep the program's stdin connected to ours" },
	{ .name = "tty",
	  .letter = 't',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct exec_values, tty),
	  .help = "give the program a terminal of its own" },
	{ .name = "user",
	  .letter = 'u',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct exec_values, user),
	  .value = "USER",
	  .help = "user[:group], by name or number" },
	{ .name = "workdir",
	  .letter = 'w',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct exec_values, workdir),
	  .value = "DIR",
	  .help = "directory to start in" },
	{ .name = "env",
	  .letter = 'e',
	  .type = OPTION_LIST,
	  .offset = offsetof(struct exec_values, env),
	  .value = "KEY=VALUE",
	  .help = "one more environment variable" },
	{ .name = "detach",
	  .letter = 'd',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct exec_values, detach),
	  .help = "return at once" },
	OPTION_END,
};

static bool has_term(const struct option_list *env)
{
	for (size_t i = 0; i < env->n; i++)
		if (str_starts(env->v[i], "TERM="))
			return true;
	return false;
}

/* A program on a terminal needs to know ours, as with ssh. What was asked for wins. */
static int build_environment(const struct exec_values *v, struct strv *ret, struct err *e)
{
	const char *term = getenv("TERM");
	int r = 0;

	if (v->tty && term && !has_term(&v->env))
		r = strv_addf(ret, "TERM=%s", term);
	for (size_t i = 0; i < v->env.n && r >= 0; i++) {
		const char *equals = strchr(v->env.v[i], '=');

		if (!equals || equals == v->env.v[i])
			return err_set(e, EINVAL, "--env: \"%s\" is not KEY=VALUE", v->env.v[i]);
		r = strv_add(ret, v->env.v[i]);
	}
	return r < 0 ? err_nomem(e) : 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct exec_values *v = c->values;
	char **command = c->args.operands + 1;
	CLEANUP_STRV struct strv env = { .v = NULL };
	struct exec_options request = {
		.user = v->user,
		.cwd = v->workdir,
		.interactive = v->interactive,
		.tty = v->tty,
		.detach = v->detach,
	};
	struct jail_name name;
	bool exec_failed = false;
	int status = 0, r = name_parse("instance", c->args.operands[0], &name, e);

	if (r >= 0)
		r = build_environment(v, &env, e);
	if (r < 0)
		return r;
	if (str_eq(command[0], "--"))
		command++;
	if (!command[0])
		return err_set(e, EINVAL, "exec: COMMAND is missing");
	request.args = (const char *const *)command;
	request.env = (const char *const *)env.v;
	r = instance_exec(c->jail, &name, &request, &status, &exec_failed, e);
	if (r < 0 && exec_failed)
		c->failed = attachment_exec_status(e->code);
	return r < 0 ? r : status;
}

const struct verb verb_exec = {
	.name = "exec",
	.operands = "NAME COMMAND [ARG...]",
	.help = "Run a program in a running instance",
	.options = options,
	.values_size = sizeof(struct exec_values),
	.min_operands = 2,
	.max_operands = OPERANDS_ANY,
	.command = true, /* from the name on: "jail exec web --help" asks the program's author */
	.flags = VERB_STATE | VERB_PROGRAM,
	.run = run,
};
