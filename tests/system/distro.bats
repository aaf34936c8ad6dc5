# SPDX-License-Identifier: GPL-2.0-or-later
# Whole systems: images' own inits as process 1, from the first line on the console to the last.
# In the VM, where a whole boot takes ten seconds, what a host without controllers can't show, and each init once.
# vm: filter=^(systemd (boots|hands)|systemd: (stop|reboot|a timer)|row 68|sysvinit|OpenRC|openrc-init|runit|BusyBox)

load ../lib/common
load ../lib/system
load ../lib/whole

bats_require_minimum_version 1.5.0

setup_file() {
	jail_setup_file
	jail image import --quiet --name systemd "$("$TOP/tests/lib/debian-tarball" systemd)"
}
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

on_terminal() { # EXPECT-SCRIPT on stdin
	# What is not answered in time is the end, not the next line's turn.
	sed '/^[[:space:]]*spawn /a expect_after { timeout { send_user "no answer in time\\n"; exit 9 } }' >"$BATS_TEST_TMPDIR/e.exp"
	JAIL=$JAIL_BUILD/jail T=$BATS_TEST_TMPDIR run -0 expect "$BATS_TEST_TMPDIR/e.exp"
}
# A login as root without a password, by `jail attach`, and back out of the console.
login() { # NAME
	jail exec "$1" passwd -d root >/dev/null
	NAME=$1 on_terminal <<-'END'
		set timeout 120
		spawn -noecho sh -c "$env(JAIL) attach $env(NAME); echo left=\$?"
		send "\r"
		expect "login:"
		send "root\r"
		expect "#"
		send "echo on=\$(tty) who=\$(id -un)\r"
		expect -re {on=/dev/\S+ who=root}
		send "exit\r"
		expect "login:"
		send "\020\021"
		expect "left=0"
		expect eof
	END
	assert_output 'left=0'
}

@test "systemd boots: running, no failed unit, and knows where it is" {
	boot_systemd web
	run -0 inside web systemctl is-system-running
	assert_output running
	run -0 inside web systemctl list-units --failed --no-legend
	[ -z "$output" ]
	run -0 inside web systemd-detect-virt
	assert_output container-other
	run -0 inside web cat /run/host/container-manager
	assert_output jail
	run -0 inside web readlink /proc/1/exe
	assert_output systemd
	run -0 inside web sh -c 'tr "\0" "\n" </proc/1/environ'
	assert_output 'container=jail'
	# Nothing of the container's in what it has mounted could fail it: no unit was masked to get here.
	run -0 inside web find /run/systemd/system /etc/systemd/system -lname /dev/null
	[ -z "$output" ]
}

@test "systemd hands the controllers on to its services, whose limits hold below those of the instance" {
	need controllers cpu io memory pids
	local group=/sys/fs/cgroup/system.slice/box.service
	boot_systemd web --memory 512MiB
	run -0 inside web cat /sys/fs/cgroup/cgroup.controllers
	for controller in cpuset cpu io memory pids; do
		assert_output "$controller"
	done
	inside web systemd-run --quiet --unit=box -p MemoryMax=64M -p TasksMax=20 -p CPUQuota=50% -p IOWeight=50 \
		-p AllowedCPUs=0 sleep infinity
	run -0 inside web sh -c "cd $group && cat memory.max pids.max cpu.max io.weight cpuset.cpus"
	[ "$output" = $'67108864\n20\n50000 100000\ndefault 50\n0' ]
	run -0 inside web systemctl show -P MemoryCurrent box
	[[ $output =~ ^[1-9][0-9]+$ ]]
	# More memory than the service may have, and than its first child leaves to the others.
	run inside web systemd-run --quiet --wait --unit=big -p MemoryMax=32M -p MemorySwapMax=0 tail /dev/zero
	run -0 inside web systemctl show -P Result big
	[ "$output" = oom-kill ]
	run ! inside web systemd-run --quiet --wait --pipe -p TasksMax=5 sh -c 'for i in 1 2 3 4 5 6; do sleep 1000 & done'
	assert_output 'Cannot fork'
	# The instance's own limit is out of reach, whatever it does to the root that it sees.
	run inside web sh -c 'echo max >/sys/fs/cgroup/memory.max'
	[ "$(cat "$(field web .cgroup)/memory.max")" -eq $((512 << 20)) ]
}

