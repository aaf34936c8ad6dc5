# SPDX-License-Identifier: GPL-2.0-or-later
# Names, terminal text, logs, state and what is left after a crash. The number in a test's name is the row of
# docs/security.md.

# shellcheck disable=SC2016 # expands inside

load ../lib/common
load ../lib/security

setup_file() { security_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { security_setup; }
teardown() { security_teardown; }

# What a name could have made. (Empty directories of ours come with their first use.)
things() {
	find "$JAIL_TEST_DIR" -path '*/layers/*/fs/*' -prune -o -path "$CANARY*" -prune -o ! -type d -print | sort
	ls -A "$JAIL_TEST_DIR" "$JAIL_TEST_DIR"/state/{instances,images,staging} "$JAIL_TEST_DIR/run/instances"
}

@test "row 43: no name is a path, an option or a control sequence" {
	local name verb long
	long=$(printf 'a%.0s' $(seq 256))
	jail create --image probe first true >/dev/null
	jail rm first
	things >"$BATS_TEST_TMPDIR/before"
	for name in '' . .. a/b a/../../x ../x /x -x "$long" $'a\nb' 'a b' '%n' $'\e[2J' .hidden _x 'a:b' $'a\x80'; do
		fails jail create --image probe -- "$name" true
		fails jail run --rm --image probe --network none --name "$name" true
		for verb in start stop kill restart pause resume wait rm inspect logs attach; do
			fails timeout 10 "$JAIL_BUILD/jail" $verb -- "$name"
			run -1 grep -aP '[\x00-\x08\x0b-\x1f\x7f]' "$BATS_TEST_TMPDIR/fails"
		done
		fails jail exec -- "$name" true
	done
	# An image may have parts and a tag, each as strict.
	for name in '' . .. a/../../x ../x /x -x a/ a//b a/.b "$long" $'a\nb' 'a b' '%n' $'\e[2J' .hidden a: a:../b a:b:c A; do
		fails jail image rm -- "$name"
		fails jail image inspect -- "$name"
		fails jail image import --quiet --name "$name" "$JAIL_TEST_DIR/probe.tar"
	done
	for name in sha256: "sha256:$(printf 'A%.0s' $(seq 64))" sha256:../../x "sha512:$(printf 'a%.0s' $(seq 64))" sha256:abc; do
		fails jail image inspect -- "$name"
		fails jail image rm -- "$name"
	done
	things | diff "$BATS_TEST_TMPDIR/before" -
}

# plain FILE: what a terminal may get.
plain() {
	# DEL, C1 as UTF-8, bidirectional overrides, and all below a space but newline, tab and carriage return.
	! LC_ALL=C grep -aP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1" |
		cat -v | grep . >&2
}
on_tty() { timeout 30 script -qec "$1" /dev/null </dev/null; }

@test "row 80: what an instance writes does not drive the administrator's terminal" {
	local evil=$'\e[2J\e]52;c;cHduCg==\a\e]0;title\a\b\x9b31m\xe2\x80\xae\xc2\x9bx'
	printf '%s\n' "$evil" >"$BATS_TEST_TMPDIR/evil"
	jail run --detach --name evil --image probe --network none --mount "$BATS_TEST_TMPDIR/evil:/evil:ro" \
		sh -c 'cat /evil; cat /evil >&2; exec sleep 1000 ' >/dev/null
	wait_log evil title
	! plain "$BATS_TEST_TMPDIR/evil" 2>/dev/null || vacuous plain
	local verb
	for verb in 'ps' 'inspect evil' 'logs evil' 'image list'; do
		on_tty "$JAIL_BUILD/jail $verb" >"$BATS_TEST_TMPDIR/out"
		[ -s "$BATS_TEST_TMPDIR/out" ]
		plain "$BATS_TEST_TMPDIR/out" || { echo "$verb"; return 1; }
	done
	# Argument, value, label: refused, or escaped.
	for verb in "--hostname" "--label" "--env" "--workdir"; do
		run on_tty "$JAIL_BUILD/jail run --rm --image probe --network none $verb \"\$(cat $BATS_TEST_TMPDIR/evil)\" true"
		printf '%s' "$output" >"$BATS_TEST_TMPDIR/out"
		plain "$BATS_TEST_TMPDIR/out" || { echo "$verb"; return 1; }
	done
	run -127 on_tty "$JAIL_BUILD/jail exec evil \"\$(cat $BATS_TEST_TMPDIR/evil)\""
	printf '%s' "$output" >"$BATS_TEST_TMPDIR/out"
	plain "$BATS_TEST_TMPDIR/out"
	# JSON is ASCII-safe by its own rules.
	jail inspect --json evil | jq -e . >/dev/null
}

@test "row 81: a log that is a link, a FIFO or a directory is not written" {
	local kind dir
	for kind in link fifo dir; do
		jail create --image probe --network none logged sh -c 'echo line' >/dev/null
		dir=$JAIL_TEST_DIR/state/instances/logged
		rm -rf "${dir:?}"/log*
		case $kind in
		link) ln -s "$CANARY/secret" "$dir/log.json" ;;
		fifo) mkfifo "$dir/log.json" ;;
		dir) mkdir "$dir/log.json" ;;
		esac
		fails timeout 20 "$JAIL_BUILD/jail" start logged
		canary_ok
		jail rm -f logged
	done
}

