# ctest: TIMEOUT 240
"""OCSP behind its nginx: openssl and Python's cryptography ask, and judge the answers."""
import base64
import subprocess
import unittest
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

import harness
from api_client import ApiClient

REQUEST, RESPONSE = "application/ocsp-request", "application/ocsp-response"
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
MALFORMED, TRY_LATER, UNAUTHORIZED = (ocsp.OCSPResponseStatus.MALFORMED_REQUEST, ocsp.OCSPResponseStatus.TRY_LATER,
                                      ocsp.OCSPResponseStatus.UNAUTHORIZED)


class Ocsp(harness.InstanceTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.http = ApiClient(cls.instance, port=cls.instance.tsa_port, tls=False)
        cls.scratch = cls.instance.home / "asked"
        cls.scratch.mkdir()
        cls.ca_file = cls.instance.home / "signers-ca.crt"
        cls.ca = x509.load_pem_x509_certificate(cls.ca_file.read_bytes())

    # ---- what is asked ------------------------------------------------------------------------------------------------

    def certificate(self, credential):
        return x509.load_der_x509_certificate(self.client.leaf(credential.id))

    def credential(self):
        made = self.client.credential_by_click()
        return made, self.certificate(made)

    def request(self, certificate, algorithm=hashes.SHA1(), nonce=None):
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, self.ca, algorithm)
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), False)
        return builder.build().public_bytes(serialization.Encoding.DER)

    def post(self, der):
        answer = self.http.request("POST", "/pki/ocsp", der, {"Content-Type": REQUEST})
        self.assertEqual((200, RESPONSE), (answer.status, answer.headers["content-type"]), answer.body)
        return answer

    def answer(self, der):
        return ocsp.load_der_ocsp_response(self.post(der).body)

    def standing(self, certificate, algorithm=hashes.SHA1()):
        """The verified answer about one certificate."""
        response = self.answer(self.request(certificate, algorithm))
        self.assertEqual(ocsp.OCSPResponseStatus.SUCCESSFUL, response.response_status)
        self.verify(response)
        self.assertEqual(certificate.serial_number, response.serial_number)
        return response

    def verify(self, response):
        """By the delegated responder's certificate, and that by the CA's."""
        responder, = response.certificates
        responder.public_key().verify(response.signature, response.tbs_response_bytes,
                                      ec.ECDSA(response.signature_hash_algorithm))
        self.ca.public_key().verify(responder.signature, responder.tbs_certificate_bytes,
                                    ec.ECDSA(responder.signature_hash_algorithm))
        usage = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        self.assertEqual([x509.ExtendedKeyUsageOID.OCSP_SIGNING], list(usage))
        responder.extensions.get_extension_for_class(x509.OCSPNoCheck)

    def openssl(self, *arguments):
        return subprocess.run(["openssl", "ocsp", *map(str, arguments)], capture_output=True, text=True, check=False,
                              timeout=60)

    def pem(self, certificate, name="cert"):
        path = self.scratch / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path

    # ---- standing -------------------------------------------------------------------------------------------------------

    def test_a_change_of_status_is_seen_at_once(self):
        made, certificate = self.credential()
        self.assertEqual(GOOD, self.standing(certificate).certificate_status)

        def set_status(status, reason=""):
            answer = self.client.request("POST", f"/v1/credentials/{made.id}/status", {"status": status, "reason": reason})
            self.assertLess(answer.status, 300, answer.body)
        set_status("suspended")
        held = self.standing(certificate)
        self.assertEqual((REVOKED, x509.ReasonFlags.certificate_hold), (held.certificate_status, held.revocation_reason))
        set_status("active")
        self.assertEqual(GOOD, self.standing(certificate).certificate_status)
        set_status("revoked", "keyCompromise")
        revoked = self.standing(certificate)
        self.assertEqual((REVOKED, x509.ReasonFlags.key_compromise),
                         (revoked.certificate_status, revoked.revocation_reason))
        self.assertLessEqual(revoked.revocation_time, revoked.this_update)
        self.assertGreater(revoked.next_update, revoked.this_update)

    def test_the_crl_says_the_same(self):
        made, certificate = self.credential()
        self.client.request("POST", f"/v1/credentials/{made.id}/status", {"status": "revoked", "reason": "superseded"})
        crl = x509.load_der_x509_crl(self.http.request("GET", "/pki/ca.crl").body)
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        ocsp_says = self.standing(certificate)
        self.assertEqual(entry.revocation_date, ocsp_says.revocation_time)
        self.assertEqual(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason, ocsp_says.revocation_reason)
        # What a validator wants of a list in a document (RFC 5280 §5.2).
        self.assertTrue(crl.is_signature_valid(self.ca.public_key()))
        crl.extensions.get_extension_for_class(x509.CRLNumber)
        crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        self.assertIsNotNone(crl.next_update)

    def test_a_deleted_credential_s_certificate_is_revoked(self):
        made, certificate = self.credential()
        self.assertEqual(204, self.client.request("DELETE", f"/v1/credentials/{made.id}").status)
        gone = self.standing(certificate)
        self.assertEqual((REVOKED, x509.ReasonFlags.cessation_of_operation),
                         (gone.certificate_status, gone.revocation_reason))

    def test_a_serial_that_was_never_issued_is_unknown_and_another_issuer_s_unauthorized(self):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name.from_rfc4514_string("CN=stranger")
        _, certificate = self.credential()
        builder = (x509.CertificateBuilder().public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(certificate.not_valid_before).not_valid_after(certificate.not_valid_after))
        forged = builder.issuer_name(self.ca.subject).subject_name(name).sign(key, hashes.SHA256())
        self.assertEqual(UNKNOWN, self.standing(forged).certificate_status)
        stranger = builder.issuer_name(name).subject_name(name).sign(key, hashes.SHA256())
        foreign = (ocsp.OCSPRequestBuilder().add_certificate(stranger, stranger, hashes.SHA1()).build()
                   .public_bytes(serialization.Encoding.DER))
        self.assertEqual(UNAUTHORIZED, self.answer(foreign).response_status)

    def test_a_time_stamping_unit_s_certificate_is_known_and_can_be_revoked(self):
        self.instance.ctl("tsu", "create", "--name", "second", "--country", "IT", "--organization", "Sigillo",
                          "--common-name", "TSU 2", "--embedded")
        units = self.instance.ctl("tsu", "list")
        unit = next(u for u in units if u["name"] == "second")
        certificate = x509.load_der_x509_certificate(base64.b64decode(unit["chain"][0]["der"]))
        self.assertEqual(GOOD, self.standing(certificate).certificate_status)
        self.instance.ctl("tsu", "revoke", unit["unitID"], "--revocation", "keyCompromise", "--reason", "a test")
        revoked = self.standing(certificate)
        self.assertEqual((REVOKED, x509.ReasonFlags.key_compromise),
                         (revoked.certificate_status, revoked.revocation_reason))
        crl = x509.load_der_x509_crl(self.http.request("GET", "/pki/ca.crl").body)
        self.assertIsNotNone(crl.get_revoked_certificate_by_serial_number(certificate.serial_number))

    # ---- other people's clients -------------------------------------------------------------------------------------------

    def test_every_certificate_says_where_to_ask_and_openssl_asks_there(self):
        _, certificate = self.credential()
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        urls = [entry.access_location.value for entry in access
                if entry.access_method == x509.AuthorityInformationAccessOID.OCSP]
        self.assertEqual([f"http://localhost:{self.instance.tsa_port}/pki/ocsp"], urls)
        file = self.pem(certificate)
        for algorithm in ("-sha1", "-sha256", "-sha384", "-sha512"):
            for nonce in ("-nonce", "-no_nonce"):
                said = self.openssl(algorithm, "-issuer", self.ca_file, "-cert", file, "-url", urls[0], nonce,
                                    "-CAfile", self.ca_file)
                self.assertIn("Response verify OK", said.stderr + said.stdout, algorithm)
                self.assertIn(": good", said.stdout, algorithm)
                self.assertNotIn("WARNING", said.stderr, algorithm)

    def test_several_certificates_in_one_request(self):
        files = [self.pem(self.credential()[1], f"several-{n}") for n in range(3)]
        said = self.openssl("-issuer", self.ca_file, *(w for f in files for w in ("-cert", f)), "-url",
                            f"http://localhost:{self.instance.tsa_port}/pki/ocsp", "-CAfile", self.ca_file)
        self.assertEqual(3, said.stdout.count(": good"), said.stdout + said.stderr)

    # ---- GET and its caching ----------------------------------------------------------------------------------------------

    def test_get_takes_base64_however_it_is_escaped_and_may_be_cached_for_a_minute(self):
        answers = set()
        for _ in range(40):  # until one has a slash or a plus in it
            _, certificate = self.credential()
            der = self.request(certificate)
            text = base64.b64encode(der).decode()
            if "/" in text and "+" in text:
                break
        paths = [urllib.parse.quote(text, safe=""), text, text.rstrip("="), base64.urlsafe_b64encode(der).decode()]
        for path in paths:
            answer = self.http.request("GET", "/pki/ocsp/" + path)
            self.assertEqual((200, RESPONSE), (answer.status, answer.headers["content-type"]), path)
            response = ocsp.load_der_ocsp_response(answer.body)
            self.assertEqual(GOOD, response.certificate_status, path)
            self.verify(response)
            answers.add(answer.body)
            self.assertEqual("max-age=60, public, no-transform, must-revalidate", answer.headers["cache-control"])
            for header in ("last-modified", "expires", "etag"):
                self.assertIn(header, answer.headers)
        self.assertEqual(1, len(answers), "without a nonce the answer is the same for a while")

    def test_a_nonce_is_echoed_and_nothing_about_it_is_cached(self):
        _, certificate = self.credential()
        der = self.request(certificate, nonce=b"n" * 32)
        bodies = {self.post(der).body for _ in range(2)}
        self.assertEqual(2, len(bodies))
        for body in bodies:
            response = ocsp.load_der_ocsp_response(body)
            self.assertEqual(b"n" * 32, response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce[-32:])
        answer = self.http.request("GET", "/pki/ocsp/" + urllib.parse.quote(base64.b64encode(der).decode(), safe=""))
        self.assertEqual("no-store", answer.headers["cache-control"])
        self.assertEqual("no-store", self.post(self.request(certificate)).headers["cache-control"])

    # ---- what goes wrong --------------------------------------------------------------------------------------------------

    def test_wrong_requests_are_answered_in_ocsp_s_own_words(self):
        _, certificate = self.credential()
        good = self.request(certificate)
        too_long = self.request(certificate, nonce=b"n" * 33)
        for wrong in (b"", b"\x30\x00", good[:-1], good + b"\x00", b"\xff" * 100, b"\x30" * 9000, too_long):
            self.assertEqual(MALFORMED, self.answer(wrong).response_status, wrong[:20])
        for path in ("/pki/ocsp/!", "/pki/ocsp/AAAA", "/pki/ocsp/AAAA%25", "/pki/ocsp/" + "A" * 4000):
            answer = self.http.request("GET", path)
            self.assertEqual((200, RESPONSE, "no-store"),
                             (answer.status, answer.headers["content-type"], answer.headers["cache-control"]), path)
            self.assertEqual(MALFORMED, ocsp.load_der_ocsp_response(answer.body).response_status, path)
        self.assertEqual(400, self.http.request("GET", "/pki/ocsp/%zz").status, "nginx knows no such URL")

    def test_what_is_no_ocsp_is_answered_by_http(self):
        self.assertEqual(415, self.http.request("POST", "/pki/ocsp", b"{}", {"Content-Type": "application/json"}).status)
        self.assertEqual(405, self.http.request("GET", "/pki/ocsp").status)
        self.assertEqual(404, self.http.request("GET", "/pki/ocsp/").status)
        self.assertEqual(405, self.http.request("POST", "/pki/ocsp/AAAA", b"", {"Content-Type": REQUEST}).status)
        self.assertEqual(404, self.http.request("GET", "/pki/ocspx").status)

    def test_while_sigillod_is_away_the_answer_is_try_later(self):
        _, certificate = self.credential()
        der = self.request(certificate)
        self.instance.stop("sigillod")
        self.assertEqual(TRY_LATER, self.answer(der).response_status)
        self.instance.start("sigillod")
        harness.wait_until(lambda: self.answer(der).response_status == ocsp.OCSPResponseStatus.SUCCESSFUL, 20,
                           "an answer after the restart")

    # ---- the responder's key ------------------------------------------------------------------------------------------------

    def test_the_key_survives_a_restart_and_is_in_the_log_and_in_health(self):
        _, certificate = self.credential()
        before = self.standing(certificate).certificates[0]
        self.instance.restart("sigillod")
        harness.wait_until(self.instance.healthy, 30, "a good /healthz")
        self.assertEqual(before, self.standing(certificate).certificates[0])
        self.assertEqual("ok", next(i["state"] for i in self.instance.health()["items"] if i["name"] == "ocsp"))
        metrics = self.client.request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"\nsigillo_ocsp_answers_total [1-9]")
        self.assertEqual(GOOD, self.standing(before).certificate_status)

    def test_sigillo_fetch_is_in_health_and_its_end_is_seen(self):
        items = {i["name"]: i["state"] for i in self.instance.health()["items"]}
        self.assertEqual(("ok", "ok"), (items["fetch"], items["callbacks"]))
        self.assertIn("\nsigillo_fetch_up 1", self.client.request("GET", "/metrics").body.decode())
        self.instance.stop("sigillo-fetch")
        harness.wait_until(lambda: {i["name"]: i["state"] for i in self.instance.health()["items"]}["fetch"] == "degraded", 20,
                           "health that misses sigillo-fetch")
        self.instance.start("sigillo-fetch")
        harness.wait_until(lambda: {i["name"]: i["state"] for i in self.instance.health()["items"]}["fetch"] == "ok", 20,
                           "health that has it again")


