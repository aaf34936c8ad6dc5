/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From clone3 to jail-init. Order, and why:
 *  1. die with the launcher, be invisible to ptrace (row 3), wait for the id maps;
 *  2. become root of the own user namespace; lower its limit of nested ones (row 55), while /proc
 * is still the host's;
 *  3. mounts and pivot; from here on every path is the instance's;
 *  4. pipes or pty, owned by the user that will write to them, handed to the launcher;
 *  5. wait until the outside is ready, so that the first instruction of the program finds network
 * and limits;
 *  6. credentials, filter, jail-init. The socket is close-on-exec in the program: end of file is
 * success.
 */
#include "runtime/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/sys.h"
#include "namespaces/clone.h"
#include "runtime/console.h"
#include "runtime/creds.h"
#include "runtime/process.h"

/* Fds at the end: 0..2, then these. */
#define REPORT_FD 3
#define INIT_FD 4

struct child_io {
	int in, out, err; /* the program's ends */
	int ours[3]; /* the launcher's ends */
	size_t n_ours;
};

static int wait_for(int sock, char what, struct err *e)
{
	char got;
	ssize_t n = recv(sock, &got, 1, 0);

	if (n < 0)
		return err_sys(e, "wait for the launcher");
	if (n != 1 || got != what)
		return err_set(e, ECANCELED, "the launcher gave up");
	return 0;
}

/* No user namespaces inside: they are the usual way to kernel code that root of an instance cannot
 * reach. */
static int forbid_nested_users(const struct child_setup *s, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	if (!s->private_user)
		return 0;
	fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open user.max_user_namespaces");
	if (write(fd, "0", 1) != 1)
		return err_sys(e, "set user.max_user_namespaces");
	return 0;
}

static int make_pipe(const struct creds_user *user, int *ret_read, int *ret_write, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	*ret_read = p[0];
	*ret_write = p[1];
	/* So that the program may open /dev/stdout again, whoever it runs as. */
	if (fchown(p[0], user->uid, user->gid) < 0)
		return err_sys(e, "chown of an output pipe");
	return 0;
}

static int open_pipes(const struct child_setup *s, const struct creds_user *user,
		      struct child_io *io, struct err *e)
{
	int r;

	if ((r = make_pipe(user, &io->ours[0], &io->out, e)) < 0 ||
	    (r = make_pipe(user, &io->ours[1], &io->err, e)) < 0)
		return r;
	io->n_ours = 2;
	if (s->spec->process.stdin_open) {
		io->n_ours = 3;
		return make_pipe(user, &io->in, &io->ours[2], e);
	}
	io->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return io->in < 0 ? err_sys(e, "open /dev/null of the instance") : 0;
}

static int open_console(const struct child_setup *s, int master, int peer,
			const struct creds_user *user, struct child_io *io, struct err *e)
{
	struct winsize size = { .ws_row = s->rows, .ws_col = s->columns };
	int r = console_prepare_pty(master, e);

	if (r < 0)
		return r;
	if (fchown(peer, user->uid, (gid_t)-1) < 0)
		return err_sys(e, "chown of the console");
	/* Before the program can ask; later changes come by the monitor. */
	if (s->rows && ioctl(master, TIOCSWINSZ, &size) < 0)
		return err_sys(e, "size of the console");
	io->in = io->out = io->err = peer;
	io->ours[0] = master;
	io->n_ours = 1;
	return 0;
}

static int send_stdio(int sock, const struct child_io *io, struct err *e)
{
	struct child_message m = { .type = CHILD_STDIO };
	int r = fd_send(sock, &m, sizeof(m.type), io->ours, io->n_ours);

	return r < 0 ? err_ret(e, r, "send stdio to the launcher") : 0;
}

/* Puts the fds where jail-init and the program expect them; everything else goes. */
static int arrange_fds(const struct child_setup *s, const struct child_io *io, struct err *e)
{
	int from[5] = { io->in, io->out, io->err, s->sock, s->init_program };

	/* Out of the way first, so that no dup2 overwrites a source. */
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 64);
		if (from[i] < 0)
			return err_sys(e, "arrange fds");
	}
	for (int i = 0; i < (int)ARRAY_SIZE(from); i++)
		if (dup3(from[i], i, i == INIT_FD ? O_CLOEXEC : 0) < 0)
			return err_sys(e, "arrange fds");
	if (sys_close_range(INIT_FD + 1, ~0U, 0) < 0)
		return err_sys(e, "close fds");
	return 0;
}

