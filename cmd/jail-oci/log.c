/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where errors and warnings go: stderr for people and for conmon, the file of --log for containerd
 * and Docker, which show the last error in it to their users. A line is one write(2), so that it is
 * whole in a file that several processes append to.
 */
#include <fcntl.h>
#include <time.h>

#include "base/text.h"
#include "cmd/jail-oci/oci.h"

static struct {
	int fd; /* of --log */
	bool json, debug;
} log_state = { .fd = -EBADF };

static int open_log(const char *path, struct err *e)
{
	int fd;

	if (str_eq(path, "/dev/stderr")) {
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? err_sys(e, "--log: open %s", path) : fd;
	}
	fd = file_open_append(path, 0644);
	return fd < 0 ? err_ret(e, fd, "--log: open %s", path) : fd;
}

int log_open(const struct oci_globals *g, int *ret_fd, struct err *e)
{
	const char *format = g->log_format ? g->log_format : "text";

	if (!str_eq(format, "text") && !str_eq(format, "json"))
		return err_set(e, EINVAL, "--log-format \"%s\": text or json", format);
	log_state.json = str_eq(format, "json");
	log_state.debug = g->debug;
	if (!g->log || !g->log[0])
		return 0;
	log_state.fd = open_log(g->log, e);
	*ret_fd = log_state.fd;
	return log_state.fd < 0 ? -e->code : 0;
}

static const char *level_name(enum log_level level)
{
	static const char *const names[] = { "debug", "warning", "error" };

	return names[level];
}

/* RFC 3339, as logrus writes it. */
static void stamp(char *ret, size_t n)
{
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(ret, n, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void add_line(struct strbuf *b, enum log_level level, const char *text)
{
	struct json_out o;
	char when[32];

	stamp(when, sizeof(when));
	json_out_init(&o, b, false);
	if (log_state.json) {
		json_out_object(&o, NULL);
		json_out_str(&o, "level", level_name(level));
		json_out_str(&o, "msg", text);
		json_out_str(&o, "time", when);
		json_out_object_end(&o);
	} else {
		strbuf_addf(b, "time=\"%s\" level=%s msg=", when, level_name(level));
		json_out_str(&o, NULL, text);
	}
	strbuf_addc(b, '\n');
}

/* Text of a bundle may be in it, and engines show what the log says, too: row 80. */
void log_line(enum log_level level, const char *message)
{
	CLEANUP_STRBUF struct strbuf line = STRBUF_INIT, escaped = STRBUF_INIT;
	int fd = log_state.fd;
	const char *text;

	if (level == LOG_DEBUG && !log_state.debug)
		return;
	text_escape(&escaped, message, strlen(message), !log_state.json);
	text = escaped.failed ? "out of memory" : strbuf_str(&escaped);
	add_line(&line, level, text);
	/* Nothing is left to say it to when this fails. */
	if (fd >= 0 && !line.failed)
		(void)!write(fd, line.data, line.len);
	line.len = 0;
	if (log_state.json)
		add_line(&line, level, text);
	else
		strbuf_addf(&line, "jail-oci: %s%s\n", level == LOG_WARNING ? "warning: " : "",
			    text);
	/* With a log a warning is for it alone. */
	if (level != LOG_ERROR && fd >= 0)
		return;
	if (!line.failed)
		(void)!write(STDERR_FILENO, line.data, line.len);
	else /* without memory, what is wrong is said all the same */
		(void)dprintf(STDERR_FILENO, "jail-oci: %s\n", text);
}

void log_error(const struct err *e)
{
	char text[ERR_TEXT_MAX + ERR_HINT_MAX + sizeof(" ()")];

	(void)snprintf(text, sizeof(text), "%s%s%s%s", e->text, e->hint[0] ? " (" : "", e->hint,
		       e->hint[0] ? ")" : "");
	log_line(LOG_ERROR, text);
}

void log_warning(const char *text)
{
	log_line(LOG_WARNING, text);
}
