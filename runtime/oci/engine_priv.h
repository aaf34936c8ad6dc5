/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the OCI engine share. */
#ifndef JAIL_RUNTIME_OCI_ENGINE_PRIV_H
#define JAIL_RUNTIME_OCI_ENGINE_PRIV_H

#include <sys/ioctl.h>

#include "base/rollback.h"
#include "namespaces/clone.h"
#include "runtime/oci/container.h"
#include "runtime/seccomp.h"

#define OCI_START_SOCKET "start.sock"
#define OCI_SHARED_DIR ".jail"

/* state.c */
/* The state root; made if `make`. Return: fd. */
int oci_root_open(const struct oci_runtime *rt, bool make, struct err *e);
/* ROOT/.jail/seccomp. Return: fd. */
int oci_seccomp_cache(int root, struct err *e);
int oci_state_write(int dir, const struct oci_state *s, struct err *e);
/* -ENOENT without touching *e: `create` has not got that far. */
int oci_state_read(int dir, struct oci_state *ret, struct err *e);
/* Start time of a process in clock ticks. Return: 0 or -errno. */
int oci_start_ticks(pid_t pid, uint64_t *ret);
/* The process has ended, and may still be there for its parent. */
bool oci_has_ended(int pidfd);
/* Whether start.sock is there: nobody has started it. */
bool oci_awaits_start(int dir);

/* process.c: what init and exec have in common. Everything is done in the new process. */
struct oci_program {
	const struct oci_process *process;
	const struct seccomp_program *filter;
	struct strv env; /* owned */
	char path[PATH_MAX]; /* of the program, found by the container's PATH */
	struct creds creds;
	struct creds_scheduling scheduling;
	bool in_cwd; /* root could go there */
	struct strbuf notify; /* what seccomp's listener is told, until execve */
};
/* Environment, HOME, rights; makes the working directory if there is none (`make_cwd`). / is the
 * container's. */
int oci_program_prepare(struct oci_program *p, bool make_cwd, struct err *e);
/* What the container's configuration has beyond `process`. */
void oci_program_policy(struct oci_program *p, const struct oci_config *c);
/* Sockets of systemd's: their number and names, for this process. */
int oci_program_listen(struct oci_program *p, const struct oci_io *io, struct err *e);
/* Finds the program by its user's rights to come: "exec: "foo": executable file not found in
 * $PATH". */
int oci_program_find(struct oci_program *p, struct err *e);
/* Rights, then execve. Returns only on failure. proc: a procfs to write labels through. */
int oci_program_execute(struct oci_program *p, int proc, struct err *e);
/* Owner of what stdio is, so that the program may open /dev/stdout again. */
int oci_own_stdio(const struct oci_process *process, struct err *e);
/*
 * A pty of the container's: set up, our stdio, the controlling terminal; the master goes to `sock`.
 * shown: to ourselves, who keep the line ends as the program writes them (ONLCR cleared, as runc
 * does it); else to an engine, whose own business that is.
 */
int oci_adopt_console(const struct oci_process *process, int master, int peer, int sock, bool shown,
		      struct err *e);
/* From outside, on our child: one that can't be dumped may not write it. */
int oci_set_oom_score(pid_t pid, const struct oci_process *process, struct err *e);

/* messages.c */
/* Clears close-on-exec of 3 to 2 + n. */
int oci_keep_fds(unsigned n, struct err *e);
/* Closes everything from 3 + preserved on but those (ascending or not; -EBADF is skipped). */
int oci_close_others(unsigned preserved, const int *keep, size_t n, struct err *e);

