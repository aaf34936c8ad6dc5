/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	swap A B [SECONDS]
 *
 * Exchanges two names as fast as the kernel can, so that whatever resolves one of them twice meets
 * both (rows 14 to 22, 50). Both exist at every instant. Ends after SECONDS (20), or at SIGTERM,
 * and then says how often; an even number of exchanges, so that the names end as they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXCHANGE (1u << 1) /* RENAME_EXCHANGE, which not every libc names */
#define BATCH 256

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static double now_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	unsigned long done = 0, failed = 0;
	double end;

	if (argc < 3 || argc > 4) {
		(void)fprintf(stderr, "usage: swap A B [SECONDS]\n");
		return 64;
	}
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	end = now_seconds() + (argc == 4 ? strtod(argv[3], NULL) : 20.0);
	while (!stop && now_seconds() < end)
		for (int i = 0; i < BATCH && !stop; i++) {
			if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], EXCHANGE) <
			    0) {
				/* Gone for a moment: the runtime may remove and make them. */
				if (errno != ENOENT && errno != EBUSY) {
					(void)fprintf(stderr, "swap %s %s: %s\n", argv[1], argv[2],
						      strerror(errno));
					return 1;
				}
				failed++;
				continue;
			}
			done++;
		}
	if (done % 2 && syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], EXCHANGE) == 0)
		done++;
	(void)printf("swapped %lu failed %lu\n", done, failed);
	return 0;
}
