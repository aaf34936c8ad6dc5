/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of seccomp: profile text -> struct seccomp_profile (seccomp_profile.c, with the
 * names in seccomp_tables.c) -> rules of libseccomp (seccomp_compile.c) -> program, kept in the
 * cache (seccomp_cache.c) by seccomp.c.
 */
#ifndef JAIL_RUNTIME_SECCOMP_PRIV_H
#define JAIL_RUNTIME_SECCOMP_PRIV_H

#include <seccomp.h>

#include "base/ident.h"
#include "base/json.h"
#include "runtime/seccomp.h"

#define SECCOMP_ARCHES_MAX 4
#define SECCOMP_ARGS_MAX 16 /* conditions of one rule as written; libseccomp takes 6 at a time */
#define SECCOMP_RULES_MAX 16384 /* given to libseccomp, whose time grows with them */

/* What decides which rules hold. Tests compile for another one than the host's. */
struct seccomp_target {
	uint32_t arch; /* SCMP_ARCH_*, 64-bit */
	unsigned kernel_major, kernel_minor;
	uint64_t capabilities;
};

struct seccomp_rule {
	const struct json *node; /* for the position in errors */
	const struct json *names; /* array of strings, or one string ("name") */
	uint32_t action;
	size_t n_args;
	struct scmp_arg_cmp args[SECCOMP_ARGS_MAX];
};

/* Only what holds for the target. Positions and names point into the document. */
struct seccomp_profile {
	struct json_doc *doc; /* owned; with `oci` but a name for messages */
	bool oci; /* an object of an OCI configuration, not an engine's profile file */
	uint32_t default_action;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	uint32_t arches[SECCOMP_ARCHES_MAX]; /* the target's own first */
	size_t n_arches;
	struct seccomp_rule *rules;
	size_t n_rules;
};

int seccomp_profile_parse(const char *file, const char *text, size_t n,
			  const struct seccomp_target *target, struct seccomp_profile *ret,
			  struct err *e);
/* The same for linux.seccomp of an OCI configuration, which has to outlive *ret. */
int seccomp_profile_read_oci(const char *file, const struct json *node,
			     const struct seccomp_target *target, struct seccomp_profile *ret,
			     struct err *e);
void seccomp_profile_free(struct seccomp_profile *p);

int seccomp_profile_compile(const struct seccomp_profile *p, struct seccomp_program *ret,
			    struct err *e);
/*
 * The instructions that go before the program of an OCI profile whose default is an errno: calls
 * with a number over the largest that it names, on each architecture, answer ENOSYS. Return: how
 * many instructions, perhaps 0; the last of them goes on to what follows.
 */
#define SECCOMP_STUB_MAX 32
size_t seccomp_enosys_stub(const struct seccomp_profile *p,
			   struct sock_filter ret[static SECCOMP_STUB_MAX]);
/* Calls fn for each name of the rule's "names" (or "name"); stops at the first negative return. */
typedef int seccomp_name_fn(const struct json *name, void *arg);
int seccomp_rule_each_name(const struct seccomp_rule *rule, seccomp_name_fn *fn, void *arg);

/* Allows the call, perhaps with a line in the log. */
static inline bool seccomp_action_is_permissive(uint32_t action)
{
	return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG;
}

/* Tables. */
struct seccomp_word {
	const char *name;
	uint32_t value;
};
extern const struct seccomp_word seccomp_actions[], seccomp_ops[], seccomp_flags[];
extern const size_t seccomp_n_actions, seccomp_n_ops, seccomp_n_flags;
struct seccomp_arch_name {
	const char *name; /* "SCMP_ARCH_X86_64" */
	const char *go_name; /* "amd64": what includes.arches uses */
	uint32_t token; /* 0: libseccomp doesn't know it */
};
extern const struct seccomp_arch_name seccomp_arches[];
extern const size_t seccomp_n_arches;
/* A process of `arch` may make system calls of `sub`. */
bool seccomp_arch_runs(uint32_t arch, uint32_t sub);
/* Bit n: the kernel takes argument n of the call as 32 bits. */
unsigned seccomp_narrow_args(const char *name);
/* i386's multiplexer of the call: its name, the mask and the value of its first argument; or NULL.
 */
const char *seccomp_multiplexer(const char *name, uint64_t *ret_mask, uint64_t *ret_call);

/* Cache file for a program; the name is the key in hex. */
void seccomp_cache_key(const char *text, size_t n, const struct seccomp_target *target,
		       struct digest *ret);
/* Return: 1 and the program, 0 when there is none that is whole. */
int seccomp_cache_read(int dir, const struct digest *key, struct seccomp_program *ret);
int seccomp_cache_write(int dir, const struct digest *key, const struct seccomp_program *program,
			struct err *e);

#endif
