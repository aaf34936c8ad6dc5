# SPDX-License-Identifier: GPL-2.0-or-later
# config.md, Process: what the user's program starts with, but for its privileges and its terminal.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

@test "config.md Process args: each is passed as it is" {
	bundle c '.process.args = ["probe", "args", "", "two words", "$HOME", "*", "line\nfeed", "ä"]'
	run -0 launch run
	equal $'[probe][args][][two words][$HOME][*][line\nfeed][ä]'
}

@test "config.md Process args: a name without a slash is looked for in the container's PATH" {
	bundle c '.process.env = ["PATH=/nowhere:/opt/bin"]' '.process.args = ["found"]'
	mkdir -p "$(rootfs)/opt/bin"
	printf '#!/bin/sh\necho found it\n' >"$(rootfs)/opt/bin/found"
	chmod 755 "$(rootfs)/opt/bin/found"
	run -0 launch run
	equal "found it"
}

@test "config.md Process args: a relative name with a slash starts at cwd" {
	bundle c '.process.cwd = "/bin"' '.process.args = ["./echo", "hi"]'
	run -0 launch run
	equal hi
}

@test "config.md Process args: none, an empty list, an empty name, are errors" {
	local filter
	for filter in 'del(.process.args)' '.process.args = []' '.process.args = [""]'; do
		bundle c "$filter"
		refused '.' launch run
		gone c
	done
}

@test "config.md Process args: a program that isn't there is an error of create or start" {
	bundle c '.process.args = ["/no/such/program"]'
	refused 'no such file|not found|does not exist' launch run
	gone c
	bundle c '.process.args = ["nosuch"]'
	refused 'no such file|not found|does not exist' launch run
	gone c
	bundle c '.process.args = ["/etc/passwd"]'
	refused 'permission denied' launch run
	gone c
}

@test "config.md Process cwd: it is where the program starts" {
	bundle c '.process.cwd = "/var/www"' '.process.args = ["pwd"]'
	run -0 launch run
	equal /var/www
}

@test "config.md Process cwd: must be absolute" {
	refused_box 'cwd|absolute' '.process.cwd = "var"'
	refused_box 'cwd|absolute' '.process.cwd = ""'
	refused_box 'cwd|absolute' 'del(.process.cwd)'
}

@test "cwd that is not there is made, 0755 and root's" {
	run -0 box '.process.cwd = "/made/deep" | .root.readonly = false' 'pwd; stat -c "%a %u" . ..'
	equal $'/made/deep\n755 0\n755 0'
}

@test "cwd that is no directory is an error" {
	refused_box '.' '.process.cwd = "/etc/passwd"'
}

@test "cwd that only the container's user may enter, and one that only root may" {
	bundle c '.process.cwd = "/home/private"' '.process.user = {"uid": 1000, "gid": 1000}' '.process.args = ["pwd"]'
	mkdir -m 700 "$(rootfs)/home/private"
	chown 1000:1000 "$(rootfs)/home/private"
	run -0 launch run
	equal /home/private
	bundle c '.process.cwd = "/root"' '.process.user = {"uid": 1000, "gid": 1000}' '.process.args = ["pwd"]' \
		'.process.capabilities = {}'
	run -0 launch run
	equal /root
}

@test "CVE-2024-21626: a cwd that is a descriptor of the host is refused" {
	local n
	for n in 3 5 7 8 9; do
		run box ".process.cwd = \"/proc/self/fd/$n\" | .root.readonly = false" 'cat ../../../etc/hostname; ls -d ../../../work; pwd'
		refute_output "$(cat /etc/hostname)"
		refute_output /work
	done
}

@test "config.md Process env: those and no others of the runtime's" {
	OUTER=1 run -0 box '.process.env = ["PATH=/bin", "A=1", "B=two words", "C=", "D=x=y", "HOME=/h"]' 'env | grep -v -e ^PWD= -e ^SHLVL= | sort'
	equal $'A=1\nB=two words\nC=\nD=x=y\nHOME=/h\nPATH=/bin'
}

@test "env: of duplicates the last wins" {
	bundle c '.process.env = ["PATH=/bin", "A=1", "B=b", "A=2", "A=3"]' '.process.args = ["env"]'
	run -0 launch run
	equal 1 "$(grep -c ^A= <<<"$output")"
	like '^A=3$'
}

@test "env: PATH of duplicates is also the one that is searched" {
	run -0 box '.process.env = ["PATH=/nowhere", "PATH=/bin"]' 'echo found'
	equal found
}

@test "env: HOME from the container's passwd when unset or empty, / for an unknown user" {
	run -0 box '.process.user = {"uid": 1000, "gid": 1000}' 'echo $HOME'
	equal /home
	run -0 box '.process.user = {"uid": 33, "gid": 33} | .process.env += ["HOME="]' 'echo $HOME'
	equal /var/www
	run -0 box '.process.user = {"uid": 4242, "gid": 0}' 'echo $HOME'
	equal /
	run -0 box . 'echo $HOME'
	equal /root
	run -0 box '.process.user = {"uid": 1000, "gid": 1000} | .process.env += ["HOME=/given"]' 'echo $HOME'
	equal /given
}

@test "env: HOME with a passwd that is missing, broken, or a link to the host's" {
	local user='.process.user = {"uid": 1000, "gid": 1000} | .process.args = ["sh", "-c", "echo $HOME"]'
	bundle c "$user"
	rm "$(rootfs)/etc/passwd"
	run -0 --separate-stderr launch run
	equal /
	bundle c "$user"
	printf 'broken\n::::\nx:y:1000:1000::/fine:/bin/sh\n' >"$(rootfs)/etc/passwd"
	run -0 --separate-stderr launch run
	equal /fine
	echo 'user:x:1000:1000::/of-the-host:/bin/sh' >"$OCI_DIR/passwd"
	bundle c "$user"
	ln -sf "$OCI_DIR/passwd" "$(rootfs)/etc/passwd"
	run -0 --separate-stderr launch run
	equal /
}