@test "systemd: a login on the console by attach, and su" {
	boot_systemd web
	login web
	inside web useradd -m someone
	run -0 inside web su - someone -c 'id -un; id -u'
	assert_output someone
}

@test "systemd: stop is its own shutdown, not a kill" {
	boot_systemd web
	inside web sh -c 'printf "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\nExecStop=/bin/sh -c \"echo stopped in order >>/root/mark; sync\"\n" >/etc/systemd/system/mark.service; systemctl daemon-reload; systemctl start mark'
	JAIL_TIMEOUT=$BOOT run -0 jail stop web
	[ "$(reason web)" = '0 stopped' ]
	log_has web 'Reached target.*shutdown.target'
	run ! log_has web FAILED
	jail start web
	wait_until "$BOOT" settled web
	run -0 inside web cat /root/mark
	assert_output 'stopped in order'
	run -0 inside web journalctl -b -1 --no-pager -o cat
	assert_output 'Journal stopped'
}

@test "systemd: reboot inside starts it again, with what it had; poweroff and halt end it" {
	boot_systemd web
	local id
	id=$(inside web cat /etc/machine-id)
	# The machine id is the instance's, the boot id the start's.
	[ "$id" = "$(jail inspect --json web | jq -r '.[0].id')" ]
	run -0 inside web sh -c 'printf "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n" >/etc/systemd/system/stay.service; systemctl enable stay; mkdir -p /var/log/journal; systemctl restart systemd-journald; echo left behind | systemd-cat -t mark; journalctl --sync'
	reboot_inside web systemctl reboot
	wait_until "$BOOT" settled web
	run -0 inside web systemctl is-active stay
	run -0 inside web journalctl -b -1 -t mark -o cat --no-pager
	assert_output 'left behind'
	[ "$(inside web cat /etc/machine-id)" = "$id" ]
	run -0 jail inspect --json web
	[ "$(jq '.[0].restarts // 0' <<<"$output")" -eq 0 ]

	run inside web systemctl poweroff
	wait_until "$BOOT" has_ended web
	[ "$(reason web)" = '0 poweroff' ]
	jail start web
	wait_until "$BOOT" settled web
	run inside web systemctl halt
	wait_until "$BOOT" has_ended web
	[ "$(reason web)" = '0 poweroff' ]
}

@test "a restart policy has no say in a poweroff, nor a stop in a reboot" {
	boot_systemd web --restart always
	run inside web systemctl poweroff
	wait_until "$BOOT" has_ended web
	[ "$(reason web)" = '0 poweroff' ]
}

@test "systemd: timers fire, services are cgroups of their own" {
	boot_systemd web
	# Without an accuracy it may be a minute late.
	inside web systemd-run --quiet --on-active=1 --timer-property=AccuracySec=10ms --unit=tick touch /run/ticked
	wait_until 60 inside web test -e /run/ticked
	inside web systemd-run --quiet --unit=loop sleep infinity
	run -0 inside web sh -c 'cat /proc/$(systemctl show -P MainPID loop)/cgroup'
	assert_output '0::/system.slice/loop.service'
	inside web systemctl stop loop
	# Sandboxes of services: namespaces and mounts of their own.
	run -0 inside web systemd-run --quiet --pipe --wait -p PrivateTmp=yes -p ProtectSystem=strict -p ProtectHome=yes \
		-p PrivateDevices=yes -p ProtectKernelTunables=yes -p ProtectProc=invisible -p PrivateUsers=yes \
		sh -c 'touch /usr/x 2>/dev/null || echo sandboxed'
	assert_output sandboxed
}

