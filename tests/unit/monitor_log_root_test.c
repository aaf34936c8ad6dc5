/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What jail-monitor writes: log.json, its rotation, and the exit record. */
#include "monitor_rig.h"

#include <sched.h>

#include "base/limits.h"
#include "base/num.h"

static void test_records(void **state)
{
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };

	rig_start(r, "printf 'one\\ntwo\\nthree'; printf '\"q\\\\ \\033[2J\\t\\r\\n' >&2");
	rig_wait(r);
	rig_read_log_file(r->log, "log.json", &l);
	assert_string_equal(l.text[LOG_FROM_STDOUT], "one\ntwo\nthree");
	assert_string_equal(l.text[LOG_FROM_STDERR], "\"q\\ \033[2J\t\r\n");
	assert_int_equal(l.records, 4);
	assert_int_equal(l.raw_records, 0);
	logged_free(&l);
}

/* Output that looks like the end of a record stays text of its record (row 81). */
static void test_forged_record(void **state)
{
	static const char forged[] = "\"}\n{\"time\":\"2026-01-01T00:00:00.000Z\",\"stream\":"
				     "\"stderr\",\"text\":\"x\"}\n";
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };

	rig_write(r, "forged", forged, 0600);
	assert_int_equal(fchdir(r->dir), 0);
	rig_start(r, "cat forged");
	rig_wait(r);
	rig_read_log_file(r->log, "log.json", &l);
	assert_string_equal(l.text[LOG_FROM_STDOUT], forged);
	assert_int_equal(l.n[LOG_FROM_STDERR], 0);
	logged_free(&l);
}

static void test_utf8_split_over_writes(void **state)
{
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };

	rig_start(r,
		  "printf 'a\\303'; sleep 0.1; printf '\\251b\\n'; printf 'bad\\377\\303\\251\\n'");
	rig_wait(r);
	rig_read_log_file(r->log, "log.json", &l);
	assert_string_equal(l.text[LOG_FROM_STDOUT], "a\303\251b\nbad\377\303\251\n");
	assert_int_equal(l.records, 2);
	assert_int_equal(l.raw_records, 1);
	logged_free(&l);
}

/* 20,000 characters of three bytes without a newline: cut at the limit, but never in a character.
 */
static void test_utf8_long_line(void **state)
{
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };

	rig_start(r,
		  "printf x; i=0; while [ $i -lt 2000 ]; do "
		  "printf "
		  "'\\342\\202\\254\\342\\202\\254\\342\\202\\254\\342\\202\\254\\342\\202\\254"
		  "\\342\\202\\254\\342\\202\\254\\342\\202\\254\\342\\202\\254\\342\\202\\254'; "
		  "i=$((i+1)); done");
	rig_wait(r);
	rig_read_log_file(r->log, "log.json", &l);
	assert_int_equal(l.n[LOG_FROM_STDOUT], 60001);
	assert_int_equal(l.raw_records, 0);
	assert_int_equal(l.records, 4);
	assert_in_range(l.longest, LIMIT_LOG_LINE - 3, LIMIT_LOG_LINE);
	assert_memory_equal(l.text[LOG_FROM_STDOUT] + 59998, "\342\202\254", 3);
	logged_free(&l);
}

/* All bytes, in any order, come back as they were. */
static void test_binary(void **state)
{
	enum { SIZE = 300000 };
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };
	struct err e = ERR_INIT;
	uint8_t *data = malloc(SIZE);
	uint32_t seed = 12345;

	for (size_t i = 0; i < SIZE; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = (uint8_t)(seed >> 24);
	}
	assert_int_equal(file_write_at(r->dir, "binary", data, SIZE, 0600, FILE_NOSYNC, &e), 0);
	assert_int_equal(fchdir(r->dir), 0);
	r->log_max = 16 << 20;
	rig_start(r, "cat binary");
	rig_wait(r);
	rig_read_log_file(r->log, "log.json", &l);
	assert_int_equal(l.n[LOG_FROM_STDOUT], SIZE);
	assert_memory_equal(l.text[LOG_FROM_STDOUT], data, SIZE);
	assert_in_range(l.raw_records, 1, l.records);
	logged_free(&l);
	free(data);
}

