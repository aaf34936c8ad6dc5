# SPDX-License-Identifier: GPL-2.0-or-later
# Engines with this runtime where there are controllers and a systemd: limits and their numbers, updates, out-of-memory
# kills, and both cgroup managers.
# vm: only
# vm: nosandbox

load ../lib/common
load ../lib/system
load lib

setup_file() {
	[ "${JAIL_VM:-}" = 1 ] || skip "wants systemd and every controller: only in the test VM"
	SANDBOX_ROOT=/sys/fs/cgroup need controllers cpuset cpu io memory pids
	need systemd
	engines_setup_file
	podman_setup systemd
}
teardown_file() {
	[ "${JAIL_VM:-}" = 1 ] || return 0
	engines_teardown_file
}
teardown() {
	[ "${JAIL_VM:-}" = 1 ] || return 0
	podman pod rm --all --force --time 0 >/dev/null
	podman rm --all --force --time 0 >/dev/null
	if [ -e "$ENGINES_DIR/run.dockerd.pid" ]; then
		docker_clean
		daemon_stop dockerd
	fi
	daemon_stop containerd
}

LIMITS=(--memory 64m --memory-swap 64m --memory-reservation 32m --cpus 0.5 --pids-limit 50 --cpuset-cpus 0)
# The container's own view: what the kernel was told.
LOOK='cd /sys/fs/cgroup && cat memory.max memory.swap.max memory.low cpu.max pids.max cpuset.cpus'
LOOK_IS='67108864 0 33554432 50000 100000 50 0 '

cgroup_of() { # PID
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}
podman_pid() { podman inspect --format '{{.State.Pid}}' "$1"; }
docker_pid() { docker inspect --format '{{.State.Pid}}' "$1"; }
unit_gone() { [ "$(systemctl show --property LoadState --value "$1")" = not-found ] || [ "$(systemctl is-active "$1")" = inactive ]; }

@test "podman, systemd: limits reach the kernel and the scope, update changes them, stats counts" {
	local unit

	unit=libpod-$(podman run --detach --name box "${LIMITS[@]}" busybox sh -c 'while :; do sleep 0.1; done').scope
	run -0 podman exec box sh -c "$LOOK"
	assert [ "$(tr '\n' ' ' <<<"$output")" = "$LOOK_IS" ]
	run -0 systemctl show --property MemoryMax,TasksMax,CPUQuotaPerSecUSec,ActiveState,Slice "$unit"
	for line in MemoryMax=67108864 TasksMax=50 CPUQuotaPerSecUSec=500ms ActiveState=active Slice=machine.slice; do
		# crun 1.8 tells the kernel only.
		[[ $RUNTIME_NAME == crun && $line != *=[am]* ]] || assert grep -qx "$line" <<<"$output"
	done
	podman update --memory 80m --cpus 0.25 box
	run -0 podman exec box sh -c 'cd /sys/fs/cgroup && cat memory.max cpu.max'
	assert [ "$output" = $'83886080\n25000 100000' ]
	# Of the limit Podman 4.3 shows what it was at first.
	run -0 podman stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' box
	assert grep -Eq '^[1-9][0-9]* [1-9].* / 67\.11MB$' <<<"$output"
	podman pause box
	grep -qx 'frozen 1' "/sys/fs/cgroup$(cgroup_of "$(podman_pid box)")/cgroup.events"
	podman unpause box
	podman rm --force --time 0 box
	wait_until 30 unit_gone "$unit"
}

@test "podman, systemd: out of memory, too many processes" {
	# A child is killed and the shell goes on; PID 1 is killed.
	run -0 podman run --rm "${LIMITS[@]}" busybox sh -c 'head -c 150m /dev/zero | tail -c 150m >/dev/null; echo goes on'
	assert_output 'goes on'
	run -137 podman run --rm "${LIMITS[@]}" busybox tail -c 150m /dev/zero
	run podman run --rm --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done'
	assert_output "can't fork"
}

@test "podman, systemd: a pod as Kubernetes describes it, with limits" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-'END'
		apiVersion: v1
		kind: Pod
		metadata:
		  name: kube
		spec:
		  containers:
		  - name: web
		    image: localhost/busybox:latest
		    imagePullPolicy: Never
		    env: [{name: PATH, value: /bin}]
		    command: [httpd, -f, -h, /var/www]
		    resources: {limits: {memory: 64Mi, cpu: 500m}}
		    securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [all], add: [net_bind_service]}}
	END
	podman play kube "$BATS_TEST_TMPDIR/pod.yaml"
	run -0 podman exec kube-web sh -c 'cat /sys/fs/cgroup/memory.max; grep CapEff /proc/self/status; touch /x 2>&1 || true'
	assert [ "${lines[0]}" = 67108864 ]
	assert [ "${lines[1]}" = $'CapEff:\t0000000000000400' ]
	assert_output Read-only
	podman pod rm --force --time 0 kube
}

