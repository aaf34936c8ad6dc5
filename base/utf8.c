/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One decoder, for text on its way to a terminal and for JSON on its way in. */
#include "base/utf8.h"

size_t utf8_decode(const char *s, size_t n, uint32_t *ret)
{
	/* By length: smallest code point, so that overlong forms are refused. */
	static const uint32_t smallest[UTF8_MAX + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)s[0];
	uint32_t cp;
	size_t len;

	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || len > n)
		return 0;
	cp = c & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		unsigned char next = (unsigned char)s[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (next & 0x3f);
	}
	if (cp < smallest[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return len;
}
