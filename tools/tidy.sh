#!/bin/sh
# clang-tidy (.clang-tidy has the checks) over every source file of the compile
# commands in BUILD. Prints the findings, each once, and fails if there are any.
#
#   tools/tidy.sh BUILD [PATTERN...]
#
# A pattern is a regular expression for the files' paths: all without one.
set -eu
build=$1
shift
out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
run-clang-tidy -quiet -p "$build" -j "$(nproc)" "$@" >"$out" 2>/dev/null || status=$?
sed 's/\x1b\[[0-9;]*m//g' "$out" | grep -E '(error|warning): .*\[' | sort -u ||
  [ "$status" = 0 ] || cat "$out"
exit "$status"
