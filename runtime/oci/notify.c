/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seccomp notification: what the engine's listener is told (config-linux.md, "The Container Process
 * State"). */
#include "runtime/oci/engine_priv.h"
#include "runtime/seccomp_notify.h"

static int state_text(const struct oci_config *c, const struct oci_state *s,
		      const struct oci_id *id, enum oci_status status, pid_t pid, struct strbuf *b,
		      struct err *e)
{
	struct json_out o;

	json_out_init(&o, b, false);
	json_out_object(&o, NULL);
	json_out_str(&o, "ociVersion", c->version);
	json_out_array(&o, "fds");
	json_out_str(&o, NULL, "seccompFd");
	json_out_array_end(&o);
	json_out_int(&o, "pid", pid);
	if (c->seccomp_metadata)
		json_out_str(&o, "metadata", c->seccomp_metadata);
	if (oci_state_json(&o, "state", s, id, c, status, NULL, e) < 0)
		return -e->code;
	json_out_object_end(&o);
	return strbuf_ok(b, e);
}

int oci_notify_begin(int sock, const struct oci_config *c, const struct oci_state *s,
		     const struct oci_id *id, enum oci_status status, pid_t pid,
		     struct oci_program *p, struct err *e)
{
	if (!p->filter->notifies)
		return 0;
	/* The helper that sends it shares our memory: it stays until execve. */
	if (state_text(c, s, id, status, pid, &p->notify, e) < 0)
		return -e->code;
	return seccomp_notify_begin(sock, p->notify.data, p->notify.len, &p->creds.ret_listener, e);
}
