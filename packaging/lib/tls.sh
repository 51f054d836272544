# The TLS side of an instance: a CA for the server, a CA for the clients, and what they sign. To be sourced.
# Quickstart's own: a real installation brings its certificates from a CA of its organisation.

tls_lib=$(dirname "${BASH_SOURCE[0]}")

# tls_openssl_ca DIRECTORY ARGUMENT...: `openssl ca` on the CA that lives there.
tls_openssl_ca() {
    local directory=$1
    shift
    SIGILLO_CA_DIRECTORY=$directory openssl ca -config "$tls_lib/openssl.cnf" -batch -notext "$@"
}

# tls_make_ca DIRECTORY NAME: a P-256 CA with an empty CRL, unless it is there.
tls_make_ca() {
    local directory=$1 name=$2
    [[ -s $directory/ca.crl ]] && return
    mkdir -p "$directory/issued"
    : >"$directory/index.txt"
    printf '01\n' >"$directory/crlnumber"
    SIGILLO_CA_DIRECTORY=$directory openssl req -config "$tls_lib/openssl.cnf" -new -x509 -extensions ca_certificate \
        -days 3650 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$directory/ca.key" -out "$directory/ca.crt" \
        -subj "/O=Sigillo quickstart/CN=$name" || return
    tls_publish_crl "$directory"
}

# The CRL lasts as long as the CA: nobody refreshes it by clockwork here. A new one is made at each revocation.
tls_publish_crl() {
    tls_openssl_ca "$1" -gencrl -crldays 3650 -out "$1/ca.crl.new" && mv "$1/ca.crl.new" "$1/ca.crl"
}

# tls_issue DIRECTORY EXTENSIONS COMMON_NAME STEM [openssl ca options]: STEM.key and STEM.crt, unless they are there
# and good for another day. A renewal keeps the key, so a registered client stays registered.
tls_issue() {
    local directory=$1 extensions=$2 name=$3 stem=$4
    shift 4
    if [[ -s $stem.crt ]] && openssl x509 -in "$stem.crt" -noout -checkend 86400 >/dev/null; then return; fi
    [[ -s $stem.key ]] ||
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$stem.key" || return
    openssl req -config "$tls_lib/openssl.cnf" -new -key "$stem.key" -subj "/O=Sigillo quickstart/CN=$name" \
        -out "$stem.csr" || return
    tls_openssl_ca "$directory" -extensions "$extensions" -days 825 "$@" -in "$stem.csr" -out "$stem.crt.new" ||
        return
    mv "$stem.crt.new" "$stem.crt" && rm -f "$stem.csr"
}

# tls_revoke DIRECTORY CERTIFICATE: on the CRL from now on; nginx must be told to read it again.
tls_revoke() {
    tls_openssl_ca "$1" -revoke "$2" && tls_publish_crl "$1"
}
