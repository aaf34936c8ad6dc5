/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of trees with other owners, and what differs between stacks of trees. Needs root: owners,
 * nodes, trusted attributes. */
#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "images/snapshot.h"
#include "images/store.h"
#include "images/treecopy.h"
#include "images/treediff.h"
#include "tests/unit/base_tmpdir.h"

#define FROM 100000
#define TO 900000

struct rig {
	struct tmpdir *t;
	int from, to, links;
};

static int made(int dir, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(dir, name, 0755), 0);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void rig_begin(struct rig *r, void **state)
{
	*r = (struct rig){ .t = *state };
	r->from = made(r->t->fd, "from");
	r->to = made(r->t->fd, "to");
	r->links = made(r->t->fd, "links");
}

static void rig_end(struct rig *r)
{
	fd_reset(&r->from);
	fd_reset(&r->to);
	fd_reset(&r->links);
}

static int copied(struct rig *r, uint32_t count, struct err *e)
{
	struct tree_copy c = { .links = r->links,
			       .shift = { .from = FROM, .to = TO, .count = count } };

	return tree_copy(&c, r->from, r->to, e);
}

static struct stat stat_of(int dir, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void set(int dir, const char *name, const char *key, const void *value, size_t n)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	assert_int_equal(lsetxattr(path, key, value, n, 0), 0);
}

static ssize_t get(int dir, const char *name, const char *key, void *value, size_t n)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	return lgetxattr(path, key, value, n);
}

static void owners_modes_times_links(void **state)
{
	const struct timespec times[2] = { { 5, 6 }, { 1000000000, 123456789 } };
	struct err e = ERR_INIT;
	struct stat st;
	struct rig r;
	int sub;

	rig_begin(&r, state);
	tmpdir_put(r.from, "a", "text");
	assert_int_equal(fchownat(r.from, "a", FROM + 5, FROM + 6, 0), 0);
	assert_int_equal(fchmodat(r.from, "a", 04755, 0), 0);
	sub = made(r.from, "d");
	assert_int_equal(linkat(r.from, "a", sub, "b", 0), 0);
	assert_int_equal(symlinkat("/etc/shadow", sub, "l"), 0);
	assert_int_equal(mkfifoat(sub, "f", 0640), 0);
	assert_int_equal(mknodat(sub, "gone", S_IFCHR, makedev(0, 0)), 0);
	assert_int_equal(utimensat(r.from, "a", times, 0), 0);
	assert_int_equal(utimensat(sub, "l", times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fchown(sub, 0, FROM + 65535), 0);
	assert_int_equal(futimens(sub, times), 0);
	fd_reset(&sub);

	assert_int_equal(copied(&r, 65536, &e), 0);
	st = stat_of(r.to, "a");
	assert_int_equal(st.st_uid, TO + 5);
	assert_int_equal(st.st_gid, TO + 6);
	assert_int_equal(st.st_mode, S_IFREG | 04755);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(stat_of(r.to, "d/b").st_ino, st.st_ino);
	assert_true(S_ISLNK(stat_of(r.to, "d/l").st_mode));
	assert_int_equal(stat_of(r.to, "d/l").st_mtim.tv_nsec, 123456789);
	assert_int_equal(stat_of(r.to, "d/f").st_mode, S_IFIFO | 0640);
	assert_true(S_ISCHR(stat_of(r.to, "d/gone").st_mode));
	assert_true(stat_of(r.to, "d/gone").st_rdev == makedev(0, 0));
	/* Ids that are none of the range stay. */
	st = stat_of(r.to, "d");
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, TO + 65535);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	rig_end(&r);
}

static void attributes_that_hold_ids(void **state)
{
	const struct vfs_ns_cap_data cap = { .magic_etc = htole32(VFS_CAP_REVISION_3 | 1),
					     .data = { { htole32(1u << CAP_NET_RAW), 0 } },
					     .rootid = htole32(FROM) };
	struct vfs_ns_cap_data cap_now = { 0 };
	struct {
		struct posix_acl_xattr_header h;
		struct posix_acl_xattr_entry v[5];
	} acl = { { htole32(POSIX_ACL_XATTR_VERSION) },
		  { { htole16(ACL_USER_OBJ), htole16(7), htole32((uint32_t)ACL_UNDEFINED_ID) },
		    { htole16(ACL_USER), htole16(4), htole32(FROM + 7) },
		    { htole16(ACL_GROUP_OBJ), htole16(5), htole32((uint32_t)ACL_UNDEFINED_ID) },
		    { htole16(ACL_MASK), htole16(5), htole32((uint32_t)ACL_UNDEFINED_ID) },
		    { htole16(ACL_OTHER), htole16(5), htole32((uint32_t)ACL_UNDEFINED_ID) } } },
	  acl_now;
	struct err e = ERR_INIT;
	struct rig r;
	char value[32];

	rig_begin(&r, state);
	tmpdir_put(r.from, "a", "");
	set(r.from, "a", "security.capability", &cap, sizeof(cap));
	set(r.from, "a", "system.posix_acl_access", &acl, sizeof(acl));
	set(r.from, "a", "user.x", "y", 1);
	assert_int_equal(copied(&r, 65536, &e), 0);
	assert_int_equal(get(r.to, "a", "security.capability", &cap_now, sizeof(cap_now)),
			 sizeof(cap_now));
	assert_int_equal(le32toh(cap_now.rootid), TO);
	assert_int_equal(cap_now.data[0].permitted, cap.data[0].permitted);
	assert_int_equal(get(r.to, "a", "system.posix_acl_access", &acl_now, sizeof(acl_now)),
			 sizeof(acl_now));
	assert_int_equal(le32toh(acl_now.v[1].e_id), TO + 7);
	acl.v[1].e_id = acl_now.v[1].e_id;
	assert_memory_equal(&acl, &acl_now, sizeof(acl));
	assert_int_equal(get(r.to, "a", "user.x", value, sizeof(value)), 1);
	rig_end(&r);
}

