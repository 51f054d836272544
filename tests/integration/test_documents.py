# ctest: TIMEOUT 900 SERIAL
"""Signed documents that are signed again and lifted, end to end, before judges that know nothing of us. Every form, level and
kind of key: interop/test_sign_doc_matrix.py."""
import base64
import unittest

from documents import KEYS, LEVELS, P256, DocumentsTest, load_validators

# What each level still has to ask of the network.
ONLINE = {"B-B": True, "B-T": True, "B-LT": False, "B-LTA": False}


class Afterwards(DocumentsTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.judges = load_validators()(anchors=cls.anchors())
        cls.addClassCleanup(cls.judges.__exit__, None, None, None)
        cls.judges.__enter__()
        cls.content = b"A document that is signed.\n" * 40

    def judge(self, envelope, name, signed, level):
        path = self.file(name, signed)
        online = ONLINE[level]
        if envelope == "Revision":
            return self.judges.validate_pdf(path, level, online=online)
        if envelope == "Detached":
            return self.judges.validate_cms(path, level, content=self.file(name + ".content", self.content), online=online)
        return self.judges.validate_cms(path, level, online=online)

    def test_earlier_signatures_stay_valid_after_each_further_step(self):
        # A signer for each step: pdfsig (Poppler 22.12) takes the certificate of a time-stamped signature, when it comes a
        # second time, for another one of the same number.
        steps = [(key, self.client.credential_by_click(key=key.algo)) for key in (P256, KEYS[0], P256, KEYS[0])]
        pdf = self.sign_pdf(steps[0][1], self.contract, "B-T", envelope="Certification")
        self.assertTrue(all(v.ok for v in self.judges.validate_pdf(self.file("step0.pdf", pdf), "B-T", online=True)))
        for number, ((key, credential), level) in enumerate(zip(steps[1:], ("B-LT", "B-B", "B-LTA")), 1):
            earlier = pdf
            pdf = self.sign_pdf(credential, pdf, level, key)
            self.assertTrue(pdf.startswith(earlier))
            verdicts = self.judges.validate_pdf(self.file(f"step{number}.pdf", pdf), None, online=True)
            self.assertEqual([], [v for v in verdicts if not v.ok], f"step {number}")
        for _ in range(2):
            earlier, pdf = pdf, self.extend(pdf, "P", "B-LTA")
            self.assertTrue(pdf.startswith(earlier))
            verdicts = self.judges.validate_pdf(self.file("extended.pdf", pdf), None, online=True)
            self.assertEqual([], [v for v in verdicts if not v.ok])

    def test_signatures_are_lifted_one_level_after_the_other(self):
        credential = self.client.credential_by_click(key=P256.algo)
        pdf = self.sign_pdf(credential, self.contract, "B-B")
        cms = self.sign_cms(credential, self.content, "B-B")
        detached = self.sign_cms(credential, self.content, "B-B", envelope="Detached")
        for level in LEVELS[1:]:
            pdf, cms = self.extend(pdf, "P", level), self.extend(cms, "C", level)
            detached = self.extend(detached, "C", level, content=base64.b64encode(self.content).decode())
            for envelope, signed in (("Revision", pdf), ("Attached", cms), ("Detached", detached)):
                with self.subTest(level=level, envelope=envelope):
                    verdicts = self.judge(envelope, f"lifted-{envelope}-{level}", signed, level)
                    self.assertEqual([], [v for v in verdicts if not v.ok])


if __name__ == "__main__":
    unittest.main()