@test "systemd: a timer that is enabled fires, and does so again after a reboot" {
	boot_systemd web
	inside web sh -c 'printf "[Service]\nType=oneshot\nExecStart=/bin/sh -c \"cat /proc/sys/kernel/random/boot_id >>/root/ticks\"\n" >/etc/systemd/system/tick.service
		printf "[Timer]\nOnActiveSec=1\nOnCalendar=*:*:*\nAccuracySec=10ms\n[Install]\nWantedBy=timers.target\n" >/etc/systemd/system/tick.timer
		systemctl enable --now --quiet tick.timer'
	wait_until 60 inside web grep -q "$(boot_id web)" /root/ticks
	run -0 inside web systemctl list-timers --no-legend
	assert_output tick.service
	reboot_inside web systemctl reboot
	wait_until "$BOOT" inside web grep -q "$(boot_id web)" /root/ticks
}

@test "systemd: the journal has what services and syslog() say, by unit and priority" {
	boot_systemd web
	inside web systemd-run --quiet --wait --unit=talk --property=SyslogIdentifier=talker \
		sh -c 'echo plain; echo "<3>it broke"; echo to standard error >&2; head -c 100000 /dev/zero | tr "\0" x; echo'
	inside web logger -t old-style -p auth.warning 'from syslog()'
	inside web journalctl --sync
	run -0 inside web journalctl -u talk -t talker -o cat --no-pager
	assert_output $'plain\nit broke\nto standard error\nxxxxx'
	run -0 inside web journalctl -u talk -p err -o cat --no-pager
	[ "$output" = 'it broke' ]
	inside web journalctl -t old-style -o json --no-pager >"$BATS_TEST_TMPDIR/line"
	run -0 jq -r '"\(.PRIORITY) \(.SYSLOG_FACILITY) \(.MESSAGE) \(._UID) \(._TRANSPORT)"' "$BATS_TEST_TMPDIR/line"
	[ "$output" = '4 4 from syslog() 0 syslog' ]
	run -0 inside web journalctl --verify
	assert_output PASS
	# Nobody but root and its group reads it.
	inside web useradd someone
	run -0 inside web su someone -c 'journalctl -u talk -o cat --no-pager 2>&1; true'
	refute_output 'it broke'
}

@test "apt installs a package from a repository of files inside" {
	boot_systemd web
	inside web sh -c 'set -e
		mkdir -p /srv/repo/hello-jail/DEBIAN /srv/repo/hello-jail/usr/bin
		printf "Package: hello-jail\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: says hello\n" \
			>/srv/repo/hello-jail/DEBIAN/control
		printf "#!/bin/sh\necho hello from a package\n" >/srv/repo/hello-jail/usr/bin/hello-jail
		chmod 755 /srv/repo/hello-jail/usr/bin/hello-jail
		cd /srv/repo && dpkg-deb --build --root-owner-group hello-jail . && apt-ftparchive packages . >Packages
		rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
		echo "deb [trusted=yes] file:/srv/repo ./" >/etc/apt/sources.list
		apt-get update && apt-get install -y hello-jail' >&2
	run -0 inside web hello-jail
	assert_output 'hello from a package'
}

@test "rows 24, 25, 30: what jail mounted stays, whatever root of a system does" {
	mkdir "$BATS_TEST_TMPDIR/volume"
	echo kept >"$BATS_TEST_TMPDIR/volume/file"
	chmod 0777 "$BATS_TEST_TMPDIR/volume"
	boot_systemd web --mount "$BATS_TEST_TMPDIR/volume:/srv/volume:ro"
	# It can mount: so that the rest fails for the reason that is meant.
	inside web mount -t tmpfs none /mnt
	inside web umount /mnt
	run ! inside web umount /proc/kallsyms
	run ! inside web umount -l /proc/kallsyms
	run ! inside web mount -o remount,bind,rw /proc/sys
	run ! inside web umount -l /proc/sys
	run ! inside web mount -o remount,bind,rw /sys
	run ! inside web mount -o remount,bind,rw /srv/volume
	run ! inside web umount -l /srv/volume
	run ! inside web mount -t proc none /mnt
	run ! inside web sh -c 'unshare --mount --propagation unchanged umount -l /proc/kallsyms'
	run ! inside web sh -c 'unshare --user --map-root-user --mount umount -l /proc/kallsyms'
	run ! inside web touch /srv/volume/other
	[ ! -e "$BATS_TEST_TMPDIR/volume/other" ]
	run -0 inside web sh -c 'wc -c </proc/kallsyms'
	assert_output 0
}

