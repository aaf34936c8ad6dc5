/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/digest.h"

#include <nettle/sha2.h>

void digest_from_bytes(const uint8_t sha256[static 32], struct digest *ret)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		ret->hex[2 * i] = hex[sha256[i] >> 4];
		ret->hex[2 * i + 1] = hex[sha256[i] & 15];
	}
	ret->hex[64] = '\0';
}

void digest_of(const void *data, size_t n, struct digest *ret)
{
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, n, data);
	sha256_digest(&ctx, sizeof(sum), sum);
	digest_from_bytes(sum, ret);
}
