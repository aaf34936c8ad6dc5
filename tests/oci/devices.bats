# SPDX-License-Identifier: GPL-2.0-or-later
# config-linux.md: default devices and links, linux.devices, and the rules that say which may be opened.

load lib

setup_file() {
	oci_setup_file
	# One that a container has only when it is granted.
	read -r MAJOR MINOR < <(node_numbers "$(spare_device)")
	export MAJOR MINOR
}
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

# rules RULE...: the filter for linux.resources.devices; each "allow|deny TYPE MAJOR MINOR ACCESS".
rules() {
	local rule words list=()

	for rule; do
		read -r -a words <<<"$rule"
		list+=("{\"allow\": $([ "${words[0]}" = allow ] && echo true || echo false), \"type\": \"${words[1]}\", \"access\": \"${words[4]}\"
			$([ "${words[2]}" = '*' ] || echo ", \"major\": ${words[2]}") $([ "${words[3]}" = '*' ] || echo ", \"minor\": ${words[3]}")}")
	done
	local IFS=,
	echo ".linux.resources.devices = [${list[*]}]"
}
setup() { SPARE=".linux.devices = [{\"path\": \"/dev/spare\", \"type\": \"c\", \"major\": $MAJOR, \"minor\": $MINOR, \"fileMode\": 438}]"; }
MKNOD='.process.capabilities |= map_values(. + ["CAP_MKNOD"])'

@test "config-linux.md Default Devices: there, with their numbers and modes, and they work" {
	run -0 box . 'cd /dev; stat -c "%n %F %t:%T %a %u" null zero full random urandom tty
		echo x >null; head -c 2 zero | wc -c; head -c 2 random | wc -c; head -c 2 urandom | wc -c; echo x >full || echo "no space"'
	like '^null character special file 1:3 666 0$'
	like '^zero character special file 1:5 666 0$'
	like '^full character special file 1:7 666 0$'
	like '^random character special file 1:8 666 0$'
	like '^urandom character special file 1:9 666 0$'
	like '^tty character special file 5:0 666 0$'
	equal 3 "$(grep -c '^2$' <<<"$output")"
	like '^no space$'
}

@test "runtime-linux.md Dev symbolic links, and ptmx" {
	run -0 box . 'cd /dev; for l in fd stdin stdout stderr; do readlink $l; done; readlink ptmx || stat -c %t:%T ptmx'
	equal $'/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2' "$(head -n 4 <<<"$output")"
	like '^(/dev/)?pts/ptmx$|^5:2$'
}

@test "default devices: in a /dev of the root file system, with links that are there already" {
	bundle c '.mounts |= map(select(.destination | startswith("/dev") | not))' '.root.readonly = false'
	script c 'echo x >/dev/null; readlink /dev/fd; stat -c %t:%T /dev/null'
	ln -s /proc/self/fd "$(rootfs)/dev/fd"
	run -0 launch run
	equal $'/proc/self/fd\n1:3'
}

@test "default devices: not on a bind mount of the host's /dev" {
	local before

	before=$(find /dev -maxdepth 1 | sort)
	run -0 box '.mounts |= map(if .destination == "/dev" then {"destination": "/dev", "type": "bind", "source": "/dev", "options": ["rbind"]} else . end)
		| .mounts |= map(select(.destination | test("^/dev/") | not))' 'stat -c %t:%T /dev/null'
	equal 1:3
	equal "$before" "$(find /dev -maxdepth 1 | sort)"
}

@test "a file of the root that is in a default device's place does not stay" {
	bundle c '.mounts |= map(select(.destination | startswith("/dev") | not))' '.root.readonly = false'
	script c 'stat -c %t:%T /dev/zero; head -c 1 /dev/zero | wc -c'
	echo bad >"$(rootfs)/dev/zero"
	try launch run
	# As a device or as an error, never as the file.
	[ "$status" -ne 0 ] || equal $'1:5\n1'
}

@test "config-linux.md Devices: type, numbers, mode and owner" {
	run -0 box '.linux.devices = [{"path": "/dev/made", "type": "c", "major": 10, "minor": 229, "fileMode": 432, "uid": 33, "gid": 34},
		{"path": "/dev/sub/dir/blk", "type": "b", "major": 7, "minor": 99}, {"path": "/dev/pipe", "type": "p"},
		{"path": "/dev/unbuf", "type": "u", "major": 1, "minor": 3}]' 'cd /dev; stat -c "%n %F %t:%T %a %u %g" made sub/dir/blk pipe unbuf'
	like '^made character special file a:e5 660 33 34$'
	like '^sub/dir/blk block special file 7:63 '
	like '^pipe fifo '
	like '^unbuf character special file 1:3 '
}

