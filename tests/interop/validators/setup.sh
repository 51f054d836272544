#!/usr/bin/env bash
# Brings the validators that Debian does not have: pyHanko into build/interop-venv, the EU's DSS into build/interop-dss.
# Whatever is there already, of these very versions, is left alone. Several may call at once.
#
#   tests/interop/validators/setup.sh [BUILD]     BUILD: default <repository>/build
#
# Takes python3 with venv, a JDK with javac, maven, and the registries of both: PyPI and Maven Central. Sums are pinned:
# requirements.txt, dss/dependencies.sha256.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
build=${1:-$here/../../../build}
mkdir -p "$build"
build=$(cd "$build" && pwd -P)
exec 9>"$build/interop-setup.lock"
flock 9

# fresh FOLDER FILE...: whether FOLDER was built from these files.
stamp() { cat "$@" | sha256sum | cut -c1-64; }
fresh() {
    local folder=$1
    shift
    [[ -s $folder/.stamp && $(<"$folder/.stamp") == "$(stamp "$@")" ]]
}

venv=$build/interop-venv
if ! fresh "$venv" "$here/requirements.txt"; then
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check --only-binary :all: --require-hashes -r "$here/requirements.txt"
    stamp "$here/requirements.txt" >"$venv/.stamp"
fi

dss=$build/interop-dss
sources=("$here"/dss/*.java "$here/dss/pom.xml" "$here/dss/dependencies.sha256")
if ! fresh "$dss" "${sources[@]}"; then
    rm -rf "$dss"
    mkdir -p "$dss/lib" "$dss/classes"
    # Maven writes beside the pom otherwise.
    cp "$here/dss/pom.xml" "$dss/pom.xml"
    mvn -B -q -f "$dss/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dss/lib" -DincludeScope=runtime
    # No jar but these, and each as it was.
    diff <(cd "$dss/lib" && sha256sum -- *.jar) "$here/dss/dependencies.sha256" ||
        { echo "jars differ from dss/dependencies.sha256" >&2; exit 1; }
    javac -Werror -Xlint:all,-processing,-classfile -cp "$dss/lib/*" -d "$dss/classes" "$here"/dss/*.java
    stamp "${sources[@]}" >"$dss/.stamp"
fi
