/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/schedule.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/path.h"
#include "runtime/snapshot_priv.h"

static bool is_of(const struct snapshot *s, const struct jail_name *schedule)
{
	for (size_t i = 0; i < s->n_schedules; i++)
		if (!s->unfinished && s->name.s[0] && str_eq(s->schedules[i].s, schedule->s))
			return true;
	return false;
}

static const struct snapshot *last_of(const struct snapshots *all, const struct jail_name *schedule)
{
	const struct snapshot *last = NULL;

	for (size_t i = 0; i < all->n; i++)
		if (is_of(&all->v[i], schedule) && (!last || all->v[i].sequence > last->sequence))
			last = &all->v[i];
	return last;
}

unsigned schedule_due(const struct jail_spec *s, const struct snapshots *all, uint64_t now_ms,
		      bool unchanged)
{
	unsigned due = 0;

	for (size_t i = 0; i < s->n_schedules; i++) {
		const struct spec_schedule *one = &s->schedules[i];
		const struct snapshot *last = last_of(all, &one->name);

		if (last && (last->created_ms / one->every_ms == now_ms / one->every_ms ||
			     (unchanged && str_eq(last->id.s, all->head.s))))
			continue;
		due |= 1u << i;
	}
	return due;
}

/* Return: NULL when the spec has it no more. */
static const struct spec_schedule *find(const struct jail_spec *s, const struct jail_name *name)
{
	for (size_t i = 0; i < s->n_schedules; i++)
		if (str_eq(s->schedules[i].name.s, name->s))
			return &s->schedules[i];
	return NULL;
}

bool schedule_is_over(const struct jail_spec *s, const struct snapshots *all,
		      const struct snapshot *which)
{
	if (which->unfinished || !which->name.s[0] || !which->n_schedules)
		return false;
	for (size_t i = 0; i < which->n_schedules; i++) {
		const struct spec_schedule *one = find(s, &which->schedules[i]);
		size_t newer = 0;

		for (size_t k = 0; one && k < all->n; k++)
			newer += is_of(&all->v[k], &one->name) &&
				 all->v[k].sequence > which->sequence;
		if (!one || newer < one->keep)
			return false;
	}
	return true;
}

/* Nothing is in "upper", and its root is as that of the snapshot below: down, an instance that
 * has not run since it was put aside. */
