#!/usr/bin/env bash
# How fast an instance signs, beside what its HSM gives: one JSON object a line on standard output, what happens on
# standard error. An instance of its own, in a temporary folder, on free ports of 127.0.0.1; the load generator shares
# its processor cores.
#
#   tests/bench.sh            everything: 10 s a measurement, 100,000 credentials
#   tests/bench.sh --quick    2 s a measurement, 2,000 credentials: whether it works at all
#
#   {"name","rate","unit","raw","ratio","p50_ms","p99_ms","cpu_us_per_op"}
#   rate           in `unit`: what was asked for, answered and durable in a second; for start_* seconds, for rss_* MiB
#   raw, ratio     C_Sign on a cached session key, the better of one and two threads; rate / raw. Both are measured in
#                  turns, four times each, because a machine that is shared does not stay as fast as it was; p50 is the
#                  median of the turns', p99 the worst.
#                  For sign_p256_single_100k_signers raw is the rate of sign_p256_single. null where nothing compares.
#   p50_ms p99_ms  of one operation: authorize + signHash of a document, or one request
#   cpu_us_per_op  processor time of sigillod, sigillo-api and nginx for one unit, the load generator's left out
#
# Environment: BENCH_SECONDS (10), BENCH_CREDENTIALS (100000), BENCH_CACHED_KEYS (10000), BENCH_KEEP=1 (leave the folder);
# SIGILLO_PREBUILT and SIGILLO_SKIP_PACKAGES as for packaging/quickstart.sh; TMPDIR: the disk that is measured.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
for part in console packages build tls instance; do
    # shellcheck disable=SC1090
    source "$repository/packaging/lib/$part.sh"
done

case ${1:-} in
'') default_seconds=10 default_credentials=100000 ;;
--quick) default_seconds=2 default_credentials=2000 ;;
*)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
seconds=${BENCH_SECONDS:-$default_seconds}
credentials=${BENCH_CREDENTIALS:-$default_credentials}
cached_keys=${BENCH_CACHED_KEYS:-10000}
for number in "$seconds" "$credentials" "$cached_keys"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || die "not a positive number: $number"
done
((cached_keys <= credentials)) || cached_keys=$credentials

# Standard output is for the results alone.
exec {results}>&1 1>&2 </dev/null

finish() {
    local status=$?
    trap '' INT TERM
    if [[ -n ${home:-} ]]; then
        ((status == 0)) || tail -n 15 "$home"/journal/{sigillod,sigillo-api,nginx-error}.log 2>/dev/null || true
        instance_down || status=1
        if [[ -n ${BENCH_KEEP:-} ]]; then say "kept: $home"; else rm -rf "$home"; fi
    fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Four ports that nobody listens on, below the kernel's ephemeral range.
choose_ports() {
    local name port used=''
    for name in SIGILLO_API_PORT SIGILLO_PAGES_PORT SIGILLO_TSA_PORT SIGILLO_TSA_TLS_PORT; do
        until port=$((20000 + SRANDOM % 12000)) && [[ " $used " != *" $port "* ]] && port_is_free "$port"; do :; done
        used+=" $port"
        declare -g "$name=$port"
    done
}

prepare() {
    [[ -n ${SIGILLO_SKIP_PACKAGES:-} ]] || install_packages "$repository/packaging/packages-run.list"
    if [[ -z ${SIGILLO_PREBUILT:-} ]]; then
        say "Building"
        mkdir -p "$repository/build"
        run_quietly "$repository/build/bench-build.log" "the build" build_preset release \
            sigillod sigillo-api sigillo-doc sigillo-fetch sigilloctl sigillo-audit load_generator raw_hsm seeder
    fi
    choose_ports
    SIGILLO_HOME=$(mktemp -d "${TMPDIR:-/tmp}/sigillo-bench-XXXXXX")
    instance_load
    bench_programs=$(cd "$programs/../bench" && pwd -P) || die "the bench's programs are not beside $programs"
    instance_provision
}

# generate KIND OPTION...: the load generator against this instance. With --name, a line of JSON.
generate() {
    local port=(--port "$api_port")
    [[ " ${*:2} " != *" --port "* ]] || port=()
    "$bench_programs/load_generator" "$1" "${port[@]}" --cacert "$home/tls/server-ca/ca.crt" \
        --cert "$home/tls/client.crt" --key "$home/tls/client.key" --pids "$home/pids" "${@:2}"
}
report() { tee -a "$home/results" >&"$results"; }
load() { generate "$@" | report; }

# raw ALGORITHM: C_Sign of now, while the instance has nothing to do.
raw() {
    "$bench_programs/raw_hsm" --module "$module" --algorithm "$1" --seconds "$(jq -n "$seconds / $turns / 3")"
}

# beside ALGORITHM KIND OPTION...: raw and load in turns, for as long together as one load, as one line of the results.
turns=4
beside() {
    local turn
    for ((turn = 0; turn < turns; turn++)); do
        generate "${@:2}" --raw "$(raw "$1")" --seconds "$(jq -n "$seconds / $turns")"
    done | jq -cs 'def mean(f): map(f) | add / length; def cut: . * 1000 | round / 1000;
        mean(.rate) as $rate | mean(.raw) as $raw | .[0] + {rate: ($rate | cut), raw: ($raw | cut),
        ratio: ($rate / $raw | cut), p50_ms: (map(.p50_ms) | sort | .[length / 2 | floor]), p99_ms: (map(.p99_ms) | max),
        cpu_us_per_op: (mean(.cpu_us_per_op) | cut)}' | report
}

# single_result NAME VALUE UNIT: one that is no rate of operations.
single_result() {
    jq -cn --arg name "$1" --argjson rate "$2" --arg unit "$3" '{name: $name, rate: $rate, unit: $unit, raw: null,
        ratio: null, p50_ms: null, p99_ms: null, cpu_us_per_op: null}' >&"$results"
}

