# SPDX-License-Identifier: GPL-2.0-or-later
# config.md, Process terminal and consoleSize; --console-socket as containerd, Docker and conmon use it.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
setup() {
	SOCKET=$BATS_TEST_TMPDIR/s
	receiver=
}
teardown() {
	[ -z "$receiver" ] || { kill "$receiver" 2>/dev/null || :; wait "$receiver" || :; }
	oci_teardown
}

# receive: takes the terminal that comes over $SOCKET; all that is written to it goes to the file "tty", what its name and
# settings were on arrival to "how", and the file "in" is typed into it.
receive() {
	: >"$BATS_TEST_TMPDIR/in"
	/usr/bin/python3 "$TOP/tests/helpers/console.py" "$SOCKET" "$BATS_TEST_TMPDIR" 3>&- &
	receiver=$!
	wait_until 10 test -S "$SOCKET"
}
tty_has() { grep -q -- "$1" "$BATS_TEST_TMPDIR/tty"; }

@test "config.md terminal: the process has one, its session's, on all three" {
	bundle c '.process.terminal = true'
	script c 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; echo x >/dev/tty; ls -l /dev/console; readlink /proc/self/fd/0; echo end'
	receive
	oci run --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" --detach c </dev/null >/dev/null 2>&1
	wait_stopped c
	wait_until 30 tty_has '^end'
	run -0 cat "$BATS_TEST_TMPDIR/tty"
	like '^/dev/(console|pts/0)'
	like '^all'
	like '^x'
}

@test "terminal: one descriptor comes, the master" {
	bundle c '.process.terminal = true'
	receive
	oci create --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" c </dev/null >/dev/null 2>&1
	wait_until 30 test -s "$BATS_TEST_TMPDIR/how"
	run -0 cat "$BATS_TEST_TMPDIR/how"
	like '^fds 1$'
	like '^master yes$'
	oci start c
	state_is c running
}

# An engine sets it up as it wants; containerd counts on the kernel's default (runc's pull request 1479).
@test "terminal: ONLCR is left as it is on the terminal that an engine gets" {
	bundle c '.process.terminal = true' '.process.args = ["probe", "oflag"]'
	receive
	oci run --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" --detach c </dev/null >/dev/null 2>&1
	wait_until 30 tty_has onlcr
	run -0 cat "$BATS_TEST_TMPDIR/tty"
	like '^onlcr'
}

@test "terminal: what is typed arrives" {
	bundle c '.process.terminal = true'
	script c 'echo ready; read line; echo "got: $line"'
	receive
	oci run --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" --detach c </dev/null >/dev/null 2>&1
	wait_until 30 tty_has ready
	echo typed >>"$BATS_TEST_TMPDIR/in"
	wait_until 30 tty_has 'got: typed'
}

@test "config.md consoleSize: the terminal has it" {
	bundle c '.process.terminal = true' '.process.consoleSize = {"height": 33, "width": 111}' '.process.args = ["probe", "winsize"]'
	receive
	oci run --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" --detach c </dev/null >/dev/null 2>&1
	wait_until 30 tty_has '33 111'
}

@test "terminal: it belongs to the container's user" {
	bundle c '.process.terminal = true' '.process.user = {"uid": 1000, "gid": 1000}'
	script c 'stat -L -c %u /proc/self/fd/0; echo x >/proc/self/fd/1; echo end'
	receive
	oci run --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" --detach c </dev/null >/dev/null 2>&1
	wait_until 30 tty_has end
	run -0 cat "$BATS_TEST_TMPDIR/tty"
	like '^1000'
	like '^x'
}

@test "terminal: /dev/console is the terminal" {
	bundle c '.process.terminal = true'
	script c 'echo hello >/dev/console; echo end'
	receive
	oci run --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" --detach c </dev/null >/dev/null 2>&1
	wait_until 30 tty_has end
	tty_has hello
}

@test "terminal: in a user namespace" {
	bundle c '.process.terminal = true' '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' '.linux.gidMappings = .linux.uidMappings'
	script c 'test -t 0 && stat -L -c "%u" /proc/self/fd/0; tty && echo end'
	receive
	oci run --bundle "$OCI_DIR/bundles/c" --console-socket "$SOCKET" --detach c </dev/null >/dev/null 2>&1
	wait_until 30 tty_has end
	run -0 cat "$BATS_TEST_TMPDIR/tty"
	like '^0'
}

@test "--console-socket: its rules" {
	receive
	# A detached container with a terminal needs somebody who takes it.
	bundle c '.process.terminal = true'
	refused 'console|tty|terminal' launch create
	gone c
	refused 'console|tty|terminal' launch run --detach
	gone c
	# Without a terminal there is nothing to take.
	bundle c
	refused 'console|tty|terminal' launch create --console-socket "$SOCKET"
	gone c
}

