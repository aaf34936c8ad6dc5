# SPDX-License-Identifier: GPL-2.0-or-later
# jail network: create, list, inspect, rm, check. What packets may do on a network is in network.bats and its like.
# vm: too
# vm: filter=given|refused|rm: not while|check

load ../lib/common

setup_file() {
	jail_setup_file
	NETWORKS=$JAIL_TEST_DIR/state/networks
	export NETWORKS
}
teardown_file() { jail_teardown_file; }
teardown() {
	local network
	jail_teardown
	for network in $(jail network list --quiet); do
		[ "$network" = default ] || jail network rm "$network"
	done
	rm -f "$NETWORKS/broken.json"
}
# one NAME FILTER: of its JSON.
one() { jail network inspect --json "$1" | jq -r ".[0]$2"; }
leases() { find "$JAIL_TEST_DIR/state/leases/networks/$1" -type l 2>/dev/null | wc -l; }

@test "the default network is always there, and can't be removed" {
	run -0 jail network list --quiet
	[ "$output" = default ]
	run -0 jail network list
	[[ ${lines[0]} =~ ^NAME\ +MODE\ +SUBNETS\ +USE\ +TENANT\ +FLAGS ]]
	[[ ${lines[1]} =~ ^default\ +bridge\ +10\.88\.0\.0/16,\ fd ]]
	[ "$(one default .interface)" = jail0 ]
	[ "$(one default .isolated)" = true ]
	run jail network rm default
	assert_error 1 "network default can't be removed"
	run jail network create default
	assert_error 1 'network default: exists already'
	run -0 jail network ls --quiet
	[ "$output" = default ]
}

@test "create chooses free subnets; what it prints, list and inspect show" {
	run -0 jail network create front
	[[ $output =~ ^front:\ (10\.[0-9.]+/24),\ (fd[0-9a-f:]+/64)$ ]]
	local four=${BASH_REMATCH[1]} six=${BASH_REMATCH[2]}
	[ "$(one front .subnet4)" = "$four" ]
	[ "$(one front .subnet6)" = "$six" ]
	[ "$(one front .gateway4)" = "${four%.0/24}.1" ]
	[ "$(one front .mode)" = bridge ]
	[[ $(one front .interface) =~ ^jn[0-9a-f]{12}$ ]]
	[ "$(one front .addresses.ipv4.total)" = 253 ]
	[ "$(one front '.instances | length')" = 0 ]
	run -0 jail network list --wide
	assert_output "$four, $six"
	run -0 jail network inspect front
	assert_output "subnets     $four, $six"
	assert_output "gateway     ${four%.0/24}.1"
	[ "$(stat -c %a "$NETWORKS" "$NETWORKS/front.json" | tr '\n' ' ')" = '700 600 ' ]
	# Nothing on the host before somebody uses it.
	run ip link show "$(one front .interface)"
	[ "$status" -ne 0 ]

	run -0 jail network create --quiet back --no-ipv6
	[ -z "$output" ]
	[ "$(one back .subnet6)" = null ]
	[ "$(one back .addresses.ipv6)" = null ]
	[ "$(one back .subnet4)" != "$four" ]
	run jail network create front
	assert_error 1 'network front: exists already'
	run -0 jail network list --quiet
	[ "$output" = $'back\ndefault\nfront' ]
}

@test "a network that is made again has the IPv6 subnet that it had" {
	jail network create front
	local six
	six=$(one front .subnet6)
	jail network rm front
	jail network create other
	jail network create front
	[ "$(one front .subnet6)" = "$six" ]
}

@test "all that can be given" {
	run -0 jail network create front --mode routed --subnet 198.18.1.0/24 --subnet fd99:1::/64 --gateway 198.18.1.254 \
		--mtu 1400 --isolated --no-nat --tenant acme --json
	[ "$(jq -c '.[0] | [.mode, .subnet4, .gateway4, .subnet6, .gateway6, .mtu, .isolated, .nat, .tenant]' <<<"$output")" = \
		'["routed","198.18.1.0/24","198.18.1.254","fd99:1::/64","fd99:1::1",1400,true,false,"acme"]' ]
	run -0 jail network list --wide
	assert_output 'isolated, no NAT'
	assert_output acme
	jail network create inside --internal
	run -0 jail network inspect inside
	assert_output 'flags       internal'
	[ "$(one inside .nat)" = false ]
	run jail network create away --uplink nosuch0
	[ "$status" -eq 0 ]
	assert_output 'warning: uplink nosuch0: this host has no such interface'
}

