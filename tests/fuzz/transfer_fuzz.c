/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts of an export that jail parses itself. What the document's parser accepts keeps the
 * promises of runtime/transfer.h, and what the writer makes of it means the same. The first byte
 * says which: 's' is followed by a sums.json. Seeds: tests/fuzz/corpus/transfer.
 */
#include <stdio.h>

#include "runtime/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok, const char *why)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", why);
	abort();
}

static void check(const struct transfer_document *d)
{
	size_t n = d->n_layers;

	require(d->n_layers <= LIMIT_LAYERS && d->n_snapshots <= SNAPSHOTS_MAX, "too many");
	require(d->id_count == 0 || d->id_count == 65536, "a range that is none");
	require(strlen(d->id.s) == 32, "an id that is none");
	require(d->head >= -1 && d->head < (int)d->n_snapshots, "a head that is none");
	for (size_t i = 0; i < d->n_snapshots; i++)
		require(d->snapshots[i].parent >= -1 && d->snapshots[i].parent < (int)i,
			"a parent that comes later");
	for (int i = d->head; i >= 0; i = d->snapshots[i].parent)
		n++;
	require(n <= LIMIT_LAYERS, "more than can be mounted");
}

static void again(const struct transfer_document *d)
{
	CLEANUP_TRANSFER_DOCUMENT struct transfer_document back = { .head = -1 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, c = STRBUF_INIT;
	struct err e = ERR_INIT;
	struct json_out o;

	json_out_init(&o, &b, false);
	transfer_document_write(d, &o);
	require(transfer_document_parse(strbuf_str(&b), b.len, &back, &e) == 0,
		"what was written can't be read");
	json_out_init(&o, &c, false);
	transfer_document_write(&back, &o);
	require(str_eq(strbuf_str(&b), strbuf_str(&c)), "what was read is something else");
}

static void sums(const char *text, size_t n)
{
	CLEANUP(transfer_sums_free) struct transfer_sums s = { .v = NULL };
	struct transfer_sum one = { .name = "upper", .bytes = 1 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;
	struct json_out o;

	memset(one.sha256.hex, 'a', 64);
	require(transfer_sums_add(&s, &one, &e) == 0, "a part");
	require((transfer_sums_check(&s, text, n, &e) == 0) == (e.code == 0), "half an error");
	e = ERR_INIT;
	json_out_init(&o, &b, false);
	transfer_sums_write(&s, &o);
	require(transfer_sums_check(&s, strbuf_str(&b), b.len, &e) == 0, "its own sums");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_TRANSFER_DOCUMENT struct transfer_document d = { .head = -1 };
	struct err e = ERR_INIT;
	int r;

	if (size > 0 && data[0] == 's') {
		sums((const char *)data + 1, size - 1);
		return 0;
	}
	r = transfer_document_parse((const char *)data, size, &d, &e);
	require((r == 0) == (e.code == 0), "half an error");
	if (r < 0) {
		require(!d.snapshots && !d.n_layers, "something of a refused document");
		return 0;
	}
	check(&d);
	again(&d);
	return 0;
}
