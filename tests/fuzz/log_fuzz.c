/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log's decoder on any bytes, and its encoder on any output: what is written must be read back
 * byte for byte, cutting where the monitor would.
 */
#include "base/limits.h"
#include "cmd/jail-monitor/line.c"
#include "cmd/jail-monitor/text.c"
#include "runtime/log_record.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void round_trip(const uint8_t *data, size_t size)
{
	static char line[LINE_ENCODED_MAX(LIMIT_LOG_LINE)];
	static char text[sizeof(line)];
	struct log_record record;
	size_t n = line_cut(data, size);
	size_t length = line_encode(line, "2026-11-21T00:48:41.123Z", "stdout", data, n);

	require(n <= size && size - n <= 3);
	require(length <= LINE_ENCODED_MAX(n) && length <= LOG_RECORD_MAX);
	require(line[length - 1] == '\n' && memchr(line, '\n', length) == &line[length - 1]);
	require(log_record_parse(line, length - 1, &record, text) == 0);
	require(record.n == n && memcmp(text, data, n) == 0);
	require(record.raw == !is_utf8(data, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[LOG_RECORD_MAX];
	struct log_record record;

	if (size > LIMIT_LOG_LINE)
		return 0;
	if (log_record_parse((const char *)data, size, &record, text) == 0)
		require(record.n <= size && strlen(record.time) == LOG_TIME_LEN);
	round_trip(data, size);
	return 0;
}
