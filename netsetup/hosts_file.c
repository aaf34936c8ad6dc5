/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hosts file as a table that C libraries can read from top to bottom.
 *
 * Pages of 16 records, in levels of 1, 2, 4, ... pages, each behind the one before. A key has two
 * pages in each level, by its hash; it is put into the first level that has room, there into the
 * emptier one of the two, and stays there. When no level has room, the file gets another. So
 * finding, adding and turning off look at two pages of each level (nine of them for 5,000
 * instances), nothing ever moves, the file is at least a third full, and one for a few instances is
 * a page.
 *
 * Why no list of free records, no index: the records are all that there is, so whoever is killed,
 * at whatever instruction, leaves a table that is whole. Why in place and not by rename(2): the
 * file is mounted in every instance, and a mount is of an inode.
 *
 * Readers take no lock, and tmpfs copies to them while it copies from us: a reader may catch a
 * write half done. So a record is written with its lines turned off first, and then turned on by
 * the one byte at the start of each; likewise it is turned off by one byte, and its text stays. A
 * reader sees an entry or does not. (Only one that is stopped in the very middle of copying a
 * record, for as long as it takes to end that instance and start another, could mix the two.) A
 * changed entry is first added and then turned off, so that the name is never missing.
 */
#include <sys/stat.h>

#include "netsetup/hosts_priv.h"

#define PAGE 4096
#define PER_PAGE (PAGE / HOSTS_RECORD)
#define LEVELS_MAX 13 /* 131,056 records, 32 MiB */
_Static_assert(PAGE % HOSTS_RECORD == 0, "no record crosses a page");

struct page {
	struct hosts_record records[PER_PAGE];
};

static off_t level_offset(unsigned level)
{
	return (off_t)PAGE * ((1 << level) - 1);
}

/* Whole levels; what a killed process has begun of another one is written again. */
static int levels_of(int fd, unsigned *ret, struct err *e)
{
	unsigned levels = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "hosts file: stat");
	while (levels < LEVELS_MAX && level_offset(levels + 1) <= st.st_size)
		levels++;
	if (levels == 0)
		return err_set(e, EIO, "hosts file: it is damaged (%lld bytes)",
			       (long long)st.st_size);
	*ret = levels;
	return 0;
}

/* The first or second page of a key in a level. */
static off_t page_of(uint64_t hash, unsigned level, unsigned choice)
{
	uint64_t number = (choice ? hash >> 28 : hash) & ((1u << level) - 1);

	return level_offset(level) + (off_t)number * PAGE;
}

static int page_read(int fd, off_t at, struct page *ret, struct err *e)
{
	ssize_t n = pread(fd, ret, sizeof(*ret), at);

	if (n == (ssize_t)sizeof(*ret))
		return 0;
	return n < 0 ? err_sys(e, "hosts file: read") : err_set(e, EIO, "hosts file: it is cut");
}

static int write_at(int fd, const void *data, size_t n, off_t at, struct err *e)
{
	ssize_t done = pwrite(fd, data, n, at);

	if (done == (ssize_t)n)
		return 0;
	return done < 0 ? err_sys(e, "hosts file: write")
			: err_set(e, ENOSPC, "hosts file: its file system is full");
}

static int record_on(int fd, off_t at, const struct hosts_record *r, struct err *e)
{
	struct hosts_record off = hosts_record_off(r);

	if (write_at(fd, &off, sizeof(off), at, e) < 0)
		return -e->code;
	return write_at(fd, r, sizeof(*r), at, e);
}

static int record_off(int fd, off_t at, const struct hosts_record *r, struct err *e)
{
	struct hosts_record off = hosts_record_off(r);

	return write_at(fd, &off, sizeof(off), at, e);
}

/* Record 0 of the file is its head. */
static unsigned first_of(off_t page)
{
	return page == 0;
}

static off_t record_offset(off_t page, unsigned i)
{
	return page + (off_t)i * HOSTS_RECORD;
}

static int level_make(int fd, unsigned level, struct err *e)
{
	struct page blank;

	if (level >= LEVELS_MAX)
		return err_set(e, ENOSPC, "hosts file: there are too many instances in it");
	for (unsigned i = 0; i < PER_PAGE; i++)
		hosts_record_blank(&blank.records[i]);
	if (level == 0)
		hosts_record_head(&blank.records[0]);
	for (off_t at = level_offset(level); at < level_offset(level + 1); at += PAGE) {
		if (write_at(fd, &blank, sizeof(blank), at, e) < 0)
			return -e->code;
	}
	return 0;
}

