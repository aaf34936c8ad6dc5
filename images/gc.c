/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Garbage of the store. Under its lock, layers that nothing names are moved back to staging/, as
 * if their import had never ended, and what nobody holds in staging/ is claimed; then, without
 * the lock, it is deleted. Killed in between, the next gc finds the rest in staging/.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "images/digest.h"
#include "images/store_priv.h"

#define GC_BATCH 32 /* staging directories that are held open at a time */
#define GC_ROUNDS 100000
#define GC_LAYER "gc-" /* begins the name of a layer in staging/ */

struct gc {
	struct image_store *store;
	store_used_fn *used;
	void *arg;
	/* What images name, owned. */
	struct gc_set {
		struct digest *v;
		size_t n, cap;
	} layers, configs;
	struct store_removed removed;
};

static void gc_free(struct gc *g)
{
	free(g->layers.v);
	free(g->configs.v);
}

static int gc_opendir(int dir, DIR **ret, struct err *e)
{
	*ret = dir_open(dir);
	return *ret ? 0 : err_sys(e, "read a directory of the store");
}

static int gc_note(struct gc_set *set, const struct digest *v, size_t n)
{
	if (set->n + n > set->cap) {
		size_t cap = 2 * set->cap + LIMIT_LAYERS;
		struct digest *grown = reallocarray(set->v, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->v = grown;
		set->cap = cap;
	}
	for (size_t i = 0; i < n; i++)
		set->v[set->n++] = v[i];
	return 0;
}

static int gc_note_image(const struct image *image, void *arg)
{
	struct gc *g = arg;
	int r = gc_note(&g->layers, image->layers, image->n_layers);

	if (r == 0 && digest_is_set(&image->config))
		r = gc_note(&g->configs, &image->config, 1);
	return r;
}

static int gc_compare(const void *a, const void *b)
{
	const struct digest *x = a, *y = b;

	return strcmp(x->hex, y->hex);
}

static void gc_sort(struct gc_set *set)
{
	if (set->n > 0)
		qsort(set->v, set->n, sizeof(*set->v), gc_compare);
}

static bool gc_has(const struct gc_set *set, const struct digest *d)
{
	return set->n > 0 && bsearch(d, set->v, set->n, sizeof(*set->v), gc_compare) != NULL;
}

static bool gc_is_used(const struct gc *g, const struct digest *layer)
{
	return gc_has(&g->layers, layer) || (g->used && g->used(layer, g->arg));
}

/* A file or directory that is called by a digest, and `suffix`. Return: false for any other. */
static bool gc_parse(const char *name, const char *suffix, struct digest *ret)
{
	char text[sizeof("sha256:") + sizeof(ret->hex)];
	struct err not_ours = ERR_INIT;

	return strlen(name) == sizeof(ret->hex) - 1 + strlen(suffix) &&
	       str_eq(name + sizeof(ret->hex) - 1, suffix) &&
	       str_format(text, sizeof(text), "sha256:%.64s", name) > 0 &&
	       digest_parse(text, ret, &not_ours) == 0;
}

/* Moves one unused layer to staging/ under a name that no import can have: its own. */
static int gc_condemn(struct gc *g, const char *name, struct err *e)
{
	struct digest layer;
	char id[sizeof(((struct staging *)0)->id)];

	if (!gc_parse(name, "", &layer) || gc_is_used(g, &layer))
		return 0;
	if (str_format(id, sizeof(id), GC_LAYER "%.32s", name) < 0)
		return 0;
	/* EEXIST: an earlier gc was killed over the same layer; first that one, then this one. */
	if (renameat2(g->store->layers, name, g->store->staging, id, RENAME_NOREPLACE) < 0 &&
	    errno != EEXIST)
		return err_sys(e, "remove layer %s", name);
	return 0;
}

static int gc_condemn_layers(struct gc *g, struct err *e)
{
	CLEANUP_DIR DIR *d = NULL;
	struct dirent *ent;
	int r;

	/* An image that can't be read may name any layer: then none is removed. */
	r = store_each(g->store, gc_note_image, g, e);
	if (r < 0)
		return r;
	r = gc_opendir(g->store->layers, &d, e);
	if (r < 0)
		return r;
	gc_sort(&g->layers);
	gc_sort(&g->configs);
	while ((errno = 0, ent = readdir(d))) {
		r = gc_condemn(g, ent->d_name, e);
		if (r < 0)
			return r;
	}
	return errno ? err_sys(e, "read the layers") : 0;
}

/* One file each, so they go at once. After gc_condemn_layers(), under the same lock. */
static int gc_remove_configs(struct gc *g, struct err *e)
{
	CLEANUP_DIR DIR *d = NULL;
	struct dirent *ent;
	int r = gc_opendir(g->store->configs, &d, e);

	if (r < 0)
		return r;
	while ((errno = 0, ent = readdir(d))) {
		struct digest config;

		if (!gc_parse(ent->d_name, ".json", &config) || gc_has(&g->configs, &config))
			continue;
		if (unlinkat(g->store->configs, ent->d_name, 0) < 0)
			return err_sys(e, "remove config %s", ent->d_name);
		g->removed.configs++;
	}
	return errno ? err_sys(e, "read the configs") : 0;
}

/* What file_write_at() of somebody who was killed has left: whoever writes there has the lock. */
static int gc_remove_unfinished(struct gc *g, int dir, struct err *e)
{
	int n = file_remove_unfinished(dir, e);

	if (n < 0)
		return n;
	g->removed.staging += (size_t)n;
	return 0;
}

/* Claims up to GC_BATCH staging directories that nobody holds. Return: how many. */
static int gc_claim(struct gc *g, struct staging *ret, struct err *e)
{
	CLEANUP_DIR DIR *d = NULL;
	struct dirent *ent;
	int n = 0;
	int r = gc_opendir(g->store->staging, &d, e);

	if (r < 0)
		return r;
	while (n < GC_BATCH && (errno = 0, ent = readdir(d))) {
		if (ent->d_name[0] == '.')
			continue;
		r = staging_adopt(g->store, ent->d_name, &ret[n], e);
		if (r < 0) {
			while (n > 0)
				fd_reset(&ret[--n].dir);
			return r;
		}
		n += r;
	}
	return n;
}

/* Disk space of a tree, before it goes. Best effort: the count is for a message. */
static uint64_t gc_measure(int dir)
{
	/* One directory at a time, as deep as the stack of open ones allows. */
	enum { DEPTH = 64 };
	DIR *stack[DEPTH] = { NULL };
	size_t n = 0;
	uint64_t bytes = 0;
	struct err e = ERR_INIT;

	if (gc_opendir(dir, &stack[0], &e) == 0)
		n = 1;
	while (n > 0) {
		struct dirent *ent = readdir(stack[n - 1]);
		struct stat st;
		int at = dirfd(stack[n - 1]);

		if (!ent) {
			(void)closedir(stack[--n]);
			continue;
		}
		if (str_eq(ent->d_name, ".") || str_eq(ent->d_name, "..") ||
		    fstatat(at, ent->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bytes += (uint64_t)st.st_blocks * 512 /
			 (st.st_nlink && !S_ISDIR(st.st_mode) ? (uint64_t)st.st_nlink : 1);
		if (S_ISDIR(st.st_mode) && n < DEPTH) {
			CLEANUP_FD int fd = path_open_beneath(
				at, ent->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

			if (fd >= 0 && gc_opendir(fd, &stack[n], &e) == 0)
				n++;
		}
	}
	return bytes;
}

/* One batch. Return: how many were removed. */
static int gc_round(struct gc *g, struct err *e)
{
	struct staging dead[GC_BATCH];
	int n, r = 0;

	for (size_t i = 0; i < GC_BATCH; i++)
		dead[i] = STAGING_INIT;
	{
		CLEANUP_FD int lock = store_lock(g->store, e);

		if (lock < 0)
			return lock;
		r = gc_condemn_layers(g, e);
		if (r == 0)
			r = gc_remove_configs(g, e);
		if (r == 0)
			r = gc_remove_unfinished(g, g->store->images, e);
		if (r == 0)
			r = gc_remove_unfinished(g, g->store->configs, e);
		g->layers.n = g->configs.n = 0;
		if (r < 0)
			return r;
		n = gc_claim(g, dead, e);
	}
	for (int i = 0; i < n; i++) {
		uint64_t bytes = gc_measure(dead[i].dir);

		if (r < 0) {
			fd_reset(&dead[i].dir);
			continue;
		}
		r = staging_remove(g->store, &dead[i], e);
		if (r == 0) {
			if (str_starts(dead[i].id, GC_LAYER))
				g->removed.layers++;
			else
				g->removed.staging++;
			g->removed.bytes += bytes;
		}
	}
	return r < 0 ? r : n;
}

int store_gc(struct image_store *s, store_used_fn *used, void *arg, struct store_removed *ret,
	     struct err *e)
{
	CLEANUP(gc_free) struct gc g = { .store = s, .used = used, .arg = arg };
	int n = 1;

	for (int i = 0; n > 0 && i < GC_ROUNDS; i++)
		n = gc_round(&g, e);
	*ret = g.removed;
	return n < 0 ? err_wrap(e, "image store") : 0;
}
