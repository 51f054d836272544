# ctest: TIMEOUT 180
"""What a start does with a store or a log that is not as it was: damaged, cut off, of yesterday. It is refused with the
place and the way out, until an officer orders a new epoch, which verifies. CHECKS 8, 9, 10."""
import os
import random
import shutil
import subprocess
import unittest

import harness
from api_client import digest

FAST_SWEEP = {"log.sweep_round_interval_ms": 100, "log.sweep_pause_ms": 0, "log.sweep_step": 1000}


class DamagedLog(harness.InstanceTest):

    def test_corruption_any_flipped_bit_of_the_published_log_is_found_and_its_place_named(self):
        credential = self.client.credential_by_click()
        for n in range(4):
            hashes = [digest(b"%d" % n)]
            self.client.sign(credential, self.client.authorize(credential, hashes), hashes)
        self.instance.signed_uses(credential.id, 4)
        self.assertEqual(0, self.instance.stop("sigillod"))  # the log stands still
        copy = self.instance.home / "copy"
        shutil.copytree(self.instance.log, copy)
        arguments = [str(harness.PROGRAMS / "sigillo-audit"), "verify", "--log", str(copy), "--key", str(self.instance.vkey)]

        def verify():
            return subprocess.run(arguments, capture_output=True, text=True, check=False)
        self.assertEqual(0, verify().returncode)
        size = int((copy / "checkpoint").read_text(encoding="utf-8").splitlines()[1])
        # The partial tiles of the checkpoint before the last are for readers who are a little behind: not of this tree.
        current = [f for f in copy.rglob("*") if f.is_file()
                   and (f.parent.suffix != ".p" or int(f.name) == self.partial(f, copy, size))]
        self.assertGreaterEqual(len(current), 3)
        dice = random.Random(8)
        for file in current:
            whole = file.read_bytes()
            places = {0, len(whole) - 1} | {dice.randrange(len(whole)) for _ in range(12)}
            for place in sorted(places):
                damaged = bytearray(whole)
                damaged[place] ^= 1 << dice.randrange(8)
                file.write_bytes(damaged)
                done = verify()
                with self.subTest(file=str(file.relative_to(copy)), place=place):
                    self.assertEqual(1, done.returncode, done.stdout)
                    self.assertRegex(done.stderr, r"checkpoint|tile|leaf|entries")
            file.write_bytes(whole)
        self.assertEqual(0, verify().returncode)

    def partial(self, file, root, size):
        """The width of the last tile at this file's level, in a tree of `size` leaves."""
        level = file.relative_to(root).parts[1]
        return (size if level == "entries" else size >> (8 * int(level))) % 256


