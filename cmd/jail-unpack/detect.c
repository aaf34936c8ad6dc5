/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Root file system, or archive of images? What the first file is called only says what it can't be:
 * "sha256:HEX", "config.json", "blobs/sha256/HEX" may be files of a root file system as well. So
 * everything is unpacked as one, until a document at the top says that it describes images, by name
 * and by content; then what is there of such an archive moves into the flat directory, the rest
 * goes, and the members to come are taken as its.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/jail-unpack/tree_priv.h"
#include "cmd/jail-unpack/unpack.h"
#include "images/blobname.h"

#define DETECT_DEPTH 3 /* blobs/sha256/HEX */
#define DETECT_BYTES 65536

/* ---- into the flat directory ---- */

struct flatten {
	struct unpack *u;
	struct entry_name name; /* of where the walk is */
	size_t used; /* of name.bytes */
};

static int flatten_push(struct flatten *f, const char *component)
{
	size_t n = strlen(component) + 1;

	if (n > sizeof(f->name.bytes) - f->used)
		return -ENAMETOOLONG;
	f->name.at[f->name.n++] = (uint16_t)f->used;
	memcpy(f->name.bytes + f->used, component, n);
	f->used += n;
	return 0;
}

static void flatten_pop(struct flatten *f)
{
	f->used = f->name.at[--f->name.n];
}

static int flatten_file(struct flatten *f, int dir, const struct blob_name *flat, struct err *e)
{
	int root = f->u->tree.dirs[0].fd;

	/* A file of one component is called so already. */
	if (f->name.n == 1)
		return 0;
	if (renameat2(dir, tree_last(&f->name), root, flat->s, RENAME_NOREPLACE) < 0)
		return err_sys(e, "move %s", flat->s);
	return 0;
}

static int flatten_link(struct flatten *f, int dir, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, tree_last(&f->name), target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(e, "read link %s", tree_last(&f->name));
	target[n] = '\0';
	if (unlinkat(dir, tree_last(&f->name), 0) < 0)
		return err_sys(e, "replace link %s", tree_last(&f->name));
	f->u->name = f->name;
	return blobs_link(f->u, target, false, e);
}

static int flatten_dir(struct flatten *f, int dir, struct err *e);

/* NOLINTNEXTLINE(misc-no-recursion) */
static int flatten_entry(struct flatten *f, int dir, struct err *e)
{
	const char *last = tree_last(&f->name);
	struct blob_name flat;
	struct stat st;
	CLEANUP_FD int below = -EBADF;

	if (fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat %s", last);
	if (S_ISDIR(st.st_mode) && f->name.n < DETECT_DEPTH) {
		below = path_open_beneath(dir, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (below < 0)
			return err_ret(e, below, "open directory %s", last);
		if (flatten_dir(f, below, e) < 0)
			return -e->code;
	} else if (blob_name_hint(&f->name, false) == BLOB_HINT_ARCHIVE &&
		   blob_name_flat(&f->name, &flat) == 0) {
		if (S_ISREG(st.st_mode))
			return flatten_file(f, dir, &flat, e);
		if (S_ISLNK(st.st_mode))
			return flatten_link(f, dir, e);
	}
	/* No archive of images has it. What is in a directory has gone from it. */
	return f->name.n == 1 ? path_remove_tree(dir, last, e) : 0;
}

/* All names first: what is moved out and in meanwhile is not for readdir(3) to see. */
static int flatten_names(int dir, struct strv *ret, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(dir);
	struct dirent *ent;

	if (!d)
		return err_sys(e, "read directory");
	while ((errno = 0, ent = readdir(d)))
		if (!str_eq(ent->d_name, ".") && !str_eq(ent->d_name, "..") &&
		    strv_add(ret, ent->d_name) < 0)
			return err_nomem(e);
	return errno ? err_sys(e, "read directory") : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int flatten_dir(struct flatten *f, int dir, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r = flatten_names(dir, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (flatten_push(f, names.v[i]) < 0)
			continue;
		r = flatten_entry(f, dir, e);
		flatten_pop(f);
	}
	return r;
}

static int detect_archive(struct unpack *u, struct err *e)
{
	struct flatten f = { .u = u };

	/* The parents are left, with the times that they are to have: no matter. */
	if (tree_enter(&u->tree, &f.name, 0, e) < 0)
		return -e->code;
	u->mode = UNPACK_BLOBS;
	split_abandon(u);
	return flatten_dir(&f, u->tree.dirs[0].fd, e);
}

/* ---- what it is ---- */

/* A document at the top: manifest.json of `docker save` is a list, the others have a version. */
static bool detect_proves(struct unpack *u, const struct entry_name *name)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int fd = -EBADF;
	const char *p;
	ssize_t n;

	if (!blob_name_is_document(name))
		return false;
	fd = path_open_beneath(u->tree.dirs[0].fd, tree_last(name),
			       O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	text = fd < 0 ? NULL : malloc(DETECT_BYTES + 1);
	n = text ? pread(fd, text, DETECT_BYTES, 0) : -1;
	if (n < 0)
		return false;
	text[n] = '\0';
	p = text + strspn(text, " \t\r\n");
	return (*p == '[' && strstr(p, "\"Layers\"")) ||
	       (*p == '{' &&
		(strstr(p, "\"schemaVersion\"") || strstr(p, "\"imageLayoutVersion\"")));
}

static int detect_rootfs(struct unpack *u, struct err *e)
{
	u->mode = UNPACK_ROOTFS;
	if (u->limits.named)
		return 0;
	(void)err_set(e, EDESTADDRREQ, "this is a root file system, which has no name of its own");
	return err_hint(e, "give the image one with --name IMAGE[:TAG]");
}

int detect_member(struct unpack *u, struct archive *a, struct archive_entry *entry, struct err *e)
{
	struct entry_name name;
	enum blob_hint hint;
	int r = member_name(u, archive_entry_pathname(entry), e);

	if (r < 0)
		return r;
	name = u->name;
	hint = blob_name_hint(&name, archive_entry_filetype(entry) == AE_IFDIR);
	u->foreign |= hint == BLOB_HINT_NONE;
	if (hint == BLOB_HINT_NONE && !u->hinted)
		r = detect_rootfs(u, e);
	u->hinted |= hint == BLOB_HINT_ARCHIVE;
	if (r == 0)
		r = member_unpack(u, a, entry, e);
	return r == 0 && hint == BLOB_HINT_ARCHIVE && detect_proves(u, &name) ? detect_archive(u, e)
									      : r;
}

int detect_end(struct unpack *u, struct err *e)
{
	if (u->mode != UNPACK_AUTO)
		return 0;
	if (u->hinted && !u->foreign) {
		(void)err_set(
			e, EBADMSG,
			"it has the files of an archive of images, but neither oci-layout and "
			"index.json nor manifest.json");
		return err_hint(e, "if it is a root file system, say so with --format rootfs");
	}
	return detect_rootfs(u, e);
}
