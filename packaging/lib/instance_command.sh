#!/usr/bin/env bash
# The functions of instance.sh for callers that are no shell: the integration tests provision with them, then start the
# processes themselves, so that these die with the test.
#
#   instance_command.sh provision                 files, certificates, key ceremony
#   instance_command.sh check                     the configuration of what does not run, as `up` checks it
#   instance_command.sh argv PROCESS              its command line, NUL-terminated words
#   instance_command.sh register                  the demo client, client.env, trust anchors (sigillod must run)
#   instance_command.sh issue EXTENSIONS NAME STEM [openssl ca options]      a client's certificate: STEM.crt, STEM.key
#   instance_command.sh revoke CERTIFICATE        on the clients' CRL
#
# Environment: as for quickstart.sh.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
for part in console build tls instance; do
    # shellcheck disable=SC1090
    source "$repository/packaging/lib/$part.sh"
done
umask 077
instance_load
command=${1:-}
shift || true
case $command in
provision) instance_provision ;;
check) instance_check_configuration ;;
argv)
    instance_argv "$1"
    printf '%s\0' "${ARGV[@]}"
    ;;
register)
    instance_register_client
    instance_make_unit
    instance_write_trust
    instance_write_client_env
    ;;
issue) tls_issue "$home/tls/clients-ca" "$@" ;;
revoke) tls_revoke "$home/tls/clients-ca" "$1" ;;
*) die "unknown command: $command" ;;
esac
