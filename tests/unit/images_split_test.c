/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The split file: streams come back byte for byte, also when files were replaced; a file that is
 * damaged, cut or made by an enemy is an error and nothing worse.
 */
#include <endian.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fd.h"
#include "images/split.h"
#include "images/splitter.h"
#include "tests/unit/base_tmpdir.h"

struct rig {
	struct tmpdir *t;
	int fd; /* the split file */
	struct split_writer *w;
	struct strbuf want; /* the stream */
};

static void rig_begin(struct rig *r, void **state)
{
	struct err e = ERR_INIT;

	*r = (struct rig){ .t = *state, .fd = -EBADF };
	r->fd = openat(r->t->fd, "split", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(r->fd >= 0);
	assert_int_equal(mkdirat(r->t->fd, "fs", 0755), 0);
	assert_int_equal(split_begin(r->fd, &r->w, &e), 0);
}

static int rig_tree(const struct rig *r)
{
	int fd = openat(r->t->fd, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void rig_raw(struct rig *r, const void *data, size_t n)
{
	struct err e = ERR_INIT;

	strbuf_add(&r->want, data, n);
	assert_int_equal(split_raw(r->w, data, n, &e), 0);
}

/* As the unpacker does: what has the name is noted, and then replaced. */
static void rig_replace(struct rig *r, const char *name)
{
	CLEANUP_FD int tree = rig_tree(r);
	CLEANUP_FD int fd = openat(tree, name, O_RDONLY | O_CLOEXEC);
	struct err e = ERR_INIT;

	if (fd < 0)
		return;
	assert_int_equal(split_replaced(r->w, name, fd, &e), 0);
	assert_int_equal(unlinkat(tree, name, 0), 0);
}

static void rig_file(struct rig *r, const char *name, const char *content)
{
	CLEANUP_FD int tree = rig_tree(r);
	struct err e = ERR_INIT;

	rig_replace(r, name);
	tmpdir_put(tree, name, content);
	strbuf_adds(&r->want, content);
	if (*content)
		assert_int_equal(split_file(r->w, name, strlen(content), &e), 0);
}

static void rig_link(struct rig *r, const char *target, const char *name)
{
	CLEANUP_FD int tree = rig_tree(r);

	rig_replace(r, name);
	assert_int_equal(linkat(tree, target, tree, name, 0), 0);
}

static void rig_end(struct rig *r)
{
	struct err e = ERR_INIT;

	assert_int_equal(split_end(r->w, &e), 0);
	split_free(&r->w);
}

static void rig_drop(struct rig *r)
{
	struct err e = ERR_INIT;

	split_free(&r->w);
	fd_reset(&r->fd);
	strbuf_free(&r->want);
	assert_int_equal(path_remove_tree(r->t->fd, "fs", &e), 0);
}

static int collect(const void *data, size_t n, void *arg, struct err *e)
{
	(void)e;
	strbuf_add(arg, data, n);
	return 0;
}

static int stream(const struct rig *r, struct strbuf *ret, struct err *e)
{
	CLEANUP_FD int tree = rig_tree(r);
	const struct split_output out = { .sink = collect, .arg = ret };

	return split_stream(&SPLIT_INPUT_HERE(r->fd), tree, &out, e);
}

static void expect_stream(const struct rig *r)
{
	CLEANUP_STRBUF struct strbuf got = STRBUF_INIT;
	struct err e = ERR_INIT;
	uint64_t size = 0;

	if (stream(r, &got, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(got.len, r->want.len);
	assert_memory_equal(got.data, r->want.data, got.len);
	assert_int_equal(split_size(&SPLIT_INPUT_HERE(r->fd), &size, &e), 0);
	assert_int_equal(size, got.len);
}

static void expect_bad(const struct rig *r, const char *why)
{
	CLEANUP_STRBUF struct strbuf got = STRBUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(stream(r, &got, &e), -EBADMSG);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" is not in \"%s\"", why, e.text);
}

static void test_round_trip(void **state)
{
	struct rig r;

	rig_begin(&r, state);
	rig_raw(&r, "header", 6);
	rig_file(&r, "a", "content of a");
	rig_raw(&r, "\0\0", 2);
	rig_file(&r, "empty", "");
	rig_file(&r, "b", "content of b");
	rig_raw(&r, "end", 3);
	rig_end(&r);
	expect_stream(&r);
	rig_drop(&r);
}

static void test_replaced(void **state)
{
	struct rig r;

	rig_begin(&r, state);
	rig_file(&r, "a", "first");
	rig_file(&r, "b", "b, which stays");
	rig_file(&r, "a", "the second");
	rig_file(&r, "a", "");
	rig_file(&r, "a", "the last one of a");
	rig_replace(&r, "b");
	rig_raw(&r, "a symbolic link", 15);
	rig_end(&r);
	expect_stream(&r);
	rig_drop(&r);
}

/* What has the name when it is replaced may be another file's link: that is not the F of before. */
static void test_replaced_links(void **state)
{
	struct rig r;

	rig_begin(&r, state);
	rig_file(&r, "a", "of a");
	rig_link(&r, "a", "b");
	rig_file(&r, "b", "of b, in the place of a link");
	rig_link(&r, "a", "b");
	rig_file(&r, "c", "of c");
	rig_link(&r, "c", "b");
	rig_file(&r, "a", "a again");
	rig_file(&r, "b", "b at last");
	rig_end(&r);
	expect_stream(&r);
	rig_drop(&r);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Any order of files, links, replacements and raw bytes. */
static void test_property(void **state)
{
	static char noise[300000];
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)('!' + random_next(&seed) % 90);
	for (unsigned round = 0; round < 150; round++) {
		struct rig r;

		rig_begin(&r, state);
		for (unsigned step = random_next(&seed) % 40; step > 0; step--) {
			char name[2] = { (char)('a' + random_next(&seed) % 4) };
			char other[2] = { (char)('a' + random_next(&seed) % 4) };
			size_t n = random_next(&seed) % (random_next(&seed) % 9 ? 50 : 250000);
			char *text = strndup(noise + random_next(&seed) % 50000, n);
			CLEANUP_FD int tree = rig_tree(&r);

			switch (random_next(&seed) % 4) {
			case 0:
				rig_raw(&r, text, n);
				break;
			case 1:
				rig_replace(&r, name);
				break;
			case 2:
				if (name[0] != other[0] && tmpdir_exists(tree, other))
					rig_link(&r, other, name);
				break;
			default:
				rig_file(&r, name, text);
				break;
			}
			free(text);
		}
		rig_end(&r);
		expect_stream(&r);
		rig_drop(&r);
	}
}

struct part {
	uint64_t head, at, end; /* a file's headers, its content */
	char name[8];
};

/*
 * The splitter beside a parser: it gets blocks of any size, reads up to `ahead` bytes behind a
 * file's headers before it tells of the file, and gives a block back when it wants the next.
 */
static void splitter_run(struct rig *r, const struct part *parts, size_t n, size_t piece,
			 size_t ahead)
{
	struct splitter s;
	struct err e = ERR_INIT;
	size_t told = 0, fed = 0;

	splitter_init(&s, r->w);
	while (fed < r->want.len) {
		size_t part = r->want.len - fed < piece ? r->want.len - fed : piece;
		char *block = malloc(part);

		assert_non_null(block);
		memcpy(block, r->want.data + fed, part);
		splitter_block(&s, block, part);
		fed += part;
		while (told < n && (parts[told].at + ahead <= fed || fed == r->want.len)) {
			const struct part *p = &parts[told++];

			if (splitter_file(&s, p->at, p->name, p->end - p->at, &e) < 0)
				fail_msg("%s", e.text);
		}
		assert_int_equal(splitter_keep(&s, told < n ? parts[told].head : fed, &e), 0);
		memset(block, 'x', part);
		free(block);
	}
	assert_int_equal(splitter_end(&s, &e), 0);
	splitter_free(&s);
	split_free(&r->w);
}

static void test_splitter(void **state)
{
	static const size_t pieces[] = { 1, 7, 512, 10000, 1000000 }, aheads[] = { 0, 1, 600 };
	uint32_t seed = 7;

	for (size_t i = 0; i < ARRAY_SIZE(pieces) * ARRAY_SIZE(aheads); i++) {
		struct part parts[12] = { { .at = 0 } };
		struct rig r;

		rig_begin(&r, state);
		for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
			CLEANUP_FD int tree = rig_tree(&r);
			struct part *p = &parts[k];

			for (size_t n = random_next(&seed) % 1000; n > 0; n--)
				strbuf_addc(&r.want, (char)random_next(&seed));
			p->head = r.want.len;
			for (size_t n = random_next(&seed) % 700; n > 0; n--)
				strbuf_addc(&r.want, 'h');
			p->at = p->end = r.want.len;
			for (size_t n = random_next(&seed) % 3000; n > 0; n--)
				strbuf_addc(&r.want, (char)('a' + random_next(&seed) % 26));
			p->end = r.want.len;
			(void)str_format(p->name, sizeof(p->name), "f%zu", k);
			tmpdir_put(tree, p->name, r.want.data + p->at);
		}
		strbuf_adds(&r.want, "what trails the end");
		splitter_run(&r, parts, ARRAY_SIZE(parts), pieces[i % ARRAY_SIZE(pieces)],
			     aheads[i / ARRAY_SIZE(pieces)]);
		expect_stream(&r);
		rig_drop(&r);
	}
}

/* A parser that goes its own way is an error, and never another stream. */
static void test_splitter_misled(void **state)
{
	struct splitter s;
	struct err e = ERR_INIT;
	struct rig r;

	rig_begin(&r, state);
	splitter_init(&s, r.w);
	splitter_block(&s, "0123456789", 10);
	assert_int_equal(splitter_file(&s, 11, "a", 1, &e), -EPROTO);
	assert_int_equal(splitter_file(&s, 3, "a", 1, &e), -EPROTO); /* 10 were written */
	splitter_block(&s, "0123456789", 10);
	assert_int_equal(splitter_file(&s, 15, "a", 6, &e), 0);
	assert_int_equal(splitter_file(&s, 16, "a", 1, &e), -EPROTO); /* within the other */
	assert_int_equal(splitter_keep(&s, 20, &e), 0);
	assert_int_equal(splitter_end(&s, &e), -EPROTO);
	splitter_free(&s);
	rig_drop(&r);
}

static void test_large(void **state)
{
	const size_t n = 3u << 20;
	char *zeroes = calloc(1, n);
	struct rig r;

	assert_non_null(zeroes);
	rig_begin(&r, state);
	rig_raw(&r, zeroes, n);
	rig_file(&r, "f", "f");
	rig_raw(&r, zeroes, 1);
	rig_end(&r);
	expect_stream(&r);
	rig_drop(&r);
	free(zeroes);
}

static int note_size(const struct stat *st, void *arg, struct err *e)
{
	(void)e;
	strbuf_addf(arg, "[%llu]", (unsigned long long)st->st_size);
	return 0;
}

static int refuse(const void *data, size_t n, void *arg, struct err *e)
{
	(void)data;
	(void)n;
	(void)arg;
	return err_set(e, EPIPE, "no more");
}

static void test_callbacks(void **state)
{
	CLEANUP_STRBUF struct strbuf got = STRBUF_INIT;
	const struct split_output told = { collect, note_size, NULL, NULL, &got },
				  refused = { .sink = refuse };
	CLEANUP_FD int tree = -EBADF;
	struct err e = ERR_INIT;
	struct rig r;

	rig_begin(&r, state);
	tree = rig_tree(&r);
	rig_file(&r, "a", "old"); /* replaced: does not come from the tree */
	rig_file(&r, "a", "new a");
	rig_end(&r);
	assert_int_equal(split_stream(&SPLIT_INPUT_HERE(r.fd), tree, &told, &e), 0);
	assert_string_equal(strbuf_str(&got), "old[5]new a");
	assert_int_equal(split_stream(&SPLIT_INPUT_HERE(r.fd), tree, &refused, &e), -EPIPE);
	assert_string_equal(e.text, "no more");
	rig_drop(&r);
}

static int note_lost(const char *name, const struct err *why, void *arg, struct err *e)
{
	(void)e;
	strbuf_addf(arg, "[%s: %s]", name, why->text);
	return 0;
}

static int refuse_lost(const char *name, const struct err *why, void *arg, struct err *e)
{
	(void)arg;
	return err_set(e, ENODATA, "%s: %s", name, why->text);
}

static void test_lost(void **state)
{
	CLEANUP_STRBUF struct strbuf got = STRBUF_INIT;
	const struct split_output told = { collect, NULL, note_lost, NULL, &got };
	const struct split_output refused = { collect, NULL, refuse_lost, NULL, &got };
	CLEANUP_FD int tree = -EBADF;
	struct err e = ERR_INIT;
	struct rig r;

	rig_begin(&r, state);
	tree = rig_tree(&r);
	rig_file(&r, "a", "123");
	rig_file(&r, "b", "456");
	rig_end(&r);
	assert_int_equal(unlinkat(tree, "a", 0), 0);
	assert_int_equal(split_stream(&SPLIT_INPUT_HERE(r.fd), tree, &told, &e), 0);
	assert_int_equal(e.code, 0);
	assert_int_equal(got.len, strlen("[a: it is not there any more]") + 6);
	assert_memory_equal(got.data, "[a: it is not there any more]\0\0\000456", got.len);
	assert_int_equal(split_stream(&SPLIT_INPUT_HERE(r.fd), tree, &refused, &e), -ENODATA);
	rig_drop(&r);
}

static int note_changed(const char *name, void *arg, struct err *e)
{
	(void)e;
	strbuf_addf(arg, "[%s changed]", name);
	return 0;
}

static void check(struct rig *r, const char *content)
{
	struct err e = ERR_INIT;

	assert_int_equal(
		split_check(r->w, (uint32_t)crc32_z(0, (const void *)content, strlen(content)), &e),
		0);
}

/* A content that was changed is named, where the split file has its sum. */
static void test_changed(void **state)
{
	CLEANUP_STRBUF struct strbuf got = STRBUF_INIT;
	const struct split_output told = { collect, NULL, note_lost, note_changed, &got };
	CLEANUP_FD int tree = -EBADF;
	struct err e = ERR_INIT;
	struct rig r;

	rig_begin(&r, state);
	tree = rig_tree(&r);
	rig_file(&r, "a", "old");
	check(&r, "old");
	rig_file(&r, "b", "456");
	check(&r, "456");
	rig_file(&r, "c", "789");
	rig_file(&r, "a", "new");
	check(&r, "new");
	rig_file(&r, "d", "gone");
	check(&r, "gone");
	rig_end(&r);
	tmpdir_put(tree, "b", "4X6");
	tmpdir_put(tree, "c", "7X9"); /* without a sum */
	assert_int_equal(unlinkat(tree, "d", 0), 0);
	assert_int_equal(split_stream(&SPLIT_INPUT_HERE(r.fd), tree, &told, &e), 0);
	strbuf_addc(&got, '\0');
	assert_string_equal(got.data, "old4X6[b changed]7X9new[d: it is not there any more]");
	rig_drop(&r);
}

static void test_tree_changed(void **state)
{
	CLEANUP_FD int tree = -EBADF;
	struct rig r;

	rig_begin(&r, state);
	tree = rig_tree(&r);
	rig_file(&r, "a", "12345");
	rig_end(&r);
	tmpdir_put(tree, "a", "1234");
	expect_bad(&r, "file a: it has 4 bytes, in the layer it had 5");
	assert_int_equal(unlinkat(tree, "a", 0), 0);
	expect_bad(&r, "file a: it is not there any more");
	assert_int_equal(symlinkat("/etc/passwd", tree, "a"), 0);
	expect_bad(&r, "file a: it is not there any more");
	assert_int_equal(unlinkat(tree, "a", 0), 0);
	assert_int_equal(mkfifoat(tree, "a", 0600), 0);
	expect_bad(&r, "file a: it is no regular file any more");
	rig_drop(&r);
}

/* A parent that became a link leads nowhere. */
static void test_tree_escape(void **state)
{
	CLEANUP_FD int tree = -EBADF;
	struct err e = ERR_INIT;
	struct rig r;

	rig_begin(&r, state);
	tree = rig_tree(&r);
	tmpdir_put(r.t->fd, "secret", "12345");
	assert_int_equal(split_file(r.w, "d/secret", 5, &e), 0);
	rig_end(&r);
	assert_int_equal(symlinkat("..", tree, "d"), 0);
	expect_bad(&r, "file d/secret: it is not there any more");
	rig_drop(&r);
}

static void file_set(int fd, const void *data, size_t n)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, data, n, 0), n);
}

