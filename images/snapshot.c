/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapshots there are, and what stands on what. Changes nothing. */
#include <fcntl.h>
#include <sys/xattr.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "images/snapshot_priv.h"

#define SNAPSHOT_FILE_MAX 4096

void snapshots_free(struct snapshots *s)
{
	free(s->v);
	fd_reset(&s->dir);
	*s = SNAPSHOTS_INIT;
}

bool snapshot_is_id(const char *text)
{
	return strlen(text) == SNAPSHOT_ID_LEN &&
	       strspn(text, "0123456789abcdef") == SNAPSHOT_ID_LEN;
}

void snapshot_path(const struct snapshot_id *id, char ret[static SNAPSHOT_PATH_MAX])
{
	(void)str_format(ret, SNAPSHOT_PATH_MAX, "%s/fs", id->s); /* fits */
}

int snapshot_parent_read(int fd, struct snapshot_id *ret, struct err *e)
{
	struct snapshot_id id = { "" };
	ssize_t n = fgetxattr(fd, SNAPSHOT_PARENT_XATTR, id.s, SNAPSHOT_ID_LEN);

	if (n < 0 && errno == ENODATA) {
		*ret = (struct snapshot_id){ "" };
		return 0;
	}
	if (n < 0 && errno != ERANGE)
		return err_sys(e, "read " SNAPSHOT_PARENT_XATTR);
	if (n != SNAPSHOT_ID_LEN || !snapshot_is_id(id.s))
		return err_set(e, EBADMSG, SNAPSHOT_PARENT_XATTR " is no snapshot's id");
	*ret = id;
	return 0;
}

