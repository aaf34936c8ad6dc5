/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.json: what is said about a snapshot beside its files. */
#include "images/snapshot_priv.h"

void snapshot_write(const struct snapshot *s, struct json_out *o)
{
	json_out_object(o, NULL);
	json_out_int(o, "version", 1);
	json_out_str(o, "name", s->name.s);
	json_out_u64(o, "createdMs", s->created_ms);
	json_out_bool(o, "copied", s->copied);
	if (s->frozen)
		json_out_u64(o, "frozenUs", s->frozen_us);
	if (s->n_schedules) {
		json_out_array(o, "schedules");
		for (size_t i = 0; i < s->n_schedules; i++)
			json_out_str(o, NULL, s->schedules[i].s);
		json_out_array_end(o);
		json_out_u64(o, "sequence", s->sequence);
	}
	json_out_object_end(o);
}

static int get_u64(const struct json_doc *doc, const struct json *o, const char *key, uint64_t *ret,
		   struct err *e)
{
	const struct json *v = json_get(o, key);

	if (!v || !v->is_int || v->integer < 0)
		return json_err(doc, v ? v : o, e, EBADMSG, "\"%s\" must be a number", key);
	*ret = (uint64_t)v->integer;
	return 0;
}

static int get_schedules(const struct json_doc *doc, const struct json *root, struct snapshot *s,
			 struct err *e)
{
	const struct json *list = json_get(root, "schedules");

	s->n_schedules = 0;
	s->sequence = 0;
	if (!list)
		return 0;
	if (list->type != JSON_ARRAY)
		return json_err(doc, list, e, EBADMSG, "\"schedules\" must be an array");
	for (const struct json *m = list->first; m; m = m->next) {
		if (m->type != JSON_STRING || s->n_schedules == LIMIT_SCHEDULES)
			return json_err(doc, m, e, EBADMSG,
					"\"schedules\" must be at most %d strings",
					LIMIT_SCHEDULES);
		if (name_parse("schedule", m->text, &s->schedules[s->n_schedules++], e) < 0)
			return err_wrap(e, "%s", SNAPSHOT_FILE);
	}
	return get_u64(doc, root, "sequence", &s->sequence, e);
}

int snapshot_parse(const char *file, const char *text, size_t n, struct snapshot *ret,
		   struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	const struct json *root, *name, *copied;
	struct snapshot s = *ret;
	uint64_t version;
	int r = json_parse(file, text, n, &doc, e);

	if (r < 0)
		return r;
	root = json_root(doc);
	if (root->type != JSON_OBJECT)
		return json_err(doc, root, e, EBADMSG, "must be an object");
	r = get_u64(doc, root, "version", &version, e);
	if (r < 0)
		return r;
	if (version != 1)
		return json_err(doc, json_get(root, "version"), e, EBADMSG,
				"this version of jail knows version 1 only");
	name = json_get(root, "name");
	if (!name || name->type != JSON_STRING)
		return json_err(doc, name ? name : root, e, EBADMSG, "\"name\" must be a string");
	r = name_parse("snapshot", name->text, &s.name, e);
	if (r < 0)
		return err_wrap(e, "%s", file);
	copied = json_get(root, "copied");
	if (!copied || copied->type != JSON_BOOL)
		return json_err(doc, copied ? copied : root, e, EBADMSG,
				"\"copied\" must be true or false");
	s.copied = copied->boolean;
	s.frozen = json_get(root, "frozenUs") != NULL;
	s.frozen_us = 0;
	r = get_u64(doc, root, "createdMs", &s.created_ms, e);
	if (r >= 0 && s.frozen)
		r = get_u64(doc, root, "frozenUs", &s.frozen_us, e);
	if (r >= 0)
		r = get_schedules(doc, root, &s, e);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}
