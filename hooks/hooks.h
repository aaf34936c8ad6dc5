/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running hooks (OCI runtime specification, "POSIX-platform Hooks"): a program on the host that
 * gets the state as JSON on stdin. The contract (rows 6, 87 of docs/security.md), whatever the
 * caller's own surroundings are:
 *
 * - The program is an absolute path, opened beforehand and executed by that fd; to its interpreter
 *   a script is /dev/fd/N. argv is as given.
 * - The environment is exactly what is listed for it, else empty.
 * - cwd is "/", the session its own, the umask 022, every signal at its default and none blocked.
 * - stdin is the state, a sealed file; stdout is /dev/null; the end of stderr is in the error
 *   message when it fails. No other descriptor is open (a script has itself).
 * - After timeout_ms, SIGKILL to its process group; SIGKILL too when the caller dies.
 */
#ifndef JAIL_HOOKS_HOOKS_H
#define JAIL_HOOKS_HOOKS_H

#include "base/str.h"

struct hook {
	char *path; /* absolute */
	struct strv args; /* argv; empty = { path } */
	struct strv env;
	uint64_t timeout_ms; /* 0 = HOOK_TIMEOUT_DEFAULT_MS */
};
#define HOOK_TIMEOUT_DEFAULT_MS 30000

/* Runs in order; the first failure (not executable, non-zero exit with the last of its stderr,
 * signal, time-out: killed with its process group) stops and is the error, naming `when`
 * ("prestart") and the hook's path. */
int hooks_run(const char *when, const struct hook *hooks, size_t n, const char *state_json,
	      struct err *e);

#endif
