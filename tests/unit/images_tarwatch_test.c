/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tar watch on streams that are put together block by block, fed in pieces of every awkward
 * size (row 42).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "images/tarwatch.h"

struct stream {
	uint8_t data[64 * TARWATCH_BLOCK];
	size_t n;
};

static uint8_t *stream_block(struct stream *s)
{
	uint8_t *block = s->data + s->n;

	assert_true(s->n + TARWATCH_BLOCK <= sizeof(s->data));
	memset(block, 0, TARWATCH_BLOCK);
	s->n += TARWATCH_BLOCK;
	return block;
}

static uint8_t *stream_header(struct stream *s, char type, unsigned size)
{
	uint8_t *h = stream_block(s);

	h[0] = 'f';
	h[156] = (uint8_t)type;
	assert_true(str_format((char *)h + 124, 12, "%011o", size) > 0);
	return h;
}

static void stream_data(struct stream *s, const char *data, size_t n)
{
	for (size_t at = 0; at < n; at += TARWATCH_BLOCK) {
		size_t part = n - at < TARWATCH_BLOCK ? n - at : TARWATCH_BLOCK;

		memcpy(stream_block(s), data + at, part);
	}
}

static void stream_pax(struct stream *s, const char *records)
{
	(void)stream_header(s, 'x', (unsigned)strlen(records));
	stream_data(s, records, strlen(records));
}

static void stream_end(struct stream *s)
{
	(void)stream_block(s);
	(void)stream_block(s);
}

/* Feeds it in pieces and expects members at these offsets, then `why` (NULL: a sound end). */
static void expect(const struct stream *s, const uint64_t *starts, size_t n, const char *why)
{
	static const size_t pieces[] = { 1, 7, 511, 512, 513, 1024, 100000 };

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct tarwatch w;
		struct err e = ERR_INIT;
		int r;

		tarwatch_init(&w);
		for (size_t at = 0; at < s->n; at += pieces[i])
			tarwatch_feed(&w, s->data + at,
				      s->n - at < pieces[i] ? s->n - at : pieces[i]);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(tarwatch_member(&w, starts[k], &e), 0);
		r = tarwatch_end(&w, &e);
		if (why) {
			assert_true(r < 0);
			if (!strstr(e.text, why))
				fail_msg("\"%s\" is not about %s", e.text, why);
		} else {
			assert_int_equal(r, 0);
		}
		tarwatch_free(&w);
	}
}

static void members_are_found(void **state)
{
	struct stream s = { .n = 0 };
	static const uint64_t few[] = { 0, 1024, 2560 },
			      starts[] = { 0, 1024, 3072, 3584, 6144, 8192 };
	static const char data[700];

	(void)state;
	(void)stream_header(&s, '0', 3); /* 0 */
	stream_data(&s, "abc", 3);
	(void)stream_header(&s, '\0', 700); /* 1024 */
	stream_data(&s, data, 700);
	(void)stream_header(&s, '5', 0); /* 2560 */
	stream_end(&s);
	expect(&s, few, ARRAY_SIZE(few), NULL);

	s.n = 0;
	(void)stream_header(&s, '0', 512); /* 0 */
	stream_data(&s, data, 512);
	stream_pax(&s, "10 path=g\n"); /* 1024 */
	(void)stream_header(&s, '0', 1);
	stream_data(&s, "x", 1);
	(void)stream_header(&s, '2', 0); /* 3072 */
	(void)stream_header(&s, 'L', 600); /* 3584 */
	stream_data(&s, data, 600);
	(void)stream_header(&s, 'K', 0);
	(void)stream_header(&s, '1', 0);
	stream_header(&s, 'S', 5)[482] = 1; /* 6144: two more blocks of map */
	stream_block(&s)[504] = 1;
	(void)stream_block(&s);
	stream_data(&s, "sparse", 5);
	stream_pax(&s, "12 size=512\n"); /* 8192 */
	(void)stream_header(&s, '0', 512);
	stream_data(&s, data, 512);
	stream_end(&s);
	(void)stream_header(&s, 'Z', 0); /* behind the end: nobody looks */
	expect(&s, starts, ARRAY_SIZE(starts), NULL);
}

