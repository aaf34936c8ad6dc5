/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small JSON files of an instance: meta.json, state.json, exit.json, spec.json. Written whole
 * by rename, so a reader sees the old or the new one. They are ours, but they are parsed as if they
 * were not: a damaged file is an error that names it, never a wrong pid or range.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/lock.h"
#include "runtime/oom.h"
#include "runtime/records_priv.h"

#define RECORD_MAX (1u << 20)
#define SPEC_LOCK_MS 30000

/* What to do about a file that is not as we wrote it. Not when it could not be read for now. */
static int damaged(const char *name, struct err *e)
{
	static const char *const anew[] = { "state.json", "runtime.json" };

	if (e->code == EMFILE || e->code == ENFILE || e->code == ENOMEM || e->code == EIO)
		return -e->code;
	for (size_t i = 0; i < ARRAY_SIZE(anew); i++)
		if (str_eq(name, anew[i]))
			return err_hint(e, "the next start makes it anew: jail kill, jail start");
	return err_hint(e, "put it right, or remove what it belongs to: jail rm --force");
}

int record_read(int dir, const char *name, bool optional, struct json_doc **ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	struct err local = ERR_INIT;
	size_t n;
	int r;

	r = file_read_at(dir, name, RECORD_MAX, &text, &n, &local);
	if (r == -ENOENT && optional)
		return r;
	if (r >= 0)
		r = json_parse(name, text, n, ret, &local);
	if (r >= 0)
		return r;
	*e = local;
	return damaged(name, e);
}

int record_write(int dir, const char *name, struct strbuf *b, enum file_sync sync, struct err *e)
{
	int r = strbuf_ok(b, e);

	if (r < 0)
		return r;
	strbuf_addc(b, '\n');
	return file_write_at(dir, name, b->data, b->len, 0600, sync, e);
}

/* A required integer member in a range. */
static int get_int(const struct json_doc *doc, const struct json *o, const char *key, int64_t min,
		   int64_t max, int64_t *ret, struct err *e)
{
	const struct json *v = json_get(o, key);

	if (!v || v->type != JSON_NUMBER || !v->is_int || v->integer < min || v->integer > max)
		return json_err(doc, v ? v : o, e, EBADMSG, "\"%s\" must be a number", key);
	*ret = v->integer;
	return 0;
}

static int get_str(const struct json_doc *doc, const struct json *o, const char *key,
		   const char **ret, struct err *e)
{
	const struct json *v = json_get(o, key);

	if (!v || v->type != JSON_STRING)
		return json_err(doc, v ? v : o, e, EBADMSG, "\"%s\" must be a string", key);
	*ret = v->text;
	return 0;
}

static bool get_bool(const struct json *o, const char *key)
{
	const struct json *v = json_get(o, key);

	return v && v->type == JSON_BOOL && v->boolean;
}

bool instance_is_id(const char *text)
{
	return strlen(text) == INSTANCE_ID_LEN &&
	       strspn(text, "0123456789abcdef") == INSTANCE_ID_LEN;
}

/* None, or one whole range that no id of the host's own users is in (row 60). */
static bool is_range(int64_t first, int64_t count)
{
	if (count == 0)
		return first == 0;
	return count == IDMAP_COUNT && first >= IDMAP_COUNT &&
	       first <= (int64_t)UINT32_MAX - IDMAP_COUNT;
}

int meta_write(int dir, const struct meta *m, enum file_sync sync, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "id", m->owner.s);
	json_out_u64(&o, "created", m->created_ms);
	json_out_u64(&o, "idFirst", m->ids.first);
	json_out_u64(&o, "idCount", m->ids.count);
	meta_networks_write(&o, m);
	if (m->image.s[0])
		json_out_str(&o, "image", m->image.s);
	json_out_array(&o, "layers");
	for (size_t i = 0; i < m->n_layers; i++)
		json_out_str(&o, NULL, m->layers[i].hex);
	json_out_array_end(&o);
	json_out_object_end(&o);
	return record_write(dir, "meta.json", &b, sync, e);
}

static int meta_layers(const struct json_doc *doc, const struct json *root, struct meta *m,
		       struct err *e)
{
	const struct json *layers = json_get(root, "layers");

	if (!layers || layers->type != JSON_ARRAY || layers->count > LIMIT_LAYERS)
		return json_err(doc, root, e, EBADMSG, "\"layers\" must be an array");
	for (const struct json *l = layers->first; l; l = l->next) {
		char text[80];
		int r;

		if (l->type != JSON_STRING)
			return json_err(doc, l, e, EBADMSG, "must be a string");
		r = str_format(text, sizeof(text), "sha256:%s", l->text);
		if (r >= 0)
			r = digest_parse(text, &m->layers[m->n_layers], e);
		if (r < 0)
			return json_err(doc, l, e, EBADMSG, "is not a digest");
		m->n_layers++;
	}
	return 0;
}

