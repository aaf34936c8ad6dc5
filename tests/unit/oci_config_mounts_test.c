/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "mounts" of config.json: each option of the table by what it changes, the kinds, and what two
 * options do together. The option's names are also those that `features` prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/mount.h>

#include "runtime/oci/config_priv.h"

#define ATIME MOUNT_ATTR__ATIME
#define BIND "\"type\":\"bind\",\"source\":\"/x\""
#define TMPFS "\"type\":\"tmpfs\",\"source\":\"tmpfs\""

static struct oci_config config;

/* A configuration whose only mount this is, on /a; its options in JSON. */
static int parse_list(const char *mounts, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_INIT;

	oci_config_free(&config);
	strbuf_addf(
		&text,
		"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"mounts\":[%s],\"linux\":{"
		"\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":7,\"size\":1}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":7,\"size\":1}]}}",
		mounts);
	assert_int_equal(strbuf_ok(&text, e), 0);
	return oci_config_parse("config.json", text.data, text.len, "/bundle", &config, e);
}

static const struct bundle_mount *parse(const char *members, const char *options)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_INIT;
	struct err e = ERR_INIT;

	strbuf_addf(&text, "{\"destination\":\"/a\",%s,\"options\":[%s]}", members, options);
	if (parse_list(strbuf_str(&text), &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(config.bundle.n_mounts, 1);
	return &config.bundle.mounts[0];
}

static int free_config(void **state)
{
	(void)state;
	oci_config_free(&config);
	return 0;
}

struct attr_row {
	const char *name;
	uint64_t set, clr, rset, rclr;
};

/* By themselves: config.md, "Linux mount options". */
static const struct attr_row attr_rows[] = {
	{ "atime", 0, ATIME, 0, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV, 0, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME, 0, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC, 0, 0 },
	{ "noatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0 },
	{ "nodev", MOUNT_ATTR_NODEV, 0, 0, 0 },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0, 0, 0 },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0, 0, 0 },
	{ "norelatime", 0, ATIME, 0, 0 },
	{ "nostrictatime", 0, ATIME, 0, 0 },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0, 0, 0 },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, 0, 0 },
	{ "relatime", 0, ATIME, 0, 0 },
	{ "ro", MOUNT_ATTR_RDONLY, 0, 0, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY, 0, 0 },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID, 0, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW, 0, 0 },
	{ "ratime", 0, 0, 0, ATIME },
	{ "rdev", 0, 0, 0, MOUNT_ATTR_NODEV },
	{ "rdiratime", 0, 0, 0, MOUNT_ATTR_NODIRATIME },
	{ "rexec", 0, 0, 0, MOUNT_ATTR_NOEXEC },
	{ "rnoatime", 0, 0, MOUNT_ATTR_NOATIME, ATIME },
	{ "rnodev", 0, 0, MOUNT_ATTR_NODEV, 0 },
	{ "rnodiratime", 0, 0, MOUNT_ATTR_NODIRATIME, 0 },
	{ "rnoexec", 0, 0, MOUNT_ATTR_NOEXEC, 0 },
	{ "rnorelatime", 0, 0, 0, ATIME },
	{ "rnostrictatime", 0, 0, 0, ATIME },
	{ "rnosuid", 0, 0, MOUNT_ATTR_NOSUID, 0 },
	{ "rnosymfollow", 0, 0, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "rrelatime", 0, 0, 0, ATIME },
	{ "rro", 0, 0, MOUNT_ATTR_RDONLY, 0 },
	{ "rrw", 0, 0, 0, MOUNT_ATTR_RDONLY },
	{ "rstrictatime", 0, 0, MOUNT_ATTR_STRICTATIME, ATIME },
	{ "rsuid", 0, 0, 0, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", 0, 0, 0, MOUNT_ATTR_NOSYMFOLLOW },
	/* together: the later wins, and no mode takes another's bits along */
	{ "ro\",\"rw", 0, MOUNT_ATTR_RDONLY, 0, 0 },
	{ "rw\",\"ro", MOUNT_ATTR_RDONLY, 0, 0, 0 },
	{ "noatime\",\"strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0 },
	{ "strictatime\",\"atime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0 },
	{ "noatime\",\"atime", 0, ATIME, 0, 0 },
	{ "noatime\",\"norelatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0 },
	{ "strictatime\",\"relatime", 0, ATIME, 0, 0 },
	{ "nodiratime\",\"noatime", MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOATIME, ATIME, 0, 0 },
	{ "ro\",\"rrw", MOUNT_ATTR_RDONLY, 0, 0, MOUNT_ATTR_RDONLY },
	{ "nosuid,nodev,ro", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY, 0, 0, 0 },
	{ "", 0, 0, 0, 0 },
	{ "defaults", 0, 0, 0, 0 },
	{ "silent", 0, 0, 0, 0 },
	{ "loud", 0, 0, 0, 0 },
	{ "async", 0, 0, 0, 0 },
	{ "nolazytime", 0, 0, 0, 0 },
	{ "nomand", 0, 0, 0, 0 },
	{ "noiversion", 0, 0, 0, 0 },
};

static void test_attributes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attr_rows); i++) {
		const struct attr_row *row = &attr_rows[i];
		const struct bundle_mount *m;
		char options[64];

		(void)str_format(options, sizeof(options), "\"%s\"", row->name);
		m = parse(BIND, options);
		if (m->attr_set != row->set || m->attr_clr != row->clr ||
		    m->rattr_set != row->rset || m->rattr_clr != row->rclr)
			fail_msg("%s: %llx %llx %llx %llx", row->name,
				 (unsigned long long)m->attr_set, (unsigned long long)m->attr_clr,
				 (unsigned long long)m->rattr_set,
				 (unsigned long long)m->rattr_clr);
		assert_int_equal(m->n_data, 0);
		assert_int_equal(m->n_propagation, 0);
	}
}

