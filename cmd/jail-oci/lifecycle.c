/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill, delete, pause, resume, state; what is not supported. */
#include "cmd/jail-oci/oci.h"

struct kill_values {
	bool all;
};
static const struct option kill_options[] = {
	OCI_FLAG(struct kill_values, all, "all", 'a', "to every process of the container"),
	OPTION_END,
};
struct delete_values {
	bool force;
};
static const struct option delete_options[] = {
	OCI_FLAG(struct delete_values, force, "force", 'f', "kill it first if it runs"),
	OPTION_END,
};

static int run_kill(struct oci_cli *c, struct err *e)
{
	const struct kill_values *v = c->values;
	const char *text = c->args.n_operands > 1 ? c->args.operands[1] : "SIGTERM";
	int signal;

	if (parse_signal(text, &signal, e) < 0)
		return -e->code;
	return oci_kill(&c->rt, &c->id, signal, v->all, e);
}

static int run_delete(struct oci_cli *c, struct err *e)
{
	const struct delete_values *v = c->values;

	return oci_delete(&c->rt, &c->id, v->force, e);
}

static int run_pause(struct oci_cli *c, struct err *e)
{
	return oci_pause(&c->rt, &c->id, true, e);
}

static int run_resume(struct oci_cli *c, struct err *e)
{
	return oci_pause(&c->rt, &c->id, false, e);
}

static int run_state(struct oci_cli *c, struct err *e)
{
	struct oci_container k CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	struct oci_config config CLEANUP_OCI_CONFIG = OCI_CONFIG_INIT;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	struct err why = ERR_INIT;

	if (oci_container_open(&c->rt, &c->id, OCI_LOOK, &k, e) < 0)
		return -e->code;
	/* A create or a delete that was killed leaves it without: it has stopped, and can be
	 * deleted. */
	if (oci_container_config(&k, &config, &why) < 0 && why.code != ENOENT) {
		*e = why;
		return -e->code;
	}
	json_out_init(&o, &b, true);
	if (oci_state_json(&o, NULL, &k.state, &c->id, &config, oci_container_status(&k), "", e) <
	    0)
		return -e->code;
	return print_document(&b, e);
}

static int refuse(struct oci_cli *c, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "%s is not supported yet", c->command->name);
}

const struct oci_command oci_command_kill = {
	.name = "kill",
	.operands = "ID [SIGNAL]",
	.help = "send a signal (SIGTERM) to a container's first process",
	.flags = OCI_TAKES_ID,
	.min_operands = 1,
	.max_operands = 2,
	.options = kill_options,
	.values_size = sizeof(struct kill_values),
	.run = run_kill,
};
const struct oci_command oci_command_delete = {
	.name = "delete",
	.operands = "ID",
	.help = "remove a container that has ended",
	.flags = OCI_TAKES_ID,
	.min_operands = 1,
	.max_operands = 1,
	.options = delete_options,
	.values_size = sizeof(struct delete_values),
	.run = run_delete,
};
const struct oci_command oci_command_pause = {
	.name = "pause",
	.operands = "ID",
	.help = "freeze every process of a container",
	.flags = OCI_TAKES_ID,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_pause,
};
const struct oci_command oci_command_resume = {
	.name = "resume",
	.operands = "ID",
	.help = "let them go on",
	.flags = OCI_TAKES_ID,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_resume,
};
const struct oci_command oci_command_state = {
	.name = "state",
	.operands = "ID",
	.help = "show the state of a container as JSON",
	.flags = OCI_TAKES_ID | OCI_READS_ONLY,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_state,
};
const struct oci_command oci_command_checkpoint = {
	.name = "checkpoint",
	.operands = "ID",
	.help = "not supported yet",
	.flags = OCI_REFUSES,
	.run = refuse,
};
const struct oci_command oci_command_restore = {
	.name = "restore",
	.operands = "ID",
	.help = "not supported yet",
	.flags = OCI_REFUSES,
	.run = refuse,
};
