/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail rebuild: another image below an instance that does not run. */
#include "cmd/jail/verbs.h"

struct rebuild_values {
	const char *image;
	bool keep_files;
};

static const struct option options[] = {
	{ .name = "image",
	  .letter = 'i',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct rebuild_values, image),
	  .value = "IMAGE",
	  .help = "the new one; default: what its image's name means now" },
	{ .name = "keep-files",
	  .letter = 'k',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct rebuild_values, keep_files),
	  .help = "keep what the instance has written over its image" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct rebuild_values *v = c->values;
	struct rebuild_options o = { .keep_files = v->keep_files };
	struct image_ref image;
	struct jail_name name;
	int r = name_parse("instance", c->args.operands[0], &name, e);

	if (r >= 0 && v->image) {
		r = image_ref_parse(v->image, &image, e);
		o.image = &image;
	}
	return r < 0 ? r : instance_rebuild(c->jail, &name, &o, e);
}

const struct verb verb_rebuild = {
	.name = "rebuild",
	.operands = "NAME",
	.help = "Give an instance that does not run another image",
	.options = options,
	.values_size = sizeof(struct rebuild_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
