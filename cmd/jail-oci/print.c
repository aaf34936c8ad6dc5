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
