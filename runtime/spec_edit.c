/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A spec is changed as JSON: written, copied with one field exchanged, and decoded again. So every
 * field that a file can set can be set, by the same notation and the same judge.
 */
#include "runtime/spec_edit.h"

#include "runtime/spec_priv.h"

struct edit {
	const struct spec_path *path;
	const struct json *value; /* in place of the field; NULL removes it, or `text` is it */
	const char *text;
	bool misplaced; /* the path leads through something that is no object */
};

static bool has_value(const struct edit *ed)
{
	return ed->value || ed->text;
}

static void put_value(struct json_out *o, const char *key, const struct edit *ed)
{
	if (ed->text)
		json_out_str(o, key, ed->text);
	else if (ed->value)
		json_out_node(o, key, ed->value);
}

static bool is_device(const struct json *element, const char *device)
{
	const struct json *d = json_get(element, "device");

	return d && d->type == JSON_STRING && str_eq(d->text, device);
}

/* An element of "io", without the field that is edited; gone when nothing but the device is left.
 */
static void put_device(struct json_out *o, const struct json *element, const struct edit *ed)
{
	const char *field = ed->path->n > 3 ? ed->path->keys[3] : NULL;
	size_t left = 0;

	for (const struct json *m = element ? element->first : NULL; field && m; m = m->next)
		left += !str_eq(m->key, "device") && !str_eq(m->key, field);
	if (left == 0 && !(field && has_value(ed)))
		return;
	json_out_object(o, NULL);
	json_out_str(o, "device", ed->path->keys[2]);
	for (const struct json *m = element ? element->first : NULL; m; m = m->next)
		if (!str_eq(m->key, "device") && !str_eq(m->key, field))
			json_out_node(o, m->key, m);
	put_value(o, field, ed);
	json_out_object_end(o);
}

static void copy_devices(struct json_out *o, const char *key, const struct json *node,
			 const struct edit *ed)
{
	bool found = false;

	json_out_array(o, key);
	for (const struct json *m = node ? node->first : NULL; m; m = m->next) {
		if (!is_device(m, ed->path->keys[2])) {
			json_out_node(o, NULL, m);
			continue;
		}
		put_device(o, m, ed);
		found = true;
	}
	if (!found)
		put_device(o, NULL, ed);
	json_out_array_end(o);
}

/* Copies `node` (or makes it) with the field below it exchanged. Its depth is the path's. */
static void copy_edited(struct json_out *o, const char *key, const struct json *node,
			struct edit *ed, size_t depth)
{
	const char *next = depth < ed->path->n ? ed->path->keys[depth] : NULL;
	bool found = false;

	if (!next) {
		put_value(o, key, ed);
		return;
	}
	if (ed->path->device && depth == 2) {
		copy_devices(o, key, node, ed);
		return;
	}
	if (node && node->type != JSON_OBJECT) {
		ed->misplaced = true;
		json_out_node(o, key, node);
		return;
	}
	json_out_object(o, key);
	for (const struct json *m = node ? node->first : NULL; m; m = m->next) {
		if (str_eq(m->key, next)) {
			copy_edited(o, m->key, m, ed, depth + 1);
			found = true;
		} else {
			json_out_node(o, m->key, m);
		}
	}
	if (!found && has_value(ed))
		copy_edited(o, next, NULL, ed, depth + 1);
	json_out_object_end(o);
}

static int to_text(const struct jail_spec *s, bool interfaces, struct strbuf *b, struct err *e)
{
	struct json_out o;

	json_out_init(&o, b, false);
	spec_print(s, interfaces, &o, NULL);
	return strbuf_ok(b, e);
}

/* With one interface, "network.interfaces" is there only for who asks for it. */
static int to_doc(const struct jail_spec *s, const struct spec_path *p, struct json_doc **ret,
		  struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	int r = to_text(s, str_eq(p->text, "network.interfaces"), &b, e);

	return r < 0 ? r : json_parse("spec", b.data, b.len, ret, e);
}

/* "spec:1:234: PATH: WHY": the position is one in a text that nobody has seen. */
static int without_position(const struct err *why, struct err *e)
{
	const char *text = str_starts(why->text, "spec:") ? strstr(why->text, ": ") : NULL;

	(void)err_set(e, why->code, "%s", text ? text + 2 : why->text);
	return why->hint[0] ? err_hint(e, "%s", why->hint) : -e->code;
}

static int decode_edited(const struct json_doc *doc, struct edit *ed, struct jail_spec *ret,
			 struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err why = ERR_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, false);
	copy_edited(&o, NULL, json_root(doc), ed, 0);
	r = strbuf_ok(&b, e);
	if (r < 0)
		return r;
	if (ed->misplaced)
		return err_set(e, EINVAL, "%s: there is no such field", ed->path->text);
	r = spec_decode("spec", b.data, b.len, ret, &why);
	return r < 0 ? without_position(&why, e) : 0;
}

/* A removal of what isn't there says nothing about the path: whether it is one shows when a value
 * of no type is put there. */
