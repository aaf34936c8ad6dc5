/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail image import: a tarball, compressed or not, from a file or stdin, becomes an image. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/verbs.h"

#define BAR_COLUMNS 30
#define BAR_INTERVAL_MS 100

struct import_values {
	const char *name;
	bool replace, json, quiet;
};

static const struct option options[] = {
	{ .name = "name",
	  .letter = 'n',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct import_values, name),
	  .value = "IMAGE",
	  .help = "name[:tag] of the image (needed)" },
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

struct progress {
	bool shown; /* stderr is a terminal */
	uint64_t next_ms;
};

/* One line that is written over itself; a pipe has no known end, so it gets a counter. */
static void show_progress(const struct import_progress *p, void *arg)
{
	struct progress *state = arg;
	uint64_t now = clock_boot_ms();
	char bar[BAR_COLUMNS + 1], size[32];
	size_t filled = 0;

	if (!state->shown || now < state->next_ms)
		return;
	state->next_ms = now + BAR_INTERVAL_MS;
	if (p->total_in)
		filled = (size_t)(p->bytes_in >= p->total_in ? BAR_COLUMNS
							     : (p->bytes_in / 1024) * BAR_COLUMNS /
								       (p->total_in / 1024 + 1));
	for (size_t i = 0; i < BAR_COLUMNS; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_COLUMNS] = '\0';
	num_format_size_short(p->bytes_out, size, sizeof(size));
	(void)fprintf(stderr, "\r[%s] %9s, %" PRIu64 " members ", bar, size, p->members);
}

static int open_archive(const char *file, const char *name, struct err *e)
{
	struct stat st;
	int fd = str_eq(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				   : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, "open %s", file);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd);
		(void)err_set(e, EISDIR, "%s is a directory", file);
		return err_hint(e, "pack it first: tar -C %s -c . | jail image import - --name %s",
				file, name);
	}
	return fd;
}

static int print_result(const struct image *image, bool known, const struct import_values *v,
			struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	char size[32];

	if (v->json) {
		json_out_init(&o, &b, true);
		image_to_json(image, &o, NULL);
		return cli_print_json(&b, e);
	}
	if (v->quiet)
		return 0;
	num_format_size_short(image->size_bytes, size, sizeof(size));
	(void)printf("%s: %s, %" PRIu64 " member%s%s\n", image->ref.s, size, image->members,
		     image->members == 1 ? "" : "s", known ? ", its layer was here already" : "");
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct import_values *v = c->values;
	const char *file = c->args.operands[0];
	struct progress progress = { .shown = isatty(STDERR_FILENO) && !v->quiet };
	struct import_request request = {
		.replace = v->replace,
		.limits = c->config.import,
		.progress = show_progress,
		.progress_arg = &progress,
	};
	CLEANUP_FD int archive = -EBADF;
	struct image_store *store;
	char program[1100];
	struct image image;
	bool known = false;
	int r;

	if (!v->name) {
		c->failed = EXIT_USAGE;
		(void)err_set(e, EINVAL, "image import: --name is missing");
		return err_hint(e, "usage: jail image import FILE --name IMAGE[:TAG]");
	}
	r = image_ref_parse(v->name, &request.ref, e);
	if (r < 0)
		return r;
	if (str_format(program, sizeof(program), "%s/jail-unpack", c->config.libexec_dir) < 0)
		return err_set(e, ENAMETOOLONG, "libexecDir is too long");
	request.unpack_program = program;
	store = jail_images(c->jail, e);
	if (!store)
		return -e->code;
	archive = request.archive_fd = open_archive(file, v->name, e);
	if (archive < 0)
		return archive;
	r = store_import(store, &request, &image, &known, e);
	if (progress.shown && progress.next_ms)
		(void)fputs("\r\033[K", stderr);
	return r < 0 ? err_wrap(e, "%s", file) : print_result(&image, known, v, e);
}

const struct verb verb_image_import = {
	.name = "image import",
	.operands = "FILE",
	.help = "Make an image from a root file system tarball",
	.options = options,
	.values_size = sizeof(struct import_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
