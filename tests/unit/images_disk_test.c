/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of an instance's disk needs no device: superblocks, kinds, the records, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "images/disk_priv.h"
#include "tests/unit/base_tmpdir.h"

static void put32(uint8_t *super, size_t at, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		super[at + i] = (uint8_t)(v >> 8 * i);
}

/* One of 1 GiB with 8 groups of 1,264 inodes, as mkfs.ext4 makes it. */
static void good_super(uint8_t super[static 1024])
{
	memset(super, 0, 1024);
	put32(super, 0x0, 10112);
	put32(super, 0x4, 262144);
	put32(super, 0xc, 252653);
	put32(super, 0x10, 10101);
	put32(super, 0x18, 2);
	put32(super, 0x20, 32768);
	put32(super, 0x28, 1264);
	put32(super, 0x38, 0x1ef53); /* and its state, clean */
	put32(super, 0x248, 9485);
}

static void a_superblock(void **state)
{
	struct disk_ext4 x;
	struct err e = ERR_INIT;
	uint8_t super[1024];

	(void)state;
	good_super(super);
	assert_int_equal(disk_ext4_parse(super, &x, &e), 0);
	assert_true(x.blocks == 262144 && x.free_blocks == 252653 && x.overhead == 9485);
	assert_true(x.inodes == 10112 && x.free_inodes == 10101);
	assert_true(disk_ext4_inodes(&x, 262144) == 10112);
	assert_true(disk_ext4_inodes(&x, 262145) == 9 * 1264);
	/* Of 16 TiB and more: the high halves count. */
	put32(super, 0x150, 2);
	put32(super, 0x158, 1);
	assert_int_equal(disk_ext4_parse(super, &x, &e), 0);
	assert_true(x.blocks == (UINT64_C(2) << 32) + 262144);
	assert_true(x.free_blocks == (UINT64_C(1) << 32) + 252653);
}

/* 8 groups, whose tables have 79 blocks: a ninth of less than 1,279 is none. */
static void a_last_group_that_is_too_small(void **state)
{
	struct disk_ext4 x;
	struct err e = ERR_INIT;
	uint8_t super[1024];

	(void)state;
	good_super(super);
	assert_int_equal(disk_ext4_parse(super, &x, &e), 0);
	assert_true(disk_ext4_fills(&x, 262144));
	assert_true(disk_ext4_fills(&x, 262145));
	assert_true(disk_ext4_fills(&x, 262144 + 1278));
	assert_false(disk_ext4_fills(&x, 262144 + 1279));
	assert_false(disk_ext4_fills(&x, 262143));
	/* The last of its own can always become larger. */
	x.blocks--;
	assert_false(disk_ext4_fills(&x, 262144));
}

static void superblocks_that_are_none(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} cases[] = {
		{ 0x38, 0 }, /* no magic number */
		{ 0x38, 0xef54 },      { 0x18, 0 }, /* blocks of another size */
		{ 0x18, UINT32_MAX },  { 0x4, 0 }, /* empty */
		{ 0x150, UINT32_MAX }, /* too large */
		{ 0xc, 262145 }, /* more free than there is */
		{ 0x158, 1 },	       { 0x10, 10113 }, { 0x248, 9492 }, /* overhead that is free */
		{ 0x20, 0 }, /* groups of nothing */
		{ 0x28, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct disk_ext4 x = { .blocks = 77 };
		struct err e = ERR_INIT;
		uint8_t super[1024];

		good_super(super);
		put32(super, cases[i].at, cases[i].value);
		assert_int_equal(disk_ext4_parse(super, &x, &e), -EBADMSG);
		assert_string_equal(e.text, "disk.img: no ext4 with blocks of 4096 bytes");
		assert_true(x.blocks == 77);
	}
}

static void an_image_that_is_cut_or_missing(void **state)
{
	const struct tmpdir *t = *state;
	const struct disk_limits limits = { .size_bytes = DISK_SIZE_MIN };
	struct disk_usage u = { .inodes = 77 };
	struct err e = ERR_INIT;

	assert_int_equal(disk_image_usage(t->fd, &u, &e), -ENOENT);
	e = ERR_INIT;
	assert_int_equal(disk_image_open(t->fd, &limits, 0, &e), -ENOENT);
	assert_string_equal(e.text, "disk.img is missing");
	assert_int_equal(disk_kind_of(t->fd), DISK_DIRECTORY); /* it was not made by looking */
	e = ERR_INIT;
	assert_int_equal(file_write_at(t->fd, DISK_IMAGE_NAME, "x", 1, 0600, FILE_NOSYNC, &e), 0);
	assert_int_equal(disk_image_usage(t->fd, &u, &e), -EBADMSG);
	assert_string_equal(e.text, "disk.img: too short");
	assert_true(u.inodes == 77);
}

static void the_kind_shows_from_the_directory(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	uint32_t id = 0;

	assert_int_equal(disk_kind_of(t->fd), DISK_DIRECTORY);
	assert_int_equal(disk_volatile_mark(t->fd, false, &e), 0);
	assert_int_equal(disk_kind_of(t->fd), DISK_TMPFS);
	assert_int_equal(unlinkat(t->fd, DISK_VOLATILE_NAME, 0), 0);
	assert_int_equal(disk_project_mark(t->fd, 4294967294u, false, &e), 0);
	assert_int_equal(disk_kind_of(t->fd), DISK_PROJECT);
	assert_int_equal(disk_project_read(t->fd, &id, &e), 0);
	assert_true(id == 4294967294u);
	assert_string_equal(disk_kind_name(DISK_PROJECT), "project");
	assert_string_equal(disk_kind_name(DISK_IMAGE), "image");
}

/* 0 is everybody's: a limit of it would be the host's. */
static void a_damaged_project_is_no_id(void **state)
{
	static const char *const texts[] = { "", "0\n", "-1\n", "4294967296\n", "12x\n", "1 2\n" };
	const struct tmpdir *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct err e = ERR_INIT;
		uint32_t id = 77;

		assert_int_equal(file_write_at(t->fd, DISK_PROJECT_NAME, texts[i], strlen(texts[i]),
					       0600, FILE_NOSYNC, &e),
				 0);
		assert_true(disk_project_read(t->fd, &id, &e) < 0);
		assert_true(strstr(e.text, "disk.project: ") == e.text);
		assert_true(id == 77);
	}
}

static void inodes_that_an_image_can_not_have(void **state)
{
	const struct tmpdir *t = *state;
	const struct disk_limits limits = { .size_bytes = UINT64_C(100) << 30, .inodes = 12799 };
	struct err e = ERR_INIT;

	assert_int_equal(disk_image_make(t->fd, &limits, &e), -EOPNOTSUPP);
	assert_string_equal(e.text, "inodes: an image of 100GiB has at least 12800 "
				    "inodes, not 12799");
	assert_int_equal(disk_kind_of(t->fd), DISK_DIRECTORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_superblock),
		cmocka_unit_test(a_last_group_that_is_too_small),
		cmocka_unit_test(superblocks_that_are_none),
		TMPDIR_TEST(an_image_that_is_cut_or_missing),
		TMPDIR_TEST(the_kind_shows_from_the_directory),
		TMPDIR_TEST(a_damaged_project_is_no_id),
		TMPDIR_TEST(inodes_that_an_image_can_not_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