static void test_propagation(void **state)
{
	static const struct {
		const char *name;
		uint64_t type;
		bool recursive;
	} rows[] = {
		{ "private", MS_PRIVATE, false },	{ "rprivate", MS_PRIVATE, true },
		{ "shared", MS_SHARED, false },		{ "rshared", MS_SHARED, true },
		{ "slave", MS_SLAVE, false },		{ "rslave", MS_SLAVE, true },
		{ "unbindable", MS_UNBINDABLE, false }, { "runbindable", MS_UNBINDABLE, true },
	};
	const struct bundle_mount *m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char options[32];
		bool recursive = !rows[i].recursive;

		(void)str_format(options, sizeof(options), "\"%s\"", rows[i].name);
		m = parse(BIND, options);
		assert_int_equal(m->n_propagation, 1);
		assert_int_equal(m->propagation[0].type, rows[i].type);
		assert_int_equal(m->propagation[0].recursive, rows[i].recursive);
		assert_int_equal(oci_propagation(rows[i].name, &recursive), rows[i].type);
		assert_int_equal(recursive, rows[i].recursive);
	}
	m = parse(BIND, "\"slave\",\"rshared\"");
	assert_int_equal(m->n_propagation, 2);
	assert_int_equal(m->propagation[0].type, MS_SLAVE);
	assert_int_equal(m->propagation[1].type, MS_SHARED);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *members, *options;
		enum bundle_kind kind;
		bool recursive;
		const char *source;
	} rows[] = {
		{ BIND, "", BUNDLE_BIND, false, "/x" },
		{ BIND, "\"rbind\"", BUNDLE_BIND, true, "/x" },
		{ "\"type\":\"none\",\"source\":\"y/z\"", "\"bind\"", BUNDLE_BIND, false,
		  "/bundle/y/z" },
		{ "\"source\":\"/x\"", "\"rbind\"", BUNDLE_BIND, true, "/x" },
		{ "\"type\":null,\"source\":\"/x\"", "\"ro,rbind\"", BUNDLE_BIND, true, "/x" },
		{ "\"type\":\"tmpfs\",\"source\":\".\"", "\"bind\"", BUNDLE_BIND, false,
		  "/bundle/." },
		{ TMPFS, "", BUNDLE_NEW, false, "tmpfs" },
		{ "\"type\":\"proc\"", "", BUNDLE_NEW, false, NULL },
		{ "\"type\":\"cgroup\",\"source\":\"cgroup\"", "\"ro\"", BUNDLE_CGROUP, false,
		  "cgroup" },
		{ "\"type\":\"cgroup2\",\"source\":\"cgroup2\"", "", BUNDLE_CGROUP, false,
		  "cgroup2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct bundle_mount *m = parse(rows[i].members, rows[i].options);

		assert_int_equal(m->kind, rows[i].kind);
		assert_int_equal(m->recursive, rows[i].recursive);
		if (rows[i].source)
			assert_string_equal(m->source, rows[i].source);
		else
			assert_null(m->source);
		assert_string_equal(m->key, "mounts[0]");
	}
}

