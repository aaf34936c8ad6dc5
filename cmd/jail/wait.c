/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail wait: blocks until instances have ended and prints their exit statuses, one on a line. */
#include <inttypes.h>

#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct wait_values {
	bool all, json;
};

struct waiting {
	bool json;
	struct json_out out;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct wait_values, all),
	  .help = "all that run" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct wait_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int wait_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	struct waiting *w = arg;
	struct instance_exit x = { .present = false };
	int status = 0, r = instance_wait(c->jail, name, &status, e);

	if (r < 0)
		return r;
	/* Its record tells more, if it is not gone or of the next start by now. */
	if (instance_last_exit(c->jail, name, &x) < 0 || x.status != status)
		x = (struct instance_exit){ .present = false };
	if (!w->json) {
		(void)printf("%d\n", status);
		if (instance_exit_is_oom(&x))
			warn("%s: out of memory", name->s);
		return 0;
	}
	json_out_object(&w->out, NULL);
	json_out_str(&w->out, "name", name->s);
	json_out_int(&w->out, "status", status);
	json_out_bool(&w->out, "outOfMemory", instance_exit_is_oom(&x));
	json_out_object_end(&w->out);
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct wait_values *v = c->values;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct waiting w = { .json = v->json };
	int r, status;

	json_out_init(&w.out, &b, true);
	json_out_array(&w.out, NULL);
	status = names_run(c, v->all, names_alive, wait_one, &w, e);
	if (status < 0 || !v->json)
		return status;
	json_out_array_end(&w.out);
	r = cli_print_json(&b, e);
	return r < 0 ? r : status;
}

const struct verb verb_wait = {
	.name = "wait",
	.operands = "NAME...",
	.help = "Wait until instances end and print their exit statuses",
	.options = options,
	.values_size = sizeof(struct wait_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
