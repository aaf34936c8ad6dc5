/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From clone3 to jail-init, or to the image's init with mode "system". Order, and why:
 *  1. die with the launcher, be invisible to ptrace (row 3), wait for the id maps;
 *  2. become root of the own user namespace; lower its limit of nested ones (row 55), while /proc
 * is still the host's;
 *  3. mounts and pivot; from here on every path is the instance's. A program that may mount finds
 * them locked (namespaces/lock.h);
 *  4. pipes or pty, owned by the user that will write to them, handed to the launcher;
 *  5. wait until the outside is ready, so that the first instruction of the program finds network
 * and limits;
 *  6. credentials, filter, jail-init. The socket is close-on-exec in the program: end of file is
 * success.
 */
#include "runtime/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
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
#include "namespaces/lock.h"
#include "namespaces/mountfd.h"
#include "runtime/console.h"
#include "runtime/creds.h"
#include "runtime/init_proto.h"
#include "runtime/notify.h"
#include "runtime/process.h"
#include "runtime/system.h"

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

static int put_sysctl(const char *path, const char *text, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(text);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return err_sys(e, "set %s", path);
	return 0;
}

/* ping(8) by ICMP sockets (icmp(7)), for every group of the instance: CAP_NET_RAW is not among its
 * capabilities. */
static int allow_ping(const struct child_setup *s, struct err *e)
{
	if (!spec_owns_network(s->spec))
		return 0;
	/* What every user namespace has, be it that of an instance we are in. */
	return put_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 65535", e);
}

/* No user namespaces inside: they are the usual way to kernel code that root of an instance cannot
 * reach. A whole system's services expect some. */
static int limit_nested_users(const struct child_setup *s, struct err *e)
{
	unsigned max = s->spec->security.nesting	   ? NESTING_USER_NAMESPACES
		       : s->spec->mode == SPEC_MODE_SYSTEM ? SYSTEM_USER_NAMESPACES
							   : 0;
	char text[16];

	if (!s->private_user)
		return 0;
	(void)str_format(text, sizeof(text), "%u", max);
	return put_sysctl("/proc/sys/user/max_user_namespaces", text, e);
}

/* The other kinds of namespaces take CAP_SYS_ADMIN. The kernel's own limit is what a host with that
 * much memory bears, and inside there is none at all but that (row 69). */
static int limit_namespaces(const struct child_setup *s, struct err *e)
{
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "uts" };
	char path[64], text[16];
	int r = 0;

	if (!s->private_user || !(spec_capabilities(s->spec) & UINT64_C(1) << CAP_SYS_ADMIN))
		return 0;
	(void)str_format(text, sizeof(text), "%u", NAMESPACES_INSIDE);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++) {
		(void)str_format(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kinds[i]);
		r = put_sysctl(path, text, e);
	}
	return r;
}

bool child_locks_mounts(const struct jail_spec *spec)
{
	return spec->security.user_namespace == SPEC_USERNS_AUTO &&
	       spec_capabilities(spec) & UINT64_C(1) << CAP_SYS_ADMIN;
}

