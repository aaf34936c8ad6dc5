/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail image pull: an image of a registry, fetched by skopeo. */

#include "cmd/jail/image_progress.h"

#define PULL_SCHEME "docker://"

struct pull_values {
	const char *name, *platform;
	bool replace, json, quiet;
};

static const struct option options[] = {
	{ .name = "name",
	  .letter = 'n',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct pull_values, name),
	  .value = "IMAGE",
	  .help = "name[:tag] of the image; else that in the registry" },
	{ .name = "platform",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct pull_values, platform),
	  .value = "OS/ARCH",
	  .help = "which of the image's platforms; else this machine's" },
	{ .name = "replace",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct pull_values, replace),
	  .help = "the name may exist already" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct pull_values, quiet),
	  .help = "print nothing of our own but errors" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct pull_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int default_name(const char *source, struct image_ref *ret, struct err *e)
{
	const char *name = source + strlen(PULL_SCHEME);

	if (image_ref_parse(name, ret, e) == 0)
		return 0;
	return err_hint(e, "give the image a name: jail image pull %s --name IMAGE[:TAG]", source);
}

static int run(struct cli *c, struct err *e)
{
	const struct pull_values *v = c->values;
	struct image_progress progress = { .shown = isatty(STDERR_FILENO) && !v->quiet };
	struct pull_request request = {
		.source = c->args.operands[0],
		.import = { .replace = v->replace,
			    .progress = image_progress_show,
			    .progress_arg = &progress },
	};
	CLEANUP_IMPORTED struct imported_list list = { .v = NULL };
	struct image_store *store;
	int r = image_import_request(c, v->name, v->platform, &request.import, e);

	if (r == 0 && !v->name && str_starts(request.source, PULL_SCHEME)) {
		request.import.has_ref = true;
		r = default_name(request.source, &request.import.ref, e);
	}
	if (r < 0)
		return r;
	store = jail_images(c->jail, e);
	if (!store)
		return -e->code;
	r = store_pull(store, &request, &list, e);
	image_progress_end(&progress);
	return r < 0 ? r : image_import_print(&list, v->json, v->quiet, e);
}

const struct verb verb_image_pull = {
	.name = "image pull",
	.operands = "docker://NAME[:TAG][@DIGEST]",
	.help = "Fetch an image from a registry, by skopeo",
	.options = options,
	.values_size = sizeof(struct pull_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
