#!/usr/bin/env bash
# Every test, from a fresh machine on: installs what the tests need, builds, runs, ends with one line of sums.
#
#   tests/run.sh [STAGE...]      all stages without arguments; SIGILLO_TEST_STAGES names them too
#
#   architecture   formatting of the sources, syntax of the scripts
#   release        everything: unit tests, faults, and the real processes behind nginx
#   asan-ubsan     the tests without a label of SANITIZER_LEAVES_OUT under AddressSanitizer and UBSan
#   tsan           the same under ThreadSanitizer
#   fuzz           every libFuzzer target, at most SIGILLO_FUZZ_SECONDS (60) each
#   tidy           clang-tidy on what changed since SIGILLO_TIDY_BASE (default: the upstream branch, else HEAD~1)
#
# Each stage has a bound in time; a stage that passes it fails. Needs no terminal and no standard input. Works on the
# two cores of a small CI machine within the hour.
set -uo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
for part in console packages build; do
    # shellcheck disable=SC1090
    source "$repository/packaging/lib/$part.sh"
done
exec </dev/null

# Bounds in minutes, building included: what a stage may take when the machine is busy. On two idle cores a first run stays
# within the hour; later ones, with ccache, within half of it.
declare -A bound=([architecture]=3 [release]=40 [asan-ubsan]=20 [tsan]=20 [fuzz]=20 [tidy]=10)
# Label of the tests that start real processes of the release build, and of those that measure speed.
SANITIZER_LEAVES_OUT='^(system|bench|architecture)$'
# Which of the others: by default the decoders of certificates, the store, activation and the signing path (asan-ubsan),
# and what has the most threads (tsan), so that a first run on two cores stays within the hour. SIGILLO_SANITIZE_ALL=1 takes
# all, for as long as it takes.
declare -A sanitized=([asan-ubsan]='^(issuance_x509_test|store_records_test|store_lmdb_test|hardening_test|activation_test|signing_path_test)$'
    [tsan]='^(ipc_test|api_http_server_test|store_lmdb_test|signing_path_test)$')
if [[ -n ${SIGILLO_SANITIZE_ALL:-} ]]; then
    sanitized=([asan-ubsan]=. [tsan]=.)
    bound[asan-ubsan]=60 bound[tsan]=60
fi
fuzz_seconds=${SIGILLO_FUZZ_SECONDS:-60}
results=$repository/build/test-results
jobs=$(nproc)
passed=0 failed=0
declare -a lines=()

# count_tests JUNIT_FILE: adds ctest's own counts to the sums. A test that could not run has failed.
count_tests() {
    local head tests failures skipped
    [[ -s $1 ]] || return 0
    head=$(grep -m1 -A6 '<testsuite' "$1" | tr '\n' ' ')
    tests=$(sed -n 's/.*[[:space:]]tests="\([0-9]*\)".*/\1/p' <<<"$head")
    failures=$(sed -n 's/.*[[:space:]]failures="\([0-9]*\)".*/\1/p' <<<"$head")
    skipped=$(sed -n 's/.*[[:space:]]skipped="\([0-9]*\)".*/\1/p' <<<"$head")
    failures=$((${failures:-0} + ${skipped:-0}))
    passed=$((passed + ${tests:-0} - failures)) failed=$((failed + failures))
}

run_ctest() { # PRESET NAME ARGUMENT...
    local preset=$1 name=$2
    shift 2
    ctest --test-dir "$repository/build/$preset" --no-tests=error --output-on-failure --timeout 300 -j "$jobs" \
        --output-junit "$results/$name.xml" "$@"
}

# A test that ctest counts is counted there; anything else is one test, the stage itself.
stage_architecture() {
    local files script
    mapfile -t files < <(cd "$repository" && git ls-files '*.cc' '*.h' '*.c')
    (cd "$repository" && clang-format-19 --dry-run -Werror "${files[@]}") || {
        say "clang-format-19 -i on these files mends it"
        return 1
    }
    while read -r script; do
        bash -n "$repository/$script" || return 1
    done < <(cd "$repository" && git ls-files '*.sh' .ci/run)
}

stage_release() {
    build_preset release && run_ctest release release
}

