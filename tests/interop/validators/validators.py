"""Independent judges of signed documents: openssl, Poppler's pdfsig, qpdf, pyHanko and the EU's DSS, behind one door.

    with Validators(build, anchors=["ca.pem", "tsa-ca.pem"]) as judges:
        verdicts = judges.validate_pdf("signed.pdf", "B-LT")
        verdicts = judges.validate_cms("signed.p7s", "B-T", content="document.bin", online=True)
        assert all(v.ok for v in verdicts), verdicts

build: the folder in which setup.sh put pyHanko and DSS. anchors: PEM files, of the signers' and of the time-stamps' CA alike.

online=False (the default) allows no revocation data but those of the document: what B-LT and B-LTA promise. online=True lets
the validators ask where the certificates point (OCSP, CRL, issuer; DSS asks addresses of this machine only): B-B and B-T
cannot pass otherwise, since both pyHanko and DSS require revocation data.

Runs under Debian's python3. One object is not for several threads at once; several objects are.
"""
import json
import pathlib
import shutil
import tempfile

import openssl_check
import poppler_check
from verdict import Verdict, held_to
from worker import Worker, WorkerDied, find

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_BUILD = HERE.parents[2] / "build"
JAVA_HEAP = "-Xmx3g"
# "The document contains undefined object modifications after the signature revision": DSS's policy only warns of it, we
# take it for a no. What is added by signing, by a DSS dictionary or by filling in a form is none of these.
UNDEFINED_CHANGES = "BBB_FC_DSCNUOM"
# "The ats-hash-index attribute is not valid!": a warning as well, though the time-stamp is then over something that is not
# there.
INVALID_HASH_INDEX = "BBB_FC_IAHIV"


class Validators:
    def __init__(self, build=None, anchors=(), seconds=180):
        """seconds: the most that pyHanko or DSS may take for one document."""
        build = pathlib.Path(build or DEFAULT_BUILD)
        self._anchors = [str(pathlib.Path(anchor).resolve()) for anchor in anchors]
        if not self._anchors:
            raise ValueError("no trust anchors")
        python, classes = find(build, "interop-venv/bin/python"), find(build, "interop-dss/classes")
        self._pyhanko = Worker("pyHanko", [str(python), "-B", str(HERE / "pyhanko_worker.py")], seconds)
        self._dss = Worker("DSS", ["java", JAVA_HEAP, "-Xshare:auto", "-XX:+UseSerialGC", "-Djava.awt.headless=true", "-cp",
                                   f"{classes}:{build}/interop-dss/lib/*", "Validate"], seconds)
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="sigillo-validators-"))
        self._anchors_file = self._folder / "anchors.pem"
        self._anchors_file.write_text("\n".join(pathlib.Path(anchor).read_text(encoding="ascii") for anchor in self._anchors))
        self._nss = poppler_check.make_nss_database(self._folder / "nss", self._anchors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._pyhanko.close()
        self._dss.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def validate_pdf(self, path, level=None, *, online=False, qpdf_warnings=False, without=()):
        """A list of Verdicts, one of each validator. level: what every signature must be ("B-LT"), or a sequence in signing
        order, one for each. qpdf_warnings: accept a file that qpdf warns of, for documents that came so. without: names of
        validators that cannot read such a document (the corpus's manifest says which)."""
        path = str(pathlib.Path(path).resolve())
        judges = {"openssl": lambda: openssl_check.check_pdf(path, self._anchors_file),
                  "pdfsig": lambda: poppler_check.check_pdf(path, self._nss, online),
                  "qpdf": lambda: poppler_check.check_structure(path, qpdf_warnings),
                  "pyhanko": lambda: self._ask_pyhanko("pdf", path, None, online),
                  "dss": lambda: self._ask_dss(path, None, online)}
        unknown = set(without) - set(judges)
        if unknown:
            raise ValueError(f"no validators: {unknown}")
        return [held_to(judge(), level) for name, judge in judges.items() if name not in without]

    def validate_cms(self, path, level=None, *, content=None, online=False):
        """The same for a CMS file: openssl, pyHanko, DSS. content: of a detached signature. pyHanko examines no
        archive-time-stamp-v3, so that it is held to B-LT where B-LTA is expected; DSS is held to B-LTA."""
        path = str(pathlib.Path(path).resolve())
        content = str(pathlib.Path(content).resolve()) if content is not None else None
        seen = "B-LT" if level == "B-LTA" else level if level is None or isinstance(level, str) else \
            tuple("B-LT" if one == "B-LTA" else one for one in level)
        return [held_to(openssl_check.check_cms(path, content, self._anchors_file), level),
                held_to(self._ask_pyhanko("cms", path, content, online), seen),
                held_to(self._ask_dss(path, content, online), level)]

    def _ask_pyhanko(self, kind, path, content, online):
        request = {"kind": kind, "path": path, "content": content, "anchors": self._anchors, "online": online}
        try:
            answer = self._pyhanko.ask(json.dumps(request))
        except WorkerDied as error:
            return Verdict("pyhanko", False, None, "no answer", str(error))
        if "error" in answer:
            return Verdict("pyhanko", False, None, "error", answer["error"])
        found = answer["signatures"]
        return Verdict("pyhanko", bool(found) and all(one["ok"] for one in found), tuple(one["level"] for one in found),
                       " ".join(one["indication"] for one in found) or "unsigned",
                       "; ".join(one["reason"] for one in found if one["reason"]), len(found))

    def _ask_dss(self, path, content, online):
        fields = [path, content or "-", ";".join(self._anchors), "online" if online else "offline"]
        try:
            answer = self._dss.ask("\t".join(fields))
        except WorkerDied as error:
            return Verdict("dss", False, None, "no answer", str(error))
        if "error" in answer:
            return Verdict("dss", False, None, "error", answer["error"])
        found = answer["signatures"]
        words = [one["indication"].replace("_", "-") + (f"/{one['sub_indication']}" if one["sub_indication"] else "")
                 for one in found]
        changed = any(text.startswith(UNDEFINED_CHANGES) for one in found for text in one["warnings"])
        # The level goes by form: a time-stamp that does not hold leaves it, and TOTAL-PASSED too while the signer's
        # certificate is valid today.
        stamps = [stamp for one in found for stamp in one["timestamps"]] + answer["timestamps"]
        broken = [stamp for stamp in stamps if stamp["indication"] != "PASSED" or
                  any(text.startswith(INVALID_HASH_INDEX) for text in stamp["warnings"])]
        words += [f"time-stamp {stamp['indication']}/{stamp['sub_indication']}" for stamp in broken]
        return Verdict("dss", bool(found) and all(word == "TOTAL-PASSED" for word in words) and not changed,
                       tuple(_level(one["format"]) for one in found), " ".join(words) or "unsigned",
                       "; ".join(text for one in found + broken for text in one["errors"] + one["warnings"]), len(found))


def _level(name):
    """B-LT of PAdES-BASELINE-LT or CAdES-BASELINE-LT; the name itself of anything else, which is no level."""
    for profile in ("PAdES-BASELINE-", "CAdES-BASELINE-"):
        if name and name.startswith(profile):
            return "B-" + name[len(profile):]
    return name
