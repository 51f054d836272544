"""A validator as a child process that stays: a line in, a line out."""
import json
import os
import pathlib
import selectors
import subprocess
import tempfile


class WorkerDied(RuntimeError):
    pass


class Worker:
    """Starts its process when first asked, and again after it died or was too slow. Not for several threads at once."""

    def __init__(self, name, command, seconds=120):
        self._name, self._command, self._seconds = name, command, seconds
        self._process = None
        self._errors = None

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._errors.close()
            self._process = None

    def ask(self, line):
        """The JSON object of the answer. Raises WorkerDied when there is none in time."""
        if self._process is None:
            self._errors = tempfile.TemporaryFile()
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=self._errors, bufsize=0)
        try:
            self._process.stdin.write(line.encode() + b"\n")
            answer = self._read_line()
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 2000))
            said = self._errors.read().decode(errors="replace")
            self.close()
            raise WorkerDied(f"{self._name} gave no answer within {self._seconds} s; it said: {said}")
        return json.loads(answer)

    def _read_line(self):
        data = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not data.endswith(b"\n") and selector.select(self._seconds):
                chunk = os.read(self._process.stdout.fileno(), 1 << 16)
                if not chunk:
                    break
                data += chunk
        return data


def find(folder, what):
    """A path that setup.sh makes, or an error that says so."""
    path = pathlib.Path(folder, what)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run tests/interop/validators/setup.sh")
    return path
