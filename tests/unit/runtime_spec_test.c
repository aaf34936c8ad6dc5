/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setters, positions and hints of errors, defaults, and the last judgement of a spec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/mount.h>

#include "runtime/creds.h"
#include "runtime/spec.h"
#include "tests/unit/spec_equal.h"

#define CLEANUP_TEST_SPEC CLEANUP_SPEC struct jail_spec

static void assert_refused(int r, const struct err *e, int code, const char *fragment)
{
	if (r >= 0 || e->code != code || r != -code || !strstr(e->text, fragment))
		fail_msg("%d, code %d, \"%s\": expected %d, \"%s\"", r, e->code, e->text, code,
			 fragment);
}

#define REFUSED(call, code, fragment)                                                              \
	do {                                                                                       \
		struct err e = ERR_INIT;                                                           \
		int refused_ = (call);                                                             \
		assert_refused(refused_, &e, code, fragment);                                      \
	} while (0)
#define ACCEPTED(call)                                                                             \
	do {                                                                                       \
		struct err e = ERR_INIT;                                                           \
		if ((call) < 0)                                                                    \
			fail_msg("%s", e.text);                                                    \
		assert_int_equal(e.code, 0);                                                       \
	} while (0)

static int decode(const char *text, struct jail_spec *ret, struct err *e)
{
	return spec_decode("web.json", text, strlen(text), ret, e);
}

static void test_env(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_set_env(&s, "A=1", &e));
	ACCEPTED(spec_set_env(&s, "AB=2", &e));
	ACCEPTED(spec_set_env(&s, "A=3=x", &e));
	ACCEPTED(spec_set_env(&s, "C=", &e));
	assert_int_equal(s.process.env.n, 3);
	assert_string_equal(s.process.env.v[0], "A=3=x");
	assert_string_equal(s.process.env.v[1], "AB=2");
	assert_string_equal(s.process.env.v[2], "C=");
	assert_null(s.process.env.v[3]);
	REFUSED(spec_set_env(&s, "D", &e), EINVAL, "\"D\": expected NAME=VALUE");
	REFUSED(spec_set_env(&s, "=x", &e), EINVAL, "a variable's name");
	REFUSED(spec_set_env(&s, "A\n=x", &e), EINVAL, "a variable's name");
	assert_int_equal(s.process.env.n, 3);
}

static void test_mount_text(void **state)
{
	CLEANUP_TEST_SPEC s;
	const struct spec_mount *m;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_add_mount_text(&s, "/srv/www:/var//www/", &e));
	ACCEPTED(spec_add_mount_text(
		&s, "/srv:/b:ro,nosuid,nodev,noexec,noatime,rbind,rslave,idmap", &e));
	ACCEPTED(spec_add_mount_text(&s, "tmpfs:/c", &e));
	ACCEPTED(spec_add_mount_text(&s, "tmpfs:/d:size=64MiB,mode=0750,suid,dev,noexec", &e));
	assert_int_equal(s.n_mounts, 4);
	m = &s.mounts[0];
	assert_int_equal(m->kind, SPEC_MOUNT_BIND);
	assert_string_equal(m->source, "/srv/www");
	assert_string_equal(m->destination, "/var/www");
	assert_false(m->read_only || m->recursive || m->nosuid || m->nodev || m->noexec ||
		     m->noatime || m->idmap);
	assert_int_equal(m->propagation, 0);
	m = &s.mounts[1];
	assert_true(m->read_only && m->recursive && m->nosuid && m->nodev && m->noexec &&
		    m->noatime && m->idmap);
	assert_int_equal(m->propagation, MS_SLAVE | MS_REC);
	m = &s.mounts[2];
	assert_int_equal(m->kind, SPEC_MOUNT_TMPFS);
	assert_null(m->source);
	assert_true(m->nosuid && m->nodev && !m->noexec);
	assert_int_equal(m->mode, 01777);
	assert_int_equal(m->size_bytes, 0);
	m = &s.mounts[3];
	assert_true(!m->nosuid && !m->nodev && m->noexec);
	assert_int_equal(m->mode, 0750);
	assert_int_equal(m->size_bytes, 64 << 20);
}