int hosts_file_init(int fd, struct err *e)
{
	return level_make(fd, 0, e);
}

/* The emptier page of the two. Return: 1 and the offset of a free record in it, 0: none. */
static int find_free(int fd, uint64_t hash, unsigned level, off_t *ret, struct err *e)
{
	unsigned most = 0;

	for (unsigned choice = 0; choice < 2; choice++) {
		off_t at = page_of(hash, level, choice), found = 0;
		struct page page;
		unsigned n = 0;

		if (page_read(fd, at, &page, e) < 0)
			return -e->code;
		for (unsigned i = first_of(at); i < PER_PAGE; i++) {
			if (hosts_record_is_live(&page.records[i]))
				continue;
			if (n++ == 0)
				found = record_offset(at, i);
		}
		if (n > most) {
			most = n;
			*ret = found;
		}
	}
	return most > 0;
}

int hosts_file_add(int fd, uint64_t hash, const struct hosts_record *record, struct err *e)
{
	unsigned levels;
	off_t at = 0;
	int r;

	if (levels_of(fd, &levels, e) < 0)
		return -e->code;
	for (unsigned level = 0; level < levels; level++) {
		r = find_free(fd, hash, level, &at, e);
		if (r != 0)
			return r < 0 ? r : record_on(fd, at, record, e);
	}
	if (level_make(fd, levels, e) < 0)
		return -e->code;
	r = find_free(fd, hash, levels, &at, e);
	return r < 0 ? r : record_on(fd, at, record, e);
}

/* Which of the wanted records are there. What else the key has is turned off, if `off`. */
static int settle(int fd, const struct hosts_key *key, const struct hosts_record *wanted, size_t n,
		  bool off, bool ret_have[static HOSTS_RECORDS_MAX], struct err *e)
{
	unsigned levels;

	memset(ret_have, 0, HOSTS_RECORDS_MAX * sizeof(*ret_have));
	if (levels_of(fd, &levels, e) < 0)
		return -e->code;
	for (unsigned p = 0; p < 2 * levels; p++) {
		off_t at = page_of(key->hash, p / 2, p % 2);
		struct page page;

		if (p % 2 && at == page_of(key->hash, p / 2, 0))
			continue;
		if (page_read(fd, at, &page, e) < 0)
			return -e->code;
		for (unsigned i = first_of(at); i < PER_PAGE; i++) {
			const struct hosts_record *r = &page.records[i];
			size_t k = 0;

			if (!hosts_record_matches(r, key))
				continue;
			while (k < n && (ret_have[k] || memcmp(r, &wanted[k], sizeof(*r)) != 0))
				k++;
			if (k < n)
				ret_have[k] = true;
			else if (off && record_off(fd, record_offset(at, i), r, e) < 0)
				return -e->code;
		}
	}
	return 0;
}

int hosts_file_set(int fd, const struct hosts_key *key, const struct hosts_record *records,
		   size_t n, struct err *e)
{
	bool have[HOSTS_RECORDS_MAX];
	int r = n > 0 ? settle(fd, key, records, n, false, have, e) : 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		if (!have[i])
			r = hosts_file_add(fd, key->hash, &records[i], e);
	return r < 0 ? r : settle(fd, key, records, n, true, have, e);
}

int hosts_file_each(int fd, hosts_each_fn *fn, void *arg, struct err *e)
{
	unsigned levels;

	if (levels_of(fd, &levels, e) < 0)
		return -e->code;
	for (off_t at = 0; at < level_offset(levels); at += PAGE) {
		struct page page;

		if (page_read(fd, at, &page, e) < 0)
			return -e->code;
		for (unsigned i = first_of(at); i < PER_PAGE; i++) {
			const struct hosts_record *r = &page.records[i];
			int what = hosts_record_is_live(r) ? fn(r, arg) : 0;

			if (what < 0)
				return what;
			if (what > 0 && record_off(fd, record_offset(at, i), r, e) < 0)
				return -e->code;
		}
	}
	return 0;
}
