# How our scripts talk to people: colour on a terminal only, errors with what to do. To be sourced.

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' blue=$'\e[36m' plain=$'\e[0m'
else
    bold='' dim='' green='' red='' yellow='' blue='' plain=''
fi

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "${dim}    $*${plain}"; }
good() { printf '%s\n' "  ${green}✓${plain} $*"; }
warn() { printf '%s\n' "${yellow}warning:${plain} $*" >&2; }
die() {
    printf '%s\n' "${red}error:${plain} $*" >&2
    exit 1
}

# run_quietly LOGFILE WHAT COMMAND...: the command's words go to LOGFILE, and its last lines here if it fails.
run_quietly() {
    local log=$1 what=$2
    shift 2
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 25 "$log" >&2
        die "$what failed; all of it is in $log"
    fi
}
