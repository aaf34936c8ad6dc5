# SPDX-License-Identifier: GPL-2.0-or-later
# What the runtime's own processes have while they work for an instance or on a stranger's file: as little as SECURITY.md
# says. What they could do with it is tried in tests/unit/monitor_confine_root_test.c and proxy_life_root_test.c.

# The sanitizers call the kernel as they please, so there are no filters then:
# san: no

# shellcheck disable=SC2016 # expands inside

load ../lib/common
load ../lib/security

setup_file() {
	# What a network does to the host, once, before anybody looks.
	echo 1 >/proc/sys/net/ipv4/ip_forward
	security_setup_file
}
teardown_file() { jail_teardown_file; }
setup() { security_setup; }
teardown() { security_teardown; }

KILL=0000000000000020
NONE=0000000000000000

# status PID FIELD
status() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"; }
# has PID FIELD VALUE...
has() {
	local pid=$1 got

	shift
	while [ $# -gt 0 ]; do
		got=$(status "$pid" "$1")
		[ "$got" = "$2" ] || { echo "process $pid: $1 is $got instead of $2" >&2; return 1; }
		shift 2
	done
}
# bare PID: no environment, a working directory that is the root.
bare() {
	[ ! -s "/proc/$1/environ" ]
	[ "$(readlink "/proc/$1/cwd")" = / ]
}
# fds PID: what is open, as numbers in one line.
fds() { find "/proc/$1/fd" -mindepth 1 -printf '%f\n' | sort -n | tr '\n' ' '; }
reader_of() { pgrep -P "$(monitor_of "$1")" jail-reader; }
no_reader() { ! reader_of "$1"; }

@test "row 81: the keeper of an idle instance is one process, and holds what it hands on" {
	local keeper
	stay idle auto sleep 1000
	keeper=$(monitor_of idle)
	wait_until 30 no_reader idle
	# Capabilities in effect: KILL, SETPCAP, SYS_PTRACE.
	has "$keeper" CapEff 0000000000080120 CapInh $NONE CapAmb $NONE Seccomp 0
	bare "$keeper"
	# 0 to 2, the fixed ones that are clients only when there are some, the signalfd.
	run -0 fds "$keeper"
	[ "$output" = '0 1 2 3 4 5 6 7 8 9 10 11 12 13 22 32 ' ]
}

@test "row 81: who reads what an instance writes has no rights, and goes when there is nothing to read" {
	local reader
	# An unfinished line is held.
	stay loud auto sh -c 'printf unfinished; exec sleep 1000'
	wait_until 30 reader_of loud
	reader=$(reader_of loud)
	has "$reader" Seccomp 2 NoNewPrivs 1 CapEff $KILL CapPrm $KILL CapInh $NONE CapBnd $NONE CapAmb $NONE
	bare "$reader"
	[ "$(stat -c %u "/proc/$reader")" = 0 ] # undumpable: root's
	jail rm -f loud
	stay quiet auto sh -c 'echo finished; exec sleep 1000'
	wait_log quiet finished
	wait_until 30 no_reader quiet
	# With a client there is one again, for as long as that stays.
	"$JAIL_BUILD/jail" wait quiet &
	wait_until 30 reader_of quiet
	kill $!
	wait_until 30 no_reader quiet
}

# The whole of what it does, under its filter: no word of a reader that was lost (cmd/jail-monitor/keeper.c).
@test "row 81: the filter has all that a reader needs" {
	jq -n '{image: "probe", network: {mode: "none"}, log: {maxSize: "64KiB", files: 3}, restart: {policy: "always", delay: "10ms", maxRetries: 2},
		process: {args: ["sh", "-c", "seq 30000; echo error >&2; exit 3"]}}' >"$BATS_TEST_TMPDIR/spec.json"
	jail run --detach --name much --file "$BATS_TEST_TMPDIR/spec.json" >/dev/null
	run jail wait much
	wait_until 30 is_down much
	[ "$(find "$JAIL_TEST_DIR/state/instances/much" -name 'log.json*' | wc -l)" -eq 3 ]
	run ! grep -arq "was lost" "$JAIL_TEST_DIR/state/instances/much"
	run -0 jail events much
	assert_output exited
	# Standard input and its end, a console, an end from outside.
	run -0 bash -c 'echo word | "$1" run --rm --interactive --image probe --network none cat' _ "$JAIL_BUILD/jail"
	[ "$output" = word ]
	run -0 script -qec "$JAIL_BUILD/jail run --rm --tty --image probe --network none sh -c 'stty size; tty'" /dev/null
	assert_output /dev/pts/
	stay down auto sleep 1000
	kill -TERM "$(monitor_of down)"
	wait_until 30 is_down down
	run jail logs down
	refute_output 'was lost'
}
is_down() { [ "$(field "$1" .state)" != running ]; }

@test "row 72: jail-proxy has nothing but its sockets" {
	local proxy
	jail run --detach --name confined-web --image probe --port 127.0.0.1:8081:80 sleep 1000 >/dev/null
	proxy=$(pgrep -f '^jail-proxy confined-web')
	has "$proxy" Seccomp 2 NoNewPrivs 1 CapEff $NONE CapPrm $NONE CapInh $NONE CapBnd $NONE CapAmb $NONE
	bare "$proxy"
	[ "$(status "$proxy" Uid)" -ge 65536 ]
}

# Whatever parses a stranger's file, stopped in the middle by a pipe that says no more.
@test "row 41: the unpacker is caged while it reads" {
	local pid importer
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	"$JAIL_BUILD/jail" image import --quiet --name stuck "$BATS_TEST_TMPDIR/pipe" &
	importer=$!
	exec 7>"$BATS_TEST_TMPDIR/pipe"
	head -c 1024 "$JAIL_TEST_DIR/probe.tar" >&7
	wait_until 30 pgrep -P "$importer" jail-unpack
	pid=$(pgrep -P "$importer" jail-unpack)
	wait_until 30 has "$pid" Seccomp 2
	# CHOWN DAC_OVERRIDE FOWNER FSETID MKNOD SETFCAP
	has "$pid" NoNewPrivs 1 CapEff 000000008800001b CapPrm 000000008800001b CapInh $NONE CapBnd $NONE CapAmb $NONE
	bare "$pid"
	exec 7>&-
	wait
}
