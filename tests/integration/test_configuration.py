# ctest: TIMEOUT 180
"""What a start refuses before anything is served: mistakes in the configuration, all of them at once, and secrets or data that
others could read or change."""
import os
import re
import subprocess
import tomllib
import unittest

import harness

# Every bound that sigillod and sigillo-api read, {key: a value that its bounds refuse}.
OUT_OF_BOUNDS = {
    "hsm.max_sessions": 0, "hsm.max_generations": 0, "hsm.session_wait_ms": 1, "hsm.slow_call_ms": 1,
    "hsm.slow_generation_ms": 1, "hsm.recovery_pause_ms": 1,
    "store.queue_limit": 1, "store.group_limit": 0,
    "log.sweep_step": 0, "log.sweep_findings": 0,
    "sigillod.workers": 0, "sigillod.queue_limit": 0, "sigillod.admin_threads": 0, "sigillod.public_threads": 65,
    "sigillod.side_queue_limit": 0,
    "activation.tries": 0, "activation.attempts_waiting": 1025, "activation.attempt_wait_ms": 1,
    "activation.argon2_runs": 0, "activation.argon2_wait_ms": 1,
    "issuance.policy_length": 1025, "issuance.policy_depth": 33, "issuance.max_chain": 1,
    "signing.hashes_per_call": 257, "issuance.ocsp_validity_s": 59, "issuance.ocsp_nonce_bytes": 129,
    "issuance.ocsp_certificates_per_request": 0,
}
OUT_OF_BOUNDS_API = {"api.threads": 0, "api.hashes_limit": 1001, "api.max_body_bytes": 1,
                     "api.documents_limit": 257, "api.document_threads": 0, "api.spool_mib": 0, "api.prepared_s": 0,
                     "api.prepared_mib": 0, "api.prepared_completed_s": 0, "api.waiting_answer_bytes": 1, "api.max_validity_ms": 0}
OUT_OF_BOUNDS_PUBLIC = {"public.threads": 0, "public.connection_limit": 0, "public.max_ocsp_nonce_bytes": 129}
OUT_OF_BOUNDS_DOC = {"doc.workers": 0, "doc.memory_factor": 0, "doc.cpu_s": 0, "doc.deadline_s": 0, "doc.queue_limit": 0}
OUT_OF_BOUNDS_FETCH = {"fetch.threads": 0, "fetch.total_timeout_ms": 1, "fetch.max_crl_bytes": 1, "fetch.callback_attempts": 0,
                       "fetch.allow": ["ftp://crl.example"], "fetch.callbacks": ["https://bank.example/path"]}


