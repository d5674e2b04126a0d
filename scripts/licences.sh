#!/bin/sh
# Lists the modules in a binary with the licence of each, and fails on one that
# is not permissive, or that nobody has read.
#   licences.sh BINARY
set -eu
binary=$1
status=0
list=$(go version -m "$binary" | awk '$1 == "dep" { print $2 "@" $3 }')
if [ -z "$list" ]; then
	echo "licences: $binary names no modules" >&2
	exit 1
fi
for module in $list; do
	folder=$(go list -m -f '{{.Dir}}' "${module%@*}")
	file=$(find "$folder" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' \) | sort | head -n 1)
	licence=unknown
	if [ -n "$file" ]; then
		text=$(tr -s ' \t\r\n' ' ' <"$file")
		case $text in
		*'GNU AFFERO'* | *'GNU GENERAL PUBLIC'* | *'GNU LESSER'* | *'GNU Lesser'*) licence=GPL-family ;;
		*'Apache License'*'Version 2.0'*) licence=Apache-2.0 ;;
		*'Mozilla Public License'*) licence=MPL-2.0 ;;
		*'Redistribution and use in source and binary forms'*'either the name'* | *'Redistribution and use in source and binary forms'*'endorse or promote'*) licence=BSD-3-Clause ;;
		*'Redistribution and use in source and binary forms'*) licence=BSD-2-Clause ;;
		*'Permission to use, copy, modify, and'*'distribute this software'*) licence=ISC ;;
		*'Permission is hereby granted, free of charge'*) licence=MIT ;;
		esac
	fi
	case $licence in
	Apache-2.0 | BSD-2-Clause | BSD-3-Clause | ISC | MIT) ;;
	*) status=1 ;;
	esac
	printf '%-14s %s\n' "$licence" "$module"
done
if [ "$status" != 0 ]; then
	echo "licences: a module above is not permissive, or its licence was not recognized; read it before shipping" >&2
fi
exit "$status"
