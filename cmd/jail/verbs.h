/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs. Each has a file of its own that ends in its `struct verb`; verbs.c lists them, and
 * that list is the only source of dispatch, usage and help.
 */
#ifndef JAIL_CMD_VERBS_H
#define JAIL_CMD_VERBS_H

#include "cmd/jail/cli.h"

enum {
	VERB_STATE = 1, /* wants the state tree open: cli->jail */
	VERB_BARE = 2, /* reads no configuration */
	VERB_PROGRAM = 4, /* returns a program's status: its own errors are 125 */
	VERB_HIDDEN = 8, /* for jail-monitor, not for people */
};

#define OPERANDS_ANY 0xffffu

struct verb {
	const char *name; /* "image import" is found by two words */
	const char *alias; /* or NULL */
	const char *operands; /* for the usage line */
	const char *help; /* one line */
	const struct option *options;
	const struct option *shared; /* a table of OPTION_DEFERRED, or NULL */
	size_t values_size; /* of the struct that the options fill in */
	const void *defaults; /* its initial content; NULL = zeroes */
	size_t min_operands, max_operands;
	bool command; /* a program's command line follows after command_at operands */
	size_t command_at;
	unsigned flags;
	int (*run)(struct cli *c, struct err *e);
};

/* In the order of the help; NULL-terminated. */
extern const struct verb *const verbs[];

extern const struct verb verb_create, verb_start, verb_run, verb_exec, verb_attach, verb_logs,
	verb_ps, verb_inspect, verb_stats, verb_events, verb_stop, verb_kill, verb_restart,
	verb_pause, verb_resume, verb_refresh, verb_wait, verb_rm, verb_rename, verb_image_import,
	verb_image_pull, verb_image_list, verb_image_inspect, verb_image_rm, verb_check, verb_gc,
	verb_spec, verb_cp, verb_version, verb_help, verb_launch, verb_finish;

extern const struct verb verb_set, verb_rebuild;

extern const struct verb verb_image_export, verb_image_history, verb_image_tag, verb_image_verify,
	verb_image_prune;

extern const struct verb verb_network_create, verb_network_list, verb_network_inspect,
	verb_network_rm, verb_network_check;

extern const struct verb verb_policy_check;
extern const struct verb verb_volume_create, verb_volume_list, verb_volume_inspect, verb_volume_rm,
	verb_volume_set, verb_volume_snapshot_create, verb_volume_snapshot_list,
	verb_volume_snapshot_rm, verb_volume_rollback;
extern const struct verb verb_snapshot_create, verb_snapshot_list, verb_snapshot_rm,
	verb_snapshot_diff, verb_snapshot_run, verb_rollback, verb_diff, verb_clone, verb_commit,
	verb_export, verb_import;

/* systemd (docs/systemd.md) */
extern const struct verb verb_enable, verb_disable, verb_unit_start, verb_unit_stop, verb_unit_post,
	verb_boot;

/* Finds by one word or several ("image import"). *ret_words: how many it took. Return: NULL if
 * there is none. */
const struct verb *verb_find(int argc, char **argv, int *ret_words);
#define VERB_NAME_MAX 64
/* How many words at the begin of argv are those of a group of verbs ("volume snapshot"), and these.
 */
int verb_group(int argc, char **argv, char ret[static VERB_NAME_MAX]);
/* -EINVAL: unknown command, with the nearest one. */
int verb_unknown(int argc, char **argv, struct err *e);

/* The usage of one verb, and the list of all. */
void help_usage(const struct verb *v, FILE *out);
void help_overview(FILE *out);
/* Of the verbs that begin with these words and have more. Return: whether there are any. */
bool help_group(const char *word, FILE *out);
/* "jail NAME [OPTIONS] OPERANDS" in the errors' hints. Return: -e->code. */
int help_hint(const struct verb *v, struct err *e);

#endif
