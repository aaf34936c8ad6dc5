/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Annotations that tell a runtime something (crun(1), "Extensions to OCI"): those that are done,
 * and those that would change what a container is and are refused, with the reason. Others are the
 * engine's own notes. org.systemd.property.* are scope_property.c's.
 */
#include "runtime/oci/engine_priv.h"

static const struct {
	const char *key;
	const char *why; /* NULL: it is done */
} known[] = {
	{ "run.oci.hooks.stdout", NULL }, /* hooks.c */
	{ "run.oci.hooks.stderr", NULL },
	{ "run.oci.pidfd_receiver", NULL }, /* create.c */
	{ "run.oci.handler", "only the plain one is there" },
	{ "run.oci.keep_original_groups", "groups are those of process.user" },
	{ "run.oci.mount_context_type", "linux.mountLabel is \"context\"" },
	{ "run.oci.seccomp.receiver", "use linux.seccomp.listenerPath" },
	{ "run.oci.seccomp_bpf_data", "filters are compiled from linux.seccomp" },
	{ "run.oci.seccomp_fail_unknown_syscall",
	  "names that libseccomp doesn't know are passed over" },
	{ "run.oci.systemd.force_cgroup_v1", "only cgroup v2 is supported" },
	{ "run.oci.systemd.subgroup", "the scope itself holds the container" },
	{ "run.oci.delegate-cgroup", "the container's cgroup is the root of what it sees" },
	{ "run.oci.timens_offset", "use linux.timeOffsets" },
};

int oci_annotations_check(const struct oci_config *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *value = oci_map_get(&c->annotations, known[i].key);

		if (value && known[i].why)
			return err_set(e, EOPNOTSUPP, "annotation %s is not supported: %s",
				       known[i].key, known[i].why);
		if (value && value[0] != '/')
			return err_set(e, EINVAL, "annotation %s: \"%s\" is no absolute path",
				       known[i].key, value);
	}
	return 0;
}
