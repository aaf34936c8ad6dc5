/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spec's "snapshots": which are made by themselves, and how many of them are kept. */
#include "runtime/spec_priv.h"

#include "base/num.h"

#define SCHEDULE(member) offsetof(struct spec_schedule, member)
#define SCHEDULE_NAME_MAX 32 /* a date follows */
#define EVERY_MIN_MS (UINT64_C(300) * 1000) /* as often as jail-snapshots.timer comes by */
#define EVERY_MAX_MS (UINT64_C(365) * 24 * 3600 * 1000)

static int set_name(struct spec_schedule *s, const char *text, struct err *e)
{
	if (strlen(text) > SCHEDULE_NAME_MAX)
		return err_set(e, EINVAL, "schedule name \"%.80s\": longer than %d characters",
			       text, SCHEDULE_NAME_MAX);
	return name_parse("schedule", text, &s->name, e);
}

static int decode_name(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	return set_name(base, node->text, e) < 0 ? decode_wrap(d, node, e) : 0;
}

static const struct decode_field fields[] = {
	{ .key = "name", .decode = decode_name },
	{ .key = "every",
	  .decode = decode_quantity_text,
	  .offset = SCHEDULE(every_ms),
	  .parse = spec_parse_positive_duration,
	  .required = true },
	{ .key = "keep",
	  .decode = decode_u32,
	  .offset = SCHEDULE(keep),
	  .min = 1,
	  .max = SPEC_SCHEDULE_KEEP_MAX,
	  .required = true },
};
static const struct decode_table table = { .fields = fields, .n = ARRAY_SIZE(fields) };

static struct spec_schedule *add(struct jail_spec *s, struct err *e)
{
	struct spec_schedule *one = spec_grow(&s->schedules, s->n_schedules, sizeof(*one));

	if (one)
		s->n_schedules++;
	else
		(void)err_nomem(e);
	return one;
}

int spec_decode_schedule(const struct decoder *d, const struct json *node, void *base,
			 struct err *e)
{
	struct spec_schedule *one = add(base, e);

	return one ? decode_object(d, node, one, &table, e) : -e->code;
}

int spec_add_schedule(struct jail_spec *s, const char *text, struct err *e)
{
	CLEANUP_FREE char *copy = strdup(text);
	struct spec_schedule one = { .keep = 0 };
	struct spec_schedule *added;
	char *every = copy, *keep;
	uint64_t n = 0;

	if (!copy)
		return err_nomem(e);
	if (strchr(every, '=')) {
		char *name = strsep(&every, "=");

		if (set_name(&one, name, e) < 0)
			return -e->code;
	}
	keep = strchr(every, ':');
	if (!keep)
		return err_set(e, EINVAL, "\"%.100s\": expected [NAME=]EVERY:KEEP, as in 1h:24",
			       text);
	*keep++ = '\0';
	if (spec_parse_positive_duration(every, &one.every_ms, e) < 0 ||
	    num_parse_u64(keep, 1, SPEC_SCHEDULE_KEEP_MAX, &n, e) < 0)
		return -e->code;
	if (s->n_schedules == LIMIT_SCHEDULES)
		return err_set(e, E2BIG, "more than %d schedules", LIMIT_SCHEDULES);
	one.keep = (uint32_t)n;
	added = add(s, e);
	if (!added)
		return -e->code;
	*added = one;
	return 0;
}

/* "hourly", "daily", "weekly", "every-15m" */
void spec_fill_schedules(struct jail_spec *s)
{
	static const struct {
		uint64_t ms;
		const char *name;
	} known[] = {
		{ UINT64_C(3600) * 1000, "hourly" },
		{ UINT64_C(24) * 3600 * 1000, "daily" },
		{ UINT64_C(7) * 24 * 3600 * 1000, "weekly" },
	};

	for (size_t i = 0; i < s->n_schedules; i++) {
		struct spec_schedule *one = &s->schedules[i];
		char text[32];

		if (one->name.s[0])
			continue;
		num_format_duration(one->every_ms, text, sizeof(text));
		(void)str_format(one->name.s, sizeof(one->name.s), "every-%s", text);
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			if (known[k].ms == one->every_ms)
				(void)str_format(one->name.s, sizeof(one->name.s), "%s",
						 known[k].name);
	}
}

static int check_one(const struct jail_spec *s, size_t i, struct err *e)
{
	const struct spec_schedule *one = &s->schedules[i];

	if (one->every_ms < EVERY_MIN_MS || one->every_ms > EVERY_MAX_MS)
		return err_set(e, ERANGE, "snapshots[%zu].every: from 5m to 365d", i);
	for (size_t k = 0; k < i; k++)
		if (str_eq(s->schedules[k].name.s, one->name.s)) {
			(void)err_set(e, EINVAL,
				      "snapshots[%zu].name: \"%s\" is that of snapshots[%zu] too",
				      i, one->name.s, k);
			return err_hint(e, "give one of the two another name");
		}
	return 0;
}

/* Before the durations are written as text. */
int spec_check_schedules(const struct jail_spec *s, struct err *e)
{
	uint64_t kept = 0;

	for (size_t i = 0; i < s->n_schedules; i++) {
		kept += s->schedules[i].keep;
		if (check_one(s, i, e) < 0)
			return -e->code;
	}
	if (kept > SPEC_SCHEDULE_KEEP_MAX)
		return err_set(e, E2BIG, "snapshots: %llu to be kept are too many, at most %d",
			       (unsigned long long)kept, SPEC_SCHEDULE_KEEP_MAX);
	if (s->n_schedules && s->is_volatile) {
		(void)err_set(e, EINVAL, "snapshots: a volatile instance has none");
		return err_hint(e, "leave out one of \"snapshots\" and \"volatile\"");
	}
	if (s->n_schedules && s->rootfs) {
		(void)err_set(e, EINVAL,
			      "snapshots: with \"rootfs\" the files are those of a directory of "
			      "the host");
		return err_hint(e, "make snapshots of that with the means of its file system");
	}
	return 0;
}

void spec_schedules_to_json(const struct jail_spec *s, struct json_out *o)
{
	if (!s->n_schedules)
		return;
	json_out_array(o, "snapshots");
	for (size_t i = 0; i < s->n_schedules; i++) {
		const struct spec_schedule *one = &s->schedules[i];
		char text[32];

		json_out_object(o, NULL);
		if (one->name.s[0])
			json_out_str(o, "name", one->name.s);
		num_format_duration(one->every_ms, text, sizeof(text));
		json_out_str(o, "every", text);
		json_out_u64(o, "keep", one->keep);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}
