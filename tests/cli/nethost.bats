# SPDX-License-Identifier: GPL-2.0-or-later
# What others do to the host's network, and what is left of ours: flushed rules, firewalls that drop by default, commands
# that are killed at any moment.
# vm: too

# shellcheck disable=SC2086 # addresses are words
load ../lib/common
load ../lib/network

setup_file() {
	network_setup_file
	jail network create open --subnet 10.77.0.0/24 --subnet fd77::/64
}
teardown_file() { network_teardown_file; }
teardown() {
	helpers_end
	jail_teardown
	nft delete table inet filter 2>/dev/null || :
}
# Rules and elements, a line each, without counters.
rules() {
	nft -j list ruleset | jq -r '.nftables[] |
		if .rule then "rule \(.rule.family) \(.rule.chain) \(.rule.expr)"
		elif .chain then "chain \(.chain.family) \(.chain.name)"
		else (.set // .map // empty) | "\(.family) \(.name)" as $set | .elem // [] | .[] |
			(if type == "array" then .[0] else . end) | "\($set) \(.elem.val // .) \(.elem.comment // "")" end' | sort
}

flushed() { # COMMAND...: rules go away, the command brings all back
	local before
	before=$(rules)
	nft flush ruleset
	"$@"
	# All that there was; what the command itself adds may be more.
	assert [ -z "$(comm -23 <(echo "$before") <(rules))" ]
	run -0 ask $HOST4 6001 world
	ping_from inside two "$(address_of web)"
}

@test "nft flush ruleset: the next start, and gc, restore everything" {
	sleeper web --network open --port 6001:6001 --port 6100-6200:6100-6200 --deny 'in tcp 9'
	sleeper two --network open --allow 'out'
	server 6001 inside web
	run -0 ask $HOST4 6001 world
	flushed jail gc
	jail create three --image "$IMAGE" true
	flushed jail start three
}

@test "tables of others: not touched, and a firewall that drops by default is named by network check" {
	nft -f - <<-'END'
		table inet filter {
			chain forward { type filter hook forward priority filter; policy drop; }
			chain input { type filter hook input priority filter; policy accept; tcp dport 1 drop; }
		}
	END
	local before
	before=$(nft list table inet filter)
	sleeper web --network open --port 6001:6001
	server 6001 inside web
	no_answer $HOST4 6001 world
	run jail network check
	assert_output 'inet filter'
	assert_output 'iifgroup'
	[ "$(nft list table inet filter)" = "$before" ]
	# What the command says to do is enough.
	jail network check --json | jq -r '.checks[] | select(.name == "other-firewalls") | .detail' | grep -o 'nft insert rule [^`;]*' |
		while read -r line; do $line; done
	run -0 ask $HOST4 6001 world
	ping_from inside web $WORLD4
	nft flush ruleset
	jail gc
}

@test "a change that is killed at any moment leaves nothing behind that the end of the instance does not take" {
	local i pid
	sleeper web --network open --port 6001:6001
	for i in $(seq 40); do
		"$JAIL_BUILD/jail" set web "network.ports=6001:6001,$((7000 + i)):80" "network.address=10.77.0.$((100 + i))" \
			>/dev/null 2>&1 3>&- &
		pid=$!
		busybox usleep $((RANDOM % 4000)) # at any moment: the result does not depend on it
		kill -KILL $pid 2>/dev/null || :
		wait $pid 2>/dev/null || :
	done
	jail set web network.ports=6001:6001
	jail stop --timeout 0s web
	[ "$(rules | grep -cw web)" = 0 ]
	jail rm web
	jail gc
	[ "$(jail network inspect --json open | jq '.[0].addresses.ipv4.used')" = 0 ]
	run ip neigh show nud permanent
	refute_output 10.77.0.1
}

@test "what a killed change left is found at the instance's end, also after a change that succeeded" {
	sleeper web --network open
	local mac host
	mac=$(inside web ip -j link show eth0 | jq -r '.[0].address')
	host=$(ip -j link show "$(field web .interface)" | jq -r '.[0].master')
	# As one leaves it that is killed between its links and its elements.
	: >"$JAIL_TEST_DIR/run/instances/web/network.changing"
	ip neigh add 10.77.0.222 lladdr "$mac" nud permanent dev "$host"
	ip route add 10.77.0.222/32 dev "$host" proto static scope link src 10.77.0.1
	jail set web network.address=10.77.0.40
	jail stop --timeout 0s web
	run -0 ip neigh show nud permanent
	refute_output 10.77.0.222
	run -0 ip route
	refute_output 10.77.0.222
	jail rm web
}

@test "a soak: starts and stops with kills of who starts; links, rules, leases, neighbours end as they began" {
	local i pid before n=${JAIL_TEST_SOAK:-2000}
	# Emulated, each takes a quarter of a second.
	[ "${JAIL_VM:-}" != 1 ] || n=${JAIL_TEST_SOAK:-100}
	echo "# $n starts and stops" >&3
	state() {
		rules
		ip -o link | awk -F': ' '{ print $2 }' | sort
		ip neigh show nud permanent | sort
		find "$JAIL_TEST_DIR"/state/leases "$JAIL_TEST_DIR"/run/ports -type l | sort
		jail exec keep grep -c . /etc/hosts
	}
	for i in $(seq 8); do
		jail create "w$i" --image "$IMAGE" --network open --port "$((8000 + i)):80" --port "$((8100 + 10 * i))-$((8109 + 10 * i)):80-89" -- true
	done
	sleeper keep --network open
	before=$(state)
	for i in $(seq "$((n / 8))"); do
		for k in $(seq 8); do
			"$JAIL_BUILD/jail" start "w$k" >/dev/null 2>&1 3>&- &
			pid=$!
			if [ $((RANDOM % 8)) = 0 ]; then
				busybox usleep $((RANDOM % 3000))
				kill -KILL $pid 2>/dev/null || :
			fi
		done
		wait
	done
	for k in $(seq 8); do
		jail kill "w$k" 2>/dev/null || :
		wait_until 30 sh -c "! '$JAIL_BUILD/jail' inspect --json w$k | jq -e '.[0].status == \"running\"'"
	done
	jail gc
	wait_until 30 diff <(echo "$before") <(state)
}
