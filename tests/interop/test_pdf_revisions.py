# ctest: TIMEOUT 600
"""The revisions that api/documents/pdf makes, before judges that compare revisions: a second signature, a time-stamp and
validation data must be found to be permitted changes, in files of every kind. The CMS around them are made here, so that
nothing but the PDF is ours."""
import pathlib
import subprocess
import tempfile
import unittest

import bench_documents
from pdf_bench import Bench
from pki import Pki
from test_validators import PLAIN, plain_pdf
from validators import UNDEFINED_CHANGES, Validators


def archival_pdf():
    """The plain document, calling itself PDF/A-2."""
    packet = (b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
              b"<rdf:Description rdf:about='' xmlns:pdfaid='http://www.aiim.org/pdfa/ns/id/'><pdfaid:part>2</pdfaid:part>"
              b"<pdfaid:conformance>B</pdfaid:conformance></rdf:Description></rdf:RDF></x:xmpmeta>")
    body = PLAIN.replace(b"/Catalog", b"/Catalog/Metadata 6 0 R") + (
        b"6 0 obj\n<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (len(packet), packet))
    table = b"".join(b"%010d 00000 n \n" % (body.index(b"\n%d 0 obj" % number) + 1) for number in range(1, 7))
    return body + b"xref\n0 7\n0000000000 65535 f \n" + table + (
        b"trailer\n<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body))


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
        cls.bench = Bench(cls.folder, cls.pki)

    def judged(self, path, **options):
        verdicts = self.judges.validate_pdf(path, online=True, **options)
        for verdict in verdicts:
            self.assertTrue(verdict.ok, f"{path}: {verdict}")

    def shapes(self):
        """The same document put together in every way that qpdf knows."""
        plain = self.folder / "plain.pdf"
        if not plain.exists():
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
                self.bench.sign(path, steps[0], self.VISIBLE)
                self.judged(steps[0])
                self.bench.sign(steps[0], steps[1], self.SECOND)
                self.bench.sign(steps[1], steps[2], {"name": "Invisible"})
                self.judged(steps[2])

    def test_certification_then_signatures(self):
        for level in (2, 3):
            for name, path in self.shapes():
                with self.subTest(f"{name} {level}"):
                    first, second, third = (self.folder / f"certified-{n}.pdf" for n in (1, 2, 3))
                    later = [{"name": "Counterparty", "position": self.SECOND["position"]}]
                    self.bench.sign(path, first, {**self.VISIBLE, "certification": level, "later_fields": later})
                    self.judged(first)
                    self.bench.sign(first, second, {"name": "Invisible"})
                    self.judged(second)
                    self.bench.sign(second, third, {"name": "Counterparty", "field": "Counterparty", "existing": True,
                                              "appearance": self.SECOND["appearance"]})
                    self.judged(third)

    def test_in_pdf_a_an_empty_field_has_an_appearance_whose_change_is_undefined_to_dss_whoever_signs(self):
        # PDF/A wants an appearance of each field, and DSS has no rule for one in another's place: pyHanko's signature in such
        # a field is judged like ours.
        source, certified = self.folder / "archival.pdf", self.folder / "archival-certified.pdf"
        ours, theirs = self.folder / "archival-ours.pdf", self.folder / "archival-theirs.pdf"
        source.write_bytes(archival_pdf())
        later = [{"name": "Counterparty", "position": self.SECOND["position"]}]
        self.bench.sign(source, certified, {**self.VISIBLE, "certification": 2, "later_fields": later})
        self.judged(certified)
        self.bench.sign(certified, ours, {"name": "Counterparty", "field": "Counterparty", "existing": True,
                                          "appearance": self.SECOND["appearance"]})
        self.assertEqual([None], bench_documents.pyhanko_sign([
            {"input": str(certified), "output": str(theirs), "key": str(self.bench.key), "certificate": str(self.bench.pem),
             "chain": [str(self.pki.anchors[0])], "level": "B-B", "field": "Counterparty", "may_fail": True,
             "anchors": [str(anchor) for anchor in self.pki.anchors]}]))
        verdicts = self.judges.validate_pdf(ours, online=True)
        self.assertEqual(["dss"], [verdict.validator for verdict in verdicts if not verdict.ok], verdicts)
        for path in (ours, theirs):
            dss, = self.judges.validate_pdf(path, online=True, without=["openssl", "pdfsig", "qpdf", "pyhanko"])
            self.assertEqual("TOTAL-PASSED TOTAL-PASSED", dss.indication)
            self.assertIn(UNDEFINED_CHANGES, dss.reason)

    def test_validation_data_and_time_stamps_even_under_level_1(self):
        for name, path in self.shapes():
            with self.subTest(name):
                steps = [self.folder / f"{name}-lta-{n}.pdf" for n in range(6)]
                self.bench.sign(path, steps[0], {**self.VISIBLE, "certification": 1})
                self.bench.extend(steps[0], steps[1])
                self.judged(steps[1])
                self.bench.sign(steps[1], steps[2], {"timestamp": True}, token=True)
                self.judged(steps[2])
                self.bench.extend(steps[2], steps[3])
                self.bench.sign(steps[3], steps[4], {"timestamp": True}, token=True)
                self.judged(steps[4])

    def test_clauses_on_two_pages_and_a_second_signature(self):
        for name, path in self.shapes():
            with self.subTest(name):
                first, second = self.folder / "clauses.pdf", self.folder / "clauses-2.pdf"
                areas = [{"page": 1, "position": f"rect: 120mm, {y}mm, 190mm, {y + 20}mm",
                          "appearance": {"text": [{"lines": ["{name}"]}]}} for y in (50, 80)]
                self.bench.sign(path, first, {**self.VISIBLE, "clauses": areas})
                self.judged(first)
                self.bench.sign(first, second, self.SECOND)
                self.judged(second)


if __name__ == "__main__":
    unittest.main()
