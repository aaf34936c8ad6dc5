/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents of an image, as pure functions over text that a stranger wrote: the OCI image
 * specification 1.1 (image index, manifest, config) and the manifest.json of `docker save`. No
 * system call, so they are fuzzed and tested by table (rows 41, 43, 44, 49). Media types of Docker
 * (application/vnd.docker...) mean the same as those of OCI. Unknown keys are ignored, as the
 * specification asks; a known key with a wrong value is an error with line, column and path; null
 * is as good as not given. What a document is follows from its mediaType, or, where it has none,
 * from its members; one that could be an index and a manifest is refused (CVE-2021-41190).
 *
 * On failure *ret is untouched; on success its old content is overwritten, not freed.
 */
#ifndef JAIL_IMAGES_MANIFEST_H
#define JAIL_IMAGES_MANIFEST_H

#include "base/ident.h"
#include "base/json.h"

#define MANIFEST_BYTES_MAX LIMIT_JSON_BYTES /* of one document */
#define MANIFEST_ENTRIES_MAX 1024 /* of an index, or of manifest.json */

/* os/architecture[/variant], in the words of GOOS and GOARCH ("x86_64" and its like become them).
 * Empty: any; "unknown" is what a document says that can't be a word, and serves nothing. */
struct platform {
	char os[16], architecture[16], variant[16];
};

/* "linux/arm64/v8", "arm64" (of linux), "linux" (any architecture). -EINVAL with the reason. */
int platform_parse(const char *text, struct platform *ret, struct err *e);
/* That of this machine, by uname(2). */
void platform_host(struct platform *ret);
/* "linux/arm64/v8"; "any" for a part that is empty. */
void platform_format(const struct platform *p, char ret[static 64]);
/* How well `offered` serves `wanted`: 0 not at all; more is better. An arm64 host takes v8 and no
 * variant, an arm v7 one also v6, an amd64 one takes no v2 or later unless asked. */
unsigned platform_match(const struct platform *wanted, const struct platform *offered);

enum descriptor_kind {
	DESCRIPTOR_OTHER, /* an artifact, an attestation, ... */
	DESCRIPTOR_INDEX,
	DESCRIPTOR_MANIFEST,
	DESCRIPTOR_CONFIG,
	DESCRIPTOR_LAYER, /* of any compression: it is found out from the content */
	DESCRIPTOR_LAYER_ENCRYPTED, /* refused by name */
	DESCRIPTOR_LAYER_FOREIGN, /* "nondistributable" with urls: usable when the blob is there */
};

struct descriptor {
	enum descriptor_kind kind;
	struct blob_digest digest;
	uint64_t size; /* bytes of the blob, exactly */
	bool has_platform;
	struct platform platform;
	char name[LIMIT_IMAGE_REF_LEN + 1]; /* org.opencontainers.image.ref.name, or "" */
	char full_name[LIMIT_IMAGE_REF_LEN + 1]; /* io.containerd.image.name, or "" */
};

/* ---- an index ---- */

struct image_index {
	struct descriptor *v; /* owned */
	size_t n;
};

void image_index_free(struct image_index *index);
int image_index_parse(const char *file, const char *text, size_t n, struct image_index *ret,
		      struct err *e);

/*
 * Which entry is meant. wanted: the name, its end ("debian:12" of "docker.io/library/debian:12"),
 * either without the tag, the tag alone, or the digest; the closest kind of match that there is
 * counts. NULL: any. platform: as wanted; an entry that names none may be of any, so look again
 * when its config is known. Entries that are no image (attestations of platform unknown/unknown)
 * are passed over. Return: the position; -ENOENT none, the text lists what there is; -ENOTUNIQ
 * several images, the text lists their names. The next step for the hint is the caller's: what the
 * option is called.
 */
int image_index_choose(const struct image_index *index, const char *wanted,
		       const struct platform *platform, struct err *e);

/* ---- a manifest ---- */

struct image_manifest {
	struct descriptor config;
	struct descriptor layers[LIMIT_LAYERS]; /* bottom first */
	size_t n_layers; /* may be 0 */
};

