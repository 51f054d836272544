#!/bin/sh
# Makes the seeds of cms_inspect_fuzz and cms_extend_fuzz again: signatures of cms_make_samples, and what openssl makes of
# their content.
#
#   tests/fuzz/make_cms_seeds.sh build/release/bin/cms_make_samples
set -eu
program=$(realpath "$1")
cd "$(dirname "$0")/corpus"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" "$work" http://pki.test
mkdir -p cms_inspect_fuzz cms_extend_fuzz
cp "$work/detached-p256-B-B.p7s" cms_inspect_fuzz/signature
cp "$work/detached-p256-renewed.p7s" cms_inspect_fuzz/renewed
cp "$work/ca.crl" cms_inspect_fuzz/crl
cp "$work/ca.crt" cms_inspect_fuzz/certificate
# Indefinite lengths, content in pieces.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" -out "$work/self.pem" \
    -subj /CN=seed -days 36500 2>"$work/log"
openssl cms -sign -cades -binary -nodetach -stream -outform DER -in "$work/ca.crl" -signer "$work/self.pem" \
    -inkey "$work/key.pem" -out cms_inspect_fuzz/stream
# The first two octets of the other target: how much behind the document is material.
{ printf '\000\000'; cat "$work/detached-p256-B-LT.p7s"; } >cms_extend_fuzz/document
with() {
    size=$(wc -c <"$2")
    printf "\\$(printf %03o $((size / 256)))\\$(printf %03o $((size % 256)))"
    cat "$1" "$2"
}
with "$work/detached-p256-B-B.p7s" "$work/ca.crl" >cms_extend_fuzz/with_crl
with "$work/detached-p256-B-B.p7s" "$work/ca.crt" >cms_extend_fuzz/with_certificate
