/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start: the first process listens on ROOT/ID/start.sock. We connect and say so; its answer is an
 * error, or the end of the connection, which its execve(2) closes. A process that has gone leaves a
 * socket that refuses, so nothing can hang (row 86).
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/oci/engine_priv.h"

static int connect_start(int dir, struct err *e)
{
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (sock < 0)
		return err_sys(e, "socket");
	(void)str_format(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" OCI_START_SOCKET, dir);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(e, "connect to the container's process");
	return TAKE_FD(sock);
}

static int check_created(const struct oci_container *c, struct err *e)
{
	enum oci_status status = oci_container_status(c);

	switch (status) {
	case OCI_CREATED:
		return 0;
	case OCI_STOPPED:
		return err_set(e, EINVAL, "cannot start a container that has stopped");
	case OCI_RUNNING:
		return err_set(e, EINVAL, "cannot start an already running container");
	case OCI_CREATING:
	case OCI_PAUSED:
		break;
	}
	return err_set(e, EINVAL, "cannot start a container in the %s state",
		       oci_status_name(status));
}

/* runtime.md, "Lifecycle", 8: a failing poststart hook ends the container. */
static int poststart(struct oci_container *c, const struct oci_config *config, struct err *e)
{
	int r = oci_hooks(config, OCI_HOOK_POSTSTART, &c->state, &c->id, OCI_RUNNING, e);

	if (r < 0)
		(void)sys_pidfd_send_signal(c->pidfd, SIGKILL);
	return r;
}

int oci_start(const struct oci_runtime *rt, const struct oci_id *id, struct err *e)
{
	struct oci_container c CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	struct oci_config config CLEANUP_OCI_CONFIG = OCI_CONFIG_INIT;
	CLEANUP_FD int sock = -EBADF;
	int r;

	if ((r = oci_container_open(rt, id, OCI_CHANGE, &c, e)) < 0 ||
	    (r = check_created(&c, e)) < 0)
		return r;
	if (c.state.poststart && (r = oci_container_config(&c, &config, e)) < 0)
		return r;
	sock = connect_start(c.dir, e);
	if (sock < 0)
		return sock;
	/* First, so that whoever looks later finds it started: a second start can't be. */
	if (unlinkat(c.dir, OCI_START_SOCKET, 0) < 0)
		return err_sys(e, "remove " OCI_START_SOCKET);
	if ((r = oci_tell(sock, OCI_TELL_START, 0, e)) < 0 || (r = oci_hear(sock, e)) < 0)
		return r;
	return poststart(&c, &config, e);
}
