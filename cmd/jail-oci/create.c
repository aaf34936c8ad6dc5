/* SPDX-License-Identifier: GPL-2.0-or-later */
/* create, run, start. */
#include "base/num.h"
#include "cmd/jail-oci/oci.h"

struct values {
	struct io_values io;
	const char *bundle;
	bool no_pivot, no_new_keyring, keep, no_subreaper;
};

#define CREATE_OPTIONS                                                                             \
	OCI_TEXT(struct values, bundle, "bundle", 'b', "DIR",                                      \
		 "directory with config.json; default the current one"),                           \
		OCI_IO_OPTIONS(struct values),                                                     \
		OCI_FLAG(struct values, no_pivot, "no-pivot", 0,                                   \
			 "no pivot_root, for a root on an initramfs"),                             \
		OCI_FLAG(struct values, no_new_keyring, "no-new-keyring", 0,                       \
			 "keep the caller's session keyring")

static const struct option create_options[] = { CREATE_OPTIONS, OPTION_END };
static const struct option run_options[] = {
	CREATE_OPTIONS,
	OCI_DETACH_OPTION(struct values),
	OCI_FLAG(struct values, keep, "keep", 0, "don't delete it after its end"),
	OCI_FLAG(struct values, no_subreaper, "no-subreaper", 0,
		 "accepted: jail-oci never becomes one"),
	OPTION_END,
};

/* Sockets that systemd opened for us are the program's (sd_listen_fds(3)). */
static void take_listen_fds(struct oci_io *io)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	struct err ignored = ERR_INIT;
	uint64_t n = 0, ours = 0;

	if (!fds || !pid || num_parse_u64(fds, 1, 1000, &n, &ignored) < 0 ||
	    num_parse_u64(pid, 1, INT32_MAX, &ours, &ignored) < 0 || (pid_t)ours != getpid())
		return;
	io->listen_fds = (unsigned)n;
	io->listen_names = getenv("LISTEN_FDNAMES");
	io->preserve_fds += (unsigned)n;
}

static int take(const struct values *v, struct oci_create_options *o, struct err *e)
{
	*o = (struct oci_create_options){
		.bundle = v->bundle,
		.no_pivot = v->no_pivot,
		.no_new_keyring = v->no_new_keyring,
		.no_subreaper = v->no_subreaper,
		.keep = v->keep,
	};
	if (take_io(&v->io, &o->io, e) < 0)
		return -e->code;
	take_listen_fds(&o->io);
	return 0;
}

static int create(struct oci_cli *c, struct err *e)
{
	struct oci_create_options o;

	return take(c->values, &o, e) < 0 ? -e->code : oci_create(&c->rt, &c->id, &o, e);
}

static int run(struct oci_cli *c, struct err *e)
{
	struct oci_create_options o;
	int status = 0, r = take(c->values, &o, e);

	if (r >= 0)
		r = oci_run(&c->rt, &c->id, &o, &status, e);
	return r < 0 ? r : status;
}

static int start(struct oci_cli *c, struct err *e)
{
	return oci_start(&c->rt, &c->id, e);
}

const struct oci_command oci_command_create = {
	.name = "create",
	.operands = "ID",
	.help = "make a container from a bundle",
	.flags = OCI_TAKES_ID | OCI_ENTERS,
	.min_operands = 1,
	.max_operands = 1,
	.options = create_options,
	.values_size = sizeof(struct values),
	.run = create,
};
const struct oci_command oci_command_run = {
	.name = "run",
	.operands = "ID",
	.help = "create, start, wait for the end, delete",
	.flags = OCI_TAKES_ID | OCI_ENTERS,
	.min_operands = 1,
	.max_operands = 1,
	.options = run_options,
	.values_size = sizeof(struct values),
	.run = run,
};
const struct oci_command oci_command_start = {
	.name = "start",
	.operands = "ID",
	.help = "run the program of a container that was created",
	.flags = OCI_TAKES_ID,
	.min_operands = 1,
	.max_operands = 1,
	.run = start,
};
