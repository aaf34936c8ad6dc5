# SPDX-License-Identifier: GPL-2.0-or-later
# Killed at any system call of their life: instances, networks, volumes. The command alone, one of the processes that it
# has started (supervisor, monitor, init, proxy, helpers), or all at once. Allowed is that it happened or that it did not;
# never is anything left after gc, and never an instance that can't be started or removed. `make crash-test` tries every
# call, here it is a part of them.
# san: no
# shellcheck disable=SC2317 # what begins a sweep is called by it

load ../lib/common
load ../lib/crash
load ../lib/crash_life

setup_file() {
	jail_setup_file
	life_setup_file
	printf '{"snapshots": [{"name": "yearly", "every": "365d", "keep": 2}]}' >"$JAIL_TEST_DIR/yearly.json"
	# What a first start makes for good.
	rich
	jail start web
	jail exec web true
	life_empty
}
teardown_file() { jail_teardown_file; }
teardown() {
	life_end
	jail gc >/dev/null
}

KEEP='while :; do sleep 1000; done'

# rich: with everything that is outside of an instance: a volume, a disk of its own, ports of both kinds, a mount, a
# program that says that it is ready. lean: one port.
rich() {
	jail volume create --quiet data
	jail create --image "$IMAGE" --port 8080:80 --port 127.0.0.1:8081:81 --mount volume:data:/data --disk 16MiB \
		--mount "$JAIL_TEST_DIR/tools:/tools:ro" --notify-ready --restart on-failure:1 web \
		-- sh -c "trap 'exit 0' TERM; /tools/notify READY=1 || exit 3; $KEEP"
}
lean() { jail create --image "$IMAGE" --port 8080:80 --stop-timeout 0s web -- sh -c "$KEEP"; }
rich_runs() {
	rich
	jail start web
}
lean_runs() {
	lean
	jail start web
}

# What may come out besides: it is down.
down() { jail stop --timeout 0s web; }

@test "create" {
	begin() { jail volume create --quiet data; }
	rich_create() {
		life_sweep create "$@" -- create --image "$IMAGE" --port 8080:80 --port 127.0.0.1:8081:81 --mount volume:data:/data \
			--disk 16MiB web -- sh -c "$KEEP"
	}
	rich_create
	rich_create --one
}

@test "start, with everything that is outside of an instance" {
	begin() { rich; }
	life_sweep start -- start web
	life_sweep start --one -- start web
}

@test "stop" {
	begin() { rich_runs; }
	ALSO=web
	life_sweep stop --to-the-end -- stop --timeout 0s web
	life_sweep stop --to-the-end --one -- stop --timeout 0s web
}

@test "rm, of one that is down and of one that runs" {
	begin() { rich; }
	life_sweep rm -- rm web
	begin() { rich_runs; }
	ALLOWED=(down) ALSO=web
	life_sweep 'rm --force' --to-the-end -- rm --force web
	life_sweep 'rm --force' --to-the-end --one -- rm --force web
}

@test "run, attached and detached, to the end: the whole life of one that is removed when it ends" {
	ENDS=1
	# It stays when the supervisor is killed before the end: nothing is lost that nobody has seen.
	made() { jail create --image "$IMAGE" --port 8080:80 web true; }
	ALLOWED=(made)
	life_sweep 'run --rm' --to-the-end -- run --rm --name web --image "$IMAGE" --port 8080:80 true
	life_sweep 'run --rm' --to-the-end --one -- run --rm --name web --image "$IMAGE" --port 8080:80 true
	life_sweep 'run --rm --detach' --to-the-end --one -- run --rm --detach --name web --image "$IMAGE" --port 8080:80 true
}

@test "run with a restart policy, to the end" {
	ENDS=1
	made() { jail create --image "$IMAGE" --port 8080:80 --restart on-failure:1 web false; }
	ALLOWED=(made)
	life_sweep 'run --restart' --to-the-end --one -- run --detach --name web --image "$IMAGE" --port 8080:80 \
		--restart on-failure:1 false
}

@test "exec, kill" {
	begin() { lean_runs; }
	life_sweep exec -- exec web true
	life_sweep exec --one -- exec web true
	ALSO=web
	life_sweep kill --to-the-end --one -- kill --signal KILL web
}

@test "set of one that runs: ports" {
	HALF="a change of the network has many steps, and is marked: the same again completes it, and the end takes all away"
	begin() { lean_runs; }
	# A proxy that is killed stays so until the instance ends: only what sets it up is.
	life_sweep 'set ports' --one --only "$JAIL_BUILD/jail" -- set web network.ports=8090:90,127.0.0.1:8091:91
}

@test "set of one that runs: its disk" {
	[ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) -eq 1 ] || skip "growing an ext4 takes CAP_SYS_RESOURCE"
	begin() { rich_runs; }
	life_sweep 'set disk' -- set web disk.size=24MiB
}

@test "restart, rename" {
	begin() { lean_runs; }
	ALLOWED=(down)
	life_sweep restart -- restart --timeout 0s web
	life_sweep restart --one -- restart --timeout 0s web
	begin() { lean; }
	ALLOWED=()
	life_sweep rename -- rename web other
}

@test "networks and volumes: create and rm" {
	life_sweep 'network create' -- network create --quiet back
	life_sweep 'volume create' -- volume create --quiet data
	life_sweep 'volume create --size' -- volume create --quiet --size 16MiB data
	begin() {
		jail network create --quiet back
		jail volume create --quiet --size 16MiB data
	}
	life_sweep 'network rm' -- network rm back
	life_sweep 'volume rm' -- volume rm data
}

@test "snapshots that are due" {
	begin() {
		jail create --file "$JAIL_TEST_DIR/yearly.json" --image "$IMAGE" web -- sh -c "$KEEP"
	}
	life_sweep 'snapshot run' -- snapshot run
}

@test "export and import of an instance" {
	begin() { lean; }
	life_sweep export -- export web --quiet --output "$JAIL_TEST_DIR/out/file"
	life_sweep export --one -- export web --quiet --output "$JAIL_TEST_DIR/out/file"
	lean
	jail export web --quiet --output "$JAIL_TEST_DIR/file"
	life_end
	begin() { :; }
	life_sweep import -- import --quiet "$JAIL_TEST_DIR/file"
	life_sweep import --one -- import --quiet "$JAIL_TEST_DIR/file"
}
