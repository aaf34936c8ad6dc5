/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's directories, its lock, and its names. A name is one file, so adding, replacing and
 * removing it are single renames or unlinks; readers need no lock.
 */
#include "images/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "images/store_priv.h"

#define STORE_LOCK_WAIT_MS 60000
#define STORE_SUFFIX ".json"
/* ".NAME.tmp", which file_write_at makes beside the file, must fit too. */
#define STORE_FILE_MAX (NAME_MAX - 5)
#define STORE_IMAGES_MAX 100000

static int store_open_dir(int state_dir, const char *name, int *ret, struct err *e)
{
	struct stat st;

	*ret = path_make_dir_at(state_dir, name, 0700, e);
	if (*ret < 0)
		return *ret;
	/* Whoever can write here can replace images; whoever can search here finds setuid programs
	 * (rows 40, 84). */
	if (fstat(*ret, &st) < 0)
		return err_sys(e, "stat %s", name);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		(void)err_set(e, EPERM, "%s has owner %u and mode %04o, others have access", name,
			      st.st_uid, st.st_mode & 07777);
		return err_hint(e, "chown root and chmod 0700 it, if you trust what is in it");
	}
	return 0;
}

int store_open(int state_dir, struct image_store *ret, struct err *e)
{
	struct image_store s = {
		.state_dir = state_dir,
		.images = -EBADF,
		.configs = -EBADF,
		.layers = -EBADF,
		.staging = -EBADF,
	};
	int r;

	r = store_open_dir(state_dir, "images", &s.images, e);
	if (r == 0)
		r = store_open_dir(state_dir, "configs", &s.configs, e);
	if (r == 0)
		r = store_open_dir(state_dir, "layers", &s.layers, e);
	if (r == 0)
		r = store_open_dir(state_dir, "staging", &s.staging, e);
	if (r < 0) {
		store_close(&s);
		return err_wrap(e, "image store");
	}
	*ret = s;
	return 0;
}

void store_close(struct image_store *s)
{
	fd_reset(&s->images);
	fd_reset(&s->configs);
	fd_reset(&s->layers);
	fd_reset(&s->staging);
}

int store_lock(const struct image_store *s, struct err *e)
{
	int fd = lock_take_at(s->images, ".lock", LOCK_MODE_EXCLUSIVE, STORE_LOCK_WAIT_MS, e);

	return fd < 0 ? err_wrap(e, "lock the image store") : fd;
}

void store_fd_path(int fd, struct store_path *ret)
{
	if (fd_path(fd, ret->s, sizeof(ret->s)) < 0)
		(void)str_format(ret->s, sizeof(ret->s), "the image store");
}

int store_file_name(const struct image_ref *ref, struct store_file *ret, struct err *e)
{
	struct image_file file;

	image_ref_to_file(ref, &file);
	if (strlen(file.s) + strlen(STORE_SUFFIX) > STORE_FILE_MAX ||
	    str_format(ret->s, sizeof(ret->s), "%s" STORE_SUFFIX, file.s) < 0)
		return err_set(e, EINVAL, "image \"%s\": the name is too long for a file name",
			       ref->s);
	return 0;
}

/* "debian%3a12.json" back to "debian:12". Return: false for what is no image's file. */
static bool store_file_to_ref(const char *file, struct image_ref *ret)
{
	struct store_file stem;
	struct err e = ERR_INIT;
	size_t n = strlen(file);

	if (file[0] == '.' || n <= strlen(STORE_SUFFIX) || n > NAME_MAX ||
	    !str_eq(file + n - strlen(STORE_SUFFIX), STORE_SUFFIX))
		return false;
	if (str_format(stem.s, sizeof(stem.s), "%.*s", (int)(n - strlen(STORE_SUFFIX)), file) < 0)
		return false;
	return image_ref_from_file(stem.s, ret, &e) == 0;
}

