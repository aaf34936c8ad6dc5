/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream is a sequence of 512-byte blocks: header, data padded to a block, header, ... A member
 * is any number of extension headers (pax 'x', GNU 'L' and 'K') and one real header. This state
 * machine follows them, collects pax bodies (for "size", and to insist on their syntax), jumps over
 * everything else, and queues the offset of each member's first header.
 *
 * Checksums, names, modes and the sparse maps are libarchive's business: where it refuses, the
 * import ends anyway; where it goes another way, the offsets differ and the import ends too.
 */
#include "images/tarwatch.h"

#include <string.h>

#define TARWATCH_BODY_MAX (1u << 20) /* libarchive's own limit for an extension header (row 41) */
#define TARWATCH_SIZE_MAX (1ull << 62)
#define TARWATCH_USTAR_SIZE_MAX 077777777777ull /* what eleven octal digits hold */

/* struct posix_header and GNU's old sparse extensions, by offset. */
enum {
	TAR_SIZE = 124,
	TAR_SIZE_LEN = 12,
	TAR_TYPE = 156,
	TAR_SPARSE_EXTENDED = 482, /* in a header of type 'S' */
	TAR_SPARSE_MORE = 504, /* in a block that continues its map */
};

void tarwatch_init(struct tarwatch *w)
{
	memset(w, 0, sizeof(*w));
	w->stopped = ERR_INIT;
}

void tarwatch_free(struct tarwatch *w)
{
	free(w->body);
	w->body = NULL;
}

static void tarwatch_stop(struct tarwatch *w, int code, const char *why)
{
	(void)err_set(&w->stopped, code, "%s", why);
	w->stopped_at = w->start;
}

