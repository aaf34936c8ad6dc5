/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start is made of; the order is in launch.c. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/sys.h"
#include "hooks/hooks.h"
#include "namespaces/mountfd.h"
#include "runtime/disk.h"
#include "runtime/launch_priv.h"
#include "runtime/lxcfs.h"
#include "runtime/monitor_proto.h"
#include "runtime/notify.h"
#include "runtime/systemd.h"
#include "runtime/unit.h"
#include "runtime/volumes.h"

#define MONITOR_FDS_FROM 64 /* where they wait; above all that a launch has open */

static void close_mount(struct root_storage *t, size_t i)
{
	fd_reset(&t->mounts[i].fd);
	fd_reset(&t->guards[i]);
}

void start_free(struct start *s)
{
	seccomp_program_free(&s->filter);
	if (s->storage) {
		for (size_t i = 0; i < LIMIT_MOUNTS; i++)
			if (s->storage->mounts[i].kind == BIND_MOUNT)
				close_mount(s->storage, i);
		generated_free(&s->storage->generated);
		provision_free(&s->storage->provision);
		system_free(&s->storage->parts);
	}
	free(s->storage);
	s->storage = NULL;
	instance_plan_free(&s->plan);
	fd_reset(&s->disk);
	fd_reset(&s->joined);
	fd_reset(&s->names);
	fd_reset(&s->cgroup);
	fd_reset(&s->notify);
	fd_reset(&s->init_program);
	fd_reset(&s->sock);
	fd_reset(&s->pidfd);
	for (size_t i = 0; i < ARRAY_SIZE(s->stdio); i++)
		fd_reset(&s->stdio[i]);
}

static void map_mount(const struct spec_mount *m, struct rootfs_mount *ret)
{
	*ret = (struct rootfs_mount){
		.kind = m->kind == SPEC_MOUNT_TMPFS  ? BIND_TMPFS
			: m->kind == SPEC_MOUNT_BIND ? BIND_BIND
						     : BIND_MOUNT,
		.source = m->source,
		.destination = m->destination,
		.recursive = m->recursive,
		.no_follow = m->no_follow,
		.fd = -EBADF,
		.read_only = spec_mount_is_read_only(m),
		.nosuid = m->nosuid,
		.nodev = m->nodev,
		.noexec = m->noexec,
		.noatime = m->noatime,
		.idmap = m->idmap || m->kind == SPEC_MOUNT_VOLUME || m->kind == SPEC_MOUNT_BLOCK,
		.propagation = m->propagation,
		.size_bytes = m->size_bytes,
		.mode = m->mode,
	};
}

/* What is not found by a path comes as a mount. */
static int open_mounts(struct start *s, struct err *e)
{
	const struct jail_spec *spec = &s->l->spec;

	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		struct rootfs_mount *mount = &s->storage->mounts[i];

		map_mount(m, mount);
		s->storage->guards[i] = -EBADF;
		if (mount->kind != BIND_MOUNT)
			continue;
		mount->fd = m->kind == SPEC_MOUNT_VOLUME
				    ? volume_open(s->l->j, spec, m, &s->storage->guards[i], e)
				    : block_open(s->l->j, m, e);
		if (mount->fd < 0)
			return err_wrap(e, "mounts[%zu]", i);
	}
	return 0;
}

static int layer_paths(struct start *s, struct err *e)
{
	const struct meta *m = &s->l->meta;
	const char *state = s->l->j->config.state_dir;
	const struct digest *layers[LIMIT_LAYERS];
	int r = store_visible_layers(state, m->layers, m->n_layers, layers, &s->storage->n_layers,
				     e);

	for (size_t i = 0; r == 0 && i < s->storage->n_layers; i++) {
		char *path = s->storage->paths[i];

		r = store_layer_path(state, layers[i], path, sizeof(s->storage->paths[i]));
		if (r < 0)
			return err_ret(e, r, "layer %s", layers[i]->hex);
		s->storage->layers[i] = path;
	}
	return r;
}

