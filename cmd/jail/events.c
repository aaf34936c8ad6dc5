/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail events: the life of instances, as it was and as it goes on. */
#include "runtime/events.h"
#include "base/clock.h"
#include "cmd/jail/names.h"
#include "cmd/jail/until.h"
#include "cmd/jail/verbs.h"

struct events_values {
	bool follow, json;
	uint64_t since_ms;
};

static const struct option options[] = {
	{ .name = "follow",
	  .letter = 'f',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct events_values, follow),
	  .help = "wait for more; of the past only --since" },
	{ .name = "since",
	  .type = OPTION_DURATION,
	  .offset = offsetof(struct events_values, since_ms),
	  .value = "DURATION",
	  .help = "only what is at most that old" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct events_values, json),
	  .help = "the lines as they are stored (docs/json.md)" },
	OPTION_END,
};

static bool wait_more(int fd, void *arg)
{
	return until_wait(*(int *)arg, fd, -1);
}

static int run(struct cli *c, struct err *e)
{
	const struct events_values *v = c->values;
	CLEANUP_NAMES struct names names = { .v = NULL };
	CLEANUP_FD int until = -EBADF;
	struct event_options o = { .follow = v->follow,
				   .only_new = v->follow && !v->since_ms,
				   .json = v->json,
				   .width = cli_width(),
				   .wait = wait_more,
				   .arg = &until };
	int r = 0;

	if (c->args.n_operands)
		r = names_collect(c, false, names_any, &names, e);
	if (r < 0)
		return r;
	o.names = names.v;
	o.n_names = names.n;
	if (v->since_ms && v->since_ms < clock_wall_ms())
		o.since_ms = clock_wall_ms() - v->since_ms;
	if (v->follow && (until = until_begin(e)) < 0)
		return until;
	return cli_printed(events_print(c->jail, &o, stdout, e));
}

const struct verb verb_events = {
	.name = "events",
	.operands = "[NAME...]",
	.help = "Print what has happened to instances",
	.options = options,
	.values_size = sizeof(struct events_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
