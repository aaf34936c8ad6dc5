# SPDX-License-Identifier: GPL-2.0-or-later
# security.nesting: inside an instance that allows it jail itself, and other engines, run containers; in no other one.

load ../lib/common

setup_file() {
	local root file

	jail_setup_file
	# An image with jail in it, where a program that is not static finds what it loads.
	root=$(mktemp -d)
	tar -C "$root" -xf "$JAIL_TEST_DIR/busybox.tar"
	mkdir -p "$root/opt" "$root/vol"
	cp "$JAIL_BUILD"/jail "$JAIL_BUILD"/jail-{init,monitor,unpack} "$JAIL_TEST_DIR/busybox.tar" "$root/opt"
	for file in $(ldd "$JAIL_BUILD/jail" | grep -o '/[^ ]*'); do
		mkdir -p "$root${file%/*}"
		cp -L "$file" "$root$file"
	done
	# Another network than the one that it is in itself. Overlays want another file system below than an overlay.
	printf '{"stateDir":"/vol/state","libexecDir":"/opt","lxcfs":"off","network":{"subnet":"10.99.0.0/16"}}' >"$root/opt/jail.json"
	tar -C "$root" --numeric-owner -cf "$JAIL_TEST_DIR/nested.tar" .
	rm -rf "$root"
	jail image import --quiet --name nested "$JAIL_TEST_DIR/nested.tar"
}
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# outer OPTION...: an instance named outer.
outer() {
	rm -rf "$JAIL_TEST_DIR/vol"
	mkdir "$JAIL_TEST_DIR/vol"
	jail run --detach --name outer --image nested --mount "$JAIL_TEST_DIR/vol:/vol:idmap" "$@" sleep infinity
}
inside() {
	jail exec outer env JAIL_CONFIG=/opt/jail.json "$@"
}

