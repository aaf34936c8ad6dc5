/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of an image's layers an overlay mount gets. */
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/xattr.h>

#include "images/store.h"

int store_layer_path(const char *state_path, const struct digest *layer, char *ret, size_t n)
{
	int r = str_format(ret, n, "%s/layers/%s/fs", state_path, layer->hex);

	return r < 0 ? r : 0;
}

static bool layers_have(const struct digest *const *v, size_t n, const struct digest *d)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i]->hex, d->hex))
			return true;
	return false;
}

int store_visible_layers(const char *state_path, const struct digest *layers, size_t n,
			 const struct digest **ret, size_t *ret_n, struct err *e)
{
	size_t used = 0;

	for (size_t i = n; i > 0; i--) {
		const struct digest *layer = &layers[i - 1];
		char path[PATH_MAX], value[2];
		int r;

		if (layers_have(ret, used, layer))
			continue;
		r = store_layer_path(state_path, layer, path, sizeof(path));
		if (r < 0)
			return err_ret(e, r, "layer %s", layer->hex);
		ret[used++] = layer;
		/* A layer that is missing is told by who opens it. */
		if (lgetxattr(path, STORE_OPAQUE_XATTR, value, sizeof(value)) == 1 &&
		    value[0] == 'y')
			break;
	}
	*ret_n = used;
	return 0;
}
