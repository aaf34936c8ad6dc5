/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notations of single values. Each function accepts exactly what the pattern of the same name
 * in config.schema.json accepts; numbers go through base/num.h, and the bounds on the number of
 * digits are what makes an overflow impossible to write in both.
 */
#include "runtime/spec_priv.h"

#include "base/num.h"
#include "base/utf8.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define ALNUM LOWER UPPER DIGIT

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static bool has_parent(const char *path)
{
	for (const char *p = path; (p = strstr(p, "/..")); p += 3)
		if (p[3] == '/' || p[3] == '\0')
			return true;
	return false;
}

/* First and last character out of ALNUM, those between out of `inner`, at most max in all. */
static bool is_word(const char *text, const char *inner, size_t max)
{
	size_t n = strlen(text);

	return n >= 1 && n <= max && strspn(text, inner) == n && strchr(ALNUM, text[0]) &&
	       strchr(ALNUM, text[n - 1]);
}

int spec_check_path(const char *text, struct err *e)
{
	if (text[0] != '/')
		return err_set(e, EINVAL, "\"%.200s\": expected an absolute path", text);
	if (has_control(text))
		return err_set(e, EINVAL, "a path may not contain control characters");
	if (has_parent(text))
		return err_set(e, EINVAL, "\"%.200s\": a path may not contain \"..\"", text);
	if (decode_length(text) > SPEC_PATH_MAX)
		return err_set(e, ENAMETOOLONG, "longer than %d characters", SPEC_PATH_MAX);
	return 0;
}

int spec_check_hostname(const char *text, struct err *e)
{
	if (!is_word(text, ALNUM "_.-", 64) || strstr(text, ".."))
		return err_set(e, EINVAL,
			       "\"%.100s\": a host name is 1 to 64 letters, digits, '-', '_' and "
			       "single '.', with a letter or digit at both ends",
			       text);
	return 0;
}

int spec_check_label_key(const char *text, struct err *e)
{
	if (!is_word(text, ALNUM "_./-", 128))
		return err_set(e, EINVAL,
			       "\"%.100s\": a label's key is 1 to 128 letters, digits, '_', '.', "
			       "'/' and '-', with a letter or digit at both ends",
			       text);
	return 0;
}

int spec_check_label_value(const char *text, struct err *e)
{
	if (has_control(text))
		return err_set(e, EINVAL, "a label may not contain control characters");
	if (decode_length(text) > SPEC_LABEL_MAX)
		return err_set(e, ENAMETOOLONG, "longer than %d characters", SPEC_LABEL_MAX);
	return 0;
}

int spec_check_env_name(const char *text, struct err *e)
{
	if (!*text || strchr(text, '=') || has_control(text) || decode_length(text) > 256)
		return err_set(e, EINVAL,
			       "\"%.100s\": a variable's name is 1 to 256 characters without '=' "
			       "and control characters",
			       text);
	return 0;
}

/* One side of USER:GROUP, of n bytes: a name, or a number up to 2^32 - 2 (all ones means "none" to
 * the kernel). */
static bool is_user_part(const char *text, size_t n)
{
	char part[33];
	uint64_t id = 0;
	struct err ignored = ERR_INIT;

	if (n < 1 || n > 32 || strspn(text, ALNUM "_.-") < n || !strchr(ALNUM "_", text[0]))
		return false;
	if (strspn(text, DIGIT) < n)
		return true;
	memcpy(part, text, n);
	part[n] = '\0';
	return num_parse_u64(part, 0, UINT32_MAX - 1, &id, &ignored) == 0;
}

int spec_check_user(const char *text, struct err *e)
{
	size_t n = strcspn(text, ":");

	if (!is_user_part(text, n) ||
	    (text[n] == ':' && !is_user_part(text + n + 1, strlen(text + n + 1))))
		return err_set(e, EINVAL,
			       "\"%.100s\": expected USER or USER:GROUP, each a name of at most 32 "
			       "characters or a number up to 4294967294",
			       text);
	return 0;
}

static bool is_device_path(const char *text)
{
	size_t n = strlen(text);

	return n <= SPEC_DEVICE_MAX && n > 5 && str_starts(text, "/dev/") &&
	       strchr(ALNUM, text[5]) && strspn(text, ALNUM "_.:+@=,/-") == n && !has_parent(text);
}

