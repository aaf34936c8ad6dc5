/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail-oci: global options, then the command. */
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "base/fd.h"
#include "base/ident.h"
#include "base/path.h"
#include "cmd/jail-oci/oci.h"
#include "runtime/sealed.h"

#define DEFAULT_ROOT "/run/jail-oci"

const struct oci_command *const oci_commands[] = {
	&oci_command_create,	 &oci_command_run,     &oci_command_start,
	&oci_command_state,	 &oci_command_kill,    &oci_command_delete,
	&oci_command_exec,	 &oci_command_ps,      &oci_command_list,
	&oci_command_pause,	 &oci_command_resume,  &oci_command_update,
	&oci_command_events,	 &oci_command_spec,    &oci_command_features,
	&oci_command_checkpoint, &oci_command_restore, NULL,
};

const struct option oci_global_options[] = {
	OCI_TEXT(struct oci_globals, root, "root", 0, "DIR",
		 "state directory; default " DEFAULT_ROOT),
	OCI_TEXT(struct oci_globals, log, "log", 0, "FILE", "errors and warnings go there too"),
	OCI_TEXT(struct oci_globals, log_format, "log-format", 0, "text|json", "how they look"),
	OCI_FLAG(struct oci_globals, debug, "debug", 0, "log what is done"),
	OCI_FLAG(struct oci_globals, systemd_cgroup, "systemd-cgroup", 0,
		 "cgroups are systemd's: cgroupsPath is SLICE:PREFIX:NAME"),
	OCI_TEXT(struct oci_globals, rootless, "rootless", 0, "auto|true|false",
		 "true is refused: every container has a cgroup"),
	OCI_TEXT(struct oci_globals, criu, "criu", 0, "PATH",
		 "for checkpoint and restore, which are refused"),
	OCI_FLAG(struct oci_globals, version, "version", 'v', "show the version"),
	OCI_FLAG(struct oci_globals, help, "help", 'h', "show this help"),
	OPTION_END,
};

static const struct oci_command *find(const char *name)
{
	for (size_t i = 0; oci_commands[i]; i++)
		if (str_eq(oci_commands[i]->name, name))
			return oci_commands[i];
	return NULL;
}

static int unknown(const char *name, struct err *e)
{
	const char *names[ARRAY_SIZE(oci_commands)];
	size_t n = 0;
	int nearest;

	while (oci_commands[n]) {
		names[n] = oci_commands[n]->name;
		n++;
	}
	(void)err_set(e, EINVAL, "unknown command \"%s\"", name);
	nearest = ident_nearest(name, names, n);
	return nearest < 0 ? err_hint(e, "jail-oci --help shows the commands")
			   : err_hint(e, "did you mean %s?", names[nearest]);
}

/* Options before the command. Return: how many arguments they took. */
static int parse_globals(struct oci_cli *c, int argc, char **argv, struct err *e)
{
	const struct options_table tables[OPTIONS_TABLES] = { { oci_global_options, &c->globals } };
	struct options_result found;
	int n, r = options_parse(argc, argv, tables, 0, &found, e);

	n = argc - (int)found.n_operands;
	options_result_free(&found);
	return r < 0 ? r : n;
}

static int open_runtime(struct oci_cli *c, char root[static PATH_MAX], struct err *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *given = c->globals.root;
	char cwd[PATH_MAX];
	int r;

	c->rt.systemd = c->globals.systemd_cgroup;
	if (given && given[0] != '/') {
		if (!getcwd(cwd, sizeof(cwd)))
			return err_sys(e, "getcwd");
		r = str_format(root, PATH_MAX, "%s/%s", cwd, given);
	} else if (!given && geteuid() != 0 && runtime) {
		r = str_format(root, PATH_MAX, "%s/jail-oci", runtime);
	} else {
		r = str_format(root, PATH_MAX, "%s", given ? given : DEFAULT_ROOT);
	}
	if (r < 0 || path_clean(root, root, PATH_MAX) < 0)
		return err_set(e, EINVAL, "--root %s: not a path", given);
	c->rt.root = root;
	return 0;
}

static int check_operands(struct oci_cli *c, struct err *e)
{
	const struct oci_command *v = c->command;
	size_t n = c->args.n_operands;

	if (n < v->min_operands)
		return err_set(e, EINVAL, "%s: \"%s\" requires %s", v->name, v->name, v->operands);
	if (n > v->max_operands)
		return err_set(e, EINVAL, "%s: unexpected argument \"%s\"", v->name,
			       c->args.operands[v->max_operands]);
	if (!(v->flags & OCI_TAKES_ID))
		return 0;
	return oci_id_parse(c->args.operands[0], &c->id, e);
}

