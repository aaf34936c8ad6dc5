# SPDX-License-Identifier: GPL-2.0-or-later
# A real distribution: Debian 12 from a mmdebstrap tarball behaves as on a machine.

load ../lib/common

setup_file() {
	jail_setup_file bare
	DEBIAN_TARBALL=$("$TOP/tests/lib/debian-tarball")
	export DEBIAN_TARBALL
	jail image import --quiet "$DEBIAN_TARBALL" --name debian:12
}
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

debian() {
	jail run --rm --image debian:12 --network none "$@"
}

@test "dpkg, apt-get, a shell, perl" {
	run -0 debian dpkg -l
	assert_output 'ii  bash '
	run -0 debian apt-get --version
	assert_output 'apt '
	run -0 debian bash -c 'echo $BASH_VERSION'
	[[ $output == 5.* ]]
	run -0 debian perl -e 'print 6 * 7'
	[ "$output" = 42 ]
	run -0 debian dpkg --verify
	refute_output 'missing'
}

@test "the whole tree inside is the archive, by owner, mode, size, time and link" {
	local f=$BATS_TEST_TMPDIR
	jail run -d --name box --image debian:12 --network none sleep 1000
	jail exec box tar --numeric-owner --sort=name -C / --one-file-system --exclude=./proc --exclude=./sys --exclude=./dev \
		--exclude=./run --exclude=./tmp --exclude=./etc/hostname --exclude=./etc/hosts \
		--exclude=./etc/resolv.conf -cf - . >"$f/inside.tar"
	mkdir "$f/outside"
	tar -C "$f/outside" --numeric-owner --same-owner -p -xf "$DEBIAN_TARBALL"
	tar --numeric-owner --sort=name -C "$f/outside" --exclude=./proc --exclude=./sys --exclude=./dev --exclude=./run \
		--exclude=./tmp --exclude=./etc/hostname --exclude=./etc/hosts --exclude=./etc/resolv.conf -cf - . \
		>"$f/outside.tar"
	tar --numeric-owner --full-time -tvf "$f/inside.tar" | sort >"$f/inside"
	tar --numeric-owner --full-time -tvf "$f/outside.tar" | sort >"$f/outside.list"
	# Directories that the runtime mounts something on keep their entry; their times may be the mount's.
	diff <(grep -v ' \./\?$' "$f/outside.list") <(grep -v ' \./\?$' "$f/inside") | head -20
	[ "$(wc -l <"$f/inside")" -gt 3000 ]
	mkdir "$f/unpacked"
	tar -C "$f/unpacked" -p -xf "$f/inside.tar"
	(cd "$f/outside" && find . -type f ! -path './run/*' ! -path './dev/*' ! -path './tmp/*' ! -path './etc/hostname' \
		! -path './etc/hosts' ! -path './etc/resolv.conf' -print0 | sort -z | xargs -0 sha256sum) >"$f/sums"
	(cd "$f/unpacked" && sha256sum --quiet -c "$f/sums")
}

@test "useradd, passwd entries, su by setuid, files of the user" {
	jail run -d --name box --image debian:12 --network none sleep 1000
	jail exec box useradd -m -s /bin/bash alice
	run -0 jail exec box id alice
	assert_output 'uid=1000(alice)'
	run -0 jail exec -u alice -w /home/alice box bash -c 'touch mine; stat -c %U mine; id -un'
	[ "$output" = $'alice\nalice' ]
	run -0 jail exec box su - alice -c 'id -un'
	[ "$output" = alice ]
	jail exec box bash -c 'echo "root:secret" | chpasswd'
	run -0 jail exec -i -u alice box su -c 'id -u' <<<secret
	assert_output 0
	run jail exec -i -u alice box su -c 'id -u' <<<wrong
	[ "$status" -ne 0 ]
}

@test "sudo works and reaches no further than the instance" {
	jail run -d --name box --image debian:12 --network none sleep 1000
	jail exec box bash -c 'useradd -m alice && echo "alice ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/alice'
	run -0 jail exec -u alice box sudo -n id -u
	assert_output 0
	run -0 jail exec -u alice box sudo -n cat /proc/self/uid_map
	[ "$(awk '{ print $2 }' <<<"${lines[-1]}")" = "$(field box .ids.first)" ]
}

@test "file capabilities count inside" {
	jail run -d --name box --image debian:12 --network none sleep 1000
	jail exec box bash -c 'cp /bin/cat /usr/local/bin/reader && setcap cap_dac_override+ep /usr/local/bin/reader && useradd alice && chmod 600 /etc/shadow'
	run jail exec -u alice box cat /etc/shadow
	[ "$status" -ne 0 ]
	run -0 jail exec -u alice box reader /etc/shadow
	assert_output 'root:'
}

