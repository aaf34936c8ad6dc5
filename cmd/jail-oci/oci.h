/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail-oci, the command: runc's command line on the OCI engine (runtime/oci/container.h). A command
 * parses nothing that its table can, calls the engine, prints; it returns an exit status (>= 0), or
 * a negative errno with *e set, which main() reports: on stderr, and as a line of --log, which is
 * what engines show to their users.
 */
#ifndef JAIL_CMD_JAIL_OCI_OCI_H
#define JAIL_CMD_JAIL_OCI_OCI_H

#include "base/str.h"
#include "cmd/options.h"
#include "runtime/oci/container.h"

struct oci_command;

struct oci_globals {
	const char *root, *log, *log_format, *rootless, *criu;
	bool debug, systemd_cgroup, help, version;
};

struct oci_cli {
	const struct oci_command *command;
	struct oci_globals globals;
	struct oci_runtime rt;
	struct options_result args;
	void *values; /* the command's struct of options */
	struct oci_id id; /* the first operand of those that have OCI_TAKES_ID */
};

enum {
	OCI_TAKES_ID = 1, /* its first operand is a container's id */
	OCI_PROGRAM = 2, /* what follows the first operand belongs to a program */
	OCI_ENTERS =
		4, /* its processes enter a container: it runs from a read-only copy of itself */
	OCI_READS_ONLY = 8, /* needs no privilege */
	OCI_REFUSES = 16, /* whatever its arguments are */
};

struct oci_command {
	const char *name;
	const char *operands; /* "ID [SIGNAL]" */
	const char *help;
	unsigned flags;
	size_t min_operands, max_operands;
	const struct option *options; /* or NULL */
	size_t values_size;
	int failed; /* exit status of a failure; 0 = 1 */
	int (*run)(struct oci_cli *c, struct err *e);
};
extern const struct oci_command *const oci_commands[];
extern const struct option oci_global_options[];

/* For the tables: one line an option. */
#define OCI_FLAG(owner, field, long_name, short_letter, text)                                      \
	{                                                                                          \
		.name = (long_name), .letter = (short_letter), .type = OPTION_FLAG,                \
		.offset = offsetof(owner, field), .help = (text)                                   \
	}
#define OCI_TEXT(owner, field, long_name, short_letter, what, text)                                \
	{                                                                                          \
		.name = (long_name), .letter = (short_letter), .type = OPTION_STRING,              \
		.offset = offsetof(owner, field), .value = (what), .help = (text)                  \
	}
#define OCI_LIST(owner, field, long_name, short_letter, what, text)                                \
	{                                                                                          \
		.name = (long_name), .letter = (short_letter), .type = OPTION_LIST,                \
		.offset = offsetof(owner, field), .value = (what), .help = (text)                  \
	}
#define OCI_NUMBER(owner, field, long_name, short_letter, what, text)                              \
	{                                                                                          \
		.name = (long_name), .letter = (short_letter), .type = OPTION_U64,                 \
		.offset = offsetof(owner, field), .value = (what), .help = (text)                  \
	}

extern const struct oci_command oci_command_create, oci_command_run, oci_command_start,
	oci_command_state, oci_command_kill, oci_command_delete, oci_command_exec, oci_command_ps,
	oci_command_list, oci_command_pause, oci_command_resume, oci_command_update,
	oci_command_events, oci_command_spec, oci_command_features, oci_command_checkpoint,
	oci_command_restore;

/* log.c: --log and --log-format. */
enum log_level { LOG_DEBUG, LOG_WARNING, LOG_ERROR };
int log_open(const struct oci_globals *g, int *ret_fd, struct err *e);
void log_line(enum log_level level, const char *text);
void log_error(const struct err *e);
void log_warning(const char *text); /* for warn_set_sink() */

/*
 * There are two programs of the same sources. jail-oci is static and knows neither systemd nor
 * netlink, so that its start costs next to nothing; jail-oci-full, dynamic, knows them. The first
 * becomes the second where they are needed: full_path() is where that lies, or NULL in the second.
 */
const char *full_path(void);
/* Becomes it. Returns 0 if we are it already. */
int full_exec(bool sealed, struct err *e);
void full_init(const char *argv0);

/* Options of create, run and exec alike: the member `io` of their structs. */
struct io_values {
	const char *console_socket, *pid_file, *pidfd_socket;
	uint64_t preserve_fds;
	bool detach;
};
#define OCI_IO_OPTIONS(owner)                                                                      \
	OCI_TEXT(owner, io.console_socket, "console-socket", 0, "PATH",                            \
		 "socket that gets the terminal"),                                                 \
		OCI_TEXT(owner, io.pid_file, "pid-file", 0, "FILE", "gets the process id"),        \
		OCI_TEXT(owner, io.pidfd_socket, "pidfd-socket", 0, "PATH",                        \
			 "socket that gets a pidfd of the process"),                               \
		OCI_NUMBER(owner, io.preserve_fds, "preserve-fds", 0, "N",                         \
			   "fds 3 to 2+N stay open in the program")
#define OCI_DETACH_OPTION(owner) OCI_FLAG(owner, io.detach, "detach", 'd', "don't wait for its end")
int take_io(const struct io_values *v, struct oci_io *ret, struct err *e);

/* help.c */
void help_overview(FILE *out);
void help_command(const struct oci_command *c, FILE *out);

/* Prints a finished document and a newline on stdout. */
int print_document(struct strbuf *b, struct err *e);
/* "9", "KILL", "SIGKILL", "RTMIN+3" -> number. */
int parse_signal(const char *text, int *ret, struct err *e);

#endif
