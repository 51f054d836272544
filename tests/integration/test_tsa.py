# ctest: TIMEOUT 240
"""The time-stamping authority behind its nginx, with openssl as client and as judge. tests/README.md, 37 to 39."""
import base64
import collections
import contextlib
import hashlib
import http.client
import json
import secrets
import subprocess
import threading
import time
import unittest

import harness
from api_client import ApiClient

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"
OIDS = {"sha256": "608648016503040201", "sha384": "608648016503040202", "sha512": "608648016503040203",
        "sha1": "2b0e03021a", "md5": "2a864886f70d0205"}
BAD_ALG, BAD_REQUEST, BAD_DATA_FORMAT, TIME, POLICY, EXTENSION, SYSTEM = 0, 2, 5, 14, 15, 16, 25


def tlv(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def query(digest=None, algorithm="sha256", version=1, policy=b"", nonce=b"", cert=True, extensions=b"", tail=b""):
    digest = secrets.token_bytes(32) if digest is None else digest
    identifier = tlv(0x30, tlv(0x06, bytes.fromhex(OIDS[algorithm])), b"\x05\x00")
    return tlv(0x30, tlv(0x02, bytes([version])), tlv(0x30, identifier, tlv(0x04, digest)),
               tlv(0x06, policy) if policy else b"", tlv(0x02, nonce) if nonce else b"",
               b"\x01\x01\xff" if cert else b"", extensions) + tail


def read(der, at=0):
    """(tag, content, end) of the element at `at`."""
    tag, size, at = der[at], der[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7f
        size, at = int.from_bytes(der[at:at + count], "big"), at + count
    return tag, der[at:at + size], at + size


Reply = collections.namedtuple("Reply", "status failure token")


def parse(der):
    tag, outer, end = read(der)
    assert tag == 0x30 and end == len(der)
    _, info, at = read(outer)
    _, status, next_ = read(info)
    failure = None
    while next_ < len(info):
        kind, content, next_ = read(info, next_)
        if kind == 0x03:
            bits = int.from_bytes(content[1:], "big")
            failure, = [bit for bit in range(8 * len(content) - 8) if bits >> (8 * len(content) - 9 - bit) & 1]
    return Reply(status[0], failure, outer[at:])


class Tsa(harness.InstanceTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tsa = ApiClient(cls.instance, port=cls.instance.tsa_port, tls=False)
        cls.tls = ApiClient(cls.instance, port=cls.instance.tsa_tls_port)

    def stamp(self, der, client=None):
        answer = (client or self.tsa).request("POST", "/tsa", der, {"Content-Type": QUERY})
        self.assertEqual((200, REPLY), (answer.status, answer.headers["content-type"]), answer.body)
        return answer.body

    def granted(self, der, client=None):
        body = self.stamp(der, client)
        reply = parse(body)
        self.assertEqual((0, None), reply[:2], body)
        return body

    def refused(self, failure, der):
        reply = parse(self.stamp(der))
        self.assertEqual((2, failure, b""), reply)

    def openssl(self, *arguments, good=True):
        done = subprocess.run(["openssl", "ts", *map(str, arguments)], capture_output=True, text=True, check=False)
        if good:
            self.assertEqual(0, done.returncode, done.stderr)
        return done

    def verify(self, request, response):
        folder = self.instance.home / "state"
        (folder / "t.tsq").write_bytes(request)
        (folder / "t.tsr").write_bytes(response)
        self.openssl("-verify", "-queryfile", folder / "t.tsq", "-in", folder / "t.tsr", "-CAfile",
                     self.instance.home / "tsa-ca.crt")

    def tokens(self, *arguments):
        done = subprocess.run([harness.PROGRAMS / "sigillo-audit", "tokens", "--json", "--log",
                               self.instance.home / "tsa-log", "--key", self.instance.home / "tsa-log.vkey", *arguments],
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)["tokens"]

    def units(self, state):
        return [unit for unit in self.instance.ctl("tsu", "list") if unit["state"] == state]

    def new_unit(self, algorithm="EC-P256"):
        return self.instance.ctl("tsu", "create", "--name", "another", "--algorithm", algorithm, "--country", "IT",
                                 "--organization", "Tests", "--common-name", f"Unit {secrets.token_hex(4)}",
                                 "--embedded")["unitID"]

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

    def test_mistakes_of_http_are_answered_by_http(self):
        good = query()
        for kind in ("application/json", "text/plain", ""):
            headers = {"Content-Type": kind} if kind else {}
            self.assertEqual(415, self.tsa.request("POST", "/tsa", good, headers).status)
        self.assertEqual(200, self.tsa.request("POST", "/tsa", good, {"Content-Type": QUERY + "; a=b"}).status)
        for method in ("GET", "PUT", "DELETE"):
            answer = self.tsa.request(method, "/tsa")
            self.assertEqual((405, "POST"), (answer.status, answer.headers["allow"]))
        for size in (65 * 1024, 10 << 20):
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may hang up on the rest of the body
                self.assertEqual(413, self.tsa.request("POST", "/tsa", bytes(size), {"Content-Type": QUERY}).status)
            self.tsa.close()
        self.granted(good)

    # ---- units

    def test_units_rotate_without_a_gap_and_a_destroyed_key_is_gone_from_the_token(self):
        old, = self.units("active")
        stop, results = threading.Event(), []

        def keep_stamping():
            client = ApiClient(self.instance, port=self.instance.tsa_port, tls=False)
            while not stop.is_set():
                answer = client.request("POST", "/tsa", query(), {"Content-Type": QUERY})
                results.append((answer.status, parse(answer.body)[:2]))
        threads = [threading.Thread(target=keep_stamping) for _ in range(8)]
        for thread in threads:
            thread.start()
        current = old["unitID"]
        replaced = []
        try:
            for algorithm in ("EC-P384", "RSA-2048", "EC-P256"):
                following = self.new_unit(algorithm)
                self.instance.ctl("tsu", "rotate", current, following, "--reason", "a test")
                replaced.append(current)
                current = following
                time.sleep(0.2)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual({(200, (0, None))}, set(results))
        self.assertEqual([current], [unit["unitID"] for unit in self.units("active")])

        request = query()
        self.verify(request, self.granted(request))
        refused = self.instance.ctl("tsu", "destroy", current, "--reason", "a test", check=False)
        self.assertNotEqual(0, refused.returncode)  # while it serves
        objects = lambda: len(list((self.instance.home / "hsm/tokens").rglob("*.object")))
        before = objects()
        for unit in replaced:
            self.instance.ctl("tsu", "destroy", unit, "--reason", "a test")
        self.assertEqual(before - 2 * len(replaced), objects())
        self.assertEqual(sorted(replaced), sorted(unit["unitID"] for unit in self.units("destroyed")))

    def test_status_tells_the_clock_and_the_log(self):
        self.granted(query())
        status = self.instance.ctl("tsu", "status")
        self.assertEqual("unchecked", status["time"]["state"])
        self.assertEqual(["1.3.6.1.4.1.32473.3161.0"], status["policies"])
        self.assertEqual((self.instance.home / "tsa-log.vkey").read_text().strip(), status["vkey"])
        self.assertTrue(status["checkpoint"].startswith(status["origin"]))
        metrics = self.client.request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"(?m)^sigillo_tsa_tokens_total [1-9]")


class TsaApart(harness.InstanceTest):
    """What needs sigillod to stop."""
    stamp, granted, tokens = Tsa.stamp, Tsa.granted, Tsa.tokens

    def setUp(self):
        self.tsa = ApiClient(self.instance, port=self.instance.tsa_port, tls=False)

    def test_every_token_that_a_client_holds_is_in_the_log_and_no_serial_comes_twice_over_ten_kills(self):
        held, lock = [], threading.Lock()
        for _ in range(10):
            stop = threading.Event()

            def keep_stamping():
                client = ApiClient(self.instance, port=self.instance.tsa_port, tls=False)
                while not stop.is_set():
                    digest = secrets.token_bytes(32)
                    try:
                        answer = client.request("POST", "/tsa", query(digest, cert=False), {"Content-Type": QUERY})
                    except (OSError, http.client.HTTPException):
                        continue
                    if answer.status == 200 and parse(answer.body).status == 0:
                        with lock:
                            held.append(digest)
                    else:
                        time.sleep(0.01)
            threads = [threading.Thread(target=keep_stamping) for _ in range(64)]
            before = len(held)
            for thread in threads:
                thread.start()
            harness.wait_until(lambda: len(held) >= before + 100, 30, "a hundred tokens")
            self.instance.kill("sigillod")
            stop.set()
            for thread in threads:
                thread.join()
            self.instance.start("sigillod")
        harness.wait_until(lambda: self.instance.healthy(), 30, "health")
        self.instance.ctl("tsu", "status")  # publishes
        logged = self.tokens()
        self.assertEqual(len(logged), len({token["serial"] for token in logged}))
        imprints = {token["imprint"] for token in logged}
        self.assertEqual([], [d.hex() for d in held if base64.b64encode(d).decode() not in imprints])
        self.assertGreaterEqual(len(held), 1000)

    def test_below_the_reserve_no_token_is_issued_while_signing_goes_on(self):
        self.instance.stop("sigillod")
        self.instance.configure({"tsa.reserve_mib": 16_777_216})
        self.instance.start("sigillod")
        harness.wait_until(lambda: self.instance.healthy(), 30, "health")
        self.assertEqual((2, SYSTEM), parse(self.stamp(query()))[:2])
        credential = self.client.credential_by_click()
        hashes = [hashlib.sha256(b"x").digest()]
        self.assertEqual(1, len(self.client.sign(credential, self.client.authorize(credential, hashes), hashes)))
        items = {item["name"]: item["state"] for item in self.instance.health()["items"]}
        self.assertEqual("degraded", items["tsa reserve"])
        self.instance.stop("sigillod")
        self.instance.configure({"tsa.reserve_mib": 1})
        self.instance.start("sigillod")
        harness.wait_until(lambda: self.instance.healthy(), 30, "health")
        self.granted(query())

    def test_a_checked_clock_without_chronyd_behind_it_is_no_start(self):
        self.instance.stop("sigillod")
        self.instance.configure({"tsa.time": "kernel", "tsa.policies": ["1.2.3.4"],
                                 "tsa.chrony_socket": str(self.instance.home / "no.sock")})
        done = subprocess.run([harness.PROGRAMS / "sigillod", "run", "--config", self.instance.config],
                              env=self.instance.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, "clock|chronyd|error|synchronis")
        self.instance.configure({"tsa.time": "unchecked", "tsa.policies": []})
        self.instance.start("sigillod")
        harness.wait_until(lambda: self.instance.healthy(), 30, "health")
        self.granted(query())


if __name__ == "__main__":
    unittest.main()
