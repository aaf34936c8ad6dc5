/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of attributes in answers. libmnl's getters take a length for granted. */
#include "netsetup/nl_priv.h"

#include <libmnl/libmnl.h>
#include <string.h>

static void nl_value(const struct nlattr *attr, void *ret, size_t n)
{
	if (mnl_attr_get_payload_len(attr) >= n)
		memcpy(ret, mnl_attr_get_payload(attr), n);
}

uint32_t nl_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	nl_value(attr, &value, sizeof(value));
	return value;
}

uint64_t nl_u64(const struct nlattr *attr)
{
	uint64_t value = 0;

	nl_value(attr, &value, sizeof(value));
	return value;
}

bool nl_text(const struct nlattr *attr, char *ret, size_t n)
{
	const char *text = mnl_attr_get_payload(attr);
	size_t len = strnlen(text, mnl_attr_get_payload_len(attr));
	bool whole = len < n;

	len = whole ? len : n - 1;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return whole;
}
