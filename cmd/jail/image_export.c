/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail image export. A file appears under its name when it is whole; a directory (a name that ends
 * in '/') is one that is not there yet, or an empty one.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/path.h"
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

/* ---- where it goes ---- */

struct output {
	const char *path; /* NULL: stdout */
	int fd; /* owned, but for stdout */
	bool is_directory, made; /* the directory is ours to remove */
	char temporary[PATH_MAX]; /* "": written in place */
};

static int open_directory(struct output *o, struct err *e)
{
	CLEANUP_DIR DIR *d = NULL;
	struct dirent *ent;

	o->made = mkdir(o->path, 0755) == 0;
	if (!o->made && errno != EEXIST)
		return err_sys(e, "make directory %s", o->path);
	o->fd = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->fd < 0)
		return err_sys(e, "open %s", o->path);
	d = dir_open(o->fd);
	if (!d)
		return err_sys(e, "read %s", o->path);
	while ((ent = readdir(d)))
		if (!str_eq(ent->d_name, ".") && !str_eq(ent->d_name, ".."))
			return err_set(e, ENOTEMPTY, "%s is not empty", o->path);
	return 0;
}

static int open_file(struct output *o, struct err *e)
{
	struct stat st;

	/* A device, a pipe: there is nothing to put in its place. */
	if (stat(o->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode)) {
			(void)err_set(e, EISDIR, "%s is a directory", o->path);
			return err_hint(e, "write a directory with: --output %s/", o->path);
		}
		o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return o->fd < 0 ? err_sys(e, "open %s", o->path) : 0;
	}
	if (str_format(o->temporary, sizeof(o->temporary), "%s.XXXXXX", o->path) < 0)
		return err_set(e, ENAMETOOLONG, "%s: the name is too long", o->path);
	o->fd = mkostemp(o->temporary, O_CLOEXEC);
	if (o->fd < 0) {
		o->temporary[0] = '\0';
		return err_sys(e, "make %s", o->path);
	}
	return 0;
}

static int open_output(const char *path, struct output *ret, struct err *e)
{
	*ret = (struct output){ .path = path, .fd = -EBADF };
	if (!path || str_eq(path, "-")) {
		ret->path = NULL;
		if (isatty(STDOUT_FILENO)) {
			(void)err_set(e, EINVAL, "stdout is a terminal");
			return err_hint(e, "name a file with --output FILE, or redirect stdout");
		}
		ret->fd = STDOUT_FILENO;
		return 0;
	}
	ret->is_directory = *path && path[strlen(path) - 1] == '/';
	return ret->is_directory ? open_directory(ret, e) : open_file(ret, e);
}

static int keep_output(struct output *o, struct err *e)
{
	if (!o->temporary[0])
		return 0;
	if (fsync(o->fd) < 0)
		return err_sys(e, "write %s to disk", o->path);
	if (rename(o->temporary, o->path) < 0)
		return err_sys(e, "rename to %s", o->path);
	o->temporary[0] = '\0';
	return 0;
}

/* What was not kept goes. */
static void close_output(struct output *o)
{
	if (o->temporary[0])
		(void)unlink(o->temporary);
	if (o->path)
		fd_reset(&o->fd);
}

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

/* ---- ---- */

static int export_to(struct cli *c, struct export_request *req, struct err *e)
{
	const struct export_values *v = c->values;
	CLEANUP(close_output) struct output out = { .fd = -EBADF };
	struct image_store *store = jail_images(c->jail, e);
	int r = store ? open_output(v->output, &out, e) : -e->code;

	if (r < 0)
		return r;
	req->out = out.fd;
	req->is_directory = out.is_directory;
	r = store_export(store, req, e);
	if (r == 0)
		return keep_output(&out, e);
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
