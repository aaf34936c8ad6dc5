/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sha256 of what is in memory, as a struct digest. */
#ifndef JAIL_IMAGES_DIGEST_H
#define JAIL_IMAGES_DIGEST_H

#include "base/ident.h"
#include "base/str.h"

/* The 32 bytes of a sha256. */
void digest_from_bytes(const uint8_t sha256[static 32], struct digest *ret);
/* Of a blob; sha512: the 64 bytes of one, else the 32 of a sha256. */
void blob_digest_from_bytes(const uint8_t *sum, bool sha512, struct blob_digest *ret);
/* By the same function as `like`. */
void blob_digest_of(const void *data, size_t n, const struct blob_digest *like,
		    struct blob_digest *ret);
static inline bool blob_digest_is_sha512(const struct blob_digest *d)
{
	return str_starts(d->s, "sha512:");
}
void digest_of(const void *data, size_t n, struct digest *ret);
static inline bool digest_is_set(const struct digest *d)
{
	return d->hex[0] != '\0';
}

#endif
