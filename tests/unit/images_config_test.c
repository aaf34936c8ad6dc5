/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Config documents: what real tools wrote comes out whole, the odd is refused with its place. */
#include <netinet/in.h>

#include "base/clock.h"
#include "tests/unit/images_docs.h"

#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}"
#define RUN(members) "{" ROOTFS ",\"config\":{" members "}}"

static void parse(const char *text, size_t n, struct image_config *ret)
{
	struct err e = ERR_INIT;

	if (image_config_parse("f", text, n, ret, &e) < 0)
		fail_msg("%.300s: %s", text, e.text);
}

static void parse_run(const char *text, struct image_config *ret)
{
	parse(text, strlen(text), ret);
}

/* A list is exactly these words; the last is NULL. */
static void check_list(char *const *v, size_t n, const char *const *words)
{
	size_t i = 0;

	for (; words[i]; i++) {
		assert_true(i < n);
		assert_string_equal(v[i], words[i]);
	}
	assert_int_equal(n, i);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What the images of buildah and umoci have in common: they come from one Containerfile. */
static void check_web(const struct image_config *c)
{
	static const struct image_port ports[] = {
		{ 53, IPPROTO_UDP },   { 80, IPPROTO_TCP },   { 8000, IPPROTO_TCP },
		{ 8001, IPPROTO_TCP }, { 8002, IPPROTO_TCP }, { 8003, IPPROTO_TCP },
	};

	assert_string_equal(c->platform.os, "linux");
	assert_string_equal(c->platform.architecture, "amd64");
	assert_string_equal(c->author, "somebody");
	assert_string_equal(c->user, "1000:100");
	assert_string_equal(c->working_dir, "/srv");
	assert_string_equal(c->stop_signal, "SIGINT");
	check_list(c->entrypoint, c->n_entrypoint, LIST("/entry"));
	check_list(c->env, c->n_env, LIST("PATH=/bin", "A=1", "EMPTY="));
	check_list(c->volumes, c->n_volumes, LIST("/data", "/with space"));
	assert_true(c->n_ports >= ARRAY_SIZE(ports));
	for (size_t i = 0, k = 0; i < ARRAY_SIZE(ports); i++, k++) {
		if (c->ports[k].port == 99)
			k++;
		assert_int_equal(c->ports[k].port, ports[i].port);
		assert_int_equal(c->ports[k].protocol, ports[i].protocol);
	}
	assert_int_equal(c->n_labels, 3);
	assert_string_equal(c->labels[0].key, "io.buildah.version");
	assert_string_equal(c->labels[2].key, "two");
	assert_string_equal(c->labels[2].value, "zw ei");
	assert_int_equal(c->n_layers, 2);
	assert_string_equal(c->layers[0].hex,
			    "bd96569ffc7e2614c74d256bc403c0a62ddfdcec8176428ed8b9da76bc4ffd31");
	assert_int_equal(c->n_history, 4);
	assert_string_equal(c->history[1].comment + strlen("FROM "),
			    str_starts(c->history[1].comment, "FROM 36") ? "36a1c843e444"
									 : "69268811c09c");
	assert_false(c->history[0].empty_layer);
	assert_null(c->history[0].comment);
	assert_true(c->history[0].has_created && c->history[3].empty_layer);
}

static void test_real(void **state)
{
	static const struct {
		const char *file;
		uint64_t created_ms;
		bool health;
		size_t n_ports;
		const char *cmd[3];
	} files[] = {
		{ "image_config/buildah-oci.json", 1795795449357, false, 6, { "a", "b c" } },
		{ "image_config/buildah-docker.json", 1795795449872, true, 6, { "a", "b c" } },
		{ "image_config/umoci.json", 1795795449357, false, 7, { "/x" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
		size_t n = 0;
		CLEANUP_FREE char *text = docs_read(files[i].file, &n);

		parse(text, n, &c);
		check_web(&c);
		check_list(c.cmd, c.n_cmd, files[i].cmd);
		assert_int_equal(c.n_ports, files[i].n_ports);
		assert_true(c.has_created);
		assert_int_equal(c.created_ms, files[i].created_ms);
		assert_int_equal(c.health.is_set, files[i].health);
		if (!files[i].health)
			continue;
		assert_true(c.health.shell && !c.health.disabled);
		check_list(c.health.test, c.health.n_test, LIST("curl -f http://localhost/"));
		assert_int_equal(c.health.interval_ms, 30000);
		assert_int_equal(c.health.timeout_ms, 1500);
		assert_int_equal(c.health.start_period_ms, 0);
		assert_int_equal(c.health.retries, 3);
	}
}

/* null and "" are as good as not given. */
static void test_docker(void **state)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
	size_t n = 0;
	CLEANUP_FREE char *text = docs_read("image_config/docker.json", &n);

	(void)state;
	parse(text, n, &c);
	assert_string_equal(c.platform.architecture, "arm64");
	assert_string_equal(c.platform.variant, "v8");
	assert_true(c.has_created);
	assert_int_equal(c.created_ms, 1714989600500);
	check_list(c.cmd, c.n_cmd, LIST("bash"));
	assert_true(!c.user && !c.working_dir && !c.stop_signal && !c.author);
	assert_true(!c.n_entrypoint && !c.n_volumes && !c.n_labels && !c.n_ports);
	assert_false(c.health.is_set);
	assert_int_equal(c.n_history, 2);
	assert_string_equal(c.history[1].comment, "buildkit.dockerfile.v0");
}

/* An image without a layer yet. */
static void test_empty(void **state)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 7 };
	size_t n = 0;
	CLEANUP_FREE char *text = docs_read("image_config/umoci-new.json", &n);

	(void)state;
	parse(text, n, &c);
	assert_int_equal(c.n_layers, 0);
	assert_int_equal(c.n_history, 0);
	assert_string_equal(c.platform.os, "linux");
	assert_true(c.has_created);
}

