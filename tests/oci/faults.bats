# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel refuses, as in tests/cli/faults.bats: jail-oci.
# san: no

load lib
load ../lib/crash
load ../lib/faults

setup_file() {
	oci_setup_file
	export JAIL_TEST_DIR=$OCI_DIR
	bundle live
	create live
	oci start live
	LIVE=$(pid_in live)
	export LIVE
	faults_setup_file
}
teardown_file() {
	oci delete --force live
	oci_teardown_file
}
teardown() { :; }

faults_world() {
	[ "$(pid_in live)" = "$LIVE" ] && [ "$(oci exec live echo alive)" = alive ] && echo "live runs"
	oci_traces
}
# There is none: nothing is left.
faults_collect() { :; }
exists() { oci state "$1" >/dev/null 2>&1; }
jail_oci() { # COMMAND...
	fault_sweep "$1" '' "$OCI_RUNTIME" --root "$OCI_DIR/root" "$@"
}

gone() { oci delete --force web; }
made() {
	[ -d "$OCI_DIR/bundles/web" ] || bundle web
	exists web || create web
}

create_before() {
	gone
	[ -d "$OCI_DIR/bundles/web" ] || bundle web
}
create_is_done() { [ "$(state web)" = created ] && oci start web; }
create_undo() { gone; }
@test "create" {
	jail_oci create --bundle "$OCI_DIR/bundles/web" web
}

start_before() {
	gone
	made
}
start_is_done() { wait_until 5 state_is web running && [ "$(oci exec web echo works)" = works ]; }
start_undo() { gone; }
@test "start" {
	jail_oci start web
}

exec_before() { :; }
exec_is_done() { [ "$(cat "$JAIL_TEST_DIR/result")" = ran ]; }
exec_undo() { rm -f "$JAIL_TEST_DIR/result"; }
@test "exec" {
	fault_sweep exec '' "$OCI_RUNTIME" --root "$OCI_DIR/root" exec live echo ran
}

delete_before() { made; }
delete_is_done() { ! exists web; }
delete_undo() { gone; }
@test "delete" {
	jail_oci delete --force web
}