static void test_mount_text_refused(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	REFUSED(spec_add_mount_text(&s, "", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, "/a", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, ":/b", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, "/a:", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, "/a:/b:ro:rw", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, "a:/b", &e), EINVAL, "source: \"a\": expected an absolute");
	REFUSED(spec_add_mount_text(&s, "/a:b", &e), EINVAL, "destination: \"b\": expected");
	REFUSED(spec_add_mount_text(&s, "/a:/b/../c", &e), EINVAL, "may not contain \"..\"");
	REFUSED(spec_add_mount_text(&s, "/a:/b:", &e), EINVAL, "no such option");
	REFUSED(spec_add_mount_text(&s, "/a:/b:ro,,rw", &e), EINVAL, "no such option");
	REFUSED(spec_add_mount_text(&s, "/a:/b:size=1M", &e), EINVAL, "of a bind mount");
	REFUSED(spec_add_mount_text(&s, "tmpfs:/b:rbind", &e), EINVAL, "of a tmpfs mount");
	REFUSED(spec_add_mount_text(&s, "tmpfs:/b:size=1MB", &e), EINVAL, "unknown unit");
	REFUSED(spec_add_mount_text(&s, "volume", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, "volume:data", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, "volume::/b", &e), EINVAL, "expected SOURCE:DESTINATION");
	REFUSED(spec_add_mount_text(&s, "volume:/a:/b", &e), EINVAL, "source: volume name \"/a\"");
	REFUSED(spec_add_mount_text(&s, "volume:a:b", &e), EINVAL, "destination: \"b\"");
	REFUSED(spec_add_mount_text(&s, "volume:a:/b:idmap", &e), EINVAL, "of a volume mount");
	REFUSED(spec_add_mount_text(&s, "block:/a:/b", &e), EINVAL, "needs the type");
	REFUSED(spec_add_mount_text(&s, "block:/a:/b:fs=vfat", &e), EINVAL, "of a block mount");
	REFUSED(spec_add_mount_text(&s, "block:a:/b:fs=ext4", &e), EINVAL, "an absolute path");
	assert_int_equal(s.n_mounts, 0);
	assert_null(s.mounts);
}

static void test_mount_text_volume(void **state)
{
	CLEANUP_TEST_SPEC s;
	struct err e = ERR_INIT;

	(void)state;
	spec_init(&s);
	assert_int_equal(spec_add_mount_text(&s, "volume:data:/var/lib/data", &e), 0);
	assert_int_equal(spec_add_mount_text(&s, "volume:data:/b:ro,suid", &e), 0);
	assert_int_equal(spec_add_mount_text(&s, "block:/dev/vdb:/c:fs=xfs", &e), 0);
	assert_int_equal(spec_add_mount_text(&s, "block:/x.img:/d:fs=squashfs", &e), 0);
	assert_int_equal(s.n_mounts, 4);
	assert_int_equal(s.mounts[0].kind, SPEC_MOUNT_VOLUME);
	assert_string_equal(s.mounts[0].source, "data");
	assert_string_equal(s.mounts[0].destination, "/var/lib/data");
	assert_true(s.mounts[0].nosuid && s.mounts[0].nodev);
	assert_false(s.mounts[0].read_only || s.mounts[0].noexec);
	assert_true(s.mounts[1].read_only && !s.mounts[1].nosuid && s.mounts[1].nodev);
	assert_int_equal(s.mounts[2].kind, SPEC_MOUNT_BLOCK);
	assert_string_equal(s.mounts[2].fstype, "xfs");
	assert_false(spec_mount_is_read_only(&s.mounts[2]));
	/* Whatever is asked for, it can't be written. */
	assert_true(spec_mount_is_read_only(&s.mounts[3]));
}

