/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list, ps: what there is. */
#include <fcntl.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "cmd/jail-oci/oci.h"

struct list_values {
	const char *format;
	bool quiet;
};
static const struct option list_options[] = {
	OCI_TEXT(struct list_values, format, "format", 'f', "table|json", "how it looks"),
	OCI_FLAG(struct list_values, quiet, "quiet", 'q', "ids alone"),
	OPTION_END,
};

/* The user's name is the host's business, as it is for runc. */
static void owner_name(uid_t uid, char *ret, size_t n)
{
	if (uid == 0)
		(void)str_format(ret, n, "root");
	else
		(void)str_format(ret, n, "%u", uid);
}

static int list_row(struct table *t, const struct oci_container *k, enum oci_status status,
		    struct err *e)
{
	char pid[16], owner[32];
	const char *cells[6] = { k->id.s,
				 pid,
				 oci_status_name(status),
				 k->state.bundle ? k->state.bundle : "",
				 k->state.created,
				 owner };

	(void)str_format(pid, sizeof(pid), "%d", status == OCI_STOPPED ? 0 : (int)k->state.pid);
	owner_name(k->state.owner, owner, sizeof(owner));
	table_row(t, cells);
	return t->failed ? err_nomem(e) : 0;
}

static int list_object(struct json_out *o, const struct oci_container *k, enum oci_status status,
		       struct err *e)
{
	struct oci_config config CLEANUP_OCI_CONFIG = OCI_CONFIG_INIT;
	struct err ignored = ERR_INIT;
	char owner[32];

	if (oci_container_config(k, &config, &ignored) < 0)
		return 0;
	owner_name(k->state.owner, owner, sizeof(owner));
	return oci_state_json(o, NULL, &k->state, &k->id, &config, status, owner, e);
}

struct listing {
	bool json, quiet;
	struct table table;
	struct json_out out;
};

/* One that is being made or deleted at the moment is passed over. */
static int list_one(struct oci_cli *c, const char *name, struct listing *l, struct err *e)
{
	struct oci_container k CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	struct err ignored = ERR_INIT;
	struct oci_id id;

	if (oci_id_parse(name, &id, &ignored) < 0 ||
	    oci_container_open(&c->rt, &id, OCI_LOOK, &k, &ignored) < 0)
		return 0;
	if (l->quiet) {
		(void)printf("%s\n", name);
		return 0;
	}
	return l->json ? list_object(&l->out, &k, oci_container_status(&k), e)
		       : list_row(&l->table, &k, oci_container_status(&k), e);
}

static int list_print(struct oci_cli *c, const struct strv *ids, struct listing *l,
		      struct strbuf *b, struct err *e)
{
	static const char *const head[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };
	int r = 0;

	table_row(&l->table, head);
	json_out_init(&l->out, b, false);
	if (l->json && ids->n)
		json_out_array(&l->out, NULL);
	for (size_t i = 0; i < ids->n && r >= 0; i++)
		r = list_one(c, ids->v[i], l, e);
	if (r < 0 || l->quiet)
		return r;
	if (!l->json)
		return table_print(&l->table, stdout, 0, e);
	if (ids->n)
		json_out_array_end(&l->out);
	else
		json_out_null(&l->out, NULL);
	return print_document(b, e);
}

