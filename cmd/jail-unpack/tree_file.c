/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that come into a tree which is in use (jail cp): each is written under a name of its own,
 * and takes its place by one rename when it is whole. Whoever ends us half-way finds the old file.
 */
#include <fcntl.h>
#include <sys/random.h>

#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "cmd/jail-unpack/tree_priv.h"

int tree_write(int fd, const void *data, size_t n, off_t at, struct err *e)
{
	const uint8_t *p = data;

	while (n > 0) {
		ssize_t w = pwrite(fd, p, n, at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "write");
		p += w;
		n -= (size_t)w;
		at += w;
	}
	return 0;
}

int tree_begin_file(struct tree *t, const struct entry_name *name, struct err *e)
{
	uint64_t random;
	int fd, r = tree_enter_parent(t, name, e);

	if (r < 0)
		return r;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, "random name");
	(void)str_format(t->temp, sizeof(t->temp), TREE_TEMP_PREFIX "%016llx",
			 (unsigned long long)random);
	fd = path_open_beneath(tree_top(t), t->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
			       0600);
	if (fd < 0) {
		t->temp[0] = '\0';
		return err_ret(e, fd, "make file");
	}
	return fd;
}

int tree_place_file(struct tree *t, const struct entry_name *name, struct err *e)
{
	int dir = tree_top(t);

	if (sys_renameat2(dir, t->temp, dir, tree_last(name), 0) < 0) {
		if (errno == EISDIR)
			return err_set(e, EISDIR,
				       "a directory of that name is there, and is not replaced by "
				       "a file");
		return err_sys(e, "put the file in its place");
	}
	t->temp[0] = '\0';
	return 0;
}

void tree_drop_file(struct tree *t)
{
	if (t->temp[0] && t->n > 0)
		(void)unlinkat(tree_top(t), t->temp, 0);
	t->temp[0] = '\0';
}
