/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.json, and which process it speaks of. */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/sys.h"
#include "namespaces/procfd.h"
#include "runtime/oci/engine_priv.h"

#define STATE_FILE "state.json"
#define STATE_MAX (256u << 10)

const char *oci_status_name(enum oci_status s)
{
	static const char *const names[] = { "creating", "created", "running", "paused",
					     "stopped" };

	return names[s];
}

void oci_state_free(struct oci_state *s)
{
	free(s->bundle);
	free(s->rootfs);
	*s = (struct oci_state){ .pid = 0 };
}

/* Field 22 of proc(5)'s PID/stat; what precedes it ends with the name in parentheses, which may
 * hold anything. */
int oci_start_ticks(pid_t pid, uint64_t *ret)
{
	char path[32], text[1024], *at;
	CLEANUP_FD int fd = -EBADF;
	ssize_t n;

	(void)str_format(path, sizeof(path), "%d/stat", (int)pid);
	fd = procfd_open(path, O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EIO;
	at[1 + strcspn(at + 1, " ")] = '\0';
	return num_parse_u64(at + 1, 0, UINT64_MAX, ret, &(struct err){ .code = 0 });
}

bool oci_has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

bool oci_awaits_start(int dir)
{
	struct stat st;

	return fstatat(dir, OCI_START_SOCKET, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int oci_state_write(int dir, const struct oci_state *s, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	json_out_int(&o, "pid", s->pid);
	json_out_u64(&o, "startTicks", s->start_ticks);
	json_out_str(&o, "created", s->created);
	json_out_str(&o, "bundle", s->bundle ? s->bundle : "");
	json_out_str(&o, "rootfs", s->rootfs ? s->rootfs : "");
	json_out_u64(&o, "owner", s->owner);
	json_out_bool(&o, "ownPids", s->own_pids);
	json_out_bool(&o, "poststart", s->poststart);
	json_out_bool(&o, "poststop", s->poststop);
	json_out_object(&o, "cgroup");
	json_out_str(&o, "path", s->cgroup.path);
	json_out_str(&o, "parentMade", s->cgroup.parent_made);
	json_out_u64(&o, "inode", s->cgroup.inode);
	json_out_bool(&o, "systemd", s->cgroup.systemd);
	json_out_str(&o, "slice", s->cgroup.slice);
	json_out_str(&o, "unit", s->cgroup.unit);
	json_out_object_end(&o);
	json_out_object_end(&o);
	if (strbuf_ok(&b, e) < 0)
		return -e->code;
	return file_write_at(dir, STATE_FILE, b.data, b.len, 0600, FILE_NOSYNC, e);
}

static int take_text(const struct json *root, const char *key, char *ret, size_t n)
{
	const struct json *v = json_get(root, key);

	if (!v || v->type != JSON_STRING)
		return -EINVAL;
	return str_format(ret, n, "%s", v->text);
}

static int take_copy(const struct json *root, const char *key, char **ret)
{
	const struct json *v = json_get(root, key);

	if (!v || v->type != JSON_STRING)
		return -EINVAL;
	*ret = strdup(v->text);
	return *ret ? 0 : -ENOMEM;
}

static int take_number(const struct json *root, const char *key, int64_t *ret)
{
	const struct json *v = json_get(root, key);

	if (!v || !v->is_int || v->integer < 0)
		return -EINVAL;
	*ret = v->integer;
	return 0;
}

static int take_bool(const struct json *root, const char *key, bool *ret)
{
	const struct json *v = json_get(root, key);

	if (!v || v->type != JSON_BOOL)
		return -EINVAL;
	*ret = v->boolean;
	return 0;
}

static int decode_cgroup(const struct json *v, struct oci_cgroup *g)
{
	int64_t inode = 0;

	if (!v || v->type != JSON_OBJECT || take_text(v, "path", g->path, sizeof(g->path)) < 0 ||
	    take_text(v, "parentMade", g->parent_made, sizeof(g->parent_made)) < 0 ||
	    take_number(v, "inode", &inode) < 0 || take_bool(v, "systemd", &g->systemd) < 0 ||
	    take_text(v, "slice", g->slice, sizeof(g->slice)) < 0 ||
	    take_text(v, "unit", g->unit, sizeof(g->unit)) < 0)
		return -EINVAL;
	g->inode = (uint64_t)inode;
	return 0;
}

static int decode(const struct json *root, struct oci_state *s)
{
	int64_t pid = 0, ticks = 0, owner = 0;

	if (root->type != JSON_OBJECT || take_number(root, "pid", &pid) < 0 ||
	    take_number(root, "startTicks", &ticks) < 0 ||
	    take_text(root, "created", s->created, sizeof(s->created)) < 0 ||
	    take_copy(root, "bundle", &s->bundle) < 0 ||
	    take_copy(root, "rootfs", &s->rootfs) < 0 || take_number(root, "owner", &owner) < 0 ||
	    take_bool(root, "ownPids", &s->own_pids) < 0 ||
	    take_bool(root, "poststart", &s->poststart) < 0 ||
	    take_bool(root, "poststop", &s->poststop) < 0 || pid > INT32_MAX || owner > UINT32_MAX)
		return -EINVAL;
	s->pid = (pid_t)pid;
	s->start_ticks = (uint64_t)ticks;
	s->owner = (uid_t)owner;
	return decode_cgroup(json_get(root, "cgroup"), &s->cgroup);
}

int oci_state_read(int dir, struct oci_state *ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	CLEANUP_FREE char *text = NULL;
	struct err why = ERR_INIT;
	size_t n = 0;
	int r = file_read_at(dir, STATE_FILE, STATE_MAX, &text, &n, &why);

	if (r == -ENOENT)
		return r;
	if (r < 0) {
		*e = why;
		return r;
	}
	r = json_parse(STATE_FILE, text, n, &doc, e);
	if (r < 0)
		return r;
	if (decode(json_root(doc), ret) < 0)
		return err_set(e, EIO, STATE_FILE " is damaged");
	return 0;
}

int oci_state_json(struct json_out *o, const char *key, const struct oci_state *s,
		   const struct oci_id *id, const struct oci_config *config, enum oci_status status,
		   const char *owner, struct err *e)
{
	json_out_object(o, key);
	json_out_str(o, "ociVersion", config->version ? config->version : OCI_VERSION);
	json_out_str(o, "id", id->s);
	json_out_str(o, "status", oci_status_name(status));
	if (owner || (s->pid > 0 && status != OCI_STOPPED))
		json_out_int(o, "pid", status == OCI_STOPPED ? 0 : s->pid);
	json_out_str(o, "bundle", s->bundle ? s->bundle : "");
	if (owner) {
		json_out_str(o, "rootfs", s->rootfs ? s->rootfs : "");
		json_out_str(o, "created", s->created);
		json_out_str(o, "owner", owner);
	}
	if (config->annotations.n > 0) {
		json_out_object(o, "annotations");
		for (size_t i = 0; i < config->annotations.n; i++)
			json_out_str(o, config->annotations.v[i].key,
				     config->annotations.v[i].value);
		json_out_object_end(o);
	}
	json_out_object_end(o);
	return strbuf_ok(o->b, e);
}
