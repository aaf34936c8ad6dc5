/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between jail-oci and the process that it has made: descriptors that stay, messages up, orders
 * down. One packet each; the end of the connection is a message too.
 */
#include <stdlib.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/oci/engine_priv.h"

int oci_keep_fds(unsigned n, struct err *e)
{
	for (unsigned fd = 3; fd < 3 + n; fd++) {
		int r = fd_set_cloexec((int)fd, false);

		if (r < 0)
			return err_ret(e, r, "--preserve-fds: fd %u", fd);
	}
	return 0;
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int oci_close_others(unsigned preserved, const int *keep, size_t n, struct err *e)
{
	unsigned from = 3 + preserved;
	int sorted[16];

	if (n > ARRAY_SIZE(sorted))
		abort();
	memcpy(sorted, keep, n * sizeof(*keep));
	qsort(sorted, n, sizeof(*sorted), compare_fds);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < (int)from)
			continue;
		if ((unsigned)sorted[i] > from &&
		    sys_close_range(from, (unsigned)sorted[i] - 1, 0) < 0)
			return err_sys(e, "close fds");
		from = (unsigned)sorted[i] + 1;
	}
	return sys_close_range(from, ~0U, 0) < 0 ? err_sys(e, "close fds") : 0;
}

int oci_say(int sock, enum oci_message_type type)
{
	struct oci_message m = { .type = type };

	return fd_send(sock, &m, sizeof(m.type), NULL, 0);
}

void oci_say_error(int sock, const struct err *e)
{
	struct oci_message m = { .type = OCI_SAYS_ERROR, .error = *e };

	(void)fd_send(sock, &m, sizeof(m), NULL, 0);
}

int oci_hear(int sock, struct err *e)
{
	struct oci_message m;
	size_t n_fds = 0;
	ssize_t n = fd_recv(sock, &m, sizeof(m), NULL, &n_fds);

	/* What it has not read of ours any more comes as this error, before what it has said. */
	if (n == -ECONNRESET)
		n = fd_recv(sock, &m, sizeof(m), NULL, &n_fds);
	if (n == 0)
		return 0;
	if (n < 0)
		return err_ret(e, (int)n, "hear from the container's process");
	if (n == (ssize_t)sizeof(m.type) && m.type > OCI_SAYS_ERROR && m.type <= OCI_SAYS_CREATED)
		return (int)m.type;
	if (n != (ssize_t)sizeof(m) || m.type != OCI_SAYS_ERROR || m.error.code <= 0)
		return err_set(e, EPROTO, "the container's process sent a damaged message");
	m.error.text[sizeof(m.error.text) - 1] = m.error.hint[sizeof(m.error.hint) - 1] = '\0';
	*e = m.error;
	return -e->code;
}

int oci_tell(int sock, char what, pid_t pid, struct err *e)
{
	struct oci_order o = { .what = what, .pid = pid };
	int r = fd_send(sock, &o, sizeof(o), NULL, 0);

	return r < 0 ? err_ret(e, r, "the container's process has ended") : 0;
}

int oci_await(int sock, char what, pid_t *ret_pid, struct err *e)
{
	struct oci_order o;
	size_t n_fds = 0;
	ssize_t n = fd_recv(sock, &o, sizeof(o), NULL, &n_fds);

	if (n != (ssize_t)sizeof(o) || o.what != what)
		return err_set(e, ECANCELED, "jail-oci gave up");
	if (ret_pid)
		*ret_pid = o.pid;
	return 0;
}
