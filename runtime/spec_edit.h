/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One field of a spec by its path: "resources.memory.max", or "memory.max" for what is below
 * "resources". The last part of a path into a map is taken whole ("labels.com.example.x",
 * "unified.memory.high"), and the element of "io" is named by its device
 * ("io./dev/disk/by-id/x.1.readBps"). Lists are set as a whole, in JSON; those of "network" that
 * are lists of words also with commas ("network.ports" to "8080:80,8443:443"), and "allow" and
 * "deny" to one line. "network.interfaces" is all interfaces, whichever form they were given in.
 */
#ifndef JAIL_RUNTIME_SPEC_EDIT_H
#define JAIL_RUNTIME_SPEC_EDIT_H

#include "runtime/spec.h"

#define SPEC_PATH_KEYS 8

enum spec_path_change {
	SPEC_PATH_LIVE, /* a running instance can change it */
	SPEC_PATH_RESTART, /* counts from the next start */
	SPEC_PATH_FIXED, /* decided when the instance is made */
};

struct spec_path {
	char text[512]; /* canonical: the full path */
	char *keys[SPEC_PATH_KEYS]; /* into `parts` */
	char parts[512];
	size_t n;
	bool device; /* keys[2] is the device of an element of "io" */
};
int spec_path_parse(const char *text, struct spec_path *ret, struct err *e);
enum spec_path_change spec_path_change(const struct spec_path *p);

/*
 * Sets the field to `value`: text as it is written on a command line, or JSON; "" removes it. What
 * comes out is decoded, and not yet finished. *s is replaced on success only.
 */
int spec_edit(struct jail_spec *s, const struct spec_path *p, const char *value, struct err *e);
/* A copy that owns its own. */
int spec_copy(const struct jail_spec *s, struct jail_spec *ret, struct err *e);
/* The field as text (a string as it is, else JSON). Return: 1, 0 when it is not set, -errno. */
int spec_value(const struct jail_spec *s, const struct spec_path *p, struct strbuf *ret,
	       struct err *e);

#endif
