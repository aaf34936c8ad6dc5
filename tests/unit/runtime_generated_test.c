/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of /etc that depend on the instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "runtime/generated.h"

/* Not decoded: what matters here is the spec, whatever it was made from. */
struct made {
	struct generated g;
	struct rootfs_file files[GENERATED_FILES];
};

struct want {
	const char *hostname, *dns;
	enum spec_network_mode mode;
	const char *v4, *v6;
	bool internal, shared;
};

static void make(const struct want *want, struct made *m)
{
	struct jail_spec s = { .hostname = strdup(want->hostname) };
	struct generated_network network = { .internal = want->internal,
					     .hosts = want->shared ? 77 : -EBADF };
	struct err e = ERR_INIT;

	s.network.mode = want->mode;
	if (want->dns) {
		s.network.dns[0] = strdup(want->dns);
		s.network.n_dns = 1;
	}
	if (want->v4)
		assert_int_equal(inet_pton(AF_INET, want->v4, &network.addresses.v4), 1);
	if (want->v6)
		assert_int_equal(inet_pton(AF_INET6, want->v6, &network.addresses.v6), 1);
	*m = (struct made){ .g = { STRBUF_INIT, STRBUF_INIT, STRBUF_INIT } };
	assert_int_equal(generated_make(&s, &network, &m->g, m->files, &e), 0);
	assert_string_equal(m->files[0].destination, "/etc/hostname");
	assert_string_equal(m->files[1].destination, "/etc/hosts");
	assert_string_equal(m->files[2].destination, "/etc/resolv.conf");
	for (size_t i = 0; i < GENERATED_FILES; i++) {
		if (m->files[i].content) {
			assert_int_equal(strlen(m->files[i].content), m->files[i].len);
			assert_int_equal(m->files[i].fd, -EBADF);
		}
	}
	free(s.hostname);
	if (want->dns)
		free(s.network.dns[0]);
}

#define LOCALHOST "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"

static void assert_hosts(struct want want, const char *expected)
{
	struct made m;

	make(&want, &m);
	assert_string_equal(m.files[1].content, expected);
	generated_free(&m.g);
}

static void test_names(void **state)
{
	struct made m;

	(void)state;
	make(&(struct want){ .hostname = "web.acme.example", .v4 = "10.88.0.7" }, &m);
	assert_string_equal(m.files[0].content, "web.acme.example\n");
	generated_free(&m.g);
	assert_hosts((struct want){ .hostname = "web.acme.example", .v4 = "10.88.0.7" },
		     LOCALHOST "10.88.0.7\tweb.acme.example web\n");
	assert_hosts((struct want){ .hostname = "web", .v4 = "10.88.0.7", .v6 = "fd00::7" },
		     LOCALHOST "10.88.0.7\tweb\nfd00::7\tweb\n");
	assert_hosts((struct want){ .hostname = "web.x", .v6 = "fd00::7" },
		     LOCALHOST "fd00::7\tweb.x web\n");
	/* No address of its own. */
	assert_hosts((struct want){ .hostname = "web", .mode = SPEC_NETWORK_NONE },
		     LOCALHOST "127.0.1.1\tweb\n");
}

static void test_shared_hosts(void **state)
{
	struct made m;

	(void)state;
	make(&(struct want){ .hostname = "web", .v4 = "10.88.0.7", .shared = true }, &m);
	assert_null(m.files[1].content);
	assert_int_equal(m.files[1].fd, 77);
	assert_string_equal(m.files[0].content, "web\n");
	generated_free(&m.g);
}

static void assert_resolv(struct want want, const char *expected)
{
	struct made m;

	want.hostname = "web";
	make(&want, &m);
	assert_string_equal(m.files[2].content, expected);
	generated_free(&m.g);
}

/* Row 76: what is asked, and where, whatever the host's resolv.conf has. */
static void test_own_servers(void **state)
{
	(void)state;
	assert_resolv((struct want){ .v4 = "10.88.0.7", .dns = "192.0.2.1" },
		      "nameserver 192.0.2.1\n");
	assert_resolv((struct want){ .v4 = "10.88.0.7", .dns = "fd00::53", .internal = true },
		      "nameserver fd00::53\n");
	assert_resolv((struct want){ .dns = "192.0.2.1", .mode = SPEC_NETWORK_NONE },
		      "nameserver 192.0.2.1\n");
	assert_resolv((struct want){ .mode = SPEC_NETWORK_NONE }, "");
	assert_resolv((struct want){ .v4 = "10.88.0.7", .v6 = "fd00::7", .internal = true }, "");
}

static void assert_copy(const char *text, unsigned reach, bool found, const char *copy)
{
	struct strbuf b = STRBUF_INIT;

	assert_int_equal(generated_copy_resolv(text, reach, &b), found);
	assert_string_equal(strbuf_str(&b), copy);
	strbuf_free(&b);
}

static void test_host_servers(void **state)
{
	const unsigned v4 = GENERATED_IPV4, v6 = GENERATED_IPV6;
	const char *both = "nameserver 192.0.2.1\nnameserver 2001:db8::1\n";

	(void)state;
	assert_copy("", v4, false, "");
	assert_copy("nameserver 192.0.2.1\n", v4, true, "nameserver 192.0.2.1\n");
	/* Without a newline, with other blanks, with what nobody else may have written. */
	assert_copy("nameserver 192.0.2.1", v4, true, "nameserver 192.0.2.1\n");
	assert_copy("nameserver\t 192.0.2.1 \n", v4, true, "nameserver\t 192.0.2.1 \n");
	assert_copy("# nameserver 192.0.2.1\nsortlist 10/8\n", v4 | v6, false, "");
	assert_copy("nameserver192.0.2.1\nnameserver\nnameserver \n", v4 | v6, false, "");
	assert_copy("nameserver 192.0.2.1junk\nnameserver 300.1.1.1\n", v4 | v6, false, "");
	/* Each family by itself. */
	assert_copy(both, v4, true, "nameserver 192.0.2.1\n");
	assert_copy(both, v6, true, "nameserver 2001:db8::1\n");
	assert_copy(both, v4 | v6, true, both);
	assert_copy("nameserver 192.0.2.1\n", v6, false, "");
	/* Out of reach for an instance. */
	assert_copy("nameserver 127.0.0.1\nnameserver 127.9.9.9\nnameserver ::1\n"
		    "nameserver 0.0.0.0\nnameserver ::\nnameserver fe80::1%eth0\n"
		    "nameserver fe80::1\nnameserver ::ffff:127.0.0.1\n",
		    v4 | v6, false, "");
	assert_copy("nameserver 127.0.0.1\nnameserver 2001:db8::1\n", GENERATED_LOOPBACK, true,
		    "nameserver 127.0.0.1\nnameserver 2001:db8::1\n");
}

/* systemd-resolved's stub: its other lines must not pass for a useful file. */
static void test_stub_resolver(void **state)
{
	(void)state;
	assert_copy("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch example.com\n",
		    GENERATED_IPV4, false, "options edns0 trust-ad\nsearch example.com\n");
	assert_copy("nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.com\n",
		    GENERATED_IPV4, true, "nameserver 192.0.2.1\nsearch example.com\n");
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
	assert_copy(text, GENERATED_LOOPBACK, false, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	      cmocka_unit_test(test_shared_hosts),
		cmocka_unit_test(test_own_servers),   cmocka_unit_test(test_host_servers),
		cmocka_unit_test(test_stub_resolver), cmocka_unit_test(test_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
