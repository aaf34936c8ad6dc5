/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_BASE_ERRNO_NAME_H
#define JAIL_BASE_ERRNO_NAME_H

/* "EPERM" -> 1; 0: nothing is called so. */
int errno_by_name(const char *name);

#endif
