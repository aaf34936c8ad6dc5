/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail image prune: layers and configs without a name go; with --all first the names of images that
 * no instance was made from.
 */
#include <inttypes.h>

#include "base/num.h"
#include "cmd/jail/verbs.h"

struct prune_values {
	bool all, json;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct prune_values, all),
	  .help = "also images that no instance was made from" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct prune_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct prune {
	struct jail *jail;
	struct strv unused;
};

static int note_unused(const struct image *image, void *arg)
{
	CLEANUP_STRV struct strv users = { .v = NULL };
	struct prune *p = arg;
	struct err e = ERR_INIT;
	int r = instances_using_image(p->jail, &image->ref, &users, &e);

	/* Unknown: then it may be used. */
	if (r < 0) {
		cli_error(&e);
		return 0;
	}
	return users.n ? 0 : strv_add(&p->unused, image->ref.s);
}

static int remove_unused(struct image_store *store, const struct prune *p, struct err *e)
{
	for (size_t i = 0; i < p->unused.n; i++) {
		struct image_ref ref;
		int r = image_ref_parse(p->unused.v[i], &ref, e);

		if (r == 0)
			r = store_remove(store, &ref, e);
		if (r == -ENOENT) { /* somebody else was faster */
			*e = ERR_INIT;
			continue;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int print(const struct prune *p, const struct gc_report *report, bool json, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	char size[32];

	if (json) {
		json_out_init(&o, &b, true);
		json_out_object(&o, NULL);
		json_out_array(&o, "images");
		for (size_t i = 0; i < p->unused.n; i++)
			json_out_str(&o, NULL, p->unused.v[i]);
		json_out_array_end(&o);
		json_out_u64(&o, "layers", report->layers);
		json_out_u64(&o, "configs", report->configs);
		json_out_u64(&o, "bytes", report->bytes);
		json_out_object_end(&o);
		return cli_print_json(&b, e);
	}
	for (size_t i = 0; i < p->unused.n; i++)
		(void)printf("removed image %s\n", p->unused.v[i]);
	num_format_size_short(report->bytes, size, sizeof(size));
	if (report->layers)
		(void)printf("removed %zu layer%s, freed %s\n", report->layers,
			     report->layers == 1 ? "" : "s", size);
	else if (report->configs)
		(void)printf("removed %zu config%s\n", report->configs,
			     report->configs == 1 ? "" : "s");
	else if (!p->unused.n)
		(void)puts("nothing to remove");
	return 0;
}

static void prune_free(struct prune *p)
{
	strv_free(&p->unused);
}

static int run(struct cli *c, struct err *e)
{
	const struct prune_values *v = c->values;
	CLEANUP(prune_free) struct prune p = { .jail = c->jail };
	struct gc_report report = { .bytes = 0 };
	struct image_store *store = jail_images(c->jail, e);
	int r = store ? 0 : -e->code;

	if (r == 0 && v->all)
		r = store_each(store, note_unused, &p, e);
	if (r == 0)
		r = remove_unused(store, &p, e);
	if (r == 0)
		r = jail_gc(c->jail, &report, e);
	return r < 0 ? r : print(&p, &report, v->json, e);
}

const struct verb verb_image_prune = {
	.name = "image prune",
	.operands = "",
	.help = "Remove layers that no image has, and unused images",
	.options = options,
	.values_size = sizeof(struct prune_values),
	.flags = VERB_STATE,
	.run = run,
};