@test "dpkg installs and removes a package" {
	jail run -d --name box --image debian:12 --network none sleep 1000
	jail exec box bash -c 'mkdir -p /tmp/p/DEBIAN /tmp/p/usr/bin && printf "Package: hello-jail\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n" > /tmp/p/DEBIAN/control && printf "#!/bin/sh\necho installed\n" > /tmp/p/usr/bin/hello-jail && chmod 755 /tmp/p/usr/bin/hello-jail && dpkg-deb --root-owner-group -b /tmp/p /tmp/h.deb && dpkg -i /tmp/h.deb'
	run -0 jail exec box hello-jail
	[ "$output" = installed ]
	jail exec box dpkg -r hello-jail
	run -127 jail exec box hello-jail
}

@test "nginx, a daemon that drops privileges, on a published port" {
	jail create web --image debian:12 --port 8080:80 -- /usr/sbin/nginx -g 'daemon off;'
	jail start web
	wait_until 20 curl -s -m 2 -o /dev/null http://10.88.0.1:8080/
	run -0 curl -s -m 5 http://10.88.0.1:8080/
	assert_output nginx
	run -0 jail exec web ps -eo user,args
	assert_output 'www-data nginx: worker'
	run -0 jail stop web
	[ "$(field web .lastExit.status)" = 0 ]
}

@test "a published UDP port, both ways" {
	jail run -d --name box --image debian:12 --port 5353:53/udp -- perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53) or die; $| = 1; print "ready\n";
		while (defined $s->recv($m, 999)) { chomp $m; $s->send("you said $m\n") }'
	wait_log box ready
	run -0 timeout 30 bash -c 'exec 3<>/dev/udp/10.88.0.1/5353; echo hello >&3; head -n 1 <&3'
	[ "$output" = 'you said hello' ]
}

@test "renames, hard links, whiteouts and sockets on the overlay" {
	run -0 debian bash -ec '
		mv /usr/share/doc /usr/share/moved; test -d /usr/share/moved/bash
		rm -rf /usr/share/moved; ! test -e /usr/share/moved
		mkdir /usr/share/doc; test -z "$(ls -A /usr/share/doc)"
		ln /etc/passwd /etc/passwd.link; echo x >> /etc/passwd.link; tail -n1 /etc/passwd
		perl -MSocket -e "socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un(q(/tmp/s))) or die; print -S q(/tmp/s) ? qq(socket\n) : qq(no\n)"'
	[ "$output" = $'x\nsocket' ]
}

@test "inotify instances are counted per instance, as each has its own user" {
	local open max n
	max=$(cat /proc/sys/fs/inotify/max_user_instances)
	open="my @fds; for (1 .. $((max - 10))) { my \$fd = syscall(294, 0); last if \$fd < 0; push @fds, \$fd } print scalar(@fds), qq(\\n); \$| = 1; print qq(\\n); sleep 1000"
	for n in one two; do
		jail run -d --name $n --image debian:12 --network none --rlimit nofile=$((max + 64)) -- perl -e "$open"
	done
	wait_log one "^$((max - 10))\$"
	wait_log two "^$((max - 10))\$"
}

@test "threads, signals, shared memory, futexes: perl and sort at work" {
	run -0 debian bash -c 'seq 200000 | shuf | sort -n --parallel=4 | sha256sum'
	[ "${output%% *}" = "$(seq 200000 | sha256sum | cut -d' ' -f1)" ]
}

@test "run -it with bash: job control, no complaints" {
	cat >"$BATS_TEST_TMPDIR/e.exp" <<-'END'
		set timeout 30
		spawn -noecho sh -c "$env(JAIL) run --rm -it --image debian:12 --network none bash --norc; echo status=\$?"
		expect "# "
		send "sleep 100 &\r"
		expect "\[1\]"
		send "kill %1; wait; exit 11\r"
		expect "status=11"
		expect eof
	END
	JAIL=$JAIL_BUILD/jail run -0 expect "$BATS_TEST_TMPDIR/e.exp"
	assert_output 'status=11'
	refute_output 'no job control'
	refute_output 'cannot set terminal'
}

@test "ICMP sockets, which is what ping takes where it has no CAP_NET_RAW" {
	local mode
	for mode in auto host; do
		run -0 jail run --rm --image debian:12 --userns $mode --user 1000 -- perl -e 'socket(S, 2, 2, 1) or die $!; print "a socket"'
		[ "$output" = 'a socket' ]
		fails_raw $mode
	done
}
fails_raw() { run ! jail run --rm --image debian:12 --userns "$1" -- perl -e 'socket(S, 2, 3, 1) or die $!'; }
