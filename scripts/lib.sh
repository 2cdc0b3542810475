# Shared by the scripts: where we are, and how we speak. Sourced, never run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
export PATH="$root/node_modules/.bin:$HOME/.cargo/bin:$PATH"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

# wasm-bindgen's command line must be of exactly the library's version.
BINDGEN_VERSION=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)

say() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# A Debian package, when it can be had: only root can install one.
debian() { # package
  is_root && have apt-get || return 1
  apt-get install -y -q "$1" >/dev/null 2>&1 || { apt-get update -q >/dev/null 2>&1 && apt-get install -y -q "$1" >/dev/null 2>&1; }
}

# All tests are built with one set of features: with another for each crate, most of what they need would be built again.
everything=(--workspace --exclude frontend --features app/ssr)
# What is run beside the tests: a portal with places at which it may be killed, and the proxy that makes faults. The example brings the
# features of the tests with it.
debug_programs() { cargo build -q "${everything[@]}" --bin devmatrix --example fault_proxy; }
