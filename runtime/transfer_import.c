/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import: an instance out of a file. All that can be judged is judged before something is unpacked.
 * Then layers go into a staging directory of the store, and the instance's own files straight into
 * what will hold them, in STATE/trash (instance_create.c), where nobody knows of them. When
 * sums.json has said that everything was right, the instance appears by one rename. Killed before,
 * there is nothing but what gc removes.
 */
#include <fcntl.h>

#include "base/path.h"
#include "runtime/disk.h"
#include "runtime/image_defaults.h"
#include "runtime/policy.h"
#include "runtime/transfer_priv.h"

struct arrival {
	struct jail *j;
	const struct instance_import *o;
	struct transfer_reader *r;
	struct transfer_document d;
	struct jail_spec spec;
	char *config; /* image.json; owned; NULL */
	size_t n_config;
	struct digest layers[LIMIT_LAYERS]; /* as d.layers */
	struct transfer_layers *staged;
	size_t known;
};

static void arrival_free(struct arrival *a)
{
	transfer_layers_free(&a->staged);
	transfer_reader_free(&a->r);
	transfer_document_free(&a->d);
	spec_free(&a->spec);
	free(TAKE_PTR(a->config));
}

/* ---- what can be judged before ---- */

static int read_document(struct arrival *a, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n;
	int r = transfer_open(a->o->in, &a->r, e);

	if (r >= 0)
		r = transfer_read_text(a->r, TRANSFER_DOCUMENT, TRANSFER_DOCUMENT_MAX, &text, &n,
				       e);
	if (r >= 0)
		r = transfer_document_parse(text, n, &a->d, e);
	for (size_t i = 0; r >= 0 && i < a->d.n_layers; i++)
		a->layers[i] = a->d.layers[i].digest;
	return r;
}

/* The document and the spec speak of one instance. */
static int check_kind(const struct arrival *a, struct err *e)
{
	const struct jail_spec *s = &a->spec;
	bool own_ids = s->security.user_namespace == SPEC_USERNS_AUTO;

	if (!s->has_image || s->is_volatile)
		return err_set(e, EBADMSG,
			       TRANSFER_SPEC ": it is of an instance that can't be exported");
	if (own_ids != (a->d.id_count > 0))
		return err_set(
			e, EBADMSG,
			TRANSFER_SPEC
			": security.userNamespace doesn't fit \"idCount\" of " TRANSFER_DOCUMENT);
	return 0;
}

