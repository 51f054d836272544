"""What an activation leaves beside the log: an officer reads and erases it by order, the orders are in the log, their content
is not, and what was read is what the log holds the digest of."""
import base64
import hashlib
import json
import unittest

import harness
from api_client import click_evidence, digest

DESCRIPTION, CLIENT_DATA = "Purchase of Ada's house at Via Roma 1", "case-4711 of Giulia Esempio"


class Evidence(harness.InstanceTest):

    def leaves(self):
        done = self.instance.audit("show", check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def activated(self):
        """A fresh activation with evidence: its index in the log, its leaf, the click's text."""
        credential = self.client.credential_by_click()
        hashes = [digest(credential.id.encode())]
        click = click_evidence(hashes)
        answer = self.client.try_authorize(credential.id, hashes, {"click": click}, description=DESCRIPTION,
                                           clientData=CLIENT_DATA)
        self.assertEqual(200, answer.status, answer.body)
        found = []

        def there():
            found[:] = [leaf for leaf in self.leaves() if leaf["event"]["type"] == "activation.granted"
                        and leaf["event"]["credential"] == credential.id]
            return found
        harness.wait_until(there, 15, "the activation in the log")
        return found[0]["index"], found[0]["event"], click

    def orders(self, kind, index):
        return [leaf["event"] for leaf in self.leaves()
                if leaf["event"]["type"] == kind and leaf["event"]["activation"] == index]

    def refused(self, *arguments):
        done = self.instance.ctl("evidence", *arguments, check=False)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("not_found", done.stderr)
        return done

    def test_what_is_shown_hashes_to_what_the_log_has_and_what_is_erased_is_gone(self):
        index, leaf, click = self.activated()
        shown = self.instance.ctl("evidence", "show", str(index), "--reason", "court order 12/2026")
        self.assertEqual({"click": click, "description": DESCRIPTION, "clientData": CLIENT_DATA},
                         json.loads(shown["evidence"]))
        salted = base64.b64decode(shown["salt"]) + shown["evidence"].encode()
        self.assertEqual(leaf["evidence_sha256"], base64.b64encode(hashlib.sha256(salted).digest()).decode())
        self.assertEqual(leaf["evidence_sha256"], shown["sha256"])

        self.instance.ctl("evidence", "erase", str(index), "--reason", "art. 17, ticket 4712")
        self.refused("show", str(index), "--reason", "again")
        self.refused("erase", str(index), "--reason", "again")
        harness.wait_until(lambda: self.orders("evidence.erased", index), 15, "the order in the log")
        for kind, reason in (("evidence.shown", "court order 12/2026"), ("evidence.erased", "art. 17, ticket 4712")):
            order, = self.orders(kind, index)
            self.assertEqual(reason, order["reason"])
            self.assertRegex(order["officer"], r"^officer:\S+$")
            self.assertEqual({"type", "time", "officer", "reason", "activation"}, set(order))
        self.instance.audit("verify")
        everything = json.dumps(self.leaves()) + self.instance.journal("sigillod", 10_000)
        for secret in (DESCRIPTION, CLIENT_DATA, "192.0.2.7"):
            self.assertNotIn(secret, everything)

    def test_a_place_without_evidence_is_refused_and_nothing_logged(self):
        index, _, _ = self.activated()
        for arguments in (("0",), (str(index), "--epoch", "2"), ("4294967296",)):
            for verb in ("show", "erase"):
                self.refused(verb, *arguments, "--reason", "curiosity")
        self.assertEqual([], [leaf for leaf in self.leaves() if leaf["event"].get("reason") == "curiosity"])

    def test_evidence_of_an_earlier_epoch_is_found_under_its_epoch(self):
        index, leaf, _ = self.activated()
        self.instance.stop("sigillod")
        self.instance.ctl("log", "override", "--reason", "test")
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        shown = self.instance.ctl("evidence", "show", str(index), "--epoch", "1", "--reason", "audit")
        self.assertEqual((1, leaf["evidence_sha256"]), (shown["epoch"], shown["sha256"]))
        harness.wait_until(lambda: self.orders("evidence.shown", index), 15, "the order in the log")
        self.assertEqual(1, self.orders("evidence.shown", index)[0]["activation_epoch"])


if __name__ == "__main__":
    unittest.main()
