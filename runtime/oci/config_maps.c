/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Id mappings (config-linux.md, "User namespace mappings", and those of mounts). The kernel refuses
 * what oci_mappings_check() refuses (user_namespaces(7)), but with EINVAL and nothing else.
 */
#include "base/num.h"
#include "runtime/oci/config_priv.h"

#define MAPPING(member) offsetof(struct id_mapping, member)

static const struct decode_field mapping_fields[] = {
	{ .key = "containerID",
	  .decode = decode_u32,
	  .offset = MAPPING(inside),
	  .max = UINT32_MAX,
	  .required = true },
	{ .key = "hostID",
	  .decode = decode_u32,
	  .offset = MAPPING(outside),
	  .max = UINT32_MAX,
	  .required = true },
	{ .key = "size",
	  .decode = decode_u32,
	  .offset = MAPPING(count),
	  .min = 1,
	  .max = UINT32_MAX,
	  .required = true },
};
const struct decode_table oci_mapping_table = OCI_TABLE(mapping_fields);

static bool overlaps(uint32_t a, uint32_t n_a, uint32_t b, uint32_t n_b)
{
	return (uint64_t)a < (uint64_t)b + n_b && (uint64_t)b < (uint64_t)a + n_a;
}

/* Return: what is wrong with the last of n mappings, or NULL. */
static const char *judge_last(const struct id_mapping *maps, size_t n)
{
	const struct id_mapping *m = &maps[n - 1];

	if (m->count == 0)
		return "is empty";
	/* (uint32_t)-1 is no id. */
	if ((uint64_t)m->inside + m->count > UINT32_MAX ||
	    (uint64_t)m->outside + m->count > UINT32_MAX)
		return "goes beyond the largest id, 4294967294";
	for (size_t i = 0; i + 1 < n; i++)
		if (overlaps(maps[i].inside, maps[i].count, m->inside, m->count) ||
		    overlaps(maps[i].outside, maps[i].count, m->outside, m->count))
			return "overlaps another mapping of the list";
	return NULL;
}

int oci_mappings_check(const struct decoder *d, const struct json *node,
		       const struct id_mapping *maps, size_t n, struct err *e)
{
	const struct json *item = node ? node->first : NULL;

	for (size_t i = 0; i < n && item; i++, item = item->next) {
		const char *wrong = judge_last(maps, i + 1);

		if (wrong)
			return json_err(d->doc, item, e, EINVAL, "%s", wrong);
	}
	return 0;
}

/* ---- crun's "idmap=": ranges "ID-ID-COUNT", in the file system and on the host, "#" between */

static bool take_number(const char **text, char end, uint32_t *ret)
{
	struct err ignored = ERR_INIT;
	size_t n = strspn(*text, "0123456789");
	char digits[16];
	uint64_t v = 0;

	if (n == 0 || n >= sizeof(digits) || (end && (*text)[n] != end))
		return false;
	(void)str_format(digits, sizeof(digits), "%.*s", (int)n, *text);
	if (num_parse_u64(digits, 0, UINT32_MAX, &v, &ignored) < 0)
		return false;
	*ret = (uint32_t)v;
	*text += n + (end != '\0');
	return true;
}

static int64_t number_of(const struct json *mapping, const char *key)
{
	const struct json *node = json_get(mapping, key);

	return node && node->type == JSON_NUMBER && node->is_int ? node->integer : -1;
}

/* "@": the second id is one of the container's, and becomes the host's. The maps may not have been
 * decoded yet, so that the document is asked; what is wrong there is found when they are. */
static bool make_absolute(const struct decoder *d, const char *maps, struct id_mapping *m)
{
	const struct json *list = json_get(json_get(json_root(d->doc), "linux"), maps);

	for (const struct json *item = list ? list->first : NULL; item; item = item->next) {
		int64_t inside = number_of(item, "containerID");
		int64_t outside = number_of(item, "hostID"), size = number_of(item, "size");

		if (inside < 0 || outside < 0 || outside > UINT32_MAX || m->outside < inside ||
		    size > UINT32_MAX || m->outside - inside + m->count > size)
			continue;
		m->outside = (uint32_t)(m->outside - inside + outside);
		return true;
	}
	return false;
}

/* What is given of one kind of ids. */
struct ranges {
	const char *word; /* "uids=" */
	const char *maps; /* of the container: "uidMappings" */
	const struct id_mapping **list;
	size_t *n;
};

static int take_range(const struct decoder *d, const struct json *node, const char **text,
		      const char *maps, struct id_mapping *ret, struct err *e)
{
	bool relative = **text == '@';

	*text += relative;
	if (!take_number(text, '-', &ret->inside) || !take_number(text, '-', &ret->outside) ||
	    !take_number(text, '\0', &ret->count))
		return json_err(d->doc, node, e, EINVAL,
				"expected \"uids=ID-ID-COUNT#...;gids=ID-ID-COUNT#...\"");
	if (relative && !make_absolute(d, maps, ret))
		return json_err(d->doc, node, e, EINVAL,
				"the range \"@%u-%u-%u\" is not in one of linux.%s", ret->inside,
				ret->outside, ret->count, maps);
	return 0;
}

static int take_ranges(const struct decoder *d, const struct json *node, const char **text,
		       const struct ranges *kind, struct err *e)
{
	struct id_mapping *list = arena_alloc(d->arena, LIMIT_ID_MAPS, sizeof(*list));
	size_t n = 0;

	if (!list)
		return err_nomem(e);
	do {
		const char *wrong;

		if (n == LIMIT_ID_MAPS)
			return json_err(d->doc, node, e, E2BIG, "more than %d ranges",
					LIMIT_ID_MAPS);
		if (take_range(d, node, text, kind->maps, &list[n], e) < 0)
			return -e->code;
		wrong = judge_last(list, ++n);
		if (wrong)
			return json_err(d->doc, node, e, EINVAL, "range %zu %s", n, wrong);
	} while (**text == '#' && (*text)++);
	*kind->list = list;
	*kind->n = n;
	return 0;
}

int oci_idmap_text(const struct decoder *d, const struct json *node, const char *text,
		   struct bundle_mount *m, struct err *e)
{
	const struct ranges kinds[] = {
		{ "uids=", "uidMappings", &m->maps.uids, &m->maps.n_uids },
		{ "gids=", "gidMappings", &m->maps.gids, &m->maps.n_gids },
	};

	while (*text) {
		const struct ranges *kind = str_starts(text, kinds[0].word) ? &kinds[0] : &kinds[1];

		if (!str_starts(text, kind->word))
			return json_err(d->doc, node, e, EINVAL,
					"\"%.60s\": expected \"uids=\" or \"gids=\"", text);
		text += strlen(kind->word);
		if (take_ranges(d, node, &text, kind, e) < 0)
			return -e->code;
		if (*text != ';' && *text != '\0')
			return json_err(d->doc, node, e, EINVAL, "\"%.60s\": expected \";\"", text);
		text += *text == ';';
	}
	if (!m->maps.n_uids || !m->maps.n_gids)
		return json_err(d->doc, node, e, EINVAL, "\"idmap=\" takes both uids and gids");
	return 0;
}
