/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The config document of a committed image: the old one's, member by member, but for what changes.
 */
#include "base/clock.h"
#include "images/commit.h"

static bool is_one_of(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (str_eq(key, *keys))
			return true;
	return false;
}

/* Members of an object that are none of `but`. */
static void copy_members(struct json_out *o, const struct json *object, const char *const *but)
{
	if (!object || object->type != JSON_OBJECT)
		return;
	for (const struct json *m = object->first; m; m = m->next)
		if (!is_one_of(m->key, but))
			json_out_node(o, m->key, m);
}

static void write_list(struct json_out *o, const char *key, const struct strv *v)
{
	json_out_array(o, key);
	for (size_t i = 0; i < v->n; i++)
		json_out_str(o, NULL, v->v[i]);
	json_out_array_end(o);
}

static void write_config(struct json_out *o, const struct json *old, const struct commit_process *p)
{
	const char *but[8] = { NULL };
	size_t n = 0;

	if (p->args) {
		but[n++] = "Cmd";
		but[n++] = "Entrypoint";
	}
	if (p->env)
		but[n++] = "Env";
	if (p->cwd)
		but[n++] = "WorkingDir";
	if (p->user)
		but[n++] = "User";
	json_out_object(o, "config");
	copy_members(o, old, but);
	if (p->args)
		write_list(o, "Cmd", p->args);
	if (p->env)
		write_list(o, "Env", p->env);
	if (p->cwd)
		json_out_str(o, "WorkingDir", p->cwd);
	if (p->user)
		json_out_str(o, "User", p->user);
	json_out_object_end(o);
}

static void write_layers(struct json_out *o, const struct commit_request *q,
			 const struct digest *layer)
{
	json_out_object(o, "rootfs");
	json_out_str(o, "type", "layers");
	json_out_array(o, "diff_ids");
	for (size_t i = 0; i <= q->n_layers; i++) {
		char text[sizeof("sha256:") + sizeof(layer->hex)];

		(void)str_format(text, sizeof(text), "sha256:%s",
				 i < q->n_layers ? q->layers[i].hex : layer->hex); /* fits */
		json_out_str(o, NULL, text);
	}
	json_out_array_end(o);
	json_out_object_end(o);
}

static void write_history(struct json_out *o, const struct json *old,
			  const struct commit_request *q, const char *created)
{
	json_out_array(o, "history");
	if (old && old->type == JSON_ARRAY)
		for (const struct json *h = old->first; h; h = h->next)
			json_out_node(o, NULL, h);
	json_out_object(o, NULL);
	json_out_str(o, "created", created);
	json_out_str(o, "created_by", q->created_by);
	if (q->comment)
		json_out_str(o, "comment", q->comment);
	json_out_object_end(o);
	json_out_array_end(o);
}

int image_config_commit(const char *old, size_t n, const struct commit_request *q,
			uint64_t created_ms, const struct digest *layer, struct strbuf *ret,
			struct err *e)
{
	/* Docker's own record of how the last layer was made: no more true. */
	static const char *const but[] = { "created",
					   "config",
					   "rootfs",
					   "history",
					   "container_config",
					   "container",
					   "parent",
					   "id",
					   "moby.buildkit.buildinfo.v1",
					   NULL };
	CLEANUP_JSON struct json_doc *doc = NULL;
	char created[CLOCK_TEXT_MAX];
	const struct json *root;
	struct json_out o;
	int r = json_parse("the image's config", old, n, &doc, e);

	if (r < 0)
		return r;
	root = json_root(doc);
	if (root->type != JSON_OBJECT)
		return json_err(doc, root, e, EBADMSG, "must be an object");
	clock_format(created_ms, created, sizeof(created));
	json_out_init(&o, ret, false);
	json_out_object(&o, NULL);
	json_out_str(&o, "created", created);
	copy_members(&o, root, but);
	write_config(&o, json_get(root, "config"), &q->process);
	write_layers(&o, q, layer);
	write_history(&o, json_get(root, "history"), q, created);
	json_out_object_end(&o);
	return strbuf_ok(ret, e);
}
