/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls made by another process, whatever it would have done itself: how to see what a
 * confined program could do if its code were somebody else's. For x86-64; elsewhere nothing is
 * injected (INJECT_MISSING).
 */
#ifndef JAIL_TESTS_INJECT_H
#define JAIL_TESTS_INJECT_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define INJECT_MISSING 4096

/* Then there is no filter (cmd/tiny/confine.h). */
static inline bool inject_is_sanitized(void)
{
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = '\0';
	return strstr(path, "-san/") != NULL;
}

#ifdef __x86_64__
/* Room below the stack pointer, red zone left alone; in words, as ptrace has it. */
#define INJECT_TEXT_AT 1024

static inline uint64_t inject_text(pid_t pid, uint64_t at, const char *text)
{
	char room[64] = { 0 };

	assert_true(strlen(text) < sizeof(room));
	memcpy(room, text, strlen(text));
	for (size_t i = 0; i < sizeof(room); i += sizeof(long)) {
		long word;

		memcpy(&word, room + i, sizeof(word));
		assert_int_equal(ptrace(PTRACE_POKEDATA, pid, at + i, word), 0);
	}
	return at;
}

/* Lets it run to its next entry to or exit from a system call. Return: false when it has been
 * killed.
 */
static inline bool inject_step(pid_t pid, int *status)
{
	do {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
		assert_int_equal(waitpid(pid, status, __WALL), pid);
	} while (WIFSTOPPED(*status) && WSTOPSIG(*status) != (SIGTRAP | 0x80));
	return WIFSTOPPED(*status);
}

/*
 * The process makes the call with these arguments; `text`, where given, is in its memory, and its
 * address takes the place of argument text_at. It has to sit in a system call. It goes on as if
 * nothing had been. Return: what the call did, -errno, or -(INJECT_MISSING + N) when it was killed
 * by signal N for it.
 */
static inline long inject(pid_t pid, long nr, const char *text, int text_at, const long args[6])
{
	struct user_regs_struct saved, r;
	unsigned long long *const places[] = { &r.rdi, &r.rsi, &r.rdx, &r.r10, &r.r8, &r.r9 };
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, 0, &saved), 0);
	r = saved;
	for (int i = 0; i < 6; i++)
		*places[i] = (unsigned long long)args[i];
	if (text)
		*places[text_at] = inject_text(pid, (r.rsp - INJECT_TEXT_AT) & ~UINT64_C(7), text);
	r.rip -= 2; /* syscall */
	r.rax = (unsigned long long)nr;
	r.orig_rax = ~0ULL; /* no restart of the call that it sat in */
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, 0, &r), 0);
	if (!inject_step(pid, &status) || !inject_step(pid, &status)) {
		assert_true(WIFSIGNALED(status));
		return -(INJECT_MISSING + WTERMSIG(status));
	}
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, 0, &r), 0);
	/* The call that it sat in is made again. */
	saved.rip -= 2;
	saved.rax = saved.orig_rax;
	saved.orig_rax = ~0ULL;
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, 0, &saved), 0);
	/* A filter's signal comes after the exit. */
	if (!inject_step(pid, &status))
		return -(INJECT_MISSING + WTERMSIG(status));
	assert_int_equal(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	return (long)r.rax;
}
#else
static inline long inject(pid_t pid, long nr, const char *text, int text_at, const long args[6])
{
	(void)pid, (void)nr, (void)text, (void)text_at, (void)args;
	return -INJECT_MISSING;
}
#endif

#endif
