/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done to all processes of a cgroup. Freezing and SIGKILL are the kernel's own files, which
 * forks can't outrun (row 67). Any other signal goes by a list of pids, each of which is only a
 * number until it is known to be still in the cgroup while a pidfd holds it (row 85).
 */
#include <fcntl.h>
#include <signal.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/directory.h"

#define SIGNAL_BATCH 128 /* pidfds at a time */
#define SIGNAL_ROUNDS 32 /* looks for processes that were forked meanwhile */

int cgroup_directory_freeze(int dir, const char *name, bool frozen, unsigned wait_ms, struct err *e)
{
	const char *verb = frozen ? "freeze" : "thaw";
	int r = file_poke_at(dir, "cgroup.freeze", frozen ? "1" : "0", 1);

	if (r == 0)
		r = cgroup_event_wait(dir, "frozen", frozen, clock_boot_ms() + wait_ms);
	/* Row 67: half frozen is what nobody asked for. */
	if (r < 0 && frozen)
		(void)file_poke_at(dir, "cgroup.freeze", "0", 1);
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "%s cgroup %s: not done after %u ms", verb, name,
			       wait_ms);
	return r < 0 ? err_ret(e, r, "%s cgroup %s", verb, name) : 0;
}

int cgroup_directory_is_frozen(int dir)
{
	return cgroup_event(dir, "frozen");
}

int cgroup_directory_is_populated(int dir)
{
	return cgroup_event(dir, "populated");
}

static int by_number(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static int sorted_pids(int dir, pid_t **ret, size_t *ret_n)
{
	int r = cgroup_pids_below(dir, SIZE_MAX, ret, ret_n);

	if (r == 0 && *ret_n > 0)
		qsort(*ret, *ret_n, sizeof(**ret), by_number);
	return r;
}

static bool has_pid(const pid_t *list, size_t n, pid_t pid)
{
	return n > 0 && bsearch(&pid, list, n, sizeof(*list), by_number);
}

int cgroup_directory_pids(int dir, const char *name, pid_t **ret, size_t *ret_n, struct err *e)
{
	int r = sorted_pids(dir, ret, ret_n);

	return r < 0 ? err_ret(e, r, "list processes of cgroup %s", name) : 0;
}

/* A pid that is listed while a pidfd for it is open, and whose pidfd still takes a signal after
 * that, was that process all the time. */
static int signal_batch(int dir, const pid_t *pids, size_t n, int signal)
{
	CLEANUP_FREE pid_t *now = NULL;
	int fds[SIGNAL_BATCH], r;
	size_t n_now = 0;

	for (size_t i = 0; i < n; i++)
		fds[i] = sys_pidfd_open(pids[i], 0);
	r = sorted_pids(dir, &now, &n_now);
	for (size_t i = 0; i < n; i++) {
		if (fds[i] < 0)
			continue;
		if (r == 0 && has_pid(now, n_now, pids[i]) &&
		    sys_pidfd_send_signal(fds[i], signal) < 0 && errno != ESRCH)
			r = -errno;
		(void)close(fds[i]);
	}
	return r;
}

/* Signals what is in `pids` and not among those that had it. *ret_any: there was one. */
static int signal_new(int dir, const pid_t *pids, size_t n, const pid_t *had, size_t n_had,
		      int signal, bool *ret_any)
{
	pid_t batch[SIGNAL_BATCH];
	size_t used = 0;
	int r = 0;

	*ret_any = false;
	for (size_t i = 0; i <= n && r == 0; i++) {
		if (i < n && !has_pid(had, n_had, pids[i])) {
			batch[used++] = pids[i];
			*ret_any = true;
		}
		if (used == SIGNAL_BATCH || (i == n && used > 0)) {
			r = signal_batch(dir, batch, used, signal);
			used = 0;
		}
	}
	return r;
}

static int signal_all(int dir, int signal)
{
	CLEANUP_FREE pid_t *had = NULL;
	size_t n_had = 0;
	bool any = true;
	int r = 0;

	for (int round = 0; any && round < SIGNAL_ROUNDS && r == 0; round++) {
		pid_t *pids = NULL;
		size_t n = 0;

		r = sorted_pids(dir, &pids, &n);
		if (r == 0)
			r = signal_new(dir, pids, n, had, n_had, signal, &any);
		free(had);
		had = pids;
		n_had = n;
	}
	return r;
}

int cgroup_directory_signal(int dir, const char *name, int signal, struct err *e)
{
	int r = signal == SIGKILL ? file_poke_at(dir, "cgroup.kill", "1", 1)
				  : signal_all(dir, signal);

	if (r == -ENODEV || r == -ENOENT) /* removed: nobody is left */
		return 0;
	return r < 0 ? err_ret(e, r, "signal %d to cgroup %s", signal, name) : 0;
}
