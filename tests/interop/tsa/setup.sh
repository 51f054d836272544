#!/usr/bin/env bash
# pyHanko, which Debian does not have, into BUILD/interop-tsa-venv (default <repository>/build). Left alone when it is there
# in these very versions; several may call at once. Takes python3 with venv, and PyPI.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
build=${1:-$here/../../../build}
mkdir -p "$build"
venv=$(cd "$build" && pwd -P)/interop-tsa-venv
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$venv/requirements.installed"; then
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
        --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.installed"
fi
