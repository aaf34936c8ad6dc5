/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail gc: removes what belongs to no living instance, whoever left it behind. */
#include <inttypes.h>

#include "base/num.h"
#include "cmd/jail/verbs.h"

struct gc_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct gc_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct gc_field {
	const char *key, *one, *many;
	size_t offset;
};

static const struct gc_field fields[] = {
	{ "instances", "half-made or half-removed instance", "half-made or half-removed instances",
	  offsetof(struct gc_report, instances) },
	{ "cgroups", "cgroup", "cgroups", offsetof(struct gc_report, cgroups) },
	{ "leases", "lease of an id, address or port", "leases of ids, addresses and ports",
	  offsetof(struct gc_report, leases) },
	{ "layers", "layer that no image or instance uses", "layers that no image or instance uses",
	  offsetof(struct gc_report, layers) },
	{ "configs", "config that no image names", "configs that no image names",
	  offsetof(struct gc_report, configs) },
	{ "staging", "interrupted import", "interrupted imports",
	  offsetof(struct gc_report, staging) },
	{ "network", "network entry", "network entries", offsetof(struct gc_report, network) },
	{ "runDirs", "run directory", "run directories", offsetof(struct gc_report, run_dirs) },
	{ "files", "half-written file", "half-written files", offsetof(struct gc_report, files) },
	{ "snapshots", "half-made or half-removed snapshot", "half-made or half-removed snapshots",
	  offsetof(struct gc_report, snapshots) },
	{ "snapshotsOver", "snapshot that its schedule doesn't keep",
	  "snapshots that their schedules don't keep", offsetof(struct gc_report, over) },
};

static size_t field_value(const struct gc_report *report, const struct gc_field *field)
{
	return *(const size_t *)(const void *)((const char *)report + field->offset);
}

static int print_json(const struct gc_report *report, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		json_out_u64(&o, fields[i].key, field_value(report, &fields[i]));
	json_out_u64(&o, "snapshotsMade", report->due);
	json_out_u64(&o, "bytes", report->bytes);
	json_out_object_end(&o);
	return cli_print_json(&b, e);
}

static int run(struct cli *c, struct err *e)
{
	const struct gc_values *v = c->values;
	struct gc_report report = { .bytes = 0 };
	size_t total = 0;
	char size[32];
	int r = jail_gc(c->jail, &report, e);

	if (r < 0)
		return r;
	if (v->json)
		return print_json(&report, e);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t n = field_value(&report, &fields[i]);

		total += n;
		if (n)
			(void)printf("removed %zu %s\n", n,
				     n == 1 ? fields[i].one : fields[i].many);
	}
	if (report.due)
		(void)printf("made %zu scheduled snapshot%s\n", report.due,
			     report.due == 1 ? "" : "s");
	num_format_size_short(report.bytes, size, sizeof(size));
	if (total)
		(void)printf("freed %s\n", size);
	else
		(void)puts("nothing to remove");
	return 0;
}

const struct verb verb_gc = {
	.name = "gc",
	.operands = "",
	.help = "Remove what nobody needs, make due snapshots",
	.options = options,
	.values_size = sizeof(struct gc_values),
	.flags = VERB_STATE,
	.run = run,
};
