# ctest: TIMEOUT 180
"""Certificates from outside (CSR out, chain in) and revocation as a relying party sees it, with openssl(1) as the other
side of both. tests/README.md, 22; and chains that do not fit."""
import base64
import contextlib
import subprocess
import unittest

import harness
from api_client import ApiClient, b64, click_evidence, digest, pem, signature_holds

EXTENSIONS = """
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
[no_ca]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, nonRepudiation
[leaf_for_encryption]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
[leaf_that_is_a_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
[leaf_unknown_critical]
basicConstraints = critical, CA:FALSE
keyUsage = critical, nonRepudiation
1.2.3.4.5.6 = critical, DER:0500
"""


class OutsideCa:
    """A CA of somebody else, by openssl: root, intermediate, and what it makes of a CSR."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "extensions.cnf").write_text(EXTENSIONS, encoding="ascii")
        self.make("root", "/C=IT/O=Outside/CN=Outside Root", "root")
        self.make("intermediate", "/C=IT/O=Outside/CN=Outside Signing CA", "intermediate", "root")
        self.make("impostor", "/C=IT/O=Outside/CN=Outside Signing CA", "intermediate", "root")  # same name, another key
        self.make("no_ca", "/C=IT/O=Outside/CN=Not a CA", "no_ca", "root")

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], cwd=self.folder, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make(self, name, subject, extensions, issuer=None):
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        self.certify(name, extensions, issuer)

    def certify(self, name, extensions, issuer, *options):
        signer = ("-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial") if issuer \
            else ("-signkey", f"{name}.key")
        dates = () if "-days" in options else ("-days", "30")
        self.openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-extfile", "extensions.cnf", "-extensions", extensions,
                     *dates, *options, "-out", f"{name}.crt")

    def der(self, name):
        self.openssl("x509", "-in", f"{name}.crt", "-outform", "DER", "-out", f"{name}.der")
        return (self.folder / f"{name}.der").read_bytes()

    def chain_for(self, csr, extensions="leaf", issuer="intermediate", *options):
        """[leaf, issuer, root] for this DER CSR."""
        (self.folder / "leaf.csr.der").write_bytes(csr)
        self.openssl("req", "-inform", "DER", "-in", "leaf.csr.der", "-verify", "-out", "leaf.csr")  # holds as it is
        self.certify("leaf", extensions, issuer, *options)
        return [self.der("leaf"), self.der(issuer), self.der("root")]


class Certificates(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = OutsideCa(cls.instance.home / "outside")
        cls.public = ApiClient(cls.instance, port=cls.instance.tsa_port, tls=False)

    def pending(self, key="EC-P256"):
        """A credential that waits for its certificate: its id, its CSR."""
        made = self.client.expect("POST", "/v1/credentials", {
            "signerID": self.client.signer(), "class": "simple", "key": {"algo": key}, "activation": "click",
            "certificate": {"source": "csr"}})
        return made["credentialID"], base64.b64decode(made["csr"])

    def put(self, credential, chain):
        return self.client.request("PUT", f"/v1/credentials/{credential}/certificate", {"chain": [b64(c) for c in chain]})

    def sign(self, credential, sign_algorithm=None):
        hashes = [digest(credential.encode())]
        answer = self.client.try_authorize(credential, hashes, {"click": click_evidence(hashes)})
        if answer.status != 200:
            return answer.error
        fields = {"sign_algorithm": sign_algorithm} if sign_algorithm else {}
        answer = self.client.try_sign(credential, answer.json["SAD"], hashes, **fields)
        return hashes[0], base64.b64decode(answer.json["signatures"][0])

    def test_a_csr_goes_out_a_chain_comes_in_and_the_key_signs(self):
        for key, algorithm in (("EC-P256", None), ("EC-P384", None), ("RSA-2048", "1.2.840.113549.1.1.11")):
            credential, csr = self.pending(key)
            self.assertEqual("invalid_request", self.sign(credential)[1])  # no certificate, no signature
            chain = self.ca.chain_for(csr)
            self.assertEqual(204, self.put(credential, chain).status)
            info = self.client.info(credential)
            self.assertEqual([b64(c) for c in chain], info["cert"]["certificates"])
            self.assertIn("Outside Signing CA", info["cert"]["issuerDN"])
            self.assertTrue(signature_holds(chain[0], *self.sign(credential, algorithm)), key)

    def test_chains_that_do_not_fit_are_refused_with_a_reason_and_change_nothing(self):
        credential, csr = self.pending()
        good = self.ca.chain_for(csr)
        leaf, issuer, root = good
        other = self.ca.chain_for(self.pending()[1])
        impostor = self.ca.der("impostor")
        flipped = leaf[:-1] + bytes([leaf[-1] ^ 1])
        bad = {
            "another key": other,
            "only the leaf": [leaf],
            "the wrong order": [issuer, leaf, root],
            "an issuer missing in between": [leaf, root],
            "an issuer of the same name with another key": [leaf, impostor, root],
            "a signature that does not hold": [flipped, issuer, root],
            "rubbish": [b"rubbish", issuer, root],
            "an empty certificate": [b"", issuer, root],
            "cut off": [leaf[:-10], issuer, root],
            "bytes behind it": [leaf + b"\0", issuer, root],
            "the same ten times": [leaf] * 8,
            "a stranger's issuer": [leaf, self.ca.der("no_ca"), root],
            "issued by no CA": self.ca.chain_for(csr, "leaf", "no_ca"),
            "for encryption": self.ca.chain_for(csr, "leaf_for_encryption"),
            "that is a CA": self.ca.chain_for(csr, "leaf_that_is_a_ca"),
            "an unknown critical extension": self.ca.chain_for(csr, "leaf_unknown_critical"),
            "expired": self.ca.chain_for(csr, "leaf", "intermediate", "-days", "-1"),
            "signed with SHA-1": self.ca.chain_for(csr, "leaf", "intermediate", "-sha1"),
        }
        for name, chain in bad.items():
            with self.subTest(name):
                answer = self.put(credential, chain)
                self.assertEqual((400, "chain"), (answer.status, answer.json.get("parameter", "")[:5]), answer.body)
                self.assertGreater(len(answer.json["detail"]), 10)
        for value in ([], ["%%"], [1], "x", [b64(leaf)[:-1]]):
            answer = self.client.request("PUT", f"/v1/credentials/{credential}/certificate", {"chain": value})
            self.assertEqual(400, answer.status, answer.body)
        self.assertEqual({}, self.client.info(credential)["cert"])
        self.assertEqual("invalid_request", self.sign(credential)[1])
        self.assertEqual(204, self.put(credential, good).status)
        self.assertTrue(signature_holds(leaf, *self.sign(credential)))

    def test_an_imported_certificate_is_renewed_but_an_embedded_one_is_not_replaced(self):
        credential, csr = self.pending()
        self.assertEqual(204, self.put(credential, self.ca.chain_for(csr)).status)
        renewed = self.ca.chain_for(csr)
        self.assertEqual(204, self.put(credential, renewed).status)
        self.assertTrue(signature_holds(renewed[0], *self.sign(credential)))
        embedded = self.client.credential_by_click()
        self.assertEqual(409, self.put(embedded.id, renewed).status)
        self.client.request("POST", f"/v1/credentials/{credential}/status", {"status": "revoked"})
        self.assertEqual(409, self.put(credential, renewed).status)

    # ---- what relying parties see ------------------------------------------------------------------------------------

    def verify(self, leaf, *options):
        """What openssl says of the leaf, with the CA certificate and CRL that are published now."""
        folder = self.ca.folder
        (folder / "signers-ca.pem").write_bytes(pem(self.public.request("GET", "/pki/ca.crt").body))
        (folder / "signers.crl").write_bytes(self.public.request("GET", "/pki/ca.crl").body)
        (folder / "signer.pem").write_bytes(pem(leaf))
        self.ca.openssl("crl", "-inform", "DER", "-in", "signers.crl", "-out", "signers.crl.pem")
        return subprocess.run(["openssl", "verify", *options, "-CAfile", "signers-ca.pem", "-CRLfile", "signers.crl.pem",
                               "signer.pem"], cwd=folder, capture_output=True, text=True, check=False)

    def crl_text(self):
        return self.ca.openssl("crl", "-in", "signers.crl.pem", "-noout", "-text")

    def serial(self, leaf):
        (self.ca.folder / "signer.pem").write_bytes(pem(leaf))
        return self.ca.openssl("x509", "-in", "signer.pem", "-noout", "-serial").split("=")[1].strip()

    def set_status(self, credential, status, reason=None):
        body = {"status": status} | ({"reason": reason} if reason else {})
        self.assertEqual(204, self.client.request("POST", f"/v1/credentials/{credential.id}/status", body).status)

    def on_crl(self, leaf):
        return self.verify(leaf, "-crl_check").returncode != 0

    def test_a_revoked_certificate_is_on_the_crl_with_its_reason_and_openssl_refuses_it(self):
        credential, bystander = self.client.credential_by_click(), self.client.credential_by_click()
        self.assertFalse(self.on_crl(credential.certificate))
        self.set_status(credential, "revoked", "keyCompromise")
        harness.wait_until(lambda: self.on_crl(credential.certificate), 20, "the serial on the CRL")
        done = self.verify(credential.certificate, "-crl_check")
        self.assertIn("certificate revoked", done.stdout + done.stderr)
        entry = self.crl_text().split(self.serial(credential.certificate).upper())[1].split("Serial Number")[0]
        self.assertIn("Key Compromise", entry)
        self.assertFalse(self.on_crl(bystander.certificate))
        self.instance.restart("sigillod")
        harness.wait_until(self.instance.healthy)
        self.assertTrue(self.on_crl(credential.certificate))

    def test_a_suspended_certificate_is_on_hold_and_comes_off_when_resumed(self):
        credential = self.client.credential_by_click()
        self.set_status(credential, "suspended")
        harness.wait_until(lambda: self.on_crl(credential.certificate), 20, "the hold on the CRL")
        self.assertIn("Certificate Hold", self.crl_text())
        self.set_status(credential, "active")
        harness.wait_until(lambda: not self.on_crl(credential.certificate), 20, "the hold's end")

    def test_deletion_revokes(self):
        credential = self.client.credential_by_click()
        self.client.expect("DELETE", f"/v1/credentials/{credential.id}")
        harness.wait_until(lambda: self.on_crl(credential.certificate), 20, "the serial on the CRL")

    def test_crl_numbers_grow_and_every_certificate_names_crl_and_issuer(self):
        credential = self.client.credential_by_click()
        self.verify(credential.certificate)
        first = self.crl_number()
        self.set_status(credential, "revoked")
        harness.wait_until(lambda: self.on_crl(credential.certificate), 20, "the serial on the CRL")
        self.assertGreater(self.crl_number(), first)
        text = self.ca.openssl("x509", "-in", "signer.pem", "-noout", "-text")
        for path in ("ca.crl", "ca.crt"):
            self.assertIn(f"URI:http://localhost:{self.instance.tsa_port}/pki/{path}", text)

    def crl_number(self):
        with contextlib.suppress(ValueError):
            return int(self.ca.openssl("crl", "-in", "signers.crl.pem", "-noout", "-crlnumber").split("=")[1], 16)
        return self.fail("a CRL without a number")


if __name__ == "__main__":
    unittest.main()
