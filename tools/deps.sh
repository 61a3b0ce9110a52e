#!/bin/sh
# Installs the Debian packages that a make target needs, and nothing else.
# Silent and instant when all are there. Starts and enables no service and
# leaves the system's DNS as it was. Without root and without sudo it prints the
# command to run instead.
#
#   tools/deps.sh demo|test|bench|lint|coverage|cpython|system|browser
set -eu

build='g++ cmake ninja-build pkg-config make libc6-dev libuv1-dev
  libgnutls28-dev nlohmann-json3-dev libexpected-dev libcli11-dev libfmt-dev
  libgtest-dev libgmock-dev'
clients='unbound curl wget python3 nodejs netcat-openbsd libnss-wrapper'
# What tests/programs runs and builds: programs that people use, and hosts of
# all kinds.
programs='bash git openssh-client openssh-server socat openjdk-17-jdk-headless
  perl ruby php-cli php-curl nginx haproxy redis-tools postgresql-client
  rustc cargo librust-tokio-dev libevent-dev libboost-dev libcurl4-openssl-dev
  busybox-static libtcmalloc-minimal4 libsocket-wrapper faketime proxychains4
  torsocks gdb valgrind bind9-dnsutils libseccomp-dev'
case ${1:-} in
  demo) wanted="$build unbound curl wget python3 libnss-wrapper" ;;
  test) wanted="$build $clients libcmocka-dev libssl-dev clang
    libclang-rt-14-dev binutils iproute2 procps libjemalloc2 util-linux netbase
    $programs" ;;
  bench) wanted="$build $clients libssl-dev libbenchmark-dev golang-go iproute2
    procps knot-dnsutils stubby valgrind" ;;
  lint) wanted="$build clang clang-format clang-tidy codespell
    libcmocka-dev libssl-dev" ;;
  coverage) wanted="$build $clients libcmocka-dev libssl-dev binutils iproute2 procps
    libjemalloc2 util-linux netbase $programs gcovr" ;;
  cpython) wanted="$build python3 libpython3.11-testsuite" ;;
  system) wanted="$build debootstrap util-linux" ;;
  browser) wanted="$build python3 chromium fonts-dejavu-core" ;;
  *)
    echo "usage: $0 demo|test|bench|lint|coverage|cpython|system|browser" >&2
    exit 2
    ;;
esac
# Packages of the list that would start something when installed, and what.
services='unbound:unbound nginx:nginx haproxy:haproxy openssh-server:ssh'

# shellcheck disable=SC2086  # a list of packages
installed=$(dpkg-query -W -f='${Package}=${db:Status-Status}\n' $wanted \
  2>/dev/null) || :
missing=
for package in $wanted; do
  case "
$installed
" in *"
$package=installed
"*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  if sudo -n true 2>/dev/null; then exec sudo -n "$0" "$@"; fi
  echo "Missing packages:$missing" >&2
  echo "Install them with:" >&2
  echo "  sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

policy=/usr/sbin/policy-rc.d
saved=$(mktemp -d)

# Undoes all that was temporary, however the installation ended.
restore() {
  rm -f "$policy"
  if [ -e "$saved/policy" ]; then cp -a "$saved/policy" "$policy"; fi
  if [ -L "$saved/resolv" ]; then
    ln -sfn "$(readlink "$saved/resolv")" /etc/resolv.conf
  elif [ -e "$saved/resolv" ] && ! cmp -s "$saved/resolv" /etc/resolv.conf; then
    # In place: the file may be a mount point.
    cat "$saved/resolv" > /etc/resolv.conf
  fi
  for service in $services; do
    case " $missing " in
      *" ${service%%:*} "*) disable "${service#*:}" ;;
    esac
  done
  rm -rf "$saved"
}

# Not at the next boot either. Packages that were there before keep their state.
disable() {
  if command -v deb-systemd-helper >/dev/null; then
    for unit in "$1" "$1-resolvconf"; do
      [ ! -e "/lib/systemd/system/$unit.service" ] ||
        deb-systemd-helper disable "$unit.service" >/dev/null 2>&1 || :
    done
  fi
  if command -v update-rc.d >/dev/null && [ -e "/etc/init.d/$1" ]; then
    update-rc.d "$1" disable >/dev/null 2>&1 || :
  fi
}

if [ -e "$policy" ]; then cp -a "$policy" "$saved/policy"; fi
if [ -e /etc/resolv.conf ] || [ -L /etc/resolv.conf ]; then
  cp -a /etc/resolv.conf "$saved/resolv"
fi
trap restore EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# Maintainer scripts ask this before they start anything: 101 is "forbidden".
printf '#!/bin/sh\nexit 101\n' > "$saved/new-policy"
chmod 755 "$saved/new-policy"
mv -f "$saved/new-policy" "$policy"

export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of packages
install() {
  apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends $missing \
    </dev/null >"$saved/apt.log" 2>&1
}
echo "Installing:$missing" >&2
ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 || apt-get update -qq >&2
# Lists that are there may be older than the archive's pool.
install || { apt-get update -qq >&2; install; } || {
  cat "$saved/apt.log" >&2
  exit 1
}
