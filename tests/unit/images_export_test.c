/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tar of an export, read back by the tar watch. */
#include <string.h>
#include <sys/mman.h>

#include "images/export_priv.h"
#include "images/tarwatch.h"
#include "tests/unit/base_tmpdir.h"

#define HUGE_SIZE ((8ull << 30) + 1)

struct rig {
	int fd;
	struct export_out *out;
};

static void rig_begin(struct rig *r)
{
	struct err e = ERR_INIT;

	r->fd = memfd_create("tar", MFD_CLOEXEC);
	assert_true(r->fd >= 0);
	assert_int_equal(export_out_open(r->fd, false, &r->out, &e), 0);
}

static size_t rig_read(struct rig *r, uint8_t *ret, size_t n)
{
	ssize_t got = pread(r->fd, ret, n, 0);

	assert_true(got >= 0);
	export_out_free(&r->out);
	fd_reset(&r->fd);
	return (size_t)got;
}

static void members(void **state)
{
	static const struct tarwatch_member want[] = {
		{ 0, 512, 0, false },
		{ 512, 1024, 3, false },
		{ 1536, 2048, 512, false },
		{ 2560, 3072, 0, false },
	};
	static const char block[512];
	static uint8_t tar[8192];
	static struct tarwatch w;
	struct err e = ERR_INIT;
	struct rig r;
	size_t n;

	(void)state;
	rig_begin(&r);
	assert_int_equal(export_out_dir(r.out, "blobs", &e), 0);
	assert_int_equal(export_out_text(r.out, "abc", "abc", 3, &e), 0);
	assert_int_equal(export_out_text(r.out, "block", block, sizeof(block), &e), 0);
	assert_int_equal(export_out_text(r.out, "empty", "", 0, &e), 0);
	assert_int_equal(export_out_finish(r.out, &e), 0);
	n = rig_read(&r, tar, sizeof(tar));
	assert_int_equal(n, 3072 + 1024);
	assert_string_equal((char *)tar, "blobs/");
	tarwatch_init(&w);
	tarwatch_feed(&w, tar, n);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(tarwatch_member(&w, want[i].start, &e), 0);
		assert_int_equal(w.member.data, want[i].data);
		assert_int_equal(w.member.size, want[i].size);
	}
	assert_int_equal(tarwatch_end(&w, &e), 0);
	tarwatch_free(&w);
}

/* Its size does not fit into a header of ustar. A whole buffer is needed to see any of it. */
static void more_than_8_gib(void **state)
{
	static uint8_t data[256u << 10], tar[8192];
	static struct tarwatch w;
	struct err e = ERR_INIT;
	struct rig r;
	size_t n;

	(void)state;
	rig_begin(&r);
	assert_int_equal(export_out_file(r.out, "huge", HUGE_SIZE, &e), 0);
	assert_int_equal(export_out_data(r.out, data, sizeof(data), &e), 0);
	n = rig_read(&r, tar, sizeof(tar));
	assert_int_equal(n, sizeof(tar));
	assert_int_equal(tar[156], 'x');
	assert_string_equal((char *)tar + 512, "19 size=8589934593\n");
	tarwatch_init(&w);
	tarwatch_feed(&w, tar, n);
	assert_int_equal(tarwatch_member(&w, 0, &e), 0);
	assert_int_equal(w.member.data, 1536);
	assert_int_equal(w.member.size, HUGE_SIZE);
	tarwatch_free(&w);
}

static void sizes_are_kept(void **state)
{
	struct err e = ERR_INIT;
	struct rig r;

	(void)state;
	rig_begin(&r);
	assert_int_equal(export_out_file(r.out, "f", 3, &e), 0);
	assert_int_equal(export_out_data(r.out, "abcd", 4, &e), -EBADMSG);
	e = ERR_INIT;
	assert_int_equal(export_out_data(r.out, "ab", 2, &e), 0);
	assert_int_equal(export_out_file_end(r.out, &e), -EBADMSG);
	export_out_free(&r.out);
	fd_reset(&r.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(more_than_8_gib),
		cmocka_unit_test(sizes_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
