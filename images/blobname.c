/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/blobname.h"

#include <string.h>

#include "base/ident.h"
#include "base/str.h"

#define BLOB_HEX_LEN 64

int blob_name_flat(const struct entry_name *member, struct blob_name *ret)
{
	size_t used = 0;

	if (member->n == 0)
		return -EINVAL;
	for (size_t i = 0; i < member->n; i++) {
		for (const char *p = i ? "/" : ""; *p; p++) {
			if (used + 3 >= sizeof(ret->s))
				return -ENAMETOOLONG;
			memcpy(ret->s + used, "%2f", 3);
			used += 3;
		}
		for (const char *p = entry_component(member, i); *p; p++) {
			if (used + 3 >= sizeof(ret->s))
				return -ENAMETOOLONG;
			memcpy(ret->s + used, *p == '%' ? "%25" : p, *p == '%' ? 3 : 1);
			used += *p == '%' ? 3 : 1;
		}
	}
	ret->s[used] = '\0';
	return 0;
}

static const struct entry_limits blob_limits = { .max_name = ENTRY_NAME_MAX,
						 .max_depth = ENTRY_DEPTH_MAX };

int blob_name_parse(const char *text, struct blob_name *ret, struct err *e)
{
	struct entry_name name;
	int r = entry_name_parse(text, strlen(text), &blob_limits, &name, e);

	if (r < 0)
		return r;
	r = blob_name_flat(&name, ret);
	return r < 0 ? err_set(e, EINVAL, "it can't be the name of a member") : 0;
}

/* Appends the components of `target` to those of `path`, which are `n` bytes; ".." takes one away.
 * Return: the new length; -EPERM out of the archive; -ENAMETOOLONG. */
static ssize_t blob_walk(char *path, size_t n, const char *target)
{
	for (const char *p = target; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			const char *slash;

			if (n == 0)
				return -EPERM;
			path[n] = '\0';
			slash = strrchr(path, '/');
			n = slash ? (size_t)(slash - path) : 0;
		} else if (len > 0 && !(len == 1 && p[0] == '.')) {
			if (n + len + 2 > ENTRY_NAME_MAX)
				return -ENAMETOOLONG;
			if (n > 0)
				path[n++] = '/';
			memcpy(path + n, p, len);
			n += len;
		}
		p += len + (p[len] == '/');
	}
	path[n] = '\0';
	return (ssize_t)n;
}

int blob_name_link(const struct entry_name *member, const char *target, bool hard,
		   struct blob_name *ret, struct err *e)
{
	char path[ENTRY_NAME_MAX + 1] = "";
	ssize_t n = 0;

	for (size_t i = 0; !hard && n >= 0 && i + 1 < member->n; i++)
		n = blob_walk(path, (size_t)n, entry_component(member, i));
	if (n >= 0 && target[0] != '/')
		n = blob_walk(path, (size_t)n, target);
	if (n <= 0 || target[0] == '/')
		return err_set(e, EPERM, "a link to \"%.200s\", which leads out of the archive",
			       target);
	return blob_name_parse(path, ret, e);
}

/* "sha256" and 64 digits, "sha512" and 128. */
static bool blob_is_blob(const char *function, const char *hex)
{
	struct blob_digest d;
	struct err ignored = ERR_INIT;
	char text[sizeof(d)];

	return str_format(text, sizeof(text), "%s:%s", function, hex) > 0 &&
	       blob_digest_parse(text, &d, &ignored) == 0;
}

static bool blob_is_hex(const char *text, size_t n)
{
	return n == BLOB_HEX_LEN && strspn(text, "0123456789abcdef") >= n;
}

/* "HEX.tar" and the like. */
static bool blob_is_hex_with(const char *text, const char *const *suffixes, size_t n)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < n; i++) {
		size_t s = strlen(suffixes[i]);

		if (len == BLOB_HEX_LEN + s && blob_is_hex(text, BLOB_HEX_LEN) &&
		    str_eq(text + BLOB_HEX_LEN, suffixes[i]))
			return true;
	}
	return false;
}

static bool blob_is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(text, words[i]))
			return true;
	return false;
}

static enum blob_hint blob_hint_dir(const struct entry_name *m)
{
	static const char *const functions[] = { "sha256", "sha512" };
	const char *first = m->n ? entry_component(m, 0) : "";
	bool ok = m->n == 0 ||
		  (m->n == 1 && (str_eq(first, "blobs") || blob_is_hex(first, strlen(first)))) ||
		  (m->n == 2 && str_eq(first, "blobs") &&
		   blob_is_one_of(entry_component(m, 1), functions, ARRAY_SIZE(functions)));

	return ok ? BLOB_HINT_DIRECTORY : BLOB_HINT_NONE;
}

bool blob_name_is_document(const struct entry_name *m)
{
	static const char *const documents[] = { "manifest.json", "oci-layout", "index.json" };

	return m->n == 1 && blob_is_one_of(entry_component(m, 0), documents, ARRAY_SIZE(documents));
}

enum blob_hint blob_name_hint(const struct entry_name *m, bool is_dir)
{
	static const char *const top[] = { "repositories", "version", "config.json" };
	/* podman and docker; crane and jib */
	static const char *const suffixes[] = { ".tar", ".json", ".tar.gz" };
	static const char *const legacy[] = { "layer.tar", "json", "VERSION" };
	const char *first = m->n ? entry_component(m, 0) : "";
	bool ok = false;

	if (is_dir)
		return blob_hint_dir(m);
	if (m->n == 1)
		ok = blob_name_is_document(m) || blob_is_one_of(first, top, ARRAY_SIZE(top)) ||
		     blob_is_hex_with(first, suffixes, ARRAY_SIZE(suffixes)) ||
		     (str_starts(first, "sha256:") && blob_is_hex(first + 7, strlen(first + 7)));
	else if (m->n == 2)
		ok = blob_is_hex(first, strlen(first)) &&
		     blob_is_one_of(entry_component(m, 1), legacy, ARRAY_SIZE(legacy));
	else if (m->n == 3)
		ok = str_eq(first, "blobs") &&
		     blob_is_blob(entry_component(m, 1), entry_component(m, 2));
	return ok ? BLOB_HINT_ARCHIVE : BLOB_HINT_NONE;
}
