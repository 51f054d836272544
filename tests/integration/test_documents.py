# ctest: TIMEOUT 900 SERIAL
"""Signed documents, end to end, before judges that know nothing of us: every form, level and kind of key."""
import base64
import secrets
import unittest

from documents import CONTRACT, KEYS, LEVELS, P256, DocumentsTest, load_validators

ENVELOPES = ("Attached", "Detached", "Parallel", "Certification", "Revision")
# What each level still has to ask of the network.
ONLINE = {"B-B": True, "B-T": True, "B-LT": False, "B-LTA": False}


class EveryCombination(DocumentsTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.judges = load_validators()(anchors=cls.anchors())
        cls.addClassCleanup(cls.judges.__exit__, None, None, None)
        cls.judges.__enter__()
        cls.content = b"A document that is signed.\n" * 40
        cls.credentials = {key.name: cls.client.credential_by_click(key=key.algo) for key in KEYS}

    def judge(self, envelope, name, signed, level):
        """The verdicts; of each signature where there are two."""
        path = self.file(name, signed)
        online = ONLINE[level]
        if envelope in ("Certification", "Revision"):
            return self.judges.validate_pdf(path, level, online=online)
        if envelope == "Detached":
            return self.judges.validate_cms(path, level, content=self.file(name + ".content", self.content), online=online)
        return self.judges.validate_cms(path, level if envelope == "Attached" else [level, level], online=online)

    def make(self, envelope, level, key):
        credential = self.credentials[key.name]
        if envelope in ("Certification", "Revision"):
            return self.sign_pdf(credential, self.contract, level, key, envelope)
        content = self.content
        if envelope == "Parallel":
            content = self.sign_cms(self.credentials[P256.name], self.content, level)
        return self.sign_cms(credential, content, level, key, envelope)

    def test_every_combination_is_accepted_by_every_judge_at_its_level(self):
        for key in KEYS:
            for envelope in ENVELOPES:
                for level in LEVELS:
                    with self.subTest(key=key.name, envelope=envelope, level=level):
                        signed = self.make(envelope, level, key)
                        name = f"{key.algo}-{envelope}-{level}"
                        verdicts = self.judge(envelope, name, signed, level)
                        self.assertTrue(verdicts)
                        self.assertEqual([], [v for v in verdicts if not v.ok])

    def test_one_flipped_byte_in_what_is_signed_fails_before_every_judge(self):
        for envelope in ("Attached", "Detached", "Revision"):
            signed = self.make(envelope, "B-LT", P256)
            changed = bytearray(signed)
            if envelope == "Detached":
                original, self.content = self.content, self.content[:100] + b"X" + self.content[101:]
                verdicts = self.judge(envelope, "flipped-detached", signed, "B-LT")
                self.content = original
            else:
                place = changed.index(b"is signed") if envelope == "Attached" else changed.index(b"/MediaBox") + 1
                changed[place] ^= 1
                verdicts = self.judge(envelope, f"flipped-{envelope}", bytes(changed), "B-LT")
            with self.subTest(envelope=envelope):
                # qpdf judges form alone
                self.assertEqual([], [v for v in verdicts if v.ok and v.validator != "qpdf"])

    def test_earlier_signatures_stay_valid_after_each_further_step(self):
        first, second = self.credentials[P256.name], self.credentials[KEYS[0].name]
        pdf = self.sign_pdf(first, self.contract, "B-T", envelope="Certification")
        levels = ["B-T"]
        self.assertTrue(all(v.ok for v in self.judges.validate_pdf(self.file("step0.pdf", pdf), levels, online=True)))
        for number, (credential, key, level) in enumerate(((second, KEYS[0], "B-LT"), (first, P256, "B-B"), (second, KEYS[0], "B-LTA")), 1):
            earlier = pdf
            pdf = self.sign_pdf(credential, pdf, level, key)
            self.assertTrue(pdf.startswith(earlier))
            levels.append(level)
            verdicts = self.judges.validate_pdf(self.file(f"step{number}.pdf", pdf), None, online=True)
            self.assertEqual([], [v for v in verdicts if not v.ok], f"step {number}")
        for _ in range(2):
            earlier, pdf = pdf, self.extend(pdf, "P", "B-LTA")
            self.assertTrue(pdf.startswith(earlier))
            verdicts = self.judges.validate_pdf(self.file("extended.pdf", pdf), None, online=True)
            self.assertEqual([], [v for v in verdicts if not v.ok])

    def test_signatures_are_lifted_one_level_after_the_other(self):
        credential = self.credentials[P256.name]
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
