/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/path.h"
#include "images/import_priv.h"

int opaque_note(struct opaque_list *l, const struct unpack_opaque *said, struct err *e)
{
	const char *end = memchr(said->name, '\0', sizeof(said->name));
	size_t n = end ? (size_t)(end - said->name) + 1 : 0;

	if (!end)
		return err_set(e, EPROTO, "jail-unpack said something unknown");
	if (n > OPAQUE_BYTES_MAX - l->names.len)
		return err_set(e, E2BIG,
			       "limit exceeded: the names of its opaque directories are more than "
			       "%zu bytes",
			       OPAQUE_BYTES_MAX);
	strbuf_add(&l->names, said->name, n);
	return strbuf_ok(&l->names, e);
}

static int opaque_mark(int tree, const char *name, struct err *e)
{
	CLEANUP_FD int fd =
		path_open_beneath(tree, name[0] ? name : ".", O_RDONLY | O_DIRECTORY, 0);

	/* A later member has taken its place, and hides by itself what is below. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return err_ret(e, fd, "open directory %.300s", name);
	if (fsetxattr(fd, STORE_OPAQUE_XATTR, "y", 1, 0) < 0) {
		(void)err_sys(e, "make directory %.300s opaque", name);
		return err_hint(e,
				"the image store's file system must support extended attributes");
	}
	return 1;
}

int opaque_apply(const struct opaque_list *l, int tree, struct err *e)
{
	int changed = 0;

	for (size_t at = 0; at < l->names.len; at += strlen(l->names.data + at) + 1) {
		int r = opaque_mark(tree, l->names.data + at, e);

		if (r < 0)
			return r;
		changed |= r;
	}
	return changed;
}

void opaque_free(struct opaque_list *l)
{
	strbuf_free(&l->names);
}
