# SPDX-License-Identifier: GPL-2.0-or-later
# Sweeps of SIGKILL over the life of instances: a command, its monitor, init and helpers, or all of them at once, killed
# at their n-th system call (tests/helpers/ptree/killat.c). Loaded after common and crash.
#
#     life_setup_file              builds the tools; then make what every point needs, and end with life_empty
#     life_sweep LABEL [OPTION...] -- COMMAND...     see there
#
# A test says with functions and variables what it is about:
#
#     begin        brings about where the command begins, from a world without instances; by default nothing
#     ALLOWED      names of functions which do so for what may come out besides "before" and "after", from `begin` on
#     HALF         it may be half done, until it is done again or the instance ends and gc has run: a text that says why
#     ALSO         the instance whose processes are followed too, those that `begin` has started
#
# JAIL_CRASH_POINTS is how many points of each sweep are tried (2), evenly spread, or "all" (make crash-test).
# shellcheck shell=bash

life_setup_file() {
	export JAIL_CRASH_POINTS=${JAIL_CRASH_POINTS:-2} JAIL_BUILD
	crash_setup_file
	mkdir "$JAIL_TEST_DIR/out" "$JAIL_TEST_DIR/tools"
	musl-gcc -static -D_GNU_SOURCE -O2 -Wall -o "$JAIL_TEST_DIR/tools/notify" "$TOP/tests/helpers/notify.c"
}

# All there is, when nobody is at work any more: what a command could leave, in the machine and in its directories.
world() {
	"$TOP/tests/helpers/world.py" show "state=$JAIL_TEST_DIR/state" "run=$JAIL_TEST_DIR/run" "out=$JAIL_TEST_DIR/out"
}
life_empty() {
	life_end
	world >"$JAIL_TEST_DIR/look.empty"
}

settle() { "$TOP/tests/helpers/world.py" settle 30; }

