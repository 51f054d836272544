# ctest: TIMEOUT 600
"""The validators that judge our signatures are judged here, without our product: documents that pyHanko, openssl and DSS sign
under a PKI of openssl's must pass with the right level, and each kind of damage must be refused by all who can see it.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from asn1crypto import cms

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "validators"))

import pdf_ranges  # noqa: E402
from pki import Pki, openssl  # noqa: E402
from validators import DEFAULT_BUILD, Validators  # noqa: E402
from verdict import LEVELS, held_to  # noqa: E402

SIGNATURE_JUDGES = {"openssl", "pdfsig", "pyhanko", "dss"}  # qpdf judges the form of a file, not its signatures
ONLINE = {"B-B": True, "B-T": True, "B-LT": False, "B-LTA": False}

PLAIN = (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
         b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
         b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
         b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
         b"/Resources<</Font<</F1 5 0 R>>>>>>\nendobj\n"
         b"4 0 obj\n<</Length 58>>\nstream\nBT /F1 24 Tf 72 700 Td (I owe you one hundred euro.) Tj ET \nendstream\nendobj\n"
         b"5 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\n")


def plain_pdf():
    offsets = [PLAIN.index(b"\n%d 0 obj" % number) + 1 for number in range(1, 6)]
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return PLAIN + b"xref\n0 6\n0000000000 65535 f \n" + table + (
        b"trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(PLAIN))


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([str(HERE / "validators/setup.sh")], check=True, stdin=subprocess.DEVNULL)
        cls._scratch = tempfile.TemporaryDirectory(prefix="sigillo-validators-test-")
        cls.addClassCleanup(cls._scratch.cleanup)
        cls.folder = pathlib.Path(cls._scratch.name)
        cls.pki = Pki(cls.folder / "pki")
        cls.addClassCleanup(cls.pki.__exit__)
        cls.judges = Validators(anchors=cls.pki.anchors)
        cls.addClassCleanup(cls.judges.close)
        (cls.folder / "plain.pdf").write_bytes(plain_pdf())

    @classmethod
    def sign(cls, *jobs):
        """Signs with pyHanko; each job names at least output, and key_kind or key and certificate."""
        complete = []
        for job in jobs:
            key, certificate = cls.pki.signer(job.get("key_kind", "p256"), job.get("signer"))
            complete.append({"input": str(cls.folder / job.pop("source", "plain.pdf")), "key": str(key),
                             "certificate": str(certificate), "chain": [str(cls.pki.anchors[0])],
                             "anchors": [str(anchor) for anchor in cls.pki.anchors], "tsa": cls.pki.tsa_url, **job,
                             "output": str(cls.folder / job["output"])})
        subprocess.run([str(DEFAULT_BUILD / "interop-venv/bin/python"), "-B", str(HERE / "validators/pyhanko_signer.py")],
                       input=json.dumps(complete).encode(), check=True)

    def accepted(self, verdicts):
        for verdict in verdicts:
            self.assertTrue(verdict.ok, verdict)

    def refused_by(self, verdicts, names):
        said_no = {verdict.validator for verdict in verdicts if not verdict.ok}
        self.assertLessEqual(set(names), said_no, verdicts)


class Pdf(Bench):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        jobs = [{"output": f"{kind}-{level}.pdf", "key_kind": kind, "level": level, "pss": kind == "rsa3072"}
                for kind in ("p256", "p384", "rsa2048", "rsa3072") for level in LEVELS]
        cls.sign(*jobs)

    def test_every_level_and_key_is_accepted_by_all_with_its_level(self):
        for kind in ("p256", "p384", "rsa2048", "rsa3072"):
            for level in LEVELS:
                with self.subTest(kind=kind, level=level):
                    verdicts = self.judges.validate_pdf(self.folder / f"{kind}-{level}.pdf", level, online=ONLINE[level])
                    self.assertEqual(SIGNATURE_JUDGES | {"qpdf"}, {verdict.validator for verdict in verdicts})
                    self.accepted(verdicts)
                    self.assertEqual({(level,)}, {verdict.level for verdict in verdicts if verdict.level})

    def test_one_flipped_byte_in_the_signed_ranges_is_refused_by_all(self):
        for level in LEVELS:
            data = (self.folder / f"p256-{level}.pdf").read_bytes()
            first = pdf_ranges.embedded_signatures(data)[0]
            in_the_page = data.index(b"one hundred")
            behind_contents = data.index(b"/M", first.ranges[2]) if b"/M" in data[first.ranges[2]:first.end] else first.end - 8
            for place in (in_the_page, behind_contents, first.end - 3):
                with self.subTest(level=level, place=place):
                    path = self.folder / "flipped.pdf"
                    path.write_bytes(flipped(data, place))
                    self.refused_by(self.judges.validate_pdf(path, level, online=ONLINE[level]), SIGNATURE_JUDGES)

    def test_one_flipped_byte_in_the_signature_value_is_refused_by_all(self):
        for level in LEVELS:
            with self.subTest(level=level):
                data = (self.folder / f"rsa2048-{level}.pdf").read_bytes()
                found = pdf_ranges.embedded_signatures(data)[0]
                value = cms.ContentInfo.load(found.cms)["content"]["signer_infos"][0]["signature"].native
                place = data.lower().index(value.hex().encode()) + 40
                while not data[place:place + 1].isdigit():  # a digit of ten with its last bit flipped is another one
                    place += 1
                path = self.folder / "flipped.pdf"
                path.write_bytes(flipped(data, place))
                self.refused_by(self.judges.validate_pdf(path, level, online=ONLINE[level]), SIGNATURE_JUDGES)

    def test_other_anchors_are_refused_by_all_online_and_offline(self):
        with Pki(self.folder / "strangers") as strangers, Validators(anchors=strangers.anchors) as judges:
            for level in LEVELS:
                for online in (True, False):
                    with self.subTest(level=level, online=online):
                        verdicts = judges.validate_pdf(self.folder / f"p256-{level}.pdf", level, online=online)
                        self.refused_by(verdicts, SIGNATURE_JUDGES)

    def test_without_embedded_revocation_data_only_lt_and_lta_pass_offline(self):
        for level in ("B-B", "B-T"):
            verdicts = self.judges.validate_pdf(self.folder / f"p256-{level}.pdf", level)
            self.refused_by(verdicts, {"pyhanko", "dss"})

    def test_another_level_than_the_expected_is_refused_by_those_who_know_levels(self):
        for level in LEVELS:
            verdicts = self.judges.validate_pdf(self.folder / f"p256-{level}.pdf", online=ONLINE[level])
            self.accepted(verdicts)
            for other in LEVELS:
                if other != level:
                    self.refused_by([held_to(verdict, other) for verdict in verdicts], {"pyhanko", "dss"})

    def test_an_unsigned_document_is_refused_by_all(self):
        self.refused_by(self.judges.validate_pdf(self.folder / "plain.pdf"), SIGNATURE_JUDGES)

    def test_a_revoked_signer_is_refused_by_those_who_ask(self):
        self.sign({"output": "revoked.pdf", "level": "B-B", "signer": "revoked"})
        self.accepted(self.judges.validate_pdf(self.folder / "revoked.pdf", "B-B", online=True))
        self.pki.revoke(self.pki.signer("p256", "revoked")[1])
        self.refused_by(self.judges.validate_pdf(self.folder / "revoked.pdf", "B-B", online=True), {"pdfsig", "pyhanko", "dss"})

    def test_a_page_that_is_changed_behind_the_signature_is_refused_by_those_who_compare_revisions(self):
        data = (self.folder / "p256-B-LT.pdf").read_bytes()
        previous = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
        size = max(int(number) for number in re.findall(rb"/Size (\d+)", data))
        root = re.findall(rb"/Root (\d+ \d+ R)", data)[-1]
        text = b"BT /F1 24 Tf 72 700 Td (I owe you one million euro.) Tj ET "
        change = b"4 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n" % (len(text), text)
        table = b"xref\n4 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
            len(data), size, root, previous, len(data) + len(change))
        path = self.folder / "changed.pdf"
        path.write_bytes(data + change + table)
        self.refused_by(self.judges.validate_pdf(path, "B-LT"), {"pyhanko", "dss"})

    def test_each_of_several_signatures_is_held_to_its_level(self):
        self.sign({"output": "two-a.pdf", "level": "B-LT", "field": "First"},
                  {"source": "two-a.pdf", "output": "two.pdf", "level": "B-LTA", "field": "Second", "key_kind": "rsa2048"})
        verdicts = self.judges.validate_pdf(self.folder / "two.pdf", online=True)
        self.accepted(verdicts)
        self.assertEqual({2}, {verdict.signatures for verdict in verdicts if verdict.level})
        data = (self.folder / "two.pdf").read_bytes()
        path = self.folder / "two-flipped.pdf"
        path.write_bytes(flipped(data, data.index(b"one hundred")))
        self.refused_by(self.judges.validate_pdf(path, online=True), SIGNATURE_JUDGES)


class Cms(Bench):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        content = cls.folder / "content.bin"
        content.write_bytes(bytes(range(256)) * 40)
        build = DEFAULT_BUILD / "interop-dss"
        for kind in ("p256", "p384", "rsa2048", "rsa3072"):
            key, certificate = cls.pki.signer(kind)
            padding = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"] if kind == "rsa3072" else []
            for form, extra in (("attached", ["-nodetach"]), ("detached", [])):
                base = cls.folder / f"{kind}-{form}-B-B.cms"
                openssl("cms", "-sign", "-cades", "-binary", "-md", "sha256", "-signer", certificate, "-inkey", key,
                        "-in", content, "-outform", "DER", "-out", base, *padding, *extra)
                if kind != "p256":
                    continue
                for level in ("T", "LT", "LTA"):
                    subprocess.run(
                        ["java", "-cp", f"{build}/classes:{build}/lib/*", "Extend", str(base),
                         "-" if form == "attached" else str(content), level, cls.pki.tsa_url,
                         ";".join(map(str, cls.pki.anchors)), str(cls.folder / f"{kind}-{form}-B-{level}.cms")], check=True)
        cls.content = content

    def given(self, form):
        return self.content if form == "detached" else None

    def test_every_level_and_form_is_accepted_by_all_with_its_level(self):
        for form in ("attached", "detached"):
            for level in LEVELS:
                with self.subTest(form=form, level=level):
                    verdicts = self.judges.validate_cms(self.folder / f"p256-{form}-{level}.cms", level,
                                                        content=self.given(form), online=ONLINE[level])
                    self.assertEqual({"openssl", "pyhanko", "dss"}, {verdict.validator for verdict in verdicts})
                    self.accepted(verdicts)

    def test_every_key_is_accepted_by_all(self):
        for kind in ("p384", "rsa2048", "rsa3072"):
            for form in ("attached", "detached"):
                with self.subTest(kind=kind, form=form):
                    self.accepted(self.judges.validate_cms(self.folder / f"{kind}-{form}-B-B.cms", "B-B",
                                                           content=self.given(form), online=True))

    def test_parallel_signatures_are_each_judged(self):
        key, certificate = self.pki.signer("rsa2048")
        path = self.folder / "parallel.cms"
        openssl("cms", "-resign", "-cades", "-binary", "-md", "sha256", "-nosmimecap", "-inform", "DER",
                "-in", self.folder / "p256-attached-B-B.cms", "-signer", certificate, "-inkey", key, "-outform", "DER",
                "-out", path)
        verdicts = self.judges.validate_cms(path, "B-B", online=True)
        self.accepted(verdicts)
        self.assertEqual({2}, {verdict.signatures for verdict in verdicts})
        data = path.read_bytes()
        values = [signer["signature"].native for signer in cms.ContentInfo.load(data)["content"]["signer_infos"]]
        for value in values:
            damaged = self.folder / "parallel-flipped.cms"
            damaged.write_bytes(flipped(data, data.index(value) + len(value) - 1))
            self.refused_by(self.judges.validate_cms(damaged, "B-B", online=True), {"openssl", "pyhanko", "dss"})

    def test_one_flipped_byte_is_refused_by_all(self):
        for level in LEVELS:
            with self.subTest(level=level, form="detached"):
                path = self.folder / "flipped.bin"
                path.write_bytes(flipped(self.content.read_bytes(), 5000))
                self.refused_by(self.judges.validate_cms(self.folder / f"p256-detached-{level}.cms", level, content=path,
                                                         online=ONLINE[level]), {"openssl", "pyhanko", "dss"})
            with self.subTest(level=level, form="attached"):
                data = (self.folder / f"p256-attached-{level}.cms").read_bytes()
                path = self.folder / "flipped.cms"
                path.write_bytes(flipped(data, data.index(bytes(range(100, 200))) + 7))
                self.refused_by(self.judges.validate_cms(path, level, online=ONLINE[level]), {"openssl", "pyhanko", "dss"})

    def test_a_detached_signature_without_its_content_and_other_anchors_are_refused_by_all(self):
        self.refused_by(self.judges.validate_cms(self.folder / "p256-detached-B-LT.cms", "B-LT"), {"openssl", "pyhanko", "dss"})
        with Pki(self.folder / "strangers") as strangers, Validators(anchors=strangers.anchors) as judges:
            self.refused_by(judges.validate_cms(self.folder / "p256-attached-B-LT.cms", "B-LT", online=True),
                            {"openssl", "pyhanko", "dss"})

    def test_another_level_than_the_expected_is_refused(self):
        self.refused_by(self.judges.validate_cms(self.folder / "p256-attached-B-T.cms", "B-LT", online=True), {"pyhanko", "dss"})
        self.refused_by(self.judges.validate_cms(self.folder / "p256-attached-B-LT.cms", "B-LTA"), {"dss"})
        self.refused_by(self.judges.validate_cms(self.folder / "p256-attached-B-LTA.cms", "B-LT"), {"dss"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
