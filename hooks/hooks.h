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

/* The program of a hook, opened beforehand. */
struct hook_program {
	int fd;
	bool script; /* begins with "#!" */
};

/*
 * How hooks of an OCI container are run, where that differs from what is above. HOOKS_AT_INIT is
 * the default. The caller may be anywhere: in the runtime's namespaces, or the container's process
 * before it executes.
 */
struct hooks_at {
	int cwd; /* directory fd, borrowed; -EBADF = "/" */
	/* Borrowed; -EBADF: what is written to either is in the message of a failure, its end that
	 * is (as runc has it); nothing has to be opened for it, so a container needs no /dev/null.
	 */
	int out, err;
	bool no_timeout; /* timeout_ms 0 is no limit */
	/*
	 * How the program is found. By default as above. by_path: execve(2) of the path, here and
	 * now, so that a script's $0 is its path and no /dev/fd is needed: what other runtimes do,
	 * and as safe as the path (the host's, or all of it the container's own).
	 * programs: of hooks_open(), for namespaces where the path would lead elsewhere.
	 */
	bool by_path;
	const struct hook_program *programs;
	bool keep_going; /* failures are warnings, the rest is run ("poststop") */
	bool no_hook; /* a program that the runtime itself wants: errors are "WHEN: PATH: WHY" */
};
#define HOOKS_AT_INIT ((struct hooks_at){ .cwd = -EBADF, .out = -EBADF, .err = -EBADF })

/* at: NULL = as hooks_run(). */
int hooks_run_at(const char *when, const struct hook *hooks, size_t n, const char *state_json,
		 const struct hooks_at *at, struct err *e);

/* Opens the program of each into ret[n]. On failure nothing stays open. A script needs a /proc and
 * /dev/fd where it is run. */
int hooks_open(const char *when, const struct hook *hooks, size_t n, struct hook_program *ret,
	       struct err *e);
void hooks_close(struct hook_program *programs, size_t n);

#endif
