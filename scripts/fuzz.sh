#!/bin/sh
# Runs every fuzzer in a folder, or of the module, for a while each.
#   fuzz.sh DURATION [FOLDER]
# DURATION is as go test's -fuzztime: 20s, or 10000x for so many inputs.
set -eu
duration=$1
folder=${2:-.}
found=0
for file in $(grep -rl --include='*_test.go' '^func Fuzz' "$folder" | sort); do
	for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(f \*testing\.F).*/\1/p' "$file"); do
		found=$((found + 1))
		echo "== $(dirname "$file") $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$duration" -fuzzminimizetime 100x "$(dirname "$file")"
	done
done
if [ "$found" = 0 ]; then
	echo "fuzz: no fuzzer found" >&2
	exit 1
fi
echo "fuzz: $found fuzzers, $duration each, nothing found"