static void assert_data(const struct bundle_mount *m, size_t i, const char *key, const char *value)
{
	assert_true(i < m->n_data);
	assert_string_equal(m->data[i].key, key);
	if (value)
		assert_string_equal(m->data[i].value, value);
	else
		assert_null(m->data[i].value);
}

static void test_own_options(void **state)
{
	const struct bundle_mount *m =
		parse(TMPFS, "\"nosuid\",\"mode=755\",\"size=64k,nr_inodes=5\",\"noswap\",\"x=\"");

	(void)state;
	assert_int_equal(m->n_data, 5);
	assert_data(m, 0, "mode", "755");
	assert_data(m, 1, "size", "64k");
	assert_data(m, 2, "nr_inodes", "5");
	assert_data(m, 3, "noswap", NULL);
	assert_data(m, 4, "x", "");
	assert_true(m->has_mode);
	assert_int_equal(m->attr_set, MOUNT_ATTR_NOSUID);

	m = parse(TMPFS, "\"context=\\\"u:r:t:s0:c1,c2\\\"\",\"size=1\"");
	assert_false(m->has_mode);
	assert_data(m, 0, "context", "u:r:t:s0:c1,c2");
	assert_data(m, 1, "size", "1");

	m = parse("\"type\":\"overlay\",\"source\":\"overlay\"",
		  "\"lowerdir=/a\\\\,b:/c,upperdir=/u\"");
	assert_data(m, 0, "lowerdir", "/a\\,b:/c");
	assert_data(m, 1, "upperdir", "/u");
}

/* Of the superblock: by fsconfig for a new file system, nothing that a bind mount has. */
static void test_superblock_options(void **state)
{
	static const char *const names[] = { "async", "dirsync",    "iversion", "lazytime",
					     "mand",  "nolazytime", "nomand",	"sync" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char options[32];
		const struct bundle_mount *m;

		(void)str_format(options, sizeof(options), "\"%s\"", names[i]);
		m = parse(TMPFS, options);
		assert_int_equal(m->n_data, 1);
		assert_data(m, 0, names[i], NULL);
		assert_int_equal(m->attr_set | m->attr_clr, 0);
	}
	assert_int_equal(parse(TMPFS, "\"noiversion\"")->n_data, 0);
	assert_int_equal(parse(TMPFS, "\"silent\",\"loud\",\"defaults\"")->n_data, 0);
	/* a device that may be read-only */
	assert_data(parse("\"type\":\"ext4\",\"source\":\"/dev/vdb\"", "\"ro\""), 0, "ro", NULL);
	assert_int_equal(parse(TMPFS, "\"ro\"")->n_data, 0);
}

static void test_extensions(void **state)
{
	const struct bundle_mount *m = parse(TMPFS, "\"tmpcopyup\"");

	(void)state;
	assert_true(m->copy_up);
	m = parse(BIND, "\"src-nofollow\",\"dest-nofollow\"");
	assert_true(m->source_link && m->destination_link);
	m = parse(BIND, "\"idmap\"");
	assert_int_equal(m->idmap, BUNDLE_IDMAP);
	assert_int_equal(m->maps.n_uids, 0);
	assert_int_equal(parse(BIND, "\"ridmap\"")->idmap, BUNDLE_RIDMAP);
}

#define MAP(a, b, n) "{\"containerID\":" #a ",\"hostID\":" #b ",\"size\":" #n "}"

