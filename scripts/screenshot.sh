#!/bin/sh
# Takes the README's picture: the demo's estate, its weekly report as a page, the
# top of that page through Chromium. Needs chromium and fonts-noto-cjk.
#   screenshot.sh BINARY [PICTURE]
set -eu
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")/.." && pwd)
picture=${2:-$here/docs/images/report.png}
case $picture in /*) ;; *) picture=$PWD/$picture ;; esac
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
	echo "screenshot: please install: chromium fonts-noto-cjk" >&2
	exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"
cat >yunjian.yaml <<EOF
clouds:
  - {name: demo, type: bundle, path: ./demo}
EOF
# As the demo does it: two audits a week apart, so that the report compares.
"$binary" generate --output ./demo --instances 200 --days 38 --end 2026-11-23T00:00:00+08:00 >/dev/null
"$binary" import --config yunjian.yaml --bundle ./demo >/dev/null
for now in 2026-11-16 2026-11-23; do
	"$binary" audit --config yunjian.yaml --now "${now}T00:00:00+08:00" --format json >/dev/null
done
"$binary" report --config yunjian.yaml --format html --lang zh --output report.html
# The browser's own sandbox does not work for root, who is alone in a container.
sandbox=
[ "$(id -u)" != 0 ] || sandbox=--no-sandbox
# shellcheck disable=SC2086 # one flag or none
"$browser" --headless $sandbox --disable-gpu --hide-scrollbars --user-data-dir="$folder/browser" \
	--window-size=1200,1400 --screenshot="$folder/report.png" "file://$folder/report.html" 2>browser.log || {
	cat browser.log >&2
	exit 1
}
size=$(wc -c <report.png)
if [ "$size" -ge 400000 ]; then
	echo "screenshot: $size bytes, want less than 400 kB" >&2
	exit 1
fi
mkdir -p "$(dirname "$picture")"
cp report.png "$picture"
echo "screenshot: $size bytes"
