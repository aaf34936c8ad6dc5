# SPDX-License-Identifier: GPL-2.0-or-later
# What the benches share: candidates that hyperfine runs side by side, and the results as JSON. Loaded once T, a directory
# of the bench's own, is there.
# shellcheck shell=bash

RESULTS=$T/results.json
echo '{"groups": {}, "left out": {}}' >"$RESULTS"

result() { # JQ-PROGRAM [ARG...]
	jq "${@:2}" "$1" "$RESULTS" >"$RESULTS.new"
	mv "$RESULTS.new" "$RESULTS"
}

ours() {
	"$@"
}

# candidate HOW NAME COMMAND [PREPARE]: into the group that compare measures next, if it runs at all. HOW: ours, or others if
# there is such a function. PREPARE runs before each run and isn't measured.
# shellcheck disable=SC2016 # jq's variables, here and below
candidate() {
	local why

	if why=$("$1" bash -c "${4:-:}; $3" 2>&1 >/dev/null); then
		printf '%s\n%s\n%s\n' "$2" "$3" "${4:-true}" >>"$T/candidates.$1"
	else
		result '."left out"[$name] = $why' --arg name "$2" --arg why "$(head -n 1 <<<"$why" | cut -c1-60)"
	fi
}

# compare GROUP BASELINE [RUNS [WARMUP]]: hyperfine over the candidates; ratios are of medians.
compare() {
	local how name command prepare arguments prepares

	for how in ours others; do
		echo '{"results": []}' >"$T/h.$how.json"
		[ -s "$T/candidates.$how" ] || continue
		arguments=() prepares=()
		while read -r name && read -r command && read -r prepare; do
			arguments+=(-n "$name" "$command")
			prepares+=(--prepare "$prepare")
		done <"$T/candidates.$how"
		# Even one that does nothing is felt by a command of a millisecond.
		[ "$(printf '%s\n' "${prepares[@]}" | sort -u)" != "$(printf -- '--prepare\ntrue')" ] || prepares=()
		"$how" hyperfine -N --warmup "${4:-3}" --runs "${3:-$RUNS}" --style none --export-json "$T/h.$how.json" \
			"${prepares[@]}" "${arguments[@]}" >/dev/null
		rm "$T/candidates.$how"
	done
	# shellcheck disable=SC2016
	result '($a[0].results + $b[0].results) as $r | ($r[] | select(.command == $base) | .median) as $m |
		.groups[$group] = [$r[] | { name: .command, median_ms: (.median * 1000), min_ms: (.min * 1000),
			user_ms: (.user * 1000), system_ms: (.system * 1000), ratio: (.median / $m) }]' \
		--slurpfile a "$T/h.ours.json" --slurpfile b "$T/h.others.json" --arg group "$1" --arg base "$2"
}

# save NAME: the results, with what they were made on, into bench/results. NAME begins the file's name.
save() {
	# shellcheck disable=SC2016
	result '. + { date: $date, kernel: $kernel, version: $version }' --arg date "$(date -u +%FT%TZ)" \
		--arg kernel "$(uname -r)" --arg version "$(jail version)"
	mkdir -p bench/results
	cp "$RESULTS" "bench/results/$1$(date -u +%Y%m%dT%H%M%SZ).json"
}
