/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls the image store for the tests, without the rest of jail:
 *
 *     import_driver STATE import UNPACK_PROGRAM NAME|- [replace] [all] [maxBytes=N] ... < ARCHIVE
 *     import_driver STATE list | get NAME | rm NAME | gc [USED_HEX]
 *
 * Results as "key=value" lines on stdout, errors as "error CODE: TEXT" on stderr with status 1.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/path.h"
#include "base/text.h"
#include "images/store.h"

static void print_image(const struct image *image)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, false);
	image_to_json(image, &o, NULL);
	(void)printf("%s\n", strbuf_str(&b));
}

static int print_each(const struct image *image, void *arg)
{
	(void)arg;
	print_image(image);
	return 0;
}

static void print_progress(const struct import_progress *p, void *arg)
{
	(void)arg;
	(void)fprintf(stderr, "progress in=%llu out=%llu members=%llu total=%llu\n",
		      (unsigned long long)p->bytes_in, (unsigned long long)p->bytes_out,
		      (unsigned long long)p->members, (unsigned long long)p->total_in);
}

static int parse_option(const char *text, struct import_request *req, struct err *e)
{
	const struct {
		const char *key;
		uint64_t *to;
	} limits[] = {
		{ "maxBytes=", &req->limits.max_bytes },
		{ "maxMembers=", &req->limits.max_members },
		{ "maxName=", &req->limits.max_name },
		{ "maxRatio=", &req->limits.max_ratio },
	};

	if (str_eq(text, "all")) {
		req->all = true;
		return 0;
	}
	if (str_eq(text, "replace")) {
		req->replace = true;
		return 0;
	}
	if (str_eq(text, "progress")) {
		req->progress = print_progress;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (str_starts(text, limits[i].key))
			return num_parse_u64(text + strlen(limits[i].key), 1, UINT64_MAX / 2,
					     limits[i].to, e);
	return err_set(e, EINVAL, "unknown option %s", text);
}

static int do_import(struct image_store *s, int argc, char **argv, struct err *e)
{
	struct import_request req = { .archive_fd = STDIN_FILENO };
	CLEANUP_IMPORTED struct imported_list list = { .v = NULL };
	int r = 0;

	if (argc < 2)
		return err_set(e, EINVAL, "import UNPACK_PROGRAM NAME");
	s->unpacker.program = argv[0];
	req.has_ref = !str_eq(argv[1], "-");
	if (req.has_ref)
		r = image_ref_parse(argv[1], &req.ref, e);
	for (int i = 2; r == 0 && i < argc; i++)
		r = parse_option(argv[i], &req, e);
	if (r == 0)
		r = store_import(s, &req, &list, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		(void)printf("known=%zu\n", list.v[i].known);
		print_image(&list.v[i].image);
	}
	return 0;
}

static bool is_used(const struct digest *layer, void *arg)
{
	const char *used = arg;

	return used && str_eq(layer->hex, used);
}

static int do_gc(struct image_store *s, char *used, struct err *e)
{
	struct store_removed removed = { 0 };
	int r = store_gc(s, is_used, used, &removed, e);

	if (r == 0)
		(void)printf("removed=%zu\nbytes=%llu\n", removed.layers + removed.staging,
			     (unsigned long long)removed.bytes);
	return r;
}

static int do_named(struct image_store *s, const char *verb, const char *name, struct err *e)
{
	struct image_ref ref;
	struct image image;
	int r = image_ref_parse(name, &ref, e);

	if (r == 0 && str_eq(verb, "rm"))
		return store_remove(s, &ref, e);
	if (r == 0)
		r = store_get(s, &ref, &image, e);
	if (r == 0)
		print_image(&image);
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	CLEANUP_FD int state = -EBADF;
	struct image_store s;
	int r;

	if (argc < 3)
		return err_set(e, EINVAL, "import_driver STATE VERB ...");
	state = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state < 0)
		return err_sys(e, "open %s", argv[1]);
	r = store_open(state, &s, e);
	if (r < 0)
		return r;
	if (str_eq(argv[2], "import"))
		r = do_import(&s, argc - 3, argv + 3, e);
	else if (str_eq(argv[2], "list"))
		r = store_each(&s, print_each, NULL, e);
	else if (str_eq(argv[2], "gc"))
		r = do_gc(&s, argc > 3 ? argv[3] : NULL, e);
	else if ((str_eq(argv[2], "get") || str_eq(argv[2], "rm")) && argc > 3)
		r = do_named(&s, argv[2], argv[3], e);
	else
		r = err_set(e, EINVAL, "unknown verb %s", argv[2]);
	store_close(&s);
	return r;
}

int main(int argc, char **argv)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;

	if (run(argc, argv, &e) >= 0)
		return fflush(stdout) == 0 ? 0 : 1;
	text_escape(&b, e.text, strlen(e.text), true);
	(void)fprintf(stderr, "error %d: %s\n", e.code, strbuf_str(&b));
	if (e.hint[0])
		(void)fprintf(stderr, "hint: %s\n", e.hint);
	return 1;
}
