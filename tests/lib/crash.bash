# SPDX-License-Identifier: GPL-2.0-or-later
# Sweeps of SIGKILL over a command: killed at its n-th system call (tests/helpers/ptree/killat.c), for many n; after each
# the world is put back as it was. Loaded after common.bash. What a file has to say:
#
#     crash_setup_file        builds the tools; then make the world, which ends with crash_world
#     crash_sweep LABEL [--one] [--renames] COMMAND...    of jail: see there
#
# JAIL_CRASH_POINTS is how many points of each sweep are tried (16), or "all" (make crash-test). They are spread over the
# whole command; which one within its part follows from JAIL_CRASH_SEED (1).
# shellcheck shell=bash

crash_setup_file() {
	export KILLAT=$JAIL_TEST_DIR/killat
	ptree_helper killat
	# That can't be done under a tracer.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	[[ $JAIL_BUILD != *-san* ]] || export JAIL_CRASH_POINTS=${JAIL_CRASH_POINTS:-5}
	export JAIL_CRASH_SEED=${JAIL_CRASH_SEED:-1}
	echo "# JAIL_CRASH_SEED=$JAIL_CRASH_SEED" >&3
}
ptree_helper() {
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -o "$JAIL_TEST_DIR/$1" "$TOP/tests/helpers/ptree/$1.c" \
		"$TOP/tests/helpers/ptree/ptree.c"
}

# crash_world: the state directory as it is now is where every point begins. Nothing may run.
crash_world() {
	jail gc >/dev/null
	rm -rf "$JAIL_TEST_DIR/world"
	cp -a "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/world"
}
crash_restore() {
	rm -rf "$JAIL_TEST_DIR/state"
	cp -a "$JAIL_TEST_DIR/world" "$JAIL_TEST_DIR/state"
}

# crash_look: all there is in the state directory, line by line: names, kinds, modes, owners, links, attributes, contents.
# Left out is what differs from run to run (ids, ranges and addresses by chance, times), and locks, which stay.
crash_look() {
	(
		cd "$JAIL_TEST_DIR/state" || return
		find . -mindepth 1 ! -name '*.lock' -printf '%U %G %p %y %m %n %l\n' | awk '{ $1 %= 65536; $2 %= 65536; print }'
		find . -type f ! -name '*.json' ! -name '*.jsonl' ! -name '*.lock' -print0 | xargs -0r sha256sum
		getfattr -R -h -d -m '^(trusted|user|security)\.' -e hex . 2>/dev/null |
			awk '/^# file: / { file = $3; next } /=/ { print file, $0 }'
		find . -name '*.json' -exec grep -H '' {} + | crash_documents
		[ ! -d "$JAIL_TEST_DIR/run/instances" ] || find "$JAIL_TEST_DIR/run/instances" -mindepth 1 -printf 'run: %P\n'
	) | sed -E 's,snapshots/[0-9a-f]{16},snapshots/ID,; s,configs/[0-9a-f]{64},configs/ID,; s,(/leases/.*)/[^ /]* l .*,\1/LEASE,;
		s,(trusted.jail.parent=0x)[0-9a-f]+,\1ID,' | LC_ALL=C sort
}
crash_documents() {
	sed -E 's/("config": ?"sha256:)[0-9a-f]+/\1ID/; s/"[0-9a-f]{32}"/ID/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g
		s/: ?[0-9]{7,}/: N/g; s/"(fd|10\.)[0-9a-f.:]+/"ADDRESS/g; s/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/g'
}

# crash_points COUNT: which of the calls 1 to COUNT it is to be.
crash_points() {
	local n=${JAIL_CRASH_POINTS:-16} i from

	if [ "$n" = all ] || [ "$n" -ge "$1" ]; then
		seq "$1"
		return
	fi
	RANDOM=$((JAIL_CRASH_SEED % 32768))
	for ((i = 0; i < n; i++)); do
		from=$((i * $1 / n))
		echo $((from + 1 + (RANDOM * 32768 + RANDOM) % ((i + 1) * $1 / n - from)))
	done
}

