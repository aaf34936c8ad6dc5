/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program tells by sd_notify(3). Its $NOTIFY_SOCKET is a socket of the instance's run
 * directory, mounted at NOTIFY_INSIDE; jail-monitor reads it and obeys READY=1 and WATCHDOG=1
 * alone. So nothing from inside reaches the host's systemd as it is: a MAINPID= there would name a
 * process of the instance's choice, and a flood would fill the one queue that all units share.
 *
 * Until READY=1 the run directory has a file, NOTIFY_AWAITED.
 */
#ifndef JAIL_RUNTIME_NOTIFY_H
#define JAIL_RUNTIME_NOTIFY_H

#include "base/err.h"
#include "runtime/notify_proto.h"
#include "runtime/spec.h"

#define NOTIFY_INSIDE "/run/host/notify"
#define NOTIFY_SOCKET "notify.sock"

/* Makes the socket in an open run directory, anew at each start: the last one's queue may have
 * words of the last start. Return: the bound fd, the caller's, or a negative errno. */
int notify_listen(int run, struct err *e);
/* NOTIFY_SOCKET= and, with a watchdog, WATCHDOG_USEC= (sd_watchdog_enabled(3)): fills in at most
 * two pointers; `text` keeps one of them. Return: how many. */
size_t notify_env(const struct jail_spec *spec, char text[static 64], const char *ret[static 2]);
/* Marks that READY=1 is awaited. */
int notify_await(int run, struct err *e);
bool notify_is_awaited(int run);
/* In `jail start`: waits on the report's socket for what jail-monitor passes on. -ECHILD: the
 * program has ended before. */
int notify_wait(int sock, struct err *e);
/* Sets that error. Return: -ECHILD. */
int notify_error(struct err *e);

#endif
