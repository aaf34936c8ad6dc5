# SPDX-License-Identifier: GPL-2.0-or-later
# What the files about networks share: a world outside of the host, which is another network namespace behind a veth with
# both families; probes; and a plain bridge without any protection, on which an attack is shown to work. Loaded after
# common.bash.
# shellcheck shell=bash

HOST4=192.0.2.1 WORLD4=192.0.2.2 HOST6=2001:db8:1::1 WORLD6=2001:db8:1::2

# namespace NAME: an empty network namespace, held by a process; its pid goes to $JAIL_TEST_DIR/namespaces/NAME.
namespace() {
	unshare --net sleep infinity >/dev/null 2>&1 3>&- &
	mkdir -p "$JAIL_TEST_DIR/namespaces"
	echo $! >"$JAIL_TEST_DIR/namespaces/$1"
	wait_until 10 namespace_is_apart "$1"
	in_namespace "$1" ip link set lo up
}
namespace_is_apart() {
	[ "$(readlink "/proc/$(cat "$JAIL_TEST_DIR/namespaces/$1")/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}
in_namespace() { # NAME COMMAND...
	nsenter --net="/proc/$(cat "$JAIL_TEST_DIR/namespaces/$1")/ns/net" "${@:2}"
}
world() { in_namespace world "$@"; }
# inside NAME COMMAND...: a program of the host, as root of the host, in the network namespace of an instance: it can do
# there whatever the instance could with all capabilities.
inside() {
	nsenter --net="/proc/$(pid_of "$1")/ns/net" "${@:2}"
}
# frame IN INTERFACE KIND KEY=VALUE...: IN is inside, or in_namespace, with its NAME.
frame() {
	"$1" "$2" python3 "$TOP/tests/helpers/frame.py" "${@:3}"
}

# The world has a route to nowhere, so only NAT makes answers arrive.
network_setup_file() {
	jail_setup_file "$@"
	namespace world
	ip link add outside type veth peer name in0 netns "$(cat "$JAIL_TEST_DIR/namespaces/world")"
	ip address add $HOST4/24 dev outside
	ip address add $HOST6/64 dev outside nodad
	ip link set outside up
	world ip address add $WORLD4/24 dev in0
	world ip address add $WORLD6/64 dev in0 nodad
	world ip link set in0 up
	ip route add default via $WORLD4
	ip -6 route add default via $WORLD6
	wait_until 10 busybox ping -c 1 -W 1 $WORLD4
	wait_until 10 busybox ping -c 1 -W 1 $WORLD6
	snapshot >"$JAIL_TEST_DIR/before"
}
network_teardown_file() {
	local status=0 pids

	pids=$(cat "$JAIL_TEST_DIR"/namespaces/* 2>/dev/null || :)
	jail_teardown || status=1
	networks_remove || status=1
	jail_teardown_file || status=1
	# shellcheck disable=SC2086 # several
	kill $pids || status=1
	return $status
}
# What runs in the background is a function's subshell, and the program is its child.
helpers_end() {
	local pid

	for pid in ${HELPERS:-}; do
		# shellcheck disable=SC2046 # several
		kill $(pgrep -P "$pid") "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	HELPERS=
}
network_names() {
	jail network list --json | jq -r '.[].name | select(. != "default")'
}
networks_remove() {
	local name status=0

	for name in $(network_names); do
		jail network rm "$name" || status=1
	done
	return $status
}
network_teardown() {
	local status=0

	helpers_end
	jail_teardown || status=1
	networks_remove || status=1
	return $status
}

# server PORT[/udp|/sctp] [IN-COMMAND...]: in the background, answers with the peer's address.
server() {
	local port=${1%/*} more=()

	[[ $1 != */* ]] || more=("${1#*/}")
	# In the root of the host: an instance's network namespace, and nothing else of it.
	"${@:2}" python3 "$TOP/tests/helpers/answer.py" "$port" "${more[@]}" >"$BATS_TEST_TMPDIR/server.$port" 2>&1 3>&- &
	HELPERS="${HELPERS:-} $!"
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/server.$port"
}
# ask ADDRESS PORT [IN-COMMAND...]: what the server says. For as long as ASK_SECONDS; a busy machine is no reason to fail.
# ASK_OVER: TCP, or SCTP, which knows no half of a connection that is closed: so it only reads.
ask() {
	"${@:3}" socat -u -T "${ASK_SECONDS:-20}" \
		"${ASK_OVER:-TCP}:$([[ $1 == *:* ]] && echo "[$1]" || echo "$1"):$2,connect-timeout=${ASK_SECONDS:-20}" - 2>/dev/null
}
# no_answer ADDRESS PORT [IN-COMMAND...]
no_answer() {
	# shellcheck disable=SC2314 # the last one
	! ASK_SECONDS=2 ask "$@"
}
ping_from() { # IN-COMMAND... ADDRESS
	"${@:1:$#-1}" busybox ping -c 1 -W "${PING_SECONDS:-20}" "${*: -1}" >/dev/null
}
no_ping_from() {
	# shellcheck disable=SC2314
	! PING_SECONDS=1 ping_from "$@"
}

# capture FILE INTERFACE FILTER [IN-COMMAND...]: tcpdump in the background, ready when it returns.
capture() {
	"${@:4}" tcpdump -i "$2" -n -U -w "$1" "$3" 2>"$1.log" 3>&- &
	HELPERS="${HELPERS:-} $!"
	wait_until 10 grep -q 'listening on' "$1.log"
}
captured() { tcpdump -n -r "$1" 2>/dev/null | wc -l; }
