/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fuzzers share: a property that must hold, an input that is taken apart, and a directory for
 * parsers that read files.
 */
#ifndef JAIL_TESTS_FUZZ_FUZZ_H
#define JAIL_TESTS_FUZZ_FUZZ_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unused here or there. */
#define FUZZ_HELPER __attribute__((unused)) static inline

FUZZ_HELPER void fuzz_require(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* A failure has a code and a text, a success neither. Return: whether it is a success. */
FUZZ_HELPER bool fuzz_judged(int r, const struct err *e)
{
	fuzz_require(r < 0 ? e->code == -r && e->text[0] != '\0' : e->code == 0,
		     "an error for a failure, and only then");
	return r >= 0;
}

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* 0 when there is no more. */
FUZZ_HELPER unsigned fuzz_byte(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

FUZZ_HELPER unsigned fuzz_u16(struct fuzz_input *in)
{
	unsigned low = fuzz_byte(in);

	return low | fuzz_byte(in) << 8;
}

/* A length of two bytes, then as many (or what is left; at most max). Return: how many. */
FUZZ_HELPER size_t fuzz_piece(struct fuzz_input *in, size_t max, const uint8_t **ret)
{
	size_t n = fuzz_u16(in);

	n = n < in->left ? n : in->left;
	n = n < max ? n : max;
	*ret = in->at;
	in->at += n;
	in->left -= n;
	return n;
}

/* A directory of this process, empty at first; what fuzz_put() made goes with it. */
static char fuzz_path[] = "/tmp/jail-fuzz-XXXXXX";
static int fuzz_dir_fd = -EBADF;

FUZZ_HELPER void fuzz_dir_remove(void)
{
	CLEANUP_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err ignored = ERR_INIT;

	(void)path_remove_tree(tmp, fuzz_path + strlen("/tmp/"), &ignored);
}

FUZZ_HELPER int fuzz_dir(void)
{
	if (fuzz_dir_fd >= 0)
		return fuzz_dir_fd;
	fuzz_require(mkdtemp(fuzz_path) && atexit(fuzz_dir_remove) == 0, "a directory");
	fuzz_dir_fd = open(fuzz_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fuzz_dir_fd;
}

FUZZ_HELPER void fuzz_put(int dir, const char *name, const void *data, size_t n)
{
	CLEANUP_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_require(fd >= 0 && fd_write_all(fd, data, n) >= 0, "a file is written");
}

/* *ret: of the caller, NUL-terminated. Return: its length. */
FUZZ_HELPER size_t fuzz_get(int dir, const char *name, char **ret)
{
	CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	fuzz_require(fd >= 0 && fd_read_all(fd, 8u << 20, ret, &n) >= 0, "a file is read");
	return n;
}

/* What a person gets to see: no byte of it steers a terminal (rows 80, 81). */
FUZZ_HELPER void fuzz_harmless(const char *text, size_t n, bool one_line)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		fuzz_require((c >= 0x20 && c != 0x7f) || (!one_line && (c == '\n' || c == '\t')),
			     "no control character");
	}
}

/* A kind of file that is kept: `again` reads it, and writes what it has read in its place. */
struct fuzz_record {
	char letter; /* how an input begins that is about it */
	const char *name;
	int (*again)(int dir, struct err *e);
};
/* What is accepted has been written again: to read and write that once more changes nothing. */
FUZZ_HELPER void fuzz_record(const struct fuzz_record *r, const uint8_t *data, size_t n)
{
	CLEANUP_FREE char *first = NULL, *second = NULL;
	struct err e = ERR_INIT;

	fuzz_put(fuzz_dir(), r->name, data, n);
	if (!fuzz_judged(r->again(fuzz_dir(), &e), &e))
		return;
	(void)fuzz_get(fuzz_dir(), r->name, &first);
	fuzz_require(r->again(fuzz_dir(), &e) == 0, "what was written is read");
	(void)fuzz_get(fuzz_dir(), r->name, &second);
	fuzz_require(str_eq(first, second), "what was read is something else");
}

#endif
