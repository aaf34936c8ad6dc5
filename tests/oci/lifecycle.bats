# SPDX-License-Identifier: GPL-2.0-or-later
# runtime.md: the life of a container, its states and its operations.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

@test "runtime.md Lifecycle: create, start, kill, delete" {
	bundle c
	create c
	state_is c created
	run -0 oci start c
	state_is c running
	run -0 oci kill c KILL
	wait_stopped c
	run -0 oci delete c
	gone c
}

@test "runtime.md Lifecycle: create does not run the user's program" {
	bundle c '.root.readonly = false'
	script c 'touch /ran; exec sleep 1000'
	create c
	[ ! -e "$(rootfs)/ran" ]
	oci start c
	wait_until 30 test -e "$(rootfs)/ran"
}

@test "runtime.md Lifecycle: a process that ends by itself is stopped" {
	bundle c
	script c 'exit 3'
	create c
	oci start c
	wait_stopped c
	run -0 oci delete c
}

@test "runtime.md State: the members, while created, running and stopped" {
	bundle c '.annotations = {"com.example.key": "value", "empty": ""}'
	create c
	run -0 oci state c
	jq -e --arg bundle "$OCI_DIR/bundles/c" '.id == "c" and .status == "created" and .pid > 0 and .bundle == $bundle
		and (.ociVersion | test("^1\\.[0-9]+\\.[0-9]+")) and .annotations["com.example.key"] == "value"
		and .annotations.empty == ""' <<<"$output"
	[ -d "/proc/$(jq .pid <<<"$output")" ]
	local pid
	pid=$(pid_in c)
	oci start c
	run -0 oci state c
	jq -e --argjson pid "$pid" '.status == "running" and .pid == $pid' <<<"$output"
	oci kill c KILL
	wait_stopped c
	run -0 oci state c
	jq -e '.status == "stopped" and (.pid // 0) == 0 and .id == "c"' <<<"$output"
}

@test "runtime.md State: bundle is absolute, also for a relative --bundle" {
	bundle c
	cd "$OCI_DIR"
	oci create --bundle bundles/c c </dev/null >/dev/null 2>&1
	equal "$OCI_DIR/bundles/c" "$(state c .bundle)"
}

@test "runtime.md Create: --bundle defaults to the current directory" {
	bundle c
	cd "$OCI_DIR/bundles/c"
	oci create c </dev/null >/dev/null 2>&1
	equal "$OCI_DIR/bundles/c" "$(state c .bundle)"
}

@test "runtime.md State: pid is the host's, of the container's process" {
	live .
	wait_until 30 comm_is "$(pid_in c)" sleep
	run -0 grep NSpid "/proc/$(pid_in c)/status"
	like '	1$'
}

@test "runtime.md State: of an unknown container is an error" {
	refused 'exist|no such' oci state nobody
}

@test "runtime.md Create: an id that is in use is an error, the first is left alone" {
	local pid

	live .
	pid=$(pid_in c)
	refused 'exist' create c
	state_is c running
	equal "$pid" "$(pid_in c)"
	oci kill c KILL
	wait_stopped c
	refused 'exist' create c
	state_is c stopped
}

@test "runtime.md Create: changes of config.json after it have no effect" {
	bundle c '.root.readonly = false'
	script c 'hostname; exec sleep 1000'
	create c
	config c '.hostname = "other"'
	script c 'echo other'
	oci start c
	wait_out box
	run -0 oci exec c hostname
	equal box
}

@test "runtime.md: a container whose bundle has vanished can be seen, killed and deleted" {
	live .
	mv "$OCI_DIR/bundles/c" "$OCI_DIR/bundles/gone"
	state_is c running
	run -0 oci list --quiet
	equal c
	run -0 oci kill c KILL
	wait_stopped c
	run -0 oci delete c
	gone c
}