int meta_read(int dir, struct meta *ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	const struct json *root, *v;
	struct err why = ERR_INIT;
	struct meta m = { 0 };
	int64_t created, first, count;
	const char *id;
	int r;

	r = record_read(dir, "meta.json", false, &doc, e);
	if (r < 0)
		return r;
	root = json_root(doc);
	if ((r = get_str(doc, root, "id", &id, e)) < 0 ||
	    (r = get_int(doc, root, "created", 0, INT64_MAX, &created, e)) < 0 ||
	    (r = get_int(doc, root, "idFirst", 0, UINT32_MAX, &first, e)) < 0 ||
	    (r = get_int(doc, root, "idCount", 0, IDMAP_COUNT, &count, e)) < 0)
		return r;
	if (!instance_is_id(id) || name_parse("instance id", id, &m.owner, &why) < 0)
		return json_err(doc, json_get(root, "id"), e, EBADMSG, "is not an instance's id");
	if (!is_range(first, count))
		return json_err(doc, root, e, EBADMSG, "\"idFirst\", \"idCount\": no such range");
	m.created_ms = (uint64_t)created;
	m.ids = (struct id_range){ (uint32_t)first, (uint32_t)count };
	v = json_get(root, "image");
	if (v && (v->type != JSON_STRING || image_ref_parse(v->text, &m.image, &why) < 0))
		return json_err(doc, v, e, EBADMSG, "is not an image name");
	r = meta_layers(doc, root, &m, e);
	if (r >= 0)
		r = meta_networks_read(doc, root, &m, e);
	if (r < 0)
		return r;
	*ret = m;
	return 0;
}

int run_state_write(int dir, const struct run_state *s, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	json_out_int(&o, "pid", s->pid);
	json_out_int(&o, "monitorPid", s->monitor_pid);
	json_out_u64(&o, "started", s->started_ms);
	json_out_u64(&o, "startedBoot", s->started_boot_ms);
	json_out_u64(&o, "rootDevice", s->root_device);
	json_out_u64(&o, "restarts", s->restarts);
	json_out_bool(&o, "terminal", s->terminal);
	json_out_bool(&o, "remove", s->remove);
	json_out_bool(&o, "network", s->has_net);
	if (s->has_net)
		state_networks_write(&o, &s->net);
	json_out_object_end(&o);
	return record_write(dir, "state.json", &b, FILE_NOSYNC, e);
}

