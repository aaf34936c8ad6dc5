# SPDX-License-Identifier: GPL-2.0-or-later
# exec: one more process in a container. The specification has no such operation; this is runc's, as engines use it.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

@test "exec: output, input, exit status" {
	live .
	run -0 --separate-stderr oci exec c sh -c 'cat; echo out; echo err >&2' <<<input
	equal $'input\nout'
	[[ $stderr == err* ]]
	run -0 oci exec c true
	run -7 oci exec c sh -c 'exit 7'
	run -137 oci exec c sh -c 'kill -KILL $$'
	run -143 oci exec c sh -c 'kill -TERM $$'
}

@test "exec: a container that is not running is an error, 255" {
	run -255 oci exec nobody true
	live . true
	wait_stopped c
	run -255 oci exec c true
}

@test "exec: into a created container" {
	bundle c
	create c
	run -0 oci exec c hostname
	equal box
	state_is c created
}

@test "exec: set-up errors give 255 and say why" {
	live .
	run -255 oci exec c /no/such/program
	like 'no such file|not found|No such file'
	run -255 oci exec c nosuch
	run -255 oci exec --cwd /etc/passwd c true
	run -255 oci exec c
	run -255 oci exec --process /no/such/file c
	state_is c running
}

@test "exec: all namespaces, the cgroup and the root are the container's" {
	local pid name

	live .
	pid=$(pid_in c)
	oci exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" c sleep 1000 </dev/null >/dev/null 2>&1
	for name in cgroup ipc mnt net pid uts; do
		equal "$(readlink "/proc/$pid/ns/$name")" "$(readlink "/proc/$(cat "$BATS_TEST_TMPDIR/pid")/ns/$name")"
	done
	equal "$(cat "/proc/$pid/cgroup")" "$(cat "/proc/$(cat "$BATS_TEST_TMPDIR/pid")/cgroup")"
	equal "$(stat -c %d:%i "/proc/$pid/root/")" "$(stat -c %d:%i "/proc/$(cat "$BATS_TEST_TMPDIR/pid")/root/")"
}

@test "exec inherits: user, groups, cwd, environment" {
	live '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [33]} | .process.cwd = "/var/www"
		| .process.env += ["A=1"]'
	run -0 oci exec c sh -c 'id -u; id -G; pwd; echo $A; echo $HOME'
	equal $'1000\n1001 33\n/var/www\n1\n/home'
}

@test "exec inherits: umask" {
	live '.process.user.umask = 7'
	run -0 oci exec c sh -c umask
	equal 0007
}

@test "exec inherits: capabilities, noNewPrivileges, rlimits, oomScoreAdj" {
	local what='grep -E "^(Cap...|NoNewPrivs)" /proc/self/status; grep -E "open files|stack" /proc/self/limits; cat /proc/self/oom_score_adj'
	live '.process.capabilities |= map_values(["CAP_CHOWN"]) | .process.oomScoreAdj = 123
		| .process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]'
	run -0 oci exec c sh -c "$what"
	like '^CapEff:	0000000000000001$'
	like '^CapBnd:	0000000000000001$'
	like '^NoNewPrivs:	1$'
	like '^Max open files +100 +200'
	like '^123$'
}

@test "exec inherits: ioPriority, scheduler" {
	live '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6} | .process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}'
	run -0 oci exec c ionice
	like 'best-effort: prio 6'
	run -0 oci exec c probe sched
	like '^3 nice 5 '
}

@test "exec inherits: personality" {
	live '.linux.personality = {"domain": "LINUX32"}'
	run -0 oci exec c uname -m
	equal i686
}

@test "exec inherits: memoryPolicy" {
	jail_only "specification 1.3"
	live '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0"}'
	run -0 oci exec c probe mempolicy
	equal '2 1'
}

@test "exec inherits: seccomp" {
	live '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]}'
	run -0 oci exec c probe syscall 309 0 0 0
	equal 'errno 99'
}

@test "exec inherits: the time namespace" {
	[ -e /proc/self/ns/time ] || skip "no time namespaces"
	live '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 1000000, "nanosecs": 0}}'
	run -0 oci exec c cat /proc/uptime
	[ "${output%%.*}" -ge 1000000 ]
}

@test "exec inherits: the user namespace and its ids" {
	live '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	run -0 oci exec c sh -c 'id -u; cat /proc/self/uid_map'
	like '^0$'
	like '0 +100000 +65536'
}

@test "exec --user, --additional-gids" {
	live .
	run -0 oci exec --user 1000 c sh -c 'id -u; id -g'
	equal $'1000\n0'
	run -0 oci exec --user 1000:1001 c sh -c 'id -u; id -g'
	equal $'1000\n1001'
	run -0 oci exec -u 1000:1001 --additional-gids 4 --additional-gids 44 c id -G
	equal '1001 4 44'
	run -255 oci exec --user nobody c true
}

@test "exec --cwd, --env" {
	live '.process.env += ["A=1", "B=b"]'
	run -0 oci exec --cwd /var/www c pwd
	equal /var/www
	run -0 oci exec --env A=2 --env C='two words' c sh -c 'echo "$A $B $C"'
	equal '2 b two words'
	run -0 oci exec -e HOME=/given c sh -c 'echo $HOME'
	equal /given
	run -0 oci exec --user 1000 c sh -c 'echo $HOME'
	equal /home
}

