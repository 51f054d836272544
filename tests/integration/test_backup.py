# ctest: TIMEOUT 180
"""A backup taken while signers sign: it verifies, agrees with its checkpoint, and a restore of it serves again
(tests/README.md, 11)."""
import json
import shutil
import subprocess
import threading
import unittest

import harness
from api_client import b64, digest


class BackupUnderLoad(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backups = cls.instance.home / "backups"

    def load(self, credential, ending, answered):
        number = 0
        while not ending.is_set():
            hashes = [digest(f"{threading.get_ident()} {number}".encode())]
            self.client.sign(credential, self.client.authorize(credential, hashes), hashes)
            answered.append(hashes[0])
            number += 1
        self.client.close()

    def audit_backup(self, backup, *options):
        return subprocess.run([str(harness.PROGRAMS / "sigillo-audit"), "verify", "--log", str(backup / "log"), "--key",
                               str(self.instance.vkey), *options], capture_output=True, text=True, check=False)

    def signed_in(self, log, credential_id):
        done = subprocess.run([str(harness.PROGRAMS / "sigillo-audit"), "uses", "--credential", credential_id, "--json",
                               "--log", str(log), "--key", str(self.instance.vkey)],
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return {h for use in json.loads(done.stdout)["uses"] if use["result"] == "signed" for h in use["hashes"]}

    def uses(self, credential_id, limit):
        """All of them, page by page."""
        found, after = [], None
        while True:
            page = self.client.expect("GET", f"/v1/credentials/{credential_id}/uses?limit={limit}"
                                      + ("" if after is None else f"&after={after}"))
            found += page["uses"]
            after = page.get("next")
            if after is None:
                return found

    def test_backup_under_load_verifies_restores_and_agrees_with_its_checkpoint(self):
        credential = self.client.credential_by_click()
        by_totp = self.client.credential_by_totp()
        suspended = self.client.credential_by_click()
        self.client.expect("POST", f"/v1/credentials/{suspended.id}/status", {"status": "suspended"})
        ending, answered = threading.Event(), []
        threads = [threading.Thread(target=self.load, args=(credential, ending, answered)) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            harness.wait_until(lambda: len(answered) >= 150, 60, "load")
            before = len(answered)
            backup = self.backups / "first"
            told = self.instance.ctl("backup", "create", str(backup), "--reason", "nightly")
            harness.wait_until(lambda: len(answered) > before, 30, "signing beside and after the backup")
        finally:
            ending.set()
            for thread in threads:
                thread.join()
        code, hashes = by_totp.otp.now(), [digest(b"after the backup")]
        later = self.client.authorize(by_totp, hashes)  # an OTP and a SAD that the backup does not know

        # It verifies, by itself and against what it was told to agree with.
        self.instance.ctl("backup", "verify", str(backup))
        checkpoint = self.instance.home / "told.checkpoint"
        checkpoint.write_text(told["checkpoint"], encoding="utf-8")
        self.assertEqual((backup / "log/checkpoint").read_text(encoding="utf-8"), told["checkpoint"])
        done = self.audit_backup(backup, "--old", str(checkpoint))
        self.assertEqual(0, done.returncode, done.stderr)
        self.instance.audit("verify", "--old", str(checkpoint))  # and the living log is its extension

        # Refused while sigillod runs, and over what is there.
        self.assertEqual(1, self.instance.ctl("backup", "restore", str(backup), check=False).returncode)
        self.assertEqual(0, self.instance.stop("sigillod"))
        self.assertEqual(1, self.instance.ctl("backup", "restore", str(backup), check=False).returncode)

        # A fresh place, the same HSM.
        self.instance.configure({"store.directory": str(self.instance.home / "store-2"),
                                 "log.directory": str(self.instance.home / "log-2"),
                                 "tsa.store_directory": str(self.instance.home / "tsa-store-2"),
                                 "tsa.log_directory": str(self.instance.home / "tsa-log-2")})
        self.instance.log = self.instance.home / "log-2"
        self.instance.ctl("backup", "restore", str(backup), "--reason", "disk lost, ticket 4712")
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)

        # It serves, in a new epoch that succeeds the backup's.
        known = self.uses(credential.id, 1000)
        self.assertLess(100, len(known))
        fresh = [digest(b"after the restore")]
        self.client.sign(credential, self.client.authorize(credential, fresh), fresh)
        # Uses of both epochs, each under the number that it had, wherever pages end.
        for limit in (7, 1000):
            uses = self.uses(credential.id, limit)
            self.assertEqual(known, uses[:-1])
            self.assertEqual((2, b64(fresh[0])), (uses[-1]["epoch"], uses[-1]["hash"]))
            self.assertEqual(sorted({use["index"] for use in uses}), [use["index"] for use in uses])
            for use in uses:
                self.assertEqual(use["index"], (use["epoch"] - 1) * 2 ** 44 + use["logIndex"])
        harness.wait_until(lambda: self.instance.audit("verify", check=False).returncode == 0, 15, "a log that verifies")
        self.assertIn("ticket 4712", self.instance.audit("show", check=False).stdout)
        # What was answered before the backup is in it, and in the epoch that the restored log keeps.
        early = {b64(h) for h in answered[:before]}
        for log in (backup / "log", self.instance.log / "epochs/1"):
            self.assertEqual(set(), early - self.signed_in(log, credential.id), log)
        # What was spent since stays spent; SADs of before are void; what was suspended is.
        replay = self.client.try_authorize(by_totp.id, hashes, {"totp": code})
        self.assertEqual((400, "invalid_otp", "The OTP is invalid"), replay.error)
        self.assertEqual((400, "invalid_request", "Invalid parameter SAD"),
                         self.client.try_sign(by_totp.id, later, hashes).error)
        self.assertEqual("disabled", self.client.info(suspended.id)["key"]["status"])

    def test_backup_that_was_damaged_is_found_and_not_restored(self):
        backup = self.backups / "damaged"
        self.instance.ctl("backup", "create", str(backup))
        for relative in ("store/data.mdb", "log/checkpoint", "manifest.json"):
            copy = self.backups / "copy"
            shutil.copytree(backup, copy)
            data = bytearray((copy / relative).read_bytes())
            data[len(data) // 2] ^= 1
            (copy / relative).write_bytes(data)
            done = self.instance.ctl("backup", "verify", str(copy), check=False)
            with self.subTest(relative):
                self.assertEqual(1, done.returncode, done.stdout)
            shutil.rmtree(copy)

    def test_backup_is_written_nowhere_but_below_the_configured_directories(self):
        elsewhere = self.instance.home / "elsewhere"
        done = self.instance.ctl("backup", "create", str(elsewhere), check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("backup_directories", done.stderr)
        self.assertFalse(elsewhere.exists())


if __name__ == "__main__":
    unittest.main()
