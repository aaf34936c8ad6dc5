/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spec as a value: empty, and freed. */
#include "runtime/creds.h"
#include "runtime/spec_priv.h"

bool spec_has_networks(const struct jail_spec *spec)
{
	return spec->network.mode == SPEC_NETWORK_BRIDGE ||
	       spec->network.mode == SPEC_NETWORK_ROUTED ||
	       spec->network.mode == SPEC_NETWORK_MACVLAN;
}

bool spec_owns_network(const struct jail_spec *spec)
{
	return spec_has_networks(spec) || spec->network.mode == SPEC_NETWORK_NONE;
}

void spec_init(struct jail_spec *s)
{
	*s = (struct jail_spec){ .has_image = false };
}

void spec_hook_free(struct hook *h)
{
	free(h->path);
	strv_free(&h->args);
	strv_free(&h->env);
	*h = (struct hook){ .path = NULL };
}

static void free_hooks(struct hook *hooks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		spec_hook_free(&hooks[i]);
	free(hooks);
}

static void free_strings(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
}

void spec_free(struct jail_spec *s)
{
	for (size_t i = 0; i < s->n_labels; i++) {
		free(s->labels[i].key);
		free(s->labels[i].value);
	}
	for (size_t i = 0; i < s->n_mounts; i++)
		spec_mount_free(&s->mounts[i]);
	free_strings(s->network.dns, s->network.n_dns);
	for (size_t i = 0; i < s->security.n_devices; i++)
		spec_device_free(&s->security.devices[i]);
	strv_free(&s->after);
	strv_free(&s->requires);
	free_hooks(s->hooks.prestart, s->hooks.n_prestart);
	free_hooks(s->hooks.poststop, s->hooks.n_poststop);
	spec_firstboot_free(s);
	strv_free(&s->process.args);
	strv_free(&s->process.env);
	free(s->rootfs);
	free(s->labels);
	free(s->hostname);
	free(s->process.cwd);
	free(s->process.user);
	free(s->process.rlimits);
	free(s->cpus);
	free(s->mems);
	free(s->io);
	for (size_t i = 0; i < s->limits.n_raw; i++) {
		free(s->raw[i].file);
		free(s->raw[i].value);
	}
	free(s->raw);
	free(s->network.interfaces);
	free(s->network.path);
	strv_free(&s->network.allow);
	strv_free(&s->network.deny);
	free(s->network.ports);
	free(s->mounts);
	free(s->schedules);
	free(s->security.seccomp);
	free(s->security.devices);
	spec_init(s);
}

bool spec_owns_cgroups(const struct jail_spec *s)
{
	return s->mode == SPEC_MODE_SYSTEM || s->security.nesting;
}

uint64_t spec_capabilities(const struct jail_spec *s)
{
	if (s->security.has_capabilities)
		return s->security.capabilities;
	if (s->security.nesting)
		return creds_nesting_capabilities();
	return s->mode == SPEC_MODE_SYSTEM ? creds_system_capabilities()
					   : creds_default_capabilities();
}

void *spec_grow(void *array, size_t n, size_t size)
{
	void **slot = array;
	void *grown = reallocarray(*slot, n + 1, size);

	if (!grown)
		return NULL;
	*slot = grown;
	memset((char *)grown + n * size, 0, size);
	return (char *)grown + n * size;
}
