# SPDX-License-Identifier: GPL-2.0-or-later
# What every file of tests/oci loads. The runtime under test is OCI_RUNTIME, jail-oci unless it says otherwise: Debian's
# crun and runc are the positive control (`OCI_RUNTIME=runc`), old as they are. A container and its bundle have the same
# name. Each test is named after the document and section of the runtime specification that it shows.
#
#     load lib
#     setup_file() { oci_setup_file; }
#     teardown_file() { oci_teardown_file; }
#     teardown() { oci_teardown; }
# shellcheck shell=bash

load ../lib/common

OCI_RUNTIME=${OCI_RUNTIME:-$JAIL_BUILD/jail-oci}
# Where a pure v2 tree is mounted, as engines have it; the sandbox's group is its root.
CGROUPS=/sys/fs/cgroup

# oci ARGUMENTS...: the runtime. It gets none of bats' descriptors: a container would hold them open.
oci() {
	timeout --foreground "$JAIL_TIMEOUT" "$OCI_RUNTIME" --root "$OCI_DIR/root" "$@" 3>&- 4>&-
}
# is NAME...: whether one of these is under test. runc, crun or jail-oci.
is() {
	[[ " $* " == *" $(basename "$OCI_RUNTIME") "* ]]
}

oci_setup_file() {
	[ -n "${SANDBOX_GROUP:-}" ] || { echo "run this in tests/lib/sandbox" >&2; return 1; }
	OCI_DIR=$(mktemp -d /var/tmp/jail-oci.XXXXXX)
	chmod 755 "$OCI_DIR"
	export OCI_DIR OCI_RUNTIME
	mkdir "$OCI_DIR"/{rootfs,bundles,root}
	oci_cgroup_view
	"$TOP/tests/lib/busybox-image" "$OCI_DIR/busybox.tar"
	tar -C "$OCI_DIR/rootfs" -xf "$OCI_DIR/busybox.tar"
	chmod 755 "$OCI_DIR/rootfs"
	mkdir "$OCI_DIR/rootfs/mnt"
	# With musl, since the image has no library. Its headers lack <linux/*.h>.
	musl-gcc -static -D_GNU_SOURCE -O2 -Wall -idirafter /usr/include -idirafter "/usr/include/$(gcc -print-multiarch)" \
		-o "$OCI_DIR/rootfs/bin/probe" "$TOP/tests/helpers/ociprobe.c"
	oci_config >"$OCI_DIR/config.json"
	oci_traces >"$OCI_DIR/before"
}

# The sandbox has private mounts and a cgroup namespace whose root is its group: so a new mount shows just that.
oci_cgroup_view() {
	[ "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/1/ns/mnt)" ] || { echo "not in a mount namespace" >&2; return 1; }
	if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
		umount -l /sys/fs/cgroup
		mount -t cgroup2 none /sys/fs/cgroup
	fi
	# Else a cgroup below couldn't have them.
	local controller controllers
	read -r -a controllers <"$CGROUPS/cgroup.controllers" || :
	for controller in "${controllers[@]}"; do
		echo "+$controller" >"$CGROUPS/cgroup.subtree_control"
	done
}

