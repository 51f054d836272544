# An instance of Sigillo below $SIGILLO_HOME, without systemd: provision, start, stop, ask. To be sourced after
# console.sh, build.sh and tls.sh; needs $repository. quickstart.sh and the integration tests share it.
#
#   sigillo.toml  client.env            the configuration, and what a client sources
#   hsm/                                SoftHSM's configuration and token, the PINs (0600)
#   store/  log/  anchor/               records, the published log, the copy of its checkpoint
#   tsa-store/  tsa-log/  tsa-anchor/   the same of the time-stamping authority
#   backups/                            where sigilloctl backup create may write
#   callbacks/                          sigillo-fetch's spool: what is to be delivered
#   spool/                              sigillo-api's: large bodies, documents that wait for their signatures
#   tls/                                certificates of the HTTPS side, and the demo client's
#   nginx/                              nginx's configuration and temporary files
#   sockets/                            unix sockets (elsewhere if the path is too long: state/sockets says where)
#   pids/  journal/  state/             process ids, what the processes say, what this script remembers
# All of it belongs to the caller, mode 0700.

# In the order in which they start; the reverse when they stop.
instance_processes=(sigillod sigillo-fetch sigillo-doc sigillo-api sigillo-public nginx)

# Sets the variables that everything below uses: ports from the environment, else as last time, else the defaults.
instance_load() {
    home=$(realpath -m -- "${SIGILLO_HOME:-$repository/run/quickstart}")
    [[ $home =~ ^[A-Za-z0-9._/+@:=~\ -]+$ ]] ||
        die "SIGILLO_HOME may hold letters, digits, spaces and ._/+@:=~- only (it goes into configuration files): $home"
    programs=${SIGILLO_PREBUILT:-$repository/build/release/bin}
    local wanted_api=${SIGILLO_API_PORT:-} wanted_pages=${SIGILLO_PAGES_PORT:-}
    local wanted_tsa=${SIGILLO_TSA_PORT:-} wanted_tsa_tls=${SIGILLO_TSA_TLS_PORT:-}
    api_port=8443 pages_port=8444 tsa_port=8318 tsa_tls_port=8319
    # shellcheck disable=SC1091
    [[ ! -s $home/state/ports ]] || source "$home/state/ports"
    api_port=${wanted_api:-$api_port} pages_port=${wanted_pages:-$pages_port}
    tsa_port=${wanted_tsa:-$tsa_port} tsa_tls_port=${wanted_tsa_tls:-$tsa_tls_port}
    local port
    for port in "$api_port" "$pages_port" "$tsa_port" "$tsa_tls_port"; do
        [[ $port =~ ^[0-9]{1,5}$ ]] && ((port > 0 && port < 65536)) || die "not a port number: $port"
    done
    # What one address may ask of the TSA (nginx/limits.conf has the reasons).
    local wanted_rate=${SIGILLO_TSA_RATE:-} wanted_burst=${SIGILLO_TSA_BURST:-} wanted_conns=${SIGILLO_TSA_CONNECTIONS:-} limit
    tsa_rate=20000 tsa_burst=4000 tsa_connections=512
    # shellcheck disable=SC1091
    [[ ! -s $home/state/tsa-limits ]] || source "$home/state/tsa-limits"
    tsa_rate=${wanted_rate:-$tsa_rate} tsa_burst=${wanted_burst:-$tsa_burst} tsa_connections=${wanted_conns:-$tsa_connections}
    for limit in "$tsa_rate" "$tsa_burst" "$tsa_connections"; do
        [[ $limit =~ ^[1-9][0-9]{0,5}$ ]] ||
            die "SIGILLO_TSA_RATE, SIGILLO_TSA_BURST and SIGILLO_TSA_CONNECTIONS are numbers from 1 to 999999, not: $limit"
    done
    sockets=$home/sockets
    [[ ! -s $home/state/sockets ]] || sockets=$(<"$home/state/sockets")
    export SOFTHSM2_CONF=$home/hsm/softhsm2.conf
}

# replace_if_different FILE: standard input becomes the file, atomically, only if it says something new.
# Returns 0 if it did.
replace_if_different() {
    local new=$1.new
    cat >"$new"
    if [[ -f $1 ]] && cmp -s "$new" "$1"; then
        rm -f "$new"
        return 1
    fi
    mv "$new" "$1"
}

