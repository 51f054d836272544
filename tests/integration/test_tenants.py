"""Two tenants on one appliance. To a client of the one, everything of the other is as if it did not exist: the same
status, the same words, the same headers as for an id that nobody has; and nothing of it changes
(tests/README.md, 19 and 35)."""
import re
import secrets
import unittest

import harness
from api_client import ECDSA_SHA256, SHA256, Otp, b64, click_evidence, digest

HASHES = [digest(b"a contract of tenant B")]
ENCODED = [b64(h) for h in HASHES]


class Tenants(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a = cls.instance.new_client("tenant-a", "portal")
        cls.b = cls.instance.new_client("tenant-b", "portal")
        cls.signer = cls.b.signer(externalReference="crm-4711")
        enrolled = cls.b.factor(cls.signer, "totp")
        cls.factor, cls.otp = enrolled["factorID"], Otp(enrolled["otpauth"])
        cls.by_totp = cls.b.credential(cls.signer, "totp", otp=cls.otp)
        cls.by_click = cls.b.credential(cls.signer, "click", grade="simple")
        cls.pending = cls.b.expect("POST", "/v1/credentials", {
            "signerID": cls.signer, "class": "simple", "key": {"algo": "EC-P256"}, "activation": "click",
            "certificate": {"source": "csr"}})["credentialID"]
        cls.sad = cls.b.authorize(cls.by_click, HASHES)
        cls.signature = cls.b.sign(cls.by_click, cls.sad, HASHES)
        cls.open_sad = cls.b.authorize(cls.by_click, HASHES)
        cls.own_signer = cls.a.signer(externalReference="crm-0815")
        cls.own_credential = cls.a.credential(cls.own_signer, "click", grade="simple")

    def everything(self, signer, factor, credential, sad):
        """Every operation that names something, on these names."""
        key = {"credentialID": credential}
        act = {**key, "hashes": ENCODED, "hashAlgorithmOID": SHA256}
        click = [{"id": "click", "value": click_evidence(HASHES)}]
        return [
            ("GET", f"/v1/signers/{signer}", None),
            ("GET", f"/v1/signers/{signer}/factors", None),
            ("POST", f"/v1/signers/{signer}/factors", {"type": "totp"}),
            ("POST", f"/v1/signers/{signer}/factors", {"type": "pin", "pin": "271828"}),
            ("DELETE", f"/v1/signers/{signer}/factors/{factor}", None),
            ("POST", "/v1/credentials", {"signerID": signer, "class": "simple", "key": {"algo": "EC-P256"},
                                         "activation": "click", "certificate": {"source": "embedded"}}),
            ("POST", "/v1/credentials", {"signerID": self.own_signer, "class": "simple", "key": {"algo": "EC-P256"},
                                         "activation": "totp", "factors": {"totp": factor},
                                         "certificate": {"source": "embedded"}}),
            ("DELETE", f"/v1/signers/{self.own_signer}/factors/{factor}", None),
            ("PUT", f"/v1/credentials/{credential}/certificate", {"chain": ["MAA="]}),
            ("POST", f"/v1/credentials/{credential}/status", {"status": "suspended"}),
            ("POST", f"/v1/credentials/{credential}/status", {"status": "revoked", "reason": "keyCompromise"}),
            ("DELETE", f"/v1/credentials/{credential}", None),
            ("GET", f"/v1/credentials/{credential}/uses", None),
            ("GET", f"/v1/credentials/{credential}/uses?limit=1&after=0", None),
            ("POST", "/csc/v2/credentials/list", {"userID": signer}),
            ("POST", "/csc/v2/credentials/list", {"userID": signer, "credentialInfo": True, "onlyValid": True}),
            ("POST", "/csc/v2/credentials/info", key),
            ("POST", "/csc/v2/credentials/authorize", {**act, "numSignatures": 1, "authData": click}),
            ("POST", "/csc/v2/credentials/authorize",
             {**act, "numSignatures": 1, "authData": [{"id": "totp", "value": "123456"}]}),
            ("POST", "/csc/v2/credentials/authorize",
             {**act, "numSignatures": 1, "authData": [{"id": "totp", "value": self.otp.now()}]}),
            ("POST", "/csc/v2/credentials/authorize", {**act, "numSignatures": 1}),
            ("POST", "/csc/v2/credentials/extendTransaction", {**act, "SAD": sad}),
            ("POST", "/csc/v2/signatures/signHash", {**act, "SAD": sad, "signAlgo": ECDSA_SHA256}),
            # Wrong in itself, too: the answer must not depend on what the credential is.
            ("POST", "/csc/v2/signatures/signHash", {**act, "SAD": sad, "signAlgo": "1.2.840.113549.1.1.11"}),
        ]

    def answer(self, method, path, body):
        """Everything that a peer can see, without what names the request or itself."""
        answer = self.a.request(method, path, body)
        text = re.sub(r"[0-9a-f]{32}", "ID", answer.body.decode())
        headers = {k: v for k, v in answer.headers.items() if k not in ("date", "content-length", "location")}
        return answer.status, headers, text

    def state_of_b(self):
        return (self.b.expect("GET", "/v1/signers"), self.b.expect("GET", f"/v1/signers/{self.signer}/factors"),
                self.b.expect("POST", "/csc/v2/credentials/list", {"userID": self.signer, "credentialInfo": True}),
                self.b.expect("GET", f"/v1/credentials/{self.by_click.id}/uses"))

    def test_everything_of_tenant_b_is_to_tenant_a_as_if_it_did_not_exist(self):
        before = self.state_of_b()
        for credential, sad in ((self.by_click.id, self.sad), (self.by_click.id, self.open_sad),
                                (self.by_totp.id, self.sad), (self.pending, self.open_sad)):
            theirs = self.everything(self.signer, self.factor, credential, sad)
            nobodys = self.everything(*(secrets.token_hex(16) for _ in range(3)), secrets.token_urlsafe(32))
            for their, nobody in zip(theirs, nobodys):
                with self.subTest(operation=their[:2], body=their[2]):
                    seen, expected = self.answer(*their), self.answer(*nobody)
                    self.assertEqual(expected, seen)
                    self.assertNotIn(seen[0], (500, 503))
                    if their[1] != "/csc/v2/credentials/list":
                        self.assertIn(seen[0], (400, 404))
        self.assertEqual(before, self.state_of_b())

    def test_lists_show_ones_own_and_pages_do_not_lead_elsewhere(self):
        def ids(client, query):
            return [s["signerID"] for s in client.expect("GET", "/v1/signers" + query)["signers"]]
        theirs = set(ids(self.b, "?limit=1000"))
        self.assertIn(self.signer, theirs)
        for query in ("", "?limit=1000", "?after=" + "0" * 32, f"?after={int(self.signer, 16) - 1:032x}"):
            self.assertEqual(set(), theirs & set(ids(self.a, query)))
        self.assertEqual([self.own_signer], ids(self.a, "?externalReference=crm-0815"))
        self.assertEqual([], ids(self.a, "?externalReference=crm-4711"))
        self.assertEqual([self.signer], ids(self.b, "?externalReference=crm-4711"))

    def test_wrong_otps_of_a_stranger_do_not_lock_a_credential(self):
        for _ in range(8):  # tries = 5
            status, _, text = self.answer(*self.everything(self.signer, self.factor, self.by_totp.id, self.sad)[18])
            self.assertEqual((400, True), (status, "Invalid parameter credentialID" in text), text)
        other = self.b.credential_by_totp()
        for _ in range(8):
            self.a.try_authorize(other.id, HASHES, {"totp": other.otp.wrong()})
        self.b.sign(other, self.b.authorize(other, HASHES), HASHES)

    def test_a_sad_serves_no_other_client_of_the_same_tenant_and_no_other_credential(self):
        colleague = self.instance.new_client("tenant-b", "second portal")
        self.assertEqual(self.signer, colleague.expect("GET", f"/v1/signers/{self.signer}")["signerID"])
        sad = self.b.authorize(self.by_click, HASHES)
        other = self.b.credential(self.signer, "click", grade="simple")
        expected = (400, "invalid_request", "Invalid parameter SAD")
        self.assertEqual(expected, colleague.try_sign(self.by_click.id, sad, HASHES).error)
        self.assertEqual(expected, self.b.try_sign(other.id, sad, HASHES).error)
        self.assertEqual(expected, self.a.try_sign(self.own_credential.id, sad, HASHES).error)
        # Refusals cost the rightful client nothing.
        self.b.sign(self.by_click, sad, HASHES)

    def test_the_stored_answer_of_a_retry_is_not_given_to_another_client(self):
        colleague = self.instance.new_client("tenant-b", "third portal")
        self.assertEqual(400, colleague.try_sign(self.by_click.id, self.sad, HASHES).status)
        self.assertEqual(self.signature, self.b.sign(self.by_click, self.sad, HASHES))

    def test_an_idempotency_key_is_the_client_s_own(self):
        person = {"name": {"given": "Ada", "family": "Rossi"}, "country": "IT"}
        keyed = {"Idempotency-Key": "the-same-word"}
        ours, theirs = (client.expect("POST", "/v1/signers", person, keyed) for client in (self.a, self.b))
        self.assertNotEqual(ours, theirs)
        self.assertEqual(404, self.a.request("GET", f"/v1/signers/{theirs['signerID']}").status)
        self.a.expect("DELETE", f"/v1/credentials/{self.a.credential(ours['signerID'], 'click', grade='simple').id}")

    def test_the_log_says_who_was_refused_on_whose_credential_only_where_one_was_touched(self):
        self.wait_until_published()
        before = len(self.events("refused"))
        for operation in self.everything(self.signer, self.factor, self.by_click.id, self.sad):
            self.answer(*operation)
        self.wait_until_published()
        self.assertEqual(before, len(self.events("refused")))

    def wait_until_published(self):
        """All that came before is in the published log: so is what this writes last."""
        marker = self.b.credential_by_click()
        self.b.sign(marker, self.b.authorize(marker, HASHES), HASHES)
        self.instance.signed_uses(marker.id, 1)

    def events(self, word):
        shown = self.instance.audit("show", check=False)
        self.assertEqual(0, shown.returncode, shown.stderr)
        return [line for line in shown.stdout.splitlines() if f".{word}" in line]


if __name__ == "__main__":
    unittest.main()
