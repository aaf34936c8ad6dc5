/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/copy.h"

#include <fcntl.h>
#include <poll.h>

#include "runtime/copy_priv.h"

struct copying {
	const struct copy_options *o;
	char program[PATH_MAX];
	struct copy_target from, to;
	struct copy_child pack, place;
};

/* What is told of a path by its text: its last component, and whether that is a name. */
static int source_name(const char *path, char *ret, size_t n, bool *ret_content, bool *ret_slash,
		       struct err *e)
{
	size_t end = strlen(path), begin;

	*ret_slash = end > 0 && path[end - 1] == '/';
	while (end > 0 && path[end - 1] == '/')
		end--;
	for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
		;
	if (str_format(ret, n, "%.*s", (int)(end - begin), path + begin) < 0)
		return err_set(e, ENAMETOOLONG, "%s", path);
	*ret_content = str_eq(ret, "") || str_eq(ret, ".") || str_eq(ret, "..");
	if (*ret_content)
		ret[0] = '\0';
	return 0;
}

static int set_path(struct copy_request *r, const struct copy_end *end, struct err *e)
{
	if (str_format(r->path, sizeof(r->path), "%s", end->path) < 0)
		return err_set(e, ENAMETOOLONG, "%s", end->path);
	if (!end->path[0])
		return err_set(e, EINVAL, "an empty path");
	return 0;
}

static uint32_t end_flags(const struct copying *c, const struct copy_end *end,
			  const struct copy_target *t)
{
	return (end->instance ? COPY_INSIDE : 0) | (t->stopped ? COPY_STOPPED : 0) |
	       (c->o->archive ? COPY_ARCHIVE : 0);
}

static int pack_request(const struct copying *c, struct copy_request *ret, struct err *e)
{
	bool content, slash;

	*ret = (struct copy_request){
		.magic = COPY_MAGIC,
		.role = COPY_PACK,
		.flags = end_flags(c, &c->o->from, &c->from),
		.namespaces = c->from.namespaces,
		.capabilities = c->from.capabilities,
	};
	if (set_path(ret, &c->o->from, e) < 0 ||
	    source_name(ret->path, ret->name, sizeof(ret->name), &content, &slash, e) < 0)
		return -e->code;
	ret->flags |= (content ? COPY_CONTENT : 0) | (slash ? COPY_DIRECTORY : 0) |
		      (c->o->follow ? COPY_FOLLOW : 0);
	return 0;
}

static int place_request(const struct copying *c, struct copy_request *ret, struct err *e)
{
	bool inside = c->o->to.instance, content = true, slash;

	*ret = (struct copy_request){
		.magic = COPY_MAGIC,
		.role = COPY_PLACE,
		.flags = end_flags(c, &c->o->to, &c->to),
		.uid = inside ? 0 : geteuid(),
		.gid = inside ? 0 : getegid(),
		.namespaces = c->to.namespaces,
		.capabilities = c->to.capabilities,
	};
	if (set_path(ret, &c->o->to, e) < 0)
		return -e->code;
	slash = ret->path[strlen(ret->path) - 1] == '/';
	ret->flags |= slash ? COPY_DIRECTORY : 0;
	if (!c->o->from.path) {
		ret->flags |= COPY_FOREIGN | COPY_CONTENT;
		return 0;
	}
	if (source_name(c->o->from.path, ret->name, sizeof(ret->name), &content, &slash, e) < 0)
		return -e->code;
	ret->flags |= content ? COPY_CONTENT : 0;
	return 0;
}

static int start_children(struct copying *c, struct err *e)
{
	CLEANUP_FD int reader = -EBADF, writer = -EBADF;
	struct copy_request request;
	int p[2], r = 0;

	if (c->o->from.path && c->o->to.path) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return err_sys(e, "pipe");
		reader = p[0];
		writer = p[1];
	}
	if (c->o->from.path) {
		r = pack_request(c, &request, e);
		if (r == 0)
			r = copy_child_start(c->program, &request, -EBADF,
					     writer >= 0 ? writer : STDOUT_FILENO, c->from.pidfd,
					     &c->pack, e);
	}
	if (r == 0 && c->o->to.path) {
		r = place_request(c, &request, e);
		if (r == 0)
			r = copy_child_start(c->program, &request,
					     reader >= 0 ? reader : STDIN_FILENO, -EBADF,
					     c->to.pidfd, &c->place, e);
	}
	return r;
}

static void hear_all(struct copying *c)
{
	struct copy_child *children[] = { &c->pack, &c->place };
	const struct copy_child *shown = c->o->to.path ? &c->place : &c->pack;

	for (;;) {
		struct pollfd fds[2];
		size_t left = 0;

		for (size_t i = 0; i < 2; i++) {
			bool on = children[i]->pid > 0 && !children[i]->done;

			fds[i] = (struct pollfd){ .fd = on ? children[i]->report : -1,
						  .events = POLLIN };
			left += on;
		}
		if (!left)
			return;
		if (poll(fds, 2, -1) < 0)
			continue;
		for (size_t i = 0; i < 2; i++)
			if (fds[i].revents)
				copy_child_hear(children[i]);
		if (c->o->progress)
			c->o->progress(&shown->progress, c->o->arg);
	}
}

/* Of two that failed, the one that is the reason: who writes to a reader that has ended only
 * notices, and so does who reads what was cut off. */
static int judge(const struct copying *c, struct err *e)
{
	const struct copy_end *end = &c->o->from;
	const struct err *why = &c->pack.failure;

	if (!why->code || (why->code == EPIPE && c->place.failure.code)) {
		end = &c->o->to;
		why = &c->place.failure;
	}
	if (!why->code)
		return 0;
	*e = *why;
	return end->instance ? err_wrap(e, "%s", end->instance->s) : -e->code;
}

static int open_target(struct jail *j, const struct copy_end *end, bool place,
		       struct copy_target *ret, struct err *e)
{
	if (!end->instance)
		return 0;
	return copy_target_open(j, end->instance, place, ret, e) < 0
		       ? err_wrap(e, "%s", end->instance->s)
		       : 0;
}

static int copy(struct jail *j, struct copying *c, struct err *e)
{
	int r = str_format(c->program, sizeof(c->program), "%s/jail-copy",
			   jail_config(j)->libexec_dir);

	if (r < 0)
		return err_ret(e, r, "libexecDir");
	r = open_target(j, &c->o->from, false, &c->from, e);
	if (r == 0)
		r = open_target(j, &c->o->to, true, &c->to, e);
	if (r == 0)
		r = start_children(c, e);
	if (r < 0)
		return r;
	hear_all(c);
	return judge(c, e);
}

int instance_copy(struct jail *j, const struct copy_options *o, struct copy_result *ret,
		  struct err *e)
{
	struct copying *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_nomem(e);
	c->o = o;
	c->from = c->to = COPY_TARGET_INIT;
	c->pack = c->place = COPY_CHILD_INIT;
	r = copy(j, c, e);
	copy_child_stop(&c->pack);
	copy_child_stop(&c->place);
	copy_target_close(&c->from);
	copy_target_close(&c->to);
	if (r == 0)
		*ret = (struct copy_result){
			.bytes = o->to.path ? c->place.result.bytes : c->pack.result.bytes,
			.members = o->to.path ? c->place.result.members : c->pack.result.members,
			.devices = c->pack.result.devices + c->place.result.devices,
			.sockets = c->pack.result.sockets + c->place.result.sockets,
			.changed = c->pack.result.changed,
			.skipped_xattrs =
				c->pack.result.skipped_xattrs + c->place.result.skipped_xattrs,
		};
	free(c);
	return r;
}
