/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transient scopes of systemd, by its private socket: no dbus-daemon is needed. libsystemd is
 * loaded by the first call.
 */
#ifndef JAIL_RUNTIME_OCI_SCOPE_H
#define JAIL_RUNTIME_OCI_SCOPE_H

#include <sys/types.h>

#include "runtime/oci/scope_property.h"

/* Makes the scope with this process and waits until it is there. A failed one of that name is
 * forgotten; one that is there is -EEXIST. */
int scope_start(const char *unit, pid_t pid, const struct scope_properties *p, struct err *e);
/* SetUnitProperties, until the scope ends. */
int scope_set(const char *unit, const struct scope_properties *p, struct err *e);
/* Stops it, waits, forgets it. One that is not there is success. */
int scope_stop(const char *unit, struct err *e);

#endif
