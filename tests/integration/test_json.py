# ctest: TIMEOUT 180
"""JSON that a strict reader must refuse, through nginx, on every operation that reads a body: a clear 400 (413 where it is
too large), nothing changed, the service unharmed. tests/README.md, 36."""
import contextlib
import json
import re
import secrets
import unittest

import harness
from api_client import ECDSA_SHA256, SHA256, b64, click_evidence, digest, fake_sad


class Json(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.instance.client
        cls.credential = client.credential_by_click()
        cls.hashes = [digest(b"a document")]
        encoded = [b64(h) for h in cls.hashes]
        key = {"credentialID": cls.credential.id}
        sad = {**key, "SAD": fake_sad(), "hashes": encoded,
               "hashAlgorithmOID": SHA256}
        factor = client.factor(cls.credential.signer, "pin", pin="271828")["factorID"]
        # One signed document, for what takes such.
        document = {"document": b64(b"a document"), "signature_format": "C", "signAlgo": ECDSA_SHA256}
        permission = client.try_authorize(cls.credential.id, [digest(b"a document")],
                                          {"click": click_evidence([digest(b"a document")])}, hashType="sdr").json["SAD"]
        signed, = client.expect("POST", "/csc/v2/signatures/signDoc", {
            **key, "SAD": permission, "documents": [document]})["DocumentWithSignature"]
        # Bodies that each operation would take, were nothing else wrong with them.
        cls.good = {
            ("POST", "/csc/v2/info"): {"lang": "en-US"},
            ("POST", "/csc/v2/credentials/list"): {"userID": cls.credential.signer},
            ("POST", "/csc/v2/credentials/info"): key,
            ("POST", "/csc/v2/credentials/authorize"): {
                **key, "numSignatures": 1, "hashes": encoded, "hashAlgorithmOID": SHA256,
                "authData": [{"id": "click", "value": click_evidence(cls.hashes)}]},
            ("POST", "/csc/v2/credentials/extendTransaction"): sad,
            ("POST", "/csc/v2/signatures/signHash"): {**sad, "signAlgo": ECDSA_SHA256},
            ("POST", "/csc/v2/signatures/signDoc"): {**key, "SAD": fake_sad(), "documents": [document]},
            ("POST", "/csc/v2/signatures/signPolling"): {"requestID": "0" * 32},
            ("POST", "/v1/documents/prepare"): {**key, **document},
            ("POST", "/v1/documents/complete"): {"documentID": "0" * 32, "signature": b64(b"no signature")},
            ("POST", "/v1/documents/extend"): {"document": signed, "signature_format": "C", "conformance_level": "AdES-B-T"},
            ("POST", "/csc/v2/signatures/timestamp"): {"hash": encoded[0], "hashAlgo": SHA256},
            ("POST", "/v1/signers"): {"name": {"given": "A", "family": "B"}, "country": "IT"},
            ("POST", f"/v1/signers/{cls.credential.signer}/factors"): {"type": "totp"},
            ("POST", f"/v1/signers/{cls.credential.signer}/factors/{factor}/pin"): {"old": "271828", "new": "314159"},
            ("POST", "/v1/credentials"): {
                "signerID": cls.credential.signer, "class": "simple", "key": {"algo": "EC-P256"}, "activation": "click",
                "certificate": {"source": "embedded"}},
            ("PUT", f"/v1/credentials/{cls.credential.id}/certificate"): {"chain": ["MAA="]},
            ("POST", f"/v1/credentials/{cls.credential.id}/status"): {"status": "active"},
        }
        described = {(method, path) for path, methods in client.operations().items() for method in methods}
        tried = {(method, re.sub(r"[0-9a-f]{32}", "{}", path)) for method, path in cls.good}
        missing = {(m, p) for m, p in described if m in ("POST", "PUT") and (m, re.sub(r"\{\w+\}", "{}", p)) not in tried}
        assert not missing, missing

    def state(self):
        """What requests that are refused must not change."""
        return (self.client.expect("GET", "/v1/signers?limit=1000"),
                self.client.expect("GET", f"/v1/signers/{self.credential.signer}/factors"),
                self.client.expect("POST", "/csc/v2/credentials/list", {"userID": self.credential.signer}),
                self.client.info(self.credential.id))

    def refused(self, text, allowed=(400,), exchange=None):
        """Every operation refuses this text (a function of the good body's text, or bytes), in its own words."""
        before = self.state()
        for (method, path), body in self.good.items():
            with self.subTest(method=method, path=path):
                sent = text if isinstance(text, bytes) else text(json.dumps(body)).encode("utf-8", "surrogatepass")
                answer = self.client.request(method, path, sent, {"Content-Type": "application/json"})
                self.assertIn(answer.status, allowed, answer.body[:300])
                said = answer.json
                self.assertTrue(said.get("error_description") if path.startswith("/csc/") or answer.status == 413
                                else said.get("detail"), said)
                self.assertNotIn("exception", answer.body.decode().lower())
        self.assertEqual(before, self.state())

    def test_bodies_as_they_should_be_are_taken(self):
        """The proof that what follows is refused for the reason that it is sent for."""
        for (method, path), body in self.good.items():
            answer = self.client.request(method, path, body)
            if not path.endswith(("/certificate", "extendTransaction", "signHash", "signDoc", "signPolling", "complete")):
                # no real chain, no real SAD, nothing prepared
                self.assertIn(answer.status, (200, 201, 204), (path, answer.body))

    def test_unknown_fields(self):
        self.refused(lambda good: good[:-1] + ', "surplus": 1}')
        self.refused(lambda good: good[:-1] + ', "__proto__": {}}')

    def test_duplicate_keys(self):
        def twice(good):
            name = next(iter(json.loads(good)))
            return good[:-1] + f', "{name}": ' + json.dumps(json.loads(good)[name]) + "}"
        self.refused(twice)
        self.refused(lambda good: twice(good).replace(f'"{next(iter(json.loads(good)))}"',
                                                      f'"\\u{ord(next(iter(json.loads(good)))[0]):04x}'
                                                      f'{next(iter(json.loads(good)))[1:]}"', 1))

    def test_deep_nesting(self):
        for depth in (8, 1_000, 200_000):
            self.refused(lambda good: good[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}")
            self.refused(("[" * depth).encode())
            self.refused(('{"a":' * depth).encode())

    def test_numbers_that_a_double_does_not_hold_and_other_literals(self):
        for literal in ("9007199254740993", "-9007199254740993", "1e400", "1" * 400, "1.5", "NaN", "Infinity", "-Infinity",
                        "0x10", "01", "+1", "1.", ".5", "1e", "--1"):
            self.refused(lambda good: good[:-1] + f', "numSignatures": {literal}}}' if "numSignatures" not in good
                         else good.replace('"numSignatures": 1', f'"numSignatures": {literal}'))

    def test_invalid_utf_8(self):
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"\xf8\x88\x80\x80\x80"):
            before = self.state()
            for (method, path), body in self.good.items():
                name = next(key for key in ("lang", "userID", "credentialID", "country", "type", "class", "status", "chain", "old", "hash",
                                        "requestID", "documentID", "signature_format")
                            if key in body)
                text = json.dumps({**body, name: "MARK"}).encode().replace(b"MARK", b"a" + bad + b"b")
                answer = self.client.request(method, path, text, {"Content-Type": "application/json"})
                self.assertEqual(400, answer.status, (path, bad, answer.body))
                answer.body.decode("utf-8")  # nothing of it comes back
            self.assertEqual(before, self.state())
        for escaped in ("\\ud800", "\\udc00x", "\\u0000", "\\uZZZZ", "\\x41"):
            self.refused(lambda good: re.sub(r'"[^"]*"(?=[,}\]])', lambda _: f'"{escaped}"', good, count=1))

    def test_what_is_no_json_document(self):
        for text in (b"", b" ", b"null", b"1", b'"x"', b"[]", b"[{}]", b"{", b"}", b"{}{}", b"{} x", b"{,}", b'{"a"}', b"{'a':1}",
                     b"// a\n{}", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"{\"a\":1,}", b"<xml/>", b"a=b&c=d", b"\x00" * 100):
            before = self.state()
            for method, path in self.good:
                if path == "/csc/v2/info" and not text.strip():
                    continue  # the one body that may be absent
                answer = self.client.request(method, path, text, {"Content-Type": "application/json"})
                self.assertEqual(400, answer.status, (path, text, answer.body))
            self.assertEqual(before, self.state())

    def test_wrong_types_everywhere(self):
        for (method, path), body in self.good.items():
            for name in body:
                for value in (None, True, 7, -1, "x", [], {}, [[]], [None], {"a": {"b": 1}}):
                    if type(value) is type(body[name]) and value:
                        continue
                    with self.subTest(path=path, name=name, value=value):
                        answer = self.client.request(method, path, {**body, name: value})
                        optional = value is None and name in ("lang", "authData", "hashAlgorithmOID") \
                            or (name, value) in (("authData", []), ("lang", "x"))
                        if not optional:
                            # 404: a well-formed id of nothing, never of something
                            self.assertIn(answer.status, (400, 404), answer.body)
                        self.assertLess(answer.status, 500, answer.body)

    def test_10_mib(self):
        large = b'{"clientData": "' + b"a" * (10 << 20) + b'"}'
        for method, path in self.good:
            with contextlib.closing(self.client.connect()) as connection:
                connection.putrequest(method, path)
                connection.putheader("Content-Type", "application/json")
                connection.putheader("Content-Length", str(len(large)))
                connection.endheaders()
                with contextlib.suppress(OSError):
                    connection.send(large)  # nginx may have heard enough
                answer = connection.getresponse()
                if path.endswith("/signDoc") or "/documents/" in path:
                    self.assertEqual(400, answer.status, path)  # they take larger ones, but no such text
                    continue
                self.assertEqual(413, answer.status, path)
                self.assertEqual("application/json", answer.getheader("Content-Type"))
                self.assertIn("larger", json.loads(answer.read())["error_description"])

    def test_just_under_1_mib_is_read_and_refused(self):
        for text in (b'{"a":"' + b"\\u0041" * 160_000 + b'"}', b"[" + b"0," * 500_000 + b"0]",
                     b"{" + b",".join(b'"%d":0' % n for n in range(90_000)) + b"}"):
            for method, path in self.good:
                answer = self.client.request(method, path, text, {"Content-Type": "application/json"})
                self.assertEqual(400, answer.status, (path, answer.body[:200]))

    def test_another_content_type_and_identifiers_that_are_none(self):
        for (method, path), body in self.good.items():
            for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x"):
                answer = self.client.request(method, path, json.dumps(body).encode(), {"Content-Type": kind})
                self.assertEqual(400 if path.startswith("/csc/") else 415, answer.status, answer.body)
        for path in ("/v1/signers/{}", "/v1/signers/{}/factors", "/v1/credentials/{}/uses"):
            for bad in ("x", "A" * 32, "g" * 32, "0" * 31, "0" * 33, "0" * 400, secrets.token_hex(16).upper(), "%00" * 32, "'--"):
                self.assertIn(self.client.request("GET", path.format(bad)).status, (400, 404), bad)


if __name__ == "__main__":
    unittest.main()