static void test_least(void **state)
{
	static const char *const least[] = {
		"{" ROOTFS "}",
		"{" ROOTFS ",\"config\":null,\"history\":null,\"created\":null,\"os\":null}",
		"{\"rootfs\":{\"diff_ids\":[]},\"history\":[],\"unknown\":{\"a\":[1e999]}}",
		RUN("\"Env\":[],\"Cmd\":[],\"Volumes\":{},\"ExposedPorts\":{},\"Labels\":{}"),
		RUN("\"Healthcheck\":{\"Test\":[]},\"User\":\"\",\"StopSignal\":\"\""),
		RUN("\"Healthcheck\":{}"),
	};
	static const struct image_config nothing = { .n_layers = 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(least); i++) {
		CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 7 };

		parse_run(least[i], &c);
		free(c.ports);
		c.ports = NULL;
		assert_memory_equal(&c, &nothing, sizeof(c));
	}
}

static void test_platform(void **state)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };

	(void)state;
	parse_run("{" ROOTFS ",\"os\":\"Linux\",\"architecture\":\"x86_64\"}", &c);
	assert_string_equal(c.platform.os, "linux");
	assert_string_equal(c.platform.architecture, "amd64");
	image_config_free(&c);
	parse_run("{" ROOTFS ",\"os\":\"a word that is too long\",\"architecture\":\"\\u001b\"}",
		  &c);
	assert_string_equal(c.platform.os, "unknown");
	assert_string_equal(c.platform.architecture, "unknown");
}

/* Row 44: strings come out as they are, whatever they look like. */
static void test_strings(void **state)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };

	(void)state;
	parse_run(RUN("\"Entrypoint\":\"one word\",\"Cmd\":[\"\",\"-x\",\"a\\nb\",\"%n\"],"
		      "\"WorkingDir\":\"../..\",\"User\":\"0\\u001b[2J\","
		      "\"Volumes\":{\"/z\":{},\"../..\":{},\"\":null,\"/a\":7},"
		      "\"Labels\":{\"z\":null,\"mounts\":\"\\n\",\"__proto__\":\"x\"}"),
		  &c);
	check_list(c.entrypoint, c.n_entrypoint, LIST("one word"));
	check_list(c.cmd, c.n_cmd, LIST("", "-x", "a\nb", "%n"));
	assert_string_equal(c.working_dir, "../..");
	assert_string_equal(c.user, "0\x1b[2J");
	check_list(c.volumes, c.n_volumes, LIST("", "../..", "/a", "/z"));
	assert_int_equal(c.n_labels, 3);
	assert_string_equal(c.labels[0].key, "__proto__");
	assert_string_equal(c.labels[1].key, "mounts");
	assert_string_equal(c.labels[1].value, "\n");
	assert_string_equal(c.labels[2].value, "");
}

static void test_env(void **state)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };

	(void)state;
	parse_run(RUN("\"Env\":[\"HOME\",\"A=1\",\"\",\"=x\",\"B=\",\"A=a=b\",\"C=x\\ny\",\"*\"]"),
		  &c);
	check_list(c.env, c.n_env, LIST("A=1", "B=", "A=a=b", "C=x\ny"));
	image_config_free(&c);
	parse_run(RUN("\"Env\":[\"HOME\"]"), &c);
	assert_int_equal(c.n_env, 0);
}

