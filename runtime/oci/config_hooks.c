/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "hooks" (config.md, "POSIX-platform Hooks"). argv[0] is the first of "args", as given. */
#include "runtime/oci/config_priv.h"

#define TIMEOUT_MAX_S (365 * 24 * 60 * 60)

const char *const oci_hook_names[OCI_HOOKS] = {
	[OCI_HOOK_PRESTART] = "prestart",
	[OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
	[OCI_HOOK_CREATE_CONTAINER] = "createContainer",
	[OCI_HOOK_START_CONTAINER] = "startContainer",
	[OCI_HOOK_POSTSTART] = "poststart",
	[OCI_HOOK_POSTSTOP] = "poststop",
};

/* struct hook has strings that can be changed; these are copies, but the arena's. */
static int decode_copy(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	char **value = (char **)((char *)base + f->offset);
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (f->check && f->check(node->text, e) < 0)
		return decode_wrap(d, node, e);
	*value = arena_strn(d->arena, node->text, node->len);
	return *value ? 0 : err_nomem(e);
}

static int decode_copies(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct strv *list = (struct strv *)((char *)base + f->offset);
	int r = decode_type(d, node, JSON_ARRAY, e);

	if (r < 0)
		return r;
	if (node->count > f->max)
		return json_err(d->doc, node, e, E2BIG, "%zu entries are too many, at most %llu",
				node->count, (unsigned long long)f->max);
	list->v = arena_alloc(d->arena, node->count + 1, sizeof(*list->v));
	if (!list->v)
		return err_nomem(e);
	for (const struct json *item = node->first; item; item = item->next) {
		r = decode_type(d, item, JSON_STRING, e);
		if (r < 0)
			return r;
		list->v[list->n] = arena_strn(d->arena, item->text, item->len);
		if (!list->v[list->n])
			return err_nomem(e);
		list->n++;
	}
	return 0;
}

static int decode_timeout(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	int64_t seconds = 0;
	int r = decode_integer(d, node, 1, TIMEOUT_MAX_S, &seconds, e);

	if (r < 0)
		return r;
	*(uint64_t *)((char *)base + f->offset) = (uint64_t)seconds * 1000;
	return 0;
}

static const struct decode_field hook_fields[] = {
	{ .key = "path",
	  .decode = decode_copy,
	  .offset = offsetof(struct hook, path),
	  .check = oci_check_absolute,
	  .required = true },
	{ .key = "args",
	  .decode = decode_copies,
	  .offset = offsetof(struct hook, args),
	  .max = LIMIT_OCI_STRINGS },
	{ .key = "env",
	  .decode = decode_copies,
	  .offset = offsetof(struct hook, env),
	  .max = LIMIT_OCI_STRINGS },
	{ .key = "timeout", .decode = decode_timeout, .offset = offsetof(struct hook, timeout_ms) },
};
static const struct decode_table hook_table = OCI_TABLE(hook_fields);

#define HOOKS(kind, name)                                                                          \
	{                                                                                          \
		.key = (name), .decode = decode_elements, .offset = OCI(hooks[kind].v),            \
		.count = OCI(hooks[kind].n), .size = sizeof(struct hook), .table = &hook_table,    \
		.max = LIMIT_OCI_HOOKS                                                             \
	}
static const struct decode_field hooks_fields[] = {
	HOOKS(OCI_HOOK_PRESTART, "prestart"),
	HOOKS(OCI_HOOK_CREATE_RUNTIME, "createRuntime"),
	HOOKS(OCI_HOOK_CREATE_CONTAINER, "createContainer"),
	HOOKS(OCI_HOOK_START_CONTAINER, "startContainer"),
	HOOKS(OCI_HOOK_POSTSTART, "poststart"),
	HOOKS(OCI_HOOK_POSTSTOP, "poststop"),
};
const struct decode_table oci_hooks_table = OCI_TABLE(hooks_fields);
