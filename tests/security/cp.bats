# SPDX-License-Identifier: GPL-2.0-or-later
# jail cp against an instance that is hostile: its links, its races, its streams. The number in a test's name is the row
# of docs/security.md.

# shellcheck disable=SC2016 # expands inside

load ../lib/common
load ../lib/security

setup_file() { security_setup_file; }
teardown_file() { jail_teardown_file; }
setup() {
	security_setup
	T=$BATS_TEST_TMPDIR
	O=$JAIL_TEST_DIR/out
	mkdir "$O"
	echo harmless >"$T/f"
}
teardown() {
	rm -rf "$O"
	security_teardown
}

# What must never come out: what is in the canary, under whatever name.
clean() { ! grep -rqs -e secret -e ptmx "$O" || { grep -rs -e secret -e ptmx "$O"; return 1; }; }

# What an instance has in the place of a directory, made by itself: kind PATH.
TRAPS='absolute relative dangling descriptor root'
trap_script() {
	printf 'set -e; rm -rf /t; mkdir /t; cd /t
	ln -s %s absolute
	ln -s ../../../../../../../..%s relative
	ln -s %s/made dangling
	ln -s /proc/self/fd/9 descriptor
	ln -s /proc/1/root root
	mkfifo fifo
	sleep 1000' "$CANARY" "$CANARY" "$CANARY"
}
traps_are_set() { jail exec "$1" test -p /t/fifo; }

@test "row 47: whatever link an instance has there, nothing outside is read or written" {
	local mode kind
	tar -C "$T" -cf "$T/f.tar" f
	for mode in "${MODES[@]}"; do
		stay "v-$mode" "$mode" sh -c "$(trap_script)"
		wait_until 20 traps_are_set "v-$mode"
		for kind in $TRAPS; do
			run timeout 20 "$JAIL_BUILD/jail" cp "$T/f" "v-$mode:/t/$kind/made"
			[ "$status" -ne 124 ]
			run timeout 20 "$JAIL_BUILD/jail" cp - "v-$mode:/t/$kind" <"$T/f.tar"
			[ "$status" -ne 124 ]
			run timeout 20 "$JAIL_BUILD/jail" cp "v-$mode:/t/$kind/secret" "$O"
			[ "$status" -eq 1 ]
			run timeout 20 "$JAIL_BUILD/jail" cp -L "v-$mode:/t/$kind" "$O/followed.$kind"
			[ "$status" -ne 124 ]
			run timeout 20 "$JAIL_BUILD/jail" cp "$T/f" "v-$mode:/t/$kind"
			[ "$status" -ne 124 ]
			canary_ok
			clean
		done
		# The links themselves are copied as they are.
		timeout 20 "$JAIL_BUILD/jail" cp "v-$mode:/t" "$O/t.$mode"
		[ -p "$O/t.$mode/fifo" ]
		clean
		# Replaced, not written to: nobody reads it.
		timeout 20 "$JAIL_BUILD/jail" cp "$T/f" "v-$mode:/t/fifo"
		[ "$(jail exec "v-$mode" cat /t/fifo)" = harmless ]
	done
}

@test "row 47: control: by the name of a root, as root of the host, the same links lead out" {
	local pid
	stay v host sh -c "$(trap_script)"
	wait_until 20 traps_are_set v
	pid=$(pid_of v)
	grep -q secret "/proc/$pid/root/t/absolute/secret" || vacuous reading
	cp "$T/f" "/proc/$pid/root/t/absolute/made"
	[ -e "$CANARY/made" ] || vacuous writing
	run timeout 1 cat "/proc/$pid/root/t/fifo"
	[ "$status" -eq 124 ] || vacuous waiting
	canary_make
}

@test "row 47: a stopped instance's links are its own too" {
	local kind upper
	for kind in absolute dangling; do
		jail create --image "$IMAGE" --network none v sleep 1000
		upper=$JAIL_TEST_DIR/state/instances/v/upper
		[ -d "$upper" ]
		[ $kind = absolute ] && ln -s "$CANARY" "$upper/etc" || ln -s "$CANARY/made" "$upper/etc"
		run timeout 20 "$JAIL_BUILD/jail" cp "$T/f" v:/etc/made
		[ "$status" -ne 124 ]
		run timeout 20 "$JAIL_BUILD/jail" cp v:/etc/secret "$O"
		[ "$status" -eq 1 ]
		clean
		canary_ok
		jail rm -f v
	done
}

