/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount fds on their way from the parent to the child. A message carries at most FD_PASS_MAX of
 * them, so a kit is a short series of messages, each saying how many there are in all; both ends
 * count.
 */
#include "base/fd.h"
#include "namespaces/rootfs.h"

#define KIT_MAGIC 0x6b697473u

struct kit_message {
	uint32_t magic;
	uint32_t first; /* index of the first fd of this message */
	uint32_t total;
};

void rootfs_kit_close(struct rootfs_kit *kit)
{
	for (size_t i = 0; i < kit->n; i++)
		fd_reset(&kit->fds[i]);
	kit->n = 0;
	for (size_t i = 0; kit->begun && i < ARRAY_SIZE(kit->own); i++)
		fd_reset(&kit->own[i]);
	kit->begun = false;
}

int rootfs_kit_send(int sock, const struct rootfs_kit *kit, struct err *e)
{
	struct kit_message m = { .magic = KIT_MAGIC, .total = (uint32_t)kit->n };

	for (size_t i = 0; i < kit->n; i += FD_PASS_MAX) {
		size_t n = kit->n - i < FD_PASS_MAX ? kit->n - i : FD_PASS_MAX;
		int r;

		m.first = (uint32_t)i;
		r = fd_send(sock, &m, sizeof(m), kit->fds + i, n);
		if (r < 0)
			return err_ret(e, r, "send mounts to the instance's first process");
	}
	return 0;
}

static int kit_recv(int sock, struct rootfs_kit *kit, struct err *e)
{
	uint32_t total = 1;

	while (kit->n < total) {
		struct kit_message m = { 0 };
		int fds[FD_PASS_MAX];
		size_t n = FD_PASS_MAX;
		ssize_t r = fd_recv(sock, &m, sizeof(m), fds, &n);

		if (r < 0)
			return err_ret(e, (int)r, "receive mounts");
		if (r == 0)
			return err_set(e, EPIPE, "receive mounts: the other end is gone");
		if (r != sizeof(m) || m.magic != KIT_MAGIC || m.first != kit->n || n == 0 ||
		    m.total > ARRAY_SIZE(kit->fds) || kit->n + n > m.total) {
			while (n > 0)
				fd_reset(&fds[--n]);
			return err_set(e, EPROTO, "receive mounts: unexpected message");
		}
		memcpy(kit->fds + kit->n, fds, n * sizeof(fds[0]));
		kit->n += n;
		total = m.total;
	}
	return 0;
}

int rootfs_kit_recv(int sock, struct rootfs_kit *ret, struct err *e)
{
	CLEANUP(rootfs_kit_close) struct rootfs_kit kit = { .n = 0 };
	int r = kit_recv(sock, &kit, e);

	if (r < 0)
		return r;
	memcpy(ret->fds, kit.fds, kit.n * sizeof(kit.fds[0]));
	ret->n = TAKE(kit.n, 0);
	return 0;
}
