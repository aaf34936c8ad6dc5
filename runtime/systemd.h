/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's systemd as the supervisor of instances: jail@NAME.service from one template, with what
 * the spec says in a drop-in. Talks to it over its private socket, by sd-bus of libsystemd.so.0,
 * which is loaded when it is needed and never before a fork into an instance.
 */
#ifndef JAIL_RUNTIME_SYSTEMD_H
#define JAIL_RUNTIME_SYSTEMD_H

#include "runtime/engine_priv.h"

/*
 * Whether instances are started as units: "systemd" of the configuration; with "auto" where systemd
 * runs, the template is installed and the configuration is the one that units read. Return: 1, 0,
 * or -EOPNOTSUPP with the reason for "yes".
 */
int systemd_in_use(const struct jail_config *c, struct err *e);

/* An instance is meant to start with the host: warns when nothing here starts it. */
void systemd_warn_autostart(struct jail *j, const struct jail_name *name);

/* "jail@NAME.service" */
struct systemd_unit {
	char s[LIMIT_NAME_LEN + 16];
};
struct systemd_unit systemd_unit_of(const struct jail_name *name);

/* The drop-in of an instance, as text. */
int systemd_dropin_text(const struct jail_spec *spec, struct strbuf *ret, struct err *e);
/* Writes it where it differs; nothing without systemd. Failure is a warning. */
void systemd_dropin_update(struct jail *j, const struct jail_name *name,
			   const struct jail_spec *spec);
/* Of an instance that is gone, or has another name: the drop-in, and a failure that systemd keeps
 * the unit for. */
void systemd_dropin_remove(struct jail *j, const struct jail_name *name);
/* The second part of it. */
void systemd_forget(const struct jail_name *name);

/* Starts the unit and waits for its READY. Return as of instance_start(). */
int systemd_start(struct jail *j, const struct jail_name *name, bool *ret_exec_failed,
		  struct err *e);
/* Asks for a stop (which also calls off a restart). Return: 0, or 1: it was not active. */
int systemd_stop_request(const struct jail_name *name, struct err *e);
/* Stops and waits for the end, after which the unit is inactive, not failed. Return as above. */
int systemd_stop(const struct jail_name *name, struct err *e);
/* It waits for its restart. */
bool systemd_will_restart(struct jail *j, const struct jail_name *name);
/* How many times it has been started again since somebody started it; 0 also when that is unknown,
 * with a warning. */
unsigned systemd_restarts(struct jail *j, const struct jail_name *name);
/* Starts them in this order, a few at a time (two for each CPU, at least four): the next one when
 * one has started or failed, or when none has for a minute. */
int systemd_start_all(const struct strv *names, struct err *e);
/* Tells machined, where it runs, so that machinectl knows the instance. Failure is a warning. */
void systemd_register_machine(const struct launch *l, pid_t leader, const char *interface);

#endif
