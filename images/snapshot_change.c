/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How snapshots come and go; see snapshot.h for what a crash leaves. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/path.h"
#include "base/sys.h"
#include "images/disk.h"
#include "images/snapshot_priv.h"
#include "images/treecopy.h"

int snapshot_parent_set(int fd, const struct snapshot_id *parent, struct err *e)
{
	int r = parent->s[0] ? fsetxattr(fd, SNAPSHOT_PARENT_XATTR, parent->s, SNAPSHOT_ID_LEN, 0)
			     : fremovexattr(fd, SNAPSHOT_PARENT_XATTR);

	if (r < 0 && (parent->s[0] || errno != ENODATA))
		return err_sys(e, "set " SNAPSHOT_PARENT_XATTR);
	return 0;
}

int snapshots_prepare(struct snapshots *s, uint32_t project, struct err *e)
{
	int r;

	/* An empty one may have been made by who was killed then. */
	if (s->n > 0)
		return 0;
	fd_reset(&s->dir);
	s->dir = path_make_dir_at(s->holder, SNAPSHOT_DIR, 0700, e);
	if (s->dir < 0)
		return s->dir;
	/* Or what is renamed would change its project, which is refused, and not count any more. */
	r = project ? disk_project_put(s->holder, SNAPSHOT_DIR, project, e) : 0;
	return r < 0 ? r : fsync(s->holder) < 0 ? err_sys(e, "sync") : 0;
}

