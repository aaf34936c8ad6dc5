# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel refuses: at each point of each command one of the calls that it needs fails with ENOMEM, ENOSPC, EIO or EMFILE,
# once, or from then on. It succeeds all the same, or it says what failed and why; nothing is left of it, it can be done
# again, and what ran runs. `make crash-test` tries every error of every call, here it is a part of them.
# san: no

load ../lib/common
load ../lib/crash
load ../lib/faults

setup_file() {
	jail_setup_file
	mkdir "$JAIL_TEST_DIR/layout"
	"$TOP/tests/helpers/mkoci.py" "$JAIL_TEST_DIR/layout" "
image(layer(dir('etc'), file('etc/one', b'1' * 5000)), layer(dir('etc'), file('etc/.wh.one'), file('etc/two', b'2' * 70000),
	hard('etc/three', 'etc/two')), name='new:1')"
	tar -C "$JAIL_TEST_DIR/layout" -czf "$JAIL_TEST_DIR/new.tar.gz" .
	jail volume create data
	sleeper live --port 8000:80 --mount volume:data:/data
	LIVE=$(pid_of live)
	export LIVE
	faults_setup_file
}
teardown_file() {
	jail rm --force live
	jail volume rm data
	jail_teardown_file
}
teardown() { :; }

faults_world() {
	[ "$(pid_of live)" = "$LIVE" ] && [ "$(jail exec live echo alive)" = alive ] && echo "live runs"
	snapshot
	# What changes by itself, and what only says how often.
	find "$JAIL_TEST_DIR/state" -mindepth 1 ! -path '*/events/*' ! -path '*/layers/*' ! -name '*.lock' ! -name lock \
		! -path '*/instances/live/*' -printf 'state: %P\n' | sort
	find "$JAIL_TEST_DIR/run" -mindepth 1 ! -path '*/seccomp*' -printf 'run: %P\n' | sort
}
faults_collect() {
	timeout "$JAIL_TIMEOUT" "$JAIL_BUILD/jail" gc >/dev/null || { faults_say 'gc failed'; return; }
	[ "$(jail gc)" = 'nothing to remove' ] || faults_say 'a second gc found more'
}
exists() { jail inspect "$1" >/dev/null 2>&1; }
result_is() { [ "$(cat "$JAIL_TEST_DIR/result")" = "$1" ]; }

made() {
	exists web || jail create web --image "$IMAGE" --port 8001:80 --mount volume:data:/data -- sleep 1000
}
# A monitor may be about to remove it, too.
gone() { ! exists web || jail rm --force web || ! exists web; }
stopped() {
	made
	[ "$(status_of web)" != running ] || jail stop --timeout 0s web
}
running() {
	made
	[ "$(status_of web)" = running ] || jail start web
}

create_before() { gone; }
create_is_done() { [ "$(status_of web)" = created ] && jail start web && [ "$(jail exec web cat /proc/1/comm)" = jail-init ]; }
create_undo() { gone; }
@test "create" {
	fault_sweep create web "$JAIL_BUILD/jail" create web --image "$IMAGE" --port 8001:80 --mount volume:data:/data -- sleep 1000
}

start_before() { stopped; }
start_is_done() { [ "$(status_of web)" = running ] && [ "$(jail exec web echo works)" = works ]; }
start_undo() { gone; }
@test "start" {
	fault_sweep start web "$JAIL_BUILD/jail" start web
}

run_before() { gone; }
# Its end is the supervisor's, whom nobody hears: then the command says so.
run_is_done() { result_is ran && { ! exists web || grep -qE 'web (could not be removed at its end: jail rm web|was removed at its end is not known: .)' "$JAIL_TEST_DIR/fault.err"; }; }
run_undo() { gone; }
@test "run --rm, to its end" {
	fault_sweep run web "$JAIL_BUILD/jail" run --rm --name web --image "$IMAGE" --port 8001:80 sh -c 'echo ran'
}