short() { # 100000 -> 100k
    if (($1 % 1000 == 0)); then printf '%dk' $(($1 / 1000)); else printf '%d' "$1"; fi
}

# A thousand signers with a P-256 key each; sixteen RSA keys, which take their time to make.
enrol() {
    load signers --operations 1000 --made "$home/signers"
    load credentials --operations 1000 --subjects "$home/signers" --made "$home/p256"
    load credentials --rsa --operations 16 --connections 2 --subjects "$home/signers" --made "$home/rsa"
}

# PAdES-B-T; raw is C_Sign: what the key's own signature takes of a document's time. Then what sigillo-api and the
# largest of the document workers held in memory at the most (its bound: four times the document and 64 MiB).
measure_documents() {
    local big=2
    [[ $default_seconds == 10 ]] && big=10
    beside p256 documents --name pades_bt_100k --unit documents --connections 32 --document-bytes 102400 \
        --subjects "$home/p256"
    beside p256 documents --name pades_bt_1mb --unit documents --connections 16 --document-bytes 1048576 \
        --subjects "$home/p256"
    beside p256 documents --name pades_blt_100k --unit documents --connections 32 --level B-LT --document-bytes 102400 \
        --subjects "$home/p256"
    load documents --name pades_bt_100mb --unit documents --raw "$(raw p256)" --connections 2 --document-bytes 104000000 \
        --subjects "$home/p256" --operations "$big"
    single_result rss_api_after_100mb "$(jq -n "$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' \
        "/proc/$(instance_pid sigillo-api)/status") / 1024 * 10 | round / 10")" MiB
    # sigillo-doc tells of its workers when it ends.
    instance_stop sigillo-doc
    single_result rss_largest_worker_100mb "$(jq -n "$(sed -n 's/.*event=stopped .*largest_worker_kib=\([0-9]*\).*/\1/p' \
        "$home/journal/sigillo-doc.log" | tail -n 1) / 1024 * 10 | round / 10")" MiB
    instance_start sigillo-doc
    wait_for 20 sigillo-doc test -S "$home/sockets/doc.sock"
}

measure_signing() {
    beside p256 sign --name sign_p256_single --unit documents --subjects "$home/p256"
    beside p256 sign --name sign_p256_batch100 --unit signatures --batch 100 --subjects "$home/p256"
    beside rsa2048 sign --name sign_rsa2048_single --unit documents --rsa --subjects "$home/rsa"
    beside rsa2048 sign --name sign_rsa2048_batch100 --unit signatures --batch 100 --rsa --subjects "$home/rsa"
    load credentials --name credential_create_p256 --unit credentials --subjects "$home/signers" --seconds "$seconds"
}

