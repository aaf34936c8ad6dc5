/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a spec that comes from elsewhere wants of this host. All of it is told at once, by JSON
 * path, since each one would cost another try with a large file.
 */
#include <stdarg.h>
#include <stdio.h>

#include "runtime/networks.h"
#include "runtime/transfer_priv.h"
#include "runtime/volumes.h"

#define TOLD_MAX 12 /* the text of an error has an end */

struct wishes {
	struct strbuf text;
	size_t n;
};

static void wish(struct wishes *w, const char *fmt, ...) PRINTF(2, 3);
static void wish(struct wishes *w, const char *fmt, ...)
{
	char one[160];
	va_list args;

	if (w->n++ >= TOLD_MAX)
		return;
	va_start(args, fmt);
	(void)vsnprintf(one, sizeof(one), fmt, args); /* may be cut */
	va_end(args);
	strbuf_addf(&w->text, "%s%s", w->n > 1 ? "; " : "", one);
}

static void wish_end(struct wishes *w)
{
	if (w->n > TOLD_MAX)
		strbuf_addf(&w->text, "; and %zu more", w->n - TOLD_MAX);
}

/* ---- what isn't here ---- */

static void miss_volumes(struct jail *j, const struct jail_spec *s, struct wishes *w)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		CLEANUP_VOLUME struct volume v = { .mode = 0 };
		struct err why = ERR_INIT;
		struct jail_name name;

		if (s->mounts[i].kind != SPEC_MOUNT_VOLUME)
			continue;
		if (name_parse("volume", s->mounts[i].source, &name, &why) < 0 ||
		    volume_read(j, &name, &v, &why) < 0)
			wish(w, "mounts[%zu].source: %s", i, why.text);
	}
}

static void miss_networks(struct jail *j, const struct jail_spec *s, struct wishes *w)
{
	for (size_t i = 0; spec_has_networks(s) && i < s->network.n_interfaces; i++) {
		struct err why = ERR_INIT;
		struct net_network network;

		if (network_read(j, &s->network.interfaces[i].network, &network, &why) < 0)
			wish(w, "network.interfaces[%zu].network: %s", i, why.text);
	}
}

/* ---- what reaches the host ---- */

static void reach_mounts(const struct jail_spec *s, struct wishes *w)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (s->mounts[i].kind != SPEC_MOUNT_TMPFS)
			wish(w, "mounts[%zu].source: %s %s", i,
			     spec_mount_kind_name(s->mounts[i].kind), s->mounts[i].source);
}

static void reach_security(const struct jail_spec *s, struct wishes *w)
{
	if (s->security.user_namespace == SPEC_USERNS_HOST)
		wish(w, "security.userNamespace: host");
	if (s->security.seccomp && !str_eq(s->security.seccomp, "default"))
		wish(w, "security.seccomp: %s", s->security.seccomp);
	for (size_t i = 0; i < s->security.n_devices; i++)
		wish(w, "security.devices[%zu]: %s", i, s->security.devices[i].source);
}

static void reach_network(const struct jail_spec *s, struct wishes *w)
{
	switch (s->network.mode) {
	case SPEC_NETWORK_HOST:
		wish(w, "network.mode: host");
		break;
	case SPEC_NETWORK_PATH:
		wish(w, "network.path: %s", s->network.path);
		break;
	case SPEC_NETWORK_INSTANCE:
		wish(w, "network.instance: %s", s->network.instance.s);
		break;
	case SPEC_NETWORK_BRIDGE:
	case SPEC_NETWORK_ROUTED:
	case SPEC_NETWORK_MACVLAN:
	case SPEC_NETWORK_NONE:
		break;
	}
}

static void reach_hooks(const char *key, const struct hook *v, size_t n, struct wishes *w)
{
	for (size_t i = 0; i < n; i++)
		wish(w, "hooks.%s[%zu].path: %s", key, i, v[i].path);
}

static void reach_file(const char *key, const struct spec_source *source, struct wishes *w)
{
	if (source->file)
		wish(w, "%s.file: %s", key, source->file);
}

static void reach_files(const struct jail_spec *s, struct wishes *w)
{
	for (size_t i = 0; i < s->systemd.n_credentials; i++) {
		char key[96];

		(void)snprintf(key, sizeof(key), "systemd.credentials.%s",
			       s->systemd.credentials[i].name);
		reach_file(key, &s->systemd.credentials[i].value, w);
	}
	reach_file("cloudInit.userData", &s->cloud_init.user_data, w);
	reach_file("cloudInit.metaData", &s->cloud_init.meta_data, w);
	reach_file("cloudInit.networkConfig", &s->cloud_init.network_config, w);
	reach_file("firstBoot.rootPassword", &s->first_boot.root_password, w);
}

static int check_reach(const struct jail_spec *s, struct wishes *w, struct err *e)
{
	reach_mounts(s, w);
	reach_security(s, w);
	reach_network(s, w);
	reach_hooks("prestart", s->hooks.prestart, s->hooks.n_prestart, w);
	reach_hooks("poststop", s->hooks.poststop, s->hooks.n_poststop, w);
	reach_files(s, w);
	if (!w->n)
		return 0;
	wish_end(w);
	(void)err_set(e, EPERM, "its spec reaches the host: %.900s", strbuf_str(&w->text));
	return err_hint(e, "if you trust who made the file: jail import --trust");
}

static int check_missing(struct jail *j, const struct jail_spec *s, struct wishes *w, struct err *e)
{
	miss_volumes(j, s, w);
	miss_networks(j, s, w);
	if (!w->n)
		return 0;
	wish_end(w);
	(void)err_set(e, ENOENT, "its spec wants what isn't here: %.900s", strbuf_str(&w->text));
	return err_hint(e, "make these first (jail volume create, jail network create)");
}

int transfer_check_spec(struct jail *j, const struct jail_spec *s, bool trust, struct err *e)
{
	struct wishes reach = { .text = STRBUF_INIT }, missing = { .text = STRBUF_INIT };
	int r = trust ? 0 : check_reach(s, &reach, e);

	if (r >= 0)
		r = check_missing(j, s, &missing, e);
	strbuf_free(&reach.text);
	strbuf_free(&missing.text);
	return r;
}
