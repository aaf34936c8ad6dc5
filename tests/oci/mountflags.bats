# SPDX-License-Identifier: GPL-2.0-or-later
# config.md and config-linux.md: recursive mount options, idmapped mounts, the root's propagation, masked and read-only paths.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
setup() {
	DATA=$BATS_TEST_TMPDIR/data
	mkdir -p "$DATA/sub"
	echo content >"$DATA/file"
	chown 1000:1000 "$DATA/file"
}
teardown() {
	umount -R "$DATA" 2>/dev/null || :
	oci_teardown
}

# bind DESTINATION [MEMBERS] OPTION...: the filter that mounts $DATA there.
bind() {
	jq -nr --arg d "$1" --arg s "$DATA" --argjson more "$2" '{"destination": $d, "type": "bind", "source": $s,
		"options": $ARGS.positional} + $more | tojson | ".mounts += [\(.)]"' --args "${@:3}"
}
# A tree of two mounts at $DATA.
tree() {
	mount --bind "$DATA" "$DATA"
	mount -t tmpfs tmpfs "$DATA/sub"
	echo below >"$DATA/sub/file"
	chown 1000:1000 "$DATA/sub/file"
	[ $# -eq 0 ] || mount -o "remount,bind,$1" "$DATA/sub"
}
OPTIONS='awk "\$5 ~ \"^/mnt\" { print \$5, \$6 }" /proc/self/mountinfo'

@test "config.md Linux mount options: rro, rnosuid, rnodev, rnoexec, rnoatime hold for all below" {
	local option

	tree
	for option in ro nosuid nodev noexec noatime nodiratime nosymfollow; do
		run -0 box "$(bind /mnt {} rbind r$option)" "$OPTIONS"
		like "^/mnt [^ ]*\b$option\b"
		like "^/mnt/sub [^ ]*\b$option\b"
	done
}

@test "config.md Linux mount options: ro is the top's only, rro can't be written anywhere" {
	tree
	run -0 box "$(bind /mnt {} rbind ro)" 'echo x >/mnt/x || echo no; echo x >/mnt/sub/x && echo written'
	like '^no$'
	like '^written$'
	run -0 box "$(bind /mnt {} rbind rro)" 'echo x >/mnt/y || echo no; echo x >/mnt/sub/y || echo no'
	equal 2 "$(grep -c '^no$' <<<"$output")"
}

@test "config.md Linux mount options: rrw, rsuid, rdev, rexec clear below" {
	tree ro,nosuid,nodev,noexec
	run -0 box "$(bind /mnt {} rbind rrw rsuid rdev rexec)" "$OPTIONS"
	run -0 grep '^/mnt/sub' <<<"$output"
	like '^/mnt/sub rw'
	refute_output nosuid
	refute_output nodev
	refute_output noexec
}

@test "config.md Linux mount options: rstrictatime, rrelatime" {
	tree noatime
	run -0 box "$(bind /mnt {} rbind rrelatime)" "$OPTIONS"
	like '^/mnt/sub .*relatime'
	run -0 box "$(bind /mnt {} rbind rstrictatime)" "$OPTIONS"
	run -0 grep '^/mnt/sub' <<<"$output"
	refute_output atime
}

# ---- idmapped mounts

M1='{"uidMappings": [{"containerID": 0, "hostID": 5000, "size": 1001}], "gidMappings": [{"containerID": 0, "hostID": 5000, "size": 1001}]}'

@test "config.md Mounts uidMappings: idmap without a user namespace" {
	run -0 box "$(bind /mnt "$M1" bind idmap)" 'stat -c "%u %g" /mnt/file'
	equal '6000 6000'
	# The host's files are as before.
	equal '1000 1000' "$(stat -c '%u %g' "$DATA/file")"
}

@test "config.md Mounts uidMappings: alone, without the option, is an idmapped mount too" {
	run -0 box "$(bind /mnt "$M1" bind)" 'stat -c "%u %g" /mnt/file'
	equal '6000 6000'
}

@test "config.md Mounts uidMappings: several ranges" {
	local several

	chown 5:7 "$DATA/file"
	several='{"containerID": 0, "hostID": 1000, "size": 6}, {"containerID": 6, "hostID": 3000, "size": 10}'
	run -0 box "$(bind /mnt "{\"uidMappings\": [$several], \"gidMappings\": [$several]}" bind idmap)" 'stat -c "%u %g" /mnt/file'
	equal '1005 3001'
}

@test "config.md Mounts uidMappings: ids outside of the ranges are nobody's" {
	chown 30000:30000 "$DATA/file"
	run -0 box "$(bind /mnt "$M1" bind idmap)" 'stat -c "%u %g" /mnt/file'
	equal '65534 65534'
}

@test "config.md Mounts: idmap holds for the top only, ridmap for all below" {
	tree
	run -0 box "$(bind /mnt "$M1" rbind idmap)" 'stat -c %u /mnt/file /mnt/sub/file'
	equal $'6000\n1000'
	run -0 box "$(bind /mnt "$M1" rbind ridmap)" 'stat -c %u /mnt/file /mnt/sub/file'
	equal $'6000\n6000'
}

@test "config.md Mounts uidMappings: with a user namespace, in its ids" {
	local user

	user='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings | '
	run -0 box "$user $(bind /mnt '{"uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}], "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]}' bind idmap)" \
		'stat -c "%u %g" /mnt/file'
	equal '1000 1000'
}

