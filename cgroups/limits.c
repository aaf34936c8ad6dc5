/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All limits of an instance: written while its cgroup is empty (row 66), or changed while it runs.
 *
 * A change is a list of steps. Some values bound each other in the kernel: the burst may not be
 * over the quota, an idle group has no weight; and some act at once: a lower memory.max kills what
 * a lower memory.high, written first, would have reclaimed. So the order is part of the list.
 * Before each step what the kernel has is kept; taken back newest first, every state on the way is
 * one that the kernel was in before.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cgroups/limits_priv.h"

struct undo_step {
	char file[LIMITS_FILE_MAX];
	char device[IO_NUMBER_MAX];
	char before[LIMITS_VALUE_MAX];
};

struct cgroup_undo {
	int dir; /* owned */
	struct undo_step *steps;
	size_t n;
};

/* The controllers of `dir`; when one that is needed lacks, the tree is asked for all again. */
static uint32_t limits_controllers(const struct cgroup_tree *t, uint32_t need)
{
	CLEANUP_FD int root = -EBADF;

	if ((need & ~t->controllers) == 0)
		return t->controllers;
	root = openat(t->root_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? t->controllers : cgroup_enable(root, t->root_fd);
}

static int limits_check_controllers(const struct cgroup_tree *t, const struct limits_plan *p,
				    struct err *e)
{
	uint32_t need = 0, has;

	for (size_t i = 0; i < p->n; i++)
		need |= p->v[i].controller;
	has = need ? limits_controllers(t, need) : 0;
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].controller & ~has)
			return cgroup_missing(t, p->v[i].key, p->v[i].controller, e);
	}
	return 0;
}

int limits_write(const struct limits_place *p, const struct cgroup_limits *l, struct err *e)
{
	CLEANUP_PLAN struct limits_plan plan = { .n = 0 };
	int r = limits_plan_make(l, p->sys_block, false, &plan, e);

	if (r >= 0)
		r = limits_check_controllers(p->t, &plan, e);
	for (size_t i = 0; i < plan.n && r >= 0; i++)
		r = limits_file_apply(p->dir, &plan.v[i], e);
	return r;
}

/* A path of `again` is the setting's field or lies in it. */
static bool is_again(const struct strv *again, const struct limits_setting *s)
{
	size_t n = strlen(s->key);

	for (size_t i = 0; i < again->n; i++) {
		const char *path = again->v[i];
		size_t len = strlen(path);

		if (str_starts(path, s->key) && (!path[n] || path[n] == '.'))
			return true;
		if (str_starts(s->key, path) && s->key[len] == '.')
			return true;
	}
	return false;
}

static bool same_setting(const struct limits_setting *a, const struct limits_setting *b)
{
	return b && str_eq(a->value, b->value);
}

/* What is no longer given goes back to the default. */
static int add_resets(const struct limits_plan *old, const struct limits_plan *wanted,
		      struct limits_plan *ret, struct err *e)
{
	for (size_t i = 0; i < old->n; i++) {
		struct limits_setting s = old->v[i];

		if (limits_plan_find(wanted, &s))
			continue;
		if (!limits_setting_reset(&s)) {
			(void)err_set(e, EOPNOTSUPP, "%s: what %s is without a limit is not known",
				      s.key, s.file);
			return err_hint(e, "use --restart, or give the value");
		}
		if (limits_plan_add(ret, &s, e) < 0)
			return -e->code;
	}
	return 0;
}

static int diff(const struct limits_plan *old, const struct limits_plan *wanted,
		const struct strv *again, struct limits_plan *ret, struct err *e)
{
	int r = add_resets(old, wanted, ret, e);

	for (size_t i = 0; i < wanted->n && r >= 0; i++) {
		const struct limits_setting *s = &wanted->v[i];

		if (same_setting(s, limits_plan_find(old, s)) && !is_again(again, s))
			continue;
		r = limits_plan_add(ret, s, e);
	}
	return r;
}

static struct limits_setting *find_file(struct limits_plan *p, const char *file)
{
	for (size_t i = 0; i < p->n; i++) {
		if (str_eq(p->v[i].file, file))
			return &p->v[i];
	}
	return NULL;
}

