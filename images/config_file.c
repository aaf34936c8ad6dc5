/* SPDX-License-Identifier: GPL-2.0-or-later */
/* configs/HEX.json: OCI config documents, exactly the bytes whose sha256 is their name. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "images/digest.h"
#include "images/store_priv.h"

#define CONFIG_FILE_MAX (sizeof(((struct digest *)0)->hex) + sizeof(".json"))

static void config_file_name(const struct digest *config, char ret[static CONFIG_FILE_MAX])
{
	(void)str_format(ret, CONFIG_FILE_MAX, "%s.json", config->hex); /* fits */
}

int store_config_write(const struct image_store *s, const struct digest *config, const char *text,
		       size_t n, struct err *e)
{
	char file[CONFIG_FILE_MAX];
	struct stat st;

	config_file_name(config, file);
	if (fstatat(s->configs, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return file_write_at(s->configs, file, text, n, 0600, FILE_SYNC, e);
}

int store_config_read(const struct image_store *s, const struct digest *config, char **ret,
		      size_t *ret_n, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	char file[CONFIG_FILE_MAX];
	struct digest is;
	size_t n;
	int r;

	config_file_name(config, file);
	r = file_read_at(s->configs, file, MANIFEST_BYTES_MAX, &text, &n, e);
	if (r < 0)
		return err_wrap(e, "image config");
	digest_of(text, n, &is);
	if (!str_eq(is.hex, config->hex)) {
		(void)err_set(e, EBADMSG, "image config %s is damaged: its digest is sha256:%s",
			      config->hex, is.hex);
		return err_hint(e, "import the image again with --replace");
	}
	*ret = TAKE_PTR(text);
	*ret_n = n;
	return 0;
}