/* The program's socket: one mount more. */
static int notify_mount(struct start *s, struct err *e)
{
	struct root_storage *t = s->storage;
	int r = str_format(t->notify_path, sizeof(t->notify_path), "%s/instances/%s/" NOTIFY_SOCKET,
			   s->l->j->config.run_dir, s->l->name.s);

	if (r < 0)
		return err_ret(e, r, "the path of " NOTIFY_SOCKET);
	t->mounts[s->l->spec.n_mounts] = (struct rootfs_mount){
		.kind = BIND_BIND,
		.source = t->notify_path,
		.destination = NOTIFY_INSIDE,
		.read_only = true,
		.nosuid = true,
		.nodev = true,
		.noexec = true,
	};
	return 0;
}

int root_spec_make(struct start *s, struct err *e)
{
	const struct jail_spec *spec = &s->l->spec;
	const struct generated_network network = launch_network_generated(s);
	struct root_storage *t = calloc(1, sizeof(*t));
	int r = 0;

	s->storage = t;
	if (!t)
		return err_nomem(e);
	if (spec->n_mounts + spec_notifies(spec) > LIMIT_MOUNTS)
		return err_set(e, E2BIG, "too many mounts");
	r = open_mounts(s, e);
	if (r < 0)
		return r;
	if (spec_notifies(spec)) {
		r = notify_mount(s, e);
		if (r < 0)
			return r;
	}
	if ((r = devices_find(spec, &t->devices, e)) < 0 || (r = layer_paths(s, e)) < 0 ||
	    (r = generated_make(spec, &network, &t->generated, t->files, e)) < 0 ||
	    (r = provision_load(spec, s->l->meta.owner.s, s->l->dir, &t->provision, e)) < 0)
		return r;
	if (spec->mode == SPEC_MODE_SYSTEM) {
		r = system_make(spec, &s->l->meta.owner, &t->parts, e);
		if (r < 0)
			return r;
	}
	s->disk = instance_disk_open(spec, &s->l->meta, s->l->dir, e);
	if (s->disk < 0 && s->disk != -EBADF)
		return s->disk;
	r = launch_own_layers(s, e);
	if (r < 0)
		return r;
	s->root = (struct rootfs_spec){
		.kind = spec->has_image ? ROOTFS_OVERLAY : ROOTFS_DIRECTORY,
		.layer_paths = t->layers,
		.n_layers = t->n_layers,
		.own_paths = t->own,
		.n_own = t->n_own,
		.instance_dir = s->disk >= 0 ? s->disk : s->l->dir,
		.own_mount = s->disk >= 0,
		.directory = spec->rootfs,
		.read_only = spec->security.readonly_root,
		.ids = s->l->meta.ids,
		.mounts = t->mounts,
		.n_mounts = spec->n_mounts + spec_notifies(spec),
		.files = t->files,
		.n_files = GENERATED_FILES,
		.run_files = t->parts.files,
		.n_run_files = t->parts.n_files,
		.secrets = t->provision.secrets,
		.n_secrets = t->provision.n_secrets,
		.devices = t->devices.nodes,
		.n_devices = spec->security.n_devices,
		.host_network = !spec_owns_network(spec),
		.terminal = spec->process.terminal,
		.bind_devices = rootfs_dev_must_bind(),
		.nesting = spec->security.nesting,
		.own_cgroups = spec_owns_cgroups(spec),
		.boot_id = spec->mode == SPEC_MODE_SYSTEM ? t->parts.boot_id : NULL,
		.own_init = spec->mode == SPEC_MODE_SYSTEM,
		.shm_size_bytes = spec->security.shm_size_bytes,
	};
	lxcfs_use(&s->l->j->config, &s->root);
	return 0;
}

void root_note_device(struct start *s, int root)
{
	struct stat st;

	if (s->root.kind == ROOTFS_OVERLAY && fstat(root, &st) == 0)
		s->root_device = st.st_dev;
}

