/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All limits of an instance: written while its cgroup is empty (row 66), or changed while it runs.
 * A change is the difference of two lists, whose steps settings.c puts in order and takes back.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cgroups/limits_priv.h"

/* The controllers of `dir`; when one that is needed lacks, the tree is asked for all again. */
static uint32_t limits_controllers(const struct cgroup_tree *t, uint32_t need)
{
	CLEANUP_FD int root = -EBADF;

	if ((need & ~t->controllers) == 0)
		return t->controllers;
	root = openat(t->root_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? t->controllers : cgroup_enable(root, t->root_fd);
}

static int limits_check_controllers(const struct cgroup_tree *t, const struct cgroup_settings *p,
				    struct err *e)
{
	uint32_t need = 0, has;

	for (size_t i = 0; i < p->n; i++)
		need |= p->v[i].controller;
	has = need ? limits_controllers(t, need) : 0;
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].controller & ~has)
			return cgroup_missing(t->root_fd, t->path, p->v[i].key, p->v[i].controller,
					      e);
	}
	return 0;
}

int limits_write(const struct limits_place *p, const struct cgroup_limits *l, struct err *e)
{
	CLEANUP_SETTINGS struct cgroup_settings plan = { .n = 0 };
	int r = limits_plan_make(l, p->sys_block, false, &plan, e);

	if (r >= 0)
		r = limits_check_controllers(p->t, &plan, e);
	for (size_t i = 0; i < plan.n && r >= 0; i++)
		r = limits_file_apply(p->dir, &plan.v[i], e);
	return r;
}

/* A path of `again` is the setting's field or lies in it. */
static bool is_again(const struct strv *again, const struct cgroup_setting *s)
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

static bool same_setting(const struct cgroup_setting *a, const struct cgroup_setting *b)
{
	return b && str_eq(a->value, b->value);
}

/* What is no longer given goes back to the default. */
static int add_resets(const struct cgroup_settings *old, const struct cgroup_settings *wanted,
		      struct cgroup_settings *ret, struct err *e)
{
	for (size_t i = 0; i < old->n; i++) {
		struct cgroup_setting s = old->v[i];

		if (cgroup_settings_find(wanted, &s))
			continue;
		if (!cgroup_setting_reset(&s)) {
			(void)err_set(e, EOPNOTSUPP, "%s: what %s is without a limit is not known",
				      s.key, s.file);
			return err_hint(e, "use --restart, or give the value");
		}
		if (cgroup_settings_add(ret, &s, e) < 0)
			return -e->code;
	}
	return 0;
}

static int diff(const struct cgroup_settings *old, const struct cgroup_settings *wanted,
		const struct strv *again, struct cgroup_settings *ret, struct err *e)
{
	int r = add_resets(old, wanted, ret, e);

	for (size_t i = 0; i < wanted->n && r >= 0; i++) {
		const struct cgroup_setting *s = &wanted->v[i];

		if (same_setting(s, cgroup_settings_find(old, s)) && !is_again(again, s))
			continue;
		r = cgroup_settings_add(ret, s, e);
	}
	return r;
}

int limits_change_plan(const struct limits_place *p, const struct cgroup_limits *old,
		       const struct cgroup_limits *l, const struct strv *again,
		       struct cgroup_settings *ret, struct err *e)
{
	CLEANUP_SETTINGS struct cgroup_settings before = { .n = 0 };
	CLEANUP_SETTINGS struct cgroup_settings wanted = { .n = 0 };
	CLEANUP_SETTINGS struct cgroup_settings steps = { .n = 0 };
	int r;

	if ((r = limits_plan_make(old, p->sys_block, true, &before, e)) < 0 ||
	    (r = limits_plan_make(l, p->sys_block, false, &wanted, e)) < 0 ||
	    (r = diff(&before, &wanted, again, &steps, e)) < 0 ||
	    (r = limits_check_controllers(p->t, &steps, e)) < 0 ||
	    (r = cgroup_settings_order(p->dir, &steps, e)) < 0)
		return r;
	*ret = steps;
	steps = (struct cgroup_settings){ .n = 0 };
	return 0;
}

int limits_change(const struct limits_place *p, const struct cgroup_limits *old,
		  const struct cgroup_limits *l, const struct strv *again,
		  struct cgroup_undo **ret_undo, struct err *e)
{
	CLEANUP_SETTINGS struct cgroup_settings steps = { .n = 0 };
	int r = limits_change_plan(p, old, l, again, &steps, e);

	*ret_undo = NULL;
	return r < 0 ? r : cgroup_settings_apply(p->dir, &steps, ret_undo, e);
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
	char file[CGROUP_FILE_MAX];

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