int snapshot_entry_make(const struct snapshots *s, struct snapshot_id *ret, struct err *e)
{
	uint8_t bytes[SNAPSHOT_ID_LEN / 2];
	struct snapshot_id id;
	int fd;

	if (s->n >= SNAPSHOTS_MAX) {
		(void)err_set(e, E2BIG, "there are %zu snapshots already; at most %d", s->n,
			      SNAPSHOTS_MAX);
		return err_hint(e, "remove some");
	}
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(e, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(id.s + 2 * i, 3, "%02x", bytes[i]);
	if (mkdirat(s->dir, id.s, 0700) < 0)
		return err_sys(e, "make " SNAPSHOT_DIR "/%s", id.s);
	fd = path_open_beneath(s->dir, id.s, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_ret(e, fd, "open " SNAPSHOT_DIR "/%s", id.s);
	*ret = id;
	return fd;
}

int snapshot_record_write(int entry, const struct snapshot *what, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, true);
	snapshot_write(what, &o);
	strbuf_addc(&b, '\n');
	r = strbuf_ok(&b, e);
	return r < 0 ? r : file_write_at(entry, SNAPSHOT_FILE, b.data, b.len, 0600, FILE_SYNC, e);
}

/* ID/fs, empty, with the attributes of the root that `like` is, standing on `parent`. */
static int upper_make(int entry, int like, const struct snapshot_id *parent, struct err *e)
{
	CLEANUP_FD int fs = path_make_dir_at(entry, "fs", 0700, e);
	const struct tree_shift none = { 0 };
	int r;

	if (fs < 0)
		return fs;
	if ((r = snapshot_parent_set(fs, parent, e)) < 0 ||
	    (r = tree_copy_root(like, fs, &none, e)) < 0)
		return r;
	return fsync(fs) < 0 || fsync(entry) < 0 ? err_sys(e, "sync") : 0;
}

/* The moment that counts. */
static int upper_exchange(const struct snapshots *s, int entry, const char *id, struct err *e)
{
	if (fsync(s->dir) < 0)
		return err_sys(e, "sync");
	if (sys_renameat2(s->holder, s->live, entry, "fs", RENAME_EXCHANGE) < 0) {
		(void)err_sys(e, "exchange %s and " SNAPSHOT_DIR "/%s/fs", s->live, id);
		return err_hint(e, "the file system of the state directory must be able to "
				   "exchange files, as ext4, XFS and Btrfs are");
	}
	return fsync(s->holder) < 0 || fsync(entry) < 0 ? err_sys(e, "sync") : 0;
}

int snapshots_move(const struct snapshots *s, const struct snapshot *what, struct err *e)
{
	CLEANUP_FD int upper = path_open_beneath(s->holder, "upper", O_RDONLY | O_DIRECTORY, 0);
	CLEANUP_FD int entry = -EBADF;
	struct snapshot_id id;
	int r;

	if (upper < 0)
		return err_ret(e, upper, "open the instance's own files");
	entry = snapshot_entry_make(s, &id, e);
	if (entry < 0)
		return entry;
	/* In this order: an "fs" with a name that doesn't say yet on what it stands would be a
	 * snapshot, of nothing. */
	if ((r = upper_make(entry, upper, &id, e)) < 0 ||
	    (r = snapshot_record_write(entry, what, e)) < 0)
		return r;
	return upper_exchange(s, entry, id.s, e);
}

int snapshots_open_fs(const struct snapshots *s, const struct snapshot_id *id, struct err *e)
{
	char path[SNAPSHOT_PATH_MAX];
	int fd;

	snapshot_path(id, path);
	fd = path_open_beneath(s->dir, path, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? err_ret(e, fd, "open " SNAPSHOT_DIR "/%s", path) : fd;
}

int snapshots_roll_back(const struct snapshots *s, const struct snapshot *to, struct err *e)
{
	CLEANUP_FD int fs = snapshots_open_fs(s, &to->id, e), entry = -EBADF;
	struct snapshot_id id;
	int r;

	if (fs < 0)
		return fs;
	entry = snapshot_entry_make(s, &id, e);
	if (entry < 0)
		return entry;
	r = upper_make(entry, fs, &to->id, e);
	return r < 0 ? r : upper_exchange(s, entry, id.s, e);
}

int snapshot_entry_make_fs(const struct snapshots *s, const struct snapshot_id *parent,
			   struct snapshot_id *ret, struct err *e)
{
	CLEANUP_FD int entry = snapshot_entry_make(s, ret, e), fs = -EBADF;
	int r;

	if (entry < 0)
		return entry;
	fs = path_make_dir_at(entry, "fs", 0700, e);
	if (fs < 0)
		return fs;
	r = snapshot_parent_set(fs, parent ? parent : ret, e);
	return r < 0 ? r : TAKE_FD(entry);
}

int snapshots_copy_begin(const struct snapshots *s, struct snapshot *what, struct err *e)
{
	return snapshot_entry_make_fs(s, NULL, &what->id, e);
}

/* end_copy() removes ID/links. */
static int copy_into(int entry, int from, struct err *e)
{
	CLEANUP_FD int fs = path_open_beneath(entry, "fs", O_RDONLY | O_DIRECTORY, 0);
	CLEANUP_FD int links = path_make_dir_at(entry, SNAPSHOT_LINKS, 0700, e);
	struct tree_copy c = { .links = links };

	if (links < 0)
		return links;
	return fs < 0 ? err_ret(e, fs, "open the copy") : tree_copy(&c, from, fs, e);
}

int snapshots_copy(const struct snapshots *s, int entry, struct err *e)
{
	CLEANUP_FD int live = path_open_beneath(s->holder, s->live, O_RDONLY | O_DIRECTORY, 0);

	if (live < 0)
		return err_ret(e, live, "open %s, what is written now", s->live);
	return copy_into(entry, live, e);
}

/* All of it is on disk. Return: fd of ID/fs. */
static int end_copy(int entry, struct err *e)
{
	CLEANUP_FD int fs = path_open_beneath(entry, "fs", O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (fs < 0)
		return err_ret(e, fs, "open the copy");
	r = path_remove_tree(entry, SNAPSHOT_LINKS, e);
	if (r < 0)
		return r;
	return syncfs(fs) < 0 ? err_sys(e, "write the copy") : TAKE_FD(fs);
}

int snapshots_copy_end(const struct snapshots *s, int entry, const struct snapshot *what,
		       struct err *e)
{
	CLEANUP_FD int fs = end_copy(entry, e);
	int r;

	if (fs < 0)
		return fs;
	/* It is nobody's until it has a name. */
	if ((r = snapshot_parent_set(fs, &s->head, e)) < 0 ||
	    (r = snapshot_record_write(entry, what, e)) < 0)
		return r;
	return fsync(s->dir) < 0 || fsync(fs) < 0 ? err_sys(e, "sync") : 0;
}

int snapshots_restore(const struct snapshots *s, const struct snapshot *to, struct err *e)
{
	const struct snapshot_id nothing = { "" };
	CLEANUP_FD int from = snapshots_open_fs(s, &to->id, e), entry = -EBADF, fs = -EBADF;
	struct snapshot made = { .created_ms = 0 };
	int r;

	if (from < 0)
		return from;
	entry = snapshots_copy_begin(s, &made, e);
	if (entry < 0)
		return entry;
	r = copy_into(entry, from, e);
	if (r >= 0)
		r = fs = end_copy(entry, e);
	/* Without a name it is nobody's either, before and after. */
	if (r < 0 || (r = snapshot_parent_set(fs, &nothing, e)) < 0)
		return r;
	return fsync(fs) < 0 ? err_sys(e, "sync") : upper_exchange(s, entry, made.id.s, e);
}

int snapshots_remove(const struct snapshots *s, const struct snapshot *which, struct err *e)
{
	CLEANUP_FD int entry = path_open_beneath(s->dir, which->id.s, O_RDONLY | O_DIRECTORY, 0);

	if (entry < 0)
		return err_ret(e, entry, "open " SNAPSHOT_DIR "/%s", which->id.s);
	if (unlinkat(entry, SNAPSHOT_FILE, 0) < 0)
		return err_sys(e, "remove the name %s", which->name.s);
	return fsync(entry) < 0 ? err_sys(e, "sync") : 0;
}

int snapshots_collect(int holder, struct err *e)
{
	return snapshots_collect_of(holder, "upper", e);
}

int snapshots_collect_of(int holder, const char *live, struct err *e)
{
	CLEANUP_SNAPSHOTS struct snapshots s = SNAPSHOTS_INIT;
	CLEANUP_FREE bool *used = NULL;
	int n = 0, r = snapshots_read_of(holder, live, &s, e);

	if (r < 0 || s.n == 0)
		return r;
	used = calloc(s.n, sizeof(*used));
	r = used ? snapshots_mark(&s, used, e) : err_nomem(e);
	for (size_t i = 0; r >= 0 && i < s.n; i++) {
		if (used[i])
			continue;
		r = path_remove_tree(s.dir, s.v[i].id.s, e);
		n += r >= 0;
	}
	return r < 0 ? err_wrap(e, "remove what no snapshot needs") : n;
}
