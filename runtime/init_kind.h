/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How to ask an init to shut its system down: the signal that it takes for that. Which init it is
 * says the name of the program that process 1 runs. Shared with jail-monitor: must compile with
 * musl, allocates nothing.
 *
 * An image chooses the name, so no more hangs on it than which of these signals its own init gets.
 */
#ifndef JAIL_RUNTIME_INIT_KIND_H
#define JAIL_RUNTIME_INIT_KIND_H

#include <signal.h>
#include <string.h>

#include "base/defs.h"

struct init_kind {
	const char *program; /* last component of /proc/1/exe */
	int stop_signal;
};

static const struct init_kind init_kinds[] = {
	/* SIGRTMIN+3, systemd(1): halt.target. By number: C libraries differ in SIGRTMIN. */
	{ "systemd", 37 },
	/* "ctrlaltdel" of the inittab: shutdown -r, of which the stop keeps the half that matters.
	 * SIGPWR, which LXC sends, does nothing with the inittab that Debian ships. */
	{ "init", SIGINT },
	/* init/init.c: halt_reboot_pwoff(), power off. */
	{ "busybox", SIGUSR2 },
	/* openrc-init.c: shutdown. */
	{ "openrc-init", SIGPWR },
	/* runit(8): runs /etc/runit/ctrlaltdel, then stage 3. */
	{ "runit", SIGINT },
	{ "runit-init", SIGINT },
};

/* exe: what /proc/PID/exe links to; after an upgrade of the package it ends with " (deleted)".
 * Return: the signal; for an unknown init SIGTERM, which every program knows. */
static inline int init_stop_signal(const char *exe)
{
	const char *name = strrchr(exe, '/');
	size_t n, i;

	name = name ? name + 1 : exe;
	n = strcspn(name, " ");
	for (i = 0; i < ARRAY_SIZE(init_kinds); i++)
		if (strlen(init_kinds[i].program) == n &&
		    strncmp(name, init_kinds[i].program, n) == 0)
			return init_kinds[i].stop_signal;
	return SIGTERM;
}

#endif
