/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The config document of an image that came without one. */
#include "base/clock.h"
#include "images/manifest_priv.h"

static void config_write_layers(struct json_out *o, const struct digest *layers, size_t n_layers)
{
	json_out_object(o, "rootfs");
	json_out_str(o, "type", "layers");
	json_out_array(o, "diff_ids");
	for (size_t i = 0; i < n_layers; i++) {
		char text[sizeof("sha256:") + sizeof(layers[i].hex)];

		(void)str_format(text, sizeof(text), "sha256:%s", layers[i].hex); /* fits */
		json_out_str(o, NULL, text);
	}
	json_out_array_end(o);
	json_out_object_end(o);
}

int image_config_write(const struct platform *platform, uint64_t created_ms, const char *created_by,
		       const struct digest *layers, size_t n_layers, struct strbuf *ret,
		       struct err *e)
{
	char created[CLOCK_TEXT_MAX];
	struct json_out o;

	if (n_layers > LIMIT_LAYERS)
		return err_set(e, E2BIG, "%zu layers; at most %d are supported", n_layers,
			       LIMIT_LAYERS);
	if (platform->os[0] == '\0' || platform->architecture[0] == '\0')
		return err_set(e, EINVAL,
			       "image config: the platform needs an os and an architecture");
	clock_format(created_ms, created, sizeof(created));
	json_out_init(&o, ret, false);
	json_out_object(&o, NULL);
	json_out_str(&o, "created", created);
	json_out_str(&o, "architecture", platform->architecture);
	if (platform->variant[0])
		json_out_str(&o, "variant", platform->variant);
	json_out_str(&o, "os", platform->os);
	json_out_object(&o, "config");
	json_out_object_end(&o);
	config_write_layers(&o, layers, n_layers);
	json_out_array(&o, "history");
	json_out_object(&o, NULL);
	json_out_str(&o, "created", created);
	json_out_str(&o, "created_by", created_by);
	json_out_object_end(&o);
	json_out_array_end(&o);
	json_out_object_end(&o);
	return strbuf_ok(ret, e);
}
