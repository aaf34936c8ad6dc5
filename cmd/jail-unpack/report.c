/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed-size messages over the one socket that leads out (images/unpack_proto.h). */
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/jail-unpack/unpack.h"

#define REPORT_INTERVAL_MS 100

static int report_send(const struct unpack_message *m, int flags)
{
	ssize_t n;

	do
		n = send(UNPACK_FD_REPORT, m, sizeof(*m), flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int report_receive(struct unpack_request *ret, struct err *e)
{
	ssize_t n;

	do
		n = recv(UNPACK_FD_REPORT, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "receive the request");
	if (n != (ssize_t)sizeof(*ret) || ret->magic != UNPACK_MAGIC || ret->max_bytes == 0 ||
	    ret->max_members == 0 || ret->max_name == 0 || ret->max_name > ENTRY_NAME_MAX ||
	    ret->max_ratio == 0 || ret->mode < UNPACK_AUTO || ret->mode > UNPACK_TREE ||
	    (ret->flags & ~UNPACK_FLAGS) || (ret->shift_count && ret->mode != UNPACK_TREE) ||
	    ret->shift_to > UINT32_MAX - ret->shift_count)
		return err_set(e, EPROTO, "the request does not come from this version of jail");
	return 0;
}

void report_progress(struct unpack *u)
{
	uint64_t now = clock_boot_ms();
	struct unpack_message m;

	if (now - u->reported_ms < REPORT_INTERVAL_MS)
		return;
	u->reported_ms = now;
	memset(&m, 0, sizeof(m));
	m.magic = UNPACK_MAGIC;
	m.kind = UNPACK_PROGRESS;
	m.u.progress.bytes_in = u->source->bytes_in;
	m.u.progress.bytes_out = u->source->bytes_out;
	m.u.progress.members = u->result.members;
	(void)report_send(&m, MSG_DONTWAIT);
}

int report_opaque(const struct tree *t, void *unused, struct err *e)
{
	struct unpack_message m;
	char *name = m.u.opaque.name;
	size_t len = 0;
	int r;

	(void)unused;
	memset(&m, 0, sizeof(m));
	m.magic = UNPACK_MAGIC;
	m.kind = UNPACK_OPAQUE;
	for (size_t i = 1; i < t->n; i++) {
		r = str_format(name + len, sizeof(m.u.opaque.name) - len, "%s%s", i > 1 ? "/" : "",
			       t->dirs[i].name);
		if (r < 0)
			return err_ret(e, r, "opaque directory");
		len += (size_t)r;
	}
	/* Not dropped as progress is: waits until it is read. */
	r = report_send(&m, 0);
	return r < 0 ? err_ret(e, r, "report an opaque directory") : 0;
}

int report_done(const struct unpack_result *result)
{
	struct unpack_message m;

	memset(&m, 0, sizeof(m));
	m.magic = UNPACK_MAGIC;
	m.kind = UNPACK_DONE;
	m.u.result = *result;
	return report_send(&m, 0);
}

void report_failed(const struct err *e)
{
	struct unpack_message m;

	memset(&m, 0, sizeof(m));
	m.magic = UNPACK_MAGIC;
	m.kind = UNPACK_FAILED;
	m.u.err = *e;
	(void)report_send(&m, 0);
}
