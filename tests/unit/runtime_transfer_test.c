/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The document of an export, and the file around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "images/digest.h"
#include "runtime/transfer.h"

#define HEX "7fd8e385016ed1bee6b53744984107713f1322b28b394e57d6f58bba3fd02c29"

static struct transfer_document sample(struct transfer_snapshot snapshots[static 2])
{
	struct transfer_document d = { .id = { "2963bfb951502d0cdd2b1fb00d697642" },
				       .created_ms = 12345,
				       .id_count = 65536,
				       .provisioned = true,
				       .image = { "debian:12" },
				       .image_config = true,
				       .n_layers = 2,
				       .snapshots = snapshots,
				       .n_snapshots = 2,
				       .head = 1 };

	for (size_t i = 0; i < d.n_layers; i++) {
		(void)str_format(d.layers[i].digest.hex, sizeof(d.layers[i].digest.hex), HEX);
		d.layers[i].bytes = 7;
	}
	d.layers[0].included = true;
	snapshots[0] = (struct transfer_snapshot){ .parent = -1 };
	snapshots[1] = (struct transfer_snapshot){
		.parent = 0,
		.record = { .name = { "first" },
			    .created_ms = 5,
			    .copied = true,
			    .frozen = true,
			    .frozen_us = 99 },
	};
	return d;
}

static void write_document(const struct transfer_document *d, struct strbuf *b)
{
	struct json_out o;

	json_out_init(&o, b, true);
	transfer_document_write(d, &o);
}

static void document_comes_back(void **state)
{
	CLEANUP_TRANSFER_DOCUMENT struct transfer_document back = { .head = -1 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, again = STRBUF_INIT;
	struct transfer_snapshot snapshots[2];
	struct transfer_document d = sample(snapshots);
	struct err e = ERR_INIT;

	(void)state;
	write_document(&d, &b);
	assert_int_equal(transfer_document_parse(b.data, b.len, &back, &e), 0);
	assert_string_equal(back.id.s, d.id.s);
	assert_string_equal(back.image.s, "debian:12");
	assert_int_equal(back.created_ms, 12345);
	assert_int_equal(back.id_count, 65536);
	assert_true(back.provisioned && back.image_config);
	assert_int_equal(back.n_layers, 2);
	assert_string_equal(back.layers[1].digest.hex, HEX);
	assert_true(back.layers[0].included && !back.layers[1].included);
	assert_int_equal(back.n_snapshots, 2);
	assert_int_equal(back.head, 1);
	assert_int_equal(back.snapshots[0].parent, -1);
	assert_string_equal(back.snapshots[0].record.name.s, "");
	assert_false(back.snapshots[0].record.frozen);
	assert_int_equal(back.snapshots[1].parent, 0);
	assert_string_equal(back.snapshots[1].record.name.s, "first");
	assert_true(back.snapshots[1].record.copied && back.snapshots[1].record.frozen);
	assert_int_equal(back.snapshots[1].record.frozen_us, 99);
	write_document(&back, &again);
	assert_string_equal(b.data, again.data);
}

/* One text of the good document replaced. */
static void document_is_judged(void **state)
{
	static const struct {
		const char *from, *to, *why;
		int code;
	} cases[] = {
		{ "\"version\": 1", "\"version\": 2", "knows version 1 only", EOPNOTSUPP },
		{ "\"format\": \"jail-export\"", "\"format\": 1", "\"format\" must be a", EBADMSG },
		{ "\"head\": 1", "\"head\": 2", "from 0 to 1", EBADMSG },
		{ "\"head\": 1", "\"head\": 1.5", "from 0 to 1", EBADMSG },
		{ "\"head\": 1", "\"heat\": 1", "\"head\" must be a number", EBADMSG },
		{ "\"parent\": null", "\"parent\": 0", "\"parent\" must be null", EBADMSG },
		{ "\"parent\": 0", "\"parent\": 1", "from 0 to 0", EBADMSG },
		{ "\"name\": \"\"", "\"name\": \"first\"", "comes twice", EBADMSG },
		{ "\"name\": \"first\"", "\"name\": \"a/b\"", "not the name of a snapshot",
		  EBADMSG },
		{ "\"included\": false", "\"included\": true", "is included twice", EBADMSG },
		{ "sha256:7", "sha256:G", "is not a digest", EBADMSG },
		{ "\"idCount\": 65536", "\"idCount\": 65535", "must be 0 or 65536", EBADMSG },
		{ "\"id\": \"29", "\"id\": \"2_", "is not an instance's id", EBADMSG },
		{ "debian:12", "../../x", "not the name of an image", EBADMSG },
		{ "\"frozenUs\": 99", "\"frozenUs\": -1", "must be a number from 0", EBADMSG },
		{ "\"provisioned\": true", "\"provisioned\": 1", "must be a", EBADMSG },
	};
	CLEANUP_STRBUF struct strbuf good = STRBUF_INIT;
	struct transfer_snapshot snapshots[2];
	struct transfer_document d = sample(snapshots);

	(void)state;
	write_document(&d, &good);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_TRANSFER_DOCUMENT struct transfer_document ret = { .head = -1 };
		CLEANUP_STRBUF struct strbuf bad = STRBUF_INIT;
		const char *at = strstr(good.data, cases[i].from);
		struct err e = ERR_INIT;

		assert_non_null(at);
		strbuf_add(&bad, good.data, (size_t)(at - good.data));
		strbuf_adds(&bad, cases[i].to);
		strbuf_adds(&bad, at + strlen(cases[i].from));
		assert_int_equal(transfer_document_parse(bad.data, bad.len, &ret, &e),
				 -cases[i].code);
		if (!strstr(e.text, cases[i].why))
			fail_msg("%s: \"%s\", and not \"%s\"", cases[i].to, e.text, cases[i].why);
		assert_null(ret.snapshots);
	}
}

