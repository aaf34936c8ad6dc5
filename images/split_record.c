/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of a split file, each within its bounds. */
#include <endian.h>
#include <string.h>

#include "images/split_priv.h"

/* As the writer has them: what the policy of entry.h makes of a name, joined. */
static int record_check_name(const char *name, size_t n, struct err *e)
{
	for (const char *p = name; p <= name + n;) {
		const char *slash = memchr(p, '/', (size_t)(name + n - p));
		size_t len = (size_t)((slash ? slash : name + n) - p);

		if (len == 0 || len > ENTRY_COMPONENT_MAX || (len == 1 && p[0] == '.') ||
		    (len == 2 && p[0] == '.' && p[1] == '.'))
			return err_set(e, EBADMSG, "a name has an impossible component");
		p += len + 1;
	}
	return memchr(name, '\0', n) ? err_set(e, EBADMSG, "a name has a NUL byte") : 0;
}

static int record_u64(struct split_source *s, uint64_t *ret, struct err *e)
{
	uint64_t value = 0;
	int r = split_source_read(s, &value, sizeof(value), e);

	*ret = le64toh(value);
	return r;
}

static int record_name(struct split_source *s, struct split_record *ret, struct err *e)
{
	int r;

	if (ret->len == 0 || ret->len > ENTRY_NAME_MAX)
		return err_set(e, EBADMSG, "a name of %u bytes", ret->len);
	r = split_source_read(s, ret->name, ret->len, e);
	if (r < 0)
		return r;
	ret->name[ret->len] = '\0';
	r = record_check_name(ret->name, ret->len, e);
	return r < 0 ? r : record_u64(s, &ret->size, e);
}

int split_record_read(struct split_source *s, struct split_record *ret, struct err *e)
{
	uint8_t type;
	uint32_t len = 0;
	int r = split_source_read(s, &type, 1, e);

	if (r == 0 && type == SPLIT_END) {
		ret->type = SPLIT_END;
		return record_u64(s, &ret->size, e);
	}
	if (r == 0)
		r = split_source_read(s, &len, sizeof(len), e);
	if (r < 0)
		return r;
	ret->len = le32toh(len);
	switch (type) {
	case SPLIT_CHECK:
		ret->type = SPLIT_CHECK;
		ret->crc = ret->len;
		return 0;
	case SPLIT_RAW:
		ret->type = SPLIT_RAW;
		if (ret->len == 0 || ret->len > SPLIT_RAW_MAX)
			return err_set(e, EBADMSG, "a piece of %u bytes", ret->len);
		return 0;
	case SPLIT_CONTENT:
	case SPLIT_REPLACED:
		ret->type = (enum split_type)type;
		r = record_name(s, ret, e);
		if (r == 0 && type == SPLIT_CONTENT && ret->size == 0)
			return err_set(e, EBADMSG, "a content without bytes");
		return r;
	default:
		return err_set(e, EBADMSG, "a record of the unknown type %u", type);
	}
}

int split_magic_read(struct split_source *s, struct err *e)
{
	char magic[SPLIT_MAGIC_LEN];
	int r = split_source_read(s, magic, sizeof(magic), e);

	if (r == 0 && memcmp(magic, SPLIT_MAGIC, sizeof(magic)) != 0)
		return err_set(e, EBADMSG, "it is no split file of this version of jail");
	return r;
}
