# ctest: TIMEOUT 240
"""The time-stamping authority behind its nginx, with openssl as client and as judge. tests/README.md, 37 to 39."""
import base64
import json
import secrets
import subprocess
import unittest

import harness
from time_stamps import (BAD_ALG, BAD_DATA_FORMAT, BAD_REQUEST, EXTENSION, POLICY, QUERY, SYSTEM, TsaTest, parse, query, tlv)


class Tsa(TsaTest):
    # ---- what is granted

    def test_openssl_verifies_tokens_of_every_hash_over_http_and_tls(self):
        folder = self.instance.home / "state"
        (folder / "document").write_bytes(secrets.token_bytes(1000))
        for client in (self.tsa, self.tls):
            for algorithm in ("sha256", "sha384", "sha512"):
                for options in ([], ["-cert"], ["-cert", "-no_nonce"]):
                    with self.subTest(algorithm=algorithm, options=options):
                        self.openssl("-query", "-data", folder / "document", f"-{algorithm}", *options,
                                     "-out", folder / "q")
                        request = (folder / "q").read_bytes()
                        response = self.granted(request, client)
                        if "-cert" in options:
                            self.verify(request, response)

    def test_a_token_names_the_policy_of_an_unchecked_clock(self):
        folder = self.instance.home / "state"
        (folder / "p.tsr").write_bytes(self.granted(query()))
        said = self.openssl("-reply", "-in", folder / "p.tsr", "-text").stdout
        self.assertIn("Policy OID: 1.3.6.1.4.1.32473.3161.0", said)
        self.assertIn("Ordering: no", said)

    def test_nonces_come_back_as_they_came(self):
        for nonce in (b"\0", b"\1", secrets.token_bytes(8), b"\x7f" + secrets.token_bytes(19), b"\x01" * 64):
            if nonce[0] == 0 and len(nonce) > 1 or nonce[:1] == b"\xff":
                nonce = b"\x11" + nonce[1:]
            with self.subTest(nonce=nonce.hex()):
                request = query(nonce=nonce)
                response = self.granted(request)
                self.assertIn(tlv(0x02, nonce), response)

    def test_the_log_has_every_token_with_its_proof_and_nothing_else(self):
        unit, = self.units("active")
        digests = [secrets.token_bytes(32) for _ in range(5)]
        for digest in digests:
            self.granted(query(digest))
        harness.wait_until(lambda: {base64.b64encode(d).decode() for d in digests}
                           <= {t["imprint"] for t in self.tokens()}, 15, "the tokens in the published log")
        found = self.tokens("--unit", unit["unitID"], "--from", "2020-01-01", "--to", "2099-12-31", "--proofs")
        self.assertTrue({base64.b64encode(d).decode() for d in digests} <= {t["imprint"] for t in found})
        self.assertEqual(len(found), len({t["serial"] for t in found}))
        (self.instance.home / "state/proof").write_text(json.dumps(found[-1]["proof"]))
        done = subprocess.run([harness.PROGRAMS / "sigillo-audit", "check-proof", self.instance.home / "state/proof",
                               "--key", self.instance.home / "tsa-log.vkey"], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual([], self.tokens("--to", "2020-01-01"))
        self.assertEqual([], self.tokens("--unit", "0" * 32))

    def test_csc_clients_get_the_bare_token(self):
        digest = secrets.token_bytes(32)
        body = {"hash": base64.b64encode(digest).decode(), "hashAlgo": "2.16.840.1.101.3.4.2.1", "nonce": "ff00"}
        token = base64.b64decode(self.client.expect("POST", "/csc/v2/signatures/timestamp", body)["timestamp"])
        folder = self.instance.home / "state"
        (folder / "c.token").write_bytes(token)
        self.openssl("-verify", "-digest", digest.hex(), "-in", folder / "c.token", "-token_in",
                     "-CAfile", self.instance.home / "tsa-ca.crt")
        self.assertIn(b"\x02\x03\x00\xff\x00", token)
        self.assertIn("signatures/timestamp", self.client.expect("POST", "/csc/v2/info", {})["methods"])
        for change, words in (({"hash": ""}, "Empty hash parameter"), ({"hash": "%"}, "Invalid Base64 hash string parameter"),
                              ({"hash": "AAAA"}, "Invalid digest value length"), ({"hashAlgo": "1.3.14.3.2.26"}, "Invalid parameter hashAlgo"),
                              ({"nonce": "xyz"}, "Invalid parameter nonce"), ({"nonce": ""}, "Invalid parameter nonce")):
            answer = self.client.request("POST", "/csc/v2/signatures/timestamp", {**body, **change})
            self.assertEqual((400, "invalid_request", words), answer.error)

    # ---- CHECK 39

    def test_what_is_wrong_with_a_request_is_said_by_its_failinfo(self):
        good = query()
        for failure, der in (
                (BAD_ALG, query(bytes(20), "sha1")), (BAD_ALG, query(bytes(16), "md5")),
                (BAD_DATA_FORMAT, query(bytes(31))), (BAD_DATA_FORMAT, query(bytes(33))), (BAD_DATA_FORMAT, query(b"")),
                (BAD_DATA_FORMAT, query(bytes(32), "sha512")),
                (BAD_REQUEST, query(version=2)),
                (POLICY, query(policy=bytes.fromhex("2a0304"))),
                (EXTENSION, query(extensions=tlv(0xa0, tlv(0x30, tlv(0x06, b"\x2a\x03"), b"\x01\x01\xff", tlv(0x04, b"x"))))),
                (EXTENSION, query(extensions=tlv(0xa0, tlv(0x30, tlv(0x06, b"\x2a\x03"), tlv(0x04, b"x"))))),
                (BAD_DATA_FORMAT, query(tail=b"\0")), (BAD_DATA_FORMAT, query(nonce=b"\x01" * 65)),
                (BAD_DATA_FORMAT, query(nonce=b"\0\x01")), (BAD_DATA_FORMAT, b""), (BAD_DATA_FORMAT, b"\x30\x80"),
                (BAD_DATA_FORMAT, good[:-1]), (BAD_DATA_FORMAT, b"GET / HTTP/1.1\r\n\r\n"),
                (BAD_DATA_FORMAT, query(nonce=b"\x01" * 9000)), (BAD_DATA_FORMAT, b"\x30\x84\xff\xff\xff\xff" + good)):
            with self.subTest(der=der[:80].hex()):
                self.refused(failure, der)
        for _ in range(300):
            broken = bytearray(query(nonce=secrets.token_bytes(8)))
            for _ in range(1 + secrets.randbelow(3)):
                broken[secrets.randbelow(len(broken))] = secrets.randbelow(256)
            reply = parse(self.stamp(bytes(broken)))
            self.assertIn((reply.status, reply.failure is None), {(0, True), (2, False)})
            self.assertNotEqual(SYSTEM, reply.failure)
        self.granted(good)

    def test_status_tells_the_clock_and_the_log(self):
        self.granted(query())
        status = self.instance.ctl("tsu", "status")
        self.assertEqual("unchecked", status["time"]["state"])
        self.assertEqual(["1.3.6.1.4.1.32473.3161.0"], status["policies"])
        self.assertEqual((self.instance.home / "tsa-log.vkey").read_text().strip(), status["vkey"])
        self.assertTrue(status["checkpoint"].startswith(status["origin"]))
        metrics = self.client.request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"(?m)^sigillo_tsa_tokens_total [1-9]")


if __name__ == "__main__":
    unittest.main()
