# SPDX-License-Identifier: GPL-2.0-or-later
# The commands around the life of a container: list, ps, pause, resume, events, spec, features, version, and the global options.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

@test "list: a table, JSON, and ids" {
	run -0 oci list
	bundle a
	bundle b '.process.args = ["true"]'
	create a
	create b
	oci start b
	wait_stopped b
	run -0 oci list
	like '^(ID|NAME) +PID +STATUS +BUNDLE( PATH)? +CREATED +OWNER'
	like "^a +$(pid_in a) +created +$OCI_DIR/bundles/a +[0-9-]+T[0-9:.]+Z +root"
	like "^b +0 +stopped +$OCI_DIR/bundles/b "
	run -0 oci list --quiet
	equal $'a\nb' "$(sort <<<"$output")"
	run -0 oci list --format json
	jq -e --arg dir "$OCI_DIR/bundles" 'length == 2 and (map(.id) | sort) == ["a", "b"] and all(.[]; .bundle == $dir + "/" + .id
		and (.created | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T")) and (.owner == "root" or .owner == "0"))
		and (.[] | select(.id == "a") | .status == "created" and .pid > 0)
		and (.[] | select(.id == "b") | .status == "stopped" and .pid == 0)' <<<"$output"
}

@test "list: nothing is an empty list, null or [] in JSON" {
	run -0 oci list --quiet
	equal ""
	run -0 oci list --format json
	jq -e '. == null or . == []' <<<"$output"
	run ! oci list --format nosuch
}

@test "list: with a --root that is not there fails" {
	run ! "$OCI_RUNTIME" --root "$OCI_DIR/nosuch" list
	[ ! -e "$OCI_DIR/nosuch" ]
}

@test "ps: a table and JSON of the host's pids" {
	live . 'sleep 1000 & exec sleep 1001'
	wait_until 30 eval '[ "$(wc -l <"$CGROUPS/c/cgroup.procs")" -eq 2 ]'
	run -0 oci ps --format json c
	equal "$(sort -n "$CGROUPS/c/cgroup.procs" | jq -sc .)" "$(jq -c sort <<<"$output")"
	run -0 oci ps c
	like 'PID'
	like "\\b$(pid_in c)\\b"
	like 'sleep 1001'
	run ! oci ps nobody
}

@test "ps: arguments for the host's ps" {
	live .
	wait_until 30 comm_is "$(pid_in c)" sleep
	run -0 oci ps c -o pid,comm
	like "$(pid_in c) +sleep"
	refute_output UID
}

@test "pause and resume" {
	live . 'while :; do echo x >>/dev/shm/x; done'
	run -0 oci pause c
	state_is c paused
	equal 1 "$(cat "$CGROUPS/c/cgroup.freeze")"
	grep -q '^frozen 1$' "$CGROUPS/c/cgroup.events"
	run -0 oci resume c
	state_is c running
	equal 0 "$(cat "$CGROUPS/c/cgroup.freeze")"
}

@test "pause and resume: of what can't be" {
	bundle c
	create c
	oci start c
	refused '.' oci resume c
	oci pause c
	refused '.' oci pause c
	state_is c paused
	oci resume c
	oci kill c KILL
	wait_stopped c
	refused '.' oci pause c
	refused '.' oci resume c
	run ! oci pause nobody
	run ! oci resume nobody
}

@test "a paused container takes KILL, and start is refused" {
	live .
	oci pause c
	refused '.' oci start c
	run -0 oci kill c KILL
	wait_stopped c
	run -0 oci delete c
}

@test "events --stats: runc's shape" {
	live .
	run -0 oci events --stats c
	jq -e '.type == "stats" and .id == "c" and (.data | has("cpu") and has("memory") and has("pids"))' <<<"$output"
}

@test "events --stats: numbers of the cgroup" {
	needs memory pids
	live .
	run -0 oci events --stats c
	jq -e '.data.pids.current == 1 and .data.memory.usage.usage > 0 and (.data.cpu.usage.total | type) == "number"' <<<"$output"
}

@test "events: of a stopped container is an error" {
	live . true
	wait_stopped c
	run ! oci events --stats c
	run ! oci events --stats nobody
}

@test "events: a stream that ends with the container" {
	live .
	oci events --interval 1s c >"$BATS_TEST_TMPDIR/events" 2>/dev/null &
	local pid=$!
	wait_until 30 grep -q '"stats"' "$BATS_TEST_TMPDIR/events"
	oci kill c KILL
	wait_until 30 test ! -e "/proc/$pid"
	grep -m 1 '"stats"' "$BATS_TEST_TMPDIR/events" | jq -e '.type == "stats" and .id == "c"'
}

@test "spec: writes a config that runs" {
	cd "$BATS_TEST_TMPDIR"
	run -0 oci spec
	jq -e '(.ociVersion | test("^1\\.")) and .root.path == "rootfs" and .process.args == ["sh"] and .process.terminal == true
		and (.linux.namespaces | map(.type) | contains(["pid", "network", "ipc", "uts", "mount", "cgroup"]))
		and (.linux.maskedPaths | length > 5) and (.process.capabilities | has("bounding"))' config.json
	bundle c
	jq '.process.terminal = false | .process.args = ["hostname"] | .linux.cgroupsPath = "/c"' config.json >"$OCI_DIR/bundles/c/config.json"
	run -0 launch run
	equal "$(jq -r .hostname config.json)"
}

@test "spec: --bundle, and never over one that is there" {
	mkdir "$BATS_TEST_TMPDIR/b"
	run -0 oci spec --bundle "$BATS_TEST_TMPDIR/b"
	[ -s "$BATS_TEST_TMPDIR/b/config.json" ]
	echo mine >"$BATS_TEST_TMPDIR/b/config.json"
	run ! oci spec --bundle "$BATS_TEST_TMPDIR/b"
	equal mine "$(cat "$BATS_TEST_TMPDIR/b/config.json")"
}

@test "--rootless: true is refused with the reason, auto and false change nothing" {
	is jail-oci || skip "the others run containers without a cgroup"
	live .
	run -0 oci --rootless auto state c
	run -0 oci --rootless=false state c
	run ! oci --rootless true state c
	like 'without a cgroup are not supported'
	run ! oci --rootless=maybe state c
	like 'auto, true or false'
}

@test "spec --rootless: for a user without privileges" {
	cd "$BATS_TEST_TMPDIR"
	run -0 oci spec --rootless
	jq -e '(.linux.namespaces | map(.type) | contains(["user"])) and .linux.uidMappings[0].size == 1 and (.linux.resources | not)' config.json
}

@test "features.md: the structure" {
	run -0 oci features
	jq -e '(.ociVersionMin | test("^1\\.0\\.0")) and (.ociVersionMax | test("^1\\.[0-9]+\\.[0-9]+")) and (.hooks | type == "array")
		and (.mountOptions | type == "array") and (.linux.namespaces | type == "array") and (.linux.capabilities | type == "array")
		and .linux.cgroup.v2 == true and (.linux.cgroup | has("v1") and has("systemd")) and (.linux.seccomp.enabled | type == "boolean")
		and (.linux.apparmor | has("enabled")) and (.linux.selinux | has("enabled"))' <<<"$output"
}

@test "features.md: all hooks, namespaces, and mount options of the specification" {
	run -0 oci features
	jq -e '(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] - .hooks) == []
		and (["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"] - .linux.namespaces) == []
		and (["bind", "rbind", "ro", "rro", "rnosuid", "idmap", "ridmap", "tmpcopyup", "private", "rshared", "rslave", "unbindable", "nosymfollow"] - .mountOptions) == []
		and (["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"] - .linux.capabilities) == []' <<<"$output"
}

@test "features.md: seccomp's actions, operators, architectures and flags" {
	run -0 oci features
	jq -e '.linux.seccomp | (["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"] - .actions) == []
		and (["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"] - .operators) == []
		and (["SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"] - .archs) == []
		and (.supportedFlags | contains(["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]))' <<<"$output"
}

@test "features tells the truth: mount options that it lists are taken" {
	local option

	run -0 oci features
	for option in $(jq -r '.mountOptions - ["bind", "rbind", "remount", "defaults", "idmap", "ridmap", "mand", "nomand", "dirsync", "sync", "async", "silent", "loud", "iversion", "noiversion", "lazytime", "nolazytime", "acl", "noacl", "copy-symlink", "src-nofollow", "dest-nofollow"] | .[]' <<<"$output"); do
		case $option in
		tmpcopyup) run -0 box '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "t", "options": ["tmpcopyup"]}]' 'echo ok' ;;
		*) run -0 box ".linux.rootfsPropagation = \"shared\" | .mounts += [{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"/etc\", \"options\": [\"rbind\", \"$option\"]}]" 'echo ok' ;;
		esac
		echo "$option"
		equal ok
	done
}

@test "--version: name, version, and the specification's" {
	run -0 "$OCI_RUNTIME" --version
	like "^$(basename "$OCI_RUNTIME") version [0-9]+\."
	like '^spec: 1\.[0-9]+\.[0-9]+'
	run -0 "$OCI_RUNTIME" -v
	like ' version '
}

@test "--help lists all commands" {
	local command

	run -0 "$OCI_RUNTIME" --help
	for command in create start run state kill delete exec list ps pause resume update spec features; do
		like "\\b$command\\b"
	done
	run -0 "$OCI_RUNTIME" create --help
	like 'console-socket'
}

@test "an unknown command or option is an error, on stderr" {
	run --separate-stderr "$OCI_RUNTIME" nosuch
	[ "$status" -ne 0 ]
	run --separate-stderr "$OCI_RUNTIME" --nosuch list
	[ "$status" -ne 0 ]
	[ -n "$stderr" ]
	run ! oci create --nosuch c
}

@test "--log: text to a file, and --log-format json one object a line" {
	run ! oci --log "$BATS_TEST_TMPDIR/log" --log-format json state nobody
	jq -es 'length >= 1 and all(.[]; (.msg | type == "string") and (.level | type == "string") and (.time | test("^[0-9]{4}-")))
		and any(.[]; .level == "error")' "$BATS_TEST_TMPDIR/log"
	run ! oci --log "$BATS_TEST_TMPDIR/text" state nobody
	[ -s "$BATS_TEST_TMPDIR/text" ]
	run ! oci --log-format nosuch list
}

@test "--log: the failure of create is in it, in words" {
	bundle c '.process.args = ["/no/such/program"]'
	run oci --log "$BATS_TEST_TMPDIR/log" --log-format json run --bundle "$OCI_DIR/bundles/c" c
	[ "$status" -ne 0 ]
	jq -es 'any(.[]; .level == "error" and (.msg | test("no such file|not found"; "i")))' "$BATS_TEST_TMPDIR/log"
}

@test "--log is appended to" {
	echo '{"msg":"mine"}' >"$BATS_TEST_TMPDIR/log"
	run ! oci --log "$BATS_TEST_TMPDIR/log" --log-format json state nobody
	equal '{"msg":"mine"}' "$(head -n 1 "$BATS_TEST_TMPDIR/log")"
}

@test "options: short ones, with = and separate" {
	bundle c
	oci create -b "$OCI_DIR/bundles/c" --pid-file="$BATS_TEST_TMPDIR/pid" c </dev/null >/dev/null 2>&1
	[ -s "$BATS_TEST_TMPDIR/pid" ]
	run -0 oci delete -f c
}

@test "a command's output to a closed pipe is no crash" {
	live .
	oci state c | true
	oci list | true
	state_is c running
}
