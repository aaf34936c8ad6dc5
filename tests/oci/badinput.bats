# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input: configurations, bundles, ids, and root file systems that want to get out.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

# broken TEXT: a bundle with that as its config.
broken() {
	bundle c
	printf '%s' "$1" >"$OCI_DIR/bundles/c/config.json"
}

@test "config.json that is not JSON, empty, cut off, or not an object" {
	local text

	for text in '' '{' '[]' 'null' '"text"' 'ociVersion: 1.0' '{"ociVersion": "1.0.2",}' "$(head -c 300 "$OCI_DIR/config.json")"; do
		broken "$text"
		refused '.' launch create
		gone c
	done
}

@test "config.json with a NUL, and bytes that are not UTF-8" {
	bundle c
	printf '{"ociVersion": "1.0.2\0"}' >"$OCI_DIR/bundles/c/config.json"
	refused '.' launch create
	bundle c
	printf '\xff\xfe{}' >"$OCI_DIR/bundles/c/config.json"
	refused '.' launch create
}

@test "config.json nested very deep, and very long" {
	bundle c
	{ head -c 200000 /dev/zero | tr '\0' '['; } >"$OCI_DIR/bundles/c/config.json"
	refused '.' launch create
	bundle c
	jq --arg x "$(head -c 100000 /dev/zero | tr '\0' x)" '.annotations = {"x": $x}' "$OCI_DIR/config.json" >"$OCI_DIR/bundles/c/config.json"
	create c
}

@test "wrong types" {
	local filter

	for filter in '.process = []' '.process.args = "sh"' '.process.args = [1]' '.process.env = {"A": "b"}' '.process.terminal = "yes"' '.root = "rootfs"' \
		'.mounts = {}' '.mounts[0].options = "ro"' '.linux.namespaces = {}' '.linux.namespaces[0] = "pid"' '.linux.resources.devices = {}' \
		'.process.cwd = 1' '.hostname = 5' '.hooks = []' '.annotations = []' '.annotations = {"a": 1}' '.process.user = 0' '.process.rlimits = {}'; do
		bundle c "$filter"
		echo "$filter"
		refused '.' launch create
		gone c
	done
}

@test "numbers that are none, too large, negative, fractions" {
	local filter

	for filter in '.process.user.uid = 1.5' '.process.user.uid = -1' '.process.user.gid = 99999999999' '.process.oomScoreAdj = "0"' \
		'.process.rlimits[0].soft = -1' '.linux.resources.pids = {"limit": 1e30}'; do
		bundle c "$filter"
		echo "$filter"
		refused '.' launch create
		gone c
	done
}

@test "config.md Specification version: missing, not SemVer, of another major version" {
	local filter

	for filter in 'del(.ociVersion)' '.ociVersion = ""' '.ociVersion = "2.0.0"' '.ociVersion = "one"' '.ociVersion = "1"' '.ociVersion = 1'; do
		bundle c "$filter"
		echo "$filter"
		refused '.' launch create
		gone c
	done
}

@test "config.md Specification version: older and newer of the same major version" {
	local version

	for version in 1.0.0 1.0.0-rc5 1.0.2-dev 1.1.0+dev 1.2.1 1.3.0; do
		run -0 box ".ociVersion = \"$version\"" 'echo fine'
		equal fine
	done
}

@test "config.md Extensibility: unknown properties are ignored" {
	run -0 box '.nosuch = {"a": [1]} | .process.nosuch = true | .linux.nosuch = "x" | .mounts[0].nosuch = 1' 'echo fine'
	equal fine
}

@test "config.md: process may be missing for create, not for start" {
	bundle c 'del(.process)'
	try launch create
	[ "$status" -ne 0 ] || refused '.' oci start c
}

@test "config.md: linux may be missing" {
	jail_only "crun and runc need it"
	bundle c
	jq 'del(.linux, .hostname) | .mounts = [] | .process.args = ["echo", "fine"]' "$OCI_DIR/config.json" >"$OCI_DIR/bundles/c/config.json"
	try launch run
	# Without a mount namespace there is no root to go to: an error, or the program ran, never a mount of the host's.
	[ "$status" -ne 0 ] || equal fine
}

@test "without a mount namespace" {
	local before

	before=$(sort /proc/self/mounts)
	bundle c '.linux.namespaces |= map(select(.type != "mount"))' '.process.args = ["true"]'
	try launch run
	equal "$before" "$(sort /proc/self/mounts)"
}

@test "a bundle that is not there, without config.json, without rootfs" {
	refused 'no such|not exist' oci create --bundle /no/such/bundle c
	gone c
	mkdir "$OCI_DIR/bundles/empty"
	refused 'no such|not exist|config.json' oci create --bundle "$OCI_DIR/bundles/empty" c
	gone c
	bundle c
	rm -r "$(rootfs)"
	refused 'no such|not exist|rootfs' launch create
	gone c
	bundle c
	rm -r "$(rootfs)"
	echo >"$OCI_DIR/bundles/c/rootfs"
	refused '.' launch create
	gone c
}

@test "an empty rootfs: an error that names the program" {
	bundle c '.mounts = []' '.root.readonly = false' 'del(.linux.maskedPaths, .linux.readonlyPaths)'
	rm -r "$(rootfs)"
	mkdir "$(rootfs)"
	refused 'sleep|proc' launch run
	gone c
}

