/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail-unpack: unpacks one archive into one directory. `jail image import` starts it with an
 * archive on fd 0, an empty directory on fd 3, a socket on fd 4, a file beside the directory on
 * fd 5 (images/unpack_proto.h), an empty environment and nothing else; it is of no use by hand.
 *
 * Three threads share a ring of blocks: this one parses and writes, one reads and decompresses, one
 * computes the digest of the uncompressed stream. They are started before the system call filter,
 * because it does not let new ones be made, and wait at a gate: no byte of the archive is read
 * before the filter is in place.
 */
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cmd/jail-unpack/confine.h"
#include "cmd/jail-unpack/unpack.h"

#define THREAD_STACK ((size_t)256 << 10)

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t waiting;
	bool open;
};

struct workers {
	struct gate gate;
	struct ring ring;
	struct source source;
	struct sha256_ctx stream; /* of the uncompressed stream */
	pthread_t threads[2];
};

/* Large, and threads point into them. */
static struct workers workers;
static struct unpack unpack;

static void gate_wait(struct gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	g->waiting++;
	(void)pthread_cond_broadcast(&g->changed);
	while (!g->open)
		(void)pthread_cond_wait(&g->changed, &g->lock);
	(void)pthread_mutex_unlock(&g->lock);
}

/* Until n threads stand at the gate: what libc does for a new thread (rseq, robust list) is behind
 * them, and the filter need not allow it. */
static void gate_assemble(struct gate *g, size_t n)
{
	(void)pthread_mutex_lock(&g->lock);
	while (g->waiting < n)
		(void)pthread_cond_wait(&g->changed, &g->lock);
	(void)pthread_mutex_unlock(&g->lock);
}

static void gate_open(struct gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	g->open = true;
	(void)pthread_cond_broadcast(&g->changed);
	(void)pthread_mutex_unlock(&g->lock);
}

static void *source_thread(void *arg)
{
	struct workers *w = arg;

	gate_wait(&w->gate);
	source_run(&w->source);
	return NULL;
}

static void *hash_thread(void *arg)
{
	struct workers *w = arg;
	const uint8_t *block;
	ssize_t n;

	gate_wait(&w->gate);
	while ((n = ring_next(&w->ring, RING_HASH, &block)) > 0)
		sha256_update(&w->stream, (size_t)n, block);
	return NULL;
}

static int workers_start(struct workers *w, struct err *e)
{
	void *(*const run[])(void *) = { source_thread, hash_thread };
	pthread_attr_t attr;
	int r;

	(void)pthread_mutex_init(&w->gate.lock, NULL);
	(void)pthread_cond_init(&w->gate.changed, NULL);
	sha256_init(&w->stream);
	r = ring_init(&w->ring, e);
	if (r == 0)
		r = source_init(&w->source, UNPACK_FD_ARCHIVE, &w->ring, e);
	if (r < 0)
		return r;
	(void)pthread_attr_init(&attr);
#ifndef CONFINE_SANITIZED /* whose frames are larger */
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK);
#endif
	for (size_t i = 0; i < ARRAY_SIZE(run); i++) {
		r = pthread_create(&w->threads[i], &attr, run[i], w);
		if (r != 0)
			return err_ret(e, -r, "start a thread");
	}
	(void)pthread_attr_destroy(&attr);
	gate_assemble(&w->gate, ARRAY_SIZE(run));
	return 0;
}

/* After the stream's end: both threads have finished or are about to. */
static void workers_digests(struct workers *w, struct unpack_result *result)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->threads); i++)
		(void)pthread_join(w->threads[i], NULL);
	sha256_digest(&w->stream, sizeof(result->stream_sha256), result->stream_sha256);
	if (w->source.plain)
		memcpy(result->archive_sha256, result->stream_sha256,
		       sizeof(result->archive_sha256));
	else
		sha256_digest(&w->source.raw, sizeof(result->archive_sha256),
			      result->archive_sha256);
	if (w->source.sha512)
		sha512_digest(&w->source.raw512, sizeof(result->archive_sha512),
			      result->archive_sha512);
	result->archive_bytes = w->source.bytes_in;
	result->stream_bytes = w->source.bytes_out;
}

/* Return: 1, there is nothing more to say. */
static int decode_main(struct err *e)
{
	const struct confine cage = { .no_tree = true };
	CLEANUP_FD int root = confine_namespaces(&cage, e);
	int r = root < 0 ? root : confine_system_calls(CONFINE_DECODES, e);

	if (r < 0)
		return err_wrap(e, "confine jail-unpack");
	r = decode_serve(e);
	return r < 0 ? r : 1;
}

static int unpack_main(struct err *e)
{
	struct confine cage = { .capabilities = CONFINE_IMAGE_CAPS };
	int root, r;

	r = report_receive(&unpack.limits, e);
	if (r < 0)
		return r;
	if (unpack.limits.mode == UNPACK_DECODE)
		return decode_main(e);
	cage.max_bytes = unpack.limits.max_bytes;
	root = confine_namespaces(&cage, e);
	if (root < 0)
		return err_wrap(e, "confine jail-unpack");
	tree_init(&unpack.tree, root);
	r = workers_start(&workers, e);
	if (r < 0)
		return r;
	workers.source.max_bytes = unpack.limits.max_bytes;
	workers.source.sha512 = (unpack.limits.flags & UNPACK_SHA512) != 0;
	workers.source.max_ratio = unpack.limits.max_ratio;
	unpack.ring = &workers.ring;
	unpack.source = &workers.source;
	r = confine_system_calls(CONFINE_MAKES_FILES, e);
	if (r < 0)
		return err_wrap(e, "confine jail-unpack");
	gate_open(&workers.gate);
	r = unpack_run(&unpack, e);
	if (r == 0)
		workers_digests(&workers, &unpack.result);
	return r;
}

int main(void)
{
	struct err e = ERR_INIT;
	struct stat st;
	int r;

	if (fstat(UNPACK_FD_REPORT, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		static const char text[] = "jail-unpack: started by `jail image import`, which "
					   "is what you want to use\n";

		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		return 2;
	}
	(void)umask(0);
	/* One arena: the others are made with mprotect and reserve 64 MiB of address space each. */
	(void)mallopt(M_ARENA_MAX, 1);
	r = unpack_main(&e);
	if (r == 0)
		r = report_done(&unpack.result);
	else if (r < 0)
		report_failed(&e);
	/* Not exit: a thread may still be reading a pipe that nobody closes. */
	_exit(r < 0 ? 1 : 0);
}
