/* SPDX-License-Identifier: GPL-2.0-or-later */
/* _unit-start, _unit-stop, _unit-post: what systemd/jail@.service executes; _boot
 * (docs/systemd.md). */
#include "cmd/jail/verbs.h"

static int with_name(struct cli *c,
		     int (*fn)(struct jail *, const struct jail_name *, struct err *),
		     struct err *e)
{
	struct jail_name name;
	int r = name_parse("instance", c->args.operands[0], &name, e);

	return r < 0 ? r : fn(c->jail, &name, e);
}

static int start(struct cli *c, struct err *e)
{
	c->failed = UNIT_START_FAILED;
	return with_name(c, unit_start, e);
}

static int stop(struct cli *c, struct err *e)
{
	return with_name(c, unit_stop, e);
}

static int post(struct cli *c, struct err *e)
{
	return with_name(c, unit_post, e);
}

static int boot(struct cli *c, struct err *e)
{
	return jail_boot(c->jail, e);
}

const struct verb verb_boot = {
	.name = "_boot",
	.operands = "",
	.help = "Start the enabled instances, as jail-boot.service",
	.flags = VERB_HIDDEN | VERB_STATE,
	.run = boot,
};

const struct verb verb_unit_start = {
	.name = "_unit-start",
	.operands = "NAME",
	.help = "Start an instance as the main process of its systemd unit",
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_HIDDEN | VERB_STATE,
	.run = start,
};

const struct verb verb_unit_stop = {
	.name = "_unit-stop",
	.operands = "NAME",
	.help = "Stop the instance of a systemd unit",
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_HIDDEN | VERB_STATE,
	.run = stop,
};

const struct verb verb_unit_post = {
	.name = "_unit-post",
	.operands = "NAME",
	.help = "Record the exit and tear down, after a unit's end",
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_HIDDEN | VERB_STATE,
	.run = post,
};
