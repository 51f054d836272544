# ctest: TIMEOUT 300 SERIAL
"""What becomes of the time-stamping authority when sigillod is killed, stopped, started: no token that is held is missing
from the log, no serial number comes twice. tests/README.md, 37 and 38.

SIGILLO_TSA_TOKENS: how many tokens the kills take together (3,000; a million takes some minutes)."""
import base64
import hashlib
import os
import shutil
import subprocess
import time
import unittest

import harness
from time_stamps import SYSTEM, Stampers, TsaTest, parse, query

KILLS = 10
TOKENS = int(os.environ.get("SIGILLO_TSA_TOKENS", "3000"))


class TsaRestarts(TsaTest):

    def test_every_token_that_a_client_holds_is_in_the_log_and_no_serial_comes_twice_over_ten_kills(self):
        started = time.monotonic()
        with Stampers(self.instance.tsa_port, 64) as stampers:
            for round_ in range(KILLS):
                wanted = TOKENS * (round_ + 1) // KILLS
                harness.wait_until(lambda: len(stampers.held) >= wanted, 30 + TOKENS / KILLS / 100, f"{wanted} tokens")
                self.instance.kill("sigillod")
                self.instance.start("sigillod")
        took = time.monotonic() - started
        harness.wait_until(self.instance.healthy, 30, "health")
        self.instance.ctl("tsu", "status")  # publishes
        held = stampers.held
        self.assertGreaterEqual(len(held), TOKENS)
        self.assertEqual(len(held), len(set(held.values())), "serial numbers in clients' hands")
        logged = self.tokens()
        serials = {token["serial"]: token["imprint"] for token in logged}
        self.assertEqual(len(logged), len(serials), "serial numbers in the log")
        missing = [digest.hex() for digest, serial in held.items()
                   if serials.get(serial.hex()) != base64.b64encode(digest).decode()]
        self.assertEqual([], missing[:10])
        print(f"{len(held)} tokens held, {len(logged)} logged, {KILLS} kills, {stampers.refusals} refusals, {took:.0f} s")

    def test_below_the_reserve_no_token_is_issued_while_signing_goes_on(self):
        self.restart({"tsa.reserve_mib": 16_777_216})
        self.assertEqual((2, SYSTEM), parse(self.stamp(query()))[:2])
        credential = self.client.credential_by_click()
        hashes = [hashlib.sha256(b"x").digest()]
        self.assertEqual(1, len(self.client.sign(credential, self.client.authorize(credential, hashes), hashes)))
        items = {item["name"]: item["state"] for item in self.instance.health()["items"]}
        self.assertEqual("degraded", items["tsa reserve"])
        self.restart({"tsa.reserve_mib": 1})
        self.granted(query())

    def test_a_checked_clock_without_chronyd_behind_it_is_no_start(self):
        self.instance.stop("sigillod")
        self.instance.configure({"tsa.time": "kernel", "tsa.policies": ["1.2.3.4"],
                                 "tsa.chrony_socket": str(self.instance.home / "no.sock")})
        done = subprocess.run([harness.PROGRAMS / "sigillod", "run", "--config", self.instance.config],
                              env=self.instance.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, "clock|chronyd|error|synchronis")
        self.restart({"tsa.time": "unchecked", "tsa.policies": []})
        self.granted(query())

    def test_a_revocation_that_reached_one_store_only_reaches_the_other_at_the_next_start(self):
        unit, = self.units("active")
        self.assertEqual(0, self.instance.stop("sigillod"))
        before = self.instance.home / "before"
        shutil.copytree(self.instance.home / "store", before / "store")
        shutil.copytree(self.instance.home / "tsa-store", before / "tsa-store")
        self.restart()
        self.instance.ctl("tsu", "revoke", unit["unitID"], "--revocation", "superseded", "--reason", "a test")
        for store, option in (("store", ()), ("tsa-store", ("--tsa",))):
            with self.subTest(of_yesterday=store):
                self.assertEqual(0, self.instance.stop("sigillod"))
                kept = self.instance.home / f"{store}.new"
                (self.instance.home / store).rename(kept)
                shutil.copytree(before / store, self.instance.home / store)
                self.refused_start()
                self.instance.ctl("log", "override", *option, "--reason", "a test")
                self.restart()
                found, = [u for u in self.instance.ctl("tsu", "list") if u["unitID"] == unit["unitID"]]
                self.assertEqual(("retired", "superseded", True), (found["state"], found["revocation"], found["onCRL"]))
        self.instance.ctl("tsu", "activate", self.new_unit())
        self.granted(query())

    def refused_start(self):
        """sigillod does not start on what it finds; what it says."""
        done = subprocess.run([harness.PROGRAMS / "sigillod", "run", "--config", self.instance.config],
                              env=self.instance.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        return done.stderr


class TsaRollback(TsaTest):
    """The TSA's store is brought back to what it was yesterday."""
    refused_start = TsaRestarts.refused_start

    def test_a_rolled_back_store_is_refused_until_an_officer_orders_a_new_epoch(self):
        first = query()
        first_reply = self.granted(first)
        self.published([])
        self.assertEqual(0, self.instance.stop("sigillod"))
        yesterday = self.instance.home / "yesterday"
        shutil.copytree(self.instance.home / "tsa-store", yesterday)
        self.restart()
        unit, = self.units("active")
        following = self.new_unit()  # made since: its record is lost with the rollback
        digest = bytes(range(32))
        later = query(digest)
        later_reply = self.granted(later)
        self.published([digest])
        self.assertEqual(0, self.instance.stop("sigillod"))
        shutil.rmtree(self.instance.home / "tsa-store")
        shutil.copytree(yesterday, self.instance.home / "tsa-store")

        said = self.refused_start()
        self.assertIn("sigilloctl log override --tsa --reason TEXT", said)
        self.assertRegex(said, r"tsa-(log|anchor)")
        # An order for the other log is no order for this one.
        self.assertEqual(2, self.instance.ctl("log", "override", "--tsa", check=False).returncode)  # without a reason
        order = self.instance.ctl("log", "override", "--tsa", "--reason", "disk replaced, ticket 4711")
        self.assertEqual(str(self.instance.home / "tsa-store/epoch.order"), order["order"])
        self.restart()
        self.assertFalse((self.instance.home / "tsa-store/epoch.order").exists())
        status = self.instance.ctl("tsu", "status")
        self.assertEqual(2, status["epoch"])
        self.assertEqual("ok", {i["name"]: i["state"] for i in self.instance.health()["items"]}["tsa records"])

        # The log that was there is set aside, verifies, and still names the later token; the new one says who and why.
        aside = self.instance.home / "tsa-log/epochs/1"
        imprint = base64.b64encode(digest).decode()
        self.assertIn(imprint, [leaf["imprint"] for leaf in self.leaves("tsa.token", aside)])
        self.assertNotIn(imprint, [leaf["imprint"] for leaf in self.leaves("tsa.token")])
        opened, = self.leaves("epoch.opened")
        self.assertEqual(("disk replaced, ticket 4711", 1), (opened["reason"], opened["previous_epoch"]))
        hardened, = self.leaves("epoch.hardened")
        self.assertEqual((True, [following]), (hardened["complete"], hardened["lost_units"]))
        self.verify(first, first_reply)
        self.verify(later, later_reply)
        fresh = query()
        self.verify(fresh, self.granted(fresh))
        self.assertEqual([unit["unitID"]], [u["unitID"] for u in self.units("active")])
        # Once: the next start opens no further epoch.
        self.restart()
        self.assertEqual(2, self.instance.ctl("tsu", "status")["epoch"])


class TsaBackup(TsaTest):

    def test_a_backup_has_the_tsa_and_a_restore_does_again_what_the_newer_log_tells(self):
        old, = self.units("active")
        spare, revoked, doomed = self.new_unit(), self.new_unit(), self.new_unit()
        request = query()
        response = self.granted(request)
        backup = self.instance.home / "backups/one"
        with Stampers(self.instance.tsa_port, 8) as stampers:
            harness.wait_until(lambda: len(stampers.held) > 100, 30, "load")
            told = self.instance.ctl("backup", "create", str(backup), "--reason", "nightly")
        self.assertEqual((backup / "tsa-log/checkpoint").read_text(), told["tsa_checkpoint"])
        verified = self.instance.ctl("backup", "verify", str(backup))
        self.assertEqual(told["tsa_checkpoint"], verified["tsa_checkpoint"])
        done = subprocess.run([harness.PROGRAMS / "sigillo-audit", "verify", "--log", backup / "tsa-log", "--key",
                               self.instance.home / "tsa-log.vkey"], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r"tokens +[1-9][\d ,']* time stamps")

        # Since then: rotated, revoked, destroyed; and a token more.
        self.instance.ctl("tsu", "rotate", old["unitID"], spare, "--reason", "after the backup")
        self.instance.ctl("tsu", "revoke", revoked, "--revocation", "superseded", "--reason", "after the backup")
        self.instance.ctl("tsu", "destroy", doomed, "--reason", "after the backup")
        later = bytes(range(32))
        self.granted(query(later))
        self.published([later])
        states = {u["unitID"]: (u["state"], u["revocation"]) for u in self.instance.ctl("tsu", "list")}
        self.assertEqual(0, self.instance.stop("sigillod"))

        refused = self.instance.ctl("backup", "restore", str(backup), check=False)
        self.assertIn("store.directory", refused.stderr)  # not over what is there
        home = self.instance.home
        (home / "tsa-store").rename(home / "tsa-store.lost")  # one disk of two
        done = self.instance.ctl("backup", "restore", str(backup), "--only", "tsa", "--tsa-log", str(home / "tsa-log"),
                                 "--reason", "disk lost, ticket 4712")
        self.assertEqual((str(home / "tsa-store"), True), (done["tsa_store"], done["newer_tsa_log"]))
        self.assertNotIn("store", done)
        self.restart()
        self.assertEqual(2, self.instance.ctl("tsu", "status")["epoch"])
        self.assertEqual(states, {u["unitID"]: (u["state"], u["revocation"]) for u in self.instance.ctl("tsu", "list")})
        self.assertEqual("disk lost, ticket 4712", self.leaves("epoch.opened")[0]["reason"])
        replayed, = self.leaves("epoch.replayed")
        self.assertEqual({f"unit {old['unitID']} retired", f"unit {spare} activated", f"unit {revoked} revoked",
                          f"unit {doomed} destroyed"}, set(replayed["changes"]))
        self.assertTrue(self.leaves("epoch.hardened")[0]["complete"])
        self.verify(request, response)
        self.granted(query())
        self.assertEqual("ok", {i["name"]: i["state"] for i in self.instance.health()["items"]}["tsa records"])

        # Everything to a fresh place, without a newer log: said, not hidden.
        self.assertEqual(0, self.instance.stop("sigillod"))
        self.instance.configure({"store.directory": str(home / "store-2"), "log.directory": str(home / "log-2"),
                                 "tsa.store_directory": str(home / "tsa-store-2"),
                                 "tsa.log_directory": str(home / "tsa-log-2")})
        self.instance.ctl("backup", "restore", str(backup), "--reason", "both disks lost")
        self.restart()
        # sigillo-public looks for sigillod again every now and then; until then it says that there is none.
        harness.wait_until(lambda: parse(self.stamp(query()))[:2] == (0, None), 10, "a token")
        status = self.instance.ctl("tsu", "status")
        self.assertEqual(3, status["epoch"])
        hardened, = self.leaves("epoch.hardened", home / "tsa-log-2")
        self.assertFalse(hardened["complete"])
        self.assertIn("must be repeated", hardened["gaps"][0])


if __name__ == "__main__":
    unittest.main()
