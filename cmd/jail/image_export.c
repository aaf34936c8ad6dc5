/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail image export. A file appears under its name when it is whole; a directory (a name that ends
 * in '/') is one that is not there yet, or an empty one.
 */
#include "base/path.h"
#include "cmd/jail/output.h"
#include "cmd/jail/verbs.h"
#include "images/export.h"

struct export_values {
	const char *format, *output, *compress;
};

static const struct option options[] = {
	{ .name = "format",
	  .letter = 'f',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct export_values, format),
	  .value = "FORMAT",
	  .help = "oci (the default) or docker" },
	{ .name = "output",
	  .letter = 'o',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct export_values, output),
	  .value = "FILE",
	  .help = "to a file, to DIR/, or to stdout (-, the default)" },
	{ .name = "compress",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct export_values, compress),
	  .value = "HOW",
	  .help = "layers, of oci: none (the default), gzip, zstd" },
	OPTION_END,
};

static const char *const formats[] = { [EXPORT_OCI] = "oci", [EXPORT_DOCKER] = "docker" };
static const char *const compressions[] = {
	[EXPORT_PLAIN] = "none",
	[EXPORT_GZIP] = "gzip",
	[EXPORT_ZSTD] = "zstd",
};

static void drop_directory(struct output *o)
{
	struct err ignored = ERR_INIT;

	if (!o->is_directory || o->fd < 0)
		return;
	(void)path_remove_tree(o->fd, "blobs", &ignored);
	(void)unlinkat(o->fd, "oci-layout", 0);
	(void)unlinkat(o->fd, "index.json", 0);
	if (o->made)
		(void)rmdir(o->path);
}

static int export_to(struct cli *c, struct export_request *req, struct err *e)
{
	const struct export_values *v = c->values;
	CLEANUP(output_close) struct output out = { .fd = -EBADF };
	struct image_store *store = jail_images(c->jail, e);
	int r = store ? output_open(v->output, true, &out, e) : -e->code;

	if (r < 0)
		return r;
	req->out = out.fd;
	req->is_directory = out.is_directory;
	r = store_export(store, req, e);
	if (r == 0)
		return output_keep(&out, e);
	drop_directory(&out);
	return r;
}

static bool is_named_before(const struct image_ref *refs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(refs[i].s, refs[n].s))
			return true;
	return false;
}

static int run(struct cli *c, struct err *e)
{
	const struct export_values *v = c->values;
	CLEANUP_FREE struct image_ref *refs = calloc(c->args.n_operands, sizeof(*refs));
	int format = cli_choose("format", v->format, formats, ARRAY_SIZE(formats), e);
	int compress = format < 0 ? format
				  : cli_choose("compress", v->compress, compressions,
					       ARRAY_SIZE(compressions), e);
	struct export_request req = { .refs = refs };

	if (compress < 0) {
		c->failed = EXIT_USAGE;
		return compress;
	}
	if (!refs)
		return err_nomem(e);
	for (size_t i = 0; i < c->args.n_operands; i++) {
		int r = image_ref_parse(c->args.operands[i], &refs[req.n_refs], e);

		if (r < 0)
			return r;
		req.n_refs += !is_named_before(refs, req.n_refs);
	}
	req.format = (enum export_format)format;
	req.compress = (enum export_compress)compress;
	return export_to(c, &req, e);
}

const struct verb verb_image_export = {
	.name = "image export",
	.operands = "IMAGE...",
	.help = "Write images as an OCI layout or a docker archive",
	.options = options,
	.values_size = sizeof(struct export_values),
	.min_operands = 1,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
