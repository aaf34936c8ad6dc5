/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	leak [OPTION...] -- PROGRAM [ARG...]
 *
 * Executes a program as a careless caller would, to show that nothing of it reaches an instance
 * (rows 2, 7, 11, 53, 54, 84). Options apply in the order given:
 *	--fd N=PATH	open PATH (read only; a directory too) as descriptor N, inherited
 *	--fds PATH	the same as every descriptor from 3 to 64
 *	--close N	close a descriptor, 0 to 2 too
 *	--umask MODE	octal
 *	--groups A,B,C	extra groups
 *	--env K=V	add to the environment
 *	--cwd PATH
 *	--ignore-signals	every signal that can be is ignored, all are blocked
 *	--ambient	inheritable and ambient capabilities: all that there are
 *	--rlimit N=SOFT:HARD
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what)
{
	(void)fprintf(stderr, "leak: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void open_as(int number, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		die(path);
	if (fd == number)
		return;
	if (dup2(fd, number) < 0)
		die("dup2");
	(void)close(fd);
}

static void leak_fd(const char *text)
{
	const char *path = strchr(text, '=');

	if (!path)
		die("--fd N=PATH");
	open_as((int)strtoul(text, NULL, 10), path + 1);
}

static void leak_fds(const char *path)
{
	for (int i = 3; i <= 64; i++)
		open_as(i, path);
}

static void close_fd(const char *text)
{
	(void)close((int)strtoul(text, NULL, 10));
}

static void set_umask(const char *text)
{
	(void)umask((mode_t)strtoul(text, NULL, 8));
}

static void set_groups(const char *text)
{
	gid_t groups[64];
	size_t n = 0;
	char *end;

	while (*text && n < 64) {
		groups[n++] = (gid_t)strtoul(text, &end, 10);
		text = *end == ',' ? end + 1 : end;
		if (end == text && *end)
			break;
	}
	if (setgroups(n, groups) < 0)
		die("setgroups");
}

static void add_env(const char *text)
{
	char *copy = strdup(text);

	if (!copy || putenv(copy) != 0)
		die("putenv");
}

static void set_cwd(const char *path)
{
	if (chdir(path) < 0)
		die(path);
}

static void set_rlimit(const char *text)
{
	unsigned resource;
	unsigned long long soft, hard;
	struct rlimit limit;

	if (sscanf(text, "%u=%llu:%llu", &resource, &soft, &hard) != 3)
		die("--rlimit N=SOFT:HARD");
	limit.rlim_cur = (rlim_t)soft;
	limit.rlim_max = (rlim_t)hard;
	if (syscall(SYS_prlimit64, 0, resource, &limit, NULL) < 0)
		die("setrlimit");
}

static void ignore_signals(void)
{
	sigset_t all;

	for (int i = 1; i < 65; i++)
		(void)signal(i, SIG_IGN);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
}

static void raise_ambient(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		die("capget");
	data[0].inheritable = data[0].permitted;
	data[1].inheritable = data[1].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		die("capset");
	for (unsigned long i = 0; i < 64; i++)
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*with)(const char *text);
		void (*alone)(void);
	} options[] = {
		{ "--fd", leak_fd, NULL },
		{ "--fds", leak_fds, NULL },
		{ "--close", close_fd, NULL },
		{ "--umask", set_umask, NULL },
		{ "--groups", set_groups, NULL },
		{ "--env", add_env, NULL },
		{ "--cwd", set_cwd, NULL },
		{ "--rlimit", set_rlimit, NULL },
		{ "--ignore-signals", NULL, ignore_signals },
		{ "--ambient", NULL, raise_ambient },
	};
	const size_t n = sizeof(options) / sizeof(options[0]);
	int i = 1;

	while (i < argc && strcmp(argv[i], "--") != 0) {
		size_t k = 0;

		while (k < n && strcmp(argv[i], options[k].name) != 0)
			k++;
		if (k == n || (options[k].with && i + 1 >= argc)) {
			(void)fprintf(stderr, "leak: bad option %s\n", argv[i]);
			return 64;
		}
		if (options[k].with)
			options[k].with(argv[++i]);
		else
			options[k].alone();
		i++;
	}
	if (i + 1 >= argc) {
		(void)fprintf(stderr, "usage: leak [OPTION...] -- PROGRAM [ARG...]\n");
		return 64;
	}
	(void)execvp(argv[i + 1], argv + i + 1);
	die(argv[i + 1]);
}