static void assert_bounded(const struct rig *r)
{
	char name[32] = "log.json";
	struct stat st;
	unsigned i = 0;

	while (fstatat(r->log, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		assert_in_range(st.st_size, 1, r->log_max);
		(void)snprintf(name, sizeof(name), "log.json.%u", ++i);
	}
	assert_int_equal(i, r->files);
}

/* JAIL_TEST_LOG_BYTES: 1 GiB takes some seconds (1073741824). */
static void rotation(struct rig *r, const char *what)
{
	const char *bytes = getenv("JAIL_TEST_LOG_BYTES");
	char script[128];

	(void)snprintf(script, sizeof(script), "%s | head -c %s", what,
		       bytes != NULL ? bytes : "16777216");
	rig_start(r, script);
	rig_wait(r);
	assert_bounded(r);
}

static void test_rotation_no_newline(void **state)
{
	rotation(*state, "tr '\\0' x < /dev/zero");
}

static void test_rotation_worst_bytes(void **state)
{
	rotation(*state, "cat /dev/zero");
}

static void test_rotation_lines(void **state)
{
	struct logged l = { .n = { 0 } };
	struct rig *r = *state;

	r->log_max = 100000;
	r->files = 5;
	rotation(r, "yes abcdefghi");
	/* No record is lost or cut between files. */
	rig_read_log_file(r->log, "log.json.2", &l);
	rig_read_log_file(r->log, "log.json.1", &l);
	assert_int_equal(l.n[LOG_FROM_STDOUT], l.records * 10);
	logged_free(&l);
}

static void test_rotation_one_tiny_file(void **state)
{
	struct rig *r = *state;

	r->log_max = MONITOR_LOG_MIN;
	r->files = 1;
	rotation(r, "cat /dev/zero");
}

/* A start with fewer files than before leaves none over. */
static void test_rotation_fewer_files(void **state)
{
	struct rig *r = *state;
	int fd;

	for (int i = 1; i < 6; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "log.json.%d", i);
		fd = openat(r->log, name, O_CREAT | O_WRONLY, 0600);
		assert_true(fd >= 0);
		(void)close(fd);
	}
	rig_start(r, "true");
	rig_wait(r);
	assert_int_equal(faccessat(r->log, "log.json.2", F_OK, 0), 0);
	assert_int_equal(faccessat(r->log, "log.json.3", F_OK, 0), -1);
	assert_int_equal(faccessat(r->log, "log.json.5", F_OK, 0), -1);
}

/* A record that a crash has cut spoils only itself. */
static void test_cut_record(void **state)
{
	struct rig *r = *state;
	struct err e = ERR_INIT;
	char *text;

	assert_int_equal(file_write_at(r->log, "log.json", "{\"time\":", 8, 0600, FILE_NOSYNC, &e),
			 0);
	rig_start(r, "echo x");
	rig_wait(r);
	text = rig_read(r->log, "log.json", NULL);
	assert_memory_equal(text, "{\"time\":\n{\"time\":\"", 18);
	free(text);
}

/* A symlink, FIFO or directory is not written to; the instance runs all the same (row 81). */
static void test_log_is_a_link(void **state)
{
	struct rig *r = *state;

	rig_write(r, "canary", "sings\n", 0600);
	assert_int_equal(symlinkat("../canary", r->log, "log.json"), 0);
	rig_start(r, "echo x; exit 4");
	rig_wait(r);
	rig_assert_file(r->dir, "canary", "sings\n");
	rig_assert_file(r->dir, "argv", "--config /etc/jail.json _finish web 4 exited 0\n");
}

static void test_log_is_a_fifo(void **state)
{
	struct rig *r = *state;

	assert_int_equal(mkfifoat(r->log, "log.json", 0600), 0);
	rig_start(r, "echo x; exit 4");
	rig_wait(r);
	rig_assert_file(r->dir, "argv", "--config /etc/jail.json _finish web 4 exited 0\n");
}

