/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the room images/. */
#ifndef JAIL_IMAGES_STORE_PRIV_H
#define JAIL_IMAGES_STORE_PRIV_H

#include <limits.h>

#include "images/store.h"
#include "images/unpack_proto.h"

/*
 * The store's lock guards the few renames that make a layer and its name appear or vanish together.
 * It is never held while an archive is read (row 51).
 */
int store_lock(const struct image_store *s, struct err *e);

/* File of an image in images/: "debian%3a12.json". */
struct store_file {
	char s[NAME_MAX + 1];
};
int store_file_name(const struct image_ref *ref, struct store_file *ret, struct err *e);

/* Directory of a store as a path, for messages: what /proc says, or "the image store". */
struct store_path {
	char s[PATH_MAX];
};
void store_fd_path(int fd, struct store_path *ret);

/* JSON of an image as it is stored, and back. file: the source's name in errors. */
int image_file_write(int dir, const struct image *image, struct err *e);
int image_file_parse(const char *file, const char *text, size_t n, struct image *ret,
		     struct err *e);
/* configs/HEX.json, if it is not there. Under the lock. */
int store_config_write(const struct image_store *s, const struct digest *config, const char *text,
		       size_t n, struct err *e);

/* layer.json */
int layer_file_write(int dir, const struct digest *layer, const struct unpack_result *result,
		     struct err *e);

/* A staging directory, staging/ID: made, and held by a flock(2) on itself while it is in use. */
struct staging {
	int dir; /* holds the lock */
	char id[40];
};
#define STAGING_INIT ((struct staging){ .dir = -EBADF })
int staging_make(const struct image_store *s, struct staging *ret, struct err *e);
/* Return: 1 and *ret: it was nobody's and is ours now; 0 in use or gone; negative. */
int staging_adopt(const struct image_store *s, const char *id, struct staging *ret, struct err *e);
/* Removes it with all that is in it, if it still is in staging/. */
int staging_remove(const struct image_store *s, struct staging *st, struct err *e);

#endif
