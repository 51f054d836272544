# ctest: TIMEOUT 600
"""CAdES as api/documents/cms makes it, before judges who know nothing of it: openssl, pyHanko and the EU's DSS.

{attached, detached, parallel} x {B-B, B-T, B-LT, B-LTA, B-LTA renewed} x {RSA-2048 PKCS#1, RSA-3072 PSS, P-256, P-384}:
each must have the level that it claims, and none must survive a changed octet.
"""
import functools
import http.server
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "validators"))
from validators import Validators  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("SIGILLO_PREBUILT", HERE.parents[1] / "build/release/bin"))
ENVELOPES = {"attached": ".p7m", "detached": ".p7s", "parallel": ".p7m"}
KEYS = ["rsa2048", "rsa3072pss", "p256", "p384"]
LEVELS = {"B-B": "B-B", "B-T": "B-T", "B-LT": "B-LT", "B-LTA": "B-LTA", "renewed": "B-LTA"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class CadesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([str(HERE / "validators/setup.sh")], check=True, stdin=subprocess.DEVNULL)
        scratch = tempfile.TemporaryDirectory(prefix="sigillo-cades-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=scratch.name))
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        subprocess.run([str(PROGRAMS / "cms_make_samples"), scratch.name, url], check=True)
        cls.judges = Validators(anchors=[cls.folder / "root.pem"])
        cls.addClassCleanup(cls.judges.close)

    def judge(self, path, level, envelope, **options):
        content = self.folder / "content.bin" if envelope == "detached" else None
        # B-LT and B-LTA hold all that validation needs: nobody may look elsewhere.
        return self.judges.validate_cms(path, level, content=content, online=level in ("B-B", "B-T"), **options)

    def check_envelope(self, envelope):
        for key in KEYS:
            for name, level in LEVELS.items():
                with self.subTest(envelope=envelope, key=key, level=name):
                    verdicts = self.judge(self.folder / f"{envelope}-{key}-{name}{ENVELOPES[envelope]}", level, envelope)
                    for verdict in verdicts:
                        self.assertTrue(verdict.ok, verdict)
                        self.assertEqual(verdict.signatures, 2 if envelope == "parallel" else 1, verdict)

    def test_attached_signatures_have_their_level(self):
        self.check_envelope("attached")

    def test_detached_signatures_have_their_level(self):
        self.check_envelope("detached")

    def test_parallel_signatures_have_their_level(self):
        self.check_envelope("parallel")

    def test_a_changed_octet_of_the_content_is_refused_by_all(self):
        data = (self.folder / "attached-p256-B-LTA.p7m").read_bytes()
        place = data.index(b"Z" * 1000) + 500  # the content is 'Z's
        changed = self.folder / "changed.p7m"
        changed.write_bytes(data[:place] + b"z" + data[place + 1:])
        for verdict in self.judge(changed, "B-LTA", "attached"):
            self.assertFalse(verdict.ok, verdict)

    def test_a_changed_octet_of_the_signature_is_refused_by_all(self):
        data = (self.folder / "attached-p256-B-B.p7m").read_bytes()
        changed = self.folder / "changed.p7m"  # a SignedData without unsigned attributes ends with the signature
        changed.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        for verdict in self.judge(changed, "B-B", "attached"):
            self.assertFalse(verdict.ok, verdict)

    def check_only_dss_sees(self, change):
        """An archive time-stamp is beyond openssl and pyHanko: what it alone covers, DSS alone misses."""
        for envelope in ENVELOPES:
            for level in ("B-LTA", "renewed"):
                with self.subTest(envelope=envelope, level=level):
                    data = (self.folder / f"{envelope}-p256-{level}{ENVELOPES[envelope]}").read_bytes()
                    changed = self.folder / "changed.cms"
                    changed.write_bytes(change(data))
                    verdicts = {verdict.validator: verdict for verdict in self.judge(changed, "B-LTA", envelope)}
                    self.assertTrue(verdicts["openssl"].ok, verdicts["openssl"])
                    self.assertFalse(verdicts["dss"].ok, verdicts["dss"])

    def test_a_changed_certificate_under_an_archive_time_stamp_is_seen(self):
        """The root in the document is needed by no path, since it is an anchor; but ats-hash-index-v3 covers it."""
        root = ssl.PEM_cert_to_DER_cert((self.folder / "root.pem").read_text())

        def change(data):
            place = data.index(root) + len(root) - 1  # in its signature
            return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]
        self.check_only_dss_sees(change)

    def test_a_changed_hash_index_of_an_archive_time_stamp_is_seen(self):
        identifier = bytes.fromhex("06070400819532" + "0105")  # ats-hash-index-v3, 0.4.0.19122.1.5

        def change(data):
            place = data.index(identifier) + 60  # in the first hashes
            return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]
        self.check_only_dss_sees(change)


if __name__ == "__main__":
    unittest.main()
