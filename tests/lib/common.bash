# SPDX-License-Identifier: GPL-2.0-or-later
# What every bats file loads. Each file runs in a sandbox of its own (tests/lib/sandbox) with a fresh state tree, so
# names, addresses and ports are free to choose. Set by tests/run: JAIL_BUILD, the directory of the programs.
#
#     load ../lib/common
#     setup_file() { jail_setup_file; }
#     teardown_file() { jail_teardown_file; }
#     teardown() { jail_teardown; }
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

TOP=$(cd "${BATS_TEST_DIRNAME:-.}/../.." && pwd)
JAIL_BUILD=${JAIL_BUILD:-$TOP/build}
IMAGE=busybox

# No test may hang the suite: whatever takes this long is killed, and says 124.
JAIL_TIMEOUT=${JAIL_TIMEOUT:-60}

jail() {
	timeout --foreground "$JAIL_TIMEOUT" "$JAIL_BUILD/jail" "$@"
}

# jail_config FILE STATE RUN: writes a configuration; more members come on stdin as "key": value lines.
jail_config() {
	local more
	more=$([ -t 0 ] || cat)
	printf '{\n"stateDir": "%s",\n"runDir": "%s",\n"libexecDir": "%s"%s\n}\n' "$2" "$3" "$JAIL_BUILD" \
		"${more:+,$more}" >"$1"
}

jail_setup_file() {
	# Not below /tmp where that is a tmpfs: layers want a disk.
	JAIL_TEST_DIR=$(mktemp -d /var/tmp/jail-bats.XXXXXX)
	export JAIL_TEST_DIR JAIL_CONFIG=$JAIL_TEST_DIR/jail.json
	jail_config "$JAIL_CONFIG" "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" </dev/null
	snapshot >"$JAIL_TEST_DIR/before"
	"$TOP/tests/lib/busybox-image" "$JAIL_TEST_DIR/busybox.tar"
	[ "${1:-}" = bare ] || jail image import --quiet --name "$IMAGE" "$JAIL_TEST_DIR/busybox.tar"
}

# Everything that an instance could leave in the machine (here: in the sandbox).
snapshot() {
	echo "mounts:"; sort /proc/self/mounts
	# The bridges of the network that is always there stay.
	echo "links:"; ip -o link | awk -F': ' '$2 !~ /^jail0/ && !/alias jail-network:default/ { print $2 }'
	echo "cgroups:"
	[ ! -d "$SANDBOX_ROOT/jail" ] || find "$SANDBOX_ROOT/jail" -mindepth 1 -type d ! -name .monitor -printf '%P\n'
	echo "processes:"
	[ ! -d "$SANDBOX_ROOT/jail" ] || find "$SANDBOX_ROOT/jail" -name cgroup.procs -exec cat {} +
	echo "elements:"; elements
}

# How many elements of the nftables tables belong to instances (those that are a network's are the host's).
elements() {
	nft -j list ruleset | jq '[.nftables[] | (.set // .map // empty) |
		select(.name | test("^(networks|gateways|outside|tenant|neighbours|nat)") | not) | .elem // [] | length] | add // 0'
}
elements_in() { # SET
	nft -j list ruleset | jq --arg set "$1" '[.nftables[] | (.set // .map // empty) | select(.name == $set) | .elem // [] | length] | add // 0'
}
# Removes all instances; fails when something of them is still there.
jail_teardown() {
	[ -d "$JAIL_TEST_DIR/state" ] || return 0
	jail rm --all --force
}

# For files that make images: all but the small one.
remove_images() {
	local image
	for image in $(jail image list --quiet); do
		[ "$image" = "$IMAGE:latest" ] || jail image rm "$image"
	done
}

jail_teardown_file() {
	local status=0

	jail_teardown || status=1
	# A removal returns when everything of the instance is gone; the process that did it may still be exiting.
	wait_until 10 as_before || { as_before >&2; left_processes >&2; status=1; }
	rm -rf "$JAIL_TEST_DIR"
	return $status
}