/* Where the data stands, and whether it is the content; and what can still become a member. */
static void data_is_found(void **state)
{
	static const struct tarwatch_member want[] = {
		{ 0, 512, 700, false },	 { 1536, 2048, 0, false }, { 2048, 3584, 5, true },
		{ 4096, 5632, 5, true }, { 6144, 6656, 5, true },  { 8192, 9728, 3, false },
	};
	static const char data[700];
	struct stream s = { .n = 0 };
	struct tarwatch w;
	struct err e = ERR_INIT;

	(void)state;
	(void)stream_header(&s, '0', sizeof(data));
	stream_data(&s, data, sizeof(data));
	(void)stream_header(&s, '5', 0);
	stream_pax(&s, "22 GNU.sparse.major=1\n");
	(void)stream_header(&s, '0', 5);
	stream_data(&s, "map..", 5);
	stream_pax(&s, "22 SCHILY.realsize=10\n");
	(void)stream_header(&s, '0', 5);
	stream_data(&s, "short", 5);
	stream_header(&s, 'S', 5)[482] = 1; /* two more blocks of map */
	stream_block(&s)[504] = 1;
	(void)stream_block(&s);
	stream_data(&s, "short", 5);
	stream_pax(&s, "12 path=abc\n");
	(void)stream_header(&s, '0', 3);
	stream_data(&s, "abc", 3);
	stream_end(&s);

	tarwatch_init(&w);
	tarwatch_feed(&w, s.data, 100);
	assert_int_equal(tarwatch_settled(&w), 0);
	tarwatch_feed(&w, s.data + 100, 9216 - 100); /* the last one's pax header */
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(tarwatch_settled(&w), want[i].start);
		if (i + 1 == ARRAY_SIZE(want))
			tarwatch_feed(&w, s.data + 9216, s.n - 9216);
		assert_int_equal(tarwatch_member(&w, want[i].start, &e), 0);
		assert_int_equal(w.member.start, want[i].start);
		assert_int_equal(w.member.data, want[i].data);
		assert_int_equal(w.member.size, want[i].size);
		assert_int_equal(w.member.sparse, want[i].sparse);
	}
	assert_int_equal(tarwatch_settled(&w), UINT64_MAX);
	tarwatch_free(&w);
}

static void wide_sizes(void **state)
{
	struct stream s = { .n = 0 };
	static const uint64_t starts[] = { 0, 1024 };
	uint8_t *h;

	(void)state;
	h = stream_header(&s, '0', 0);
	memset(h + 124, 0, 12);
	h[124] = 0x80; /* base 256 */
	h[135] = 3;
	stream_data(&s, "abc", 3);
	(void)stream_header(&s, '0', 0);
	stream_end(&s);
	expect(&s, starts, 2, NULL);

	/* Over eight gigabytes: the ustar field can't say it, and may be anything. */
	s.n = 0;
	stream_pax(&s, "20 size=10000000000\n");
	(void)stream_header(&s, '0', 0);
	expect(&s, starts, 1, "end mark");
}