int init_program_open(struct jail *j, int *ret, struct err *e)
{
	char path[PATH_MAX];
	int fd;

	(void)str_format(path, sizeof(path), "%s/jail-init", j->config.libexec_dir);
	fd = mountfd_clone(AT_FDCWD, path, false,
			   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, -EBADF, e);
	if (fd < 0) {
		(void)err_wrap(e, "jail-init");
		return err_hint(e, "install jail, or set libexecDir in its configuration");
	}
	*ret = fd;
	return 0;
}

/* State for hooks, as in the OCI runtime specification. */
static int hook_state(const struct launch *l, const char *status, pid_t pid, struct strbuf *b,
		      struct err *e)
{
	struct json_out o;
	char bundle[sizeof(l->j->config.state_dir) + LIMIT_NAME_LEN + 16];

	(void)str_format(bundle, sizeof(bundle), "%s/instances/%s", l->j->config.state_dir,
			 l->name.s);
	json_out_init(&o, b, false);
	json_out_object(&o, NULL);
	json_out_str(&o, "ociVersion", "1.2.0");
	json_out_str(&o, "id", l->name.s);
	json_out_str(&o, "status", status);
	if (pid > 0)
		json_out_int(&o, "pid", pid);
	json_out_str(&o, "bundle", bundle);
	json_out_object(&o, "annotations");
	for (size_t i = 0; i < l->spec.n_labels; i++)
		json_out_str(&o, l->spec.labels[i].key, l->spec.labels[i].value);
	json_out_object_end(&o);
	json_out_object_end(&o);
	return strbuf_ok(b, e);
}

int run_hooks(const struct launch *l, const char *when, const struct hook *hooks, size_t n,
	      pid_t pid, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	int r;

	if (!n)
		return 0;
	r = hook_state(l, pid > 0 ? "created" : "stopped", pid, &b, e);
	return r < 0 ? r : hooks_run(when, hooks, n, strbuf_str(&b), e);
}