int run_state_read(int dir, struct run_state *ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct run_state s = { 0 };
	const struct json *root;
	int64_t pid, monitor, started, boot, restarts, device = 0;
	int r;

	r = record_read(dir, "state.json", true, &doc, e);
	if (r < 0)
		return r;
	root = json_root(doc);
	if ((r = get_int(doc, root, "pid", 1, INT32_MAX, &pid, e)) < 0 ||
	    (r = get_int(doc, root, "monitorPid", 1, INT32_MAX, &monitor, e)) < 0 ||
	    (r = get_int(doc, root, "started", 0, INT64_MAX, &started, e)) < 0 ||
	    (r = get_int(doc, root, "startedBoot", 0, INT64_MAX, &boot, e)) < 0 ||
	    (r = get_int(doc, root, "restarts", 0, UINT32_MAX, &restarts, e)) < 0)
		return r;
	/* A version that didn't write it may have started what runs. */
	if (json_get(root, "rootDevice") &&
	    (r = get_int(doc, root, "rootDevice", 0, INT64_MAX, &device, e)) < 0)
		return r;
	s.root_device = (uint64_t)device;
	s.pid = (pid_t)pid;
	s.monitor_pid = (pid_t)monitor;
	s.started_ms = (uint64_t)started;
	s.started_boot_ms = (uint64_t)boot;
	s.restarts = (unsigned)restarts;
	s.terminal = get_bool(root, "terminal");
	s.remove = get_bool(root, "remove");
	s.has_net = get_bool(root, "network");
	r = state_networks_read(doc, root, &s.net, e);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

int exit_record_write(int dir, const struct instance_exit *x, pid_t pid, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char started[CLOCK_TEXT_MAX], finished[CLOCK_TEXT_MAX];
	struct json_out o;
	int r;

	clock_format(x->started_ms, started, sizeof(started));
	clock_format(x->finished_ms, finished, sizeof(finished));
	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	json_out_int(&o, "status", x->status);
	json_out_int(&o, "signal", x->status > 128 ? x->status - 128 : 0);
	json_out_str(&o, "reason", x->reason);
	json_out_str(&o, "startedAt", started);
	json_out_str(&o, "finishedAt", finished);
	json_out_int(&o, "pid", pid);
	json_out_u64(&o, "restarts", x->restarts);
	oom_to_json(&x->oom, &o, "oom");
	json_out_object_end(&o);
	r = record_write(dir, "exit.json", &b, FILE_SYNC, e);
	if (r >= 0)
		exit_record_unreserve(dir);
	return r;
}

int exit_record_reserve(int dir, struct err *e)
{
	static const char room[512] = "\n";
	CLEANUP_FD int fd =
		openat(dir, "exit.next", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, room, sizeof(room));

	if (r < 0)
		exit_record_unreserve(dir);
	return r < 0 ? err_ret(e, r, "make room for the exit record") : 0;
}

void exit_record_unreserve(int dir)
{
	(void)unlinkat(dir, "exit.next", 0);
}

bool exit_record_is_due(int dir)
{
	return faccessat(dir, "exit.next", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int exit_record_last(int dir, struct instance_exit *ret, struct err *e)
{
	struct stat st;

	if (fstatat(dir, "exit.next", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return exit_record_read(dir, ret, NULL, e);
	*ret = (struct instance_exit){
		.present = true,
		.status = 137,
		.reason = "lost",
		.started_ms =
			(uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000,
	};
	return 0;
}

int exit_record_read(int dir, struct instance_exit *ret, pid_t *ret_pid, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct instance_exit x = { .present = true };
	const char *reason, *started, *finished;
	const struct json *root;
	int64_t status, pid, restarts;
	int r;

	r = record_read(dir, "exit.json", true, &doc, e);
	if (r < 0)
		return r;
	root = json_root(doc);
	if ((r = get_int(doc, root, "status", 0, 255, &status, e)) < 0 ||
	    (r = get_int(doc, root, "pid", 0, INT32_MAX, &pid, e)) < 0 ||
	    (r = get_int(doc, root, "restarts", 0, UINT32_MAX, &restarts, e)) < 0 ||
	    (r = get_str(doc, root, "reason", &reason, e)) < 0 ||
	    (r = get_str(doc, root, "startedAt", &started, e)) < 0 ||
	    (r = get_str(doc, root, "finishedAt", &finished, e)) < 0)
		return r;
	if (clock_parse(started, &x.started_ms) < 0 || clock_parse(finished, &x.finished_ms) < 0 ||
	    str_format(x.reason, sizeof(x.reason), "%s", reason) < 0)
		return json_err(doc, root, e, EBADMSG, "the record is damaged");
	if (oom_from_json(json_get(root, "oom"), &x.oom) < 0)
		return json_err(doc, json_get(root, "oom"), e, EBADMSG, "the record is damaged");
	x.status = (int)status;
	x.restarts = (unsigned)restarts;
	x.restarting = json_get(root, "restarting") != NULL;
	*ret = x;
	if (ret_pid)
		*ret_pid = (pid_t)pid;
	return 0;
}

static int spec_read_file(int dir, const char *file, struct jail_spec *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_SPEC struct jail_spec s;
	size_t n;
	int r;

	spec_init(&s);
	r = file_read_at(dir, file, LIMIT_JSON_BYTES, &text, &n, e);
	if (r >= 0)
		r = spec_decode(file, text, n, &s, e);
	if (r >= 0)
		r = spec_finish(&s, e);
	if (r < 0)
		return damaged(file, e);
	*ret = s;
	spec_init(&s);
	return 0;
}

int spec_read(int dir, struct jail_spec *ret, struct err *e)
{
	return spec_read_file(dir, "spec.json", ret, e);
}

static int spec_write_file(int dir, const char *file, const struct jail_spec *spec,
			   enum file_sync sync, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, true);
	spec_to_json(spec, &o, NULL);
	return record_write(dir, file, &b, sync, e);
}

int spec_write(int dir, const struct jail_spec *spec, enum file_sync sync, struct err *e)
{
	return spec_write_file(dir, "spec.json", spec, sync, e);
}

int spec_lock(int dir, struct err *e)
{
	int lock = lock_take_at(dir, "spec.lock", LOCK_MODE_EXCLUSIVE, SPEC_LOCK_MS, e);

	if (lock != -EWOULDBLOCK)
		return lock;
	*e = ERR_INIT;
	(void)err_set(e, EBUSY, "is being changed by another command");
	return err_hint(e, "try again when that has finished");
}

int spec_read_runtime(int run, struct jail_spec *ret, struct err *e)
{
	struct err why = ERR_INIT;
	int r = spec_read_file(run, "runtime.json", ret, &why);

	if (r < 0 && r != -ENOENT)
		*e = why;
	return r;
}

int spec_write_runtime(int run, const struct jail_spec *spec, struct err *e)
{
	return spec_write_file(run, "runtime.json", spec, FILE_NOSYNC, e);
}

int spec_forget_runtime(int run, struct err *e)
{
	if (unlinkat(run, "runtime.json", 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove runtime.json");
	return 0;
}

int spec_take_name(struct jail_spec *s, const struct jail_name *name, struct err *e)
{
	if (s->hostname && str_eq(s->hostname, s->name.s)) {
		char *hostname = strdup(name->s);

		if (!hostname)
			return err_nomem(e);
		free(s->hostname);
		s->hostname = hostname;
	}
	s->name = *name;
	return 0;
}

int spec_rename(int dir, const struct jail_name *name, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	int r;

	spec_init(&spec);
	if ((r = spec_read(dir, &spec, e)) < 0 || (r = spec_take_name(&spec, name, e)) < 0)
		return r;
	return spec_write(dir, &spec, FILE_SYNC, e);
}

int spec_follow_name(int dir, const struct jail_name *name, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	int r;

	spec_init(&spec);
	r = spec_read(dir, &spec, e);
	if (r < 0 || str_eq(spec.name.s, name->s))
		return r < 0 ? r : 0;
	r = spec_rename(dir, name, e);
	return r < 0 ? r : 1;
}
