# SPDX-License-Identifier: GPL-2.0-or-later
# config-linux.md: namespaces, user mappings, time offsets, host and domain name, sysctls, network devices.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
setup() { helpers=(); }
teardown() {
	local pid
	for pid in "${helpers[@]}"; do
		kill -KILL "$pid" || :
		wait "$pid" || :
	done 2>/dev/null
	oci_teardown
}

# without TYPE...: the filter that takes namespaces away.
without() {
	local type filter=.
	for type; do
		filter+=" | .linux.namespaces |= map(select(.type != \"$type\"))"
	done
	echo "$filter"
}
# at TYPE PATH: the filter that joins one.
at() {
	echo "$(without "$1") | .linux.namespaces += [{\"type\": \"$1\", \"path\": \"$2\"}]"
}
# holder UNSHARE-OPTION...: sets HOLDER to a process in namespaces of its own.
holder() {
	rm -f "$BATS_TEST_TMPDIR/up"
	unshare "$@" sh -c 'echo $$ >"$1"; exec sleep 1000' - "$BATS_TEST_TMPDIR/up" 3>&- &
	helpers+=($!)
	HOLDER=$!
	wait_until 10 test -s "$BATS_TEST_TMPDIR/up"
}
ns() { readlink "/proc/${2:-self}/ns/$1"; }
USERNS='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}, {"containerID": 1000, "hostID": 300000, "size": 64536}]
	| .linux.gidMappings = [{"containerID": 0, "hostID": 200000, "size": 65536}]'

@test "config-linux.md Namespaces: each that is listed is new" {
	local type

	live .
	for type in cgroup ipc mnt net pid uts; do
		[ "$(ns $type "$(pid_in c)")" != "$(ns $type)" ]
	done
	equal "$(ns user)" "$(ns user "$(pid_in c)")"
	equal "$(ns time)" "$(ns time "$(pid_in c)")"
}

@test "config-linux.md Namespaces: each that is not listed is the runtime's" {
	local type name

	for type in cgroup ipc network uts; do
		name=${type/network/net}
		live "$(without $type) | del(.hostname) | .mounts |= map(select(.type != \"sysfs\" and .type != \"cgroup\" and .type != \"mqueue\"))"
		equal "$(ns "$name")" "$(ns "$name" "$(pid_in c)")"
		oci delete --force c
	done
}

@test "config-linux.md Namespaces: by path, each is joined" {
	local type name

	holder --net --ipc --uts --cgroup
	for type in cgroup ipc network uts; do
		name=${type/network/net}
		live "$(at $type "/proc/$HOLDER/ns/$name") | if \"$type\" == \"uts\" then del(.hostname) else . end"
		equal "$(ns "$name" "$HOLDER")" "$(ns "$name" "$(pid_in c)")"
		oci delete --force c
	done
}

@test "config-linux.md Namespaces: a pid namespace by path" {
	holder --pid --fork
	local inner
	inner=$(cat "/proc/$HOLDER/task/$HOLDER/children")
	run -0 box "$(at pid "/proc/${inner% }/ns/pid")" 'readlink /proc/self/ns/pid; echo $$'
	like "^$(ns pid "${inner% }" | sed 's/[][]/\\&/g')"
	refute_output $'\n1'
	pkill -KILL -P "$HOLDER" || :
}

@test "config-linux.md Namespaces path: of another type is an error" {
	holder --ipc
	refused_box '.' "$(at network "/proc/$HOLDER/ns/ipc")"
}

@test "config-linux.md Namespaces path: not there, no namespace, not absolute are errors" {
	refused_box '.' "$(at network /no/such/path)"
	refused_box '.' "$(at network /etc/passwd)"
	refused_box '.' "$(at network proc/self/ns/net)"
}

@test "config-linux.md Namespaces: a duplicate and an unknown type are errors" {
	refused_box 'namespace|duplicat' '.linux.namespaces += [{"type": "pid"}]'
	refused_box 'namespace|unknown' '.linux.namespaces += [{"type": "nosuch"}]'
}

@test "a named network namespace as engines make it" {
	local file=$BATS_TEST_TMPDIR/netns

	touch "$file"
	unshare --net="$file" ip link add made type veth peer name other
	run box "$(at network "$file")" 'ip -o link'
	umount "$file"
	[ "$status" -eq 0 ]
	like ' made'
}

