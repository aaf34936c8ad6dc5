/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three files under /etc that depend on the instance, not on its image. They are text in
 * memory, become files of a private tmpfs and are mounted over the image's: the runtime never
 * writes into a root file system (row 47). Only /etc/hosts may be one that others have too.
 */
#include "runtime/generated.h"

#include <arpa/inet.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/file.h"

void generated_free(struct generated *g)
{
	strbuf_free(&g->hostname);
	strbuf_free(&g->hosts);
	strbuf_free(&g->resolv);
}

static void add_host(struct strbuf *b, int family, const void *address, const char *hostname)
{
	static const struct in6_addr none;
	size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	size_t label = strcspn(hostname, ".");
	char text[INET6_ADDRSTRLEN];

	if (memcmp(address, &none, size) == 0)
		return;
	(void)inet_ntop(family, address, text, sizeof(text));
	strbuf_addf(b, "%s\t%s", text, hostname);
	if (hostname[label])
		strbuf_addf(b, " %.*s", (int)label, hostname);
	strbuf_addc(b, '\n');
}

void generated_hosts(const struct jail_spec *spec, const struct net_addresses *a, struct strbuf *b)
{
	struct in_addr itself = { .s_addr = htonl(0x7f000101) }; /* as Debian does */
	size_t head;

	strbuf_adds(b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	head = b->len;
	add_host(b, AF_INET, &a->v4, spec->hostname);
	add_host(b, AF_INET6, &a->v6, spec->hostname);
	if (b->len == head)
		add_host(b, AF_INET, &itself, spec->hostname);
}

/* The address of a "nameserver ADDRESS" line. Return: false for any other line. */
static bool nameserver(const char *line, size_t n, char *ret, size_t room)
{
	static const char keyword[] = "nameserver";
	size_t i = sizeof(keyword) - 1, blanks;

	if (n <= i || strncmp(line, keyword, i) != 0)
		return false;
	blanks = strspn(line + i, " \t");
	i += blanks;
	return blanks > 0 && i < n &&
	       str_format(ret, room, "%.*s", (int)strcspn(line + i, " \t\r\n"), line + i) >= 0;
}

/* By a packet from inside: not on the host's loopback, and nothing that has a meaning only on one
 * link of the host. */
static bool is_reachable(const char *server, unsigned reach)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, server, &v4) == 1)
		return reach & GENERATED_IPV4 && ntohl(v4.s_addr) >> 24 != 127 &&
		       v4.s_addr != htonl(INADDR_ANY);
	return inet_pton(AF_INET6, server, &v6) == 1 && reach & GENERATED_IPV6 &&
	       !IN6_IS_ADDR_LOOPBACK(&v6) && !IN6_IS_ADDR_UNSPECIFIED(&v6) &&
	       !IN6_IS_ADDR_LINKLOCAL(&v6) && !IN6_IS_ADDR_V4MAPPED(&v6);
}

bool generated_copy_resolv(const char *text, unsigned reach, struct strbuf *b)
{
	bool found = false;
	size_t len;

	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		char server[64];
		bool names;

		len = strcspn(line, "\n");
		names = nameserver(line, len, server, sizeof(server)) &&
			(reach & GENERATED_LOOPBACK || is_reachable(server, reach));
		found |= names;
		if (names || str_starts(line, "search ") || str_starts(line, "options ") ||
		    str_starts(line, "domain "))
			strbuf_addf(b, "%.*s\n", (int)len, line);
	}
	return found;
}

/* systemd-resolved keeps the real servers in a second file, behind the stub on 127.0.0.53. */
static const char *const host_files[] = { "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf" };

/* The first file that has a server of use; its other lines alone would be of none. */
static void copy_host_servers(struct strbuf *b, unsigned reach)
{
	for (size_t f = 0; f < ARRAY_SIZE(host_files); f++) {
		CLEANUP_FREE char *text = NULL;
		CLEANUP_FD int fd = open(host_files[f], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		CLEANUP_STRBUF struct strbuf copy = STRBUF_INIT;
		size_t n;

		if (fd < 0 || fd_read_all(fd, 65536, &text, &n) < 0 ||
		    !generated_copy_resolv(text, reach, &copy))
			continue;
		strbuf_add(b, copy.data, copy.len);
		return;
	}
}

static unsigned reach_of(const struct jail_spec *spec, const struct net_addresses *a)
{
	static const struct in6_addr none;
	unsigned reach = 0;

	if (spec->network.mode == SPEC_NETWORK_HOST)
		return GENERATED_LOOPBACK;
	if (a->v4.s_addr)
		reach |= GENERATED_IPV4;
	if (memcmp(&a->v6, &none, sizeof(none)) != 0)
		reach |= GENERATED_IPV6;
	/* A namespace that others have made: it may have both. */
	return reach ? reach : GENERATED_IPV4 | GENERATED_IPV6;
}

static void make_resolv(const struct jail_spec *spec, const struct generated_network *network,
			struct strbuf *b)
{
	for (size_t i = 0; i < spec->network.n_dns; i++)
		strbuf_addf(b, "nameserver %s\n", spec->network.dns[i]);
	/* Row 76: not even a question leaves an internal network, unless the spec says where to. */
	if (!spec->network.n_dns && spec->network.mode != SPEC_NETWORK_NONE && !network->internal)
		copy_host_servers(b, reach_of(spec, &network->addresses));
}

static struct rootfs_file text_file(const char *destination, const struct strbuf *b)
{
	return (struct rootfs_file){ destination, strbuf_str(b), b->len, -EBADF };
}

int generated_make(const struct jail_spec *spec, const struct generated_network *network,
		   struct generated *g, struct rootfs_file *ret_files, struct err *e)
{
	int r;

	strbuf_addf(&g->hostname, "%s\n", spec->hostname);
	generated_hosts(spec, &network->addresses, &g->hosts);
	make_resolv(spec, network, &g->resolv);
	if ((r = strbuf_ok(&g->hostname, e)) < 0 || (r = strbuf_ok(&g->hosts, e)) < 0 ||
	    (r = strbuf_ok(&g->resolv, e)) < 0)
		return r;
	ret_files[0] = text_file("/etc/hostname", &g->hostname);
	ret_files[1] = network->hosts < 0
			       ? text_file("/etc/hosts", &g->hosts)
			       : (struct rootfs_file){ "/etc/hosts", NULL, 0, network->hosts };
	ret_files[2] = text_file("/etc/resolv.conf", &g->resolv);
	return 0;
}
