#!/bin/sh
# Makes the seeds of tsp_request_fuzz again, by other people's hands: openssl ts.
set -eu
cd "$(dirname "$0")/corpus/tsp_request_fuzz"
digest=$(printf seed | openssl dgst -sha512 -r | cut -d' ' -f1)
short() { printf %s "$digest" | cut -c "1-$1"; }
openssl ts -query -digest "$(short 64)" -sha256 -cert -out sha256_cert
openssl ts -query -digest "$(short 96)" -sha384 -no_nonce -out sha384_no_nonce
openssl ts -query -digest "$digest" -sha512 -tspolicy 0.4.0.2023.1.1 -cert -out sha512_policy
openssl ts -query -digest "$(short 40)" -sha1 -out sha1
# openssl has no way to ask for an extension: [0] { SEQUENCE { 1.2.3.4, OCTET STRING 020101 } } behind the first one.
{
    printf "\\060\\$(printf %03o $(($(wc -c <sha256_cert) - 2 + 14)))"
    tail -c +3 sha256_cert
    printf '\240\014\060\012\006\003\052\003\004\004\003\002\001\001'
} >extension
