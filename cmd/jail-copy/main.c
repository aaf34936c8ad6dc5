/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail-copy: one half of `jail cp` (runtime/copy_proto.h); it is of no use by hand.
 *
 * For an instance's side it joins the user and mount namespaces of that instance, and nothing else:
 * nobody inside sees it, can signal or trace it. There it is root with the four capabilities that
 * files take, so that the kernel refuses what the instance's root couldn't do. It is static and
 * executes nothing: no library of the instance is ever loaded (CVE-2019-14271). What was opened on
 * the host before is the stream, the report and, to read, /proc/self/fd.
 *
 * On the host's side a stream from an instance is a stranger's archive: the destination becomes the
 * only mount of a cage (cmd/jail-unpack/confine.h). Only reading the host's files, which the caller
 * named, is done as the caller.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/path.h"
#include "cmd/jail-copy/copy.h"
#include "cmd/jail-unpack/confine.h"
#include "namespaces/clone.h"

#define REPORT_INTERVAL_MS 100

_Static_assert(COPY_FD_REPORT == UNPACK_FD_REPORT && COPY_FD_TARGET == UNPACK_FD_SPLIT,
	       "the cage closes what is above");

static struct copy copy; /* large */

static int report(const struct copy_message *m, int flags)
{
	ssize_t n;

	do
		n = send(COPY_FD_REPORT, m, sizeof(*m), flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void copy_progress(struct copy *c)
{
	struct copy_message m = { .magic = COPY_MAGIC, .kind = COPY_PROGRESS };
	uint64_t now = clock_boot_ms();

	if (now - c->reported_ms < REPORT_INTERVAL_MS)
		return;
	c->reported_ms = now;
	m.u.progress = (struct copy_progress){ c->result.bytes, c->result.members };
	(void)report(&m, MSG_DONTWAIT);
}

static int receive(struct copy_request *ret, struct err *e)
{
	ssize_t n;

	do
		n = recv(COPY_FD_REPORT, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "receive the request");
	if (n != (ssize_t)sizeof(*ret) || ret->magic != COPY_MAGIC ||
	    (ret->role != COPY_PACK && ret->role != COPY_PLACE) || (ret->flags & ~COPY_FLAGS) ||
	    !memchr(ret->path, '\0', sizeof(ret->path)) ||
	    !memchr(ret->name, '\0', sizeof(ret->name)))
		return err_set(e, EPROTO, "the request does not come from this version of jail");
	return 0;
}

static int open_half(struct copy *c, int root, struct err *e)
{
	return c->request.role == COPY_PACK ? pack_open(c, root, e) : place_open(c, root, e);
}

/* Joining a user namespace has cleared it (commit_creds()). */
static int die_with(pid_t parent, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	return getppid() == parent ? 0 : err_set(e, ECANCELED, "jail has ended");
}

/* The instance's side: in its namespaces, as what its root is there. */
static int enter(struct copy *c, struct err *e)
{
	const struct confine cage = { .max_bytes = UINT64_MAX,
				      .capabilities = CONFINE_FILE_CAPS & c->request.capabilities };
	CLEANUP_FD int root = -EBADF;
	pid_t parent = getppid();
	int r = ns_join(COPY_FD_TARGET, c->request.namespaces, e);

	if (r < 0)
		return r;
	(void)close(COPY_FD_TARGET);
	r = confine_rights(&cage, e);
	if (r == 0)
		r = die_with(parent, e);
	if (r < 0)
		return r;
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open / of the instance");
	r = open_half(c, root, e);
	return r == 0 ? confine_system_calls(CONFINE_MAKES_FILES, e) : r;
}

/* The host's side of a copy out of an instance. */
static int enter_cage(struct copy *c, struct err *e)
{
	const struct confine cage = { .max_bytes = UINT64_MAX,
				      .capabilities = CONFINE_FILE_CAPS,
				      .submounts = true };
	int r = open_half(c, -EBADF, e);

	if (r < 0)
		return r;
	if (dup2(c->top, UNPACK_FD_TREE) < 0)
		return err_sys(e, "arrange fds");
	if (c->top != UNPACK_FD_TREE)
		(void)close(c->top);
	c->top = confine_namespaces(&cage, e);
	if (c->top < 0)
		return err_wrap(e, "confine jail-copy");
	return confine_system_calls(CONFINE_MAKES_FILES, e);
}

static int copy_main(struct copy *c, struct err *e)
{
	int r = receive(&c->request, e);

	c->top = c->fds = -EBADF;
	if (r < 0)
		return r;
	if (c->request.role == COPY_PACK) {
		c->fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (c->fds < 0)
			return err_sys(e, "open /proc/self/fd");
	}
	if (c->request.flags & COPY_INSIDE)
		r = enter(c, e);
	else
		r = c->request.role == COPY_PACK ? open_half(c, -EBADF, e) : enter_cage(c, e);
	if (r < 0)
		return r;
	return c->request.role == COPY_PACK ? pack_run(c, e) : place_run(c, e);
}

int main(void)
{
	struct copy_message m = { .magic = COPY_MAGIC };
	struct err e = ERR_INIT;
	struct stat st;
	int r;

	if (fstat(COPY_FD_REPORT, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		static const char text[] =
			"jail-copy: started by `jail cp`, which is what you want to use\n";

		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		return 2;
	}
	(void)umask(0);
	/* That nobody reads any more is an error like others. */
	(void)signal(SIGPIPE, SIG_IGN);
	r = copy_main(&copy, &e);
	if (r < 0) {
		m.kind = COPY_FAILED;
		m.u.err = e;
	} else {
		m.kind = COPY_DONE;
		m.u.result = copy.result;
	}
	(void)report(&m, 0);
	_exit(r < 0 ? 1 : 0);
}
