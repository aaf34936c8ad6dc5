# SPDX-License-Identifier: GPL-2.0-or-later
# Snapshots of instances, and what comes of them (docs/storage.md, "Snapshots").
# vm: too
# vm: filter=of a stopped instance: what|of a running|in a disk image|clone: of|stands on stays

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	remove_images
	wait_until 10 no_loops
}

KEEP='while :; do sleep 1000; done'

no_loops() { ! cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -qF "$JAIL_TEST_DIR/"; }
state_of() { echo "$JAIL_TEST_DIR/state/instances/$1"; }
# A running one that can be told what to do.
host() { app "$1" "${@:2}" --network none sh -c "$KEEP"; }
inside() { jail exec "$1" sh -c "$2"; }
# do_in NAME COMMAND: in an instance that is down, which is down afterwards.
do_in() {
	jail start "$1"
	inside "$1" "set -e; $2"
	jail stop --timeout 0s "$1"
}
names() { jail snapshot list --quiet "$1" | tr '\n' ' '; }
# What the instance has of files, by all that a file is: for one that is down, through a start of a copy of nothing.
digest_of() {
	inside "$1" 'cd / && find . -xdev ! -path "./proc*" ! -path "./sys*" ! -path "./dev*" ! -path "./tmp*" \
		! -path "./run*" ! -path "./etc/hosts" ! -path "./etc/resolv.conf" ! -path "./etc/hostname" |
		sort | while read -r f; do stat -c "%n %f %u %g %h %t:%T %Y" "$f"; [ ! -f "$f" ] || sha256sum "$f";
		[ ! -L "$f" ] || readlink "$f"; done' | sha256sum
}
# Directories of snapshots, with a name or without.
kept() { find "$(state_of "$1")/snapshots" -mindepth 1 -maxdepth 1 -type d | wc -l; }

