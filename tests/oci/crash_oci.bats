# SPDX-License-Identifier: GPL-2.0-or-later
# runtime.md, "Operations", killed at any system call: the command alone, the container's first process or a helper, or
# all at once. Afterwards `state` says something, `delete --force` removes whatever there is, nothing of it is left, and
# the same can be done again. `make crash-test` tries every call, here it is a part of them.
# san: no
# shellcheck disable=SC2317 # what begins a sweep is called by it

load lib
load ../lib/crash

setup_file() {
	oci_setup_file
	export JAIL_TEST_DIR=$OCI_DIR JAIL_CRASH_POINTS=${JAIL_CRASH_POINTS:-2}
	crash_setup_file
	export SANDBOX_ROOT=$CGROUPS JAIL_BUILD
	bundle c
	# What is there for good after a first one.
	create c
	oci start c
	empty
	world >"$OCI_DIR/look.empty"
}
teardown_file() { oci_teardown_file; }
setup() {
	export SANDBOX_ROOT=$CGROUPS JAIL_BUILD
	jail_only "it is about jail's own order of work"
}

# The bundle's root is read-only: nothing of it may change.
world() { "$TOP/tests/helpers/world.py" show "root=$OCI_DIR/root" "bundle=$OCI_DIR/bundles"; }
settle() { "$TOP/tests/helpers/world.py" settle 30; }
empty() { oci delete --force c; }
begin() { :; }
# operation COMMAND...: one, with the container's own output out of the way.
operation() { oci "$@" </dev/null >"$OCI_DIR/said" 2>&1; }

# Return: 0, or which check failed on stderr.
check() { # COMMAND...
	local said

	settle || { echo "somebody goes on" >&2; return 1; }
	if said=$(oci state c 2>&1); then
		jq -e '.status | test("^(creating|created|running|stopped)$")' <<<"$said" >/dev/null || { echo "state: $said" >&2; return 1; }
	else
		[[ $said == *"does not exist"* ]] || { echo "state: $said" >&2; return 1; }
	fi
	oci list >/dev/null || { echo "list failed" >&2; return 1; }
	oci delete --force c || { echo "it can't be deleted" >&2; return 1; }
	world | diff "$OCI_DIR/look.empty" - >&2 || { echo "something is left" >&2; return 1; }
	begin
	operation "$@" || { cat "$OCI_DIR/said" >&2; echo "it can't be done again" >&2; return 1; }
	empty
	world | diff "$OCI_DIR/look.empty" - >&2 || { echo "something is left of the second one" >&2; return 1; }
}
also() {
	local pid

	# shellcheck disable=SC2013 # numbers
	[ -z "${ALSO:-}" ] || for pid in $(cat "$CGROUPS/c/cgroup.procs"); do
		echo "--also $pid"
	done
}
killed() { # N|count COMMAND...
	begin
	# shellcheck disable=SC2046 # several words
	timeout 60 "$KILLAT" "${options[@]}" $(also) "$1" "$OCI_RUNTIME" --root "$OCI_DIR/root" "${@:2}" </dev/null 3>&- 4>&-
}
# sweep LABEL [OPTION-OF-KILLAT...] -- COMMAND...
sweep() {
	local label=$1 options=() count point status tried=0 failed=0

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	killed count "$@" >"$OCI_DIR/said" 2>&1 || :
	count=$(tail -n 1 "$OCI_DIR/said")
	[ "$count" -gt 0 ]
	empty
	for point in $(crash_points_even "$count"); do
		status=0
		killed "$point" "$@" >"$OCI_DIR/said" 2>&1 || status=$?
		tried=$((tried + 1))
		if [ $status -eq 124 ] || ! check "$@"; then
			echo "$label ${options[*]}, killed at $point of $count, status $status: see above" >&2
			failed=$((failed + 1))
			oci_sweep
			world >"$OCI_DIR/look.empty"
		fi
	done
	echo "# jail-oci $label ${options[*]}: $tried points of $count, $failed failed" >&3
	[ $failed -eq 0 ]
}

@test "Create" {
	sweep create -- create --bundle "$OCI_DIR/bundles/c" c
	sweep create --one -- create --bundle "$OCI_DIR/bundles/c" c
}

@test "Start" {
	begin() { create c; }
	ALSO=1
	sweep start -- start c
	sweep start --one -- start c
}

@test "Kill" {
	begin() {
		create c
		oci start c
	}
	ALSO=1
	sweep kill -- kill c KILL
	sweep kill --one -- kill c KILL
}

@test "Delete, of one that has ended and of one that runs" {
	begin() {
		create c
		oci start c
		oci kill c KILL
		wait_stopped c
	}
	sweep delete -- delete c
	begin() {
		create c
		oci start c
	}
	ALSO=1
	sweep 'delete --force' --to-the-end -- delete --force c
	sweep 'delete --force' --to-the-end --one -- delete --force c
}

@test "run, attached and detached" {
	config c '.process.args = ["true"]'
	sweep run --to-the-end -- run --bundle "$OCI_DIR/bundles/c" c
	sweep run --to-the-end --one -- run --bundle "$OCI_DIR/bundles/c" c
	sweep 'run --detach' --one -- run --detach --bundle "$OCI_DIR/bundles/c" c
	config c '.process.args = ["sleep", "1000"]'
}

@test "exec" {
	begin() {
		create c
		oci start c
	}
	sweep exec -- exec c true
	sweep exec --one -- exec c true
	sweep 'exec --detach' --one -- exec --detach c true
}
