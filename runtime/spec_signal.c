/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of signals. SIGRTMIN is 34 for programs of every C library that matters: 32 and 33 are used
 * inside the threading library (signal(7), nptl(7)), so they have no name and are refused.
 */
#include "runtime/spec_priv.h"

#include <signal.h>

#include "base/num.h"

#define RT_MIN 34
#define RT_MAX 64

static const char *const names[] = {
	[SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",
	[SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
	[SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",
	[SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1",
	[SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM",
	[SIGTERM] = "SIGTERM", [SIGSTKFLT] = "SIGSTKFLT",
	[SIGCHLD] = "SIGCHLD", [SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP", [SIGTSTP] = "SIGTSTP",
	[SIGTTIN] = "SIGTTIN", [SIGTTOU] = "SIGTTOU",
	[SIGURG] = "SIGURG",   [SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ", [SIGVTALRM] = "SIGVTALRM",
	[SIGPROF] = "SIGPROF", [SIGWINCH] = "SIGWINCH",
	[SIGIO] = "SIGIO",     [SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",   [RT_MIN] = "SIGRTMIN",
	"SIGRTMIN+1",	       "SIGRTMIN+2",
	"SIGRTMIN+3",	       "SIGRTMIN+4",
	"SIGRTMIN+5",	       "SIGRTMIN+6",
	"SIGRTMIN+7",	       "SIGRTMIN+8",
	"SIGRTMIN+9",	       "SIGRTMIN+10",
	"SIGRTMIN+11",	       "SIGRTMIN+12",
	"SIGRTMIN+13",	       "SIGRTMIN+14",
	"SIGRTMIN+15",	       "SIGRTMIN+16",
	"SIGRTMIN+17",	       "SIGRTMIN+18",
	"SIGRTMIN+19",	       "SIGRTMIN+20",
	"SIGRTMIN+21",	       "SIGRTMIN+22",
	"SIGRTMIN+23",	       "SIGRTMIN+24",
	"SIGRTMIN+25",	       "SIGRTMIN+26",
	"SIGRTMIN+27",	       "SIGRTMIN+28",
	"SIGRTMIN+29",	       "SIGRTMIN+30",
};
_Static_assert(ARRAY_SIZE(names) == RT_MAX + 1, "the table ends with SIGRTMAX");

const char *spec_signal_name(int signal)
{
	return signal > 0 && (size_t)signal < ARRAY_SIZE(names) ? names[signal] : NULL;
}

/* "RTMAX" and "RTMAX-N", which the table does not spell. Return: the signal, or 0. */
static int below_rtmax(const char *text)
{
	struct err ignored = ERR_INIT;
	uint64_t n = 0;

	if (str_eq(text, "RTMAX"))
		return RT_MAX;
	if (!str_starts(text, "RTMAX-") ||
	    num_parse_u64(text + strlen("RTMAX-"), 1, RT_MAX - RT_MIN, &n, &ignored) < 0)
		return 0;
	return RT_MAX - (int)n;
}

static int by_name(const char *text)
{
	if (str_starts(text, "SIG"))
		text += strlen("SIG");
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		if (names[i] && str_eq(names[i] + strlen("SIG"), text))
			return (int)i;
	return below_rtmax(text);
}

static int unknown_signal(const char *text, struct err *e)
{
	const char *words[2 * ARRAY_SIZE(names)];
	size_t n = 0;
	int nearest;

	for (size_t i = 1; i < RT_MIN; i++) {
		if (!names[i])
			continue;
		words[n++] = names[i];
		words[n++] = names[i] + strlen("SIG");
	}
	(void)err_set(e, EINVAL, "\"%.40s\": no such signal", text);
	nearest = ident_nearest(text, words, n);
	if (nearest >= 0)
		return err_hint(e, "did you mean \"%s\"?", words[nearest]);
	return err_hint(e, "a name such as \"SIGTERM\" or \"TERM\", or a number from 1 to 31 or 34 "
			   "to 64");
}

int spec_set_signal(const char *text, int *ret, struct err *e)
{
	struct err ignored = ERR_INIT;
	uint64_t number = 0;
	int signal = by_name(text);

	if (signal == 0 && num_parse_u64(text, 1, RT_MAX, &number, &ignored) == 0 &&
	    spec_signal_name((int)number))
		signal = (int)number;
	if (signal == 0)
		return unknown_signal(text, e);
	*ret = signal;
	return 0;
}
