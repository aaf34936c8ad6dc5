/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spec, features: documents about ourselves. */
#include <fcntl.h>

#include "base/fd.h"
#include "cmd/jail-oci/oci.h"

struct values {
	const char *bundle;
	bool rootless;
};
static const struct option options[] = {
	OCI_TEXT(struct values, bundle, "bundle", 'b', "DIR", "where config.json is written"),
	OCI_FLAG(struct values, rootless, "rootless", 0, "for a user without privileges"),
	OPTION_END,
};

static int run_spec(struct oci_cli *c, struct err *e)
{
	const struct values *v = c->values;
	const char *path = v->bundle ? v->bundle : ".";
	CLEANUP_FD int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	if (dir < 0)
		return err_sys(e, "open %s", path);
	json_out_init(&o, &b, true);
	oci_example(&o, v->rootless);
	strbuf_addc(&b, '\n');
	if (strbuf_ok(&b, e) < 0)
		return -e->code;
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST) {
		(void)err_set(e, EEXIST, "%s/config.json exists", path);
		return err_hint(e, "remove the existing file first");
	}
	r = fd < 0 ? -errno : fd_write_all(fd, b.data, b.len);
	return r < 0 ? err_ret(e, r, "write %s/config.json", path) : 0;
}

static int run_features(struct oci_cli *c, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	(void)c;
	json_out_init(&o, &b, true);
	return oci_features(&o, e) < 0 ? -e->code : print_document(&b, e);
}

const struct oci_command oci_command_spec = {
	.name = "spec",
	.help = "write a config.json to begin with",
	.flags = OCI_READS_ONLY,
	.options = options,
	.values_size = sizeof(struct values),
	.run = run_spec,
};
const struct oci_command oci_command_features = {
	.name = "features",
	.help = "show what is supported, as JSON",
	.flags = OCI_READS_ONLY,
	.run = run_features,
};
