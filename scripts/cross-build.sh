#!/bin/sh
# Builds for every platform that government clouds run on and wants each binary
# below a size.
#   cross-build.sh FOLDER MEGABYTES [BUILD FLAGS…]
set -eu
folder=$1
limit=$2
shift 2
mkdir -p "$folder"
for arch in amd64 arm64 loong64; do
	out=$folder/yunjian-linux-$arch
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build "$@" -o "$out" ./cmd/yunjian
	size=$(wc -c <"$out")
	echo "linux/$arch: $((size / 1000000)).$((size / 100000 % 10)) MB"
	if [ "$size" -ge $((limit * 1000000)) ]; then
		echo "cross-build: $out has $size bytes, want less than $limit MB" >&2
		exit 1
	fi
done
