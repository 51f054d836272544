# ctest: TIMEOUT 180
"""Where secrets are not: the HSM's PINs in nginx and in sigillo-api, a seed anywhere outside of sigillod once it was told,
any of them in core dumps, environments, command lines and journals (tests/README.md, 28). To read the memory of processes that
cannot be traced takes root (CAP_SYS_PTRACE); without that right the tests that look into memory fail and say so."""
import base64
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import unittest

import harness
from api_client import Otp, digest

SIGNERS_PIN = "9182736450"
# Programs in front of sigillod, for which nothing is secret.
FRONT = ("sigillo-fetch", "sigillo-doc", "sigillo-api", "sigillo-public", "nginx")
OURS = ("sigillod", "sigillo-fetch", "sigillo-doc", "sigillo-api", "sigillo-public")
NOBODY = 65534


class Memory(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hsm_pin = (cls.instance.home / "hsm/pin").read_text(encoding="ascii").strip()
        cls.so_pin = (cls.instance.home / "hsm/so-pin").read_text(encoding="ascii").strip()

    def pids(self, name):
        pid = self.instance.pid(name)
        return [pid, *map(int, self.instance.nginx_workers())] if name == "nginx" else [pid]

    def holds(self, pid, needles):
        """Those of the needles that are in the process's writable memory, {needle: where}."""
        found = {}
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                fields = line.split()
                if "w" not in fields[1] or fields[-1] in ("[vvar]", "[vsyscall]"):
                    continue
                start, end = (int(part, 16) for part in fields[0].split("-"))
                tail = b""
                while start < end:
                    try:
                        memory.seek(start)
                        piece = memory.read(min(1 << 20, end - start))
                    except OSError:
                        break  # not touched
                    if not piece:
                        break
                    for needle in needles:
                        if needle in tail + piece:
                            found.setdefault(needle, fields[-1] if len(fields) > 5 else "anonymous")
                    tail = piece[-64:]
                    start += len(piece)
        return found

    def in_front(self, needles, processes=FRONT):
        """Where they are: [(process, needle, mapping)], empty as it should be. As root only."""
        return [(f"{name} {pid}", needle, place) for name in processes for pid in self.pids(name)
                for needle, place in self.holds(pid, needles).items()]

    def must_read_memory(self):
        """That we may, and that looking finds what is there: else nothing would be proved."""
        for name in ("sigillod", *FRONT):
            for pid in self.pids(name):
                try:
                    found = self.holds(pid, [str(self.instance.home).encode()])
                except PermissionError as error:
                    self.fail(f"the memory of {name} cannot be read ({error}), so that this test proves nothing here. Its "
                              "processes are not dumpable: reading them takes root, or the capability CAP_SYS_PTRACE. Run "
                              "tests/run.sh as root, as CI does (in a container with --cap-add SYS_PTRACE)")
                self.assertTrue(found, f"{name}: a blind look")

    def worked(self):
        """A signer with every factor, and a signature by them; {what: secret} of what went over the wire."""
        signer = self.client.signer()
        totp = Otp(self.client.factor(signer, "totp")["otpauth"])
        hotp = Otp(self.client.factor(signer, "hotp")["otpauth"])
        self.client.factor(signer, "pin", pin=SIGNERS_PIN)
        credential = self.client.credential(signer, "pin and totp")
        hashes = [digest(os.urandom(8))]
        code = totp.now()
        sad = self.client.try_authorize(credential.id, hashes, {"pin": SIGNERS_PIN, "totp": code}).json["SAD"]
        self.client.sign(credential, sad, hashes)
        return {"totp seed": totp.secret, "hotp seed": hotp.secret, "sad": sad.encode(), "otp": code.encode(),
                "signer's PIN": SIGNERS_PIN.encode()}

    def test_secrets_the_hsm_s_pins_are_never_in_nginx_or_sigillo_api(self):
        self.worked()
        self.must_read_memory()
        self.assertEqual([], self.in_front([self.hsm_pin.encode(), self.so_pin.encode()]))

    def test_secrets_the_so_pin_is_not_in_sigillod(self):
        self.must_read_memory()
        self.assertEqual({}, self.holds(self.instance.pid("sigillod"), [self.so_pin.encode()]))

    def test_secrets_a_seed_is_in_no_front_process_after_the_one_answer_that_told_it(self):
        secrets = self.worked()
        self.client.close()
        seeds = [secrets["totp seed"], secrets["hotp seed"]]
        needles = seeds + [base64.b32encode(seed).rstrip(b"=") for seed in seeds]
        self.must_read_memory()
        # Other traffic of the same kind, so that buffers that are handed on are used again.
        for _ in range(200):
            self.client.request("GET", "/csc/v2/info")
        self.client.close()
        # A sanitizer's allocator keeps what is freed, to catch who uses it.
        self.assertEqual([], self.in_front(needles, ("nginx",) if harness.SANITIZED else FRONT))

    def test_secrets_no_process_may_leave_a_core_file_or_gain_rights(self):
        for name in OURS:
            pid = self.instance.pid(name)
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
            self.assertRegex(limits, r"Max core file size\s+0\s+0", name)
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            self.assertIn("NoNewPrivs:\t1", status, name)

    def test_secrets_environment_and_command_line_of_every_process_are_clean(self):
        needles = [self.hsm_pin.encode(), self.so_pin.encode()]
        for name in harness.PROCESSES:
            for pid in self.pids(name):
                for file in ("environ", "cmdline"):
                    content = pathlib.Path(f"/proc/{pid}/{file}").read_bytes()
                    for needle in needles:
                        self.assertNotIn(needle, content, (name, file))

    def test_secrets_journals_log_store_and_temporary_files_hold_none(self):
        secrets = self.worked()
        seeds = {name: secret for name, secret in secrets.items() if "seed" in name}
        encoded = {f"{name}, base32": base64.b32encode(seed).rstrip(b"=") for name, seed in seeds.items()}
        # What a refusal may be tempted to repeat.
        signer = self.client.signer()
        self.client.request("POST", f"/v1/signers/{signer}/factors", {"type": "pin", "pin": "111111111111"})
        self.client.request("POST", f"/v1/signers/{signer}/factors", {"type": "pin", "pin": SIGNERS_PIN, "x": SIGNERS_PIN})
        self.client.request("POST", "/csc/v2/credentials/authorize", b'{"pin":"' + SIGNERS_PIN.encode(),
                            {"Content-Type": "application/json"})
        self.client.request("GET", f"/v1/signers?externalReference={SIGNERS_PIN}")
        needles = {**secrets, **encoded, "HSM's PIN": self.hsm_pin.encode(), "SO PIN": self.so_pin.encode()}
        needles.pop("otp")  # six digits: looked for by name below
        self.instance.stop("nginx")  # writes what it had buffered
        home = self.instance.home
        try:
            for folder in ("journal", "log", "anchor", "store", "nginx", "state"):
                for file in (home / folder).rglob("*"):
                    if file.is_file() and not file.is_socket():
                        content = file.read_bytes()
                        for name, needle in needles.items():
                            self.assertNotIn(needle, content, (name, str(file.relative_to(home))))
            for file in [*(home / "journal").iterdir(), *(f for f in (home / "log").rglob("*") if f.is_file())]:
                words = re.findall(rb"(?<![0-9A-Za-z+/=.-])" + secrets["otp"] + rb"(?![0-9A-Za-z+/=.-])", file.read_bytes())
                self.assertEqual([], words, file)
        finally:
            self.instance.start("nginx")
            harness.wait_until(self.instance.healthy)

    def test_secrets_files_with_secrets_are_the_owner_s_alone(self):
        for path in ("hsm/pin", "hsm/so-pin", "store/data.mdb", "tls/server.key", "tls/client.key"):
            self.assertEqual(0, (self.instance.home / path).stat().st_mode & 0o077, path)


class NotDumpable(unittest.TestCase):
    """PR_SET_DUMPABLE 0, seen from outside: no core file whatever the limit says, no tracing, no look into /proc/PID by the
    process's own user. What the kernel thinks of it is seen in the owner of the files below /proc/PID: root, whoever runs the
    process. Hence the processes run as nobody here where the test is root."""

    def setUp(self):
        self.instance = harness.Instance({f"{table}.allow_root": False for table in ("sigillod", "api", "public")}
                                         if os.geteuid() == 0 else None)
        self.addCleanup(self.instance.close)
        self.user = os.geteuid()
        self.programs = harness.PROGRAMS
        if self.user == 0:
            self.user = NOBODY
            self.programs = self.instance.home / "bin"  # the build may be where nobody cannot look
            self.programs.mkdir(mode=0o755)
            for name in ("sigillod", "sigillo-api"):
                shutil.copy(harness.PROGRAMS / name, self.programs / name)
            for folder, _, files in os.walk(self.instance.home):
                for path in (folder, *(os.path.join(folder, file) for file in files)):
                    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def spawn(self, *command):
        """As an unprivileged user, with leave to dump core."""
        die_with_us = harness.die_with_parent(signal.SIGKILL)

        def prepare():
            die_with_us()
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, cwd=self.instance.home,
                                   stdout=subprocess.DEVNULL, stderr=open(self.instance.home / "journal/spawned.log", "ab"),
                                   env=self.instance.environment, preexec_fn=prepare, **identity)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def owner(self, process):
        return os.stat(f"/proc/{process.pid}/environ").st_uid

    def journal(self):
        return self.instance.journal("spawned")

    def test_secrets_neither_sigillod_nor_sigillo_api_can_be_dumped_or_traced(self):
        control = self.spawn("sleep", "60")
        harness.wait_until(lambda: self.owner(control) == self.user, 10, "an ordinary process, whose files are its user's")
        config = ("--config", self.instance.config)
        commands = {"sigillod": (self.programs / "sigillod", "run", *config),
                    "sigillo-api": (self.programs / "sigillo-api", *config, "--face", "api"),
                    "sigillo-public": (self.programs / "sigillo-api", *config, "--face", "public")}
        for name, command in commands.items():
            process = self.spawn(*command)
            socket = self.instance.socket(name)
            harness.wait_until(lambda: socket.exists() or process.poll() is not None, 60, name)
            self.assertIsNone(process.poll(), self.journal())
            self.assertEqual(0, self.owner(process), f"{name} can be dumped")
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")
            self.assertRegex(limits, r"Max core file size\s+0\s+0", name)


if __name__ == "__main__":
    unittest.main()
