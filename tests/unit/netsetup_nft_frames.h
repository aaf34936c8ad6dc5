/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames as an instance would not send them by itself, for the tests of nft_*.c. */
#ifndef JAIL_TESTS_UNIT_NETSETUP_NFT_FRAMES_H
#define JAIL_TESTS_UNIT_NETSETUP_NFT_FRAMES_H

#include "netsetup_nft_rig.h"

#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#define BRIDGED false
#define ROUTED true

static inline uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline uint32_t sum_of(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	return sum;
}

static inline void mac_of_host(const struct box *b, uint8_t ret[static 6])
{
	struct ifreq request = { .ifr_name = "" };
	int fd = socket_in(rig.home, AF_INET, SOCK_DGRAM, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
		       b->interface.routed ? b->at.v[0].host_interface
					   : b->interface.network->interface);
	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
	memcpy(ret, request.ifr_hwaddr.sa_data, 6);
	(void)close(fd);
}

/* Out of eth0 as it is. */
static inline void send_frame(const struct box *b, const void *frame, size_t n)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int fd = socket_in(b->netns, AF_PACKET, SOCK_RAW, 0);

	enter(b->netns);
	to.sll_ifindex = (int)if_nametoindex("eth0");
	enter(rig.home);
	assert_true(to.sll_ifindex > 0);
	assert_int_equal(sendto(fd, frame, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
	(void)close(fd);
}

/* A frame with a packet of either family; `checksum`: where the payload has its own. */
static inline void send_packet(const struct box *b, const uint8_t *mac, const char *source,
			       const char *to, uint8_t protocol, const void *payload, size_t n,
			       size_t checksum)
{
	uint8_t frame[256] = { 0 }, pseudo[40] = { 0 };
	bool six = strchr(to, ':') != NULL;
	size_t header = six ? 40 : 20;
	uint8_t *ip = frame + 14, *data = ip + header;
	uint32_t sum;

	mac_of_host(b, frame);
	memcpy(frame + 6, mac, 6);
	frame[12] = six ? 0x86 : 0x08;
	frame[13] = six ? 0xdd : 0x00;
	memcpy(data, payload, n);
	if (six) {
		struct ip6_hdr h = { 0 };

		h.ip6_vfc = 0x60;
		h.ip6_hlim = 255;
		h.ip6_nxt = protocol;
		h.ip6_plen = htons((uint16_t)n);
		to_ip(source, AF_INET6, &h.ip6_src);
		to_ip(to, AF_INET6, &h.ip6_dst);
		memcpy(ip, &h, sizeof(h));
		memcpy(pseudo, ip + 8, 32);
	} else {
		struct iphdr h = { .version = 4, .ihl = 5, .ttl = 64, .protocol = protocol };

		h.tot_len = htons((uint16_t)(20 + n));
		to_ip(source, AF_INET, &h.saddr);
		to_ip(to, AF_INET, &h.daddr);
		h.check = htons((uint16_t)~fold(sum_of(&h, sizeof(h))));
		memcpy(ip, &h, sizeof(h));
		if (protocol != IPPROTO_ICMP)
			memcpy(pseudo, ip + 12, 8);
	}
	sum = sum_of(data, n);
	if (six || protocol != IPPROTO_ICMP)
		sum += sum_of(pseudo, sizeof(pseudo)) + protocol + (uint32_t)n;
	sum = (uint16_t)~fold(sum);
	data[checksum] = (uint8_t)(sum >> 8);
	data[checksum + 1] = (uint8_t)sum;
	send_frame(b, frame, 14 + header + n);
}

static inline void send_udp(const struct box *b, const uint8_t *mac, const char *source,
			    const char *to, uint16_t from_port, uint16_t port)
{
	uint8_t data[13] = { (uint8_t)(from_port >> 8),
			     (uint8_t)from_port,
			     (uint8_t)(port >> 8),
			     (uint8_t)port,
			     0,
			     13,
			     0,
			     0,
			     'h',
			     'e',
			     'l',
			     'l',
			     'o' };

	send_packet(b, mac, source, to, IPPROTO_UDP, data, sizeof(data), 6);
}

static inline void send_icmp(const struct box *b, const char *source, const char *to, uint8_t type)
{
	uint8_t data[64] = { type };
	bool six = strchr(to, ':') != NULL;

	send_packet(b, b->mac, source, to, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP, data, sizeof(data),
		    2);
}

#endif