# The same without chance: each in the middle of its part.
crash_points_even() {
	local n=${JAIL_CRASH_POINTS:-16} i

	if [ "$n" = all ] || [ "$n" -ge "$1" ]; then
		seq "$1"
		return
	fi
	for ((i = 0; i < n; i++)); do
		echo $(((2 * i + 1) * $1 / (2 * n) + 1))
	done
}

# crash_state: what has become of it: before, after, or neither (a failure, with the differences on stderr).
crash_state() {
	crash_look >"$JAIL_TEST_DIR/look"
	if cmp -s "$JAIL_TEST_DIR/look" "$JAIL_TEST_DIR/look.before"; then
		echo before
	elif cmp -s "$JAIL_TEST_DIR/look" "$JAIL_TEST_DIR/look.after"; then
		echo after
	else
		{
			echo "neither the state before nor the one after; what differs from before:"
			diff "$JAIL_TEST_DIR/look.before" "$JAIL_TEST_DIR/look" | head -n 8 | cut -c1-160
			echo "and from after:"
			diff "$JAIL_TEST_DIR/look.after" "$JAIL_TEST_DIR/look" | head -n 8 | cut -c1-160
		} >&2
		return 1
	fi
}

# One point. Return: 0, or which check failed on stderr; WAS is set to the state that it left.
crash_check() { # COMMAND...
	timeout 60 "$JAIL_BUILD/jail" gc >/dev/null || { echo "gc failed" >&2; return 1; }
	WAS=$(crash_state) || return 1
	[ "$(jail gc)" = 'nothing to remove' ] || { echo "a second gc found more" >&2; return 1; }
	jail image verify --quiet >&2 || return 1
	jail ps >/dev/null || return 1
	[ "$WAS" = before ] || return 0
	jail "$@" >/dev/null || { echo "it can't be repeated" >&2; return 1; }
	jail gc >/dev/null
	crash_look >"$JAIL_TEST_DIR/look"
	diff "$JAIL_TEST_DIR/look.after" "$JAIL_TEST_DIR/look" >&2 || { echo "repeated, it didn't do the same" >&2; return 1; }
}

# crash_sweep LABEL [OPTION-OF-KILLAT...] COMMAND...: at each point the command is killed. Then gc, and the world is as
# before the command or as after it, to the last byte; every image verifies; a second gc finds nothing; and from before
# it can be done again. Prints how many points were tried, and how many failed.
crash_sweep() {
	local label=$1 options=() count point status tried=0 killed=0 failed=0 before=0

	shift
	while [[ $1 == --* ]]; do
		options+=("$1")
		shift
	done
	crash_restore
	jail gc >/dev/null
	crash_look >"$JAIL_TEST_DIR/look.before"
	crash_restore
	count=$("$KILLAT" "${options[@]}" count "$JAIL_BUILD/jail" "$@" 2>&1 | tail -n 1)
	[ "$count" -gt 0 ]
	jail gc >/dev/null
	crash_look >"$JAIL_TEST_DIR/look.after"
	for point in $(crash_points "$count"); do
		crash_restore
		status=0
		timeout 60 "$KILLAT" "${options[@]}" "$point" "$JAIL_BUILD/jail" "$@" >/dev/null 2>&1 3>&- || status=$?
		tried=$((tried + 1))
		# With --one the command lives where a child of it was killed, and says so.
		[ $status -eq 0 ] || killed=$((killed + 1))
		if ! crash_check "$@"; then
			echo "$label, killed at $point of $count (seed $JAIL_CRASH_SEED): see above" >&2
			failed=$((failed + 1))
		fi
		[ "$WAS" != before ] || before=$((before + 1))
	done
	echo "# $label ${options[*]}: $tried points of $count, $killed killed, $before as before, $failed failed" >&3
	crash_restore
	# Where the order of processes decides, some numbers are beyond the end.
	[ $failed -eq 0 ] && [ $((killed * 4)) -ge $((tried * 3)) ]
}
