/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spec's "process": the program, its environment, its user, its limits of setrlimit(2). */
#include "runtime/spec_priv.h"

#define SPEC(member) offsetof(struct jail_spec, member)

static const struct {
	const char *name;
	int resource;
} rlimits[] = {
	{ "as", RLIMIT_AS },
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};
_Static_assert(ARRAY_SIZE(rlimits) <= LIMIT_RLIMITS, "each may be given once");

int spec_rlimit_resource(const char *name, struct err *e)
{
	const char *names[ARRAY_SIZE(rlimits)];
	int nearest;

	for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
		if (str_eq(name, rlimits[i].name))
			return rlimits[i].resource;
		names[i] = rlimits[i].name;
	}
	(void)err_set(e, EINVAL, "\"%.100s\": no such resource limit", name);
	nearest = ident_nearest(name, names, ARRAY_SIZE(names));
	if (nearest >= 0)
		(void)err_hint(e, "did you mean \"%s\"?", names[nearest]);
	return -e->code;
}

const char *spec_rlimit_name(int resource)
{
	for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++)
		if (rlimits[i].resource == resource)
			return rlimits[i].name;
	return NULL;
}

static int decode_arg(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct jail_spec *s = base;
	const char *text = NULL;
	int r = decode_string(d, node, SPEC_TEXT_MAX, &text, e);

	if (r < 0)
		return r;
	return strv_add(&s->process.args, text) < 0 ? err_nomem(e) : 0;
}

int spec_decode_variable(const struct decoder *d, const struct json *node, struct strv *env,
			 struct err *e)
{
	const char *value = NULL;
	int r;

	if (spec_check_env_name(node->key, e) < 0)
		return decode_wrap_key(d, node, e);
	r = decode_string(d, node, SPEC_TEXT_MAX, &value, e);
	if (r < 0)
		return r;
	/* The parser refuses duplicate keys, so this needs no search. */
	return strv_addf(env, "%s=%s", node->key, value) < 0 ? err_nomem(e) : 0;
}

static int decode_variable(const struct decoder *d, const struct json *node, void *base,
			   struct err *e)
{
	struct jail_spec *s = base;

	return spec_decode_variable(d, node, &s->process.env, e);
}

struct limit_pair {
	uint64_t soft, hard;
};

static int decode_limit(const struct decoder *d, const struct json *node, void *base,
			const struct decode_field *f, struct err *e)
{
	uint64_t *value = (uint64_t *)((char *)base + f->offset);
	int64_t v = 0;
	int r;

	if (node->type == JSON_STRING && str_eq(node->text, "unlimited")) {
		*value = UINT64_MAX;
		return 0;
	}
	if (node->type != JSON_NUMBER)
		return json_err(d->doc, node, e, EINVAL, "expected an integer or \"unlimited\"");
	r = decode_integer(d, node, 0, INT64_MAX, &v, e);
	if (r < 0)
		return r;
	*value = (uint64_t)v;
	return 0;
}

static const struct decode_field limit_fields[] = {
	{ .key = "soft",
	  .decode = decode_limit,
	  .offset = offsetof(struct limit_pair, soft),
	  .required = true },
	{ .key = "hard",
	  .decode = decode_limit,
	  .offset = offsetof(struct limit_pair, hard),
	  .required = true },
};
static const struct decode_table limit_table = { .fields = limit_fields,
						 .n = ARRAY_SIZE(limit_fields) };

static int decode_rlimit(const struct decoder *d, const struct json *node, void *base,
			 struct err *e)
{
	struct limit_pair pair = { 0, 0 };
	struct spec_rlimit *limit;
	struct jail_spec *s = base;
	int r, resource = spec_rlimit_resource(node->key, e);

	if (resource < 0)
		return decode_wrap_key(d, node, e);
	if (node->type == JSON_OBJECT) {
		r = decode_object(d, node, &pair, &limit_table, e);
	} else {
		r = decode_limit(d, node, &pair, &limit_fields[0], e);
		pair.hard = pair.soft;
	}
	if (r < 0)
		return r;
	limit = spec_grow(&s->process.rlimits, s->process.n_rlimits, sizeof(*limit));
	if (!limit)
		return err_nomem(e);
	s->process.n_rlimits++;
	*limit = (struct spec_rlimit){ resource, pair.soft, pair.hard };
	return 0;
}

static int decode_oom_score(const struct decoder *d, const struct json *node, void *base,
			    const struct decode_field *f, struct err *e)
{
	struct jail_spec *s = base;
	int64_t v = 0;
	int r = decode_integer(d, node, -1000, 1000, &v, e);

	(void)f;
	if (r < 0)
		return r;
	s->process.oom_score_adj = (int)v;
	return 0;
}

static const struct decode_field fields[] = {
	{ .key = "args", .decode = decode_array, .item = decode_arg, .max = LIMIT_ARGS },
	{ .key = "env", .decode = decode_map, .item = decode_variable, .max = LIMIT_ENV },
	{ .key = "cwd",
	  .decode = decode_text,
	  .offset = SPEC(process.cwd),
	  .check = spec_check_path },
	{ .key = "user",
	  .decode = decode_text,
	  .offset = SPEC(process.user),
	  .check = spec_check_user },
	{ .key = "terminal", .decode = decode_bool, .offset = SPEC(process.terminal) },
	{ .key = "stdin", .decode = decode_bool, .offset = SPEC(process.stdin_open) },
	{ .key = "rlimits", .decode = decode_map, .item = decode_rlimit, .max = LIMIT_RLIMITS },
	{ .key = "oomScoreAdj",
	  .decode = decode_oom_score,
	  .flag = SPEC(process.has_oom_score_adj) },
};

const struct decode_table spec_process_table = { .fields = fields, .n = ARRAY_SIZE(fields) };
