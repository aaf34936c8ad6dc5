/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail image list */
#include <inttypes.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/verbs.h"

#define NAME_COLUMNS 40

struct list_values {
	bool json, quiet, wide, layers;
};

static const struct option options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, quiet),
	  .help = "only the names" },
	{ .name = "layers",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, layers),
	  .help = "digests of layers, for jail export --have" },
	{ .name = "wide",
	  .letter = 'w',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, wide),
	  .help = "cut nothing to fit the terminal" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct list_output {
	const struct list_values *values;
	struct json_out out;
	struct table table;
	uint64_t now_ms;
};

static int print_one(const struct image *image, void *arg)
{
	struct list_output *output = arg;
	char name[LIMIT_IMAGE_REF_LEN + 1], size[32], members[32], age[16] = "-";

	if (output->values->json) {
		image_to_json(image, &output->out, NULL);
		return 0;
	}
	if (output->values->quiet) {
		(void)puts(image->ref.s);
		return 0;
	}
	cli_cut(image->ref.s, output->values->wide ? LIMIT_IMAGE_REF_LEN : NAME_COLUMNS, name);
	num_format_size_short(image->size_bytes, size, sizeof(size));
	(void)str_format(members, sizeof(members), "%" PRIu64, image->members);
	if (output->now_ms > image->created_ms)
		clock_format_age(output->now_ms - image->created_ms, age, sizeof(age));
	table_row(&output->table, (const char *[]){ name, size, members, age });
	return 0;
}

static int print_layer(const struct digest *layer, void *arg)
{
	struct json_out *o = arg;
	char text[sizeof("sha256:") + sizeof(layer->hex)];

	(void)str_format(text, sizeof(text), "sha256:%s", layer->hex); /* fits */
	if (o)
		json_out_str(o, NULL, text);
	else
		(void)puts(text);
	return 0;
}

static int print_layers(struct image_store *store, bool json, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, true);
	json_out_array(&o, NULL);
	r = store_each_layer(store, print_layer, json ? &o : NULL, e);
	json_out_array_end(&o);
	return r < 0 || !json ? r : cli_print_json(&b, e);
}

static int run(struct cli *c, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct list_output output = { .values = c->values, .now_ms = clock_wall_ms() };
	struct image_store *store = jail_images(c->jail, e);
	int r;

	if (store && output.values->layers)
		return print_layers(store, output.values->json, e);
	json_out_init(&output.out, &b, true);
	json_out_array(&output.out, NULL);
	table_init(&output.table, 4);
	table_row(&output.table, (const char *[]){ "IMAGE", "SIZE", "MEMBERS", "AGE" });
	r = store ? store_each_readable(store, print_one, &output, e) : -e->code;
	json_out_array_end(&output.out);
	if (r >= 0 && output.values->json)
		r = cli_print_json(&b, e);
	if (r < 0 || output.values->json || output.values->quiet) {
		table_free(&output.table);
		return r < 0 ? r : 0;
	}
	return cli_print_table(&output.table, output.values->wide, e);
}

const struct verb verb_image_list = {
	.name = "image list",
	.alias = "image ls",
	.operands = "",
	.help = "List the images",
	.options = options,
	.values_size = sizeof(struct list_values),
	.flags = VERB_STATE,
	.run = run,
};
