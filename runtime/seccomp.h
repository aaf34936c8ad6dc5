/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seccomp: an OCI profile (JSON) becomes a BPF program by libseccomp, for the native architecture
 * and its 32-bit ones. The compiled program is cached by content: key = sha256 of (profile text,
 * capability set, kernel's architecture and version, version of this code and of libseccomp), file
 * RUN/seccomp/HEX.bpf, written whole and read back with a length and checksum check. On a cache hit
 * neither libseccomp nor the JSON parser runs.
 *
 * What differs from other runtimes that read the same profiles, and why:
 * - Arguments that the kernel takes as 32 bits (ioctl's request, socket's family, ...) are compared
 *   as 32 bits, whatever the operator: libseccomp compares 64 and is passed by setting high bits
 *   (row 56, CVE-2019-10063).
 * - A rule with arguments that denies beats a rule that allows the same call: libseccomp drops it
 *   without a word when the other has no arguments.
 * - i386's socketcall(2) and ipc(2) don't get past argument rules of the calls behind them (row
 * 57).
 * - Two rules that contradict each other, unknown keys, actions, operators and architectures are
 *   errors with a position. Unknown system calls are not: profiles are written for many kernels.
 *   (In an OCI configuration contradictions and unknown keys are not errors either: engines' own
 *   profiles have the former, the specification wants the latter. See seccomp_oci_load().)
 * - SCMP_ACT_NOTIFY is for OCI containers alone (seccomp_oci_load()), and refused elsewhere.
 *
 * Not called seccomp_load(): libseccomp has that name.
 */
#ifndef JAIL_RUNTIME_SECCOMP_H
#define JAIL_RUNTIME_SECCOMP_H

#include <linux/filter.h>

#include "base/err.h"

struct json;
struct seccomp_data;

struct seccomp_program {
	struct sock_filter *filter; /* owned */
	size_t n;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_LOG, _SPEC_ALLOW, ...: for seccomp(2) */
	bool notifies; /* has SCMP_ACT_NOTIFY: it is installed with a listener */
};
void seccomp_program_free(struct seccomp_program *p);
#define CLEANUP_SECCOMP_PROGRAM CLEANUP(seccomp_program_free)

/*
 * profile: "default" (the shipped one, compiled into the program from
 * runtime/seccomp-default.json), "unconfined" (n = 0, filter = NULL) or an absolute path.
 * capabilities: rules of the profile that depend on a capability ("includes.caps") are kept only
 * when it is in the set. cache_dir: directory fd, or -EBADF for none; a cache that can't be written
 * is a warning.
 */
int seccomp_program_load(const char *profile, uint64_t capabilities, int cache_dir,
			 struct seccomp_program *ret, struct err *e);
/* Compiles without cache; for tests and `check`. */
int seccomp_program_compile(const char *file, const char *text, size_t n, uint64_t capabilities,
			    struct seccomp_program *ret, struct err *e);
/*
 * linux.seccomp of an OCI configuration (`node`, an object; config-linux.md, "Seccomp"): as above,
 * and SCMP_ACT_NOTIFY, defaultErrnoRet, all flags. Of several rules for one call without arguments
 * the first holds; members that the specification doesn't know are ignored with a warning. Where
 * the default action is an errno, calls that are newer than every call that the profile names
 * answer ENOSYS, so that programs fall back as they would on an older kernel (what runc does). The
 * cache's key is the object's own text, so a hit costs no compiler. Errors have the path,
 * "linux.seccomp.syscalls[3].action".
 */
int seccomp_oci_load(const char *file, const struct json *node, int cache_dir,
		     struct seccomp_program *ret, struct err *e);
/* The text of the shipped profile, not NUL-terminated. */
const char *seccomp_default_profile(size_t *ret_n);

/*
 * What the program answers (SECCOMP_RET_*) for one call: an interpreter of the classic BPF that
 * seccomp allows. A malformed program is SECCOMP_RET_KILL_PROCESS. Allocates nothing.
 */
uint32_t seccomp_evaluate(const struct sock_filter *filter, size_t n,
			  const struct seccomp_data *data);
/* For a system call of the native architecture whose other arguments are 0. */
uint32_t seccomp_evaluate_native(const struct sock_filter *filter, size_t n, int nr, uint64_t arg0);

#endif
