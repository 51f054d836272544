# ctest: TIMEOUT 180
"""What officers order is in the log under their name, with the reason that they gave."""
import json
import os
import pwd
import unittest

import harness
from api_client import digest

OFFICER = "officer:" + pwd.getpwuid(os.geteuid()).pw_name


class Orders(harness.InstanceTest):

    def events(self):
        self.instance.ctl("log", "checkpoint")  # what is committed is published when this returns
        done = self.instance.audit("show", check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return [json.loads(line)["event"] for line in done.stdout.splitlines()]

    def order(self, kind, *arguments, **members):
        """Carries the order out with a reason of its own; its event, which is one, has the reason and `members`."""
        reason = f"ticket {os.urandom(4).hex()}: {kind}"
        answer = self.instance.ctl(*arguments, "--reason", reason)
        found = [event for event in self.events() if event.get("reason") == reason]
        self.assertEqual([kind], [event["type"] for event in found], arguments)
        who = found[0].get("officer", found[0].get("actor"))
        self.assertEqual(OFFICER, who)
        for name, value in members.items():
            self.assertEqual(value, found[0][name], name)
        return answer

    def qualified(self):
        signer = self.client.signer()
        self.client.factor(signer, "totp")
        return self.client.expect("POST", "/v1/credentials", {
            "signerID": signer, "class": "qualified", "key": {"algo": "EC-P256"}, "activation": "totp",
            "certificate": {"source": "csr"}})["credentialID"]

    def test_every_reason_is_in_the_event_of_its_order(self):
        certificate, _ = self.instance.issue("former-client")
        added = self.order("client.added", "client", "add", "--tenant", "demo", "--name", "former", "--cert", str(certificate))
        self.order("client.removed", "client", "remove", added["clientID"], client=added["clientID"])
        credential = self.client.credential_by_click().id
        self.order("credential.status", "credential", "suspend", credential, credential=credential, status="suspended")
        self.order("credential.status", "credential", "resume", credential, credential=credential, status="active")
        self.order("credential.status", "credential", "revoke", credential, credential=credential, status="revoked")
        qualified = self.qualified()
        self.order("credential.qscd", "credential", "qscd", qualified, "on", credential=qualified, qscd=True)
        self.order("credential.qscd", "credential", "qscd", qualified, "off", credential=qualified, qscd=False)
        self.order("credential.unlocked", "factor", "unlock", "--credential", qualified, credential=qualified)
        factor = self.client.factor(self.client.signer(), "pin", pin="142536")["factorID"]
        self.order("factor.unlocked", "factor", "unlock", "--factor", factor, factor=factor)
        self.order("backup.created", "backup", "create", str(self.instance.home / "backups/one"))

    def test_every_command_that_takes_a_reason_is_tried_here_or_where_sigillod_stands_still(self):
        """So that a new one cannot be forgotten: the commands whose help names --reason."""
        tried = {"client add", "client remove", "credential suspend", "credential resume", "credential revoke",
                 "credential qscd", "factor unlock", "backup create"}
        elsewhere = {"evidence show", "evidence erase",  # test_evidence.py
                     "log override", "backup restore",   # test_rollback.py, test_backup.py
                     *(f"tsu {verb}" for verb in ("create", "import", "activate", "rotate", "retire", "revoke",
                                                  "destroy"))}  # test_tsa_units.py
        found = set()
        for noun in self.subcommands():
            for verb in self.subcommands(noun):
                done = self.instance.ctl(noun, verb, "--help", check=False)
                if "--reason" in done.stdout:
                    found.add(f"{noun} {verb}")
        self.assertEqual(tried | elsewhere, found)

    def test_a_mistyped_command_is_named(self):
        for words in (("sing",), ("signer", "sing")):
            done = self.instance.ctl(*words, check=False)
            self.assertEqual(2, done.returncode)
            self.assertIn("no command 'sing'", done.stderr)
        done = self.instance.ctl("evidence", "show", "sing", "--reason", "r", check=False)
        self.assertEqual((2, True), (done.returncode, "'sing' is no index" in done.stderr))

    def subcommands(self, *noun):
        text = self.instance.ctl(*noun, "--help", check=False).stdout
        if "Subcommands:" not in text:
            return []
        listed = text[text.index("Subcommands:"):].split("\n\n")[0].splitlines()[1:]
        return [line.split()[0] for line in listed if line.startswith("  ") and not line.startswith("   ")]

    def test_without_a_reason_the_event_has_none_and_one_that_is_no_sentence_is_refused(self):
        certificate, _ = self.instance.issue("other-client")
        added = self.instance.ctl("client", "add", "--tenant", "demo", "--name", "other", "--cert", str(certificate))
        event = next(e for e in self.events() if e["type"] == "client.added" and e["client"] == added["clientID"])
        self.assertNotIn("reason", event)
        done = self.instance.ctl("client", "remove", added["clientID"], "--reason", "x" * 257, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("256 bytes", done.stderr)
        listed = self.instance.ctl("client", "list")
        self.assertFalse(next(c for c in listed if c["clientID"] == added["clientID"])["removed"])
        hashes = [digest(b"still signing")]
        credential = self.client.credential_by_click()
        self.client.sign(credential, self.client.authorize(credential, hashes), hashes)


if __name__ == "__main__":
    unittest.main()
