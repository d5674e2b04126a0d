#!/bin/sh
# Puts together the folder from which deploy/Containerfile is built.
#   image-context.sh BINARY FOLDER
set -eu
binary=$1
folder=$2
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder/data"
cp "$binary" "$folder/yunjian"
chmod 755 "$folder/yunjian"
cp "$here/deploy/yunjian.yaml" "$folder/yunjian.yaml"
# The authorities that this machine trusts. Without any, public clouds need
# ca_file in the configuration.
: >"$folder/ca-certificates.crt"
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
	if [ -r "$bundle" ]; then
		cat "$bundle" >"$folder/ca-certificates.crt"
		break
	fi
done
