"""pyHanko as the TSA's client, over HTTP and HTTPS, and as a signer whose PDF bears our time stamp. pyhanko_client.py runs
in the interpreter that ../validators/setup.sh prepared; this module needs none of it."""
import json
import os
import unittest

from stamps import HASHES, HERE, KEYS, REPOSITORY, Stamps, run

PYTHON = REPOSITORY / "build/interop-venv/bin/python"


class PyHanko(Stamps):

    def client(self, *arguments):
        environment = {**os.environ, "SIGILLO_CACERT": str(self.instance.home / "tls/server-ca/ca.crt")}
        done = run(PYTHON, "-B", HERE / "pyhanko_client.py", *arguments, env=environment)
        return json.loads(done.stdout)

    def test_its_time_stamper_takes_every_digest_under_every_key_over_http_and_https(self):
        secure = f"https://localhost:{self.instance.tsa_tls_port}/tsa"
        for key in KEYS:
            certificate = self.serve_with(key)
            for url in (self.url, secure):
                for said in self.client("stamp", url, self.ca, *HASHES):
                    with self.subTest(key=key, url=url, digest=said["digest"]):
                        self.assertNotIn("error", said)
                        self.assertTrue(said["valid"] and said["intact"] and said["trusted"], said)
                        self.assertEqual(certificate.read_bytes().hex(), said["certificate"])

    def test_a_refusal_gives_it_no_token(self):
        said, = self.client("stamp", self.url, self.ca, "sha1")
        # asn1crypto 1.5.1 takes timeStampToken for mandatory (RFC 3161 2.4.2 has it OPTIONAL), so pyHanko cannot say why.
        self.assertIn("time_stamp_token", said["error"])

    def test_a_pdf_that_it_signs_bears_a_time_stamp_that_it_believes(self):
        signed = self.folder / "signed.pdf"
        said = self.client("sign", self.url, self.ca, REPOSITORY / "packaging/samples/contract.pdf", signed)
        self.assertTrue(said["valid"] and said["intact"], said)
        self.assertTrue(said["timestamp"]["valid"] and said["timestamp"]["intact"] and said["timestamp"]["trusted"], said)
        self.assertTrue(said["document_timestamp"]["valid"] and said["document_timestamp"]["trusted"], said)


if __name__ == "__main__":
    unittest.main()
