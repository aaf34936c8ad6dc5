/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of settings, their order, and the way back. Before each step what the kernel has is kept;
 * taken back newest first, every state on the way is one that the kernel was in before.
 */
#include "cgroups/settings.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>

#include "base/file.h"
#include "cgroups/limits_priv.h"

struct undo_step {
	char file[CGROUP_FILE_MAX];
	char device[CGROUP_DEVICE_MAX];
	char before[CGROUP_VALUE_MAX];
};

struct cgroup_undo {
	int dir; /* owned */
	struct undo_step *steps;
	size_t n;
};

void cgroup_settings_free(struct cgroup_settings *p)
{
	free(p->v);
	*p = (struct cgroup_settings){ .n = 0 };
}

int cgroup_settings_add(struct cgroup_settings *p, const struct cgroup_setting *s, struct err *e)
{
	struct cgroup_setting *grown = reallocarray(p->v, p->n + 1, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	p->v = grown;
	p->v[p->n++] = *s;
	return 0;
}

const struct cgroup_setting *cgroup_settings_find(const struct cgroup_settings *p,
						  const struct cgroup_setting *like)
{
	for (size_t i = 0; i < p->n; i++) {
		if (str_eq(p->v[i].file, like->file) && str_eq(p->v[i].device, like->device))
			return &p->v[i];
	}
	return NULL;
}

void cgroup_setting_init(struct cgroup_setting *s, const char *key, const char *file)
{
	size_t n = strcspn(file, ".");

	*s = (struct cgroup_setting){ .controller = 0 };
	(void)snprintf(s->key, sizeof(s->key), "%s", key);
	(void)snprintf(s->file, sizeof(s->file), "%s", file);
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *name = cgroup_controllers[i].name;

		if (strlen(name) == n && memcmp(name, file, n) == 0)
			s->controller = cgroup_controllers[i].bit;
	}
}

void cgroup_setting_text(struct cgroup_setting *s, const char *value)
{
	(void)snprintf(s->value, sizeof(s->value), "%s", value);
	(void)snprintf(s->expect, sizeof(s->expect), "%s", value);
}

void cgroup_setting_number(struct cgroup_setting *s, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	cgroup_setting_text(s, v == UINT64_MAX ? "max" : text);
}

/* Rounded down; more than fits a counter is "max". */
void cgroup_setting_bytes(struct cgroup_setting *s, uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages = bytes / page;

	cgroup_setting_number(s, bytes);
	if (pages >= (uint64_t)LONG_MAX / page)
		(void)snprintf(s->expect, sizeof(s->expect), "max");
	else
		(void)snprintf(s->expect, sizeof(s->expect), "%" PRIu64, pages * page);
}

/* Length of "MAJ:MIN" that a blank follows, or 0. */
static size_t raw_device(const char *line)
{
	size_t n = strspn(line, "0123456789");
	size_t m = line[n] == ':' ? strspn(line + n + 1, "0123456789") : 0;

	return n && m && line[n + 1 + m] == ' ' && n + 1 + m < IO_NUMBER_MAX ? n + 1 + m : 0;
}

void cgroup_setting_raw(struct cgroup_setting *s, const char *line)
{
	size_t device = raw_device(line);

	s->match = device ? CGROUP_MATCH_DEVICE : CGROUP_MATCH_RAW;
	(void)snprintf(s->device, sizeof(s->device), "%.*s", (int)device, line);
	cgroup_setting_text(s, line + device + (device > 0));
}

static struct cgroup_setting *find_file(struct cgroup_settings *p, const char *file)
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
static int order_burst(int dir, struct cgroup_settings *p, struct err *e)
{
	struct cgroup_setting *burst = find_file(p, "cpu.max.burst"), zero;
	struct cgroup_setting *quota = find_file(p, "cpu.max");
	char now[CGROUP_VALUE_MAX];

	if (!quota || file_peek_at(dir, "cpu.max.burst", now, sizeof(now)) < 0 || str_eq(now, "0"))
		return 0;
	cgroup_setting_init(&zero, quota->key, "cpu.max.burst");
	cgroup_setting_text(&zero, "0");
	if (!burst) {
		struct cgroup_setting back = zero;

		cgroup_setting_text(&back, now);
		if (cgroup_settings_add(p, &back, e) < 0)
			return -e->code;
	}
	if (cgroup_settings_add(p, &zero, e) < 0)
		return -e->code;
	memmove(p->v + 1, p->v, (p->n - 1) * sizeof(*p->v));
	p->v[0] = zero;
	return 0;
}

/* Where a step stands: the smaller the earlier. */
static int step_rank(int dir, const struct cgroup_setting *s, size_t i)
{
	char now[CGROUP_VALUE_MAX];

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
	return s->match == CGROUP_MATCH_RAW ? 55 : 20;
}

/* Insertion, by rank and else as it is: the list is short. */
int cgroup_settings_order(int dir, struct cgroup_settings *p, struct err *e)
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
		struct cgroup_setting s = p->v[i];
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

static int apply_step(int dir, const struct cgroup_setting *s, struct cgroup_undo *u, struct err *e)
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

int cgroup_settings_apply(int dir, const struct cgroup_settings *p, struct cgroup_undo **ret_undo,
			  struct err *e)
{
	struct cgroup_undo *undo;
	int r = 0;

	*ret_undo = NULL;
	if (p->n == 0)
		return 0;
	undo = undo_new(dir, p->n);
	if (!undo)
		return err_nomem(e);
	for (size_t i = 0; i < p->n && r >= 0; i++) {
		if (!p->v[i].may_lack || faccessat(dir, p->v[i].file, F_OK, 0) == 0)
			r = apply_step(dir, &p->v[i], undo, e);
	}
	if (r < 0)
		cgroup_undo_run(&undo);
	*ret_undo = undo;
	return r;
}
