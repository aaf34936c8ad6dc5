# SPDX-License-Identifier: GPL-2.0-or-later
# Docker Swarm with this runtime: a manager and a worker, each dockerd in a network namespace and mount namespace of its
# own, joined by a veth pair. The tests go on from each other's state.

load ../lib/common
load ../lib/system
load lib

setup_file() {
	local node

	engines_setup_file
	for node in 1 2; do
		node_start $node
	done
	ip link add eth0 netns "$(node_pid 1)" type veth peer name eth0 netns "$(node_pid 2)"
	for node in 1 2; do
		wait_until 60 node $node version || { tail -n 30 "$ENGINES_DIR/log/node$node" >&2; return 1; }
		node $node import "$ENGINES_DIR/busybox.tar" busybox
	done
}
teardown_file() {
	local node ids

	for node in 1 2; do
		[ -e "$ENGINES_DIR/run.node$node.pid" ] || continue
		node $node swarm leave --force || :
		mapfile -t ids < <(node $node ps --all --quiet)
		[ ${#ids[@]} -eq 0 ] || node $node rm --force "${ids[@]}"
	done
	engines_teardown_file
}

# node_start N: its dockerd, when its end of the veth is there.
node_start() {
	local dir=$ENGINES_DIR/node$1

	mkdir -p "$dir"
	# shellcheck disable=SC2016 # expands inside
	daemon "node$1" unshare --net --mount --propagation private sh -c '
		mount -n -t tmpfs -o mode=755 tmpfs /run
		ip link set lo up
		until ip link show dev eth0 >/dev/null 2>&1; do sleep 0.1; done
		ip address add "10.77.0.$1/24" dev eth0
		ip link set eth0 up
		exec unshare --uts sh -c "hostname node$1; exec dockerd --add-runtime jail-oci=$OCI_RUNTIME --default-runtime jail-oci \
			--data-root $2/data --exec-root $2/exec --pidfile $2/pid --host unix://$2/sock"' sh "$1" "$dir"
}
node_pid() { cat "$ENGINES_DIR/run.node$1.pid"; }
# node N COMMAND...: docker on that node.
node() {
	local node=$1

	shift
	docker --host "unix://$ENGINES_DIR/node$node/sock" "$@"
}
# running N: how many tasks of the service run on it, as its own dockerd says.
running() {
	node "$1" ps --quiet --filter label=com.docker.swarm.service.name=web --filter status=running | wc -l
}
total() {
	assert [ $(($(running 1) + $(running 2))) = "$1" ]
}
# listed ON-1 ON-2: the same as the swarm's manager knows it.
listed() {
	local tasks

	tasks=$(node 1 service ps --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' web)
	[ "$(grep -c '^node1 Running' <<<"$tasks")" = "$1" ] && [ "$(grep -c '^node2 Running' <<<"$tasks")" = "$2" ]
}
spread() { # ON-1 ON-2
	[ "$(running 1)" = "$1" ] && [ "$(running 2)" = "$2" ]
}

@test "two nodes make a swarm" {
	local token

	node 1 swarm init --dispatcher-heartbeat 5s --advertise-addr 10.77.0.1 --listen-addr 10.77.0.1:2377
	token=$(node 1 swarm join-token --quiet worker)
	node 2 swarm join --token "$token" --advertise-addr 10.77.0.2 --listen-addr 10.77.0.2:2377 10.77.0.1:2377
	wait_until 60 sh -c '[ "$(docker --host "unix://$ENGINES_DIR/node1/sock" node ls --format "{{.Status}}" | grep -c Ready)" = 2 ]'
	run -0 node 1 node ls --format '{{.Hostname}} {{.ManagerStatus}}'
	assert_output 'node1 Leader'
	assert_output node2
}

@test "a replicated service: one task, then six over both nodes, then two" {
	node 1 service create --detach --name web --replicas 1 --no-resolve-image --stop-signal KILL --restart-delay 0s busybox httpd -f -h /var/www
	wait_until 60 sh -c '[ "$(docker --host "unix://$ENGINES_DIR/node1/sock" service ls --format "{{.Replicas}}")" = 1/1 ]'
	wait_until 60 total 1
	node 1 service scale --detach web=6
	wait_until 120 spread 3 3
	wait_until 60 listed 3 3
	# They are containers of this runtime, and serve.
	local id
	id=$(node 2 ps --quiet --filter status=running | head -n 1)
	run -0 node 2 inspect --format '{{.HostConfig.Runtime}}' "$id"
	assert [ "$output" = jail-oci ]
	wait_until 30 node 2 exec "$id" wget -q -O /dev/null http://127.0.0.1/
	run -0 node 2 exec "$id" wget -q -O - http://127.0.0.1/
	assert [ "$output" = 'hello from an instance' ]
	node 1 service scale --detach web=2
	wait_until 120 spread 1 1
}

@test "a task that ends is started again" {
	local id

	id=$(node 2 ps --quiet --filter status=running | head -n 1)
	kill -KILL "$(node 2 inspect --format '{{.State.Pid}}' "$id")"
	wait_until 120 sh -c 'new=$(docker --host "unix://$ENGINES_DIR/node2/sock" ps --quiet --filter status=running); [ -n "$new" ] && [ "$new" != '"$id"' ]'
}

@test "a rolling update changes every task" {
	node 1 service update --detach --env-add CHANGED=yes --update-delay 0s --update-monitor 100ms --no-resolve-image web
	wait_until 120 sh -c '[ "$(docker --host "unix://$ENGINES_DIR/node1/sock" service inspect --format "{{.UpdateStatus.State}}" web)" = completed ]'
	wait_until 60 total 2
	for number in 1 2; do
		for id in $(node $number ps --quiet --filter status=running); do
			run -0 node $number inspect --format '{{.Config.Env}}' "$id"
			assert_output CHANGED=yes
		done
	done
}

@test "a node that is drained has no task, and gets some when it is active again" {
	node 1 node update --availability drain node2
	wait_until 120 spread 2 0
	node 1 node update --availability active node2
	node 1 service scale --detach web=4
	wait_until 120 spread 2 2
}

@test "the tasks of a node that is stopped move" {
	daemon_stop node2
	wait_until 120 sh -c 'docker --host "unix://$ENGINES_DIR/node1/sock" node ls --format "{{.Hostname}} {{.Status}}" | grep -q "node2 Down"'
	wait_until 120 sh -c '[ "$(docker --host "unix://$ENGINES_DIR/node1/sock" ps --quiet --filter status=running | wc -l)" = 4 ]'
	node 1 service rm web
	wait_until 60 sh -c '[ -z "$(docker --host "unix://$ENGINES_DIR/node1/sock" ps --quiet)" ]'
}
