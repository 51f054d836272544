"""A running instance whose signed documents other people's programs judge."""
import base64
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE / "validators")]

import bench_documents  # noqa: E402
from api_client import b64, click_evidence  # noqa: E402, F401 - also for those who import this
from documents import KEYS, LEVELS, P256, DocumentsTest, Key  # noqa: E402, F401
from validators import Validators  # noqa: E402

# B-LT and B-LTA hold all that validation needs: nobody may look elsewhere.
ONLINE = {"B-B": True, "B-T": True, "B-LT": False, "B-LTA": False}
PDF_ENVELOPES = ("Certification", "Revision")
# Whoever judges signatures; qpdf judges the form of a file.
SIGNATURE_JUDGES = {"pdf": {"openssl", "pdfsig", "pyhanko", "dss"}, "cms": {"openssl", "pyhanko", "dss"}}
ALL_JUDGES = {"pdf": SIGNATURE_JUDGES["pdf"] | {"qpdf"}, "cms": SIGNATURE_JUDGES["cms"]}


class ProductTest(DocumentsTest):
    """With judges that trust this instance's two CAs, and ANCHORS besides."""

    ANCHORS = ()

    @classmethod
    def setUpClass(cls):
        bench_documents.set_up()
        super().setUpClass()
        cls.judges = Validators(anchors=[*cls.anchors(), *cls.ANCHORS])
        cls.addClassCleanup(cls.judges.close)

    def judge_pdf(self, pdf, level, online, **options):
        self.client.close()  # nginx closes it while the judges take their time
        return self.judges.validate_pdf(self.file("judged.pdf", pdf), level, online=online, **options)

    def judge_cms(self, signature, level, online, content=None):
        self.client.close()
        path = None if content is None else self.file("judged.content", content)
        return self.judges.validate_cms(self.file("judged.cms", signature), level, content=path, online=online)

    def assert_accepted(self, verdicts, kind, signatures=None):
        """By every judge there is; each that counts saw as many signatures."""
        self.assertEqual(ALL_JUDGES[kind], {verdict.validator for verdict in verdicts})
        for verdict in verdicts:
            self.assertTrue(verdict.ok, verdict)
            # openssl's and pdfsig's numbers are not the same thing when there are document time-stamps.
            if signatures is not None and verdict.validator in ("pyhanko", "dss"):
                self.assertEqual(signatures, verdict.signatures, verdict)

    def assert_refused(self, verdicts, kind):
        """By every judge that sees signatures."""
        self.assertEqual(set(), {verdict.validator for verdict in verdicts if verdict.ok} & SIGNATURE_JUDGES[kind], verdicts)

    def sign_parallel(self, credential, p7m, content, level, key=P256):
        """One more signature in a .p7m; what the signer authorises is the content."""
        entry = self.entry(p7m, "C", level, key, signed_envelope_property="Parallel")
        answer = self.try_sign_doc(credential, self.sad(credential, [content], key), [entry])
        self.assertEqual(200, answer.status, answer.body[:300])
        return self.only_document(answer)

    def only_document(self, answer):
        document, = answer.json["DocumentWithSignature"]
        return base64.b64decode(document)
