# ctest: TIMEOUT 1500 SERIAL
"""Every document of the corpus through the running appliance: signDoc as PAdES-B-T, accepted by all judges together with the
signatures that it came with, or refused with an error that says what is wrong with it. SIGILLO_INTEROP=full takes the whole
corpus."""
import unittest

import bench_documents
from product import ALL_JUDGES, ProductTest

FOLDER, MANIFEST = bench_documents.corpus()
# How a refusal goes on after "Invalid parameter documents (", by the manifest's reason.
REFUSALS = {"encrypted": "encrypted", "certified": "certified, and allows no further signatures", "locked": "is locked by",
            "not_pdf": "the document is", "structure": "the document"}
VISIBLE = {"page": 1, "position": "rect: 20mm, 20mm, 90mm, 45mm", "border": "#000000", "text": [{"format": ["{name}", "{time}"]}]}


class Corpus(ProductTest):

    ANCHORS = (FOLDER / "signers.pem",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client.timeout = 180
        cls.signer = cls.client.credential_by_click()

    def try_sign(self, one):
        document = (FOLDER / one["file"]).read_bytes()
        place = {"field": one["field"], "existing_field": True} if one["field"] else VISIBLE
        if one["expect"] == "refused" or one["signatures"] and not one["field"]:
            place = None
        entry = self.entry(document, "P", "B-T", signed_envelope_property="Revision",
                           **({"visible_signature": place} if place else {}))
        return document, self.try_sign_doc(self.signer, self.sad(self.signer, [document]), [entry])

    def verdicts(self, one, signed):
        """pdfsig asks nobody where there are earlier signatures: the responder of their CA is gone. The others ask, and find
        what they need of those in the document."""
        options = {"qpdf_warnings": one["qpdf"] == "warnings"}
        blind = set(one["cannot_judge"])
        if not one["signatures"]:
            return self.judge_pdf(signed, "B-T", True, without=blind, **options)
        return [*self.judge_pdf(signed, None, True, without=blind | {"pdfsig"}, **options),
                *self.judge_pdf(signed, None, False, without=(ALL_JUDGES["pdf"] - {"pdfsig"}) | blind)]

    def test_what_is_signable_is_signed_and_accepted(self):
        count = 0
        for one in MANIFEST:
            if one["expect"] != "signable":
                continue
            with self.subTest(one["name"]):
                document, answer = self.try_sign(one)
                self.assertEqual(200, answer.status, answer.body[:300])
                signed = self.only_document(answer)
                self.assertTrue(signed.startswith(document), "an earlier byte has changed")
                verdicts = self.verdicts(one, signed)
                self.assertEqual(ALL_JUDGES["pdf"] - set(one["cannot_judge"]), {verdict.validator for verdict in verdicts})
                for verdict in verdicts:
                    self.assertTrue(verdict.ok, verdict)
                    if verdict.level:
                        self.assertEqual(one["signatures"] + 1, verdict.signatures, verdict)
                        self.assertEqual("B-T", verdict.level[-1], verdict)
                count += 1
        print(f"{count} documents signed and accepted", flush=True)

    def test_what_is_refused_is_refused_with_its_reason(self):
        for one in MANIFEST:
            if one["expect"] != "refused":
                continue
            with self.subTest(one["name"], reason=one["reason"]):
                _, answer = self.try_sign(one)
                self.assertEqual((400, "invalid_request"), answer.error[:2], answer.body[:300])
                before, words = answer.error[2].split("(", 1)
                self.assertIn(before, ("Invalid parameter documents ", "Invalid parameter signed_envelope_property "))
                self.assertIn(REFUSALS[one["reason"]], words)
                print(f"{one['name']}: {answer.error[2]}", flush=True)


if __name__ == "__main__":
    unittest.main()