@test "--console-socket with run in the foreground is an error" {
	bundle c '.process.terminal = true'
	receive
	refused 'console|tty|terminal' launch run --console-socket "$SOCKET"
	gone c
}

@test "--console-socket: that isn't there, or that nobody listens to" {
	bundle c '.process.terminal = true'
	refused '.' launch create --console-socket "$BATS_TEST_TMPDIR/nosuch"
	gone c
	echo >"$BATS_TEST_TMPDIR/file"
	refused '.' launch create --console-socket "$BATS_TEST_TMPDIR/file"
	gone c
}

@test "exec --tty --console-socket, and consoleSize of --process" {
	live .
	receive
	oci exec --tty --detach --console-socket "$SOCKET" c sh -c 'tty; probe oflag; echo end' </dev/null >/dev/null 2>&1
	wait_until 30 tty_has end
	run -0 cat "$BATS_TEST_TMPDIR/tty"
	like '^/dev/'
	like '^onlcr'
	kill "$receiver" 2>/dev/null || : # it ends with the terminal
	wait "$receiver" || :
	rm -f "$SOCKET"
	receive
	jq '.process | .args = ["probe", "winsize"] | .terminal = true | .consoleSize = {"height": 7, "width": 9}' "$OCI_DIR/config.json" >"$BATS_TEST_TMPDIR/p.json"
	oci exec --detach --console-socket "$SOCKET" --process "$BATS_TEST_TMPDIR/p.json" c </dev/null >/dev/null 2>&1
	wait_until 30 tty_has '7 9'
}

@test "run in the foreground of a terminal: output, size, exit status" {
	bundle c '.process.terminal = true'
	# The size may come after the start.
	script c 'until [ "$(probe winsize)" = "44 55" ]; do :; done; echo sized; test -t 0 && echo yes; probe oflag; exit 5'
	printf '#!/bin/sh\nstty rows 44 cols 55\n%q --root %q run --bundle %q c\n' "$OCI_RUNTIME" "$OCI_DIR/root" "$OCI_DIR/bundles/c" >"$BATS_TEST_TMPDIR/go"
	run -5 timeout 60 /usr/bin/script --quiet --return --command "sh $BATS_TEST_TMPDIR/go" /dev/null
	like sized
	like yes
	# Where the runtime itself passes it on to a terminal, that one does it: else each line would have two CRs.
	like '^-onlcr'
	refute_output $'\r\r'
}

@test "run with a terminal while stdin is none" {
	bundle c '.process.terminal = true'
	script c 'test -t 1 && echo yes; exit 6'
	run launch run </dev/null
	if is runc; then # it wants one
		[ "$status" -ne 0 ]
	else
		[ "$status" -eq 6 ]
		like yes
	fi
}

@test "exec --tty while stdin is none" {
	live .
	run oci exec --tty c sh -c 'test -t 1 && echo yes; exit 6' </dev/null
	if is runc; then
		[ "$status" -ne 0 ]
	else
		[ "$status" -eq 6 ]
		like yes
	fi
}

@test "the terminal of the caller is as before when run ends" {
	bundle c '.process.terminal = true' '.process.args = ["true"]'
	printf '#!/bin/sh\nstty -g >%q\n%q --root %q run --bundle %q c\nstty -g >%q\n' "$BATS_TEST_TMPDIR/1" "$OCI_RUNTIME" "$OCI_DIR/root" "$OCI_DIR/bundles/c" \
		"$BATS_TEST_TMPDIR/2" >"$BATS_TEST_TMPDIR/go"
	run -0 timeout 60 /usr/bin/script --quiet --return --command "sh $BATS_TEST_TMPDIR/go" /dev/null
	equal "$(cat "$BATS_TEST_TMPDIR/1")" "$(cat "$BATS_TEST_TMPDIR/2")"
}

@test "--pidfd-socket: a pidfd of the container's process" {
	# Newer than Debian's crun and runc.
	receive
	bundle c
	create c --pidfd-socket "$SOCKET"
	wait_until 30 test -s "$BATS_TEST_TMPDIR/how"
	grep -q '^fds 1$' "$BATS_TEST_TMPDIR/how"
	grep -q '^pid yes$' "$BATS_TEST_TMPDIR/how"
}

@test "terminal false: no /dev/console, no controlling terminal" {
	run -0 box . 'test -t 0 || echo none; (: </dev/tty) 2>/dev/null || echo no tty' </dev/null
	equal $'none\nno tty'
}
