/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target for the importer's name and attribute policy. Build and run from the top of the
 * tree:
 *
 *	clang -std=gnu17 -D_GNU_SOURCE -I. -g -O1 -fsanitize=fuzzer,address,undefined \
 *		-o entry_fuzz tests/fuzz/entry_fuzz.c && ./entry_fuzz -max_total_time=60
 *
 * Properties: a name that is taken consists of components that can only lead down, and reads the
 * same when it is put together and parsed again; so does one of a layer that is not ignored; a
 * member of an archive of images is one file name, and its links lead to one; an attribute that is
 * set is one of the allowed; a name of an image is one file name, which is its own again.
 */
/* clang-format off: in the order of dependency */
#include "base/err.c"
#include "base/ident.c"
#include "base/image_ref.c"
#include "base/num.c"
#include "base/str.c"
#include "images/blobname.c"
#include "images/entry.c"
/* clang-format on */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

static void fuzz_components(const struct entry_name *name, const struct entry_limits *limits)
{
	fuzz_require(name->n <= limits->max_depth && name->n <= ENTRY_DEPTH_MAX);
	for (size_t i = 0; i < name->n; i++) {
		const char *c = entry_component(name, i);
		size_t n = strlen(c);

		fuzz_require(c + n < name->bytes + sizeof(name->bytes));
		fuzz_require(n >= 1 && n <= ENTRY_COMPONENT_MAX && !strchr(c, '/'));
		fuzz_require(!str_eq(c, ".") && !str_eq(c, "..") && !str_starts(c, ".wh."));
	}
}

static void fuzz_again(const struct entry_name *name, const struct entry_limits *limits)
{
	static struct entry_name again;
	char joined[ENTRY_NAME_MAX + 2];
	struct err e = ERR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < name->n; i++) {
		size_t len = strlen(entry_component(name, i));

		memcpy(joined + n, entry_component(name, i), len);
		n += len;
		joined[n++] = '/';
	}
	if (n == 0)
		return;
	fuzz_require(entry_name_parse(joined, n - 1, limits, &again, &e) == 0);
	fuzz_require(again.n == name->n);
	for (size_t i = 0; i < name->n; i++)
		fuzz_require(str_eq(entry_component(&again, i), entry_component(name, i)));
}

static void fuzz_name(const char *text, size_t n, const struct entry_limits *limits)
{
	static struct entry_name name;
	struct err e = ERR_INIT;
	int r = entry_name_parse(text, n, limits, &name, &e);

	fuzz_require(r == -e.code && (r == 0) == (e.text[0] == '\0'));
	if (r < 0)
		return;
	fuzz_require(n <= limits->max_name && text[0] != '/');
	fuzz_components(&name, limits);
	fuzz_again(&name, limits);
}

static void fuzz_layer(const char *text, size_t n, const struct entry_limits *limits)
{
	static struct entry_name name;
	struct err e = ERR_INIT;
	int r = entry_layer_parse(text, n, limits, &name, &e);

	fuzz_require((r < 0 ? -r : 0) == e.code && (r >= 0) == (e.text[0] == '\0'));
	if (r < 0 || r == ENTRY_IGNORED)
		return;
	fuzz_require(r == ENTRY_OPAQUE || r == ENTRY_PLAIN || name.n > 0);
	fuzz_components(&name, limits);
	fuzz_again(&name, limits);
}

/* The first half of the input is a member, the second the target of its link. */
static void fuzz_blob(const char *text, size_t n, const struct entry_limits *limits)
{
	static struct entry_name name;
	struct blob_name flat;
	struct err e = ERR_INIT;
	char target[ENTRY_NAME_MAX + 1];
	size_t len = n - n / 2;

	if (entry_name_parse(text, n / 2, limits, &name, &e) < 0 || len >= sizeof(target))
		return;
	if (blob_name_flat(&name, &flat) == 0)
		fuzz_require(flat.s[0] && !strchr(flat.s, '/') && !str_eq(flat.s, ".") &&
			     !str_eq(flat.s, ".."));
	memcpy(target, text + n / 2, len);
	target[len] = '\0';
	if (blob_name_link(&name, target, len & 1, &flat, &e) == 0)
		fuzz_require(flat.s[0] && !strchr(flat.s, '/') && !str_eq(flat.s, ".") &&
			     !str_eq(flat.s, "..") && target[0] != '/');
	(void)blob_name_hint(&name, len & 1);
}

static void fuzz_attribute(const uint8_t *data, size_t size)
{
	uint8_t cap[ENTRY_CAPABILITY_MAX];
	char name[300];
	size_t len = strnlen((const char *)data, size < 299 ? size : 299);
	const void *value = data + len;
	size_t n = size - len;
	enum entry_xattr policy;

	memcpy(name, data, len);
	name[len] = '\0';
	policy = entry_xattr_policy(name, &value, &n, cap);
	if (policy == ENTRY_XATTR_DROP)
		return;
	fuzz_require(str_starts(name, "user.") || str_starts(name, "system.posix_acl_") ||
		     str_eq(name, "security.capability"));
	fuzz_require(n <= ENTRY_XATTR_VALUE_MAX);
	if (str_eq(name, "security.capability"))
		fuzz_require(value == cap && n == 20 && cap[3] == 2);
}

static void fuzz_image(const uint8_t *data, size_t size)
{
	char text[600];
	struct image_ref ref, back;
	struct image_file file;
	struct err e = ERR_INIT;

	(void)snprintf(text, sizeof(text), "%.*s", (int)(size < 599 ? size : 599),
		       (const char *)data);
	if (image_ref_from_file(text, &ref, &e) == 0) {
		image_ref_to_file(&ref, &file);
		fuzz_require(str_eq(file.s, text));
	}
	e = ERR_INIT;
	if (image_ref_parse(text, &ref, &e) < 0) {
		fuzz_require(e.code == EINVAL && e.text[0] != '\0');
		return;
	}
	image_ref_to_file(&ref, &file);
	fuzz_require(file.s[0] != '.' && file.s[0] != '-' && !strpbrk(file.s, "/:@[]\\\n "));
	e = ERR_INIT;
	fuzz_require(image_ref_from_file(file.s, &back, &e) == 0 && str_eq(back.s, ref.s));
	fuzz_require(image_ref_name_len(&ref) <= image_ref_tagged_len(&ref));
	fuzz_require(image_ref_has_tag(&ref) || ref.s[image_ref_tagged_len(&ref)] == '@');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct entry_limits all = { .max_name = ENTRY_NAME_MAX,
					  .max_depth = ENTRY_DEPTH_MAX };
	struct entry_limits some = all;

	if (size < 2)
		return 0;
	some.max_name = data[0] + 1u;
	some.max_depth = data[1] % 16u + 1u;
	fuzz_name((const char *)data + 2, size - 2, &all);
	fuzz_name((const char *)data + 2, size - 2, &some);
	fuzz_layer((const char *)data + 2, size - 2, &all);
	fuzz_layer((const char *)data + 2, size - 2, &some);
	fuzz_blob((const char *)data + 2, size - 2, &all);
	fuzz_attribute(data + 2, size - 2);
	fuzz_image(data + 2, size - 2);
	return 0;
}
