#!/bin/sh
# Installs what the tests need and this machine lacks, by apt. Does nothing, and
# asks no server, when everything is there.
#
# A tool that is only named under "if installed" is looked for by a test that
# skips itself by name without it; it is not installed here.
#   if installed: systemd-analyze, systemd-sysusers, promtool, chromium
set -eu

missing=
need() { # COMMAND PACKAGE…
	command -v "$1" >/dev/null 2>&1 || { shift; missing="$missing $*"; }
}

need go golang-go
need cc gcc libc6-dev # the race detector links C

if [ -z "$missing" ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "install-test-tools: please install:$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "install-test-tools: please install as root:$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "install-test-tools: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q </dev/null
# shellcheck disable=SC2086 # a list of packages
$sudo apt-get install -q -y --no-install-recommends $missing </dev/null
