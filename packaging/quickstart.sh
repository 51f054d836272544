#!/usr/bin/env bash
# Sigillo on this machine, without systemd, to look at and to develop against.
#
#   packaging/quickstart.sh          up, then demo
#   packaging/quickstart.sh up       install what is missing, build, provision, start; returns when it is healthy
#   packaging/quickstart.sh demo     enrol signers, sign a PDF's hash and the PDF itself, verify all of it with other people's tools
#   packaging/quickstart.sh status   what runs, and how it feels
#   packaging/quickstart.sh down     stop it; everything stays in $SIGILLO_HOME
#
# Environment: SIGILLO_HOME (default run/quickstart), SIGILLO_API_PORT (8443), SIGILLO_PAGES_PORT (8444),
# SIGILLO_TSA_PORT (8318), SIGILLO_TSA_TLS_PORT (8319), SIGILLO_PREBUILT (a folder of programs: build nothing),
# SIGILLO_SKIP_PACKAGES=1 (install nothing). Everything listens on 127.0.0.1 and runs as you.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
for part in console packages build tls instance demo; do
    # shellcheck disable=SC1090
    source "$repository/packaging/lib/$part.sh"
done

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }

# One at a time for one home. The processes that we start do not inherit the lock (instance_start).
take_lock() {
    mkdir -p "$home"
    exec {lock_fd}>"$home/.lock"
    flock -w 600 "$lock_fd" || die "another quickstart.sh is at work in $home"
}

build_programs() {
    [[ -z ${SIGILLO_PREBUILT:-} ]] || return 0
    local log=$repository/build/quickstart.log
    mkdir -p "$repository/build"
    say "Building (the first time takes some minutes; the compiler's words go to ${log#"$repository"/})"
    run_quietly "$log" "the build" build_preset release sigillod sigillo-api sigillo-doc sigillo-fetch sigilloctl sigillo-audit
}

up() {
    say "${bold}Sigillo quickstart${plain}  in $home"
    [[ -n ${SIGILLO_SKIP_PACKAGES:-} ]] || install_packages "$repository/packaging/packages-run.list"
    build_programs
    instance_provision
    instance_up
    instance_register_client
    instance_make_unit
    instance_write_trust
    instance_write_client_env
    show_status
    note "For clients:   source $home/client.env"
    note "To stop it:    packaging/quickstart.sh down"
}

# One line a process, then what /healthz says. 0 if all run and none has failed.
show_status() {
    local name status=0
    for name in "${instance_processes[@]}"; do
        if instance_running "$name"; then
            good "$(printf '%-15s pid %s' "$name" "$(instance_pid "$name")")"
        else
            say "  ${red}✗${plain} $(printf '%-15s not running' "$name")"
            status=1
        fi
    done
    ((status == 0)) || return 1
    healthy "https://localhost:$api_port" || status=1
    if [[ -s $home/state/health.json ]]; then
        say "  health: $(jq -r .state "$home/state/health.json")"
        jq -r '.items[] | select(.state != "ok") | "    \(.name): \(.state), \(.reason)"' "$home/state/health.json"
    fi
    return $status
}

main() {
    local commands=("$@") command
    ((${#commands[@]})) || commands=(up demo)
    for command in "${commands[@]}"; do
        [[ $command =~ ^(up|demo|down|status)$ ]] || {
            usage
            [[ $command =~ ^(-h|--help|help)$ ]] && exit 0
            exit 2
        }
    done
    instance_load
    for command in "${commands[@]}"; do
        case $command in
        up)
            take_lock
            up
            ;;
        demo) demo ;;
        status) show_status ;;
        down)
            take_lock
            instance_down && say "Stopped. Everything stays in $home."
            ;;
        esac
    done
}
main "$@"
