/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spec's "restart", "notify", "stop", "log" and "hooks": what happens around the program. */
#include "runtime/spec_priv.h"

#define SPEC(member) offsetof(struct jail_spec, member)
#define HOOK_STRINGS_MAX 256 /* arguments, and variables */
#define HOOK(member) offsetof(struct hook, member)

static const char *const policies[] = {
	[SPEC_RESTART_NO] = "no",
	[SPEC_RESTART_ON_FAILURE] = "on-failure",
	[SPEC_RESTART_ALWAYS] = "always",
	NULL,
};
const struct decode_words spec_restart_words = { policies, NULL };

const char *spec_restart_name(enum spec_restart policy)
{
	return policies[policy];
}

static const struct decode_field restart_fields[] = {
	{ .key = "policy",
	  .decode = decode_word,
	  .offset = SPEC(restart.policy),
	  .words = &spec_restart_words },
	{ .key = "maxRetries",
	  .decode = decode_u64,
	  .offset = SPEC(restart.max_retries),
	  .max = 1000000 },
	{ .key = "delay",
	  .decode = decode_quantity_text,
	  .offset = SPEC(restart.delay_ms),
	  .parse = spec_parse_positive_duration },
};
const struct decode_table spec_restart_table = { .fields = restart_fields,
						 .n = ARRAY_SIZE(restart_fields) };

static const struct decode_field notify_fields[] = {
	{ .key = "ready", .decode = decode_bool, .offset = SPEC(notify.ready) },
	{ .key = "watchdog",
	  .decode = decode_quantity_text,
	  .offset = SPEC(notify.watchdog_ms),
	  .parse = spec_parse_positive_duration },
};
const struct decode_table spec_notify_table = { .fields = notify_fields,
						.n = ARRAY_SIZE(notify_fields) };

bool spec_notifies(const struct jail_spec *s)
{
	return s->notify.ready || s->notify.watchdog_ms > 0;
}

static int decode_signal(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct jail_spec *s = base;
	char digits[24];
	int64_t v = 0;
	int r;

	(void)f;
	if (node->type == JSON_STRING) {
		r = spec_set_signal(node->text, &s->stop.signal, e);
		return r < 0 ? decode_wrap(d, node, e) : 0;
	}
	if (node->type != JSON_NUMBER)
		return json_err(d->doc, node, e, EINVAL,
				"expected a signal's name or number, not %s",
				json_type_name(node->type));
	r = decode_integer(d, node, 1, 64, &v, e);
	if (r < 0)
		return r;
	(void)str_format(digits, sizeof(digits), "%lld", (long long)v);
	r = spec_set_signal(digits, &s->stop.signal, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static const struct decode_field stop_fields[] = {
	{ .key = "signal", .decode = decode_signal },
	{ .key = "timeout",
	  .decode = decode_quantity_text,
	  .offset = SPEC(stop.timeout_ms),
	  .flag = SPEC(stop.has_timeout),
	  .parse = spec_parse_duration },
};
const struct decode_table spec_stop_table = { .fields = stop_fields, .n = ARRAY_SIZE(stop_fields) };

static const struct decode_field log_fields[] = {
	{ .key = "maxSize",
	  .decode = decode_quantity,
	  .offset = SPEC(log.max_size_bytes),
	  .min = 1,
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_positive_size },
	{ .key = "files", .decode = decode_u32, .offset = SPEC(log.files), .min = 1, .max = 100 },
};
const struct decode_table spec_log_table = { .fields = log_fields, .n = ARRAY_SIZE(log_fields) };

static int decode_hook_arg(const struct decoder *d, const struct json *node, void *base,
			   struct err *e)
{
	struct hook *h = base;
	const char *text = NULL;
	int r = decode_string(d, node, SPEC_TEXT_MAX, &text, e);

	if (r < 0)
		return r;
	return strv_add(&h->args, text) < 0 ? err_nomem(e) : 0;
}

static int decode_hook_variable(const struct decoder *d, const struct json *node, void *base,
				struct err *e)
{
	struct hook *h = base;

	return spec_decode_variable(d, node, &h->env, e);
}

static const struct decode_field hook_fields[] = {
	{ .key = "path",
	  .decode = decode_text,
	  .offset = HOOK(path),
	  .check = spec_check_path,
	  .required = true },
	{ .key = "args", .decode = decode_array, .item = decode_hook_arg, .max = HOOK_STRINGS_MAX },
	{ .key = "env",
	  .decode = decode_map,
	  .item = decode_hook_variable,
	  .max = HOOK_STRINGS_MAX },
	{ .key = "timeout",
	  .decode = decode_quantity_text,
	  .offset = HOOK(timeout_ms),
	  .parse = spec_parse_positive_duration },
};
static const struct decode_table hook_table = { .fields = hook_fields,
						.n = ARRAY_SIZE(hook_fields) };

static int add_hook(const struct decoder *d, const struct json *node, struct hook **hooks,
		    size_t *n, struct err *e)
{
	struct hook *h = spec_grow(hooks, *n, sizeof(*h));

	if (!h)
		return err_nomem(e);
	(*n)++;
	return decode_object(d, node, h, &hook_table, e);
}

static int decode_prestart(const struct decoder *d, const struct json *node, void *base,
			   struct err *e)
{
	struct jail_spec *s = base;

	return add_hook(d, node, &s->hooks.prestart, &s->hooks.n_prestart, e);
}

static int decode_poststop(const struct decoder *d, const struct json *node, void *base,
			   struct err *e)
{
	struct jail_spec *s = base;

	return add_hook(d, node, &s->hooks.poststop, &s->hooks.n_poststop, e);
}

static const struct decode_field hooks_fields[] = {
	{ .key = "prestart", .decode = decode_array, .item = decode_prestart, .max = LIMIT_HOOKS },
	{ .key = "poststop", .decode = decode_array, .item = decode_poststop, .max = LIMIT_HOOKS },
};
const struct decode_table spec_hooks_table = { .fields = hooks_fields,
					       .n = ARRAY_SIZE(hooks_fields) };
