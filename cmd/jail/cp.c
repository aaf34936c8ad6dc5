/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail cp: files into an instance and out of it. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/verbs.h"
#include "runtime/copy.h"

#define SHOW_INTERVAL_MS 200

struct cp_values {
	bool archive, follow;
};

static const struct option options[] = {
	{ .name = "archive",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct cp_values, archive),
	  .help = "keep the owners, by number as they are inside" },
	{ .name = "follow-link",
	  .letter = 'L',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct cp_values, follow),
	  .help = "SRC may be a symbolic link: copy what it points to" },
	OPTION_END,
};

struct shown {
	bool on; /* stderr is a terminal */
	uint64_t began_ms, next_ms;
};

static void show(const struct copy_progress *p, void *arg)
{
	struct shown *s = arg;
	uint64_t now = clock_boot_ms(), elapsed = now - s->began_ms;
	char size[32], rate[32];

	if (!s->on || now < s->next_ms)
		return;
	s->next_ms = now + SHOW_INTERVAL_MS;
	num_format_size_short(p->bytes, size, sizeof(size));
	num_format_size_short(elapsed ? p->bytes * 1000 / elapsed : 0, rate, sizeof(rate));
	(void)fprintf(stderr, "\r%" PRIu64 " files, %s, %s/s\033[K", p->members, size, rate);
}

/* "NAME:PATH", "-", or a path of the host, which is one too when it begins with '/' or '.'. */
static int parse_end(const char *text, struct jail_name *name, struct copy_end *ret, struct err *e)
{
	const char *colon = strchr(text, ':');
	char first[256];

	*ret = (struct copy_end){ .path = str_eq(text, "-") ? NULL : text };
	if (!colon || text[0] == '/' || text[0] == '.')
		return 0;
	if (str_format(first, sizeof(first), "%.*s", (int)(colon - text), text) < 0)
		return err_set(e, ENAMETOOLONG, "%s", text);
	if (name_parse("instance", first, name, e) < 0)
		return err_hint(e, "a file of the host with ':' in its name: ./%s", text);
	ret->instance = name;
	ret->path = colon + 1;
	if (!colon[1]) {
		(void)err_set(e, EINVAL, "%s: no path after the colon", text);
		return err_hint(e, "the whole root file system: %s/", text);
	}
	return 0;
}

static int check_ends(const struct copy_options *o, struct err *e)
{
	if (!o->from.instance && !o->to.instance) {
		(void)err_set(e, EINVAL, "neither SRC nor DST is NAME:PATH");
		return err_hint(e, "name the instance's side: web:/etc/hosts");
	}
	if (o->from.instance && o->to.instance && str_eq(o->from.instance->s, o->to.instance->s)) {
		(void)err_set(e, EINVAL, "both are of %s", o->from.instance->s);
		return err_hint(e, "inside: jail exec %s cp SRC DST", o->from.instance->s);
	}
	if (!o->to.path && isatty(STDOUT_FILENO)) {
		(void)err_set(e, EINVAL, "a tar stream is nothing for a terminal");
		return err_hint(e, "send it to a file or a program: jail cp NAME:PATH - | tar t");
	}
	return 0;
}

static void warn_of(const struct copy_result *r)
{
	if (r->devices)
		warn("%" PRIu64 " devices were left out", r->devices);
	if (r->sockets)
		warn("%" PRIu64 " sockets were left out", r->sockets);
	if (r->changed)
		warn("%" PRIu64 " files shrank while they were read: zeros fill them up",
		     r->changed);
	if (r->skipped_xattrs)
		warn("%" PRIu64 " extended attributes were left out", r->skipped_xattrs);
}

static int run(struct cli *c, struct err *e)
{
	const struct cp_values *v = c->values;
	struct shown shown = { .on = isatty(STDERR_FILENO), .began_ms = clock_boot_ms() };
	struct copy_options o = {
		.follow = v->follow,
		.archive = v->archive,
		.progress = show,
		.arg = &shown,
	};
	struct jail_name from, to;
	struct copy_result result;
	int r;

	if ((r = parse_end(c->args.operands[0], &from, &o.from, e)) < 0 ||
	    (r = parse_end(c->args.operands[1], &to, &o.to, e)) < 0 ||
	    (r = check_ends(&o, e)) < 0) {
		c->failed = EXIT_USAGE;
		return r;
	}
	shown.next_ms = shown.began_ms + SHOW_INTERVAL_MS;
	r = instance_copy(c->jail, &o, &result, e);
	if (shown.on && shown.next_ms != shown.began_ms + SHOW_INTERVAL_MS)
		(void)fputs("\r\033[K", stderr);
	if (r < 0)
		return err_wrap(e, "cp");
	warn_of(&result);
	return 0;
}

const struct verb verb_cp = {
	.name = "cp",
	.operands = "SRC DST",
	.help = "Copy files: NAME:PATH is an instance's, - a tar stream",
	.options = options,
	.values_size = sizeof(struct cp_values),
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run,
};