/* Of a snapshot whose id is known. */
static int read_one(int dir, struct snapshot *s, struct err *e)
{
	CLEANUP_FD int entry = path_open_beneath(dir, s->id.s, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP_FD int fs = -EBADF;
	CLEANUP_FREE char *text = NULL;
	struct err why = ERR_INIT;
	size_t n;
	int r;

	if (entry < 0)
		return err_ret(e, entry, "open");
	fs = path_open_beneath(entry, "fs", O_RDONLY | O_DIRECTORY, 0);
	s->unfinished = fs == -ENOENT;
	if (s->unfinished)
		return 0;
	if (fs < 0)
		return err_ret(e, fs, "open fs");
	r = snapshot_parent_read(fs, &s->parent, e);
	if (r < 0)
		return r;
	s->unfinished = str_eq(s->parent.s, s->id.s);
	if (s->unfinished)
		return 0;
	r = file_read_at(entry, SNAPSHOT_FILE, SNAPSHOT_FILE_MAX, &text, &n, &why);
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		return snapshot_parse(SNAPSHOT_FILE, text, n, s, e);
	*e = why;
	return r;
}

static int add(struct snapshots *s, size_t *room, const struct snapshot *one, struct err *e)
{
	if (s->n == *room) {
		size_t cap = *room ? 2 * *room : 16;
		struct snapshot *grown = reallocarray(s->v, cap, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		s->v = grown;
		*room = cap;
	}
	s->v[s->n++] = *one;
	return 0;
}

static int read_all(struct snapshots *s, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(s->dir);
	struct dirent *entry;
	size_t room = 0;

	if (!d)
		return err_sys(e, "list " SNAPSHOT_DIR);
	while ((errno = 0, entry = readdir(d))) {
		struct snapshot one = { .created_ms = 0 };

		if (!snapshot_is_id(entry->d_name))
			continue;
		(void)str_format(one.id.s, sizeof(one.id.s), "%s", entry->d_name);
		if (read_one(s->dir, &one, e) < 0)
			return err_wrap(e, SNAPSHOT_DIR "/%s", one.id.s);
		if (add(s, &room, &one, e) < 0)
			return -e->code;
	}
	return errno ? err_sys(e, "list " SNAPSHOT_DIR) : 0;
}

static int by_time(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	if (x->created_ms != y->created_ms)
		return x->created_ms < y->created_ms ? -1 : 1;
	return strcmp(x->id.s, y->id.s);
}

static int head_of(int holder, const char *live, struct snapshot_id *ret, struct err *e)
{
	CLEANUP_FD int fd = path_open_beneath(holder, live, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return err_ret(e, fd, "open %s, what is written now", live);
	return snapshot_parent_read(fd, ret, e) < 0 ? err_wrap(e, "%s", live) : 0;
}

int snapshots_head(int holder, struct snapshot_id *ret, struct err *e)
{
	return head_of(holder, "upper", ret, e);
}

int snapshots_read_of(int holder, const char *live, struct snapshots *ret, struct err *e)
{
	CLEANUP_SNAPSHOTS struct snapshots s = SNAPSHOTS_INIT;
	int r = live ? head_of(holder, live, &s.head, e) : 0;

	if (r < 0)
		return r;
	s.live = live;
	s.dir = path_open_beneath(holder, SNAPSHOT_DIR, O_RDONLY | O_DIRECTORY, 0);
	if (s.dir < 0 && s.dir != -ENOENT)
		return err_ret(e, s.dir, "open " SNAPSHOT_DIR);
	if (s.dir >= 0 && (r = read_all(&s, e)) < 0)
		return r;
	if (s.n)
		qsort(s.v, s.n, sizeof(*s.v), by_time);
	s.holder = holder;
	*ret = s;
	s = SNAPSHOTS_INIT;
	return 0;
}

int snapshots_read(int holder, struct snapshots *ret, struct err *e)
{
	return snapshots_read_of(holder, "upper", ret, e);
}

const struct snapshot *snapshots_by_id(const struct snapshots *s, const struct snapshot_id *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].unfinished && str_eq(s->v[i].id.s, id->s))
			return &s->v[i];
	return NULL;
}

static bool has_name(const struct snapshot *s)
{
	return !s->unfinished && s->name.s[0] != '\0';
}

const struct snapshot *snapshots_named(const struct snapshots *s, const struct snapshot_id *id)
{
	const struct snapshot *one = snapshots_by_id(s, id);

	for (size_t i = 0; one && !has_name(one) && i < s->n; i++)
		one = snapshots_by_id(s, &one->parent);
	return one && has_name(one) ? one : NULL;
}

int snapshots_get(const struct snapshots *s, const struct jail_name *name,
		  const struct snapshot **ret, struct err *e)
{
	CLEANUP_STRBUF struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < s->n; i++) {
		if (!has_name(&s->v[i]))
			continue;
		if (str_eq(s->v[i].name.s, name->s)) {
			*ret = &s->v[i];
			return 0;
		}
		strbuf_addf(&names, "%s%s", names.len ? ", " : "", s->v[i].name.s);
	}
	(void)err_set(e, ENOENT, "snapshot \"%s\": no such snapshot", name->s);
	if (!names.len)
		return err_hint(e, "there is none");
	return err_hint(e, "there are: %.200s", strbuf_str(&names));
}

int snapshots_chain(const struct snapshots *s, const struct snapshot_id *id,
		    struct snapshot_chain *ret, struct err *e)
{
	ret->n = 0;
	while (id->s[0] != '\0') {
		const struct snapshot *one = snapshots_by_id(s, id);

		if (!one)
			return err_set(e, EBADMSG, SNAPSHOT_DIR "/%s is missing, and is needed",
				       id->s);
		if (ret->n == SNAPSHOTS_MAX || ret->n == s->n)
			return err_set(e, EBADMSG, SNAPSHOT_DIR "/%s stands on itself", id->s);
		ret->v[ret->n++] = one;
		id = &one->parent;
	}
	return 0;
}

static int mark_chain(const struct snapshots *s, const struct snapshot_id *top, bool *used,
		      struct err *e)
{
	struct snapshot_chain chain;
	int r = snapshots_chain(s, top, &chain, e);

	for (size_t i = 0; r >= 0 && i < chain.n; i++)
		used[chain.v[i] - s->v] = true;
	return r;
}

int snapshots_mark(const struct snapshots *s, bool *used, struct err *e)
{
	int r;

	for (size_t i = 0; i < s->n; i++)
		used[i] = false;
	r = mark_chain(s, &s->head, used, e);
	for (size_t i = 0; r >= 0 && i < s->n; i++)
		if (has_name(&s->v[i]))
			r = mark_chain(s, &s->v[i].id, used, e);
	return r;
}
