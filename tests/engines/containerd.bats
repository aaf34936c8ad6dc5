# SPDX-License-Identifier: GPL-2.0-or-later
# containerd with this runtime behind io.containerd.runc.v2, driven by ctr, which passes a spec on as it is: what needs no
# cgroup controller (the spec that ctr makes has CPU shares).

load ../lib/common
load ../lib/system
load lib

setup_file() {
	engines_setup_file
	image_archive "$ENGINES_DIR/image.tar"
	containerd_start
	ctr image import "$ENGINES_DIR/image.tar"
	mkdir "$ENGINES_DIR/rootfs"
	tar -C "$ENGINES_DIR/rootfs" -xf "$ENGINES_DIR/busybox.tar"
	mkdir -m 711 "$ENGINES_DIR"/rootfs/{scratch,ro} # which the host's root makes, not one of a user namespace
	chmod 755 "$ENGINES_DIR" "$ENGINES_DIR/rootfs"
	(cd "$ENGINES_DIR" && runc spec)
}
teardown_file() {
	engines_teardown_file
}
teardown() {
	local id

	for id in $(ctr task ls --quiet); do
		ctr task kill --signal KILL --all "$id" || :
		wait_until 30 ended "$id"
		ctr task delete "$id" || :
	done
	for id in $(ctr container ls --quiet); do
		ctr container rm "$id"
	done
}

# spec ID JQ-FILTER: prints the name of a spec for runc's default container, but for the filter.
spec() {
	jq --arg rootfs "$ENGINES_DIR/rootfs" --arg id "$1" '.root = {path: $rootfs, readonly: false} | del(.linux.resources)
		| .linux.cgroupsPath = "/ctr/" + $id | .process.terminal = false | .process.rlimits = [] | '"$2" \
		"$ENGINES_DIR/config.json" >"$BATS_TEST_TMPDIR/$1.json"
	echo "$BATS_TEST_TMPDIR/$1.json"
}
start() { # ID JQ-FILTER [OPTION...]
	ctr run "${CTR_RUNTIME[@]}" "${@:3}" --config "$(spec "$1" "$2")" "$1"
}
sleeper() {
	start "$1" '.process.args = ["sleep", "1000"]' --detach
}
# read_before_end COMMAND...: runs one whose program ends with $HOLD. ctr doesn't wait for the copy of the output when it
# deletes what has ended, and so loses output now and then, with runc too. This lets the program end when its output is here.
read_before_end() {
	local log=$BATS_TEST_TMPDIR/output pid

	rm -f "$ENGINES_DIR/rootfs/read"
	: >"$log"
	"$@" >>"$log" 2>&1 3>&- 4>&- &
	pid=$!
	wait_until 30 grep -q 'all written' "$log" || { cat "$log"; kill $pid; return 1; }
	touch "$ENGINES_DIR/rootfs/read"
	cat "$log"
	wait $pid
}
HOLD='echo all written; until [ -e /read ]; do sleep 0.1; done'

is() { [ "$(ctr task ls | awk -v id="$1" '$1 == id { print $3 }')" = "$2" ]; }
ended() { is "$1" STOPPED || is "$1" ''; }

@test "run: output, exit status, what the spec says" {
	run -0 read_before_end start one '.process.args = ["sh", "-c", "echo $A; id -u; hostname; pwd; '"$HOLD"'"] | .process.env += ["A=b"] | .process.user.uid = 33 | .hostname = "here" | .process.cwd = "/tmp"' --rm
	assert [ "$output" = $'b\n33\nhere\n/tmp\nall written' ]
	run -7 start two '.process.args = ["sh", "-c", "exit 7"]' --rm
	run -0 ctr container ls --quiet
	[ -z "$output" ]
}

@test "run: the runtime's reason is shown" {
	run ! start one '.process.args = ["/no/such"]' --rm
	assert_output /no/such
	assert_output 'OCI runtime create failed'
	run ! start two '.mounts += [{"destination": "/x", "source": "/no/source", "type": "bind", "options": ["bind"]}]' --rm
	assert_output 'OCI runtime create failed'
	assert_output /no/source
}

