# ctest: TIMEOUT 600
"""The revisions that api/documents/pdf makes, before judges that compare revisions: a second signature, a time-stamp and
validation data must be found to be permitted changes, in files of every kind. The CMS around them are made here, so that
nothing but the PDF is ours."""
import pathlib
import subprocess
import tempfile
import unittest

from pdf_bench import Bench
from pki import Pki
from validators import Validators


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