@test "config.md User: uid, gid, additionalGids, and no others" {
	run -0 box '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [4, 33]}' 'id -u; id -g; id -G; grep -E "^(Uid|Gid)" /proc/self/status'
	equal $'1000\n1001\n1001 4 33\nUid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001'
	run -0 box '.process.user = {"uid": 5, "gid": 6}' 'id -u; id -G; grep Groups /proc/self/status'
	like '^5$'
	equal 6 "$(sed -n 2p <<<"$output")"
}

@test "config.md User: ids are uint32" {
	# runc takes those of an int32 only.
	run -0 box '.process.user = {"uid": 3000000000, "gid": 3000000001}' 'id -u; id -g'
	equal $'3000000000\n3000000001'
}

@test "config.md User: what is no id is an error" {
	refused_box '.' '.process.user.uid = -1'
	refused_box '.' '.process.user.uid = 4294967296'
	refused_box '.' '.process.user.gid = "0"'
	refused_box '.' '.process.user.uid = 4294967295'
}

@test "config.md User umask: the given one, 0022 without" {
	run -0 box '.process.user.umask = 63' umask
	equal 0077
	run -0 box '.process.user.umask = 0' umask
	equal 0000
	umask 0007
	run -0 box . umask
	equal 0022
}

@test "the program's stdin, stdout and stderr belong to its user where they are a pipe" {
	bundle c '.process.user = {"uid": 1000, "gid": 1000}'
	script c 'echo out >/proc/self/fd/1; echo err >/proc/self/fd/2'
	run -0 bash -c 'timeout 60 "$OCI_RUNTIME" --root "$OCI_DIR/root" run --bundle "$OCI_DIR/bundles/c" c 2>&1 | cat'
	assert_output out
	assert_output err
}

@test "/dev/null as stdio keeps its owner" {
	local before

	before=$(stat -c '%u %g %a' /dev/null)
	bundle c '.process.user = {"uid": 1000, "gid": 1000}' '.process.args = ["true"]'
	oci run --bundle "$OCI_DIR/bundles/c" c </dev/null >/dev/null 2>/dev/null
	equal "$before" "$(stat -c '%u %g %a' /dev/null)"
}

@test "the program inherits no descriptor, no blocked and no ignored signal" {
	bundle c '.process.args = ["probe", "fds"]'
	exec 7</etc/passwd
	run -0 launch run
	exec 7<&-
	equal ""
	bundle c '.process.args = ["probe", "signals"]'
	run -0 launch run
	equal $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000'
	(trap '' PIPE; launch run >"$BATS_TEST_TMPDIR/signals")
	run -0 cat "$BATS_TEST_TMPDIR/signals"
	like 'SigIgn:	0000000000000000'
}

@test "--preserve-fds: these arrive, on the same numbers, and no more" {
	bundle c
	script c 'probe fds; cat <&3; cat <&4'
	echo three >"$BATS_TEST_TMPDIR/3"
	echo four >"$BATS_TEST_TMPDIR/4"
	run -0 timeout 60 "$OCI_RUNTIME" --root "$OCI_DIR/root" run --bundle "$OCI_DIR/bundles/c" --preserve-fds 2 c \
		3<"$BATS_TEST_TMPDIR/3" 4<"$BATS_TEST_TMPDIR/4" 5</etc/passwd
	like '^3:.*/3$'
	like '^4:.*/4$'
	refute_output passwd
	like '^three$'
	like '^four$'
}

@test "--preserve-fds: an fd that is not open is an error" {
	bundle c '.process.args = ["true"]'
	run ! timeout 60 "$OCI_RUNTIME" --root "$OCI_DIR/root" run --bundle "$OCI_DIR/bundles/c" --preserve-fds 5 c 3<&- 4<&- 5<&- 6<&- 7<&-
	gone c
}

@test "LISTEN_FDS: sockets of systemd's activation are passed on" {
	bundle c '.process.args = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3"]'
	echo passed >"$BATS_TEST_TMPDIR/3"
	run -0 timeout 60 bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$OCI_RUNTIME" --root "$OCI_DIR/root" run --bundle "$OCI_DIR/bundles/c" c 3<"$1"' - "$BATS_TEST_TMPDIR/3"
	equal $'1 1\npassed'
}

@test "the first process is pid 1 of the new pid namespace, its session's leader" {
	run -0 box . 'echo $$; cut -d" " -f6 /proc/self/stat'
	equal $'1\n1'
}

@test "config.md Process terminal false: stdin, stdout, stderr are the runtime's" {
	bundle c
	script c 'cat; echo out; echo err >&2'
	run -0 --separate-stderr launch run <<<input
	equal $'input\nout'
	equal err "$stderr"
}

@test "--pid-file: the pid without a line feed, relative to the caller's directory" {
	bundle c
	cd "$BATS_TEST_TMPDIR"
	create c --pid-file some.pid
	equal "$(pid_in c)" "$(cat some.pid)"
	equal "$(pid_in c | tr -d '\n' | wc -c)" "$(wc -c <some.pid)"
	oci start c
	oci exec --detach --pid-file exec.pid c sleep 1000 </dev/null >/dev/null 2>&1
	[ -e "/proc/$(cat exec.pid)" ]
	wait_until 30 comm_is "$(cat exec.pid)" sleep
}

@test "--pid-file that can't be written is an error, and nothing runs" {
	bundle c
	refused '.' launch create --pid-file /no/such/dir/pid
	gone c
}
