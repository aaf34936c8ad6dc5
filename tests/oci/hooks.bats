# SPDX-License-Identifier: GPL-2.0-or-later
# config.md, POSIX-platform Hooks.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
setup() { LOG=$BATS_TEST_TMPDIR/log; export LOG; }
teardown() { oci_teardown; }

# hook KIND SCRIPT [MEMBERS]: adds a hook of the host's shell; createContainer's and startContainer's, too, get a path that
# both trees have. $LOG is in its environment.
hook() {
	local file=$OCI_DIR/bundles/c/config.json more=${3:-"{}"}

	jq --arg kind "$1" --arg script "$2" --arg log "LOG=$LOG" --argjson more "$more" '.hooks[$kind] += [{"path": "/bin/sh",
		"args": ["sh", "-c", $script], "env": ["PATH=/usr/bin:/bin", $log]} + $more]' "$file" >"$file.new"
	mv "$file.new" "$file"
}

# Debian's runc runs poststart hooks at the end of create, not of start: those that look at them fail with it.
@test "config.md Hooks: all kinds, in order, each list in its order" {
	local kind

	bundle c '.root.readonly = false'
	script c 'echo program >>/log'
	touch "$(rootfs)/log"
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind "echo $kind 1 >>$(rootfs)/log"
		hook $kind "echo $kind 2 >>$(rootfs)/log"
	done
	hook startContainer "echo startContainer 1 >>/log"
	hook startContainer "echo startContainer 2 >>/log"
	create c
	run -0 cat "$(rootfs)/log"
	equal $'prestart 1\nprestart 2\ncreateRuntime 1\ncreateRuntime 2\ncreateContainer 1\ncreateContainer 2'
	oci start c
	wait_stopped c
	run -0 grep -v poststart "$(rootfs)/log"
	equal $'prestart 1\nprestart 2\ncreateRuntime 1\ncreateRuntime 2\ncreateContainer 1\ncreateContainer 2\nstartContainer 1\nstartContainer 2\nprogram'
	run -0 grep poststart "$(rootfs)/log"
	equal $'poststart 1\npoststart 2'
	oci delete c
	run -0 tail -n 2 "$(rootfs)/log"
	equal $'poststop 1\npoststop 2'
}

@test "config.md Hooks: the state on stdin, with the status of the moment" {
	local kind status
	declare -A status=([prestart]='creating|created' [createRuntime]='creating|created' [createContainer]='creating|created' [startContainer]=created [poststart]=running [poststop]=stopped)

	bundle c '.root.readonly = false' '.annotations = {"a": "b"}'
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind "cat >$(rootfs)/$kind"
	done
	hook startContainer "cat >/startContainer"
	create c
	local pid
	pid=$(pid_in c)
	oci start c
	oci kill c KILL
	wait_stopped c
	oci delete c
	for kind in "${!status[@]}"; do
		echo "$kind: $(cat "$(rootfs)/$kind")"
		jq -e --arg status "${status[$kind]}" --arg bundle "$OCI_DIR/bundles/c" --arg kind "$kind" --argjson pid "$pid" '.id == "c" and .bundle == $bundle
			and .annotations.a == "b" and (.ociVersion | test("^1\\.")) and (.status | test("^(" + $status + ")$"))
			and ($kind == "poststop" or $kind == "startContainer" or $kind == "createContainer" or .pid == $pid)' "$(rootfs)/$kind"
	done
}

@test "config.md Hooks: prestart and createRuntime see status creating, as in the table of 1.0.2" {
	# createRuntime hooks come before `create` has ended, so the container is not created yet.
	bundle c
	hook createRuntime 'cat >$LOG'
	create c
	equal creating "$(jq -r .status "$LOG")"
}

