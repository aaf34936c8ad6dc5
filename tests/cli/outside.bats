# SPDX-License-Identifier: GPL-2.0-or-later
# The machine around it fails, or is changed by others: disks that are full or read-only, /run that was emptied, no /proc,
# cgroups and interfaces that are gone, a clock that jumps. Each command says what is wrong; what runs goes on where it can;
# when the machine is as it should be, everything works again and nothing is left.
# san: no

load ../lib/common

setup_file() {
	jail_setup_file
	gcc -O2 -Wall -shared -fPIC -D_GNU_SOURCE -o "$JAIL_TEST_DIR/clockjump.so" "$TOP/tests/helpers/clockjump.c" -ldl
}
teardown_file() { jail_teardown_file; }
teardown() {
	jail rm --all --force || :
	! mountpoint -q "$BATS_TEST_TMPDIR/small" || umount -l "$BATS_TEST_TMPDIR/small"
}

# small DIRECTORY SIZE: the state or the run directory is on a small tmpfs.
small() {
	local state=$BATS_TEST_TMPDIR/state run=$BATS_TEST_TMPDIR/run

	mkdir -p "$BATS_TEST_TMPDIR/small"
	mount -t tmpfs -o "size=$2,mode=700" tmpfs "$BATS_TEST_TMPDIR/small"
	printf -v "$1" %s "$BATS_TEST_TMPDIR/small/$1"
	mkdir -p "$state" "$run"
	chmod 700 "$state" "$run"
	jail_config "$BATS_TEST_TMPDIR/c.json" "$state" "$run" </dev/null
	JAIL_CONFIG=$BATS_TEST_TMPDIR/c.json
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name "$IMAGE"
}
fill() { dd if=/dev/zero of="$BATS_TEST_TMPDIR/small/filler" bs="${1:-4k}" 2>/dev/null || :; }
empty() { rm -f "$BATS_TEST_TMPDIR/small/filler"; }
nothing_left() {
	[ "$(jail gc)" = 'nothing to remove' ] || { jail gc >/dev/null; [ "$(jail gc)" = 'nothing to remove' ]; }
}
# A line each, and all of them, from an instance that says so and waits.
# full_disk_says COMMAND...: it fails, and says that the disk is full, and which.
full_disk_says() {
	run jail "$@"
	assert_error 1 'No space left'
	assert_output '      '
}

@test "the disk of the state is full: snapshots, clones, volumes, networks, settings, each in one line" {
	small state 8M
	jail create web --image "$IMAGE" --network none -- sleep 1000
	jail cp /etc/hosts web:/file
	fill
	full_disk_says snapshot create web first
	full_disk_says clone web twin
	full_disk_says volume create data
	full_disk_says network create net
	full_disk_says set web hostname=a-name-that-is-longer-than-before
	full_disk_says image tag "$IMAGE" other
	full_disk_says image import "$JAIL_TEST_DIR/busybox.tar" --name other
	full_disk_says start web
	full_disk_says commit web made
	jail gc
	[ -z "$(jail snapshot list --quiet web)$(jail volume list --quiet)$(find "$BATS_TEST_TMPDIR/small/state/"{staging,trash} -mindepth 1)" ]
	[ "$(jail ps --quiet)$(jail image list --quiet)" = "web$IMAGE:latest" ]
	[ "$(find "$BATS_TEST_TMPDIR/small/state/leases" -type l | wc -l)" -eq 1 ]
	[ "$(field web .spec.hostname)" = web ]
	[ "$(status_of web)" = created ]
	empty
	jail snapshot create web first
	jail clone web twin
	jail start web
	[ "$(status_of web)" = running ]
	nothing_left
}

@test "the disk of the state is full: what runs goes on, the exit is on record with its status, the log says what it could" {
	small state 8M
	mkfifo "$BATS_TEST_TMPDIR/go"
	chmod 666 "$BATS_TEST_TMPDIR/go"
	jail run --detach --name web --image "$IMAGE" --network none --mount "$BATS_TEST_TMPDIR/go:/go" sh -c \
		'echo before; read word </go; i=0; while [ $i -lt 2000 ]; do echo "line $i of what the log has no room for"; i=$((i + 1)); done; exit 42' >/dev/null
	wait_log web before
	fill 1
	echo go >"$BATS_TEST_TMPDIR/go"
	run jail wait web
	[ "$output" = 42 ]
	[ "$(status_of web)" = stopped ]
	[ "$(field web .lastExit.status)" = 42 ]
	run -0 jail logs web
	assert_output before
	empty
	jail start web
	jail stop --timeout 0s web
	jail rm web
	nothing_left
}

