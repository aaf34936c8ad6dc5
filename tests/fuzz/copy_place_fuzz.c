/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream that `jail cp` gets from an instance, or from anybody on stdin: what it makes of any
 * bytes, in a directory of its own beside a canary that nothing may touch. The first two bytes are
 * the request's flags and the kind of destination. Checksums are put right first, or nearly no
 * input would get past libarchive's.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "cmd/jail-copy/copy.h"
#include "tests/fuzz/fuzz.h"

#define STREAM_MAX (64u << 10)
#define BLOCK 512u
#define FILE_MAX (1u << 20)
#define CANARY "what was here before"

void copy_progress(struct copy *c)
{
	(void)c;
}

static void put_checksums_right(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		uint8_t *h = data + at;
		unsigned sum = 0;

		if (h[0] == 0 || h[257] != 'u')
			continue;
		memset(h + 148, ' ', 8);
		for (size_t i = 0; i < BLOCK; i++)
			sum += h[i];
		(void)snprintf((char *)h + 148, 8, "%06o", sum);
	}
}

static void give(const uint8_t *data, size_t n)
{
	CLEANUP_FD int fd = memfd_create("stream", MFD_CLOEXEC);

	fuzz_require(fd_write_all(fd, data, n) >= 0 && lseek(fd, 0, SEEK_SET) == 0 &&
			     dup2(fd, COPY_FD_IN) == COPY_FD_IN,
		     "a stream");
}

/* A sparse file may say that it is as long as it likes, and a compressed stream be much. */
static void bound(rlim_t bytes)
{
	const struct rlimit limit = { bytes, RLIM_INFINITY };

	fuzz_require(setrlimit(RLIMIT_FSIZE, &limit) == 0, "a limit");
}

static void prepare(struct copy *c, unsigned flags, unsigned where)
{
	static const char *const names[] = {
		"", "/there", "/file", "/new", "/new/", "/no/such", "/there/..", "/file/x",
	};
	struct err e = ERR_INIT;
	CLEANUP_FD int to = path_make_dir_at(fuzz_dir(), "to", 0700, &e);
	CLEANUP_FD int there = path_make_dir_at(to, "there", 0700, &e);

	fuzz_put(fuzz_dir(), "canary", CANARY, strlen(CANARY));
	fuzz_put(to, "file", "old", 3);
	(void)!symlinkat("../../canary", there, "link");
	(void)!symlinkat("..", there, "up");
	memset(c, 0, sizeof(*c));
	c->request = (struct copy_request){ .magic = COPY_MAGIC, .role = COPY_PLACE };
	/* Not inside, and not to a tmpfs that ends. */
	c->request.flags = flags & COPY_FLAGS & ~(COPY_INSIDE | COPY_STOPPED);
	(void)str_format(c->request.path, sizeof(c->request.path), "%s/to%s", fuzz_path,
			 names[where % ARRAY_SIZE(names)]);
	(void)str_format(c->request.name, sizeof(c->request.name), "n");
	c->top = -EBADF;
}

/* Beside the canary there is the destination and nothing else. */
static void check(void)
{
	CLEANUP_FREE char *text = NULL;
	DIR *d = fdopendir(openat(fuzz_dir(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *ent;
	struct stat st;

	(void)fuzz_get(fuzz_dir(), "canary", &text);
	fuzz_require(str_eq(text, CANARY), "the canary's content");
	fuzz_require(fstatat(fuzz_dir(), "canary", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			     S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600 &&
			     st.st_nlink == 1 && st.st_uid == geteuid(),
		     "the canary itself");
	while (d && (ent = readdir(d)) != NULL)
		fuzz_require(str_eq(ent->d_name, "canary") || str_eq(ent->d_name, "to") ||
				     ent->d_name[0] == '.',
			     "nothing beside it");
	(void)closedir(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[STREAM_MAX];
	static struct copy c; /* large */
	struct fuzz_input in = { data, size };
	unsigned flags = fuzz_byte(&in), where = fuzz_byte(&in);
	struct err e = ERR_INIT, ignored = ERR_INIT;
	size_t n = in.left < STREAM_MAX ? in.left : STREAM_MAX;
	int r;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)umask(0);
	memcpy(stream, in.at, n);
	put_checksums_right(stream, n);
	give(stream, n);
	prepare(&c, flags, where);
	r = place_open(&c, -EBADF, &e);
	if (fuzz_judged(r, &e)) {
		bound(FILE_MAX);
		(void)fuzz_judged(place_run(&c, &e), &e);
		bound(RLIM_INFINITY);
	}
	check();
	fuzz_require(path_remove_tree(fuzz_dir(), "to", &ignored) == 0, "it can be removed");
	return 0;
}