@test "config.md Hooks: which namespaces they run in" {
	local kind pid host

	host=$(readlink /proc/self/ns/mnt)
	bundle c '.root.readonly = false'
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind "readlink /proc/self/ns/mnt >$(rootfs)/$kind"
	done
	hook startContainer "readlink /proc/self/ns/mnt >/startContainer"
	create c
	oci start c
	pid=$(pid_in c)
	local inside
	inside=$(readlink "/proc/$pid/ns/mnt")
	oci kill c KILL
	wait_stopped c
	oci delete c
	for kind in prestart createRuntime poststart poststop; do
		equal "$host" "$(cat "$(rootfs)/$kind")"
	done
	for kind in createContainer startContainer; do
		equal "$inside" "$(cat "$(rootfs)/$kind")"
	done
}

@test "config.md Hooks: createContainer runs before pivot_root, with the mounts made" {
	bundle c
	hook createContainer "grep -q ' $(rootfs)/dev/shm ' /proc/self/mountinfo && test -e $OCI_DIR/config.json && echo both >$OCI_DIR/seen"
	create c
	equal both "$(cat "$OCI_DIR/seen")"
	rm "$OCI_DIR/seen"
}

@test "config.md Hooks: prestart and createRuntime find the namespaces by the state's pid" {
	bundle c
	hook createRuntime 'pid=$(jq .pid); nsenter -t $pid -n ip link add made type veth peer name other && echo moved >$LOG'
	script c 'ip link'
	create c
	equal moved "$(cat "$LOG")"
	run -0 oci exec c ip link
	like ' made'
}

@test "config.md Hooks: args[0] is passed, args is optional" {
	bundle c
	config c '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["another name", "-c", "echo \"$0 $1\" >>\($ENV.LOG); tr \"\\0\" \"|\" </proc/$$/cmdline >>\($ENV.LOG)", "zero", "one"]}]'
	create c
	run -0 cat "$LOG"
	like '^zero one$'
	like '^another name\|-c\|'
	bundle c '.hooks.createRuntime = [{"path": "/bin/true"}]'
	oci delete --force c
	create c
}

@test "config.md Hooks: env is all that they have" {
	bundle c '.hooks.createRuntime = [{"path": "/usr/bin/env", "args": ["env"], "env": ["A=1", "B=two words"]}]'
	# Where the hook's stdout goes is not said; a shell writes to a file.
	config c ".hooks.createRuntime = [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", \"tr '\\\\0' '\\\\n' </proc/self/environ >$LOG\"], \"env\": [\"A=1\", \"B=two words\"]}]"
	OUTER=1 create c
	run -0 sort "$LOG"
	like '^A=1$'
	like '^B=two words$'
	refute_output OUTER
}

@test "config.md Hooks: path must be absolute, and be there" {
	refused_box '.' '.hooks.createRuntime = [{"path": "bin/true"}]'
	refused_box '.' '.hooks.createRuntime = [{"path": "/no/such/hook"}]'
}

@test "config.md Hooks timeout: a hook that takes longer fails, and is ended" {
	bundle c
	hook createRuntime 'echo $$ >$LOG; exec sleep 1000' '{"timeout": 1}'
	refused '.' launch create
	gone c
	wait_until 10 test ! -e "/proc/$(cat "$LOG")"
}

@test "config.md Hooks timeout: must be greater than zero" {
	bundle c '.hooks.createRuntime = [{"path": "/bin/true", "timeout": 0}]'
	jail_only "runc and crun read it as none"
	refused 'timeout' launch create
	bundle c '.hooks.createRuntime = [{"path": "/bin/true", "timeout": -1}]'
	refused 'timeout' launch create
}

@test "runtime.md Lifecycle: a prestart, createRuntime or createContainer hook that fails tears the container down" {
	local kind

	for kind in prestart createRuntime createContainer; do
		bundle c
		hook $kind 'exit 3'
		hook poststop "echo poststop >$LOG.$kind"
		refused 'hook' launch create
		gone c
		[ ! -d "$CGROUPS/c" ]
	done
}

@test "runtime.md Lifecycle: poststop hooks run after a createRuntime hook has failed" {
	bundle c
	hook createRuntime 'exit 3'
	hook poststop 'echo poststop >$LOG'
	refused 'hook' launch create
	equal poststop "$(cat "$LOG")"
}

