# SPDX-License-Identifier: GPL-2.0-or-later
# Instances as units of the machine's own systemd: jail installed as `make install` does, with the default configuration.
# vm: nosandbox

load ../lib/common
load ../lib/system

setup_file() {
	[ -n "${JAIL_VM:-}" ] || { echo "only in a VM: this installs jail and removes its state" >&2; return 1; }
	need systemd
	unset JAIL_CONFIG
	install -D -m 755 "$JAIL_BUILD/jail" /usr/local/bin/jail
	install -D -m 755 -t /usr/local/libexec/jail "$JAIL_BUILD/jail-init" "$JAIL_BUILD/jail-monitor" \
		"$JAIL_BUILD/jail-proxy" "$JAIL_BUILD/jail-unpack" "$JAIL_BUILD/jail-copy"
	install -D -m 644 -t /usr/local/lib/systemd/system "$JAIL_BUILD/systemd/jail@.service" \
		"$JAIL_BUILD/systemd/jail-boot.service" "$TOP/systemd/jail.slice" \
		"$JAIL_BUILD/systemd/jail-snapshots.service" "$TOP/systemd/jail-snapshots.timer"
	rm -rf /etc/jail # all defaults
	systemctl daemon-reload
	"$TOP/tests/lib/busybox-image" "$BATS_FILE_TMPDIR/busybox.tar"
	jail image import --quiet --name "$IMAGE" "$BATS_FILE_TMPDIR/busybox.tar"
}
setup() { unset JAIL_CONFIG; JAIL_BUILD=/usr/local/bin; }
teardown() { jail rm --all --force; }
teardown_file() {
	[ -n "${JAIL_VM:-}" ] || return 0
	rm -rf /usr/local/bin/jail /usr/local/libexec/jail /usr/local/lib/systemd/system/jail* /var/lib/jail /run/jail /etc/jail
	systemctl daemon-reload
}

active() { systemctl is-active --quiet "jail@$1"; }
inactive() { run -0 systemctl show -P ActiveState "jail@$1"; [ "$output" = inactive ] || [ "$output" = failed ]; }
property() { systemctl show -P "$2" "jail@$1"; }

@test "systemd-analyze verify is clean" {
	run -0 systemd-analyze verify --man=no jail@web.service jail.slice jail-boot.service \
		jail-snapshots.service jail-snapshots.timer
	[ -z "$output" ]
}

@test "jail start: the init is the unit's main process, its output in the journal, nothing of ours stays" {
	jail create web --image "$IMAGE" -- sh -c 'echo hello journal; exec sleep 1000'
	jail start web
	active web
	[ "$(property web MainPID)" = "$(pid_of web)" ]
	[ "$(field web .cgroup)" = /sys/fs/cgroup/jail.slice/jail@web.service/web ]
	[ "$(ps -o ppid= -p "$(pid_of web)" | tr -d ' ')" = 1 ]
	wait_until 30 nothing_of_ours # the launcher ends after it has said that it runs
	wait_until 30 log_matches web 'hello journal'
	[ "$(jail exec web hostname)" = web ]
	jail stop web
	inactive web
	[ "$(property web ActiveState)" = inactive ]
	[ "$(status_of web)" = stopped ]
	[ "$(field web .lastExit.reason)" = stopped ]
	[ ! -e /sys/fs/cgroup/jail.slice/jail@web.service ]
}

@test "a unit's disk: an image or memory, in its limits, over start and stop by systemctl" {
	jail create web --image "$IMAGE" --network none --disk 64MiB -- sh -c 'while :; do sleep 1000; done'
	systemctl start jail@web
	active web
	run jail exec web sh -c 'echo kept >/kept && dd if=/dev/zero of=/big bs=1M'
	[ "$status" -eq 1 ]
	[[ $output == *'No space left on device'* ]]
	jail exec web rm /big
	jail set web disk.size=128MiB
	jail exec web dd if=/dev/zero of=/big bs=1M count=90
	run ! grep -F /dev/loop /proc/self/mountinfo
	systemctl stop jail@web
	wait_until 30 no_loop
	systemctl start jail@web
	[ "$(jail exec web cat /kept)" = kept ]
	jail rm --force web
	wait_until 30 no_loop
	jail create web --image "$IMAGE" --network none --volatile --disk 32MiB -- sh -c 'while :; do sleep 1000; done'
	systemctl start jail@web
	[ "$(field web .disk.kind)" = tmpfs ]
	jail exec web sh -c 'echo gone >/gone'
	systemctl restart jail@web
	run ! jail exec web cat /gone
}
no_loop() { [ -z "$(cat /sys/block/loop*/loop/backing_file 2>/dev/null)" ]; }