static int store_read(const struct image_store *s, const struct image_ref *ref, struct image *ret,
		      struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	struct store_file file;
	struct image image;
	size_t n;
	int r;

	r = store_file_name(ref, &file, e);
	if (r < 0)
		return r;
	r = file_read_at(s->images, file.s, LIMIT_JSON_BYTES, &text, &n, e);
	if (r < 0)
		return r;
	r = image_file_parse(file.s, text, n, &image, e);
	if (r < 0)
		return r;
	if (!str_eq(image.ref.s, ref->s))
		return err_set(e, EBADMSG, "%s: the name in the file is \"%s\"", file.s,
			       image.ref.s);
	*ret = image;
	return 0;
}

int store_get(const struct image_store *s, const struct image_ref *ref, struct image *ret,
	      struct err *e)
{
	struct err why = ERR_INIT;
	int r = store_read(s, ref, ret, &why);

	if (r == -ENOENT) {
		(void)err_set(e, ENOENT, "image \"%s\": no such image", ref->s);
		return err_hint(e,
				"see `jail image list`, or import one with `jail image import "
				"FILE --name %s`",
				ref->s);
	}
	if (r < 0) {
		*e = why;
		(void)err_wrap(e, "image \"%s\"", ref->s);
		return err_hint(e, "import it again: `jail image import FILE --name %s --replace`",
				ref->s);
	}
	return 0;
}

static int store_compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* All names, sorted. */
static int store_names(const struct image_store *s, struct strv *ret, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(s->images);
	struct dirent *ent;

	if (!d)
		return err_sys(e, "read the images");
	while ((errno = 0, ent = readdir(d))) {
		struct image_ref ref;

		if (!store_file_to_ref(ent->d_name, &ref))
			continue;
		if (ret->n >= STORE_IMAGES_MAX)
			return err_set(e, E2BIG, "more than %d images", STORE_IMAGES_MAX);
		if (strv_add(ret, ref.s) < 0)
			return err_nomem(e);
	}
	if (errno)
		return err_sys(e, "read the images");
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), store_compare);
	return 0;
}

static int each(const struct image_store *s, bool strict, store_each_fn *fn, void *arg,
		struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r = store_names(s, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct image_ref ref;
		struct image image;
		struct err why = ERR_INIT;

		r = image_ref_parse(names.v[i], &ref, e);
		if (r < 0)
			break;
		r = store_read(s, &ref, &image, &why);
		if (r == -ENOENT) { /* removed since we looked */
			r = 0;
			continue;
		}
		if (r < 0 && !strict) {
			warn("image \"%s\": %s", ref.s, why.text);
			r = 0;
			continue;
		}
		if (r < 0) {
			*e = why;
			(void)err_wrap(e, "image \"%s\"", ref.s);
			return err_hint(e, "import it again with --replace, or `jail image rm %s`",
					ref.s);
		}
		r = fn(&image, arg);
		if (r < 0 && e->code == 0)
			(void)err_ret(e, r, "image \"%s\"", ref.s);
	}
	return r;
}

int store_each(const struct image_store *s, store_each_fn *fn, void *arg, struct err *e)
{
	return each(s, true, fn, arg, e);
}

int store_each_readable(const struct image_store *s, store_each_fn *fn, void *arg, struct err *e)
{
	return each(s, false, fn, arg, e);
}

int store_remove(struct image_store *s, const struct image_ref *ref, struct err *e)
{
	CLEANUP_FD int lock = -EBADF;
	struct store_file file;
	int r = store_file_name(ref, &file, e);

	if (r < 0)
		return r;
	lock = store_lock(s, e);
	if (lock < 0)
		return lock;
	if (unlinkat(s->images, file.s, 0) < 0) {
		if (errno != ENOENT)
			return err_sys(e, "remove image \"%s\"", ref->s);
		(void)err_set(e, ENOENT, "image \"%s\": no such image", ref->s);
		return err_hint(e, "see `jail image list`");
	}
	if (fsync(s->images) < 0)
		return err_sys(e, "remove image \"%s\"", ref->s);
	return 0;
}