@test "row 81: output without end or newline is bounded, and forges no record" {
	jq -n '{image: "probe", network: {mode: "none"}, log: {maxSize: "1MiB", files: 2},
		process: {args: ["sh", "-c", "cat /evil; head -c 50000000 /dev/zero | tr \"\\0\" a; sleep 1000"]}}' \
		>"$BATS_TEST_TMPDIR/spec.json"
	cat >"$BATS_TEST_TMPDIR/evil" <<-END
		2000-01-01T00:00:00.000000000Z stdout F forged
		{"time":"2000-01-01T00:00:00Z","stream":"stdout","log":"forged"}
	END
	jail run --detach --name loud --file "$BATS_TEST_TMPDIR/spec.json" --mount "$BATS_TEST_TMPDIR/evil:/evil:ro" >/dev/null
	local monitor part
	monitor=$(monitor_of loud)
	wait_until 60 instance_idles loud
	[ "$(du -cb "$JAIL_TEST_DIR/state/instances/loud"/log* | tail -n 1 | cut -f 1)" -le $((3 * 1024 * 1024)) ]
	for part in "$monitor" $(pgrep -P "$monitor" jail-reader); do
		[ "$(awk '/^VmHWM/ { print $2 }' "/proc/$part/status")" -lt 16384 ]
	done
	# Its own words are the content of a record whose time is ours.
	run grep -ahE '^2000-01-01|^\{"time":"2000' "$JAIL_TEST_DIR/state/instances/loud"/log*
	[ -z "$output" ]
}
instance_idles() { jail exec "$1" sh -c 'ps -o args | grep -q "^sleep 1000"'; }

@test "row 82: /dev/pts is its own, and there is no /dev/tty without a terminal" {
	local mode
	for mode in "${MODES[@]}"; do
		run -0 box "$mode" ls /dev/pts
		[ "$output" = ptmx ]
		run box "$mode" probe open /dev/tty rw
		[ "$output" = ENXIO ]
		run -0 timeout 30 script -qec "$JAIL_BUILD/jail run --rm --tty --image probe --network none --userns $mode \
			sh -c 'ls /dev/pts | xargs; tty; probe open /dev/tty rw; stat -c %a /dev/pts/ptmx'" /dev/null </dev/null
		[ "$(tr -d '\r' <<<"$output" | xargs)" = '0 ptmx /dev/pts/0 ok 666' ] ||
			[ "$(tr -d '\r' <<<"$output" | xargs)" = '0 ptmx /dev/console ok 666' ]
		run -0 box "$mode" grep ' /dev/pts ' /proc/mounts
		assert_output 'mode=620,ptmxmode=666'
	done
}

