/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail image rm: takes the name away and then the layers that nothing needs any more. An image that
 * an instance was made from stays.
 */
#include "cmd/jail/verbs.h"

static int refuse_used(struct cli *c, const struct image_ref *ref, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r = instances_using_image(c->jail, ref, &names, e);

	if (r < 0 || names.n == 0)
		return r < 0 ? r : 0;
	(void)err_set(e, EBUSY, "%s: used by %s%s", ref->s, names.v[0],
		      names.n > 1 ? " and others" : "");
	return err_hint(e, "\"jail rm %s\" first", names.v[0]);
}

static int remove_one(struct cli *c, struct image_store *store, const char *text, struct err *e)
{
	struct image_ref ref;
	int r = image_ref_parse(text, &ref, e);

	if (r >= 0)
		r = refuse_used(c, &ref, e);
	return r < 0 ? r : store_remove(store, &ref, e);
}

static int run(struct cli *c, struct err *e)
{
	struct gc_report report = { .bytes = 0 };
	struct image_store *store = jail_images(c->jail, e);
	int status = 0, r;

	if (!store)
		return -e->code;
	for (size_t i = 0; i < c->args.n_operands; i++) {
		struct err one = ERR_INIT;

		if (remove_one(c, store, c->args.operands[i], &one) < 0) {
			cli_error(&one);
			status = EXIT_FAILED;
		}
	}
	r = jail_gc(c->jail, &report, e);
	return r < 0 ? r : status;
}

const struct verb verb_image_rm = {
	.name = "image rm",
	.operands = "IMAGE...",
	.help = "Remove images and the layers that only they use",
	.min_operands = 1,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
