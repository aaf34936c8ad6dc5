/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of sd-bus (libsystemd.so.0) that is used, by dlopen(3): its prototypes are declared here
 * so that building needs no package, and a host without systemd no library. */
#ifndef JAIL_RUNTIME_SYSTEMD_BUS_H
#define JAIL_RUNTIME_SYSTEMD_BUS_H

#include "base/err.h"

struct sd_bus;
struct sd_message;
struct sd_error {
	const char *name, *message;
	int need_free;
};
typedef int sd_handler(struct sd_message *m, void *arg, struct sd_error *error);

#define SD_BUS_CALLS(X)                                                                            \
	X(int, bus_new, (struct sd_bus **))                                                        \
	X(int, bus_set_address, (struct sd_bus *, const char *))                                   \
	X(int, bus_set_method_call_timeout, (struct sd_bus *, uint64_t))                           \
	X(int, bus_start, (struct sd_bus *))                                                       \
	X(int, bus_open_system, (struct sd_bus **))                                                \
	X(struct sd_bus *, bus_flush_close_unref, (struct sd_bus *))                               \
	X(int, bus_call_method,                                                                    \
	  (struct sd_bus *, const char *, const char *, const char *, const char *,                \
	   struct sd_error *, struct sd_message **, const char *, ...))                            \
	X(int, bus_get_property_string,                                                            \
	  (struct sd_bus *, const char *, const char *, const char *, const char *,                \
	   struct sd_error *, char **))                                                            \
	X(int, bus_get_property_trivial,                                                           \
	  (struct sd_bus *, const char *, const char *, const char *, const char *,                \
	   struct sd_error *, char, void *))                                                       \
	X(int, bus_message_read, (struct sd_message *, const char *, ...))                         \
	X(struct sd_message *, bus_message_unref, (struct sd_message *))                           \
	X(int, bus_match_signal,                                                                   \
	  (struct sd_bus *, void **, const char *, const char *, const char *, const char *,       \
	   sd_handler *, void *))                                                                  \
	X(int, bus_process, (struct sd_bus *, struct sd_message **))                               \
	X(int, bus_wait, (struct sd_bus *, uint64_t))                                              \
	X(void, bus_error_free, (struct sd_error *))

struct sd {
#define X(type, name, args) type(*name) args;
	SD_BUS_CALLS(X)
#undef X
};

/* Loads the library once. NULL with *e set. */
const struct sd *sd_load(struct err *e);
/* A connection to the manager, by its private socket: no dbus-daemon is needed. NULL with *e. */
struct sd_bus *sd_manager(const struct sd *sd, struct err *e);
void sd_close(struct sd_bus **bus);
#define CLEANUP_SD_BUS CLEANUP(sd_close)

#define SD_NAME "org.freedesktop.systemd1"
#define SD_PATH "/org/freedesktop/systemd1"
#define SD_MANAGER SD_NAME ".Manager"
#define SD_UNIT SD_NAME ".Unit"
#define SD_SERVICE SD_NAME ".Service"

/* Sets *e from an error of a call and frees it. Return: negative errno. */
int sd_fail(const struct sd *sd, int r, struct sd_error *error, const char *what, struct err *e);

#endif