# The tests of one sanitizer: only the programs of these tests are built.
stage_sanitizer() {
    local preset=$1 names
    [[ -f $repository/build/$preset/build.ninja ]] || (cd "$repository" && cmake --preset "$preset") || return
    mapfile -t names < <(ctest --test-dir "$repository/build/$preset" -LE "$SANITIZER_LEAVES_OUT" -N |
        sed -n 's/^ *Test *#[0-9]*: *//p' | grep -E "${sanitized[$preset]}")
    ((${#names[@]})) || { say "no tests"; return 1; }
    # A test written in Python has no target of its name; what it needs is built with the others.
    local targets
    mapfile -t targets < <(ninja -C "$repository/build/$preset" -t targets all | sed -n 's/: phony$//p' |
        grep -Fx -f <(printf '%s\n' "${names[@]}"))
    build_preset "$preset" "${targets[@]}" || return
    ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
        TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
        run_ctest "$preset" "$preset" -R "^($(IFS='|'; printf '%s' "${targets[*]}"))$"
}
stage_asan-ubsan() { stage_sanitizer asan-ubsan; }
stage_tsan() { stage_sanitizer tsan; }

# As many fuzzers at a time as there are cores, each on a corpus of its own that starts with the committed one.
fuzz_one() {
    local name=$1 work=$repository/build/fuzz/work/$1 seeds=$repository/tests/fuzz/corpus/$1
    mkdir -p "$work/corpus"
    [[ -d $seeds ]] || seeds=''
    if (cd "$work" && "$repository/build/fuzz/fuzz/$name" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 corpus ${seeds:+"$seeds"}) >"$work/log" 2>&1; then
        say "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") runs, nothing found"
    else
        say "fuzz $name: FOUND something; $work has the input"
        tail -n 40 "$work/log"
        return 1
    fi
}
stage_fuzz() {
    local targets
    [[ -f $repository/build/fuzz/build.ninja ]] || (cd "$repository" && cmake --preset fuzz) || return
    mapfile -t targets < <(ninja -C "$repository/build/fuzz" -t targets all | sed -n 's|^fuzz/\([^:/]*\): .*EXECUTABLE.*|\1|p')
    ((${#targets[@]})) || { say "no fuzz targets"; return 1; }
    build_preset fuzz "${targets[@]}" || return
    # The whole stage stays in its bound however many targets there are: five minutes, shared.
    local share=$((300 * jobs / ${#targets[@]}))
    ((fuzz_seconds <= share)) || fuzz_seconds=$share
    export -f fuzz_one say
    export repository fuzz_seconds
    printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'fuzz_one "$1"' _
}

stage_tidy() {
    local base=${SIGILLO_TIDY_BASE:-} files=() file end=$((SECONDS + 300))
    cd "$repository" || return
    # For the generated headers, and to know who includes Pistache; nothing to do after the stage release.
    build_preset release || return
    [[ -n $base ]] || base=$(git merge-base HEAD '@{upstream}' 2>/dev/null) || base=$(git rev-parse -q --verify HEAD~1) || base=''
    [[ $base != "$(git rev-parse HEAD)" ]] || base=$(git rev-parse -q --verify HEAD~1) || base=''
    # Without an earlier commit everything is new.
    [[ -n $base ]] || base=$(git hash-object -t tree /dev/null)
    # clang rejects Pistache's headers: whoever includes them, itself or through our transport's header, is left out.
    local pistache
    pistache=$(git grep -lE '#include (<pistache/|"api/http/api_transport.h")' -- '*.cc')
    while read -r file; do
        [[ -f $file ]] && grep -qF "\"$repository/$file\"" build/release/compile_commands.json || continue
        grep -qFx "$file" <<<"$pistache" || files+=("$file")
    done < <(git diff --name-only "$base" -- '*.cc')
    say "${#files[@]} files to look at"
    ((${#files[@]})) || return 0
    printf '%s\n' "${files[@]}" >"$results/tidy.files"
    # Bounded: what five minutes do not reach is named, and the next change is small.
    local left=$((end - SECONDS)) status=0
    : >"$results/tidy.done"
    rm -f "$results/tidy.failed"
    export results repository
    timeout "$left" xargs -a "$results/tidy.files" -n 1 -P "$jobs" bash -c '
        clang-tidy-19 --quiet -p build/release --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-gch \
            --extra-arg=-Wno-error "$1" 2>&1 | grep -vE "^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header"
        ((PIPESTATUS[0] == 0)) || printf "%s\n" "$1" >>"$results/tidy.failed"
        printf "%s\n" "$1" >>"$results/tidy.done"' _ || status=$?
    if ((status == 124)); then
        say "out of time after $(wc -l <"$results/tidy.done") of ${#files[@]} files"
        status=0
    fi
    [[ ! -s $results/tidy.failed ]] && return $status
}

run_stage() {
    local name=$1 started=$SECONDS status=0 log=$results/$1.log
    printf '\n%s\n' "${bold}=== $name${plain}"
    rm -f "$results/$name.xml"
    # In a process group of its own, so that the bound ends all of it.
    timeout --kill-after=20 "$((bound[$name] * 60))" "$0" --stage "$name" > >(tee "$log") 2>&1 || status=$?
    wait
    local seconds=$((SECONDS - started)) words=passed
    ((status == 0)) || words=FAILED
    ((status != 124 && status != 137)) || words="FAILED: more than ${bound[$name]} minutes"
    lines+=("$(printf '%-14s %4d s  %s' "$name" "$seconds" "$words")")
    local before=$failed
    if [[ -s $results/$name.xml ]]; then
        count_tests "$results/$name.xml"
        ((status == 0 || failed > before)) || failed=$((failed + 1))
    elif ((status == 0)); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

mkdir -p "$results"
if [[ ${1:-} == --stage ]]; then
    "stage_$2"
    exit
fi
read -r -a stages <<<"${SIGILLO_TEST_STAGES:-architecture release asan-ubsan tsan fuzz tidy}"
(($# == 0)) || stages=("$@")
for stage in "${stages[@]}"; do
    [[ -n ${bound[$stage]:-} ]] || die "no such stage: $stage (there are ${!bound[*]})"
done
lists=("$repository/packaging/packages-run.list" "$repository/packaging/packages-test.list")
[[ ${SIGILLO_INTEROP:-} != full ]] || lists+=("$repository/tests/interop/corpus/packages-full.list")
[[ -n ${SIGILLO_SKIP_PACKAGES:-} ]] || install_packages "${lists[@]}"
started=$SECONDS
for stage in "${stages[@]}"; do run_stage "$stage"; done
printf '\n%s\n' "${bold}=== sums${plain}"
printf '%s\n' "${lines[@]}"
printf 'total          %4d s\n' "$((SECONDS - started))"
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
