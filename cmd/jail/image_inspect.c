/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail image inspect */
#include <inttypes.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/verbs.h"
#include "images/digest.h"
#include "images/image_document.h"

struct inspect_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct inspect_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int print_users(struct cli *c, const struct image *image, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r = instances_using_image(c->jail, &image->ref, &names, e);

	for (size_t i = 0; i < names.n; i++)
		cli_print_field("used by", names.v[i]);
	return r;
}

/* What was imported from a directory came in none. */
static void print_archive(const struct image *image)
{
	char size[32];

	if (!digest_is_set(&image->archive))
		return;
	num_format_size_short(image->archive_bytes, size, sizeof(size));
	cli_print_field("archive", size);
	cli_print_field("", image->archive.hex);
}

static void print_strings(const char *title, char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cli_print_field(title, v[i]);
}

/* What it asks for, as far as an instance doesn't get it without being told (docs/storage.md). */
static void print_config(const struct image_config *c)
{
	char text[IMAGE_PORT_TEXT];

	for (size_t i = 0; i < c->n_labels; i++) {
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

		strbuf_addf(&b, "%s=%s", c->labels[i].key, c->labels[i].value);
		cli_print_field("label", strbuf_str(&b));
	}
	for (size_t i = 0; i < c->n_ports; i++) {
		image_port_format(&c->ports[i], text);
		cli_print_field("exposes", text);
	}
	print_strings("volume", c->volumes, c->n_volumes);
}

static int print_text(struct cli *c, const struct image *image, const struct image_config *config,
		      struct err *e)
{
	char size[32], created[CLOCK_TEXT_MAX];

	num_format_size_short(image->size_bytes, size, sizeof(size));
	clock_format(image->created_ms, created, sizeof(created));
	cli_print_field("image", image->ref.s);
	(void)printf("created     %s\n", created);
	(void)printf("size        %s in %" PRIu64 " member%s\n", size, image->members,
		     image->members == 1 ? "" : "s");
	if (digest_is_set(&image->config))
		cli_print_field("id", image->config.hex);
	if (digest_is_set(&image->manifest))
		cli_print_field("manifest", image->manifest.hex);
	print_archive(image);
	for (size_t i = 0; i < image->n_layers; i++)
		cli_print_field("layer", image->layers[i].hex);
	print_config(config);
	return print_users(c, image, e);
}

static int inspect_one(struct cli *c, const char *text, struct json_out *o, struct err *e)
{
	const struct inspect_values *v = c->values;
	struct image_store *store = jail_images(c->jail, e);
	CLEANUP_IMAGE_DOCUMENT struct image_document document = { .text = NULL };
	struct image_ref ref;
	struct image image;
	int r = store ? image_ref_parse(text, &ref, e) : -e->code;

	if (r >= 0)
		r = store_get(store, &ref, &image, e);
	if (r >= 0)
		r = image_document_read(store, &image, &document, e);
	if (r < 0)
		return r;
	if (!v->json)
		return print_text(c, &image, &document.config, e);
	image_and_config_to_json(&image, &document.config, o);
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct inspect_values *v = c->values;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int status = 0, r;

	json_out_init(&o, &b, true);
	json_out_array(&o, NULL);
	for (size_t i = 0; i < c->args.n_operands; i++) {
		struct err one = ERR_INIT;

		if (inspect_one(c, c->args.operands[i], &o, &one) < 0) {
			cli_error(&one);
			status = EXIT_FAILED;
		}
	}
	json_out_array_end(&o);
	r = v->json ? cli_print_json(&b, e) : 0;
	return r < 0 ? r : status;
}

const struct verb verb_image_inspect = {
	.name = "image inspect",
	.operands = "IMAGE...",
	.help = "Show all that is known about images",
	.options = options,
	.values_size = sizeof(struct inspect_values),
	.min_operands = 1,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
