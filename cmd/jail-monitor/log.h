/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log file (runtime/log.h): JSON lines in log.json, rotated by size into log.json.1 (newer),
 * log.json.2, ... The sum of all files is at most max_bytes * files, whatever is written.
 * No function fails: what cannot be written is counted, and the first line that can be written
 * again says how many bytes of output are missing.
 */
#ifndef JAIL_MONITOR_LOG_H
#define JAIL_MONITOR_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

/* Memory that is touched only when there is something to write. */
struct log_buffers {
	uint8_t held[LOG_STREAMS][LIMIT_LOG_LINE]; /* unfinished lines */
	char out[128u << 10]; /* records on their way to the file */
};

struct log {
	int dir; /* borrowed */
	struct log_buffers *buffers; /* borrowed, page-aligned; set before anything is fed */
	int fd; /* log.json, or -EBADF */
	unsigned files;
	uint64_t max_bytes;
	uint64_t size; /* of log.json */
	uint64_t lost; /* bytes of output that could not be written */
	char time[24]; /* of the lines that are being encoded */
	size_t line_max; /* bytes of output in one line */
	size_t used; /* of the output buffer */
	size_t used_text; /* bytes of output that are encoded in it */
	size_t held[LOG_STREAMS]; /* bytes of an unfinished line */
};

/* max_bytes >= MONITOR_LOG_MIN. */
void log_open(struct log *l, int dir, uint64_t max_bytes, unsigned files);
/* The file is opened again when something is to be written. */
void log_close(struct log *l);
/* Output as it came. Whole lines are in the file when this returns; an unfinished one is held. */
void log_feed(struct log *l, enum log_stream stream, const uint8_t *data, size_t n);
/* The stream is at its end: what is held is written as it is. */
void log_end(struct log *l, enum log_stream stream);
/* A line of the monitor's own, stream "jail": "TEXT NUMBER\n". */
void log_note(struct log *l, const char *text, uint64_t number);
/* An unfinished line, or a loss that is not told yet. */
bool log_is_held(const struct log *l);
/* Gives back the memory of buffers that hold nothing. */
void log_release(struct log *l);

#endif