class Start(unittest.TestCase):

    def setUp(self):
        self.instance = harness.Instance()
        self.addCleanup(self.instance.close)

    def program(self, name, *arguments):
        return subprocess.run([str(harness.PROGRAMS / name), *arguments, "--config", str(self.instance.config)],
                              capture_output=True, text=True, check=False, env=self.instance.environment)

    def complaints(self, done):
        """{key: complaint} of a refused configuration, one a line."""
        self.assertEqual(1, done.returncode, done.stdout)
        found = {}
        for line in done.stderr.splitlines():
            match = re.search(r"sigillo\.toml(?::\d+)?: (\w+\.\w+): (.*)", line)
            self.assertTrue(match, line)
            found[match.group(1)] = match.group(2)
        return found

    def refused(self, *words):
        """sigillod does not start, exits 1, and its last words have these."""
        self.instance.start("sigillod", ready=False)
        harness.wait_until(lambda: not self.instance.running("sigillod"), 60, "sigillod's refusal")
        self.assertEqual(1, self.instance.processes["sigillod"].returncode)
        said = self.instance.journal("sigillod")
        for word in words:
            self.assertIn(word, said)

    def starts(self):
        self.instance.start("sigillod")
        self.assertEqual(0, self.instance.stop("sigillod"), self.instance.journal("sigillod"))

    # ---- the configuration ------------------------------------------------------------------------------------------

    def test_every_bound_out_of_bounds_is_named_at_once(self):
        self.assertEqual(0, self.program("sigillod", "check-config").returncode)
        self.instance.configure({**OUT_OF_BOUNDS, **OUT_OF_BOUNDS_API, **OUT_OF_BOUNDS_PUBLIC,
                                 **OUT_OF_BOUNDS_DOC,
                                 **OUT_OF_BOUNDS_FETCH})
        self.assertEqual(set(OUT_OF_BOUNDS), set(self.complaints(self.program("sigillod", "check-config"))))
        for face, expected in (("api", OUT_OF_BOUNDS_API), ("public", OUT_OF_BOUNDS_PUBLIC)):
            done = self.program("sigillo-api", "--check-config", "--face", face)
            self.assertEqual(set(expected), set(self.complaints(done)))
        self.assertEqual(set(OUT_OF_BOUNDS_DOC), set(self.complaints(self.program("sigillo-doc", "--check-config"))))
        self.assertEqual(set(OUT_OF_BOUNDS_FETCH), set(self.complaints(self.program("sigillo-fetch", "--check-config"))))

    def test_other_values_within_the_bounds_are_taken(self):
        self.instance.configure({
            "hsm.max_generations": 1, "hsm.slow_call_ms": 2000, "hsm.slow_generation_ms": 30000, "hsm.recovery_pause_ms": 100,
            "log.sweep_findings": 64, "sigillod.admin_threads": 8, "sigillod.public_threads": 4,
            "sigillod.side_queue_limit": 512, "activation.attempts_waiting": 64, "activation.attempt_wait_ms": 10000,
            "activation.argon2_wait_ms": 6000, "issuance.policy_length": 512, "issuance.policy_depth": 16,
            "api.hashes_limit": 500})
        self.assertEqual("", self.program("sigillod", "check-config").stderr)
        self.assertEqual("", self.program("sigillo-api", "--check-config", "--face", "api").stderr)
        self.starts()

    def test_a_typing_error_does_not_become_a_default(self):
        self.instance.configure({"sigillod.admin_thread": 4, "api.hash_limit": 10, "public.thread": 1})
        self.assertEqual({"sigillod.admin_thread"}, set(self.complaints(self.program("sigillod", "check-config"))))
        self.assertEqual({"api.hash_limit"},
                         set(self.complaints(self.program("sigillo-api", "--check-config", "--face", "api"))))
        self.assertEqual({"public.thread"},
                         set(self.complaints(self.program("sigillo-api", "--check-config", "--face", "public"))))

    def test_quickstart_asks_all_of_them_before_it_starts_anything(self):
        self.instance.configure({"sigillod.workers": 0, "api.threads": 0, "public.threads": 0, "fetch.threads": 0})
        done = subprocess.run(["bash", str(harness.COMMAND), "check"], env=self.instance.environment, capture_output=True,
                              text=True, check=False)
        self.assertEqual(1, done.returncode)
        for key in ("sigillod.workers", "api.threads", "public.threads", "fetch.threads"):
            self.assertIn(key, done.stderr)
        up = (harness.REPOSITORY / "packaging/lib/instance.sh").read_text(encoding="utf-8")
        body = up[up.index("\ninstance_up() {"):]
        self.assertLess(body.index("instance_check_configuration"), body.index("instance_start sigillod"))

    def test_the_template_is_toml_with_tables_that_programs_read(self):
        tables = set(tomllib.loads(self.instance.config.read_text(encoding="utf-8")))
        self.assertLessEqual(tables, {"hsm", "store", "log", "sigillod", "activation", "issuance", "signing", "api", "public",
                                      "tsa", "fetch", "doc"})

    # ---- what others could read or change -----------------------------------------------------------------------------

    def test_a_store_that_others_may_enter_is_refused_with_the_command_that_repairs_it(self):
        store = self.instance.home / "store"
        for mode in (0o750, 0o701, 0o777):
            os.chmod(store, mode)
            self.refused(f"{store} is open to other users: chmod go= {store}")
        os.chmod(store, 0o700)
        self.starts()

    def test_a_log_that_others_may_change_is_refused_and_one_that_auditors_may_read_is_not(self):
        for mode in (0o770, 0o752):
            os.chmod(self.instance.log, mode)
            self.refused(f"{self.instance.log} can be changed by other users: chmod go-w {self.instance.log}")
        os.chmod(self.instance.log, 0o750)
        self.starts()

    def test_a_pin_that_others_may_read_or_replace_is_refused(self):
        pin = self.instance.home / "hsm/pin"
        for mode in (0o640, 0o604):
            os.chmod(pin, mode)
            self.refused(f"{pin} is open to other users: chmod go= {pin}")
        for mode in (0o400, 0o600):
            os.chmod(pin, mode)
            self.starts()
        os.chmod(pin.parent, 0o770)
        self.refused(f"{pin.parent}, which holds a secret file, can be changed by other users")
        os.chmod(pin.parent, 0o700)
        if os.geteuid() == 0:
            os.chown(pin, 12345, 12345)
            self.refused(f"{pin} belongs to uid 12345")
            os.chown(pin, 0, 0)
            os.chown(self.instance.home / "store", 12345, 12345)
            self.refused("store belongs to uid 12345")

    def test_an_anchor_that_others_may_change_is_a_warning(self):
        """Checkpoints in it are signed: others can take them away, and then the start says so."""
        anchor = self.instance.home / "anchor"
        self.starts()
        self.assertNotIn("anchor_open_to_others", self.instance.journal("sigillod"))
        os.chmod(anchor, 0o777)
        self.starts()
        self.assertIn("anchor_open_to_others", self.instance.journal("sigillod"))
        self.assertIn(f"chmod go-w {anchor}", self.instance.journal("sigillod"))


if __name__ == "__main__":
    unittest.main()
