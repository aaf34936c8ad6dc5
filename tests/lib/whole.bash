# SPDX-License-Identifier: GPL-2.0-or-later
# What tests of whole systems share; loaded after common.bash. They import their images themselves.
# shellcheck shell=bash

# Slow machines boot slowly; no test depends on it.
BOOT=180

boot() { # NAME IMAGE [OPTION...]
	jail create --mode system --network none --image "$2" "${@:3}" "$1"
	jail start "$1"
}
# What `jail exec` says on stdout; standard error goes to the log.
inside() { jail exec "$@"; }

settled() { # NAME: systemd has started what it was to start
	local state

	state=$(jail exec "$1" systemctl is-system-running 2>/dev/null)
	[ "$state" = running ] || [ "$state" = degraded ]
}
boot_systemd() { # NAME [OPTION...]: of the image "systemd"
	boot "$1" systemd "${@:2}"
	wait_until $BOOT settled "$1"
}
log_has() { jail logs "$1" | grep -q -- "$2"; }
reason() { jail inspect --json "$1" | jq -r '.[0].lastExit | "\(.status) \(.reason)"'; }
has_ended() { [ "$(jail inspect --json "$1" | jq -r '.[0].status')" = stopped ]; }
boot_id() { jail exec "$1" cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
booted_again() { # NAME OLD-BOOT-ID
	local now

	now=$(boot_id "$1") && [ -n "$now" ] && [ "$now" != "$2" ]
}
# reboot_inside NAME COMMAND...: has it run what reboots it, and waits for the next boot. It asks by exec only when that has
# begun: a systemd that shuts down isn't told when a process from outside ends, and may wait for it for ten seconds.
reboot_inside() {
	local pid before

	pid=$(pid_of "$1")
	before=$(boot_id "$1")
	run inside "$@"
	wait_until $BOOT restarted "$1" "$pid"
	wait_until $BOOT booted_again "$1" "$before"
}
