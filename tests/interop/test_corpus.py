# ctest: TIMEOUT 1800
"""The corpus is what it says: many producers, and what it calls signable can be signed, here by pyHanko, so that all judges
accept the result; what it calls refused cannot. Our product is not in it.
"""
import collections
import pathlib
import tempfile
import unittest

import bench_documents
from pki import Pki
from validators import Validators

# pyHanko adds a signature where all fields are locked, and then finds the earlier one broken: held below.
PYHANKO_SIGNS_ALL_THE_SAME = {"locked"}

# pyHanko numbers new objects from the trailer's Size on. pdfunite's Size is too small, so that it overwrites objects of later
# pages: DSS sees that. A signer that counts the objects itself is accepted.
PYHANKO_DAMAGES = {"poppler-unite"}


class Corpus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.manifest = bench_documents.corpus()
        scratch = tempfile.TemporaryDirectory(prefix="sigillo-corpus-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        cls.pki = Pki(cls.scratch / "pki")
        cls.addClassCleanup(cls.pki.__exit__)

    def job(self, one, level):
        key, certificate = self.pki.signer("p256")
        return {"input": str(self.folder / one["file"]), "output": str(self.scratch / one["file"]), "key": str(key),
                "certificate": str(certificate), "chain": [str(self.pki.anchors[0])], "level": level, "tsa": self.pki.tsa_url,
                "anchors": [str(anchor) for anchor in self.pki.anchors], "field": one["field"] or "Ours", "may_fail": True}

    def test_it_has_many_documents_of_many_producers_and_every_reason_to_refuse(self):
        producers = collections.Counter(one["producer"] for one in self.manifest)
        self.assertGreaterEqual(len(self.manifest), 60 if bench_documents.FULL else 20)
        self.assertGreaterEqual(len(producers), 14 if bench_documents.FULL else 9, producers)
        self.assertGreaterEqual({one["reason"] for one in self.manifest}, {None, "encrypted", "certified", "not_pdf", "structure"})
        self.assertEqual(len(self.manifest), len({one["sha256"] for one in self.manifest}), "two documents are the same")
        for one in self.manifest:
            self.assertEqual(one["bytes"], (self.folder / one["file"]).stat().st_size)

    def test_what_is_called_signable_is_signed_and_what_is_called_refused_is_not(self):
        small = [one for one in self.manifest if not one["large"]]
        outcomes = bench_documents.pyhanko_sign([self.job(one, "B-B") for one in small])
        for one, outcome in zip(small, outcomes, strict=True):
            with self.subTest(one["name"]):
                if one["expect"] == "signable" or one["reason"] in PYHANKO_SIGNS_ALL_THE_SAME:
                    self.assertIsNone(outcome)
                else:
                    self.assertIsNotNone(outcome)

    def test_all_judges_accept_the_signed_documents_and_the_signatures_that_they_came_with(self):
        signable = [one for one in self.manifest if one["expect"] == "signable"]
        if not bench_documents.FULL:
            signable = signable[::5]  # all of them take four to six minutes in the whole run
        with Validators(anchors=[*self.pki.anchors, self.folder / "signers.pem"]) as judges:
            for one in signable:
                with self.subTest(one["name"]):
                    job = self.job(one, "B-LT")
                    self.assertEqual([None], bench_documents.pyhanko_sign([job]))
                    verdicts = judges.validate_pdf(job["output"], qpdf_warnings=one["qpdf"] == "warnings",
                                                   without=one["cannot_judge"])
                    if one["name"] in PYHANKO_DAMAGES:
                        self.assertEqual(["dss"], [verdict.validator for verdict in verdicts if not verdict.ok])
                        continue
                    for verdict in verdicts:
                        self.assertTrue(verdict.ok, verdict)
                        if verdict.level:
                            self.assertEqual(one["signatures"] + 1, verdict.signatures, verdict)
                    pathlib.Path(job["output"]).unlink()


if __name__ == "__main__":
    unittest.main(verbosity=2)
