# ctest: TIMEOUT 400
"""signDoc, signPolling and /v1/documents: what is refused and in which words, retries, the asynchronous mode, two steps,
what the log says, what a broken document does to others."""
import base64
import concurrent.futures
import http.server
import json
import os
import queue
import secrets
import signal
import subprocess
import threading
import time
import unittest
import zlib

import harness
from api_client import b64, click_evidence, digest
from documents import CONTRACT, P256, DocumentsTest, Refused


def tiny_pdf(body, extra=b""):
    """A PDF of one page, `body` being further objects."""
    objects = [b"<</Type/Catalog/Pages 2 0 R" + extra + b">>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
               b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>", *body]
    out, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % p for p in places)
    return out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


class SignDoc(DocumentsTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.signer = cls.client.credential_by_click()

    def openssl_cms(self, cms, content=None):
        arguments = ["openssl", "cms", "-verify", "-cades", "-inform", "DER", "-in", self.file("x.p7", cms), "-CAfile",
                     str(self.instance.home / "signers-ca.crt"), "-purpose", "any", "-binary", "-out", "/dev/null"]
        if content is not None:
            arguments += ["-content", self.file("x.content", content)]
        return subprocess.run(arguments, capture_output=True, text=True, check=False)

    # ---- what comes out -------------------------------------------------------------------------------------------------

    def test_several_documents_in_one_call_come_back_in_order(self):
        contents = [secrets.token_bytes(500 + n) for n in range(5)]
        entries = [self.entry(c, "C", signed_envelope_property="Attached" if n % 2 else "Detached") for n, c in enumerate(contents)]
        answer = self.sign_doc(self.signer, entries)
        self.assertEqual((2, 3), (len(answer["DocumentWithSignature"]), len(answer["SignatureObject"])))
        for content, signature in zip(contents[::2], answer["SignatureObject"]):
            done = self.openssl_cms(base64.b64decode(signature), content)
            self.assertEqual(0, done.returncode, done.stderr)
        for content, signed in zip(contents[1::2], answer["DocumentWithSignature"]):
            self.assertIn(content, base64.b64decode(signed))
            self.assertEqual(0, self.openssl_cms(base64.b64decode(signed)).returncode)

    def test_more_documents_at_once_than_there_are_workers(self):
        """In one call, and in many at the same time: nobody waits for a worker while holding another one."""
        many = [tiny_pdf([], b"/Title (%d)" % n) for n in range(40)]
        entries = [self.entry(pdf, "P", signed_envelope_property="Revision") for pdf in many]
        self.assertEqual(40, len(self.sign_doc(self.signer, entries)["DocumentWithSignature"]))
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            signed = list(pool.map(lambda n: self.sign_pdf(self.signer, tiny_pdf([], b"/Title (one of %d)" % n), "B-LTA"),
                                   range(32)))
        self.assertTrue(all(pdf.count(b"/ByteRange") == 2 for pdf in signed))

    def test_digests_are_signed_without_the_documents(self):
        content = secrets.token_bytes(1000)
        body = {"credentialID": self.signer.id, "SAD": self.sad(self.signer, [content]),
                "documentDigests": [{"hashes": [b64(digest(content))], "signature_format": "C", "conformance_level": "Ades-B-T",
                                     **P256.entry}]}
        answer = self.client.expect("POST", "/csc/v2/signatures/signDoc", body)
        self.assertEqual({"SignatureObject"}, set(answer))
        self.assertEqual(0, self.openssl_cms(base64.b64decode(answer["SignatureObject"][0]), content).returncode)
        body["documentDigests"][0].update(signature_format="P", conformance_level="AdES-B-LT")
        refused = self.client.request("POST", "/csc/v2/signatures/signDoc", body)
        self.assertEqual((400, "invalid_request", "Invalid parameter conformance_level"), refused.error)
        # What B-LT adds to a PDF that is not here comes beside its CMS.
        revision = secrets.token_bytes(1000)
        body["documentDigests"][0]["hashes"] = [b64(digest(revision))]
        body.update(SAD=self.sad(self.signer, [revision]), returnValidationInfo=True)
        answer = self.client.expect("POST", "/csc/v2/signatures/signDoc", body)
        self.assertEqual(0, self.openssl_cms(base64.b64decode(answer["SignatureObject"][0]), revision).returncode)
        self.assertTrue(answer["validationInfo"].get("ocsp") or answer["validationInfo"].get("crl"))

    def test_a_qualifier_in_the_credential_s_place_finds_the_credential_that_the_sad_is_for(self):
        entry = self.entry(b"qualified", "C")
        signer = self.client.credential_by_totp()
        qualifier = self.client.info(signer.id)["signatureQualifier"]
        hashes = [digest(b"qualified")]
        answer = self.client.try_authorize(signer.id, hashes, {"totp": signer.otp.now()}, hashType="sdr")
        sad = answer.json["SAD"]
        other = next(q for q in ("eu_eidas_aes", "eu_eidas_qes") if q != qualifier)
        body = {"SAD": sad, "documents": [entry], "signatureQualifier": other}
        refused = self.client.request("POST", "/csc/v2/signatures/signDoc", body)
        self.assertEqual((400, "invalid_request", "Invalid parameter signatureQualifier"), refused.error)
        stranger = self.instance.new_client("tenant-q", "q")
        refused = stranger.request("POST", "/csc/v2/signatures/signDoc", {**body, "signatureQualifier": qualifier})
        self.assertEqual((400, "invalid_request", "Invalid parameter SAD"), refused.error)
        for _ in range(2):  # a retry finds it, too
            made = self.client.expect("POST", "/csc/v2/signatures/signDoc", {**body, "signatureQualifier": qualifier})
            self.assertEqual(0, self.openssl_cms(base64.b64decode(made["DocumentWithSignature"][0])).returncode)

    def test_validation_info_is_given_where_asked_for(self):
        answer = self.sign_doc(self.signer, [self.entry(b"text", "C", "B-T")], returnValidationInfo=True)
        info = answer["validationInfo"]
        self.assertTrue(info.get("ocsp") or info.get("crl"))
        self.assertNotIn("validationInfo", self.sign_doc(self.signer, [self.entry(b"text 2", "C")]))

    def test_properties_are_in_the_signature(self):
        commitment = base64.b64encode(bytes.fromhex("300d060b2a864886f70d0109100601")).decode()
        props = [{"attribute_name": "commitment-type-indication", "attribute_value": commitment},
                 {"attribute_name": "signing-time"}]
        cms = self.sign_cms(self.signer, b"a text", signed_props=props)
        shown = subprocess.run(["openssl", "asn1parse", "-inform", "DER", "-in", self.file("p.p7m", cms)], capture_output=True,
                               text=True, check=True).stdout
        self.assertIn("id-smime-cti-ets-proofOfOrigin", shown)
        pdf = self.sign_pdf(self.signer, self.contract, signed_props=[
            {"attribute_name": "Reason", "attribute_value": b64("Accettazione".encode())},
            {"attribute_name": "Location", "attribute_value": b64(b"Torino")}])
        self.assertIn(b"/Reason", pdf)
        self.assertIn(b"Torino", pdf)

    # ---- what the SAD authorises -------------------------------------------------------------------------------------------

    NOT_AUTHORIZED = (400, "invalid_request", "documentDigests or documents are not authorized by the SAD")

    def test_activation_sad_for_hashes_is_void_in_signDoc_and_the_reverse(self):
        entry = self.entry(b"a document", "C")
        for_hashes = self.sad(self.signer, [b"a document"], hashType="dtbsr")
        self.assertEqual(self.NOT_AUTHORIZED, self.try_sign_doc(self.signer, for_hashes, [entry]).error)
        for_documents = self.sad(self.signer, [b"a document"])
        answer = self.client.try_sign(self.signer.id, for_documents, [digest(b"a document")])
        self.assertEqual((400, "invalid_request", "Hash is not authorized by the SAD"), answer.error)
        self.assertEqual(200, self.try_sign_doc(self.signer, for_documents, [entry]).status)

    def test_activation_another_document_is_refused_and_nothing_is_spent(self):
        sad = self.sad(self.signer, [self.contract])
        other = self.contract.replace(b"%PDF-1.", b"%PDF-1.", 1) + b"\n% one more line\n"
        for form, document in (("C", b"another"), ("P", other)):
            answer = self.try_sign_doc(self.signer, sad, [self.entry(document, form)])
            self.assertEqual(self.NOT_AUTHORIZED, answer.error)
        self.assertEqual(200, self.try_sign_doc(self.signer, sad, [self.entry(self.contract, "P")]).status)

    def test_the_identical_call_is_a_retry_and_any_other_use_of_a_spent_document_is_refused(self):
        sad = self.sad(self.signer, [self.contract])
        entry = self.entry(self.contract, "P", "B-B", signed_envelope_property="Revision")
        first = self.try_sign_doc(self.signer, sad, [entry])
        self.assertEqual(200, first.status, first.body[:300])
        second = self.try_sign_doc(self.signer, sad, [entry])
        self.assertEqual(first.json, second.json)
        other = self.try_sign_doc(self.signer, sad, [{**entry, "signed_props": [{"attribute_name": "Reason", "attribute_value": b64(b"x")}]}])
        self.assertEqual(self.NOT_AUTHORIZED, other.error)

    def test_the_log_links_the_document_to_what_the_key_signed(self):
        signer = self.client.credential_by_click()
        self.sign_pdf(signer, self.contract)
        uses = self.instance.signed_uses(signer.id, 1)
        text = str(uses)
        self.assertIn(b64(digest(self.contract)), text)

    # ---- refusals -----------------------------------------------------------------------------------------------------------

    def test_what_is_wrong_with_a_document_is_said(self):
        encrypted = subprocess.run(["qpdf", "--encrypt", "", "owner", "256", "--", str(CONTRACT), "-"], capture_output=True,
                                   check=True).stdout
        for pdf, words in ((b"no pdf at all", "document"), (encrypted, "encrypted"), (self.contract[:2000], "document")):
            answer = self.try_sign_doc(self.signer, self.sad(self.signer, [pdf]), [self.entry(pdf, "P")])
            self.assertEqual((400, "invalid_request"), answer.error[:2], answer.body[:300])
            self.assertTrue(answer.error[2].startswith("Invalid parameter documents ("), answer.error)
            self.assertIn(words, answer.error[2])
        certified = self.sign_pdf(self.signer, self.contract, envelope="Certification")
        answer = self.try_sign_doc(self.signer, self.sad(self.signer, [certified]), [self.entry(certified, "P")])
        self.assertEqual(400, answer.status)
        self.assertIn("signed_envelope_property", answer.error[2])

    def test_a_client_of_another_tenant_gets_nothing(self):
        other = self.instance.new_client("tenant-b", "b")
        answer = other.request("POST", "/csc/v2/signatures/signDoc", {
            "credentialID": self.signer.id, "SAD": self.sad(self.signer, [b"x"]), "documents": [self.entry(b"x", "C")]})
        self.assertEqual((400, "invalid_request", "Invalid parameter credentialID"), answer.error)

    # ---- the asynchronous mode ------------------------------------------------------------------------------------------------

    def poll(self, request_id, client=None):
        return (client or self.client).request("POST", "/csc/v2/signatures/signPolling", {"requestID": request_id})

    def result(self, request_id):
        answers = []

        def there():
            answers.append(self.poll(request_id))
            return answers[-1].status != 202
        harness.wait_until(there, 30, "the asynchronous result")
        self.assertLessEqual({a.error for a in answers[:-1]}, {
            (202, "accepted_request", "The previous async request has been accepted but not yet completed")})
        return answers[-1]

    def test_results_of_asynchronous_calls_wait_for_their_client(self):
        entry = self.entry(b"asynchronous", "C", "B-T")
        answer = self.try_sign_doc(self.signer, self.sad(self.signer, [b"asynchronous"]), [entry], operationMode="A",
                                   validity_period=60_000)
        self.assertEqual({"responseID"}, set(answer.json))
        request_id = answer.json["responseID"]
        done = self.result(request_id)
        self.assertEqual(0, self.openssl_cms(base64.b64decode(done.json["DocumentWithSignature"][0])).returncode)
        self.assertEqual(done.body, self.poll(request_id).body)
        stranger = self.instance.new_client("tenant-c", "c")
        for refused in (self.poll(request_id, stranger), self.poll("0" * 32)):
            self.assertEqual((400, "invalid_request", "Invalid parameter requestID"), refused.error)
        hashes = [digest(b"a hash")]
        sad = self.client.authorize(self.signer, hashes)
        answer = self.client.try_sign(self.signer.id, sad, hashes, operationMode="A")
        self.assertEqual(1, len(self.result(answer.json["responseID"]).json["signatures"]))

    def test_an_asynchronous_call_that_fails_says_so_when_asked(self):
        answer = self.try_sign_doc(self.signer, self.sad(self.signer, [b"x"]), [self.entry(b"y", "C")], operationMode="A",
                                   validity_period=2_000)
        self.assertEqual(self.NOT_AUTHORIZED, self.result(answer.json["responseID"]).error)
        time.sleep(2.2)
        self.assertEqual((400, "invalid_request", "Invalid parameter requestID"), self.poll(answer.json["responseID"]).error)

    # ---- two steps -------------------------------------------------------------------------------------------------------------

    def prepare(self, **fields):
        return self.client.expect("POST", "/v1/documents/prepare", {
            "credentialID": self.signer.id, **self.entry(self.contract, "P", "B-T", signed_envelope_property="Revision"), **fields})

    def pdfsig(self, pdf):
        return subprocess.run(["pdfsig", "-nocert", self.file("sig.pdf", pdf)], capture_output=True, text=True, check=False).stdout

    def test_prepare_then_signHash_then_complete(self):
        for fields, member in (({}, "document"),
                               ({"signature_format": "C", "signed_envelope_property": "Detached"}, "signature"),
                               ({"signature_format": "C", "signed_envelope_property": "Attached"}, "document")):
            prepared = self.prepare(**fields)
            raw = base64.b64decode(prepared["hash"])
            self.assertEqual(digest(self.contract), base64.b64decode(prepared["documentHash"]))
            # A restart in between loses nothing.
            self.instance.restart("sigillo-api")
            harness.wait_until(self.instance.healthy, 20, "a good /healthz")
            signature, = self.client.sign(self.signer, self.client.authorize(self.signer, [raw]), [raw])
            made = self.client.expect("POST", "/v1/documents/complete", {"documentID": prepared["documentID"], "signature": b64(signature)})
            signed = base64.b64decode(made[member])
            if fields:
                content = self.contract if member == "signature" else None
                self.assertEqual(0, self.openssl_cms(signed, content).returncode)
            else:
                self.assertIn("Signature is Valid", self.pdfsig(signed))

    def test_complete_with_a_sad_for_the_document(self):
        prepared = self.prepare()
        made = self.client.expect("POST", "/v1/documents/complete",
                                  {"documentID": prepared["documentID"], "SAD": self.sad(self.signer, [self.contract])})
        self.assertIn("Signature is Valid", self.pdfsig(base64.b64decode(made["document"])))

    def test_complete_refuses_a_signature_that_does_not_hold_and_other_clients(self):
        prepared = self.prepare()
        hashes = [digest(b"something else")]
        wrong, = self.client.sign(self.signer, self.client.authorize(self.signer, hashes), hashes)
        answer = self.client.request("POST", "/v1/documents/complete", {"documentID": prepared["documentID"], "signature": b64(wrong)})
        self.assertEqual((400, "signature"), (answer.status, answer.json.get("parameter")), answer.body)
        stranger = self.instance.new_client("tenant-d", "d")
        answer = stranger.request("POST", "/v1/documents/complete", {"documentID": prepared["documentID"], "signature": b64(wrong)})
        self.assertEqual(404, answer.status)

    def test_a_foreign_signature_is_extended_with_our_time_stamp(self):
        """Its token names our unit, whose CA it need not bring along."""
        key, crt, data = self.file("k.pem", b""), self.file("k.crt", b""), self.file("data", b"a content")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=Somebody", "-days", "30", "-keyout", key, "-out", crt], check=True, capture_output=True)
        made = subprocess.run(["openssl", "cms", "-sign", "-cades", "-in", data, "-binary", "-nodetach", "-outform", "DER", "-signer",
                               crt, "-inkey", key], check=True, capture_output=True).stdout
        for level in ("T", "LT", "LTA"):
            lifted = self.extend(made, "C", f"B-{level}")
            done = subprocess.run(["openssl", "cms", "-verify", "-inform", "DER", "-in", self.file("lifted", lifted), "-CAfile", crt,
                                   "-purpose", "any", "-binary"], capture_output=True, check=False)
            self.assertEqual((0, b"a content"), (done.returncode, done.stdout), done.stderr)

    def test_what_does_not_hold_is_not_extended(self):
        pdf = self.sign_pdf(self.signer, self.contract)
        at = pdf.index(b"/MediaBox")
        digit = next(i for i in range(at, at + 60) if pdf[i] in b"123456789")
        broken = pdf[:digit] + bytes([pdf[digit] ^ 1]) + pdf[digit + 1:]
        self.assertIn("Digest Mismatch", self.pdfsig(broken))
        cms = self.sign_cms(self.signer, b"a content that is signed")
        other = cms.replace(b"a content that is signed", b"a content that is sighed")
        for document, form in ((broken, "P"), (other, "C")):
            for level in ("T", "LT", "LTA"):
                with self.assertRaises(Refused) as refused:
                    self.extend(document, form, f"B-{level}")
                answer = refused.exception.answer
                self.assertEqual((400, "document"), (answer.status, answer.json.get("parameter")), answer.body)

    def test_our_own_signature_is_lifted_beside_one_that_does_not_hold(self):
        """It would be spent for nothing: what others signed is theirs to answer for."""
        first = self.sign_cms(self.signer, b"a content that is signed")
        broken = first[:-1] + bytes([first[-1] ^ 1])
        second = self.client.credential_by_click()
        entry = self.entry(broken, "C", "B-LT", signed_envelope_property="Parallel")
        answer = self.try_sign_doc(second, self.sad(second, [b"a content that is signed"]), [entry])
        self.assertEqual(200, answer.status, answer.body)

    # ---- what a hostile document can do ------------------------------------------------------------------------------------------

    def test_bombs_and_nested_documents_hurt_nothing_but_their_own_worker(self):
        bomb = zlib.compress(b" " * (1 << 30), 9)
        deep = b"<<" + b"/A<<" * 100_000 + b">>" * 100_000 + b">>"
        stream = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(bomb), bomb)
        for name, pdf in (("bomb", tiny_pdf([stream])), ("deep", tiny_pdf([deep], b"/AcroForm 4 0 R")),
                          ("names", tiny_pdf([b"[" * 200_000 + b"]" * 200_000], b"/Names 4 0 R"))):
            with self.subTest(name=name):
                begin = time.monotonic()
                answer = self.try_sign_doc(self.signer, self.sad(self.signer, [pdf]), [self.entry(pdf, "P")])
                # Refused for a reason, or signed: what must not be is a fault of the service.
                self.assertIn(answer.status, (200, 400), answer.body[:300])
                self.assertLess(time.monotonic() - begin, 70)
                self.sign_pdf(self.signer, self.contract)

    def test_killed_workers_and_a_killed_parent_are_survived(self):
        parent = self.instance.pid("sigillo-doc")
        stop = threading.Event()

        def kill_children():
            while not stop.is_set():
                done = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)
                for pid in done.stdout.split():
                    try:
                        os.kill(int(pid), signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                time.sleep(0.002)
        killer = threading.Thread(target=kill_children)
        killer.start()
        try:
            statuses = set()
            for number in range(20):
                document = self.contract + b"\n%% %d\n" % number
                answer = self.try_sign_doc(self.signer, self.sad(self.signer, [document]), [self.entry(document, "P")])
                statuses.add(answer.status)
        finally:
            stop.set()
            killer.join()
        # Never 400: it says nothing of the document that its worker was killed.
        self.assertLessEqual(statuses, {200, 503})
        self.sign_pdf(self.signer, self.contract)
        self.instance.kill("sigillo-doc")
        items = {item["name"]: item["state"] for item in self.instance.health()["items"]}
        self.assertEqual("degraded", items["documents"])
        sad = self.sad(self.signer, [self.contract])
        self.assertEqual(503, self.try_sign_doc(self.signer, sad, [self.entry(self.contract, "P")]).status)
        self.instance.start("sigillo-doc")
        self.assertEqual(200, self.try_sign_doc(self.signer, sad, [self.entry(self.contract, "P")]).status)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes callbacks: the first one it does not, so that it comes again."""
    seen = queue.Queue()

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if self.seen.empty() else 204)
        self.end_headers()
        self.seen.put((self.path, self.headers["Content-Type"], body))

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Callbacks(DocumentsTest):

    @classmethod
    def make_instance(cls):
        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        cls.addClassCleanup(receiver.server_close)
        cls.addClassCleanup(receiver.shutdown)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        cls.place = f"http://127.0.0.1:{receiver.server_address[1]}"
        return harness.Instance({"fetch.callbacks": [cls.place]})

    def test_who_is_to_be_told_of_a_result_is_told_until_it_has_heard(self):
        signer = self.client.credential_by_click()
        answer = self.try_sign_doc(signer, self.sad(signer, [b"a text"]), [self.entry(b"a text", "C")], operationMode="A",
                                   response_uri=self.place + "/done?call=1")
        expected = ("/done?call=1", "application/json", json.dumps({"responseID": answer.json["responseID"]}, separators=(",", ":")).encode())
        self.assertEqual([expected, expected], [Receiver.seen.get(timeout=30) for _ in range(2)])
        polled = self.client.expect("POST", "/csc/v2/signatures/signPolling", {"requestID": answer.json["responseID"]})
        self.assertEqual({"DocumentWithSignature"}, set(polled))

    def test_a_place_that_no_list_names_is_refused_before_anything_is_signed(self):
        signer = self.client.credential_by_click()
        sad = self.sad(signer, [b"a text"])
        entries = [self.entry(b"a text", "C")]
        answer = self.try_sign_doc(signer, sad, entries, operationMode="A", response_uri="http://127.0.0.1:9/done")
        self.assertEqual((400, "invalid_request", "Invalid parameter response_uri"), answer.error)
        self.assertEqual(200, self.try_sign_doc(signer, sad, entries).status)


if __name__ == "__main__":
    unittest.main()