static bool tarwatch_all_zero(const uint8_t *block)
{
	for (size_t i = 0; i < TARWATCH_BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

/* Octal text, or GNU's base 256 when the first bit is set. Strict: digits, then blanks or NULs. */
static bool tarwatch_number(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	if (p[0] & 0x80) {
		if (p[0] != 0x80)
			return false; /* negative, or more than 2^62 */
		for (i = 1; i < n; i++) {
			if (value >> 54)
				return false;
			value = value << 8 | p[i];
		}
		*ret = value;
		return true;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(p[i] - '0');
	for (; i < n; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return false;
	*ret = value;
	return true;
}

static bool tarwatch_decimal(const char *text, size_t n, uint64_t *ret)
{
	uint64_t value = 0;

	if (n == 0 || n > 19)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = value;
	return value <= TARWATCH_SIZE_MAX;
}

/* Keys whose value changes what a member is, so that a second one, an empty one or one with a NUL
 * is read differently by different programs. */
enum { PAX_PATH, PAX_LINKPATH, PAX_SIZE, PAX_SPARSE_NAME, PAX_N_KEYS };
static const char *const tarwatch_keys[PAX_N_KEYS] = {
	[PAX_PATH] = "path",
	[PAX_LINKPATH] = "linkpath",
	[PAX_SIZE] = "size",
	[PAX_SPARSE_NAME] = "GNU.sparse.name",
};

struct tarwatch_record {
	const char *key, *value;
	size_t key_len, value_len;
};

/* One "LENGTH KEY=VALUE\n". Return: its length, 0 when malformed. */
static size_t tarwatch_record(const char *p, size_t n, struct tarwatch_record *ret)
{
	size_t len = 0, i = 0;
	const char *equals;

	for (; i < n && p[i] >= '0' && p[i] <= '9' && i < 7; i++)
		len = len * 10 + (size_t)(p[i] - '0');
	if (i == 0 || i >= n || p[i] != ' ' || len > n || len < i + 3 || p[len - 1] != '\n')
		return 0;
	ret->key = p + i + 1;
	equals = memchr(ret->key, '=', len - i - 2);
	if (!equals || equals == ret->key || memchr(ret->key, '\0', (size_t)(equals - ret->key)))
		return 0;
	ret->key_len = (size_t)(equals - ret->key);
	ret->value = equals + 1;
	ret->value_len = (size_t)(p + len - 1 - ret->value);
	return len;
}

static bool tarwatch_key_is(const struct tarwatch_record *r, const char *key)
{
	return strlen(key) == r->key_len && memcmp(r->key, key, r->key_len) == 0;
}

static bool tarwatch_key_begins(const struct tarwatch_record *r, const char *with)
{
	return r->key_len >= strlen(with) && memcmp(r->key, with, strlen(with)) == 0;
}

/* libarchive skips global headers, GNU tar obeys them: only what neither of them uses may be there
 * ("comment" is what git archive writes). */
static bool tarwatch_global_ok(const struct tarwatch_record *r)
{
	return tarwatch_key_is(r, "comment") || tarwatch_key_is(r, "atime") ||
	       tarwatch_key_is(r, "ctime");
}

static void tarwatch_pax_key(struct tarwatch *w, const struct tarwatch_record *r, unsigned *seen)
{
	for (unsigned i = 0; i < PAX_N_KEYS; i++) {
		if (!tarwatch_key_is(r, tarwatch_keys[i]))
			continue;
		if (*seen & (1u << i) || r->value_len == 0 ||
		    memchr(r->value, '\0', r->value_len)) {
			tarwatch_stop(w, EBADMSG,
				      "its pax header has an ambiguous path, linkpath or size");
			return;
		}
		*seen |= 1u << i;
	}
	if (tarwatch_key_begins(r, "GNU.sparse.") || tarwatch_key_is(r, "SCHILY.realsize"))
		w->sparse = true;
	if (!tarwatch_key_is(r, "size"))
		return;
	if (!tarwatch_decimal(r->value, r->value_len, &w->size))
		tarwatch_stop(w, EBADMSG, "its pax header has an impossible size");
	w->has_size = true;
}

static void tarwatch_pax(struct tarwatch *w, char type)
{
	const char *p = (const char *)w->body;
	size_t n = w->body_len;
	unsigned seen = 0;

	while (n > 0 && !w->stopped.code) {
		struct tarwatch_record record;
		size_t len = tarwatch_record(p, n, &record);

		if (len == 0)
			tarwatch_stop(w, EBADMSG, "its pax header is malformed");
		else if (type != 'g')
			tarwatch_pax_key(w, &record, &seen);
		else if (!tarwatch_global_ok(&record))
			tarwatch_stop(
				w, EBADMSG,
				"a global pax header with more than a comment is not supported");
		p += len;
		n -= len;
	}
}

static uint64_t tarwatch_padded(uint64_t size)
{
	return (size + TARWATCH_BLOCK - 1) & ~(uint64_t)(TARWATCH_BLOCK - 1);
}

/* An extension header: its body is collected (pax) or skipped. */
static void tarwatch_extension(struct tarwatch *w, char type, uint64_t size)
{
	bool *seen = type == 'L'   ? &w->seen_long_name
		     : type == 'K' ? &w->seen_long_link
				   : &w->seen_pax;

	w->in_member = true;
	if (size > TARWATCH_BODY_MAX) {
		tarwatch_stop(w, E2BIG, "limit maxHeader exceeded: an extension header over 1MiB");
		return;
	}
	if (type != 'g') {
		if (*seen || (w->seen_pax && type != 'x') ||
		    (type == 'x' && (w->seen_long_name || w->seen_long_link))) {
			tarwatch_stop(w, EBADMSG, "its extension headers contradict each other");
			return;
		}
		*seen = true;
	}
	if (type == 'L' || type == 'K' || size == 0) {
		w->skip = tarwatch_padded(size);
		return;
	}
	if (w->body_cap < size) {
		uint8_t *grown = realloc(w->body, (size_t)size);

		if (!grown) {
			tarwatch_stop(w, ENOMEM, "out of memory");
			return;
		}
		w->body = grown;
		w->body_cap = (size_t)size;
	}
	w->body_type = type;
	w->body_len = (size_t)size;
	w->body_have = 0;
}

/* The real header. `data`: its size field says how much data follows, for types that have data. h:
 * of the old GNU sparse type, else NULL. */
static void tarwatch_real(struct tarwatch *w, uint64_t field, bool data, const uint8_t *h)
{
	uint64_t size = w->has_size ? w->size : field;
	struct tarwatch_member *member;

	if (w->has_size && field != w->size && w->size <= TARWATCH_USTAR_SIZE_MAX) {
		tarwatch_stop(w, EBADMSG, "its header and its pax header give different sizes");
		return;
	}
	if (!data && size != 0) {
		tarwatch_stop(w, EBADMSG, "it is a link, directory or device and carries data");
		return;
	}
	if (size > TARWATCH_SIZE_MAX) {
		tarwatch_stop(w, EBADMSG, "its size is impossible");
		return;
	}
	w->skip = tarwatch_padded(size);
	w->sparse_extension = h && h[TAR_SPARSE_EXTENDED] != 0;
	member = &w->queue[(w->queue_first + w->queue_n++) % TARWATCH_QUEUE];
	member->start = w->start;
	member->data = w->offset;
	member->size = size;
	member->sparse = w->sparse || h;
	w->in_member = false;
	w->seen_pax = w->seen_long_name = w->seen_long_link = w->sparse = false;
	w->has_size = false;
}

static void tarwatch_header(struct tarwatch *w, const uint8_t *h)
{
	char type = (char)h[TAR_TYPE];
	uint64_t size;

	if (!w->in_member)
		w->start = w->offset - TARWATCH_BLOCK;
	if (tarwatch_all_zero(h)) {
		if (w->in_member)
			tarwatch_stop(w, EBADMSG, "the archive ends after an extension header");
		else
			w->ended = true;
		return;
	}
	if (!tarwatch_number(h + TAR_SIZE, TAR_SIZE_LEN, &size)) {
		tarwatch_stop(w, EBADMSG, "the size in its header is not a number");
		return;
	}
	switch (type) {
	case 'x':
	case 'X':
		tarwatch_extension(w, 'x', size);
		break;
	case 'g':
	case 'L':
	case 'K':
		tarwatch_extension(w, type, size);
		break;
	case 'V': /* volume label: a header alone */
		w->in_member = true;
		if (size != 0)
			tarwatch_stop(w, EBADMSG, "a volume label that carries data");
		break;
	case '\0':
	case '0':
	case '7':
	case 'D': /* GNU incremental: a directory with a list of names, which is skipped */
		tarwatch_real(w, size, true, NULL);
		break;
	case 'S':
		if (w->seen_pax)
			tarwatch_stop(w, EBADMSG,
				      "it has an old GNU sparse header and a pax header");
		else
			tarwatch_real(w, size, true, h);
		break;
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
		tarwatch_real(w, size, false, NULL);
		break;
	default:
		tarwatch_stop(w, EBADMSG, "its type is unknown or not supported");
		break;
	}
}

static void tarwatch_block(struct tarwatch *w, const uint8_t *block)
{
	if (w->sparse_extension) {
		w->sparse_extension = block[TAR_SPARSE_MORE] != 0;
		return;
	}
	if (w->body_type) {
		size_t n = w->body_len - w->body_have;

		if (n > TARWATCH_BLOCK)
			n = TARWATCH_BLOCK;
		memcpy(w->body + w->body_have, block, n);
		w->body_have += n;
		if (w->body_have == w->body_len) {
			char type = w->body_type;

			w->body_type = 0;
			tarwatch_pax(w, type);
		}
		return;
	}
	tarwatch_header(w, block);
}

void tarwatch_feed(struct tarwatch *w, const void *data, size_t n)
{
	const uint8_t *p = data;

	/* The maps of an old sparse header stand between it and its data, so they go first. */
	while (n > 0 && !w->stopped.code && !w->ended) {
		bool skipping = w->skip > 0 && !w->sparse_extension;
		size_t take =
			skipping ? (w->skip < n ? (size_t)w->skip : n) : TARWATCH_BLOCK - w->have;

		if (take > n)
			take = n;
		w->offset += take;
		if (skipping) {
			w->skip -= take;
		} else if (take == TARWATCH_BLOCK) {
			tarwatch_block(w, p);
		} else {
			memcpy(w->block + w->have, p, take);
			w->have += take;
			if (w->have == TARWATCH_BLOCK) {
				w->have = 0;
				tarwatch_block(w, w->block);
			}
		}
		p += take;
		n -= take;
		/* Never reached by a caller that keeps to TARWATCH_FEED_MAX. */
		if (w->queue_n == TARWATCH_QUEUE)
			tarwatch_stop(w, EOVERFLOW, "too many members in one piece");
	}
}

int tarwatch_member(struct tarwatch *w, uint64_t start, struct err *e)
{
	if (w->queue_n > 0 && w->queue[w->queue_first].start == start) {
		w->member = w->queue[w->queue_first];
		w->queue_first = (w->queue_first + 1) % TARWATCH_QUEUE;
		w->queue_n--;
		return 0;
	}
	if (w->queue_n == 0 && w->stopped.code && w->stopped_at == start)
		return err_set(e, w->stopped.code, "%s", w->stopped.text);
	return err_set(
		e, EBADMSG,
		"two readings of the archive disagree on where this member begins (offset %llu)",
		(unsigned long long)start);
}

uint64_t tarwatch_settled(const struct tarwatch *w)
{
	if (w->queue_n > 0)
		return w->queue[w->queue_first].start;
	/* Nothing is followed any more: no other member will pass. */
	if (w->stopped.code || w->ended)
		return UINT64_MAX;
	if (w->in_member)
		return w->start;
	return w->offset - w->have;
}

int tarwatch_end(struct tarwatch *w, struct err *e)
{
	if (w->stopped.code)
		return err_set(e, w->stopped.code, "member at offset %llu: %s",
			       (unsigned long long)w->stopped_at, w->stopped.text);
	if (w->queue_n > 0)
		return err_set(
			e, EBADMSG,
			"two readings of the archive disagree on where it ends (offset %llu)",
			(unsigned long long)w->queue[w->queue_first].start);
	if (!w->ended)
		return err_set(e, EBADMSG, "the archive has no end mark: it was cut short");
	return 0;
}