static void test_cut_and_damaged(void **state)
{
	char file[4096], damaged[4096];
	ssize_t n;
	struct rig r;

	rig_begin(&r, state);
	rig_raw(&r, "header", 6);
	rig_file(&r, "a", "first");
	rig_file(&r, "a", "second");
	rig_raw(&r, "end", 3);
	rig_end(&r);
	n = pread(r.fd, file, sizeof(file), 0);
	assert_in_range(n, 50, sizeof(file) - 1);
	for (ssize_t i = 0; i < n; i++) {
		file_set(r.fd, file, (size_t)i);
		expect_bad(&r, SPLIT_FILE);
	}
	memcpy(damaged, file, (size_t)n);
	damaged[n] = 'x';
	file_set(r.fd, damaged, (size_t)n + 1);
	expect_bad(&r, SPLIT_FILE);
	/* Some bits say the same in other words, or are content: then whatever comes, it ends. */
	for (ssize_t bit = 0; bit < 8 * n; bit++) {
		CLEANUP_STRBUF struct strbuf got = STRBUF_INIT;
		struct err e = ERR_INIT;

		memcpy(damaged, file, (size_t)n);
		damaged[bit / 8] = (char)(damaged[bit / 8] ^ (1 << bit % 8));
		file_set(r.fd, damaged, (size_t)n);
		if (stream(&r, &got, &e) == 0)
			assert_int_equal(got.len, r.want.len);
		else
			assert_int_equal(e.code, EBADMSG);
	}
	rig_drop(&r);
}

