/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder of config.json under libFuzzer. Beyond not crashing: a refusal says why, and what is
 * accepted keeps the promises of runtime/oci/config.h, on which the engine builds. Seeds:
 * tests/spec/oci/good, tests/spec/oci/bad.
 */
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/oci/config.h"
#include "tests/fuzz/fuzz.h"

static void require(bool condition, const char *what)
{
	if (!condition) {
		(void)fprintf(stderr, "oci_config_fuzz: %s\n", what);
		abort();
	}
}

/* Relative, and no component leads up. */
static bool is_plain_path(const char *path)
{
	const char *last = strrchr(path, '/');

	return path[0] != '/' && !str_starts(path, "../") && !strstr(path, "/../") &&
	       !(last && str_eq(last, "/.."));
}

static void check_mount(const struct bundle_mount *m)
{
	const uint64_t atime = MOUNT_ATTR__ATIME;

	require(m->key && m->destination && m->destination[0] == '/', "a destination");
	require(is_plain_path(m->destination + 1), "a clean destination");
	require(m->kind != BUNDLE_BIND || (m->source && m->source[0] == '/'), "a source");
	require(m->kind != BUNDLE_NEW || m->fstype, "a type");
	require(m->kind == BUNDLE_NEW || m->n_data == 0, "options of a new file system");
	require(m->n_propagation <= BUNDLE_PROPAGATIONS_MAX, "propagation");
	/* mount_setattr(2) */
	require((m->attr_clr & atime) == 0 || (m->attr_clr & atime) == atime, "all of the mode");
	require((m->rattr_clr & atime) == 0 || (m->rattr_clr & atime) == atime, "all of the mode");
	require(!(m->attr_set & atime) || (m->attr_clr & atime), "a mode in place of another");
	require(!(m->rattr_set & atime) || (m->rattr_clr & atime), "a mode in place of another");
	require(!m->maps.n_uids == !m->maps.n_gids, "both maps or none");
}

static void check_config(const struct oci_config *c)
{
	require(c->version && c->bundle.rootfs && c->bundle.rootfs[0] == '/', "version and root");
	for (size_t i = 0; i < c->bundle.n_mounts; i++)
		check_mount(&c->bundle.mounts[i]);
	require(c->bundle.private_mounts || c->bundle.n_mounts == 0, "mounts have a namespace");
	if (c->process.given)
		require(c->process.cwd && c->process.cwd[0] == '/' && c->process.args.n > 0 &&
				!c->process.args.v[c->process.args.n],
			"a process");
	for (size_t i = 0; i < c->process.env.n; i++)
		require(strchr(c->process.env.v[i], '=') != NULL, "a variable");
	for (size_t i = 0; i < c->sysctl.n; i++)
		require(is_plain_path(c->sysctl.v[i].key), "a sysctl's path");
	for (size_t i = 0; i < OCI_HOOKS; i++)
		for (size_t k = 0; k < c->hooks[i].n; k++)
			require(c->hooks[i].v[k].path[0] == '/', "a hook's path");
	require(!c->bundle.private_user || c->bundle.maps.n_uids ||
			oci_namespace_find(c, CLONE_NEWUSER)->path,
		"a user namespace has maps");
}

/* The same text as what `exec --process` and `update --resources` read, and from the bundle. */
static void check_files(const uint8_t *data, size_t size, bool accepted)
{
	CLEANUP_OCI_CONFIG struct oci_config process = OCI_CONFIG_INIT;
	CLEANUP_OCI_CONFIG struct oci_config resources = OCI_CONFIG_INIT;
	CLEANUP_OCI_CONFIG struct oci_config bundle = OCI_CONFIG_INIT;
	struct err e = ERR_INIT, e2 = ERR_INIT, e3 = ERR_INIT;
	char path[64];

	fuzz_put(fuzz_dir(), "config.json", data, size);
	(void)str_format(path, sizeof(path), "%s/config.json", fuzz_path);
	if (fuzz_judged(oci_process_load(path, &process, &e), &e))
		require(process.process.args.n > 0, "a process");
	(void)fuzz_judged(oci_resources_load(path, &resources, &e2), &e2);
	require(fuzz_judged(oci_config_load(fuzz_dir(), "/bundle", &bundle, &e3), &e3) == accepted,
		"a file is its text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_OCI_CONFIG struct oci_config c = OCI_CONFIG_INIT;
	struct err e = ERR_INIT;
	int r = oci_config_parse("fuzz", (const char *)data, size, "/bundle", &c, &e);

	check_files(data, size, r >= 0);
	if (!fuzz_judged(r, &e))
		return 0;
	check_config(&c);
	for (size_t i = 0; i < c.annotations.n; i++)
		require(oci_map_get(&c.annotations, c.annotations.v[i].key) != NULL, "a pair");
	(void)fuzz_judged(oci_config_check_host(&c, &e), &e);
	return 0;
}
