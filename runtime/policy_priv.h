/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of policy_check() share. Each part takes a finished spec. */
#ifndef JAIL_RUNTIME_POLICY_PRIV_H
#define JAIL_RUNTIME_POLICY_PRIV_H

#include "runtime/policy.h"
#include "runtime/spec_priv.h"

/* "FIELD: VALUE: not in "KEY" of the policy". Return: -EACCES. */
int policy_refuse(struct err *e, const char *field, const char *value, const char *key);
int policy_refuse_flag(struct err *e, const char *field, const char *key);
bool policy_has_pattern(const struct policy_list *l, const char *text);
bool policy_has_word(const struct policy_list *l, const char *text);
/* As the list, and without one as the default. */
bool policy_has_word_or(const struct policy_list *l, const char *text, bool otherwise);

enum policy_unit { POLICY_COUNT, POLICY_SIZE, POLICY_CPUS, POLICY_RATE };
/* A limit that has to be given, of at most that of the policy; or isn't in it. */
int policy_check_most(const char *field, const struct policy_limit *limit, bool given, uint64_t v,
		      enum policy_unit unit, struct err *e);

int policy_check_limits(const struct policy *p, const struct jail_spec *s, struct err *e);
int policy_check_network(const struct policy *p, const struct jail_spec *s, struct err *e);
/* Mounts, ids, capabilities, filter, devices, files of the host, hooks. */
int policy_check_security(const struct policy *p, const struct jail_spec *s, struct err *e);

#endif