# Removes all containers and bundles; fails when a trace of them is left.
oci_teardown() {
	local id status=0

	[ -d "$OCI_DIR/root" ] || return 0
	for id in $(oci list --quiet); do
		oci delete --force "$id" || status=1
	done
	wait_until 10 oci_clean || { oci_clean >&2; oci_sweep; status=1; }
	oci_remove "$OCI_DIR"/bundles/*
	return $status
}
# So that what one test left does not fail the next.
oci_sweep() {
	find "$CGROUPS" -mindepth 1 -maxdepth 1 -type d ! -name runner -exec sh -c 'echo 1 >"$1/cgroup.kill"' - {} \;
	wait_until 10 oci_sweep_groups || :
	rm -rf "$OCI_DIR"/root/*
}
oci_sweep_groups() {
	find "$CGROUPS" -mindepth 1 -depth -type d ! -name runner -exec rmdir {} +
}
oci_teardown_file() {
	oci_remove "$OCI_DIR"
}
# oci_remove PATH...: a runtime may have left mounts there, and what is in those is not ours to remove.
oci_remove() {
	awk -v dir="$OCI_DIR/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r -d '\n' umount -l
	rm -rf --one-file-system "$@"
}
# What a container could leave behind.
oci_traces() {
	echo "cgroups:"; find "$CGROUPS" -mindepth 1 -type d ! -name runner -printf '%P\n'
	echo "mounts:"; sort /proc/self/mounts
	echo "links:"; ip -o link | awk -F': ' '{ print $2 }'
	echo "state:"; ls "$OCI_DIR/root"
}
oci_clean() {
	# What is not a container's: jail's own parents, crun's and runc's for containers without a cgroupsPath.
	rmdir "$CGROUPS/crun" "$CGROUPS/jail" 2>/dev/null || :
	oci_traces >"$OCI_DIR/after"
	diff "$OCI_DIR/before" "$OCI_DIR/after"
}

# oci_config: what `runc spec` writes, without a terminal, and sleeping.
oci_config() {
	jq . <<'JSON'
{
  "ociVersion": "1.0.2",
  "process": {
    "terminal": false,
    "user": { "uid": 0, "gid": 0 },
    "args": ["sleep", "1000"],
    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    },
    "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 }],
    "noNewPrivileges": true
  },
  "root": { "path": "rootfs", "readonly": true },
  "hostname": "box",
  "mounts": [
    { "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
      "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
      "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
      "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
    { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"] },
    { "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"] },
    { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
      "options": ["nosuid", "noexec", "nodev", "relatime", "ro"] }
  ],
  "linux": {
    "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
    "namespaces": [{ "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" },
      { "type": "cgroup" }],
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
      "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
  }
}
JSON
}

# ---- bundles

# bundle NAME [FILTER...]: makes the bundle NAME, anew if there is one; the jq filters change its config.
bundle() {
	local dir=$OCI_DIR/bundles/$1 name=$1

	oci_remove "$dir"
	mkdir "$dir"
	cp -a "$OCI_DIR/rootfs" "$dir/rootfs"
	jq --arg path "/$name" '.linux.cgroupsPath = $path' "$OCI_DIR/config.json" >"$dir/config.json"
	shift
	config "$name" "$@"
}
# config NAME FILTER...: changes it.
config() {
	local file=$OCI_DIR/bundles/$1/config.json filter

	for filter in "${@:2}"; do
		jq "$filter" "$file" >"$file.new"
		mv "$file.new" "$file"
	done
}
# script NAME COMMANDS: what the container is to run, a shell's commands.
script() {
	local file=$OCI_DIR/bundles/$1/config.json

	jq --arg script "$2" '.process.args = ["sh", "-c", $script]' "$file" >"$file.new"
	mv "$file.new" "$file"
}
rootfs() {
	echo "$OCI_DIR/bundles/${1:-c}/rootfs"
}

# ---- containers

# box FILTER COMMANDS [ARGUMENT...]: a container "c" with the config changed by FILTER runs the shell commands.
box() {
	bundle c "$1"
	script c "$2"
	launch run "${@:3}"
}
# launch COMMAND [ARGUMENT...] [NAME]: create or run with the bundle of the container.
launch() {
	local command=$1

	shift
	oci "$command" --bundle "$OCI_DIR/bundles/c" "$@" c
}
# create NAME [ARGUMENT...]: what the container says goes to the file "NAME.out" and "NAME.err".
create() {
	oci create --bundle "$OCI_DIR/bundles/$1" "${@:2}" "$1" </dev/null >"$OCI_DIR/bundles/$1/out" 2>"$OCI_DIR/bundles/$1/err" ||
		{ local status=$?; cat "$OCI_DIR/bundles/$1/err" >&2; return $status; }
}
# live FILTER [COMMANDS]: the container "c" is running, and stays.
live() {
	bundle c "$1"
	[ $# -lt 2 ] || script c "$2"
	create c
	oci start c
}
out() {
	cat "$OCI_DIR/bundles/${1:-c}/out"
}
# state NAME [JQ]
state() {
	oci state "$1" | jq -r "${2:-.status}"
}
pid_in() {
	state "$1" .pid
}
state_is() {
	[ "$(state "$1")" = "$2" ]
}
# waits until it has that state, as the process that is waited for ends by itself.
wait_state() {
	wait_until 30 state_is "$1" "$2"
}
wait_stopped() {
	wait_state "$1" stopped
}
# comm_is PID NAME: start and exec return before the program has taken over.
comm_is() {
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}
# wait_out TEXT: until the container has said so.
wait_out() {
	wait_until 30 grep -qs -- "$1" "$OCI_DIR/bundles/${2:-c}/out"
}
gone() {
	run ! oci state "$1"
}
# try COMMAND...: as `run` does, but through a file: a container that was made after all would hold a pipe open.
try() {
	status=0
	"$@" </dev/null >"$BATS_TEST_TMPDIR/try" 2>&1 || status=$?
	output=$(<"$BATS_TEST_TMPDIR/try")
}
# refused TEXT COMMAND...: the runtime fails, and says why: TEXT is a pattern without regard to case.
refused() {
	local text=$1

	shift
	try "$@"
	if [ "$status" -eq 0 ] || [ "$status" -eq 124 ]; then
		echo "status $status; not refused: $*: $output" >&2
		return 1
	fi
	grep -qiE -- "$text" <<<"$output" || { printf 'expected: %s\noutput: %s\n' "$text" "$output" >&2; return 1; }
}
# refused_box TEXT FILTER: a container with that config isn't made, and has not run.
refused_box() {
	refused "$1" box "$2" 'echo it ran'
	refute_output "it ran"
	run ! oci state c
}
# equal EXPECTED [ACTUAL]: exact; the second is $output unless given.
equal() {
	local actual=${2-$output}
	[ "$actual" = "$1" ] || { printf 'expected: %s\nactual:   %s\n' "$1" "$actual" >&2; return 1; }
}
# like PATTERN: an extended regular expression in $output.
like() {
	grep -qE -- "$1" <<<"$output" || { printf 'expected: %s\noutput: %s\n' "$1" "$output" >&2; return 1; }
}
# needs CONTROLLER...
needs() {
	local controller
	for controller; do
		grep -qw "$controller" "$CGROUPS/cgroup.controllers" || skip "no cgroup controller $controller"
	done
}
jail_only() {
	is jail-oci || skip "$1"
}