@test "runtime.md Lifecycle: a startContainer hook that fails ends the container, the program does not run" {
	bundle c '.root.readonly = false'
	script c 'echo it ran >/ran'
	hook startContainer 'exit 3'
	create c
	run oci start c
	wait_stopped c
	[ ! -e "$(rootfs)/ran" ]
}

@test "a poststart hook that fails makes start fail, and ends the container" {
	bundle c
	hook poststart 'exit 3'
	create c
	run oci start c
	[ "$status" -ne 0 ]
	wait_until 30 eval '! state_is c running'
}

@test "runtime.md Lifecycle: a poststop hook that fails is a warning, delete goes on, the next hook runs" {
	bundle c '.process.args = ["true"]'
	hook poststop 'exit 3'
	hook poststop 'echo second >$LOG'
	create c
	oci start c
	wait_stopped c
	run -0 oci delete c
	gone c
	equal second "$(cat "$LOG")"
}

@test "poststop hooks run once, also with delete --force, and after run" {
	bundle c
	hook poststop 'echo once >>$LOG'
	create c
	oci start c
	oci delete --force c
	equal once "$(cat "$LOG")"
	rm "$LOG"
	bundle c '.process.args = ["true"]'
	hook poststop 'echo once >>$LOG'
	launch run
	equal once "$(cat "$LOG")"
}

@test "hooks do not hold the runtime's descriptors, and their stdin ends" {
	bundle c
	# The fourth is that of ls itself.
	hook createRuntime 'cat >/dev/null; exec ls /proc/self/fd >$LOG'
	create c
	equal $'0\n1\n2\n3' "$(cat "$LOG")"
}

@test "a hook that does not read the state does no harm" {
	local annotation

	# More than a pipe holds, so that writing meets a closed pipe: no SIGPIPE.
	annotation=$(head -c 100000 /dev/zero | tr '\0' x)
	bundle c
	jq --arg long "$annotation" '.annotations.long = $long' "$OCI_DIR/bundles/c/config.json" >"$OCI_DIR/new"
	mv "$OCI_DIR/new" "$OCI_DIR/bundles/c/config.json"
	hook createRuntime 'exec 0<&-; exit 0'
	create c
	state_is c created
}

@test "annotations: what hooks write goes to files of the host" {
	local file

	for file in out err; do
		: >"$BATS_TEST_TMPDIR/$file"
	done
	bundle c ".annotations = {\"run.oci.hooks.stdout\": \"$BATS_TEST_TMPDIR/out\", \"run.oci.hooks.stderr\": \"$BATS_TEST_TMPDIR/err\"}"
	hook createRuntime 'cat >/dev/null; echo one; echo two >&2'
	create c
	equal one "$(cat "$BATS_TEST_TMPDIR/out")"
	equal two "$(cat "$BATS_TEST_TMPDIR/err")"
	is jail-oci || return 0
	# Row 83: not through a link.
	ln -s "$BATS_TEST_TMPDIR/victim" "$BATS_TEST_TMPDIR/link"
	bundle d ".annotations = {\"run.oci.hooks.stdout\": \"$BATS_TEST_TMPDIR/link\"}"
	jq --arg path "$BATS_TEST_TMPDIR/link" '.hooks.createRuntime = [{"path": "/bin/true"}]' "$OCI_DIR/bundles/d/config.json" >"$OCI_DIR/new"
	mv "$OCI_DIR/new" "$OCI_DIR/bundles/d/config.json"
	run ! create d
	[ ! -e "$BATS_TEST_TMPDIR/victim" ]
}

@test "annotations that ask for what is not there are refused, others are passed over" {
	is jail-oci || skip "crun knows them, runc passes over all"
	bundle c '.annotations = {"run.oci.handler": "krun"}'
	run ! create c
	like 'run.oci.handler is not supported'
	bundle d '.annotations = {"run.oci.hooks.stdout": "relative"}'
	run ! create d
	like 'no absolute path'
	bundle e '.annotations = {"run.oci.nobody.knows": "x", "org.example": "y"}'
	create e
	state_is e created
}