static void test_capabilities(void **state)
{
	uint64_t chown = UINT64_C(1) << creds_capability_parse("CAP_CHOWN");
	uint64_t net_raw = UINT64_C(1) << creds_capability_parse("CAP_NET_RAW");
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	REFUSED(spec_set_capabilities(&s, "+CAP_FLY", &e), EINVAL, "no such capability");
	REFUSED(spec_set_capabilities(&s, "CAP_CHOWN", &e), EINVAL, "expected \"+CAPABILITY\"");
	REFUSED(spec_set_capabilities(&s, "", &e), EINVAL, "expected");
	assert_false(s.security.has_capabilities);
	ACCEPTED(spec_set_capabilities(&s, "+CAP_NET_RAW", &e));
	assert_true(s.security.has_capabilities);
	assert_int_equal(s.security.capabilities, creds_default_capabilities() | net_raw);
	ACCEPTED(spec_set_capabilities(&s, "-chown", &e));
	assert_int_equal(s.security.capabilities,
			 (creds_default_capabilities() | net_raw) & ~chown);
	ACCEPTED(spec_set_capabilities(&s, "none", &e));
	assert_int_equal(s.security.capabilities, 0);
	ACCEPTED(spec_set_capabilities(&s, "+chown", &e));
	assert_int_equal(s.security.capabilities, chown);
	ACCEPTED(spec_set_capabilities(&s, "all", &e));
	assert_int_equal(s.security.capabilities, creds_capabilities_known());
}

static void test_signals(void **state)
{
	int signal = -7;

	(void)state;
	for (int i = 1; i <= 64; i++) {
		const char *name = spec_signal_name(i);
		char number[8];

		assert_int_equal(name == NULL, i == 32 || i == 33);
		if (!name)
			continue;
		ACCEPTED(spec_set_signal(name, &signal, &e));
		assert_int_equal(signal, i);
		ACCEPTED(spec_set_signal(name + 3, &signal, &e));
		assert_int_equal(signal, i);
		assert_true(str_format(number, sizeof(number), "%d", i) > 0);
		ACCEPTED(spec_set_signal(number, &signal, &e));
		assert_int_equal(signal, i);
	}
	assert_null(spec_signal_name(0));
	assert_null(spec_signal_name(-1));
	assert_null(spec_signal_name(65));
	ACCEPTED(spec_set_signal("SIGRTMAX-1", &signal, &e));
	assert_int_equal(signal, 63);
	ACCEPTED(spec_set_signal("RTMAX", &signal, &e));
	assert_int_equal(signal, 64);
	signal = 7;
	REFUSED(spec_set_signal("", &signal, &e), EINVAL, "no such signal");
	REFUSED(spec_set_signal("SIG", &signal, &e), EINVAL, "no such signal");
	REFUSED(spec_set_signal("0", &signal, &e), EINVAL, "no such signal");
	REFUSED(spec_set_signal("32", &signal, &e), EINVAL, "no such signal");
	REFUSED(spec_set_signal("65", &signal, &e), EINVAL, "no such signal");
	REFUSED(spec_set_signal("sigterm", &signal, &e), EINVAL, "no such signal");
	REFUSED(spec_set_signal("RTMAX-31", &signal, &e), EINVAL, "no such signal");
	REFUSED(spec_set_signal("SIGSIGTERM", &signal, &e), EINVAL, "no such signal");
	assert_int_equal(signal, 7);
}

