/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of its own for each test, removed afterwards. */
#ifndef JAIL_TESTS_UNIT_BASE_TMPDIR_H
#define JAIL_TESTS_UNIT_BASE_TMPDIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"

struct tmpdir {
	char path[64];
	int fd;
};

static inline int tmpdir_make(void **state)
{
	struct tmpdir *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	(void)snprintf(t->path, sizeof(t->path), "/tmp/jail-unit-XXXXXX");
	assert_non_null(mkdtemp(t->path));
	t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->fd >= 0);
	*state = t;
	return 0;
}

static inline int tmpdir_drop(void **state)
{
	struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	CLEANUP_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)close(t->fd);
	assert_int_equal(path_remove_tree(tmp, t->path + strlen("/tmp/"), &e), 0);
	free(t);
	return 0;
}

/* Writes a file by plain means, so that what is tested does not test itself. */
static inline void tmpdir_put(int dir, const char *name, const char *text)
{
	CLEANUP_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline bool tmpdir_exists(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

#define TMPDIR_TEST(fn) cmocka_unit_test_setup_teardown(fn, tmpdir_make, tmpdir_drop)

#endif