exec_before() { :; }
exec_is_done() { result_is ran; }
exec_undo() { rm -f "$JAIL_TEST_DIR/result"; }
@test "exec" {
	fault_sweep exec live "$JAIL_BUILD/jail" exec live echo ran
}

stop_before() { running; }
stop_is_done() { [ "$(status_of web)" = stopped ]; }
stop_undo() { gone; }
@test "stop" {
	fault_sweep stop web "$JAIL_BUILD/jail" stop --timeout 0s web
}

rm_before() { stopped; }
rm_is_done() { ! exists web; }
rm_undo() { gone; }
@test "rm" {
	fault_sweep rm web "$JAIL_BUILD/jail" rm web
}

set_before() { made; }
set_is_done() { [ "$(field web .spec.hostname)" = other ]; }
set_undo() { gone; }
@test "set, of one that is down" {
	fault_sweep set web "$JAIL_BUILD/jail" set web hostname=other
}

change_before() { running; }
change_is_done() {
	[ "$(field web '.spec.network.ports[0]')" = 8002:80/tcp ] && [ -L "$JAIL_TEST_DIR/run/ports/tcp-8002" ] &&
		[ ! -L "$JAIL_TEST_DIR/run/ports/tcp-8001" ] && [ "$(elements_in ports4)" -eq 2 ]
}
change_undo() { gone; }
@test "set, of the ports of one that runs" {
	fault_sweep change web "$JAIL_BUILD/jail" set web network.ports=8002:80
}

network_before() { network_undo; }
network_is_done() { [ "$(jail network inspect --json net | jq -r '.[0].name')" = net ]; }
network_undo() { ! jail network inspect net >/dev/null 2>&1 || jail network rm net; }
@test "network create" {
	fault_sweep network net "$JAIL_BUILD/jail" network create net
}

import_before() { import_undo; }
import_is_done() { jail image verify --quiet new:1; }
import_undo() { ! jail image inspect new:1 >/dev/null 2>&1 || jail image rm new:1; }
@test "image import" {
	fault_sweep import new "$JAIL_BUILD/jail" image import --quiet "$JAIL_TEST_DIR/new.tar.gz"
}

snapshot_before() { stopped; }
snapshot_is_done() { [ "$(jail snapshot list --quiet web)" = first ]; }
snapshot_undo() { gone; }
@test "snapshot create" {
	fault_sweep snapshot web "$JAIL_BUILD/jail" snapshot create web first
}

# One piece of each kind of what killed commands leave.
gc_before() {
	local state=$JAIL_TEST_DIR/state id=0123456789abcdef0123456789abcdef

	made
	mkdir -p "$SANDBOX_ROOT/jail/ghost/inside" "$JAIL_TEST_DIR/run/instances/ghost" "$state/trash/$id/upper/d" "$state/staging/$id/fs" \
		"$state/layers/$(printf '0%.0s' {1..64})/fs"
	ln -sfn "$id" "$state/leases/ids/4000"
	ln -sfn "$id" "$JAIL_TEST_DIR/run/ports/tcp-9000"
}
gc_is_done() {
	local state=$JAIL_TEST_DIR/state

	# A record that it could not read: then it says so, and keeps what may be in use.
	! grep -q 'left alone' "$JAIL_TEST_DIR/fault.err" || return 0
	[ ! -d "$SANDBOX_ROOT/jail/ghost" ] && [ ! -d "$JAIL_TEST_DIR/run/instances/ghost" ] && [ ! -L "$state/leases/ids/4000" ] &&
		[ ! -L "$JAIL_TEST_DIR/run/ports/tcp-9000" ] && [ -z "$(find "$state/trash" "$state/staging" -mindepth 1)" ] &&
		[ "$(find "$state/layers" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] && [ "$(status_of web)" = created ] && jail start web
}
gc_undo() { gone; }
@test "gc" {
	fault_sweep gc gc "$JAIL_BUILD/jail" gc
}
