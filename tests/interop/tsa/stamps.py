"""What the tests here have in common: an instance of our own (tests/integration/harness.py), asked by other people's
programs."""
import base64
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
from harness import REPOSITORY  # noqa: E402  pylint: disable=wrong-import-position
from time_stamps import QUERY, REPLY, TsaTest  # noqa: E402  pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
KEYS = ("EC-P256", "EC-P384", "RSA-2048", "RSA-3072", "RSA-4096")
HASHES = ("sha256", "sha384", "sha512")
POLICY = "1.3.6.1.4.1.32473.3161.0"


def run(*arguments, good=True, **options):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, check=False, timeout=120, **options)
    if good and done.returncode != 0:
        raise AssertionError(f"{arguments[:4]} exited {done.returncode}: {done.stderr!r}{done.stdout[:2000]!r}")
    return done


class Stamps(TsaTest):
    """`folder`: a place for files. Requests are openssl's, sent by curl over plain HTTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.instance.home / "interop"
        cls.folder.mkdir()
        cls.url = f"http://localhost:{cls.instance.tsa_port}/tsa"
        cls.ca = cls.instance.home / "tsa-ca.crt"
        cls.number = 0

    def serve_with(self, algorithm):
        """A unit with such a key takes the place of the one that serves; its certificate, in a file as DER."""
        before, = self.units("active")
        self.instance.ctl("tsu", "rotate", before["unitID"], self.new_unit(algorithm), "--reason", "interoperation")
        after, = self.units("active")
        self.assertEqual(algorithm, after["keyAlgorithm"])
        path = self.folder / f"{algorithm}.der"
        path.write_bytes(base64.b64decode(after["chain"][0]["der"]))
        return path

    def ask(self, digest, *options):
        """Paths of a request that openssl made over a document of its own, and of the answer that curl got."""
        type(self).number += 1
        request, response = (self.folder / f"{self.number}.{kind}" for kind in ("tsq", "tsr"))
        document = self.folder / f"{self.number}.data"
        document.write_bytes(b"document %d" % self.number)
        run("openssl", "ts", "-query", "-data", document, f"-{digest}", *options, "-out", request)
        said = run("curl", "--silent", "--show-error", "--fail", "--header", f"Content-Type: {QUERY}", "--data-binary",
                   f"@{request}", "--output", response, "--write-out", "%{content_type}", self.url)
        self.assertEqual(REPLY, said.stdout.decode())
        return request, response
