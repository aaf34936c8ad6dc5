/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ptree.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEES_MAX 4096

struct tracee {
	pid_t pid;
	uint64_t nr, args[6], note[PTREE_NOTES];
	int error; /* what the call that it is in returns instead of being done; 0: nothing */
	struct user_regs_struct regs; /* as they were before that */
};
static struct tracee tracees[TRACEES_MAX];
static size_t n_tracees;
static bool letting_go; /* nobody is of interest any more */
bool ptree_to_the_end;

static struct tracee *find(pid_t pid)
{
	for (size_t i = 0; i < n_tracees; i++)
		if (tracees[i].pid == pid)
			return &tracees[i];
	if (n_tracees == TRACEES_MAX)
		errx(125, "too many processes");
	tracees[n_tracees] = (struct tracee){ .pid = pid };
	return &tracees[n_tracees++];
}

static void forget(pid_t pid)
{
	struct tracee *t = find(pid);

	*t = tracees[--n_tracees];
}

static void kill_all(void)
{
	for (size_t i = 0; i < n_tracees; i++)
		(void)kill(tracees[i].pid, SIGKILL);
}

/* Each of them when it has stopped. */
static void let_go(void)
{
	letting_go = true;
	for (size_t i = 0; i < n_tracees; i++)
		(void)ptrace(PTRACE_INTERRUPT, tracees[i].pid, 0, 0);
}

static void go(pid_t pid, int signal)
{
	if (ptrace(letting_go ? PTRACE_DETACH : PTRACE_SYSCALL, pid, 0, signal) < 0) {
		/* ESRCH: it was killed meanwhile, and will be waited for. */
		if (errno != ESRCH)
			err(125, "ptrace");
	} else if (letting_go) {
		forget(pid);
	}
}

/* Instead of its call it does one that does nothing, and that every filter lets pass. */
static void fail(struct tracee *t)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, t->pid, 0, &t->regs) < 0) {
		t->error = 0; /* it was killed meanwhile */
		return;
	}
	regs = t->regs;
	regs.orig_rax = SYS_close;
	regs.rdi = (uint64_t)-1;
	(void)ptrace(PTRACE_SETREGS, t->pid, 0, &regs);
}

static void failed(struct tracee *t)
{
	t->regs.rax = (uint64_t)(int64_t)-t->error;
	t->error = 0;
	(void)ptrace(PTRACE_SETREGS, t->pid, 0, &t->regs);
}

static void at_call(struct tracee *t, ptree_fn *fn, void *arg)
{
	struct __ptrace_syscall_info info;
	struct ptree_call call = { .pid = t->pid, .note = t->note, .error = &t->error };
	pid_t pid = t->pid;

	if (t->error)
		failed(t);
	if (letting_go || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op == PTRACE_SYSCALL_INFO_NONE) {
		go(pid, 0);
		return;
	}
	call.entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	if (call.entry) {
		t->nr = info.entry.nr;
		memcpy(t->args, info.entry.args, sizeof(t->args));
		memset(t->note, 0, sizeof(t->note));
	} else {
		call.result = info.exit.rval;
	}
	call.nr = t->nr;
	memcpy(call.args, t->args, sizeof(call.args));
	switch (fn(&call, arg)) {
	case PTREE_GO:
		go(pid, 0);
		break;
	case PTREE_KILL_ONE:
		(void)kill(pid, SIGKILL);
		break;
	case PTREE_KILL_ALL:
		kill_all();
		break;
	case PTREE_KILL_ONE_LET_GO:
		(void)kill(pid, SIGKILL);
		let_go();
		break;
	case PTREE_FAIL:
		fail(t);
		go(pid, 0);
		break;
	}
}

static void at_stop(pid_t pid, int status, ptree_fn *fn, void *arg)
{
	struct tracee *t = find(pid);
	int signal = WSTOPSIG(status), event = status >> 16;

	if (signal == (SIGTRAP | 0x80))
		at_call(t, fn, arg);
	else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP && !letting_go)
		(void)ptrace(PTRACE_LISTEN, pid, 0, 0); /* stopped as a group: it stays so */
	else
		go(pid, event ? 0 : signal);
}

static void seize(pid_t pid)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

	if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		err(125, "trace %d", pid);
	find(pid);
}

void ptree_also(pid_t pid)
{
	seize(pid);
}

static pid_t start(char *const argv[])
{
	int gate[2];
	char c;
	pid_t pid;

	if (pipe(gate) < 0 || (pid = fork()) < 0)
		err(125, "start");
	if (pid == 0) {
		(void)close(gate[1]);
		(void)!read(gate[0], &c, 1);
		(void)close(gate[0]);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	seize(pid);
	(void)close(gate[0]);
	(void)close(gate[1]);
	return pid;
}

int ptree_run(char *const argv[], ptree_fn *fn, void *arg)
{
	pid_t command = start(argv), pid;
	int status, result = 0;
	bool ended = false;

	/* A command that is let go is our child all the same. */
	while (n_tracees > 0 || !ended) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break;
		if (WIFSTOPPED(status)) {
			at_stop(pid, status, fn, arg);
			continue;
		}
		forget(pid);
		if (pid != command)
			continue;
		result = status;
		ended = true;
		if (!ptree_to_the_end)
			let_go();
	}
	return result;
}

bool ptree_bytes(pid_t pid, uint64_t at, void *ret, size_t n)
{
	struct iovec to = { ret, n }, from = { (void *)(uintptr_t)at, n };

	return process_vm_readv(pid, &to, 1, &from, 1, 0) == (ssize_t)n;
}

bool ptree_string(pid_t pid, uint64_t at, char *ret, size_t n)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t got = 0;

	/* Page by page: what follows the string may not be there. */
	while (got < n) {
		size_t part = page - (at + got) % page;

		if (part > n - got)
			part = n - got;
		if (!ptree_bytes(pid, at + got, ret + got, part))
			return false;
		if (memchr(ret + got, '\0', part))
			return true;
		got += part;
	}
	return false;
}
