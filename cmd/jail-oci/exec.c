/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec */
#include "cmd/jail-oci/oci.h"

struct values {
	struct io_values io;
	const char *process, *cwd, *user, *apparmor, *process_label, *cgroup;
	struct option_list env, caps, additional_gids;
	bool tty, no_new_privs, ignore_paused, no_subreaper;
};

static const struct option options[] = {
	OCI_TEXT(struct values, process, "process", 'p', "FILE", "process.json: all about it"),
	OCI_FLAG(struct values, tty, "tty", 't', "a terminal"),
	OCI_TEXT(struct values, user, "user", 'u', "UID[:GID]", "who it runs as"),
	OCI_TEXT(struct values, cwd, "cwd", 0, "DIR", "working directory in the container"),
	OCI_LIST(struct values, env, "env", 'e', "K=V", "environment variable"),
	OCI_LIST(struct values, caps, "cap", 'c', "CAP", "one capability more"),
	OCI_LIST(struct values, additional_gids, "additional-gids", 'g', "GID",
		 "one supplementary group more"),
	OCI_FLAG(struct values, no_new_privs, "no-new-privs", 0, "set no_new_privs"),
	OCI_TEXT(struct values, apparmor, "apparmor", 0, "PROFILE", "AppArmor profile"),
	OCI_TEXT(struct values, process_label, "process-label", 0, "LABEL", "SELinux label"),
	OCI_DETACH_OPTION(struct values),
	OCI_IO_OPTIONS(struct values),
	OCI_TEXT(struct values, cgroup, "cgroup", 0, "PATH",
		 "cgroup below the container's that it is born in"),
	OCI_FLAG(struct values, ignore_paused, "ignore-paused", 0,
		 "also when the container is paused: it runs after the resume"),
	OCI_FLAG(struct values, no_subreaper, "no-subreaper", 0,
		 "accepted: jail-oci never becomes one"),
	OPTION_END,
};

static struct oci_strings strings(const struct option_list *l)
{
	return (struct oci_strings){ l->v, l->n };
}

static int run(struct oci_cli *c, struct err *e)
{
	const struct values *v = c->values;
	struct oci_exec_options o = {
		.process = v->process,
		.args = { (const char **)(void *)(c->args.operands + 1), c->args.n_operands - 1 },
		.cwd = v->cwd,
		.user = v->user,
		.env = strings(&v->env),
		.caps = strings(&v->caps),
		.additional_gids = strings(&v->additional_gids),
		.tty = v->tty,
		.no_new_privs = v->no_new_privs,
		.ignore_paused = v->ignore_paused,
		.apparmor = v->apparmor,
		.process_label = v->process_label,
		.cgroup = v->cgroup,
	};
	int status = 0, r;

	r = take_io(&v->io, &o.io, e);
	if (r < 0)
		return r;
	r = oci_exec(&c->rt, &c->id, &o, &status, e);
	return r < 0 ? r : status;
}

const struct oci_command oci_command_exec = {
	.name = "exec",
	.operands = "ID COMMAND [ARGUMENT...]",
	.help = "run one more process in a container",
	.flags = OCI_TAKES_ID | OCI_PROGRAM | OCI_ENTERS,
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.options = options,
	.values_size = sizeof(struct values),
	.failed = OCI_EXEC_FAILED,
	.run = run,
};
