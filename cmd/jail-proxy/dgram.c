/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP: one association for each client address of a port, which is a socket connected to the
 * instance, so that answers find their way back. It ends when it was silent for a while, or, when
 * all are in use, because another client came and nobody was silent for longer.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/jail-proxy/proxy.h"

#define DGRAM_MAX 1024
#define DGRAM_SILENT_MS 60000
#define DGRAM_BYTES 65536
#define HASH_SIZE 256
#define NONE 0xffff

struct association {
	int fd; /* -EBADF: free */
	uint32_t generation, watched;
	uint16_t older, newer; /* by its last packet */
	uint16_t chain; /* of the same hash */
	uint16_t port;
	union proxy_address client;
	uint64_t last_ms;
};

static struct association associations[DGRAM_MAX];
static unsigned used; /* places that were ever in use */
static uint16_t oldest = NONE, newest = NONE, free_one = NONE, buckets[HASH_SIZE];
static char buffer[DGRAM_BYTES];

void dgram_init(void)
{
	memset(buckets, 0xff, sizeof(buckets));
}

/* FNV-1a. */
static uint16_t *bucket_of(unsigned port, const union proxy_address *client)
{
	const uint8_t *byte = (const uint8_t *)client;
	uint32_t h = 2166136261u ^ port;

	for (size_t i = 0; i < sizeof(*client); i++)
		h = (h ^ byte[i]) * 16777619u;
	return &buckets[(h ^ h >> 16) % HASH_SIZE];
}

static uint16_t index_of(const struct association *a)
{
	return (uint16_t)(a - associations);
}

static void list_remove(const struct association *a)
{
	if (a->older != NONE)
		associations[a->older].newer = a->newer;
	else
		oldest = a->newer;
	if (a->newer != NONE)
		associations[a->newer].older = a->older;
	else
		newest = a->older;
}

static void list_append(struct association *a)
{
	a->older = newest;
	a->newer = NONE;
	a->last_ms = now_ms;
	if (newest != NONE)
		associations[newest].newer = index_of(a);
	else
		oldest = index_of(a);
	newest = index_of(a);
}

static void association_end(struct association *a)
{
	uint16_t *at = bucket_of(a->port, &a->client);

	while (*at != index_of(a))
		at = &associations[*at].chain;
	*at = a->chain;
	list_remove(a);
	fd_reset(&a->fd);
	a->watched = 0;
	a->generation++;
	a->chain = free_one;
	free_one = index_of(a);
}

static struct association *association_place(void)
{
	struct association *a;

	if (free_one == NONE && used < DGRAM_MAX) {
		a = &associations[used++];
		a->fd = -EBADF;
		return a;
	}
	if (free_one == NONE)
		association_end(&associations[oldest]);
	a = &associations[free_one];
	free_one = a->chain;
	return a;
}

static int dgram_connect(const struct proxy_port *p)
{
	CLEANUP_FD int fd = socket(p->target.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (p->source.family == p->target.family)
		(void)bind(fd, &p->source.any, address_length(&p->source));
	if (connect(fd, &p->target.any, address_length(&p->target)) < 0)
		return -1;
	return TAKE_FD(fd);
}

static struct association *association_make(unsigned port, const union proxy_address *client,
					    uint16_t *bucket)
{
	struct association *a = association_place();

	/* After a place was found: that may have freed a descriptor. */
	a->fd = dgram_connect(&ports[port]);
	if (a->fd < 0 ||
	    !watch(a->fd, tag_of(KIND_DGRAM, index_of(a), a->generation), &a->watched, EPOLLIN)) {
		fd_reset(&a->fd);
		a->watched = 0;
		a->chain = free_one;
		free_one = index_of(a);
		return NULL;
	}
	a->port = (uint16_t)port;
	a->client = *client;
	a->chain = *bucket;
	*bucket = index_of(a);
	list_append(a);
	return a;
}

static struct association *association_of(unsigned port, const union proxy_address *client)
{
	uint16_t *bucket = bucket_of(port, client);

	for (uint16_t i = *bucket; i != NONE; i = associations[i].chain) {
		struct association *a = &associations[i];

		if (a->port != port || !proxy_address_is(&a->client, client))
			continue;
		list_remove(a);
		list_append(a);
		return a;
	}
	return association_make(port, client, bucket);
}

void dgram_from_client(unsigned port)
{
	for (int i = 0; i < PROXY_ROUNDS; i++) {
		union proxy_address client;
		socklen_t length = sizeof(client);
		struct association *a;
		ssize_t n;

		memset(&client, 0, sizeof(client)); /* it is compared whole */
		n = recvfrom(ports[port].fd, buffer, sizeof(buffer), MSG_DONTWAIT, &client.any,
			     &length);
		if (n < 0)
			return;
		a = association_of(port, &client);
		/* An ICMP error of an earlier packet is told instead of sending this one. */
		if (a && send(a->fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		    errno == ECONNREFUSED)
			(void)send(a->fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

void dgram_event(uint64_t tag)
{
	struct association *a = &associations[(uint32_t)tag];

	if (a->fd < 0 || ((tag >> 32) & 0xffffff) != (a->generation & 0xffffff))
		return;
	for (int i = 0; i < PROXY_ROUNDS; i++) {
		ssize_t n = recv(a->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (n < 0 && errno != ECONNREFUSED)
			return;
		if (n < 0)
			continue;
		list_remove(a);
		list_append(a);
		(void)sendto(ports[a->port].fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
			     &a->client.any, address_length(&a->client));
	}
}

void dgram_end_of_port(unsigned port)
{
	for (unsigned i = 0; i < used; i++)
		if (associations[i].fd >= 0 && associations[i].port == port)
			association_end(&associations[i]);
}

int dgram_expire(void)
{
	while (oldest != NONE && now_ms >= associations[oldest].last_ms + DGRAM_SILENT_MS)
		association_end(&associations[oldest]);
	if (oldest == NONE)
		return -1;
	return (int)(associations[oldest].last_ms + DGRAM_SILENT_MS - now_ms);
}
