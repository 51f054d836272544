# Debian packages: looks what is missing and installs only that. To be sourced after console.sh.

# missing_packages LIST...: names in the list files that are not installed, one a line.
missing_packages() {
    local name
    sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@" | sort -u | while read -r name; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || printf '%s\n' "$name"
    done
}

# Installs what is missing. Services that come with a package (nginx, on port 80) are neither started nor
# enabled: the machine goes on doing what it did.
install_packages() {
    local missing
    command -v dpkg-query >/dev/null ||
        die "this is not a Debian system: install the equivalents of the packages in packaging/*.list by hand," \
            "then set SIGILLO_SKIP_PACKAGES=1"
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    local root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            die "missing Debian packages, and neither root nor sudo to install them. As root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    local log policy=/usr/sbin/policy-rc.d our_policy='' had_nginx=''
    log=$(mktemp "${TMPDIR:-/tmp}/sigillo-apt.XXXXXX")
    [[ $(dpkg-query -W -f '${db:Status-Status}' nginx 2>/dev/null) == installed ]] && had_nginx=yes
    # invoke-rc.d asks this file before it starts a service; 101 means: do not.
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod 755 "$policy"
        our_policy=yes
    fi
    local status=0
    {
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update &&
            "${root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get \
                -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1 </dev/null || status=$?
    [[ -z $our_policy ]] || "${root[@]}" rm -f "$policy"
    if [[ -z $had_nginx ]] && command -v systemctl >/dev/null; then
        "${root[@]}" systemctl disable nginx.service >>"$log" 2>&1 || true # absent when the installation failed
    fi
    if ((status != 0)); then
        tail -n 25 "$log" >&2
        die "apt-get failed; all of it is in $log"
    fi
    rm -f "$log"
}
