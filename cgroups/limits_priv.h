/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits in three steps: a plan says what goes into which file (limits_plan.c), limits_file.c
 * writes one setting and reads it back, settings.c decides the order and takes back what failed.
 */
#ifndef JAIL_CGROUPS_LIMITS_PRIV_H
#define JAIL_CGROUPS_LIMITS_PRIV_H

#include "cgroups/cgroup_priv.h"
#include "cgroups/io_device.h"
#include "cgroups/settings.h"

/* Where limits go: files of `dir`, devices out of `sys_block` (-EBADF: the kernel's). */
struct limits_place {
	const struct cgroup_tree *t;
	int dir;
	int sys_block;
};

/* In the order in which a new cgroup gets them. `lenient`: a device that is gone is left out. */
int limits_plan_make(const struct cgroup_limits *l, int sys_block, bool lenient,
		     struct cgroup_settings *ret, struct err *e);
/* Adds those of "unified". */
int limits_plan_raw(const struct cgroup_limits *l, struct cgroup_settings *p, struct err *e);
/* Names of the files that a typed field writes, in order; NULL at the end. */
const char *limits_plan_file(size_t i);
/* Whether what the kernel has in such a file limits nothing. */
bool limits_plan_is_none(const char *file, const char *value);

/* What the file, or its device's line, holds now, in a form that can be written again. *ret_file:
 * which of the setting's two files was asked. */
int limits_file_save(int dir, const struct cgroup_setting *s, char *ret, size_t n,
		     const char **ret_file, struct err *e);
/* Writes and reads back. */
int limits_file_apply(int dir, const struct cgroup_setting *s, struct err *e);
/* Writes what limits_file_save() returned. Return: 0 or -errno. */
int limits_file_restore(int dir, const char *file, const char *device, const char *saved);
/* Whether `got`, read from the kernel, says what was asked for. */
bool limits_raw_matches(const char *value, const char *got);

/* Writes all limits to a new cgroup. */
int limits_write(const struct limits_place *p, const struct cgroup_limits *l, struct err *e);
/* The steps of a change, in their order. */
int limits_change_plan(const struct limits_place *p, const struct cgroup_limits *old,
		       const struct cgroup_limits *l, const struct strv *again,
		       struct cgroup_settings *ret, struct err *e);
/* cgroup_change_limits() on a place. */
int limits_change(const struct limits_place *p, const struct cgroup_limits *old,
		  const struct cgroup_limits *l, const struct strv *again,
		  struct cgroup_undo **ret_undo, struct err *e);

#endif
