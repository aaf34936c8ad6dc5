/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec as JSON, in the schema's order. What is not set is not written, so that a spec reads
 * back to the same value, finished or not. Objects without content are left out.
 */
#include "runtime/spec_priv.h"

#include "base/num.h"
#include "runtime/creds.h"

struct json_out *spec_in(struct spec_section *s)
{
	if (!s->open && s->parent)
		(void)spec_in(s->parent);
	if (!s->open)
		json_out_object(s->o, s->key);
	s->open = true;
	return s->o;
}

void spec_section_end(struct spec_section *s)
{
	if (s->open)
		json_out_object_end(s->o);
}

void spec_out_size(struct json_out *o, const char *key, uint64_t bytes)
{
	char text[32];

	if (bytes == UINT64_MAX)
		(void)str_format(text, sizeof(text), "max");
	else
		spec_format_size(bytes, text, sizeof(text));
	json_out_str(o, key, text);
}

static void out_duration(struct json_out *o, const char *key, uint64_t ms)
{
	char text[32];

	num_format_duration(ms, text, sizeof(text));
	json_out_str(o, key, text);
}

static void out_strings(struct json_out *o, const char *key, char *const *strings, size_t n)
{
	json_out_array(o, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(o, NULL, strings[i]);
	json_out_array_end(o);
}

/* "K=V" becomes a member. A name has at most 256 code points, checked when it came in. */
static void out_env(struct json_out *o, const struct strv *env)
{
	json_out_object(o, "env");
	for (size_t i = 0; i < env->n; i++) {
		size_t n = strcspn(env->v[i], "=");
		char name[4 * 256 + 1];

		if (n >= sizeof(name) || env->v[i][n] != '=')
			continue;
		memcpy(name, env->v[i], n);
		name[n] = '\0';
		json_out_str(o, name, env->v[i] + n + 1);
	}
	json_out_object_end(o);
}

static void out_rlimit_value(struct json_out *o, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		json_out_str(o, key, "unlimited");
	else
		json_out_u64(o, key, value);
}

static void out_rlimits(struct json_out *o, const struct jail_spec *s)
{
	json_out_object(o, "rlimits");
	for (size_t i = 0; i < s->process.n_rlimits; i++) {
		const struct spec_rlimit *l = &s->process.rlimits[i];
		const char *name = spec_rlimit_name(l->resource);

		json_out_object(o, name);
		out_rlimit_value(o, "soft", l->soft);
		out_rlimit_value(o, "hard", l->hard);
		json_out_object_end(o);
	}
	json_out_object_end(o);
}

static void print_process(const struct jail_spec *s, struct json_out *o)
{
	struct spec_section p = { o, "process", false, NULL };

	if (s->process.args.n > 0)
		out_strings(spec_in(&p), "args", s->process.args.v, s->process.args.n);
	if (s->process.env.n > 0)
		out_env(spec_in(&p), &s->process.env);
	if (s->process.cwd)
		json_out_str(spec_in(&p), "cwd", s->process.cwd);
	if (s->process.user && s->process.user[0])
		json_out_str(spec_in(&p), "user", s->process.user);
	if (s->process.terminal)
		json_out_bool(spec_in(&p), "terminal", true);
	if (s->process.stdin_open)
		json_out_bool(spec_in(&p), "stdin", true);
	if (s->process.n_rlimits > 0)
		out_rlimits(spec_in(&p), s);
	if (s->process.has_oom_score_adj)
		json_out_int(spec_in(&p), "oomScoreAdj", s->process.oom_score_adj);
	spec_section_end(&p);
}

static void out_capabilities(struct json_out *o, uint64_t set)
{
	json_out_array(o, "capabilities");
	for (int i = 0; i < 64; i++)
		if (set & UINT64_C(1) << i && creds_capability_name(i))
			json_out_str(o, NULL, creds_capability_name(i));
	json_out_array_end(o);
}

static void print_security(const struct jail_spec *s, struct json_out *o)
{
	struct spec_section c = { o, "security", false, NULL };

	if (s->security.user_namespace != SPEC_USERNS_AUTO)
		json_out_str(spec_in(&c), "userNamespace",
			     spec_userns_words.words[s->security.user_namespace]);
	if (s->security.has_capabilities)
		out_capabilities(spec_in(&c), s->security.capabilities);
	if (s->security.seccomp)
		json_out_str(spec_in(&c), "seccomp", s->security.seccomp);
	if (s->security.readonly_root)
		json_out_bool(spec_in(&c), "readonlyRoot", true);
	if (s->security.has_no_new_privileges)
		json_out_bool(spec_in(&c), "noNewPrivileges", s->security.no_new_privileges);
	if (s->security.time_namespace)
		json_out_bool(spec_in(&c), "timeNamespace", true);
	if (s->security.nesting)
		json_out_bool(spec_in(&c), "nesting", true);
	if (s->security.n_devices > 0) {
		json_out_array(spec_in(&c), "devices");
		for (size_t i = 0; i < s->security.n_devices; i++)
			spec_device_to_json(&s->security.devices[i], o);
		json_out_array_end(o);
	}
	if (s->security.shm_size_bytes > 0)
		spec_out_size(spec_in(&c), "shmSize", s->security.shm_size_bytes);
	spec_section_end(&c);
}

static void print_life(const struct jail_spec *s, struct json_out *o)
{
	struct spec_section restart = { o, "restart", false, NULL };
	struct spec_section notify = { o, "notify", false, NULL };
	struct spec_section stop = { o, "stop", false, NULL };
	struct spec_section log = { o, "log", false, NULL };

	if (s->restart.policy != SPEC_RESTART_NO)
		json_out_str(spec_in(&restart), "policy", spec_restart_name(s->restart.policy));
	if (s->restart.max_retries > 0)
		json_out_u64(spec_in(&restart), "maxRetries", s->restart.max_retries);
	if (s->restart.delay_ms > 0)
		out_duration(spec_in(&restart), "delay", s->restart.delay_ms);
	spec_section_end(&restart);
	if (s->notify.ready)
		json_out_bool(spec_in(&notify), "ready", true);
	if (s->notify.watchdog_ms > 0)
		out_duration(spec_in(&notify), "watchdog", s->notify.watchdog_ms);
	spec_section_end(&notify);
	if (s->stop.signal > 0)
		json_out_str(spec_in(&stop), "signal", spec_signal_name(s->stop.signal));
	if (s->stop.has_timeout || s->stop.timeout_ms > 0)
		out_duration(spec_in(&stop), "timeout", s->stop.timeout_ms);
	spec_section_end(&stop);
	if (s->log.max_size_bytes > 0)
		spec_out_size(spec_in(&log), "maxSize", s->log.max_size_bytes);
	if (s->log.files > 0)
		json_out_u64(spec_in(&log), "files", s->log.files);
	spec_section_end(&log);
}

static void out_others(struct json_out *o, const char *key, const struct strv *names)
{
	if (!names->n)
		return;
	json_out_array(o, key);
	for (size_t i = 0; i < names->n; i++)
		json_out_str(o, NULL, names->v[i]);
	json_out_array_end(o);
}

static void out_hooks(struct spec_section *hooks, const char *key, const struct hook *list,
		      size_t n)
{
	struct json_out *o = hooks->o;

	if (n == 0)
		return;
	json_out_array(spec_in(hooks), key);
	for (size_t i = 0; i < n; i++) {
		json_out_object(o, NULL);
		json_out_str(o, "path", list[i].path);
		if (list[i].args.n > 0)
			out_strings(o, "args", list[i].args.v, list[i].args.n);
		if (list[i].env.n > 0)
			out_env(o, &list[i].env);
		if (list[i].timeout_ms > 0)
			out_duration(o, "timeout", list[i].timeout_ms);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

static void print_head(const struct jail_spec *s, struct json_out *o)
{
	if (s->name.s[0])
		json_out_str(o, "name", s->name.s);
	if (s->has_image)
		json_out_str(o, "image", s->image.s);
	if (s->rootfs)
		json_out_str(o, "rootfs", s->rootfs);
	if (s->is_volatile)
		json_out_bool(o, "volatile", true);
	if (s->n_labels > 0) {
		json_out_object(o, "labels");
		for (size_t i = 0; i < s->n_labels; i++)
			json_out_str(o, s->labels[i].key, s->labels[i].value);
		json_out_object_end(o);
	}
	if (s->tenant.s[0])
		json_out_str(o, "tenant", s->tenant.s);
	if (s->hostname)
		json_out_str(o, "hostname", s->hostname);
	if (s->mode != SPEC_MODE_APP)
		json_out_str(o, "mode", spec_mode_words.words[s->mode]);
}

void spec_print(const struct jail_spec *s, bool interfaces, struct json_out *o, const char *key)
{
	struct spec_section hooks = { o, "hooks", false, NULL };

	json_out_object(o, key);
	print_head(s, o);
	print_process(s, o);
	spec_print_resources(s, o);
	spec_print_network(s, interfaces, o);
	if (s->n_mounts > 0) {
		json_out_array(o, "mounts");
		for (size_t i = 0; i < s->n_mounts; i++)
			spec_mount_to_json(&s->mounts[i], o);
		json_out_array_end(o);
	}
	spec_schedules_to_json(s, o);
	print_security(s, o);
	print_life(s, o);
	out_hooks(&hooks, "prestart", s->hooks.prestart, s->hooks.n_prestart);
	out_hooks(&hooks, "poststop", s->hooks.poststop, s->hooks.n_poststop);
	spec_section_end(&hooks);
	if (s->autostart)
		json_out_bool(o, "autostart", true);
	out_others(o, "after", &s->after);
	out_others(o, "requires", &s->requires);
	spec_firstboot_to_json(s, o);
	json_out_object_end(o);
}

void spec_to_json(const struct jail_spec *s, struct json_out *o, const char *key)
{
	spec_print(s, false, o, key);
}
