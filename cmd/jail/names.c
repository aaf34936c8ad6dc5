/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --all is a snapshot: an instance that ends between the list and its turn fails like one that was
 * named, so scripts see what really happened.
 */
#include "cmd/jail/names.h"

#include "cmd/jail/verbs.h"

struct collection {
	struct names *names;
	names_wanted_fn *wanted;
};

void names_free(struct names *n)
{
	free(n->v);
	*n = (struct names){ .v = NULL };
}

bool names_any(const struct instance_info *i)
{
	(void)i;
	return true;
}

bool names_alive(const struct instance_info *i)
{
	switch (i->status) {
	case INSTANCE_CREATED:
	case INSTANCE_STOPPED:
		return false;
	case INSTANCE_STARTING:
	case INSTANCE_RUNNING:
	case INSTANCE_PAUSED:
	case INSTANCE_RESTARTING:
	case INSTANCE_STOPPING:
		return true;
	}
	return false;
}

bool names_not_alive(const struct instance_info *i)
{
	return !names_alive(i);
}

bool names_running(const struct instance_info *i)
{
	return i->status == INSTANCE_RUNNING;
}

bool names_paused(const struct instance_info *i)
{
	return i->status == INSTANCE_PAUSED;
}

static int names_add(struct names *names, const struct jail_name *name)
{
	struct jail_name *grown = reallocarray(names->v, names->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	names->v = grown;
	names->v[names->n++] = *name;
	return 0;
}

static int collect_one(const struct instance_info *i, void *arg)
{
	struct collection *c = arg;

	return c->wanted(i) ? names_add(c->names, &i->name) : 0;
}

int names_collect(struct cli *c, bool all, names_wanted_fn *wanted, struct names *ret,
		  struct err *e)
{
	struct collection collection = { .names = ret, .wanted = wanted };
	int r;

	if (all == (c->args.n_operands > 0)) {
		c->failed = c->failed == EXIT_JAIL ? EXIT_JAIL : EXIT_USAGE;
		(void)err_set(e, EINVAL, "%s: give %s", c->verb->name,
			      all ? "names or --all, not both" : "the name of an instance");
		return help_hint(c->verb, e);
	}
	if (all)
		return instance_each(c->jail, collect_one, &collection, e);
	for (size_t i = 0; i < c->args.n_operands; i++) {
		struct jail_name name;

		r = name_parse("instance", c->args.operands[i], &name, e);
		if (r < 0)
			return r;
		if (names_add(ret, &name) < 0)
			return err_nomem(e);
	}
	return 0;
}

static bool is_gone(struct cli *c, const struct jail_name *name)
{
	struct err ignored = ERR_INIT;
	int dir = instance_directory(c->jail, name, &ignored);

	if (dir >= 0)
		(void)close(dir);
	return dir == -ENOENT;
}

int names_each(struct cli *c, const struct names *names, names_fn *fn, void *arg)
{
	int status = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct err e = ERR_INIT;
		int r = fn(c, &names->v[i], arg, &e);

		/* Of all that there were, one that has gone meanwhile is not missed. */
		if (r < 0 && !(c->args.n_operands == 0 && is_gone(c, &names->v[i]))) {
			cli_failure(c, &e);
			status = c->failed;
		}
	}
	return status;
}

int names_run(struct cli *c, bool all, names_wanted_fn *wanted, names_fn *fn, void *arg,
	      struct err *e)
{
	CLEANUP_NAMES struct names names = { .v = NULL };
	int r = names_collect(c, all, wanted, &names, e);

	return r < 0 ? r : names_each(c, &names, fn, arg);
}

int names_operands(struct cli *c, const char *kind, size_t first, names_fn *fn, void *arg)
{
	int status = 0;

	for (size_t i = first; i < c->args.n_operands; i++) {
		struct err one = ERR_INIT;
		struct jail_name name;
		int r = name_parse(kind, c->args.operands[i], &name, &one);

		if (r >= 0)
			r = fn(c, &name, arg, &one);
		if (r < 0) {
			cli_error(&one);
			status = EXIT_FAILED;
		}
	}
	return status;
}
