#!/bin/sh
# A Debian of its own, in a chroot, whose /etc/ld.so.preload names the library:
# packages, users, cron, su, ssh and a compilation work, and configure and make
# of a package take no longer. Needs root, debootstrap, and Debian's archive as
# the machine has it configured. Prints a line a step and, last, the figures.
#
#   whole_system.sh BUILD [RUNS]
set -eu
build=$(cd "$1" && pwd)
runs=${2:-5}
if [ "$(id -u)" != 0 ]; then
  echo "whole_system.sh: a chroot needs root" >&2
  exit 2
fi
# Mounts of its own, and processes that end with it.
if [ "${HAPPY_SYSTEM:-}" != inside ]; then
  export HAPPY_SYSTEM=inside
  exec unshare -m -p -f --mount-proc "$0" "$build" "$runs"
fi
root=$(mktemp -d)
chmod 755 "$root"
trap 'umount -l "$root/proc" "$root/dev" 2>/dev/null || :
  rm -rf --one-file-system "$root"' EXIT
failed=0

in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C "$@"; }
# step NAME COMMAND...: its output is shown where it fails.
step() {
  name=$1
  shift
  if in_root "$@" > "$root/step.log" 2>&1; then
    echo "ok      $name"
  else
    echo "FAILED  $name"
    sed 's/^/        /' "$root/step.log" | tail -n 15
    failed=$((failed + 1))
  fi
}
preload() { printf '%s\n' "$library" > "$root/etc/ld.so.preload"; }

mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' |
  head -n 1)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
debootstrap --variant=minbase "$suite" "$root" "$mirror" > "$root.log" 2>&1 || {
  tail -n 5 "$root.log"
  exit 1
}
rm -f "$root.log"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp -r /etc/apt/apt.conf.d "$root/etc/apt/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
echo "deb-src $mirror $suite main" >> "$root/etc/apt/sources.list"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
in_root apt-get update -qq > /dev/null
in_root apt-get install -y -qq --no-install-recommends libuv1 libgnutls30 \
  dpkg-dev gcc make libc6-dev > /dev/null 2>&1
in_root sh -c 'mkdir /src && cd /src && apt-get source -qq hello' \
  > /dev/null 2>&1
DESTDIR="$root" cmake --install "$build" --prefix /usr > /dev/null
library=$(cd "$root" && find usr -name libhappy.so | head -n 1)
library=/$library
preload

step 'programs have it' sh -c "grep -q libhappy.so /proc/self/maps"
step 'apt installs packages' apt-get install -y -qq --no-install-recommends \
  cron openssh-server openssh-client procps
step 'apt removes one' apt-get purge -y -qq nano-tiny hello
step 'useradd' useradd -m -s /bin/sh lab
step 'su, which is setuid' su lab -c 'test "$(id -un)" = lab'
step 'su has it too' su lab -c 'grep -q libhappy.so /proc/self/maps'
step 'cron runs a job' sh -c 'echo "* * * * * root touch /tmp/cron-was-here" \
    > /etc/cron.d/lab && cron && for i in $(seq 75); do
    [ ! -e /tmp/cron-was-here ] || exit 0; sleep 1; done; exit 1'
step 'ssh to an sshd of its own' sh -c 'mkdir -p /run/sshd /home/lab/.ssh &&
  ssh-keygen -q -t ed25519 -N "" -f /root/key &&
  cp /root/key.pub /home/lab/.ssh/authorized_keys &&
  chown -R lab /home/lab/.ssh && usermod -p "*" lab &&
  /usr/sbin/sshd -o ListenAddress=127.0.0.1:2222 -o UsePAM=no &&
  ssh -i /root/key -p 2222 -o StrictHostKeyChecking=no -o BatchMode=yes \
    lab@127.0.0.1 "test \$(id -un) = lab"'
step 'a compilation' sh -c 'cp -a /src/hello-*/ /src/run && cd /src/run &&
  ./configure -q && make -s -j2 && ./hello | grep -q Hello'
# Nobody reads the user's policy in a setuid program.
printf '{ "version": 1, "rules": [], "broken' > "$root/broken.json"
step 'a setuid program ignores HAPPY_POLICY' env HAPPY_POLICY=/broken.json \
  HAPPY_LOG=error sh -c 'cp /usr/bin/getent /usr/local/bin/getent-setuid &&
  chmod 4755 /usr/local/bin/getent-setuid && printf "192.0.2.9 known\n" \
    >> /etc/hosts && ! getent ahosts known && setpriv --reuid lab \
    --regid lab --clear-groups /usr/local/bin/getent-setuid ahosts known'

# Milliseconds of one configure and make from nothing.
measure() {
  rm -rf "$root/src/run"
  cp -a "$root"/src/hello-*/ "$root/src/run"
  began=$(date +%s%N)
  in_root sh -c 'cd /src/run && ./configure -q && make -s' \
    > "$root/step.log" 2>&1 || { cat "$root/step.log" >&2; exit 1; }
  echo $((($(date +%s%N) - began) / 1000000))
}
i=0
while [ "$i" -lt "$runs" ]; do
  i=$((i + 1))
  rm "$root/etc/ld.so.preload"
  plain=$(measure)
  preload
  echo "$plain $(measure)"
done > "$root/times"
awk -v failed="$failed" '
  function median(values, n,   i, j, swap) {
    for (i = 2; i <= n; ++i)
      for (j = i; j > 1 && values[j - 1] > values[j]; --j) {
        swap = values[j]; values[j] = values[j - 1]; values[j - 1] = swap
      }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
  { plain[NR] = $1; with[NR] = $2; ratio[NR] = $2 / $1 }
  END {
    printf "configure and make, ms, medians of %d pairs: plain %d, with %d, " \
      "ratio %.3f; %d steps failed\n", NR, median(plain, NR),
      median(with, NR), median(ratio, NR), failed
  }' "$root/times"
exit "$failed"
