/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place where text becomes a number. Decimal only, no sign unless said, no leading or
 * trailing characters, overflow is an error. All return 0 or -EINVAL/-ERANGE with a text like
 * ""51MB": unknown unit "MB"; use B, KiB, MiB, GiB, TiB, or K, M, G, T".
 */
#ifndef JAIL_BASE_NUM_H
#define JAIL_BASE_NUM_H

#include "base/err.h"

/* Digits only, in [min, max]; "0" or no leading zero. */
int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct err *e);
int num_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *e);
/* "512MiB", "1GiB", "1G" (= GiB), "4096", "1.5GiB" (a fraction of at most 3 digits, exact). Units:
 * B K M G T KiB MiB GiB TiB; case matters. ret: bytes. */
int num_parse_size(const char *text, uint64_t *ret_bytes, struct err *e);
/* "10s", "1m30s", "500ms", "2h", "1d"; units ms s m h d, each once, descending. ret: milliseconds.
 */
int num_parse_duration(const char *text, uint64_t *ret_ms, struct err *e);
/* "1.5", "2", "0.05": CPUs, at most 3 fraction digits. ret: thousandths of a CPU, >= 1. */
int num_parse_cpus(const char *text, uint64_t *ret_millicpus, struct err *e);
/* "1.23", "0.00", "7": at most 3 fraction digits. ret: thousandths. */
int num_parse_milli(const char *text, uint64_t *ret, struct err *e);
/* "0-3,7": sorted into a canonical list, at most 8192 as number. out of size n. */
int num_parse_cpulist(const char *text, char *ret, size_t n, struct err *e);
/* The same as a bit map: number i is bit i % 8 of byte i / 8. Allocates nothing. */
#define NUM_CPUS_MAX 8192
int num_parse_cpubits(const char *text, uint8_t ret[static NUM_CPUS_MAX / 8], struct err *e);

/* Shortest exact text: 536870912 -> "512MiB"; 90000 -> "1m30s"; buffers of 32 are enough. */
void num_format_size(uint64_t bytes, char *ret, size_t n);
void num_format_duration(uint64_t ms, char *ret, size_t n);
/* For tables: "512.0MiB", at most 8 characters. */
void num_format_size_short(uint64_t bytes, char *ret, size_t n);

#endif
