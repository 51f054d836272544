#!/bin/bash
# The units mean what they say (systemd-analyze verify) and stay as strict as they are (systemd-analyze security).
# usage: systemd_units_test.sh <source directory>
set -euo pipefail
units=$1/systemd
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

command -v systemd-analyze >/dev/null || { echo "systemd-analyze is missing: install the package systemd"; exit 1; }

# Programs and users need not be installed here: their lines are checked by themselves, below.
for unit in "$units"/*.service; do
    sed -E -e 's#^ExecStart=\S+#ExecStart=/bin/true#' -e '/^(User|Group)=/d' "$unit" > "$scratch/${unit##*/}"
done

# `security` counts only what the unit itself says, so nginx's drop-in is judged on a unit that consists of it.
{ printf '[Unit]\nDescription=nginx\n[Service]\nExecStart=/bin/true\n'; sed -n '/^\[Service\]/,$p' "$units/nginx.service.d/sigillo.conf" | tail -n +2; } > "$scratch/nginx-judged.service"

# Only what is said about our units: the host's own may have complaints.
if complaints=$(systemd-analyze verify --man=no "$scratch"/*.service 2>&1 | grep -E "sigillo|nginx-judged"); then
    echo "systemd-analyze verify:"; echo "$complaints"; failed=1
fi

judge() {  # unit, the exposure (times ten) that it must not exceed
    local answer
    if ! answer=$(systemd-analyze security --offline=yes --no-pager --threshold="$2" "$scratch/$1" 2>&1); then
        echo "$answer"; failed=1
    fi
    printf '%s: %s\n' "$1" "$(grep -o 'Overall exposure level.*' <<<"$answer")"
}
# User= was taken out above; `security` counts it, so it is put back in for this.
for unit in sigillod sigillo-api sigillo-doc sigillo-public; do
    sed -i "/^\[Service\]/a User=$unit" "$scratch/$unit.service"
    judge $unit.service 10
done
# It has a network, which costs what the others do not pay.
sed -i "/^\[Service\]/a User=sigillo-fetch" "$scratch/sigillo-fetch.service"
judge sigillo-fetch.service 20
judge nginx-judged.service 50

# Each process has a user of its own, which sysusers.d makes.
for unit in sigillod sigillo-api sigillo-doc sigillo-public sigillo-fetch; do
    grep -qx "User=$unit" "$units/$unit.service" || { echo "$unit.service: User=$unit is missing"; failed=1; }
    grep -qE "^u $unit " "$units/sysusers.d/sigillo.conf" || { echo "sysusers.d: user $unit is missing"; failed=1; }
done
# What stands between a request and the signing thread does not take the processor from it (systemd/README.md).
for unit in sigillod.service sigillo-api.service sigillo-public.service sigillo-doc.service sigillo-fetch.service nginx.service.d/sigillo.conf; do
    grep -qx 'CPUSchedulingPolicy=batch' "$units/$unit" || { echo "$unit: CPUSchedulingPolicy=batch is missing"; failed=1; }
done
# Without these the processes could not confine themselves, and would not start.
for unit in sigillod sigillo-api sigillo-doc sigillo-public sigillo-fetch; do
    grep -q '^SystemCallFilter=seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self$' "$units/$unit.service" ||
        { echo "$unit.service: its filter must allow seccomp and Landlock"; failed=1; }
done
# SO_PEERCRED answers 65534 for everybody inside a user namespace.
for unit in sigillod sigillo-doc sigillo-fetch; do
    if grep -q '^PrivateUsers=yes' "$units/$unit.service"; then echo "$unit.service: PrivateUsers"; failed=1; fi
done

# The folders can be made as written, by systemd's own tools, in a root of their own (as root only: owners).
if command -v systemd-sysusers >/dev/null && command -v systemd-tmpfiles >/dev/null && [ "$(id -u)" = 0 ]; then
    mkdir -p "$scratch/root/etc"
    printf 'root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\n' > "$scratch/root/etc/passwd"
    printf 'root:x:0:\nwww-data:x:33:\n' > "$scratch/root/etc/group"
    systemd-sysusers --root="$scratch/root" "$units/sysusers.d/sigillo.conf" > "$scratch/out" 2>&1 || { cat "$scratch/out"; failed=1; }
    systemd-tmpfiles --root="$scratch/root" --create "$units/tmpfiles.d/sigillo.conf" > "$scratch/out" 2>&1 || { cat "$scratch/out"; failed=1; }
    for entry in 'run/sigillo/admin 2750' 'etc/sigillo/secret 700' 'var/lib/sigillo/store 700' 'run/sigillo/fetch 2750' 'var/lib/sigillo-fetch 700'; do
        set -- $entry
        mode=$(stat -c %a "$scratch/root/$1") || { failed=1; continue; }
        [ "$mode" = "$2" ] || { echo "$1 has mode $mode instead of $2"; failed=1; }
    done
fi
exit $failed
