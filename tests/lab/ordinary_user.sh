#!/bin/sh
# Tests in the namespace lab once more, as a user without any privilege: nobody,
# where root runs this. 77 where that cannot be.
#
#   ordinary_user.sh PROGRAM GTEST_FILTER
set -eu
program=$1 filter=$2
user=
if [ "$(id -u)" = 0 ]; then
  user='setpriv --reuid 65534 --regid 65534 --clear-groups'
  if ! $user test -x "$program"; then
    echo "ordinary_user.sh: Skipped
user nobody cannot reach $program"
    exit 77
  fi
fi
# In the root folder: the user's working folder must be one that it can enter.
cd /
out=$($user env TMPDIR=/tmp "$program" --gtest_brief=1 \
  --gtest_filter="$filter" 2>&1) || {
  printf '%s\n' "$out"
  exit 1
}
printf '%s\n' "$out"
case $out in *SKIPPED*)
  echo "ordinary_user.sh: Skipped
no namespaces for an ordinary user"
  exit 77
  ;;
esac
