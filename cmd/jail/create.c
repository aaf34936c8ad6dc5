/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail create: a spec from a file, options and a command line becomes a stopped instance. */
#include "cmd/jail/spec_flags.h"
#include "cmd/jail/verbs.h"
#include "runtime/image_defaults.h"

struct create_values {
	const char *file;
	bool publish_all;
};

static const struct option options[] = {
	{ .name = "file",
	  .letter = 'f',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, file),
	  .value = "FILE",
	  .help = "spec to start from; \"-\" is stdin" },
	{ .name = "publish-all",
	  .letter = 'P',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, publish_all),
	  .help = "publish the ports that the image exposes" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct create_values *v = c->values;
	CLEANUP_SPEC struct jail_spec spec = { .n_labels = 0 };
	/* A name before "--" is the instance's; what follows is its command. */
	size_t command = c->args.n_before_dashes > 0 ? 1 : 0;
	int r = spec_flags_build(c, v->file, command, &spec, e);

	if (r >= 0 && command > 0)
		r = name_parse("instance", c->args.operands[0], &spec.name, e);
	if (r < 0)
		return r;
	if (!spec.name.s[0]) {
		c->failed = EXIT_USAGE;
		(void)err_set(e, EINVAL, "create: NAME is missing");
		return err_hint(e, "usage: jail create [OPTIONS] NAME [COMMAND [ARG...]]");
	}
	r = jail_apply_image(c->jail, &spec, e);
	if (r >= 0 && v->publish_all)
		r = jail_publish_exposed(c->jail, &spec, e);
	if (r >= 0)
		r = spec_finish(&spec, e);
	return r < 0 ? err_wrap(e, "create %s", spec.name.s)
		     : instance_create(c->jail, &spec, true, e);
}

const struct verb verb_create = {
	.name = "create",
	.operands = "NAME [COMMAND [ARG...]]",
	.help = "Make an instance from an image or a directory",
	.options = options,
	.shared = spec_flags,
	.values_size = sizeof(struct create_values),
	.max_operands = OPERANDS_ANY,
	.command = true,
	.command_at = 1,
	.flags = VERB_STATE,
	.run = run,
};
