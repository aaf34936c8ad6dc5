/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First boot: the texts; see provision.h. What is read comes from an image: bounded by the reader,
 * any bytes but NUL. */
#include "runtime/provision.h"

static size_t line_length(const char *line)
{
	size_t n = strcspn(line, "\n");

	return n + (line[n] == '\n');
}

/* A root line with its field replaced; missing ones before it are made. */
static void put_line(const char *line, size_t n, unsigned field, const char *value,
		     struct strbuf *ret)
{
	const char *p = line, *end = line + n;

	for (unsigned i = 0; i < field; i++) {
		const char *colon = memchr(p, ':', (size_t)(end - p));
		const char *next = colon ? colon : end;

		strbuf_add(ret, p, (size_t)(next - p));
		strbuf_addc(ret, ':');
		p = colon ? colon + 1 : end;
	}
	strbuf_adds(ret, value);
	p = memchr(p, ':', (size_t)(end - p));
	if (p)
		strbuf_add(ret, p, (size_t)(end - p));
	strbuf_addc(ret, '\n');
}

void provision_set_field(const char *text, unsigned field, const char *value, const char *or_line,
			 struct strbuf *ret)
{
	bool found = false;
	size_t n;

	for (const char *line = text; *line; line += n) {
		size_t bare = strcspn(line, "\n");

		n = line_length(line);
		if (!found && str_starts(line, "root:")) {
			put_line(line, bare, field, value, ret);
			found = true;
			continue;
		}
		strbuf_add(ret, line, bare);
		strbuf_addc(ret, '\n');
	}
	if (!found && or_line)
		strbuf_addf(ret, "%s\n", or_line);
}

static bool has_line(const char *text, const char *wanted)
{
	size_t length = strlen(wanted);

	for (const char *line = text; *line; line += line_length(line))
		if (strcspn(line, "\n") == length && memcmp(line, wanted, length) == 0)
			return true;
	return false;
}

void provision_add_keys(const char *text, char *const *keys, size_t n, struct strbuf *ret)
{
	size_t length = strlen(text);

	strbuf_add(ret, text, length);
	if (length > 0 && text[length - 1] != '\n')
		strbuf_addc(ret, '\n');
	for (size_t i = 0; i < n; i++)
		if (!has_line(text, keys[i]))
			strbuf_addf(ret, "%s\n", keys[i]);
}

static bool has_instance_id(const char *text)
{
	for (const char *line = text; *line; line += line_length(line))
		if (str_starts(line, "instance-id:"))
			return true;
	return strstr(text, "\"instance-id\"") != NULL;
}

int provision_meta_data(const char *given, const char *id, const char *hostname, struct strbuf *ret,
			struct err *e)
{
	const char *start = given ? given + strspn(given, " \t\r\n") : "";

	if (given && has_instance_id(given)) {
		strbuf_adds(ret, given);
		return 0;
	}
	/* A line in front would break a document that is not a plain block of keys. */
	if (start[0] == '{' || start[0] == '%' || str_starts(start, "---"))
		return err_set(e, EINVAL, "add an \"instance-id\" of your own");
	strbuf_addf(ret, "instance-id: %s\n", id);
	if (given)
		strbuf_adds(ret, given);
	else
		strbuf_addf(ret, "local-hostname: %s\n", hostname);
	return 0;
}
