/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an instance's log: STATE/instances/NAME/log.json and log.json.1 ... (older), JSON lines
 *   {"time":"2026-11-21T00:48:41.123Z","stream":"stdout","text":"...\n"}
 * `stream` is stdout, stderr, or jail for what the monitor itself has to say ("bytes of output
 * lost: 4096"). `text` is the output as it came, cut after a newline, or where it has grown to
 * LIMIT_LOG_LINE bytes (less if the log's maximum is tiny; never inside a UTF-8 sequence); a piece
 * without a newline is continued by the next record of its stream. `time` is when it was read from
 * the instance.
 *
 * Output that is not valid UTF-8 is not lost: its record has "raw":true at its end, and each
 * character of its text stands for one byte (those from 0x80 on written as \u00XX). The writer is
 * jail-monitor (cmd/jail-monitor/line.c); the sum of all files is at most maxSize * files.
 */
#ifndef JAIL_RUNTIME_LOG_H
#define JAIL_RUNTIME_LOG_H

#include <stdio.h>

#include "base/err.h"

struct log_options {
	bool follow; /* until the instance has ended: `alive` says so */
	uint64_t tail; /* last N records; UINT64_MAX = all */
	uint64_t since_ms; /* wall clock; 0 = all */
	bool timestamps; /* before each line */
	bool json; /* the records as they are */
	bool escape; /* for a terminal: text_escape() except newline and tab; \r\n becomes \n */
};
/* dir: STATE/instances/NAME. `alive`: asked while following, after inotify events or its time-out;
 * false = drain and end. */
typedef bool log_alive_fn(void *arg);
/*
 * Prints stdout's records to `out`, the others to `err_out`. A log that does not exist yet is an
 * empty one. Damaged records (the machine died while one was written) and records that were rotated
 * away before they could be followed are left out with a warning.
 */
int log_print(int dir, const struct log_options *o, FILE *out, FILE *err_out, log_alive_fn *alive,
	      void *arg, struct err *e);

/*
 * For the launcher, before it hands the directory to the monitor: whether log.json is, or can be
 * made, a regular file that can be written to. A symlink or FIFO in its place is an error (row 81).
 */
int log_check(int dir, struct err *e);

#endif
