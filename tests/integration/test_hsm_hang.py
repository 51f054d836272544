# ctest: TIMEOUT 240
"""The HSM hangs, and it is seen through nginx, sigillo-api and sigillod as their clients see it: 503 with Retry-After within the
configured wait, health red with the reason, everything else goes on, and all is well again when the HSM answers
(tests/README.md, 27). Between sigillod and SoftHSM stands the fault-injecting module of tests/fault/pkcs11_shim. Its hang is of
a minute, and the test ends it sooner; the waits are shortened: hsm.session_wait_ms 10,000 to 500, hsm.slow_call_ms 5,000 to
2,000."""
import base64
import pathlib
import threading
import time
import unittest

import harness
from api_client import digest, signature_holds

SHIM = harness.PROGRAMS.parent / "tests/libsigillo_p11_shim.so"
SOFTHSM = next(pathlib.Path("/usr/lib").glob("**/softhsm/libsofthsm2.so"))
SESSIONS, SESSION_WAIT, SLOW_CALL = 3, 0.5, 2.0
GENERATIONS = 2  # hsm.max_generations


class HangingHsm(harness.InstanceTest):
    # The shim opens files of its own, which sigillod's filters know nothing of.
    SETTINGS = {"hsm.max_sessions": SESSIONS, "hsm.session_wait_ms": int(SESSION_WAIT * 1000),
                "hsm.slow_call_ms": int(SLOW_CALL * 1000), "sigillod.landlock": False, "sigillod.seccomp": "off"}

    @classmethod
    def make_instance(cls):
        return harness.Instance(cls.SETTINGS, module=SHIM, environment={"SIGILLO_SHIM_TARGET": str(SOFTHSM)})

    @classmethod
    def setUpClass(cls):
        # The fault file is of the instance's folder, which is not known before there is one.
        cls.instance = cls.make_instance()
        cls.addClassCleanup(cls.instance.close)
        cls.fault_file = cls.instance.home / "faults"
        cls.instance.environment["SIGILLO_SHIM_FAULTS"] = str(cls.fault_file)
        cls.faults("")
        try:
            cls.instance.up()
        except BaseException:
            cls.tell_journals()
            raise

    @classmethod
    def faults(cls, lines):
        """Renamed into place: the shim never reads half of it, and a hang ends with the file that ordered it."""
        new = cls.fault_file.with_suffix(".new")
        new.write_text(lines, encoding="ascii")
        new.rename(cls.fault_file)

    def setUp(self):
        self.addCleanup(self.faults, "")
        self.credential = self.client.credential_by_click()
        self.sign("warm")  # the key is unwrapped and cached

    def prepared(self, name):
        hashes = [digest(name.encode())]
        return self.client.authorize(self.credential, hashes), hashes

    def sign(self, name):
        sad, hashes = self.prepared(name)
        return self.client.sign(self.credential, sad, hashes)

    def hsm(self):
        return next(item for item in self.instance.health()["items"] if item["name"] == "hsm")

    def hang(self):
        """As many calls as there are sessions enter the HSM and stay there, one of which may be the log's own, which signs
        its checkpoint: threads, answers and orders of those that clients made."""
        self.faults("C_Sign hang_ms=60000\n")
        orders = [self.prepared(f"stuck {n}") for n in range(SESSIONS)]
        answers = [None] * SESSIONS

        def call(number):
            answers[number] = self.client.try_sign(self.credential.id, *orders[number])
            self.client.close()
        threads = [threading.Thread(target=call, args=(n,)) for n in range(SESSIONS)]
        for thread in threads:
            thread.start()
        harness.wait_until(lambda: self.metric("sigillo_hsm_sessions_busy") == SESSIONS, 10, "the HSM hanging")
        return threads, answers, orders

    def metric(self, name):
        return self.instance.ctl("status")["metrics"][name]

    def test_key_a_hanging_hsm_is_503_at_the_api_health_is_red_and_all_recovers(self):
        threads, answers, orders = self.hang()
        refused = [self.prepared(f"refused {n}") for n in range(40)]

        def call(number):
            start = time.monotonic()
            answer = self.client.try_sign(self.credential.id, *refused[number])
            self.client.close()
            return answer, time.monotonic() - start
        for answer, seconds in harness.at_once(len(refused), call):
            self.assertEqual((503, "temporarily_unavailable"), answer.error[:2], answer.body)
            self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
            self.assertLess(seconds, SESSION_WAIT + 5)  # on a busy machine; the wait itself is half a second

        # Health is red, with the reason, in the item and in the answer's status.
        harness.wait_until(lambda: self.hsm()["state"] == "failed", SLOW_CALL + 10, "red health")
        self.assertEqual(503, self.client.request("GET", "/healthz").status)
        health = self.instance.health()
        self.assertEqual("failed", health["state"])
        self.assertRegex(self.hsm()["reason"], r"inside the HSM for \d+ ms")
        failed = {item["name"] for item in health["items"] if item["state"] == "failed"}
        self.assertLessEqual(failed, {"hsm", "log"})  # the log's head is signed in the HSM too

        # What needs no HSM goes on: reading, activating; and officers can revoke.
        self.assertEqual("enabled", self.client.info(self.credential.id)["key"]["status"])
        self.prepared("activated meanwhile")
        self.assertGreaterEqual(sum(thread.is_alive() for thread in threads), SESSIONS - 1, "the HSM did not hang so long")

        self.faults("")
        for thread in threads:
            thread.join(30)
        self.assertGreaterEqual(sum(answer.status == 200 for answer in answers), SESSIONS - 1)
        for answer, (sad, hashes) in zip(answers, orders):
            if answer.status == 503:  # the log had its place
                answer = self.client.try_sign(self.credential.id, sad, hashes)
            self.assertEqual(200, answer.status, answer.body)
            self.holds(hashes, answer)
        harness.wait_until(self.instance.healthy, 20, "health")
        self.assertEqual("ok", self.hsm()["state"])
        self.sign("after the hang")
        # Nothing was signed for those who got a 503, and nothing of theirs is spent: they need not activate again.
        for sad, hashes in refused[:5]:
            answer = self.client.try_sign(self.credential.id, sad, hashes)
            self.assertEqual(200, answer.status, answer.body)
            self.holds(hashes, answer)
        uses = self.instance.signed_uses(self.credential.id, 1 + SESSIONS + 1 + 5)
        self.assertEqual(1 + SESSIONS + 1 + 5, sum(use["result"] == "signed" for use in uses))
        self.instance.audit("verify")

    def holds(self, hashes, answer):
        signature = base64.b64decode(answer.json["signatures"][0])
        self.assertTrue(signature_holds(self.credential.certificate, hashes[0], signature))

    def test_key_a_hang_in_key_generation_is_503_and_leaves_no_credential_behind(self):
        signer = self.client.signer()
        self.faults("C_GenerateKeyPair hang_ms=60000\n")
        body = {"signerID": signer, "class": "simple", "key": {"algo": "EC-P256"}, "activation": "click",
                "certificate": {"source": "embedded"}}
        stuck = [threading.Thread(target=lambda: self.client.request("POST", "/v1/credentials", body)) for _ in range(GENERATIONS)]
        for thread in stuck:
            thread.start()
        harness.wait_until(lambda: self.metric("sigillo_hsm_sessions_busy") >= GENERATIONS, 10, "the HSM hanging")
        answer = self.client.request("POST", "/v1/credentials", body)
        self.assertEqual(503, answer.status, answer.body)
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        self.faults("")
        for thread in stuck:
            thread.join(30)
        harness.wait_until(self.instance.healthy, 20, "health")
        listed = self.client.expect("POST", "/csc/v2/credentials/list", {"userID": signer})["credentialIDs"]
        self.assertEqual(GENERATIONS, len(listed), "those that hung are there, the refused one is not")
        self.sign("after the hang")


if __name__ == "__main__":
    unittest.main()