static void test_rlimits(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_set_rlimit(&s, "nofile", 1024, 4096, &e));
	ACCEPTED(spec_set_rlimit(&s, "core", 0, UINT64_MAX, &e));
	ACCEPTED(spec_set_rlimit(&s, "nofile", 5, 6, &e));
	assert_int_equal(s.process.n_rlimits, 2);
	assert_int_equal(s.process.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(s.process.rlimits[0].soft, 5);
	assert_int_equal(s.process.rlimits[0].hard, 6);
	assert_int_equal(s.process.rlimits[1].resource, RLIMIT_CORE);
	REFUSED(spec_set_rlimit(&s, "nofiel", 1, 1, &e), EINVAL, "no such resource limit");
	REFUSED(spec_set_rlimit(&s, "nofile", 2, 1, &e), EINVAL, "soft limit is over");
	REFUSED(spec_set_rlimit(&s, "nofile", UINT64_MAX, 1, &e), EINVAL, "soft limit is over");
	REFUSED(spec_set_rlimit(&s, "nofile", 1, UINT64_MAX - 1, &e), ERANGE, "at most");
	assert_int_equal(s.process.rlimits[0].soft, 5);
}

static void test_labels(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_set_label(&s, "a=b=c", &e));
	ACCEPTED(spec_set_label(&s, "x.y/z=", &e));
	ACCEPTED(spec_set_label(&s, "a=d", &e));
	assert_int_equal(s.n_labels, 2);
	assert_string_equal(s.labels[0].value, "d");
	assert_string_equal(s.labels[1].key, "x.y/z");
	REFUSED(spec_set_label(&s, "a", &e), EINVAL, "expected KEY=VALUE");
	REFUSED(spec_set_label(&s, "-a=b", &e), EINVAL, "a label's key");
	REFUSED(spec_set_label(&s, "a=\n", &e), EINVAL, "control characters");
	assert_int_equal(s.n_labels, 2);
}

static void test_restart(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_set_restart(&s, "on-failure:7", &e));
	assert_int_equal(s.restart.policy, SPEC_RESTART_ON_FAILURE);
	assert_int_equal(s.restart.max_retries, 7);
	ACCEPTED(spec_set_restart(&s, "always", &e));
	assert_int_equal(s.restart.policy, SPEC_RESTART_ALWAYS);
	assert_int_equal(s.restart.max_retries, 0);
	REFUSED(spec_set_restart(&s, "on-failure:", &e), EINVAL, "expected a number");
	REFUSED(spec_set_restart(&s, "on-failure:0", &e), ERANGE, "expected a number from 1");
	REFUSED(spec_set_restart(&s, "sometimes", &e), EINVAL, "expected \"no\"");
	assert_int_equal(s.restart.policy, SPEC_RESTART_ALWAYS);
	ACCEPTED(spec_set_restart(&s, "no", &e));
	assert_int_equal(s.restart.policy, SPEC_RESTART_NO);
}

static void test_user(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_set_user(&s, "www-data:adm", &e));
	assert_string_equal(s.process.user, "www-data:adm");
	REFUSED(spec_set_user(&s, "", &e), EINVAL, "expected USER");
	REFUSED(spec_set_user(&s, "a:b:c", &e), EINVAL, "expected USER");
	REFUSED(spec_set_user(&s, "4294967295", &e), EINVAL, "expected USER");
	assert_string_equal(s.process.user, "www-data:adm");
}