class ShortLived(harness.InstanceTest):
    """A responder whose certificate lives for a quarter of a minute: it is replaced while it serves."""

    SETTINGS = {"issuance.ocsp_certificate_s": 15, "issuance.ocsp_renewal_look_s": 1, "issuance.backdate_s": 0}

    def test_the_certificate_is_replaced_before_it_ends(self):
        made = self.client.credential_by_click()
        http = ApiClient(self.instance, port=self.instance.tsa_port, tls=False)
        ca = x509.load_pem_x509_certificate((self.instance.home / "signers-ca.crt").read_bytes())
        certificate = x509.load_der_x509_certificate(self.client.leaf(made.id))
        der = (ocsp.OCSPRequestBuilder().add_certificate(certificate, ca, hashes.SHA256()).build()
               .public_bytes(serialization.Encoding.DER))

        def responder():
            body = http.request("POST", "/pki/ocsp", der, {"Content-Type": REQUEST}).body
            response = ocsp.load_der_ocsp_response(body)
            self.assertEqual(GOOD, response.certificate_status)
            return response.certificates[0]
        first = responder()

        def replaced():
            now = responder()
            return now != first and now.not_valid_after > first.not_valid_after
        harness.wait_until(replaced, 60, "a new certificate")
        self.assertGreaterEqual(self.instance.journal("sigillod", 200).count("ocsp_responder_certified"), 2)


if __name__ == "__main__":
    unittest.main()