# Removes all that a sweep makes.
life_end() {
	local file status=0

	jail rm --all --force || status=1
	for file in "$JAIL_TEST_DIR"/state/volumes/* "$JAIL_TEST_DIR"/state/networks/*.json; do
		[ ! -d "$file" ] || jail volume rm "${file##*/}" || status=1
		[ ! -f "$file" ] || jail network rm "$(basename "$file" .json)" || status=1
	done
	rm -rf "${JAIL_TEST_DIR:?}"/out/*
	return $status
}
# After a failure: so that the next point doesn't fail for it.
life_reset() {
	# Not by cgroup.kill: into a cgroup that was killed so once, Linux 6.18 lets no process be cloned from another one.
	xargs -r kill -KILL < <(find "$SANDBOX_ROOT/jail" -name cgroup.procs -exec cat {} +) 2>/dev/null || :
	settle || :
	if life_end && jail gc >/dev/null && is_empty >/dev/null; then
		return
	fi
	rm -rf "${JAIL_TEST_DIR:?}/run/instances" "$JAIL_TEST_DIR/state/instances" "$JAIL_TEST_DIR/state/volumes" "$JAIL_TEST_DIR/state/trash"
	jail gc >/dev/null || :
	life_empty
}
is_empty() {
	world >"$JAIL_TEST_DIR/look"
	diff "$JAIL_TEST_DIR/look.empty" "$JAIL_TEST_DIR/look"
}

begin() { :; }

# look_of NAME COMMAND...: how the world looks when it was done.
look_of() {
	begin
	"${@:2}" >/dev/null
	settle
	jail gc >/dev/null
	world >"$JAIL_TEST_DIR/look.$1"
	life_end
}

# life_state: which of the states it is, NAME on stdout; else how it differs from the first two.
life_state() {
	local look

	world >"$JAIL_TEST_DIR/look"
	for look in before after "${ALLOWED[@]}"; do
		if cmp -s "$JAIL_TEST_DIR/look.$look" "$JAIL_TEST_DIR/look"; then
			echo "$look"
			return
		fi
	done
	for look in before after "${ALLOWED[@]}"; do
		echo "not the state \"$look\":"
		diff "$JAIL_TEST_DIR/look.$look" "$JAIL_TEST_DIR/look" | head -n 12 | cut -c1-200
	done >&2
	return 1
}

# Every instance runs, or can be started; then all can be removed, and nothing is left.
life_usable() {
	local name

	for name in $(jail ps --quiet); do
		[ "$(status_of "$name")" = running ] || jail start "$name" >&2 || { echo "$name can't be started" >&2; return 1; }
		[ -n "${ENDS:-}" ] || jail exec "$name" true || return 1
	done
}

# One point. Return: 0, or which check failed on stderr; WAS is set to the state that it left.
life_check() { # COMMAND...
	local look

	WAS=unknown
	settle || { echo "somebody goes on" >&2; return 1; }
	jail ps >/dev/null || return 1
	jail gc >/dev/null || { echo "gc failed" >&2; return 1; }
	if ! WAS=$(life_state 2>"$JAIL_TEST_DIR/differences"); then
		[ -n "${HALF:-}" ] || { cat "$JAIL_TEST_DIR/differences" >&2; return 1; }
		WAS=half
	fi
	[ "$(jail gc)" = 'nothing to remove' ] || { echo "a second gc found more" >&2; return 1; }
	if [ "$WAS" = before ] || [ "$WAS" = half ]; then
		rm -rf "${JAIL_TEST_DIR:?}"/out/*
		jail "$@" >/dev/null 3>&- || { echo "it can't be repeated" >&2; return 1; }
		# The mark of a change that was killed stays until the instance ends (runtime/network_change.h), and the leases of
		# ports that it had not given back yet.
		world >"$JAIL_TEST_DIR/look"
		[ -z "${HALF:-}" ] || for look in look look.after; do
			sed -i '/network.changing\|run: ports\//d' "$JAIL_TEST_DIR/$look"
		done
		diff "$JAIL_TEST_DIR/look.after" "$JAIL_TEST_DIR/look" >&2 || { echo "repeated, it didn't do the same" >&2; return 1; }
	fi
	life_usable || return 1
	life_end || { echo "it can't be removed" >&2; return 1; }
	[ -n "${HALF:-}" ] || [ "$(jail gc)" = 'nothing to remove' ] || { echo "gc found something that rm had left" >&2; return 1; }
	[ -z "${HALF:-}" ] || jail gc >/dev/null
	is_empty >&2 || { echo "something is left" >&2; return 1; }
}

# The processes of the instance ALSO, as options of killat.
also() {
	local pid

	[ -n "${ALSO:-}" ] || return 0
	cat "$SANDBOX_ROOT/jail/.monitor/cgroup.procs" "$SANDBOX_ROOT/jail/$ALSO/inside/cgroup.procs" |
		while read -r pid; do
			echo "--also $pid"
		done
}
# killed N|count: begins, and does it. Return: killat's status.
killed() {
	begin
	# shellcheck disable=SC2046 # several words
	timeout 60 "$KILLAT" "${options[@]}" $(also) "$1" "$JAIL_BUILD/jail" "${@:2}" </dev/null 3>&-
}

# life_sweep LABEL [OPTION-OF-KILLAT...] -- COMMAND...: at each point it is killed. Then the world is as before the command,
# as after it, or as in one of ALLOWED; a second gc finds nothing; from before it can be done again; and whatever there
# is can be started and removed, whereupon the world is as it was in the beginning.
life_sweep() {
	local label=$1 options=() count point status tried=0 failed=0 before=0 after=0 look

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	look_of before true
	look_of after jail "$@"
	for look in "${ALLOWED[@]}"; do
		look_of "$look" "$look"
	done
	count=$(killed count "$@" 2>/dev/null | tail -n 1)
	[ "$count" -gt 0 ]
	settle
	life_end
	for point in $(crash_points_even "$count"); do
		status=0
		killed "$point" "$@" >"$JAIL_TEST_DIR/said" 2>&1 || status=$?
		tried=$((tried + 1))
		if [ $status -eq 124 ] || ! life_check "$@"; then
			echo "$label ${options[*]}, killed at $point of $count, status $status: see above" >&2
			failed=$((failed + 1))
			life_reset
		fi
		[ "$WAS" != before ] || before=$((before + 1))
		[ "$WAS" != after ] || after=$((after + 1))
	done
	echo "# $label ${options[*]}: $tried points of $count, $before as before, $after as after, $failed failed" >&3
	[ $failed -eq 0 ]
}
