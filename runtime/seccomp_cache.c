/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled programs by content: HEX.bpf, where HEX is the sha256 of all that decides what the
 * program is. A file is a header and the instructions; a cut, damaged or foreign one counts as
 * missing and is written anew. The directory is the runtime's own (root, 0700): the checksum is
 * against damage, not against forgery.
 */
#include <endian.h>
#include <nettle/sha2.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "runtime/seccomp_priv.h"

#define CACHE_MAGIC "JAILBPF\n"
#define CACHE_VERSION 2 /* of this format and of what the compiler makes of a profile */

struct cache_header {
	char magic[8];
	uint32_t version;
	uint32_t n; /* instructions */
	uint32_t flags;
	uint32_t notifies;
	uint8_t sha256[SHA256_DIGEST_SIZE]; /* of the instructions, then of the header before it */
};

static void checksum(const struct cache_header *h, const struct sock_filter *filter, size_t n,
		     uint8_t ret[static SHA256_DIGEST_SIZE])
{
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, n * sizeof(*filter), (const uint8_t *)filter);
	sha256_update(&sha, offsetof(struct cache_header, sha256), (const uint8_t *)h);
	sha256_digest(&sha, SHA256_DIGEST_SIZE, ret);
}

void seccomp_cache_key(const char *text, size_t n, const struct seccomp_target *target,
		       struct digest *ret)
{
	const struct scmp_version *library = seccomp_version();
	const uint64_t fixed[] = {
		CACHE_VERSION,
		library ? library->major : 0,
		library ? library->minor : 0,
		library ? library->micro : 0,
		target->arch,
		target->kernel_major,
		target->kernel_minor,
		target->capabilities,
		n,
	};
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, sizeof(fixed), (const uint8_t *)fixed);
	sha256_update(&sha, n, (const uint8_t *)text);
	sha256_digest(&sha, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++) {
		ret->hex[2 * i] = "0123456789abcdef"[sum[i] >> 4];
		ret->hex[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
	}
	ret->hex[2 * sizeof(sum)] = '\0';
}

static void file_name(const struct digest *key, char ret[static 80])
{
	(void)str_format(ret, 80, "%s.bpf", key->hex);
}

static bool is_whole(const struct cache_header *h, const char *text, size_t len)
{
	uint8_t sum[SHA256_DIGEST_SIZE];

	if (memcmp(h->magic, CACHE_MAGIC, sizeof(h->magic)) != 0 || h->version != CACHE_VERSION ||
	    h->n == 0 || h->n > BPF_MAXINSNS ||
	    len != sizeof(*h) + h->n * sizeof(struct sock_filter))
		return false;
	checksum(h, (const struct sock_filter *)(const void *)(text + sizeof(*h)), h->n, sum);
	return memcmp(sum, h->sha256, sizeof(sum)) == 0;
}

int seccomp_cache_read(int dir, const struct digest *key, struct seccomp_program *ret)
{
	CLEANUP_FREE char *text = NULL;
	struct err ignored = ERR_INIT;
	struct cache_header h;
	char name[80];
	size_t len;

	file_name(key, name);
	if (file_read_at(dir, name, sizeof(h) + BPF_MAXINSNS * sizeof(*ret->filter), &text, &len,
			 &ignored) < 0 ||
	    len < sizeof(h))
		return 0;
	memcpy(&h, text, sizeof(h));
	if (!is_whole(&h, text, len))
		return 0;
	/* The buffer becomes the program. */
	memmove(text, text + sizeof(h), h.n * sizeof(*ret->filter));
	*ret = (struct seccomp_program){
		.filter = (struct sock_filter *)(void *)TAKE_PTR(text),
		.n = h.n,
		.flags = h.flags,
		.notifies = h.notifies,
	};
	return 1;
}

int seccomp_cache_write(int dir, const struct digest *key, const struct seccomp_program *program,
			struct err *e)
{
	CLEANUP_STRBUF struct strbuf file = STRBUF_INIT;
	struct cache_header h = {
		.magic = CACHE_MAGIC,
		.version = CACHE_VERSION,
		.n = (uint32_t)program->n,
		.flags = program->flags,
		.notifies = program->notifies,
	};
	char name[80];
	int r;

	checksum(&h, program->filter, program->n, h.sha256);
	strbuf_add(&file, &h, sizeof(h));
	strbuf_add(&file, program->filter, program->n * sizeof(*program->filter));
	r = strbuf_ok(&file, e);
	if (r < 0)
		return r;
	file_name(key, name);
	return file_write_at(dir, name, file.data, file.len, 0600, FILE_NOSYNC, e);
}
