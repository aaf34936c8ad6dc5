/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents that real tools wrote, shortened: the seeds of the fuzzers. */
#ifndef JAIL_TESTS_IMAGES_DOCS_H
#define JAIL_TESTS_IMAGES_DOCS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/fd.h"
#include "images/manifest.h"

/* Pieces of documents. */
#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

#define BLOB(type, hex) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" hex "\",\"size\":7"
#define IMAGE(hex) BLOB(OCI "manifest.v1+json", hex)

static inline char *docs_read(const char *name, size_t *ret_n)
{
	char path[256], *text = NULL;
	int fd;

	assert_true(str_format(path, sizeof(path), "tests/fuzz/corpus/%s", name) > 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_all(fd, MANIFEST_BYTES_MAX, &text, ret_n) < 0)
		fail_msg("%s: cannot be read; run the test at the top of the tree", path);
	(void)close(fd);
	return text;
}

/* The refusal is this one, with position. */
static inline void docs_refused(const char *text, int r, const struct err *e, int code,
				const char *words)
{
	if (r != -code || e->code != code || !strstr(e->text, words) || !str_starts(e->text, "f:"))
		fail_msg("%.300s: %d, \"%s\"; expected %d, \"%s\"", text, r, e->text, -code, words);
}

#endif
