/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	naive_root ROOT
 *	naive_root ROOT TARGET TIMES
 *
 * Sets up a root file system by names, as the first runtimes did: the positive control of rows 14
 * to 22. The first form makes what a start makes in /dev and /etc, all by joining strings. The
 * second makes a directory below TARGET, as a mount point is made: it looks whether TARGET is a
 * directory and no link, and then uses the name again. To be run in a mount namespace of its own,
 * on a canary that may be lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name, *target;
} links[] = {
	{ "dev/fd", "/proc/self/fd" },
	{ "dev/stdin", "/proc/self/fd/0" },
	{ "dev/ptmx", "pts/ptmx" },
};

static void fill(const char *root)
{
	static const char *const dirs[] = { "dev", "etc", "run", "tmp" };
	char path[4096];
	int fd;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, dirs[i]);
		(void)mkdir(path, 0755);
		(void)snprintf(path, sizeof(path), "%s/%s/made", root, dirs[i]);
		fd = open(path, O_WRONLY | O_CREAT, 0644);
		if (fd >= 0)
			(void)close(fd);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, links[i].name);
		(void)unlink(path);
		(void)symlink(links[i].target, path);
	}
}

static void race(const char *root, const char *target, unsigned long times)
{
	char path[4096], below[4160];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", root, target);
	for (unsigned long i = 0; i < times; i++) {
		if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		(void)snprintf(below, sizeof(below), "%s/made%lu", path, i);
		(void)mkdir(below, 0755);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2)
		fill(argv[1]);
	else if (argc == 4)
		race(argv[1], argv[2], strtoul(argv[3], NULL, 10));
	else
		return 64;
	return 0;
}
