# SPDX-License-Identifier: GPL-2.0-or-later
# jail set: limits of running instances, fields of the spec, stored or not, all or nothing. Huge pages have their
# controller in the v2 tree where hybrid hosts have nothing else, so most of this runs anywhere.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

MIB=1048576

group() {
	echo "$SANDBOX_ROOT/jail/$1"
}
need_controller() {
	has_controller "$1" || skip "the $1 controller is not in this host's v2 tree"
}
need_huge() {
	need_controller hugetlb
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages of 2 MiB"
}
huge() {
	cat "$(group "$1")/hugetlb.2MB.max"
}
spec() {
	field "$1" ".spec.$2"
}

@test "hugepages: in the kernel, in use and reserved, by number" {
	need_huge
	printf '{"image": "%s", "process": {"args": ["sleep", "1000"]}, "resources": {"hugepages": {"2MiB": 3}}}' "$IMAGE" \
		>"$BATS_TEST_TMPDIR/s.json"
	jail create -f "$BATS_TEST_TMPDIR/s.json" web
	jail start web
	[ "$(huge web)" = $((6 * MIB)) ]
	[ "$(cat "$(group web)/hugetlb.2MB.rsvd.max")" = $((6 * MIB)) ]
	[ "$(field web '.kernelLimits["hugetlb.2MB.max"]')" = $((6 * MIB)) ]
}

@test "up and down, live and stored; old and new are printed; a restart keeps it" {
	need_huge
	sleeper web
	run -0 jail set web hugepages.2MiB=8
	[ "$output" = 'resources.hugepages.2MiB: unset -> 8' ]
	[ "$(huge web)" = $((16 * MIB)) ]
	run -0 jail set web resources.hugepages.2MiB=4 labels.a.b=c
	[ "${lines[0]}" = 'resources.hugepages.2MiB: 8 -> 4' ]
	[ "${lines[1]}" = 'labels.a.b: unset -> c' ]
	[ "$(huge web)" = $((8 * MIB)) ]
	[ "$(spec web 'resources.hugepages["2MiB"]')" = 4 ]
	[ "$(spec web 'labels["a.b"]')" = c ]
	jail restart web
	[ "$(huge web)" = $((8 * MIB)) ]
	run -0 jail set --json web hugepages.2MiB=
	[ "$(jq -c '[.name, .stored, .live, .restarted, .changes]' <<<"$output")" = \
		'["web",true,true,false,[{"key":"resources.hugepages.2MiB","old":"4","new":null}]]' ]
	[ "$(huge web)" = max ]
	[ "$(spec web resources)" = null ]
}

@test "--runtime is forgotten by the next start, and is the base of the next --runtime" {
	need_huge
	sleeper web
	jail set web hugepages.2MiB=4
	jail set --runtime web hugepages.2MiB=2
	[ "$(huge web)" = $((4 * MIB)) ]
	[ "$(spec web 'resources.hugepages["2MiB"]')" = 4 ]
	run -0 jail set --runtime web hugepages.2MiB=3
	[ "$output" = 'resources.hugepages.2MiB: 2 -> 3' ]
	jail restart web
	[ "$(huge web)" = $((8 * MIB)) ]
	run -0 jail set --runtime web hugepages.2MiB=5
	[ "$output" = 'resources.hugepages.2MiB: 4 -> 5' ]
	run jail set --runtime web labels.x=1
	assert_error 1 'only limits can change with --runtime'
	jail stop --timeout 0s web
	run jail set --runtime web hugepages.2MiB=5
	assert_error 1 'is not running'
}

@test "a restart by the policy applies what is stored" {
	need_huge
	sleeper web --restart always
	jail set web hugepages.2MiB=4
	jail set --runtime web hugepages.2MiB=2
	old=$(pid_of web)
	kill -KILL "$old"
	wait_until 30 restarted web "$old"
	[ "$(huge web)" = $((8 * MIB)) ]
}

@test "all or nothing: what the host can't give changes neither kernel nor disk" {
	need_huge
	sleeper web
	jail set web hugepages.2MiB=4
	for bad in unified.memory.wonder=1 unified.hugetlb.2MB.events=1 hugepages.64KiB=1; do
		run jail set web hugepages.2MiB=8 "$bad"
		assert_error 1 "resources.${bad%%=*}"
		[ "$(huge web)" = $((8 * MIB)) ]
		[ "$(spec web 'resources.hugepages["2MiB"]')" = 4 ]
		[ "$(spec web resources.unified)" = null ]
	done
}

@test "raw files: written last and read back, what is typed too is refused" {
	need_huge
	sleeper web
	jail set web unified.hugetlb.2MB.max=4M
	[ "$(huge web)" = $((4 * MIB)) ]
	run jail set web hugepages.2MiB=8
	assert_error 1 'resources.unified.hugetlb.2MB.max: is set by resources.hugepages too'
	# 3 MiB is no whole number of pages: the kernel rounds, and that is said.
	run jail set web unified.hugetlb.2MB.max=3M
	assert_error 1 'the kernel made it "2097152"'
	[ "$(huge web)" = $((4 * MIB)) ]
	for bad in cgroup.procs ../x.y memory.max/x.y; do
		run jail set web "unified.$bad=1"
		assert_error 1 "expected the name of a controller's file"
	done
}

