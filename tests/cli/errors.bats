# SPDX-License-Identifier: GPL-2.0-or-later
# What the machine can't give: a full disk, a read-only one, no permission. A clear error, a status, nothing left.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }

# A state tree on a small tmpfs.
small_state() {
	mkdir "$BATS_TEST_TMPDIR/small"
	mount -t tmpfs -o "size=$1,mode=700" tmpfs "$BATS_TEST_TMPDIR/small"
	mkdir -m 700 "$BATS_TEST_TMPDIR/small/state"
	jail_config "$BATS_TEST_TMPDIR/c.json" "$BATS_TEST_TMPDIR/small/state" "$JAIL_TEST_DIR/run-small" </dev/null
	JAIL_CONFIG=$BATS_TEST_TMPDIR/c.json
}
teardown() {
	jail rm --all --force || :
	if mountpoint -q "$BATS_TEST_TMPDIR/small"; then
		umount -l "$BATS_TEST_TMPDIR/small"
	fi
}

@test "import on a full disk: an error, the space is free again" {
	small_state 4M
	head -c 8000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/big.tar" big
	run jail image import "$BATS_TEST_TMPDIR/big.tar" --name big:1
	assert_error 1 'No space left'
	run -0 jail image list --quiet
	[ -z "$output" ]
	jail gc
	[ "$(du -s --block-size=1K "$BATS_TEST_TMPDIR/small" | cut -f1)" -lt 200 ]
}

@test "create and start on a full disk: an error, nothing half-made" {
	small_state 8M
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name "$IMAGE"
	dd if=/dev/zero of="$BATS_TEST_TMPDIR/small/filler" bs=4k 2>/dev/null || :
	run jail create web --image "$IMAGE" --network none -- true
	assert_error 1 'No space left'
	assert_output "is the disk of $BATS_TEST_TMPDIR/small/state or of $JAIL_TEST_DIR/run-small full?"
	assert_output '"jail gc" frees'
	run -0 jail ps --quiet
	[ -z "$output" ]
	rm "$BATS_TEST_TMPDIR/small/filler"
	jail create web --image "$IMAGE" --network none -- sh -c 'dd if=/dev/zero of=/big bs=1M; echo after'
	jail start web
	jail wait web
	[ "$(status_of web)" = stopped ]
	rm -f "$BATS_TEST_TMPDIR/small/filler"
	jail rm web
}

@test "an instance whose disk is full can be stopped, inspected and removed" {
	small_state 8M
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name "$IMAGE"
	jail run -d --name web --image "$IMAGE" --network none sh -c 'dd if=/dev/zero of=/big bs=4k; while :; do echo text; sleep 0.01; done'
	wait_until 20 disk_is_full
	[ "$(status_of web)" = running ]
	jail stop --timeout 1s web
	jail rm web
	jail gc
}
disk_is_full() {
	[ "$(df --output=avail "$BATS_TEST_TMPDIR/small" | tail -n1)" -eq 0 ]
}

@test "a read-only state tree is an error" {
	small_state 8M
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name "$IMAGE"
	mount -o remount,ro "$BATS_TEST_TMPDIR/small"
	run jail create web --image "$IMAGE" true
	assert_error 1 'Read-only'
	run jail image import "$JAIL_TEST_DIR/busybox.tar" --name x:1
	assert_error 1 'Read-only'
	mount -o remount,rw "$BATS_TEST_TMPDIR/small"
}

@test "a state tree that others may write to is refused" {
	mkdir -m 777 "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	jail_config "$BATS_TEST_TMPDIR/c.json" "$BATS_TEST_TMPDIR/open" "$JAIL_TEST_DIR/run-open" </dev/null
	run jail --config "$BATS_TEST_TMPDIR/c.json" ps
	assert_error 1 "$BATS_TEST_TMPDIR/open"
	assert_output 'chmod'
}

@test "without privileges: a clear error" {
	run setpriv --bounding-set -all --inh-caps -all --reuid 0 "$JAIL_BUILD/jail" run --rm --image "$IMAGE" true
	assert_error 125 ''
	assert_output 'ermitted'
	run -0 jail ps --quiet
	[ -z "$output" ]
}

@test "missing helper programs are named" {
	mkdir "$BATS_TEST_TMPDIR/none"
	sed "s|\"libexecDir\": \"[^\"]*\"|\"libexecDir\": \"$BATS_TEST_TMPDIR/none\"|" "$JAIL_CONFIG" >"$BATS_TEST_TMPDIR/c.json"
	run jail --config "$BATS_TEST_TMPDIR/c.json" run --rm --image "$IMAGE" --network none true
	assert_error 125 "$BATS_TEST_TMPDIR/none"
	run jail --config "$BATS_TEST_TMPDIR/c.json" image import "$JAIL_TEST_DIR/busybox.tar" --name x:1
	assert_error 1 'jail-unpack'
	run -0 jail ps --quiet
	[ -z "$output" ]
}

@test "a hook that fails stops the start; poststop runs" {
	cat >"$BATS_TEST_TMPDIR/fails" <<-'END'
		#!/bin/sh
		echo "this hook says no" >&2
		exit 3
	END
	cat >"$BATS_TEST_TMPDIR/works" <<-END
		#!/bin/sh
		cat > "$BATS_TEST_TMPDIR/state.\$1"
	END
	chmod 700 "$BATS_TEST_TMPDIR/fails" "$BATS_TEST_TMPDIR/works"
	run jail create --file - <<-END
		{ "name": "web", "image": "$IMAGE", "process": { "args": ["true"] },
		  "hooks": { "prestart": [ { "path": "$BATS_TEST_TMPDIR/fails" } ] } }
	END
	[ "$status" -eq 0 ]
	run jail start web
	assert_error 1 'this hook says no'
	[ "$(status_of web)" != running ]
	jail rm web
	jail create --file - <<-END
		{ "name": "web", "image": "$IMAGE", "network": { "mode": "none" }, "process": { "args": ["true"] },
		  "hooks": { "prestart": [ { "path": "$BATS_TEST_TMPDIR/works", "args": ["works", "pre"] } ],
		             "poststop": [ { "path": "$BATS_TEST_TMPDIR/works", "args": ["works", "post"] } ] } }
	END
	jail start web
	jail wait web
	wait_until 10 test -s "$BATS_TEST_TMPDIR/state.post"
	[ "$(jq -r .id "$BATS_TEST_TMPDIR/state.pre")" != null ]
}

@test "check: what works, exit status 0 where the main job does" {
	run -0 --separate-stderr jail check
	[ -z "$stderr" ]
	assert_output 'overlay'
	assert_output 'seccomp'
	refute_output MISSING
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	run -0 --separate-stderr jail check --json
	[ "$(jq .usable <<<"$output")" = true ]
	[ "$(jq '.features | length' <<<"$output")" -gt 10 ]
}

@test "check leaves nothing behind and says what a crippled process lacks" {
	run setpriv --bounding-set -all --inh-caps -all "$JAIL_BUILD/jail" check
	[ "$status" -eq 1 ]
	assert_output MISSING
}
