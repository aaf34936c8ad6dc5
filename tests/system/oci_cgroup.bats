# SPDX-License-Identifier: GPL-2.0-or-later
# The cgroups of OCI containers where there are all controllers and systemd: not in the sandbox, whose cgroup namespace
# systemd does not know.
# vm: nosandbox

load ../lib/common
load ../lib/system

@test "limits, OOM kills, scopes and their properties against the real kernel and systemd" {
	need systemd
	run -0 "$JAIL_BUILD/tests/unit/runtime_oci_cgroup_root_test"
	for test in limits oom scope scope_fails; do
		refute_output "[  SKIPPED ] test_$test"
	done
}