# Thirty-two clients of the TSA; the server verifies each token before it leaves, and its leaf is durable before that.
# Then at half that rate: what a client waits when the machine is not full.
stamp() { # ALGORITHM NAME PORT OPTION...
    local half
    beside "$1" stamp --name "$2" --unit tokens --port "$3" --connections 32 "${@:4}"
    half=$(jq --arg name "$2" 'select(.name == $name) | .rate / 2' "$home/results")
    load stamp --name "$2_half" --unit tokens --port "$3" --connections 32 --rate "$half" --seconds "$seconds" "${@:4}"
}

unit_of() { # ALGORITHM: makes a unit in service, and prints its id
    "$programs/sigilloctl" --config "$home/sigillo.toml" --json tsu create --name "$1" --algorithm "$1" --country IT \
        --organization Bench --common-name "Bench $1" --embedded | jq -er .unitID
}

measure_stamping() {
    local old new
    stamp p256 tsa_p256 "$tsa_port" --plain
    stamp p256 tsa_p256_tls "$tsa_tls_port"
    old=$("$programs/sigilloctl" --config "$home/sigillo.toml" --json tsu list | jq -er '.[] | select(.state == "active") | .unitID')
    new=$(unit_of RSA-2048)
    "$programs/sigilloctl" --config "$home/sigillo.toml" tsu rotate "$old" "$new" >/dev/null
    stamp rsa2048 tsa_rsa2048 "$tsa_port" --plain
    "$programs/sigillo-audit" verify --log "$home/tsa-log" --key "$home/tsa-log.vkey" >"$home/journal/tsa-audit.log" 2>&1 ||
        die "the TSA's log does not hold: $(cat "$home/journal/tsa-audit.log")"
}

answers() { "$programs/sigilloctl" --config "$home/sigillo.toml" --json status >/dev/null 2>&1; }

# Until sigillod answers on its sockets.
measure_start() {
    local begin end
    begin=${EPOCHREALTIME/./}
    instance_start sigillod
    until answers; do
        instance_running sigillod || die "sigillod has ended"
        sleep 0.005
    done
    end=${EPOCHREALTIME/./}
    single_result "start_$(short "$credentials")_credentials" "$(jq -n "($end - $begin) / 1000 | round / 1000")" s
    wait_for 30 nginx healthy "https://localhost:$api_port"
}

# Each key once, into sigillod's cache of unwrapped ones.
measure_memory() {
    local kib
    load sign --operations "$cached_keys" --subjects "$home/cached"
    kib=$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(instance_pid sigillod)/status")
    single_result "rss_$(short "$credentials")_credentials_$(short "$cached_keys")_keys" \
        "$(jq -n "$kib / 1024 * 10 | round / 10")" MiB
}

# What was measured is worth nothing if the log does not hold.
verify_log() {
    local attempt
    for ((attempt = 0; attempt < 5; attempt++)); do # the newest checkpoint may be under way
        "$programs/sigillo-audit" verify --log "$home/log" --key "$home/log.vkey" >"$home/journal/audit.log" 2>&1 && return
        sleep 1
    done
    cat "$home/journal/audit.log"
    die "the log does not hold"
}

umask 077
prepare
instance_up
instance_register_client
instance_make_unit
instance_write_trust
say "Enrolling"
enrol
say "Measuring, $seconds s each"
measure_signing
say "Measuring documents"
measure_documents
say "Measuring time stamps"
measure_stamping
single=$(jq 'select(.name == "sign_p256_single") | .rate' "$home/results")

say "Seeding $credentials credentials, sigillod stopped"
instance_stop sigillod
"$bench_programs/seeder" --config "$home/sigillo.toml" --count "$credentials" --out "$home/seeded"
# Spread over all of them; as many as the cache of unwrapped keys holds.
shuf -n "$cached_keys" "$home/seeded" >"$home/cached"
say "Measuring with them"
measure_start
measure_memory
load sign --name "sign_p256_single_$(short "$credentials")_signers" --unit documents --raw "$single" \
    --subjects "$home/cached" --seconds "$seconds"
say "Verifying the log of all this"
verify_log
