/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail image history: the steps that made an image, the last one first, as its config document
 * tells them, with the layer that each left. Layers that no step speaks of come as steps of their
 * own.
 */
#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/verbs.h"
#include "images/image_document.h"

#define LAYER_COLUMNS 12

struct history_values {
	bool json, wide;
};

static const struct option options[] = {
	{ .name = "wide",
	  .letter = 'w',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct history_values, wide),
	  .help = "cut nothing to fit the terminal" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct history_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct step {
	const struct image_history *said; /* NULL: nothing */
	const struct digest *layer; /* NULL: none */
	uint64_t size_bytes;
};

struct history {
	const struct history_values *values;
	struct json_out out;
	struct table table;
	uint64_t now_ms;
};

static void step_json(struct json_out *o, const struct step *s)
{
	char created[CLOCK_TEXT_MAX], digest[sizeof("sha256:") + sizeof(s->layer->hex)];

	json_out_object(o, NULL);
	if (s->said && s->said->has_created) {
		clock_format(s->said->created_ms, created, sizeof(created));
		json_out_str(o, "created", created);
	} else {
		json_out_null(o, "created");
	}
	json_out_str(o, "createdBy", s->said && s->said->created_by ? s->said->created_by : "");
	json_out_str(o, "comment", s->said && s->said->comment ? s->said->comment : "");
	if (s->layer) {
		(void)str_format(digest, sizeof(digest), "sha256:%s", s->layer->hex); /* fits */
		json_out_str(o, "layer", digest);
	} else {
		json_out_null(o, "layer");
	}
	json_out_u64(o, "sizeBytes", s->size_bytes);
	json_out_object_end(o);
}

static void step_row(struct history *h, const struct step *s)
{
	char age[16] = "-", size[32] = "-", layer[LAYER_COLUMNS + 1] = "-";
	const char *by = s->said ? s->said->created_by : NULL;

	if (s->said && s->said->has_created && h->now_ms > s->said->created_ms)
		clock_format_age(h->now_ms - s->said->created_ms, age, sizeof(age));
	if (s->layer) {
		num_format_size_short(s->size_bytes, size, sizeof(size));
		(void)str_format(layer, sizeof(layer), "%.*s", LAYER_COLUMNS, s->layer->hex);
	}
	if (!by && s->said)
		by = s->said->comment;
	table_row(&h->table, (const char *[]){ age, size, layer, by ? by : "-" });
}

static void step_out(struct history *h, const struct step *s)
{
	if (h->values->json)
		step_json(&h->out, s);
	else
		step_row(h, s);
}

/* From the top down. Steps and layers are matched from the bottom, so it is counted first. */
static int each_step(struct history *h, const struct image_store *store, const struct image *image,
		     const struct image_config *config, struct err *e)
{
	size_t speaking = 0, i = config->n_history, layer = image->n_layers;

	for (size_t k = 0; k < config->n_history; k++)
		speaking += !config->history[k].empty_layer;
	while (i > 0 || layer > 0) {
		bool unsaid = layer > speaking;
		struct step s = { .said = unsaid || i == 0 ? NULL : &config->history[--i] };
		struct layer_counts counts;

		if (unsaid || (s.said && !s.said->empty_layer)) {
			/* More steps than layers: the config can't be right about the first ones.
			 */
			if (!unsaid && speaking-- > layer) {
				step_out(h, &s);
				continue;
			}
			s.layer = &image->layers[--layer];
			if (layer_file_read(store, s.layer, &counts, e) < 0)
				return -e->code;
			s.size_bytes = counts.size_bytes;
		}
		step_out(h, &s);
	}
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	CLEANUP_IMAGE_DOCUMENT struct image_document document = { .text = NULL };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct history h = { .values = c->values, .now_ms = clock_wall_ms() };
	struct image_store *store = jail_images(c->jail, e);
	struct image_ref ref;
	struct image image;
	int r = store ? image_ref_parse(c->args.operands[0], &ref, e) : -e->code;

	if (r >= 0)
		r = store_get(store, &ref, &image, e);
	if (r >= 0)
		r = image_document_read(store, &image, &document, e);
	if (r < 0)
		return r;
	json_out_init(&h.out, &b, true);
	json_out_array(&h.out, NULL);
	table_init(&h.table, 4);
	table_row(&h.table, (const char *[]){ "AGE", "SIZE", "LAYER", "CREATED BY" });
	r = each_step(&h, store, &image, &document.config, e);
	json_out_array_end(&h.out);
	if (r == 0 && !h.values->json)
		return cli_print_table(&h.table, h.values->wide, e);
	table_free(&h.table);
	return r < 0 ? r : cli_print_json(&b, e);
}

const struct verb verb_image_history = {
	.name = "image history",
	.operands = "IMAGE",
	.help = "Show the steps that made an image, and their layers",
	.options = options,
	.values_size = sizeof(struct history_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