static void test_ports(void **state)
{
	static const struct {
		const char *keys;
		struct image_port ports[5];
	} cases[] = {
		{ "\"80\":{}", { { 80, IPPROTO_TCP } } },
		{ "\"80\":{},\"80/tcp\":{},\"79-81/tcp\":null",
		  { { 79, IPPROTO_TCP }, { 80, IPPROTO_TCP }, { 81, IPPROTO_TCP } } },
		{ "\"53/udp\":{},\"53/tcp\":{},\"53/sctp\":{},\"9/UDP\":{}",
		  { { 9, IPPROTO_UDP },
		    { 53, IPPROTO_TCP },
		    { 53, IPPROTO_UDP },
		    { 53, IPPROTO_SCTP } } },
		{ "\"65535\":{},\"1\":{}", { { 1, IPPROTO_TCP }, { 65535, IPPROTO_TCP } } },
		{ "\"65534-65535\":{}", { { 65534, IPPROTO_TCP }, { 65535, IPPROTO_TCP } } },
		{ "\"7-7/udp\":{}", { { 7, IPPROTO_UDP } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		size_t n = 0;

		strbuf_addf(&b, RUN("\"ExposedPorts\":{%s}"), cases[i].keys);
		parse_run(b.data, &c);
		for (; cases[i].ports[n].port; n++) {
			assert_true(n < c.n_ports);
			assert_int_equal(c.ports[n].port, cases[i].ports[n].port);
			assert_int_equal(c.ports[n].protocol, cases[i].ports[n].protocol);
		}
		assert_int_equal(c.n_ports, n);
	}
}

static void test_ports_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/tcp",
		"0",
		"65536",
		"80/",
		"80/icmp",
		"80/tcp/udp",
		"-80",
		"80-",
		"80-79",
		"80-81-82",
		"1-65536",
		" 80",
		"80 ",
		"08",
		"+80",
		"tcp/80",
		"80\\n",
		"8.8.8.8:80:80",
		"4294967376",
		"18446744073709551696",
		"%n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct image_config c = { .n_layers = 7 };
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		struct err e = ERR_INIT;
		int r;

		strbuf_addf(&b, RUN("\"ExposedPorts\":{\"1\":{},\"%s\":{}}"), bad[i]);
		r = image_config_parse("f", b.data, b.len, &c, &e);
		docs_refused(b.data, r, &e, EINVAL, "expected PORT[-LAST][/tcp|/udp|/sctp]");
		assert_int_equal(c.n_layers, 7);
	}
}

static void test_health(void **state)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };

	(void)state;
	parse_run(RUN("\"Healthcheck\":{\"Test\":[\"NONE\",\"x\"],\"Interval\":0}"), &c);
	assert_true(c.health.is_set && c.health.disabled && !c.health.shell);
	assert_int_equal(c.health.n_test, 0);
	image_config_free(&c);
	parse_run(RUN("\"Healthcheck\":{\"Test\":[\"CMD\",\"/a\",\"b\"],\"Interval\":1,"
		      "\"Timeout\":1000001,\"StartPeriod\":9223372036854775807,"
		      "\"Retries\":2147483647}"),
		  &c);
	assert_true(c.health.is_set && !c.health.disabled && !c.health.shell);
	check_list(c.health.test, c.health.n_test, LIST("/a", "b"));
	assert_int_equal(c.health.interval_ms, 1); /* never 0, which is "not said" */
	assert_int_equal(c.health.timeout_ms, 2);
	assert_int_equal(c.health.start_period_ms, 9223372036855);
	assert_int_equal(c.health.retries, 2147483647);
}