/* argv of jail-init; see init_proto.h. */
static int init_args(const struct jail_spec *spec, struct strv *ret, struct err *e)
{
	bool ok = strv_add(ret, "jail-init") == 0 && strv_addf(ret, "%d", REPORT_FD) == 0 &&
		  strv_add(ret, spec->process.terminal ? "1" : "0") == 0 &&
		  strv_add(ret, "--") == 0;

	for (size_t i = 0; ok && i < spec->process.args.n; i++)
		ok = strv_add(ret, spec->process.args.v[i]) == 0;
	return ok ? 0 : err_nomem(e);
}

static int inside(const struct child_setup *s, struct creds_user *user, struct child_io *io,
		  struct err *e)
{
	CLEANUP_FD int root = -EBADF;
	struct rootfs_kit kit = { .n = 0 };
	int master = -EBADF, peer = -EBADF, r;

	/* While the launcher builds its half. */
	if ((r = rootfs_begin(s->root, &kit, e)) < 0 || (r = rootfs_kit_recv(s->sock, &kit, e)) < 0)
		return err_wrap(e, "root file system");
	if ((r = rootfs_enter(s->root, &kit, &master, &peer, e)) < 0)
		return err_wrap(e, "root file system");
	if (sethostname(s->hostname, strlen(s->hostname)) < 0)
		return err_sys(e, "hostname");
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open / of the instance");
	if (provision_apply(s->provision, root, e) < 0)
		return -e->code;
	r = userdb_resolve(root, s->spec->process.user ? s->spec->process.user : "",
			   s->private_user ? IDMAP_COUNT : UINT32_MAX, user, e);
	if (r < 0)
		return err_wrap(e, "process.user");
	return s->spec->process.terminal ? open_console(s, master, peer, user, io, e)
					 : open_pipes(s, user, io, e);
}

static int run(const struct child_setup *s, struct err *e)
{
	static const char *const credentials[] = { "CREDENTIALS_DIRECTORY=" ROOTFS_SECRETS_DIR,
						   NULL };
	struct child_io io = { -EBADF, -EBADF, -EBADF, { -EBADF, -EBADF, -EBADF }, 0 };
	struct process_rights rights;
	struct creds_user user;
	struct strv args = { 0 }, env = { 0 };
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "prctl");
	if (setsid() < 0)
		return err_sys(e, "setsid");
	(void)umask(022);
	if ((r = wait_for(s->sock, CHILD_MAPPED, e)) < 0 || (r = ns_become_root(e)) < 0 ||
	    (r = forbid_nested_users(s, e)) < 0 || (r = inside(s, &user, &io, e)) < 0 ||
	    (r = process_env(s->spec, &user, s->spec->process.terminal,
			     s->root->n_secrets ? credentials : NULL, &env, e)) < 0 ||
	    (r = init_args(s->spec, &args, e)) < 0 || (r = send_stdio(s->sock, &io, e)) < 0 ||
	    (r = wait_for(s->sock, CHILD_GO, e)) < 0 || (r = arrange_fds(s, &io, e)) < 0)
		return r;
	process_rights(s->spec, s->filter, &user, NULL, &rights);
	r = creds_apply(&rights.creds, -EBADF, e);
	if (r < 0)
		return r;
	(void)execveat(INIT_FD, "", args.v, env.v, AT_EMPTY_PATH);
	return err_sys(e, "execute jail-init");
}

void child_main(const struct child_setup *s)
{
	struct child_message m = { .type = CHILD_ERROR };
	int sock = s->sock;

	(void)run(s, &m.error);
	/* After arrange_fds the socket is REPORT_FD; before, it is where it was. */
	if (send(sock, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		(void)send(REPORT_FD, &m, sizeof(m), MSG_NOSIGNAL);
	_exit(125);
}