/* ---- the file ---- */

static const struct part {
	const char *name;
	size_t n;
} parts[] = {
	{ "layers/" HEX, 3u * TRANSFER_PIECE_MAX + 17 },
	{ "snapshots/0", TRANSFER_PIECE_MAX },
	{ "snapshots/00", 0 },
	{ "upper", 513 },
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 256 * 7);
}

static int write_file(bool compress)
{
	CLEANUP_TRANSFER_WRITER struct transfer_writer *w = NULL;
	int fd = memfd_create("export", MFD_CLOEXEC);
	struct err e = ERR_INIT;

	assert_true(fd >= 0);
	assert_int_equal(transfer_begin(fd, compress, &w, &e), 0);
	assert_int_equal(transfer_text(w, TRANSFER_DOCUMENT, "{}", 2, &e), 0);
	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		assert_int_equal(transfer_part_begin(w, parts[p].name, &e), 0);
		for (size_t i = 0; i < parts[p].n;) {
			uint8_t some[4099];
			size_t n = 0;

			for (; n < sizeof(some) && i < parts[p].n; n++, i++)
				some[n] = byte_at(i);
			assert_int_equal(transfer_part_data(some, n, w, &e), 0);
		}
		assert_int_equal(transfer_part_end(w, &e), 0);
	}
	assert_int_equal(transfer_end(w, &e), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int count_right(const void *data, size_t n, void *arg, struct err *e)
{
	size_t *at = arg;

	(void)e;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(((const uint8_t *)data)[i], byte_at((*at)++));
	return 0;
}

static int count(const void *data, size_t n, void *arg, struct err *e)
{
	(void)data;
	(void)e;
	*(size_t *)arg += n;
	return 0;
}

static void parts_come_back(void **state)
{
	CLEANUP_TRANSFER_READER struct transfer_reader *r = NULL;
	CLEANUP_FD int fd = write_file(false);
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n;

	(void)state;
	assert_int_equal(transfer_open(fd, &r, &e), 0);
	assert_int_equal(transfer_read_text(r, TRANSFER_DOCUMENT, 2, &text, &n, &e), 0);
	assert_string_equal(text, "{}");
	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		size_t at = 0;

		assert_int_equal(transfer_read_part(r, parts[p].name, count_right, &at, &e), 0);
		assert_int_equal(at, parts[p].n);
	}
	assert_int_equal(transfer_read_end(r, &e), 0);
}

static int read_file(int fd, struct err *e)
{
	CLEANUP_TRANSFER_READER struct transfer_reader *r = NULL;
	CLEANUP_FREE char *text = NULL;
	size_t n;
	int got = transfer_open(fd, &r, e);

	if (got >= 0)
		got = transfer_read_text(r, TRANSFER_DOCUMENT, 2, &text, &n, e);
	for (size_t p = 0; got >= 0 && p < ARRAY_SIZE(parts); p++)
		got = transfer_read_part(r, parts[p].name, count, &n, e);
	return got < 0 ? got : transfer_read_end(r, e);
}

/* Each byte that is another one is noticed, whatever it belongs to. */
static void damage_is_noticed(void **state)
{
	CLEANUP_FD int fd = write_file(true);
	off_t size = lseek(fd, 0, SEEK_END);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(read_file(fd, &e), 0);
	for (off_t at = 0; at < size; at += at % 1024 < 600 ? 1 : 37) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		e = ERR_INIT;
		assert_true(read_file(fd, &e) < 0);
		assert_true(e.code != 0 && e.text[0]);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	for (off_t at = size - 1; at >= 0; at -= at % 512 ? at % 512 : 511) {
		assert_int_equal(ftruncate(fd, at), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		e = ERR_INIT;
		assert_true(read_file(fd, &e) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_comes_back),
		cmocka_unit_test(document_is_judged),
		cmocka_unit_test(parts_come_back),
		cmocka_unit_test(damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
