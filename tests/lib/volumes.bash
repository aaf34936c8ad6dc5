# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of volumes share. Loaded after common.bash.
# shellcheck shell=bash

MIB=1048576
KEEP='while :; do sleep 1000; done'

volumes_teardown() {
	local volume

	jail_teardown
	for volume in $(jail volume list --quiet); do
		jail volume rm "$volume"
	done
	wait_until 10 no_loops
}
loops() { cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -F "$JAIL_TEST_DIR/" || :; }
no_loops() { [ -z "$(loops)" ]; }
# with VOLUME-MOUNT NAME [ARG...]: an instance that keeps running.
with() { jail run -d --name "$2" --image "$IMAGE" --network none --mount "$1" "${@:3}" sh -c "$KEEP"; }
volume() { jail volume inspect --json "$1" | jq -r ".[0]$2"; }
# An image says the one, a project quota the other.
# shellcheck disable=SC2154 # bats sets it
no_room() { [[ $output =~ (No space left on device|quota exceeded|is less than the) ]]; }
