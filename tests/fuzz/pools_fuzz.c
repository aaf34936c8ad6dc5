/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What many instances share: the hosts file of a network ('h': its bytes) and the leases of a pool
 * ('l': pairs of pieces, key and owner, as symlinks). Whatever is in them, an instance's own record
 * or lease is found as it was put, another's is never given away, and a damaged one is passed over.
 */
#include <arpa/inet.h>
#include <sys/mman.h>

#include "base/lease.h"
#include "netsetup/hosts_priv.h"
#include "tests/fuzz/fuzz.h"

#define HOSTS_MAX (60u << 10)

static const struct jail_name web = { "web" }, net = { "default" };

static int see(const struct hosts_record *r, void *arg)
{
	struct jail_name name;
	uint64_t hash = 1;
	unsigned *seen = arg;

	(*seen)++;
	if (hosts_record_read(r, &hash, &name))
		fuzz_require(strnlen(name.s, sizeof(name.s)) < sizeof(name.s), "a name ends");
	return *seen % 7 == 0 && hash % 2; /* turned off */
}

static int find(const struct hosts_record *r, void *arg)
{
	const struct hosts_key key = hosts_key_of(&net, &web);
	unsigned *found = arg;

	*found += hosts_record_matches(r, &key);
	return 0;
}

static size_t records_of(struct fuzz_input *in, struct hosts_record ret[static HOSTS_RECORDS_MAX])
{
	static const char *const aliases[] = { NULL, "web", "alias", "localhost", "a b" };
	const struct hosts_key key = hosts_key_of(&net, &web);
	struct hosts_entry entry = { .instance = &web, .tenant = "", .network = &net };
	unsigned how = fuzz_byte(in);
	char alias[64 + 1];
	const uint8_t *text;
	size_t n = fuzz_piece(in, sizeof(alias) - 1, &text);

	memcpy(alias, text, n);
	alias[n] = '\0';
	entry.tenant = how & 1 ? "acme" : "";
	entry.alias = how & 2 ? alias : aliases[(how >> 2) % ARRAY_SIZE(aliases)];
	if (how & 0x40)
		entry.addresses.v4.s_addr = htonl(0x0a580007);
	if (how & 0x80)
		memset(&entry.addresses.v6, 0xfd, sizeof(entry.addresses.v6));
	n = hosts_format(&entry, &key, ret);
	fuzz_require(n <= HOSTS_RECORDS_MAX && !n == !(how & 0xc0), "a record for an address");
	for (size_t i = 0; i < n; i++)
		fuzz_harmless(ret[i].text, sizeof(ret[i].text), false);
	return n;
}

static void hosts(struct fuzz_input *in)
{
	const struct hosts_key key = hosts_key_of(&net, &web);
	struct hosts_record records[HOSTS_RECORDS_MAX];
	size_t n = records_of(in, records);
	CLEANUP_FD int fd = memfd_create("hosts", MFD_CLOEXEC);
	unsigned seen = 0, found = 0;
	struct err e = ERR_INIT;

	if (in->left > HOSTS_MAX)
		return;
	if (in->left == 0)
		fuzz_require(hosts_file_init(fd, &e) == 0, "a new file");
	fuzz_require(fd_write_all(fd, in->at, in->left) >= 0, "a file");
	(void)fuzz_judged(hosts_file_each(fd, see, &seen, &e), &e);
	e = ERR_INIT;
	if (!fuzz_judged(hosts_file_set(fd, &key, records, n, &e), &e))
		return;
	fuzz_require(hosts_file_each(fd, find, &found, &e) == 0, "it is read");
	fuzz_require(found == n, "what was put, and nothing else of the key");
}

static int count(const char *key, const struct jail_name *owner, void *arg)
{
	unsigned *n = arg;

	fuzz_require(key[0] != '.' && strlen(owner->s) > 0, "a lease has key and owner");
	(*n)++;
	return 0;
}

static void number_key(uint64_t number, const void *arg, char *ret, size_t n)
{
	(void)arg;
	(void)str_format(ret, n, "%u", (unsigned)number);
}

/* A key of the input is taken by `web`, or it has an owner before and after. */
static void take(int pool, const char *key)
{
	struct jail_name before = { "" }, holder = { "" };
	int had = lease_holder(pool, key, &before);
	struct err e = ERR_INIT;
	int r = lease_take(pool, key, &web, &holder, &e);

	(void)fuzz_judged(r, &e);
	if (r == 0)
		fuzz_require(had == -ENOENT || str_eq(before.s, web.s), "it was free or ours");
	else if (had == 0)
		fuzz_require(r == -EEXIST && str_eq(before.s, holder.s), "it stays another's");
	if (r == 0)
		fuzz_require(lease_rename(pool, key, &web, &net) == 0 &&
				     lease_rename(pool, key, &web, &net) == 0 &&
				     lease_drop(pool, key, &web) == -EPERM &&
				     lease_drop(pool, key, &net) == 0,
			     "it is handed over and given back");
}

static bool is_odd(uint64_t number, const void *arg)
{
	(void)arg;
	return number % 2;
}

static void leases(struct fuzz_input *in)
{
	unsigned how = fuzz_byte(in);
	const struct lease_range range = { .first = 0,
					   .count = how & 1 ? 200 : 9,
					   .format = number_key,
					   .compact = how & 1,
					   .is_foreign = how & 2 ? is_odd : NULL };
	struct lease_taken taken;
	struct err e = ERR_INIT;
	CLEANUP_FD int pool = path_make_dir_at(fuzz_dir(), "pool", 0700, &e);
	char key[160] = "", owner[160];
	unsigned n = 0;

	while (in->left > 0) {
		const uint8_t *text;
		size_t length = fuzz_piece(in, sizeof(key) - 1, &text);

		memcpy(key, text, length);
		key[length] = '\0';
		length = fuzz_piece(in, sizeof(owner) - 1, &text);
		memcpy(owner, text, length);
		owner[length] = '\0';
		/* Only what symlink(2) takes as one name can be there. */
		if (!strchr(key, '/'))
			(void)!symlinkat(owner, pool, key);
	}
	(void)fuzz_judged(lease_each(pool, count, &n, &e), &e);
	take(pool, key);
	e = ERR_INIT;
	if (fuzz_judged(lease_take_any(pool, &range, &web, &taken, &e), &e))
		fuzz_require(taken.number < range.count && !(range.is_foreign && taken.number % 2),
			     "a number of the range, and nobody else's");
	(void)path_remove_tree(fuzz_dir(), "pool", &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned kind = fuzz_byte(&in);

	if (kind == 'h')
		hosts(&in);
	if (kind == 'l')
		leases(&in);
	return 0;
}
