#!/bin/sh
# Installs what `make bench-peers` compares with and this machine lacks, by apt:
# VictoriaMetrics, Prometheus, and the C compiler that DuckDB's Go module needs.
# Does nothing, and asks no server, when everything is there. Where systemd runs,
# Debian starts the two as services; the benchmark needs only the programs, so
# `systemctl disable --now prometheus victoria-metrics` is in order.
set -eu

missing=
need() { # COMMAND PACKAGE…
	command -v "$1" >/dev/null 2>&1 || { shift; missing="$missing $*"; }
}

need victoria-metrics victoria-metrics
need prometheus prometheus
need cc gcc libc6-dev
need c++ g++ # DuckDB is C++

if [ -z "$missing" ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "install-bench-peers: please install:$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "install-bench-peers: please install as root:$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "install-bench-peers: installing$missing" >&2
$sudo apt-get update -q </dev/null
# shellcheck disable=SC2086 # a list of packages
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing </dev/null
