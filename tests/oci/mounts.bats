# SPDX-License-Identifier: GPL-2.0-or-later
# config.md, Mounts: file systems, binds, and where they go.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
setup() { DATA=$BATS_TEST_TMPDIR/data; export DATA; mkdir "$DATA"; echo content >"$DATA/file"; }
teardown() { oci_teardown; }

# mnt DESTINATION TYPE SOURCE OPTION...: the filter that adds a mount.
mnt() {
	jq -nr --arg d "$1" --arg t "$2" --arg s "$3" '.destination = $d | if $t == "" then . else .type = $t end | .source = $s
		| .options = $ARGS.positional | tojson | ".mounts += [\(.)]"' --args "${@:4}"
}
# bind DESTINATION [OPTION...]: of $DATA.
bind() {
	mnt "$1" bind "$DATA" "${@:2}"
}
# options PATH: the shell's commands that print the options of the mount there.
options() {
	echo "awk '\$5 == \"$1\" { print \$6 }' /proc/self/mountinfo | tail -n 1"
}

@test "config.md Mounts: bind, with and without a type, of a directory and a file" {
	run -0 box "$(bind /mnt bind)" 'cat /mnt/file; echo new >/mnt/new; cat /mnt/new'
	equal $'content\nnew'
	[ -e "$DATA/new" ]
	run -0 box "$(mnt /mnt '' "$DATA" bind)" 'cat /mnt/file'
	equal content
	run -0 box "$(mnt /etc/issue bind "$DATA/file" bind)" 'cat /etc/issue'
	equal content
}

@test "config.md Mounts: a relative source starts at the bundle" {
	bundle c "$(mnt /mnt bind local bind)" '.process.args = ["cat", "/mnt/file"]'
	cp -r "$DATA" "$OCI_DIR/bundles/c/local"
	run -0 launch run
	equal content
}

@test "config.md Mounts: in the listed order" {
	run -0 box "$(bind /mnt bind) | $(mnt /mnt tmpfs tmpfs)" 'ls /mnt'
	equal ""
	mkdir "$DATA/sub"
	run -0 box "$(bind /mnt bind) | $(mnt /mnt/sub tmpfs tmpfs size=64k)" 'touch /mnt/sub/in; ls /mnt; ls /mnt/sub'
	equal $'file\nsub\nin'
	[ ! -e "$DATA/sub/in" ]
}

@test "config.md Mounts: rbind takes what is mounted below, bind does not" {
	mkdir "$DATA/sub"
	mount -t tmpfs tmpfs "$DATA/sub"
	touch "$DATA/sub/below"
	run box "$(bind /mnt rbind)" 'ls /mnt/sub'
	local with=$output
	run box "$(bind /mnt bind)" 'ls /mnt/sub'
	umount "$DATA/sub"
	equal below "$with"
	equal ""
}

@test "config.md Mounts: a relative destination is relative to /" {
	run -0 --separate-stderr box "$(bind srv bind)" 'cat /srv/file'
	equal content
}

@test "config.md Mounts: a destination that is cleaned, not followed out of the root" {
	run -0 box "$(bind /mnt/../../../../mnt bind) | .root.readonly = false" 'cat /mnt/file'
	equal content
	run -0 box "$(bind //srv/./ bind)" 'cat /srv/file'
	equal content
}

@test "mount targets that are missing are made: directories 0755, files for files" {
	run -0 box "$(bind /made/deep/dir bind) | $(mnt /made/file bind "$DATA/file" bind) | .root.readonly = false" \
		'stat -c %a /made /made/deep; cat /made/file; cat /made/deep/dir/file'
	equal $'755\n755\ncontent\ncontent'
}

@test "config.md Mounts: a source that isn't there is an error, also an empty one" {
	refused_box 'no such file|not exist|nosuch' "$(mnt /mnt bind /nosuch bind)"
	refused_box '.' "$(mnt /mnt bind '' bind)"
}

@test "config.md Mounts: a directory on a file, and a file on a directory, are errors" {
	refused_box '.' "$(bind /etc/passwd bind)"
	refused_box '.' "$(mnt /etc bind "$DATA/file" bind)"
}

@test "config.md Mounts: an unknown type or option is an error" {
	refused_box '.' "$(mnt /mnt nosuchfs none)"
	refused_box '.' "$(mnt /mnt tmpfs tmpfs nosuchoption)"
	refused_box '.' "$(mnt /mnt tmpfs tmpfs size=many)"
}

@test "mount targets that are symlinks resolve inside the root, also dangling ones" {
	bundle c "$(bind /link bind) | $(mnt /dangling/x tmpfs tmpfs) | $(mnt /up bind "$DATA/file" bind)" '.root.readonly = false'
	ln -s /srv "$(rootfs)/link"
	ln -s /not/there "$(rootfs)/dangling"
	ln -s ../../../../../../made "$(rootfs)/up"
	script c 'cat /srv/file; grep -c " /not/there/x " /proc/self/mountinfo; cat /made'
	run -0 launch run
	equal $'content\n1\ncontent'
	[ ! -e /made ] && [ ! -e /not ]
}