/* messages of the new process; commands to it are single bytes */
enum oci_message_type { OCI_SAYS_ERROR = 1, OCI_SAYS_MOUNTED, OCI_SAYS_CREATED };
struct oci_message {
	uint32_t type;
	struct err error;
};
struct oci_order {
	char what; /* OCI_TELL_* */
	pid_t pid; /* with MAPPED: the process's own, as the host sees it */
};
#define OCI_TELL_MAPPED 'm'
#define OCI_TELL_HOOKED 'h'
#define OCI_TELL_START 's'
int oci_say(int sock, enum oci_message_type type);
void oci_say_error(int sock, const struct err *e);
/* Return: type, 0 at the end of file, or a negative errno: the process's own error. */
int oci_hear(int sock, struct err *e);
int oci_tell(int sock, char what, pid_t pid, struct err *e);
/* Waits for this order. -ECANCELED: the other side is gone. *ret_pid may be NULL. */
int oci_await(int sock, char what, pid_t *ret_pid, struct err *e);

/* io.c */
/* Row 83: no path twice, no link followed at the end. Return: connected fd. */
int oci_connect(const char *path, struct err *e);
int oci_write_pid_file(const char *path, pid_t pid, struct err *e);
/* A message with one fd: a console's master, a pidfd. */
int oci_send_fd(int sock, int fd, const char *name, struct err *e);
/* The rules of --console-socket, and of --preserve-fds. *ret_console: where the process sends its
 * terminal to: the engine's socket, or one end of a pair whose other end is *ret_show; -EBADF. */
int oci_io_open(const struct oci_io *io, bool terminal, bool detach, int *ret_console,
		int *ret_show, struct err *e);
/* Our own end of what oci_io_open() gave, with the process's terminal in it; `show` -EBADF: it is
 * not ours to show. */
int oci_take_console(int show, int *ret_master, struct err *e);
/* Waits for our child and gives what happens to it: signals on to it, bytes from and to `master`.
 * *ret_status: its exit status, 128 + N for a signal. */
int oci_follow(pid_t pid, int pidfd, int master, int *ret_status, struct err *e);

/* annotations.c */
/* Refuses those that ask for something that isn't there. */
int oci_annotations_check(const struct oci_config *c, struct err *e);

/* notify.c */
/*
 * The filter that comes has a listener: the program's creds get what sends it to `sock` (seccomp's
 * listenerPath), with the container process state. pid: of this process, as the host sees it.
 */
int oci_notify_begin(int sock, const struct oci_config *c, const struct oci_state *s,
		     const struct oci_id *id, enum oci_status status, pid_t pid,
		     struct oci_program *p, struct err *e);

/* hooks.c */
/* Runs those of one kind with the state on stdin; cwd is the bundle, in the container /. */
int oci_hooks(const struct oci_config *c, enum oci_hook which, const struct oci_state *s,
	      const struct oci_id *id, enum oci_status status, struct err *e);

/* namespaces.c */
struct oci_namespaces {
	uint64_t fresh; /* CLONE_NEW* of new ones */
	struct ns_joined
		joined[OCI_NAMESPACES_MAX]; /* fds; those that are ours anyway are left out */
	size_t n_joined;
};
int oci_namespaces_open(const struct oci_config *c, struct oci_namespaces *ret, struct err *e);
void oci_namespaces_close(struct oci_namespaces *n);

/* One create; its parts are in create.c (order), create_parts.c, init.c (the child). */
struct oci_launch {
	const struct oci_runtime *rt;
	const struct oci_create_options *o;
	struct oci_id id;
	struct oci_config config;
	struct oci_state state;
	struct seccomp_program filter;
	struct bundle_kit kit;
	struct rollback undo;
	int root, dir, lock; /* state root, ROOT/ID */
	int cgroup; /* directory */
	int listen; /* start.sock */
	int console; /* console socket, connected, or one end of our own pair */
	int show; /* the other end */
	int notify; /* seccomp's listenerPath, connected */
	int sock; /* to the child */
	int master; /* of the terminal, when we are the one who shows it */
	int pidfd;
	bool detach; /* the console is the engine's, not ours */
	bool hooked; /* hooks have run */
	bool start; /* run: the program starts at once */
};
/* The child, from clone to execve. */
void NORETURN oci_init_main(struct oci_launch *l, int sock);

#endif