static int run_list(struct oci_cli *c, struct err *e)
{
	const struct list_values *v = c->values;
	const char *format = v->format ? v->format : "table";
	CLEANUP_STRV struct strv ids = { 0 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct listing l = { .json = str_eq(format, "json"), .quiet = v->quiet };
	int r;

	if (!l.json && !str_eq(format, "table"))
		return err_set(e, EINVAL, "--format \"%s\": table or json", format);
	/* Nothing was ever created in the default place: an empty list. A missing --root is an
	 * error, as the specification of runc has it. */
	r = oci_container_ids(&c->rt, &ids, e);
	if (r == -ENOENT && !c->globals.root) {
		*e = ERR_INIT;
		r = 0;
	}
	if (r < 0)
		return r;
	table_init(&l.table, 6);
	r = list_print(c, &ids, &l, &b, e);
	table_free(&l.table);
	return r;
}

struct ps_values {
	const char *format;
};
static const struct option ps_options[] = {
	OCI_TEXT(struct ps_values, format, "format", 'f', "table|json", "how it looks"),
	OPTION_END,
};

/* The host's ps, with its output in *ret. */
static int run_host_ps(char *const *arguments, char **ret, struct err *e)
{
	const char *args[64] = { "ps" };
	CLEANUP_FD int from = -EBADF;
	int p[2], status, r;
	size_t n = 0, len;
	pid_t pid;

	while (arguments[n] && n + 2 < ARRAY_SIZE(args)) {
		args[n + 1] = arguments[n];
		n++;
	}
	if (n == 0)
		args[1] = "-ef";
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	from = p[0];
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0) {
		if (dup2(p[1], STDOUT_FILENO) >= 0)
			(void)execvp("ps", (char *const *)(uintptr_t)args);
		_exit(127);
	}
	(void)close(p[1]);
	r = fd_read_all(from, 64u << 20, ret, &len);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return err_ret(e, r, "read from ps");
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 127)
		return err_set(e, ENOENT, "the host's ps can't be run: install procps");
	return 0;
}

/* Which column has the pid. Return: number of it, or -1. */
static int pid_column(const char *line)
{
	int column = 0;

	for (size_t at = strspn(line, " "); line[at] && line[at] != '\n'; column++) {
		size_t n = strcspn(line + at, " \n");

		if (n == 3 && memcmp(line + at, "PID", 3) == 0)
			return column;
		at += n;
		at += strspn(line + at, " ");
	}
	return -1;
}

static bool line_is_of(const char *line, int column, const pid_t *pids, size_t n)
{
	size_t at = strspn(line, " ");
	struct err ignored = ERR_INIT;
	uint64_t pid;
	char text[16];

	for (int i = 0; i < column; i++) {
		at += strcspn(line + at, " \n");
		at += strspn(line + at, " ");
	}
	if (str_format(text, sizeof(text), "%.*s", (int)strcspn(line + at, " \n"), line + at) < 0 ||
	    num_parse_u64(text, 1, INT32_MAX, &pid, &ignored) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pids[i] == (pid_t)pid)
			return true;
	return false;
}

static int ps_table(struct oci_cli *c, const pid_t *pids, size_t n, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	int column;

	if (run_host_ps(c->args.operands + 1, &text, e) < 0)
		return -e->code;
	column = pid_column(text);
	if (column < 0)
		return err_set(e, EINVAL, "ps: its output has no column PID");
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n") + 1;

		if (line == text || line_is_of(line, column, pids, n))
			(void)printf("%.*s\n", (int)len - 1, line);
		line += line[len - 1] ? len : len - 1;
	}
	return 0;
}

static int run_ps(struct oci_cli *c, struct err *e)
{
	const struct ps_values *v = c->values;
	struct oci_container k CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_FREE pid_t *pids = NULL;
	struct json_out o;
	size_t n = 0;

	if (v->format && !str_eq(v->format, "table") && !str_eq(v->format, "json"))
		return err_set(e, EINVAL, "--format \"%s\": table or json", v->format);
	if (oci_container_open(&c->rt, &c->id, OCI_LOOK, &k, e) < 0 ||
	    oci_cgroup_pids(&k.state.cgroup, &pids, &n, e) < 0)
		return -e->code;
	if (!v->format || str_eq(v->format, "table"))
		return ps_table(c, pids, n, e);
	json_out_init(&o, &b, false);
	json_out_array(&o, NULL);
	for (size_t i = 0; i < n; i++)
		json_out_int(&o, NULL, pids[i]);
	json_out_array_end(&o);
	return print_document(&b, e);
}

const struct oci_command oci_command_list = {
	.name = "list",
	.help = "list containers",
	.flags = OCI_READS_ONLY,
	.options = list_options,
	.values_size = sizeof(struct list_values),
	.run = run_list,
};
const struct oci_command oci_command_ps = {
	.name = "ps",
	.operands = "ID [OPTION OF PS...]",
	.help = "show the processes of a container",
	.flags = OCI_TAKES_ID | OCI_PROGRAM | OCI_READS_ONLY,
	.min_operands = 1,
	.max_operands = 60,
	.options = ps_options,
	.values_size = sizeof(struct ps_values),
	.run = run_ps,
};