as_before() {
	snapshot >"$JAIL_TEST_DIR/after"
	diff "$JAIL_TEST_DIR/before" "$JAIL_TEST_DIR/after"
}
left_processes() {
	local pid

	find "$SANDBOX_ROOT/jail" -name cgroup.procs -exec cat {} + | while read -r pid; do
		echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline") $(grep State "/proc/$pid/status")"
	done
}

# ---- waiting, always for a condition and never for a time

# wait_until SECONDS COMMAND...: until it succeeds. An emulated machine (tests/vm) has JAIL_SLOWNESS times as long.
wait_until() {
	local end=$((SECONDS + $1 * ${JAIL_SLOWNESS:-1}))

	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "still false: $*" >&2
			return 1
		fi
		read -r -t 0.02 <> <(:) || :
	done
}

# status_is NAME STATUS
status_is() {
	[ "$(status_of "$1")" = "$2" ]
}
status_of() {
	jail inspect --json "$1" | jq -r '.[0].status'
}
# wait_status NAME STATUS
wait_status() {
	wait_until 30 status_is "$1" "$2"
}
# restarted NAME PID: it runs, and as another process than PID. One look: two could see the end of the old start in the
# first and nobody, pid 0, in the second.
restarted() {
	jail inspect --json "$1" | jq -e --argjson old "$2" '.[0] | .status == "running" and .pid != $old and .pid > 0'
}
# wait_log NAME PATTERN: until a line of the log matches.
wait_log() {
	wait_until 30 log_matches "$@"
}
log_matches() {
	jail logs "$1" | grep -q -- "$2"
}

# ---- looking

# field NAME JQ: of `jail inspect --json`.
field() {
	jail inspect --json "$1" | jq -r ".[0]$2"
}
address_of() {
	field "$1" .address
}
pid_of() {
	field "$1" .pid
}
monitor_of() {
	field "$1" .monitorPid
}

# assert COMMAND...: says what it was when it fails.
assert() {
	"$@" || { echo "failed: $*" >&2; echo "status: ${status:-}; output: ${output:-}" >&2; return 1; }
}
assert_output() {
	[[ $output == *"$1"* ]] || { printf 'expected in the output: %s\noutput: %s\n' "$1" "$output" >&2; return 1; }
}
refute_output() {
	[[ $output != *"$1"* ]] || { printf 'not expected: %s\noutput: %s\n' "$1" "$output" >&2; return 1; }
}
# assert_error STATUS TEXT, after `run`: the error's form, its status, and that it says so on one line.
assert_error() {
	[ "$status" -eq "$1" ] || { printf 'status %s, expected %s: %s\n' "$status" "$1" "$output" >&2; return 1; }
	[[ $output == *"jail: "*"$2"* ]] || { printf 'expected an error with: %s\noutput: %s\n' "$2" "$output" >&2; return 1; }
}

# vacuous WHAT: for a naive twin that did not lose. A test that can't lose proves nothing.
vacuous() {
	echo "vacuous: the naive twin did not lose: $*" >&2
	return 1
}

# run_app NAME [OPTIONS --] COMMAND...: a detached instance of the small image that stays until it is stopped.
app() {
	local name=$1

	shift
	jail run --detach --name "$name" --image "$IMAGE" "$@" >/dev/null
}
# The same for an instance that only sleeps; more options may be given.
sleeper() {
	app "$@" sleep 1000
}

# spare_device: prints a device that an instance has only when it is granted, and that can be opened without harm.
spare_device() {
	local device

	for device in /dev/fuse /dev/loop-control /dev/cpu_dma_latency /dev/net/tun; do
		if (exec 3<>"$device") 2>/dev/null; then
			echo "$device"
			return
		fi
	done
	echo "no device to try with" >&2
	return 1
}
# node_numbers PATH: "MAJOR MINOR" in decimal.
node_numbers() {
	local major minor

	read -r major minor < <(stat -c '%t %T' "$1")
	echo "$((16#$major)) $((16#$minor))"
}

has_controller() {
	grep -qw "$1" "$SANDBOX_ROOT/cgroup.controllers"
}