static int check_known(const struct json_doc *doc, const struct spec_path *p, struct err *e)
{
	static const struct json null = { .type = JSON_NULL };
	struct edit ed = { .path = p, .value = &null };
	CLEANUP_SPEC struct jail_spec ignored;
	struct err why = ERR_INIT;

	spec_init(&ignored);
	if (p->device && p->n == 3)
		return 0;
	if (decode_edited(doc, &ed, &ignored, &why) >= 0 ||
	    (!ed.misplaced && !strstr(why.text, ": unknown key") && why.code != EOPNOTSUPP))
		return 0;
	*e = why;
	return -e->code;
}

/* Lists whose elements are written without JSON too. */
static const struct {
	const char *path;
	const char *between; /* the elements; "" = the text is one element */
} text_lists[] = {
	{ "network.address", "," }, { "network.dns", "," }, { "network.ports", "," },
	{ "network.allow", "" },    { "network.deny", "" },
};

/* Return: 1 with a list in JSON, 0 when the field is not such a list or the value is JSON. */
static int text_to_list(const struct spec_path *p, const char *value, struct strbuf *ret,
			struct err *e)
{
	CLEANUP_FREE char *copy = strdup(value);
	const char *between = NULL;
	char *rest = copy, *element;
	struct json_out o;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(text_lists); i++)
		if (str_eq(p->text, text_lists[i].path))
			between = text_lists[i].between;
	if (!between || value[0] == '[')
		return 0;
	if (!copy)
		return err_nomem(e);
	json_out_init(&o, ret, false);
	json_out_array(&o, NULL);
	while ((element = strsep(&rest, between)))
		json_out_str(&o, NULL, element);
	json_out_array_end(&o);
	r = strbuf_ok(ret, e);
	return r < 0 ? r : 1;
}

/* As text first; where that is no value of the field and the text is JSON, as that. */
static int decode_value(const struct json_doc *doc, const struct spec_path *p, const char *value,
			struct jail_spec *ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *json = NULL;
	struct edit as_text = { .path = p, .text = value }, as_json = { .path = p };
	CLEANUP_STRBUF struct strbuf list = STRBUF_INIT;
	struct err why = ERR_INIT, ignored = ERR_INIT;
	int r = text_to_list(p, value, &list, e);

	if (r < 0)
		return r;
	if (r > 0)
		value = strbuf_str(&list);
	else if (decode_edited(doc, &as_text, ret, &why) >= 0)
		return 0;
	if (json_parse("value", value, strlen(value), &json, &ignored) < 0) {
		*e = why;
		return -e->code;
	}
	as_json.value = json_root(json);
	return decode_edited(doc, &as_json, ret, e);
}

int spec_edit(struct jail_spec *s, const struct spec_path *p, const char *value, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	CLEANUP_SPEC struct jail_spec edited;
	struct edit remove = { .path = p };
	int r;

	spec_init(&edited);
	if (p->device && p->n == 3 && value[0]) {
		(void)err_set(e, EINVAL, "%s: a field of the device is needed", p->text);
		return err_hint(e,
				"io.DEVICE.FIELD: readBps, writeBps, readIops, writeIops, weight");
	}
	r = to_doc(s, p, &doc, e);
	if (r >= 0 && value[0])
		r = decode_value(doc, p, value, &edited, e);
	else if (r >= 0 && (r = check_known(doc, p, e)) >= 0)
		r = decode_edited(doc, &remove, &edited, e);
	if (r < 0)
		return r;
	spec_free(s);
	*s = edited;
	spec_init(&edited);
	return 0;
}

int spec_copy(const struct jail_spec *s, struct jail_spec *ret, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_SPEC struct jail_spec copy;
	int r = to_text(s, false, &b, e);

	spec_init(&copy);
	if (r < 0 || (r = spec_decode("spec", b.data, b.len, &copy, e)) < 0)
		return r;
	/* Of a finished one the default network is there by name, and is not written. */
	if (s->network.n_interfaces > 0 && s->network.interfaces[0].network.s[0] &&
	    (r = spec_fill_network(&copy, e)) < 0)
		return r;
	*ret = copy;
	spec_init(&copy);
	return 0;
}

static const struct json *find_field(const struct json *node, const struct spec_path *p)
{
	for (size_t i = 0; node && i < p->n; i++) {
		if (node->type == JSON_ARRAY && p->device && i == 2) {
			node = node->first;
			while (node && !is_device(node, p->keys[2]))
				node = node->next;
		} else {
			node = node->type == JSON_OBJECT ? json_get(node, p->keys[i]) : NULL;
		}
	}
	return node;
}

int spec_value(const struct jail_spec *s, const struct spec_path *p, struct strbuf *ret,
	       struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	const struct json *node;
	struct json_out o;
	int r = to_doc(s, p, &doc, e);

	if (r < 0)
		return r;
	node = find_field(json_root(doc), p);
	if (!node)
		return 0;
	json_out_init(&o, ret, false);
	if (node->type == JSON_STRING)
		strbuf_adds(ret, node->text);
	else
		json_out_node(&o, NULL, node);
	r = strbuf_ok(ret, e);
	return r < 0 ? r : 1;
}
