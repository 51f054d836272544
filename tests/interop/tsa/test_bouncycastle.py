"""BouncyCastle parses and validates what the TSA answers (TimeStampCheck.java: all that is held to it)."""
import unittest

from stamps import HASHES, HERE, KEYS, POLICY, Stamps, run

# Debian's libbcprov-java, libbcutil-java, libbcpkix-java.
JARS = ":".join(f"/usr/share/java/{jar}.jar" for jar in ("bcprov", "bcutil", "bcpkix"))


class BouncyCastle(Stamps):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.classes = cls.folder / "classes"
        run("javac", "-Xlint:all,-classfile,-path,-processing", "-Werror", "-cp", JARS, "-d", cls.classes, HERE / "TimeStampCheck.java")
        cls.anchor = cls.folder / "ca.der"
        run("openssl", "x509", "-in", cls.ca, "-outform", "DER", "-out", cls.anchor)

    def judge(self, certificate, pairs, policy=POLICY, accuracy=1000):
        lines = "".join(f"{request}\t{response}\n" for request, response in pairs)
        done = run("java", "-cp", f"{JARS}:{self.classes}", "TimeStampCheck", self.anchor, certificate, policy, accuracy,
                   input=lines.encode())
        said = done.stdout.decode().splitlines()
        self.assertEqual(len(pairs), len(said), done.stderr)
        return said

    def test_every_digest_under_every_key_holds(self):
        serials = []
        for key in KEYS:
            certificate = self.serve_with(key)
            pairs = [self.ask(digest, *options) for digest in HASHES
                     for options in (("-cert",), (), ("-cert", "-no_nonce"), ("-no_nonce",))]
            for said, (request, _) in zip(self.judge(certificate, pairs), pairs):
                with self.subTest(key=key, request=request.name):
                    self.assertRegex(said, "^ok 1[0-9a-f]{36}$|^ok [0-9a-f]{37,38}$")
                serials.append(said)
        self.assertEqual(len(serials), len(set(serials)))

    def test_the_judge_does_not_nod_at_everything(self):
        certificate = self.serve_with("EC-P256")
        request, response = self.ask("sha256", "-cert")
        other_request, _ = self.ask("sha256", "-cert")
        _, refused = self.ask("sha1", "-cert")
        broken = self.folder / "broken.tsr"
        der = bytearray(response.read_bytes())
        der[-5] ^= 1  # within the signature
        broken.write_bytes(der)
        good, mixed, no_token, bad_signature = self.judge(certificate, [
            (request, response), (other_request, response), (request, refused), (request, broken)])
        self.assertRegex(good, "^ok ")
        self.assertRegex(mixed, "^bad: ")
        self.assertRegex(no_token, "^bad: ")
        self.assertRegex(bad_signature, "^bad: TSPValidationException|^bad: CMS|^bad: .*signature")
        self.assertRegex(self.judge(certificate, [(request, response)], policy="1.2.3")[0], "^bad: .*policy")
        self.assertRegex(self.judge(certificate, [(request, response)], accuracy=999)[0], "^bad: .*accuracy")
        another = self.serve_with("EC-P256")
        self.assertRegex(self.judge(another, [(request, response)])[0], "^bad: ")


if __name__ == "__main__":
    unittest.main()
