/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail export: an instance in one file. */
#include "cmd/jail/output.h"
#include "cmd/jail/verbs.h"
#include "runtime/transfer.h"

#define HAVE_MAX ((size_t)8 << 20)

struct export_values {
	const char *output, *snapshot, *have, *compress;
	bool no_snapshots, no_layers, quiet, json;
};

static const struct option options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct export_values, output),
	  .value = "FILE",
	  .help = "to a file, or stdout (-, the default)" },
	{ .name = "have",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct export_values, have),
	  .value = "FILE",
	  .help = "leave out the layers of this list" },
	{ .name = "no-layers",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct export_values, no_layers),
	  .help = "leave out all layers of the image" },
	{ .name = "no-snapshots",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct export_values, no_snapshots),
	  .help = "only the files of now" },
	{ .name = "snapshot",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct export_values, snapshot),
	  .value = "SNAPSHOT",
	  .help = "only the files as of a snapshot" },
	{ .name = "compress",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct export_values, compress),
	  .value = "HOW",
	  .help = "zstd (the default) or none" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct export_values, quiet),
	  .help = "print nothing but errors" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct export_values, json),
	  .help = "print JSON (docs/json.md); with --output FILE" },
	OPTION_END,
};

static const char *const compressions[] = { "zstd", "none" };

struct have {
	struct digest *v; /* owned */
	size_t n;
};

static void have_free(struct have *h)
{
	free(h->v);
}

/* A digest to a line. */
static int read_have(const char *file, struct have *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n, line = 0;
	char *rest;
	int r = cli_read_file(file, HAVE_MAX, &text, &n, e);

	if (r < 0)
		return r;
	ret->v = calloc(n / (sizeof("sha256:") + 64) + 1, sizeof(*ret->v));
	if (!ret->v)
		return err_nomem(e);
	rest = text;
	for (char *one = strsep(&rest, "\n"); one; one = strsep(&rest, "\n")) {
		line++;
		if (*one && digest_parse(one, &ret->v[ret->n], e) < 0)
			return err_wrap(e, "--have %s: line %zu", file, line);
		ret->n += *one != '\0';
	}
	return 0;
}

static void print_summary(const struct exported *x, const struct jail_name *name, FILE *out)
{
	(void)fprintf(out, "%s: %llu bytes, %zu layer%s", name->s, (unsigned long long)x->bytes,
		      x->layers, x->layers == 1 ? "" : "s");
	if (x->layers_left_out)
		(void)fprintf(out, " (%zu left out)", x->layers_left_out);
	if (x->snapshots)
		(void)fprintf(out, ", %zu snapshot%s", x->snapshots, x->snapshots == 1 ? "" : "s");
	(void)fputc('\n', out);
	if (x->frozen_us)
		(void)fprintf(out, "the instance stood still for %llu.%llums\n",
			      (unsigned long long)x->frozen_us / 1000,
			      (unsigned long long)x->frozen_us % 1000 / 100);
}

static int print_json(const struct exported *x, const struct jail_name *name, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "name", name->s);
	json_out_u64(&o, "bytes", x->bytes);
	json_out_u64(&o, "layers", x->layers);
	json_out_u64(&o, "layersLeftOut", x->layers_left_out);
	json_out_u64(&o, "snapshots", x->snapshots);
	if (x->frozen_us)
		json_out_milli(&o, "frozenMs", x->frozen_us);
	else
		json_out_null(&o, "frozenMs");
	json_out_object_end(&o);
	return cli_print_json(&b, e);
}

static int usage(struct cli *c, const char *why, struct err *e)
{
	c->failed = EXIT_USAGE;
	return err_set(e, EINVAL, "export: %s", why);
}

static int check_options(struct cli *c, const struct export_values *v, struct err *e)
{
	bool to_stdout = !v->output || str_eq(v->output, "-");

	if (v->no_layers && v->have)
		return usage(c, "--no-layers and --have: one of them", e);
	if (v->json && to_stdout)
		return usage(c, "--json needs --output FILE: the export goes to stdout", e);
	if (cli_choose("compress", v->compress, compressions, ARRAY_SIZE(compressions), e) < 0) {
		c->failed = EXIT_USAGE;
		return -e->code;
	}
	return 0;
}

static int export_to(struct cli *c, const struct jail_name *name, struct export_options *o,
		     struct err *e)
{
	const struct export_values *v = c->values;
	CLEANUP_OUTPUT struct output out = { .fd = -EBADF };
	struct exported x;
	int r = output_open(v->output, false, &out, e);

	if (r < 0)
		return r;
	o->out = out.fd;
	r = instance_export(c->jail, name, o, &x, e);
	if (r >= 0)
		r = output_keep(&out, e);
	if (r < 0)
		return r;
	if (v->json)
		return print_json(&x, name, e);
	if (!v->quiet)
		print_summary(&x, name, out.path ? stdout : stderr);
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct export_values *v = c->values;
	CLEANUP(have_free) struct have have = { .v = NULL };
	struct jail_name name, snapshot;
	struct export_options o = { .no_snapshots = v->no_snapshots, .no_layers = v->no_layers };
	int r = check_options(c, v, e);

	if (r >= 0)
		r = name_parse("instance", c->args.operands[0], &name, e);
	if (r >= 0 && v->snapshot)
		r = name_parse("snapshot", v->snapshot, &snapshot, e);
	if (r >= 0 && v->have)
		r = read_have(v->have, &have, e);
	if (r < 0)
		return r;
	o.compress =
		cli_choose("compress", v->compress, compressions, ARRAY_SIZE(compressions), e) == 0;
	o.snapshot = v->snapshot ? &snapshot : NULL;
	o.have = have.v;
	o.n_have = have.n;
	return export_to(c, &name, &o, e);
}

const struct verb verb_export = {
	.name = "export",
	.operands = "NAME",
	.help = "Write an instance into one file, for another host",
	.options = options,
	.values_size = sizeof(struct export_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
