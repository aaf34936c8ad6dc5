/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/digest.h"

#include <nettle/sha2.h>

static void digest_hex(const uint8_t *sum, size_t n, char *ret)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = hex[sum[i] >> 4];
		ret[2 * i + 1] = hex[sum[i] & 15];
	}
	ret[2 * n] = '\0';
}

void digest_from_bytes(const uint8_t sha256[static 32], struct digest *ret)
{
	digest_hex(sha256, SHA256_DIGEST_SIZE, ret->hex);
}

void blob_digest_from_bytes(const uint8_t *sum, bool sha512, struct blob_digest *ret)
{
	(void)str_format(ret->s, sizeof(ret->s), sha512 ? "sha512:" : "sha256:"); /* fits */
	digest_hex(sum, sha512 ? SHA512_DIGEST_SIZE : SHA256_DIGEST_SIZE, ret->s + strlen(ret->s));
}

void blob_digest_of(const void *data, size_t n, const struct blob_digest *like,
		    struct blob_digest *ret)
{
	uint8_t sum[SHA512_DIGEST_SIZE];
	struct sha512_ctx ctx512;
	struct sha256_ctx ctx;
	bool sha512 = blob_digest_is_sha512(like);

	if (sha512) {
		sha512_init(&ctx512);
		sha512_update(&ctx512, n, data);
		sha512_digest(&ctx512, SHA512_DIGEST_SIZE, sum);
	} else {
		sha256_init(&ctx);
		sha256_update(&ctx, n, data);
		sha256_digest(&ctx, SHA256_DIGEST_SIZE, sum);
	}
	blob_digest_from_bytes(sum, sha512, ret);
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