@test "of a stopped instance: what was there then comes back" {
	host web
	inside web 'echo one >/a; mkdir /d; echo x >/d/x; rm /etc/motd 2>/dev/null; ln -s a /l; chmod 4711 /a'
	jail stop --timeout 0s web
	run -0 jail snapshot create web first
	[ "$output" = first ]
	do_in web 'echo two >/a; rm -r /d; echo new >/n'
	jail snapshot create web second
	do_in web 'echo three >/a; mkdir /d; echo y >/d/y'
	[ "$(names web)" = "first second " ]
	jail rollback web first
	jail start web
	[ "$(inside web 'cat /a /d/x; readlink /l; ls /n 2>&1; stat -c %a /a')" = "one
x
a
ls: /n: No such file or directory
4711" ]
	# The newer one is still there, and so is what it kept.
	jail stop --timeout 0s web
	jail rollback web second
	jail start web
	[ "$(inside web 'cat /a /n; ls /d 2>&1')" = "two
new
ls: /d: No such file or directory" ]
}

@test "a snapshot of a stopped instance moves no file: the same inode is below it" {
	host web
	inside web 'dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null'
	jail stop --timeout 0s web
	before=$(stat -c %i "$(state_of web)/upper/big")
	jail snapshot create web first
	[ "$(stat -c %i "$(state_of web)"/snapshots/*/fs/big)" = "$before" ]
	[ -z "$(find "$(state_of web)/upper" -mindepth 1)" ]
	[ "$(jail snapshot list --json web | jq -r '.[0].copied')" = false ]
}

@test "of a running instance: a copy while it stands still, and it goes on" {
	host web
	inside web 'echo one >/a; ln /a /b; mkfifo /f; dd if=/dev/zero of=/s bs=1 count=1 seek=10M 2>/dev/null
		chown 5:6 /a; mkdir -p /d/e; rm -r /var/www; mkdir /var/www; touch -d 2001-02-03 /d /a'
	run -0 jail snapshot create web first
	[[ $output =~ ^first\ \(the\ instance\ stood\ still\ for\ [0-9]+\.[0-9]ms\)$ ]]
	[ "$(status_of web)" = running ]
	[ "$(jail snapshot list --json web | jq '.[0] | .copied and .frozenMs > 0')" = true ]
	before=$(digest_of web)
	inside web 'echo two >/a; rm -r /d /f; echo new >/n'
	[ "$(digest_of web)" != "$before" ]
	jail stop --timeout 0s web
	jail rollback web first
	jail start web
	[ "$(digest_of web)" = "$before" ]
	[ "$(inside web 'stat -c "%h %u:%g" /a; cat /b')" = "2 5:6
one" ]
	# Holes stay holes.
	[ "$(inside web 'du -k /s | cut -f1')" -lt 100 ]
}

@test "one that is paused stays so, and has stood still all the time" {
	host web
	jail pause web
	run -0 jail snapshot create web first
	[ "$output" = first ]
	[ "$(status_of web)" = paused ]
	jail resume web
}

@test "what a snapshot stands on stays until the last that needs it is gone" {
	host web
	inside web 'echo 1 >/a'
	jail stop --timeout 0s web
	jail snapshot create web one
	do_in web 'echo 2 >/b'
	jail snapshot create web two
	do_in web 'echo 3 >/c'
	[ "$(jail snapshot list --json web | jq -r '.[] | [.name, .parent, .current] | @text')" = '["one",null,false]
["two","one",true]' ]
	jail snapshot rm web one
	[ "$(names web)" = "two " ]
	[ "$(kept web)" -eq 2 ]
	jail start web
	[ "$(inside web 'cat /a /b /c')" = "1
2
3" ]
	# While it runs too: what it stands on is not taken from it.
	jail snapshot rm web two
	[ "$(kept web)" -eq 2 ]
	[ "$(inside web 'cat /a /b /c')" = "1
2
3" ]
	run ! jail snapshot rm web two
	assert_error 1 'no such snapshot'
	jail stop --timeout 0s web
	jail snapshot create web three
	[ "$(kept web)" -eq 3 ]
}

@test "a name that is given counts once; one that isn't is the time" {
	jail create web --image "$IMAGE" true
	jail snapshot create web first
	run jail snapshot create web first
	assert_error 1 'there is one of that name'
	run jail snapshot create web ../x
	assert_error 1 'snapshot'
	run -0 jail snapshot create web
	[[ $output =~ ^20[0-9]{6}-[0-9]{6}$ ]]
	run jail rollback web nothing
	assert_error 1 'no such snapshot'
	assert_output 'there are: first'
	[ "$(kept web)" -eq 2 ]
}

@test "a running instance is not rolled back, and a volatile one or one without image has no snapshots" {
	host web
	jail snapshot create web first
	run jail rollback web first
	assert_error 1 'is running'
	assert_output 'jail stop web'
	jail create mem --image "$IMAGE" --volatile true
	run jail snapshot create mem
	assert_error 1 'it is volatile'
	mkdir "$BATS_TEST_TMPDIR/root"
	jail create root --rootfs "$BATS_TEST_TMPDIR/root" true
	run jail snapshot create root
	assert_error 1 'it has no image'
	run jail snapshot create nobody
	assert_error 1 'no such instance'
}

@test "diff: what was added, changed and deleted, whatever the kind" {
	host web
	inside web 'echo one >/a; mkdir -p /d/e; echo x >/d/e/x; echo gone >/g'
	jail snapshot create web first
	inside web 'echo two >/a; rm /g; rm -r /d; echo file >/d; mkdir /n; ln -s a /n/l; mkfifo /n/f; chmod 700 /home
		touch /bin/busybox'
	want='C /a
C /d
D /d/e
D /d/e/x
D /g
C /home
A /n
A /n/f
A /n/l'
	[ "$(jail snapshot diff web first)" = "$want" ]
	jail snapshot create web second
	[ "$(jail snapshot diff web first second)" = "$want" ]
	jail snapshot diff --json web first second >"$BATS_TEST_TMPDIR/json"
	[ "$(jq -c '.[1], .[6]' "$BATS_TEST_TMPDIR/json")" = '{"path":"/d","change":"changed","type":"file","was":"directory"}
{"path":"/n","change":"added","type":"directory"}' ]
	[ "$(jq -r '.[] | .type' "$BATS_TEST_TMPDIR/json" | tr '\n' ' ')" = "file file directory file file directory directory fifo symlink " ]
	# The other way round, and against itself.
	[ "$(jail snapshot diff web second first | cut -c1 | tr -d '\n')" = CCAAACDDD ]
	[ -z "$(jail snapshot diff web first first)" ]
}

@test "jail diff: against the image, with the owners that are seen inside" {
	host web
	inside web 'echo x >/x; chmod 700 /bin; chmod 755 /bin; echo root:x:0:0:root:/root:/bin/sh >/etc/p; rm /bin/wget
		chown 1:1 /bin/vi; chown 0:0 /bin/vi'
	run -0 jail diff web
	assert_output 'A /x'
	assert_output 'A /etc/p'
	assert_output 'D /bin/wget'
	refute_output '/bin/vi'
	refute_output 'C /bin'
	[ "$(jail diff --json web | jq -r '.[] | select(.path == "/x") | .change')" = added ]
}

@test "in a disk image: stopped and running" {
	host web --disk 64MiB
	inside web 'echo one >/a'
	run -0 jail snapshot create web live
	inside web 'echo two >/a'
	[ "$(jail snapshot diff web live)" = 'C /a' ]
	jail stop --timeout 0s web
	jail snapshot create web still
	do_in web 'echo three >/a'
	[ "$(names web)" = "live still " ]
	jail rollback web live
	jail start web
	[ "$(inside web 'cat /a')" = one ]
	[ "$(inside web 'df -k / | tail -1 | awk "{ print \$2 }"')" -lt 65536 ]
	jail stop --timeout 0s web
	jail rollback web still
	jail start web
	[ "$(inside web 'cat /a')" = two ]
}

@test "more snapshots than layers fit: from then on it is copied" {
	jail create web --image "$IMAGE" true
	i=0
	while [ $i -lt 128 ]; do
		jail snapshot create web s$i
		i=$((i + 1))
	done >/dev/null
	[ "$(jail snapshot list --json web | jq '[.[] | .copied] | index(true)')" = 127 ]
	jail start web
	wait_status web stopped
	[ "$(field web .lastExit.status)" = 0 ]
}

# killed_at N COMMAND...: jail, killed somewhere on its way; where is chance. Says by its status whether it was.
killed_at() {
	local pid

	setsid "$JAIL_BUILD/jail" "${@:2}" >/dev/null 2>&1 3>&- &
	pid=$!
	sleep "$1"
	kill -KILL -- "-$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null
}
tree_digest() { # DIRECTORY
	(cd "$1" && find . -printf '%p %y %m %U:%G %n %T@ %l\n' | sort && find . -type f -print0 | sort -z | xargs -0r sha256sum) | sha256sum
}
# Every snapshot with a name, and what it kept.
all_digests() { # NAME
	local fs file

	for file in "$(state_of "$1")"/snapshots/*/snapshot.json; do
		[ -e "$file" ] || continue
		fs=${file%/snapshot.json}/fs
		[ -d "$fs" ] || continue
		[ "$(getfattr --only-values -n trusted.jail.parent "$fs" 2>/dev/null)" != "$(basename "${file%/*}")" ] || continue
		echo "$(jq -r .name "$file") $(tree_digest "$fs")"
	done | sort
}

@test "killed anywhere while stopped: the old state or the new one, and every snapshot as it was" {
	local i before after killed=0
	host web
	inside web 'mkdir /d; i=0; while [ $i -lt 200 ]; do echo $i >/d/$i; i=$((i + 1)); done'
	jail stop --timeout 0s web
	jail snapshot create web base
	do_in web 'echo top >/top'
	for i in $(seq 100); do
		before=$(all_digests web)
		case $((i % 3)) in
		0) killed_at "0.00$((i % 10))" snapshot create web "s$i" || killed=$((killed + 1)) ;;
		1) killed_at "0.00$((i % 10))" rollback web base || killed=$((killed + 1)) ;;
		2) killed_at "0.00$((i % 10))" snapshot rm web "s$((i - 2))" || killed=$((killed + 1)) ;;
		esac
		after=$(all_digests web)
		# What there was is as it was; at most the one that was made or removed is the difference.
		[ "$(comm -3 <(echo "$before") <(echo "$after") | grep -c .)" -le 1 ]
		grep -q '^base ' <<<"$after"
		[ "$(echo "$after" | grep '^base ')" = "$(echo "$before" | grep '^base ')" ]
	done
	[ $killed -gt 20 ]
	jail gc
	# Nothing is left that no name and no chain leads to.
	[ "$(jail gc --json | jq .snapshots)" -eq 0 ]
	jail start web
	[ "$(inside web 'ls /d | wc -l')" -eq 200 ]
	jail stop --timeout 0s web
	jail rollback web base
	names=$(jail snapshot list --quiet web | grep -v '^base$') || :
	# shellcheck disable=SC2086 # words
	[ -z "$names" ] || jail snapshot rm web $names
	[ "$(kept web)" -eq 1 ]
}

@test "killed anywhere while running: the instance goes on, and what was copied is no snapshot" {
	local i
	host web
	inside web 'mkdir /d; i=0; while [ $i -lt 2000 ]; do echo $i >/d/$i; i=$((i + 1)); done'
	for i in $(seq 40); do
		killed_at "0.0$((i % 4))$((i % 10))" snapshot create web "s$i" || :
		wait_until 10 is_thawed web
		inside web true
	done
	jail gc
	[ "$(kept web)" -eq "$(names web | wc -w)" ]
	[ "$(jail gc --json | jq .snapshots)" -eq 0 ]
	for i in $(names web); do
		[ "$(jail snapshot diff web "$i" | grep -c '/d')" -eq 0 ]
	done
	jail snapshot create web last
}
is_thawed() { grep -q '^frozen 0' "$SANDBOX_ROOT/jail/$1/cgroup.events"; }

@test "the one who froze is killed: the instance is let go" {
	local pid
	host web
	inside web 'dd if=/dev/zero of=/big bs=1M count=300 2>/dev/null'
	setsid "$JAIL_BUILD/jail" snapshot create web first >/dev/null 2>&1 3>&- &
	pid=$!
	wait_until 10 is_frozen web
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || :
	wait_until 10 is_thawed web
	inside web true
	[ -z "$(names web)" ]
}
is_frozen() { grep -q '^frozen 1' "$SANDBOX_ROOT/jail/$1/cgroup.events"; }

@test "clone: of a running, of a stopped one, of a snapshot; each is the other's no more" {
	app web --port 8080:80 sh -c "$KEEP"
	inside web 'echo one >/a; chown 5:6 /a; ln /a /b; setfattr -n user.x -v y /a 2>/dev/null; mkdir /d; rm -r /var/www; mkdir /var/www'
	run -0 jail clone web live
	assert_output 'published ports of web are left out'
	jail stop --timeout 0s web
	jail snapshot create web first
	do_in web 'echo two >/a; echo new >/n'
	jail clone web now
	jail clone web@first past --port 8081:80
	[ "$(field live .id)" != "$(field web .id)" ]
	[ "$(field now .spec.hostname)" = now ]
	[ "$(field past '.spec.network.ports | length')" -eq 1 ]
	[[ "$(field past '.spec.network.ports[0]')" == 8081:80* ]]
	[ "$(field now '.spec.network.ports | length')" -eq 0 ]
	jail start live now past web
	[ "$(inside live 'cat /a; stat -c "%u:%g %h" /a; ls /var/www | wc -l')" = "one
5:6 2
0" ]
	[ "$(inside now 'cat /a /n')" = "two
new" ]
	[ "$(inside past 'cat /a /b; stat -c "%u:%g %h" /a; ls /n 2>&1')" = "one
one
5:6 2
ls: /n: No such file or directory" ]
	[ "$(field now .address)" != "$(field web .address)" ]
	# The owners on disk are those of its own range.
	[ "$(stat -c %u "$(state_of live)/upper/a")" -eq $(($(field live .ids.first) + 5)) ]
	inside now 'echo three >/a'
	jail rm --force web
	[ "$(inside past 'cat /a')$(inside now 'cat /a')" = onethree ]
	jail stop --timeout 0s now
	[ -z "$(names now)" ]
	jail snapshot create now own
	[ "$(names now)" = "own " ]
}

@test "clone: into a disk image of its own" {
	host web --disk 64MiB
	inside web 'dd if=/dev/urandom of=/big bs=1M count=10 2>/dev/null; dd if=/dev/zero of=/s bs=1 count=1 seek=20M 2>/dev/null'
	sum=$(inside web 'sha256sum /big')
	jail clone web copy
	jail start copy
	[ "$(inside copy 'sha256sum /big')" = "$sum" ]
	[ "$(inside copy 'du -k /s | cut -f1')" -lt 100 ]
	[ -e "$(state_of copy)/disk.img" ]
}

@test "clone: a name that is taken, a snapshot that is not there, and nothing left" {
	jail create web --image "$IMAGE" true
	jail create other --image "$IMAGE" true
	run jail clone web other
	assert_error 1 'the name is in use'
	run jail clone web@x new
	assert_error 1 'no such snapshot'
	run jail clone web@../x new
	assert_error 1 'snapshot'
	[ "$(jail gc --json | jq '.instances + .leases')" -eq 0 ]
}

# The state of an instance without what is each instance's own by nature.
commit_digest() {
	inside "$1" 'cd / && find . -xdev ! -path "./proc*" ! -path "./sys*" ! -path "./dev*" ! -path "./tmp*" \
		! -path "./run*" ! -path "./etc/hosts" ! -path "./etc/resolv.conf" ! -path "./etc/hostname" ! -name . |
		sort | while read -r f; do if [ -d "$f" ]; then stat -c "%n %f %u %g" "$f"; else
		stat -c "%n %f %u %g %h %t:%T %Y" "$f"; fi; [ ! -f "$f" ] || sha256sum "$f"; [ ! -L "$f" ] || readlink "$f"; done'
}

@test "commit: an instance of the new image has what the old one had, to the last attribute" {
	local long
	long=$(printf 'x%.0s' $(seq 150))
	host web --env GREETING=hello
	inside web "mkdir -p /d/e /$long/$long; echo x >/$long/$long/f; echo one >/d/e/a; ln /d/e/a /d/b; ln -s $long/$long/f /l
		chown 5:6 /d/e/a; chmod 4755 /d/b; mkfifo /f; rm /bin/vi; rm -r /var/www /home; mkdir /var/www; echo in >/var/www/in
		dd if=/dev/zero of=/s bs=1 count=1 seek=5M 2>/dev/null; touch -d 1999-01-02 /d/b; chmod 711 /"
	jail stop --timeout 0s web
	jail snapshot create web base
	do_in web 'rm /f; echo more >/d/more; echo top >/var/www/top'
	jail start web
	run -0 jail commit web mine:1 --comment 'as it was'
	assert_output 'the instance stood still for'
	assert_output 'mine:1'
	jail run --detach --name new --image mine:1 --network none >/dev/null
	diff <(commit_digest web) <(commit_digest new)
	# shellcheck disable=SC2016 # expands inside
	[ "$(inside new 'echo $GREETING')" = hello ]
	hex=$(jail image inspect --json mine:1 | jq -r '.[0].layers[-1]')
	[ "$(stat -c %a "$JAIL_TEST_DIR/state/layers/${hex#sha256:}/fs")" = 711 ]
	[ "$(field new '.spec.process.args[0]')" = sh ]
	jail image verify mine:1
	jail image history --json mine:1 >"$BATS_TEST_TMPDIR/history"
	[ "$(jq -r '.[0] | .createdBy + " " + .comment' "$BATS_TEST_TMPDIR/history")" = 'jail commit web as it was' ]
	# One layer on top of those that were there.
	[ "$(jail image inspect --json mine:1 | jq '.[0].layers | length')" -eq \
		$(($(jail image inspect --json "$IMAGE" | jq '.[0].layers | length') + 1)) ]
	[ "$(jail image inspect --json mine:1 | jq -r '.[0].layers[0]')" = "$(jail image inspect --json "$IMAGE" | jq -r '.[0].layers[0]')" ]
	# Out and in again: the same image.
	id=$(jail image inspect --json mine:1 | jq -r '.[0].config')
	jail image export mine:1 -o "$BATS_TEST_TMPDIR/mine.tar"
	storage="--root $BATS_TEST_TMPDIR/storage --runroot $BATS_TEST_TMPDIR/run --storage-driver vfs"
	# shellcheck disable=SC2086 # words
	podman $storage load -q -i "$BATS_TEST_TMPDIR/mine.tar"
	# shellcheck disable=SC2086 # words
	[ "sha256:$(podman $storage image inspect --format '{{.Id}}' mine:1)" = "$id" ]
	jail rm --force new web
	jail image rm mine:1
	jail gc
	jail image import --quiet --name back:1 "$BATS_TEST_TMPDIR/mine.tar"
	[ "$(jail image inspect --json back:1 | jq -r '.[0].config')" = "$id" ]
}

@test "commit: the same files give the same layer, and a snapshot is as good as now" {
	host web
	inside web 'echo one >/a; mkdir /d; rm /bin/vi'
	jail stop --timeout 0s web
	jail commit --quiet web first
	jail snapshot create web base
	do_in web 'echo two >/a'
	jail commit --quiet --snapshot base web second
	layer() { jail image inspect --json "$1" | jq -r '.[0].layers[-1]'; }
	[ "$(layer first)" = "$(layer second)" ]
	run jail commit web second
	assert_error 1 'the name is in use'
	jail commit --quiet --replace web second
	[ "$(layer first)" != "$(layer second)" ]
	do_in web 'echo bad >/d/.wh.x'
	run jail commit web third
	assert_error 1 '.wh.x'
	assert_output 'rename or remove it'
	[ "$(jail gc --json | jq .staging)" -eq 0 ]
}

@test "commit: killed anywhere, nothing of it is seen, and gc gives the room back" {
	local i
	host web
	inside web 'dd if=/dev/urandom of=/big bs=1M count=20 2>/dev/null'
	for i in $(seq 30); do
		killed_at "0.0$((i % 10))$((i % 7))" commit --quiet web "c$i" || :
		wait_until 10 is_thawed web
		inside web true
		! jail image inspect "c$i" >/dev/null 2>&1 || jail image verify "c$i"
	done
	jail gc
	[ -z "$(ls "$JAIL_TEST_DIR/state/staging")" ]
	jail commit --quiet web last
	jail image verify last
}
