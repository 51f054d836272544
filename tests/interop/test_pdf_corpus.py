# ctest: TIMEOUT 1800
"""Every document of the corpus through the PDF library: signed, given validation data, signed again, and after each step
accepted by all judges together with the signatures that it came with; or refused, with a reason that says what is wrong."""
import pathlib
import tempfile
import unittest

import bench_documents
from pdf_bench import Bench, Refused, tool
from pki import Pki
from validators import Validators

# What a refusal says, by the manifest's reason.
WORDS = {"encrypted": "encrypted", "certified": "certified, and allows no further signatures", "locked": "is locked by",
         "not_pdf": "the document is", "structure": "the document"}

# What the signature that they came with allows is one more signature, in a certain field.
ONE_MORE = {"signed-lock-exclude"}

VISIBLE = {"name": "Žofia Łukasiewicz", "reason": "Αποδοχή", "position": "rect: 20mm, 20mm, 90mm, 45mm",
           "appearance": {"border": [0, 0, 0], "text": [{"lines": ["{name}", "{reason}", "{time}"]}]}}


class Corpus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.manifest = bench_documents.corpus()
        scratch = tempfile.TemporaryDirectory(prefix="sigillo-pdf-corpus-")
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        cls.pki = Pki(cls.scratch / "pki")
        cls.addClassCleanup(cls.pki.__exit__)
        cls.stamped, cls.first, cls.second = (cls.scratch / f"{name}.pdf" for name in ("stamped", "first", "second"))
        cls.bench = Bench(cls.scratch, cls.pki)
        cls.judges = Validators(anchors=[*cls.pki.anchors, cls.folder / "signers.pem"])
        cls.addClassCleanup(cls.judges.close)

    def sign(self, source, target, spec):
        """One more B-LT signature."""
        self.bench.sign(source, self.stamped, spec, stamped=True)
        self.bench.extend(self.stamped, target)

    def judge(self, one, target, ours):
        """ours: signatures of this test. The judges go by nothing but the document: the PKI of those that came with it is
        gone."""
        for verdict in self.judges.validate_pdf(target, None if one["signatures"] else "B-LT", without=one["cannot_judge"],
                                                qpdf_warnings=one["qpdf"] == "warnings"):
            self.assertTrue(verdict.ok, verdict)
            if verdict.level:
                self.assertEqual(one["signatures"] + ours, verdict.signatures, verdict)

    def spec(self, one):
        if one["field"]:
            return {"name": VISIBLE["name"], "field": one["field"], "existing": True, "appearance": VISIBLE["appearance"]}
        certified = tool("inspect", self.folder / one["file"])["certification"]
        return {"name": VISIBLE["name"]} if certified else VISIBLE

    def test_what_is_signable_is_signed_and_stays_signed(self):
        for one in self.manifest:
            if one["expect"] != "signable":
                continue
            with self.subTest(one["name"]):
                source = self.folder / one["file"]
                self.sign(source, self.first, self.spec(one))
                # In the whole run after each step; else when both are there, which says the same of the first.
                if bench_documents.FULL or one["name"] in ONE_MORE:
                    self.judge(one, self.first, 1)
                if one["name"] in ONE_MORE:
                    with self.assertRaisesRegex(Refused, WORDS["locked"]):
                        self.bench.sign(self.first, self.second, {"name": "Αθηνά"})
                    continue
                self.sign(self.first, self.second, {"name": "Αθηνά"})
                self.judge(one, self.second, 2)
                with open(source, "rb") as before, open(self.second, "rb") as after:
                    while piece := before.read(1 << 20):
                        self.assertTrue(piece == after.read(len(piece)), "an earlier octet has changed")

    def test_what_is_refused_is_refused_with_its_reason(self):
        for one in self.manifest:
            if one["expect"] != "refused":
                continue
            with self.subTest(one["name"]):
                with self.assertRaises(Refused) as refusal:
                    self.bench.sign(self.folder / one["file"], self.scratch / "refused.pdf", {"name": "Αθηνά"})
                self.assertIn(WORDS[one["reason"]], refusal.exception.detail)


if __name__ == "__main__":
    unittest.main(verbosity=2)
