/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by creds.c, creds_caps.c and creds_check.c: capability sets by raw system calls. */
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

/* What the set of uid 0 or of another user ends as. */
static inline uint64_t creds_final_caps(const struct creds *c)
{
	return c->user.uid == 0 ? c->capabilities : 0;
}

/* Read-backs (creds_check.c). Each -EPERM with what was wanted and what the kernel has. */
int creds_check_ids(const struct creds_user *user, struct err *e);
int creds_check_fixed(const struct creds *c, struct err *e); /* bounding, ambient, nnp, dumpable */
int creds_check_sets(uint64_t permitted, uint64_t effective, struct err *e);

#endif
