/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of creds: the steps of creds_apply(), capability sets by raw system calls. */
#ifndef JAIL_RUNTIME_CREDS_PRIV_H
#define JAIL_RUNTIME_CREDS_PRIV_H

#include "runtime/creds.h"

#define CAP_BIT(n) (UINT64_C(1) << (n))

struct cap_sets {
	uint64_t permitted, effective, inheritable;
};
/* Of the calling process. Return: 0 or -errno. */
int cap_sets_get(struct cap_sets *ret);
int cap_sets_set(const struct cap_sets *sets);
/* Bounding and ambient set, as bits of the capabilities that the kernel knows. */
uint64_t cap_bounding(void);
uint64_t cap_ambient(void);
/* "CAP_SYS_ADMIN, CAP_NET_RAW" into buf, cut with "..." when it doesn't fit. */
const char *cap_format(uint64_t set, char *buf, size_t n);

/* What the five sets end as. */
struct creds_final {
	struct cap_sets sets;
	uint64_t bounding, ambient;
};
/* Takes out, with a warning, what can't be given; but that of c->capabilities, which is an error
 * when the bounding set is dropped. Asks what the calling process has. */
int creds_final_sets(const struct creds *c, struct creds_final *ret, struct err *e);

/* What each step of creds_apply() sees. */
struct creds_work {
	const struct creds *c;
	int proc_self;
	struct creds_final final;
	bool filter_by_admin; /* no no_new_privs: CAP_SYS_ADMIN is kept until the filter is in */
};
typedef int creds_step_fn(const struct creds_work *w, struct err *e);
creds_step_fn creds_step_selinux, creds_step_apparmor, creds_step_keyring; /* creds_labels.c */
creds_step_fn creds_step_oom_score_adj, creds_step_rlimits; /* creds_limits.c */
creds_step_fn creds_step_scheduling, creds_step_memory_policy,
	creds_step_personality; /* creds_sched.c */
creds_step_fn creds_step_filter; /* creds_filter.c */

/* Read-backs (creds_check.c). Each -EPERM with what was wanted and what the kernel has. */
int creds_check_ids(const struct creds_user *user, struct err *e);
/* Bounding and ambient set, no_new_privs, dumpable. */
int creds_check_fixed(const struct creds_work *w, struct err *e);
int creds_check_sets(const struct cap_sets *want, struct err *e);

#endif
