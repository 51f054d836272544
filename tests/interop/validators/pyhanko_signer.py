"""Signs PDFs with pyHanko, for tests of the validators and for documents that come signed already. Runs in the virtual
environment that setup.sh makes.

Standard input: a JSON array of jobs, done in order. A job: {"input", "output", "key", "certificate", "chain": [PEM files],
"anchors": [PEM files], "level": "B-B"|"B-T"|"B-LT"|"B-LTA", "tsa": URL, and optionally "field", "certify": 1|2|3,
"pss": true, "visible": [x1, y1, x2, y2], "subfilter": "adbe", "add_field": true (an empty field, no signature),
"lock": {"action", "fields"}, "timestamp_only": true, "may_fail": true}

Standard output: a JSON array, for each job null or the error; an error ends the program unless its job may fail.
"""
import asyncio
import json
import logging
import sys

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps.aiohttp_client import HTTPTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko.keys import load_certs_from_pemder


def spec_of_field(job):
    lock = job.get("lock")
    return fields.SigFieldSpec(
        job.get("field", "Signature1"), box=tuple(job["visible"]) if job.get("visible") else None,
        field_mdp_spec=fields.FieldMDPSpec(fields.FieldMDPAction[lock["action"]], lock.get("fields")) if lock else None)


async def sign(job):
    stamper = HTTPTimeStamper(job["tsa"]) if job.get("tsa") else None
    context = None
    if job.get("anchors"):
        context = ValidationContext(trust_roots=list(load_certs_from_pemder(job["anchors"])), allow_fetching=True,
                                    revocation_mode="require")
    with open(job["input"], "rb") as source, open(job["output"], "wb") as target:
        writer = IncrementalPdfFileWriter(source, strict=False)
        if job.get("add_field"):
            fields.append_signature_field(writer, spec_of_field(job))
            writer.write(target)
            return
        if job.get("timestamp_only"):
            await signers.PdfTimeStamper(stamper).async_timestamp_pdf(writer, "sha256", context, output=target)
            return
        level = job["level"]
        signer = signers.SimpleSigner.load(job["key"], job["certificate"], ca_chain_files=tuple(job.get("chain", ())),
                                           prefer_pss=job.get("pss", False))
        metadata = signers.PdfSignatureMetadata(
            field_name=job.get("field", "Signature1"), md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED if job.get("subfilter") == "adbe"
            else fields.SigSeedSubFilter.PADES,
            certify=bool(job.get("certify")), docmdp_permissions=fields.MDPPerm(job.get("certify", 2)),
            embed_validation_info=level in ("B-LT", "B-LTA"), use_pades_lta=level == "B-LTA", validation_context=context)
        new = spec_of_field(job) if job.get("visible") or job.get("lock") else None
        pdf_signer = signers.PdfSigner(metadata, signer, timestamper=stamper if level != "B-B" else None, new_field_spec=new)
        await pdf_signer.async_sign_pdf(writer, output=target)


def main():
    logging.disable(logging.ERROR)
    outcomes = []
    for job in json.load(sys.stdin):
        outcome = None
        try:
            asyncio.run(sign(job))
        except Exception as error:  # whatever a damaged document provokes
            outcome = f"{type(error).__name__}: {error}"
            if not job.get("may_fail"):
                raise SystemExit(f"pyhanko_signer: {job['output']}: {outcome}") from error
        outcomes.append(outcome)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
