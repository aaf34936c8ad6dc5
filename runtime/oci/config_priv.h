/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the configuration's decoder. One table for each object of config.json, in
 * the file of its topic; offsets count from struct oci_config, or from the element for the elements
 * of lists. The tables are also what `features` prints, so that it can't promise what the decoder
 * refuses.
 */
#ifndef JAIL_RUNTIME_OCI_CONFIG_PRIV_H
#define JAIL_RUNTIME_OCI_CONFIG_PRIV_H

#include "base/limits.h"
#include "runtime/decode_priv.h"
#include "runtime/oci/config.h"

#define OCI(member) offsetof(struct oci_config, member)
/* A table of the OCI specification: extensible, null is not given. */
#define OCI_TABLE(list)                                                                            \
	{                                                                                          \
		.fields = (list), .n = ARRAY_SIZE(list), .open = true                              \
	}

extern const struct decode_table oci_process_table, oci_linux_table, oci_resources_table,
	oci_hooks_table;

/* process, judged by itself, whichever file it is in. */
int oci_process_check(const struct decoder *d, const struct json *node, const struct oci_config *c,
		      struct err *e);
/* What 0 means "not given" for, as in every runtime. */
void oci_resources_finish(struct oci_resources *r);

/* base: struct bundle_mount. */
int oci_decode_mount(const struct decoder *d, const struct json *node, void *base, struct err *e);
/* Entries that are a "remount" become part of the mount that they change. list: "mounts" or NULL.
 */
int oci_mounts_fold(const struct decoder *d, struct oci_config *c, const struct json *list,
		    struct err *e);
/* One string of a mount's options (config_mount_options.c). */
struct oci_mount_job {
	const struct decoder *d;
	const struct json *node; /* the string */
	struct bundle_mount *m;
	struct mount_param *data; /* m->data, with room for every option */
};
int oci_mount_option(const struct oci_mount_job *job, struct err *e);
/* "uids=0-1000-10#10-2000-5;gids=@0-1000-10": crun's notation, after "idmap=" or "ridmap="; "@":
 * the second id is one of the container's. */
int oci_idmap_text(const struct decoder *d, const struct json *node, const char *text,
		   struct bundle_mount *m, struct err *e);
/* Name of the i-th option, or NULL after the last. */
const char *oci_mount_option_name(size_t i);

/* uidMappings and gidMappings: base is a struct id_mapping. */
extern const struct decode_table oci_mapping_table;
/* No range is empty, leaves 32 bits, or overlaps another of the list. `node` is the list. */
int oci_mappings_check(const struct decoder *d, const struct json *node,
		       const struct id_mapping *maps, size_t n, struct err *e);
/* One of private, slave, shared, unbindable, perhaps with an "r" before it. Return: MS_*, or 0. */
uint64_t oci_propagation(const char *name, bool *ret_recursive);

/* base: struct bundle_device; struct oci_net_device. */
int oci_decode_device(const struct decoder *d, const struct json *node, void *base, struct err *e);
int oci_decode_net_device(const struct decoder *d, const struct json *node, void *base,
			  struct err *e);

/* A member that is a string: base is a struct oci_pair. */
int oci_decode_pair(const struct decoder *d, const struct json *node, void *base, struct err *e);
/* A string that must be an absolute path. */
int oci_check_absolute(const char *text, struct err *e);
int oci_check_list(const char *text, struct err *e); /* "0-3,7" */

/* Derives what the engine wants to know (bundle.terminal, ...) and judges what takes two fields. */
int oci_config_finish(const struct decoder *d, struct oci_config *c, struct err *e);
/* Keys become paths below /proc/sys; each belongs to a namespace that is listed. */
int oci_sysctl_check(const struct decoder *d, struct oci_config *c, struct err *e);
/* CLONE_NEW* of the namespace that a path below /proc/sys belongs to, or 0. */
uint64_t oci_sysctl_namespace(const char *path);
/* The node at "linux.uidMappings", or NULL; null counts as not there. */
const struct json *oci_config_node(const struct oci_config *c, const char *path);

/* Tables of words. */
extern const struct decode_name oci_namespace_names[], oci_propagation_names[], oci_memory_modes[],
	oci_memory_flags[], oci_rlimit_names[], oci_scheduler_policies[], oci_scheduler_flags[],
	oci_io_classes[];

#endif