static bool is_unchanged(const struct snapshot_access *a)
{
	char path[SNAPSHOT_PATH_MAX];
	CLEANUP_FD int upper = -EBADF, fs = -EBADF;
	CLEANUP_DIR DIR *d = NULL;
	struct dirent *entry;
	struct stat x, y;

	if (a->lock < 0 || !a->all.head.s[0])
		return false;
	snapshot_path(&a->all.head, path);
	upper = path_open_beneath(a->holder, "upper", O_RDONLY | O_DIRECTORY, 0);
	fs = path_open_beneath(a->all.dir, path, O_RDONLY | O_DIRECTORY, 0);
	if (upper < 0 || fs < 0 || fstat(upper, &x) < 0 || fstat(fs, &y) < 0 ||
	    x.st_mode != y.st_mode || x.st_uid != y.st_uid || x.st_gid != y.st_gid ||
	    x.st_mtim.tv_sec != y.st_mtim.tv_sec || x.st_mtim.tv_nsec != y.st_mtim.tv_nsec)
		return false;
	d = dir_open(upper);
	while (d && (errno = 0, entry = readdir(d)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			return false;
	return d && errno == 0;
}

/* Its name is that of the schedule with the longest span. */
static int make_due(struct snapshot_access *a, struct schedule_result *r, struct err *e)
{
	struct snapshot what = { .created_ms = clock_wall_ms() };
	unsigned due = schedule_due(&a->spec, &a->all, what.created_ms, is_unchanged(a));
	const struct spec_schedule *longest = NULL;
	int rc;

	if (!due)
		return 0;
	for (size_t i = 0; i < a->spec.n_schedules; i++) {
		const struct spec_schedule *one = &a->spec.schedules[i];

		if (!(due & 1u << i))
			continue;
		what.schedules[what.n_schedules++] = one->name;
		if (!longest || one->every_ms > longest->every_ms)
			longest = one;
	}
	for (size_t i = 0; i < a->all.n; i++)
		if (a->all.v[i].sequence > what.sequence)
			what.sequence = a->all.v[i].sequence;
	what.sequence++;
	rc = snapshot_make(a, &what, longest->name.s, &r->snapshot, e);
	if (rc < 0)
		return rc;
	r->made = true;
	return snapshot_access_again(a, e);
}

static int remove_over(struct snapshot_access *a, struct schedule_result *r, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < a->all.n && rc >= 0; i++) {
		const struct snapshot *one = &a->all.v[i];

		if (!schedule_is_over(&a->spec, &a->all, one))
			continue;
		rc = snapshot_forget(a, one, e);
		if (rc >= 0 && strv_add(&r->removed, one->name.s) < 0)
			rc = err_nomem(e);
	}
	return rc >= 0 && r->removed.n ? snapshots_collect(a->holder, e) : rc;
}

static void warn_of_many(const struct snapshot_access *a)
{
	size_t n = a->all.n;

	if (n >= SNAPSHOTS_MAX / 10 * 9)
		warn("%s: has %zu snapshots, of at most %d, those on which others stand among "
		     "them; remove some: jail snapshot rm",
		     a->name.s, n, SNAPSHOTS_MAX);
}

static int run_one(struct jail *j, struct schedule_result *r, struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_ACCESS struct snapshot_access a;
	int made, removed;

	snapshot_access_init(&a);
	made = snapshot_access_clean(j, &r->instance, false, &a, e);
	if (made < 0)
		return made;
	made = make_due(&a, r, e);
	removed = remove_over(&a, r, &why);
	warn_of_many(&a);
	if (made >= 0 && removed < 0) {
		*e = why;
		return removed;
	}
	return made;
}

static int has_schedules(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int dir = instance_open_dir(j, name, e);
	CLEANUP_SPEC struct jail_spec spec;
	int r;

	spec_init(&spec);
	r = dir < 0 ? dir : spec_read(dir, &spec, e);
	return r < 0 ? r : spec.n_schedules > 0;
}

/* Return: 1 failed, 0. */
static int run_named(struct jail *j, const struct jail_name *name, bool asked, schedule_fn *fn,
		     void *arg)
{
	struct schedule_result r = { .instance = *name, .why = ERR_INIT };
	int rc = has_schedules(j, name, &r.why), failed;

	if (rc == 0 && asked) {
		rc = err_set(&r.why, EINVAL, "%s: has no schedules", name->s);
		(void)err_hint(&r.why, "jail set %s 'snapshots=[{\"every\":\"1d\",\"keep\":7}]'",
			       name->s);
	} else if (rc == 0 || (rc == -ENOENT && !asked)) {
		return 0;
	} else if (rc > 0) {
		rc = run_one(j, &r, &r.why);
		if (rc < 0)
			(void)err_wrap(&r.why, "%s", name->s);
		r.skipped =
			rc == -EAGAIN || rc == -ESRCH || rc == -EBUSY || (rc == -ENOENT && !asked);
	}
	failed = rc < 0 && !r.skipped;
	fn(&r, arg);
	strv_free(&r.removed);
	return failed;
}

int schedules_run(struct jail *j, const struct jail_name *names, size_t n, schedule_fn *fn,
		  void *arg, struct err *e)
{
	CLEANUP_STRV struct strv all = { .v = NULL };
	int failed = 0, r;

	for (size_t i = 0; i < n; i++)
		failed += run_named(j, &names[i], true, fn, arg);
	if (n)
		return failed;
	r = instance_names(j, &all, e);
	for (size_t i = 0; i < all.n && r >= 0; i++) {
		struct err ignored = ERR_INIT;
		struct jail_name name;

		if (name_parse("instance", all.v[i], &name, &ignored) >= 0)
			failed += run_named(j, &name, false, fn, arg);
	}
	return r < 0 ? r : failed;
}
