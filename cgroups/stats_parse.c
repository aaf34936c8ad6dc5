/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three forms of text: "key value" on each line, "N M" on one, and words "key=value" behind a name.
 * One way to cut (parse_word()), one to make a number (parse_value()).
 */
#include "base/num.h"
#include "base/str.h"
#include "cgroups/stats_priv.h"

/* Cuts the next word off *p. Return: NULL at the end of the text. */
static char *parse_word(char **p, const char *blanks)
{
	char *word = *p + strspn(*p, blanks);
	size_t n = strcspn(word, blanks);

	*p = word + n + (word[n] != '\0');
	if (n == 0)
		return NULL;
	word[n] = '\0';
	return word;
}

static bool parse_value(const char *text, uint64_t *ret)
{
	struct err ignored;

	if (text && str_eq(text, "max")) {
		*ret = CGROUP_STAT_MAX;
		return true;
	}
	return text && num_parse_u64(text, 0, UINT64_MAX - 1, ret, &ignored) == 0;
}

static void parse_fields(char *text, size_t first, size_t end, struct cgroup_stats *ret)
{
	for (int field = '0'; field <= '9'; field++) {
		const char *word = parse_word(&text, " \n");

		for (size_t i = first; i < end && word; i++)
			if (cgroup_stat_places[i].key[1] == field)
				ret->has[i] = parse_value(word, &ret->value[i]);
	}
}

void stats_parse_numbers(char *text, size_t first, size_t end, struct cgroup_stats *ret)
{
	char *line;

	if (cgroup_stat_places[first].key[0] == '#') {
		parse_fields(text, first, end, ret);
		return;
	}
	while ((line = parse_word(&text, "\n"))) {
		const char *key = parse_word(&line, " "), *value = parse_word(&line, " ");

		for (size_t i = first; i < end && key; i++)
			if (str_eq(cgroup_stat_places[i].key, key))
				ret->has[i] = !parse_word(&line, " ") &&
					      parse_value(value, &ret->value[i]);
	}
}

/* "KEY=VALUE": the value, or NULL for another key. */
static const char *parse_assigned(const char *word, const char *key)
{
	size_t n = strlen(key);

	return str_starts(word, key) && word[n] == '=' ? word + n + 1 : NULL;
}

static void parse_pressure_line(char *line, struct cgroup_pressure *ret)
{
	struct cgroup_pressure p = { .has = false };
	const struct {
		const char *key;
		uint64_t *to;
	} averages[] = {
		{ "avg10", &p.avg10 },
		{ "avg60", &p.avg60 },
		{ "avg300", &p.avg300 },
	};
	struct err ignored;
	unsigned seen = 0;
	char *word;

	while ((word = parse_word(&line, " "))) {
		const char *value = parse_assigned(word, "total");

		if (value && parse_value(value, &p.total_usec))
			seen |= 1u << ARRAY_SIZE(averages);
		for (unsigned i = 0; i < ARRAY_SIZE(averages); i++) {
			value = parse_assigned(word, averages[i].key);
			if (value && num_parse_milli(value, averages[i].to, &ignored) == 0)
				seen |= 1u << i;
		}
	}
	/* All four, or the line is not what it should be. */
	p.has = seen == (2u << ARRAY_SIZE(averages)) - 1;
	if (p.has)
		*ret = p;
}

void stats_parse_pressure(char *text, struct cgroup_pressure *ret_some,
			  struct cgroup_pressure *ret_full)
{
	char *line;

	while ((line = parse_word(&text, "\n"))) {
		const char *kind = parse_word(&line, " ");

		if (kind && str_eq(kind, "some"))
			parse_pressure_line(line, ret_some);
		else if (kind && str_eq(kind, "full"))
			parse_pressure_line(line, ret_full);
	}
}

static bool parse_device(char *word, struct cgroup_io_stat *ret)
{
	char *colon = strchr(word, ':');
	uint64_t major, minor;
	struct err ignored;

	if (!colon)
		return false;
	*colon = '\0';
	if (num_parse_u64(word, 0, UINT32_MAX, &major, &ignored) < 0 ||
	    num_parse_u64(colon + 1, 0, UINT32_MAX, &minor, &ignored) < 0)
		return false;
	*ret = (struct cgroup_io_stat){ .major = (unsigned)major, .minor = (unsigned)minor };
	return true;
}

static void parse_io_word(const char *word, struct cgroup_io_stat *s)
{
	static const char *const keys[] = {
		[CGROUP_IO_READ_BYTES] = "rbytes",    [CGROUP_IO_WRITE_BYTES] = "wbytes",
		[CGROUP_IO_READS] = "rios",	      [CGROUP_IO_WRITES] = "wios",
		[CGROUP_IO_DISCARD_BYTES] = "dbytes", [CGROUP_IO_DISCARDS] = "dios",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = parse_assigned(word, keys[i]);

		if (value)
			s->has[i] = parse_value(value, &s->value[i]);
	}
}

static int io_add(struct cgroup_io_stat **all, size_t *n, const struct cgroup_io_stat *s)
{
	struct cgroup_io_stat *grown;

	if (*n >= STATS_IO_DEVICES_MAX)
		return 0;
	grown = reallocarray(*all, *n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[(*n)++] = *s;
	*all = grown;
	return 0;
}

int stats_parse_io(char *text, struct cgroup_io_stat **ret, size_t *ret_n)
{
	char *line;

	while ((line = parse_word(&text, "\n"))) {
		struct cgroup_io_stat s;
		bool device = false, numbers = false;
		char *word;

		/* Kernels put the name of a device without numbers before the next one's. */
		while ((word = parse_word(&line, " "))) {
			if (!strchr(word, '='))
				device = parse_device(word, &s);
			else if (device)
				parse_io_word(word, &s);
			numbers = device && (numbers || strchr(word, '='));
		}
		if (numbers && io_add(ret, ret_n, &s) < 0)
			return -ENOMEM;
	}
	return 0;
}
