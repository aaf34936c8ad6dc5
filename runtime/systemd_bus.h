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
	X(int, bus_message_new_method_call,                                                        \
	  (struct sd_bus *, struct sd_message **, const char *, const char *, const char *,        \
	   const char *))                                                                          \
	X(int, bus_message_append, (struct sd_message *, const char *, ...))                       \
	X(int, bus_message_append_basic, (struct sd_message *, char, const void *))                \
	X(int, bus_message_append_array, (struct sd_message *, char, const void *, size_t))        \
	X(int, bus_message_open_container, (struct sd_message *, char, const char *))              \
	X(int, bus_message_close_container, (struct sd_message *))                                 \
	X(int, bus_call,                                                                           \
	  (struct sd_bus *, struct sd_message *, uint64_t, struct sd_error *,                      \
	   struct sd_message **))                                                                  \
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

#define SD_LOOK_US 1000000 /* a signal that was lost costs no more */

/* What systemd does for us, waited for by its JobRemoved. Set sd, the rest zero. */
struct sd_job {
	const struct sd *sd;
	char path[128];
	char result[32]; /* "done", ... */
	bool done;
};
/* Listens for the end of the job that is begun next. */
int sd_job_listen(struct sd_bus *bus, struct sd_job *job, struct err *e);
/* StartUnit, StopUnit. */
int sd_job_begin(struct sd_bus *bus, struct sd_job *job, const char *method, const char *unit,
		 struct err *e);
/* Takes the job's path out of the answer of a call that begins one. */
int sd_job_take(struct sd_job *job, struct sd_message *reply, const char *method, struct err *e);
int sd_job_wait(struct sd_bus *bus, struct sd_job *job, struct err *e);
/* All of them. */
int sd_job_run(struct sd_bus *bus, struct sd_job *job, const char *method, const char *unit,
	       struct err *e);
/* Of a JobRemoved. Return: false, it is damaged. */
bool sd_read_removed(const struct sd *sd, struct sd_message *m, const char **ret_path,
		     const char **ret_result);

/* Object path of a unit, loaded if it is not. */
int sd_unit_load(const struct sd *sd, struct sd_bus *bus, const char *unit, char *ret, size_t n,
		 struct err *e);
/* "active", "activating", ... */
int sd_unit_state(const struct sd *sd, struct sd_bus *bus, const char *unit, char *ret, size_t n,
		  struct err *e);
/* No longer "failed", and the count of its starts begins anew. */
void sd_unit_reset(const struct sd *sd, struct sd_bus *bus, const char *unit);

/* Sets *e from an error of a call and frees it. Return: negative errno. */
int sd_fail(const struct sd *sd, int r, struct sd_error *error, const char *what, struct err *e);

#endif
