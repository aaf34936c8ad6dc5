/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail image import: a root file system tarball, an archive of images or an OCI layout, from a
 * file, a directory or stdin.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "cmd/jail/image_progress.h"

struct import_values {
	const char *name, *platform, *image, *format;
	bool all, replace, json, quiet;
};

static const struct option options[] = {
	{ .name = "name",
	  .letter = 'n',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct import_values, name),
	  .value = "IMAGE",
	  .help = "name[:tag]; else what the archive calls it" },
	{ .name = "image",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct import_values, image),
	  .value = "NAME",
	  .help = "which image of the archive, by its name there" },
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, all),
	  .help = "every image of the archive" },
	{ .name = "platform",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct import_values, platform),
	  .value = "OS/ARCH",
	  .help = "which of the image's platforms; else this machine's" },
	{ .name = "format",
	  .letter = 'f',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct import_values, format),
	  .value = "FORMAT",
	  .help = "any (the default), or for sure rootfs, oci or docker" },
	{ .name = "replace",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, replace),
	  .help = "the name may exist already" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, quiet),
	  .help = "print nothing but errors" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct import_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static const char *const formats[] = {
	[IMPORT_ANY] = "any",
	[IMPORT_ROOTFS] = "rootfs",
	[IMPORT_OCI] = "oci",
	[IMPORT_DOCKER] = "docker",
};

static int usage(struct cli *c, const char *why, struct err *e)
{
	c->failed = EXIT_USAGE;
	return err_set(e, EINVAL, "image import: %s", why);
}

static int check_options(struct cli *c, const struct import_values *v, int format, struct err *e)
{
	if (v->all && (v->name || v->image))
		return usage(
			c, "--all takes the images as they are called, without --name, --image", e);
	if (format == IMPORT_ROOTFS && (v->all || v->image))
		return usage(c, "--format rootfs: a root file system holds no images", e);
	if (format == IMPORT_ROOTFS && !v->name)
		return usage(c, "--format rootfs needs --name", e);
	return 0;
}

/* A directory that is no layout: what is wanted of a tree is its archive. */
static int hint_for_directory(int archive, const char *file, const char *name, struct err *e)
{
	struct stat st;

	if ((e->code != EBADMSG && e->code != EISDIR) || fstat(archive, &st) < 0 ||
	    !S_ISDIR(st.st_mode))
		return -e->code;
	return err_hint(e,
			"a root file system is packed first: tar -C %s -c . | jail image import - "
			"--name %s",
			file, name ? name : "IMAGE");
}

static int run(struct cli *c, struct err *e)
{
	const struct import_values *v = c->values;
	const char *file = c->args.operands[0];
	struct image_progress progress = { .shown = isatty(STDERR_FILENO) && !v->quiet };
	struct import_request request = {
		.wanted = v->image,
		.all = v->all,
		.replace = v->replace,
		.progress = image_progress_show,
		.progress_arg = &progress,
	};
	CLEANUP_IMPORTED struct imported_list list = { .v = NULL };
	CLEANUP_FD int archive = -EBADF;
	struct image_store *store;
	int format = cli_choose("format", v->format, formats, ARRAY_SIZE(formats), e), r;

	if (format < 0) {
		c->failed = EXIT_USAGE;
		return format;
	}
	request.format = (enum import_format)format;
	r = check_options(c, v, format, e);
	if (r == 0)
		r = image_import_request(c, v->name, v->platform, &request, e);
	if (r < 0)
		return r;
	store = jail_images(c->jail, e);
	if (!store)
		return -e->code;
	archive = str_eq(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				    : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (archive < 0)
		return err_sys(e, "open %s", file);
	request.archive_fd = archive;
	r = store_import(store, &request, &list, e);
	image_progress_end(&progress);
	if (r < 0) {
		/* Of several, those before the one that failed are there. */
		if (list.n > 0 && !v->json)
			(void)image_import_print(&list, false, v->quiet, e);
		(void)hint_for_directory(archive, file, v->name, e);
		return err_wrap(e, "%s", file);
	}
	return image_import_print(&list, v->json, v->quiet, e);
}

const struct verb verb_image_import = {
	.name = "image import",
	.operands = "FILE|DIR|-",
	.help = "Make images from a root file system, an archive or a layout",
	.options = options,
	.values_size = sizeof(struct import_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
