"""The PDF library (pdf_tool) and CMS made here, put together: for tests in which nothing but the PDF is ours."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

from asn1crypto import algos, cms, pem, tsp, x509

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "validators"))

from pki import openssl  # noqa: E402

TOOL = pathlib.Path(os.environ.get("SIGILLO_PREBUILT", HERE.parents[1] / "build/release/bin")).parent / "tests/pdf_tool"
FONT = {"name": "Universal", "file": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"}


class Refused(Exception):
    """What the library says of a document that it does not take: error, detail, field."""

    def __init__(self, answer):
        super().__init__(f"{answer['error']}: {answer['detail']} ({answer['field']})")
        self.error, self.detail, self.field = answer["error"], answer["detail"], answer["field"]


def tool(*arguments, seconds=120):
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, check=False, timeout=seconds)
    if done.returncode == 1 and done.stdout:
        raise Refused(json.loads(done.stdout))
    if done.returncode != 0:
        raise AssertionError(f"pdf_tool {arguments}: {done.returncode} {done.stdout.decode()}{done.stderr.decode()}")
    return json.loads(done.stdout) if done.stdout else None


def certificate_of(path):
    return x509.Certificate.load(pem.unarmor(pathlib.Path(path).read_bytes())[2])


def cms_of(key, certificate, content, stamp=None):
    """A CAdES signature as PAdES wants it: without signing-time; B-T with stamp, which makes a token of some octets."""
    attribute = {"hash_algorithm": {"algorithm": "sha256"}, "cert_hash": hashlib.sha256(certificate.dump()).digest(),
                 "issuer_serial": {"issuer": [x509.GeneralName("directory_name", certificate.issuer)],
                                   "serial_number": certificate.serial_number}}
    attributes = cms.CMSAttributes([
        {"type": "content_type", "values": ["data"]},
        {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
        {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [attribute]})]}])
    signature = openssl("dgst", "-sha256", "-sign", key, stdin=attributes.dump())
    signer = cms.SignerInfo({
        "version": "v1", "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
        "sid": cms.SignerIdentifier("issuer_and_serial_number", {"issuer": certificate.issuer,
                                                                 "serial_number": certificate.serial_number}),
        "signed_attrs": attributes, "signature_algorithm": {"algorithm": "sha256_ecdsa"}, "signature": signature})
    if stamp:
        signer["unsigned_attrs"] = [{"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(stamp(signature))]}]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData({
        "version": "v1", "digest_algorithms": [{"algorithm": "sha256"}], "encap_content_info": {"content_type": "data"},
        "certificates": [certificate], "signer_infos": [signer]})}).dump()


class Bench:
    """One signer of a PKI, who signs with the library."""

    def __init__(self, folder, pki):
        self.folder, self.pki = folder, pki
        self.key, self.pem = pki.signer("p256")
        self.certificate = certificate_of(self.pem)

    def stamp(self, octets):
        """The time-stamp token of the PKI's TSA."""
        request = openssl("ts", "-query", "-data", "/dev/stdin", "-sha256", "-cert", stdin=octets)
        return tsp.TimeStampResp.load(self.pki.timestamp(request))["time_stamp_token"].dump()

    def sign(self, source, target, spec, token=None, stamped=False):
        """One more signature, B-T if stamped; or with token a time-stamp of the test's TSA."""
        spec_file, cms_file = self.folder / "spec.json", self.folder / "cms.der"
        own_time = {} if token else {"time": int(time.time())}
        spec_file.write_text(json.dumps({"fonts": [FONT], **own_time, **spec}))
        prepared = tool("prepare", source, target, spec_file)
        _, first, second, rest = prepared["byte_range"]
        with open(target, "rb") as file:
            covered = file.read(first)
            file.seek(second)
            covered += file.read(rest)
        cms_file.write_bytes(self.stamp(covered) if token else
                             cms_of(self.key, self.certificate, covered, self.stamp if stamped else None))
        tool("embed", target, prepared["contents_offset"], prepared["contents_size"], cms_file)
        return prepared

    def extend(self, source, target):
        """Everything that the signer's certificate and the TSU's need, for every signature."""
        files = {}
        for name, octets in {"leaf": self.certificate.dump(), "ca": self.pki.certificate("ca"),
                             "tsa": self.pki.certificate("tsa-ca"), "tsu": certificate_of(self.pki.folder / "tsu.pem").dump(),
                             "crl": self.pki.crl("ca"), "tsa-crl": self.pki.crl("tsa-ca")}.items():
            files[name] = str(self.folder / f"vd-{name}.der")
            pathlib.Path(files[name]).write_bytes(octets)
        data = {"certificates": [files[n] for n in ("leaf", "ca", "tsa", "tsu")], "crls": [files["crl"], files["tsa-crl"]]}
        keys = [one["vri_key"] for one in tool("inspect", source)["signatures"]]
        (self.folder / "data.json").write_text(json.dumps({**data, "signatures": [{"vri_key": key, **data} for key in keys]}))
        tool("extend", source, target, self.folder / "data.json")
