/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail logs: what the program of an instance has printed. */
#include "base/clock.h"
#include "cmd/jail/journal.h"
#include "cmd/jail/verbs.h"
#include "runtime/log.h"

struct logs_values {
	bool follow, timestamps, raw, json;
	uint64_t tail, since_ms;
};

static const struct option options[] = {
	{ .name = "follow",
	  .letter = 'f',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct logs_values, follow),
	  .help = "wait for more until the instance ends" },
	{ .name = "tail",
	  .letter = 'n',
	  .type = OPTION_U64,
	  .offset = offsetof(struct logs_values, tail),
	  .value = "N",
	  .help = "only the last N lines" },
	{ .name = "since",
	  .type = OPTION_DURATION,
	  .offset = offsetof(struct logs_values, since_ms),
	  .value = "DURATION",
	  .help = "only what is at most that old" },
	{ .name = "timestamps",
	  .letter = 't',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct logs_values, timestamps),
	  .help = "begin each line with its time" },
	{ .name = "raw",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct logs_values, raw),
	  .help = "do not escape control characters on a terminal" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct logs_values, json),
	  .help = "the lines as they are stored (docs/json.md)" },
	OPTION_END,
};

struct followed {
	struct jail *jail;
	struct jail_name name;
};

static bool is_alive(void *arg)
{
	const struct followed *f = arg;

	return instance_is_alive(f->jail, &f->name);
}

static int run(struct cli *c, struct err *e)
{
	const struct logs_values *v = c->values;
	struct followed followed = { .jail = c->jail };
	struct log_options request = {
		.follow = v->follow,
		.tail = v->tail,
		.timestamps = v->timestamps,
		.json = v->json,
		.escape = !v->raw && isatty(STDOUT_FILENO),
	};
	CLEANUP_FD int directory = -EBADF;
	uint64_t created_ms;
	int r = name_parse("instance", c->args.operands[0], &followed.name, e);

	if (r < 0)
		return r;
	if (v->since_ms && v->since_ms < clock_wall_ms())
		request.since_ms = clock_wall_ms() - v->since_ms;
	if (instance_has_journal(c->jail, &followed.name, &created_ms))
		return journal_print(
			&(struct journal_request){
				.follow = v->follow,
				.timestamps = v->timestamps,
				.json = v->json,
				.all = v->raw,
				.tail = v->tail,
				.since_ms = created_ms > request.since_ms ? created_ms
									  : request.since_ms,
			},
			&followed.name, is_alive, &followed, e);
	directory = instance_directory(c->jail, &followed.name, e);
	if (directory < 0)
		return directory;
	return cli_printed(log_print(directory, &request, stdout, stderr, is_alive, &followed, e));
}

const struct verb verb_logs = {
	.name = "logs",
	.operands = "NAME",
	.help = "Print the log of an instance",
	.options = options,
	.values_size = sizeof(struct logs_values),
	.defaults = &(const struct logs_values){ .tail = UINT64_MAX },
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
