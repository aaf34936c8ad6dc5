/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/jail-copy/seen.h"

#include <string.h>

#define SEEN_ROOM 1024

static struct seen_file *seen_find(const struct seen *s, dev_t dev, ino_t ino)
{
	size_t at = (size_t)((ino * UINT64_C(0x9e3779b97f4a7c15)) >> 20 ^ dev) & (s->room - 1);

	while (s->v[at].name && (s->v[at].dev != dev || s->v[at].ino != ino))
		at = (at + 1) & (s->room - 1);
	return &s->v[at];
}

static int seen_grow(struct seen *s, struct err *e)
{
	struct seen bigger = { .n = s->n, .room = s->room ? s->room * 2 : SEEN_ROOM };

	bigger.v = calloc(bigger.room, sizeof(*bigger.v));
	if (!bigger.v)
		return err_nomem(e);
	for (size_t i = 0; i < s->room; i++)
		if (s->v[i].name)
			*seen_find(&bigger, s->v[i].dev, s->v[i].ino) = s->v[i];
	free(s->v);
	*s = bigger;
	return 0;
}

int seen_name(struct seen *s, const struct stat *st, const char *name, const char **ret,
	      struct err *e)
{
	struct seen_file *f;

	if (s->n >= s->room / 4 * 3 && seen_grow(s, e) < 0)
		return -e->code;
	f = seen_find(s, st->st_dev, st->st_ino);
	*ret = f->name;
	if (f->name)
		return 0;
	f->name = strdup(name);
	if (!f->name)
		return err_nomem(e);
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	s->n++;
	return 0;
}

void seen_free(struct seen *s)
{
	for (size_t i = 0; i < s->room; i++)
		free(s->v[i].name);
	free(s->v);
	*s = (struct seen){ .v = NULL };
}
