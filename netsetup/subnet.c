/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsetup/subnet.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "base/str.h"

static unsigned bits_of(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

static const uint8_t *bytes_of(const struct net_subnet *s)
{
	return s->family == AF_INET ? (const uint8_t *)&s->address.v4 : s->address.v6.s6_addr;
}

static bool bit_at(const uint8_t *bytes, unsigned bit)
{
	return bytes[bit / 8] & 0x80u >> bit % 8;
}

static bool is_canonical(const struct net_subnet *s)
{
	for (unsigned bit = s->prefix; bit < bits_of(s->family); bit++)
		if (bit_at(bytes_of(s), bit))
			return false;
	return true;
}

int net_subnet_parse(const char *text, struct net_subnet *ret, struct err *e)
{
	const char *slash = strchr(text, '/');
	struct net_subnet s = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	struct err why = ERR_INIT;
	char address[INET6_ADDRSTRLEN];
	uint64_t prefix = 0;

	if (!slash || num_parse_u64(slash + 1, 0, bits_of(s.family), &prefix, &why) < 0 ||
	    str_format(address, sizeof(address), "%.*s", (int)(slash - text), text) < 0 ||
	    inet_pton(s.family, address, &s.address) != 1)
		return err_set(e, EINVAL, "\"%.64s\": expected ADDRESS/PREFIX", text);
	s.prefix = (uint8_t)prefix;
	if (!is_canonical(&s))
		return err_set(e, EINVAL, "\"%.64s\": the address has bits outside the prefix",
			       text);
	*ret = s;
	return 0;
}

void net_subnet_format(const struct net_subnet *s, char ret[static NET_SUBNET_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(s->family, bytes_of(s), address, sizeof(address));
	(void)str_format(ret, NET_SUBNET_TEXT_MAX, "%s/%u", address, s->prefix);
}

bool net_subnets_overlap(const struct net_subnet *a, const struct net_subnet *b)
{
	unsigned shorter = a->prefix < b->prefix ? a->prefix : b->prefix;

	if (a->family != b->family)
		return false;
	for (unsigned bit = 0; bit < shorter; bit++)
		if (bit_at(bytes_of(a), bit) != bit_at(bytes_of(b), bit))
			return false;
	return true;
}

bool net_subnet_of(const struct net_network *n, int family, struct net_subnet *ret)
{
	if ((family == AF_INET ? n->prefix4 : n->prefix6) == 0)
		return false;
	*ret = (struct net_subnet){ .family = (uint8_t)family };
	if (family == AF_INET) {
		ret->prefix = (uint8_t)n->prefix4;
		ret->address.v4 = n->subnet4;
	} else {
		ret->prefix = (uint8_t)n->prefix6;
		ret->address.v6 = n->subnet6;
	}
	return true;
}
