/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks of a container, with the state that they get. */
#include <fcntl.h>

#include "runtime/oci/engine_priv.h"

/* A file of the host for what hooks write. */
static int open_output(const struct oci_config *c, const char *key, int *ret, struct err *e)
{
	const char *path = oci_map_get(&c->annotations, key);

	if (!path)
		return 0;
	*ret = file_open_append(path, 0600);
	return *ret < 0 ? err_ret(e, *ret, "annotation %s: open %s", key, path) : 0;
}

int oci_hooks(const struct oci_config *c, enum oci_hook which, const struct oci_state *s,
	      const struct oci_id *id, enum oci_status status, struct err *e)
{
	const struct oci_hooks *hooks = &c->hooks[which];
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct hooks_at at = HOOKS_AT_INIT;
	CLEANUP_FD int cwd = -EBADF, out = -EBADF, err = -EBADF;
	struct json_out o;

	if (hooks->n == 0)
		return 0;
	json_out_init(&o, &b, false);
	if (oci_state_json(&o, NULL, s, id, c, status, NULL, e) < 0)
		return -e->code;
	if (which != OCI_HOOK_START_CONTAINER &&
	    (open_output(c, "run.oci.hooks.stdout", &out, e) < 0 ||
	     open_output(c, "run.oci.hooks.stderr", &err, e) < 0))
		return -e->code;
	at.out = out;
	at.err = err;
	if (which != OCI_HOOK_START_CONTAINER)
		cwd = open(s->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	at.cwd = cwd;
	at.no_timeout = true;
	at.by_path = true;
	at.keep_going = which == OCI_HOOK_POSTSTOP;
	return hooks_run_at(oci_hook_names[which], hooks->v, hooks->n, strbuf_str(&b), &at, e);
}
