/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of everything that is not an instance: images and layers, snapshots, volumes, networks,
 * the host's own IPv6 prefix, and the configuration. The first byte says which. A damaged one is an
 * error with a reason; one that is accepted is written as a file that means the same.
 */
#include "images/snapshot_priv.h"
#include "images/store_priv.h"
#include "runtime/networks_priv.h"
#include "runtime/volumes_priv.h"
#include "tests/fuzz/fuzz.h"

static const char layer[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const struct jail_name thing = { "thing" };

static int volume(int dir, struct err *e)
{
	CLEANUP_VOLUME struct volume v = { .mode = 0 };
	int r = volume_file_read(dir, &thing, &v, e);

	if (r < 0)
		return r;
	fuzz_require(v.mode <= 07777 && v.labels.n <= LIMIT_LABELS, "a volume");
	return volume_file_write(dir, &v, e);
}

static int network(int dir, struct err *e)
{
	struct net_network n;
	int r = network_file_read(dir, &thing, &n, e);

	if (r < 0)
		return r;
	fuzz_require(net_has4(&n) || net_has6(&n), "a network has a subnet");
	fuzz_require(!net_has4(&n) || (n.prefix4 >= 8 && n.prefix4 <= 30), "a prefix");
	fuzz_require(!net_has6(&n) || (n.prefix6 >= 48 && n.prefix6 <= 120), "a prefix");
	return network_file_write(dir, &n, e);
}

static int image(int dir, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	static struct image i;
	struct store_file file;
	size_t n = fuzz_get(dir, "image.json", &text);
	int r = image_file_parse("image.json", text, n, &i, e);

	if (r < 0)
		return r;
	fuzz_require(i.n_layers <= LIMIT_LAYERS, "layers");
	r = image_file_write(dir, &i, e);
	fuzz_require(r == 0 && store_file_name(&i.ref, &file, e) == 0, "it is written");
	fuzz_require(renameat(dir, file.s, dir, "image.json") == 0, "it has its name");
	return r;
}

static int snapshot(int dir, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct snapshot s = { .created_ms = 0 };
	size_t n = fuzz_get(dir, SNAPSHOT_FILE, &text);
	int r = snapshot_parse(SNAPSHOT_FILE, text, n, &s, e);
	struct json_out o;

	if (r < 0)
		return r;
	fuzz_require(s.n_schedules <= LIMIT_SCHEDULES && s.name.s[0], "a snapshot");
	json_out_init(&o, &b, false);
	snapshot_write(&s, &o);
	fuzz_put(dir, SNAPSHOT_FILE, strbuf_str(&b), b.len);
	return r;
}

static void layers(const uint8_t *data, size_t size)
{
	const struct image_store store = { .layers = fuzz_dir() };
	struct digest digest;
	struct layer_counts counts;
	struct err e = ERR_INIT;
	CLEANUP_FD int dir = path_make_dir_at(fuzz_dir(), layer, 0700, &e);

	memcpy(digest.hex, layer, sizeof(digest.hex));
	fuzz_put(dir, "layer.json", data, size);
	(void)fuzz_judged(layer_file_read(&store, &digest, &counts, &e), &e);
}

/* What is made in place of a missing one is accepted. */
static void prefix(const uint8_t *data, size_t size)
{
	static struct jail j;
	struct in6_addr first, second;
	struct err e = ERR_INIT;
	bool good;

	j.state = fuzz_dir();
	(void)mkdirat(j.state, "networks", 0700);
	fuzz_put(j.state, "ula", data, size);
	good = fuzz_judged(network_ula(&j, &first, &e), &e);
	fuzz_require(!good || first.s6_addr[0] == 0xfd, "a prefix of one's own");
	(void)unlinkat(j.state, "ula", 0);
	e = ERR_INIT;
	fuzz_require(network_ula(&j, &first, &e) == 0 && network_ula(&j, &second, &e) == 0 &&
			     IN6_ARE_ADDR_EQUAL(&first, &second),
		     "it stays");
}

static void configuration(const uint8_t *data, size_t size)
{
	static struct jail_config c;
	char file[64];
	struct err e = ERR_INIT;

	fuzz_put(fuzz_dir(), "jail.json", data, size);
	(void)str_format(file, sizeof(file), "%s/jail.json", fuzz_path);
	if (!fuzz_judged(config_load(file, &c, &e), &e))
		return;
	fuzz_require(c.state_dir[0] == '/' && c.run_dir[0] == '/', "directories");
	fuzz_require(c.ids.first >= IDMAP_COUNT, "not the host's ids");
	fuzz_require(config_set_policy(&c, "none", &e) == 0 && !c.policy[0], "no policy");
	(void)unlinkat(fuzz_dir(), "jail.json", 0);
	fuzz_require(config_load(file, &c, &e) == -ENOENT && e.hint[0], "a hint");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_record kinds[] = {
		{ 'v', "volume.json", volume },
		{ 'n', "thing.json", network },
		{ 'i', "image.json", image },
		{ 's', SNAPSHOT_FILE, snapshot },
	};

	if (size < 1)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].letter == (char)data[0])
			fuzz_record(&kinds[i], data + 1, size - 1);
	if (data[0] == 'l')
		layers(data + 1, size - 1);
	if (data[0] == 'u')
		prefix(data + 1, size - 1);
	if (data[0] == 'c')
		configuration(data + 1, size - 1);
	return 0;
}
