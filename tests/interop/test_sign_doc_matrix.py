# ctest: TIMEOUT 900 SERIAL
"""signDoc in every combination of envelope, level and key, through the running appliance with its own CA, time-stamping
authority, OCSP and CRL: accepted by every judge at the level that was asked for, and by none of them after one byte of what
was signed has been flipped."""
import dataclasses
import random
import time
import unittest

from asn1crypto import cms
from flips import embedded_signatures, flipped, places_in_cms, places_in_pdf
from product import KEYS, LEVELS, ONLINE, P256, PDF_ENVELOPES, Key, ProductTest

ENVELOPES = ("Attached", "Detached", "Parallel", *PDF_ENVELOPES)
ALGORITHMS = {"RSA-2048 PKCS#1": "sha256_rsa", "RSA-3072 PSS": "rsassa_pss", "P-256": "sha256_ecdsa",
              "P-384": "sha384_ecdsa"}
CONTENT = b"I owe you one hundred euro, payable on demand.\n" * 40


@dataclasses.dataclass(frozen=True)
class Made:
    envelope: str
    level: str
    key: Key
    data: bytes

    @property
    def kind(self):
        return "pdf" if self.envelope in PDF_ENVELOPES else "cms"

    @property
    def signatures(self):
        return 2 if self.envelope == "Parallel" else 1

    @property
    def levels(self):
        return (self.level,) * self.signatures

    @property
    def names(self):
        return {"envelope": self.envelope, "level": self.level, "key": self.key.name}


class Matrix(ProductTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.credentials = {key.name: cls.client.credential_by_click(key=key.algo) for key in KEYS}
        cls.seed = random.SystemRandom().randrange(1 << 32)
        begin = time.monotonic()
        cls.made = [cls.make(envelope, level, key) for envelope in ENVELOPES for level in LEVELS for key in KEYS]
        print(f"{len(cls.made)} documents signed in {time.monotonic() - begin:.1f} s", flush=True)

    @classmethod
    def make(cls, envelope, level, key):
        credential, self = cls.credentials[key.name], cls()
        if envelope in PDF_ENVELOPES:
            return Made(envelope, level, key, self.sign_pdf(credential, cls.contract, level, key, envelope))
        if envelope != "Parallel":
            return Made(envelope, level, key, self.sign_cms(credential, CONTENT, level, key, envelope))
        first = self.sign_cms(cls.credentials[P256.name], CONTENT, level)
        return Made(envelope, level, key, self.sign_parallel(credential, first, CONTENT, level, key))

    def judge(self, made, data, content=CONTENT):
        if made.kind == "pdf":
            return self.judge_pdf(data, made.levels, ONLINE[made.level])
        return self.judge_cms(data, made.levels, ONLINE[made.level], content if made.envelope == "Detached" else None)

    def test_every_combination_is_there(self):
        self.assertEqual(5 * 4 * 4, len({(made.envelope, made.level, made.key.name) for made in self.made}))

    def test_every_combination_is_accepted_by_all_judges_at_its_level(self):
        for made in self.made:
            with self.subTest(**made.names):
                verdicts = self.judge(made, made.data)
                self.assert_accepted(verdicts, made.kind, made.signatures)
                dss, = (verdict for verdict in verdicts if verdict.validator == "dss")
                self.assertEqual((made.levels, " ".join(["TOTAL-PASSED"] * made.signatures)), (dss.level, dss.indication))

    def test_each_signature_is_of_its_key_and_algorithm(self):
        for made in self.made:
            with self.subTest(**made.names):
                der = embedded_signatures(made.data)[0].cms if made.kind == "pdf" else made.data
                signers = cms.ContentInfo.load(der)["content"]["signer_infos"]
                self.assertEqual(made.signatures, len(signers))
                self.assertIn(ALGORITHMS[made.key.name], [one["signature_algorithm"]["algorithm"].native for one in signers])

    def test_each_signature_has_the_form_of_its_envelope(self):
        for made in self.made:
            with self.subTest(**made.names):
                if made.kind == "pdf":
                    self.assertTrue(made.data.startswith(self.contract), "an earlier byte has changed")
                    self.assertEqual(made.envelope == "Certification", b"/DocMDP" in made.data[len(self.contract):])
                    self.assertIn(b"/ETSI.CAdES.detached", made.data[len(self.contract):])
                else:
                    self.assertEqual(made.envelope != "Detached", CONTENT in made.data)

    def test_one_flipped_byte_of_what_is_signed_fails_before_all_judges(self):
        chance, begin, count = random.Random(self.seed), time.monotonic(), 0
        for made in self.made:
            for what, data, content in self.damaged(made, chance):
                with self.subTest(**made.names, flipped=what, seed=self.seed):
                    self.assert_refused(self.judge(made, data, content), made.kind)
                    count += 1
        print(f"{count} flipped bytes judged in {time.monotonic() - begin:.1f} s", flush=True)

    def damaged(self, made, chance):
        """(what was flipped, document, content)."""
        if made.kind == "pdf":
            places = places_in_pdf(made.data, len(self.contract), chance)
        else:
            places = places_in_cms(made.data, None if made.envelope == "Detached" else CONTENT, chance)
        for what, place in places.items():
            yield f"{what}, at {place}", flipped(made.data, place), CONTENT
        if made.envelope == "Detached":
            place = chance.randrange(len(CONTENT))
            yield f"the content, at {place}", made.data, flipped(CONTENT, place)


if __name__ == "__main__":
    unittest.main()