/* Go's zero time, and what else is before 1970, is no time. */
static void test_created(void **state)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };

	(void)state;
	parse_run("{" ROOTFS ",\"created\":\"0001-01-01T00:00:00Z\","
		  "\"history\":[{\"created\":\"1969-12-31T23:59:59Z\"},{},"
		  "{\"created\":\"1970-01-01T00:00:00Z\"}]}",
		  &c);
	assert_false(c.has_created);
	assert_int_equal(c.n_history, 3);
	assert_false(c.history[0].has_created);
	assert_false(c.history[1].has_created);
	assert_true(c.history[2].has_created);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *words;
	} cases[] = {
		{ "[]", EINVAL, "f:1:1: expected an object" },
		{ "{}", EINVAL, "\"rootfs\" is missing" },
		{ "{\"rootfs\":{}}", EINVAL, "rootfs: \"diff_ids\" is missing" },
		{ "{\"rootfs\":{\"type\":\"foreign\",\"diff_ids\":[]}}", EMEDIUMTYPE,
		  "rootfs.type: expected \"layers\", not \"foreign\"" },
		{ "{\"rootfs\":{\"diff_ids\":[\"md5:1\"]}}", EINVAL,
		  "f:1:24: rootfs.diff_ids[0]: digest \"md5:1\"" },
		{ "{\"rootfs\":{\"diff_ids\":[\"sha256:../x\"]}}", EINVAL, "only 0-9 and a-f" },
		{ "{\"rootfs\":{\"diff_ids\":[null]}}", EINVAL, "expected a string" },
		{ "{" ROOTFS ",\"created\":\"yesterday\"}", EINVAL,
		  "created: \"yesterday\" is no time of RFC 3339" },
		{ "{" ROOTFS ",\"created\":7}", EINVAL, "created: expected a string" },
		{ "{" ROOTFS ",\"os\":7}", EINVAL, "os: expected a string" },
		{ "{" ROOTFS ",\"history\":{}}", EINVAL, "history: expected an array" },
		{ "{" ROOTFS ",\"history\":[7]}", EINVAL, "history[0]: expected an object" },
		{ "{" ROOTFS ",\"history\":[{},{\"empty_layer\":1}]}", EINVAL,
		  "history[1].empty_layer: expected" },
		{ "{" ROOTFS ",\"history\":[{\"created_by\":[]}]}", EINVAL,
		  "history[0].created_by: expected a string" },
		{ "{" ROOTFS ",\"config\":[]}", EINVAL, "config: expected an object" },
		{ RUN("\"Cmd\":[\"a\",7]"), EINVAL, "config.Cmd[1]: expected a string" },
		{ RUN("\"Cmd\":{}"), EINVAL, "config.Cmd: expected an array" },
		{ RUN("\"Env\":\"A=1\""), EINVAL, "config.Env: expected an array" },
		{ RUN("\"Env\":[\"A=1\",null]"), EINVAL, "config.Env[1]: expected a string" },
		{ RUN("\"User\":0"), EINVAL, "config.User: expected a string" },
		{ RUN("\"Volumes\":[\"/v\"]"), EINVAL, "config.Volumes: expected an object" },
		{ RUN("\"ExposedPorts\":[80]"), EINVAL, "config.ExposedPorts: expected an obj" },
		{ RUN("\"Labels\":{\"a\":\"x\",\"b\":7}"), EINVAL, "config.Labels.b: expected" },
		{ RUN("\"Labels\":{\"a\":\"x\",\"a\":\"y\"}"), EINVAL, "duplicate key" },
		{ RUN("\"Labels\":{\"a\":\"x\\u0000y\"}"), EINVAL, "NUL is not allowed" },
		{ RUN("\"Labels\":{\"a\":\"\\ud800\"}"), EINVAL, "lone surrogate" },
		{ RUN("\"Healthcheck\":{\"Test\":[\"CURL\",\"x\"]}"), EINVAL,
		  "config.Healthcheck.Test[0]: expected \"NONE\"" },
		{ RUN("\"Healthcheck\":{\"Test\":[\"CMD\"]}"), EINVAL, "no command" },
		{ RUN("\"Healthcheck\":{\"Test\":[\"CMD-SHELL\"]}"), EINVAL, "no command" },
		{ RUN("\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"a\",\"b\"]}"), EINVAL,
		  "more than one command" },
		{ RUN("\"Healthcheck\":{\"Test\":\"x\"}"), EINVAL, "Test: expected an array" },
		{ RUN("\"Healthcheck\":{\"Interval\":-1}"), EINVAL, "Interval: expected a whole" },
		{ RUN("\"Healthcheck\":{\"Timeout\":1e999}"), EINVAL, "Timeout: expected a who" },
		{ RUN("\"Healthcheck\":{\"Timeout\":9223372036854775808}"), EINVAL, "a whole" },
		{ RUN("\"Healthcheck\":{\"StartPeriod\":\"1s\"}"), EINVAL, "expected a number" },
		{ RUN("\"Healthcheck\":{\"Retries\":2147483648}"), ERANGE, "more than 21474836" },
		{ "{" ROOTFS "}{}", EINVAL, "trailing garbage" },
		{ "\xef\xbb\xbf{" ROOTFS "}", EINVAL, "byte order mark" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_config c = { .n_layers = 7 };
		struct err e = ERR_INIT;
		int r = image_config_parse("f", cases[i].text, strlen(cases[i].text), &c, &e);

		docs_refused(cases[i].text, r, &e, cases[i].code, cases[i].words);
		assert_int_equal(c.n_layers, 7); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),	      cmocka_unit_test(test_docker),
		cmocka_unit_test(test_empty),	      cmocka_unit_test(test_least),
		cmocka_unit_test(test_platform),      cmocka_unit_test(test_strings),
		cmocka_unit_test(test_env),	      cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_refused), cmocka_unit_test(test_health),
		cmocka_unit_test(test_created),	      cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
