/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail volume create */
#include "base/num.h"
#include "cmd/jail/verbs.h"
#include "runtime/volumes.h"

struct create_values {
	const char *size, *owner, *mode, *tenant, *from;
	struct option_list labels;
	uint64_t inodes;
	bool json, quiet;
};

static const struct option options[] = {
	{ .name = "size",
	  .letter = 's',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, size),
	  .value = "SIZE",
	  .help = "limit of what it can hold (512MiB)" },
	{ .name = "inodes",
	  .type = OPTION_U64,
	  .offset = offsetof(struct create_values, inodes),
	  .value = "N",
	  .help = "limit of the number of files" },
	{ .name = "owner",
	  .letter = 'o',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, owner),
	  .value = "UID[:GID]",
	  .help = "whose its root is, as inside; default 0:0" },
	{ .name = "mode",
	  .letter = 'm',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, mode),
	  .value = "MODE",
	  .help = "of its root; default 0755" },
	{ .name = "tenant",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, tenant),
	  .value = "NAME",
	  .help = "whose it is" },
	{ .name = "label",
	  .letter = 'l',
	  .type = OPTION_LIST,
	  .offset = offsetof(struct create_values, labels),
	  .value = "KEY=VALUE",
	  .help = "anything; again for more" },
	{ .name = "from",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, from),
	  .value = "DIRECTORY",
	  .help = "begin with a copy of what is in it" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, quiet),
	  .help = "print nothing but errors" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int fill(const struct create_values *v, struct volume_options *o, struct err *e)
{
	int r = 0;

	if (v->size && num_parse_size(v->size, &o->limits.size_bytes, e) < 0)
		return err_wrap(e, "--size");
	if (v->size && !o->limits.size_bytes)
		return err_set(e, EINVAL, "--size: must be more than 0");
	if (v->owner)
		r = volume_parse_owner(v->owner, o, e);
	if (r >= 0 && v->mode)
		r = volume_parse_mode(v->mode, o, e);
	if (r >= 0 && v->tenant)
		r = name_parse("tenant", v->tenant, &o->tenant, e);
	return r;
}

static int run(struct cli *c, struct err *e)
{
	const struct create_values *v = c->values;
	struct volume_options o = {
		.limits = { .inodes = v->inodes },
		.labels = v->labels.v,
		.n_labels = v->labels.n,
		.from = v->from,
	};
	CLEANUP_VOLUME struct volume made = { .mode = 0 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out out;
	struct jail_name name;
	int r = name_parse("volume", c->args.operands[0], &name, e);

	if (r >= 0)
		r = fill(v, &o, e);
	if (r >= 0)
		r = volume_create(c->jail, &name, &o, &made, e);
	if (r < 0)
		return r;
	if (v->json) {
		json_out_init(&out, &b, true);
		r = volumes_to_json(c->jail, &made, 1, &out, NULL, e);
		return r < 0 ? r : cli_print_json(&b, e);
	}
	if (!v->quiet)
		(void)puts(made.name.s);
	return 0;
}

const struct verb verb_volume_create = {
	.name = "volume create",
	.operands = "NAME",
	.help = "Make a volume that instances can mount",
	.options = options,
	.values_size = sizeof(struct create_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
