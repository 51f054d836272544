"""The orchestration API's side of Sigillo, for tests: JSON over mTLS, and what a signer adds (OTPs, click evidence).
Standard library only; openssl(1) verifies signatures."""
import base64
import dataclasses
import hashlib
import hmac
import http.client
import json
import os
import re
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

SHA256, SHA384, SHA512 = (f"2.16.840.1.101.3.4.2.{n}" for n in (1, 2, 3))
ECDSA_SHA256, RSA_SHA256 = "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11"


def b64(data):
    return base64.b64encode(data).decode("ascii")


def digest(data, algorithm="sha256"):
    return hashlib.new(algorithm, data).digest()


def fake_sad():
    """Of a real one's shape (appliance/activation/sad.h): base64url of 48 bits of milliseconds and 256 random ones, 51
    characters."""
    raw = int(time.time() * 1000).to_bytes(6, "big") + os.urandom(32)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def hotp(secret, counter, digits=6, algorithm="sha1"):
    """RFC 4226 §5.3."""
    mac = hmac.new(secret, struct.pack(">Q", counter), algorithm).digest()
    offset = mac[-1] & 15
    return str((struct.unpack(">I", mac[offset:offset + 4])[0] & 0x7FFFFFFF) % 10 ** digits).zfill(digits)


