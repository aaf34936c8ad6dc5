/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	hop N [SECONDS]
 *
 * N processes that flee (row 67): each forks, the child goes on and the parent ends, all the time,
 * so that whoever reads a list of processes and kills each of it comes too late. They end by
 * themselves after SECONDS (30).
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static time_t now_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void flee(time_t end)
{
	while (now_seconds() < end) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
		/* So that two cores are enough for what is measured beside it. */
		(void)usleep(200);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	time_t end = now_seconds() + (argc > 2 ? atol(argv[2]) : 30);

	if (argc < 2)
		return 64;
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	for (long i = atol(argv[1]); i > 0; i--)
		if (fork() == 0)
			flee(end);
	while (now_seconds() < end)
		(void)sleep(1);
	return 0;
}
