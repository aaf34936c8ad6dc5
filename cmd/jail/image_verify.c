/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail image verify: configs against their digests, and each layer once, however many images have
 * it. A name alone says that all is well; what isn't gets a line each.
 */
#include <sys/resource.h>

#include "base/num.h"
#include "cmd/jail/verbs.h"
#include "images/entry.h"
#include "images/image_document.h"
#include "images/verify.h"

/* Two trees of ENTRY_DEPTH_MAX directories are open at the deepest. */
#define VERIFY_FILES ((rlim_t)(2 * ENTRY_DEPTH_MAX + 256))

struct verify_values {
	bool json, quiet;
};

static const struct option options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct verify_values, quiet),
	  .help = "print only what is wrong" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct verify_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct seen {
	struct digest digest;
	struct verify_result result; /* owned */
	struct err failed; /* code 0: it could be looked at */
};

struct verification {
	struct cli *cli;
	struct image_store *store;
	struct json_out out;
	struct seen *seen; /* owned */
	size_t n_seen, room_seen;
	int status;
};

static void verification_free(struct verification *v)
{
	for (size_t i = 0; i < v->n_seen; i++)
		verify_result_free(&v->seen[i].result);
	free(v->seen);
}

/* Return: what is known of the layer, NULL out of memory. Valid until the next call. */
static const struct seen *look_at(struct verification *v, const struct digest *layer)
{
	struct seen *s;

	for (size_t i = 0; i < v->n_seen; i++)
		if (str_eq(v->seen[i].digest.hex, layer->hex))
			return &v->seen[i];
	if (v->n_seen == v->room_seen) {
		size_t room = v->room_seen ? 2 * v->room_seen : 32;
		struct seen *grown = reallocarray(v->seen, room, sizeof(*grown));

		if (!grown)
			return NULL;
		v->seen = grown;
		v->room_seen = room;
	}
	s = &v->seen[v->n_seen++];
	*s = (struct seen){ .digest = *layer };
	(void)store_verify_layer(v->store, layer, &s->result, &s->failed);
	return s;
}

static void print_problem(const struct image *image, const struct digest *layer, const char *text)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

	(void)printf("%s: ", image->ref.s);
	if (layer)
		(void)printf("layer %.12s: ", layer->hex);
	text_escape(&b, text, strlen(text), true);
	(void)puts(strbuf_str(&b));
}

/* Return: whether it is sound. */
static bool layer_text(const struct image *image, const struct seen *s)
{
	char more[64];

	for (size_t i = 0; i < s->result.problems.n; i++)
		print_problem(image, &s->digest, s->result.problems.v[i]);
	if (s->result.n_problems > s->result.problems.n) {
		(void)str_format(more, sizeof(more), "and %zu more",
				 s->result.n_problems - s->result.problems.n);
		print_problem(image, &s->digest, more);
	}
	if (s->failed.code)
		cli_error(&s->failed);
	return !s->failed.code && !s->result.n_problems;
}

static void layer_json(struct json_out *o, const struct seen *s)
{
	char digest[sizeof("sha256:") + sizeof(s->digest.hex)];

	(void)str_format(digest, sizeof(digest), "sha256:%s", s->digest.hex); /* fits */
	json_out_object(o, NULL);
	json_out_str(o, "digest", digest);
	json_out_bool(o, "sound", !s->failed.code && !s->result.n_problems);
	json_out_u64(o, "streamBytes", s->result.stream_bytes);
	json_out_array(o, "problems");
	for (size_t i = 0; i < s->result.problems.n; i++)
		json_out_str(o, NULL, s->result.problems.v[i]);
	if (s->failed.code)
		json_out_str(o, NULL, s->failed.text);
	json_out_array_end(o);
	json_out_object_end(o);
}

static int verify_layers(struct verification *v, const struct image *image, bool *sound,
			 struct err *e)
{
	const struct verify_values *values = v->cli->values;

	json_out_array(&v->out, "layers");
	for (size_t i = 0; i < image->n_layers; i++) {
		const struct seen *s = look_at(v, &image->layers[i]);

		if (!s)
			return err_nomem(e);
		if (values->json)
			layer_json(&v->out, s);
		else
			*sound = layer_text(image, s) && *sound;
		*sound = *sound && !s->failed.code && !s->result.n_problems;
	}
	json_out_array_end(&v->out);
	return 0;
}

static int verify_image(const struct image *image, void *arg)
{
	CLEANUP_IMAGE_DOCUMENT struct image_document document = { .text = NULL };
	struct verification *v = arg;
	const struct verify_values *values = v->cli->values;
	struct err e = ERR_INIT;
	bool sound = image_document_read(v->store, image, &document, &e) == 0;
	char size[32];
	int r;

	json_out_object(&v->out, NULL);
	json_out_str(&v->out, "name", image->ref.s);
	json_out_array(&v->out, "problems");
	if (!sound) {
		json_out_str(&v->out, NULL, e.text);
		if (!values->json)
			cli_error(&e);
	}
	json_out_array_end(&v->out);
	r = verify_layers(v, image, &sound, &e);
	json_out_bool(&v->out, "sound", sound);
	json_out_object_end(&v->out);
	if (!sound)
		v->status = EXIT_FAILED;
	num_format_size_short(image->size_bytes, size, sizeof(size));
	if (r == 0 && sound && !values->json && !values->quiet)
		(void)printf("%s: sound, %zu layer%s, %s\n", image->ref.s, image->n_layers,
			     image->n_layers == 1 ? "" : "s", size);
	return r;
}

static int verify_named(struct verification *v, const char *text, struct err *e)
{
	struct image_ref ref;
	struct image image;
	int r = image_ref_parse(text, &ref, e);

	if (r >= 0)
		r = store_get(v->store, &ref, &image, e);
	if (r >= 0)
		r = verify_image(&image, v);
	return r < 0 && !e->code ? err_ret(e, r, "image \"%s\"", text) : r;
}

/* The hard limit may be lower: then very deep layers can't be verified, which says so. */
static void more_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= VERIFY_FILES)
		return;
	files.rlim_cur = files.rlim_max < VERIFY_FILES ? files.rlim_max : VERIFY_FILES;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static int run(struct cli *c, struct err *e)
{
	CLEANUP(verification_free) struct verification v = { .cli = c };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	const struct verify_values *values = c->values;
	int r = 0;

	v.store = jail_images(c->jail, e);
	if (!v.store)
		return -e->code;
	more_files();
	json_out_init(&v.out, &b, true);
	json_out_array(&v.out, NULL);
	for (size_t i = 0; i < c->args.n_operands; i++) {
		struct err one = ERR_INIT;

		if (verify_named(&v, c->args.operands[i], &one) < 0) {
			cli_error(&one);
			v.status = EXIT_FAILED;
		}
	}
	if (c->args.n_operands == 0)
		r = store_each(v.store, verify_image, &v, e);
	json_out_array_end(&v.out);
	if (r == 0 && values->json)
		r = cli_print_json(&b, e);
	return r < 0 ? r : v.status;
}

const struct verb verb_image_verify = {
	.name = "image verify",
	.operands = "[IMAGE...]",
	.help = "Compare images, or all, with their digests",
	.options = options,
	.values_size = sizeof(struct verify_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
