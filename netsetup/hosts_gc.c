/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of RUN/hosts is of no use any more. O(n): for gc.
 *
 * Whoever has the file of a combination mounted has an entry in it for each of its networks. So
 * when no instance has as many entries in it as there are networks, the file is nobody's.
 */
#include <fcntl.h>

#include "base/dir.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/str.h"
#include "netsetup/hosts_priv.h"

struct survey {
	net_alive_fn *alive;
	void *arg;
	struct strv found; /* live entries, by instance */
	struct err *e;
};

static int look(const struct hosts_record *record, void *arg)
{
	struct survey *s = arg;
	struct jail_name name;
	uint64_t hash;

	if (!hosts_record_read(record, &hash, &name) || !s->alive(&name, s->arg))
		return 1;
	return strv_add(&s->found, name.s) < 0 ? err_nomem(s->e) : 0;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An instance has at least n. */
static bool has_run_of(struct strv *v, size_t n)
{
	size_t run = 0;

	if (v->n > 0)
		qsort(v->v, v->n, sizeof(v->v[0]), compare_strings);
	for (size_t i = 0; i < v->n; i++) {
		run = i > 0 && str_eq(v->v[i - 1], v->v[i]) ? run + 1 : 1;
		if (run >= n)
			return true;
	}
	return false;
}

static int list(int dir, bool files, struct strv *ret, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(dir);

	if (!d)
		return err_sys(e, "list hosts");
	for (struct dirent *entry; (errno = 0, entry = readdir(d));) {
		bool is_file = str_starts(entry->d_name, HOSTS_FILE_PREFIX) ||
			       str_starts(entry->d_name, HOSTS_FILE_NEW);

		if (entry->d_name[0] != '.' && is_file == files && strv_add(ret, entry->d_name) < 0)
			return err_nomem(e);
	}
	return errno ? err_sys(e, "list hosts") : 0;
}

static bool is_marked(int dir, const char *network, const char *file)
{
	char path[LIMIT_NAME_LEN + HOSTS_FILE_MAX + 2];

	return str_format(path, sizeof(path), "%s/%s", network, file) > 0 &&
	       faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int gc_file(int dir, const char *file, const struct strv *networks, struct survey *s)
{
	CLEANUP_FD int fd = openat(dir, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool used = false;
	size_t n = 0;
	int r = 0;

	if (fd < 0)
		return err_sys(s->e, "open hosts/%s", file);
	for (size_t i = 0; i < networks->n; i++)
		n += is_marked(dir, networks->v[i], file);
	if (str_starts(file, HOSTS_FILE_PREFIX) && n > 0) {
		r = hosts_file_each(fd, look, s, s->e);
		used = has_run_of(&s->found, n);
		strv_free(&s->found);
	}
	if (r < 0 || used)
		return r;
	return unlinkat(dir, file, 0) < 0 ? err_sys(s->e, "remove hosts/%s", file) : 0;
}

/* Marks without a file; then the directory, if it is empty. */
static int gc_marks(int dir, const char *network, struct err *e)
{
	CLEANUP_FD int marks = path_open_beneath(dir, network, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP_STRV struct strv names = { 0 };

	if (marks < 0)
		return marks == -ENOTDIR ? 0 : err_ret(e, TAKE_FD(marks), "open hosts/%s", network);
	if (list(marks, true, &names, e) < 0)
		return -e->code;
	for (size_t i = 0; i < names.n; i++)
		if (faccessat(dir, names.v[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
			(void)unlinkat(marks, names.v[i], 0);
	(void)unlinkat(dir, network, AT_REMOVEDIR);
	return 0;
}

int hosts_gc(int dir, net_alive_fn *alive, void *arg, struct err *e)
{
	struct survey s = { .alive = alive, .arg = arg, .e = e };
	CLEANUP_STRV struct strv files = { 0 }, networks = { 0 };
	CLEANUP_FD int held = hosts_lock(dir, e);

	if (held < 0)
		return TAKE_FD(held);
	if (list(dir, true, &files, e) < 0 || list(dir, false, &networks, e) < 0)
		return -e->code;
	for (size_t i = 0; i < files.n; i++)
		if (gc_file(dir, files.v[i], &networks, &s) < 0)
			return -e->code;
	for (size_t i = 0; i < networks.n; i++)
		if (gc_marks(dir, networks.v[i], e) < 0)
			return -e->code;
	return 0;
}