/* ---- files made by hand: F(a, 1) is "F\1\0\0\0a" and eight bytes ---- */

struct hand {
	struct strbuf b;
};

static void hand_raw(struct hand *h, const void *data, size_t n)
{
	strbuf_add(&h->b, data, n);
}

static void hand_u64(struct hand *h, uint64_t value)
{
	value = htole64(value);
	hand_raw(h, &value, sizeof(value));
}

static void hand_name(struct hand *h, char type, const char *name, size_t n, uint64_t size)
{
	uint32_t len = htole32((uint32_t)n);

	hand_raw(h, &type, 1);
	hand_raw(h, &len, sizeof(len));
	hand_raw(h, name, n);
	hand_u64(h, size);
}

static void hand_end(struct hand *h, uint64_t total)
{
	strbuf_addc(&h->b, 'E');
	hand_u64(h, total);
}

static void hand_expect(struct rig *r, struct hand *h, const char *why)
{
	size_t room = ZSTD_compressBound(h->b.len), n;
	char *out = malloc(room);

	assert_non_null(out);
	n = ZSTD_compress(out, room, h->b.data, h->b.len, 1);
	assert_false(ZSTD_isError(n));
	file_set(r->fd, out, n);
	free(out);
	strbuf_free(&h->b);
	expect_bad(r, why);
}

