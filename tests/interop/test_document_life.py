# ctest: TIMEOUT 900 SERIAL
"""A signed document over its years: further signatures, steps to T, LT and LTA, renewed time-stamps. After each step every
judge accepts every signature that is there, and none has fallen below the level that it had."""
import base64
import unittest

from product import ALL_JUDGES, KEYS, LEVELS, ONLINE, P256, ProductTest, b64, click_evidence

CONTENT = b"A document that is kept for decades.\n" * 40


class Life(ProductTest):

    def check_step(self, before, after, levels):
        """Judges the document. levels: what the judges said of the signatures before the step, by judge; gets what they say
        now."""
        self.assertTrue(after.startswith(before), "an earlier byte has changed")
        verdicts = self.judge_pdf(after, None, online=True)
        count = after.count(b"/ETSI.CAdES.detached")
        self.assert_accepted(verdicts, "pdf", count)
        for verdict in verdicts:
            if verdict.level is None:
                continue
            for earlier, now in zip(levels.get(verdict.validator, ()), verdict.level):
                self.assertGreaterEqual(LEVELS.index(now), LEVELS.index(earlier), verdict)
            levels[verdict.validator] = verdict.level
        self.assertEqual({"dss", "pyhanko"}, set(levels))

    def grow(self, first_envelope):
        """Ten signers with four kinds of keys at all levels, with steps of extension between."""
        levels, pdf, before = {}, self.contract, self.contract
        for number in range(10):
            key, level = KEYS[number % len(KEYS)], LEVELS[(number + 1) % len(LEVELS)]
            with self.subTest(signature=number + 1, level=level):
                signer = self.client.credential_by_click(key=key.algo)
                before, pdf = pdf, self.sign_pdf(signer, pdf, level, key, "Revision" if number else first_envelope)
                self.check_step(before, pdf, levels)
                self.assertEqual(level, levels["dss"][-1])
            if number in (2, 5, 9):
                for step in ("B-LT", "B-LTA", "B-LTA"):
                    with self.subTest(signatures=number + 1, extended=step):
                        before, pdf = pdf, self.extend(pdf, "P", step)
                        self.check_step(before, pdf, levels)
        self.assertEqual(("B-LTA",) * 10, levels["dss"])
        # Now it stands by itself.
        self.assert_accepted(self.judge_pdf(pdf, None, online=False), "pdf", 10)

    def test_ten_signatures_and_all_steps_keep_the_earlier_ones_valid(self):
        self.grow("Revision")

    def test_a_certified_document_keeps_its_certification_through_ten_signatures_and_all_steps(self):
        self.grow("Certification")


    def test_a_signer_who_signs_again_leaves_what_was_signed_valid(self):
        """pdfsig asks nobody here: online Poppler 22.12 says "Unknown issue" of a certificate when a later signature has
        it again; the other judges ask."""
        signer, pdf = self.client.credential_by_click(), self.contract
        for number, level in enumerate(LEVELS, 1):
            with self.subTest(signature=number, level=level):
                before, pdf = pdf, self.sign_pdf(signer, pdf, level, P256, "Revision")
                self.assertTrue(pdf.startswith(before), "an earlier byte has changed")
                verdicts = [*self.judge_pdf(pdf, None, True, without={"pdfsig"}),
                            *self.judge_pdf(pdf, None, False, without=ALL_JUDGES["pdf"] - {"pdfsig"})]
                self.assert_accepted(verdicts, "pdf", number)


