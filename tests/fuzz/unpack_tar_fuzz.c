/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target for the tar watch beside libarchive, as jail-unpack runs them. Build and run
 *from the top of the tree:
 *
 *	clang -std=gnu17 -D_GNU_SOURCE -I. -g -O1 -fsanitize=fuzzer,address,undefined \
 *		-o unpack_tar_fuzz tests/fuzz/unpack_tar_fuzz.c -larchive &&
 *		./unpack_tar_fuzz -max_total_time=60
 *
 * Properties: how the stream is cut into pieces changes nothing; when all members of an archive
 *pass the watch, then the end does not lie behind the stream, and each begins after the last.
 * Checksums are put right first, or nearly no input would get past libarchive's.
 */
/* clang-format off: in the order of dependency */
#include "base/err.c"
#include "base/str.c"
#include "images/tarwatch.c"
/* clang-format on */

#include <archive.h>
#include <archive_entry.h>

#define FUZZ_MAX (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

static void fuzz_checksums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + TARWATCH_BLOCK <= size; at += TARWATCH_BLOCK) {
		uint8_t *h = data + at;
		unsigned sum = 0;

		if (h[0] == 0 || h[257] != 'u')
			continue;
		memset(h + 148, ' ', 8);
		for (size_t i = 0; i < TARWATCH_BLOCK; i++)
			sum += h[i];
		(void)snprintf((char *)h + 148, 8, "%06o", sum);
	}
}

static void fuzz_pieces(const uint8_t *data, size_t size)
{
	static struct tarwatch whole, cut;

	tarwatch_init(&whole);
	tarwatch_init(&cut);
	tarwatch_feed(&whole, data, size);
	for (size_t at = 0, n = 1; at < size; at += n, n = n * 3 % 1021 + 1) {
		tarwatch_feed(&cut, data + at, size - at < n ? size - at : n);
		fuzz_require(tarwatch_settled(&cut) <= cut.offset ||
			     tarwatch_settled(&cut) == UINT64_MAX);
	}
	fuzz_require(whole.ended == cut.ended && whole.stopped.code == cut.stopped.code);
	fuzz_require(whole.queue_n == cut.queue_n && whole.stopped_at == cut.stopped_at);
	fuzz_require(memcmp(whole.queue, cut.queue, whole.queue_n * sizeof(*cut.queue)) == 0);
	tarwatch_free(&whole);
	tarwatch_free(&cut);
}

static void fuzz_both(struct archive *a, uint8_t *data, size_t size)
{
	static struct tarwatch w;
	struct archive_entry *entry;
	struct err e = ERR_INIT;
	uint64_t last = 0;
	bool agreed = true, any = false;
	int r;

	tarwatch_init(&w);
	tarwatch_feed(&w, data, size);
	(void)archive_read_support_format_tar(a);
	if (archive_read_open_memory(a, data, size) == ARCHIVE_OK) {
		while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK && agreed) {
			uint64_t at = (uint64_t)archive_read_header_position(a);

			agreed = tarwatch_member(&w, at, &e) == 0;
			fuzz_require(!agreed || !any || at > last);
			fuzz_require(!agreed || at + TARWATCH_BLOCK <= size);
			last = at;
			any = true;
		}
		if (agreed && r == ARCHIVE_EOF && tarwatch_end(&w, &e) == 0)
			fuzz_require(w.offset <= size && w.skip == 0);
	}
	tarwatch_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[FUZZ_MAX];
	struct archive *a;

	if (size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	fuzz_checksums(copy, size);
	fuzz_pieces(copy, size);
	a = archive_read_new();
	if (a) {
		fuzz_both(a, copy, size);
		(void)archive_read_free(a);
	}
	return 0;
}
