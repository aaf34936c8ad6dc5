/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three files under /etc that depend on the instance, not on its image. They are text in
 * memory, become files of a private tmpfs and are mounted over the image's: the runtime never
 * writes into a root file system (row 47).
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

static void make_hosts(const struct jail_spec *spec, struct in_addr address, struct strbuf *b)
{
	char text[INET_ADDRSTRLEN] = "127.0.1.1";
	size_t label = strcspn(spec->hostname, ".");

	if (address.s_addr)
		(void)inet_ntop(AF_INET, &address, text, sizeof(text));
	strbuf_adds(b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	strbuf_addf(b, "%s\t%s", text, spec->hostname);
	if (spec->hostname[label])
		strbuf_addf(b, " %.*s", (int)label, spec->hostname);
	strbuf_addc(b, '\n');
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

/* One that an instance of the bridge can reach: not on the host's loopback, and IPv4, since the
 * bridge has nothing else. */
static bool is_reachable(const char *server)
{
	struct in_addr address;

	return inet_pton(AF_INET, server, &address) == 1 && ntohl(address.s_addr) >> 24 != 127 &&
	       address.s_addr != htonl(INADDR_ANY);
}

bool generated_copy_resolv(const char *text, bool all, struct strbuf *b)
{
	bool found = false;
	size_t len;

	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		char server[64];
		bool names;

		len = strcspn(line, "\n");
		names = nameserver(line, len, server, sizeof(server)) &&
			(all || is_reachable(server));
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
static void copy_host_servers(struct strbuf *b, bool all)
{
	for (size_t f = 0; f < ARRAY_SIZE(host_files); f++) {
		CLEANUP_FREE char *text = NULL;
		CLEANUP_FD int fd = open(host_files[f], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		CLEANUP_STRBUF struct strbuf copy = STRBUF_INIT;
		size_t n;

		if (fd < 0 || fd_read_all(fd, 65536, &text, &n) < 0 ||
		    !generated_copy_resolv(text, all, &copy))
			continue;
		strbuf_add(b, copy.data, copy.len);
		return;
	}
}

static void make_resolv(const struct jail_spec *spec, struct strbuf *b)
{
	for (size_t i = 0; i < spec->network.n_dns; i++)
		strbuf_addf(b, "nameserver %s\n", spec->network.dns[i]);
	if (!spec->network.n_dns && spec->network.mode != SPEC_NETWORK_NONE)
		copy_host_servers(b, spec->network.mode == SPEC_NETWORK_HOST);
}

int generated_make(const struct jail_spec *spec, struct in_addr address, struct generated *g,
		   struct rootfs_file *ret_files, struct err *e)
{
	int r;

	strbuf_addf(&g->hostname, "%s\n", spec->hostname);
	make_hosts(spec, address, &g->hosts);
	make_resolv(spec, &g->resolv);
	if ((r = strbuf_ok(&g->hostname, e)) < 0 || (r = strbuf_ok(&g->hosts, e)) < 0 ||
	    (r = strbuf_ok(&g->resolv, e)) < 0)
		return r;
	ret_files[0] =
		(struct rootfs_file){ "/etc/hostname", strbuf_str(&g->hostname), g->hostname.len };
	ret_files[1] = (struct rootfs_file){ "/etc/hosts", strbuf_str(&g->hosts), g->hosts.len };
	ret_files[2] =
		(struct rootfs_file){ "/etc/resolv.conf", strbuf_str(&g->resolv), g->resolv.len };
	return 0;
}
