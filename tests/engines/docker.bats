# SPDX-License-Identifier: GPL-2.0-or-later
# Docker with this runtime as its default: what needs no cgroup controller, with the cgroupfs driver.

load ../lib/common
load ../lib/system
load lib

setup_file() {
	engines_setup_file
	docker_start
	docker import "$ENGINES_DIR/busybox.tar" busybox
}
teardown_file() {
	engines_teardown_file
}
teardown() {
	docker_clean
}

# sleeper NAME OPTION...: a container that stays.
sleeper() {
	local name=$1

	shift
	docker run --detach --name "$name" "$@" busybox sleep 1000 >/dev/null
}
state() { docker inspect --format "{{.State.$2}}" "$1"; }
is() { [ "$(state "$1" Status)" = "$2" ]; }

@test "dockerd takes it for its default runtime" {
	run -0 docker info --format '{{.DefaultRuntime}} {{json .Runtimes}} {{.CgroupDriver}} {{.CgroupVersion}}'
	assert_output 'jail-oci '
	assert_output "$OCI_RUNTIME"
	assert_output 'cgroupfs 2'
}

@test "run: both outputs, the exit status, stdin, environment, directory, user, host name" {
	run -7 --separate-stderr docker run --rm --env A=b --workdir /tmp --user 1000:33 --hostname here busybox \
		sh -c 'echo "$A $PWD $(id -u):$(id -g) $(hostname) $HOME"; echo err >&2; exit 7'
	assert [ "$output" = 'b /tmp 1000:33 here /home' ]
	assert [ "$stderr" = err ]
	run -0 docker run --rm -i busybox tr a-z A-Z <<<'from stdin'
	assert [ "$output" = 'FROM STDIN' ]
	run -0 docker ps --all --quiet
	[ -z "$output" ]
}

@test "run: a program that is not there is 127, one that can't be executed 126, and the reason is shown" {
	run -127 docker run --rm busybox /no/such
	assert_output /no/such
	run -127 docker run --rm busybox no-such
	assert_output no-such
	run -126 docker run --rm busybox /etc/passwd
	assert_output ermission
}

@test "run -it and exec -it: a terminal, its owner, its size, resizing, and the keys" {
	terminal docker run --rm -it --user 1000 --name term busybox sh
	sleeper box
	terminal docker exec -it --user 1000 box sh
}

@test "exec: output, status, user, directory, environment, detached, privileged" {
	sleeper box --env FROM=run
	run -3 --separate-stderr docker exec --user 33 --workdir /var --env A=b box sh -c 'echo "$(id -u) $PWD $A $FROM"; echo err >&2; exit 3'
	assert [ "$output" = '33 /var b run' ]
	assert [ "$stderr" = err ]
	run ! docker exec box /no/such
	assert_output /no/such
	run -0 docker exec -i box cat <<<'through exec'
	assert [ "$output" = 'through exec' ]
	docker exec --detach box sh -c 'echo done >/tmp/detached'
	wait_until 30 docker exec box test -s /tmp/detached
	run -0 docker exec box sh -c 'for n in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$n; done'
	for namespace in cgroup ipc mnt net pid uts; do
		assert_output "$(readlink "/proc/$(state box Pid)/ns/$namespace")"
	done
}

@test "top, stats, logs" {
	docker run --detach --name box busybox sh -c 'echo out; echo err >&2; sleep 1000' >/dev/null
	wait_until 30 sh -c '[ "$(docker logs box 2>&1 | grep -c -e out -e err)" = 2 ]'
	run -0 --separate-stderr docker logs box
	assert [ "$output" = out ]
	assert [ "$stderr" = err ]
	run -0 docker top box
	assert_output 'sleep 1000'
	run -0 docker stats --no-stream --format '{{.Name}} {{.CPUPerc}}' box
	assert_output 'box '
	docker run --detach --name long busybox sh -c 'for i in 1 2 3; do echo line $i; sleep 0.2; done' >/dev/null
	run -0 docker logs --follow long
	assert [ "${lines[2]}" = 'line 3' ]
}

