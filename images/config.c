/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The config document of an image, but for the member "config": see config_run.c. */
#include "base/clock.h"
#include "images/config_priv.h"

void image_config_free(struct image_config *c)
{
	free(c->author);
	doc_strings_free(&c->entrypoint, &c->n_entrypoint);
	doc_strings_free(&c->cmd, &c->n_cmd);
	doc_strings_free(&c->env, &c->n_env);
	free(c->user);
	free(c->working_dir);
	free(c->stop_signal);
	doc_strings_free(&c->volumes, &c->n_volumes);
	free(c->ports);
	for (size_t i = 0; i < c->n_labels; i++) {
		free(c->labels[i].key);
		free(c->labels[i].value);
	}
	free(c->labels);
	doc_strings_free(&c->health.test, &c->health.n_test);
	for (size_t i = 0; i < c->n_history; i++) {
		free(c->history[i].created_by);
		free(c->history[i].comment);
	}
	free(c->history);
	*c = (struct image_config){ .n_layers = 0 };
}

/* Builders write the year 1 for "not set", and any time before 1970 is as good as that. */
static int config_time(const struct json_doc *doc, const struct json *v, bool *ret_known,
		       uint64_t *ret_ms, struct err *e)
{
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r < 0)
		return r;
	r = clock_parse_rfc3339(v->text, ret_ms);
	if (r == -EINVAL)
		return json_err(doc, v, e, EINVAL,
				"\"%.64s\" is no time of RFC 3339, as 2026-11-21T00:48:41Z is",
				v->text);
	*ret_known = r == 0;
	return 0;
}

static int config_created(const struct json_doc *doc, const struct json *v, void *target,
			  struct err *e)
{
	struct image_config *c = target;

	return config_time(doc, v, &c->has_created, &c->created_ms, e);
}

static int config_rootfs_type(const struct json_doc *doc, const struct json *v, void *target,
			      struct err *e)
{
	int r = doc_expect(doc, v, JSON_STRING, e);

	(void)target;
	if (r == 0 && !str_eq(v->text, "layers"))
		return json_err(doc, v, e, EMEDIUMTYPE, "expected \"layers\", not \"%.64s\"",
				v->text);
	return r;
}

static int config_diff_ids(const struct json_doc *doc, const struct json *v, void *target,
			   struct err *e)
{
	struct image_config *c = target;
	int r = doc_list(doc, v, JSON_ARRAY, LIMIT_LAYERS, "layers", e);

	for (const struct json *l = v->first; r == 0 && l; l = l->next)
		r = doc_digest(doc, l, &c->layers[c->n_layers++], e);
	return r;
}

static const struct doc_field config_rootfs_fields[] = {
	{ "type", config_rootfs_type, 0, false },
	{ "diff_ids", config_diff_ids, 0, true },
};

static int config_rootfs(const struct json_doc *doc, const struct json *v, void *target,
			 struct err *e)
{
	return doc_fields(doc, v, config_rootfs_fields, ARRAY_SIZE(config_rootfs_fields), target,
			  e);
}

static int config_history_created(const struct json_doc *doc, const struct json *v, void *target,
				  struct err *e)
{
	struct image_history *h = target;

	return config_time(doc, v, &h->has_created, &h->created_ms, e);
}

static const struct doc_field config_history_fields[] = {
	{ "created", config_history_created, 0, false },
	{ "created_by", doc_string_given, offsetof(struct image_history, created_by), false },
	{ "comment", doc_string_given, offsetof(struct image_history, comment), false },
	{ "empty_layer", doc_bool, offsetof(struct image_history, empty_layer), false },
};

static int config_history(const struct json_doc *doc, const struct json *v, void *target,
			  struct err *e)
{
	struct image_config *c = target;
	int r = doc_list(doc, v, JSON_ARRAY, DOC_LIST_MAX, "entries", e);

	if (r < 0 || v->count == 0)
		return r;
	c->history = calloc(v->count, sizeof(*c->history));
	if (!c->history)
		return err_nomem(e);
	for (const struct json *h = v->first; r == 0 && h; h = h->next)
		r = doc_fields(doc, h, config_history_fields, ARRAY_SIZE(config_history_fields),
			       &c->history[c->n_history++], e);
	return r;
}

static const struct doc_field config_fields[] = {
	{ "os", doc_platform_word, offsetof(struct image_config, platform.os), false },
	{ "architecture", doc_platform_word, offsetof(struct image_config, platform.architecture),
	  false },
	{ "variant", doc_platform_word, offsetof(struct image_config, platform.variant), false },
	{ "created", config_created, 0, false },
	{ "author", doc_string_given, offsetof(struct image_config, author), false },
	{ "config", config_run, 0, false },
	{ "rootfs", config_rootfs, 0, true },
	{ "history", config_history, 0, false },
};

int image_config_parse(const char *file, const char *text, size_t n, struct image_config *ret,
		       struct err *e)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
	CLEANUP_JSON struct json_doc *doc = NULL;
	int r = doc_open(file, text, n, JSON_OBJECT, &doc, e);

	if (r == 0)
		r = doc_fields(doc, json_root(doc), config_fields, ARRAY_SIZE(config_fields), &c,
			       e);
	if (r < 0)
		return r;
	platform_translate(&c.platform);
	*ret = c;
	c = (struct image_config){ .n_layers = 0 };
	return 0;
}
