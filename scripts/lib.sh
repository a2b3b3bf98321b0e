# shellcheck shell=bash
# Shared by the scripts here; sourced, not run. What more than one script needs, and installing.
# Works from any folder, as root or not, and never asks a question.
set -euo pipefail

root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
home="${HOME:-$(cd ~ && pwd)}"
cache="${RAMEN_CACHE:-$home/.cache/ramen}"
packages="$cache/packages"
export RAMEN_CACHE="$cache"
export RAMEN_DIR="${RAMEN_DIR:-$root/.ramen}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
export PATH="$cache/bin:$PATH:$home/.cargo/bin"

# One line about a step that takes long, or about what is missing.
say() { printf '%s\n' "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# Those of the paths that exist, one a line; a pattern that fits nothing gives nothing.
each_path() {
  local path
  for path in "$@"; do
    [ ! -e "$path" ] || echo "$path"
  done
}

# Runs a long step with one line; its output is shown only when it fails.
step() {
  local what="$1" log
  shift
  say "$what"
  log="$(mktemp)"
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}

# ---- what must be there ------------------------------------------------------------------------

ensure_rust() {
  local wanted found
  wanted="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -1)"
  found="$(cd "$root" && cargo --version 2>/dev/null | cut -d' ' -f2)" || found=""
  if [ "$(printf '%s\n' "$wanted" "${found:-0}" | sort -V | head -1)" != "$wanted" ]; then
    say "Rust $wanted or newer is needed (found: ${found:-none}). Install or update it with rustup: https://rustup.rs"
    return 1
  fi
}

# librdkafka is C++ and built by cmake.
ensure_compilers() {
  local missing=()
  if ! have c++ || ! have make; then missing+=(build-essential); fi
  have cmake || missing+=(cmake)
  [ ${#missing[@]} -eq 0 ] || install "${missing[@]}" || return 1
  if ! have c++ || ! have make || ! have cmake; then
    say "A C++ compiler, make and cmake are needed: ask your administrator for ${missing[*]}"
    return 1
  fi
}

# The bin folder of the newest server that has PostGIS, on this machine or unpacked in the cache.
postgres_bin() {
  local share
  each_path {"$packages",}/usr/share/postgresql/*/extension/postgis.control | sort -t/ -V |
    while read -r share; do
      share="${share%/extension/postgis.control}"
      [ ! -x "${share/share\/postgresql/lib\/postgresql}/bin/postgres" ] ||
        echo "${share/share\/postgresql/lib\/postgresql}/bin"
    done | tail -1
}

ensure_postgres() {
  local version
  [ -z "$(postgres_bin)" ] || return 0
  if have pg_config && [ -e "$(pg_config --sharedir)/extension/postgis.control" ]; then return 0; fi
  version="$(each_path /usr/lib/postgresql/*/bin/postgres | sort -V | tail -1 | cut -d/ -f5)"
  refresh_lists
  version="${version:-$(newest_postgres)}"
  [ -n "$version" ] && install "postgresql-$version" "postgresql-$version-postgis-3" && [ -n "$(postgres_bin)" ] ||
    { say "A Postgres server with PostGIS is needed (packages postgresql and postgresql-*-postgis-3), or set DATABASE_URL"; return 1; }
}

# Kafka is left out, and the store feed used, when Java or Maven cannot be had.
ensure_java() {
  local java=default-jre-headless
  have java && have mvn && return 0
  [ -x "$packages/usr/share/maven/bin/mvn" ] && return 0
  refresh_lists
  apt-cache "${apt_options[@]}" show openjdk-17-jre-headless >/dev/null 2>&1 && java=openjdk-17-jre-headless
  install "$java" maven || say "Java 17 and Maven cannot be had here, so Kafka is left out"
}

ensure_tools() {
  ensure_rust
  ensure_compilers
  [ -n "${DATABASE_URL:-}" ] || ensure_postgres
  [ -n "${KAFKA_BROKERS:-}" ] || ensure_java
}

# ---- installing Debian packages ------------------------------------------------------------------

# Empty as root or with sudo; an ordinary user has package lists of his own.
apt_options=()
apt_as=()
apt_way() {
  if ! have apt-get; then echo none
  elif [ "$(id -u)" = 0 ]; then echo root
  elif have sudo && sudo -n true 2>/dev/null; then echo sudo
  else echo unpack
  fi
}
way="$(apt_way)"
case "$way" in
  sudo) apt_as=(sudo -n) ;;
  unpack)
    mkdir -p "$cache"/apt/{lists,archives}/partial
    apt_options=(-o "Dir::State::Lists=$cache/apt/lists" -o "Dir::Cache=$cache/apt" -o Debug::NoLocking=true)
    ;;
