# ctest: TIMEOUT 180
"""What a start does with a store or a log that is not as it was: damaged, cut off, of yesterday. It is refused with the
place and the way out, until an officer orders a new epoch, which verifies. tests/README.md, 8 to 10."""
import json
import os
import random
import re
import shutil
import subprocess
import unittest

import harness
from api_client import digest

PAGE = 4096  # of the store
FAST_SWEEP = {"log.sweep_round_interval_ms": 100, "log.sweep_pause_ms": 0, "log.sweep_step": 1000}


class DamagedLog(harness.InstanceTest):

    def test_corruption_any_flipped_bit_of_the_published_log_is_found_and_its_place_named(self):
        for _ in range(300):  # more than a full tile's leaves
            self.client.signer()
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
        current = [copy / name for name in self.files(size)]
        self.assertGreaterEqual(len(current), 6)
        dice = random.Random(8)
        for file in current:
            whole = file.read_bytes()
            places = {0, len(whole) - 1} | {dice.randrange(len(whole)) for _ in range(12)}
            for place in sorted(places):
                damaged = bytearray(whole)
                damaged[place] ^= 1 << dice.randrange(8)
                file.write_bytes(damaged)
                done = verify()
                name = str(file.relative_to(copy))
                with self.subTest(file=name, place=place):
                    self.assertEqual(1, done.returncode, done.stdout)
                    self.assertIn(self.place_in(name, place, whole, size), done.stderr)
            file.write_bytes(whole)
        self.assertEqual(0, verify().returncode)

    @staticmethod
    def files(size):
        """The files of a tree of `size` leaves (256 to 65,535): full tiles, and those at its right edge."""
        full, rest = divmod(size, 256)
        names = [f"tile/{level}/{n:03}" for level in ("entries", "0") for n in range(full)]
        if rest:
            names += [f"tile/{level}/{full:03}.p/{rest}" for level in ("entries", "0")]
        return ["checkpoint", *names, f"tile/1/000.p/{full}"]

    @staticmethod
    def place_in(name, place, whole, size):
        """What sigillo-audit must say of a bit flipped in this byte of this file."""
        if name == "checkpoint":
            return "/checkpoint: "
        number = int(name.split("/")[2].removesuffix(".p"))
        if name.startswith("tile/1/"):
            return f"/{name}: hash {place // 32} is neither that of what lies below it"
        twin = (name.replace("tile/entries", "tile/0") if "entries" in name else name.replace("tile/0", "tile/entries"))
        if name.startswith("tile/0/"):
            if ".p/" in name:
                return f"/{name}: hash {place // 32} is neither that of what lies below it"
            return f"{twin}: leaf {number * 256 + place // 32} does not hash to its place in {name}: the tile was altered"
        at, leaf = 0, number * 256
        while True:  # a bundle: length in two bytes, leaf; one after the other
            length = int.from_bytes(whole[at:at + 2], "big")
            if place < at + 2:
                return name  # the length itself: whatever follows is read wrongly
            if place < at + 2 + length:
                return f"{name}: leaf {leaf} does not hash to its place in {twin}: the bundle was altered"
            at, leaf = at + 2 + length, leaf + 1


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

    def refused_start(self, pattern):
        """sigillod ends with 1; its last words name the place, the regular expression `pattern`. The match."""
        self.journal_start = len(self.instance.journal("sigillod", 1_000_000))
        self.instance.start("sigillod", ready=False)
        harness.wait_until(lambda: not self.instance.running("sigillod") or self.serving(), 60, "sigillod's decision")
        if self.instance.running("sigillod"):
            self.instance.kill("sigillod")
            self.fail("sigillod serves:\n" + self.instance.journal("sigillod"))
        self.assertEqual(1, self.instance.processes["sigillod"].returncode)
        said = self.said()
        self.assertIn("sigilloctl log override", said)  # the way out
        self.assertRegex(said, pattern)
        return re.search(pattern, said)

    def said(self):
        """What sigillod has said since its last start."""
        return self.instance.journal("sigillod", 1_000_000)[self.journal_start:]

    @staticmethod
    def number(text):
        return int(text.replace(",", ""))

    def head(self, directory):
        """File and size of the newest checkpoint below a directory."""
        files = [file for file in directory.rglob("*checkpoint") if "epochs" not in file.parts]
        self.assertEqual(1, len(files), files)
        return files[0], int(files[0].read_text(encoding="utf-8").splitlines()[1])

    def store_rolled_back(self, *places, epoch=1):
        """The words for a store that is behind one of these checkpoints, (file, size)."""
        there = "|".join(rf"{re.escape(str(file))} has a signed checkpoint of size {size:,}" for file, size in places)
        return (rf"rollback of the store: (?:{there}) in epoch 1, but the log in the store \({re.escape(str(self.store))}\) "
                rf"has ([\d,]+) leaves in epoch {epoch}")

    def item(self, name):
        """Of health, {} while there is none."""
        items = self.client.request("GET", "/healthz").json["items"]
        return next((item for item in items if item["name"] == name), {})

    def found_to_be_damaged(self, place):
        """A start that is refused, or an alarm of the sweep that reads everything; either names the place."""
        self.journal_start = len(self.instance.journal("sigillod", 1_000_000))
        self.instance.start("sigillod", ready=False)
        process = self.instance.processes["sigillod"]
        harness.wait_until(lambda: process.poll() is not None or self.item("records").get("state") == "failed"
                           or self.item("log").get("state") == "failed", 30, "an alarm")
        told = self.said()
        if self.instance.running("sigillod"):
            told += str([self.item(name).get("reason") for name in ("records", "log")])
            self.instance.kill("sigillod")
        self.assertIn(str(place), told)

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
        _, old_size = self.head(self.instance.log)
        snapshot = self.instance.home / "snapshot"
        shutil.copytree(self.store, snapshot)
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        code, sad, hashes = self.spent()
        self.sign("second")
        self.stopped()
        shutil.rmtree(self.store)
        shutil.copytree(snapshot, self.store)
        newest = [self.head(self.instance.log), self.head(self.instance.home / "anchor")]
        for _ in range(2):  # and again
            refused = self.refused_start(self.store_rolled_back(*newest))
            self.assertEqual(old_size, self.number(refused.group(1)))
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
        refused = self.refused_start(self.store_rolled_back(self.head(self.instance.home / "anchor")))
        self.assertEqual(self.head(self.instance.log)[1], self.number(refused.group(1)))
        self.overridden()

    def test_rollback_a_log_without_its_checkpoint_or_full_tiles_is_refused(self):
        for _ in range(300):  # more than a full tile's leaves, which leave the store
            self.client.signer()
        self.sign("last")
        self.stopped()
        aside = self.instance.home / "aside"

        def refused_without(name, words):
            with self.subTest(name):
                os.rename(self.instance.log / name, aside)
                self.refused_start(words)
                os.rename(aside, self.instance.log / name)
        refused_without("checkpoint", self.without_checkpoint(self.head(self.instance.log)[1]))
        refused_without("tile/0/000", rf"the log was truncated: .*{re.escape(str(self.instance.log / 'tile/0/000'))}\b")
        for damage in (lambda tile: None, lambda tile: tile.write_bytes(aside.read_bytes()[:-1])):
            tile = self.instance.log / "tile/entries/000"  # leaves alone: found at start or by the sweep
            os.rename(tile, aside)
            damage(tile)
            with self.subTest(cut_off=tile.exists()):
                self.found_to_be_damaged(tile)
            os.rename(aside, tile)
        # As it was, it starts; partial tiles, whose leaves the store still has, are made anew.
        for partial in (self.instance.log / "tile/entries").rglob("*.p"):
            shutil.rmtree(partial)
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        self.sign("after")
        self.instance.audit("verify")

    def without_checkpoint(self, size):
        return (rf"the log directory was truncated: {re.escape(str(self.instance.log / 'checkpoint'))} is missing, "
                rf"size {size:,} was published there; the log in the store \({re.escape(str(self.store))}\)")

    def test_rollback_a_log_directory_that_is_gone_is_refused_until_an_officer_overrides(self):
        self.stopped()
        _, size = self.head(self.instance.log)
        shutil.rmtree(self.instance.log)
        self.instance.log.mkdir(mode=0o750)
        self.refused_start(self.without_checkpoint(size))
        self.overridden()

    def test_rollback_a_fresh_store_beside_a_published_log_is_refused(self):
        self.stopped()
        for file in self.store.iterdir():
            file.unlink()
        refused = self.refused_start(self.store_rolled_back(self.head(self.instance.log),
                                                            self.head(self.instance.home / "anchor"), epoch=0))
        self.assertEqual(0, self.number(refused.group(1)))

    def test_rollback_an_override_is_refused_while_sigillod_runs(self):
        done = self.instance.ctl("log", "override", "--reason", "no", check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("stop", done.stderr)

    # ---- tests/README.md, 8: the store ---------------------------------------------------------------------------------

    def test_corruption_a_flipped_bit_in_a_record_of_the_store_is_found_and_its_place_named(self):
        """One bit at a time, behind each copy of a credential's id in the store's file. Old pages keep copies that nobody
        reads: then nothing is found, and nothing has changed. Else it is found at the start or by the sweep, and what is named
        is where the bit is: the page, a row that is on this page, or the leaf."""
        victim = self.client.credential_by_click()
        good = self.client.info(victim.id)
        self.sign("one more page")
        self.stopped()
        path = self.store / "data.mdb"
        pristine = path.read_bytes()
        self.set_aside()
        leaves = {leaf["index"]: json.dumps(leaf["event"]) for leaf in self.leaves()}
        dice, found, places = random.Random(9), 0, []
        needle, at = victim.id.encode(), -1
        while (at := pristine.find(needle, at + 1)) >= 0:
            places.append(at)
        self.assertGreaterEqual(len(places), 4)
        for at in places if len(places) <= 16 else sorted(dice.sample(places, 16)):
            # A leaf of the log is JSON around it; what follows the key of a record is its value.
            place = at + len(needle) + dice.randrange(4, 60)
            damaged = bytearray(pristine)
            damaged[place] ^= 0x10
            self.bring_back()
            path.write_bytes(damaged)
            with self.subTest(byte=place, page=place // PAGE):
                said = self.told(victim, good)
                if said is None:
                    continue
                found += 1
                page = pristine[place // PAGE * PAGE:(place // PAGE + 1) * PAGE]
                named = re.findall(r"data\.mdb, page (\d+)", said)
                rows = re.findall(r"\b[a-z_]+/(0x)?([0-9a-zA-Z_.-]+)", said)
                named_leaves = [int(n) for n in re.findall(r"\bleaf (\d+)", said)]
                self.assertTrue(
                    str(place // PAGE) in named
                    or any((bytes.fromhex(key) if prefix else key.encode()) in page for prefix, key in rows)
                    or any(self.close_to(leaves.get(n, ""), pristine, place) for n in named_leaves), said)
        self.assertGreaterEqual(found, 2, "no bit of what is in use was hit")

    def set_aside(self):
        for name in ("store", "log", "anchor"):
            shutil.copytree(self.instance.home / name, self.instance.home / "pristine" / name)

    def bring_back(self):
        for name in ("store", "log", "anchor"):
            shutil.rmtree(self.instance.home / name)
            shutil.copytree(self.instance.home / "pristine" / name, self.instance.home / name)

    @staticmethod
    def close_to(leaf, pristine, place):
        """Whether the text of this leaf is around the byte, key by key (the order in the file is the canonical one)."""
        around = pristine[max(0, place - 600):place + 600].decode("ascii", "replace")
        return leaf != "" and json.loads(leaf)["time"] in around

    def leaves(self):
        done = self.instance.audit("show", check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def told(self, victim, good):
        """What a start, or one whole round of the sweep after it, tells of damage; None when there is nothing to tell, and
        then what is served is as it was."""
        self.journal_start = len(self.instance.journal("sigillod", 1_000_000))
        self.instance.start("sigillod", ready=False)
        process = self.instance.processes["sigillod"]
        try:
            harness.wait_until(lambda: process.poll() is not None or self.serving(), 60, "sigillod's word")
            if process.poll() is not None:
                self.assertEqual(1, process.returncode)
                return self.said()
            answer = self.client.request("POST", "/csc/v2/credentials/info", {
                "credentialID": victim.id, "certificates": "chain", "certInfo": True, "authInfo": True})
            if answer.status == 200:
                self.assertEqual(good, answer.json, "a damaged record was served")
            harness.wait_until(lambda: process.poll() is not None or self.item("records").get("state") == "failed"
                               or self.rounds() >= 1, 60, "a round of the sweep")
            if process.poll() is not None:
                return self.said()
            if self.item("records").get("state") == "failed":
                return self.item("records")["reason"]
            self.assertEqual(200, answer.status, answer.body)
            return None
        finally:
            if self.instance.running("sigillod"):
                self.instance.kill("sigillod")

    def rounds(self):
        # Unchecked: out of service, as it may be by now, is an answer too.
        status = json.loads(self.instance.ctl("status", check=False).stdout)
        return status["metrics"]["sigillo_sweep_rounds_total"]


if __name__ == "__main__":
    unittest.main()