@test "row 15: /proc and /sys of an instance are no way out, and are not gone through" {
	local mode before
	before=$(sysctls)
	for mode in "${MODES[@]}"; do
		stay "v-$mode" "$mode" sleep 1000
		local path
		for path in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/1/attr/exec /proc/self/attr/exec \
			/sys/kernel/uevent_helper /proc/1/root/x /proc/self/root/x /proc/1/cwd/x; do
			run timeout 20 "$JAIL_BUILD/jail" cp "$T/f" "v-$mode:$path"
			[ "$status" -eq 1 ]
		done
		for path in /proc/1/root/etc/passwd /proc/self/fd/3 /proc/1/environ /proc/kcore /proc/kmsg; do
			run timeout 20 "$JAIL_BUILD/jail" cp "v-$mode:$path" "$O/x"
			[ "$status" -ne 124 ]
			[ ! -s "$O/x" ]
		done
		run -0 timeout 30 bash -c '"$1"/jail cp "$2":/ - | tar t' - "$JAIL_BUILD" "v-$mode"
		assert_output ./bin/busybox
		run -1 grep -E '^\./(proc|sys)/.' <<<"$output"
	done
	[ "$(sysctls)" = "$before" ]
}

# Each is four programs, slow ones under the sanitizers.
RACES=$ROUNDS
[[ $JAIL_BUILD != *-san ]] || RACES=$((ROUNDS / 5))

# race NAME MODE: /d and /l are exchanged without end, so are /x, a file, and /y, a FIFO, and /f, with a link to outside.
race() {
	stay "$1" "$2" sh -c "mkdir /d /tree; echo inside >/d/secret; ln -s $CANARY /l
		mkdir /tree/d; echo inside >/tree/d/secret; ln -s $CANARY /tree/l
		echo inside >/x; mkfifo /y; echo inside >/f; ln -s $CANARY/secret /g
		swap /x /y 600 & swap /f /g 600 & swap /tree/d /tree/l 600 & exec swap /d /l 600"
	wait_until 20 swaps_everything "$1"
}
swaps_everything() { [ "$(jail exec "$1" sh -c 'ps | grep -c "[s]wap /"')" -ge 4 ]; }