# render TEMPLATE: to standard output, with the words between at signs replaced.
render() {
    local text files user='' allow_root=false
    text=$(<"$1")
    files=$(ulimit -Hn)
    [[ $files != unlimited ]] && ((files <= 16384)) || files=16384
    # As root nginx would hand its workers to www-data, who may not read what is ours.
    ((EUID != 0)) || user="user root root;" allow_root=true
    text=${text//@API_PORT@/"$api_port"}
    text=${text//@PAGES_PORT@/"$pages_port"}
    text=${text//@TSA_PORT@/"$tsa_port"}
    text=${text//@TSA_TLS_PORT@/"$tsa_tls_port"}
    text=${text//@TSA_RATE@/"$tsa_rate"}
    text=${text//@TSA_BURST@/"$tsa_burst"}
    text=${text//@TSA_CONNECTIONS@/"$tsa_connections"}
    text=${text//@USER_DIRECTIVE@/"$user"}
    text=${text//@ALLOW_ROOT@/$allow_root}
    text=${text//@FILES@/"$files"}
    text=${text//@ADDRESS@/127.0.0.1}
    text=${text//@SOCKETS@/"$sockets"}
    text=${text//@HOME@/"$home"}
    text=${text//@MODULE@/"$module"}
    printf '%s\n' "$text"
}

# The whole of it, each step only if it is not done. Afterwards `stale` names the processes whose configuration
# changed under them.
instance_provision() {
    stale=()
    umask 077
    mkdir -p "$home"/{hsm/tokens,store,log,tsa-store,tsa-log,anchor,tsa-anchor,backups,callbacks,spool,tls,nginx/tmp,pids,journal,state}
    chmod 700 "$home"
    printf '%s\n' "api_port=$api_port" "pages_port=$pages_port" "tsa_port=$tsa_port" "tsa_tls_port=$tsa_tls_port" |
        replace_if_different "$home/state/ports" || true
    printf '%s\n' "tsa_rate=$tsa_rate" "tsa_burst=$tsa_burst" "tsa_connections=$tsa_connections" |
        replace_if_different "$home/state/tsa-limits" || true
    provision_sockets
    provision_hsm
    provision_tls
    provision_configuration
    if [[ ! -e $home/state/ceremony-done || ! -e $home/state/tsa-ceremony-done ]]; then
        run_quietly "$home/journal/ceremony.log" "the key ceremony" \
            "$programs/sigillod" ceremony --config "$home/sigillo.toml" --so-pin-file "$home/hsm/so-pin"
        : >"$home/state/ceremony-done"
        : >"$home/state/tsa-ceremony-done"
    fi
}

# AF_UNIX takes 107 bytes. A longer path moves the sockets to a folder of ours below the temporary one.
provision_sockets() {
    sockets=$home/sockets
    if ((${#sockets} + 20 > 100)); then
        sockets=$(cat "$home/state/sockets" 2>/dev/null) || sockets=''
        # Cleaned away since, or somebody else's: a new one.
        if [[ -z $sockets || -L $sockets || ! -O $sockets || ! -d $sockets ]]; then
            sockets=$(mktemp -d /tmp/sigillo-XXXXXXXX)
        fi
        printf '%s\n' "$sockets" >"$home/state/sockets"
    else
        mkdir -p "$sockets"
    fi
    chmod 700 "$sockets"
}

provision_hsm() {
    local secret
    for secret in pin tsa-pin so-pin; do
        [[ -s $home/hsm/$secret ]] || {
            openssl rand -hex 16 >"$home/hsm/$secret.new"
            mv "$home/hsm/$secret.new" "$home/hsm/$secret"
        }
    done
    module=$(find_softhsm)
    replace_if_different "$SOFTHSM2_CONF" <<END || true
directories.tokendir = $home/hsm/tokens
objectstore.backend = file
log.level = ERROR
slots.removable = false
END
}

find_softhsm() {
    local candidate
    for candidate in ${SIGILLO_SOFTHSM_MODULE:-} /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
        [[ -f $candidate ]] && printf '%s' "$candidate" && return
    done
    die "libsofthsm2.so is not installed (Debian package libsofthsm2)"
}

provision_tls() {
    local log=$home/journal/tls.log before
    run_quietly "$log" "making the CA of the server's certificate" tls_make_ca "$home/tls/server-ca" "Server CA"
    run_quietly "$log" "making the CA of the clients' certificates" tls_make_ca "$home/tls/clients-ca" "Clients CA"
    before=$(cksum "$home/tls/server.crt" 2>/dev/null) || before=''
    run_quietly "$log" "issuing the server's certificate" \
        tls_issue "$home/tls/server-ca" server localhost "$home/tls/server"
    [[ $before == "$(cksum "$home/tls/server.crt")" ]] || stale+=(nginx)
    run_quietly "$log" "issuing the demo client's certificate" \
        tls_issue "$home/tls/clients-ca" client "Demo client" "$home/tls/client"
}

provision_configuration() {
    local name
    if render "$repository/packaging/sigillo.toml.in" | replace_if_different "$home/sigillo.toml"; then
        stale+=(sigillod sigillo-fetch sigillo-doc sigillo-api sigillo-public)
    fi
    for name in nginx.conf tls.conf limits.conf tsa.conf proxy.conf documents.conf client_identity.conf errors.conf; do
        local source=$repository/packaging/nginx/$name
        [[ -f $source ]] || source=$source.in
        if render "$source" | replace_if_different "$home/nginx/$name"; then stale+=(nginx); fi
    done
}

# instance_argv PROCESS: sets ARGV to its command line.
instance_argv() {
    case $1 in
    sigillod) ARGV=("$programs/sigillod" run --config "$home/sigillo.toml") ;;
    sigillo-fetch) ARGV=("$programs/sigillo-fetch" --config "$home/sigillo.toml") ;;
    sigillo-doc) ARGV=("$programs/sigillo-doc" --config "$home/sigillo.toml") ;;
    sigillo-api) ARGV=("$programs/sigillo-api" --config "$home/sigillo.toml" --face api) ;;
    sigillo-public) ARGV=("$programs/sigillo-api" --config "$home/sigillo.toml" --face public) ;;
    nginx) ARGV=("$(find_nginx)" -e "$home/journal/nginx-error.log" -p "$home/nginx" -c "$home/nginx/nginx.conf") ;;
    *) die "no such process: $1" ;;
    esac
}

# nginx's buffers carry PINs, OTPs and the one answer that tells a seed: glibc overwrites what is freed. (Our own
# programs do so by themselves: hardening/zero_on_free.cc.)
overwrite_freed=glibc.malloc.perturb=85

find_nginx() { # /usr/sbin is not on everybody's PATH
    PATH=$PATH:/usr/sbin:/sbin type -P nginx || die "nginx is not installed (Debian package nginx)"
}

instance_pid() { cat "$home/pids/$1.pid" 2>/dev/null; }

# A pid file alone proves nothing: the process must be alive and be this instance's (its command line names our
# home; a number used again by another program does not).
instance_running() {
    local pid
    pid=$(instance_pid "$1") && [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] &&
        tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$home/"
}

program_identity() { stat -Lc '%d:%i:%Y' "$1"; }

# instance_start PROCESS: in a session of its own, so that no terminal takes it down; $! is the process itself. Scheduled
# as the units have it (systemd/README.md).
instance_start() {
    local name=$1 pid
    if instance_running "$name"; then return; fi
    instance_argv "$name"
    rm -f "$home/pids/$name.pid"
    program_identity "${ARGV[0]}" >"$home/state/$name.program"
    (
        files=$(ulimit -Hn)
        [[ $files != unlimited ]] && ((files <= 16384)) || files=16384
        ulimit -Sn "$files"
        [[ -z ${lock_fd:-} ]] || exec {lock_fd}>&-
        [[ $name != nginx ]] || export GLIBC_TUNABLES=$overwrite_freed
        exec setsid chrt --batch 0 "${ARGV[@]}"
    ) </dev/null >>"$home/journal/$name.log" 2>&1 &
    pid=$!
    printf '%s\n' "$pid" >"$home/pids/$name.pid"
    # Until it has become the program: before, nobody would take it for a running one.
    until instance_running "$name" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}

# wait_for SECONDS PROCESS COMMAND...: until the command succeeds; fails, with the process's last words, when the
# process is gone or the time is up.
wait_for() {
    local end=$((SECONDS + $1)) name=$2
    shift 2
    until "$@"; do
        if ! instance_running "$name" && { sleep 0.2; ! "$@"; }; then
            tail -n 15 "$home/journal/$name.log" "$home/journal/nginx-error.log" >&2 2>/dev/null || true
            die "$name has ended; its log is $home/journal/$name.log"
        fi
        if ((SECONDS >= end)); then
            tail -n 15 "$home/journal/$name.log" >&2 2>/dev/null || true
            die "$name is not ready; its log is $home/journal/$name.log"
        fi
        sleep 0.05
    done
}

instance_curl() { # as the demo client; never through a proxy of the environment
    curl --silent --show-error --noproxy '*' --max-time 20 --cacert "$home/tls/server-ca/ca.crt" \
        --cert "$home/tls/client.crt" --key "$home/tls/client.key" "$@"
}
healthy() { instance_curl --fail --output "$home/state/health.json" "$1/healthz" 2>/dev/null; }
port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Every mistake in the configuration of what is about to start, all at once.
instance_check_configuration() {
    local name bad=() words
    for name in sigillod sigillo-fetch sigillo-doc sigillo-api sigillo-public; do
        instance_running "$name" && continue
        case $name in
        sigillod) ARGV=("$programs/sigillod" check-config --config "$home/sigillo.toml") ;;
        *)
            instance_argv "$name"
            ARGV+=(--check-config)
            ;;
        esac
        words=$("${ARGV[@]}" 2>&1 >/dev/null) || bad+=("$words")
    done
    ((${#bad[@]} == 0)) || die "the configuration is not good; nothing was started"$'\n'"$(printf '%s\n' "${bad[@]}")"
}

# Starts what is not running, in order, and returns when /healthz is good on both faces.
instance_up() {
    local name port
    for name in "${instance_processes[@]}"; do
        instance_running "$name" || continue
        instance_argv "$name"
        if [[ " ${stale[*]:-} " == *" $name "* ]]; then
            say "Restarting $name: its configuration changed"
            instance_stop "$name"
        elif [[ $(program_identity "${ARGV[0]}") != "$(cat "$home/state/$name.program" 2>/dev/null)" ]]; then
            say "Restarting $name: the program was rebuilt"
            instance_stop "$name"
        fi
    done
    if ! instance_running nginx; then
        for port in "$api_port" "$pages_port" "$tsa_port" "$tsa_tls_port"; do
            port_is_free "$port" ||
                die "port $port is taken by another program: choose others with SIGILLO_API_PORT, SIGILLO_PAGES_PORT," \
                    "SIGILLO_TSA_PORT and SIGILLO_TSA_TLS_PORT"
        done
        instance_argv nginx
        run_quietly "$home/journal/nginx-test.log" "nginx's check of its configuration" "${ARGV[@]}" -t
    fi
    instance_check_configuration
    instance_start sigillod
    wait_for 60 sigillod test -S "$sockets/signing.sock"
    instance_start sigillo-fetch
    instance_start sigillo-doc
    wait_for 20 sigillo-fetch test -S "$sockets/fetch.sock"
    wait_for 20 sigillo-doc test -S "$sockets/doc.sock"
    instance_start sigillo-api
    instance_start sigillo-public
    wait_for 20 sigillo-api test -S "$sockets/api.sock"
    wait_for 20 sigillo-public test -S "$sockets/public.sock"
    instance_start nginx
    wait_for 30 nginx healthy "https://localhost:$api_port"
    wait_for 30 nginx healthy "https://localhost:$pages_port"
}

# instance_stop PROCESS: asks, waits for its own deadline and a little more, then insists. 1 if it had to insist.
instance_stop() {
    local name=$1 pid signal=TERM end
    if ! instance_running "$name"; then
        rm -f "$home/pids/$name.pid"
        return 0
    fi
    pid=$(instance_pid "$name")
    [[ $name != nginx ]] || signal=QUIT # nginx's word for draining
    kill -"$signal" "$pid" 2>/dev/null
    end=$((SECONDS + 30))
    while instance_running "$name"; do
        if ((SECONDS >= end)); then
            warn "$name did not stop within 30 s; killing it"
            kill -KILL "$pid" 2>/dev/null
            [[ $name != nginx ]] || pkill -KILL -P "$pid"
            rm -f "$home/pids/$name.pid"
            return 1
        fi
        sleep 0.05
    done
    rm -f "$home/pids/$name.pid"
}

instance_down() {
    local i status=0
    for ((i = ${#instance_processes[@]} - 1; i >= 0; i--)); do
        instance_stop "${instance_processes[i]}" || status=1
    done
    if [[ $sockets != "$home/sockets" ]]; then # the folder that provision_sockets made outside of our home
        rm -f "$sockets"/*.sock
        rmdir "$sockets" && rm -f "$home/state/sockets"
    fi
    return $status
}

# What a client must know, to be sourced.
instance_write_client_env() {
    local pairs=(
        SIGILLO_API "https://localhost:$api_port"
        SIGILLO_PAGES "https://localhost:$pages_port"
        SIGILLO_TSA "http://localhost:$tsa_port/tsa"
        SIGILLO_TSA_TLS "https://localhost:$tsa_tls_port/tsa"
        SIGILLO_PKI "http://localhost:$tsa_port/pki"
        SIGILLO_CACERT "$home/tls/server-ca/ca.crt"
        SIGILLO_CERT "$home/tls/client.crt"
        SIGILLO_KEY "$home/tls/client.key"
        SIGILLO_SIGNERS_CA "$home/signers-ca.crt"
        SIGILLO_TSA_CA "$home/tsa-ca.crt"
        SIGILLO_LOG "$home/log"
        SIGILLO_LOG_VKEY "$home/log.vkey"
        SIGILLO_TSA_LOG "$home/tsa-log"
        SIGILLO_TSA_LOG_VKEY "$home/tsa-log.vkey"
        SIGILLO_CONFIG "$home/sigillo.toml"
        SIGILLO_BIN "$programs"
    ) i
    {
        say "# How to reach this instance of Sigillo. To be sourced by a shell."
        for ((i = 0; i < ${#pairs[@]}; i += 2)); do
            printf 'export %s=%q\n' "${pairs[i]}" "${pairs[i + 1]}"
        done
    } | replace_if_different "$home/client.env" || true
}

# Trust anchors for verifiers, taken once, from the appliance itself over its officers' socket and its own host.
instance_write_trust() {
    if [[ ! -s $home/log.vkey ]]; then
        "$programs/sigilloctl" --config "$home/sigillo.toml" --json log checkpoint | jq -er .vkey >"$home/log.vkey.new" ||
            die "sigilloctl log checkpoint gave no verifier key"
        mv "$home/log.vkey.new" "$home/log.vkey"
    fi
    if [[ ! -s $home/tsa-log.vkey ]]; then
        "$programs/sigilloctl" --config "$home/sigillo.toml" --json tsu status | jq -er .vkey >"$home/tsa-log.vkey.new" ||
            die "sigilloctl tsu status gave no verifier key"
        mv "$home/tsa-log.vkey.new" "$home/tsa-log.vkey"
    fi
    if [[ ! -s $home/signers-ca.crt ]]; then
        instance_curl --fail "http://localhost:$tsa_port/pki/ca.crt" |
            openssl x509 -inform DER -out "$home/signers-ca.crt.new" || die "no CA certificate under SIGILLO_PKI"
        mv "$home/signers-ca.crt.new" "$home/signers-ca.crt"
    fi
    # The embedded CA certifies the quickstart's time-stamping unit too.
    [[ -s $home/tsa-ca.crt ]] || cp "$home/signers-ca.crt" "$home/tsa-ca.crt"
}

# The demo client: registered once, by the SPKI of its certificate.
instance_register_client() {
    local log=$home/journal/client-add.log
    [[ -e $home/state/client-registered ]] && return
    run_quietly "$log" "registering the demo client" "$programs/sigilloctl" --config "$home/sigillo.toml" \
        client add --tenant demo --name "demo client" --cert "$home/tls/client.crt"
    : >"$home/state/client-registered"
}

# A time-stamping unit, certified by the embedded CA and in service. Once.
instance_make_unit() {
    local log=$home/journal/tsu-create.log
    [[ -e $home/state/unit-made ]] && return
    run_quietly "$log" "making the time-stamping unit" "$programs/sigilloctl" --config "$home/sigillo.toml" \
        tsu create --name quickstart --country IT --organization "Sigillo quickstart" \
        --common-name "Sigillo quickstart TSU 1" --embedded --activate
    : >"$home/state/unit-made"
}