class Extension(ProductTest):
    """From B-B upwards, one level after the other, by /v1/documents/extend."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.credentials = {key.name: cls.client.credential_by_click(key=key.algo) for key in KEYS}

    STEPS = ("B-T", "B-LT", "B-LTA", "B-LTA")

    def test_a_pdf_is_lifted_to_each_level_and_its_archive_time_stamp_renewed(self):
        for key in KEYS:
            for envelope in ("Certification", "Revision"):
                pdf = self.sign_pdf(self.credentials[key.name], self.contract, "B-B", key, envelope)
                for number, level in enumerate(self.STEPS):
                    with self.subTest(key=key.name, envelope=envelope, step=number, level=level):
                        pdf = self.extend(pdf, "P", level)
                        self.assert_accepted(self.judge_pdf(pdf, level, ONLINE[level]), "pdf", 1)
                self.assertEqual(2, pdf.count(b"/ETSI.RFC3161"), "a renewed time-stamp is a further one")

    def check_cms(self, signature, signatures, content, **names):
        fields = {} if content is None else {"content": b64(content)}
        for number, level in enumerate(self.STEPS):
            with self.subTest(step=number, level=level, **names):
                signature = self.extend(signature, "C", level, **fields)
                verdicts = self.judge_cms(signature, (level,) * signatures, ONLINE[level], content)
                self.assert_accepted(verdicts, "cms", signatures)

    def test_attached_and_detached_signatures_are_lifted_and_renewed(self):
        for key in KEYS:
            for envelope in ("Attached", "Detached"):
                signature = self.sign_cms(self.credentials[key.name], CONTENT, "B-B", key, envelope)
                self.check_cms(signature, 1, CONTENT if envelope == "Detached" else None, key=key.name, envelope=envelope)

    def test_parallel_signatures_are_lifted_and_renewed_together(self):
        for key in KEYS:
            first = self.sign_cms(self.credentials[P256.name], CONTENT, "B-B")
            both = self.sign_parallel(self.credentials[key.name], first, CONTENT, "B-B", key)
            self.check_cms(both, 2, None, key=key.name)

    def test_a_parallel_signature_leaves_the_archive_time_stamp_of_the_first_valid(self):
        signature, levels = self.sign_cms(self.credentials[P256.name], CONTENT, "B-LTA"), ["B-LTA"]
        for key, level in zip(KEYS, reversed(LEVELS)):
            with self.subTest(key=key.name, level=level):
                signature = self.sign_parallel(self.credentials[key.name], signature, CONTENT, level, key)
                levels.append(level)
                verdicts = self.judge_cms(signature, None, online=True)
                self.assert_accepted(verdicts, "cms", len(levels))
                dss, = (verdict for verdict in verdicts if verdict.validator == "dss")
                # Certificates and revocation data are common to all signers: with those of a neighbour a B-T is a B-LT. Their
                # order is that of a SET.
                expected = ["B-LT" if one == "B-T" else one for one in levels]
                self.assertEqual(sorted(expected), sorted(dss.level))


class TwoSteps(ProductTest):
    """prepare, the hash signed by signHash, complete."""

    def by_hash(self, key, credential, **fields):
        prepared = self.client.expect("POST", "/v1/documents/prepare", {"credentialID": credential.id, **key.entry, **fields})
        raw = base64.b64decode(prepared["hash"])
        sad = self.client.try_authorize(credential.id, [raw], {"click": click_evidence([raw])}, key.hash_oid).json["SAD"]
        signed = self.client.try_sign(credential.id, sad, [raw], key.hash_oid, key.sign_algo,
                                      **({"signAlgoParams": key.params} if key.params else {}))
        self.assertEqual(200, signed.status, signed.body[:300])
        made = self.client.expect("POST", "/v1/documents/complete",
                                  {"documentID": prepared["documentID"], "signature": signed.json["signatures"][0]})
        return base64.b64decode(made.get("document") or made["signature"])

    def test_the_result_is_as_valid_as_that_of_signDoc(self):
        for key in KEYS:
            credential = self.client.credential_by_click(key=key.algo)
            for level in LEVELS:
                for envelope in ("Certification", "Revision"):
                    with self.subTest(key=key.name, level=level, envelope=envelope):
                        pdf = self.by_hash(key, credential, document=b64(self.contract), signature_format="P",
                                           conformance_level=f"AdES-{level}", signed_envelope_property=envelope)
                        self.assert_accepted(self.judge_pdf(pdf, level, ONLINE[level]), "pdf", 1)
                for envelope in ("Attached", "Detached"):
                    with self.subTest(key=key.name, level=level, envelope=envelope):
                        signature = self.by_hash(key, credential, document=b64(CONTENT), signature_format="C",
                                                 conformance_level=f"AdES-{level}", signed_envelope_property=envelope)
                        content = CONTENT if envelope == "Detached" else None
                        self.assert_accepted(self.judge_cms(signature, level, ONLINE[level], content), "cms", 1)


if __name__ == "__main__":
    unittest.main()