int spec_check_device(const char *text, struct err *e)
{
	if (!is_device_path(text))
		return err_set(e, EINVAL, "\"%.200s\": expected the path of a device below /dev",
			       text);
	return 0;
}

/* A decimal number of at most max digits at the start of text, without a leading zero. Return: its
 * length, or 0. */
static size_t number_span(const char *text, size_t max)
{
	size_t n = strspn(text, DIGIT);

	return n > max || (n > 1 && text[0] == '0') ? 0 : n;
}

int spec_check_block_device(const char *text, struct err *e)
{
	size_t major = number_span(text, 4);

	if (is_device_path(text))
		return 0;
	if (major > 0 && text[major] == ':') {
		size_t minor = number_span(text + major + 1, 7);

		if (minor > 0 && text[major + 1 + minor] == '\0')
			return 0;
	}
	return err_set(e, EINVAL,
		       "\"%.200s\": expected the path of a device below /dev, or "
		       "MAJOR:MINOR",
		       text);
}

int spec_check_seccomp(const char *text, struct err *e)
{
	if (str_eq(text, "default") || str_eq(text, "unconfined"))
		return 0;
	if (text[0] != '/')
		return err_set(e, EINVAL,
			       "\"%.100s\": expected \"default\", \"unconfined\" or an absolute "
			       "path",
			       text);
	return spec_check_path(text, e);
}

int spec_check_utf8(const char *text, struct err *e)
{
	size_t n = strlen(text), at = 0;
	uint32_t c;

	while (at < n) {
		size_t len = utf8_decode(text + at, n - at, &c);

		if (len == 0)
			return err_set(e, EILSEQ, "byte %zu is not part of UTF-8 text", at + 1);
		at += len;
	}
	return 0;
}

static int parse_size(const char *text, uint64_t *ret, struct err *e)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, DIGIT), max = 15;
	const char *unit = text + digits;
	const char *found;

	if (*unit == '.')
		unit += 1 + strspn(unit + 1, DIGIT);
	found = *unit ? strchr(units, *unit) : NULL;
	if (found)
		max -= 3 * ((size_t)(found - units) + 1);
	if (digits > max)
		return err_set(e, ERANGE, "\"%.40s\": too large, at most %zu digits with this unit",
			       text, max);
	return num_parse_size(text, ret, e);
}

/* The largest unit of which the value is a multiple of an eighth: what a size was read from has at
 * most as many digits before that unit, so it can be read again. */
void spec_format_size(uint64_t bytes, char *ret, size_t n)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = { { "TiB", 40 }, { "GiB", 30 }, { "MiB", 20 }, { "KiB", 10 } };
	static const char *const eighths[] = { "",   ".125", ".25", ".375",
					       ".5", ".625", ".75", ".875" };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		unsigned eighth = units[i].shift - 3;

		if (bytes >> units[i].shift == 0 || bytes & ((UINT64_C(1) << eighth) - 1))
			continue;
		(void)str_format(ret, n, "%llu%s%s", (unsigned long long)(bytes >> units[i].shift),
				 eighths[bytes >> eighth & 7], units[i].name);
		return;
	}
	(void)str_format(ret, n, "%lluB", (unsigned long long)bytes);
}

int spec_parse_positive_size(const char *text, uint64_t *ret, struct err *e)
{
	uint64_t v = 0;
	int r = parse_size(text, &v, e);

	if (r < 0)
		return r;
	if (v == 0)
		return err_set(e, ERANGE, "\"%.40s\": must be more than 0", text);
	*ret = v;
	return 0;
}

int spec_parse_memory(const char *text, uint64_t *ret, struct err *e)
{
	if (str_eq(text, "max")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_size(text, ret, e);
}

int spec_parse_duration(const char *text, uint64_t *ret, struct err *e)
{
	for (const char *p = text; *p; p += strcspn(p, DIGIT)) {
		size_t digits = strspn(p, DIGIT);

		if (digits > 6)
			return err_set(e, ERANGE,
				       "\"%.40s\": too long, at most 6 digits with each unit",
				       text);
		p += digits;
	}
	return num_parse_duration(text, ret, e);
}

int spec_parse_positive_duration(const char *text, uint64_t *ret, struct err *e)
{
	uint64_t v = 0;
	int r = spec_parse_duration(text, &v, e);

	if (r < 0)
		return r;
	if (v == 0)
		return err_set(e, ERANGE, "\"%.40s\": must be more than 0", text);
	*ret = v;
	return 0;
}
