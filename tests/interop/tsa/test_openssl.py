"""openssl ts as client and as judge, over plain HTTP: every key that a unit may have, every digest that is taken, and
those that are not."""
import unittest

from stamps import HASHES, KEYS, POLICY, Stamps, run

# What openssl can ask for and a TSA must not stamp, or need not: badAlg, each (RFC 3161 2.4.1). SHA-3 is no digest that
# today's validators must know (EN 319 422 refers to TS 119 312): it is not taken.
REFUSED = ("md5", "sha1", "sha224", "sha512-256", "ripemd160", "sha3-256", "sha3-384", "sha3-512")


class Openssl(Stamps):

    def verify(self, request, response, *options, good=True):
        return run("openssl", "ts", "-verify", "-queryfile", request, "-in", response, "-CAfile", self.ca, *options, good=good)

    def test_every_digest_under_every_key_is_verified_and_told(self):
        for key in KEYS:
            certificate = self.serve_with(key)
            run("openssl", "x509", "-inform", "DER", "-in", certificate, "-out", certificate.with_suffix(".pem"))
            extensions = run("openssl", "x509", "-inform", "DER", "-in", certificate, "-noout", "-ext",
                             "extendedKeyUsage,keyUsage").stdout.decode()
            self.assertRegex(extensions, r"Extended Key Usage: critical\s+Time Stamping\n")
            for digest in HASHES:
                with self.subTest(key=key, digest=digest):
                    request, response = self.ask(digest, "-cert")
                    self.verify(request, response)
                    said = run("openssl", "ts", "-reply", "-in", response, "-text").stdout.decode()
                    self.assertIn("Status: Granted.", said)
                    self.assertIn(f"Hash Algorithm: {digest}", said)
                    self.assertIn(f"Policy OID: {POLICY}", said)
                    self.assertIn("Accuracy: 0x01 seconds, unspecified millis, unspecified micros", said)
                    self.assertIn("Ordering: no", said)
                    self.assertRegex(said, r"Nonce: 0x[0-9A-F]+")
                    self.assertRegex(said, r"TSA: DirName:/?.*CN ?= ?Unit ")
                    # Without certificates, as it was asked for.
                    request, response = self.ask(digest, "-no_nonce")
                    self.verify(request, response, "-untrusted", certificate.with_suffix(".pem"))
                    self.assertIn("Nonce: unspecified", run("openssl", "ts", "-reply", "-in", response, "-text").stdout.decode())
                    # The judge does not nod at everything: another request's answer.
                    other, _ = self.ask(digest, "-cert")
                    self.assertNotEqual(0, self.verify(other, response, "-untrusted", certificate.with_suffix(".pem"),
                                                       good=False).returncode)

    def test_digests_that_are_weak_or_unknown_are_bad_alg(self):
        for digest in REFUSED:
            with self.subTest(digest):
                _, response = self.ask(digest, "-cert")
                said = run("openssl", "ts", "-reply", "-in", response, "-text").stdout.decode()
                self.assertIn("Status: Rejected.", said)
                self.assertIn("Failure info: unrecognized or unsupported algorithm identifier", said)
                self.assertIn("use SHA-256, SHA-384 or SHA-512", said)

    def test_a_policy_that_is_asked_for_is_named_or_refused(self):
        request, response = self.ask("sha256", "-cert", "-tspolicy", POLICY)
        self.verify(request, response)
        _, response = self.ask("sha256", "-cert", "-tspolicy", "0.4.0.2023.1.1")
        said = run("openssl", "ts", "-reply", "-in", response, "-text").stdout.decode()
        self.assertIn("Failure info: the requested TSA policy is not supported by the TSA", said)


if __name__ == "__main__":
    unittest.main()
