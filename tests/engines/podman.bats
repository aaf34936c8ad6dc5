# SPDX-License-Identifier: GPL-2.0-or-later
# Podman and Buildah with this runtime: what needs no cgroup controller, with the cgroupfs manager.

load ../lib/common
load ../lib/system
load lib

setup_file() {
	# Before the package lists are out of sight.
	JAIL_TEST_DEBIAN_SYSTEMD=$("$TOP/tests/lib/debian-tarball" systemd)
	export JAIL_TEST_DEBIAN_SYSTEMD
	engines_setup_file
	podman_setup
}
teardown_file() {
	podman rm --all --force --time 0 >/dev/null
	engines_teardown_file
}
teardown() {
	podman pod rm --all --force --time 0 >/dev/null
	podman rm --all --force --time 0 >/dev/null
	run -0 podman ps --all --quiet
	[ -z "$output" ]
}

# sleeper NAME OPTION...: a container that stays.
sleeper() {
	local name=$1

	shift
	podman run --detach --name "$name" "$@" busybox sleep 1000 >/dev/null
}
state() { podman inspect --format "{{.State.$2}}" "$1"; }
is() { [ "$(state "$1" Status)" = "$2" ]; }

@test "podman takes it for a runtime, by path and by name" {
	run -0 podman info --format '{{.Host.OCIRuntime.Path}} {{.Host.OCIRuntime.Version}}'
	assert_output "$OCI_RUNTIME"
	assert_output spec
	run -0 timeout "$JAIL_TIMEOUT" podman --runtime jail-oci run --rm busybox echo by name
	assert [ "$output" = 'by name' ]
}

@test "run: both outputs, the exit status, environment, directory, user, host name" {
	run -7 --separate-stderr podman run --rm --env A=b --workdir /tmp --user 1000:33 --hostname here busybox \
		sh -c 'echo "$A $PWD $(id -u):$(id -g) $(hostname) $HOME"; echo err >&2; exit 7'
	assert [ "$output" = 'b /tmp 1000:33 here /home' ]
	assert [ "$stderr" = err ]
	run -0 podman run --rm -i busybox tr a-z A-Z <<<'from stdin'
	assert [ "$output" = 'FROM STDIN' ]
	run -0 podman ps --all --quiet
	[ -z "$output" ]
}

@test "run: a signal is the exit status 128+n; PID 1 has what the spec says" {
	run -137 podman run --rm busybox sh -c 'sh -c "kill -9 \$PPID"; kill -9 1; sleep 1000 & kill -9 $!; wait $!; exit $?'
	run -0 podman run --rm --umask 0027 --oom-score-adj 500 --group-add 44 busybox \
		sh -c 'umask; cat /proc/self/oom_score_adj; id -G; grep NoNewPrivs /proc/self/status'
	assert [ "${lines[0]}" = 0027 ]
	assert [ "${lines[1]}" = 500 ]
	assert [ "${lines[2]}" = '0 44' ]
	assert [ "${lines[3]}" = $'NoNewPrivs:\t0' ]
}

@test "run: a program that is not there is 127, one that can't be executed 126, and the reason is shown" {
	run -127 podman run --rm busybox /no/such
	assert_output /no/such
	run -127 podman run --rm busybox no-such
	assert_output no-such
	run -126 podman run --rm busybox /etc/passwd
	assert_output ermission
	run -0 podman ps --all --quiet
	[ -z "$output" ]
}

@test "run -it: a terminal, its owner, its size, resizing, and the keys" {
	terminal podman --runtime "$OCI_RUNTIME" run --rm -it --user 1000 --name term busybox sh
}

@test "run -t without a terminal of ours" {
	run -0 podman run --rm -t busybox sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo all' </dev/null
	assert_output /dev/pts/0
	assert_output all
}

