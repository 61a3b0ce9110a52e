#!/bin/sh
# The pure parts take time, randomness and I/O as arguments: no header of the
# event loop, TLS, sockets' calls, threads or logging may be included there.
set -eu
cd "$(dirname "$0")/.."
forbidden='uv\.h|gnutls/|sys/(epoll|poll|select|timerfd|eventfd|stat|mman)\.h'
forbidden="$forbidden|poll\\.h|unistd\\.h|fcntl\\.h|dlfcn\\.h|pthread\\.h|netdb\\.h"
forbidden="$forbidden|thread|mutex|iostream|core/net/|core/engine|shim/"
rule="^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($forbidden)"
if grep -rEn "$rule" core/base core/race core/dns core/state config; then
  echo "include_rules: the lines above break the rule for pure parts" >&2
  exit 1
fi
# The shim never parses or loops.
if grep -rEn '#include [<"](uv\.h|gnutls/)' shim 2>/dev/null; then
  echo "include_rules: libuv and GnuTLS belong to core/net" >&2
  exit 1
fi
