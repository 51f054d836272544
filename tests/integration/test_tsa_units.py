# ctest: TIMEOUT 120
"""Time-stamping units, as officers make, certify, rotate, revoke and destroy them behind a serving TSA."""
import base64
import json
import re
import secrets
import shlex
import subprocess
import threading
import time
import unittest

from api_client import ApiClient
import harness
from time_stamps import QUERY, SYSTEM, TsaTest, parse, query


class TsaUnits(TsaTest):

    def setUp(self):
        """One unit serves, whatever became of those of the test before."""
        super().setUp()
        if not self.units("active"):
            self.instance.ctl("tsu", "activate", self.new_unit())

    def outside_ca(self, csr):
        """The chain, PEM, that a CA of somebody else makes of a request: the extensions that a TSU's certificate needs."""
        folder = self.instance.home / "state"
        (folder / "tsu.ext").write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                                        "extendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\n"
                                        "authorityKeyIdentifier=keyid\n")
        for arguments in (
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "out.key",
                 "-out", "out.crt", "-days", "3650", "-subj", "/C=IT/O=Outside/CN=Outside CA", "-addext",
                 "keyUsage=critical,keyCertSign,cRLSign"],
                ["x509", "-req", "-in", csr, "-CA", "out.crt", "-CAkey", "out.key", "-CAcreateserial", "-out", "tsu.crt",
                 "-days", "800", "-extfile", "tsu.ext"]):
            done = subprocess.run(["openssl", *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False)
            self.assertEqual(0, done.returncode, done.stderr)
        (folder / "chain.pem").write_text((folder / "tsu.crt").read_text() + (folder / "out.crt").read_text())
        return folder / "chain.pem", folder / "out.crt"

    def test_an_outside_cas_unit_serves_and_every_order_names_its_officer_and_reason(self):
        before, = self.units("active")
        csr = self.instance.home / "state/tsu.csr"
        ctl = self.instance.ctl
        unit = ctl("tsu", "create", "--name", "outside", "--country", "IT", "--organization", "Tests", "--common-name",
                   "Outside unit", "--csr", str(csr), "--reason", "order 1")["unitID"]
        self.assertNotEqual(0, ctl("tsu", "activate", unit, check=False).returncode)  # without a certificate
        chain, anchor = self.outside_ca(csr)
        self.assertEqual("ready", ctl("tsu", "import", unit, "--chain", str(chain), "--reason", "order 2")["state"])
        ctl("tsu", "rotate", before["unitID"], unit, "--reason", "order 3")
        request = query()
        response = self.granted(request)
        folder = self.instance.home / "state"
        (folder / "o.tsq").write_bytes(request)
        (folder / "o.tsr").write_bytes(response)
        self.openssl("-verify", "-queryfile", folder / "o.tsq", "-in", folder / "o.tsr", "-CAfile", anchor)
        beside = self.new_unit()
        ctl("tsu", "activate", beside, "--reason", "order 4")
        ctl("tsu", "retire", beside, "--reason", "order 5")
        revoked = ctl("tsu", "revoke", unit, "--revocation", "superseded", "--reason", "order 6")
        self.assertEqual(("superseded", False), (revoked["revocation"], revoked["onCRL"]))  # its own CA must be told
        ctl("tsu", "destroy", unit, "--reason", "order 7")
        ctl("tsu", "activate", self.new_unit())
        events = {}
        harness.wait_until(lambda: events.update({leaf.get("reason"): leaf for leaf in self.leaves("tsu.")})
                           or "order 7" in events, 15, "the orders in the log")
        kinds = ("creating", "certified", "rotated", "activated", "retired", "revoked", "destroying")
        for number, kind in enumerate(kinds, start=1):
            event = events[f"order {number}"]
            self.assertEqual(f"tsu.{kind}", event["type"])
            self.assertTrue(event["officer"].startswith("officer:"), event)

    def test_the_commands_that_the_policy_gives_for_a_compromise_do_what_it_says(self):
        text = (harness.REPOSITORY / "tsa/POLICY.md").read_text(encoding="utf-8")
        commands = [line for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
        self.assertEqual(["revoke", "activate", "tokens", "destroy"], [shlex.split(c)[2 if "ctl" in c else 1] for c in commands])
        unit, = self.units("active")
        digest = secrets.token_bytes(32)
        self.granted(query(digest))
        self.published([digest])
        home, answers = self.instance.home, []
        words = {"UNIT": unit["unitID"], "NEXT": self.new_unit(), "LOG": str(home / "tsa-log"),
                 "KEY": str(home / "tsa-log.vkey"), "2026-11-01": "2020-01-01", "2026-11-23": "2099-12-31"}
        for command in commands:
            program, *arguments = (words.get(word, word) for word in shlex.split(command))
            done = subprocess.run([harness.PROGRAMS / program, *arguments], capture_output=True, text=True, check=False,
                                  env={**self.instance.environment, "SIGILLO_CONFIG": str(self.instance.config)})
            self.assertEqual(0, done.returncode, (command, done.stderr))
            answers.append(done.stdout)
        self.assertEqual([words["NEXT"]], [u["unitID"] for u in self.units("active")])
        self.assertIn(unit["unitID"], [u["unitID"] for u in self.units("destroyed")])
        self.assertIn(base64.b64encode(digest).decode(), {t["imprint"] for t in json.loads(answers[2])["tokens"]})
        self.granted(query())

    def test_units_rotate_without_a_gap_and_a_destroyed_key_is_gone_from_the_token(self):
        old, = self.units("active")
        stop, results = threading.Event(), []

        def keep_stamping():
            client = ApiClient(self.instance, port=self.instance.tsa_port, tls=False)
            while not stop.is_set():
                answer = client.request("POST", "/tsa", query(), {"Content-Type": QUERY})
                results.append((answer.status, parse(answer.body)[:2]))
        threads = [threading.Thread(target=keep_stamping) for _ in range(8)]
        for thread in threads:
            thread.start()
        current = old["unitID"]
        replaced = []
        try:
            for algorithm in ("EC-P384", "RSA-2048", "EC-P256"):
                following = self.new_unit(algorithm)
                self.instance.ctl("tsu", "rotate", current, following, "--reason", "a test")
                replaced.append(current)
                current = following
                time.sleep(0.2)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual({(200, (0, None))}, set(results))
        self.assertEqual([current], [unit["unitID"] for unit in self.units("active")])

        request = query()
        self.verify(request, self.granted(request))
        refused = self.instance.ctl("tsu", "destroy", current, "--reason", "a test", check=False)
        self.assertNotEqual(0, refused.returncode)  # while it serves
        objects = lambda: len(list((self.instance.home / "hsm/tokens").rglob("*.object")))
        before = objects()
        for unit in replaced:
            self.instance.ctl("tsu", "destroy", unit, "--reason", "a test")
        self.assertEqual(before - 2 * len(replaced), objects())
        self.assertLessEqual(set(replaced), {unit["unitID"] for unit in self.units("destroyed")})

    def crl(self):
        """Serial numbers on the embedded CA's list, with the reason of each, as openssl reads and verifies it."""
        path = self.instance.home / "state/units.crl"
        path.write_bytes(self.tsa.request("GET", "/pki/ca.crl").body)
        done = subprocess.run(["openssl", "crl", "-inform", "DER", "-in", path, "-noout", "-text", "-CAfile",
                               self.instance.home / "tsa-ca.crt"], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("verify OK", done.stderr)
        return dict(re.findall(r"Serial Number: ([0-9A-F]+)\n(?:(?!Serial Number).*\n)*?\s+X509v3 CRL Reason Code: \n\s+(.*)\n",
                               done.stdout))

    def with_crl(self):
        """The CA's certificate and its present list, PEM in one file."""
        both = self.instance.home / "state/ca-and-crl.pem"
        list_ = subprocess.run(["openssl", "crl", "-inform", "DER", "-in", self.instance.home / "state/units.crl"],
                               capture_output=True, text=True, check=True).stdout
        both.write_text((self.instance.home / "tsa-ca.crt").read_text() + list_)
        return both

    def test_a_revoked_unit_stops_is_on_the_crl_and_its_earlier_tokens_stay_verifiable(self):
        unit, = self.units("active")
        serial = unit["chain"][0]["serialNumber"]
        request = query()
        response = self.granted(request)
        self.assertNotIn(serial, self.crl())
        for bad in ("certificateHold", "removeFromCRL", "because"):
            self.assertEqual(2, self.instance.ctl("tsu", "revoke", unit["unitID"], "--revocation", bad, "--reason", "x",
                                                  check=False).returncode)
        revoked = self.instance.ctl("tsu", "revoke", unit["unitID"], "--revocation", "keyCompromise", "--reason", "ticket 4711")
        self.assertEqual(("retired", "keyCompromise", True), (revoked["state"], revoked["revocation"], revoked["onCRL"]))
        self.refused(SYSTEM, query())  # the only unit
        self.assertEqual("Key Compromise", self.crl()[serial])

        # What it stamped before stays what it is, and the log names it.
        self.verify(request, response)
        checked = self.openssl("-verify", "-queryfile", self.instance.home / "state/t.tsq", "-in",
                               self.instance.home / "state/t.tsr", "-CAfile", self.with_crl(), "-crl_check", good=False)
        self.assertIn("certificate revoked", checked.stderr)  # who asks for today's list is told
        harness.wait_until(lambda: self.tokens("--unit", unit["unitID"]), 15, "the token in the published log")
        harness.wait_until(lambda: self.leaves("tsu.revoked"), 15, "the leaf")
        leaf, = self.leaves("tsu.revoked")
        self.assertEqual((unit["unitID"], "keyCompromise", "ticket 4711"), (leaf["unit"], leaf["revocation"], leaf["reason"]))
        signing = (self.instance.log, self.instance.vkey)
        harness.wait_until(lambda: self.leaves("ca.unit_revoked", *signing), 15, "the leaf of the other log")
        leaf, = self.leaves("ca.unit_revoked", *signing)
        self.assertEqual((unit["unitID"], serial), (leaf["unit"], leaf["serial"]))

        # For good: neither activated again nor revoked anew with another date or reason; destroyed as any other.
        self.assertNotEqual(0, self.instance.ctl("tsu", "activate", unit["unitID"], check=False).returncode)
        again = self.instance.ctl("tsu", "revoke", unit["unitID"], "--revocation", "superseded", "--reason", "x")
        self.assertEqual((revoked["revoked"], "keyCompromise"), (again["revoked"], again["revocation"]))
        self.assertEqual("destroyed", self.instance.ctl("tsu", "destroy", unit["unitID"], "--reason", "x")["state"])
        self.assertEqual("Key Compromise", self.crl()[serial])

        # A unit that is ready, and one that is destroyed; and the next one serves.
        ready, gone = self.new_unit(), self.new_unit()
        self.instance.ctl("tsu", "revoke", ready, "--revocation", "superseded", "--reason", "a test")
        self.assertNotEqual(0, self.instance.ctl("tsu", "activate", ready, check=False).returncode)
        self.instance.ctl("tsu", "destroy", gone, "--reason", "a test")
        self.assertTrue(self.instance.ctl("tsu", "revoke", gone, "--revocation", "cessationOfOperation", "--reason",
                                          "a test")["onCRL"])
        self.assertEqual(3, len(set(self.crl()) & {u["chain"][0]["serialNumber"] for u in self.instance.ctl("tsu", "list")
                                                   if u["chain"]}))
        self.instance.ctl("tsu", "activate", self.new_unit())
        self.granted(query())


if __name__ == "__main__":
    unittest.main()
