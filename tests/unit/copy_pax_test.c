/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream of jail cp: lengths that count themselves, numbers and times beyond the old headers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

/* A program's file, not the library's. */
#include "cmd/jail-copy/pax.c"

static struct pax pax;

static void a_record_counts_its_own_length(void **state)
{
	static const uint8_t value[1100];

	(void)state;
	pax_init(&pax, -1);
	/* Across 9/10, 99/100, 999/1000. */
	for (size_t n = 0; n < sizeof(value); n++) {
		unsigned long said = 0;

		pax_begin(&pax);
		pax_record(&pax, "k", value, n);
		for (const char *p = strbuf_str(&pax.records); *p != ' '; p++)
			said = said * 10 + (unsigned long)(*p - '0');
		assert_int_equal(said, pax.records.len);
		assert_int_equal(pax.records.data[pax.records.len - 1], '\n');
	}
	pax_free(&pax);
}

static void times(void **state)
{
	static const struct {
		struct timespec t;
		const char *record; /* NULL: the header is enough */
	} cases[] = {
		{ { 0, 0 }, NULL },
		{ { 8589934591, 0 }, NULL },
		{ { 8589934592, 0 }, "30 mtime=8589934592.000000000\n" },
		{ { 1, 1 }, "21 mtime=1.000000001\n" },
		{ { -1, 0 }, "22 mtime=-1.000000000\n" },
		{ { -2, 750000000 }, "22 mtime=-1.250000000\n" },
		{ { -1, 999999999 }, "22 mtime=-0.000000001\n" },
	};

	(void)state;
	pax_init(&pax, -1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ustar h;

		pax_begin(&pax);
		pax_time(&pax, &h, &cases[i].t);
		if (cases[i].record)
			assert_string_equal(strbuf_str(&pax.records), cases[i].record);
		else
			assert_int_equal(pax.records.len, 0);
	}
	pax_free(&pax);
}

static void a_member_is_whole_blocks(void **state)
{
	struct stat st = { .st_mode = S_IFREG | 0644,
			   .st_uid = PAX_ID_MAX + 1,
			   .st_gid = PAX_ID_MAX };
	const struct sparse_extent extents[] = { { 512, 3 }, { 4096, 0 } };
	int fd = memfd_create("pax", MFD_CLOEXEC);
	struct err e = ERR_INIT;
	char text[8 * PAX_BLOCK];
	ssize_t n;

	(void)state;
	pax_init(&pax, fd);
	pax_begin(&pax);
	assert_false(pax_xattr(&pax, "user.a=b", "", 0));
	assert_true(pax_xattr(&pax, "user.a", "\0x", 2));
	pax_hole_map(&pax, extents, ARRAY_SIZE(extents), 4096);
	assert_int_equal(pax_header(&pax, "name", &st, NULL, false, 3, &e), 0);
	assert_int_equal(pax_data(&pax, "abc", 3, &e), 0);
	assert_int_equal(pax_pad(&pax, &e), 0);
	assert_int_equal(pax_end(&pax, &e), 0);
	pax_free(&pax);
	n = pread(fd, text, sizeof(text), 0);
	(void)close(fd);
	/* Extended header and records, header, map, data, the end. */
	assert_int_equal(n, 7 * PAX_BLOCK);
	assert_int_equal(text[156], 'x');
	assert_non_null(memmem(text + PAX_BLOCK, PAX_BLOCK, "SCHILY.xattr.user.a=\0x\n", 23));
	assert_non_null(memmem(text + PAX_BLOCK, PAX_BLOCK, " uid=2097152\n", 13));
	assert_null(memmem(text + PAX_BLOCK, PAX_BLOCK, "gid=", 4));
	assert_non_null(memmem(text + PAX_BLOCK, PAX_BLOCK, "GNU.sparse.realsize=4096\n", 25));
	assert_string_equal(text + (size_t)2 * PAX_BLOCK, "name");
	assert_memory_equal(text + (size_t)2 * PAX_BLOCK + 124, "00000001003", 11);
	assert_string_equal(text + (size_t)3 * PAX_BLOCK, "2\n512\n3\n4096\n0\n");
	assert_string_equal(text + (size_t)4 * PAX_BLOCK, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_counts_its_own_length),
		cmocka_unit_test(times),
		cmocka_unit_test(a_member_is_whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