@test "what is refused, and why; nothing is left of it" {
	ip link add other type bridge
	ip address add 198.18.7.1/24 dev other
	ip link set other up
	local text
	while read -r text; do
		local options=${text%%|*} expected=${text#*|}
		# shellcheck disable=SC2086 # several options
		run jail network create front $options
		assert_error 1 "$expected"
		[ ! -e "$NETWORKS/front.json" ]
	done <<-'END'
		--mode brigde|mode "brigde": unknown
		--subnet 198.18.2.0|expected ADDRESS/PREFIX
		--subnet none4|expected ADDRESS/PREFIX
		--subnet 198.18.2.1/24|the address has bits outside the prefix
		--subnet 127.0.0.0/8|loopback addresses
		--subnet 198.18.2.0/24 --gateway 198.18.3.1|gateway 198.18.3.1: not a host's address in 198.18.2.0/24
		--subnet 198.18.2.0/24 --subnet 198.18.3.0/24|two subnets of IPv4
		--subnet 198.18.2.0/24 --no-ipv4|two subnets of IPv4
		--no-ipv4 --no-ipv6|no subnet of either family
		--subnet 10.88.3.0/24|overlaps 10.88.0.0/16 of network default
		--subnet 198.18.7.128/25|to which this host has a route by other
		--subnet 198.18.0.0/16|to which this host has a route by other
		--mtu 500 --no-ipv6|mtu 500: expected 576 to 65535
		--mtu 1000|because the network has IPv6
		--mtu 70000|--mtu: at most 65535
		--mode macvlan --uplink other|mode macvlan needs a subnet
		--mode macvlan --subnet 198.18.7.0/24|mode macvlan needs an uplink
		--mode macvlan --subnet 198.18.7.0/24 --uplink nosuch0|uplink nosuch0: this host has no such interface
		--mode macvlan --subnet 198.18.7.0/24 --uplink other --internal|mode macvlan can't be internal
		--internal --uplink other|has no uplink
		--tenant a/b|tenant name "a/b"
	END
	run jail network create host
	assert_error 1 'is no name for a network'
	run jail network create a/b
	assert_error 1 'network name "a/b"'
	# The subnet of the uplink's network is what macvlan wants.
	jail network create lan --mode macvlan --subnet 198.18.7.0/24 --uplink other
	[ "$(one lan '| .interface, .gateway4, .nat' | tr '\n' ' ')" = 'null null false ' ]
	ip link delete other
}

@test "rm: not while an instance is on it, running or not; then all of it goes" {
	jail network create front
	local interface
	interface=$(one front .interface)
	jail create web --image "$IMAGE" --network front -- sleep 100000
	jail create db --image "$IMAGE" --network front -- sleep 100000
	[ "$(one front '.instances | map(.name) | join(" ")')" = 'db web' ]
	[ "$(one front .instances[1].address4)" = "$(jail inspect --json web | jq -r '.[0].networks[0].address4')" ]
	[ "$(one front .addresses.ipv4.used)" = 2 ]
	[ "$(leases front)" -eq 4 ]
	run jail network rm front
	assert_error 1 'network front: is used by db, web'
	jail start web
	ip link show "$interface"
	run jail network rm front
	assert_error 1 'network front: is used by db, web'
	ip link show "$interface"
	jail rm --force web db
	[ "$(leases front)" -eq 0 ]
	jail network rm front
	run ip link show "$interface"
	[ "$status" -ne 0 ]
	[ ! -e "$NETWORKS/front.json" ]
	[ ! -e "$JAIL_TEST_DIR/state/leases/networks/front" ]
	run jail network rm front
	assert_error 1 'no network front'
	run jail create web --image "$IMAGE" --network front -- true
	assert_error 1 'no network front'
}

@test "rm that was killed at any moment is finished by another; the network works meanwhile" {
	local n status interface killed=0
	for ((n = 1; n < 100; n++)); do
		[ -e "$NETWORKS/front.json" ] || jail network create --quiet front
		interface=$(one front .interface)
		jail run --rm --image "$IMAGE" --network front true
		status=0
		# (LeakSanitizer is no tracer beside another.)
		ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o /dev/null -e "inject=sendto,unlinkat,fsync:signal=KILL:when=$n" \
			"$JAIL_BUILD/jail" network rm front || status=$?
		[ "$status" -ne 0 ] || break
		[ "$status" -eq 137 ]
		killed=$((killed + 1))
		if [ -e "$NETWORKS/front.json" ]; then
			jail run --rm --image "$IMAGE" --network front true
			jail network rm front
		fi
		[ ! -e "$NETWORKS/front.json" ]
		[ ! -e "$JAIL_TEST_DIR/state/leases/networks/front" ]
		run ip link show "$interface"
		[ "$status" -ne 0 ]
	done
	# There were that many, and the last one was not killed.
	[ "$killed" -ge 4 ]
	[ "$n" -lt 100 ]
	[ ! -e "$NETWORKS/front.json" ]
}

@test "a damaged file is an error that says where; the others are shown" {
	jail network create front
	printf '{ "mode": "bridge",\n  "isolatd": true }\n' >"$NETWORKS/broken.json"
	run -0 --separate-stderr jail network list --quiet
	[ "$output" = $'default\nfront' ]
	[[ $stderr == *'network broken: broken.json:2:3: isolatd: unknown key'* ]]
	run jail network inspect broken
	assert_error 1 'broken.json:2:3: isolatd: unknown key'
	run jail network create other
	assert_error 1 'broken.json:2:3'
	run jail create web --image "$IMAGE" --network broken -- true
	assert_error 1 'broken.json:2:3'
	run jail network inspect frnt
	assert_error 1 'no network frnt'
	assert_output 'did you mean "front"?'
}

@test "many at once: no subnet twice" {
	local i pids=()
	for i in 1 2 3 4 5 6; do
		jail network create --quiet "n$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	run -0 jail network list --json
	[ "$(jq '[.[].subnet4] | unique | length' <<<"$output")" -eq 7 ]
	[ "$(jq '[.[].subnet6] | unique | length' <<<"$output")" -eq 7 ]
}

@test "a subnet that is nearly full is said before it is full" {
	jail network create small --subnet 198.18.1.0/29 --no-ipv6
	local i warned=0
	for i in 1 2 3 4 5; do
		run jail create "w$i" --image "$IMAGE" --network small -- true
		[ "$status" -eq 0 ]
		[[ $output != *'IPv4 addresses of small: '*' of 5 in use'* ]] || warned=$((warned + 1))
	done
	[ "$warned" -ge 1 ]
	run jail create w6 --image "$IMAGE" --network small -- true
	assert_error 1 'addresses of small exhausted: 5 of 5 in use'
	run -0 jail network list
	assert_output ' 5/5 '
}

@test "check: what is found, and what to do about it" {
	run -0 jail network check
	assert_output 'nf-tables         ok'
	assert_output 'rates             ok'
	assert_output 'The networks have what they need.'
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	nft add table inet fw
	nft add chain inet fw forward '{ type filter hook forward priority 0; policy drop; }'
	run -0 jail network check --json
	[ "$(jq -r '.usable' <<<"$output")" = true ]
	[ "$(jq -r '.checks[] | select(.name == "other-firewalls") | .verdict' <<<"$output")" = warning ]
	jq -r '.checks[] | select(.name == "other-firewalls") | .detail' <<<"$output" |
		grep -q ': nft insert rule inet fw forward iifgroup 1784768876 accept; nft insert '
	nft delete table inet fw
	jail network create away --uplink nosuch0
	run -0 jail network check
	assert_output 'warning   nosuch0 of network away'
	ip link add other type bridge
	ip link set other up
	ip address add "$(one away .gateway4)/24" dev other
	run jail network check
	[ "$status" -eq 1 ]
	assert_output MISSING
	assert_output 'of network away overlaps'
	assert_output 'Instances have no network here: see MISSING.'
	run -1 jail network check --json
	[ "$(jq -r '.usable' <<<"$output")" = false ]
	ip link delete other
}

@test "the group of verbs: help, and what is none" {
	run -0 jail network --help
	assert_output 'usage: jail network COMMAND'
	assert_output '  network create  '
	run jail network
	assert_error 2 '"network" needs a second word'
	assert_output 'one of: create, list, inspect, rm, check'
	run jail network crate front
	assert_error 2 'did you mean "jail network create"?'
	run jail network create
	assert_error 2 'NAME is missing'
}
