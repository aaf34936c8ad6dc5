/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of probe (see main.c). */
#ifndef JAIL_TESTS_PROBE_H
#define JAIL_TESTS_PROBE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "EPERM". Valid until the next call. */
const char *error_name(int error);
/* "ok", or the name of errno when r < 0. */
const char *result_of(long r);
void usage(void) __attribute__((noreturn));
const char *type_name(mode_t mode);
/* "WHAT TYPE MAJOR:MINOR:INODE" */
void print_node(const char *what, const struct stat *st);
bool is_pid(const char *name);

typedef int verb_fn(int argc, char **argv);
verb_fn verb_fds, verb_cwd, verb_status, verb_open, verb_walk; /* look.c */
verb_fn verb_nodes, verb_handle, verb_ptys; /* reach.c */
verb_fn verb_ioctl, verb_sys, verb_sys32, verb_sysx32, verb_sock, verb_sock32; /* calls.c */
verb_fn verb_stalk, verb_exegrab, verb_chrootbreak; /* grab.c */
verb_fn verb_hoard; /* hoard.c */

#endif