@test "podman, systemd: a healthcheck's timer" {
	podman run --detach --name box --health-cmd 'test -e /tmp/well' --health-interval 1s --health-retries 1 busybox sh -c 'touch /tmp/well; sleep 1000'
	wait_until 30 sh -c '[ "$(podman inspect --format "{{.State.Health.Status}}" box)" = healthy ]'
	podman rm --force --time 0 box
}

@test "podman, cgroupfs: the same limits" {
	run -0 podman --cgroup-manager cgroupfs run --rm "${LIMITS[@]}" busybox sh -c "$LOOK; cat /proc/self/cgroup"
	assert [ "$(tr '\n' ' ' <<<"$output")" = "${LOOK_IS}0::/ " ]
}

docker_said_oom() { docker events --since 1h --until "$(date +%s)" --filter event=oom | grep -q oom; }
docker_stopped() { [ "$(docker inspect --format '{{.State.Running}}' "$1")" = false ]; }

@test "docker, systemd: limits, update, stats, out of memory, privileged" {
	local unit

	docker_start --exec-opt native.cgroupdriver=systemd
	docker import "$ENGINES_DIR/busybox.tar" busybox
	unit=docker-$(docker run --detach --name box "${LIMITS[@]}" busybox sh -c 'while :; do sleep 0.1; done').scope
	run -0 docker exec box sh -c "$LOOK"
	assert [ "$(tr '\n' ' ' <<<"$output")" = "$LOOK_IS" ]
	run -0 systemctl show --property MemoryMax,TasksMax,ActiveState,Slice "$unit"
	for line in MemoryMax=67108864 TasksMax=50 ActiveState=active Slice=system.slice; do
		[[ $RUNTIME_NAME == crun && $line != *=[as]* ]] || assert grep -qx "$line" <<<"$output"
	done
	if [ "$RUNTIME_NAME" != crun ]; then # which refuses the kernel memory of 0 that Docker sends
		docker update --memory 80m --memory-swap 80m --cpus 0.25 box
		run -0 docker exec box sh -c 'cd /sys/fs/cgroup && cat memory.max cpu.max'
		assert [ "$output" = $'83886080\n25000 100000' ]
	fi
	run -0 docker stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' box
	assert grep -Eq '^[1-9][0-9]* [1-9].* / (80|64)MiB$' <<<"$output"
	# containerd's watcher can miss what happens in a cgroup that goes at once: the container goes when it has told.
	docker run --detach --name oom "${LIMITS[@]}" busybox sh -c 'tail -c 150m /dev/zero; exec sleep 1000'
	wait_until 60 docker_said_oom
	docker kill oom
	wait_until 30 docker_stopped oom
	run -0 docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' oom
	assert [ "$output" = '137 true' ]
	run -0 docker run --rm --privileged busybox grep CapEff /proc/self/status
	assert [ "$output" = $'CapEff:\t0000003fffffffff' ] # all that Docker 20.10 knows
	docker_clean
	wait_until 30 unit_gone "$unit"
}

@test "docker, cgroupfs: limits and update" {
	docker_start
	docker run --detach --name box "${LIMITS[@]}" busybox sleep 1000
	run -0 docker exec box sh -c "$LOOK"
	assert [ "$(tr '\n' ' ' <<<"$output")" = "$LOOK_IS" ]
	[ "$RUNTIME_NAME" != crun ] || return 0 # which refuses the kernel memory of 0 that Docker sends
	docker update --pids-limit 60 box
	run -0 docker exec box cat /sys/fs/cgroup/pids.max
	assert [ "$output" = 60 ]
}

@test "containerd: ctr's own spec, limits, metrics, an out-of-memory event" {
	image_archive "$ENGINES_DIR/image.tar"
	containerd_start
	ctr image import "$ENGINES_DIR/image.tar"
	ctr run "${CTR_RUNTIME[@]}" --detach --memory-limit 67108864 --cpus 0.5 docker.io/library/busybox:latest box sleep 1000
	run -0 ctr task exec --exec-id one box sh -c 'mkdir /tmp/c && mount -t cgroup2 none /tmp/c; cat /proc/self/cgroup'
	run -0 cat "/sys/fs/cgroup/default/box/memory.max" "/sys/fs/cgroup/default/box/cpu.max"
	assert [ "$output" = $'67108864\n50000 100000' ]
	run -0 ctr task metrics box
	[[ $output =~ memory.usage\ +[1-9] ]]
	[[ $output =~ memory.usage_limit\ +67108864 ]]
	ctr task kill --signal KILL box
	wait_until 30 sh -c 'ctr task ls | grep -q STOPPED'
	ctr task delete box || true
	ctr container rm box
}
