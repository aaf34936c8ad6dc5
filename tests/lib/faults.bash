# SPDX-License-Identifier: GPL-2.0-or-later
# Sweeps of errors over a command: the n-th error that the kernel could have given it happens (tests/helpers/ptree/failat.c),
# once, or from then on. Loaded after common.bash and crash.bash, whose JAIL_CRASH_POINTS (4) and JAIL_CRASH_SEED count here
# too. A sweep NAME needs three functions:
#
#     NAME_before     makes the world in which the command can be done; it may be made already, in part or whole
#     NAME_is_done    whether the command has truly done what it is there for
#     NAME_undo       takes away what both have made
#
# and faults_world() says what must not have changed after all that: what is in the kernel, and that what ran runs.
# shellcheck shell=bash

faults_setup_file() {
	crash_setup_file
	export FAILAT=$JAIL_TEST_DIR/failat
	ptree_helper failat
	faults_world >"$JAIL_TEST_DIR/world.before"
}

faults_say() {
	printf '%s\n' "$@" >&2
	return 1
}

# What the command has said, of STATUS, about OBJECT: nothing of a crash; if it has failed, a line that names the object and
# a reason, and not more than three.
faults_said() { # STATUS OBJECT
	local file=$JAIL_TEST_DIR/fault.said first

	grep -v '^failat: ' "$JAIL_TEST_DIR/fault.err" >"$file" || :
	! grep -E 'AddressSanitizer|LeakSanitizer|runtime error:|Assertion|stack smashing' "$file" >&2 || return 1
	if grep -E ': *$|Success|Unknown error|No error|\(null\)' "$file" >&2; then
		faults_say 'a reason that is none'
		return
	fi
	[ "$1" -ne 0 ] || return 0
	[ "$1" -ne 124 ] || { faults_say 'it hung'; return; }
	# 255: as runc's exec says that it has failed.
	[ "$1" -lt 128 ] || [ "$1" -eq 255 ] || { faults_say "it crashed: status $1"; return; }
	# Before main() it is the dynamic loader that speaks.
	! grep -q 'error while loading shared libraries: .' "$file" || return 0
	grep -vE '^ |: warning: ' "$file" >"$file.errors" || :
	first=$(head -n 1 "$file.errors")
	# What has begun to enter a container names no object any more.
	[ -n "$2" ] || [[ ! $first == jail-oci:\ ?* ]] || return 0
	# What is needed for all of it comes before the command.
	[[ $first == *jail*": "*@("$2"|directory|jail.json)*": "* ]] || { faults_say "not an error about $2: $first"; return; }
	[ "$(wc -l <"$file.errors")" -le 3 ] || { cat "$file.errors" >&2; faults_say 'too many words'; return; }
}

# One point: options of failat, COMMAND...
faults_point() { # NAME OBJECT OPTION... POINT COMMAND...
	local name=$1 object=$2 status=0 command=()

	shift 2
	"${name}_before" || { faults_say 'it could not be prepared'; return; }
	timeout "$JAIL_TIMEOUT" "$FAILAT" "$@" >"$JAIL_TEST_DIR/fault.out" 2>"$JAIL_TEST_DIR/fault.err" </dev/null 3>&- 4>&- || status=$?
	cat "$JAIL_TEST_DIR/fault.out" >"$JAIL_TEST_DIR/result"
	faults_said "$status" "$object" || return
	if [ "$status" -eq 0 ]; then
		"${name}_is_done" || { faults_say 'it says that it is done, and it is not'; return; }
	fi
	faults_collect || return
	while [[ $1 == --* ]]; do shift; done
	shift
	command=("$@")
	if [ "$status" -ne 0 ]; then
		if ! "${name}_is_done" 2>/dev/null; then
			"${name}_before" || { faults_say 'afterwards it could not be prepared'; return; }
			timeout "$JAIL_TIMEOUT" "${command[@]}" >"$JAIL_TEST_DIR/result" 2>"$JAIL_TEST_DIR/fault.again" </dev/null 3>&- 4>&- ||
				{ faults_say "afterwards it does not work: $(cat "$JAIL_TEST_DIR/fault.again")"; return; }
			"${name}_is_done" || { faults_say 'afterwards it is not done'; return; }
		fi
	fi
	"${name}_undo" || { faults_say 'it could not be undone'; return; }
	faults_collect || return
	wait_until 10 faults_same_world || { faults_same_world >&2; return 1; }
}
faults_same_world() {
	faults_world >"$JAIL_TEST_DIR/world.after"
	diff "$JAIL_TEST_DIR/world.before" "$JAIL_TEST_DIR/world.after"
}

# fault_sweep NAME OBJECT COMMAND...: half of the points once, the other half from then on. Prints how many were tried, and
# how many failed.
fault_sweep() {
	local name=$1 object=$2 options=() mode count point tried=0 failed=0 unharmed=0
	local JAIL_CRASH_POINTS=${JAIL_CRASH_POINTS:-4}

	shift 2
	# The sanitizer's run time gives up without memory.
	[[ $JAIL_BUILD != *-san* ]] || options+=(--no-memory)
	"${name}_before"
	# No pipe: a container would hold it open.
	"$FAILAT" "${options[@]}" count "$@" >"$JAIL_TEST_DIR/fault.out" 2>/dev/null </dev/null 3>&- 4>&-
	count=$(tail -n 1 "$JAIL_TEST_DIR/fault.out")
	"${name}_undo"
	[ "$count" -gt 0 ]
	for mode in once --stays; do
		for point in $(crash_points "$count"); do
			tried=$((tried + 1))
			if ! faults_point "$name" "$object" "${options[@]}" ${mode#once} "$point" "$@"; then
				{
					echo "$name, ${mode#--}, error $point of $count (seed $JAIL_CRASH_SEED): see above"
					cat "$JAIL_TEST_DIR/fault.err"
				} >&2
				failed=$((failed + 1))
				"${name}_undo" >/dev/null 2>&1 || :
				faults_collect >/dev/null 2>&1 || :
			fi
			grep -q '^failat: ' "$JAIL_TEST_DIR/fault.err" || unharmed=$((unharmed + 1))
			[ -z "${JAIL_FAULT_LOG:-}" ] || { echo "== $name $mode $point"; cat "$JAIL_TEST_DIR/fault.err"; } >>"$JAIL_FAULT_LOG"
		done
	done
	echo "# errors in $name: $tried points of $((2 * count)), $failed failed" >&3
	# Where the order of processes decides, some numbers are beyond the end.
	[ $failed -eq 0 ] && [ $((unharmed * 4)) -le $tried ]
}
