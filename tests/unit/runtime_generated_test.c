/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of /etc that depend on the instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "runtime/generated.h"

static struct jail_spec spec_of(const char *text)
{
	struct err e = ERR_INIT;
	struct jail_spec s;

	spec_init(&s);
	assert_int_equal(spec_decode("test", text, strlen(text), &s, &e), 0);
	assert_int_equal(spec_finish(&s, &e), 0);
	return s;
}

struct made {
	struct generated g;
	struct rootfs_file files[GENERATED_FILES];
};

static void make(const char *text, const char *address, struct made *m)
{
	struct jail_spec s = spec_of(text);
	struct in_addr a = { 0 };
	struct err e = ERR_INIT;

	if (address)
		assert_int_equal(inet_pton(AF_INET, address, &a), 1);
	*m = (struct made){ .g = { STRBUF_INIT, STRBUF_INIT, STRBUF_INIT } };
	assert_int_equal(generated_make(&s, a, &m->g, m->files, &e), 0);
	assert_string_equal(m->files[0].destination, "/etc/hostname");
	assert_string_equal(m->files[1].destination, "/etc/hosts");
	assert_string_equal(m->files[2].destination, "/etc/resolv.conf");
	for (size_t i = 0; i < GENERATED_FILES; i++)
		assert_int_equal(strlen(m->files[i].content), m->files[i].len);
	spec_free(&s);
}

static void test_names(void **state)
{
	struct made m;

	(void)state;
	make("{\"name\":\"web\",\"image\":\"x\",\"hostname\":\"web.acme.example\"}", "10.88.0.7",
	     &m);
	assert_string_equal(m.files[0].content, "web.acme.example\n");
	assert_string_equal(m.files[1].content,
			    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
			    "10.88.0.7\tweb.acme.example web\n");
	generated_free(&m.g);
	/* One label, no address of its own. */
	make("{\"name\":\"web\",\"image\":\"x\",\"network\":{\"mode\":\"none\"}}", NULL, &m);
	assert_string_equal(m.files[0].content, "web\n");
	assert_non_null(strstr(m.files[1].content, "\n127.0.1.1\tweb\n"));
	assert_int_equal(m.files[2].len, 0);
	generated_free(&m.g);
}

static void test_own_servers(void **state)
{
	struct made m;

	(void)state;
	make("{\"name\":\"web\",\"image\":\"x\",\"network\":{\"dns\":[\"192.0.2.1\",\"192.0.2.2\"]}"
	     "}",
	     "10.88.0.7", &m);
	assert_string_equal(m.files[2].content, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
	generated_free(&m.g);
	make("{\"name\":\"web\",\"image\":\"x\",\"network\":{\"mode\":\"none\",\"dns\":[\"192.0.2."
	     "1\"]}}",
	     NULL, &m);
	assert_string_equal(m.files[2].content, "nameserver 192.0.2.1\n");
	generated_free(&m.g);
}

static void assert_copy(const char *text, bool all, bool found, const char *copy)
{
	struct strbuf b = STRBUF_INIT;

	assert_int_equal(generated_copy_resolv(text, all, &b), found);
	assert_string_equal(strbuf_str(&b), copy);
	strbuf_free(&b);
}

static void test_host_servers(void **state)
{
	(void)state;
	assert_copy("", false, false, "");
	assert_copy("nameserver 192.0.2.1\n", false, true, "nameserver 192.0.2.1\n");
	/* Without a newline, with other blanks, with what nobody else may have written. */
	assert_copy("nameserver 192.0.2.1", false, true, "nameserver 192.0.2.1\n");
	assert_copy("nameserver\t 192.0.2.1 \n", false, true, "nameserver\t 192.0.2.1 \n");
	assert_copy("# nameserver 192.0.2.1\nsortlist 10/8\n", false, false, "");
	assert_copy("nameserver192.0.2.1\nnameserver\nnameserver \n", false, false, "");
	assert_copy("nameserver 192.0.2.1junk\nnameserver 300.1.1.1\n", false, false, "");
	/* Out of reach for an instance on the bridge. */
	assert_copy("nameserver 127.0.0.1\nnameserver 127.9.9.9\nnameserver ::1\n"
		    "nameserver 2001:db8::1\nnameserver 0.0.0.0\nnameserver fe80::1%eth0\n",
		    false, false, "");
	assert_copy("nameserver 127.0.0.1\nnameserver 2001:db8::1\n", true, true,
		    "nameserver 127.0.0.1\nnameserver 2001:db8::1\n");
}

/* systemd-resolved's stub: its other lines must not pass for a useful file. */
static void test_stub_resolver(void **state)
{
	(void)state;
	assert_copy("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch example.com\n", false,
		    false, "options edns0 trust-ad\nsearch example.com\n");
	assert_copy("nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.com\n", false,
		    true, "nameserver 192.0.2.1\nsearch example.com\n");
}

/* As long as a file may be, without a newline. */
static void test_long_line(void **state)
{
	CLEANUP_FREE char *text = malloc(65537);

	(void)state;
	assert_non_null(text);
	memset(text, '1', 65536);
	memcpy(text, "nameserver ", 11);
	text[65536] = '\0';
	assert_copy(text, true, false, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	     cmocka_unit_test(test_own_servers),
		cmocka_unit_test(test_host_servers), cmocka_unit_test(test_stub_resolver),
		cmocka_unit_test(test_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
