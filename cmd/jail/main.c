/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail, the command: a clean process first (fds, umask, environment), then the verb. Nothing is
 * decided here but the exit status.
 */
#include <signal.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "base/fd.h"
#include "cmd/jail/verbs.h"

/*
 * The environment is the caller's and reaches hooks, the importer and the monitor if nobody stops
 * it (row 6): only what is read on purpose survives. The sanitizers' own settings do in builds that
 * have them.
 */
static const char *const kept_environment[] = {
	"JAIL_CONFIG",	"TERM",
#ifdef __SANITIZE_ADDRESS__
	"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
#endif
};

/* What systemd tells the hidden verbs of an instance's unit; they take it out again. */
static const char *const unit_environment[] = { "NOTIFY_SOCKET", "EXIT_CODE", "EXIT_STATUS" };

static int environment_reset(bool unit, struct err *e)
{
	const char *names[ARRAY_SIZE(kept_environment) + ARRAY_SIZE(unit_environment)];
	size_t n = ARRAY_SIZE(kept_environment);
	int r;

	memcpy(names, kept_environment, sizeof(kept_environment));
	memcpy(names + n, unit_environment, sizeof(unit_environment));
	r = environment_keep(names, unit ? ARRAY_SIZE(names) : n, e);
	if (r == 0 && setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) < 0)
		r = err_sys(e, "set PATH");
	return r;
}

static int process_prepare(bool unit, struct err *e)
{
	int r = fd_sanitize(e);

	if (r < 0)
		return r;
	(void)umask(077);
	warn_set_sink(cli_warning);
	/* A closed pipe is a write error that is reported, not a silent death. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "ignore SIGPIPE");
	return environment_reset(unit, e);
}

static int check_operands(const struct cli *c, struct err *e)
{
	const struct verb *v = c->verb;
	size_t n = c->args.n_operands;

	if (n >= v->min_operands && n <= v->max_operands)
		return 0;
	if (n < v->min_operands)
		(void)err_set(e, EINVAL, "%s: %s is missing", v->name, v->operands);
	else
		(void)err_set(e, EINVAL, "%s: unexpected argument \"%s\"", v->name,
			      c->args.operands[v->max_operands]);
	return help_hint(v, e);
}

static int open_engine(struct cli *c, struct err *e)
{
	int r;

	if (c->verb->flags & VERB_BARE)
		return 0;
	r = config_load(c->global.config ? c->global.config : getenv("JAIL_CONFIG"), &c->config, e);
	if (r >= 0 && c->global.policy)
		r = config_set_policy(&c->config, c->global.policy, e);
	if (r < 0 || !(c->verb->flags & VERB_STATE))
		return r;
	if (geteuid() != 0) {
		(void)err_set(e, EPERM, "%s: only root may do this", c->verb->name);
		return err_hint(e, "run it with sudo, or as root");
	}
	return jail_open(&c->config, &c->jail, e);
}

/* Return: exit status. */
static int verb_call(struct cli *c, struct err *e)
{
	int r = open_engine(c, e);

	if (r == 0)
		r = c->verb->run(c, e);
	if (r < 0) {
		cli_failure(c, e);
		r = c->failed;
	}
	jail_close(&c->jail);
	return r;
}

static int usage_error(const struct verb *v, const struct err *e)
{
	cli_error(e);
	return v && (v->flags & VERB_PROGRAM) ? EXIT_JAIL : EXIT_USAGE;
}

/* Return: exit status. */
static int verb_main(struct cli *c, int argc, char **argv)
{
	struct err e = ERR_INIT;
	const struct verb *v = c->verb;
	const struct options_table tables[OPTIONS_TABLES] = {
		{ v->options, c->values },
		{ v->shared, NULL },
		{ cli_global_options, &c->global },
	};
	size_t command_at = v->command ? v->command_at : OPTIONS_NO_COMMAND;
	int r = options_parse(argc, argv, tables, command_at, &c->args, &e);

	if (c->global.help) {
		help_usage(v, stdout);
		return 0;
	}
	if (r < 0) {
		(void)err_wrap(&e, "%s", v->name);
		(void)help_hint(v, &e);
		return usage_error(v, &e);
	}
	if (check_operands(c, &e) < 0)
		return usage_error(v, &e);
	return verb_call(c, &e);
}

/* Global options may stand before the verb as well. Return: how many arguments they took. */
static int parse_leading(struct cli *c, int argc, char **argv, struct err *e)
{
	int n = 0;

	while (n < argc && argv[n][0] == '-') {
		if (str_eq(argv[n], "--help") || str_eq(argv[n], "-h")) {
			c->global.help = true;
		} else if (str_starts(argv[n], "--config=")) {
			c->global.config = argv[n] + strlen("--config=");
		} else if (str_eq(argv[n], "--config") && n + 1 < argc) {
			c->global.config = argv[++n];
		} else if (str_starts(argv[n], "--policy=")) {
			c->global.policy = argv[n] + strlen("--policy=");
		} else if (str_eq(argv[n], "--policy") && n + 1 < argc) {
			c->global.policy = argv[++n];
		} else if (str_eq(argv[n], "--version")) {
			(void)printf("jail %s\n", JAIL_VERSION);
			c->verb = &verb_version;
		} else {
			(void)err_set(e, EINVAL, "unexpected \"%s\" before the command", argv[n]);
			return err_hint(e, "\"jail help\" shows the usage");
		}
		n++;
	}
	return n;
}

/* Of words that are no verb yet: "jail image --help". */
static bool has_help(const struct cli *c, int argc, char **argv)
{
	bool last = argc > 1 && (str_eq(argv[argc - 1], "--help") || str_eq(argv[argc - 1], "-h"));
	char group[VERB_NAME_MAX];

	if (!c->global.help && !last)
		return false;
	argc -= last;
	return verb_group(argc, argv, group) == argc && help_group(group, stdout);
}

static int run(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct cli c = { .failed = EXIT_FAILED };
	int n = parse_leading(&c, argc, argv, &e), words = 0, status;

	if (n < 0)
		return usage_error(NULL, &e);
	if (c.verb)
		return 0;
	if (n == argc) {
		help_overview(c.global.help ? stdout : stderr);
		return c.global.help ? 0 : EXIT_USAGE;
	}
	c.verb = verb_find(argc - n, argv + n, &words);
	if (!c.verb && has_help(&c, argc - n, argv + n))
		return 0;
	if (!c.verb) {
		(void)verb_unknown(argc - n, argv + n, &e);
		return usage_error(NULL, &e);
	}
	if (c.verb->flags & VERB_PROGRAM)
		c.failed = EXIT_JAIL;
	c.values = calloc(1, c.verb->values_size + 1);
	if (!c.values) {
		(void)err_nomem(&e);
		return usage_error(c.verb, &e);
	}
	if (c.verb->defaults)
		memcpy(c.values, c.verb->defaults, c.verb->values_size);
	status = verb_main(&c, argc - n - words, argv + n + words);
	options_values_free(c.verb->options, c.values);
	options_result_free(&c.args);
	free(c.values);
	return status;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int status, r;

	if (process_prepare(argc > 1 && str_starts(argv[1], "_unit-"), &e) < 0) {
		cli_error(&e);
		return EXIT_FAILED;
	}
	status = run(argc - 1, argv + 1);
	r = cli_flush(&e);
	if (r == 0 || r == -EPIPE)
		return status;
	cli_error(&e);
	return status ? status : EXIT_FAILED;
}
