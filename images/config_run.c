/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an image is to be run. Strings are copied as they are; what they ask for is judged where the
 * defaults of a spec are made of them (row 44).
 */
#include "images/config_priv.h"

/* Docker also takes a string for a list of one (api/types/strslice). */
static int config_words(const struct json_doc *doc, const struct json *v, char ***ret,
			size_t *ret_n, struct err *e)
{
	int r;

	if (v->type != JSON_STRING)
		return doc_strings(doc, v, DOC_LIST_MAX, ret, ret_n, e);
	*ret = calloc(1, sizeof(char *));
	if (!*ret)
		return err_nomem(e);
	r = doc_string(doc, v, *ret, e);
	if (r == 0)
		*ret_n = 1;
	return r;
}

static int config_entrypoint(const struct json_doc *doc, const struct json *v, void *target,
			     struct err *e)
{
	struct image_config *c = target;

	return config_words(doc, v, &c->entrypoint, &c->n_entrypoint, e);
}

static int config_cmd(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	struct image_config *c = target;

	return config_words(doc, v, &c->cmd, &c->n_cmd, e);
}

/*
 * Entries are NAME=value. One without '=' is no value: Docker and containerd read it as "without
 * this one", which of an image, the first in the line of those that set variables, says nothing;
 * podman gives the host's own value to it, which is nobody's business inside. So it is left out, as
 * is one without a name.
 */
static int config_env(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	struct image_config *c = target;
	size_t kept = 0;
	int r = doc_strings(doc, v, DOC_LIST_MAX, &c->env, &c->n_env, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->n_env; i++) {
		if (c->env[i][0] != '=' && strchr(c->env[i], '='))
			c->env[kept++] = c->env[i];
		else
			free(c->env[i]);
	}
	c->n_env = kept;
	return 0;
}

static int config_compare_volumes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Go's map[string]struct{}: the keys are the paths. */
static int config_volumes(const struct json_doc *doc, const struct json *v, void *target,
			  struct err *e)
{
	struct image_config *c = target;
	int r = doc_list(doc, v, JSON_OBJECT, DOC_LIST_MAX, "entries", e);

	if (r < 0 || v->count == 0)
		return r;
	c->volumes = calloc(v->count, sizeof(char *));
	if (!c->volumes)
		return err_nomem(e);
	for (const struct json *m = v->first; r == 0 && m; m = m->next) {
		r = doc_key(doc, m, &c->volumes[c->n_volumes], e);
		if (r == 0)
			c->n_volumes++;
	}
	if (r == 0)
		qsort(c->volumes, c->n_volumes, sizeof(char *), config_compare_volumes);
	return r;
}

static int config_label(const struct json_doc *doc, const struct json *m, struct image_label *label,
			struct err *e)
{
	int r = doc_key(doc, m, &label->key, e);

	if (r < 0)
		return r;
	if (m->type != JSON_NULL)
		return doc_string(doc, m, &label->value, e);
	label->value = strdup(""); /* as Go reads null into a string */
	return label->value ? 0 : err_nomem(e);
}

static int config_compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct image_label *)a)->key, ((const struct image_label *)b)->key);
}

static int config_labels(const struct json_doc *doc, const struct json *v, void *target,
			 struct err *e)
{
	struct image_config *c = target;
	int r = doc_list(doc, v, JSON_OBJECT, DOC_LIST_MAX, "entries", e);

	if (r < 0 || v->count == 0)
		return r;
	c->labels = calloc(v->count, sizeof(*c->labels));
	if (!c->labels)
		return err_nomem(e);
	for (const struct json *m = v->first; r == 0 && m; m = m->next)
		r = config_label(doc, m, &c->labels[c->n_labels++], e);
	if (r == 0)
		qsort(c->labels, c->n_labels, sizeof(*c->labels), config_compare_labels);
	return r;
}

static const struct doc_field config_run_fields[] = {
	{ "Entrypoint", config_entrypoint, 0, false },
	{ "Cmd", config_cmd, 0, false },
	{ "Env", config_env, 0, false },
	{ "User", doc_string_given, offsetof(struct image_config, user), false },
	{ "WorkingDir", doc_string_given, offsetof(struct image_config, working_dir), false },
	{ "StopSignal", doc_string_given, offsetof(struct image_config, stop_signal), false },
	{ "Volumes", config_volumes, 0, false },
	{ "ExposedPorts", config_ports, 0, false },
	{ "Labels", config_labels, 0, false },
	{ "Healthcheck", config_health, 0, false },
};

int config_run(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	return doc_fields(doc, v, config_run_fields, ARRAY_SIZE(config_run_fields), target, e);
}