/* What does not fit on the disk is counted, and the count is logged when there is room again. */
static void test_full_disk(void **state)
{
	enum { SIZE = 1000000 };
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };
	char log[96];
	uint64_t lost = 0;
	int filler;

	(void)snprintf(log, sizeof(log), "%s/log", r->path);
	assert_int_equal(mount("tmpfs", log, "tmpfs", 0, "size=512k,mode=0700"), 0);
	(void)close(r->log);
	r->log = open(log, O_DIRECTORY | O_CLOEXEC);
	filler = openat(r->log, "filler", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(fallocate(filler, 0, 0, 256 << 10), 0);
	(void)close(filler);
	assert_int_equal(fchdir(r->dir), 0);
	assert_int_equal(mkfifoat(r->dir, "go", 0600), 0);
	r->log_max = 100 << 20;
	rig_start(r, "yes abcdefghi | head -c 1000000; read x < go; echo after");
	for (int i = 0; i < 3; i++) {
		msleep(200);
		assert_int_equal(waitpid(r->pid, NULL, WNOHANG), 0);
	}
	assert_int_equal(unlinkat(r->log, "filler", 0), 0);
	assert_int_equal(write(openat(r->dir, "go", O_WRONLY), "go\n", 3), 3);
	rig_wait(r);
	rig_read_log_file(r->log, "log.json", &l);
	assert_non_null(l.text[LOG_FROM_JAIL]);
	for (const char *at = l.text[LOG_FROM_JAIL]; *at != '\0'; at = strchr(at, '\n') + 1) {
		unsigned long part;

		assert_int_equal(sscanf(at, "bytes of output lost: %lu\n", &part), 1);
		lost += part;
	}
	assert_in_range(lost, 1, SIZE);
	assert_int_equal(l.n[LOG_FROM_STDOUT] + lost, SIZE + 6);
	assert_string_equal(l.text[LOG_FROM_STDOUT] + l.n[LOG_FROM_STDOUT] - 6, "after\n");
	logged_free(&l);
	(void)umount2(log, MNT_DETACH);
}

static void assert_record(const struct rig *r, const char *start, const char *end)
{
	char *text = rig_read(r->log, "exit.json", NULL);

	assert_memory_equal(text, start, strlen(start));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	free(text);
	assert_int_equal(faccessat(r->log, "exit.next", F_OK, 0), -1);
}

static void test_exit_record(void **state)
{
	struct rig *r = *state;

	r->retries = 2;
	rig_start(r, "exit 3");
	rig_wait(r);
	assert_record(r, "{\"status\":3,\"signal\":0,\"reason\":\"exited\",\"startedAt\":\"20",
		      ",\"restarts\":2}\n");
}

static void test_exit_record_signal(void **state)
{
	struct rig *r = *state;
	char room[1000];

	/* As the launcher leaves it: larger than the record. */
	memset(room, ' ', sizeof(room) - 1);
	room[sizeof(room) - 1] = '\0';
	rig_write(r, "log/exit.next", room, 0600);
	rig_start(r, "kill -KILL $$");
	rig_wait(r);
	assert_record(r, "{\"status\":137,\"signal\":9,\"reason\":\"signalled\",\"startedAt\":\"20",
		      ",\"restarts\":0}\n");
	rig_assert_file(r->dir, "argv", "--config /etc/jail.json _finish web 137 signalled 0\n");
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_records),
		RIG_TEST(test_forged_record),
		RIG_TEST(test_utf8_split_over_writes),
		RIG_TEST(test_utf8_long_line),
		RIG_TEST(test_binary),
		RIG_TEST(test_rotation_no_newline),
		RIG_TEST(test_rotation_worst_bytes),
		RIG_TEST(test_rotation_lines),
		RIG_TEST(test_rotation_one_tiny_file),
		RIG_TEST(test_rotation_fewer_files),
		RIG_TEST(test_cut_record),
		RIG_TEST(test_log_is_a_link),
		RIG_TEST(test_log_is_a_fifo),
		RIG_TEST(test_full_disk),
		RIG_TEST(test_exit_record),
		RIG_TEST(test_exit_record_signal),
	};

	return cmocka_run_group_tests(tests, rig_private_mounts, NULL);
}
