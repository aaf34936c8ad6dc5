# SPDX-License-Identifier: GPL-2.0-or-later
# What the files of tests/engines share; loaded after ../lib/common and ../lib/system. The engines are Debian's own, from
# tests/lib/engines-tarball, and nothing of them is installed: engines_setup_file mounts their programs over /usr in the
# mount namespace of the sandbox, and gives them an /etc, /run, /var/lib and cgroup v2 tree that end with it.
#
# OCI_RUNTIME is the runtime that the engines are given, $JAIL_BUILD/jail-oci. runc and crun are the positive control:
#
#     OCI_RUNTIME=/usr/sbin/runc tests/run engines
#
# crun 1.8 raises RLIMIT_MEMLOCK and so wants CAP_SYS_RESOURCE: it passes in the VM, and not on a machine without it.
# shellcheck shell=bash

OCI_RUNTIME=${OCI_RUNTIME:-$JAIL_BUILD/jail-oci}
export OCI_RUNTIME
RUNTIME_NAME=$(basename "$OCI_RUNTIME")

# ---- the machine that the engines see

engines_setup_file() {
	ENGINES=$(engines_root) || return
	ENGINES_DIR=$(mktemp -d /var/tmp/jail-engines.XXXXXX)
	export ENGINES ENGINES_DIR HOME=$ENGINES_DIR/home TMPDIR=$ENGINES_DIR/tmp
	# Not /usr/local: the engines that are tested are Debian's, even if the machine has others.
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin
	mkdir -p "$HOME" "$TMPDIR" "$ENGINES_DIR/log"
	engines_cgroups
	engines_snapshot >"$ENGINES_DIR/before"
	engines_mount
	"$TOP/tests/lib/busybox-image" "$ENGINES_DIR/busybox.tar"
}

# The extracted tarball: in the cache, and in the VM on the disk of tarballs.
engines_root() {
	if [ -d "${JAIL_TEST_ENGINES_ROOT:-}" ]; then
		echo "$JAIL_TEST_ENGINES_ROOT"
	else
		"$TOP/tests/lib/engines-tarball" --root
	fi
}

# A pure v2 tree, as the engines want it. Its root is that of the sandbox's cgroup namespace, the sandbox's own cgroup.
engines_cgroups() {
	[ "$SANDBOX_ROOT" != /sys/fs/cgroup ] || return 0
	umount --lazy /sys/fs/cgroup
	mount -t cgroup2 none /sys/fs/cgroup
	export SANDBOX_ROOT=/sys/fs/cgroup
}

# Libraries and programs that the machine has too are the machine's, but for the engines themselves.
engines_mount() {
	local dir path

	for path in bin/{podman,buildah,conmon,docker,dockerd,docker-init,containerd,containerd-shim-runc-v2,ctr,crun,tini-static} \
		sbin/{runc,docker-proxy} lib/podman; do
		[ -e "$ENGINES/usr/$path" ] || continue
		mkdir -p "$(dirname "$ENGINES_DIR/usr/$path")"
		ln -s "$ENGINES/usr/$path" "$ENGINES_DIR/usr/$path"
	done
	mount -n -t overlay -o "lowerdir=$ENGINES_DIR/usr:/usr:$ENGINES/usr" overlay /usr
	for dir in etc opt; do
		mkdir -p "$ENGINES_DIR/over/$dir" "$ENGINES_DIR/work/$dir"
		mount -n -t overlay overlay "/$dir" \
			-o "lowerdir=/$dir:$ENGINES/$dir,upperdir=$ENGINES_DIR/over/$dir,workdir=$ENGINES_DIR/work/$dir"
	done
	mount -n -t tmpfs -o mode=755 tmpfs /var/lib
	for dir in containers docker containerd; do
		mkdir -p "$ENGINES_DIR/lib/$dir" "/var/lib/$dir"
		mount -n --bind "$ENGINES_DIR/lib/$dir" "/var/lib/$dir"
	done
	# Without a sandbox, in the VM, systemd's own directories are needed, and what is left there does not outlive it.
	[ -z "${SANDBOX_GROUP:-}" ] || mount -n -t tmpfs -o mode=755 tmpfs /run
	mkdir -p /run/lock
	# For --userns=auto and dockerd --userns-remap.
	printf 'containers:1000000:1000000\ndockremap:3000000:65536\n' | tee /etc/subuid >/etc/subgid
}

# What the containers, their engines and a runtime could leave. A process of the suite itself is in the same cgroup as
# this one; engines' daemons are stopped before.
engines_snapshot() {
	echo "mounts:"; sort /proc/self/mounts
	echo "cgroups:"; container_cgroups
	echo "links:"; ip -o link | awk -F'[:@] *' '$2 ~ /^veth/ { print $2 }'
}
container_cgroups() {
	find "$SANDBOX_ROOT" -mindepth 1 -type d \( -name 'libpod-*' -o -path '*/docker/*' -o -path '*/ctr/*' \
		-o -path '*/buildah-buildah*' -o -name 'docker-*' \) -printf '%P\n'
}