@test "run --tty: a terminal" {
	run -0 read_before_end timeout "$JAIL_TIMEOUT" script -qec "ctr run ${CTR_RUNTIME[*]} --tty --rm \
		--config $(spec one '.process.terminal = true | .process.args = ["sh", "-c", "tty; test -t 1 && echo terminal; '"$HOLD"'"]') one" /dev/null
	assert_output /dev/pts/0
	assert_output terminal
}

@test "task exec: output, status, user, a terminal" {
	sleeper box
	run -0 read_before_end ctr task exec --exec-id one --user 33 --cwd /tmp box sh -c "id -u; pwd; readlink /proc/self/ns/pid; $HOLD"
	assert [ "${lines[0]} ${lines[1]}" = '33 /tmp' ]
	local pid
	pid=$(ctr task ls | awk '$1 == "box" { print $2 }')
	assert [ "${lines[2]}" = "$(readlink "/proc/$pid/ns/pid")" ]
	run -3 ctr task exec --exec-id two box sh -c 'exit 3'
	run -0 read_before_end timeout "$JAIL_TIMEOUT" script -qec "ctr task exec --tty --exec-id three box sh -c 'tty; $HOLD'" /dev/null
	assert_output /dev/pts/0
	run ! ctr task exec --exec-id four box /no/such
	assert_output /no/such
}

@test "task pause, resume, ps, metrics" {
	sleeper box
	run -0 ctr task ps box
	assert_output "$(ctr task ls | awk '$1 == "box" { print $2 }')"
	ctr task pause box
	is box PAUSED
	grep -qx 'frozen 1' "$SANDBOX_ROOT/ctr/box/cgroup.events"
	ctr task resume box
	is box RUNNING
	run -0 ctr task metrics box
	assert_output box
}

@test "task kill and delete: signals, the exit status" {
	start box '.process.args = ["sh", "-c", "trap \"exit 9\" TERM; touch /tmp/ready; while :; do sleep 0.1; done"]' --detach
	wait_until 30 ctr task exec --exec-id "x$RANDOM" box test -e /tmp/ready
	run ! ctr task delete box
	is box RUNNING
	ctr task kill --signal TERM box
	wait_until 30 is box STOPPED
	run ctr task delete box
	assert_output 'exit code 9'
	[ ! -d "$SANDBOX_ROOT/ctr/box" ]
	ctr task start --detach box
	is box RUNNING
	ctr task kill --signal KILL --all box
	wait_until 30 is box STOPPED
}

@test "the host's process IDs: kill --all ends the whole cgroup" {
	start box '.process.args = ["sh", "-c", "sleep 4711 & sleep 4712 & wait"] | .linux.namespaces |= map(select(.type != "pid"))' --detach
	wait_until 30 sh -c '[ "$(wc -l <'"$SANDBOX_ROOT"'/ctr/box/cgroup.procs)" -ge 3 ]'
	ctr task kill --signal KILL --all box
	wait_until 30 is box STOPPED
	wait_until 30 grep -qx 'populated 0' "$SANDBOX_ROOT/ctr/box/cgroup.events"
	run ctr task delete box
	[ ! -d "$SANDBOX_ROOT/ctr/box" ]
}

@test "a user namespace, mounts, masks, as the spec has them" {
	run -0 read_before_end start one '.process.args = ["sh", "-c", "cat /proc/self/uid_map; grep -c . /proc/self/mountinfo; stat -c %a /scratch; touch /ro/x 2>&1; '"$HOLD"'"]
		| .linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 700000, "size": 1000}] | .linux.gidMappings = .linux.uidMappings
		| .mounts += [{"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["mode=0711", "size=64k"]},
			{"destination": "/ro", "type": "bind", "source": "/tmp", "options": ["rbind", "ro"]}]' --rm
	assert [ "$(tr -s ' ' <<<"${lines[0]}")" = ' 0 700000 1000' ]
	assert_output 711
	assert_output 'Read-only'
}

@test "containerd starts again: the shim kept the task" {
	sleeper box
	daemon_stop containerd
	containerd_start
	is box RUNNING
	run -0 read_before_end ctr task exec --exec-id one box sh -c "echo goes on; $HOLD"
	assert [ "$output" = $'goes on\nall written' ]
}
