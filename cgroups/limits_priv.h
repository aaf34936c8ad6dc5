/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits in three steps: a plan says what goes into which file (limits_plan.c), limits_file.c
 * writes one setting and reads it back, limits.c decides the order and takes back what failed.
 */
#ifndef JAIL_CGROUPS_LIMITS_PRIV_H
#define JAIL_CGROUPS_LIMITS_PRIV_H

#include "cgroups/cgroup_priv.h"
#include "cgroups/io_device.h"

#define LIMITS_VALUE_MAX 1100 /* a CPU list of the spec, and some */
#define LIMITS_KEY_MAX 320 /* "resources.io./dev/....readBps" */
#define LIMITS_FILE_MAX 64

/* Where limits go: files of `dir`, devices out of `sys_block` (-EBADF: the kernel's). */
struct limits_place {
	const struct cgroup_tree *t;
	int dir;
	int sys_block;
};

/* What counts as "the kernel took it". */
enum limits_match {
	LIMITS_EXACT, /* the file is `expect` */
	LIMITS_LIST, /* CPUs or memory nodes: the same, and all of them can be had */
	LIMITS_DEVICE, /* the line of `device` has the words of `expect` */
	LIMITS_RAW, /* as the user wrote it, in the kernel's notation */
};

struct limits_setting {
	enum limits_match match;
	uint32_t controller; /* 0: none of those that jail knows */
	bool reset; /* to the kernel's default */
	char key[LIMITS_KEY_MAX]; /* of the spec, for messages */
	char file[LIMITS_FILE_MAX];
	const char *other; /* file that takes it where `file` does not, or NULL */
	char device[32]; /* "8:0", or "" */
	char value[LIMITS_VALUE_MAX]; /* to write; without the device */
	char expect[LIMITS_VALUE_MAX];
};

struct limits_plan {
	struct limits_setting *v;
	size_t n;
};
void limits_plan_free(struct limits_plan *p);
#define CLEANUP_PLAN CLEANUP(limits_plan_free)
/* In the order in which a new cgroup gets them. `lenient`: a device that is gone is left out. */
int limits_plan_make(const struct cgroup_limits *l, int sys_block, bool lenient,
		     struct limits_plan *ret, struct err *e);
/* Adds those of "unified". */
int limits_plan_raw(const struct cgroup_limits *l, struct limits_plan *p, struct err *e);
/* The setting for the same file and device, or NULL. */
const struct limits_setting *limits_plan_find(const struct limits_plan *p,
					      const struct limits_setting *like);
int limits_plan_add(struct limits_plan *p, const struct limits_setting *s, struct err *e);
/* Turns a setting into one that gives the file its default back. Return: false if that is not
 * known. */
bool limits_setting_reset(struct limits_setting *s);
/* Names of the files that a typed field writes, in order; NULL at the end. */
const char *limits_plan_file(size_t i);
/* Whether what the kernel has in such a file limits nothing. */
bool limits_plan_is_none(const char *file, const char *value);

/* What the file, or its device's line, holds now, in a form that can be written again. *ret_file:
 * which of the setting's two files was asked. */
int limits_file_save(int dir, const struct limits_setting *s, char *ret, size_t n,
		     const char **ret_file, struct err *e);
/* Writes and reads back. */
int limits_file_apply(int dir, const struct limits_setting *s, struct err *e);
/* Writes what limits_file_save() returned. Return: 0 or -errno. */
int limits_file_restore(int dir, const char *file, const char *device, const char *saved);
/* Whether `got`, read from the kernel, says what was asked for. */
bool limits_raw_matches(const char *value, const char *got);

/* Writes all limits to a new cgroup. */
int limits_write(const struct limits_place *p, const struct cgroup_limits *l, struct err *e);
/* The steps of a change, in their order. */
int limits_change_plan(const struct limits_place *p, const struct cgroup_limits *old,
		       const struct cgroup_limits *l, const struct strv *again,
		       struct limits_plan *ret, struct err *e);
/* cgroup_change_limits() on a place. */
int limits_change(const struct limits_place *p, const struct cgroup_limits *old,
		  const struct cgroup_limits *l, const struct strv *again,
		  struct cgroup_undo **ret_undo, struct err *e);

#endif
