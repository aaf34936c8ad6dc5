# SPDX-License-Identifier: GPL-2.0-or-later
# What an instance is given before its own init takes over: credentials at each start, settings once.

load ../lib/common

KEY='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE7N0VdFXvFBTZ4xJ8zPMhyPmY0Yp1bmB6BQnrC7oGfR me@here'

setup_file() {
	jail_setup_file
	# The small image with what the settings need: accounts with a shadow file, a time zone, something called cloud-init.
	local root
	root=$(mktemp -d)
	tar -C "$root" -xf "$JAIL_TEST_DIR/busybox.tar"
	mkdir -p "$root/usr/share/zoneinfo/Europe" "$root/etc/default"
	printf 'TZif2 of Berlin' >"$root/usr/share/zoneinfo/Europe/Berlin"
	printf '#!/bin/sh\n' >"$root/usr/bin/cloud-init"
	chmod 0755 "$root/usr/bin/cloud-init"
	printf 'root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n' >"$root/etc/shadow"
	chmod 0640 "$root/etc/shadow"
	chown 0:42 "$root/etc/shadow"
	tar -C "$root" --numeric-owner -cf "$JAIL_TEST_DIR/full.tar" .
	rm -rf "$root"
	jail image import --quiet --name full "$JAIL_TEST_DIR/full.tar"
}
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# create NAME MEMBERS: an instance that sleeps; MEMBERS are further members of its spec.
create() {
	printf '{"name":"%s","image":"full","network":{"mode":"none"},"process":{"args":["/bin/%s"]},%s}\n' \
		"$1" "$(case $2 in *'"system"'*) echo init ;; *) echo 'sleep","infinity' ;; esac)" "$2" >"$BATS_TEST_TMPDIR/$1.json"
	jail create --file "$BATS_TEST_TMPDIR/$1.json"
}
inside() {
	jail exec web "$@"
}

@test "credentials: a read-only directory of root's, found by the init alone" {
	printf 'from a file\0with a zero' >"$BATS_TEST_TMPDIR/secret"
	create web '"systemd":{"credentials":{"app.colour":"green","app.token":{"file":"'"$BATS_TEST_TMPDIR/secret"'"}}}'
	jail start web
	run -0 inside ls -A /run/host/credentials
	[ "$output" = $'app.colour\napp.token' ]
	run -0 inside cat /run/host/credentials/app.colour
	[ "$output" = green ]
	inside cat /run/host/credentials/app.token >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/secret" "$BATS_TEST_TMPDIR/got"
	run -0 inside stat -c '%a %u:%g' /run/host/credentials /run/host/credentials/app.colour
	[ "$output" = $'500 0:0\n400 0:0' ]
	run -0 inside cat /proc/1/environ
	[[ $output == *CREDENTIALS_DIRECTORY=/run/host/credentials* ]]
	run -0 inside env
	[[ $output != *CREDENTIALS_DIRECTORY* ]]
	# Not for anybody else inside, and nothing can be put there.
	run ! jail exec --user 1000 web cat /run/host/credentials/app.colour
	run ! inside touch /run/host/credentials/new
	[[ $output == *'Read-only file system'* ]]
	run ! inside rm /run/host/credentials/app.colour
}

@test "credentials: the capability to mount does not make them writable" {
	create web '"security":{"capabilities":["CAP_SYS_ADMIN","CAP_DAC_OVERRIDE"],"seccomp":"unconfined"},"systemd":{"credentials":{"a":"b"}}'
	jail start web
	run inside mount -o remount,rw /run/host/credentials
	run ! inside touch /run/host/credentials/new
	run -0 inside cat /run/host/credentials/a
	[ "$output" = b ]
}

@test "credentials are read anew at each start, and a missing file stops it" {
	echo one >"$BATS_TEST_TMPDIR/secret"
	create web '"systemd":{"credentials":{"a":{"file":"'"$BATS_TEST_TMPDIR/secret"'"}}}'
	jail start web
	echo two >"$BATS_TEST_TMPDIR/secret"
	jail restart --timeout 0s web
	run -0 inside cat /run/host/credentials/a
	[ "$output" = two ]
	jail stop --timeout 0s web
	rm "$BATS_TEST_TMPDIR/secret"
	run ! jail start web
	[[ $output == *'systemd.credentials.a: open '*'No such file or directory'* ]]
	mkfifo "$BATS_TEST_TMPDIR/secret"
	run ! jail start web
	[[ $output == *'is not a regular file'* ]]
	rm "$BATS_TEST_TMPDIR/secret"
	head -c 1048577 /dev/zero >"$BATS_TEST_TMPDIR/secret"
	run ! jail start web
	[[ $output == *'systemd.credentials.a: read '*'File too large'* ]]
}

