"""What test_pyhanko.py wants of pyHanko; the answers as JSON on standard output.

    pyhanko_client.py stamp URL CA DIGEST...       a token for each digest algorithm, validated
    pyhanko_client.py sign URL CA PDF SIGNED       a PDF signed with a throw-away key and our time stamp, and with a document
                                                   time stamp; validated

CA: of the units' certificates. SIGILLO_CACERT: the file of the CA that certified the HTTPS listener.
"""
import asyncio
import datetime
import hashlib
import json
import os
import ssl
import sys

import aiohttp
from asn1crypto import keys as asn1_keys
from asn1crypto import pem, x509
from cryptography import x509 as cx509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfTimeStamper, signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import HTTPTimeStamper, TimestampRequestError
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore


def certificate_of(path):
    with open(path, "rb") as file:
        _, _, der = pem.unarmor(file.read())
    return x509.Certificate.load(der)


def believing(*certificates):
    return ValidationContext(trust_roots=list(certificates), allow_fetching=False)


def said_of(status):
    return {"valid": status.valid, "intact": status.intact, "trusted": status.trusted}


async def stamp(url, ca, digests):
    tls = ssl.create_default_context(cafile=os.environ["SIGILLO_CACERT"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        return [await stamp_one(HTTPTimeStamper(url, session=session), ca, digest) for digest in digests]


async def stamp_one(stamper, ca, digest):
    value = hashlib.new(digest, b"data of " + digest.encode()).digest()
    try:
        token = await stamper.async_timestamp(value, digest)
    except (TimestampRequestError, ValueError) as refusal:
        return {"digest": digest, "error": str(refusal)}
    status = TimestampSignatureStatus(**await validate_tst_signed_data(
        token["content"], believing(certificate_of(ca)), lambda _: value))
    return {"digest": digest, "certificate": status.signing_cert.dump().hex(), **said_of(status)}


def throw_away_signer():
    key = ec.generate_private_key(ec.SECP256R1())
    name = cx509.Name([cx509.NameAttribute(cx509.NameOID.COMMON_NAME, "Throw-away")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (cx509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(cx509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(cx509.KeyUsage(True, True, *[False] * 7), critical=True).sign(key, hashes.SHA256()))
    own = x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    store = SimpleCertificateStore()
    store.register(own)
    return signers.SimpleSigner(own, asn1_keys.PrivateKeyInfo.load(der), store), own


async def sign(url, ca, source, target):
    root = certificate_of(ca)
    signer, own = throw_away_signer()
    context = believing(root, own)
    stamper = HTTPTimeStamper(url)
    with open(source, "rb") as original:
        output = await signers.PdfSigner(
            PdfSignatureMetadata(field_name="Signature", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"),
            signer=signer, timestamper=stamper).async_sign_pdf(IncrementalPdfFileWriter(original))
    output = await PdfTimeStamper(stamper).async_timestamp_pdf(IncrementalPdfFileWriter(output), "sha512", context)
    with open(target, "wb") as file:
        file.write(output.getbuffer())
    with open(target, "rb") as file:
        reader = PdfFileReader(file)
        signature, = reader.embedded_regular_signatures
        document, = reader.embedded_timestamp_signatures
        status = await async_validate_pdf_signature(signature, context, ts_validation_context=believing(root))
        about_document = await async_validate_pdf_timestamp(document, believing(root))
    return {**said_of(status), "timestamp": said_of(status.timestamp_validity), "document_timestamp": said_of(about_document)}


def main():
    command, url, ca, *rest = sys.argv[1:]
    work = stamp(url, ca, rest) if command == "stamp" else sign(url, ca, *rest)
    print(json.dumps(asyncio.run(work)))


if __name__ == "__main__":
    main()
