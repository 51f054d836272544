#!/bin/sh
# Makes the seeds of ocsp_request_fuzz again, by other people's hands: openssl ocsp.
set -eu
cd "$(dirname "$0")/corpus/ocsp_request_fuzz"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$scratch/key" -out "$scratch/ca" -subj /CN=CA -days 2 2>/dev/null
make() { # NAME OPTIONS...
    name=$1
    shift
    openssl ocsp -reqout "$name" "$@"
}
make sha1 -issuer "$scratch/ca" -serial 0x1234
make sha1_no_nonce -no_nonce -issuer "$scratch/ca" -serial 0x7fffffffffffffffffffffffffffffffffffffff
make sha256 -sha256 -issuer "$scratch/ca" -serial 0x80
make three -sha512 -issuer "$scratch/ca" -serial 1 -serial 2 -serial 3
make signed -issuer "$scratch/ca" -serial 7 -signer "$scratch/ca" -signkey "$scratch/key"
