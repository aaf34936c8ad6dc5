/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec that `jail spec` prints as a start: a web server, with what most people set, in the
 * order in which they think about it. JSON has no comments; the words of the keys, and
 * config.schema.json in an editor, explain it. It goes through the decoder like any other file, and
 * a test finishes it.
 */
#include "runtime/spec_priv.h"

static const char example[] =
	"{ \"name\": \"web\", \"image\": \"debian:12\", \"labels\": { \"stage\": \"production\" "
	"},\n"
	"  \"hostname\": \"web\",\n"
	"  \"process\": { \"args\": [\"/bin/sh\", \"-c\", \"exec sleep infinity\"],\n"
	"    \"env\": { \"LANG\": \"C.UTF-8\" }, \"cwd\": \"/\", \"user\": \"root\",\n"
	"    \"rlimits\": { \"nofile\": { \"soft\": 1024, \"hard\": 4096 } } },\n"
	"  \"resources\": { \"cpu\": { \"weight\": 100, \"max\": \"1.5\" },\n"
	"    \"memory\": { \"max\": \"512MiB\", \"swapMax\": \"0\" }, \"pids\": { \"max\": 512 } "
	"},\n"
	"  \"network\": { \"mode\": \"bridge\", \"dns\": [\"9.9.9.9\"], \"ports\": "
	"[\"8080:80/tcp\"] },\n"
	"  \"mounts\": [ { \"type\": \"tmpfs\", \"destination\": \"/var/cache\",\n"
	"    \"options\": [\"size=64MiB\", \"mode=0755\"] } ],\n"
	"  \"security\": { \"seccomp\": \"default\", \"shmSize\": \"64MiB\" },\n"
	"  \"restart\": { \"policy\": \"on-failure\", \"maxRetries\": 5, \"delay\": \"1s\" },\n"
	"  \"stop\": { \"signal\": \"SIGTERM\", \"timeout\": \"10s\" },\n"
	"  \"log\": { \"maxSize\": \"10MiB\", \"files\": 3 } }\n";

int spec_example(struct jail_spec *ret, struct err *e)
{
	return spec_decode("example", example, sizeof(example) - 1, ret, e);
}
