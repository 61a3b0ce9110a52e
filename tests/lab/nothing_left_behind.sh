#!/bin/sh
# Fails where a process is left that a lab of this build folder started: each
# carries the folder in its environment. A network namespace without a name
# lives only as long as such a process or the test itself.
set -eu
build=$1
# Processes of others cannot be read, and end while this looks at them. Ended
# ones that init has yet to reap have no environment.
find_left() {
  grep -lzxF "HAPPY_LAB=$build" /proc/[0-9]*/environ 2>/dev/null || :
}
[ -n "$(find_left)" ] || exit 0
sleep 1  # a kill may be under way
left=$(find_left)
for environ in $left; do
  pid=${environ#/proc/}
  pid=${pid%/environ}
  echo "left behind: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
done
[ -z "$left" ]