class Rollback(unittest.TestCase):

    def setUp(self):
        self.instance = harness.Instance(FAST_SWEEP)
        self.addCleanup(self.instance.close)
        self.instance.up()
        self.client = self.instance.client
        self.credential = self.client.credential_by_totp()
        self.sign("first")
        self.store = self.instance.home / "store"

    def sign(self, name):
        """By a click, so that the one OTP is spent where a test wants it spent."""
        credential = self.client.credential_by_click()
        hashes = [digest(name.encode())]
        self.client.sign(credential, self.client.authorize(credential, hashes), hashes)
        self.instance.signed_uses(credential.id, 1)

    def stopped(self):
        self.assertEqual(0, self.instance.stop("sigillod"))

    def refused_start(self):
        """sigillod ends with 1; its last words."""
        self.instance.start("sigillod", ready=False)
        harness.wait_until(lambda: not self.instance.running("sigillod") or self.serving(), 60, "sigillod's decision")
        if self.instance.running("sigillod"):
            self.instance.kill("sigillod")
            self.fail("sigillod serves:\n" + self.instance.journal("sigillod"))
        self.assertEqual(1, self.instance.processes["sigillod"].returncode)
        said = self.instance.journal("sigillod")
        self.assertIn("sigilloctl log override", said)  # the way out
        return said

    def item(self, name):
        """Of health, {} while there is none."""
        items = self.client.request("GET", "/healthz").json["items"]
        return next((item for item in items if item["name"] == name), {})

    def found_to_be_damaged(self):
        """A start that is refused, or an alarm of the sweep that reads everything."""
        self.instance.start("sigillod", ready=False)
        process = self.instance.processes["sigillod"]
        harness.wait_until(lambda: process.poll() is not None or self.item("records").get("state") == "failed"
                           or self.item("log").get("state") == "failed", 30, "an alarm")
        if self.instance.running("sigillod"):
            self.instance.kill("sigillod")

    def serving(self):
        return bool(self.item("log"))

    def overridden(self):
        """An officer orders a new epoch; sigillod serves, and the log verifies, the old epoch included."""
        before = self.origin()
        self.instance.ctl("log", "override", "--reason", "test of a rollback, ticket 4711")
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        self.sign("in the new epoch")
        self.assertNotEqual(before, self.origin())
        self.instance.audit("verify")
        shown = self.instance.audit("show", check=False).stdout
        self.assertIn("ticket 4711", shown)
        # The order was for one start.
        self.instance.restart("sigillod")
        harness.wait_until(self.instance.healthy)

    def origin(self):
        checkpoint = self.instance.log / "checkpoint"
        if not checkpoint.exists():
            checkpoint = next((self.instance.home / "anchor").rglob("*checkpoint*"))
        return checkpoint.read_text(encoding="utf-8").splitlines()[0]

    def spent(self):
        """An OTP that was accepted, and its SAD, not used yet."""
        code, hashes = self.credential.otp.now(), [digest(b"later")]
        answer = self.client.try_authorize(self.credential.id, hashes, {"totp": code})
        self.assertEqual(200, answer.status, answer.body)
        return code, answer.json["SAD"], hashes

    def test_rollback_an_older_store_is_refused_and_after_the_override_old_otps_and_sads_are_void(self):
        self.stopped()
        snapshot = self.instance.home / "snapshot"
        shutil.copytree(self.store, snapshot)
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        code, sad, hashes = self.spent()
        self.sign("second")
        self.stopped()
        shutil.rmtree(self.store)
        shutil.copytree(snapshot, self.store)
        self.refused_start()
        self.refused_start()  # and again
        self.overridden()
        replay = self.client.try_authorize(self.credential.id, hashes, {"totp": code})
        self.assertEqual((400, "invalid_otp", "The OTP is invalid"), replay.error)
        self.assertEqual((400, "invalid_request", "Invalid parameter SAD"),
                         self.client.try_sign(self.credential.id, sad, hashes).error)

    def test_rollback_a_store_and_a_log_of_yesterday_are_refused_by_the_anchor(self):
        self.stopped()
        yesterday = self.instance.home / "yesterday"
        for name in ("store", "log"):
            shutil.copytree(self.instance.home / name, yesterday / name)
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        self.sign("second")
        self.stopped()
        for name in ("store", "log"):
            shutil.rmtree(self.instance.home / name)
            shutil.copytree(yesterday / name, self.instance.home / name)
        self.assertIn("anchor", self.refused_start())
        self.overridden()

    def test_rollback_a_log_without_its_checkpoint_or_full_tiles_is_refused(self):
        for _ in range(300):  # more than a full tile's leaves, which leave the store
            self.client.signer()
        self.sign("last")
        self.stopped()
        aside = self.instance.home / "aside"

        def refused_without(name):
            with self.subTest(name):
                os.rename(self.instance.log / name, aside)
                self.refused_start()
                os.rename(aside, self.instance.log / name)
        refused_without("checkpoint")
        refused_without("tile/0/000")
        for damage in (lambda tile: None, lambda tile: tile.write_bytes(aside.read_bytes()[:-1])):
            tile = self.instance.log / "tile/entries/000"  # leaves alone: found at start or by the sweep
            os.rename(tile, aside)
            damage(tile)
            with self.subTest(cut_off=tile.exists()):
                self.found_to_be_damaged()
            os.rename(aside, tile)
        # As it was, it starts; partial tiles, whose leaves the store still has, are made anew.
        for partial in (self.instance.log / "tile/entries").rglob("*.p"):
            shutil.rmtree(partial)
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        self.sign("after")
        self.instance.audit("verify")

    def test_rollback_a_log_directory_that_is_gone_is_refused_until_an_officer_overrides(self):
        self.stopped()
        shutil.rmtree(self.instance.log)
        self.instance.log.mkdir(mode=0o750)
        self.refused_start()
        self.overridden()

    def test_rollback_a_fresh_store_beside_a_published_log_is_refused(self):
        self.stopped()
        for file in self.store.iterdir():
            file.unlink()
        self.refused_start()

    def test_rollback_an_override_is_refused_while_sigillod_runs(self):
        done = self.instance.ctl("log", "override", "--reason", "no", check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("stop", done.stderr)

    # ---- CHECK 8: the store ------------------------------------------------------------------------------------------

    def flip_near(self, needle, offset):
        """One bit, `offset` bytes behind every copy of `needle` in the store's file (old pages keep some)."""
        path = self.store / "data.mdb"
        data, places, at = bytearray(path.read_bytes()), 0, -1
        while (at := data.find(needle, at + 1)) >= 0:
            data[at + len(needle) + offset] ^= 0x10
            places += 1
        path.write_bytes(data)
        return places

    def test_corruption_a_flipped_bit_in_a_record_of_the_store_is_found(self):
        """At start, by the sweep, or at the latest by who reads it; never served."""
        victim = self.client.credential_by_click()
        good = self.client.info(victim.id)
        self.stopped()
        pristine = (self.store / "data.mdb").read_bytes()
        dice = random.Random(9)
        for needle in (victim.id.encode(), bytes.fromhex(victim.id)):
            if needle not in pristine:
                continue
            for offset in sorted(dice.sample(range(8, 200), 4)):
                with self.subTest(offset=offset):
                    (self.store / "data.mdb").write_bytes(pristine)
                    self.assertGreater(self.flip_near(needle, offset), 0)
                    self.assertTrue(self.found(victim, good))

    def found(self, victim, good):
        self.instance.start("sigillod", ready=False)
        process = self.instance.processes["sigillod"]

        try:
            harness.wait_until(lambda: process.poll() is not None or self.serving(), 60, "sigillod's word")
            if process.poll() is not None:
                said = self.instance.journal("sigillod")
                self.assertRegex(said, "corrupt|damaged|does not hold")
                return True
            answer = self.client.request("POST", "/csc/v2/credentials/info", {
                "credentialID": victim.id, "certificates": "chain", "certInfo": True, "authInfo": True})
            if answer.status == 200:
                self.assertEqual(good, answer.json, "a damaged record was served")
            harness.wait_until(lambda: process.poll() is not None or self.item("records").get("state") == "failed", 30, "the sweep's finding")
            self.assertTrue(process.poll() is not None or self.item("records").get("reason"))
            return True
        finally:
            if self.instance.running("sigillod"):
                self.instance.kill("sigillod")


if __name__ == "__main__":
    unittest.main()