engines_teardown_file() {
	local status=0 dir

	[ -n "${ENGINES_DIR:-}" ] || return 0
	daemons_stop || status=1
	wait_until 10 containers_gone || { container_cgroups >&2; status=1; }
	# Those are the engines' own, and empty.
	for dir in libpod_parent docker default ctr system.slice/conmon; do
		[ ! -d "$SANDBOX_ROOT/$dir" ] || find "$SANDBOX_ROOT/$dir" -depth -type d -exec rmdir {} + || status=1
	done
	engines_umount || status=1
	[ -n "${SANDBOX_GROUP:-}" ] || umount -n /run/netns || :
	engines_snapshot | diff "$ENGINES_DIR/before" - >&2 || status=1
	rm -rf --one-file-system "$ENGINES_DIR"
	return $status
}
containers_gone() {
	[ -z "$(container_cgroups)" ]
}
# Everything that was mounted since, the last first; only what stands below the directories that engines_mount covered.
engines_umount() {
	local dir

	for dir in ${SANDBOX_GROUP:+/run} /var/lib/containers /var/lib/docker /var/lib/containerd /var/lib /opt /etc /usr; do
		umount --recursive -n "$dir" 2>"$ENGINES_DIR/umount" || umount -n --lazy "$dir" || return
	done
}

# ---- daemons

# daemon NAME COMMAND...: starts one. What it says is in log/NAME, of which no test needs more than 8 MiB.
daemon() {
	local name=$1

	shift
	daemon_stop "$name"
	(exec setsid "$@" > >(head -c 8M >"$ENGINES_DIR/log/$name"; exec cat >/dev/null) 2>&1 </dev/null 3>&- 4>&-) &
	echo $! >"$ENGINES_DIR/run.$name.pid"
}
# daemon_stop NAME: ends it by its id, and waits.
daemon_stop() {
	local pid

	[ -e "$ENGINES_DIR/run.$1.pid" ] || return 0
	pid=$(cat "$ENGINES_DIR/run.$1.pid")
	rm "$ENGINES_DIR/run.$1.pid"
	kill "$pid" 2>/dev/null || return 0
	wait_until 60 process_ended "$pid" || kill -KILL "$pid"
}
process_ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}
daemons_stop() {
	local file

	for file in "$ENGINES_DIR"/run.*.pid; do
		[ -e "$file" ] || continue
		file=${file##*/run.}
		daemon_stop "${file%.pid}"
	done
}

# ---- programs, each with an end

podman() { timeout "$JAIL_TIMEOUT" podman --runtime "$OCI_RUNTIME" "$@"; }
buildah() { timeout "$JAIL_TIMEOUT" buildah "$@"; }
docker() { timeout "$JAIL_TIMEOUT" docker "$@"; }
ctr() { timeout "$JAIL_TIMEOUT" ctr "$@"; }

# podman_setup: its configuration, and the small image. What podman gives to every container is kept to what this machine
# can: no limit without its controller, and resource limits that need no CAP_SYS_RESOURCE.
podman_setup() {
	local pids=0 limits=default_ulimits

	! has_controller pids || pids=2048
	! capsh --has-p=cap_sys_resource >/dev/null 2>&1 || limits='# '
	rm -rf /etc/cni # its plugins are not there
	export CONTAINERS_CONF=/etc/containers/containers.conf
	cat >$CONTAINERS_CONF <<-EOF
		[containers]
		pids_limit = $pids
		${limits} = ["nofile=1024:4096", "nproc=4096:4096"]
		log_driver = "k8s-file"
		[engine]
		cgroup_manager = "${1:-cgroupfs}"
		events_logger = "file"
		runtime_supports_json = ["crun", "runc", "jail-oci"]
		[network]
		network_backend = "netavark"
		[engine.runtimes]
		jail-oci = ["$OCI_RUNTIME"]
	EOF
	podman import --quiet "$ENGINES_DIR/busybox.tar" busybox
}

# docker_start [OPTION...]: dockerd with this runtime as its default.
docker_start() {
	daemon dockerd dockerd --add-runtime "jail-oci=$OCI_RUNTIME" --default-runtime jail-oci "$@"
	wait_until 60 docker version || { tail -n 30 "$ENGINES_DIR/log/dockerd" >&2; return 1; }
}

# terminal COMMAND...: what runs a shell on a terminal does it well (terminal.exp). Nothing that may be left of it holds an
# output that bats waits for.
terminal() {
	timeout $((JAIL_TIMEOUT * 2)) expect "$TOP/tests/engines/terminal.exp" "$JAIL_TIMEOUT" "$@" \
		>"$BATS_TEST_TMPDIR/terminal" 2>&1 </dev/null 3>&- 4>&- || { cat -v "$BATS_TEST_TMPDIR/terminal" >&2; return 1; }
}

# docker_clean: no container is left.
docker_clean() {
	local ids

	mapfile -t ids < <(docker ps --all --quiet)
	[ ${#ids[@]} -eq 0 ] || docker rm --force --volumes "${ids[@]}" >/dev/null
}

# image_archive FILE: the small image as an archive that containerd imports.
image_archive() {
	local dir digest

	dir=$(mktemp -d)
	cp "$ENGINES_DIR/busybox.tar" "$dir/layer.tar"
	digest=$(sha256sum <"$dir/layer.tar")
	cat >"$dir/config.json" <<-END
		{"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin:/sbin"]},
		 "rootfs": {"type": "layers", "diff_ids": ["sha256:${digest%% *}"]}}
	END
	echo '[{"Config": "config.json", "RepoTags": ["docker.io/library/busybox:latest"], "Layers": ["layer.tar"]}]' >"$dir/manifest.json"
	tar -C "$dir" -cf "$1" manifest.json config.json layer.tar
	rm -rf "$dir"
}

# containerd_start: its state below /run and /var/lib, as by default. What ctr adds to use this runtime: CTR_RUNTIME.
containerd_start() {
	daemon containerd containerd
	wait_until 60 ctr version || { tail -n 30 "$ENGINES_DIR/log/containerd" >&2; return 1; }
}
CTR_RUNTIME=(--runtime io.containerd.runc.v2 --runc-binary "$OCI_RUNTIME")
