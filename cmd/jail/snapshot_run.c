/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail snapshot run: what the schedules of the specs want, for jail-snapshots.timer. */
#include "cmd/jail/names.h"
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"
#include "runtime/schedule.h"

struct run_values {
	bool json, quiet;
};

static const struct option options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_values, quiet),
	  .help = "print nothing but errors" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct printing {
	const struct run_values *v;
	struct json_out out;
	struct strbuf failed; /* names */
	size_t instances;
};

static void print_json(struct json_out *o, const struct schedule_result *r)
{
	json_out_object(o, NULL);
	json_out_str(o, "name", r->instance.s);
	if (r->made)
		json_out_str(o, "made", r->snapshot.snapshot.name.s);
	else
		json_out_null(o, "made");
	if (r->made && r->snapshot.snapshot.frozen)
		json_out_milli(o, "frozenMs", r->snapshot.snapshot.frozen_us);
	else
		json_out_null(o, "frozenMs");
	json_out_array(o, "removed");
	for (size_t i = 0; i < r->removed.n; i++)
		json_out_str(o, NULL, r->removed.v[i]);
	json_out_array_end(o);
	json_out_bool(o, "skipped", r->skipped);
	if (r->why.code)
		json_out_str(o, "error", r->why.text);
	else
		json_out_null(o, "error");
	json_out_object_end(o);
}

static void print_text(const struct schedule_result *r)
{
	char frozen[SNAPSHOT_FROZEN_MAX];

	snapshot_frozen_text(&r->snapshot.snapshot, frozen);
	if (r->made && r->snapshot.snapshot.frozen)
		(void)printf("%s: made %s (the instance stood still for %s)\n", r->instance.s,
			     r->snapshot.snapshot.name.s, frozen);
	else if (r->made)
		(void)printf("%s: made %s\n", r->instance.s, r->snapshot.snapshot.name.s);
	for (size_t i = 0; i < r->removed.n; i++)
		(void)printf("%s: removed %s\n", r->instance.s, r->removed.v[i]);
}

static void print_one(const struct schedule_result *r, void *arg)
{
	struct printing *p = arg;

	p->instances++;
	if (p->v->json)
		print_json(&p->out, r);
	else if (!p->v->quiet)
		print_text(r);
	if (r->skipped && !p->v->json && !p->v->quiet)
		(void)printf("%s: left to the next run\n", r->instance.s);
	if (!r->why.code || r->skipped)
		return;
	cli_error(&r->why);
	strbuf_addf(&p->failed, "%s%s", p->failed.len ? ", " : "", r->instance.s);
}

static int run(struct cli *c, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = { .max = SIZE_MAX };
	CLEANUP_NAMES struct names names = { .v = NULL };
	struct printing p = { .v = c->values, .failed = { .max = SIZE_MAX } };
	struct err summary = ERR_INIT;
	int r = 0;

	if (c->args.n_operands)
		r = names_collect(c, false, names_any, &names, e);
	if (r < 0)
		return r;
	json_out_init(&p.out, &b, true);
	json_out_array(&p.out, NULL);
	r = schedules_run(c->jail, names.v, names.n, print_one, &p, e);
	json_out_array_end(&p.out);
	if (r > 0) {
		(void)err_set(&summary, EIO, "snapshots of %d of %zu instances failed: %.500s", r,
			      p.instances, strbuf_str(&p.failed));
		cli_error(&summary);
	}
	strbuf_free(&p.failed);
	if (r >= 0 && p.v->json && cli_print_json(&b, e) < 0)
		return -e->code;
	return r < 0 ? r : r > 0 ? EXIT_FAILED : 0;
}

const struct verb verb_snapshot_run = {
	.name = "snapshot run",
	.operands = "[NAME...]",
	.help = "Make the scheduled snapshots that are due, remove old ones",
	.options = options,
	.values_size = sizeof(struct run_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
