"""What tests of documents share: the corpus of this run, and whether the run is the whole one (SIGILLO_INTEROP=full)."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "validators"))

from validators import DEFAULT_BUILD  # noqa: E402

FULL = os.environ.get("SIGILLO_INTEROP", "") == "full"


def set_up():
    """Brings pyHanko and DSS, once."""
    subprocess.run([str(HERE / "validators/setup.sh")], check=True, stdin=subprocess.DEVNULL)


def corpus():
    """(folder, manifest): made when it is not there yet."""
    set_up()
    folder = DEFAULT_BUILD / ("interop-corpus-full" if FULL else "interop-corpus-quick")
    subprocess.run(["/usr/bin/python3", "-B", str(HERE / "corpus/make_corpus.py"), str(folder), "--cached",
                    *([] if FULL else ["--quick"])], check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def pyhanko_sign(jobs):
    """Runs pyhanko_signer.py on these jobs; the list of its outcomes."""
    done = subprocess.run([str(DEFAULT_BUILD / "interop-venv/bin/python"), "-B", str(HERE / "validators/pyhanko_signer.py")],
                          input=json.dumps(jobs).encode(), check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)
