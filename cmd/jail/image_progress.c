/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/jail/image_progress.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/num.h"

#define BAR_COLUMNS 24
#define BAR_INTERVAL_MS 100
#define RATE_FROM_MS 500 /* a rate of less is noise */

/* "3m12s", or "" while nothing is known. */
static void format_left(const struct import_progress *p, uint64_t elapsed_ms, char *ret, size_t n)
{
	char text[32];
	uint64_t left_ms;

	ret[0] = '\0';
	if (p->total_in == 0 || elapsed_ms < RATE_FROM_MS || p->bytes_in == 0 ||
	    p->bytes_in > p->total_in)
		return;
	left_ms = (p->total_in - p->bytes_in) / (p->bytes_in / elapsed_ms + 1);
	num_format_duration(left_ms / 1000 * 1000, text, sizeof(text));
	(void)str_format(ret, n, ", %s left", text);
}

static void format_bar(const struct import_progress *p, char ret[static BAR_COLUMNS + 1])
{
	size_t filled = 0;

	if (p->total_in)
		filled = (size_t)(p->bytes_in >= p->total_in ? BAR_COLUMNS
							     : (p->bytes_in / 1024) * BAR_COLUMNS /
								       (p->total_in / 1024 + 1));
	for (size_t i = 0; i < BAR_COLUMNS; i++)
		ret[i] = i < filled ? '#' : '.';
	ret[BAR_COLUMNS] = '\0';
}

void image_progress_show(const struct import_progress *p, void *arg)
{
	struct image_progress *state = arg;
	char bar[BAR_COLUMNS + 1], size[32], rate[32] = "", left[64], layers[48] = "";
	uint64_t now = clock_boot_ms(), elapsed;

	if (!state->shown)
		return;
	if (state->began_ms == 0 || state->phase != p->phase) {
		state->phase = p->phase;
		state->began_ms = now;
		state->next_ms = 0;
	}
	if (now < state->next_ms)
		return;
	state->next_ms = now + BAR_INTERVAL_MS;
	elapsed = now - state->began_ms;
	format_bar(p, bar);
	num_format_size_short(p->bytes_out, size, sizeof(size));
	if (elapsed >= RATE_FROM_MS) {
		char per_second[24];

		num_format_size_short(p->bytes_out / elapsed * 1000, per_second,
				      sizeof(per_second));
		(void)str_format(rate, sizeof(rate), ", %s/s", per_second);
	}
	format_left(p, elapsed, left, sizeof(left));
	if (p->phase == IMPORT_LAYERS)
		(void)str_format(layers, sizeof(layers), "layer %zu/%zu, ",
				 p->layers_done + (p->layers_done < p->layers), p->layers);
	(void)fprintf(stderr, "\r[%s] %s%9s, %" PRIu64 " members%s%s\033[K", bar, layers, size,
		      p->members, rate, left);
}

void image_progress_end(const struct image_progress *p)
{
	if (p->shown && p->began_ms)
		(void)fputs("\r\033[K", stderr);
}

int image_import_request(struct cli *c, const char *name, const char *platform,
			 struct import_request *ret, struct err *e)
{
	int r = 0;

	ret->limits = c->config.import;
	if (name) {
		ret->has_ref = true;
		r = image_ref_parse(name, &ret->ref, e);
	}
	if (r == 0 && platform) {
		ret->has_platform = true;
		r = platform_parse(platform, &ret->platform, e);
	}
	return r;
}

static void print_line(const struct imported *i)
{
	const struct image *image = &i->image;
	char size[32], layers[64] = "", known[64] = "";

	num_format_size_short(image->size_bytes, size, sizeof(size));
	if (image->n_layers > 1)
		(void)str_format(layers, sizeof(layers), " in %zu layers", image->n_layers);
	if (i->known > 0 && image->n_layers == 1)
		(void)str_format(known, sizeof(known), ", its layer was here already");
	else if (i->known > 0)
		(void)str_format(known, sizeof(known), ", %zu of them here already", i->known);
	(void)printf("%s: %s, %" PRIu64 " member%s%s%s\n", image->ref.s, size, image->members,
		     image->members == 1 ? "" : "s", layers, known);
}

int image_import_print(const struct imported_list *list, bool json, bool quiet, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	for (size_t i = 0; !json && !quiet && i < list->n; i++)
		print_line(&list->v[i]);
	if (!json)
		return 0;
	json_out_init(&o, &b, true);
	json_out_array(&o, NULL);
	for (size_t i = 0; i < list->n; i++)
		image_to_json(&list->v[i].image, &o, NULL);
	json_out_array_end(&o);
	return cli_print_json(&b, e);
}