@test "the run directory's disk is full: a start says so, what runs goes on and can be stopped" {
	small run 1M
	jail run --detach --name old --image "$IMAGE" --port 8000:80 sleep 1000 >/dev/null
	jail create web --image "$IMAGE" --port 8001:80 -- sleep 1000
	fill
	full_disk_says start web
	assert_output "$BATS_TEST_TMPDIR/small/run"
	[ "$(jail exec old echo alive)" = alive ]
	[ "$(status_of old)" = running ]
	[ "$(status_of web)" = created ]
	jail stop --timeout 0s old
	empty
	jail start web
	jail start old
	[ "$(jail exec web echo alive)" = alive ]
	jail rm --force web old
	nothing_left
}

@test "a read-only state directory: what looks works, what writes says so, what runs can be entered and stopped" {
	small state 8M
	jail run --detach --name old --image "$IMAGE" --network none sleep 1000 >/dev/null
	jail create web --image "$IMAGE" --network none -- sleep 1000
	run -0 read_only ps
	assert_output old
	read_only inspect old web >/dev/null
	read_only image list >/dev/null
	[ "$(read_only exec old echo alive)" = alive ]
	read_only stats --no-stream old >/dev/null
	local verb
	for verb in 'start web' 'set web hostname=other' 'rm web' 'snapshot create web' 'network create net' 'rename web other' "image tag $IMAGE other"; do
		# shellcheck disable=SC2086 # a verb and its operands
		run read_only $verb
		assert_error 1 'Read-only file system'
	done
	read_only stop --timeout 0s old
	[ "$(status_of old)" = stopped ]
	jail start web
	jail start old
	[ "$(status_of web)" = running ]
	jail rm --force web old
	nothing_left
}
# For the command it is, whoever has it open for writing.
read_only() {
	# shellcheck disable=SC2016 # expands inside
	unshare --mount sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' - \
		"$BATS_TEST_TMPDIR/small" timeout "$JAIL_TIMEOUT" "$JAIL_BUILD/jail" "$@"
}

@test "/run was emptied: what runs is still there, says what has happened, and can be removed or killed" {
	sleeper web --port 8000:80
	sleeper other --port 8001:80
	local pid
	pid=$(pid_of web)
	find "$JAIL_TEST_DIR/run" -mindepth 1 -delete
	kill -0 "$pid"
	run -0 jail ps
	assert_output web
	local verb
	for verb in 'exec web true' 'stop --timeout 0s web' 'pause web' 'attach web' 'start web'; do
		# shellcheck disable=SC2086 # a verb and its operands
		SECONDS=0 run timeout 20 "$JAIL_BUILD/jail" $verb
		[ "$status" -ne 124 ]
		[ "$status" -ne 0 ]
		assert_output 'jail: '
		assert_output 'run directory'
		assert_output 'jail rm --force web'
	done
	jail rm --force web
	[ ! -e "/proc/$pid" ]
	[ ! -d "$SANDBOX_ROOT/jail/web" ]
	jail kill other
	wait_status other stopped
	jail gc >/dev/null
	[ "$(elements)" -eq 0 ]
	jail start other
	[ "$(jail exec other echo alive)" = alive ]
	nothing_left
}

@test "without /proc: one line that says so" {
	local verb
	jail create web --image "$IMAGE" --network none -- sleep 1000
	for verb in 'ps' 'start web' 'exec web true' 'gc' "run --rm --image $IMAGE true"; do
		# shellcheck disable=SC2016,SC2086 # expands inside
		run unshare --mount sh -c 'umount -l /proc; exec "$@"' - timeout 20 "$JAIL_BUILD/jail" $verb
		[ "$status" -ne 124 ]
		[ "$status" -lt 126 ]
		[ "$status" -eq 0 ] || assert_output '/proc'
	done
	jail start web
	[ "$(status_of web)" = running ]
}

@test "a /proc that hides processes works; one without /proc/sys is named" {
	# shellcheck disable=SC2016 # expands inside
	run unshare --mount sh -c 'mount -t proc -o hidepid=invisible,subset=pid proc /proc; exec "$@"' - "$JAIL_BUILD/jail" run --rm \
		--image "$IMAGE" true
	assert_error 125 /proc/sys
	# shellcheck disable=SC2016 # expands inside
	run -0 unshare --mount sh -c 'mount -t proc -o hidepid=invisible proc /proc; "$@"' - "$JAIL_BUILD/jail" run --rm --image "$IMAGE" echo works
	[ "$output" = works ]
}

tree_goes() {
	find "$SANDBOX_ROOT/jail" -depth -type d -exec rmdir {} + 2>/dev/null
	[ ! -d "$SANDBOX_ROOT/jail" ]
}
@test "its cgroup is killed and removed by somebody else: an exit like any other" {
	sleeper web --port 8000:80
	echo 1 >"$SANDBOX_ROOT/jail/web/cgroup.kill"
	wait_status web stopped
	[ "$(field web .lastExit.status)" = 137 ]
	jail start web
	# Frozen from outside.
	echo 1 >"$SANDBOX_ROOT/jail/web/cgroup.freeze"
	wait_status web paused
	jail stop --timeout 0s web
	[ ! -d "$SANDBOX_ROOT/jail/web" ]
	# The whole tree, when who has ended the instance has left it.
	wait_until 10 tree_goes
	jail ps >/dev/null
	jail gc >/dev/null
	jail start web
	[ "$(jail exec web echo alive)" = alive ]
}

