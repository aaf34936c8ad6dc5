/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a commit is made of without an instance: headers of a tar stream, a config document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "images/commit.h"
#include "images/tarheader.h"

static void header_of(const struct tar_member *m, struct strbuf *b)
{
	struct err e = ERR_INIT;

	b->len = 0;
	assert_int_equal(tar_member_header(m, b, &e), 0);
	assert_int_equal(b->len % TARHEADER_BLOCK, 0);
}

/* The sum that a reader makes, with blanks in place of the field. */
static void assert_checksum(const char *h)
{
	unsigned sum = 8 * ' ', said;

	for (size_t i = 0; i < TARHEADER_BLOCK; i++)
		if (i < 148 || i >= 156)
			sum += (unsigned char)h[i];
	assert_int_equal(sscanf(h + 148, "%o", &said), 1);
	assert_int_equal(said, sum);
}

static void a_plain_header(void **state)
{
	const struct tar_member m = { .name = "d/a",
				      .st = { .st_mode = S_IFREG | 04755,
					      .st_uid = 5,
					      .st_gid = 6,
					      .st_size = 1000,
					      .st_mtim = { .tv_sec = 1000000000 } } };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

	(void)state;
	header_of(&m, &b);
	assert_int_equal(b.len, TARHEADER_BLOCK);
	assert_string_equal(b.data, "d/a");
	assert_string_equal(b.data + 100, "0004755");
	assert_string_equal(b.data + 108, "0000005");
	assert_string_equal(b.data + 116, "0000006");
	assert_string_equal(b.data + 124, "00000001750");
	assert_string_equal(b.data + 136, "07346545000");
	assert_int_equal(b.data[156], '0');
	assert_memory_equal(b.data + 257, "ustar\00000", 8);
	assert_checksum(b.data);
}

/* The records of the extended header that goes before. */
static void assert_records(const struct tar_member *m, const char *want, size_t n)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	unsigned long size;

	header_of(m, &b);
	assert_int_equal(b.data[156], 'x');
	assert_checksum(b.data);
	assert_int_equal(sscanf(b.data + 124, "%lo", &size), 1);
	assert_int_equal(size, n);
	assert_memory_equal(b.data + TARHEADER_BLOCK, want, n);
	assert_checksum(b.data + b.len - TARHEADER_BLOCK);
}

static void what_does_not_fit(void **state)
{
	struct tar_member m = { .name = "a", .st = { .st_mode = S_IFREG } };
	char name[120], want[160];

	(void)state;
	m.st.st_mtim = (struct timespec){ 1, 5 };
	assert_records(&m, "21 mtime=1.000000005\n", 21);
	m.st.st_mtim = (struct timespec){ -3, 5 };
	assert_records(&m, "12 mtime=-3\n", 12);
	m.st.st_mtim = (struct timespec){ 0, 0 };
	m.st.st_uid = 2097152;
	assert_records(&m, "15 uid=2097152\n", 15);
	m.st.st_uid = 0;
	m.st.st_size = (off_t)1 << 33;
	assert_records(&m, "19 size=8589934592\n", 19);
	m.st.st_size = 0;
	memset(name, 'x', sizeof(name));
	name[101] = '\0';
	m.name = name;
	(void)snprintf(want, sizeof(want), "111 path=%s\n", name);
	assert_records(&m, want, 111);
	name[0] = '\xff';
	(void)snprintf(want, sizeof(want), "21 hdrcharset=BINARY\n111 path=%s\n", name);
	assert_records(&m, want, 132);
}

/* The length counts its own digits: 99 and 100 can't both be had with the same rest. */
static void lengths_count_themselves(void **state)
{
	(void)state;
	for (size_t n = 60; n < 110; n++) {
		struct tar_member m = { .name = "a", .st = { .st_mode = S_IFREG } };
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		char value[128] = { 0 };
		unsigned long said;

		tar_member_xattr(&m, "user.x", value, n);
		header_of(&m, &b);
		assert_int_equal(sscanf(b.data + TARHEADER_BLOCK, "%lu ", &said), 1);
		assert_int_equal(said, m.xattrs.len);
		assert_int_equal(b.data[TARHEADER_BLOCK + said - 1], '\n');
		strbuf_free(&m.xattrs);
	}
}

static void kinds(void **state)
{
	struct tar_member m = { .name = "a", .link = "b", .again = true };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	/* One more name of a file has no content. */
	m.st = (struct stat){ .st_mode = S_IFREG, .st_size = 10 };
	header_of(&m, &b);
	assert_int_equal(b.data[156], '1');
	assert_string_equal(b.data + 157, "b");
	assert_string_equal(b.data + 124, "00000000000");
	m = (struct tar_member){ .name = "a", .st = { .st_mode = S_IFSOCK } };
	assert_int_equal(tar_member_header(&m, &b, &e), -EMEDIUMTYPE);
}

static void a_config(void **state)
{
	static const char old[] =
		"{\"created\":\"2020-01-01T00:00:00Z\",\"architecture\":\"amd64\",\"os\":\"linux\","
		"\"container\":\"abc\",\"config\":{\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"],"
		"\"Env\":[\"A=1\"],\"Labels\":{\"k\":\"v\"}},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:old\"]},"
		"\"history\":[{\"created_by\":\"x\"}]}";
	struct digest layers[2];
	char sh[] = "sh", a[] = "A=2", b3[] = "B=3";
	char *args[] = { sh, NULL }, *env[] = { a, b3, NULL };
	const struct strv v_args = { args, 1 }, v_env = { env, 2 };
	struct commit_request q = { .layers = layers,
				    .n_layers = 1,
				    .process = { .args = &v_args, .env = &v_env, .cwd = "/w" },
				    .created_by = "jail commit web",
				    .comment = "why" };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_IMAGE_CONFIG struct image_config c = { .author = NULL };
	struct err e = ERR_INIT;

	(void)state;
	memset(layers, 0, sizeof(layers));
	memset(layers[0].hex, 'a', 64);
	memset(layers[1].hex, 'b', 64);
	assert_int_equal(image_config_commit(old, strlen(old), &q, 1000, &layers[1], &b, &e), 0);
	assert_null(strstr(b.data, "container"));
	assert_null(strstr(b.data, "Entrypoint"));
	assert_int_equal(image_config_parse("c", b.data, b.len, &c, &e), 0);
	assert_int_equal(c.n_layers, 2);
	assert_string_equal(c.layers[1].hex, layers[1].hex);
	assert_true(c.created_ms == 1000);
	assert_string_equal(c.platform.architecture, "amd64");
	assert_int_equal(c.n_cmd, 1);
	assert_string_equal(c.cmd[0], "sh");
	assert_int_equal(c.n_env, 2);
	assert_string_equal(c.env[1], "B=3");
	assert_string_equal(c.working_dir, "/w");
	assert_null(c.user);
	assert_int_equal(c.n_labels, 1);
	assert_int_equal(c.n_history, 2);
	assert_string_equal(c.history[1].comment, "why");
	/* What is not said stays as it was. */
	image_config_free(&c);
	c = (struct image_config){ .author = NULL };
	q.process = (struct commit_process){ .args = NULL };
	b.len = 0;
	assert_int_equal(image_config_commit(old, strlen(old), &q, 1000, &layers[1], &b, &e), 0);
	assert_int_equal(image_config_parse("c", b.data, b.len, &c, &e), 0);
	assert_int_equal(c.n_entrypoint, 1);
	assert_string_equal(c.env[0], "A=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_header),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(lengths_count_themselves),
		cmocka_unit_test(kinds),
		cmocka_unit_test(a_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
