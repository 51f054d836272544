# The demo: what an orchestration API, a signer and an auditor do with the appliance, with other people's tools (curl,
# oathtool, openssl, sha256sum, pdfsig, qpdf), except for the auditor's verifier. To be sourced after instance.sh. Any check that
# fails ends it with a status other than 0.

step() {
    step_number=$((${step_number:-0} + 1))
    printf '\n%s\n' "${bold}${blue}$step_number.${plain}${bold} $*${plain}"
}

# api METHOD PATH [JSON]: the answer's body in $answer; ends the demo unless it is a 2xx.
api() {
    api_any "$@"
    [[ $answer_status == 2?? ]] || die "$1 $2 answered $answer_status: $answer"
}

# The same for an answer that may be a refusal: its status is in $answer_status.
api_any() {
    local body=() # "@FILE": what is too long for a command line
    (($# < 3)) || body=(--header "Content-Type: application/json" --data-binary "$3")
    answer=$(curl --silent --show-error --noproxy '*' --max-time 30 --cacert "$SIGILLO_CACERT" \
        --cert "$SIGILLO_CERT" --key "$SIGILLO_KEY" --request "$1" "${body[@]}" \
        --write-out '\n%{http_code}' "$SIGILLO_API$2") || die "$1 $2: no answer; is it up? (packaging/quickstart.sh up)"
    answer_status=${answer##*$'\n'}
    answer=${answer%$'\n'*}
}

from_answer() { jq -er "$1" <<<"$answer" || die "no $1 in the answer: $answer"; }

totp_now() { oathtool --totp --base32 "$1"; }

demo() {
    [[ -s $home/client.env ]] || die "no instance in $home: packaging/quickstart.sh up"
    # shellcheck disable=SC1091
    source "$home/client.env"
    local work=$home/demo/$(date -u +%Y%m%dT%H%M%S)-$$
    umask 077
    mkdir -p "$work"
    step_number=0
    demo_enrol
    demo_authorize
    demo_sign
    demo_verify
    demo_time_stamp
    demo_replay
    demo_audit
    demo_documents
    demo_summary
}

demo_enrol() {
    step "The orchestration API enrols a signer, over mTLS"
    api POST /v1/signers '{"name":{"given":"Giulia","family":"Esempio"},"country":"IT","email":"giulia@example.com",
        "language":"it","identifiers":[{"type":"tax_code","value":"SMPGLI85A41L219X"}]}'
    signer=$(from_answer .signerID)
    good "signer $signer (Giulia Esempio)"

    step "The signer enrols an authenticator app (TOTP, RFC 6238)"
    api POST "/v1/signers/$signer/factors" '{"type":"totp"}'
    local otpauth
    otpauth=$(from_answer .otpauth)
    seed=$(sed -n 's/.*[?&]secret=\([A-Z2-7]*\).*/\1/p' <<<"$otpauth")
    [[ -n $seed ]] || die "the otpauth URI holds no secret"
    if [[ -t 1 ]]; then
        qrencode --type ANSIUTF8 --margin 1 -- "$otpauth"
        note "scan it if you like: it is the only time that the seed is shown"
    fi
    good "factor $(from_answer .factorID); this script plays the phone with oathtool"

    step "A key for the signer is generated in the HSM and certified by the embedded CA"
    api POST /v1/credentials "{\"signerID\":\"$signer\",\"class\":\"advanced\",\"key\":{\"algo\":\"EC-P256\"},
        \"activation\":\"totp\",\"certificate\":{\"source\":\"embedded\"}}"
    credential=$(from_answer .credentialID)
    api POST /csc/v2/credentials/info "{\"credentialID\":\"$credential\",\"certificates\":\"chain\",\"certInfo\":true}"
    from_answer '.cert.certificates[0]' | base64 -d | openssl x509 -inform DER -out "$work/signer.crt" ||
        die "the signer's certificate is none"
    good "credential $credential"
    good "$(openssl x509 -in "$work/signer.crt" -noout -subject -nameopt RFC2253,-esc_msb,utf8)"
    note "private key: made in the HSM, kept wrapped under the HSM's key; activation policy: totp"
}

demo_authorize() {
    step "The signer activates the key, for this document's hash and nothing else"
    cp "$repository/packaging/samples/contract.pdf" "$work/contract.pdf"
    hash=$(openssl dgst -sha256 -binary "$work/contract.pdf" | base64 -w0)
    good "contract.pdf, SHA-256 $(sha256sum <"$work/contract.pdf" | cut -d' ' -f1)"
    otp=$(totp_now "$seed")
    authorization="{\"credentialID\":\"$credential\",\"numSignatures\":1,\"hashes\":[\"$hash\"],
        \"hashAlgorithmOID\":\"2.16.840.1.101.3.4.2.1\",\"authData\":[{\"id\":\"totp\",\"value\":\"$otp\"}]}"
    api POST /csc/v2/credentials/authorize "$authorization"
    sad=$(from_answer .SAD)
    good "the app shows $otp; credentials/authorize accepts it"
    good "signature activation data (SAD): single-use, for one hash, for $(from_answer .expiresIn) s"
}

demo_sign() {
    step "The key signs (CSC API v2, signatures/signHash)"
    api POST /csc/v2/signatures/signHash "{\"credentialID\":\"$credential\",\"SAD\":\"$sad\",\"hashes\":[\"$hash\"],
        \"hashAlgorithmOID\":\"2.16.840.1.101.3.4.2.1\",\"signAlgo\":\"1.2.840.10045.4.3.2\"}"
    from_answer '.signatures[0]' | base64 -d >"$work/contract.pdf.sig"
    good "a detached ECDSA signature of $(stat -c %s "$work/contract.pdf.sig") bytes, beside the PDF"
    note "contract.pdf itself is unchanged: signatures inside the PDF come at the end"
}

demo_verify() {
    step "openssl verifies it, knowing only the CA certificate"
    curl --silent --show-error --fail --noproxy '*' "$SIGILLO_PKI/ca.crl" |
        openssl crl -inform DER -out "$work/ca.crl" || die "no CRL under $SIGILLO_PKI"
    openssl verify -crl_check -CAfile "$SIGILLO_SIGNERS_CA" -CRLfile "$work/ca.crl" "$work/signer.crt" >"$work/verify.txt" 2>&1 ||
        die "the chain does not hold: $(cat "$work/verify.txt")"
    good "the certificate chains to the signers' CA, is valid now and not revoked"
    openssl x509 -in "$work/signer.crt" -noout -pubkey >"$work/signer.pub"
    openssl dgst -sha256 -verify "$work/signer.pub" -signature "$work/contract.pdf.sig" "$work/contract.pdf" >"$work/verify.txt" 2>&1 ||
        die "the signature does not hold: $(cat "$work/verify.txt")"
    good "openssl dgst -verify contract.pdf: $(cat "$work/verify.txt")"
    { cat "$work/contract.pdf" && printf ' '; } >"$work/tampered.pdf"
    ! openssl dgst -sha256 -verify "$work/signer.pub" -signature "$work/contract.pdf.sig" "$work/tampered.pdf" >"$work/verify.txt" 2>&1 ||
        die "the signature holds for a changed PDF too"
    good "with one byte more in the PDF: $(head -n 1 "$work/verify.txt")"
    rm -f "$work/tampered.pdf" "$work/verify.txt"
}

demo_time_stamp() {
    step "A time stamp for the signed document (RFC 3161), by the appliance's own TSA"
    openssl ts -query -data "$work/contract.pdf" -sha256 -cert -out "$work/contract.tsq" 2>/dev/null ||
        die "openssl ts -query made no request"
    curl --silent --show-error --fail --noproxy '*' --max-time 30 --header "Content-Type: application/timestamp-query" \
        --data-binary "@$work/contract.tsq" --output "$work/contract.tsr" "$SIGILLO_TSA" || die "no answer from $SIGILLO_TSA"
    openssl ts -reply -in "$work/contract.tsr" -text >"$work/token.txt" 2>/dev/null || die "the answer is no TimeStampResp"
    grep -q '^Status: Granted' "$work/token.txt" || die "no time stamp: $(cat "$work/token.txt")"
    good "$(sed -n 's/^Time stamp: /genTime /p' "$work/token.txt"), policy $(sed -n 's/^Policy OID: //p' "$work/token.txt")"
    openssl ts -verify -data "$work/contract.pdf" -in "$work/contract.tsr" -CAfile "$SIGILLO_TSA_CA" >"$work/verify.txt" 2>&1 ||
        die "the time stamp does not hold: $(cat "$work/verify.txt")"
    openssl ts -verify -queryfile "$work/contract.tsq" -in "$work/contract.tsr" -CAfile "$SIGILLO_TSA_CA" \
        >"$work/verify.txt" 2>&1 || die "the time stamp does not answer the request: $(cat "$work/verify.txt")"
    good "openssl ts -verify: $(grep '^Verification' "$work/verify.txt")"
    curl --silent --show-error --fail --noproxy '*' --max-time 30 --cacert "$SIGILLO_CACERT" \
        --header "Content-Type: application/timestamp-query" --data-binary "@$work/contract.tsq" \
        --output "$work/verify.tsr" "$SIGILLO_TSA_TLS" || die "no answer from $SIGILLO_TSA_TLS"
    openssl ts -verify -queryfile "$work/contract.tsq" -in "$work/verify.tsr" -CAfile "$SIGILLO_TSA_CA" \
        >"$work/verify.txt" 2>&1 || die "the time stamp over TLS does not hold: $(cat "$work/verify.txt")"
    good "and another one over TLS"
    note "nothing stands behind this machine's clock, and the policy of its tokens says so"
    token_serial=$(sed -n 's/^Serial number: 0x//p' "$work/token.txt" | tr 'A-F' 'a-f')
    rm -f "$work/verify.txt" "$work/verify.tsr" "$work/token.txt"
}

demo_replay() {
    step "The same one-time password is refused a second time"
    api_any POST /csc/v2/credentials/authorize "$authorization"
    [[ $answer_status == 400 && $(jq -r .error <<<"$answer") == invalid_otp ]] ||
        die "the spent OTP was answered with $answer_status: $answer"
    good "$otp again: HTTP $answer_status $(jq -c . <<<"$answer")"
}

demo_audit() {
    step "An auditor, with the log's files and its public key alone"
    # Checkpoints are published within a second of the event.
    local end=$((SECONDS + 10)) count='' intent
    until [[ $count == 1 ]]; do
        ((SECONDS < end)) || die "the use does not appear in the log: $(cat "$work/uses.json" "$work/audit.err")"
        [[ -z $count ]] || sleep 0.2
        "$SIGILLO_BIN/sigillo-audit" uses --json --log "$SIGILLO_LOG" --key "$SIGILLO_LOG_VKEY" \
            --credential "$credential" >"$work/uses.json" 2>"$work/audit.err" || die "sigillo-audit uses: $(cat "$work/audit.err")"
        count=$(jq '[.uses[] | select(.result == "signed")] | length' "$work/uses.json")
    done
    "$SIGILLO_BIN/sigillo-audit" verify --log "$SIGILLO_LOG" --key "$SIGILLO_LOG_VKEY" >"$work/audit.txt" 2>"$work/audit.err" ||
        die "the log does not hold: $(cat "$work/audit.err")"
    sed -n '/./{s/^/    /;p}' "$work/audit.txt"
    jq -e --arg hash "$hash" '.complete and (.uses | length == 1) and .uses[0].hashes == [$hash]' "$work/uses.json" >/dev/null ||
        die "the log tells another story: $(cat "$work/uses.json")"
    good "all uses of this key: one, and it is this document's hash"
    jq -e --arg digest "$(openssl dgst -sha256 -binary "$work/contract.pdf.sig" | base64 -w0)" \
        '.uses[0].signatures == [$digest]' "$work/uses.json" >/dev/null || die "the log names another signature"
    good "the log names this signature by its SHA-256"
    intent=$(jq -er '.uses[0].intent' "$work/uses.json")
    "$SIGILLO_BIN/sigillo-audit" prove "$intent" --log "$SIGILLO_LOG" --key "$SIGILLO_LOG_VKEY" --out "$work/proof.json" \
        2>"$work/audit.err" || die "no proof: $(cat "$work/audit.err")"
    "$SIGILLO_BIN/sigillo-audit" check-proof "$work/proof.json" --key "$SIGILLO_LOG_VKEY" >"$work/audit.txt" 2>&1 ||
        die "the proof does not hold: $(cat "$work/audit.txt")"
    good "proof.json: leaf $intent is in the log, checked without the log at hand"
    "$SIGILLO_BIN/sigillo-audit" verify --log "$SIGILLO_TSA_LOG" --key "$SIGILLO_TSA_LOG_VKEY" >"$work/audit.txt" 2>"$work/audit.err" ||
        die "the TSA's log does not hold: $(cat "$work/audit.err")"
    end=$((SECONDS + 10)) count=''
    until [[ $count == 1 ]]; do
        ((SECONDS < end)) || die "the time stamp does not appear in the TSA's log"
        [[ -z $count ]] || sleep 0.2
        "$SIGILLO_BIN/sigillo-audit" tokens --json --log "$SIGILLO_TSA_LOG" --key "$SIGILLO_TSA_LOG_VKEY" \
            >"$work/tokens.json" 2>"$work/audit.err" || die "sigillo-audit tokens: $(cat "$work/audit.err")"
        count=$(jq --arg serial "$token_serial" --arg hash "$hash" \
            '[.tokens[] | select(.serial == $serial and .imprint == $hash)] | length' "$work/tokens.json")
    done
    good "the TSA's own log names the time stamp: serial $token_serial, with this document's hash"
    rm -f "$work/audit.txt" "$work/audit.err"
}

# sign_pdf IN OUT CREDENTIAL SEED PLACE: activates the key for this very document, and has it signed PAdES-B-LT with a
# visible signature in that place of page 1.
sign_pdf() {
    local digest document_sad
    digest=$(openssl dgst -sha256 -binary "$1" | base64 -w0)
    api POST /csc/v2/credentials/authorize "{\"credentialID\":\"$3\",\"numSignatures\":1,\"hashes\":[\"$digest\"],
        \"hashAlgorithmOID\":\"2.16.840.1.101.3.4.2.1\",\"hashType\":\"sdr\",
        \"authData\":[{\"id\":\"totp\",\"value\":\"$(totp_next "$4")\"}]}"
    document_sad=$(from_answer .SAD)
    base64 -w0 "$1" >"$work/document.b64"
    jq -cn --rawfile document "$work/document.b64" --arg credential "$3" --arg sad "$document_sad" --arg place "$5" '{
        credentialID: $credential, SAD: $sad, documents: [{
            document: $document, signature_format: "P", conformance_level: "AdES-B-LT",
            signed_envelope_property: "Revision", signAlgo: "1.2.840.10045.4.3.2",
            visible_signature: {page: 1, position: $place, background: "#eef5f7", padding: 10, text: [
                {format: ["SIGNED ELECTRONICALLY BY"], font: {name: "DejaVuSans-Bold", size: 6}, colour: "#0f5c6b", valign: "top"},
                {format: ["{name}"], font: {name: "DejaVuSans-Bold", size: 13}, colour: "#212938"},
                {format: ["{time}"], font: {size: 8}, colour: "#6b7587", valign: "bottom"}]}}]}' \
        >"$work/request.json"
    api POST /csc/v2/signatures/signDoc "@$work/request.json"
    from_answer '.DocumentWithSignature[0]' | base64 -d >"$2"
    rm -f "$work/document.b64" "$work/request.json"
}

# A code that the app has not shown yet: each is good for one use.
totp_next() { oathtool --totp --base32 --now "$(date -u -d '+30 seconds' '+%Y-%m-%d %H:%M:%S UTC')" "$1"; }

demo_documents() {
    step "Both parties sign the contract itself: PAdES-B-LT, one after the other, visible on page 1"
    local lender lender_seed lender_credential signatures
    api POST /v1/signers '{"name":{"given":"Marco","family":"Ferraris"},"country":"IT","organization":"Ciclofficina Aurora S.r.l.",
        "email":"marco@example.com","language":"it"}'
    lender=$(from_answer .signerID)
    api POST "/v1/signers/$lender/factors" '{"type":"totp"}'
    lender_seed=$(from_answer .otpauth | sed -n 's/.*[?&]secret=\([A-Z2-7]*\).*/\1/p')
    api POST /v1/credentials "{\"signerID\":\"$lender\",\"class\":\"advanced\",\"key\":{\"algo\":\"EC-P256\"},
        \"activation\":\"totp\",\"certificate\":{\"source\":\"embedded\"}}"
    lender_credential=$(from_answer .credentialID)
    sign_pdf "$work/contract.pdf" "$work/contract-lender.pdf" "$lender_credential" "$lender_seed" "rect: 64, 156, 287, 218"
    good "Marco Ferraris signed for the lender (signatures/signDoc): contract-lender.pdf"
    sign_pdf "$work/contract-lender.pdf" "$work/contract-signed.pdf" "$credential" "$seed" "rect: 308, 156, 531, 218"
    good "Giulia Esempio signed what he had signed: contract-signed.pdf"
    cmp -s -n "$(stat -c %s "$work/contract-lender.pdf")" "$work/contract-lender.pdf" "$work/contract-signed.pdf" ||
        die "the second signature changed what the first one covers"
    note "her signature leaves every byte of his file in place; chain, time stamp and revocation data are in the file"

    step "pdfsig (Poppler) opens it and checks both, trusting the CA certificate and nothing else"
    rm -rf "$work/nss"
    mkdir "$work/nss"
    certutil -d "sql:$work/nss" -N --empty-password
    certutil -d "sql:$work/nss" -A -n signers -t CT,C,C -a -i "$SIGILLO_SIGNERS_CA"
    # It reads no revocation data in the file (Poppler 22.12): it asks the CA's OCSP responder, as the certificates say.
    pdfsig -nssdir "sql:$work/nss" "$work/contract-signed.pdf" >"$work/pdfsig.txt" 2>&1 ||
        die "pdfsig does not accept it: $(cat "$work/pdfsig.txt")"
    signatures=$(grep -c 'Signature Validation: Signature is Valid' "$work/pdfsig.txt") || true
    [[ $signatures == 2 && $(grep -c 'Certificate Validation: Certificate is Trusted' "$work/pdfsig.txt") == 2 ]] ||
        die "pdfsig does not find two valid signatures: $(cat "$work/pdfsig.txt")"
    grep -q 'Signer Certificate Common Name: Marco Ferraris' "$work/pdfsig.txt" &&
        grep -q 'Signer Certificate Common Name: Giulia Esempio' "$work/pdfsig.txt" || die "other names: $(cat "$work/pdfsig.txt")"
    sed -n '/^Signature #\|Common Name\|Signing Time\|Validation:/{s/^ *- */  /;s/^/    /;p}' "$work/pdfsig.txt"
    good "two signatures, both valid, both trusted"
    { head -c 3000 "$work/contract-signed.pdf" && printf 'X' && tail -c +3002 "$work/contract-signed.pdf"; } >"$work/tampered.pdf"
    ! pdfsig -nssdir "sql:$work/nss" "$work/tampered.pdf" 2>/dev/null | grep -q 'Signature is Valid' ||
        die "the signatures hold for a changed PDF too"
    good "with one byte changed: neither is"
    qpdf --check "$work/contract-signed.pdf" >"$work/qpdf.txt" 2>&1 || die "qpdf: $(cat "$work/qpdf.txt")"
    good "qpdf --check finds nothing wrong with the file"
    # The DSS dictionary (ISO 32000-2 §12.8.4.3): what a validator needs in years, when nobody answers any more.
    qpdf --json=2 --json-key=qpdf "$work/contract-signed.pdf" | jq -r '.qpdf[1] as $file | def at($reference): $file["obj:" + $reference].value;
        at(at($file.trailer.value["/Root"])["/DSS"]) | [.["/VRI", "/Certs", "/OCSPs", "/CRLs"] | length] | join(" ")' >"$work/dss.txt" ||
        die "qpdf finds no validation data in the file"
    local signed certificates ocsps crls
    read -r signed certificates ocsps crls <"$work/dss.txt"
    ((signed == 2 && certificates >= 3 && ocsps + crls >= 2)) || die "validation data are missing: $(cat "$work/dss.txt")"
    good "in it for both signatures: $certificates certificates, $ocsps OCSP answers, $crls CRLs; good when nobody answers any more"
    rm -rf "$work/nss" "$work/tampered.pdf" "$work/qpdf.txt" "$work/dss.txt"
}

demo_summary() {
    printf '\n%s\n' "${bold}${green}All checks passed.${plain} The appliance goes on running."
    say "  $work"
    note "contract-signed.pdf              the contract with both signatures: open it in your PDF reader"
    note "contract-lender.pdf  pdfsig.txt  what it was after the first one, and what pdfsig said of both"
    note "contract.pdf  contract.pdf.sig   the document and its detached signature"
    note "signer.crt  ca.crl               the signer's certificate and the CRL that openssl looked at"
    note "contract.tsq  contract.tsr       the request for a time stamp, and the time stamp"
    note "uses.json  tokens.json  proof.json   what the auditor found"
    note "Keys live in SoftHSM here: software, no certified device. A qualified service puts a certified HSM in its place."
}
