/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading events. The reader holds up to two files: the one that lines are appended to, and the one
 * before it, which a writer that had opened it before its rename may still append to.
 *
 * What is torn: a line that a crash or a full disk has cut stays without a newline, so the next one
 * begins in the middle of it. As no string of ours can hold an unescaped quote, the last
 * {"time":" in a line is where that one begins.
 */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "runtime/engine_priv.h"
#include "runtime/events.h"
#include "runtime/events_proto.h"

#define LINE_BEGIN "{\"time\":\""
#define OPEN_TRIES 100
#define TEXT_INDENT 4

struct tail { /* a file that is read at its end */
	int fd;
	bool skipping; /* inside a line that is too long to be one of ours */
	size_t used; /* of line */
	char line[2 * EVENTS_LINE_MAX];
};

struct reader {
	const struct event_options *o;
	FILE *out;
	char since[CLOCK_TEXT_MAX];
	uint64_t damaged;
	struct tail old, now;
};

static bool is_wanted(const struct reader *r, const struct json *root)
{
	const struct json *name = json_get(root, "name"), *new_name = json_get(root, "newName");

	for (size_t i = 0; i < r->o->n_names; i++)
		if (str_eq(name->text, r->o->names[i].s) ||
		    (new_name && new_name->type == JSON_STRING &&
		     str_eq(new_name->text, r->o->names[i].s)))
			return true;
	return r->o->n_names == 0;
}

static bool is_string(const struct json *v)
{
	return v && v->type == JSON_STRING;
}

/* "  key=value", or the value alone, escaped. */
static void add_value(struct strbuf *b, const char *key, const struct json *v)
{
	strbuf_adds(b, "  ");
	if (key) {
		text_escape(b, key, strlen(key), true);
		strbuf_addc(b, '=');
	}
	if (v->type == JSON_STRING || v->type == JSON_NUMBER)
		text_escape(b, v->text, v->len, true);
	else if (v->type == JSON_BOOL)
		strbuf_adds(b, v->boolean ? "yes" : "no");
	else
		strbuf_addc(b, '-');
}

/* "TIME  EVENT  NAME  key=value ...", its further lines indented. */
static int print_text(struct reader *r, const struct json *root, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, lines = STRBUF_INIT;
	const struct json *time = json_get(root, "time"), *event = json_get(root, "event");

	text_escape(&b, time->text, time->len, true);
	add_value(&b, NULL, event);
	for (size_t pad = strlen("restarting"); pad > event->len; pad--)
		strbuf_addc(&b, ' ');
	add_value(&b, NULL, json_get(root, "name"));
	for (const struct json *m = root->first; m; m = m->next)
		if (!str_eq(m->key, "time") && !str_eq(m->key, "event") && !str_eq(m->key, "name"))
			add_value(&b, m->key, m);
	if (strbuf_ok(&b, e) < 0)
		return -e->code;
	text_wrap(&lines, strbuf_str(&b), 0, TEXT_INDENT, r->o->width);
	strbuf_addc(&lines, '\n');
	if (strbuf_ok(&lines, e) < 0)
		return -e->code;
	(void)fwrite(lines.data, 1, lines.len, r->out);
	return 0;
}

/* Return: 0; -EBADMSG when it is no event; another error with *e set. */
static int print_event(struct reader *r, const char *line, size_t n, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct err why = ERR_INIT;
	const struct json *root;
	int rc = json_parse(EVENTS_FILE, line, n, &doc, &why);

	if (rc == -ENOMEM)
		return err_nomem(e);
	root = rc < 0 ? NULL : json_root(doc);
	if (!root || root->type != JSON_OBJECT || !is_string(json_get(root, "time")) ||
	    !is_string(json_get(root, "event")) || !is_string(json_get(root, "name")))
		return -EBADMSG;
	if (strcmp(json_get(root, "time")->text, r->since) < 0 || !is_wanted(r, root))
		return 0;
	if (!r->o->json)
		return print_text(r, root, e);
	(void)fwrite(line, 1, n, r->out);
	(void)fputc('\n', r->out);
	return 0;
}

/* Where the last event in the line begins, or NULL when that is its start. */
static const char *last_begin(const char *line, size_t n)
{
	for (size_t at = n; at-- > 1;)
		if (n - at >= strlen(LINE_BEGIN) &&
		    memcmp(line + at, LINE_BEGIN, strlen(LINE_BEGIN)) == 0)
			return line + at;
	return NULL;
}

static int take_line(struct reader *r, const char *line, size_t n, struct err *e)
{
	const char *again;
	int rc = print_event(r, line, n, e);

	if (rc != -EBADMSG)
		return rc;
	r->damaged++;
	again = last_begin(line, n);
	rc = again ? print_event(r, again, n - (size_t)(again - line), e) : 0;
	return rc == -EBADMSG ? 0 : rc;
}

/* The whole lines in t->line; what is left moves to its start. */
static int take_lines(struct reader *r, struct tail *t, struct err *e)
{
	char *at = t->line, *newline;

	while ((newline = memchr(at, '\n', t->used)) != NULL) {
		size_t n = (size_t)(newline - at);

		if (!t->skipping && n > 0 && take_line(r, at, n, e) < 0)
			return -e->code;
		t->skipping = false;
		t->used -= n + 1;
		at = newline + 1;
	}
	memmove(t->line, at, t->used);
	if (t->used == sizeof(t->line)) {
		r->damaged += !t->skipping;
		t->skipping = true;
		t->used = 0;
	}
	return 0;
}

/* From its offset to its end. */
static int read_tail(struct reader *r, struct tail *t, struct err *e)
{
	while (t->fd >= 0) {
		ssize_t n = read(t->fd, t->line + t->used, sizeof(t->line) - t->used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read the events");
		if (n == 0)
			break;
		t->used += (size_t)n;
		if (take_lines(r, t, e) < 0)
			return -e->code;
	}
	return 0;
}

/* Return: fd, -EBADF when there is none yet, or -errno. */
static int open_file(int dir, const char *name)
{
	int fd = path_open_beneath(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0)
		return fd == -ENOENT ? -EBADF : fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return -EINVAL;
}

static bool is_same(int a, int b)
{
	struct stat sa, sb;

	return a >= 0 && b >= 0 && fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Both files, from a moment when no rotation was going on. */
static int open_both(struct reader *r, int dir, struct err *e)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		CLEANUP_FD int again = -EBADF;

		fd_reset(&r->now.fd);
		fd_reset(&r->old.fd);
		r->now.fd = open_file(dir, EVENTS_FILE);
		r->old.fd = open_file(dir, EVENTS_OLD);
		again = open_file(dir, EVENTS_FILE);
		if ((r->now.fd < 0 && r->now.fd != -EBADF) ||
		    (r->old.fd < 0 && r->old.fd != -EBADF))
			return err_ret(e,
				       r->now.fd != -EBADF && r->now.fd < 0 ? r->now.fd : r->old.fd,
				       "open the events");
		if (again == r->now.fd || is_same(again, r->now.fd))
			return 0;
	}
	return err_set(e, EAGAIN, "the events are rotated faster than they can be opened");
}

/* Goes over to a new file when there is one. */
static int follow_rotation(struct reader *r, int dir, struct err *e)
{
	CLEANUP_FD int fresh = open_file(dir, EVENTS_FILE), before = -EBADF;

	if (fresh < 0 || is_same(fresh, r->now.fd))
		return fresh < 0 && fresh != -EBADF ? err_ret(e, fresh, "open the events") : 0;
	before = open_file(dir, EVENTS_OLD);
	if (r->now.fd >= 0 && !is_same(before, r->now.fd))
		warn("some events were rotated away before they could be shown");
	if (read_tail(r, &r->now, e) < 0)
		return -e->code;
	fd_reset(&r->old.fd);
	r->old = r->now;
	r->now = (struct tail){ .fd = TAKE_FD(fresh) };
	return read_tail(r, &r->now, e);
}

static int read_both(struct reader *r, struct err *e)
{
	if (read_tail(r, &r->old, e) < 0 || read_tail(r, &r->now, e) < 0)
		return -e->code;
	if (fflush(r->out) == 0 && !ferror(r->out))
		return 0;
	/* A reader that has seen enough is no news. */
	return errno == EPIPE ? -EPIPE : err_sys(e, "print the events");
}

static int open_watch(int dir, struct err *e)
{
	CLEANUP_FD int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	if (watch < 0)
		return err_sys(e, "inotify");
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (inotify_add_watch(watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return err_sys(e, "watch the events");
	return TAKE_FD(watch);
}

static int follow(struct reader *r, int dir, int watch, struct err *e)
{
	char events[4096];
	int rc;

	while (r->o->wait(watch, r->o->arg)) {
		/* What happened does not matter, only that something did. */
		while (read(watch, events, sizeof(events)) > 0)
			;
		rc = read_both(r, e);
		if (rc >= 0)
			rc = follow_rotation(r, dir, e);
		if (rc >= 0)
			rc = read_both(r, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void reader_free(struct reader **r)
{
	if (!*r)
		return;
	fd_reset(&(*r)->old.fd);
	fd_reset(&(*r)->now.fd);
	free(*r);
}

int events_print(struct jail *j, const struct event_options *o, FILE *out, struct err *e)
{
	CLEANUP_FD int dir = path_make_dir_at(j->state, EVENTS_DIR, 0700, e), watch = -EBADF;
	CLEANUP(reader_free) struct reader *r = calloc(1, sizeof(*r));
	int rc;

	if (dir < 0)
		return dir;
	if (!r)
		return err_nomem(e);
	r->o = o;
	r->out = out;
	r->old.fd = r->now.fd = -EBADF;
	if (o->since_ms)
		clock_format(o->since_ms, r->since, sizeof(r->since));
	/* Before the first look, so that nothing falls in between. */
	if (o->follow && (watch = open_watch(dir, e)) < 0)
		return watch;
	rc = open_both(r, dir, e);
	if (rc < 0)
		return rc;
	if (o->only_new) {
		(void)lseek(r->old.fd, 0, SEEK_END);
		(void)lseek(r->now.fd, 0, SEEK_END);
	}
	rc = read_both(r, e);
	if (rc >= 0 && o->follow)
		rc = follow(r, dir, watch, e);
	if (r->damaged)
		warn("%llu damaged lines among the events were left out",
		     (unsigned long long)r->damaged);
	return rc;
}