static int read_spec(struct arrival *a, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n;
	int r = transfer_read_text(a->r, TRANSFER_SPEC, LIMIT_JSON_BYTES, &text, &n, e);

	if (r >= 0)
		r = spec_decode(TRANSFER_SPEC, text, n, &a->spec, e);
	if (r >= 0 && a->o->name)
		r = spec_take_name(&a->spec, a->o->name, e);
	if (r >= 0)
		r = spec_finish(&a->spec, e);
	if (r < 0 || (r = check_kind(a, e)) < 0)
		return r;
	if (faccessat(a->j->instances, a->spec.name.s, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		(void)err_set(e, EEXIST, "the name %s is in use", a->spec.name.s);
		return err_hint(e, "choose another one with --name");
	}
	r = policy_apply(&a->j->config, &a->spec, e);
	return r < 0 ? r : transfer_check_spec(a->j, &a->spec, a->o->trust, e);
}

static int read_config(struct arrival *a, struct err *e)
{
	CLEANUP_IMAGE_CONFIG struct image_config config = { .author = NULL };
	struct image image = { .n_layers = a->d.n_layers };
	int r;

	if (!a->d.image_config)
		return 0;
	r = transfer_read_text(a->r, TRANSFER_CONFIG, MANIFEST_BYTES_MAX, &a->config, &a->n_config,
			       e);
	if (r >= 0)
		r = image_config_parse(TRANSFER_CONFIG, a->config, a->n_config, &config, e);
	if (r < 0)
		return r;
	memcpy(image.layers, a->layers, sizeof(image.layers));
	return image_has_layers(&image, config.layers, config.n_layers)
		       ? 0
		       : err_set(e, EBADMSG, TRANSFER_CONFIG ": it is of other layers");
}

static bool is_included(const struct arrival *a, size_t layer)
{
	for (size_t i = 0; i < a->d.n_layers; i++)
		if (a->d.layers[i].included && str_eq(a->layers[i].hex, a->layers[layer].hex))
			return true;
	return false;
}

/* Layers that are nowhere. file: those in the file will be there. */
static int check_layers(const struct arrival *a, bool file, struct err *e)
{
	CLEANUP_STRBUF struct strbuf missing = STRBUF_INIT;
	size_t n = 0;

	for (size_t i = 0; i < a->d.n_layers; i++) {
		if ((file && is_included(a, i)) || store_has_layer(&a->j->store, &a->layers[i]))
			continue;
		if (n++ < 8)
			strbuf_addf(&missing, "%ssha256:%s", n > 1 ? ", " : "", a->layers[i].hex);
	}
	if (!n)
		return 0;
	(void)err_set(e, ENOENT, "%zu layer%s neither here nor in the file: %s%s", n,
		      n == 1 ? " is" : "s are", strbuf_str(&missing), n > 8 ? ", ..." : "");
	return err_hint(e, "import image %s here before, or export with the layers", a->d.image.s);
}

static int judge(struct arrival *a, struct err *e)
{
	int r = engine_store(a->j, e);

	if (r < 0 || (r = read_document(a, e)) < 0 || (r = read_spec(a, e)) < 0 ||
	    (r = check_layers(a, true, e)) < 0)
		return r;
	return read_config(a, e);
}

static int read_layers(struct arrival *a, struct err *e)
{
	int r = transfer_layers_begin(&a->j->store, &a->o->import, &a->staged, e);

	for (size_t i = 0; r >= 0 && i < a->d.n_layers; i++) {
		a->known += store_has_layer(&a->j->store, &a->layers[i]);
		if (a->d.layers[i].included)
			r = transfer_layers_read(a->staged, a->r, &a->layers[i], e);
	}
	return r;
}

/* ---- its own files, when there is what will hold them ---- */

struct place {
	struct arrival *a;
	const struct meta *meta;
	int dir;
	struct snapshots to;
	struct snapshot_id ids[SNAPSHOTS_MAX]; /* of d.snapshots, here */
};

static int unpack(struct place *p, const char *part, const char *path, struct err *e)
{
	/* Of a disk image each child gets a mount of its own. */
	CLEANUP_FD int mount = disk_kind_of(p->dir) != DISK_IMAGE
				       ? -EBADF
				       : instance_disk_reach(&p->a->spec, p->dir, true, e);
	CLEANUP_FD int tree = -EBADF;
	const struct id_shift shift = { p->meta->ids.first, p->meta->ids.count };

	if (mount < 0 && disk_kind_of(p->dir) == DISK_IMAGE)
		return mount;
	tree = path_open_beneath(mount < 0 ? p->to.holder : mount, path, O_RDONLY | O_DIRECTORY, 0);
	if (tree < 0)
		return err_ret(e, tree, "open %s", path);
	return transfer_unpack_tree(p->a->r, part,
				    &(struct transfer_tree){ .unpacker = &p->a->j->store.unpacker,
							     .limits = &p->a->o->import.limits,
							     .mount = mount,
							     .mount_at = p->dir,
							     .tree = tree,
							     .shift = shift },
				    e);
}

static struct snapshot_id id_of(const struct place *p, int i)
{
	const struct snapshot_id none = { "" };

	return i < 0 ? none : p->ids[i];
}

static int unpack_snapshot(struct place *p, size_t i, struct err *e)
{
	struct snapshot what = p->a->d.snapshots[i].record;
	char part[TRANSFER_NAME_MAX], fs[SNAPSHOT_PATH_MAX],
		path[sizeof(SNAPSHOT_DIR) + sizeof(fs)];
	int r;

	what.parent = id_of(p, p->a->d.snapshots[i].parent);
	r = snapshots_add_layer(&p->to, &what, e);
	if (r < 0)
		return r;
	p->ids[i] = what.id;
	snapshot_path(&what.id, fs);
	(void)str_format(path, sizeof(path), SNAPSHOT_DIR "/%s", fs); /* fits */
	transfer_snapshot_name(i, part);
	return unpack(p, part, path, e);
}

static int unpack_all(struct place *p, struct err *e)
{
	const struct transfer_document *d = &p->a->d;
	struct snapshot_id stands_on;
	int r = 0;

	if (d->n_snapshots)
		r = snapshots_prepare(&p->to, instance_disk_project(p->dir), e);
	for (size_t i = 0; r >= 0 && i < d->n_snapshots; i++)
		r = unpack_snapshot(p, i, e);
	if (r >= 0)
		r = unpack(p, TRANSFER_UPPER, "upper", e);
	stands_on = id_of(p, d->head);
	if (r >= 0)
		r = snapshots_set_head(&p->to, &stands_on, e);
	if (r >= 0 && d->provisioned)
		r = file_write_at(p->dir, TRANSFER_PROVISIONED, "", 0, 0600, FILE_SYNC, e);
	if (r >= 0)
		r = transfer_read_end(p->a->r, e);
	return r >= 0 && syncfs(p->to.holder) < 0 ? err_sys(e, "write the files to disk") : r;
}

static int fill_place(struct place *p, struct err *e)
{
	CLEANUP_FD int mount = instance_disk_reach(&p->a->spec, p->dir, false, e);
	CLEANUP_FD int holder = -EBADF;
	int r;

	if (mount < 0)
		return mount;
	holder = path_open_beneath(mount, ".", O_RDONLY | O_DIRECTORY, 0);
	if (holder < 0)
		return err_ret(e, holder, "open what holds the new instance's files");
	p->to = SNAPSHOTS_INIT;
	p->to.holder = holder;
	r = unpack_all(p, e);
	snapshots_free(&p->to);
	if (r == -ENOSPC || r == -EDQUOT)
		(void)err_hint(e, "make room; an instance that was nearly full can need a larger "
				  "disk here: jail set disk.size=..., and export it again");
	return r;
}

/* gc waits meanwhile: until the instance is there, nobody uses the layers. They come last, so that
 * a file that turns out to be damaged leaves none. */
static int fill(const struct meta *meta, int dir, void *arg, struct err *e)
{
	struct arrival *a = arg;
	CLEANUP_FREE struct place *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_nomem(e);
	p->a = a;
	p->meta = meta;
	p->dir = dir;
	r = fill_place(p, e);
	if (r >= 0)
		r = transfer_layers_settle(a->staged, e);
	return r < 0 ? r : check_layers(a, false, e);
}

/* ---- */

static void name_image(struct arrival *a, struct image_ref *ret)
{
	const struct image_request q = { .ref = &a->d.image,
					 .layers = a->layers,
					 .n_layers = a->d.n_layers,
					 .config = a->config,
					 .n_config = a->n_config };
	struct err why = ERR_INIT;

	if (store_add(&a->j->store, &q, ret, &why) < 0)
		warn("image %s is not recorded: %s", a->d.image.s, why.text);
}

static int arrive(struct arrival *a, struct instance_imported *ret, struct err *e)
{
	struct meta meta = { .image = a->d.image, .n_layers = a->d.n_layers };
	const struct instance_origin origin = {
		.meta = &meta,
		.config = a->config,
		.n_config = a->n_config,
		.id = a->o->keep_id ? &a->d.id : NULL,
		.created_ms = a->o->keep_id ? a->d.created_ms : 0,
		.fill = fill,
		.arg = a,
	};
	int r;

	memcpy(meta.layers, a->layers, sizeof(meta.layers));
	r = instance_create_from(a->j, &a->spec, &origin, e);
	if (r < 0)
		return r;
	*ret = (struct instance_imported){ .name = a->spec.name,
					   .layers = a->d.n_layers,
					   .layers_known = a->known };
	for (size_t i = 0; i < a->d.n_snapshots; i++)
		ret->snapshots += a->d.snapshots[i].record.name.s[0] != '\0';
	name_image(a, &ret->image);
	return 0;
}

int instance_import(struct jail *j, const struct instance_import *o, struct instance_imported *ret,
		    struct err *e)
{
	CLEANUP(arrival_free) struct arrival a = { .j = j, .o = o };
	int r;

	a.d.head = -1;
	spec_init(&a.spec);
	r = judge(&a, e);
	if (r >= 0)
		r = read_layers(&a, e);
	if (r >= 0)
		r = arrive(&a, ret, e);
	return r < 0 ? err_wrap(e, "import") : 0;
}
