/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target for the reader of split files (images/split.h): its own file, but written by a
 * process that parsed a stranger's archive. The input is the uncompressed records (zstd's frames
 * would keep nearly everything else out; bytes 0xff cut it into frames), a tree has some files of
 * the names that records like to use.
 *
 * Properties: whatever it is, it ends; what was read to the end has as many bytes as split_size()
 * says, twice the same.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "images/split.h"

#define FUZZ_MAX (64u << 10)
#define FUZZ_OUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

static int fuzz_count(const void *data, size_t n, void *arg, struct err *e)
{
	uint64_t *total = arg;

	(void)data;
	*total += n;
	/* Sizes are what the input likes. */
	return *total > FUZZ_OUT_MAX ? err_set(e, EFBIG, "enough") : 0;
}

static int fuzz_lost(const char *name, const struct err *why, void *arg, struct err *e)
{
	(void)why;
	(void)arg;
	(void)e;
	fuzz_require(name[0] != '/' && strlen(name) <= 4096);
	return 0;
}

static int fuzz_changed(const char *name, void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	fuzz_require(name[0] != '/' && name[0] != '\0' && strlen(name) <= 4096);
	return 0;
}

static char fuzz_path[] = "/tmp/jail-split-fuzz-XXXXXX";
static int tree = -1;

static void fuzz_clean(void)
{
	for (const char *name = "abc"; *name; name++)
		(void)unlinkat(tree, (const char[2]){ *name }, 0);
	(void)rmdir(fuzz_path);
}

static int fuzz_tree(void)
{
	if (tree >= 0)
		return tree;
	fuzz_require(mkdtemp(fuzz_path) != NULL && atexit(fuzz_clean) == 0);
	tree = open(fuzz_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (const char *name = "abc"; *name; name++) {
		const char one[2] = { *name };
		CLEANUP_FD int fd = openat(tree, one, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		fuzz_require(write(fd, "0123456789", (size_t)(*name - 'a') + 1) > 0);
	}
	return tree;
}

/* Each frame is what stands between two bytes 0xff. */
static void fuzz_write(int fd, const uint8_t *data, size_t size)
{
	static uint8_t out[2 * FUZZ_MAX];

	fuzz_require(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	while (size > 0) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t n = end ? (size_t)(end - data) : size;
		size_t packed = ZSTD_compress(out, sizeof(out), data, n, 1);

		fuzz_require(!ZSTD_isError(packed) && write(fd, out, packed) == (ssize_t)packed);
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	uint64_t first = 0, second = 0, lost = 0, said = 0;
	const struct split_output out = { fuzz_count, NULL, NULL, fuzz_changed, &first };
	const struct split_output lossy = { fuzz_count, NULL, fuzz_lost, NULL, &lost };
	const struct split_output again = { fuzz_count, NULL, fuzz_lost, NULL, &second };
	struct split_input in;
	struct err e = ERR_INIT;
	int r;

	if (size > FUZZ_MAX)
		return 0;
	if (fd < 0)
		fd = memfd_create("split", MFD_CLOEXEC);
	in = SPLIT_INPUT_HERE(fd);
	fuzz_write(fd, data, size);
	r = split_stream(&in, fuzz_tree(), &out, &e);
	fuzz_require(r == 0 || ((r == -EBADMSG || r == -EFBIG) && e.code == -r && e.text[0]));
	e = ERR_INIT;
	fuzz_require(split_stream(&in, fuzz_tree(), &lossy, &e) == 0 || e.code > 0);
	e = ERR_INIT;
	if (r == 0) {
		fuzz_require(split_size(&in, &said, &e) == 0 && said == first);
		fuzz_require(split_stream(&in, fuzz_tree(), &again, &e) == 0 && second == first);
	}
	return 0;
}