@test "exec: output, status, user, directory, environment, detached, a terminal, privileged" {
	sleeper box --env FROM=run
	run -3 --separate-stderr podman exec --user 33 --workdir /var --env A=b box sh -c 'echo "$(id -u) $PWD $A $FROM"; echo err >&2; exit 3'
	assert [ "$output" = '33 /var b run' ]
	assert [ "$stderr" = err ]
	run -127 podman exec box /no/such
	run -0 podman exec -i box cat <<<'through exec'
	assert [ "$output" = 'through exec' ]
	podman exec --detach box sh -c 'echo done >/tmp/detached'
	wait_until 30 podman exec box test -s /tmp/detached
	run -0 podman exec -t box tty </dev/null
	assert_output /dev/pts/
	run -0 podman exec box grep CapEff /proc/self/status
	local plain=$output
	run -0 podman exec --privileged box grep CapEff /proc/self/status
	assert [ "$output" != "$plain" ]
	# It is in the container's namespaces and in its cgroup.
	run -0 podman exec box sh -c 'for n in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$n; done'
	for namespace in cgroup ipc mnt net pid uts; do
		assert_output "$(readlink "/proc/$(state box Pid)/ns/$namespace")"
	done
	run -0 podman exec box grep ^0:: /proc/self/cgroup
	assert [ "$output" = 0::/ ]
}

@test "top and ps: the container's processes" {
	sleeper box
	podman exec --detach box sleep 2000
	wait_until 30 sh -c 'podman top box args | grep -q "sleep 2000"'
	run -0 podman top box user pid args
	assert_output 'sleep 1000'
	run -0 podman ps --format '{{.Names}} {{.Status}}'
	assert_output 'box Up'
}

@test "pause freezes all processes, exec into it is refused, unpause goes on" {
	sleeper box
	podman pause box
	is box paused
	grep -qx 'frozen 1' "$SANDBOX_ROOT"/libpod_parent/libpod-*/cgroup.events
	run ! podman exec box true
	podman unpause box
	is box running
	run -0 podman exec box echo goes on
	assert [ "$output" = 'goes on' ]
	podman pause box
	podman rm --force --time 0 box
}

@test "stop: the signal is given, and after the time SIGKILL" {
	podman run --detach --name good busybox sh -c 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
	wait_until 30 sh -c 'podman logs good | grep -q ready'
	podman stop --time 60 good
	assert [ "$(state good ExitCode)" = 5 ]
	run -0 podman logs good
	assert_output bye
	podman run --detach --name bad --stop-signal USR1 busybox sh -c 'trap "" TERM USR1; echo ready; while :; do sleep 0.1; done'
	wait_until 30 sh -c 'podman logs bad | grep -q ready'
	podman stop --time 1 bad
	assert [ "$(state bad ExitCode)" = 137 ]
	run ! podman kill bad
}

@test "kill: any signal, by name and number" {
	podman run --detach --name box busybox sh -c 'trap "echo usr1" USR1; trap "echo hup; exit 0" HUP; echo ready; while :; do sleep 0.1; done'
	wait_until 30 sh -c 'podman logs box | grep -q ready'
	podman kill --signal USR1 box
	wait_until 30 sh -c 'podman logs box | grep -q usr1'
	is box running
	podman kill --signal 1 box
	run -0 podman wait box
	assert [ "$output" = 0 ]
	sleeper hard
	podman kill hard
	run -0 podman wait hard
	assert [ "$output" = 137 ]
}

@test "logs: both streams, and --follow ends with the container" {
	podman run --name box busybox sh -c 'echo one; echo two >&2'
	run -0 --separate-stderr podman logs box
	assert [ "$output" = one ]
	assert [ "$stderr" = two ]
	podman run --detach --name long busybox sh -c 'for i in 1 2 3; do echo line $i; sleep 0.2; done' >/dev/null
	run -0 podman logs --follow long
	assert [ "${lines[2]}" = 'line 3' ]
}

has_started() { [ "$(podman exec "$1" grep -c start /tmp/starts)" = "$2" ]; }