@test "idmap without mappings takes those of the container's user namespace" {
	run -0 box ".linux.namespaces += [{\"type\": \"user\"}] | .linux.uidMappings = [{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}]
		| .linux.gidMappings = .linux.uidMappings | $(bind /mnt {} bind idmap)" 'stat -c "%u %g" /mnt/file'
	equal '1000 1000'
}

@test "idmap without mappings and without a user namespace is an error" {
	refused_box '.' "$(bind /mnt {} bind idmap)"
}

@test "config.md Mounts: only one of uidMappings and gidMappings is an error" {
	refused_box '.' "$(bind /mnt '{"uidMappings": [{"containerID": 0, "hostID": 5000, "size": 10}]}' bind idmap)"
}

@test "config.md Mounts uidMappings: into a joined user namespace" {
	local pid

	unshare --user sleep 1000 3>&- &
	pid=$!
	wait_until 10 eval '[ "$(readlink /proc/$pid/ns/user)" != "$(readlink /proc/self/ns/user)" ]'
	echo '0 100000 65536' >"/proc/$pid/uid_map"
	echo '0 100000 65536' >"/proc/$pid/gid_map"
	run box ".linux.namespaces += [{\"type\": \"user\", \"path\": \"/proc/$pid/ns/user\"}] |
		$(bind /mnt '{"uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}], "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]}' bind idmap)" \
		'id -u; stat -c "%u %g" /mnt/file'
	kill $pid
	wait $pid || :
	equal $'0\n1000 1000'
}

# ---- the root

@test "config-linux.md rootfsPropagation: of the root inside" {
	local mode want
	declare -A want=([private]='^ *-' [shared]='shared:' [slave]='-' [unbindable]='unbindable' [rprivate]='^ *-' [rshared]='shared:' [rslave]='-')

	for mode in "${!want[@]}"; do
		run -0 box ".linux.rootfsPropagation = \"$mode\"" "awk '\$5 == \"/\" { for (i = 7; \$i != \"-\"; i++) printf \"%s \", \$i; print \"-\" }' /proc/self/mountinfo | tail -n 1"
		echo "$mode: $output"
		like "${want[$mode]}"
	done
}

@test "config-linux.md rootfsPropagation: an unknown one is an error" {
	refused_box 'propagation' '.linux.rootfsPropagation = "nosuch"'
}

# ---- masked and read-only paths

@test "config-linux.md maskedPaths: files are empty, directories too, what is not there is no error" {
	bundle c '.linux.maskedPaths += ["/etc/issue", "/var", "/no/such/path", "/proc/version"]'
	script c 'cat /etc/issue /proc/version; ls /var; cat /proc/kcore | wc -c; echo x >/var/x || echo no'
	run -0 launch run
	like '^no$'

	refute_output 'small image'
	refute_output Linux
	refute_output www
}

@test "config-linux.md maskedPaths: must be absolute" {
	jail_only "others take them as if they began with a slash, or ignore them"
	refused_box 'absolute|masked' '.linux.maskedPaths = ["etc"]'
	refused_box 'absolute|readonly' '.linux.readonlyPaths = ["etc"]'
}

@test "config-linux.md maskedPaths: one that is a symlink masks what the container sees there" {
	bundle c '.linux.maskedPaths += ["/link"]'
	ln -s /etc/issue "$(rootfs)/link"
	script c 'cat /etc/issue'
	run launch run
	refute_output 'small image'
	[ -s /etc/hostname ]
}

@test "config-linux.md readonlyPaths: can be read, not written; flags of the mount stay" {
	bundle c '.linux.readonlyPaths += ["/etc", "/dev/shm", "/no/such/path"]' '.root.readonly = false'
	script c 'cat /etc/issue; echo x >/etc/x || echo no; echo x >/dev/shm/x || echo no; echo 1 >/proc/sys/kernel/panic || echo no
		grep " /dev/shm " /proc/self/mountinfo | tail -n 1'
	run -0 launch run
	like 'small image'
	equal 3 "$(grep -c '^no$' <<<"$output")"
	like '/dev/shm ro,nosuid,nodev,noexec'
}

@test "masked and read-only paths are there for exec" {
	live .
	run oci exec c sh -c 'cat /proc/keys | wc -c; echo 1 >/proc/sysrq-trigger || echo no'
	like '^0$'
	like '^no$'
}