@test "no cgroup tree is mounted: a line that says so, and what runs goes on" {
	sleeper web --network none
	local verb
	for verb in 'start other' 'exec web true' 'stop --timeout 0s web' 'gc' 'ps' "run --rm --network none --image $IMAGE true"; do
		# shellcheck disable=SC2016,SC2086 # expands inside
		run unshare --mount sh -c 'umount -l "$1"; shift; exec "$@"' - "$SANDBOX_ROOT" timeout 20 "$JAIL_BUILD/jail" $verb
		[ "$status" -ne 124 ]
		[ "$status" -lt 126 ]
		[ "$status" -eq 0 ] || assert_output 'jail: '
	done
	jail exec web true || [ "$(status_of web)" = stopped ]
}

@test "bridge, veth and tables are gone: exec, stop, rm and gc work, and the next start has a network" {
	local interface bridge
	sleeper web --port 8000:80
	sleeper two
	interface=$(field web .interface)
	bridge=$(jail network inspect --json default | jq -r '.[0].interface')
	ip link delete "$interface"
	[ "$(jail exec web echo alive)" = alive ]
	jail stats --no-stream web >/dev/null
	jail restart --timeout 0s web
	jail exec web ping -c 1 -W 5 "$(address_of two)" >/dev/null 2>&1 || :
	[ -n "$(field web .interface)" ]
	ip link delete "$bridge"
	[ "$(jail exec web echo alive)" = alive ]
	jail gc >/dev/null
	ip link show "$bridge" >/dev/null
	jail restart --timeout 0s web
	ip -o link show master "$bridge" | grep -q "$(field web .interface)"
	nft flush ruleset
	ip link delete "$bridge"
	jail stop --timeout 0s web two
	[ ! -d "$SANDBOX_ROOT/jail/web" ]
	jail start web
	[ "$(elements_in ports4)" -eq 1 ]
	ip -o link show master "$bridge" | grep -q "$(field web .interface)"
	jail rm --force web two
	nothing_left
}

@test "the loop device of a disk is taken away: a start gets another" {
	[ -e /dev/loop-control ] || skip "no loop devices"
	jail create web --image "$IMAGE" --network none --disk 32MiB -- sleep 1000
	jail start web
	local device
	device=$(grep -lF "$JAIL_TEST_DIR/" /sys/block/loop*/loop/backing_file | head -n 1)
	[ -n "$device" ]
	device=/dev/$(cut -d / -f 4 <<<"$device")
	# Busy: it goes with its last user.
	losetup --detach "$device"
	jail exec web sh -c 'echo text >/file'
	jail snapshot create web first
	jail restart --timeout 0s web
	[ "$(jail exec web cat /file)" = text ]
	jail rm --force web
	nothing_left
}

# jumped SECONDS COMMAND...: of jail, with another clock.
jumped() { CLOCK_JUMP=$1 LD_PRELOAD=$JAIL_TEST_DIR/clockjump.so timeout "$JAIL_TIMEOUT" "$JAIL_BUILD/jail" "${@:2}"; }
YEARS=$((10 * 365 * 86400))

@test "a clock that jumps by ten years, forth and back: starts, stops, waits, logs, exits" {
	local jump
	for jump in $YEARS -$YEARS; do
		jumped "$jump" run --detach --name web --image "$IMAGE" --port 8000:80 sh -c 'echo text; sleep 1000' >/dev/null
		[ "$(status_of web)" = running ]
		jail ps >/dev/null
		wait_log web text
		jail exec web true
		jail stop --timeout 5s web
		[ "$(status_of web)" = stopped ]
		jail start web
		jumped "$jump" ps >/dev/null
		jumped "$jump" stop --timeout 5s web
		[ "$(status_of web)" = stopped ]
		jail inspect --json web | jq -e '.[0].lastExit.status' >/dev/null
		jail rm web
	done
	# Positive control: the clock of those was another.
	[ "$(jail events 2>/dev/null | grep -cE "$(date -d "@$(($(date +%s) + YEARS))" +%Y)" || :)" -gt 0 ]
	nothing_left
}

@test "a clock that jumps: snapshots by schedule are not made again and again, and none is removed too early" {
	jail create web --image "$IMAGE" --network none -- sleep 1000
	jail set web 'snapshots=[{"every":"365d","keep":3}]'
	jail snapshot run web
	[ "$(jail snapshot list --quiet web | wc -l)" -eq 1 ]
	jumped $YEARS snapshot run web
	local n
	n=$(jail snapshot list --quiet web | wc -l)
	jail snapshot run web
	jail snapshot run web
	[ "$(jail snapshot list --quiet web | wc -l)" -le $((n + 1)) ]
}