@test "mount targets whose symlinks lead to the host stay inside" {
	local outside=$BATS_TEST_TMPDIR/outside

	mkdir "$outside"
	bundle c "$(bind /evil/dir bind)" "$(mnt /evil/file bind "$DATA/file" bind)" '.root.readonly = false'
	ln -s "$outside" "$(rootfs)/evil"
	script c 'cat /evil/dir/file'
	run -0 launch run
	equal content
	equal "" "$(ls "$outside")"
}

@test "a /proc or /sys that is a symlink is refused" {
	local dir

	for dir in proc sys; do
		bundle c '.process.args = ["echo", "it ran"]' '.root.readonly = false'
		rmdir "$(rootfs)/$dir"
		ln -s /tmp "$(rootfs)/$dir"
		refused '.' launch run
		refute_output 'it ran'
		gone c
	done
}

@test "a bind mount onto /proc is refused, on files of lxcfs it is not" {
	refused_box 'proc' '.mounts |= map(if .destination == "/proc" then {"destination": "/proc", "type": "bind", "source": "/etc", "options": ["bind"]} else . end)'
	refused_box 'proc' "$(mnt /proc/sys bind "$DATA" bind)"
	refused_box 'proc' "$(mnt /proc/self/attr bind "$DATA" bind)"
	run -0 box "$(mnt /proc/meminfo bind "$DATA/file" bind)" 'cat /proc/meminfo'
	equal content
}

@test "a tmpfs on /proc is refused" {
	refused_box 'proc' '.mounts |= map(if .destination == "/proc" then .type = "tmpfs" else . end)'
}

@test "config.md Mounts: the default ones, their types and options" {
	run -0 box . "awk '{ for (i = 7; \$i != \"-\"; i++); print \$5, \$(i + 1), \$6 }' /proc/self/mountinfo"
	like '^/proc proc rw'
	like '^/dev tmpfs rw,nosuid'
	like '^/dev/pts devpts rw,nosuid,noexec'
	like '^/dev/shm tmpfs rw,nosuid,nodev,noexec'
	like '^/dev/mqueue mqueue rw,nosuid,nodev,noexec'
	like '^/sys sysfs ro,nosuid,nodev,noexec'
	like '^/sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec'
}

@test "proc is that of the pid namespace, sysfs that of the network" {
	run -0 box . 'ls -d /proc/[0-9]* | head -n 1; ls /sys/class/net'
	equal $'/proc/1\nlo'
}

@test "sysfs without a network namespace is the host's, read-only" {
	run -0 box '.linux.namespaces |= map(select(.type != "network"))' 'ls -d /sys/class/net/lo; touch /sys/x || :'
	like '^/sys/class/net/lo$'
	like '[Rr]ead-only'
}

@test "cgroup: the container's group is the root of what it sees" {
	run -0 box . 'cat /proc/self/cgroup | grep ^0:; test -e /sys/fs/cgroup/cgroup.procs && cat /sys/fs/cgroup/cgroup.procs'
	like '^0::/$'
	like '^1$'
	run -0 box '.mounts |= map(if .type == "cgroup" then .type = "cgroup2" else . end)' 'cat /sys/fs/cgroup/cgroup.procs'
	like '^1$'
}

@test "cgroup: rw when it is asked for; without a cgroup namespace it is there too" {
	run -0 box '.mounts |= map(if .type == "cgroup" then .options = ["rw", "nosuid"] else . end)' 'mkdir /sys/fs/cgroup/sub && ls -d /sys/fs/cgroup/sub && rmdir /sys/fs/cgroup/sub'
	equal /sys/fs/cgroup/sub
	run -0 box '.linux.namespaces |= map(select(.type != "cgroup"))' 'awk "\$5 == \"/sys/fs/cgroup\"" /proc/self/mountinfo'
	like ' cgroup2 '
	like ' ro,nosuid,nodev,noexec'
}

@test "tmpfs: size, mode, uid, gid and the owner without them" {
	run -0 box "$(mnt /mnt tmpfs tmpfs size=64k mode=700 uid=33 gid=34)" 'stat -c "%a %u %g" /mnt; df -k /mnt | tail -n 1'
	like '^700 33 34$'
	like ' 64 '
}

@test "tmpfs takes the mode of the directory that it covers, mode= wins" {
	bundle c "$(mnt /covered tmpfs tmpfs) | $(mnt /given tmpfs tmpfs mode=711) | $(mnt /tmp tmpfs tmpfs)"
	mkdir -m 751 "$(rootfs)/covered" "$(rootfs)/given"
	script c 'stat -c %a /covered /given /tmp'
	run -0 launch run
	equal $'751\n711\n1777'
}

@test "tmpcopyup: a tmpfs starts with what it covers, owners and modes kept" {
	bundle c "$(mnt /full tmpfs tmpfs tmpcopyup)"
	mkdir -p "$(rootfs)/full/sub"
	echo text >"$(rootfs)/full/sub/file"
	ln -s sub "$(rootfs)/full/link"
	chown 33:34 "$(rootfs)/full/sub/file"
	chmod 604 "$(rootfs)/full/sub/file"
	chmod 750 "$(rootfs)/full"
	script c 'cat /full/sub/file; stat -c "%a %u %g" /full/sub/file; readlink /full/link; stat -c %a /full; echo more >/full/more'
	run -0 launch run
	equal $'text\n604 33 34\nsub\n750'
	[ ! -e "$(rootfs)/full/more" ]
}

