/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/splitter.h"

#include <string.h>

void splitter_init(struct splitter *s, struct split_writer *writer)
{
	*s = (struct splitter){ .writer = writer };
}

void splitter_free(struct splitter *s)
{
	free(TAKE_PTR(s->kept));
	s->n_kept = s->room = 0;
}

/* Takes up to n bytes from the front. Return: how many, 0 when there are none left. */
static size_t splitter_take(struct splitter *s, uint64_t n, const uint8_t **ret)
{
	bool from_kept = s->n_kept > 0;
	size_t have = from_kept ? s->n_kept : s->n_block;
	size_t part = n < have ? (size_t)n : have;

	if (from_kept) {
		*ret = s->kept + (s->room - s->n_kept);
		s->n_kept -= part;
	} else {
		*ret = s->block;
		s->block += part;
		s->n_block -= part;
	}
	s->at += part;
	return part;
}

static void splitter_pass_over(struct splitter *s)
{
	const uint8_t *data;

	while (s->skip > 0) {
		size_t n = splitter_take(s, s->skip, &data);

		if (n == 0)
			return;
		s->skip -= n;
	}
}

/* Writes what stands before offset `to`, as far as it is there. */
static int splitter_write(struct splitter *s, uint64_t to, struct err *e)
{
	const uint8_t *data;
	size_t n;
	int r = 0;

	while (r == 0 && s->at < to && (n = splitter_take(s, to - s->at, &data)) > 0)
		r = split_raw(s->writer, data, n, e);
	return r;
}

int splitter_keep(struct splitter *s, uint64_t from, struct err *e)
{
	size_t n;
	int r;

	if (!s->writer)
		return 0;
	r = splitter_write(s, from, e);
	if (r < 0)
		return r;
	/* What is kept stands at the end of its memory, where more can't follow it in place. */
	n = s->n_kept + s->n_block;
	if (s->n_block > 0) {
		uint8_t *grown = malloc(n);

		if (!grown)
			return err_nomem(e);
		if (s->n_kept)
			memcpy(grown, s->kept + (s->room - s->n_kept), s->n_kept);
		memcpy(grown + s->n_kept, s->block, s->n_block);
		free(s->kept);
		s->kept = grown;
		s->n_kept = s->room = n;
	}
	s->block = NULL;
	s->n_block = 0;
	return 0;
}

void splitter_block(struct splitter *s, const void *data, size_t n)
{
	if (!s->writer)
		return;
	s->block = data;
	s->n_block = n;
	splitter_pass_over(s);
}

int splitter_file(struct splitter *s, uint64_t at, const char *name, uint64_t size, struct err *e)
{
	int r;

	if (!s->writer || size == 0)
		return 0;
	if (s->skip > 0 || at < s->at)
		return err_set(e, EPROTO, "its content at offset %llu has gone by already",
			       (unsigned long long)at);
	r = splitter_write(s, at, e);
	if (r < 0)
		return r;
	if (s->at != at)
		return err_set(e, EPROTO, "its content at offset %llu is not there yet",
			       (unsigned long long)at);
	r = split_file(s->writer, name, size, e);
	s->skip = size;
	splitter_pass_over(s);
	return r;
}

int splitter_end(struct splitter *s, struct err *e)
{
	int r;

	if (!s->writer)
		return 0;
	if (s->skip > 0)
		return err_set(e, EPROTO, "the stream ended within the content of a file");
	r = splitter_write(s, UINT64_MAX, e);
	return r < 0 ? r : split_end(s->writer, e);
}