nothing_of_ours() { ! pgrep -x 'jail|jail-monitor|jail-launch'; }

@test "a stop that was asked for is no failure of the unit, whatever the program's status" {
	jail create web --image "$IMAGE" -- sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done'
	jail start web
	wait_log web ready
	jail stop web
	[ "$(field web .lastExit.status)" = 7 ]
	[ "$(property web ActiveState)" = inactive ]
}

@test "published ports, on loopback too, go with the unit; a reload of nftables takes none for good" {
	jail create web --image "$IMAGE" --port 8080:80 --port 127.0.0.1:8081:80 -- httpd -f -p 80 -h /var/www
	systemctl start jail@web
	wait_until 30 serves 127.0.0.1:8081
	serves 10.88.0.1:8080
	# In the unit, so that systemd ends it whatever happens to jail.
	pgrep -x jail-proxy >"$BATS_TEST_TMPDIR/proxy"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/proxy")" -eq 1 ]
	grep /jail.slice/jail@web.service/ "/proc/$(cat "$BATS_TEST_TMPDIR/proxy")/cgroup"
	systemctl restart nftables # Debian's begins with: flush ruleset
	run ! nft list table inet jail
	run ! serves 10.88.0.1:8080
	jail gc
	serves 10.88.0.1:8080
	serves 127.0.0.1:8081
	systemctl stop jail@web
	run ! serves 10.88.0.1:8080
	run ! serves 127.0.0.1:8081
	run ! pgrep -x jail-proxy
	systemctl start jail@web
	wait_until 30 serves 127.0.0.1:8081
	kill -KILL "$(pid_of web)"
	wait_until 30 inactive web
	wait_until 30 nobody_serves # the unit is done with it, and so is systemd
}
serves() { [ "$(curl -s -m 10 "http://$1/")" = 'hello from an instance' ]; }
nobody_serves() { ! pgrep -x jail-proxy; }

@test "systemctl start, stop, kill are in step with jail" {
	jail create web --image "$IMAGE" -- sleep 1000
	systemctl start jail@web
	[ "$(status_of web)" = running ]
	run -1 jail start web
	assert_error 1 "is running"
	systemctl kill jail@web
	wait_until 30 inactive web
	[ "$(field web .lastExit.status)" = 143 ]
	systemctl start jail@web
	systemctl stop jail@web
	[ "$(status_of web)" = stopped ]
	[ "$(field web .lastExit.reason)" = stopped ]
	run -0 journalctl -u jail@web --no-pager
	assert_output "Instance web of jail"
}

@test "a failed start says the same as without systemd" {
	jail create web --image "$IMAGE" --restart always -- /no/such/program
	run -1 jail start web
	assert_error 1 "exec /no/such/program"
	run -0 systemctl show -P NRestarts jail@web
	[ "$output" = 0 ]
	[ "$(status_of web)" = created ]
	[ ! -e /run/jail/instances/web ]
}

ended_after() { status_is "$1" stopped && [ "$(field "$1" .lastExit.restarts)" = "$2" ]; }

@test "the restart policy is systemd's, and a stop ends it" {
	jail create web --image "$IMAGE" --restart always -- sleep 1000
	jail start web
	local pid
	pid=$(pid_of web)
	kill -KILL "$pid"
	wait_until 60 restarted web "$pid"
	[ "$(property web NRestarts)" = 1 ]
	pid=$(pid_of web)
	kill -KILL "$pid"
	wait_until 60 restarted web "$pid"
	jail kill web
	[ "$(property web ActiveState)" = inactive ]
	[ "$(status_of web)" = stopped ]
	[ "$(field web .lastExit.restarts)" = 2 ]
	jail start web # counts anew
	[ "$(jail events --json web | jq -cs 'map(select(.event == "started") | .restarts // 0)[-4:]')" = '[0,1,2,0]' ]
	jail rm --force web
	jail create web --image "$IMAGE" --restart on-failure -- sleep 1000
	jail start web
	pid=$(pid_of web)
	jail kill --signal TERM web # a failure, as without units, though not to systemd
	wait_until 60 restarted web "$pid"
	jail rm --force web
	jail create web --image "$IMAGE" --restart on-failure:2 -- sh -c 'echo run; exit 3'
	jail start web || :
	# Between two starts systemd calls the unit inactive, too.
	wait_until 60 ended_after web 2
	wait_until 60 inactive web
	[ "$(field web .lastExit.status)" = 3 ]
	[ "$(jail logs web | grep -c '^run$')" = 3 ]
}

@test "limits and cgroups stay over daemon-reload and set-property" {
	jail create web --image "$IMAGE" --memory 64MiB --pids 50 -- sleep 1000
	jail start web
	local cgroup
	cgroup=$(field web .cgroup)
	systemctl daemon-reload
	systemctl set-property --runtime jail@web.service MemoryMax=32M
	[ "$(cat "$cgroup/memory.max")" = 67108864 ]
	[ "$(cat "$cgroup/pids.max")" = 50 ]
	[ "$(cat "$cgroup/../memory.max")" = 33554432 ]
	[ "$(jail exec web echo in)" = in ]
	systemctl revert jail@web.service
	jail stop web
}

@test "jail wait, pause, logs" {
	jail create web --image "$IMAGE" -- sh -c 'echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two; exit 4'
	jail start web
	jail wait web >"$BATS_TEST_TMPDIR/waited" 3>&- &
	local waiter=$!
	jail pause web
	[ "$(status_of web)" = paused ]
	jail resume web
	jail exec web touch /tmp/go
	wait "$waiter" || :
	[ "$(cat "$BATS_TEST_TMPDIR/waited")" = 4 ]
	# At once, and without those that had this name before.
	[ "$(jail logs web | tr '\n' ' ')" = "one two " ]
	[ "$(jail logs --tail 1 web)" = two ]
	[ "$(jail logs --tail 5 web | wc -l)" = 2 ]
	[ -z "$(jail logs --tail 0 web)" ]
	[ "$(jail logs --tail 1 --follow web)" = two ]
	# Until the end, which is not that of its first run, and whole.
	jail rm web
	jail create web --image "$IMAGE" --restart on-failure:1 -- sh -c 'echo run; sleep 1; seq 1000; exit 1'
	jail start web
	[ "$(jail logs --follow web)" = "$(for run in 1 2; do echo run; seq 1000; done)" ]
	[ -z "$(jail logs --tail 0 --follow web)" ]
}

@test "requires and after: started first, stopped last" {
	echo "{\"name\": \"app\", \"image\": \"$IMAGE\", \"requires\": [\"db\"], \"process\": {\"args\": [\"sleep\", \"1000\"]}}" \
		>"$BATS_TEST_TMPDIR/app.json"
	jail create db --image "$IMAGE" -- sleep 1000
	jail create --file "$BATS_TEST_TMPDIR/app.json"
	jail start app
	[ "$(status_of db)" = running ]
	[ "$(property db ActiveEnterTimestampMonotonic)" -le "$(property app ExecMainStartTimestampMonotonic)" ]
	jail stop db
	[ "$(status_of app)" = stopped ]
}

@test "enable and disable: one switch, and the boot starts the enabled, in order" {
	jail create db --image "$IMAGE" -- sleep 1000
	jail create web --image "$IMAGE" -- sleep 1000
	jail create off --image "$IMAGE" -- sleep 1000
	jail enable db web off
	jail disable off
	[ "$(field web .spec.autostart)" = true ]
	systemctl start jail-boot
	[ "$(status_of web)" = running ]
	[ "$(status_of db)" = running ]
	[ "$(status_of off)" = created ]
	systemctl stop jail-boot
}

@test "the timer's service makes the snapshots that are due, of what runs too; a stop of it leaves nobody frozen" {
	jail create web --image "$IMAGE" --snapshots 365d:2 -- sleep 1000
	jail start web
	systemctl start jail-snapshots.timer
	systemctl is-active --quiet jail-snapshots.timer
	systemctl start jail-snapshots.service
	[ "$(jail snapshot list --json web | jq -c '.[0].schedules')" = '["every-365d"]' ]
	[ "$(status_of web)" = running ]
	systemctl stop jail-snapshots.timer
}

@test "the boot starts many, a few at a time, and one that fails stops none" {
	local i
	for i in $(seq 12); do
		jail create "n$i" --image "$IMAGE" -- sleep 1000
	done
	jail create n0 --image "$IMAGE" -- /no/such/program
	jail enable n0 $(seq -f n%.0f 12)
	local since
	since=$(date +%s.%N)
	systemctl start jail-boot
	# It ends when all have started.
	[ "$(jail ps --json | jq '[.[] | select(.status == "running")] | length')" = 12 ]
	[ "$(status_of n0)" = created ]
	systemctl stop jail-boot
	journalctl --sync
	run -0 most_at_once "$since"
	[ "$output" -le "$(($(nproc) > 2 ? 2 * $(nproc) : 4))" ]
	[ "$output" -gt 1 ]
}
# most_at_once SINCE: how many units of instances were starting at a time, by systemd's messages: a start begins
# (SD_MESSAGE_UNIT_STARTING), is done or fails (SD_MESSAGE_UNIT_STARTED, SD_MESSAGE_UNIT_FAILED).
most_at_once() {
	journalctl --since="@$1" --output=json _PID=1 \
		MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5 MESSAGE_ID=39f53479d3a045ac8e11786248231fbf \
		MESSAGE_ID=be02cf6855d2428ba40df7e9d022f03d |
		jq -s '[.[] | select(.UNIT | startswith("jail@")) | if .MESSAGE_ID[:4] == "7d49" then 1 else -1 end] |
			reduce .[] as $step ({now: 0, most: 0}; .now += $step | .most = ([.most, .now] | max)) | .most'
}

@test "the launcher is killed: the unit fails and leaves nothing" {
	jail create web --image "$IMAGE" -- sleep 1000
	mkdir -p "$BATS_TEST_TMPDIR"
	local i pid
	for i in 1 2 3 4 5; do
		systemctl start --no-block jail@web
		wait_until 30 launcher_or_end
		pid=$(property web MainPID)
		[ "$pid" = 0 ] || kill -KILL "$pid" 2>/dev/null || :
		wait_until 60 settled web
		systemctl stop jail@web
		[ ! -e /run/jail/instances/web ]
		[ ! -e /sys/fs/cgroup/jail.slice/jail@web.service ]
	done
	jail gc
	jail start web
	active web
}
launcher_or_end() { [ "$(property web MainPID)" != 0 ] || inactive web; }
settled() { [[ $(property "$1" ActiveState) == @(active|inactive|failed) ]]; }

@test "with a console the monitor is the main process" {
	jail create web --image "$IMAGE" --tty -- sleep 1000
	jail start web
	active web
	[ "$(property web MainPID)" = "$(monitor_of web)" ]
	systemctl stop jail@web
	[ "$(status_of web)" = stopped ]
	inactive web
}

@test "machinectl lists it" {
	jail create web --image "$IMAGE" -- sleep 1000
	systemctl start systemd-machined
	jail start web
	run -0 machinectl list --no-legend
	assert_output web
	run -0 machinectl show -p Leader --value web
	[ "$output" = "$(pid_of web)" ]
	jail stop web
	wait_until 30 not_a_machine web
	jail rm web
	# After a restart too, which is none of the unit's ends.
	jail create web --image "$IMAGE" --restart always -- sleep 1000
	jail start web
	local pid
	pid=$(pid_of web)
	kill -KILL "$pid"
	wait_until 60 restarted web "$pid"
	wait_until 30 leads web
	jail stop web
}
leads() { [ "$(machinectl show -p Leader --value "$1")" = "$(pid_of "$1")" ]; }
not_a_machine() { ! machinectl show "$1"; }

@test "machinectl knows a whole system by its init, and journalctl -M reads its journal" {
	jail create sys --image "$IMAGE" --mode system -- /bin/busybox init
	systemctl start systemd-machined
	jail start sys
	[ "$(machinectl show -p Leader --value sys)" = "$(pid_of sys)" ]
	[ "$(machinectl show -p Id --value sys)" = "$(field sys .id)" ]
	[ "$(property sys MainPID)" = "$(monitor_of sys)" ]
	# BusyBox has no journal: one of the host's.
	jail exec sys mkdir -p /var/log/journal
	machinectl copy-to sys "/var/log/journal/$(cat /etc/machine-id)" "/var/log/journal/$(field sys .id)"
	run -0 journalctl -M sys --no-pager --lines 1 _PID=1
	assert_output 'systemd[1]: '
	machinectl terminate sys
	wait_until 60 inactive sys
	[ "$(status_of sys)" = stopped ]
	[ "$(field sys .lastExit.reason)" = stopped ]
}

@test "rm takes the drop-in away, rename moves it" {
	jail create web --image "$IMAGE" -- /no/such/program
	[ -e /run/systemd/system/jail@web.service.d/50-jail.conf ]
	jail rename web site
	[ ! -e /run/systemd/system/jail@web.service.d ]
	[ -e /run/systemd/system/jail@site.service.d/50-jail.conf ]
	run -1 jail start site
	[ "$(property site ActiveState)" = failed ]
	jail rm site
	run -0 systemctl list-units --all --no-legend 'jail@*'
	[ -z "$output" ]
	[ ! -e /run/systemd/system/jail@site.service.d ]
}

@test "50 units at once" {
	local i names=()
	for i in $(seq 50); do
		jail create "n$i" --image "$IMAGE" -- sleep 1000
		names+=("jail@n$i")
	done
	timeout 600 systemctl start "${names[@]}" || { journalctl --no-pager -n 50 -u 'jail@n*' -p notice; false; }
	[ "$(jail ps --json | jq '[.[] | select(.status == "running")] | length')" = 50 ]
	timeout 600 systemctl stop "${names[@]}"
	[ "$(jail ps --json | jq '[.[] | select(.status == "running")] | length')" = 0 ]
}

@test "ready: the unit is active when the program says so; nothing else of what it says arrives" {
	notifier web 'until [ -e /tmp/go ]; do sleep 0.1; done
		/tools/notify MAINPID=2 STATUS=mine READY=1; exec sleep 1000' --notify-ready
	systemctl start --no-block jail@web
	wait_until 30 status_is web running
	[ "$(property web ActiveState)" = activating ]
	[ "$(field web .ready)" = false ]
	jail exec web touch /tmp/go
	wait_until 30 active web
	[ "$(property web MainPID)" = "$(monitor_of web)" ]
	[ "$(property web StatusText)" = '' ]
	[ "$(field web .ready)" = true ]
	jail stop web
	[ "$(property web ActiveState)" = inactive ]
}

@test "ready: an end before is a failed start that says so, whoever waits" {
	notifier web 'exit 3' --notify-ready
	run -1 jail start web
	assert_error 1 'start web: the program has ended before it said READY=1'
	wait_until 30 inactive web
	[ "$(field web .lastExit.status)" = 3 ]
	[ ! -e /run/jail/instances/web ]
}

@test "watchdog: the instance ends, its reason is kept, and systemd restarts it" {
	notifier web 'exec sleep 1000' --watchdog 2s --restart on-failure
	jail start web
	local pid
	pid=$(pid_of web)
	wait_until 60 restarted web "$pid"
	run -0 jail events --json
	[ "$(jq -rs '[.[] | select(.event == "exited" and .name == "web")][-1].reason' <<<"$output")" = watchdog ]
	jail stop web
}

# notifier NAME SCRIPT [OPTION...]: an instance with the program "notify".
notifier() {
	mkdir -p /usr/local/libexec/jail-tests
	[ -e /usr/local/libexec/jail-tests/notify ] ||
		musl-gcc -static -D_GNU_SOURCE -O2 -Wall -o /usr/local/libexec/jail-tests/notify "$TOP/tests/helpers/notify.c"
	jail create --image "$IMAGE" --mount /usr/local/libexec/jail-tests:/tools:ro "${@:3}" "$1" -- sh -c "$2"
}

@test "the device filter stays over daemon-reload and set-property" {
	local device
	device=$(spare_device)
	jail create web --image "$IMAGE" --device "$device:r" -- sleep 1000
	jail start web
	filter_holds web "$device"
	systemctl daemon-reload
	systemctl set-property --runtime jail@web.service CPUWeight=50
	systemctl daemon-reload
	filter_holds web "$device"
	systemctl revert jail@web.service
	jail stop web
}
filter_holds() { # what is granted is reading
	jail exec "$1" sh -c "exec 3<$2"
	run ! jail exec "$1" sh -c "exec 3>$2"
}

@test "a stop of all is in the order of after, backwards" {
	jail create db --image "$IMAGE" -- sleep 1000
	jail create web --image "$IMAGE" -- sleep 1000
	jail set web 'after=["db"]' >/dev/null
	jail start web db
	# In one transaction, as a shutdown does it: all are in the slice.
	systemctl stop jail.slice
	[ "$(property web InactiveEnterTimestampMonotonic)" -le "$(property db ExecMainExitTimestampMonotonic)" ]
}
