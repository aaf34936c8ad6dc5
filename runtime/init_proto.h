/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the engine's child and jail-init, PID 1 of an instance in app mode: the child has
 * namespaces, mounts, credentials and filter in place and executes jail-init from a detached
 * read-only mount of it (row 1), with jail-init REPORT_FD TTY(0|1) -- ARGV... REPORT_FD: a
 * SOCK_SEQPACKET (or pipe) write end, close-on-exec in the program. jail-init forks; the child
 * starts a session (with a controlling terminal when TTY), resets signals, and executes ARGV by
 * PATH of its environment. A failure is one struct init_report; success is end of file (exec closed
 * the last copy). PID 1 then closes everything above 2, reaps, forwards signals to the program (all
 * that can be caught; SIGKILL etc. come from outside), and exits with the program's status (128+N
 * for a signal) when the program ends; the kernel ends the rest of the pid namespace. If the
 * supervisor dies, the instance dies: PR_SET_PDEATHSIG(SIGKILL) set by jail-init, and checked by
 * REPORT_FD's peer being alive at that time.
 */
#ifndef JAIL_RUNTIME_INIT_PROTO_H
#define JAIL_RUNTIME_INIT_PROTO_H

#include <stdint.h>

struct init_report {
	uint32_t magic; /* INIT_REPORT_MAGIC */
	int32_t code; /* errno of execvp: ENOENT -> 127, others -> 126 */
	char what[120]; /* "exec nginx" */
};
#define INIT_REPORT_MAGIC 0x6a61696cu

#endif