@test "exec --cap adds to the container's" {
	live '.process.capabilities |= map_values(["CAP_KILL"])'
	run -0 oci exec --cap CAP_CHOWN c sed -n 's/^CapEff:.//p' /proc/self/status
	equal 0000000000000021
	run -0 oci exec c sed -n 's/^CapEff:.//p' /proc/self/status
	equal 0000000000000020
}

@test "exec --no-new-privs" {
	live '.process.noNewPrivileges = false'
	run -0 oci exec c sed -n 's/^NoNewPrivs:.//p' /proc/self/status
	equal 0
	run -0 oci exec --no-new-privs c sed -n 's/^NoNewPrivs:.//p' /proc/self/status
	equal 1
}

@test "exec --process: the file says it all" {
	live '.process.capabilities |= map_values(["CAP_KILL"])'
	jq '.process | .args = ["sh", "-c", "id -u; pwd; echo $A; grep -E \"^(CapBnd|NoNewPrivs)\" /proc/self/status; grep files /proc/self/limits"]
		| .user = {"uid": 33, "gid": 33} | .cwd = "/etc" | .env = ["PATH=/bin", "A=b"] | .noNewPrivileges = false
		| .capabilities = {"bounding": ["CAP_CHOWN"]} | .rlimits = [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}]' \
		"$OCI_DIR/config.json" >"$BATS_TEST_TMPDIR/process.json"
	run -0 oci exec --process "$BATS_TEST_TMPDIR/process.json" c
	like '^33$'
	like '^/etc$'
	like '^b$'
	like '^CapBnd:	0000000000000001$'
	like '^NoNewPrivs:	0$'
	like '^Max open files +50 +60'
}

@test "exec --process: what is no process is an error" {
	local text

	live .
	for text in '{' '[]' '{"args": "true", "cwd": "/"}' '{"args": [], "cwd": "/"}' '{}'; do
		echo "$text" >"$BATS_TEST_TMPDIR/process.json"
		run -255 oci exec --process "$BATS_TEST_TMPDIR/process.json" c
	done
	state_is c running
}

@test "exec --detach: returns at once, the process goes on" {
	live .
	oci exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" c sh -c 'echo up >/dev/shm/up; exec sleep 1000' </dev/null >/dev/null 2>&1
	wait_until 30 test -e "/proc/$(pid_in c)/root/dev/shm/up"
	[ "$(stat -c %u "/proc/$(cat "$BATS_TEST_TMPDIR/pid")")" -eq 0 ]
	run -0 grep NSpid "/proc/$(cat "$BATS_TEST_TMPDIR/pid")/status"
	oci kill c KILL
	wait_stopped c
	# They go with the first of their pid namespace.
	wait_until 30 test ! -e "/proc/$(cat "$BATS_TEST_TMPDIR/pid")"
}

@test "exec --preserve-fds" {
	live .
	echo three >"$BATS_TEST_TMPDIR/3"
	run -0 timeout 60 "$OCI_RUNTIME" --root "$OCI_DIR/root" exec --preserve-fds 1 c sh -c 'cat <&3; probe fds' 3<"$BATS_TEST_TMPDIR/3" 4</etc/passwd
	like '^three$'
	refute_output passwd
}

@test "exec: into a paused container is refused; --ignore-paused waits for the resume" {
	local pid

	live .
	oci pause c
	state_is c paused
	run -255 oci exec c true
	like 'paused'
	oci exec --ignore-paused c echo came >"$BATS_TEST_TMPDIR/out" 2>&1 &
	pid=$!
	oci resume c
	wait $pid
	equal came "$(cat "$BATS_TEST_TMPDIR/out")"
}

@test "exec --tty: the process has a terminal" {
	live .
	run -0 /usr/bin/script --quiet --return --command "\"$OCI_RUNTIME\" --root \"$OCI_DIR/root\" exec --tty c sh -c 'test -t 0 && test -t 1 && tty'" /dev/null
	like '/dev/(pts/[0-9]+|console)'
}

@test "exec: its end does not end the container, and the container's ends it" {
	local pid status=0

	live .
	oci exec c sleep 1000 &
	pid=$!
	wait_until 30 eval '[ "$(oci ps --format json c | jq length)" -gt 1 ]'
	oci kill c KILL
	wait $pid || status=$?
	equal 137 $status
}

@test "exec --cgroup: a group below the container's" {
	live .
	mkdir "$CGROUPS/c/below"
	run -0 oci exec --cgroup /below c cat /proc/self/cgroup
	like '/below$'
	run -255 oci exec --cgroup /nosuch c true
	run -255 oci exec --cgroup ../.. c true
}

@test "exec: many at once" {
	local pids=() n status

	live .
	for n in 1 2 3 4 5 6 7 8; do
		oci exec c sh -c "exit $n" &
		pids+=($!)
	done
	for n in 1 2 3 4 5 6 7 8; do
		status=0
		wait "${pids[n - 1]}" || status=$?
		equal $n $status
	done
}