@test "ids: with slashes, dots, spaces, too long, empty" {
	local id

	bundle c
	for id in '' a/b /abs ../up .. . 'a b' $'a\nb' 'a*' 'ä' "$(head -c 1100 /dev/zero | tr '\0' a)"; do
		echo "id: $id"
		try oci create --bundle "$OCI_DIR/bundles/c" "$id"
		[ "$status" -ne 0 ]
		run oci state "$id"
		[ "$status" -ne 0 ]
		run oci kill "$id" KILL
		[ "$status" -ne 0 ]
		run oci delete "$id"
		[ "$status" -ne 0 ]
	done
	equal "" "$(ls "$OCI_DIR/root")"
	[ -d "$OCI_DIR/bundles/c" ]
}

@test "ids: all characters that are allowed" {
	local id

	bundle c
	for id in a_b+c.d-e 0 "$(printf '%064d' 0)"; do
		oci create --bundle "$OCI_DIR/bundles/c" "$id" </dev/null >/dev/null 2>&1
		equal "$id" "$(state "$id" .id)"
		oci delete --force "$id"
	done
}

@test "too many and too few arguments" {
	live .
	run ! oci state c d
	run ! oci start c d
	run ! oci create
	state_is c running
}

@test "delete --force of an id that leads elsewhere removes nothing" {
	mkdir -p "$OCI_DIR/victim"
	echo keep >"$OCI_DIR/victim/file"
	run oci delete --force ../victim
	equal keep "$(cat "$OCI_DIR/victim/file")"
	rm -r "$OCI_DIR/victim"
}

@test "a --root with files of others, and broken states, is no crash" {
	mkdir "$OCI_DIR/root/broken"
	echo '{' >"$OCI_DIR/root/broken/state.json"
	echo '{' >"$OCI_DIR/root/broken/status"
	echo >"$OCI_DIR/root/file"
	live .
	run oci list --quiet
	like '^c$'
	run ! oci state broken
	rm -r "$OCI_DIR/root/broken" "$OCI_DIR/root/file"
}

# ---- a root file system that wants to get out

@test "hostile: links at all mount targets, nothing is mounted or made outside" {
	local outside=$BATS_TEST_TMPDIR/outside before name

	mkdir "$outside"
	echo untouched >"$outside/file"
	before=$(find "$outside" -printf '%p %m %u %T@\n'; sort /proc/self/mounts)
	for name in dev dev/shm dev/mqueue; do
		bundle c '.root.readonly = false' '.process.args = ["true"]'
		mkdir -p "$(rootfs)/dev"
		rm -rf "$(rootfs)/${name:?}"
		ln -s "$outside" "$(rootfs)/$name"
		try launch run
		equal "$before" "$(find "$outside" -printf '%p %m %u %T@\n'; sort /proc/self/mounts)"
	done
}

@test "hostile: links at masked and read-only paths reach nothing of the host" {
	local outside=$BATS_TEST_TMPDIR/outside

	mkdir "$outside"
	echo untouched >"$outside/file"
	bundle c '.root.readonly = false' '.linux.maskedPaths += ["/evil/file"]' '.linux.readonlyPaths += ["/evil2"]' '.process.args = ["true"]'
	ln -s "$outside" "$(rootfs)/evil"
	ln -s "$outside" "$(rootfs)/evil2"
	try launch run
	equal untouched "$(cat "$outside/file")"
	echo more >>"$outside/file"
}

@test "hostile: cwd that is a link to the host's is the container's own" {
	bundle c '.process.cwd = "/evil"' '.root.readonly = false'
	ln -s "$OCI_DIR" "$(rootfs)/evil"
	script c 'ls'
	try launch run
	refute_output config.json
	[ -d "$OCI_DIR/bundles" ]
}

@test "hostile: /etc/passwd that is a fifo or a device does not stop it" {
	bundle c '.process.user = {"uid": 1000, "gid": 1000}' '.process.args = ["echo", "fine"]'
	rm "$(rootfs)/etc/passwd"
	mkfifo "$(rootfs)/etc/passwd"
	# KILL, since TERM is passed on to the container. Debian's old ones wait forever.
	run --separate-stderr timeout -s KILL 20 "$OCI_RUNTIME" --root "$OCI_DIR/root" run --bundle "$OCI_DIR/bundles/c" c
	[ "$status" -eq 0 ]
	equal fine
}

@test "hostile: the program as /proc/self/exe is not the runtime's binary to write to (CVE-2019-5736)" {
	local before

	before=$(sha256sum <"$(command -v "$OCI_RUNTIME")")
	bundle c '.process.args = ["/proc/self/exe"]' '.process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE"])'
	try timeout 60 "$OCI_RUNTIME" --root "$OCI_DIR/root" run --bundle "$OCI_DIR/bundles/c" c
	live '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"])' \
		'for n in 1 2 3 4 5 6 7 8 9; do for p in /proc/[0-9]*; do probe open $p/exe rw; done; done; echo tried; exec sleep 1000'
	run oci exec c /proc/self/exe --version
	wait_out tried
	equal "$before" "$(sha256sum <"$(command -v "$OCI_RUNTIME")")"
}
