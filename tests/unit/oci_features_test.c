/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `jail-oci spec` and `jail-oci features` print: the examples are configurations that the
 * decoder takes; of what features lists, the decoder takes each word (mount options:
 * oci_config_mounts_test.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/sched.h>

#include "runtime/oci/config.h"

static void test_example(void **state)
{
	(void)state;
	for (int rootless = 0; rootless < 2; rootless++) {
		CLEANUP_OCI_CONFIG struct oci_config c = OCI_CONFIG_INIT;
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		struct err e = ERR_INIT;
		struct json_out o;

		json_out_init(&o, &b, true);
		oci_example(&o, rootless != 0);
		assert_int_equal(strbuf_ok(&b, &e), 0);
		if (oci_config_parse("example", b.data, b.len, "/b", &c, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(c.version, OCI_VERSION);
		assert_string_equal(c.bundle.rootfs, "/b/rootfs");
		assert_int_equal(c.bundle.n_mounts, 7);
		assert_string_equal(c.process.args.v[0], "sh");
		assert_true(c.process.terminal && c.process.no_new_privileges);
		assert_int_equal(c.n_namespaces, 6);
		assert_int_equal(oci_namespace_find(&c, CLONE_NEWUSER) != NULL, rootless);
		assert_int_equal(c.bundle.maps.n_uids, rootless);
		assert_int_equal(c.resources.n_devices, !rootless);
	}
}

static struct json_doc *features(void)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_doc *doc = NULL;
	struct err e = ERR_INIT;
	struct json_out o;

	json_out_init(&o, &b, true);
	assert_int_equal(oci_features(&o, &e), 0);
	assert_int_equal(json_parse("features", b.data, b.len, &doc, &e), 0);
	return doc;
}

static bool lists(const struct json *list, const char *word)
{
	for (const struct json *m = list ? list->first : NULL; m; m = m->next)
		if (str_eq(m->text, word))
			return true;
	return false;
}

static bool is_enabled(const struct json *object)
{
	return json_get(object, "enabled")->boolean;
}

static void test_shape(void **state)
{
	CLEANUP_JSON struct json_doc *doc = features();
	const struct json *root = json_root(doc), *l = json_get(root, "linux");
	const struct json *cgroup = json_get(l, "cgroup");

	(void)state;
	assert_string_equal(json_get(root, "ociVersionMin")->text, "1.0.0");
	assert_string_equal(json_get(root, "ociVersionMax")->text, OCI_VERSION_MAX);
	assert_int_equal(json_get(root, "hooks")->count, OCI_HOOKS);
	assert_true(lists(json_get(root, "mountOptions"), "rro"));
	assert_true(lists(json_get(root, "mountOptions"), "idmap"));
	assert_int_equal(json_get(l, "capabilities")->count, 41);
	assert_false(json_get(cgroup, "v1")->boolean);
	assert_true(json_get(cgroup, "v2")->boolean);
	assert_true(json_get(cgroup, "systemd")->boolean);
	assert_true(json_get(cgroup, "rdma")->boolean);
	assert_true(is_enabled(json_get(l, "seccomp")));
	assert_true(lists(json_get(json_get(l, "seccomp"), "actions"), "SCMP_ACT_NOTIFY"));
	assert_true(lists(json_get(json_get(l, "seccomp"), "archs"), "SCMP_ARCH_X86_64"));
	assert_true(is_enabled(json_get(l, "apparmor")) && is_enabled(json_get(l, "selinux")));
	assert_false(is_enabled(json_get(l, "intelRdt")));
	assert_true(is_enabled(json_get(json_get(l, "mountExtensions"), "idmap")));
	assert_true(is_enabled(json_get(l, "netDevices")));
	assert_true(lists(json_get(json_get(l, "memoryPolicy"), "modes"), "MPOL_BIND"));
	assert_true(lists(json_get(root, "potentiallyUnsafeConfigAnnotations"),
			  "org.systemd.property."));
}

static void test_versions_and_namespaces(void **state)
{
	CLEANUP_JSON struct json_doc *doc = features();
	const struct json *root = json_root(doc);
	const struct json *list = json_get(json_get(root, "linux"), "namespaces");

	(void)state;
	assert_int_equal(list->count, OCI_NAMESPACES_MAX);
	for (const struct json *m = list->first; m; m = m->next) {
		CLEANUP_OCI_CONFIG struct oci_config c = OCI_CONFIG_INIT;
		struct err e = ERR_INIT;
		char text[256];
		int n = str_format(
			text, sizeof(text),
			"{\"ociVersion\":\"%s\",\"root\":{\"path\":\"/\"},\"linux\":{"
			"\"namespaces\":[{\"type\":\"%s\",\"path\":\"/proc/1/ns/x\"}]}}",
			json_get(root, m->next ? "ociVersionMin" : "ociVersionMax")->text, m->text);

		if (oci_config_parse("c", text, (size_t)n, "/", &c, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(c.n_namespaces, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_versions_and_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
