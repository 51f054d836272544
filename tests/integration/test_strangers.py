"""Clients that are not ours, where test_front_end.py cannot see it from nginx alone: certificates of another CA, valid
ones that nobody registered, and registered ones no more. tests/README.md, 34."""
import http.client
import secrets
import ssl
import subprocess
import unittest

import harness
from api_client import ECDSA_SHA256, SHA256, ApiClient, b64, digest, fake_sad


class Strangers(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.signer = cls.instance.client.signer()
        cls.credential = cls.instance.client.credential_by_click()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def foreign_certificate(self, name, issuer_subject):
        """A client's certificate of a CA that we do not know, whose name may be the one that we do."""
        folder = self.instance.home / "foreign"
        folder.mkdir(exist_ok=True)
        stem = folder / name
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.openssl("req", "-x509", *curve, "-keyout", f"{stem}-ca.key", "-out", f"{stem}-ca.crt", "-days", "30",
                     "-subj", issuer_subject)
        self.openssl("req", *curve, "-keyout", f"{stem}.key", "-out", f"{stem}.csr", "-subj", "/CN=foreign")
        extensions = folder / "extensions"
        extensions.write_text("extendedKeyUsage = clientAuth\nkeyUsage = critical, digitalSignature\n", encoding="ascii")
        self.openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", f"{stem}-ca.crt", "-CAkey", f"{stem}-ca.key", "-days",
                     "30", "-extfile", extensions, "-out", f"{stem}.crt", "-CAcreateserial")
        return f"{stem}.crt", f"{stem}.key"

    def refusal(self, certificate, key):
        try:
            answer = ApiClient(self.instance, certificate, key).request("GET", "/csc/v2/info")
            return answer.status
        except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
            return "handshake"

    def test_a_client_certificate_of_another_ca_is_refused_even_under_our_ca_s_name(self):
        subject = subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "compat", "-in",
                                  str(self.instance.home / "tls/clients-ca/ca.crt")],
                                 check=True, capture_output=True, text=True).stdout.split("subject=")[1].strip()
        subject = subject if subject.startswith("/") else "/" + subject.replace(", ", "/").replace(" = ", "=")
        for name, issuer in (("other", "/CN=Somebody else's CA"), ("same-name", subject)):
            self.assertIn(self.refusal(*self.foreign_certificate(name, issuer)), (400, "handshake"), name)

    def test_a_client_that_nobody_registered_is_refused_whatever_it_asks(self):
        stranger = ApiClient(self.instance, *self.instance.issue("stranger"))
        before = self.client.expect("GET", "/v1/signers?limit=1000")
        for path, known in self.client.operations().items():
            if path in ("/csc/v2/info", "/healthz", "/metrics", "/openapi.yaml"):
                continue
            concrete = path.replace("{signerID}", self.signer).replace("{credentialID}", self.credential.id) \
                .replace("{factorID}", secrets.token_hex(16))
            for method in known:
                with self.subTest(method=method, path=path):
                    answer = stranger.request(method, concrete, self.good_body(path) if method != "GET" else None)
                    self.assertEqual(403, answer.status, answer.body)
        self.assertEqual(before, self.client.expect("GET", "/v1/signers?limit=1000"))

    def test_metrics_of_the_signing_module_are_for_registered_clients(self):
        stranger = ApiClient(self.instance, *self.instance.issue("metrics-reader"))
        self.assertIn("sigillo_log_leaves ", self.client.request("GET", "/metrics").body.decode())
        answer = stranger.request("GET", "/metrics")
        self.assertEqual(200, answer.status)
        self.assertIn("sigillo_up 1", answer.body.decode())
        self.assertNotIn("sigillo_log_leaves", answer.body.decode())

    def good_body(self, path):
        encoded = [b64(digest(b"of a stranger"))]
        key = {"credentialID": self.credential.id}
        sad = {"SAD": fake_sad(), "hashes": encoded,
               "hashAlgorithmOID": SHA256, **key}
        document = {"document": b64(b"of a stranger"), "signature_format": "C", "signAlgo": ECDSA_SHA256}
        return {
            "/csc/v2/credentials/list": {"userID": self.signer},
            "/csc/v2/credentials/info": key,
            "/csc/v2/credentials/authorize": {**key, "numSignatures": 1, "hashes": encoded,
                                              "hashAlgorithmOID": SHA256},
            "/csc/v2/credentials/extendTransaction": sad,
            "/csc/v2/signatures/signHash": {**sad, "signAlgo": ECDSA_SHA256},
            "/csc/v2/signatures/signDoc": {**key, "SAD": fake_sad(), "documents": [document]},
            "/csc/v2/signatures/signPolling": {"requestID": secrets.token_hex(16)},
            "/v1/documents/prepare": {**key, **document, "signature_format": "P"},
            "/v1/documents/complete": {"documentID": secrets.token_hex(16), "signature": b64(bytes(64))},
            "/v1/documents/extend": {"document": document["document"], "signature_format": "C",
                                     "conformance_level": "AdES-B-T"},
            "/csc/v2/signatures/timestamp": {"hash": encoded[0], "hashAlgo": SHA256},
            "/v1/signers": {"name": {"given": "A", "family": "B"}, "country": "IT"},
            "/v1/signers/{signerID}/factors": {"type": "totp"},
            "/v1/signers/{signerID}/factors/{factorID}/pin": {"old": "271828", "new": "314159"},
            "/v1/credentials": {"signerID": self.signer, "class": "simple", "key": {"algo": "EC-P256"},
                                "activation": "click", "certificate": {"source": "embedded"}},
            "/v1/credentials/{credentialID}/certificate": {"chain": ["MAA="]},
            "/v1/credentials/{credentialID}/status": {"status": "suspended"},
        }.get(path)

    def test_a_client_that_was_removed_is_refused_on_its_open_connection_too(self):
        former = self.instance.new_client("demo", "former")
        self.assertEqual(200, former.request("GET", "/v1/signers").status)
        client_id = next(c["clientID"] for c in self.instance.ctl("client", "list") if c["name"] == "former")
        self.instance.ctl("client", "remove", client_id, "--reason", "test")
        self.assertEqual(403, former.request("GET", "/v1/signers").status)

if __name__ == "__main__":
    unittest.main()
