#!/bin/sh
# Builds what is installed twice, from copies of the sources in folders of
# different names, at different times and by different umasks, and compares the
# files octet by octet. Prints their SHA-256 sums; the last line is the verdict.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() {  # FOLDER UMASK
  mkdir -p "$work/$1/source"
  git ls-files -z | xargs -0 tar -cf - | tar -xf - -C "$work/$1/source"
  (
    umask "$2"
    cd "$work/$1/source"
    cmake -G Ninja -S . -B "$work/$1/output" -DHAPPY_TESTS=OFF \
      -DCMAKE_INSTALL_PREFIX=/usr >/dev/null
    cmake --build "$work/$1/output" >/dev/null
    DESTDIR="$work/$1/installed" cmake --install "$work/$1/output" >/dev/null
    cd "$work/$1/installed"
    find . -type f -print0 | sort -z | xargs -0 sha256sum > "$work/$1/sums"
  )
}

build first 022
build another/deeper/place 077
cat "$work/first/sums"
if cmp -s "$work/first/sums" "$work/another/deeper/place/sums"; then
  echo "reproducible: $(wc -l < "$work/first/sums") files, 0 differ"
else
  diff "$work/first/sums" "$work/another/deeper/place/sums" || :
  echo "not reproducible"
  exit 1
fi