bool child_has_words(const struct start *s)
{
	struct pollfd p = { .fd = s->sock, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

void run_dir_remove(struct jail *j, const struct jail_name *name)
{
	struct err ignored = ERR_INIT;

	(void)path_remove_tree(j->run_instances, name->s, &ignored);
}

/* A number as text that lives until exec. */
static int add_number(struct strv *v, uint64_t n)
{
	return strv_addf(v, "%llu", (unsigned long long)n);
}

/* See monitor_proto.h for the order. */
static int monitor_args(const struct start *s, struct strv *v, struct err *e)
{
	const struct jail_spec *spec = &s->l->spec;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return err_sys(e, "read /proc/self/exe");
	self[n] = '\0';
	if (strv_add(v, "jail-monitor") < 0 || strv_add(v, s->l->name.s) < 0 ||
	    add_number(v, (uint64_t)s->pid) < 0 || strv_add(v, self) < 0 ||
	    strv_add(v, s->l->j->config.file) < 0 ||
	    strv_add(v, spec->process.terminal ? "1" : "0") < 0 ||
	    add_number(v, spec->log.max_size_bytes) < 0 || add_number(v, spec->log.files) < 0 ||
	    strv_add(v, s->l->unit ? "no" : spec_restart_name(spec->restart.policy)) < 0 ||
	    add_number(v, spec->restart.max_retries) < 0 ||
	    add_number(v, spec->restart.delay_ms) < 0 || add_number(v, s->l->retries) < 0 ||
	    add_number(v, s->started_boot_ms) < 0 || strv_add(v, s->l->remove ? "1" : "0") < 0 ||
	    strv_add(v, spec_notifies(spec) ? "1" : "0") < 0 ||
	    add_number(v, spec->notify.watchdog_ms) < 0)
		return err_nomem(e);
	return 0;
}

/* Out of the way of the fixed numbers. */
static int fd_above(int fd, int *ret, struct err *e)
{
	*ret = fcntl(fd, F_DUPFD_CLOEXEC, 2 * MONITOR_FDS_FROM);
	return *ret < 0 ? err_sys(e, "arrange fds") : 0;
}

/* Moves every fd to the number that jail-monitor expects; unset ones become /dev/null. */
static int monitor_fds(struct start *s, int ready, struct err *e)
{
	bool tty = s->l->spec.process.terminal;
	int from[MONITOR_FD_END] = {
		[MONITOR_FD_LOCK] = s->l->lock,
		[MONITOR_FD_PIDFD] = s->pidfd,
		[MONITOR_FD_RUN] = s->l->run,
		[MONITOR_FD_LOG] = s->l->dir,
		[MONITOR_FD_LISTEN] = s->l->listen,
		[MONITOR_FD_OUT] = s->stdio[0],
		[MONITOR_FD_ERR] = tty ? -EBADF : s->stdio[1],
		[MONITOR_FD_IN] = tty ? s->stdio[0] : s->stdio[2],
		[MONITOR_FD_NOTIFY] = s->notify,
		[MONITOR_FD_READY] = ready,
		[MONITOR_FD_CGROUP] = s->cgroup,
	};
	CLEANUP_FD int file = open("/dev/null", O_RDWR | O_CLOEXEC), null = -EBADF;

	if (file < 0)
		return err_sys(e, "open /dev/null");
	/* At its own number something else will be, and must not be closed with it. */
	if (fd_above(file, &null, e) < 0)
		return -e->code;
	fd_reset(&file);
	from[MONITOR_FD_KEEP] = net_socket_take(); /* closing it is slow: for the teardown */
	memcpy(from + MONITOR_FD_CLIENT, s->l->clients, sizeof(s->l->clients));
	for (int i = MONITOR_FD_LOCK; i < MONITOR_FD_END; i++) {
		from[i] = fcntl(from[i] < 0 ? null : from[i], F_DUPFD_CLOEXEC, MONITOR_FDS_FROM);
		if (from[i] < 0)
			return err_sys(e, "arrange fds");
	}
	for (int i = MONITOR_FD_LOCK; i < MONITOR_FD_END; i++)
		if (dup3(from[i], i, 0) < 0)
			return err_sys(e, "arrange fds");
	return fd_cloexec_from(MONITOR_FD_END, e);
}

int become_monitor(struct start *s, struct err *e)
{
	struct launch_report ok = { 0 };
	CLEANUP_STRV struct strv args = { 0 };
	char *env[] = { NULL };
	char path[PATH_MAX];
	CLEANUP_FD int file = -EBADF, program = -EBADF, report = -EBADF, waiter = -EBADF;
	int r;

	(void)str_format(path, sizeof(path), "%s/jail-monitor", s->l->j->config.libexec_dir);
	file = open(path, O_PATH | O_CLOEXEC);
	if (file < 0) {
		err_sys(e, "open %s", path);
		return err_hint(e, "install jail, or set libexecDir in its configuration");
	}
	if ((r = fd_above(file, &program, e)) < 0 ||
	    (s->l->report >= 0 && (r = fd_above(s->l->report, &report, e)) < 0))
		return r;
	fd_reset(&file); /* its number is wanted */
	(void)unlinkat(s->l->dir, UNIT_JOURNAL, 0);
	if (s->l->spec.notify.ready) {
		r = notify_await(s->l->run, e);
		if (r < 0 || (report >= 0 && (r = fd_above(report, &waiter, e)) < 0))
			return r;
	}
	if (s->l->notify) {
		r = s->l->spec.notify.ready ? unit_notify_socket(&waiter, e)
					    : unit_notify("READY=1\n", e);
		if (r < 0)
			return r;
		systemd_register_machine(s->l, s->pid,
					 s->has_net ? s->net.v[0].host_interface : "");
	}
	if ((r = monitor_args(s, &args, e)) < 0 || (r = monitor_fds(s, waiter, e)) < 0)
		return r;
	rollback_commit(&s->undo);
	(void)str_format(ok.error.text, sizeof(ok.error.text), "%s", s->l->warning.text);
	if (report >= 0)
		(void)fd_send(report, &ok, sizeof(ok), NULL, 0);
	(void)sys_execveat(program, args.v, env);
	/* Reported as running already: the program ends with us, and the next command cleans up. */
	_exit(125);
}
