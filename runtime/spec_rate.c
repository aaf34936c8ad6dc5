/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates as tc(8) writes them in bits: "100Mbit", "1.5gbit". A kbit is 1000 bits, as all that the
 * makers of networks measure. Bytes per second ("12MBps") are not taken, because tc's "mbps" and
 * everybody else's differ by a factor of eight.
 */
#include <inttypes.h>

#include "base/num.h"
#include "runtime/spec_priv.h"

#define RATE_MIN UINT64_C(8000) /* one packet of 1500 bytes in 1.5 s */

static const struct {
	const char *name, *lower;
	uint64_t bits;
	size_t digits; /* before the point: never over 10^15 bits */
} units[] = {
	{ "Tbit", "tbit", UINT64_C(1000000000000), 3 },
	{ "Gbit", "gbit", 1000000000, 6 },
	{ "Mbit", "mbit", 1000000, 9 },
	{ "kbit", "kbit", 1000, 12 },
	{ "bit", "bit", 1, 15 },
};

static int not_a_rate(const char *text, struct err *e)
{
	return err_set(e, EINVAL,
		       "\"%.40s\": expected a rate such as \"100Mbit\", \"1.5Gbit\" or \"800kbit\" "
		       "(units bit, kbit, Mbit, Gbit, Tbit; at least 8kbit)",
		       text);
}

int spec_parse_rate(const char *text, uint64_t *ret, struct err *e)
{
	size_t digits = strspn(text, "0123456789"), n = strspn(text, "0123456789."), i = 0;
	struct err ignored = ERR_INIT;
	uint64_t milli = 0, v;
	char number[32];

	while (i < ARRAY_SIZE(units) && !str_eq(text + n, units[i].name) &&
	       !str_eq(text + n, units[i].lower))
		i++;
	if (i == ARRAY_SIZE(units) || digits > units[i].digits ||
	    str_format(number, sizeof(number), "%.*s", (int)n, text) < 0 ||
	    num_parse_milli(number, &milli, &ignored) < 0)
		return not_a_rate(text, e);
	/* Half a bit: with this unit there is no fraction. */
	if (units[i].bits == 1 && n != digits)
		return not_a_rate(text, e);
	v = units[i].bits == 1 ? milli / 1000 : milli * (units[i].bits / 1000);
	if (v < RATE_MIN)
		return not_a_rate(text, e);
	*ret = v;
	return 0;
}

void spec_format_rate(uint64_t bits_per_second, char *ret, size_t n)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(units); i++) {
		uint64_t milli = units[i].bits / 1000, v = bits_per_second / milli;
		char fraction[8] = "";

		if (bits_per_second < units[i].bits || bits_per_second % milli)
			continue;
		if (v % 1000)
			(void)str_format(fraction, sizeof(fraction), ".%03u", (unsigned)(v % 1000));
		while (fraction[0] && fraction[strlen(fraction) - 1] == '0')
			fraction[strlen(fraction) - 1] = '\0';
		(void)str_format(ret, n, "%" PRIu64 "%s%s", v / 1000, fraction, units[i].name);
		return;
	}
	(void)str_format(ret, n, "%" PRIu64 "bit", bits_per_second);
}
