/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail image tag: one more name for an image. */
#include "cmd/jail/verbs.h"

struct tag_values {
	bool replace;
};

static const struct option options[] = {
	{ .name = "replace",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct tag_values, replace),
	  .help = "the new name may exist already" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct tag_values *v = c->values;
	struct image_store *store = jail_images(c->jail, e);
	struct image_ref from, to;
	int r = store ? image_ref_parse(c->args.operands[0], &from, e) : -e->code;

	if (r >= 0)
		r = image_ref_parse(c->args.operands[1], &to, e);
	return r < 0 ? r : store_tag(store, &from, &to, v->replace, e);
}

const struct verb verb_image_tag = {
	.name = "image tag",
	.operands = "IMAGE NAME[:TAG]",
	.help = "Give an image one more name",
	.options = options,
	.values_size = sizeof(struct tag_values),
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run,
};
