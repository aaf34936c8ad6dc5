/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command and whatever it starts, system call by system call (ptrace). The command's code has no
 * part in it: no hooks, no preloaded library, so static programs and those in namespaces and under
 * filters of their own are followed too.
 */
#ifndef JAIL_TESTS_PTREE_H
#define JAIL_TESTS_PTREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PTREE_NOTES 2

struct ptree_call {
	pid_t pid;
	bool entry; /* else it returns */
	uint64_t nr, args[6];
	int64_t result; /* of an exit: -errno for an error */
	uint64_t *note; /* PTREE_NOTES of them, from entry to exit the caller's */
	int *error; /* at an entry, for PTREE_FAIL: a positive errno */
};

enum ptree_do {
	PTREE_GO,
	PTREE_KILL_ONE, /* this process, instead of what it was about to do */
	PTREE_KILL_ALL, /* and all others that were started, at the same moment */
	PTREE_KILL_ONE_LET_GO, /* this one; from then on nobody is traced any more */
	PTREE_FAIL, /* at an entry: the call is not done, and returns *error */
};
typedef enum ptree_do ptree_fn(const struct ptree_call *call, void *arg);

/* Before ptree_run(): a process that runs already and is followed too. */
void ptree_also(pid_t pid);
/* What the command leaves running is followed until it has ended too, instead of being let go. */
extern bool ptree_to_the_end;

/* Runs argv until the command itself has ended; what it leaves running is let go.
 * Return: its status as of waitpid(2). Exits with a text when it can't trace. */
int ptree_run(char *const argv[], ptree_fn *fn, void *arg);

/* A string or bytes of the process's memory. Return: false when it can't be read. */
bool ptree_string(pid_t pid, uint64_t at, char *ret, size_t n);
bool ptree_bytes(pid_t pid, uint64_t at, void *ret, size_t n);

#endif