@test "runtime.md Create: the container has all but its program: namespaces, mounts, hostname" {
	local pid

	bundle c
	create c
	pid=$(pid_in c)
	run -0 nsenter -t "$pid" -u hostname
	equal box
	run -0 grep -c ' /dev/mqueue ' "/proc/$pid/mountinfo"
	equal 1
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

@test "runtime.md Start: only a created one" {
	refused 'exist|no such' oci start nobody
	live .
	refused '.' oci start c
	state_is c running
	oci kill c KILL
	wait_stopped c
	refused '.' oci start c
	state_is c stopped
}

@test "runtime.md Start: the id is required" {
	run ! oci start
	run ! oci create
	run ! oci kill
	run ! oci delete
	run ! oci state
}

@test "runtime.md Kill: a created container takes signals" {
	bundle c
	create c
	run -0 oci kill c KILL
	wait_stopped c
}

@test "runtime.md Kill: names, SIG names and numbers; TERM without one" {
	live . 'trap "echo usr1" USR1; trap "echo usr2" USR2; trap "echo hup" HUP; trap "echo bye; exit" TERM; echo ready
		while :; do read -t 1 line </dev/mqueue || :; done'
	wait_out ready
	oci kill c USR1
	wait_out usr1
	oci kill c SIGUSR2
	wait_out usr2
	oci kill c 1
	wait_out hup
	oci kill c
	wait_out bye
	wait_stopped c
}

@test "runtime.md Kill: an unknown signal is an error, and none is sent" {
	local signal

	live .
	for signal in NOSUCH 0x9 4096 -1; do
		run ! oci kill c "$signal"
		state_is c running
	done
}

@test "runtime.md Kill: a stopped container is an error without effect" {
	live . true
	wait_stopped c
	refused '.' oci kill c TERM
	state_is c stopped
	refused 'exist|no such' oci kill nobody
}

@test "runtime.md Kill --all of a stopped container is no error" {
	live . true
	wait_stopped c
	run oci kill --all c KILL
	state_is c stopped
}

@test "runtime.md Delete: only a stopped one" {
	refused 'exist|no such' oci delete nobody
	live .
	refused '.' oci delete c
	state_is c running
	run -0 oci exec c true
}

@test "runtime.md Delete: all that create made is gone, what it did not make stays" {
	bundle c
	create c
	[ -d "$CGROUPS/c" ]
	oci start c
	oci kill c KILL
	wait_stopped c
	oci delete c
	[ ! -d "$CGROUPS/c" ]
	[ -d "$(rootfs)/bin" ]
	[ -f "$OCI_DIR/bundles/c/config.json" ]
	create c
	state_is c created
}

@test "delete --force: created, running, stopped; twice; one that never was" {
	bundle c
	create c
	run -0 oci delete --force c
	gone c
	live .
	run -0 oci delete --force c
	gone c
	live . true
	wait_stopped c
	run -0 oci delete -f c
	gone c
	run -0 oci delete --force c
	run -0 oci delete --force nobody
}

@test "delete --force ends processes that ignore signals, and paused ones" {
	live . 'trap "" TERM INT HUP; echo ready; while :; do sleep 1000; done'
	wait_out ready
	run -0 oci delete --force c
	gone c
	live .
	oci pause c
	run -0 oci delete --force c
	gone c
}

@test "run: waits, gives the exit status, and leaves nothing" {
	run -0 box . 'echo hello; echo error >&2'
	assert_output hello
	assert_output error
	run -7 box . 'exit 7'
	gone c
	# The first process of a pid namespace would not die of it.
	run -143 box '.linux.namespaces |= map(select(.type != "pid"))' 'kill -TERM $$'
	gone c
}

@test "run: stdin is the container's" {
	bundle c '.process.args = ["cat"]'
	run -0 launch run <<<"some input"
	equal "some input"
}

@test "run: signals are passed on, the status is 128 and the signal" {
	local pid status=0

	bundle c
	script c 'trap "exit 9" TERM; echo ready; while :; do read -t 1 line </dev/mqueue || :; done'
	"$OCI_RUNTIME" --root "$OCI_DIR/root" run --bundle "$OCI_DIR/bundles/c" c </dev/null >"$OCI_DIR/bundles/c/out" 2>&1 3>&- &
	pid=$!
	wait_out ready
	kill -TERM $pid
	wait $pid || status=$?
	equal 9 $status
	gone c
}

@test "run --detach: returns at once, the container runs on" {
	bundle c
	oci run --detach --bundle "$OCI_DIR/bundles/c" c </dev/null >/dev/null 2>&1
	state_is c running
	oci kill c KILL
	wait_stopped c
	run -0 oci delete c
}

@test "run --keep: the container stays to be looked at" {
	bundle c '.process.args = ["false"]'
	run -1 launch run --keep
	state_is c stopped
	run -0 oci delete c
}

@test "several containers at once do not meet" {
	bundle a
	bundle b
	create a
	create b
	oci start a
	oci delete --force a
	state_is b created
	oci start b
	run -0 oci exec b true
}

@test "checkpoint and restore say that they are not supported" {
	jail_only "others have CRIU"
	live .
	refused 'not supported' oci checkpoint c
	state_is c running
	refused 'not supported' oci restore d
}
