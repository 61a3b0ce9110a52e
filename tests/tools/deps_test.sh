#!/bin/sh
# tools/deps.sh leaves the machine as it was: nothing listens afterwards that
# did not before, /etc/resolv.conf and policy-rc.d are the same, also when the
# installation is interrupted. Package managers are stand-ins, and /usr/sbin and
# /etc/resolv.conf copies in a private mount namespace.
set -eu
source=$1
if [ "${2:-}" != inside ]; then
  flags=-m
  [ "$(id -u)" = 0 ] || flags=-Urm
  # In a chroot "/" is no mount point to be made private; there that is in order
  # where nothing on the machine is shared.
  unshare $flags true 2>/dev/null || grep -q ' shared:' /proc/1/mountinfo ||
    flags='-m --propagation unchanged'
  if ! unshare $flags true 2>/dev/null; then
    echo "deps_test.sh: Skipped
no private mount namespace: neither root nor user namespaces"
    exit 77
  fi
  before=$(ss -Hltn | sort; cat /etc/resolv.conf)
  "$source/tools/deps.sh" test
  after=$(ss -Hltn | sort; cat /etc/resolv.conf)
  [ "$before" = "$after" ] || { echo "the real run changed something"; exit 1; }
  exec unshare $flags "$0" "$source" inside
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/sbin"
cp /etc/resolv.conf "$folder/resolv.conf"
mount --bind "$folder/sbin" /usr/sbin
mount --bind "$folder/resolv.conf" /etc/resolv.conf

# A package manager whose maintainer scripts do their worst: one asks whether it
# may start a service, one takes over the DNS.
printf '#!/bin/sh\nexit 1\n' > "$folder/bin/dpkg-query"
cat > "$folder/bin/apt-get" <<'STANDIN'
#!/bin/sh
[ "$1" = install ] || exit 0
/usr/sbin/policy-rc.d unbound start; echo "$?" > "$FOLDER/policy-answer"
echo "nameserver 127.0.0.1" > /etc/resolv.conf
echo "$*" > "$FOLDER/arguments"
touch "$FOLDER/started"
[ ! -e "$FOLDER/hang" ] || sleep 5 >/dev/null
STANDIN
chmod +x "$folder/bin/dpkg-query" "$folder/bin/apt-get"
export FOLDER="$folder" PATH="$folder/bin:$PATH"
cp /etc/resolv.conf "$folder/expected"
failed=0
check() { "$@" || { echo "failed after $when: $*"; failed=1; }; }

when='a plain run'
"$source/tools/deps.sh" test 2>/dev/null
check cmp -s "$folder/expected" /etc/resolv.conf
check test ! -e /usr/sbin/policy-rc.d
check grep -qx 101 "$folder/policy-answer"
check grep -q -e '--no-install-recommends' "$folder/arguments"

when='a run on a machine with a policy of its own'
printf '#!/bin/sh\nexit 104\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
cp -a /usr/sbin/policy-rc.d "$folder/own-policy"
"$source/tools/deps.sh" demo 2>/dev/null
check cmp -s "$folder/own-policy" /usr/sbin/policy-rc.d
check grep -qx 101 "$folder/policy-answer"

when='an interrupted run'
rm "$folder/started"
touch "$folder/hang"
# In a session of its own, interrupted as a terminal does it: the whole group.
setsid "$source/tools/deps.sh" test 2>/dev/null &
child=$!
while [ ! -e "$folder/started" ]; do sleep 0.02; done
kill -TERM "-$child"
wait "$child" || :
check cmp -s "$folder/expected" /etc/resolv.conf
check cmp -s "$folder/own-policy" /usr/sbin/policy-rc.d
exit $failed