static void test_mappings(void **state)
{
	const struct bundle_mount *m =
		parse(BIND ",\"uidMappings\":[" MAP(0, 5, 1) "," MAP(
			      1, 100, 10) "],\"gidMappings\":[" MAP(2, 3, 4) "]",
		      "");

	(void)state;
	assert_int_equal(m->idmap, BUNDLE_IDMAP);
	assert_int_equal(m->maps.n_uids, 2);
	assert_int_equal(m->maps.uids[1].inside, 1);
	assert_int_equal(m->maps.uids[1].outside, 100);
	assert_int_equal(m->maps.uids[1].count, 10);
	assert_int_equal(m->maps.n_gids, 1);
	assert_int_equal(m->maps.gids[0].outside, 3);

	m = parse(BIND, "\"ridmap=uids=0-1000-10#10-5-1;gids=0-7-2\"");
	assert_int_equal(m->idmap, BUNDLE_RIDMAP);
	assert_int_equal(m->maps.n_uids, 2);
	assert_int_equal(m->maps.uids[1].inside, 10);
	assert_int_equal(m->maps.uids[1].outside, 5);
	assert_int_equal(m->maps.uids[1].count, 1);
	assert_int_equal(m->maps.gids[0].count, 2);

	/* the container's id 0 is the host's 7 */
	m = parse(BIND, "\"idmap=uids=@5-0-1;gids=5-0-1\"");
	assert_int_equal(m->maps.uids[0].inside, 5);
	assert_int_equal(m->maps.uids[0].outside, 7);
	assert_int_equal(m->maps.gids[0].outside, 0);
}

static void test_destinations(void **state)
{
	static const char *const rows[][2] = {
		{ "/a/./b//c/", "/a/b/c" },
		{ "a/b", "/a/b" },
		{ "/../../x", "/x" },
		{ "/", "/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;
		char text[128];

		(void)str_format(text, sizeof(text), "{\"destination\":\"%s\"," TMPFS "}",
				 rows[i][0]);
		assert_int_equal(parse_list(text, &e), 0);
		assert_string_equal(config.bundle.mounts[0].destination, rows[i][1]);
	}
}

static void test_remount(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(parse_list("{\"destination\":\"/a\"," BIND ",\"options\":[\"nosuid\"]},"
				    "{\"destination\":\"/b\"," TMPFS "},"
				    "{\"destination\":\"/a/\",\"options\":[\"remount\",\"bind\","
				    "\"ro\",\"noatime\",\"rslave\"]},"
				    "{\"destination\":\"/\",\"options\":[\"remount\",\"ro\"]}",
				    &e),
			 0);
	assert_int_equal(config.bundle.n_mounts, 2);
	assert_int_equal(config.bundle.mounts[0].attr_set,
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	assert_int_equal(config.bundle.mounts[0].attr_clr, ATIME);
	assert_int_equal(config.bundle.mounts[0].n_propagation, 1);
	assert_string_equal(config.bundle.mounts[1].destination, "/b");
	assert_true(config.bundle.read_only);
}

/* Every name of the table means something, in order of the alphabet. */
static void test_every_name(void **state)
{
	const char *name, *before = "";

	(void)state;
	for (size_t i = 0; (name = oci_mount_option_name(i)) != NULL; i++) {
		struct err e = ERR_INIT;
		char text[128];
		bool bound = str_eq(name, "idmap") || str_eq(name, "ridmap") ||
			     str_eq(name, "src-nofollow") || str_eq(name, "bind") ||
			     str_eq(name, "rbind");
		int r;

		assert_true(strcmp(before, name) < 0);
		before = name;
		(void)str_format(text, sizeof(text),
				 "{\"destination\":\"/a\",%s,\"options\":[\"%s\"]}",
				 bound ? BIND : TMPFS, name);
		r = parse_list(text, &e);
		if (str_eq(name, "remount"))
			assert_true(r < 0);
		else if (r < 0)
			fail_msg("%s: %s", name, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_propagation),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_own_options),
		cmocka_unit_test(test_superblock_options),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_remount),
		cmocka_unit_test(test_every_name),
	};

	return cmocka_run_group_tests(tests, NULL, free_config);
}
