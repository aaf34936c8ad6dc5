/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/traffic.h"

#include "runtime/records_priv.h"

#define TRAFFIC_FILE "traffic.json"

static const struct {
	const char *key;
	size_t offset;
} classes[] = {
	{ "receivedInside", offsetof(struct net_classes, received_inside) },
	{ "receivedOutside", offsetof(struct net_classes, received_outside) },
	{ "sentInside", offsetof(struct net_classes, sent_inside) },
	{ "sentOutside", offsetof(struct net_classes, sent_outside) },
};

static struct net_count *count_of(struct net_classes *c, size_t i)
{
	return (struct net_count *)((char *)c + classes[i].offset);
}

void traffic_to_json(const struct net_classes *c, struct json_out *o, const char *key)
{
	struct net_classes copy = *c;

	json_out_object(o, key);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		json_out_object(o, classes[i].key);
		json_out_u64(o, "bytes", count_of(&copy, i)->bytes);
		json_out_u64(o, "packets", count_of(&copy, i)->packets);
		json_out_object_end(o);
	}
	json_out_object_end(o);
}

static uint64_t number(const struct json *o, const char *key)
{
	const struct json *v = o && o->type == JSON_OBJECT ? json_get(o, key) : NULL;

	return v && v->type == JSON_NUMBER && v->is_int && v->integer > 0 ? (uint64_t)v->integer
									  : 0;
}

static int read_file(int dir, struct net_classes *ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	const struct json *root;
	int r = record_read(dir, TRAFFIC_FILE, true, &doc, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	root = json_root(doc);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		const struct json *class = json_get(root, classes[i].key);

		count_of(ret, i)->bytes = number(class, "bytes");
		count_of(ret, i)->packets = number(class, "packets");
	}
	return 0;
}

static void add(struct net_classes *to, struct net_classes *more)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		count_of(to, i)->bytes += count_of(more, i)->bytes;
		count_of(to, i)->packets += count_of(more, i)->packets;
	}
}

/* Elements are found by address alone, so the networks' own files need not be read. */
static int read_kernel(const struct meta *m, struct net_classes *ret, struct err *e)
{
	static const struct net_network any = { .mode = NET_BRIDGE };
	struct net_interface interfaces[NET_INTERFACES_MAX] = { { .network = NULL } };
	struct net_plan plan = { .id = m->owner.s,
				 .tenant = "",
				 .interfaces = interfaces,
				 .n_interfaces = m->n_networks };

	for (size_t i = 0; i < m->n_networks; i++)
		if (m->networks[i].network.s[0])
			interfaces[i] = (struct net_interface){
				.network = &any,
				.address4 = m->networks[i].addresses.v4,
				.address6 = m->networks[i].addresses.v6,
			};
	return net_classes_read(&plan, ret, e);
}

int traffic_read(int dir, bool running, struct net_classes *ret, struct err *e)
{
	struct net_classes now = { .sent_inside = { 0 } };
	struct meta m;
	int r;

	*ret = now;
	r = read_file(dir, ret, e);
	if (r < 0 || !running)
		return r;
	r = meta_read(dir, &m, e);
	if (r >= 0)
		r = read_kernel(&m, &now, e);
	if (r >= 0)
		add(ret, &now);
	return r;
}

static int keep(int dir, const struct net_plan *plan, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct net_classes all = { .sent_inside = { 0 } }, now = all, none = all;
	struct json_out o;
	int r;

	if ((r = net_classes_read(plan, &now, e)) < 0 || memcmp(&now, &none, sizeof(now)) == 0 ||
	    (r = read_file(dir, &all, e)) < 0)
		return r;
	add(&all, &now);
	json_out_init(&o, &b, false);
	traffic_to_json(&all, &o, NULL);
	return record_write(dir, TRAFFIC_FILE, &b, FILE_NOSYNC, e);
}

void traffic_keep(int dir, const struct net_plan *plan)
{
	struct err why = ERR_INIT;

	if (keep(dir, plan, &why) < 0)
		warn("traffic of %s is not on record: %s", plan->instance->s, why.text);
}
