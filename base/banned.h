/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that this project does not make, turned into compile errors (the idea of git's banned.h).
 * Each has a replacement: strings base/str.h, numbers base/num.h, paths base/path.h, programs
 * hooks/, users runtime/userdb.h, mounts namespaces/mountfd.h. System headers that declare these
 * names are included first, because a poisoned name may not be declared afterwards.
 */
#ifndef JAIL_BASE_BANNED_H
#define JAIL_BASE_BANNED_H

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the compiler lacks __builtin_va_arg_pack (clang), glibc's fortified ones are macros. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets strtok atoi atol atoll
#pragma GCC poison strtol strtoll strtoul strtoull system popen getpwnam getpwuid getgrnam getgrgid
#pragma GCC poison realpath mktemp tmpnam chroot

#endif
