#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: cpus=2
# The limits of what reads a stranger's archive (row 41), which need a memory controller.

load ../lib/common
load ../lib/system

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { need controllers memory pids; }
teardown() { jail_teardown; }

# begin_import ARGS...: one that reads what is written to fd 9, until its child is there. Sets $pid and $work, its cgroup.
begin_import() {
	mkfifo "$BATS_TEST_TMPDIR/slow"
	"$JAIL_BUILD/jail" image import "$BATS_TEST_TMPDIR/slow" --name slow:1 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	pid=$!
	exec 9>"$BATS_TEST_TMPDIR/slow"
	wait_until 10 something_unpacks
	work=$(echo "$SANDBOX_ROOT"/jail/.work-*)
}
something_unpacks() { [ -n "$(cat "$SANDBOX_ROOT"/jail/.work-*/cgroup.procs)" ]; }

@test "the children of an import have a memory limit together, and none of swap" {
	begin_import
	[ "$(cat "$work/memory.max")" = 1073741824 ]
	[ ! -e "$work/memory.swap.max" ] || [ "$(cat "$work/memory.swap.max")" = 0 ]
	[ "$(cat "$work/pids.max")" = 64 ]
	tar -C "$BATS_TEST_TMPDIR" -cf - said >&9
	exec 9>&-
	wait $pid
	[ ! -e "$work" ]
	jail image rm slow:1
}

@test "an import that needs more is ended by the limit, which the error names; nothing is left" {
	begin_import
	echo 3M >"$work/memory.max"
	# A dictionary of 8 MiB, and content that fills it.
	head -c 16000000 /dev/urandom >"$BATS_TEST_TMPDIR/random"
	tar -C "$BATS_TEST_TMPDIR" -cf - random | xz -6 >&9 || :
	exec 9>&-
	local status=0
	wait $pid || status=$?
	[ "$status" -eq 1 ]
	grep -F 'limit exceeded: unpacking it takes more than 1.0GiB of memory' "$BATS_TEST_TMPDIR/said"
	[ ! -e "$work" ]
	[ -z "$(ls -A "$JAIL_TEST_DIR/state/staging")" ]
}
