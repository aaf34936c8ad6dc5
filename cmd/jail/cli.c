/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the command prints. Whatever came from outside (a name in a spec, a member of an archive, a
 * line of a hook's stderr inside an error text) is escaped here, on its way to the terminal and
 * nowhere earlier (rows 80, 81).
 */
#include "cmd/jail/cli.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "runtime/console.h"

static void print_escaped(const char *prefix, const char *text)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err ignored = ERR_INIT;

	text_escape(&b, text, strlen(text), true);
	/* Without memory, what is wrong is said all the same. */
	if (strbuf_ok(&b, &ignored) < 0) {
		(void)fputs(prefix, stderr);
		for (; *text; text++)
			(void)fputc(*text >= ' ' && *text <= '~' ? *text : '?', stderr);
		(void)fputc('\n', stderr);
		return;
	}
	(void)fprintf(stderr, "%s%s\n", prefix, strbuf_str(&b));
}

void cli_error(const struct err *e)
{
	/* What was printed before it stays before it when both go to one file. */
	(void)fflush(stdout);
	print_escaped("jail: ", e->text);
	if (e->hint[0])
		print_escaped("      ", e->hint);
}

void cli_failure(const struct cli *c, struct err *e)
{
	if (c->jail && (e->code == ENOSPC || e->code == EDQUOT))
		(void)err_hint(
			e, "is the disk of %s or of %s full? \"jail gc\" frees what nobody uses",
			c->config.state_dir, c->config.run_dir);
	cli_error(e);
}

void cli_warning(const char *text)
{
	print_escaped("jail: warning: ", text);
}

int cli_print_json(struct strbuf *b, struct err *e)
{
	int r = strbuf_ok(b, e);

	if (r < 0)
		return r;
	(void)fwrite(strbuf_str(b), 1, b->len, stdout);
	(void)fputc('\n', stdout);
	return 0;
}

size_t cli_width(void)
{
	uint16_t rows = 0, columns = 0;

	if (isatty(STDOUT_FILENO) && console_winsize(&rows, &columns) && columns >= 40)
		return columns;
	return TABLE_WIDTH;
}

void cli_print_rest(const char *text, size_t column)
{
	CLEANUP_STRBUF struct strbuf escaped = STRBUF_INIT, lines = STRBUF_INIT;

	text_escape(&escaped, text, strlen(text), true);
	text_wrap(&lines, strbuf_str(&escaped), column, column, cli_width());
	(void)puts(strbuf_str(&lines));
}

void cli_print_field(const char *title, const char *text)
{
	(void)printf("%-*s", CLI_FIELD_COLUMNS, title);
	cli_print_rest(text, CLI_FIELD_COLUMNS);
}

int cli_print_table(struct table *t, bool wide, struct err *e)
{
	int r = table_print(t, stdout, wide ? 0 : cli_width(), e);

	table_free(t);
	return r;
}

void cli_cut(const char *text, size_t columns, char *ret)
{
	size_t n = strlen(text);

	if (n <= columns) {
		memcpy(ret, text, n + 1);
		return;
	}
	memcpy(ret, text, columns - 3);
	memcpy(ret + columns - 3, "...", 4);
}

int cli_read_file(const char *file, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_FD int opened = -EBADF;
	int fd = STDIN_FILENO, r;

	if (!str_eq(file, "-")) {
		fd = opened = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return err_sys(e, "open %s", file);
	}
	r = fd_read_all(fd, max, ret, ret_len);
	return r < 0 ? err_ret(e, r, "read %s", file) : 0;
}

/* Why stdout has failed when a flush in between knew it: a flush forgets what it could not write.
 */
static int cli_stdout_errno = EIO;

int cli_printed(int r)
{
	if (r >= 0 || (r != -EPIPE && !ferror(stdout)))
		return r;
	cli_stdout_errno = -r;
	return 0;
}

int cli_flush(struct err *e)
{
	bool failed = ferror(stdout);

	errno = cli_stdout_errno;
	if (fflush(stdout) == 0 && !failed)
		return 0;
	/* A reader that has seen enough ("jail ps | head -1") is no news to anybody. */
	if (errno == EPIPE)
		return -EPIPE;
	return err_sys(e, "write to standard output");
}

int cli_print_instance(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_INFO struct instance_info info = { .pid = 0 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r = instance_info(j, name, true, &info, e);

	if (r < 0)
		return r;
	json_out_init(&o, &b, true);
	instance_to_json(&info, &o, NULL);
	return cli_print_json(&b, e);
}

int cli_choose(const char *option, const char *value, const char *const *words, size_t n,
	       struct err *e)
{
	CLEANUP_STRBUF struct strbuf list = STRBUF_INIT;

	if (!value)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (str_eq(value, words[i]))
			return (int)i;
		strbuf_addf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	(void)err_set(e, EINVAL, "--%s \"%s\": there is no such", option, value);
	return err_hint(e, "one of: %s", strbuf_str(&list));
}
