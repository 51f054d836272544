"""pyHanko as the TSA's client, over HTTP and HTTPS, and as a signer whose PDF bears our time stamp. pyhanko_client.py runs
in the interpreter that setup.sh prepared; this module needs none of it."""
import json
import os
import pathlib
import unittest

import harness
from stamps import HASHES, HERE, KEYS, Stamps, run

PYTHON = pathlib.Path(os.environ.get("SIGILLO_INTEROP_TSA_VENV", harness.REPOSITORY / "build/interop-tsa-venv")) / "bin/python"


class PyHanko(Stamps):

    def client(self, *arguments):
        environment = {**os.environ, "SSL_CERT_FILE": str(self.instance.home / "tls/server-ca/ca.crt")}
        done = run(PYTHON, "-B", HERE / "pyhanko_client.py", *arguments, env=environment)
        return json.loads(done.stdout)

    def test_its_time_stamper_takes_every_digest_under_every_key_over_http_and_https(self):
        secure = f"https://localhost:{self.instance.tsa_tls_port}/tsa"
        for key in KEYS:
            certificate = self.serve_with(key)
            for url in (self.url, secure):
                for said in self.client("stamp", url, self.ca, *HASHES):
                    with self.subTest(key=key, url=url, digest=said["digest"]):
                        self.assertTrue(said["valid"] and said["intact"] and said["trusted"], said)
                        self.assertEqual(certificate.read_bytes().hex(), said["certificate"])

    def test_a_refusal_is_told_to_its_caller(self):
        said, = self.client("stamp", self.url, self.ca, "sha1")
        self.assertIn("Timestamp server refused our request", said["error"])

    def test_a_pdf_that_it_signs_bears_a_time_stamp_that_it_believes(self):
        signed = self.folder / "signed.pdf"
        said = self.client("sign", self.url, self.ca, harness.REPOSITORY / "packaging/samples/contract.pdf", signed)
        self.assertTrue(said["valid"] and said["intact"], said)
        self.assertTrue(said["timestamp"]["valid"] and said["timestamp"]["intact"] and said["timestamp"]["trusted"], said)
        self.assertTrue(said["document_timestamp"]["valid"] and said["document_timestamp"]["trusted"], said)


if __name__ == "__main__":
    unittest.main()