@test "a new network namespace has its loopback up" {
	run -0 box . 'ip addr show lo'
	like 'UP'
	like '127.0.0.1'
}

@test "config-linux.md User namespace mappings: ranges as given" {
	run -0 box "$USERNS" 'cat /proc/self/uid_map; cat /proc/self/gid_map; cat /proc/self/setgroups; id -u; id -g'
	equal $'0 100000 1000\n1000 300000 64536\n0 200000 65536\nallow\n0\n0' "$(sed 's/^ *//; s/  */ /g' <<<"$output")"
}

@test "config-linux.md User namespace mappings: without the namespace they are an error" {
	refused_box 'user' '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 10}] | .linux.gidMappings = .linux.uidMappings'
}

@test "config-linux.md User namespace mappings: missing, empty, overlapping are errors" {
	refused_box '.' "$USERNS | .linux.uidMappings[1].containerID = 500"
	refused_box '.' "$USERNS | .linux.uidMappings[0].size = 0"
}

@test "user namespace: all of the others belong to it; the process has its capabilities there only" {
	run -0 box "$USERNS | .process.capabilities |= map_values([\"CAP_NET_ADMIN\", \"CAP_SYS_ADMIN\"])" \
		'ip link add made type veth peer name other && echo network; hostname other && hostname; echo 0 >/proc/sys/kernel/panic && echo host || :'
	like '^network$'
	like '^other$'
	refute_output $'\nhost'
}

@test "user namespace: a user other than root, its HOME and groups" {
	run -0 box "$USERNS | .process.user = {\"uid\": 1000, \"gid\": 1000, \"additionalGids\": [4]}" 'id -u; id -G; echo $HOME; touch /dev/shm/x; stat -c %u /dev/shm/x'
	equal $'1000\n1000 4\n/home\n1000'
}

@test "user namespace: devices are there and work" {
	run -0 box "$USERNS" 'echo x >/dev/null; head -c 3 /dev/zero | wc -c; ls /dev/pts/ptmx; test -c /dev/tty && echo tty'
	like '^3$'
	like '^tty$'
}

@test "user namespace: a bind source that only the host's root can reach" {
	mkdir -p "$BATS_TEST_TMPDIR/closed/data"
	echo reached >"$BATS_TEST_TMPDIR/closed/data/file"
	chmod 700 "$BATS_TEST_TMPDIR/closed"
	run -0 box "$USERNS | .mounts += [{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"$BATS_TEST_TMPDIR/closed/data\", \"options\": [\"bind\", \"ro\"]}]" \
		'cat /mnt/file'
	equal reached
}

@test "user namespace: joined by path, no mappings needed" {
	holder --user
	echo '0 100000 65536' >"/proc/$HOLDER/uid_map"
	echo '0 100000 65536' >"/proc/$HOLDER/gid_map"
	live "$(at user "/proc/$HOLDER/ns/user")"
	equal "$(ns user "$HOLDER")" "$(ns user "$(pid_in c)")"
	run -0 oci exec c sh -c 'id -u; cat /proc/self/uid_map'
	like '^0$'
	like '0 +100000 +65536'
}

@test "user namespace: with the runtime's network and no mounts that need another" {
	run -0 box "$USERNS | $(without network) | .mounts |= map(select(.type != \"sysfs\" and .type != \"cgroup\"))" 'ls /; id -u'
	like '^0$'
}

@test "config-linux.md timeOffsets: monotonic and boottime" {
	local up

	read -r up _ </proc/uptime
	run -0 box '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"monotonic": {"secs": 500000, "nanosecs": 5}, "boottime": {"secs": 7000000}}' \
		'cat /proc/self/timens_offsets; cat /proc/uptime'
	like '^monotonic +500000 +5$'
	like '^boottime +7000000 +0$'
	[ "$(tail -n 1 <<<"$output" | cut -d. -f1)" -ge $((7000000 + ${up%%.*})) ]
}

@test "config-linux.md timeOffsets: without a time namespace they are an error" {
	refused_box 'time' '.linux.timeOffsets = {"boottime": {"secs": 5}}'
	refused_box 'clock|time' '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"realtime": {"secs": 5}}'
}