/* The launcher works in our mount namespace too, and must not enter the one that is given up. */
static int enter_foreign_mounts(const struct child_setup *s, struct err *e)
{
	struct child_message m = { .type = CHILD_READY };
	int r;

	if (!s->lock_mounts)
		return 0;
	r = mounts_foreign(e);
	if (r < 0)
		return r;
	r = fd_send(s->sock, &m, sizeof(m.type), NULL, 0);
	return r < 0 ? err_ret(e, r, "tell the launcher") : 0;
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

/* Streams of the host's journal: sockets that lead nowhere else, write-only in effect. */
static int inherit_output(struct child_io *io, struct err *e)
{
	io->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	io->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	io->err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	io->n_ours = 0;
	return io->in < 0 || io->out < 0 || io->err < 0 ? err_sys(e, "output of the unit") : 0;
}

static int open_pipes(const struct child_setup *s, const struct creds_user *user,
		      struct child_io *io, struct err *e)
{
	int r;

	if (s->inherit_output)
		return inherit_output(io, e);
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

/* Puts the fds where jail-init and the program expect them; everything else goes. An init of the
 * image is executed by us, and gets stdio alone. */
static int arrange_fds(const struct child_setup *s, const struct child_io *io, struct err *e)
{
	int from[5] = { io->in, io->out, io->err, s->sock, s->init_program };
	bool direct = s->spec->mode == SPEC_MODE_SYSTEM;
	int n = direct ? INIT_FD : (int)ARRAY_SIZE(from);

	/* Out of the way first, so that no dup2 overwrites a source. */
	for (int i = 0; i < n; i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 64);
		if (from[i] < 0)
			return err_sys(e, "arrange fds");
	}
	for (int i = 0; i < n; i++)
		if (dup3(from[i], i, i == INIT_FD || (direct && i == REPORT_FD) ? O_CLOEXEC : 0) <
		    0)
			return err_sys(e, "arrange fds");
	if (sys_close_range((unsigned)n, ~0U, 0) < 0)
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

/* The program's console is a file of the mounts that it has. */
static int reopen_console(int *peer, struct err *e)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open /dev/console of the instance");
	(void)close(*peer);
	*peer = fd;
	return 0;
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
	if (s->lock_mounts && (r = mounts_lock(e)) < 0)
		return r;
	/* So that services with mounts of their own see what is mounted later, their credentials
	 * among it: systemd leaves it to the container manager. */
	if (s->spec->mode == SPEC_MODE_SYSTEM && (r = mountfd_propagation_all(MS_SHARED, e)) < 0)
		return r;
	if (s->lock_mounts && peer >= 0 && (r = reopen_console(&peer, e)) < 0)
		return r;
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

/*
 * The image's init, as process 1: what it gets from us is stdio, environment, rights. When the
 * supervisor dies it is killed, and by that the instance ends.
 */
static int execute_init(const struct child_setup *s, char **env, struct err *e)
{
	struct pollfd supervisor = { .fd = REPORT_FD };
	struct init_report report = { .magic = INIT_REPORT_MAGIC };
	const char *file = s->spec->process.args.v[0];

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_sys(e, "tie the instance to its supervisor");
	if (poll(&supervisor, 1, 0) > 0)
		return err_set(e, ECANCELED, "the launcher gave up");
	(void)execve(file, s->spec->process.args.v, env);
	report.code = errno;
	(void)str_format(report.what, sizeof(report.what), "exec %.100s", file);
	(void)send(REPORT_FD, &report, sizeof(report), MSG_NOSIGNAL);
	_exit(125);
}

static int execute(const struct child_setup *s, char **args, char **env, struct err *e)
{
	if (s->spec->mode == SPEC_MODE_SYSTEM)
		return execute_init(s, env, e);
	(void)sys_execveat(INIT_FD, args, env);
	return err_sys(e, "execute jail-init");
}

static int run(const struct child_setup *s, struct err *e)
{
	struct child_io io = { -EBADF, -EBADF, -EBADF, { -EBADF, -EBADF, -EBADF }, 0 };
	struct process_rights rights;
	struct creds_user user;
	struct strv args = { 0 }, env = { 0 };
	const char *extra[5] = { NULL };
	char watchdog[64];
	size_t n = 0;
	int r;

	if (s->root->n_secrets)
		extra[n++] = "CREDENTIALS_DIRECTORY=" ROOTFS_SECRETS_DIR;
	n += notify_env(s->spec, watchdog, &extra[n]);
	extra[n] = s->init_env;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "prctl");
	if (setsid() < 0)
		return err_sys(e, "setsid");
	(void)umask(022);
	if ((r = wait_for(s->sock, CHILD_MAPPED, e)) < 0 || (r = ns_become_root(e)) < 0 ||
	    (r = enter_foreign_mounts(s, e)) < 0 || (r = limit_nested_users(s, e)) < 0 ||
	    (r = limit_namespaces(s, e)) < 0 || (r = allow_ping(s, e)) < 0 ||
	    (r = inside(s, &user, &io, e)) < 0 ||
	    (r = process_env(s->spec, &user, s->spec->process.terminal, extra, &env, e)) < 0 ||
	    (r = init_args(s->spec, &args, e)) < 0 || (r = send_stdio(s->sock, &io, e)) < 0 ||
	    (r = wait_for(s->sock, CHILD_GO, e)) < 0 || (r = arrange_fds(s, &io, e)) < 0)
		return r;
	process_rights(s->spec, s->filter, &user, NULL, &rights);
	r = creds_apply(&rights.creds, -EBADF, e);
	if (r < 0)
		return r;
	return execute(s, args.v, env.v, e);
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
