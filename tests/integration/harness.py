"""A private instance of Sigillo for a test: real processes behind a real nginx, on free ports of 127.0.0.1, in a
scratch folder, provisioned by the same shell functions as the quickstart.

    class Something(harness.InstanceTest):
        def test_that_it_holds(self):
            credential = self.instance.client.credential_by_click()
            ...

Processes die with the test (PR_SET_PDEATHSIG), which works only if the thread that started them lives: start them from
the main thread. Environment: SIGILLO_PREBUILT (folder of the programs; ctest sets it), SIGILLO_TEST_SANITIZED=1
(programs built with a sanitizer: no seccomp, no Landlock), SIGILLO_KEEP=1 (leave the scratch folder for a look).
Standard library only.
"""
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from api_client import ApiClient

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("SIGILLO_PREBUILT", REPOSITORY / "build/release/bin")).resolve()
SANITIZED = os.environ.get("SIGILLO_TEST_SANITIZED") == "1"
PROCESSES = ("sigillod", "sigillo-fetch", "sigillo-doc", "sigillo-api", "sigillo-public", "nginx")
COMMAND = REPOSITORY / "packaging/lib/instance_command.sh"

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_parent(death_signal):
    """For preexec_fn: the child gets `death_signal` when the thread that made it ends."""
    parent = os.getpid()

    def prepare():
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)
    return prepare


