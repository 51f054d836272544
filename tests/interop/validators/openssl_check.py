"""openssl cms -verify and openssl ts -verify over whatever a document holds."""
import hashlib
import pathlib
import subprocess
import tempfile

from asn1crypto import cms, tsp

import pdf_ranges
from verdict import Verdict

SECONDS = 120


def _run(*arguments):
    """None when openssl says yes, else what it says."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False, timeout=SECONDS)
    return None if done.returncode == 0 else done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"


def _time_stamps(der, folder, trust):
    """The signature-time-stamps of every SignerInfo: each over its own signature value."""
    for signer in cms.ContentInfo.load(der)["content"]["signer_infos"]:
        for attribute in signer["unsigned_attrs"]:
            if attribute["type"].native != "signature_time_stamp_token":
                continue
            for token in attribute["values"]:
                path = pathlib.Path(folder, "token.der")
                path.write_bytes(token.dump())
                info = token["content"]["encap_content_info"]["content"].parse(tsp.TSTInfo)
                algorithm = info["message_imprint"]["hash_algorithm"]["algorithm"].native
                digest = hashlib.new(algorithm, signer["signature"].native).hexdigest()
                wrong = _run("ts", "-verify", "-token_in", "-in", path, "-digest", digest, *trust)
                if wrong:
                    return f"signature-time-stamp: {wrong}"
    return None


def _cms(path, content, trust, cades):
    # S/MIME's purpose (-purpose smimesign) would ask for an e-mail certificate; these sign documents.
    arguments = ["cms", "-verify", "-binary", "-inform", "DER", "-in", path, "-out", "/dev/null", "-purpose", "any", *trust]
    if content is not None:
        arguments += ["-content", content]
    if cades:
        arguments.append("-cades")
    return _run(*arguments)


def check_cms(path, content, anchors_file):
    with tempfile.TemporaryDirectory() as folder:
        trust = ["-CAfile", anchors_file]
        der = pathlib.Path(path).read_bytes()
        try:
            count = len(cms.ContentInfo.load(der, strict=True)["content"]["signer_infos"])
            wrong = _cms(path, content, trust, True) or _time_stamps(der, folder, trust)
        except (ValueError, KeyError, TypeError) as error:
            return Verdict("openssl", False, None, "malformed", str(error))
    return Verdict("openssl", wrong is None and count > 0, None, "verified" if wrong is None else "failed", wrong or "", count)


def check_pdf(path, anchors_file):
    """Each signature by itself over the bytes that it covers. Says nothing of what was appended behind the last one."""
    data = pathlib.Path(path).read_bytes()
    try:
        signatures = pdf_ranges.embedded_signatures(data)
        if not signatures:
            return Verdict("openssl", False, None, "unsigned", "no signature")
        for number, signature in enumerate(signatures, 1):
            wrong = _embedded(signature, data, ["-CAfile", anchors_file])
            if wrong:
                return Verdict("openssl", False, None, "failed", f"signature {number}: {wrong}", len(signatures))
    except (ValueError, KeyError, TypeError) as error:
        return Verdict("openssl", False, None, "malformed", str(error))
    return Verdict("openssl", True, None, "verified", "", len(signatures))


def _embedded(signature, data, trust):
    with tempfile.TemporaryDirectory() as folder:
        content, path = pathlib.Path(folder, "content"), pathlib.Path(folder, "signature.der")
        content.write_bytes(signature.content(data))
        path.write_bytes(signature.cms)
        if signature.sub_filter == "ETSI.RFC3161":
            return _run("ts", "-verify", "-token_in", "-in", path, "-data", content, *trust)
        return (_cms(path, content, trust, signature.sub_filter == "ETSI.CAdES.detached")
                or _time_stamps(signature.cms, folder, trust))
