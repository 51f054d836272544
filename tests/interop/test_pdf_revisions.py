# ctest: TIMEOUT 600
"""The revisions that api/documents/pdf makes, before judges that compare revisions: a second signature, a time-stamp and
validation data must be found to be permitted changes, in files of every kind. The CMS around them are made here, so that
nothing but the PDF is ours."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from asn1crypto import algos, cms, core, pem, tsp, x509

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "validators"))

from pki import Pki, openssl  # noqa: E402
from validators import Validators  # noqa: E402

TOOL = pathlib.Path(os.environ.get("SIGILLO_PREBUILT", HERE.parents[1] / "build/release/bin")).parent / "tests/pdf_tool"
FONT = {"name": "Universal", "file": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"}


def certificate_of(path):
    return x509.Certificate.load(pem.unarmor(pathlib.Path(path).read_bytes())[2])


def cms_of(key, certificate, content, chain=()):
    """A CAdES B-B signature as PAdES wants it: without signing-time."""
    attribute = {"hash_algorithm": {"algorithm": "sha256"}, "cert_hash": hashlib.sha256(certificate.dump()).digest(),
                 "issuer_serial": {"issuer": [x509.GeneralName("directory_name", certificate.issuer)],
                                   "serial_number": certificate.serial_number}}
    attributes = cms.CMSAttributes([
        {"type": "content_type", "values": ["data"]},
        {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
        {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [attribute]})]}])
    signature = openssl("dgst", "-sha256", "-sign", key, stdin=attributes.dump())
    signer = cms.SignerInfo({
        "version": "v1", "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
        "sid": cms.SignerIdentifier("issuer_and_serial_number", {"issuer": certificate.issuer,
                                                                 "serial_number": certificate.serial_number}),
        "signed_attrs": attributes, "signature_algorithm": {"algorithm": "sha256_ecdsa"}, "signature": signature})
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData({
        "version": "v1", "digest_algorithms": [{"algorithm": "sha256"}], "encap_content_info": {"content_type": "data"},
        "certificates": [certificate, *chain], "signer_infos": [signer]})}).dump()


class Revisions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="sigillo-revisions-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        cls.pki = Pki(cls.folder / "pki")
        cls.addClassCleanup(cls.pki.__exit__)
        cls.judges = Validators(anchors=cls.pki.anchors)
        cls.addClassCleanup(cls.judges.close)
        cls.key, cls.pem = cls.pki.signer("p256")
        cls.certificate = certificate_of(cls.pem)

    def tool(self, *arguments):
        done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout.decode() + done.stderr.decode())
        return json.loads(done.stdout) if done.stdout else None

    def sign(self, source, target, spec, token=None):
        """One more signature, or with token a time-stamp of the test's TSA."""
        spec_file, cms_file = self.folder / "spec.json", self.folder / "cms.der"
        own_time = {} if token else {"time": int(time.time())}
        spec_file.write_text(json.dumps({"fonts": [FONT], **own_time, **spec}))
        prepared = self.tool("prepare", source, target, spec_file)
        data = pathlib.Path(target).read_bytes()
        _, first, second, rest = prepared["byte_range"]
        covered = data[:first] + data[second:second + rest]
        if token:
            request = openssl("ts", "-query", "-data", "/dev/stdin", "-sha256", "-cert", stdin=covered)
            answer = self.pki.timestamp(request)
            cms_file.write_bytes(tsp.TimeStampResp.load(answer)["time_stamp_token"].dump())
        else:
            cms_file.write_bytes(cms_of(self.key, self.certificate, covered))
        self.tool("embed", target, prepared["contents_offset"], prepared["contents_size"], cms_file)

    def extend(self, source, target):
        """Everything that the signer's certificate and the TSU's need, for every signature."""
        files = {}
        for name, octets in {"leaf": self.certificate.dump(), "ca": self.pki.certificate("ca"),
                             "tsa": self.pki.certificate("tsa-ca"), "tsu": certificate_of(self.pki.folder / "tsu.pem").dump(),
                             "crl": self.pki.crl("ca"), "tsa-crl": self.pki.crl("tsa-ca")}.items():
            files[name] = str(self.folder / f"vd-{name}.der")
            pathlib.Path(files[name]).write_bytes(octets)
        data = {"certificates": [files[n] for n in ("leaf", "ca", "tsa", "tsu")], "crls": [files["crl"], files["tsa-crl"]]}
        keys = [one["vri_key"] for one in self.tool("inspect", source)["signatures"]]
        (self.folder / "data.json").write_text(json.dumps({**data, "signatures": [{"vri_key": key, **data} for key in keys]}))
        self.tool("extend", source, target, self.folder / "data.json")

    def judged(self, path, **options):
        verdicts = self.judges.validate_pdf(path, online=True, **options)
        for verdict in verdicts:
            self.assertTrue(verdict.ok, f"{path}: {verdict}")

    def shapes(self):
        """The same document put together in every way that qpdf knows."""
        plain = self.folder / "plain.pdf"
        if not plain.exists():
            from test_validators import plain_pdf
            plain.write_bytes(plain_pdf())
        for name, options in {"table": ["--object-streams=disable"], "stream": ["--object-streams=generate"],
                              "linear": ["--linearize"], "linear_stream": ["--linearize", "--object-streams=generate"],
                              "old": ["--force-version=1.4", "--object-streams=disable"]}.items():
            path = self.folder / f"{name}.pdf"
            subprocess.run(["qpdf", *options, plain, path], check=True)
            yield name, path

    VISIBLE = {"name": "Mario Rossi", "reason": "Per accettazione", "position": "rect: 10mm, 50mm, 110mm, 80mm",
               "appearance": {"border": [0, 0, 0], "text": [{"lines": ["Signed by {name}", "{reason}", "{time}"]}]}}
    SECOND = {**VISIBLE, "name": "Γιώργος Παπαδόπουλος", "position": "rect: 10mm, 90mm, 110mm, 120mm"}

    def test_approvals_one_after_the_other(self):
        for name, path in self.shapes():
            with self.subTest(name):
                steps = [self.folder / f"{name}-{n}.pdf" for n in range(4)]
                self.sign(path, steps[0], self.VISIBLE)
                self.judged(steps[0])
                self.sign(steps[0], steps[1], self.SECOND)
                self.sign(steps[1], steps[2], {"name": "Invisible"})
                self.judged(steps[2])

    def test_certification_then_signatures(self):
        for level in (2, 3):
            for name, path in self.shapes():
                with self.subTest(f"{name} {level}"):
                    first, second, third = (self.folder / f"certified-{n}.pdf" for n in (1, 2, 3))
                    later = [{"name": "Counterparty", "position": self.SECOND["position"]}]
                    self.sign(path, first, {**self.VISIBLE, "certification": level, "later_fields": later})
                    self.judged(first)
                    self.sign(first, second, {"name": "Invisible"})
                    self.judged(second)
                    self.sign(second, third, {"name": "Counterparty", "field": "Counterparty", "existing": True,
                                              "appearance": self.SECOND["appearance"]})
                    self.judged(third)

    def test_validation_data_and_time_stamps_even_under_level_1(self):
        for name, path in self.shapes():
            with self.subTest(name):
                steps = [self.folder / f"{name}-lta-{n}.pdf" for n in range(6)]
                self.sign(path, steps[0], {**self.VISIBLE, "certification": 1})
                self.extend(steps[0], steps[1])
                self.judged(steps[1])
                self.sign(steps[1], steps[2], {"timestamp": True}, token=True)
                self.judged(steps[2])
                self.extend(steps[2], steps[3])
                self.sign(steps[3], steps[4], {"timestamp": True}, token=True)
                self.judged(steps[4])

    def test_clauses_on_two_pages_and_a_second_signature(self):
        for name, path in self.shapes():
            with self.subTest(name):
                first, second = self.folder / "clauses.pdf", self.folder / "clauses-2.pdf"
                areas = [{"page": 1, "position": f"rect: 120mm, {y}mm, 190mm, {y + 20}mm",
                          "appearance": {"text": [{"lines": ["{name}"]}]}} for y in (50, 80)]
                self.sign(path, first, {**self.VISIBLE, "clauses": areas})
                self.judged(first)
                self.sign(first, second, self.SECOND)
                self.judged(second)


if __name__ == "__main__":
    unittest.main()