@test "row 50: reading while directories and links are exchanged never shows the host" {
	local mode i ok=0
	for mode in "${MODES[@]}"; do
		race "v-$mode" "$mode"
		for ((i = 0; i < RACES; i++)); do
			run timeout 20 "$JAIL_BUILD/jail" cp "v-$mode:/d/secret" "$O/$mode.$i"
			[ "$status" -ne 124 ]
			[ "$status" -ne 0 ] || ok=$((ok + 1))
			run timeout 20 "$JAIL_BUILD/jail" cp -L "v-$mode:/f" "$O/$mode.f.$i"
			[ "$status" -ne 124 ]
			run timeout 20 "$JAIL_BUILD/jail" cp "v-$mode:/x" "$O/$mode.x.$i"
			[ "$status" -ne 124 ]
			run timeout 20 "$JAIL_BUILD/jail" cp "v-$mode:/tree" "$O/$mode.tree.$i"
			[ "$status" -ne 124 ]
		done
		jail rm -f "v-$mode"
		clean
		rm -rf "${O:?}"/*
	done
	[ $ok -gt 0 ]
}

@test "row 50: writing while directories and links are exchanged never reaches the host" {
	local mode i ok=0
	mkdir -p "$T/tree/d/sub"
	echo harmless >"$T/tree/d/sub/made"
	echo harmless >"$T/tree/d/made"
	tar -C "$T/tree/d" -cf "$T/d.tar" .
	for mode in "${MODES[@]}"; do
		race "v-$mode" "$mode"
		for ((i = 0; i < RACES; i++)); do
			run timeout 20 "$JAIL_BUILD/jail" cp - "v-$mode:/d" <"$T/d.tar"
			[ "$status" -ne 124 ]
			[ "$status" -ne 0 ] || ok=$((ok + 1))
			run timeout 20 "$JAIL_BUILD/jail" cp "$T/f" "v-$mode:/d/made"
			[ "$status" -ne 124 ]
			run timeout 20 "$JAIL_BUILD/jail" cp "$T/tree" "v-$mode:/"
			[ "$status" -ne 124 ]
			run timeout 20 "$JAIL_BUILD/jail" cp "$T/f" "v-$mode:/x"
			[ "$status" -ne 124 ]
		done
		jail rm -f "v-$mode"
		canary_ok
	done
	[ $ok -gt 0 ]
}

@test "row 50: control: by names, as root of the host, the same race is lost" {
	local pid i
	race v host
	pid=$(pid_of v)
	for ((i = 0; i < 100 * ROUNDS; i++)); do
		! grep -qs '^secret' "/proc/$pid/root/d/secret" || break
	done
	[ "$i" -lt $((100 * ROUNDS)) ] || vacuous reading
	for ((i = 0; i < 100 * ROUNDS; i++)); do
		cp "$T/f" "/proc/$pid/root/d/made" 2>/dev/null || :
		[ ! -e "$CANARY/made" ] || break
	done
	[ -e "$CANARY/made" ] || vacuous writing
	jail rm -f v
	canary_make
}

# A helper of the instance's side that an instance has taken over: says what it wants.
taken_over() {
	mkdir "$T/libexec"
	cp "$JAIL_BUILD"/jail-{init,monitor,unpack,proxy} "$T/libexec"
	printf '#!/bin/bash\nif [ "$(/usr/bin/readlink /proc/$$/fd/0)" = /dev/null ]; then exec /usr/bin/cat %s; fi\nexec %s/jail-copy\n' \
		"$T/evil.tar" "$JAIL_BUILD" >"$T/libexec/jail-copy"
	chmod 755 "$T/libexec/jail-copy"
	printf '{ "stateDir": "%s", "runDir": "%s", "libexecDir": "%s" }\n' "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" \
		"$T/libexec" >"$T/jail.json"
}

@test "row 33 to 37: a stream from an instance makes nothing outside of the destination" {
	local name rest
	stay v auto sleep 1000
	taken_over
	mkdir -p "$O/dir"
	"$TOP/tests/helpers/mktar.py" list >"$T/cases"
	while IFS=$'\t' read -r name rest; do
		"$TOP/tests/helpers/mktar.py" make "$name" "$CANARY" >"$T/evil.tar"
		run timeout 20 "$JAIL_BUILD/jail" --config "$T/jail.json" cp v:/bin/. "$O/dir"
		[ "$status" -eq 1 ] || { echo "$name: $status, $output"; return 1; }
		canary_ok || { echo "$name"; return 1; }
		[ "$(ls -A "$O")" = dir ]
		[ -z "$(find "$O" -perm /6000 -o -type b -o -type c)" ]
		# And into another instance.
		run timeout 20 "$JAIL_BUILD/jail" --config "$T/jail.json" cp - v:/root <"$T/evil.tar"
		[ "$status" -ne 124 ]
		canary_ok || { echo "$name, inside"; return 1; }
	done <"$T/cases"
	# It does arrive there.
	echo text >"$T/arrived"
	tar -C "$T" -cf "$T/evil.tar" arrived
	run -1 "$JAIL_BUILD/jail" --config "$T/jail.json" cp v:/bin/. "$O/dir"
	[ "$(cat "$O/dir/arrived")" = text ]
	# Nor anything but what was asked for, in it.
	mkdir "$T/more"
	echo text >"$T/more/busybox"
	echo text >"$T/more/.profile"
	tar -C "$T/more" -cf "$T/evil.tar" .profile busybox
	rm -rf "$O/dir"
	mkdir "$O/dir"
	run timeout 20 "$JAIL_BUILD/jail" --config "$T/jail.json" cp v:/bin/busybox "$O/dir"
	[ "$status" -eq 1 ]
	[ -z "$(ls -A "$O/dir")" ]
}

helper_waits() { grep -q '^Seccomp:.2' "/proc/$(pgrep -P "$1" -x jail-copy)/status"; }

@test "row 3, 4, 50: the helper inside is in a cage, and nobody inside sees it" {
	[[ $JAIL_BUILD != *-san* ]] || skip "no system call filter under the sanitizers"
	local pid child mode caps
	mkfifo "$T/pipe"
	for mode in "${MODES[@]}"; do
		stay "v-$mode" "$mode" sleep 1000
		"$JAIL_BUILD/jail" cp - "v-$mode:/root" <"$T/pipe" >"$T/out" 2>&1 3>&- &
		pid=$!
		exec 4>"$T/pipe"
		wait_until 20 helper_waits $pid
		child=$(pgrep -P $pid -x jail-copy)
		# CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID.
		for caps in CapEff CapPrm; do
			[ "$(awk -v n=$caps: '$1 == n { print $2 }' "/proc/$child/status")" = 000000000000001b ]
		done
		[ "$(awk '$1 == "CapInh:" || $1 == "CapBnd:" || $1 == "CapAmb:" { print $2 }' "/proc/$child/status" | sort -u)" = 0000000000000000 ]
		grep -q '^NoNewPrivs:.1' "/proc/$child/status"
		[ "$(readlink "/proc/$child/ns/mnt")" = "$(readlink "/proc/$(pid_of "v-$mode")/ns/mnt")" ]
		[ "$(readlink "/proc/$child/ns/user")" = "$(readlink "/proc/$(pid_of "v-$mode")/ns/user")" ]
		[ "$(readlink "/proc/$child/ns/pid")" = "$(readlink /proc/self/ns/pid)" ]
		if [ "$mode" = auto ]; then
			[ "$(awk '$1 == "Uid:" { print $2 }' "/proc/$child/status")" = "$(field v-auto .ids.first)" ]
		fi
		# Nothing of the host is open but the stream, /dev/null and the report.
		[ -z "$(find "/proc/$child/fd" -lname "$JAIL_TEST_DIR/*")" ]
		run -0 jail exec "v-$mode" ps
		refute_output jail-copy
		exec 4>&-
		wait $pid || :
	done
}