@test "pause freezes, exec into it is refused, unpause goes on; paused ones can be removed" {
	sleeper box
	docker pause box
	is box paused
	grep -qx 'frozen 1' "$SANDBOX_ROOT"/docker/*/cgroup.events
	run ! docker exec box true
	docker unpause box
	is box running
	run -0 docker exec box echo goes on
	assert [ "$output" = 'goes on' ]
	docker pause box
	docker rm --force box
}

@test "stop, kill, restart, wait: signals and exit statuses" {
	docker run --detach --name good busybox sh -c 'trap "echo bye; exit 5" TERM; trap "echo hup" HUP; echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_until 30 sh -c 'docker logs good | grep -q ready'
	docker kill --signal HUP good
	wait_until 30 sh -c 'docker logs good | grep -q hup'
	docker stop --time 60 good
	assert [ "$(state good ExitCode)" = 5 ]
	sleeper hard
	local pid
	pid=$(state hard Pid)
	docker restart --time 0 hard
	is hard running
	assert [ "$(state hard Pid)" != "$pid" ]
	docker kill hard
	run -0 docker wait hard
	assert [ "$output" = 137 ]
	docker start hard
	is hard running
}

@test "restart policies: on failure as often as asked, always until stopped, changed by update" {
	docker run --detach --name box --restart on-failure:2 busybox sh -c 'echo again; exit 1' >/dev/null
	wait_until 60 sh -c '[ "$(docker inspect --format "{{.RestartCount}} {{.State.Status}}" box)" = "2 exited" ]'
	run -0 docker logs box
	assert [ ${#lines[@]} = 3 ]
	sleeper again --restart always
	local pid
	pid=$(state again Pid)
	kill -KILL "$pid"
	wait_until 60 sh -c 'p=$(docker inspect --format "{{.State.Pid}}" again) && [ "$p" -gt 0 ] && [ "$p" != '"$pid"' ]'
	docker update --restart no again
	kill -KILL "$(state again Pid)"
	run -0 docker wait again
	is again exited
}

@test "events tell the whole life" {
	local since
	since=$(date +%s)
	sleeper box
	docker exec box true
	docker pause box
	docker unpause box
	docker rm --force box
	run -0 docker events --since "$since" --until "$(($(date +%s) + 1))" --filter container=box --format '{{.Action}}'
	for event in create start exec_start:\ true pause unpause die destroy; do
		assert grep -qx "$event *" <<<"$output"
	done
}

@test "two containers and a network, like a compose file's: names, ports, one restarted" {
	docker network create net >/dev/null
	docker run --detach --name web --network net --network-alias www --publish 127.0.0.1:18080:80 busybox httpd -f -h /var/www >/dev/null
	docker run --detach --name client --network net busybox sleep 1000 >/dev/null
	wait_until 30 curl -sf -m 5 -o "$BATS_TEST_TMPDIR/page" http://127.0.0.1:18080/
	assert [ "$(cat "$BATS_TEST_TMPDIR/page")" = 'hello from an instance' ]
	local address
	address=$(docker inspect --format '{{.NetworkSettings.Networks.net.IPAddress}}' web)
	for name in web www; do
		run -0 docker exec client nslookup -type=a "$name"
		assert_output "$address"
	done
	run -0 docker exec -i client nc -w 30 "$address" 80 <<<$'GET /index.html HTTP/1.0\r\n\r'
	assert_output 'hello from an instance'
	docker restart --time 0 web
	wait_until 30 curl -sf -m 5 -o "$BATS_TEST_TMPDIR/page" http://127.0.0.1:18080/
	docker network disconnect net client
	run ! docker exec client nslookup -type=a web
	docker rm --force web client
	docker network rm net
}

@test "networks: none, the host's, another container's" {
	run -0 docker run --rm --network none busybox ip -o link
	assert_output lo:
	refute_output eth0
	run -0 docker run --rm --network host busybox readlink /proc/self/ns/net
	assert [ "$output" = "$(readlink /proc/self/ns/net)" ]
	sleeper box
	run -0 docker run --rm --network container:box --pid container:box busybox sh -c 'readlink /proc/self/ns/net; ps'
	assert_output "$(readlink "/proc/$(state box Pid)/ns/net")"
	assert_output 'sleep 1000'
}

@test "healthcheck: starting, unhealthy, healthy" {
	sleeper box --health-cmd 'test -e /tmp/well' --health-interval 200ms --health-retries 1
	wait_until 60 sh -c '[ "$(docker inspect --format "{{.State.Health.Status}}" box)" = unhealthy ]'
	docker exec box touch /tmp/well
	wait_until 60 sh -c '[ "$(docker inspect --format "{{.State.Health.Status}}" box)" = healthy ]'
}

@test "read-only, tmpfs, volumes, capabilities, seccomp, no-new-privileges" {
	mkdir "$BATS_TEST_TMPDIR/v"
	run -0 docker run --rm --read-only --tmpfs /scratch:size=64k,mode=700 -v "$BATS_TEST_TMPDIR/v:/ro:ro" -v "$BATS_TEST_TMPDIR/v:/rw" -v named:/named busybox \
		sh -c 'touch /x 2>&1; stat -c %a /scratch; touch /ro/x 2>&1; touch /rw/new /named/n /scratch/s && echo written'
	assert [ "$(grep -c 'Read-only' <<<"$output")" = 2 ]
	assert_output 700
	assert_output written
	[ -e "$BATS_TEST_TMPDIR/v/new" ]
	docker volume rm named
	run -0 docker run --rm --cap-drop all --cap-add net_admin --cap-add chown --security-opt no-new-privileges busybox grep -E 'Cap(Prm|Eff|Bnd)|NoNew|^Seccomp:' /proc/self/status
	assert [ "$(awk '/Cap/ { print $2 }' <<<"$output" | sort -u)" = 0000000000001001 ]
	assert_output $'NoNewPrivs:\t1'
	assert_output $'Seccomp:\t2'
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >"$BATS_TEST_TMPDIR/profile.json"
	run -1 docker run --rm --security-opt seccomp="$BATS_TEST_TMPDIR/profile.json" busybox mkdir /x
	assert_output 'not permitted'
	run -0 docker run --rm --security-opt seccomp=unconfined busybox grep ^Seccomp: /proc/self/status
	assert [ "$output" = $'Seccomp:\t0' ]
}

@test "devices, sysctls, resource limits, --init, /dev/shm" {
	local device
	device=$(spare_device)
	run -0 docker run --rm --device "$device:/dev/granted:rw" busybox sh -c 'exec 3<>/dev/granted && echo opened'
	assert [ "$output" = opened ]
	# shellcheck disable=SC2046 # two words
	set -- $(node_numbers "$device")
	run ! docker run --rm busybox sh -c "mknod /tmp/node c $1 $2 && exec 3<>/tmp/node"
	assert_output 'not permitted'
	run -0 docker run --rm --sysctl net.ipv4.ip_default_ttl=77 --ulimit nofile=100:200 --shm-size 128k --init busybox \
		sh -c 'cat /proc/sys/net/ipv4/ip_default_ttl; ulimit -Sn; ulimit -Hn; df -k /dev/shm | awk "END { print \$2 }"; cat /proc/1/comm'
	assert [ "$(tr '\n' ' ' <<<"$output")" = '77 100 200 128 docker-init ' ]
}

@test "build: RUN by the runtime" {
	mkdir "$BATS_TEST_TMPDIR/context"
	printf 'FROM busybox\nENV A=b\nRUN echo "$A $(id -u)" >/made\nUSER 1000\nRUN id -u >/tmp/user\nCMD ["cat", "/made", "/tmp/user"]\n' >"$BATS_TEST_TMPDIR/context/Dockerfile"
	DOCKER_BUILDKIT=0 docker build --network none --tag built "$BATS_TEST_TMPDIR/context"
	run -0 docker run --rm built
	assert [ "$output" = $'b 0\n1000' ]
	docker rmi --force built
}

@test "cp, commit, diff" {
	sleeper box
	echo into >"$BATS_TEST_TMPDIR/file"
	docker cp "$BATS_TEST_TMPDIR/file" box:/tmp/file
	run -0 docker exec box cat /tmp/file
	assert [ "$output" = into ]
	run -0 docker diff box
	assert_output 'A /tmp/file'
	docker commit box committed
	run -0 docker run --rm committed cat /tmp/file
	assert [ "$output" = into ]
	docker rmi --force committed
}

@test "ten at once" {
	local pids=() pid

	for i in 1 2 3 4 5 6 7 8 9 10; do
		docker run --rm --network none busybox echo "number $i" >"$BATS_TEST_TMPDIR/$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	assert [ "$(cat "$BATS_TEST_TMPDIR"/[0-9]* | sort -u | wc -l)" = 10 ]
}

@test "the daemon starts again: --live-restore finds the containers" {
	daemon_stop dockerd
	docker_start --live-restore
	sleeper box
	local pid
	pid=$(state box Pid)
	daemon_stop dockerd
	[ -d "/proc/$pid" ]
	docker_start --live-restore
	is box running
	assert [ "$(state box Pid)" = "$pid" ]
	run -0 docker exec box echo goes on
	assert [ "$output" = 'goes on' ]
	docker rm --force box
}

@test "user namespaces: --userns-remap" {
	daemon_stop dockerd
	docker_start --userns-remap default
	docker import "$ENGINES_DIR/busybox.tar" busybox
	run -0 docker run --rm busybox sh -c 'cat /proc/self/uid_map; id -u; touch /x && stat -c %u /x; ls /dev/null'
	assert [ "$(awk 'NR == 1 { print $1, $2, $3 }' <<<"$output")" = '0 3000000 65536' ]
	assert [ "${lines[1]} ${lines[2]}" = '0 0' ]
	sleeper box
	assert [ "$(stat -c %u "/proc/$(state box Pid)")" = 3000000 ]
	run -0 docker exec --user 33 box id -u
	assert [ "$output" = 33 ]
	docker rm --force box
}

@test "save and load: an image goes through jail's store and comes back with the same id" {
	local id config=$ENGINES_DIR/jail.json dir=$ENGINES_DIR/build
	mkdir -p "$dir"
	printf 'FROM busybox\nENV A=b\nCOPY one /data/\nCOPY two /data/one\nENTRYPOINT ["cat", "/data/one"]\n' >"$dir/Dockerfile"
	echo 1 >"$dir/one"
	echo 2 >"$dir/two"
	DOCKER_BUILDKIT=0 docker build --quiet --tag through "$dir"
	id=$(docker image inspect --format '{{.Id}} {{json .RootFS.Layers}}' through)
	jail_config "$config" "$ENGINES_DIR/state" "$ENGINES_DIR/run" </dev/null
	docker save through | jail --config "$config" image import -
	jail --config "$config" image verify
	docker rmi --force through
	jail --config "$config" image export --format docker through | docker load
	[ "$(docker image inspect --format '{{.Id}} {{json .RootFS.Layers}}' through)" = "$id" ]
	run -0 docker run --rm --network none through
	assert [ "$output" = 2 ]
	docker rmi --force through
	jail --config "$config" image rm through
	rm -r "$dir" "$ENGINES_DIR/state"
}