@test "config.md hostname and domainname" {
	run -0 box '.hostname = "some-host"' hostname
	equal some-host
	run -0 box '.domainname = "some.domain"' 'cat /proc/sys/kernel/domainname'
	equal some.domain
}

@test "config.md hostname: without a UTS namespace it is an error" {
	local before

	before=$(hostname)
	refused_box 'uts|hostname' "$(without uts)"
	refused_box 'uts|domainname' "$(without uts) | del(.hostname) | .domainname = \"d\""
	equal "$before" "$(hostname)"
}

@test "config-linux.md sysctl: those of the namespaces" {
	run -0 box '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "12345678", "fs.mqueue.msg_max": "7", "net.ipv4.conf.lo.forwarding": "0"}' \
		'cd /proc/sys; cat net/ipv4/ip_forward kernel/shmmax fs/mqueue/msg_max'
	equal $'1\n12345678\n7'
	run -0 box '.linux.sysctl = {"net/ipv4/ip_forward": "1", "kernel.domainname": "from.sysctl"}' 'cd /proc/sys; cat net/ipv4/ip_forward kernel/domainname'
	equal $'1\nfrom.sysctl'
}

@test "sysctl: those that are the host's are refused, and stay" {
	local name before

	before=$(cat /proc/sys/vm/swappiness /proc/sys/kernel/panic)
	for name in vm.swappiness kernel.panic kernel.core_pattern fs.file-max; do
		refused_box 'sysctl' ".linux.sysctl = {\"$name\": \"0\"}"
	done
	equal "$before" "$(cat /proc/sys/vm/swappiness /proc/sys/kernel/panic)"
}

@test "sysctl: one whose namespace is the host's is refused" {
	refused_box 'sysctl' "$(without network) | .linux.sysctl = {\"net.ipv4.ip_forward\": \"1\"}"
	refused_box 'sysctl' "$(without ipc) | .linux.sysctl = {\"kernel.shmmax\": \"12345678\"}"
	refused_box 'sysctl' "$(at network /proc/self/ns/net) | .linux.sysctl = {\"net.ipv4.ip_forward\": \"1\"}"
}

@test "sysctl: kernel.hostname contradicts hostname" {
	refused_box 'hostname|sysctl' '.linux.sysctl = {"kernel.hostname": "other"}'
}

@test "sysctl: names that leave /proc/sys, unknown names and values are errors" {
	refused_box '.' '.linux.sysctl = {"net/../../../etc/x": "1"}'
	refused_box '.' '.linux.sysctl = {"net.ipv4.no_such_thing": "1"}'
	refused_box '.' '.linux.sysctl = {"net.ipv4.ip_forward": "many"}'
	refused_box '.' '.linux.sysctl = {"": "1"}'
}

@test "config-linux.md netDevices: moved in, renamed, with MAC, MTU and addresses" {
	jail_only "specification 1.3"
	ip link add oct0 type veth peer name oct9
	ip link set oct0 address 02:00:00:00:00:07 mtu 1400
	ip addr add 10.7.7.7/24 dev oct0
	ip link set oct0 up
	bundle c '.linux.netDevices = {"oct0": {"name": "inside"}}'
	script c 'ip addr show inside; ip -o link; exec sleep 1000'
	create c
	run ! ip link show oct0
	oci start c
	wait_out inside
	run -0 oci exec c ip addr show inside
	like 'mtu 1400'
	like '02:00:00:00:00:07'
	like '10.7.7.7/24'
	like 'UP'
	oci delete --force c
	ip link delete oct9 2>/dev/null || :
}

@test "config-linux.md netDevices: one that isn't there, a name in use, no network namespace are errors" {
	jail_only "specification 1.3"
	ip link add oct1 type veth peer name oct9
	refused_box '.' '.linux.netDevices = {"nosuch0": {}}'
	refused_box '.' '.linux.netDevices = {"oct1": {"name": "lo"}}'
	refused_box '.' '.linux.netDevices = {"oct1": {"name": "name/slash"}}'
	refused_box '.' "$(without network) | .linux.netDevices = {\"oct1\": {}}"
	run -0 ip link show oct1
	ip link delete oct1
}