def free_ports(count):
    """Ports that nobody listens on now, below the kernel's ephemeral range."""
    found = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def wait_until(condition, seconds=30.0, what="a condition"):
    """Polls until `condition()` is true; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {seconds:g} s")
        time.sleep(0.02)


def at_once(count, work):
    """work(n) on `count` threads that start together; the results in order."""
    results, barrier = [None] * count, threading.Barrier(count)

    def run(number):
        barrier.wait()
        results[number] = work(number)
    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Instance:
    """One appliance. `settings` are further keys of sigillo.toml: {"activation.tries": 3}. `module` is a PKCS#11 module
    to use instead of libsofthsm2.so; `environment` is added to every process's."""

    def __init__(self, settings=None, module=None, environment=None):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="sigillo-it-")).resolve()
        self.api_port, self.pages_port, self.tsa_port, self.tsa_tls_port = free_ports(4)
        self.environment = {**os.environ, **(environment or {}),
                            "SIGILLO_HOME": str(self.home), "SIGILLO_PREBUILT": str(PROGRAMS),
                            "SIGILLO_API_PORT": str(self.api_port), "SIGILLO_PAGES_PORT": str(self.pages_port),
                            "SIGILLO_TSA_PORT": str(self.tsa_port), "SIGILLO_TSA_TLS_PORT": str(self.tsa_tls_port),
                            "SOFTHSM2_CONF": str(self.home / "hsm/softhsm2.conf")}
        if module:
            self.environment["SIGILLO_SOFTHSM_MODULE"] = str(module)
        self.config = self.home / "sigillo.toml"
        self.log = self.home / "log"
        self.vkey = self.home / "log.vkey"
        self.processes = {}
        self.client = None  # the demo client, once up() has registered it
        try:
            self._command("provision")
            for process in ("sigillod", "fetch", "doc", "api", "public") if SANITIZED else ():
                self.configure({f"{process}.seccomp": "off", f"{process}.landlock": False})
            self.configure(settings or {})
        except BaseException:
            self.close()
            raise

    # ---- life -------------------------------------------------------------------------------------------------------

    def up(self):
        """Starts what is not running, in order; registers the demo client the first time."""
        for name in PROCESSES:
            self.start(name)
        if self.client is None:
            self._command("register")
            self.client = ApiClient(self, self.home / "tls/client.crt", self.home / "tls/client.key")
        wait_until(lambda: self.healthy(), 30, "a good /healthz")
        return self

    def start(self, name, ready=True):
        """Starts one process and, unless `ready` is false, waits until its socket or port answers."""
        if self.running(name):
            return
        arguments = self._command("argv", name).split("\0")[:-1]
        journal = open(self.home / "journal" / f"{name}.log", "ab")
        # nginx's master ends its workers when asked, not when killed.
        on_parents_death = signal.SIGTERM if name == "nginx" else signal.SIGKILL
        # As instance.sh and the systemd drop-in do it: freed memory is overwritten.
        environment = self.environment | ({"GLIBC_TUNABLES": "glibc.malloc.perturb=85"} if name == "nginx" else {})
        self.processes[name] = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=journal, stderr=subprocess.STDOUT, env=environment,
            start_new_session=True, preexec_fn=die_with_parent(on_parents_death))
        journal.close()
        (self.home / "pids" / f"{name}.pid").write_text(f"{self.processes[name].pid}\n", encoding="ascii")
        if ready:
            self._wait_for_listener(name)

    def _wait_for_listener(self, name):
        def listening():
            if not self.running(name):
                raise AssertionError(f"{name} has ended with {self.processes[name].returncode}:\n{self.journal(name)}")
            family = socket.AF_INET if name == "nginx" else socket.AF_UNIX
            kind = socket.SOCK_SEQPACKET if name == "sigillo-doc" else socket.SOCK_STREAM
            with socket.socket(family, kind) as probe:
                try:
                    probe.connect(("127.0.0.1", self.api_port) if name == "nginx" else str(self.socket(name)))
                except OSError:
                    return False
                return True
        wait_until(listening, 60, f"{name} listening")

    def socket(self, name):
        """The unix socket that tells that a process is ready."""
        folder = self.home / "state/sockets"
        sockets = pathlib.Path(folder.read_text(encoding="utf-8").strip()) if folder.exists() else self.home / "sockets"
        return sockets / {"sigillod": "signing.sock", "sigillo-api": "api.sock", "sigillo-public": "public.sock",
                          "sigillo-fetch": "fetch.sock", "sigillo-doc": "doc.sock", "public-sam": "public-sam.sock", "admin": "admin.sock"}[name]

    def running(self, name):
        return name in self.processes and self.processes[name].poll() is None

    def pid(self, name):
        return self.processes[name].pid

    def kill(self, name):
        """SIGKILL, and gone when this returns."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self, name, seconds=40):
        """SIGTERM (nginx: SIGQUIT); the exit status. AssertionError if it does not end in time."""
        process = self.processes[name]
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT if name == "nginx" else signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill(name)
            raise AssertionError(f"{name} did not end within {seconds} s:\n{self.journal(name)}") from None

    def restart(self, name):
        self.stop(name)
        self.start(name)

    def close(self):
        """Ends everything, nginx first, and removes the folder."""
        for name in reversed(PROCESSES):
            if not self.running(name):
                continue
            self.processes[name].send_signal(signal.SIGTERM if name == "nginx" else signal.SIGKILL)
            try:
                self.processes[name].wait(15)
            except subprocess.TimeoutExpired:
                self.kill(name)
        if os.environ.get("SIGILLO_KEEP") == "1":
            print(f"kept: {self.home}")
        else:
            shutil.rmtree(self.home, ignore_errors=True)

    # ---- configuration and certificates -------------------------------------------------------------------------------

    def configure(self, settings):
        """Sets keys of sigillo.toml ({"table.key": value}); processes see them when they start next."""
        text = self.config.read_text(encoding="utf-8")
        for name, value in settings.items():
            table, key = name.split(".")
            line = f"{key} = {json.dumps(value)}"  # for what we write, JSON is TOML
            if not re.search(rf"^\[{table}\]$", text, re.MULTILINE):
                text += f"\n[{table}]\n"
            before, rest = _split_after(text, f"[{table}]\n")
            inside, after = _split_table(rest)
            inside = re.sub(rf"^{key} = .*\n", "", inside, flags=re.MULTILINE)
            text = before + line + "\n" + inside + after
        self.config.write_text(text, encoding="utf-8")

    def issue(self, name, extensions="client", options=()):
        """A certificate of the clients' CA: (certificate file, key file). Not registered. `extensions` is a section of
        packaging/lib/openssl.cnf, `options` are for `openssl ca` (-startdate, -enddate)."""
        stem = self.home / "tls" / re.sub(r"\W", "-", name)
        self._command("issue", extensions, name, str(stem), *options)
        return stem.with_suffix(".crt"), stem.with_suffix(".key")

    def new_client(self, tenant, name):
        """A further registered client: an ApiClient of its own certificate."""
        certificate, key = self.issue(f"{tenant}-{name}")
        self.ctl("client", "add", "--tenant", tenant, "--name", name, "--cert", str(certificate))
        return ApiClient(self, certificate, key)

    def revoke(self, certificate):
        """On the CRL, and nginx has read it: new connections are refused when this returns."""
        self._command("revoke", str(certificate))
        workers = self.nginx_workers()
        self.processes["nginx"].send_signal(signal.SIGHUP)
        wait_until(lambda: self.nginx_workers() and not workers & self.nginx_workers(), 20, "nginx's reload")

    def nginx_workers(self):
        children = pathlib.Path(f"/proc/{self.pid('nginx')}/task/{self.pid('nginx')}/children")
        return set(children.read_text(encoding="ascii").split())

    # ---- questions ----------------------------------------------------------------------------------------------------

    def healthy(self):
        try:
            return self.client.request("GET", "/healthz").status == 200
        except OSError:
            return False

    def health(self):
        """What /healthz says: {"state", "items": [{"name", "state", "reason"?}]}."""
        return self.client.request("GET", "/healthz").json

    def ctl(self, *arguments, check=True):
        """sigilloctl --json: what it printed, parsed (None if nothing). With check=False: the CompletedProcess."""
        return self._tool("sigilloctl", "--config", str(self.config), "--json", *arguments, check=check)

    def audit(self, *arguments, check=True):
        """sigillo-audit SUBCOMMAND ...: on this instance's log, --json where there is one."""
        json_flag = ("--json",) if arguments[0] in ("verify", "show", "uses") else ()
        return self._tool("sigillo-audit", *arguments, "--log", str(self.log), "--key", str(self.vkey), *json_flag,
                          check=check)

    def signed_uses(self, credential_id, count):
        """All uses of a key in the published log, once it has `count` of them that were signed (publication takes up to
        a second)."""
        uses = []

        def there():
            uses[:] = self.audit("uses", "--credential", credential_id)["uses"]
            return sum(use["result"] == "signed" for use in uses) >= count
        wait_until(there, 15, f"{count} signed uses in the log")
        return uses

    def journal(self, name, lines=40):
        """The last words of a process."""
        path = self.home / "journal" / f"{name}.log"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _tool(self, program, *arguments, check):
        done = subprocess.run([str(PROGRAMS / program), *arguments], env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120, check=False)
        if not check:
            return done
        if done.returncode != 0:
            raise AssertionError(f"{program} {' '.join(arguments)} exited {done.returncode}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def _command(self, *arguments):
        done = subprocess.run(["bash", str(COMMAND), *arguments], env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{COMMAND.name} {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done.stdout


def _split_after(text, marker):
    place = text.index(marker) + len(marker)
    return text[:place], text[place:]


def _split_table(text):
    """The rest of a TOML table, and everything from the next table on."""
    following = re.search(r"^\[", text, re.MULTILINE)
    return (text, "") if following is None else (text[:following.start()], text[following.start():])


class InstanceTest(unittest.TestCase):
    """A test class with one instance for all its tests: `self.instance`. Override SETTINGS for further configuration."""

    SETTINGS = {}

    @classmethod
    def make_instance(cls):
        return Instance(cls.SETTINGS)

    @classmethod
    def setUpClass(cls):
        cls.instance = cls.make_instance()
        cls.addClassCleanup(cls.instance.close)
        try:
            cls.instance.up()
        except BaseException:
            cls.tell_journals()
            raise

    @classmethod
    def tell_journals(cls):
        for name in (*PROCESSES, "nginx-error"):
            print(f"---- {name}\n{cls.instance.journal(name)}", flush=True)

    def run(self, result=None):
        """When a test fails, the processes' last words are part of its report."""
        result = result if result is not None else self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            self.tell_journals()
        return result

    @property
    def client(self):
        return self.instance.client