/* UINT64_MAX for "max" and what is no number. */
static uint64_t as_number(const char *text)
{
	uint64_t v = 0;

	if (!*text || text[strspn(text, "0123456789")])
		return UINT64_MAX;
	for (; *text; text++)
		v = v * 10 + (uint64_t)(*text - '0');
	return v;
}

/* A quota can't be set below the burst: that one goes first and comes back last. */
static int order_burst(int dir, struct limits_plan *p, struct err *e)
{
	struct limits_setting *burst = find_file(p, "cpu.max.burst"), zero;
	struct limits_setting *quota = find_file(p, "cpu.max");
	char now[LIMITS_VALUE_MAX];

	if (!quota || file_peek_at(dir, "cpu.max.burst", now, sizeof(now)) < 0 || str_eq(now, "0"))
		return 0;
	zero = (struct limits_setting){ .controller = CGROUP_CPU, .value = "0", .expect = "0" };
	(void)snprintf(zero.file, sizeof(zero.file), "cpu.max.burst");
	(void)snprintf(zero.key, sizeof(zero.key), "%s", quota->key);
	if (!burst) {
		struct limits_setting back = zero;

		(void)snprintf(back.value, sizeof(back.value), "%s", now);
		(void)snprintf(back.expect, sizeof(back.expect), "%s", now);
		if (limits_plan_add(p, &back, e) < 0)
			return -e->code;
	}
	if (limits_plan_add(p, &zero, e) < 0)
		return -e->code;
	memmove(p->v + 1, p->v, (p->n - 1) * sizeof(*p->v));
	p->v[0] = zero;
	return 0;
}

/* Where a step stands: the smaller the earlier. */
static int step_rank(int dir, const struct limits_setting *s, size_t i)
{
	char now[LIMITS_VALUE_MAX];

	if (str_eq(s->file, "cpu.max.burst"))
		return i == 0 && str_eq(s->value, "0") ? 0 : 30;
	if (str_eq(s->file, "cpu.idle"))
		return str_eq(s->value, "0") ? 1 : 31;
	if (str_eq(s->file, "memory.high"))
		return 50;
	if (str_eq(s->file, "memory.max")) {
		bool raises = file_peek_at(dir, s->file, now, sizeof(now)) >= 0 &&
			      as_number(s->value) > as_number(now);

		return raises ? 40 : 60;
	}
	return str_starts(s->key, "resources.unified.") ? 55 : 20;
}

/* Insertion, by rank and else as it is: the list is short. */
static int order_steps(int dir, struct limits_plan *p, struct err *e)
{
	int *rank, r = order_burst(dir, p, e);

	if (r < 0)
		return r;
	rank = calloc(p->n + 1, sizeof(*rank));
	if (!rank)
		return err_nomem(e);
	for (size_t i = 0; i < p->n; i++)
		rank[i] = step_rank(dir, &p->v[i], i);
	for (size_t i = 1; i < p->n; i++) {
		struct limits_setting s = p->v[i];
		int mine = rank[i];
		size_t k = i;

		for (; k > 0 && rank[k - 1] > mine; k--) {
			p->v[k] = p->v[k - 1];
			rank[k] = rank[k - 1];
		}
		p->v[k] = s;
		rank[k] = mine;
	}
	free(rank);
	return 0;
}

void cgroup_undo_free(struct cgroup_undo **undo)
{
	if (!*undo)
		return;
	fd_reset(&(*undo)->dir);
	free((*undo)->steps);
	free(*undo);
	*undo = NULL;
}

void cgroup_undo_run(struct cgroup_undo **undo)
{
	struct cgroup_undo *u = *undo;

	for (size_t i = u ? u->n : 0; i-- > 0;) {
		const struct undo_step *s = &u->steps[i];
		int r = limits_file_restore(u->dir, s->file, s->device, s->before);

		/* ENOENT, ENODEV: the cgroup is gone, and what it had with it. */
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			warn("restore %s to \"%s\": %s", s->file, s->before, strerror(-r));
	}
	cgroup_undo_free(undo);
}

static struct cgroup_undo *undo_new(int dir, size_t n)
{
	struct cgroup_undo *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	u->steps = calloc(n, sizeof(*u->steps));
	if (u->dir < 0 || !u->steps)
		cgroup_undo_free(&u);
	return u;
}