@test "jail in jail: images, a network of its own, published ports, exec, stop" {
	[[ $JAIL_BUILD != *-san* ]] || skip "the libraries of the sanitizers are not in the image"
	outer --nesting --port 18081:8081
	inside /opt/jail image import --quiet --name busybox /opt/busybox.tar
	run -0 inside /opt/jail run --rm --image busybox --userns host sh -c 'echo $$; hostname; ls /dev'
	[ "${lines[0]}" != "" ]
	[[ $output == *urandom* ]]
	run -0 inside /opt/jail ps --json
	inside /opt/jail run --detach --name web --image busybox --userns host --port 8081:80 httpd -f -h /var/www
	run -0 inside /opt/jail exec web cat /proc/1/comm
	run -0 inside /opt/jail exec web ps
	[[ $output != *sleep* ]] # the outer's processes are not there
	# From the host, through both.
	wait_until 30 curl -sf -m 5 -o "$BATS_TEST_TMPDIR/page" "http://$(address_of outer):8081/"
	[ "$(cat "$BATS_TEST_TMPDIR/page")" = 'hello from an instance' ]
	inside /opt/jail stop --timeout 0s web
	inside /opt/jail rm web
	run -0 inside /opt/jail ps
	[ ${#lines[@]} -le 1 ]
}

@test "an inner instance ends with the outer one" {
	[[ $JAIL_BUILD != *-san* ]] || skip "the libraries of the sanitizers are not in the image"
	outer --nesting
	inside /opt/jail image import --quiet --name busybox /opt/busybox.tar
	inside /opt/jail run --detach --name in --image busybox --userns host --network none sleep infinity
	jail stop --timeout 0s outer
	[ "$(field outer .status)" = stopped ]
	jail start outer
	run -0 inside /opt/jail ps --json
	[ "$(jq -r '.[0].status' <<<"$output")" != running ]
	inside /opt/jail start in
	inside /opt/jail exec in true
}

@test "nesting: user namespaces, a proc of its own, cgroups; what it does not open" {
	outer --nesting
	run -0 inside unshare -Urm true
	run -0 inside unshare -mpf sh -c 'mount -t proc proc /tmp && cat /tmp/self/stat'
	run -0 inside sh -c 'mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x'
	# The limits one level above stay out of reach.
	run ! inside sh -c 'ls /sys/fs/cgroup/../cgroup.procs.outer'
	# What counts in the host's user namespace does not.
	run ! inside mknod /tmp/null c 1 3
	run ! inside sh -c 'echo 1 >/proc/sys/kernel/sysrq'
	run ! inside sh -c 'echo x >/proc/sysrq-trigger'
	run ! inside sh -c 'head -c 1 /run/host/nesting/proc/kcore'
	run ! inside sh -c 'echo 1 >/run/host/nesting/proc/sys/kernel/panic'
	run ! inside sh -c 'echo b >/run/host/nesting/proc/sysrq-trigger'
}

@test "without nesting none of it" {
	outer --cap-add sys_admin
	run ! inside unshare -Urm true
	run ! inside unshare -mpf sh -c 'mount -t proc proc /tmp'
	run ! inside mkdir /sys/fs/cgroup/x
	run ! inside test -e /run/host/nesting
}

@test "nesting is refused where it can't hold" {
	run ! jail create --image nested --nesting --userns host bad
	[[ $output == *'security.nesting: only with security.userNamespace "auto"'* ]]
	run ! jail create --image nested --nesting --cap-drop all bad
	[[ $output == *'security.nesting: security.capabilities lacks CAP_SYS_ADMIN'* ]]
}

@test "exec goes to where the instance keeps its processes" {
	outer --nesting
	inside sh -c 'mkdir /sys/fs/cgroup/box && for p in $(cat /sys/fs/cgroup/cgroup.procs); do echo $p >/sys/fs/cgroup/box/cgroup.procs; done 2>/dev/null; true'
	run -0 inside grep ^0:: /proc/1/cgroup
	[ "$output" = '0::/box' ]
	run -0 inside grep ^0:: /proc/self/cgroup
	[ "$output" = '0::/box' ]
	# Even when the instance's own cgroup takes no processes any more: where it has a controller to hand down.
	inside sh -c 'for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$c >/sys/fs/cgroup/cgroup.subtree_control; done'
	run -0 inside true
	run -0 jail stop --timeout 0s outer
}

engines() {
	[ -s "${JAIL_TEST_ENGINES:-}" ] || skip "no image with Podman and Docker: JAIL_TEST_ENGINES=\$(tests/lib/engines-tarball)"
	jail image import --quiet --replace --name engines "$JAIL_TEST_ENGINES"
	mkdir -p "$JAIL_TEST_DIR/containers" "$JAIL_TEST_DIR/docker"
	jail run --detach --name outer --image engines --nesting --mount "$JAIL_TEST_DIR/busybox.tar:/busybox.tar:ro" \
		--mount "$JAIL_TEST_DIR/containers:/var/lib/containers:idmap" --mount "$JAIL_TEST_DIR/docker:/var/lib/docker:idmap" \
		sleep infinity
}

@test "Podman runs containers, with a network of their own" {
	engines
	jail exec outer podman import --quiet /busybox.tar busybox
	run -0 jail exec outer podman run --rm --network none busybox echo hello from podman
	[[ $output == *'hello from podman'* ]]
	jail exec outer podman run --detach --name web busybox httpd -f -h /var/www
	wait_until 30 jail exec outer podman exec web wget -q -O /dev/null http://127.0.0.1/
	run -0 jail exec outer podman exec web wget -q -O - http://127.0.0.1/
	[[ $output == *'hello from an instance'* ]]
	run -0 jail exec outer podman inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web
	# From one container to the other.
	run -0 jail exec outer podman run --rm busybox wget -q -O - "http://$output/"
	[[ $output == *'hello from an instance'* ]]
	jail exec outer podman rm --force --time 0 web
}

@test "Docker runs containers" {
	engines
	jail exec outer sh -c 'dockerd >/var/log/dockerd.log 2>&1 &'
	wait_until 120 jail exec outer docker info || { jail exec outer tail /var/log/dockerd.log >&2; return 1; }
	jail exec outer docker import /busybox.tar busybox
	run -0 jail exec outer docker run --rm busybox echo hello from docker
	[[ $output == *'hello from docker'* ]]
	run -0 jail exec outer docker run --rm busybox ip -4 -o addr show eth0
	[[ $output == *inet* ]]
}