/* A manifest of an artifact (a config that is none of an image, or layers that are no file
 * system's), or of Docker's schema 1, is -EMEDIUMTYPE; encrypted layers are -EOPNOTSUPP. */
int image_manifest_parse(const char *file, const char *text, size_t n, struct image_manifest *ret,
			 struct err *e);

/* One image of `docker save`: members of the archive by name, which is a stranger's: to be compared
 * with the names of members only. */
struct docker_image {
	char *config; /* owned: "HEX.json", "blobs/sha256/HEX" */
	char *layers[LIMIT_LAYERS]; /* owned */
	size_t n_layers;
	char **tags; /* RepoTags, owned */
	size_t n_tags;
};

struct docker_manifest {
	struct docker_image *v; /* owned */
	size_t n;
};

void docker_manifest_free(struct docker_manifest *m);
int docker_manifest_parse(const char *file, const char *text, size_t n, struct docker_manifest *ret,
			  struct err *e);
/* As image_index_choose(). */
int docker_manifest_choose(const struct docker_manifest *m, const char *wanted, struct err *e);

/* ---- a config ---- */

struct image_health {
	bool is_set, disabled; /* Test: ["NONE"] */
	bool shell; /* CMD-SHELL: one argument, for the image's shell */
	char **test; /* without its first word; owned */
	size_t n_test;
	uint64_t interval_ms, timeout_ms, start_period_ms; /* 0: not said; rounded up from ns */
	uint32_t retries; /* 0: not said */
};

struct image_label {
	char *key, *value; /* owned */
};

struct image_port {
	uint16_t port;
	uint8_t protocol; /* IPPROTO_TCP, ... */
};

/*
 * What an image asks for. Strings are a stranger's: they are opaque, and nothing of them is looked
 * at but by the one function that makes defaults of a spec from them (row 44). Lists are bounded:
 * 1,024 entries, 128 KiB a string; more is an error. "" is as good as not given where it is no
 * value: author, user, working_dir, stop_signal, created_by, comment.
 */
struct image_config {
	struct platform platform;
	bool has_created; /* and not before 1970, as Go's zero time is */
	uint64_t created_ms;
	char *author; /* owned; NULL */
	char **entrypoint, **cmd, **env; /* owned; env is NAME=value, as it was given otherwise */
	size_t n_entrypoint, n_cmd, n_env;
	char *user, *working_dir, *stop_signal; /* owned; NULL */
	char **volumes; /* paths in the image; owned, in order of name */
	size_t n_volumes;
	struct image_port *ports; /* owned; by number, then protocol, each once */
	size_t n_ports;
	struct image_label *labels; /* owned, in order of key */
	size_t n_labels;
	struct image_health health;
	struct digest layers[LIMIT_LAYERS]; /* rootfs.diff_ids, bottom first */
	size_t n_layers;
	struct image_history {
		bool has_created, empty_layer;
		uint64_t created_ms;
		char *created_by, *comment; /* owned; NULL */
	} * history; /* owned, oldest first */
	size_t n_history;
};

void image_config_free(struct image_config *c);
#define CLEANUP_IMAGE_CONFIG CLEANUP(image_config_free)
int image_config_parse(const char *file, const char *text, size_t n, struct image_config *ret,
		       struct err *e);

/* "80/tcp" */
#define IMAGE_PORT_TEXT 16
void image_port_format(const struct image_port *p, char ret[static IMAGE_PORT_TEXT]);
/* What it asks for: "entrypoint", "cmd", "env", "user", "workingDir", "stopSignal", "labels",
 * "exposedPorts", "volumes", "healthcheck" (docs/json.md). NULL: null. */
struct json_out;
void image_config_to_json(const struct image_config *c, struct json_out *o, const char *key);

/*
 * The config document that a plain root file system gets: deterministic, so that the same layers
 * and time give the same digest. created_by is the only entry of its history.
 */
int image_config_write(const struct platform *platform, uint64_t created_ms, const char *created_by,
		       const struct digest *layers, size_t n_layers, struct strbuf *ret,
		       struct err *e);

#endif