@test "row 24: CAP_SYS_ADMIN granted to a program does not unlock its mounts either" {
	mkdir "$BATS_TEST_TMPDIR/volume"
	chmod 0777 "$BATS_TEST_TMPDIR/volume"
	jail run --detach --name app --image systemd --network none --cap-add sys_admin \
		--mount "$BATS_TEST_TMPDIR/volume:/srv/volume:ro" -- sleep infinity
	inside app mount -t tmpfs none /mnt
	run ! inside app mount -o remount,bind,rw /srv/volume
	run ! inside app umount -l /srv/volume
	run ! inside app umount -l /proc/kallsyms
	run ! inside app touch /srv/volume/other
}

@test "row 68: the cgroup tree is the instance's from its own root on" {
	boot_systemd web
	run -0 inside web sh -c 'cat /proc/1/cgroup | tail -n 1'
	assert_output '0::/init.scope'
	run ! inside web sh -c 'ls /sys/fs/cgroup/../inside'
	# The level above belongs to the host: what the instance owns ends at its own directory.
	local dir
	dir=$(jail inspect --json web | jq -r '.[0].cgroup')
	[ "$(stat -c %u "$dir")" -eq 0 ]
	[ "$(stat -c %u "$dir/inside")" -ne 0 ]
	[ "$(stat -c %u "$dir/inside/cgroup.procs")" -ne 0 ]
	[ "$(cat "$dir/cgroup.max.descendants")" != max ]
}

@test "row 55: user namespaces inside are bounded" {
	boot_systemd web
	run -0 inside web cat /proc/sys/user/max_user_namespaces
	assert_output 32
	run ! inside web sh -c 'echo 100 >/proc/sys/user/max_user_namespaces'
	# Each of them says one line: that it is up, or why not.
	run -0 inside web sh -c 'for i in $(seq 40); do unshare --user sh -c "echo up; exec sleep 1000" 2>&1 & done | head -n 40 | grep -c up'
	assert [ "$output" -le 32 ]
	assert [ "$output" -gt 0 ]
}

@test "two instances have machine ids of their own" {
	boot one systemd
	boot two systemd
	wait_until "$BOOT" settled one
	wait_until "$BOOT" settled two
	[ "$(inside one cat /etc/machine-id)" != "$(inside two cat /etc/machine-id)" ]
	[ "$(boot_id one)" != "$(boot_id two)" ]
}

@test "an init gets stdio on the console and nothing else; what can't be executed is told" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir "$root"
	tar -C "$root" -xf "$JAIL_TEST_DIR/busybox.tar"
	printf '#!/bin/sh\nfor f in /proc/1/fd/*; do readlink $f; done >/tmp/fds\ntr "\\0" "\\n" </proc/1/environ >/tmp/env\ncat /proc/1/cmdline >/tmp/args\nexec sleep 1000\n' >"$root/sbin/init"
	chmod 0755 "$root/sbin/init"
	jail create --mode system --network none --file - own <<-END
		{ "rootfs": "$root", "process": { "env": { "MORE": "yes" } } }
	END
	jail start own
	wait_until 30 inside own test -e /tmp/args
	run -0 inside own sh -c 'sort -u /tmp/fds'
	# The script's own file is there as well.
	assert [ "$(grep -v -e '^/dev/console$' -e '^/sbin/init$' -e '^/tmp/fds$' <<<"$output")" = '' ]
	assert_output /dev/console
	run -0 inside own sh -c 'sed s/=.*// /tmp/env | sort | tr "\n" " "'
	assert_output 'HOME MORE PATH TERM USER container container_uuid'
	jail rm --force own
	rm "$root/sbin/init"
	jail create --mode system --network none --file - own <<-END
		{ "rootfs": "$root" }
	END
	run -1 jail start own
	assert_output 'exec /sbin/init: No such file or directory'
}

