/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things that several commands share. */
#include "cmd/jail-oci/oci.h"
#include "runtime/spec.h"

int print_document(struct strbuf *b, struct err *e)
{
	if (strbuf_ok(b, e) < 0)
		return -e->code;
	(void)printf("%s\n", strbuf_str(b));
	return 0;
}

int parse_signal(const char *text, int *ret, struct err *e)
{
	return spec_set_signal(text, ret, e);
}

int take_io(const struct io_values *v, struct oci_io *ret, struct err *e)
{
	if (v->preserve_fds > 1000)
		return err_set(e, EINVAL, "--preserve-fds: at most 1000");
	*ret = (struct oci_io){
		.console_socket = v->console_socket,
		.pid_file = v->pid_file,
		.pidfd_socket = v->pidfd_socket,
		.preserve_fds = (unsigned)v->preserve_fds,
		.detach = v->detach,
	};
	return 0;
}
