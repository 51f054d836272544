"""signDoc and /v1/documents as a client uses them: shared by the tests of documents."""
import base64
import pathlib
import subprocess
import sys

import harness
from api_client import ECDSA_SHA256, RSA_SHA256, SHA256, SHA384, Refused, b64, click_evidence, digest

VALIDATORS = harness.REPOSITORY / "tests/interop/validators"
CONTRACT = harness.REPOSITORY / "packaging/samples/contract.pdf"
LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")
# RSASSA-PSS-params: SHA-256, MGF1 over it, a salt of 32 bytes.
PSS_SHA256 = "MDSgDzANBglghkgBZQMEAgEFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgEFAKIDAgEg"
ECDSA_SHA384 = "1.2.840.10045.4.3.3"
RSA_PSS = "1.2.840.113549.1.1.10"


class Key:
    """A kind of key with the algorithm that it signs with."""

    def __init__(self, name, algo, sign_algo, params=None, hash_name="sha256", hash_oid=SHA256):
        self.name, self.algo, self.sign_algo, self.params = name, algo, sign_algo, params
        self.hash_name, self.hash_oid = hash_name, hash_oid

    @property
    def entry(self):
        return {"signAlgo": self.sign_algo, **({"signAlgoParams": self.params} if self.params else {})}


KEYS = (Key("RSA-2048 PKCS#1", "RSA-2048", RSA_SHA256), Key("RSA-3072 PSS", "RSA-3072", RSA_PSS, PSS_SHA256),
        Key("P-256", "EC-P256", ECDSA_SHA256), Key("P-384", "EC-P384", ECDSA_SHA384, hash_name="sha384", hash_oid=SHA384))
P256 = KEYS[2]


def load_validators():
    """The judges of tests/interop, brought where they are not there yet."""
    subprocess.run([str(VALIDATORS / "setup.sh")], check=True, stdin=subprocess.DEVNULL)
    if str(VALIDATORS) not in sys.path:
        sys.path.insert(0, str(VALIDATORS))
    from validators import Validators  # pylint: disable=import-outside-toplevel
    return Validators


class DocumentsTest(harness.InstanceTest):
    """An instance, and what a client does with documents."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.instance.client
        cls.contract = CONTRACT.read_bytes()

    def credential(self, key=P256, **fields):
        """By click: RSA-2048 serves class simple alone."""
        return self.client.credential_by_click(key=key.algo, **fields)

    def sad(self, credential, documents, key=P256, **fields):
        """For these documents, as signDoc wants it."""
        hashes = list(dict.fromkeys(digest(d, key.hash_name) for d in documents))
        factors = {"click": click_evidence(hashes)}
        answer = self.client.try_authorize(credential.id, hashes, factors, key.hash_oid,
                                           **{"hashType": "sdr", **fields})
        if answer.status != 200:
            raise Refused("authorize", answer)
        return answer.json["SAD"]

    def try_sign_doc(self, credential, sad, entries, **fields):
        return self.client.request("POST", "/csc/v2/signatures/signDoc", {
            "credentialID": credential.id, "SAD": sad, "documents": entries, **fields})

    def entry(self, document, form, level="B-B", key=P256, **fields):
        return {"document": b64(document), "signature_format": form, "conformance_level": f"AdES-{level}", **key.entry,
                **fields}

    def sign_doc(self, credential, entries, key=P256, **fields):
        """Authorizes what the entries hold, and signs it: the answer's JSON."""
        documents = [base64.b64decode(entry["document"]) for entry in entries]
        answer = self.try_sign_doc(credential, self.sad(credential, documents, key), entries, **fields)
        if answer.status != 200:
            raise Refused("signDoc", answer)
        return answer.json

    def sign_pdf(self, credential, pdf, level="B-B", key=P256, envelope="Revision", **fields):
        entry = self.entry(pdf, "P", level, key, signed_envelope_property=envelope, **fields)
        return base64.b64decode(self.sign_doc(credential, [entry], key)["DocumentWithSignature"][0])

    def sign_cms(self, credential, content, level="B-B", key=P256, envelope="Attached", **fields):
        entry = self.entry(content, "C", level, key, signed_envelope_property=envelope, **fields)
        member = "SignatureObject" if envelope == "Detached" else "DocumentWithSignature"
        return base64.b64decode(self.sign_doc(credential, [entry], key)[member][0])

    def extend(self, document, form, level, **fields):
        answer = self.client.request("POST", "/v1/documents/extend", {
            "document": b64(document), "signature_format": form, "conformance_level": f"AdES-{level}", **fields})
        if answer.status != 200:
            raise Refused("extend", answer)
        return base64.b64decode(answer.json.get("document") or answer.json["signature"])

    @classmethod
    def anchors(cls):
        return [str(cls.instance.home / "signers-ca.crt"), str(cls.instance.home / "tsa-ca.crt")]

    def file(self, name, data):
        path = pathlib.Path(self.instance.home) / "state" / name
        path.write_bytes(data)
        return str(path)
