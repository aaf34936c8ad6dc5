/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream that `jail cp` writes of an instance's files, whose names, attributes, times and holes
 * are the instance's to choose. The input is a list of members. What is written is read by
 * libarchive, which must find each member with what it had: no name or attribute can forge another.
 */
#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>

#include "cmd/jail-copy/pax.c"
#include "tests/fuzz/fuzz.h"

#define MEMBERS_MAX 8
#define XATTRS_MAX 3
#define TEXT_MAX 320

struct member {
	char name[TEXT_MAX], link[TEXT_MAX];
	struct stat st;
	bool hard, sparse;
	struct {
		char name[TEXT_MAX];
		const uint8_t *value;
		size_t n;
		bool said;
	} xattrs[XATTRS_MAX];
	size_t n_xattrs;
	const uint8_t *data;
	size_t n;
	struct sparse_extent extents[2];
};

/* A name of the instance: no NUL, not empty, and no slash at its end, which makes a directory. */
static void take_text(struct fuzz_input *in, char ret[static TEXT_MAX])
{
	const uint8_t *text;
	size_t n = fuzz_piece(in, TEXT_MAX - 2, &text);

	ret[0] = 'n';
	for (size_t i = 0; i < n; i++)
		ret[i + 1] = text[i] ? (char)text[i] : 'z';
	ret[n + 1] = '\0';
	if (ret[n] == '/')
		ret[n] = 'y';
}

static void take_member(struct fuzz_input *in, struct member *m)
{
	static const mode_t types[] = { S_IFREG, S_IFREG, S_IFDIR, S_IFIFO, S_IFLNK };
	unsigned how = fuzz_byte(in);
	const uint8_t *times;

	memset(m, 0, sizeof(*m));
	m->st.st_mode = types[how % ARRAY_SIZE(types)] | (fuzz_u16(in) & 07777);
	m->st.st_uid = how & 0x80 ? UINT32_MAX - fuzz_byte(in) : fuzz_u16(in);
	m->st.st_gid = how & 0x40 ? UINT32_MAX - fuzz_byte(in) : fuzz_u16(in);
	take_text(in, m->name);
	if (fuzz_piece(in, 8, &times) == 8) {
		int32_t seconds;

		memcpy(&seconds, times, sizeof(seconds));
		m->st.st_mtim.tv_sec = (time_t)seconds * (how & 0x20 ? 4096 : 1);
		m->st.st_mtim.tv_nsec = (times[4] | times[5] << 8) * 15000L;
	}
	m->hard = S_ISREG(m->st.st_mode) && how & 0x10;
	if (m->hard || S_ISLNK(m->st.st_mode))
		take_text(in, m->link);
	while (m->n_xattrs < XATTRS_MAX && fuzz_byte(in) & 1) {
		take_text(in, m->xattrs[m->n_xattrs].name);
		m->xattrs[m->n_xattrs].n = fuzz_piece(in, 4096, &m->xattrs[m->n_xattrs].value);
		m->n_xattrs++;
	}
	if (!S_ISREG(m->st.st_mode) || m->hard)
		return;
	m->n = fuzz_piece(in, 8192, &m->data);
	m->sparse = how & 8 && m->n > 0;
	m->extents[0] =
		(struct sparse_extent){ .at = m->sparse ? 4096u * fuzz_byte(in) : 0, .n = m->n };
	m->extents[1] = (struct sparse_extent){ .at = m->extents[0].at + m->n + 4096u };
}

static void write_member(struct pax *p, struct member *m)
{
	struct err e = ERR_INIT;

	pax_begin(p);
	for (size_t i = 0; i < m->n_xattrs; i++)
		m->xattrs[i].said =
			pax_xattr(p, m->xattrs[i].name, m->xattrs[i].value, m->xattrs[i].n);
	if (m->sparse)
		pax_hole_map(p, m->extents, 2, m->extents[1].at);
	fuzz_require(pax_header(p, m->name, &m->st, m->link[0] ? m->link : NULL, m->hard, m->n,
				&e) == 0 &&
			     pax_data(p, m->data, m->n, &e) == 0 && pax_pad(p, &e) == 0,
		     "a member is written");
}

static bool has_xattr(struct archive_entry *entry, const char *wanted, const void *data, size_t n)
{
	const char *name;
	const void *value;
	size_t length;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK)
		if (str_eq(name, wanted) && length == n && memcmp(value, data, n) == 0)
			return true;
	return false;
}

static void check_data(struct archive *a, const struct member *m)
{
	uint64_t end = 0;
	const void *data;
	size_t n;
	int64_t offset;

	while (archive_read_data_block(a, &data, &n, &offset) == ARCHIVE_OK) {
		uint64_t from = (uint64_t)offset - m->extents[0].at;

		if (n == 0)
			continue;
		fuzz_require((uint64_t)offset >= m->extents[0].at && from + n <= m->n &&
				     memcmp(data, m->data + from, n) == 0,
			     "the data, where it was");
		end += n;
	}
	fuzz_require(end == m->n, "all of the data");
}

static void check_member(struct archive *a, struct archive_entry *entry, const struct member *m)
{
	size_t n = strlen(m->name);
	const char *name = archive_entry_pathname(entry);
	const char *link = m->hard ? archive_entry_hardlink(entry) : archive_entry_symlink(entry);

	/* libarchive shows that one is a directory. */
	fuzz_require(name && strncmp(name, m->name, n) == 0 && (!name[n] || str_eq(name + n, "/")),
		     "the name");
	fuzz_require(!m->link[0] || (link && str_eq(link, m->link)), "the link");
	fuzz_require((archive_entry_perm(entry) & 07777) == (m->st.st_mode & 07777), "the mode");
	fuzz_require(archive_entry_uid(entry) == m->st.st_uid &&
			     archive_entry_gid(entry) == m->st.st_gid,
		     "the owner");
	for (size_t i = 0; i < m->n_xattrs; i++)
		fuzz_require(!m->xattrs[i].said || has_xattr(entry, m->xattrs[i].name,
							     m->xattrs[i].value, m->xattrs[i].n),
			     "an attribute");
	if (S_ISREG(m->st.st_mode) && !m->hard) {
		fuzz_require(archive_entry_size(entry) ==
				     (int64_t)(m->sparse ? m->extents[1].at : m->n),
			     "the size");
		check_data(a, m);
	}
}

static void check_stream(int fd, const struct member *members, size_t n)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	size_t i = 0;
	int r;

	fuzz_require(a && archive_read_support_format_tar(a) == ARCHIVE_OK &&
			     lseek(fd, 0, SEEK_SET) == 0 &&
			     archive_read_open_fd(a, fd, 65536) == ARCHIVE_OK,
		     "it is an archive");
	while ((r = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
		fuzz_require(r == ARCHIVE_OK || r == ARCHIVE_WARN, "a member is read");
		fuzz_require(i < n, "no member too many");
		check_member(a, entry, &members[i++]);
	}
	fuzz_require(i == n, "all members");
	(void)archive_read_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct member members[MEMBERS_MAX];
	static struct pax pax;
	struct fuzz_input in = { data, size };
	CLEANUP_FD int fd = memfd_create("stream", MFD_CLOEXEC);
	struct err e = ERR_INIT;
	size_t n = 0;

	pax_init(&pax, fd);
	while (in.left > 0 && n < MEMBERS_MAX) {
		take_member(&in, &members[n]);
		write_member(&pax, &members[n++]);
	}
	fuzz_require(pax_end(&pax, &e) == 0, "the end");
	pax_free(&pax);
	if (n > 0)
		check_stream(fd, members, n);
	return 0;
}
