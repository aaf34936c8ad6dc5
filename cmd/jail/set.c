/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail set: fields of an instance's spec, limits of a running one too. */
#include "cmd/jail/verbs.h"

struct set_values {
	bool runtime, restart, json;
};

static const struct option options[] = {
	{ .name = "runtime",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct set_values, runtime),
	  .help = "only until the instance ends: store nothing" },
	{ .name = "restart",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct set_values, restart),
	  .help = "store, and start the instance again if it runs" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct set_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static void json_value(struct json_out *o, const char *key, const char *value)
{
	if (value)
		json_out_str(o, key, value);
	else
		json_out_null(o, key);
}

static int print_json(const struct jail_name *name, const struct set_values *v,
		      const struct set_result *result, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "name", name->s);
	json_out_bool(&o, "stored", !v->runtime);
	json_out_bool(&o, "live", result->live);
	json_out_bool(&o, "restarted", result->restarted);
	json_out_array(&o, "changes");
	for (size_t i = 0; i < result->n; i++) {
		json_out_object(&o, NULL);
		json_out_str(&o, "key", result->v[i].key);
		json_value(&o, "old", result->v[i].before);
		json_value(&o, "new", result->v[i].after);
		json_out_object_end(&o);
	}
	json_out_array_end(&o);
	json_out_object_end(&o);
	return cli_print_json(&b, e);
}

static void print_change(const struct set_change *c)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	const char *before = c->before ? c->before : "unset";
	const char *after = c->after ? c->after : "unset";

	text_escape(&b, c->key, strlen(c->key), true);
	strbuf_adds(&b, ": ");
	text_escape(&b, before, strlen(before), true);
	strbuf_adds(&b, " -> ");
	text_escape(&b, after, strlen(after), true);
	(void)printf("%s\n", strbuf_str(&b));
}

static int run(struct cli *c, struct err *e)
{
	const struct set_values *v = c->values;
	struct set_result result CLEANUP_SET_RESULT = { .n = 0 };
	struct set_options o = { .settings = (const char *const *)(c->args.operands + 1),
				 .n = c->args.n_operands - 1,
				 .runtime = v->runtime,
				 .restart = v->restart };
	struct jail_name name;
	int r;

	if (v->runtime && v->restart)
		return err_set(e, EINVAL, "--runtime and --restart exclude each other");
	r = name_parse("instance", c->args.operands[0], &name, e);
	if (r >= 0)
		r = instance_set(c->jail, &name, &o, &result, e);
	if (r < 0)
		return r;
	if (v->json)
		return print_json(&name, v, &result, e);
	for (size_t i = 0; i < result.n; i++)
		print_change(&result.v[i]);
	return 0;
}

const struct verb verb_set = {
	.name = "set",
	.operands = "NAME KEY=VALUE...",
	.help = "Change fields of an instance's spec, limits while it runs",
	.options = options,
	.values_size = sizeof(struct set_values),
	.min_operands = 2,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
