# SPDX-License-Identifier: GPL-2.0-or-later
# What the files of tests/security share that are about jail-oci: containers (tests/oci/lib.bash) of root file systems
# that want to get out (hostile.bash), with a user namespace (auto) and without (host).
#
#     load ../lib/bundles
#     setup_file() { bundles_setup_file; }
#     teardown_file() { oci_teardown_file; }
#     setup() { canary_make; }
#     teardown() { bundles_teardown; }
# shellcheck shell=bash

load ../oci/lib
load ../lib/hostile

USER_NAMESPACE='.linux.namespaces += [{"type": "user"}]
	| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'

bundles_setup_file() {
	oci_setup_file
	JAIL_TEST_DIR=$OCI_DIR TREE=$OCI_DIR/rootfs
	export JAIL_TEST_DIR TREE
	hostile_setup_file
	oci_traces >"$OCI_DIR/before"
}
bundles_teardown() {
	local status=0

	oci_teardown || status=1
	canary_ok || status=1
	return $status
}

# jar MODE FILTER [COMMANDS]: the bundle "c", whose root it may write to.
jar() {
	local own=.

	[ "$1" = host ] || own=$USER_NAMESPACE
	bundle c "$own | .root.readonly = false" "$2"
	[ "$1" = host ] || chown -hR 100000:100000 "$(rootfs)"
	[ -z "${3:-}" ] || script c "$3"
}
# jar_up MODE FILTER [COMMANDS]: and the container is running. It says what it says into a pipe: a file would be one of the
# host's inside.
jar_up() {
	jar "$@"
	pour
	oci start c
}
pour() {
	oci create --bundle "$OCI_DIR/bundles/c" c </dev/null > >(cat >"$OCI_DIR/bundles/c/out" 3>&- 4>&-) 2>&1
}
# within MODE FILTER COMMANDS: what the container says.
within() {
	jar "$@"
	launch run
}
caps() {
	printf '.process.capabilities |= map_values(. + %s)' "$(jq -nc '$ARGS.positional' --args "${@/#/CAP_}")"
}
# leaky OPTION... -- ARGUMENT...: the runtime, started by a careless caller.
leaky() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	leak "${options[@]}" -- "$OCI_RUNTIME" --root "$OCI_DIR/root" "${@:2}"
}