@test "start, restart, rename, wait, attach, inspect" {
	podman create --name box -i busybox sh -c 'echo start >>/tmp/starts; wc -l </tmp/starts; cat' >/dev/null
	is box created
	podman start box
	wait_until 30 has_started box 1
	local pid
	pid=$(state box Pid)
	assert [ "$(readlink "/proc/$pid/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]
	podman restart --time 0 box
	assert [ "$(state box Pid)" != "$pid" ]
	wait_until 30 has_started box 2
	podman rename box other
	is other running
	podman stop --time 0 other
	run -0 podman start --attach other </dev/null
	assert [ "${lines[0]}" = 3 ]
	run -0 podman inspect --format '{{.OCIRuntime}} {{.State.Status}}' other
	assert_output "$OCI_RUNTIME exited"
}

@test "restart policy: on failure, as often as asked" {
	podman run --detach --name box --restart on-failure:2 busybox sh -c 'echo again; exit 1'
	wait_until 60 sh -c '[ "$(podman inspect --format "{{.RestartCount}} {{.State.Status}}" box)" = "2 exited" ]'
	run -0 podman logs box
	assert [ ${#lines[@]} = 3 ]
}

@test "events tell the whole life" {
	sleeper box
	podman exec box true
	podman pause box
	podman unpause box
	podman rm --force --time 0 box
	run -0 podman events --stream=false --filter container=box --format '{{.Status}}'
	for event in create start exec pause unpause died remove; do
		assert grep -qx "$event" <<<"$output"
	done
}

@test "a pod: shared network, IPC and host name; not the process IDs; it stops and goes as one" {
	podman pod create --name pod --share-parent=false --hostname podhost >/dev/null
	podman run --detach --pod pod --name one busybox httpd -f -h /var/www >/dev/null
	podman run --detach --pod pod --name two busybox sleep 1000 >/dev/null
	for namespace in net ipc uts; do
		[ "$(podman exec one readlink /proc/self/ns/$namespace)" = "$(podman exec two readlink /proc/self/ns/$namespace)" ]
	done
	assert [ "$(podman exec one readlink /proc/self/ns/pid)" != "$(podman exec two readlink /proc/self/ns/pid)" ]
	wait_until 30 podman exec two wget -q -O /tmp/page http://127.0.0.1/
	run -0 podman exec two cat /tmp/page
	assert [ "$output" = 'hello from an instance' ]
	run -0 podman exec two hostname
	assert [ "$output" = podhost ]
	podman pod pause pod
	is one paused
	podman pod unpause pod
	podman pod stop --time 0 pod
	is two exited
	podman pod start pod
	is two running
	podman pod rm --force --time 0 pod
	run -0 podman ps --all --quiet
	[ -z "$output" ]
}

@test "a pod that shares its process IDs" {
	podman pod create --name pod --share-parent=false --share pid,net,ipc >/dev/null
	podman run --detach --pod pod --name one busybox sleep 1111 >/dev/null
	run -0 podman run --rm --pod pod busybox ps
	assert_output 'sleep 1111'
	assert_output catatonit
}

@test "--userns=auto: each its own range of IDs" {
	sleeper one --userns=auto:size=4096
	sleeper two --userns=auto:size=4096
	run -0 podman exec one cat /proc/self/uid_map
	local first=$output
	assert [ "$(awk '{ print $1, $3 }' <<<"$first")" = '0 4096' ]
	assert [ "$(awk '{ print $2 }' <<<"$first")" -ge 1000000 ]
	run -0 podman exec two cat /proc/self/uid_map
	assert [ "$output" != "$first" ]
	run -0 podman exec one sh -c 'id -u; touch /x && stat -c %u /x'
	assert [ "$output" = $'0\n0' ]
	# On the machine it is that ID.
	assert [ "$(stat -c %u "/proc/$(state one Pid)")" = "$(awk '{ print $2 }' <<<"$first")" ]
}

@test "--uidmap, --gidmap: exactly those" {
	run -0 podman run --rm --uidmap 0:200000:2000 --gidmap 0:300000:3000 --user 1000:33 busybox \
		sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g; stat -c %u:%g /etc/passwd'
	assert [ "$(tr -s ' ' <<<"$output")" = $' 0 200000 2000\n 0 300000 3000\n1000\n33\n0:0' ]
}

@test "--read-only with --tmpfs: only that can be written" {
	run -0 podman run --rm --read-only --read-only-tmpfs=false --tmpfs /scratch:size=64k,mode=700 busybox \
		sh -c 'touch /x 2>&1; touch /scratch/y && stat -c %a /scratch; df -k /scratch | tail -n 1; grep " / " /proc/mounts'
	assert_output 'Read-only file system'
	assert [ "${lines[1]}" = 700 ]
	[[ ${lines[2]} == *' 64 '* ]]
	[[ ${lines[3]} =~ ' ro,' ]]
}

@test "volumes: named, ro, nosuid, a file, and what is mounted later with rslave" {
	mkdir "$BATS_TEST_TMPDIR/v"
	echo host >"$BATS_TEST_TMPDIR/v/file"
	run -0 podman run --rm -v "$BATS_TEST_TMPDIR/v:/ro:ro,noexec" -v "$BATS_TEST_TMPDIR/v:/rw" -v named:/named \
		-v "$BATS_TEST_TMPDIR/v/file:/etc/one:ro" busybox sh -c 'cat /ro/file /etc/one; touch /ro/x 2>&1; touch /rw/new /named/n; grep " /ro " /proc/mounts'
	assert [ "${lines[1]}" = host ]
	[[ ${lines[2]} == *'Read-only'* ]]
	[[ ${lines[3]} =~ ro,.*noexec ]]
	[ -e "$BATS_TEST_TMPDIR/v/new" ]
	run -0 podman run --rm -v named:/named busybox ls /named
	assert [ "$output" = n ]
	podman volume rm named >/dev/null
	mount -n -t tmpfs tmpfs "$BATS_TEST_TMPDIR/v"
	mount -n --make-shared "$BATS_TEST_TMPDIR/v"
	mkdir "$BATS_TEST_TMPDIR/v/in"
	sleeper slave -v "$BATS_TEST_TMPDIR/v:/v:rslave"
	sleeper private -v "$BATS_TEST_TMPDIR/v:/v:rprivate"
	mount -n -t tmpfs tmpfs "$BATS_TEST_TMPDIR/v/in"
	touch "$BATS_TEST_TMPDIR/v/in/later"
	run -0 podman exec slave ls /v/in
	assert [ "$output" = later ]
	run -0 podman exec private ls /v/in
	[ -z "$output" ]
	podman rm --all --force --time 0 >/dev/null
	umount -n "$BATS_TEST_TMPDIR/v/in" "$BATS_TEST_TMPDIR/v"
}

@test "volumes with rshared: what the container mounts is seen outside" {
	mkdir "$BATS_TEST_TMPDIR/v"
	mount -n -t tmpfs tmpfs "$BATS_TEST_TMPDIR/v"
	mount -n --make-shared "$BATS_TEST_TMPDIR/v"
	mkdir "$BATS_TEST_TMPDIR/v/in"
	sleeper box --cap-add sys_admin --security-opt seccomp=unconfined -v "$BATS_TEST_TMPDIR/v:/v:rshared"
	podman exec box sh -c 'mount -t tmpfs inner /v/in && touch /v/in/seen'
	[ -e "$BATS_TEST_TMPDIR/v/in/seen" ]
	podman exec box umount /v/in
	[ ! -e "$BATS_TEST_TMPDIR/v/in/seen" ]
	podman rm --all --force --time 0 >/dev/null
	umount -n "$BATS_TEST_TMPDIR/v"
}

@test "volumes with idmap: files keep their owner in a user namespace" {
	[ "$RUNTIME_NAME" != runc ] || skip "runc 1.1 has no idmapped mounts"
	mkdir "$BATS_TEST_TMPDIR/v"
	chown 33:33 "$BATS_TEST_TMPDIR/v"
	run -0 podman run --rm --uidmap 0:200000:65536 -v "$BATS_TEST_TMPDIR/v:/v:idmap" --user 33:33 busybox \
		sh -c 'stat -c %u:%g /v; touch /v/new'
	assert [ "$output" = 33:33 ]
	assert [ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/v/new")" = 33:33 ]
}

@test "capabilities: exactly those that were asked for" {
	run -0 podman run --rm --cap-drop all --cap-add net_admin,chown busybox grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status
	assert [ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000001001 ]
	run -0 podman run --rm --cap-drop all busybox sh -c 'grep CapBnd /proc/self/status; chown 1 /tmp 2>&1 || echo refused'
	assert [ "${lines[0]}" = $'CapBnd:\t0000000000000000' ]
	assert_output refused
	# One that isn't root has them as ambient ones when podman says so.
	run -0 podman run --rm --user 1000 --cap-add net_admin busybox grep -E 'Cap(Eff|Amb)' /proc/self/status
	assert [ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000001000 ]
}

@test "no-new-privileges, masked and unmasked paths" {
	run -0 podman run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
	assert [ "$output" = $'NoNewPrivs:\t1' ]
	run -0 podman run --rm busybox sh -c 'for f in kcore keys latency_stats timer_list sched_debug; do [ ! -e /proc/$f ] || wc -c </proc/$f; done; cat /proc/sys/kernel/panic >/dev/null && echo 1 >/proc/sys/kernel/panic || echo refused'
	assert [ "$(grep -v refused <<<"$output" | grep -v Read-only | sort -u)" = 0 ]
	assert_output 'Read-only file system'
	assert_output refused
	run -0 podman run --rm --security-opt mask=/etc/issue busybox sh -c 'wc -c </etc/issue'
	assert [ "$output" = 0 ]
	run -0 podman run --rm --security-opt unmask=/proc/timer_list busybox sh -c 'grep -c . /proc/timer_list >/tmp/n; [ "$(cat /tmp/n)" -gt 0 ] && echo seen'
	assert [ "$output" = seen ]
}

@test "seccomp: the default profile, one of the user's, none" {
	run -0 podman run --rm busybox grep ^Seccomp: /proc/self/status
	assert [ "$output" = $'Seccomp:\t2' ]
	run -0 podman run --rm --cap-add sys_admin --security-opt seccomp=unconfined busybox sh -c 'grep ^Seccomp: /proc/self/status; unshare -m true && echo unshared'
	assert [ "$output" = $'Seccomp:\t0\nunshared' ]
	cat >"$BATS_TEST_TMPDIR/profile.json" <<-'END'
		{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
			{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122},
			{"names": ["syncfs", "sync"], "action": "SCMP_ACT_KILL_PROCESS"},
			{"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95,
			 "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}
	END
	run -1 podman run --rm --security-opt seccomp="$BATS_TEST_TMPDIR/profile.json" busybox mkdir /x
	assert_output 'quota exceeded'
	run -159 podman run --rm --security-opt seccomp="$BATS_TEST_TMPDIR/profile.json" busybox sync # SIGSYS
}

@test "--privileged: every capability of ours, all devices, nothing masked" {
	run -0 podman run --rm --privileged busybox sh -c 'grep -E "CapEff|^Seccomp:" /proc/self/status; test -c /dev/loop-control -o -c /dev/fuse && echo devices; mkdir /m && mount -t tmpfs x /m && echo mounted; cat /proc/self/mountinfo'
	assert [ "$(awk '/CapEff/ { print $2 }' <<<"$output")" = "$(awk '/CapBnd/ { print $2 }' /proc/self/status)" ]
	assert_output $'Seccomp:\t0'
	assert_output mounted
	refute_output '/proc/kcore'
}

@test "devices: only what is granted opens, whatever node there is" {
	local device
	device=$(spare_device)
	run -0 podman run --rm --device "$device:/dev/granted:rw" busybox sh -c 'exec 3<>/dev/granted && echo opened'
	assert [ "$output" = opened ]
	# shellcheck disable=SC2046 # two words
	set -- $(node_numbers "$device")
	run ! podman run --rm --cap-add mknod busybox sh -c "mknod /tmp/node c $1 $2 && exec 3<>/tmp/node"
	assert_output 'not permitted'
	run -0 podman run --rm --cap-add mknod --device-cgroup-rule "c $1:$2 rwm" busybox sh -c "mknod /tmp/node c $1 $2 && exec 3<>/tmp/node && echo opened"
	assert [ "$output" = opened ]
	run -0 podman run --rm busybox sh -c 'for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done; readlink /dev/ptmx; readlink /dev/fd; head -c 3 /dev/zero | wc -c; stat -f -c %T /dev/shm'
	assert [ "$(tail -n 4 <<<"$output" | tr '\n' ' ')" = 'pts/ptmx /proc/self/fd 3 tmpfs ' ]
}

@test "sysctls, resource limits, /dev/shm" {
	run -0 podman run --rm --sysctl net.ipv4.ip_default_ttl=77 --sysctl kernel.shmmni=99 --ulimit nofile=100:200 --ulimit nproc=300:300 --ulimit core=0:0 --shm-size 128k busybox \
		sh -c 'cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmni; ulimit -Sn; ulimit -Hn; ulimit -c; df -k /dev/shm | awk "END { print \$2 }"'
	assert [ "$(tr '\n' ' ' <<<"$output")" = '77 99 100 200 0 128 ' ]
	run ! podman run --rm --network host --sysctl net.ipv4.ip_default_ttl=77 busybox true
}

@test "--init: a PID 1 that reaps" {
	run -0 podman run --rm --init busybox sh -c 'cat /proc/1/comm; sh -c "sleep 0 &"; until ! ps -o args | grep -qE "^sleep|sleep]$"; do :; done; echo reaped'
	assert [ "$output" = $'podman-init\nreaped' ]
	run -4 podman run --rm --init busybox sh -c 'exit 4'
}

@test "namespaces of the host, of another container, private cgroups" {
	sleeper box --ipc shareable
	run -0 podman run --rm --pid container:box --network container:box --ipc container:box busybox \
		sh -c 'ps; readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'
	assert_output 'sleep 1000'
	assert_output "$(readlink "/proc/$(state box Pid)/ns/net")"
	assert_output "$(readlink "/proc/$(state box Pid)/ns/ipc")"
	run -0 podman run --rm --pid host --network host --ipc host --uts host --cgroupns host busybox \
		sh -c 'for n in pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
	for namespace in pid net ipc uts cgroup; do
		assert_output "$(readlink /proc/self/ns/$namespace)"
	done
	run -0 podman run --rm busybox sh -c 'cat /proc/self/cgroup; ls -d /sys/fs/cgroup/cgroup.procs'
	assert [ "$(grep ^0:: <<<"$output")" = 0::/ ]
	assert_output /sys/fs/cgroup/cgroup.procs
}

@test "--pid host: kill and rm end every process of the container" {
	podman run --detach --name box --pid host busybox sh -c 'sleep 4711 & sleep 4712 & wait' >/dev/null
	wait_until 30 sh -c 'podman top box args | grep -q "sleep 4712"'
	# Of this container: the machine may have others with such programs.
	local pid pids
	pids=$(cat "$SANDBOX_ROOT"/libpod_parent/libpod-*/cgroup.procs)
	assert [ "$(wc -w <<<"$pids")" -ge 3 ]
	podman rm --force --time 0 box
	for pid in $pids; do
		wait_until 10 process_ended "$pid"
	done
}

@test "networks: none, bridge, a published port, names" {
	run -0 podman run --rm --network none busybox ip -o link
	assert [ ${#lines[@]} = 1 ]
	assert_output lo:
	podman network create net >/dev/null
	podman run --detach --name web --network net --publish 127.0.0.1:18080:80 busybox httpd -f -h /var/www >/dev/null
	wait_until 30 curl -sf -m 5 -o "$BATS_TEST_TMPDIR/page" http://127.0.0.1:18080/
	assert [ "$(cat "$BATS_TEST_TMPDIR/page")" = 'hello from an instance' ]
	# A static program's own resolver would want libraries; this one asks the server in resolv.conf.
	run -0 podman run --rm --network net busybox nslookup -type=a web.dns.podman
	local address
	address=$(podman inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web)
	assert_output "$address"
	run -0 podman run --rm -i --network net busybox nc -w 30 "$address" 80 <<<$'GET /index.html HTTP/1.0\r\n\r'
	assert_output 'hello from an instance'
	podman rm --force --time 0 web
	podman network rm net >/dev/null
}

@test "healthcheck" {
	sleeper box --health-cmd 'test -e /tmp/well' --health-interval disable --health-retries 1
	run -1 podman healthcheck run box
	run -0 podman inspect --format '{{.State.Health.Status}}' box
	assert [ "$output" = unhealthy ]
	podman exec box touch /tmp/well
	run -0 podman healthcheck run box
	run -0 podman inspect --format '{{.State.Health.Status}}' box
	assert [ "$output" = healthy ]
}

@test "cp, diff, commit, export" {
	sleeper box
	echo into >"$BATS_TEST_TMPDIR/file"
	podman cp "$BATS_TEST_TMPDIR/file" box:/tmp/file
	run -0 podman exec box cat /tmp/file
	assert [ "$output" = into ]
	podman cp box:/etc/issue "$BATS_TEST_TMPDIR/issue"
	assert [ "$(cat "$BATS_TEST_TMPDIR/issue")" = 'a small image of jail' ]
	run -0 podman diff box
	assert_output 'A /tmp/file'
	podman commit --quiet box committed >/dev/null
	run -0 podman run --rm committed cat /tmp/file
	assert [ "$output" = into ]
	podman rmi committed >/dev/null
	podman export box | tar -t -f - ./tmp/file || podman export box | tar -t -f - tmp/file
}

@test "checkpoint is refused, and the container goes on" {
	sleeper box
	run ! podman container checkpoint box
	is box running
	podman exec box true
}

@test "stats: a line for each container" {
	sleeper box
	run -0 podman stats --no-stream --format '{{.Name}} {{.CPUPerc}}' box
	assert_output 'box '
}

@test "hooks of a directory: called in the container's life, with its state" {
	mkdir "$BATS_TEST_TMPDIR/hooks"
	for stage in prestart createRuntime createContainer poststart poststop; do
		cat >"$BATS_TEST_TMPDIR/hooks/$stage.json" <<-END
			{"version": "1.0.0", "when": {"always": true}, "stages": ["$stage"],
			 "hook": {"path": "/usr/bin/env", "args": ["env", "sh", "-c", "cat >>$BATS_TEST_TMPDIR/$stage; echo >>$BATS_TEST_TMPDIR/$stage"]}}
		END
	done
	# createContainer runs in the container's mount namespace, where root is still the machine's.
	timeout "$JAIL_TIMEOUT" podman --runtime "$OCI_RUNTIME" --hooks-dir "$BATS_TEST_TMPDIR/hooks" run --name box busybox true
	for stage in prestart createRuntime createContainer poststart poststop; do
		wait_until 30 test -s "$BATS_TEST_TMPDIR/$stage" || [ "$stage" = poststop ]
	done
	podman rm box >/dev/null
	for stage in prestart createRuntime createContainer poststart poststop; do
		run -0 jq -r '.id + " " + .status' "$BATS_TEST_TMPDIR/$stage"
		case $stage in
		poststop) [[ $output == *' stopped' ]] ;;
		poststart) [[ $output == *' running' || $output == *' created' ]] ;; # runc has it before it has started
		*) [[ $output == *' creat'* ]] ;;
		esac
	done
	# One that fails stops the container from being.
	cat >"$BATS_TEST_TMPDIR/hooks/fail.json" <<-END
		{"version": "1.0.0", "when": {"always": true}, "stages": ["createRuntime"], "hook": {"path": "/bin/false"}}
	END
	run ! timeout "$JAIL_TIMEOUT" podman --runtime "$OCI_RUNTIME" --hooks-dir "$BATS_TEST_TMPDIR/hooks" run --rm busybox echo reached
	refute_output reached
}

@test "ten at once" {
	local pids=() pid

	for i in 1 2 3 4 5 6 7 8 9 10; do
		podman run --rm --network none busybox echo "number $i" >"$BATS_TEST_TMPDIR/$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	assert [ "$(sort -n -k 2 "$BATS_TEST_TMPDIR"/[0-9]* | tr '\n' ' ')" = "$(for i in 1 2 3 4 5 6 7 8 9 10; do printf 'number %s ' $i; done)" ]
}

@test "files: preserved descriptors, a PID file, a container ID file" {
	run -0 timeout "$JAIL_TIMEOUT" podman --runtime "$OCI_RUNTIME" run --rm --preserve-fds 2 busybox \
		sh -c 'head -n 1 <&4; ls /proc/self/fd' 3</dev/null 4<"$ENGINES_DIR/before"
	assert [ "$output" = $'mounts:\n0\n1\n2\n3\n4\n5' ] # 5 is the directory itself
	podman run --detach --name box --cidfile "$BATS_TEST_TMPDIR/cid" --pidfile "$BATS_TEST_TMPDIR/pid" busybox sleep 1000 >/dev/null
	assert [ "$(cat "$BATS_TEST_TMPDIR/pid")" = "$(state box Pid)" ]
}

@test "podman build: RUN by the runtime, USER, WORKDIR, ENV, COPY, two stages" {
	mkdir "$BATS_TEST_TMPDIR/context"
	echo copied >"$BATS_TEST_TMPDIR/context/file"
	cat >"$BATS_TEST_TMPDIR/context/Dockerfile" <<-'END'
		FROM localhost/busybox AS first
		ENV A=b
		WORKDIR /work
		COPY file .
		RUN echo "$A $(cat file) $(id -u)" >result && chown 1000 .
		USER 1000
		RUN id -u >user
		FROM localhost/busybox
		COPY --from=first /work /work
		CMD ["cat", "/work/result", "/work/user"]
	END
	run -0 podman build --isolation oci --network none --pull-never --tag built "$BATS_TEST_TMPDIR/context"
	run -0 podman run --rm built
	assert [ "$output" = $'b copied 0\n1000' ]
	printf 'FROM localhost/busybox\nRUN exit 9\n' >"$BATS_TEST_TMPDIR/context/Dockerfile"
	run ! podman build --isolation oci --network none --pull-never "$BATS_TEST_TMPDIR/context"
	assert_output 9
	podman rmi --force built >/dev/null
}

@test "buildah: bud, run with a terminal, commit" {
	mkdir "$BATS_TEST_TMPDIR/context"
	printf 'FROM localhost/busybox\nRUN --mount=type=tmpfs,target=/mnt touch /mnt/x && echo built >/made\n' >"$BATS_TEST_TMPDIR/context/Dockerfile"
	run -0 buildah bud --runtime "$OCI_RUNTIME" --isolation oci --network none --pull-never --tag built "$BATS_TEST_TMPDIR/context"
	local container
	container=$(buildah from --pull-never localhost/built)
	run -0 --separate-stderr buildah run --runtime "$OCI_RUNTIME" --isolation oci --network none "$container" cat /made
	assert [ "$output" = built ]
	run -5 buildah run --runtime "$OCI_RUNTIME" --isolation oci --network none "$container" sh -c 'exit 5'
	run -0 script -qec "buildah run -t --runtime $OCI_RUNTIME --isolation oci --network none $container tty" /dev/null
	assert_output /dev/
	buildah rm "$container" >/dev/null
	buildah rmi --force localhost/built >/dev/null
}

@test "systemd in a container" {
	podman import --quiet "$JAIL_TEST_DEBIAN_SYSTEMD" systemd
	podman run --detach --name box --systemd always systemd /sbin/init >/dev/null
	wait_until 60 sh -c 'podman exec box systemctl is-active multi-user.target'
	run -0 podman exec box systemctl show --property Version
	assert_output Version=252
	run -0 podman exec box systemd-run --wait --pipe echo from a unit
	assert_output 'from a unit'
	podman stop --time 30 box
	is box exited
	podman rm box >/dev/null
	podman rmi systemd >/dev/null
}