static int check_privilege(const struct oci_cli *c, struct err *e)
{
	if (geteuid() == 0 || c->command->flags & OCI_READS_ONLY)
		return 0;
	(void)err_set(e, EPERM, "%s: only root, of the host or of a user namespace, may do this",
		      c->command->name);
	return err_hint(e, "rootless engines run jail-oci as root of their own user namespace");
}

static int call(struct oci_cli *c, int argc, char **argv, struct err *e)
{
	const struct oci_command *v = c->command;
	const struct options_table tables[OPTIONS_TABLES] = {
		{ v->options, c->values },
		{ oci_global_options, &c->globals },
	};
	char root[PATH_MAX];
	int r;

	if (v->flags & OCI_REFUSES)
		return v->run(c, e);
	r = options_parse(argc, argv, tables, v->flags & OCI_PROGRAM ? 0 : OPTIONS_NO_COMMAND,
			  &c->args, e);
	if (c->globals.help) {
		help_command(v, stdout);
		return 0;
	}
	if (r < 0)
		return err_wrap(e, "%s", v->name);
	if ((r = check_operands(c, e)) < 0 || (r = check_privilege(c, e)) < 0 ||
	    (r = open_runtime(c, root, e)) < 0)
		return r;
	return v->run(c, e);
}

/* Nothing may be missing for anybody: a cgroup that can't be made is an error. */
static int check_rootless(const char *value, struct err *e)
{
	if (!value || str_eq(value, "auto") || str_eq(value, "false"))
		return 0;
	if (!str_eq(value, "true"))
		return err_set(e, EINVAL, "--rootless \"%s\": auto, true or false", value);
	(void)err_set(e, EOPNOTSUPP,
		      "--rootless=true: containers without a cgroup are not supported");
	return err_hint(e, "give the user a cgroup of his own, and leave it out");
}

/* Network devices are moved by netlink. */
static int look(const struct oci_config *config, struct err *e)
{
	return config->n_net_devices ? full_exec(true, e) : 0;
}

/*
 * What is read of the caller's environment: sockets that are passed on, where a user's state is,
 * where systemd is. The rest is the engine's, and a process that waits for its start or joins a
 * container would show it there (row 7).
 */
static const char *const kept_environment[] = {
	"LISTEN_FDS",
	"LISTEN_PID",
	"LISTEN_FDNAMES",
	"XDG_RUNTIME_DIR",
	"DBUS_SYSTEM_BUS_ADDRESS",
	"DBUS_SESSION_BUS_ADDRESS",
#ifdef __SANITIZE_ADDRESS__
	"ASAN_OPTIONS",
	"LSAN_OPTIONS",
	"UBSAN_OPTIONS",
#endif
};

/* The read-only copy comes before anything is opened or marked close-on-exec. */
static int prepare(struct oci_cli *c, struct err *e)
{
	bool enters = c->command && c->command->flags & OCI_ENTERS;
	int r;

	c->rt.log = -EBADF;
	c->rt.look = look;
	if (c->globals.systemd_cgroup && (r = full_exec(enters, e)) < 0)
		return r;
	if (enters && (r = sealed_exec(e)) < 0)
		return r;
	if ((r = fd_sanitize(e)) < 0 ||
	    (r = environment_keep(kept_environment, ARRAY_SIZE(kept_environment), e)) < 0)
		return r;
	(void)umask(022);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "ignore SIGPIPE");
	r = log_open(&c->globals, &c->rt.log, e);
	return r < 0 ? r : check_rootless(c->globals.rootless, e);
}

static int run(struct oci_cli *c, int argc, char **argv, struct err *e)
{
	int n, r;

	warn_set_sink(log_warning);
	n = parse_globals(c, argc, argv, e);
	if (n < 0)
		return n;
	if (c->globals.version) {
		(void)printf("jail-oci version %s\nspec: %s\n", JAIL_VERSION, OCI_VERSION);
		return 0;
	}
	if (n == argc || c->globals.help) {
		help_overview(stdout);
		return 0;
	}
	c->command = find(argv[n]);
	r = prepare(c, e);
	if (r < 0)
		return r;
	if (!c->command)
		return unknown(argv[n], e);
	c->values = calloc(1, c->command->values_size + 1);
	if (!c->values)
		return err_nomem(e);
	return call(c, argc - n - 1, argv + n + 1, e);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct oci_cli c = { .command = NULL };
	int status;

	full_init(argc > 0 ? argv[0] : "");
	status = run(&c, argc - 1, argv + 1, &e);

	if (status < 0) {
		log_error(&e);
		status = c.command && c.command->failed ? c.command->failed : 1;
	}
	if (fflush(stdout) != 0 && status == 0)
		status = 1;
	if (c.command && c.values)
		options_values_free(c.command->options, c.values);
	options_result_free(&c.args);
	free(c.values);
	return status;
}
