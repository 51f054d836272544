"""Poppler's pdfsig, with an NSS database that holds the trust anchors; and qpdf --check."""
import pathlib
import re
import subprocess

from verdict import Verdict

SECONDS = 300
FIELD = re.compile(r"^\s+- (Signature Type|Signature Validation|Certificate Validation|Signed Ranges): (.*?)\s*$", re.MULTILINE)
TRUSTED = "Certificate is Trusted."
# What NSS answers instead of "trusted" when it may not ask for revocation data: the chain ended in an anchor, an unknown
# issuer has an answer of its own.
NOT_ASKED = "Unknown issue with Certificate or corrupted data."


def make_nss_database(folder, anchors):
    """A new NSS database that trusts the certificates of these PEM files, one each."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    database = f"sql:{folder}"
    subprocess.run(["certutil", "-N", "-d", database, "--empty-password"], check=True, capture_output=True, timeout=SECONDS)
    for number, anchor in enumerate(anchors):
        subprocess.run(["certutil", "-A", "-d", database, "-n", f"anchor {number}", "-t", "C,C,C", "-a", "-i", str(anchor)],
                       check=True, capture_output=True, timeout=SECONDS)
    return database


def check_pdf(path, database, online):
    """Poppler 22.12 judges neither document time-stamps nor signature-time-stamps, and knows no levels."""
    command = ["pdfsig", "-nssdir", database, *([] if online else ["-no-ocsp"]), str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
    text = done.stdout.decode(errors="replace")
    parts = re.split(r"^Signature #\d+:\n", text, flags=re.MULTILINE)[1:]
    seen, wrong = 0, []
    for number, part in enumerate(parts, 1):
        fields = dict(FIELD.findall(part))
        if fields.get("Signature Type") == "unknown" and "Unable to validate this type" in done.stderr.decode(errors="replace"):
            continue  # a document time-stamp
        if "field is not signed" in part:
            continue
        seen += 1
        certificate = fields.get("Certificate Validation")
        if fields.get("Signature Validation") != "Signature is Valid.":
            wrong.append(f"signature {number}: {fields.get('Signature Validation')}")
        elif certificate != TRUSTED and (online or certificate != NOT_ASKED):
            wrong.append(f"signature {number}: {certificate}")
    if done.returncode or not seen:
        wrong.append((text + done.stderr.decode(errors="replace")).strip()[:500] or "no signature")
    return Verdict("pdfsig", not wrong, None, "valid" if not wrong else "failed", "; ".join(wrong), seen)


def check_structure(path, warnings=False):
    """qpdf --check: the file's form, not its signatures. warnings: accept what qpdf would mend (its exit code 3)."""
    done = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, check=False, timeout=SECONDS)
    said = done.stderr.decode(errors="replace").strip()
    passed = done.returncode == 0 or warnings and done.returncode == 3
    return Verdict("qpdf", passed, None, {0: "sound", 3: "warnings"}.get(done.returncode, "errors"), said[:500])