@test "config.md Mounts: bind flags set and clear" {
	local option

	for option in ro nosuid nodev noexec noatime nodiratime nosymfollow; do
		run -0 box "$(bind /mnt bind $option)" "$(options /mnt)"
		like "(^|,)$option(,|$)"
	done
	run -0 box "$(bind /mnt bind ro rw)" 'echo x >/mnt/x && echo written'
	equal written
	run -0 box "$(bind /mnt bind ro)" 'echo x >/mnt/x || echo refused'
	like 'refused'
	[ ! -e "$DATA/x" ] || equal x "$(cat "$DATA/x")"
}

@test "bind flags: the source's own stay when none is mentioned, and go when they are cleared" {
	mount -t tmpfs -o nosuid,nodev,noexec,noatime tmpfs "$DATA"
	run box "$(bind /mnt bind)" "$(options /mnt)"
	local kept=$output
	run box "$(bind /mnt bind suid exec)" "$(options /mnt)"
	local cleared=$output
	umount "$DATA"
	output=$kept
	like 'nosuid,nodev,noexec,noatime'
	output=$cleared
	refute_output nosuid
	refute_output noexec
}

@test "bind flags: an atime mode clears the whole mask" {
	mount -t tmpfs -o noatime tmpfs "$DATA"
	run box "$(bind /mnt bind strictatime)" "$(options /mnt)"
	local strict=$output
	run box "$(bind /mnt bind relatime)" "$(options /mnt)"
	local relative=$output
	umount "$DATA"
	output=$strict
	refute_output noatime
	refute_output relatime
	output=$relative
	refute_output noatime
	like relatime
}

@test "config.md Mounts: propagation of a mount" {
	local option root want
	declare -A want=([private]='^ *-' [rprivate]='^ *-' [shared]='shared:' [rshared]='shared:' [unbindable]='unbindable' [runbindable]='unbindable')

	for option in "${!want[@]}"; do
		# As engines do, so that the root's own default does not decide.
		[[ $option == *shared ]] && root='.linux.rootfsPropagation = "shared"' || root=.
		run -0 box "$root | $(bind /mnt rbind "$option")" "awk '\$5 == \"/mnt\" { for (i = 7; \$i != \"-\"; i++) printf \"%s \", \$i; print \"-\" }' /proc/self/mountinfo"
		echo "$option: $output"
		like "${want[$option]}"
	done
}

@test "config.md Mounts: slave, what the host mounts later arrives" {
	mount --bind "$DATA" "$DATA"
	mount --make-shared "$DATA"
	mkdir "$DATA/later"
	live ".linux.rootfsPropagation = \"rslave\" | $(bind /mnt rbind rslave)"
	mount -t tmpfs tmpfs "$DATA/later"
	touch "$DATA/later/came"
	run oci exec c ls /mnt/later
	umount "$DATA/later"
	umount "$DATA"
	equal came
}

@test "config.md Mounts: nothing that the container mounts comes to the host" {
	local before after

	before=$(sort /proc/self/mountinfo | wc -l)
	live "$(bind /mnt rbind) | .process.capabilities |= map_values(. + [\"CAP_SYS_ADMIN\"])"
	oci exec c mount -t tmpfs tmpfs /mnt
	after=$(sort /proc/self/mountinfo | wc -l)
	equal "$before" "$after"
}

@test "root.readonly: the root can't be written, mounts can; a file system of its own below stays" {
	run box '.root.readonly = true' 'echo x >/etc/x'
	[ "$status" -ne 0 ]
	like '[Rr]ead-only'
	run -0 box '.root.readonly = true' 'echo x >/dev/shm/x && echo written'
	equal written
	run -0 box '.root.readonly = false' 'echo x >/etc/x && echo written'
	equal written
	equal x "$(cat "$(rootfs)/etc/x")"
}

@test "config.md Root path: absolute, relative to the bundle; must be a directory that is there" {
	bundle c ".root.path = \"$OCI_DIR/bundles/c/rootfs\"" '.process.args = ["hostname"]'
	run -0 launch run
	equal box
	refused_box '.' '.root.path = "nosuch"'
	refused_box '.' '.root.path = "config.json"'
	refused_box '.' 'del(.root)'
}

@test "a root that is a mount of its own, and one whose parents are shared" {
	bundle c '.process.args = ["hostname"]'
	mount --bind "$(rootfs)" "$(rootfs)"
	mount --make-rshared "$(rootfs)"
	try launch run
	local own=$output
	umount "$(rootfs)"
	equal box "$own"
}

@test "--no-pivot: the root is still all that it sees" {
	bundle c
	script c 'ls /; hostname; cd /..; ls -d bin; cat /proc/self/mountinfo | wc -l'
	run -0 launch run --no-pivot
	like '^box$'
	refute_output work
	gone c
}