static void test_hostile_records(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} names[] = {
		{ "", 0 },     { "/etc/passwd", 11 }, { "../secret", 9 }, { "a/../b", 6 },
		{ "a//b", 4 }, { "a/", 2 },	      { "./a", 3 },	  { "a\0b", 3 },
	};
	struct hand h = { STRBUF_INIT };
	struct rig r;

	rig_begin(&r, state);
	split_free(&r.w);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		hand_raw(&h, "jailspl1", 8);
		hand_name(&h, 'F', names[i].name, names[i].n, 1);
		hand_end(&h, 1);
		hand_expect(&r, &h, "a name");
	}
	hand_raw(&h, "jailspl2", 8);
	hand_end(&h, 0);
	hand_expect(&r, &h, "no split file");
	hand_raw(&h, "jailspl1X\1\0\0\0", 13);
	hand_expect(&r, &h, "unknown type 88");
	hand_raw(&h, "jailspl1R\xff\xff\xff\xff", 13);
	hand_expect(&r, &h, "a piece of 4294967295 bytes");
	hand_raw(&h, "jailspl1R\0\0\0\0", 13);
	hand_expect(&r, &h, "a piece of 0 bytes");
	hand_raw(&h, "jailspl1F\xff\xff\xff\xff", 13);
	hand_expect(&r, &h, "a name of 4294967295 bytes");
	hand_raw(&h, "jailspl1R\5\0\0\0abcde", 18);
	hand_end(&h, 4);
	hand_expect(&r, &h, "its parts make another size");
	hand_raw(&h, "jailspl1", 8);
	hand_name(&h, 'F', "a", 1, 0);
	hand_end(&h, 0);
	hand_expect(&r, &h, "a content without bytes");
	hand_raw(&h, "jailspl1", 8);
	for (int i = 0; i < 3; i++)
		hand_name(&h, 'F', "a", 1, 1ull << 61);
	hand_end(&h, 3ull << 61);
	hand_expect(&r, &h, "its sizes are impossible");
	/* Not at the start of a frame: could not be read out of order. */
	hand_raw(&h, "jailspl1", 8);
	hand_name(&h, 'P', "a", 1, 0);
	hand_end(&h, 0);
	hand_expect(&r, &h, "a replaced file without a frame");
	/* More than there is. */
	hand_raw(&h, "jailspl1", 8);
	hand_name(&h, 'P', "a", 1, UINT64_MAX);
	hand_expect(&r, &h, "a replaced file without a frame");
	hand_raw(&h, "jailspl1", 8);
	hand_end(&h, 0);
	hand_end(&h, 0);
	hand_expect(&r, &h, "something follows its end");
	rig_drop(&r);
}

/* A window of gigabytes would be memory of gigabytes. */
static void test_hostile_window(void **state)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	char *data = calloc(1, 32u << 20), *out = malloc(1u << 20);
	ZSTD_inBuffer in = { data, 32u << 20, 0 };
	ZSTD_outBuffer to = { out, 1u << 20, 0 };
	struct rig r;

	rig_begin(&r, state);
	split_free(&r.w);
	assert_true(zstd && data && out);
	memcpy(data, "jailspl1", 8);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 27);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
	while (in.pos < in.size) /* without end: the size isn't known when the header is made */
		assert_false(ZSTD_isError(ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_continue)));
	assert_int_equal(ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_end), 0);
	file_set(r.fd, out, to.pos);
	expect_bad(&r, "too much memory");
	(void)ZSTD_freeCCtx(zstd);
	free(data);
	free(out);
	rig_drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_replaced, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_replaced_links, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_property, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_splitter, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_splitter_misled, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_large, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_callbacks, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_changed, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_lost, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_tree_changed, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_tree_escape, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_cut_and_damaged, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_hostile_records, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_hostile_window, tmpdir_make, tmpdir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
