/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several jail-unpack at once, and one ear for all of them. Each computes the digests of its own
 * archive; the limits are of the whole import, so what they say about their progress is summed up
 * here, while they run and at the end.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>

#include "images/import_priv.h"

#define JOBS_AT_ONCE_MAX 4

struct running {
	struct unpack_child child;
	struct unpack_job *job; /* NULL: a free slot */
};

struct jobs {
	const struct unpack_work *work;
	struct unpack_job *v;
	size_t n, next, done;
	struct running slots[JOBS_AT_ONCE_MAX];
	size_t n_slots;
	struct import_progress *progress;
};

static void jobs_stop(struct jobs *j)
{
	for (size_t i = 0; i < j->n_slots; i++)
		unpack_child_stop(&j->slots[i].child);
	for (size_t i = 0; i < j->n; i++)
		opaque_free(&j->v[i].opaque);
}

static size_t jobs_at_once(size_t n)
{
	cpu_set_t cpus;
	int online = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	size_t most = online < JOBS_AT_ONCE_MAX ? (size_t)online : JOBS_AT_ONCE_MAX;

	return n < most ? n : most;
}

static int jobs_start(struct jobs *j, struct running *slot, struct err *e)
{
	struct unpack_job *job = &j->v[j->next++];
	const struct unpack_request request = {
		.magic = UNPACK_MAGIC,
		.mode = job->mode,
		.named = j->work->req->has_ref,
		.flags =
			(job->fds.split < 0 ? 0 : UNPACK_SPLIT) | (job->sha512 ? UNPACK_SHA512 : 0),
		.max_bytes = j->work->limits->max_bytes,
		.max_members = j->work->limits->max_members,
		.max_name = j->work->limits->max_name,
		.max_ratio = j->work->limits->max_ratio,
	};

	slot->job = job;
	return unpack_child_start(j->work->how, &request, &job->fds, &slot->child, e);
}

/* What all have read and written so far. A child may lie, which costs it its own limits only. */
static int jobs_sum(struct jobs *j, struct err *e)
{
	struct import_progress *p = j->progress;

	p->bytes_in = p->bytes_out = p->members = 0;
	for (size_t i = 0; i < j->next; i++) {
		p->bytes_in += j->v[i].said.bytes_in;
		p->bytes_out += j->v[i].said.bytes_out;
		p->members += j->v[i].said.members;
	}
	if (p->bytes_out > j->work->limits->max_bytes)
		return err_set(e, E2BIG,
			       "limit maxBytes exceeded: the layers hold more than %llu bytes",
			       (unsigned long long)j->work->limits->max_bytes);
	if (p->members > j->work->limits->max_members)
		return err_set(e, E2BIG, "limit maxMembers exceeded: more than %llu",
			       (unsigned long long)j->work->limits->max_members);
	if (j->work->req->progress)
		j->work->req->progress(p, j->work->req->progress_arg);
	return 0;
}

static int jobs_opaque(struct unpack_job *job, const struct unpack_opaque *said, struct err *e)
{
	if (job->mode != UNPACK_LAYER)
		return err_set(e, EPROTO, "jail-unpack said something unknown");
	return opaque_note(&job->opaque, said, e);
}

static int jobs_done(struct jobs *j, struct running *slot, const struct unpack_result *result,
		     struct err *e)
{
	struct unpack_job *job = slot->job;
	int changed;

	unpack_child_stop(&slot->child);
	slot->job = NULL;
	j->done++;
	job->result = *result;
	job->said = (struct unpack_progress){ .bytes_in = result->archive_bytes,
					      .bytes_out = result->stream_bytes,
					      .members = result->members };
	changed = opaque_apply(&job->opaque, job->fds.tree, e);
	opaque_free(&job->opaque);
	if (changed < 0)
		return changed;
	/* The child wrote everything else to disk. */
	if (changed && syncfs(job->fds.tree) < 0)
		return err_sys(e, "write the layer to disk");
	if (jobs_sum(j, e) < 0)
		return -e->code;
	return job->done ? job->done(job, e) : 0;
}

static int jobs_hear(struct jobs *j, struct running *slot, struct err *e)
{
	struct unpack_message m;
	int r = unpack_child_receive(&slot->child, &m, e);

	if (r < 0)
		return r;
	switch ((enum unpack_kind)m.kind) {
	case UNPACK_PROGRESS:
		slot->job->said = m.u.progress;
		return jobs_sum(j, e);
	case UNPACK_OPAQUE:
		return jobs_opaque(slot->job, &m.u.opaque, e);
	case UNPACK_DONE:
		return jobs_done(j, slot, &m.u.result, e);
	case UNPACK_FAILED:
		break; /* is an error of unpack_child_receive() */
	}
	return err_set(e, EPROTO, "jail-unpack said something unknown");
}

/* Waits for a word of any of them. */
static int jobs_listen(struct jobs *j, struct err *e)
{
	struct pollfd fds[JOBS_AT_ONCE_MAX];

	for (size_t i = 0; i < j->n_slots; i++)
		fds[i] = (struct pollfd){
			.fd = j->slots[i].job ? j->slots[i].child.report : -1,
			.events = POLLIN,
		};
	if (poll(fds, j->n_slots, -1) < 0)
		return errno == EINTR ? 0 : err_sys(e, "listen to jail-unpack");
	for (size_t i = 0; i < j->n_slots; i++) {
		size_t number;

		if (fds[i].fd < 0 || fds[i].revents == 0)
			continue;
		number = (size_t)(j->slots[i].job - j->v) + 1;
		if (jobs_hear(j, &j->slots[i], e) < 0)
			return j->n > 1 ? err_wrap(e, "layer %zu of the %zu that are new", number,
						   j->n)
					: -e->code;
		j->progress->layers_done = j->done;
	}
	return 0;
}

int unpack_jobs_run(const struct unpack_work *work, struct unpack_job *jobs, size_t n,
		    struct import_progress *progress, struct err *e)
{
	CLEANUP(jobs_stop)
	struct jobs j = { .work = work, .v = jobs, .n = n, .progress = progress };
	int r = 0;

	j.n_slots = jobs_at_once(n);
	for (size_t i = 0; i < j.n_slots; i++)
		j.slots[i].child = UNPACK_CHILD_INIT;
	while (r >= 0 && j.done < n) {
		for (size_t i = 0; r >= 0 && i < j.n_slots; i++)
			if (!j.slots[i].job && j.next < n)
				r = jobs_start(&j, &j.slots[i], e);
		if (r >= 0)
			r = jobs_listen(&j, e);
	}
	return r;
}
