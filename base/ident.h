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

/* Of a blob, as documents of images have it: "sha256:" and 64 digits, or "sha512:" and 128. */
struct blob_digest {
	char s[sizeof("sha512:") + 128];
};

int blob_digest_parse(const char *text, struct blob_digest *ret, struct err *e);
/* The digits. */
static inline const char *blob_digest_hex(const char *text)
{
	return text + sizeof("sha256:") - 1;
}

/*
 * An image reference (image_ref.c), as docker and OCI have it: [HOST[:PORT]/]PATH[:TAG][@DIGEST].
 *
 *     HOST     names of A-Z, a-z, 0-9 and '-' inside, joined by '.', or an IPv6 address in
 * brackets; PORT 1 to 65535 PATH     components [a-z0-9]+(([.]|_{1,2}|-+)[a-z0-9]+)* joined by '/'
 *     TAG      [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}; "latest" where there is neither tag nor digest
 *     DIGEST   as struct blob_digest
 *
 * Held in full form, "debian:12". It is a name: nothing is resolved, no host is added.
 */
struct image_ref {
	char s[LIMIT_IMAGE_REF_LEN + 1];
};

int image_ref_parse(const char *text, struct image_ref *ret, struct err *e);
/* How much of it precedes the digest, and how much the tag. */
size_t image_ref_tagged_len(const struct image_ref *ref);
size_t image_ref_name_len(const struct image_ref *ref);
bool image_ref_has_tag(const struct image_ref *ref);
/* The file name that stands for the reference in a directory: '/' as "%2f", ':' as "%3a", and so
 * on. out: 3 * len + 1. */
struct image_file {
	char s[3 * LIMIT_IMAGE_REF_LEN + 1];
};
void image_ref_to_file(const struct image_ref *ref, struct image_file *ret);
int image_ref_from_file(const char *file, struct image_ref *ret, struct err *e);

/* Edit distance with a bound, for "did you mean". Return: index of the nearest of n words, or -1.
 */
int ident_nearest(const char *word, const char *const *words, size_t n);

#endif
