/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `jail-oci features` prints (runtime-spec features.md, features-linux.md): the words of the
 * decoder's own tables, whatever the host can do. What a table refuses as not supported isn't
 * there.
 */
#include "runtime/oci/config_priv.h"
#include "runtime/seccomp_priv.h"

#define OLDEST "1.0.0"

/* Annotations that let whoever may write them change more than the container: a value that ends
 * with "." is a prefix. */
static const char *const unsafe_annotations[] = { "org.systemd.property.", "run.oci." };

static void out_names(struct json_out *o, const char *key, const struct decode_name *names)
{
	json_out_array(o, key);
	for (; names->name; names++)
		json_out_str(o, NULL, names->name);
	json_out_array_end(o);
}

static void out_words(struct json_out *o, const char *key, const struct seccomp_word *words,
		      size_t n)
{
	json_out_array(o, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(o, NULL, words[i].name);
	json_out_array_end(o);
}

static void out_enabled(struct json_out *o, const char *key, bool enabled)
{
	json_out_object(o, key);
	json_out_bool(o, "enabled", enabled);
	json_out_object_end(o);
}

static void out_mount_options(struct json_out *o)
{
	const char *name;

	json_out_array(o, "mountOptions");
	for (size_t i = 0; (name = oci_mount_option_name(i)) != NULL; i++)
		json_out_str(o, NULL, name);
	json_out_array_end(o);
}

static void out_capabilities(struct json_out *o)
{
	const char *name;

	json_out_array(o, "capabilities");
	for (int i = 0; (name = creds_capability_name(i)) != NULL; i++)
		json_out_str(o, NULL, name);
	json_out_array_end(o);
}

static void out_cgroup(struct json_out *o)
{
	json_out_object(o, "cgroup");
	json_out_bool(o, "v1", false);
	json_out_bool(o, "v2", true);
	json_out_bool(o, "systemd", true);
	json_out_bool(o, "systemdUser", false);
	json_out_bool(o, "rdma", true);
	json_out_object_end(o);
}

static void out_seccomp(struct json_out *o)
{
	json_out_object(o, "seccomp");
	json_out_bool(o, "enabled", true);
	out_words(o, "actions", seccomp_actions, seccomp_n_actions);
	out_words(o, "operators", seccomp_ops, seccomp_n_ops);
	json_out_array(o, "archs");
	for (size_t i = 0; i < seccomp_n_arches; i++)
		json_out_str(o, NULL, seccomp_arches[i].name);
	json_out_array_end(o);
	out_words(o, "knownFlags", seccomp_flags, seccomp_n_flags);
	out_words(o, "supportedFlags", seccomp_flags, seccomp_n_flags);
	json_out_object_end(o);
}

static void out_linux(struct json_out *o)
{
	json_out_object(o, "linux");
	out_names(o, "namespaces", oci_namespace_names);
	out_capabilities(o);
	out_cgroup(o);
	out_seccomp(o);
	out_enabled(o, "apparmor", true);
	out_enabled(o, "selinux", true);
	out_enabled(o, "intelRdt", false);
	json_out_object(o, "memoryPolicy");
	out_names(o, "modes", oci_memory_modes);
	out_names(o, "flags", oci_memory_flags);
	json_out_object_end(o);
	json_out_object(o, "mountExtensions");
	out_enabled(o, "idmap", true);
	json_out_object_end(o);
	out_enabled(o, "netDevices", true);
	json_out_object_end(o);
}

/* Engines ask for the one of runc by its name. */
static void out_annotations(struct json_out *o)
{
	const struct scmp_version *v = seccomp_version();
	char text[48];

	(void)str_format(text, sizeof(text), "%u.%u.%u", v->major, v->minor, v->micro);
	json_out_object(o, "annotations");
	json_out_str(o, "io.github.seccomp.libseccomp.version", text);
	json_out_str(o, "org.opencontainers.runc.checkpoint.enabled", "false");
	json_out_str(o, "run.oci.jail.version", JAIL_VERSION);
	json_out_object_end(o);
}

int oci_features(struct json_out *o, struct err *e)
{
	json_out_object(o, NULL);
	json_out_str(o, "ociVersionMin", OLDEST);
	json_out_str(o, "ociVersionMax", OCI_VERSION_MAX);
	json_out_array(o, "hooks");
	for (size_t i = 0; i < OCI_HOOKS; i++)
		json_out_str(o, NULL, oci_hook_names[i]);
	json_out_array_end(o);
	out_mount_options(o);
	out_linux(o);
	out_annotations(o);
	json_out_array(o, "potentiallyUnsafeConfigAnnotations");
	for (size_t i = 0; i < ARRAY_SIZE(unsafe_annotations); i++)
		json_out_str(o, NULL, unsafe_annotations[i]);
	json_out_array_end(o);
	json_out_object_end(o);
	return strbuf_ok(o->b, e);
}
