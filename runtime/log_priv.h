/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One record of the log, decoded. */
#ifndef JAIL_RUNTIME_LOG_PRIV_H
#define JAIL_RUNTIME_LOG_PRIV_H

#include "base/defs.h"

#define LOG_TIME_LEN 24
/* No record of the writer is longer: frame, and LIMIT_LOG_LINE bytes of six characters each. */
#define LOG_RECORD_MAX (128u << 10)

enum log_source { LOG_FROM_STDOUT, LOG_FROM_STDERR, LOG_FROM_JAIL };

struct log_record {
	char time[LOG_TIME_LEN + 1];
	enum log_source source;
	bool raw;
	size_t n; /* bytes of text */
};

/*
 * Decodes a line (without its newline). Takes exactly what the writer makes: this order of keys, no
 * blanks. text: room for n bytes; the decoded text is never longer than the line.
 * Return: 0 or -EBADMSG.
 */
int log_record_parse(const char *line, size_t n, struct log_record *ret, char *text);

#endif
