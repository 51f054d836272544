# ctest: TIMEOUT 180
"""A store without room: on its disk and in its map (tests/README.md, 5 and 6). Signing stops with 503, spends no factor, says
so in health, and goes on without a gap once there is room. As root one disk is a small tmpfs (ENOSPC); the other kind of no room,
and all that those get who may mount nothing, is a limit on the size of sigillod's files (EFBIG)."""
import contextlib
import os
import resource
import shutil
import subprocess
import threading
import unittest

import harness
from api_client import Otp, digest

# Bytes a signer may take in the store: what fills it fastest through the API's own limits.
LARGE = {"organization": "o" * 200, "externalReference": "r" * 200,
         "identifiers": [{"type": "tax_code", "value": f"{n:02}" + "v" * 200} for n in range(8)]}


class Roomless(harness.InstanceTest):
    """What both kinds of fullness have in common."""

    def setUp(self):
        """A credential by HOTP, whose codes do not pass with the time that a full store takes."""
        signer = self.client.signer()
        self.app = Otp(self.client.factor(signer, "hotp")["otpauth"])
        self.credential = self.client.credential(signer, "hotp")
        self.signed = 0

    def sign(self, code):
        hashes = [digest(os.urandom(8))]
        answer = self.client.try_authorize(self.credential.id, hashes, {"hotp": code})
        self.assertEqual(200, answer.status, answer.body)
        self.client.sign(self.credential, answer.json["SAD"], hashes)
        self.signed += 1

    def fill(self):
        """Enrols signers until there is no room: the refusal, which must be a clean 503 with Retry-After."""
        refusals = []

        def enrol():
            for _ in range(20_000):
                answer = self.client.request("POST", "/v1/signers",
                                             {"name": {"given": "G", "family": "F"}, "country": "IT", **LARGE})
                if answer.status != 201:
                    refusals.append(answer)
                if refusals:
                    break
            self.client.close()
        threads = [threading.Thread(target=enrol) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(refusals, "the store took everything")
        for answer in refusals:
            self.clean(answer)
        # What is left over for small things: until twenty in a row find nothing.
        in_a_row = 0
        for _ in range(20_000):
            answer = self.client.request("POST", "/v1/signers", {"name": {"given": "G", "family": "F"}, "country": "IT"})
            in_a_row = in_a_row + 1 if answer.status == 503 else 0
            if in_a_row == 20:
                return
        self.fail("the store takes small signers for ever")

    def clean(self, answer):
        """A 503 that says when to come back, whichever of LMDB's ways (no room, or a write cut short) it came from."""
        self.assertEqual(503, answer.status, answer.body)
        self.assertIn(answer.json["type"], ("urn:sigillo:problem:storage_full", "urn:sigillo:problem:unavailable"))
        self.assertGreater(int(answer.headers["retry-after"]), 0)

    def store_health(self):
        return next(item for item in self.instance.health()["items"] if item["name"] == "store")

    def alarmed(self):
        """Health says so, with the reason, after a refusal (a small write that still fits may clear it for a moment)."""
        def said():
            self.client.request("POST", "/v1/signers", {"name": {"given": "G", "family": "F"}, "country": "IT", **LARGE})
            health = self.store_health()
            return health["state"] != "ok" and health["reason"]
        harness.wait_until(said, 30, "the alarm")

    def refused_code(self):
        """A code that is refused for lack of room, and was not spent. Where a small activation still fits, its code is
        spent, and the next one is tried. Room comes back by itself when a part of the log moves out of the store: then the
        store is filled again."""
        for _ in range(20):
            for _ in range(20):
                code = self.app.next()
                answer = self.client.try_authorize(self.credential.id, [digest(b"no room")], {"hotp": code})
                if answer.status == 503:
                    self.assertEqual("temporarily_unavailable", answer.json["error"])
                    return code
                self.assertEqual(200, answer.status, answer.body)
            self.fill()
        return self.fail("the store takes activations for ever")

    def nothing_is_missing(self):
        """Every signature that was answered is in the log, which verifies."""
        uses = self.instance.signed_uses(self.credential.id, self.signed)
        self.assertEqual(self.signed, sum(use["result"] == "signed" for use in uses))
        self.instance.audit("verify")


class FullDisk(Roomless):
    MIB = 24
    MOUNTS = True

    @classmethod
    def make_instance(cls):
        instance = super().make_instance()
        cls.store = instance.home / "store"
        cls.mounted = cls.MOUNTS and os.geteuid() == 0 and cls.mount(instance)
        return instance

    @classmethod
    def mount(cls, instance):
        """The store's folder becomes a small file system of its own; False where the machine does not let us."""
        aside = instance.home / "aside"
        shutil.copytree(cls.store, aside)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={cls.MIB}m,mode=0700", "tmpfs", str(cls.store)],
                          check=False, capture_output=True).returncode != 0:
            return False
        # Runs before the instance's own clean-up is registered, so after it: what keeps the mount busy is gone by then.
        cls.addClassCleanup(shutil.rmtree, instance.home, ignore_errors=True)
        cls.addClassCleanup(subprocess.run, ["umount", str(cls.store)], check=False)
        for file in aside.iterdir():
            shutil.copy2(file, cls.store)
        return True

    def take_the_room(self):
        if self.mounted:
            with open(self.store / "ballast", "wb", 0) as ballast, contextlib.suppress(OSError):
                while ballast.write(b"\0" * 65536) > 0:
                    pass
        else:
            size = (self.store / "data.mdb").stat().st_size
            resource.prlimit(self.instance.pid("sigillod"), resource.RLIMIT_FSIZE, (size + 65536, resource.RLIM_INFINITY))

    def give_it_back(self):
        if self.mounted:
            (self.store / "ballast").unlink(missing_ok=True)
        elif self.instance.running("sigillod"):
            resource.prlimit(self.instance.pid("sigillod"), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    def test_crash_a_full_disk_stops_signing_with_503_and_it_resumes_without_a_gap(self):
        self.sign(self.app.next())
        self.addCleanup(self.give_it_back)
        self.take_the_room()
        self.fill()
        code = self.refused_code()
        self.alarmed()
        self.assertTrue(self.instance.running("sigillod"))
        self.give_it_back()
        harness.wait_until(lambda: self.store_health()["state"] == "ok", 30, "health to see the room")
        self.sign(code)
        self.nothing_is_missing()

    def test_crash_sigillod_is_killed_on_a_full_disk_and_nothing_is_missing(self):
        self.sign(self.app.next())
        self.addCleanup(self.give_it_back)
        self.take_the_room()
        self.fill()
        self.instance.kill("sigillod")
        self.give_it_back()
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        self.sign(self.app.next())
        self.nothing_is_missing()


class LargestFile(FullDisk):
    MOUNTS = False


class FullMap(Roomless):
    SETTINGS = {"store.map_size_mib": 16}

    def test_crash_a_full_map_is_a_clean_503_and_an_alarm_until_an_officer_widens_it(self):
        self.sign(self.app.next())
        self.fill()
        code = self.refused_code()
        self.alarmed()
        # Reading goes on.
        self.assertEqual("enabled", self.client.info(self.credential.id)["key"]["status"])
        self.assertEqual(1, len(self.client.expect("GET", f"/v1/credentials/{self.credential.id}/uses")["uses"]))
        self.assertEqual(0, self.instance.stop("sigillod"))
        self.instance.configure({"store.map_size_mib": 64})
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy)
        self.assertEqual("ok", self.store_health()["state"])
        self.sign(code)
        self.nothing_is_missing()


del Roomless  # not a test by itself

if __name__ == "__main__":
    unittest.main()