@test "secrets are in no command line, no log and no file that others can read" {
	create web '"systemd":{"credentials":{"a":"s3cr3t-word"}},"mode":"system","cloudInit":{"userData":"s3cr3t-word"}'
	jail start web
	# Processes come and go; no command line of this test may have the word, which may run a second time beside this.
	printf s3cr3t-word >"$BATS_TEST_TMPDIR/word"
	run ! grep -sqaf "$BATS_TEST_TMPDIR/word" /proc/[0-9]*/cmdline
	run -0 jail logs web
	[[ $output != *s3cr3t-word* ]]
	# Whoever is not root does not even get to the state.
	run -0 stat -c %a "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/state/instances/web/spec.json"
	[ "$output" = $'700\n600' ]
	run grep -rlf "$BATS_TEST_TMPDIR/word" "$JAIL_TEST_DIR/run"
	[ -z "$output" ]
	run -0 grep -rlf "$BATS_TEST_TMPDIR/word" "$JAIL_TEST_DIR/state/instances/web"
	[ "$(sort <<<"$output")" = "$(printf "$JAIL_TEST_DIR/state/instances/web/%s\n" spec.json upper/var/lib/cloud/seed/nocloud/user-data)" ]
}

@test "first boot: password, keys, locale and time zone, owned by the instance" {
	create web '"firstBoot":{"rootPassword":"$6$salt$hash","sshKeys":["'"$KEY"'"],"locale":"C.UTF-8","timezone":"Europe/Berlin"}'
	jail start web
	run -0 inside cat /etc/shadow
	[ "${lines[0]}" = 'root:$6$salt$hash:19000:0:99999:7:::' ]
	[ "${lines[1]}" = 'daemon:*:19000:0:99999:7:::' ]
	run -0 inside stat -c '%a %u:%g' /etc/shadow /root/.ssh /root/.ssh/authorized_keys
	[ "$output" = $'640 0:42\n700 0:0\n600 0:0' ]
	run -0 inside cat /root/.ssh/authorized_keys
	[ "$output" = "$KEY" ]
	run -0 inside cat /etc/locale.conf /etc/default/locale /etc/timezone
	[ "$output" = $'LANG=C.UTF-8\nLANG=C.UTF-8\nEurope/Berlin' ]
	run -0 inside cat /etc/localtime
	[ "$output" = 'TZif2 of Berlin' ]
	# The layer, which others share, is as it was.
	run -0 jail run --rm --image full --network none cat /etc/shadow
	[ "${lines[0]}" = 'root:*:19000:0:99999:7:::' ]
}

@test "first boot is once: what the instance changes stays" {
	create web '"firstBoot":{"rootPassword":"$6$salt$hash","sshKeys":["'"$KEY"'"]}'
	jail start web
	inside sh -c 'rm -r /root/.ssh; sed -i "s/^root:[^:]*/root:changed/" /etc/shadow'
	jail restart --timeout 0s web
	run -0 inside head -n 1 /etc/shadow
	[[ $output == root:changed:* ]]
	run ! inside test -e /root/.ssh
}

@test "first boot: one that fails is done whole at the next start" {
	echo '$6$a$b' >"$BATS_TEST_TMPDIR/hash"
	create web '"firstBoot":{"rootPassword":{"file":"'"$BATS_TEST_TMPDIR/hash"'"},"timezone":"Mars/Olympus"}'
	run ! jail start web
	[[ $output == *'firstBoot.timezone: the image has no /usr/share/zoneinfo/Mars/Olympus'* ]]
	[ "$(field web .status)" = created ] || [ "$(field web .status)" = stopped ]
	jail rm web
	echo plain >"$BATS_TEST_TMPDIR/hash"
	create web '"firstBoot":{"rootPassword":{"file":"'"$BATS_TEST_TMPDIR/hash"'"}}'
	run ! jail start web
	[[ $output == *'firstBoot.rootPassword: expected a password hash'* ]]
	[[ $output != *plain* ]]
	echo '$6$a$b' >"$BATS_TEST_TMPDIR/hash"
	jail start web
	run -0 inside head -n 1 /etc/shadow
	[[ $output == 'root:$6$a$b:'* ]]
}

