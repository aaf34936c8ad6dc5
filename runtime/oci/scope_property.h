/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of a systemd scope as data: from the settings of its cgroup's files, so that systemd
 * knows what we write and does not write something else, and from annotations
 * ("org.systemd.property.TimeoutStopUSec": "uint64 5000000"), whose values are in GVariant's text
 * format (runc, docs/systemd.md).
 */
#ifndef JAIL_RUNTIME_OCI_SCOPE_PROPERTY_H
#define JAIL_RUNTIME_OCI_SCOPE_PROPERTY_H

#include "base/str.h"
#include "cgroups/settings.h"
#include "runtime/oci/config.h"

#define SCOPE_NAME_MAX 64
#define SCOPE_CPUS_MAX 8192 /* as num_parse_cpulist() */
#define SCOPE_PROPERTIES_MAX 256

struct scope_property {
	char name[SCOPE_NAME_MAX]; /* "MemoryMax" */
	/* Of D-Bus: s o g, b y n q i u x t d, "as", "ay" */
	char type[4];
	uint64_t number; /* of all integers, as they are in 64 bits; b: 0 or 1 */
	double real; /* d */
	struct strv list; /* as; s o g: its only one. Owned */
	uint8_t bits[SCOPE_CPUS_MAX / 8]; /* ay */
	size_t n_bits; /* bytes of them */
};

struct scope_properties {
	struct scope_property *v;
	size_t n;
};
void scope_properties_free(struct scope_properties *p);
#define CLEANUP_PROPERTIES CLEANUP(scope_properties_free)

int scope_add_text(struct scope_properties *p, const char *name, const char *value, struct err *e);
/* type: b or t. */
int scope_add_number(struct scope_properties *p, const char *name, char type, uint64_t value,
		     struct err *e);
/* What systemd has a property for; the rest is ours alone. */
int scope_add_settings(struct scope_properties *p, const struct cgroup_settings *s, struct err *e);
/* The annotations. One "XSec" is "XUSec" in seconds. */
int scope_add_annotations(struct scope_properties *p, const struct oci_map *annotations,
			  struct err *e);
/* One value, into p->type and what belongs to it. `key` is for messages. */
int scope_value_parse(const char *key, const char *text, struct scope_property *p, struct err *e);

#endif
