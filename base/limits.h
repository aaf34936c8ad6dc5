/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The maximum of every list, depth, length and time that input can choose. One line each. */
#ifndef JAIL_BASE_LIMITS_H
#define JAIL_BASE_LIMITS_H

#define LIMIT_NAME_LEN 63 /* instance and network names: a DNS label, and a cgroup directory */
#define LIMIT_IMAGE_REF_LEN 255
#define LIMIT_JSON_BYTES (4u << 20)
#define LIMIT_JSON_DEPTH 32
#define LIMIT_JSON_NODES 200000
#define LIMIT_JSON_STRING (1u << 20)
#define LIMIT_ARGS 4096
#define LIMIT_ENV 4096
#define LIMIT_ENV_BYTES (512u << 10)
#define LIMIT_MOUNTS 256
#define LIMIT_PORTS 1024
#define LIMIT_RULES 64 /* lines of network.allow, and of network.deny */
#define LIMIT_LAYERS 128
#define LIMIT_LABELS 256
#define LIMIT_OTHERS 64 /* instances that a spec names in one list */
#define LIMIT_SCHEDULES 8 /* of snapshots, in a spec */
#define LIMIT_HOOKS 32
#define LIMIT_DEVICES 64
#define LIMIT_RLIMITS 16
#define LIMIT_UNIFIED 64 /* raw cgroup files */
#define LIMIT_DNS 8
#define LIMIT_CREDENTIALS 64
#define LIMIT_CREDENTIAL_BYTES (1u << 20) /* all of an instance; systemd takes no more */
#define LIMIT_CLOUD_INIT_BYTES (1u << 20) /* one file of the seed */
#define LIMIT_SSH_KEYS 64
#define LIMIT_USERDB_BYTES (1u << 20) /* /etc/passwd and /etc/group of an image */
#define LIMIT_USERDB_LINE 4096
#define LIMIT_GROUPS 256
/* What engines hand an OCI runtime: a Kubernetes pod of many volumes, a host's every device. */
#define LIMIT_OCI_STRINGS 16384 /* arguments, or variables, of one process or hook */
#define LIMIT_OCI_MOUNTS 4096
#define LIMIT_OCI_OPTIONS 256 /* of one mount */
#define LIMIT_OCI_DEVICES 1024 /* nodes, and rules of the device filter */
#define LIMIT_OCI_PATHS 1024 /* masked, or read-only */
#define LIMIT_OCI_MAP 4096 /* annotations, sysctls, raw cgroup files */
#define LIMIT_OCI_HOOKS 256 /* of one kind */
#define LIMIT_OCI_NET_DEVICES 256
#define LIMIT_ID_MAPS 340 /* user_namespaces(7) */
#define LIMIT_LOG_LINE (16u << 10) /* one JSON line of the log holds at most this much output */

#endif