@test "the instance's root can't raise its limits" {
	need_huge
	sleeper web
	jail set web hugepages.2MiB=2
	run jail exec web sh -c 'for f in /sys/fs/cgroup/hugetlb.2MB.max /sys/fs/cgroup/../hugetlb.2MB.max; do echo max >$f; done
		mount -o remount,rw /sys/fs/cgroup; echo max >/sys/fs/cgroup/hugetlb.2MB.max; cat /sys/fs/cgroup/hugetlb.2MB.max'
	[ "$(huge web)" = $((4 * MIB)) ]
}

@test "a paused instance" {
	need_huge
	sleeper web
	jail pause web
	jail set web hugepages.2MiB=2
	[ "$(huge web)" = $((4 * MIB)) ]
	[ "$(status_of web)" = paused ]
	jail resume web
}

@test "a stopped instance: any field, judged as a whole, applied by the start" {
	jail create --image "$IMAGE" web sleep 1000
	run -0 jail set web 'process.args=["sh","-c","echo $WHO; exec sleep 1000"]' process.env.WHO=me.you stop.timeout=0s \
		'network.ports=["18081:80"]' restart.policy=no labels.a=1
	jail start web
	wait_log web me.you
	[ "$(spec web 'network.ports[0]')" = 18081:80/tcp ]
	jail stop web
	run -0 jail set web labels.a= process.env.WHO= network.ports=
	[ "${lines[2]}" = 'network.ports: ["18081:80/tcp"] -> unset' ]
	[ "$(spec web labels)" = null ]
	for bad in cpu.burst=1 hugepages.3MiB=1 process.arg=x nonsense=1 memory.max=12QB io./dev/vda=1 nonsense= \
		resources.cpu.wieght= tenant=x 'mounts=[{"destination":"/proc","source":"/x"}]'; do
		jail inspect --json web >"$BATS_TEST_TMPDIR/before"
		run jail set web labels.b=2 "$bad"
		assert_error 1 'set web: '
		assert_output "${bad%%[=.]*}"
		jail inspect --json web >"$BATS_TEST_TMPDIR/after"
		diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	done
}

@test "what is decided at create, and usage errors" {
	sleeper web
	for fixed in name=x image=y rootfs=/ tenant=x network.mode=none network.path=/x security.userNamespace=host 'network={}'; do
		run jail set web "$fixed"
		assert_error 1 'is decided when the instance is made'
	done
	run jail set web labels.a
	assert_error 1 'expected KEY=VALUE'
	run jail set web labels.a=1 labels.a=2
	assert_error 1 'given twice'
	run jail set web
	assert_error 2 set
	run jail set --runtime --restart web pids.max=5
	[ "$status" -ne 0 ]
	assert_output 'exclude each other'
	run jail set nobody labels.a=1
	assert_error 1 'no such instance'
}

@test "what can't change live wants --restart, which keeps address and files" {
	sleeper web -p 18082:80
	address=$(address_of web)
	jail exec web touch /kept
	run jail set web hostname=other
	assert_error 1 "hostname: can't change while the instance runs"
	assert_output '--restart'
	[ "$(spec web hostname)" = web ]
	old=$(pid_of web)
	run -0 jail set --json --restart web hostname=other 'network.ports=["18083:80"]' stop.timeout=0s
	[ "$(jq -c '[.stored, .live, .restarted]' <<<"$output")" = '[true,false,true]' ]
	[ "$(pid_of web)" != "$old" ]
	[ "$(jail exec web hostname)" = other ]
	jail exec web test -e /kept
	[ "$(address_of web)" = "$address" ]
	# The elements of the old port went with the old start.
	[ "$(nft -j list ruleset | grep -c 18082)" = 0 ]
	[ "$(nft -j list ruleset | grep -c 18083)" != 0 ]
	# An instance that would go with its stop stays as it is.
	sleeper gone --rm
	run jail set --restart gone hostname=x
	assert_error 1 '--rm'
	[ "$(status_of gone)" = running ]
	jail stop --timeout 0s gone
	wait_until 30 is_gone gone
}
is_gone() {
	! jail inspect "$1"
}

@test "many at once: no change is lost, on disk and in the kernel" {
	need_huge
	sleeper web
	for i in 1 2 3 4 5 6; do
		jail set web "labels.l$i=$i" "hugepages.2MiB=$i" >/dev/null &
	done
	wait
	for i in 1 2 3 4 5 6; do
		[ "$(spec web "labels.l$i")" = "$i" ]
	done
	[ "$(huge web)" = $(($(spec web 'resources.hugepages["2MiB"]') * 2 * MIB)) ]
}

@test "limits at once with restarts by the policy: kernel and disk agree" {
	need_huge
	sleeper web --restart always
	jail set web restart.delay=10ms --restart >/dev/null
	for i in 1 2 3 4 5 6 7 8; do
		pid=$(pid_of web) # 0 between two starts, which to kill(1) is us
		[ "$pid" = 0 ] || kill -KILL "$pid" 2>/dev/null || :
		jail set web "hugepages.2MiB=$i" >/dev/null
	done
	wait_status web running
	[ "$(spec web 'resources.hugepages["2MiB"]')" = 8 ]
	[ "$(huge web)" = $((16 * MIB)) ]
}