@test "first boot: an image without a shadow file gets one" {
	printf '{"name":"web","image":"%s","network":{"mode":"none"},"process":{"args":["/bin/sleep","infinity"]},"firstBoot":{"rootPassword":"$6$a$b"}}' \
		"$IMAGE" | jail create --file -
	jail start web
	run -0 inside cat /etc/shadow
	[[ $output == 'root:$6$a$b:'* ]]
	run -0 inside stat -c %a /etc/shadow
	[ "$output" = 600 ]
}

@test "first boot: links of a hostile image lead nowhere outside" {
	local root
	root=$(mktemp -d)
	tar -C "$root" -xf "$JAIL_TEST_DIR/busybox.tar"
	mkdir -p "$JAIL_TEST_DIR/canary"
	printf 'root:canary:\n' >"$JAIL_TEST_DIR/canary/shadow"
	rm -rf "$root/root"
	ln -s "../../../../../../..$JAIL_TEST_DIR/canary" "$root/root"
	tar -C "$root" --numeric-owner -cf "$JAIL_TEST_DIR/hostile.tar" .
	jail image import --quiet --name hostile-home "$JAIL_TEST_DIR/hostile.tar"
	ln -s "../../../../../../..$JAIL_TEST_DIR/canary/shadow" "$root/etc/shadow"
	tar -C "$root" --numeric-owner -cf "$JAIL_TEST_DIR/hostile.tar" .
	jail image import --quiet --name hostile-shadow "$JAIL_TEST_DIR/hostile.tar"
	rm -rf "$root"
	local image
	for image in home shadow; do
		printf '{"name":"%s","image":"hostile-%s","network":{"mode":"none"},"process":{"args":["/bin/sleep","infinity"]},"firstBoot":{"rootPassword":"$6$a$b","sshKeys":["%s"]}}' \
			$image $image "$KEY" | jail create --file -
	done
	jail start home
	run -0 jail exec home cat "$JAIL_TEST_DIR/canary/.ssh/authorized_keys"
	[ "$output" = "$KEY" ]
	run ! jail start shadow
	[[ $output == *'firstBoot.rootPassword: open shadow: Too many levels of symbolic links'* ]]
	[ "$(ls -A "$JAIL_TEST_DIR/canary")" = shadow ]
	[ "$(cat "$JAIL_TEST_DIR/canary/shadow")" = root:canary: ]
}

@test "cloud-init: a seed with the instance's id, once" {
	create web '"hostname":"web.example","mode":"system","cloudInit":{"userData":"#cloud-config\nx: 1\n"}'
	jail start web
	run -0 inside cat /var/lib/cloud/seed/nocloud/user-data
	[ "$output" = $'#cloud-config\nx: 1' ]
	run -0 inside cat /var/lib/cloud/seed/nocloud/meta-data
	[ "$output" = "instance-id: $(field web .id)"$'\nlocal-hostname: web.example' ]
	run -0 inside cat /var/lib/cloud/seed/nocloud/network-config
	[ "$output" = 'config: disabled' ]
	run -0 inside stat -c '%a %u' /var/lib/cloud/seed/nocloud /var/lib/cloud/seed/nocloud/user-data
	[ "$output" = $'700 0\n600 0' ]
	inside rm -r /var/lib/cloud/seed
	jail restart --timeout 0s web
	run ! inside test -e /var/lib/cloud/seed
}

@test "cloud-init: refused for an image that has none, and without a way to write" {
	printf '{"name":"web","image":"%s","mode":"system","process":{"args":["/bin/init"]},"network":{"mode":"none"},"cloudInit":{"userData":"x"}}' "$IMAGE" |
		jail create --file -
	run ! jail start web
	[[ $output == *'cloudInit: the image has no /usr/bin/cloud-init'* ]]
	jail rm web
	run ! create web '"mode":"system","security":{"readonlyRoot":true},"cloudInit":{"userData":"x"}'
	[[ $output == *'cloudInit: needs a root file system that can be written'* ]]
}

@test "credentials reach services of a whole system: what is mounted later is seen in mount namespaces of theirs" {
	create web '"mode":"system","systemd":{"credentials":{"a":"b"}}'
	jail start web
	run -0 inside awk '$5 == "/" { print $7 }' /proc/1/mountinfo
	[[ $output == shared:* ]]
	run -0 inside cat /run/host/credentials/a
	[ "$output" = b ]
}