@test "config-linux.md Devices: outside of /dev" {
	run -0 box '.root.readonly = false | .linux.devices = [{"path": "/opt/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]' 'stat -c "%t:%T %a" /opt/null; echo x >/opt/null'
	equal '1:3 666'
}

@test "config-linux.md Devices: mode is not cut by the umask" {
	umask 077
	run -0 box '.linux.devices = [{"path": "/dev/made", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]' 'stat -c %a /dev/made'
	equal 666
}

@test "config-linux.md Devices: no path, a relative one, an unknown type, no numbers are errors" {
	refused_box '.' '.linux.devices = [{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}]'
	refused_box '.' '.linux.devices = [{"type": "c", "major": 1, "minor": 3}]'
}

@test "config-linux.md Devices: the same path twice is an error" {
	jail_only "others take the last or the first"
	refused_box '.' '.linux.devices = [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}, {"path": "/dev/x", "type": "c", "major": 1, "minor": 5}]'
}

@test "config-linux.md Devices: a path whose parent leads out of the root stays inside" {
	local outside=$BATS_TEST_TMPDIR/outside

	mkdir "$outside"
	bundle c '.root.readonly = false' '.linux.devices = [{"path": "/evil/null", "type": "c", "major": 1, "minor": 3}]' '.process.args = ["true"]'
	ln -s "$outside" "$(rootfs)/evil"
	try launch run
	equal "" "$(ls "$outside")"
}

@test "config-linux.md Device cgroup: all denied, the default devices still work" {
	run -0 box "$(rules 'deny a * * rwm') | .linux.devices = [{\"path\": \"/dev/made\", \"type\": \"c\", \"major\": 10, \"minor\": 229, \"fileMode\": 438}]" \
		'for d in null zero full random urandom; do probe open /dev/$d r; done; probe open /dev/made r; probe open /dev/ptmx rw'
	equal $'ok\nok\nok\nok\nok\nerrno 1\nok'
}

@test "config-linux.md Device cgroup: one allowed, by number and access" {
	run -0 box "$MKNOD | $(rules 'deny a * * rwm' "allow c $MAJOR $MINOR r") | $SPARE" \
		'probe open /dev/spare r; probe open /dev/spare w; probe open /dev/spare rw'
	equal $'ok\nerrno 1\nerrno 1'
}

@test "config-linux.md Device cgroup: in order, the last that matches decides" {
	run -0 box "$(rules 'deny a * * rwm' 'allow c * * rwm' "deny c $MAJOR $MINOR w") | $SPARE" \
		'probe open /dev/spare r; probe open /dev/spare w'
	equal $'ok\nerrno 1'
	run -0 box "$(rules 'deny a * * rwm' "deny c $MAJOR $MINOR rw" "allow c $MAJOR * rw") | $SPARE" \
		'probe open /dev/spare r'
	equal ok
}

@test "config-linux.md Device cgroup: mknod is for those with m" {
	run -0 box "$MKNOD | $(rules 'deny a * * rwm' 'allow b 7 * m' 'allow c 10 229 rw') | .mounts += [{\"destination\": \"/tmp\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"}]" \
		'probe mknod /tmp/a b 7 1; probe mknod /tmp/b b 8 1; probe mknod /tmp/c c 1 3; probe mknod /tmp/d c 1 11; probe mknod /tmp/e c 10 229'
	# Default devices may be made, as runc's do: for those any mknod is allowed without access.
	equal 0 "$(sed -n 1p <<<"$output")"
	equal 0 "$(sed -n 3p <<<"$output")"
}

@test "Device cgroup: wildcards, type a" {
	run -0 box "$(rules 'deny a * * rwm' 'allow a * * rwm') | $SPARE" \
		'probe open /dev/spare rw'
	equal ok
}

@test "Device cgroup: holds for exec, and in cgroups below" {
	live "$(rules 'deny a * * rwm') | $SPARE"
	run -0 oci exec c probe open /dev/spare r
	equal 'errno 1'
	mkdir "$CGROUPS/c/below"
	run -0 oci exec --cgroup /below c probe open /dev/spare r
	equal 'errno 1'
}

@test "config-linux.md Device cgroup: what is no rule is an error" {
	refused_box '.' '.linux.resources.devices = [{"allow": true, "type": "x", "access": "rwm"}]'
	refused_box '.' '.linux.resources.devices = [{"allow": true, "type": "c", "access": "rwx"}]'
}

@test "Device cgroup: in a user namespace devices are the host's nodes" {
	run -0 box '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings' \
		'echo x >/dev/null; head -c 3 /dev/zero | wc -c; test -c /dev/tty && echo tty'
	like '^3$'
	like '^tty$'
}
