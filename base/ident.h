/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identifiers that come from outside and become path components, parsed once into types that cannot
 * hold a bad value (rows 43, 65 of docs/security.md). Functions that touch files take these
 * structs, never a char pointer.
 */
#ifndef JAIL_BASE_IDENT_H
#define JAIL_BASE_IDENT_H

#include "base/err.h"
#include "base/limits.h"

/* [a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?, no "..": an instance, network or tenant name. */
struct jail_name {
	char s[LIMIT_NAME_LEN + 1];
};

/* Return: 0, -EINVAL with the reason ("name "a/b": character '/' is not allowed ..."). `kind`:
 * "instance", ... */
int name_parse(const char *kind, const char *text, struct jail_name *ret, struct err *e);

/* A lower-case sha256 in hex, 64 digits; text form "sha256:<hex>". */
struct digest {
	char hex[65];
};

int digest_parse(const char *text, struct digest *ret, struct err *e);

/*
 * An image reference: name[:tag], name = path of components [a-z0-9]+([._-][a-z0-9]+)* joined by
 * '/', tag = [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}, default "latest". Held in full form "debian:12".
 */
struct image_ref {
	char s[LIMIT_IMAGE_REF_LEN + 1];
};

int image_ref_parse(const char *text, struct image_ref *ret, struct err *e);
/* The file name that stands for the reference in a directory: '/' as "%2f", ':' as "%3a". out: 3 *
 * len + 1. */
struct image_file {
	char s[3 * LIMIT_IMAGE_REF_LEN + 1];
};
void image_ref_to_file(const struct image_ref *ref, struct image_file *ret);
int image_ref_from_file(const char *file, struct image_ref *ret, struct err *e);

/* Edit distance with a bound, for "did you mean". Return: index of the nearest of n words, or -1.
 */
int ident_nearest(const char *word, const char *const *words, size_t n);

#endif