static void test_positions(void **state)
{
	static const struct {
		const char *json, *text, *hint;
	} cases[] = {
		{ "{\n  \"resources\": {\n    \"memory\": { \"max\": \"51MB\" } } }",
		  "web.json:3:24: resources.memory.max: \"51MB\": unknown unit \"MB\"", "" },
		{ "{ \"procces\": {} }", "web.json:1:3: procces: unknown key",
		  "did you mean \"process\"?" },
		{ "{ \"stop\": { \"when\": 1 } }", "web.json:1:13: stop.when: unknown key",
		  "known: signal, timeout" },
		{ "{\n\t\"health\":\n\t\t{} }", "web.json:2:2: health: not supported yet", "" },
		{ "{ \"mounts\": [ {}, 7 ] }", "web.json:1:15: mounts[0]: \"destination\"", "" },
		{ "{ \"process\": { \"env\": { \"\": \"x\" } } }", "web.json:1:25: process.env",
		  "" },
		{ "{ \"network\": { \"mode\": \"hots\" } }",
		  "web.json:1:24: network.mode: \"hots\"", "did you mean \"host\"?" },
		{ "{ \"process\": { \"rlimits\": { \"nofiel\": 1 } } }",
		  "web.json:1:29: process.rlimits.nofiel: \"nofiel\": no such resource limit",
		  "did you mean \"nofile\"?" },
		{ "{ \"log\": 7 }", "web.json:1:10: log: expected an object, not a number", "" },
		{ "[]", "web.json:1:1: expected an object, not an array", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jail_spec s;
		struct err e = ERR_INIT;

		assert_true(decode(cases[i].json, &s, &e) < 0);
		if (!str_starts(e.text, cases[i].text))
			fail_msg("expected \"%s\": \"%s\"", cases[i].text, e.text);
		assert_string_equal(e.hint, cases[i].hint);
	}
}

static void test_defaults(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(decode("{\"name\":\"web\",\"image\":\"debian\"}", &s, &e));
	assert_string_equal(s.image.s, "debian:latest");
	assert_null(s.hostname);
	assert_null(s.process.cwd);
	assert_int_equal(s.stop.signal, 0);
	assert_int_equal(s.log.files, 0);
	ACCEPTED(spec_finish(&s, &e));
	assert_string_equal(s.hostname, "web");
	assert_string_equal(s.process.cwd, "/");
	assert_string_equal(s.process.user, "0");
	assert_string_equal(s.security.seccomp, "default");
	assert_int_equal(s.security.user_namespace, SPEC_USERNS_AUTO);
	assert_false(s.security.no_new_privileges);
	assert_false(s.security.has_capabilities);
	assert_int_equal(s.security.shm_size_bytes, 64 << 20);
	assert_int_equal(s.network.mode, SPEC_NETWORK_BRIDGE);
	assert_int_equal(s.network.n_interfaces, 1);
	assert_string_equal(s.network.interfaces[0].network.s, "default");
	assert_int_equal(s.restart.delay_ms, 1000);
	assert_int_equal(s.stop.signal, SIGTERM);
	assert_int_equal(s.stop.timeout_ms, 10000);
	assert_int_equal(s.log.max_size_bytes, 10 << 20);
	assert_int_equal(s.log.files, 3);
}

static void test_no_new_privileges(void **state)
{
	static const struct {
		const char *json;
		bool expected;
	} cases[] = {
		{ "{\"image\":\"a\"}", false },
		{ "{\"image\":\"a\",\"security\":{\"userNamespace\":\"host\"}}", true },
		{ "{\"image\":\"a\",\"security\":{\"userNamespace\":\"host\","
		  "\"noNewPrivileges\":false}}",
		  false },
		{ "{\"image\":\"a\",\"security\":{\"noNewPrivileges\":true}}", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_TEST_SPEC s;

		spec_init(&s);
		ACCEPTED(decode(cases[i].json, &s, &e));
		ACCEPTED(spec_finish(&s, &e));
		assert_int_equal(s.security.no_new_privileges, cases[i].expected);
	}
}

/* A time-out of 0 is a value, not "not given". */
static void test_zero_timeout(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(decode("{\"image\":\"a\",\"stop\":{\"timeout\":\"0s\"}}", &s, &e));
	ACCEPTED(spec_finish(&s, &e));
	assert_int_equal(s.stop.timeout_ms, 0);
}

/* What a flag can set past the decoder is judged all the same (row 45). */
static void set_weight(struct jail_spec *s)
{
	s->limits.has_cpu_weight = true;
	s->limits.cpu_weight = 10001;
}

static void set_memory(struct jail_spec *s)
{
	s->limits.has_memory_max = true;
	s->limits.memory_max = UINT64_C(1) << 60;
}

static void set_cpus(struct jail_spec *s)
{
	s->limits.has_cpu_max = true;
	s->limits.cpu_max_millis = 9000000;
}

static void set_pids(struct jail_spec *s)
{
	s->limits.has_pids_max = true;
	s->limits.pids_max = 4194305;
}

static void set_cwd(struct jail_spec *s)
{
	s->process.cwd = strdup("relative");
}

static void set_hostname(struct jail_spec *s)
{
	s->hostname = strdup("a b");
}

static void set_seccomp(struct jail_spec *s)
{
	s->security.seccomp = strdup("../profile.json");
}

static void set_rlimit(struct jail_spec *s)
{
	s->process.rlimits = calloc(1, sizeof(struct spec_rlimit));
	assert_non_null(s->process.rlimits);
	s->process.rlimits[0] = (struct spec_rlimit){ RLIMIT_CORE, 1, UINT64_MAX - 1 };
	s->process.n_rlimits = 1;
}

static void set_arg(struct jail_spec *s)
{
	assert_int_equal(strv_add(&s->process.args, "ok"), 0);
	assert_int_equal(strv_add(&s->process.args, "a\xff"), 0);
}

static void set_timeout(struct jail_spec *s)
{
	s->stop.timeout_ms = UINT64_MAX;
}

static void set_rootfs(struct jail_spec *s)
{
	s->rootfs = strdup("/srv/web");
}

static void test_finish_judges_flags(void **state)
{
	static const struct {
		void (*set)(struct jail_spec *s);
		int code;
		const char *text;
	} cases[] = {
		{ set_weight, ERANGE, "resources.cpu.weight: 10001: expected an integer" },
		{ set_memory, ERANGE, "resources.memory.max: \"1048576TiB\": too large" },
		{ set_cpus, ERANGE, "resources.cpu.max: \"9000\": expected from" },
		{ set_pids, ERANGE, "resources.pids.max: 4194305" },
		{ set_cwd, EINVAL, "process.cwd: \"relative\": expected an absolute path" },
		{ set_hostname, EINVAL, "hostname: \"a b\": a host name is" },
		{ set_seccomp, EINVAL, "security.seccomp: \"../profile.json\": expected" },
		{ set_rlimit, ERANGE, "process.rlimits.core.hard: 18446744073709551614" },
		{ set_arg, EILSEQ, "process.args[1]: byte 2 is not part of UTF-8" },
		{ set_timeout, ERANGE, "stop.timeout: at most 365d" },
		{ set_rootfs, EINVAL, "rootfs: either \"image\" or \"rootfs\", not both" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_TEST_SPEC s;
		struct err why = ERR_INIT;
		int r;

		spec_init(&s);
		ACCEPTED(decode("{\"image\":\"debian:12\"}", &s, &e));
		cases[i].set(&s);
		r = spec_finish(&s, &why);
		assert_refused(r, &why, cases[i].code, cases[i].text);
		/* "PATH: WHY", without the position in a text that nobody wrote. */
		assert_ptr_equal(strstr(why.text, cases[i].text), why.text);
	}
}

static void test_example(void **state)
{
	CLEANUP_TEST_SPEC s;
	CLEANUP_TEST_SPEC again;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	(void)state;
	spec_init(&s);
	spec_init(&again);
	ACCEPTED(spec_example(&s, &e));
	json_out_init(&o, &b, true);
	spec_to_json(&s, &o, NULL);
	ACCEPTED(decode(strbuf_str(&b), &again, &e));
	assert_null(spec_differ(&s, &again));
	assert_true(s.process.args.n > 0);
	ACCEPTED(spec_finish(&s, &e));
}

static void test_free_twice(void **state)
{
	struct jail_spec s;

	(void)state;
	ACCEPTED(spec_example(&s, &e));
	spec_free(&s);
	spec_free(&s);
	assert_null(s.process.args.v);
	assert_int_equal(s.n_mounts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_mount_text),
		cmocka_unit_test(test_mount_text_refused),
		cmocka_unit_test(test_mount_text_volume),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_rlimits),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_no_new_privileges),
		cmocka_unit_test(test_zero_timeout),
		cmocka_unit_test(test_finish_judges_flags),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_free_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
