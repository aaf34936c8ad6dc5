/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads an image's user database and hands its text to userdb_text.c. The image is hostile: the
 * files are opened inside the root by fd, must be regular (a FIFO, a device, /proc/kmsg or a link
 * to any of them would block, drain or mislead), and are read up to a bound (row 46). No NSS: it
 * would load code, and from the image at that (row 4).
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/userdb_priv.h"

/*
 * A missing file is an empty one; any other trouble is kept in file->why, because a numeric user
 * without a database is still good while a name is not.
 */
static void read_file(int root, const char *name, struct userdb_file *file, char **ret_text)
{
	CLEANUP_FD int etc = -EBADF;
	struct stat st;
	int r;

	etc = path_open_in_root(root, "/etc", O_PATH | O_DIRECTORY, 0);
	if (etc == -ENOENT)
		return;
	if (etc < 0) {
		(void)err_ret(&file->why, etc, "open /etc of the root file system");
		return;
	}
	/* Looked at before it is opened: the open of a device may have effects of its own. */
	if (fstatat(etc, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			(void)err_sys(&file->why, "look at %s", file->name);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_set(&file->why, EINVAL, "%s is not a regular file", file->name);
		return;
	}
	r = file_read_at(etc, name, LIMIT_USERDB_BYTES, ret_text, &file->n, &file->why);
	if (r < 0) {
		(void)err_wrap(&file->why, "/etc");
		return;
	}
	file->text = *ret_text;
}

int userdb_resolve(int root, const char *text, uint32_t max_id, struct creds_user *ret,
		   struct err *e)
{
	CLEANUP_FREE char *passwd = NULL;
	CLEANUP_FREE char *group = NULL;
	struct userdb db = {
		.passwd = { .name = "/etc/passwd", .why = ERR_INIT },
		.group = { .name = "/etc/group", .why = ERR_INIT },
	};

	read_file(root, "passwd", &db.passwd, &passwd);
	read_file(root, "group", &db.group, &group);
	return userdb_resolve_text(&db, text, max_id, ret, e);
}

void userdb_home(int root, uid_t uid, char *ret, size_t n)
{
	CLEANUP_FREE char *passwd = NULL;
	struct userdb_file file = { .name = "/etc/passwd", .why = ERR_INIT };
	struct creds_user user = { .home = "" };

	read_file(root, "passwd", &file, &passwd);
	if (!userdb_home_text(&file, uid, &user) || str_format(ret, n, "%s", user.home) <= 0)
		(void)str_format(ret, n, "/");
}
