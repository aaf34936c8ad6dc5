/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail commit: an image out of an instance. */
#include "runtime/commit.h"

#include "cmd/jail/image_progress.h"
#include "cmd/jail/verbs.h"

struct commit_values {
	const char *snapshot, *comment;
	bool replace, json, quiet;
};

static const struct option options[] = {
	{ .name = "snapshot",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct commit_values, snapshot),
	  .value = "SNAPSHOT",
	  .help = "the files as of a snapshot" },
	{ .name = "comment",
	  .letter = 'm',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct commit_values, comment),
	  .value = "TEXT",
	  .help = "for the image's history" },
	{ .name = "replace",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct commit_values, replace),
	  .help = "the name may exist already" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct commit_values, quiet),
	  .help = "print nothing" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct commit_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct commit_values *v = c->values;
	struct commit_options o = { .comment = v->comment, .import = { .replace = v->replace } };
	CLEANUP_IMPORTED struct imported_list list = { .v = NULL };
	struct jail_name name, snapshot;
	uint64_t frozen_us;
	int r = name_parse("instance", c->args.operands[0], &name, e);

	if (r >= 0 && v->snapshot)
		r = name_parse("snapshot", v->snapshot, &snapshot, e);
	if (r >= 0)
		r = image_import_request(c, c->args.operands[1], NULL, &o.import, e);
	if (r < 0)
		return r;
	o.snapshot = v->snapshot ? &snapshot : NULL;
	r = instance_commit(c->jail, &name, &o, &list, &frozen_us, e);
	if (r < 0)
		return r;
	if (frozen_us && !v->quiet && !v->json)
		(void)printf("the instance stood still for %llu.%llums\n",
			     (unsigned long long)frozen_us / 1000,
			     (unsigned long long)frozen_us % 1000 / 100);
	return image_import_print(&list, v->json, v->quiet, e);
}

const struct verb verb_commit = {
	.name = "commit",
	.operands = "NAME IMAGE[:TAG]",
	.help = "Make an image of what an instance has changed",
	.options = options,
	.values_size = sizeof(struct commit_values),
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run,
};