esac

lists_are_fresh=
refresh_lists() {
  [ -z "$lists_are_fresh" ] || return 0
  lists_are_fresh=yes
  [ "$way" = none ] ||
    step "reading the lists of packages" "${apt_as[@]}" apt-get "${apt_options[@]}" -qq update || true
}

newest_postgres() {
  apt-cache "${apt_options[@]}" search --names-only '^postgresql-[0-9]+-postgis-3$' 2>/dev/null |
    sed -n 's/^postgresql-\([0-9]*\)-postgis-3 .*/\1/p' | sort -n | tail -1
}

install() {
  refresh_lists
  case "$way" in
    none) return 1 ;;
    unpack) step "unpacking $* into $packages (no root, no sudo)" unpack "$@" ;;
    *)
      # A private cluster is made by ramen; the package's own would take the usual port.
      # shellcheck disable=SC2016 # the inner shell expands it, as the user who may install
      step "installing $*" "${apt_as[@]}" sh -c '
        file=/etc/postgresql-common/createcluster.conf
        [ -e "$file" ] || { mkdir -p "${file%/*}" && echo "create_main_cluster = false" >"$file"; }
        DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends install "$@"' apt "$@"
      ;;
  esac
}

# Downloads packages with what they need and unpacks them, without installing anything.
unpack() {
  local package
  apt-get "${apt_options[@]}" -y -qq --no-install-recommends --download-only install "$@"
  mkdir -p "$packages" "$cache/bin"
  for package in "$cache"/apt/archives/*.deb; do
    dpkg-deb --extract "$package" "$packages"
  done
  relink
  # Installing chooses a PostGIS by this link; unpacking has to do the same.
  for package in "$packages"/usr/share/postgresql/*/extension/postgis-3.control; do
    [ ! -e "$package" ] || ln -sf postgis-3.control "${package%-3.control}.control"
  done
  [ ! -x "$packages/usr/bin/cmake" ] || wrap_cmake
  [ ! -d "$packages/usr/lib/jvm" ] || trust_certificates
}

# Links to absolute paths of a package lead into the unpacked folder.
relink() {
  local link target
  find "$packages" -type l -lname '/*' | while read -r link; do
    target="$(readlink "$link")"
    [[ "$target" == "$packages"/* || ! -e "$packages$target" ]] || ln -sfn "$packages$target" "$link"
  done
}

wrap_cmake() {
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' \
    "$packages/usr/lib/$(uname -m)-linux-gnu" "$packages/usr/bin/cmake" >"$cache/bin/cmake"
  chmod +x "$cache/bin/cmake"
}

# An unpacked Java has no list of certificate authorities: the package makes it when installed.
trust_certificates() {
  local keytool store part pem
  keytool="$(each_path "$packages"/usr/lib/jvm/*/bin/keytool | head -1)"
  store="$packages/etc/ssl/certs/java/cacerts"
  [ ! -e "$store" ] || return 0
  part="$(mktemp -d)"
  mkdir -p "${store%/*}"
  awk -v part="$part" '/BEGIN CERT/ { n++ } n { print > (part "/" n ".pem") }' /etc/ssl/certs/ca-certificates.crt
  for pem in "$part"/*.pem; do
    "$keytool" -J-XX:TieredStopAtLevel=1 -importcert -noprompt -alias "$(basename "$pem")" -file "$pem" \
      -keystore "$store.part" -storepass changeit 2>/dev/null || true
  done
  mv "$store.part" "$store"
  rm -rf "$part"
  relink
}

# ---- building ------------------------------------------------------------------------------------

# shellcheck disable=SC2034 # the scripts that source this run it
binary="$CARGO_TARGET_DIR/release/ramen"

# Cargo knows the sources of a workspace by their place in it and by their times: after a build of another checkout it
# would take that one's crates for ours wherever our files are older. So ours become newer.
take_target() {
  local owner="$CARGO_TARGET_DIR/checkout"
  [ "$(cat "$owner" 2>/dev/null)" = "$root" ] && return
  find "$root" -name .git -prune -o -name '*.rs' -type f -exec touch {} +
  mkdir -p "$CARGO_TARGET_DIR"
  printf '%s\n' "$root" >"$owner"
}

build_release() {
  take_target
  say "building ramen (the first time takes minutes)"
  (cd "$root" && cargo build --release --locked --quiet --bin ramen)
}
