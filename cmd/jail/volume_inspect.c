/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail volume inspect */
#include <inttypes.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"
#include "runtime/volumes.h"

struct inspect_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct inspect_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

/* What is not given has no line. */
static void field(const char *title, const char *text)
{
	if (text[0])
		cli_print_field(title, text);
}

static void print_disk(struct cli *c, const struct volume *v)
{
	char text[96], size[32], used[32];
	struct instance_disk disk;

	volume_look(c->jail, v, &disk);
	field("kind", disk_kind_name(disk.kind));
	if (v->limits.size_bytes) {
		num_format_size(v->limits.size_bytes, size, sizeof(size));
		field("size", size);
	}
	if (v->limits.inodes) {
		(void)str_format(text, sizeof(text), "%" PRIu64, v->limits.inodes);
		field("inodes", text);
	}
	if (!disk.has_usage)
		return;
	num_format_size_short(disk.usage.used_bytes, used, sizeof(used));
	num_format_size_short(disk.usage.size_bytes, size, sizeof(size));
	(void)str_format(text, sizeof(text), "%s of %s, %" PRIu64 " of %" PRIu64 " inodes", used,
			 size, disk.usage.used_inodes, disk.usage.inodes);
	field("in use", text);
}

static int print_text(struct cli *c, const struct volume *v, struct err *e)
{
	CLEANUP_STRV struct strv users = { .v = NULL }, snapshots = { .v = NULL };
	char text[CLOCK_TEXT_MAX + 32];
	int r = volume_users(c->jail, &v->name, &users, e);

	if (r < 0)
		return r;
	field("volume", v->name.s);
	field("tenant", v->tenant.s);
	clock_format(v->created_ms, text, sizeof(text));
	field("created", text);
	(void)str_format(text, sizeof(text), "%" PRIu32 ":%" PRIu32 " %04o", v->uid, v->gid,
			 v->mode);
	field("owner", text);
	print_disk(c, v);
	for (size_t i = 0; i < v->labels.n; i++)
		field("label", v->labels.v[i]);
	for (size_t i = 0; i < users.n; i++)
		field("used by", users.v[i]);
	if (volume_snapshot_names(c->jail, &v->name, &snapshots) < 0)
		return err_nomem(e);
	for (size_t i = 0; i < snapshots.n; i++)
		field("snapshot", snapshots.v[i]);
	return 0;
}

struct found {
	struct volumes volumes; /* room for all */
	bool json;
};

static int inspect_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	struct found *f = arg;
	struct volume *v = &f->volumes.v[f->volumes.n];
	int r = volume_read(c->jail, name, v, e);

	if (r >= 0 && !f->json)
		r = print_text(c, v, e);
	if (r < 0)
		volume_free(v);
	else
		f->volumes.n++;
	return r;
}

static int run(struct cli *c, struct err *e)
{
	const struct inspect_values *v = c->values;
	struct found found = { .json = v->json };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out out;
	int status, r = 0;

	found.volumes.v = calloc(c->args.n_operands, sizeof(*found.volumes.v));
	if (!found.volumes.v)
		return err_nomem(e);
	status = names_operands(c, "volume", 0, inspect_one, &found);
	if (v->json) {
		json_out_init(&out, &b, true);
		r = volumes_to_json(c->jail, found.volumes.v, found.volumes.n, &out, NULL, e);
		if (r >= 0)
			r = cli_print_json(&b, e);
	}
	volumes_free(&found.volumes);
	return r < 0 ? r : status;
}

const struct verb verb_volume_inspect = {
	.name = "volume inspect",
	.operands = "VOLUME...",
	.help = "Show all that is known about volumes",
	.options = options,
	.values_size = sizeof(struct inspect_values),
	.min_operands = 1,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
