# ctest: TIMEOUT 300 SERIAL
"""A document of 100 MiB: signed with bounded memory, and no other client waits for it. tests/README.md, 32."""
import base64
import http.client
import json
import pathlib
import re
import secrets
import statistics
import subprocess
import threading
import time
import unittest

import harness
from documents import CONTRACT, DocumentsTest

MIB = 1 << 20


def large_pdf(size):
    """The contract with an attachment's worth of random bytes in an object that nobody refers to."""
    contract = CONTRACT.read_bytes()
    start = int(re.findall(rb"startxref\s+(\d+)", contract)[-1])
    trailer = re.findall(rb"trailer\s*<<(.*?)>>\s*startxref", contract, re.DOTALL)[-1]
    number = int(re.search(rb"/Size\s+(\d+)", trailer).group(1))
    root = re.search(rb"/Root\s+\d+\s+\d+\s+R", trailer).group(0)
    data = secrets.token_bytes(size)
    place = len(contract)
    out = contract + b"%d 0 obj\n<</Length %d>>\nstream\n" % (number, size) + data + b"\nendstream\nendobj\n"
    xref = len(out)
    return out + b"xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d %s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        number, place, number + 1, root, start, xref)


class LargeDocuments(DocumentsTest):

    def rss(self, name, field="VmHWM"):
        status = pathlib.Path(f"/proc/{self.instance.pid(name)}/status").read_text(encoding="ascii")
        return int(re.search(rf"{field}:\s+(\d+)", status).group(1)) / 1024

    def test_100_mib_sign_with_bounded_memory_while_others_are_served(self):
        signer, other = self.credential(), self.credential()
        pdf = large_pdf(100 * MIB - len(self.contract) - 1000)
        self.sign_pdf(signer, self.contract, "B-T")
        entry = self.entry(pdf, "P", "B-T", signed_envelope_property="Revision")
        body = {"credentialID": signer.id, "SAD": self.sad(signer, [pdf]), "documents": [entry]}
        request = self.file("request.json", json.dumps(body).encode())
        answer = self.file("answer.json", b"")
        home = self.instance.home
        before = self.rss("sigillo-api")
        waits, stop = [], threading.Event()

        def small_requests():
            while not stop.is_set():
                begin = time.monotonic()
                self.client.info(other.id)
                waits.append(time.monotonic() - begin)
                time.sleep(0.01)
        thread = threading.Thread(target=small_requests)
        thread.start()
        try:
            begin = time.monotonic()
            # By curl: this process would hold up its own small requests with so much JSON.
            subprocess.run(["curl", "-sS", "--fail", "--noproxy", "*", "--cacert", str(home / "tls/server-ca/ca.crt"), "--cert",
                            str(home / "tls/client.crt"), "--key", str(home / "tls/client.key"), "-H", "Content-Type: application/json",
                            "--data-binary", f"@{request}", "-o", answer, "--max-time", "120",
                            f"https://localhost:{self.instance.api_port}/csc/v2/signatures/signDoc"], check=True, timeout=150)
            took = time.monotonic() - begin
        finally:
            stop.set()
            thread.join()
        signed = base64.b64decode(json.loads(pathlib.Path(answer).read_bytes())["DocumentWithSignature"][0])
        grown = self.rss("sigillo-api") - before
        waits.sort()
        print(f"100 MiB: {took:.1f} s, sigillo-api grew by {grown:.1f} MiB, other clients' p50 "
              f"{statistics.median(waits) * 1000:.1f} ms, p99 {waits[int(len(waits) * .99)] * 1000:.1f} ms, most {waits[-1] * 1000:.1f} ms")
        self.assertTrue(signed.startswith(pdf))
        self.assertLess(grown, 64)
        self.assertLess(waits[int(len(waits) * .99)], 1.0)
        self.assertEqual([], [p for p in (self.instance.home / "spool").iterdir() if not p.name.startswith("prepared-")])

    def test_a_body_beyond_the_limit_is_refused_and_one_of_a_path_without_documents_stays_small(self):
        for path, size, status in (("/csc/v2/signatures/signDoc", 151 * MIB, 413), ("/csc/v2/signatures/signHash", 2 * MIB, 413)):
            connection = self.client.connect()
            connection.putrequest("POST", path)
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(size))
            connection.endheaders()
            self.assertEqual(status, connection.getresponse().status, path)
            connection.close()

    def test_large_json_is_held_to_the_same_rules(self):
        text = base64.b64encode(secrets.token_bytes(3 * MIB)).decode()
        start = '{"credentialID":"' + "0" * 32 + '","SAD":"x","documents":[{"signature_format":"C","signAlgo":"1.2.840.10045.4.3.2",'
        for body, words in ((start + f'"document":"{text}","document":"{text}"' + "}]}", "given twice"),
                            (start + f'"document":"{text}"' + "}]", "acceptable JSON"),
                            (start + f'"document":"{text[:-1]}"' + "}]}", "Invalid Base64 documents string parameter"),
                            (start + f'"document":"{text}","x":"{text}"' + "}]}", "Invalid parameter x"),
                            ('{"credentialID":"' + "0" * 32 + '","SAD":"' + text + '"}', "SAD")):
            answer = self.client.request("POST", "/csc/v2/signatures/signDoc", body.encode(), {"Content-Type": "application/json"})
            self.assertEqual(400, answer.status, answer.body[:200])
            self.assertIn(words, answer.error[2])


if __name__ == "__main__":
    unittest.main()
