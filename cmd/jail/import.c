/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail import: an instance out of the file of an export. */
#include <fcntl.h>

#include "cmd/jail/image_progress.h"
#include "cmd/jail/verbs.h"
#include "runtime/transfer.h"

struct import_values {
	const char *name;
	bool keep_id, trust, quiet, json;
};

static const struct option options[] = {
	{ .name = "name",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct import_values, name),
	  .value = "NAME",
	  .help = "what the instance is called here" },
	{ .name = "trust",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, trust),
	  .help = "its spec may reach this host (docs/storage.md)" },
	{ .name = "keep-id",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, keep_id),
	  .help = "it is the same instance: its id stays" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, quiet),
	  .help = "print nothing but errors" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, json),
	  .help = "print the new instance as JSON (docs/json.md)" },
	OPTION_END,
};

static void print_summary(const struct instance_imported *i)
{
	(void)printf("%s", i->name.s);
	if (i->layers > i->layers_known)
		(void)printf(", %zu of %zu layers new", i->layers - i->layers_known, i->layers);
	if (i->snapshots)
		(void)printf(", %zu snapshot%s", i->snapshots, i->snapshots == 1 ? "" : "s");
	if (i->image.s[0])
		(void)printf(", image %s", i->image.s);
	(void)putchar('\n');
}

static int run(struct cli *c, struct err *e)
{
	const struct import_values *v = c->values;
	const char *file = c->args.operands[0];
	struct instance_import q = { .keep_id = v->keep_id, .trust = v->trust };
	struct instance_imported done;
	CLEANUP_FD int in = -EBADF;
	struct jail_name name;
	int r = v->name ? name_parse("instance", v->name, &name, e) : 0;

	if (r >= 0)
		r = image_import_request(c, NULL, NULL, &q.import, e);
	if (r < 0)
		return r;
	in = str_eq(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			       : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (in < 0)
		return err_sys(e, "open %s", file);
	q.in = in;
	q.name = v->name ? &name : NULL;
	r = instance_import(c->jail, &q, &done, e);
	if (r < 0)
		return err_wrap(e, "%s", file);
	if (v->json)
		return cli_print_instance(c->jail, &done.name, e);
	if (!v->quiet)
		print_summary(&done);
	return 0;
}

const struct verb verb_import = {
	.name = "import",
	.operands = "FILE|-",
	.help = "Make an instance out of the file of an export",
	.options = options,
	.values_size = sizeof(struct import_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
