/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail version */
#include "cmd/jail/verbs.h"

struct version_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct version_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct version_values *v = c->values;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	if (!v->json) {
		(void)printf("jail %s\n", JAIL_VERSION);
		return 0;
	}
	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "name", "jail");
	json_out_str(&o, "version", JAIL_VERSION);
	json_out_object_end(&o);
	return cli_print_json(&b, e);
}

const struct verb verb_version = {
	.name = "version",
	.operands = "",
	.help = "Print the version",
	.options = options,
	.values_size = sizeof(struct version_values),
	.flags = VERB_BARE,
	.run = run,
};