static void contradictions(void **state)
{
	static const struct {
		const char *pax; /* before the header, or NULL */
		char extension; /* 'L' or 'K' after it, or 0 */
		char type;
		unsigned size;
		const char *why;
	} cases[] = {
		{ "12 size=512\n", 0, '0', 0, "different sizes" },
		{ "12 size=512\n", 0, '0', 1024, "different sizes" },
		{ "12 size=512\n", 0, '5', 512, "carries data" },
		{ "12 size=512\n", 'L', '0', 512, "contradict" },
		{ "12 size=512\n", 'K', '0', 512, "contradict" },
		{ "12 size=512\n12 size=512\n", 0, '0', 512, "ambiguous" },
		{ "10 path=a\n10 path=b\n", 0, '0', 0, "ambiguous" },
		{ "8 path=\n", 0, '0', 0, "ambiguous" },
		{ "8 size=\n", 0, '0', 0, "ambiguous" },
		{ "9 path=\n\n", 0, '0', 0, NULL }, /* "\n" is a name */
		{ "7 path=\n", 0, '0', 0, "malformed" },
		{ "11 size=1x\n", 0, '0', 1, "impossible size" },
		{ "11 size=-1\n", 0, '0', 1, "impossible size" },
		{ "29 size=99999999999999999999\n", 0, '0', 1, "impossible size" },
		{ "9999999999 path=a\n", 0, '0', 0, "malformed" },
		{ "5 a=b", 0, '0', 0, "malformed" },
		{ "5 =b\n", 0, '0', 0, "malformed" },
		{ "path=a\n", 0, '0', 0, "malformed" },
		{ "6 a=b\n", 0, '0', 0, NULL },
		{ "6 a=b\n", 0, 'S', 0, "sparse" },
		{ NULL, 0, '1', 1, "carries data" },
		{ NULL, 0, '2', 1, "carries data" },
		{ NULL, 0, '3', 1, "carries data" },
		{ NULL, 0, '6', 1, "carries data" },
		{ NULL, 0, 'V', 1, "carries data" },
		{ NULL, 0, 'M', 0, "unknown" },
		{ NULL, 0, 'N', 0, "unknown" },
		{ NULL, 0, 'A', 0, "unknown" },
		{ NULL, 0, '8', 0, "unknown" },
		{ NULL, 0, 'L', 2u << 20, "maxHeader" },
		{ NULL, 0, 'x', 2u << 20, "maxHeader" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static const uint64_t start[] = { 0 };
		static const char data[1024];
		struct stream s = { .n = 0 };

		if (cases[i].pax)
			stream_pax(&s, cases[i].pax);
		if (cases[i].extension)
			(void)stream_header(&s, cases[i].extension, 0);
		(void)stream_header(&s, cases[i].type, cases[i].size);
		if (cases[i].size <= sizeof(data))
			stream_data(&s, data, cases[i].size);
		stream_end(&s);
		expect(&s, start, cases[i].why ? 0 : 1, cases[i].why);
	}
}

static void global_headers(void **state)
{
	static const uint64_t start[] = { 0 };
	struct stream s = { .n = 0 };

	(void)state;
	(void)stream_header(&s, 'g', 14);
	stream_data(&s, "14 comment=ab\n", 14);
	(void)stream_header(&s, '0', 0);
	stream_end(&s);
	expect(&s, start, 1, NULL);
	s.n = 0;
	(void)stream_header(&s, 'g', 10);
	stream_data(&s, "10 path=a\n", 10);
	(void)stream_header(&s, '0', 0);
	stream_end(&s);
	expect(&s, start, 0, "global pax header");
}

static void cut_short(void **state)
{
	static const uint64_t start[] = { 0 };
	struct stream s = { .n = 0 };

	(void)state;
	(void)stream_header(&s, '0', 512);
	(void)stream_block(&s); /* zeros, but the member's own */
	expect(&s, start, 1, "end mark");
	(void)stream_header(&s, 'x', 0);
	(void)stream_block(&s);
	expect(&s, start, 1, "after an extension header");
}

static void disagreement(void **state)
{
	struct stream s = { .n = 0 };
	struct tarwatch w;
	struct err e = ERR_INIT;

	(void)state;
	(void)stream_header(&s, '0', 0);
	(void)stream_header(&s, '0', 0);
	(void)stream_header(&s, 'Z', 0);
	tarwatch_init(&w);
	tarwatch_feed(&w, s.data, s.n);
	assert_int_equal(tarwatch_member(&w, 512, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "disagree"));
	assert_int_equal(tarwatch_member(&w, 0, &e), 0);
	assert_int_equal(tarwatch_end(&w, &e), -EBADMSG);
	assert_int_equal(tarwatch_member(&w, 512, &e), 0);
	/* The one that the watch stopped at: its reason, not just that it differs. */
	assert_int_equal(tarwatch_member(&w, 1024, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "unknown"));
	assert_int_equal(tarwatch_member(&w, 2048, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "disagree"));
	tarwatch_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found), cmocka_unit_test(data_is_found),
		cmocka_unit_test(wide_sizes),	     cmocka_unit_test(contradictions),
		cmocka_unit_test(global_headers),    cmocka_unit_test(cut_short),
		cmocka_unit_test(disagreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