@test "row 84: nothing of ours is reachable for a user of the host, whatever the umask" {
	(
		umask 000
		stay open auto sleep 1000
		box host true
		jail image import --quiet --name second "$JAIL_TEST_DIR/busybox.tar"
	)
	local dir
	for dir in state run; do
		[ "$(stat -c '%a %u %g' "$JAIL_TEST_DIR/$dir")" = '700 0 0' ]
		[ -z "$(find "$JAIL_TEST_DIR/$dir" -path '*/layers/*/fs' -prune -o -path '*/upper' -prune -o \
			\( -perm /022 ! -type l ! -type s \) -print)" ]
	done
	chmod 711 "$JAIL_TEST_DIR"
	for dir in state state/layers state/instances run/instances/open run/instances/open/attach.sock state/lock; do
		run setpriv --reuid 65534 --regid 65534 --clear-groups "$TOOLS/probe" open "$JAIL_TEST_DIR/$dir" r
		[ "$status" -ne 0 ]
	done
	local verb
	for verb in 'ps' 'run --rm --image probe true' 'exec open true' 'rm -f open' 'image list' 'gc'; do
		# shellcheck disable=SC2086
		fails setpriv --reuid 65534 --regid 65534 --clear-groups "$JAIL_BUILD/jail" $verb
	done
	[ "$(status_of open)" = running ]
	chmod 700 "$JAIL_TEST_DIR"
	# A directory that has been opened up is refused, not used.
	chmod 777 "$JAIL_TEST_DIR/state"
	run jail ps
	local said=$status
	chmod 700 "$JAIL_TEST_DIR/state"
	[ "$said" -ne 0 ]
}

@test "row 85: of sixteen starts of one instance exactly one wins" {
	local i round
	for round in 1 2 3; do
		jail create --image probe --network none once sleep 1000 >/dev/null
		for i in $(seq 16); do
			{ timeout 30 "$JAIL_BUILD/jail" start once >/dev/null 2>&1 && echo won >>"$BATS_TEST_TMPDIR/won$round"; } &
		done
		wait
		[ "$(grep -c . "$BATS_TEST_TMPDIR/won$round")" -eq 1 ]
		[ "$(status_of once)" = running ]
		[ "$(find "$JAIL_TEST_DIR/run/instances" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
		jail rm -f once
	done
}

@test "row 85: create and remove at once leave one state or the other" {
	local i
	for i in $(seq 20); do
		timeout 30 "$JAIL_BUILD/jail" create --image probe --network none both true >/dev/null 2>&1 &
		timeout 30 "$JAIL_BUILD/jail" create --image probe --network none both true >/dev/null 2>&1 &
		timeout 30 "$JAIL_BUILD/jail" rm -f both >/dev/null 2>&1 &
		wait
		run jail inspect --json both
		[ "$status" -ne 0 ] || [ "$(jq -r '.[0].status' <<<"$output")" = created ]
	done
	jail rm -f both || :
	[ -z "$(ls -A "$JAIL_TEST_DIR/state/leases/ids")" ]
}

at_rest() { [[ $(status_of "$1") == @(created|stopped|running|exited|failed) ]]; }

@test "row 85: a start that is killed at any moment leaves nothing that stays" {
	local i pid
	for i in $(seq 40); do
		jail create --image probe --network none crash sleep 1000 >/dev/null
		timeout 30 "$JAIL_BUILD/jail" start crash >/dev/null 2>&1 &
		pid=$!
		# From the first millisecond to beyond the last.
		sleep "0.$(printf '%03d' $((i * 2)))"
		# The command, and the supervisor that it has forked into the monitors' cgroup of this sandbox.
		# shellcheck disable=SC2013 # numbers
		for child in $(cat "/proc/$pid/task/$pid/children" "$SANDBOX_ROOT/jail/.monitor/cgroup.procs" 2>/dev/null); do
			kill -9 "$child" 2>/dev/null || :
		done
		wait
		# A supervisor that was not in that cgroup yet goes on, and takes its time.
		wait_until 30 at_rest crash || { status_of crash; return 1; }
		jail rm -f crash
	done
	jail gc
	[ -z "$(ls -A "$JAIL_TEST_DIR/run/instances")" ]
	[ -z "$(find "$SANDBOX_ROOT/jail" -mindepth 1 -type d ! -name .monitor)" ]
}