class Otp:
    """What an authenticator app makes of an otpauth URI."""

    def __init__(self, otpauth):
        uri = urllib.parse.urlparse(otpauth)
        fields = dict(urllib.parse.parse_qsl(uri.query))
        secret = fields["secret"]
        self.kind = uri.netloc
        self.secret = base64.b32decode(secret + "=" * (-len(secret) % 8))
        self.digits = int(fields.get("digits", 6))
        self.period = int(fields.get("period", 30))
        self.algorithm = fields.get("algorithm", "SHA1").lower()
        self.counter = int(fields.get("counter", 0))

    def at(self, seconds):
        return hotp(self.secret, int(seconds) // self.period, self.digits, self.algorithm)

    def now(self):
        return self.at(time.time())

    def next(self):
        """hotp: the next code of the counter."""
        self.counter += 1
        return hotp(self.secret, self.counter - 1, self.digits, self.algorithm)

    def wrong(self):
        """A code that no step near the present has."""
        near = {self.at(time.time() + step * self.period) for step in range(-3, 4)}
        return next(code for code in (str(n).zfill(self.digits) for n in range(10 ** self.digits)) if code not in near)


def click_evidence(hashes, seconds=None, nonce=None):
    """The JSON text of click evidence for these raw digests, in this order."""
    return json.dumps({"time": int(time.time() if seconds is None else seconds), "nonce": b64(nonce or os.urandom(16)),
                       "hashesSHA256": b64(digest(b"".join(hashes))), "address": "192.0.2.7", "userAgent": "harness/1"})


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """(status, error, error_description) of a CSC refusal; the two latter None where absent."""
        try:
            body = self.json
        except ValueError:
            return self.status, None, None
        return self.status, body.get("error"), body.get("error_description")


class Refused(AssertionError):
    """An answer that is no 2xx where one was expected; `answer` has it."""

    def __init__(self, what, answer):
        super().__init__(f"{what} answered {answer.status}: {answer.body[:500]!r}")
        self.answer = answer


@dataclasses.dataclass
class Credential:
    """A credential with what activates it."""
    id: str
    signer: str
    otp: Otp | None
    certificate: bytes  # DER of the leaf


class ApiClient:
    """One registered client. One connection a thread, kept alive, opened again when it broke before a request was sent.
    Without a certificate: a peer that shows none."""

    def __init__(self, instance, certificate=None, key=None, port=None, tls=True, timeout=60):
        self.instance, self.port, self.timeout = instance, port or instance.api_port, timeout
        self._local = threading.local()
        self._context = None
        if tls:
            self._context = ssl.create_default_context(cafile=str(instance.home / "tls/server-ca/ca.crt"))
            self._context.minimum_version = ssl.TLSVersion.TLSv1_3
            if certificate:
                self._context.load_cert_chain(str(certificate), str(key))

    def connect(self):
        """A connection of one's own."""
        if self._context:
            return http.client.HTTPSConnection("localhost", self.port, timeout=self.timeout, context=self._context)
        return http.client.HTTPConnection("localhost", self.port, timeout=self.timeout)

    def close(self):
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection:
            connection.close()
            self._local.connection = None

    def request(self, method, path, body=None, headers=None):
        """Sends once and returns the Answer, whatever its status. OSError or http.client.HTTPException when none came.
        `body`: bytes as they are, anything else as JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        if getattr(self._local, "connection", None) is None:
            self._local.connection = self.connect()
        try:
            self._local.connection.request(method, path, body=body, headers=sent)
            answer = self._local.connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except BaseException:
            self.close()
            raise

    def expect(self, method, path, body=None, headers=None):
        """The answer's JSON (None for an empty body); Refused unless 2xx."""
        answer = self.request(method, path, body, headers)
        if not 200 <= answer.status < 300:
            raise Refused(f"{method} {path}", answer)
        return answer.json if answer.body else None

    def operations(self):
        """{path: set of methods} of the served openapi.yaml, by a look at its lines (tests/api/openapi_test.py parses it).
        Without the paths that name servers of their own: other listeners'."""
        text = self.request("GET", "/openapi.yaml").body.decode()
        found, methods, path, others = {}, set(), None, set()
        for line in text[text.index("\npaths:"):text.index("\ncomponents:")].splitlines():
            if match := re.fullmatch(r"  (/\S*):", line):
                path = match.group(1)
                methods = found.setdefault(path, set())
            elif line.startswith("    servers:"):
                others.add(path)
            elif match := re.fullmatch(r"    (get|post|put|delete|patch|head):", line):
                methods.add(match.group(1).upper())
        assert len(found) > 15
        return {path: methods for path, methods in found.items() if path not in others}

    # ---- enrolment ----------------------------------------------------------------------------------------------------

    def signer(self, **fields):
        person = {"name": {"given": "Giulia", "family": "Esempio"}, "country": "IT", **fields}
        return self.expect("POST", "/v1/signers", person)["signerID"]

    def factor(self, signer, kind, **fields):
        return self.expect("POST", f"/v1/signers/{signer}/factors", {"type": kind, **fields})

    def credential(self, signer, activation, grade="advanced", key="EC-P256", otp=None, **fields):
        made = self.expect("POST", "/v1/credentials", {
            "signerID": signer, "class": grade, "key": {"algo": key}, "activation": activation,
            "certificate": {"source": "embedded"}, **fields})
        return Credential(made["credentialID"], signer, otp, self.leaf(made["credentialID"]))

    def credential_by_totp(self, **fields):
        """A new signer with an authenticator app and a credential that it activates."""
        signer = self.signer()
        otp = Otp(self.factor(signer, "totp")["otpauth"])
        return self.credential(signer, "totp", otp=otp, **fields)

    def credential_by_click(self, **fields):
        """A new signer and a credential of class simple."""
        return self.credential(self.signer(), "click", grade="simple", **fields)

    def info(self, credential_id):
        return self.expect("POST", "/csc/v2/credentials/info",
                           {"credentialID": credential_id, "certificates": "chain", "certInfo": True, "authInfo": True})

    def leaf(self, credential_id):
        return base64.b64decode(self.info(credential_id)["cert"]["certificates"][0])

    # ---- activation and signing -----------------------------------------------------------------------------------------

    def try_authorize(self, credential_id, hashes, factors, algorithm=SHA256, **fields):
        """`factors`: {"totp": code, "click": evidence}. The Answer, whatever it is."""
        return self.request("POST", "/csc/v2/credentials/authorize", {
            "credentialID": credential_id, "numSignatures": len(hashes), "hashes": [b64(h) for h in hashes],
            "hashAlgorithmOID": algorithm, "authData": [{"id": k, "value": v} for k, v in factors.items()], **fields})

    def authorize(self, credential, hashes, **fields):
        """The SAD, by whatever activates the credential."""
        factors = {"totp": credential.otp.now()} if credential.otp else {"click": click_evidence(hashes)}
        answer = self.try_authorize(credential.id, hashes, factors, **fields)
        if answer.status != 200:
            raise Refused("authorize", answer)
        return answer.json["SAD"]

    def try_sign(self, credential_id, sad, hashes, algorithm=SHA256, sign_algorithm=ECDSA_SHA256, **fields):
        return self.request("POST", "/csc/v2/signatures/signHash", {
            "credentialID": credential_id, "SAD": sad, "hashes": [b64(h) for h in hashes], "hashAlgorithmOID": algorithm,
            "signAlgo": sign_algorithm, **fields})

    def sign(self, credential, sad, hashes, **fields):
        """The signatures, as bytes."""
        answer = self.try_sign(credential.id, sad, hashes, **fields)
        if answer.status != 200:
            raise Refused("signHash", answer)
        return [base64.b64decode(signature) for signature in answer.json["signatures"]]


def signature_holds(certificate, raw_digest, signature, algorithm="sha256"):
    """Whether openssl accepts the signature (ECDSA as DER, or PKCS#1 v1.5) over the digest under the certificate's key."""
    with tempfile.TemporaryDirectory(prefix="sigillo-it-") as folder:
        def put(name, data):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(data)
            return path
        arguments = ["openssl", "pkeyutl", "-verify", "-certin", "-inkey", put("certificate.pem", pem(certificate)),
                     "-in", put("digest", raw_digest), "-sigfile", put("signature", signature),
                     "-pkeyopt", f"digest:{algorithm}"]
        return subprocess.run(arguments, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0


def pem(certificate):
    return ssl.DER_cert_to_PEM_cert(certificate).encode("ascii")