static void attributes_of_the_overlay(void **state)
{
	struct err e = ERR_INIT;
	struct rig r;
	char value[32];
	int sub;

	rig_begin(&r, state);
	sub = made(r.from, "d");
	set(r.from, "d", STORE_OPAQUE_XATTR, "y", 1);
	set(r.from, "d", "trusted.overlay.origin", "z", 1);
	set(r.from, "", SNAPSHOT_PARENT_XATTR, "0123456789abcdef", 16);
	fd_reset(&sub);
	assert_int_equal(copied(&r, 0, &e), 0);
	assert_int_equal(get(r.to, "d", STORE_OPAQUE_XATTR, value, sizeof(value)), 1);
	assert_true(get(r.to, "d", "trusted.overlay.origin", value, sizeof(value)) < 0);
	assert_true(get(r.to, "", SNAPSHOT_PARENT_XATTR, value, sizeof(value)) < 0);
	rig_end(&r);
}

static void holes(void **state)
{
	struct err e = ERR_INIT;
	CLEANUP_FD int fd = -EBADF;
	struct rig r;
	struct stat st;
	char c = 0;

	rig_begin(&r, state);
	fd = openat(r.from, "s", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "x", 1, 64 << 20), 1);
	assert_int_equal(ftruncate(fd, 128 << 20), 0);
	assert_int_equal(copied(&r, 0, &e), 0);
	st = stat_of(r.to, "s");
	assert_int_equal(st.st_size, 128 << 20);
	assert_true(st.st_blocks < 1000);
	fd_reset(&fd);
	fd = openat(r.to, "s", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &c, 1, 64 << 20), 1);
	assert_int_equal(c, 'x');
	rig_end(&r);
}

/* As deep as an instance can make it: an error, and not the end of us. */
static void too_deep(void **state)
{
	struct err e = ERR_INIT;
	struct rig r;
	int at;

	rig_begin(&r, state);
	at = fcntl(r.from, F_DUPFD_CLOEXEC, 0);
	for (int i = 0; i < TREE_DEPTH_MAX + 5; i++) {
		int next = made(at, "d");

		(void)close(at);
		at = next;
	}
	(void)close(at);
	assert_int_equal(copied(&r, 0, &e), -E2BIG);
	assert_non_null(strstr(e.text, "directories in each other"));
	rig_end(&r);
}

static int tell(const struct tree_difference *d, void *arg, struct err *e)
{
	struct strbuf *b = arg;

	strbuf_addf(b, "%c%s ", "ACD"[d->change], d -> path);
	return strbuf_ok(b, e);
}

/* An image with /d/{a,b}, /e/x, /f; and a tree above that deletes, hides, replaces. */
static void a_diff(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int image = made(t->fd, "image"), upper = made(t->fd, "upper");
	CLEANUP_FD int d = made(image, "d"), e_ = made(image, "e"), dir = -EBADF;
	const struct tree_shift shift = { .from = FROM, .count = 65536 };
	const struct tree_layer layers[] = { { upper, shift }, { image, { 0 } } };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;

	tmpdir_put(d, "a", "1");
	tmpdir_put(d, "b", "2");
	tmpdir_put(e_, "x", "3");
	tmpdir_put(image, "f", "4");
	tmpdir_put(image, "same", "5");
	/* upper: /d/a deleted, /d/n new, /e opaque with y, /f a directory, /same copied up. */
	dir = made(upper, "d");
	assert_int_equal(fchown(dir, FROM, FROM), 0);
	assert_int_equal(mknodat(dir, "a", S_IFCHR, makedev(0, 0)), 0);
	tmpdir_put(dir, "n", "");
	fd_reset(&dir);
	dir = made(upper, "e");
	assert_int_equal(fchown(dir, FROM, FROM), 0);
	set(upper, "e", STORE_OPAQUE_XATTR, "y", 1);
	tmpdir_put(dir, "y", "");
	fd_reset(&dir);
	dir = made(upper, "f");
	tmpdir_put(upper, "same", "5");
	assert_int_equal(fchownat(upper, "same", FROM, FROM, 0), 0);

	assert_int_equal(tree_diff(&(struct tree_stack){ layers + 1, 1 },
				   &(struct tree_stack){ layers, 2 }, tell, &b, &e),
			 0);
	assert_string_equal(strbuf_str(&b), "D/d/a A/d/n D/e/x A/e/y C/f ");
	b.len = 0;
	assert_int_equal(tree_diff(&(struct tree_stack){ layers, 2 },
				   &(struct tree_stack){ layers + 1, 1 }, tell, &b, &e),
			 0);
	assert_string_equal(strbuf_str(&b), "A/d/a D/d/n A/e/x D/e/y C/f ");
	b.len = 0;
	assert_int_equal(fchownat(upper, "same", FROM + 1, FROM, 0), 0);
	assert_int_equal(tree_diff(&(struct tree_stack){ layers + 1, 1 },
				   &(struct tree_stack){ layers, 2 }, tell, &b, &e),
			 0);
	assert_non_null(strstr(strbuf_str(&b), "C/same"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(owners_modes_times_links),
		TMPDIR_TEST(attributes_that_hold_ids),
		TMPDIR_TEST(attributes_of_the_overlay),
		TMPDIR_TEST(holes),
		TMPDIR_TEST(too_deep),
		TMPDIR_TEST(a_diff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
