# ctest: TIMEOUT 180
"""The main path against the real processes: enrol, activate, sign, verify, refuse a replay, prove from the log."""
import base64
import subprocess
import unittest

import harness
from api_client import ApiClient, digest, pem, signature_holds


class MainPath(harness.InstanceTest):
    def test_a_document_is_signed_by_totp_and_its_use_is_the_only_one_in_the_log(self):
        credential = self.client.credential_by_totp()
        hashes = [digest(b"a contract")]
        code = credential.otp.now()
        answer = self.client.try_authorize(credential.id, hashes, {"totp": code})
        self.assertEqual(200, answer.status, answer.body)
        signature, = self.client.sign(credential, answer.json["SAD"], hashes)
        self.assertTrue(signature_holds(credential.certificate, hashes[0], signature))
        self.assertFalse(signature_holds(credential.certificate, digest(b"another"), signature))

        replayed = self.client.try_authorize(credential.id, hashes, {"totp": code})
        self.assertEqual((400, "invalid_otp", "The OTP is invalid"), replayed.error)

        use, = self.instance.signed_uses(credential.id, 1)
        self.assertEqual([base64.b64encode(hashes[0]).decode()], use["hashes"])
        self.assertEqual([base64.b64encode(digest(signature)).decode()], use["signatures"])
        self.assertTrue(self.instance.audit("verify")["holds"])
        proof = self.instance.audit("prove", str(use["intent"]))
        self.assertEqual(use["intent"], proof["index"])

    def test_a_batch_comes_back_in_the_order_of_its_hashes(self):
        credential = self.client.credential_by_click()
        hashes = [digest(b"document %d" % number) for number in range(100)]
        signatures = self.client.sign(credential, self.client.authorize(credential, hashes), hashes)
        self.assertEqual(100, len(signatures))
        for number in (0, 1, 50, 99):
            self.assertTrue(signature_holds(credential.certificate, hashes[number], signatures[number]))

    def test_the_certificate_chains_to_the_published_ca_and_is_not_on_its_crl(self):
        credential = self.client.credential_by_click()
        public = ApiClient(self.instance, port=self.instance.tsa_port, tls=False)
        folder = self.instance.home / "state"
        (folder / "leaf.pem").write_bytes(pem(credential.certificate))
        (folder / "ca.pem").write_bytes(pem(public.request("GET", "/pki/ca.crt").body))
        (folder / "ca.crl").write_bytes(public.request("GET", "/pki/ca.crl").body)
        subprocess.run(["openssl", "crl", "-inform", "DER", "-in", "ca.crl", "-out", "crl.pem"], cwd=folder, check=True)
        done = subprocess.run(["openssl", "verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.pem", "leaf.pem"],
                              cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual((self.instance.home / "signers-ca.crt").read_bytes().split(), (folder / "ca.pem").read_bytes().split())

    def test_health_says_that_the_rollback_anchor_is_on_the_same_disk(self):
        health = self.instance.health()
        self.assertEqual("degraded", health["state"])
        self.assertEqual(["anchor", "tsa anchor"], sorted(item["name"] for item in health["items"] if item["state"] != "ok"))

    def test_sigillod_ends_cleanly_on_sigterm_and_the_api_finds_it_again(self):
        credential = self.client.credential_by_click()
        self.assertEqual(0, self.instance.stop("sigillod"))
        refused = self.client.request("POST", "/csc/v2/credentials/info", {"credentialID": credential.id})
        self.assertEqual(503, refused.status, refused.body)
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy, 20, "a good /healthz")
        hashes = [digest(b"after the restart")]
        signature, = self.client.sign(credential, self.client.authorize(credential, hashes), hashes)
        self.assertTrue(signature_holds(credential.certificate, hashes[0], signature))


if __name__ == "__main__":
    unittest.main()
