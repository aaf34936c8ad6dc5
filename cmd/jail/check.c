/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail check: says what this kernel can do. Exit status 0 when everything that is needed works. */
#include "cmd/jail/verbs.h"

struct check_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct check_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

#define DETAIL_COLUMN 44

struct check_output {
	bool json;
	struct json_out out;
};

static const char *state_text(const struct check_result *r)
{
	if (r->ok)
		return "ok";
	return r->need == CHECK_REQUIRED ? "MISSING" : "absent";
}

/* Whole details, because they say what to do. */
static void print_row(const struct check_result *r)
{
	char feature[64];

	(void)snprintf(feature, sizeof(feature), "%s %s", r->group, r->name);
	if (!r->detail[0]) {
		(void)printf("%-34s  %s\n", feature, state_text(r));
		return;
	}
	(void)printf("%-34s  %-8s", feature, state_text(r));
	cli_print_rest(r->detail, DETAIL_COLUMN);
}

static void collect(const struct check_result *r, void *arg)
{
	struct check_output *output = arg;

	if (!output->json) {
		print_row(r);
		return;
	}
	json_out_object(&output->out, NULL);
	json_out_str(&output->out, "group", r->group);
	json_out_str(&output->out, "name", r->name);
	json_out_bool(&output->out, "required", r->need == CHECK_REQUIRED);
	json_out_bool(&output->out, "ok", r->ok);
	json_out_str(&output->out, "detail", r->detail);
	json_out_object_end(&output->out);
}

static int run(struct cli *c, struct err *e)
{
	const struct check_values *v = c->values;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct check_output output = { .json = v->json };
	int usable, r = 0;

	json_out_init(&output.out, &b, true);
	json_out_object(&output.out, NULL);
	json_out_array(&output.out, "features");
	usable = jail_check(&c->config, collect, &output, e);
	if (usable < 0)
		return usable;
	json_out_array_end(&output.out);
	json_out_bool(&output.out, "usable", usable == 1);
	json_out_object_end(&output.out);
	if (v->json)
		r = cli_print_json(&b, e);
	else
		(void)printf("\n%s\n", usable == 1 ? "Everything that is needed works."
						   : "Instances cannot run here: see MISSING.");
	if (r < 0)
		return r;
	return usable == 1 ? 0 : EXIT_FAILED;
}

const struct verb verb_check = {
	.name = "check",
	.operands = "",
	.help = "Try what this kernel offers and say what is missing",
	.options = options,
	.values_size = sizeof(struct check_values),
	.run = run,
};
