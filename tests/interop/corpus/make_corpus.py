#!/usr/bin/env python3
"""Makes PDFs of many shapes and producers, and a manifest of them.

    make_corpus.py FOLDER [--quick] [--cached] [--build BUILD] [NAME...]      /usr/bin/python3, Debian's modules

FOLDER/manifest.json: a list of {name, file, producer, how, expect: "signable"|"refused", reason (of recipes.REASONS, refused
only), bytes, sha256, pages (null where qpdf cannot tell), qpdf: "sound"|"warnings"|"errors", signatures, timestamps, field
(name of an empty signature field, where there is one), large,
cannot_judge (validators that cannot read it once it is signed)}. FOLDER/signers.pem: roots of the signatures that some carry.
--cached: leave what these very sources made within the last two days (what comes signed grows old). --quick: those whose tools are cheap to install, nothing large. NAME: only these and what they are made from.
BUILD: where validators/setup.sh put pyHanko, by default the repository's build.

Fails when any recipe fails: a corpus with holes is none.
"""
import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "validators")]

import features  # noqa: E402,F401 - registers its recipes
import office  # noqa: E402,F401
import presigned  # noqa: E402,F401
import shapes  # noqa: E402,F401
import small_tools  # noqa: E402,F401
from pki import Pki  # noqa: E402
from recipes import RECIPES  # noqa: E402


CACHED_SECONDS = 2 * 24 * 3600


class Bench:
    """What a recipe works with: a scratch folder, commands, documents that others are made from, a signer."""

    def __init__(self, folder, build, scratch):
        self.folder, self.build, self.scratch = folder, build, scratch
        self._recipes = {one.name: one for one in RECIPES}
        self._pki = None

    def run(self, *command, seconds=120, stdout=None):
        """A command that must succeed. qpdf's warnings are none of ours."""
        environment = {**os.environ, "HOME": str(self.scratch), "SOURCE_DATE_EPOCH": "1700000000", "TZ": "UTC"}
        done = subprocess.run([str(part) for part in command], capture_output=True, check=False, timeout=seconds,
                              stdin=subprocess.DEVNULL, env=environment, cwd=self.scratch)
        if done.returncode and not (command[0] == "qpdf" and done.returncode == 3):
            raise RuntimeError(f"{command[0]}: exit {done.returncode}: {(done.stderr or done.stdout).decode(errors='replace')[-800:]}")
        if stdout is not None:
            pathlib.Path(stdout).write_bytes(done.stdout)

    def take(self, source, path):
        shutil.move(source, path)

    def base(self, name):
        """The document of another recipe, made when it is first needed."""
        path = self.folder / f"{name}.pdf"
        if not path.exists():
            self._recipes[name].make(self, path)
        return path

    def picture(self):
        path = self.scratch / "picture.jpg"
        if not path.exists():
            from PIL import Image
            noise = Image.frombytes("RGB", (60, 40), random.Random(3).randbytes(60 * 40 * 3))
            noise.resize((600, 400)).save(path, quality=85)
        return path

    @property
    def pki(self):
        if self._pki is None:
            self._pki = Pki(self.scratch / "pki")
            roots = "".join(anchor.read_text() for anchor in self._pki.anchors)
            (self.folder / "signers.pem").write_text(roots)
        return self._pki

    def sign(self, source, path, *jobs):
        key, certificate = self.pki.signer("p256")
        common = {"key": str(key), "certificate": str(certificate), "chain": [str(self.pki.anchors[0])], "level": "B-LT",
                  "anchors": [str(anchor) for anchor in self.pki.anchors], "tsa": self.pki.tsa_url}
        steps, current = [], source
        for number, job in enumerate(jobs, 1):
            target = path if number == len(jobs) else self.scratch / f"{path.stem}-{number}.pdf"
            steps.append({**common, **job, "input": str(current), "output": str(target)})
            current = target
        done = subprocess.run([str(self.build / "interop-venv/bin/python"), "-B", str(HERE.parent / "validators/pyhanko_signer.py")],
                              input=json.dumps(steps).encode(), capture_output=True, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))

    def close(self):
        if self._pki is not None:
            self._pki.__exit__()


def inspect(path):
    """(qpdf's word, pages)"""
    check = subprocess.run(["qpdf", "--check", path], capture_output=True, check=False, timeout=300).returncode
    pages = subprocess.run(["qpdf", "--show-npages", path], capture_output=True, check=False, timeout=300, text=True)
    return {0: "sound", 3: "warnings"}.get(check, "errors"), int(pages.stdout) if pages.returncode in (0, 3) else None


def entry(one, path):
    word, pages = inspect(path)
    expected = one.facts.get("qpdf", "sound")
    if word != expected:
        raise RuntimeError(f"qpdf finds {word}, the recipe says {expected}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": one.name, "file": path.name, "producer": one.producer, "how": one.how,
            "expect": "refused" if one.refused else "signable", "reason": one.refused, "bytes": path.stat().st_size,
            "sha256": digest, "pages": pages, "qpdf": word, "signatures": one.facts.get("signatures", 0),
            "timestamps": one.facts.get("timestamps", 0), "field": one.facts.get("field"), "large": one.facts.get("large", False),
            "cannot_judge": one.facts.get("cannot_judge", [])}


def stamp(quick):
    """Of everything that decides what comes out, the tools' versions aside."""
    sources = sorted([*HERE.glob("*.py"), *(HERE.parent / "validators").glob("p*.py")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources) + bytes([quick])).hexdigest()


def is_fresh(folder, wanted):
    path = folder / "stamp"
    return path.exists() and path.read_text() == wanted and time.time() - path.stat().st_mtime < CACHED_SECONDS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cached", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[2] / "build")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (given.cached and not given.names and is_fresh(folder, stamp(given.quick))):
            make(folder, given)


def make(folder, given):
    for old in [*folder.glob("*.pdf"), *folder.glob("stamp")]:
        old.unlink()
    chosen = [one for one in RECIPES if (one.quick or not given.quick) and (not given.names or one.name in given.names)]
    manifest, failures, seconds = [], [], {}
    with tempfile.TemporaryDirectory(prefix="sigillo-corpus-") as scratch:
        bench = Bench(folder, given.build.resolve(), pathlib.Path(scratch))
        for one in chosen:
            started = time.monotonic()
            try:
                manifest.append(entry(one, bench.base(one.name)))
            except (RuntimeError, OSError, ValueError, KeyError, ImportError, subprocess.TimeoutExpired) as error:
                failures.append(f"{one.name}: {type(error).__name__}: {error}")
            seconds[one.producer] = seconds.get(one.producer, 0) + time.monotonic() - started
        bench.close()
    listed = {one["file"] for one in manifest}
    for path in folder.glob("*.pdf"):  # bases that were not asked for themselves
        if path.name not in listed:
            path.unlink()
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for producer, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"{producer:24} {spent:6.1f} s")
    print(f"{len(manifest)} documents, {sum(one['bytes'] for one in manifest) / 1e6:.1f} MB, {len(failures)} failed")
    if failures:
        raise SystemExit("\n".join(failures))
    if not given.names:
        (folder / "stamp").write_text(stamp(given.quick))


if __name__ == "__main__":
    main()