# An init, its image, the last line that a boot writes, and what shuts it down from inside.
other_init() { # IMAGE INIT PROGRAM LINE [ARG...]
	"$TOP/tests/lib/debian-tarball" "$1" >"$BATS_TEST_TMPDIR/tarball"
	jail image import --quiet --replace --name "$1" "$(cat "$BATS_TEST_TMPDIR/tarball")"
	jail create --mode system --network none --image "$1" sys ${2:+"$2"}
	jail start sys
	run -0 inside sys readlink /proc/1/exe
	assert_output "$3"
	wait_until "$BOOT" log_has sys "$4"
}
stops_gracefully() { # LINE of the log that only a shutdown writes
	JAIL_TIMEOUT=$BOOT run -0 jail stop sys
	[ "$(reason sys)" = '0 stopped' ]
	log_has sys "$1"
}

# starts_again LINE: and waits until the log has this line once more. An init that has just begun misses what it is told.
starts_again() {
	local lines

	lines=$(jail logs sys | grep -c -- "$1")
	jail start sys
	wait_until "$BOOT" log_has_more sys "$1" "$lines"
}
log_has_more() { [ "$(jail logs "$1" | grep -c -- "$2")" -gt "$3" ]; }

@test "sysvinit: login, stop, reboot, poweroff" {
	other_init sysvinit '' /sbin/init 'sys tty1'
	login sys
	reboot_inside sys reboot
	stops_gracefully 'runlevel 6'
	starts_again 'sys tty1'
	run inside sys poweroff
	wait_until "$BOOT" has_ended sys
	[ "$(reason sys)" = '0 poweroff' ]
}

@test "OpenRC on sysvinit: login, stop, poweroff" {
	other_init openrc '' /sbin/init 'sys tty1'
	run -0 inside sys rc-status --runlevel
	login sys
	stops_gracefully 'All processes ended'
	starts_again 'sys tty1'
	run inside sys poweroff
	wait_until "$BOOT" has_ended sys
	[ "$(reason sys)" = '0 poweroff' ]
}

@test "openrc-init: stop" {
	other_init openrc /sbin/openrc-init openrc-init 'Starting default runlevel'
	stops_gracefully 'Starting shutdown runlevel'
}

@test "runit: login, stop, poweroff" {
	other_init runit '' runit 'sys tty1'
	login sys
	stops_gracefully 'leave stage: /etc/runit/3'
	jail start sys
	wait_until "$BOOT" inside sys pgrep -x runsvdir
	run inside sys poweroff
	wait_until "$BOOT" has_ended sys
	[ "$(reason sys)" = '0 poweroff' ]
}

@test "BusyBox init: login, stop, reboot, poweroff" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir "$root"
	tar -C "$root" -xf "$JAIL_TEST_DIR/busybox.tar"
	ln -s ../bin/busybox "$root/sbin/init"
	printf '::sysinit:/bin/echo booted\nconsole::respawn:/bin/getty 38400 console\n::shutdown:/bin/echo going down\n' \
		>"$root/etc/inittab"
	printf 'root::19000:0:99999:7:::\n' >"$root/etc/shadow"
	chown -R 0:0 "$root"
	tar -C "$root" --numeric-owner -cf "$BATS_TEST_TMPDIR/init.tar" .
	jail image import --quiet --name bb-init "$BATS_TEST_TMPDIR/init.tar"
	boot sys bb-init
	run -0 inside sys readlink /proc/1/exe
	assert_output busybox
	wait_until "$BOOT" log_has sys booted
	login sys
	reboot_inside sys reboot
	stops_gracefully 'going down'
	starts_again booted
	run inside sys poweroff
	wait_until "$BOOT" has_ended sys
	[ "$(reason sys)" = '0 poweroff' ]
}
