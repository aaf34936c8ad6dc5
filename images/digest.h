/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sha256 of what is in memory, as a struct digest. */
#ifndef JAIL_IMAGES_DIGEST_H
#define JAIL_IMAGES_DIGEST_H

#include "base/ident.h"

/* The 32 bytes of a sha256. */
void digest_from_bytes(const uint8_t sha256[static 32], struct digest *ret);
void digest_of(const void *data, size_t n, struct digest *ret);
static inline bool digest_is_set(const struct digest *d)
{
	return d->hex[0] != '\0';
}

#endif