static int apply_step(int dir, const struct limits_setting *s, struct cgroup_undo *u, struct err *e)
{
	struct undo_step *step = &u->steps[u->n];
	const char *file = NULL;
	int r = limits_file_save(dir, s, step->before, sizeof(step->before), &file, e);

	if (r < 0)
		return r;
	(void)snprintf(step->file, sizeof(step->file), "%s", file);
	(void)snprintf(step->device, sizeof(step->device), "%s", s->device);
	u->n++; /* also when it fails: what was read back wrong has been written */
	return limits_file_apply(dir, s, e);
}

int limits_change_plan(const struct limits_place *p, const struct cgroup_limits *old,
		       const struct cgroup_limits *l, const struct strv *again,
		       struct limits_plan *ret, struct err *e)
{
	CLEANUP_PLAN struct limits_plan before = { .n = 0 };
	CLEANUP_PLAN struct limits_plan wanted = { .n = 0 };
	CLEANUP_PLAN struct limits_plan steps = { .n = 0 };
	int r;

	if ((r = limits_plan_make(old, p->sys_block, true, &before, e)) < 0 ||
	    (r = limits_plan_make(l, p->sys_block, false, &wanted, e)) < 0 ||
	    (r = diff(&before, &wanted, again, &steps, e)) < 0 ||
	    (r = limits_check_controllers(p->t, &steps, e)) < 0 ||
	    (r = order_steps(p->dir, &steps, e)) < 0)
		return r;
	*ret = steps;
	steps = (struct limits_plan){ .n = 0 };
	return 0;
}

int limits_change(const struct limits_place *p, const struct cgroup_limits *old,
		  const struct cgroup_limits *l, const struct strv *again,
		  struct cgroup_undo **ret_undo, struct err *e)
{
	CLEANUP_PLAN struct limits_plan steps = { .n = 0 };
	struct cgroup_undo *undo;
	int r = limits_change_plan(p, old, l, again, &steps, e);

	*ret_undo = NULL;
	if (r < 0 || steps.n == 0)
		return r;
	undo = undo_new(p->dir, steps.n);
	if (!undo)
		return err_nomem(e);
	for (size_t i = 0; i < steps.n && r >= 0; i++)
		r = apply_step(p->dir, &steps.v[i], undo, e);
	if (r < 0)
		cgroup_undo_run(&undo);
	*ret_undo = undo;
	return r;
}

int cgroup_change_limits(const struct cgroup_tree *t, const struct jail_name *name,
			 const struct cgroup_limits *old, const struct cgroup_limits *limits,
			 const struct strv *again, struct cgroup_undo **ret_undo, struct err *e)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);

	if (dir < 0)
		return err_ret(e, dir, "open cgroup %s/%s", t->path, name->s);
	return limits_change(&(struct limits_place){ t, dir, -EBADF }, old, limits, again, ret_undo,
			     e);
}

static void read_one(int dir, const char *file, cgroup_limit_fn *fn, void *arg)
{
	CLEANUP_STRBUF struct strbuf joined = STRBUF_INIT;
	char text[8192];

	if (file_peek_at(dir, file, text, sizeof(text)) < 0)
		return;
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			strbuf_adds(&joined, ", ");
		else
			strbuf_addc(&joined, *p);
	}
	if (!limits_plan_is_none(file, strbuf_str(&joined)))
		fn(file, strbuf_str(&joined), arg);
}

int cgroup_read_limits(const struct cgroup_tree *t, const struct jail_name *name,
		       cgroup_limit_fn *fn, void *arg)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);
	char file[LIMITS_FILE_MAX];

	if (dir < 0)
		return TAKE_FD(dir);
	for (size_t i = 0; limits_plan_file(i); i++)
		read_one(dir, limits_plan_file(i), fn, arg);
	for (size_t i = 0; i < CGROUP_HUGE_SIZES; i++) {
		(void)snprintf(file, sizeof(file), "hugetlb.%s.max", cgroup_huge_sizes[i].kernel);
		read_one(dir, file, fn, arg);
	}
	return 0;
}
