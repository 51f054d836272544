"""pyHanko's AdES validation (EN 319 102-1) as a process that stays; runs in the virtual environment that setup.sh makes.

A request is a JSON object a line on standard input: {"kind": "pdf"|"cms", "path", "content" (cms, detached), "anchors": [PEM
files], "online": bool}. The answer is one JSON object a line: {"signatures": [{"ok", "indication", "level", "reason"}, ...]}
in signing order, or {"error": text}.

level is what pyHanko proves, not what the document claims: B-T needs a signature time-stamp that it accepts; B-LT needs that
the same verdict comes out with nothing but the revocation data of the document; B-LTA a document time-stamp behind them. Of a
CMS file it knows no archive-time-stamp-v3, so that B-LT is its highest there.
"""
import asyncio
import hashlib
import json
import logging
import sys

from asn1crypto import cms, crl, ocsp, pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation import DocumentSecurityStore, SignatureCoverageLevel, ades
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.policy_decl import (LocalKnowledge, PdfSignatureValidationSpec, RevinfoOnlineFetchingRule,
                                                 RevocationInfoGatheringSpec, SignatureValidationSpec)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer


def read(path):
    with open(path, "rb") as file:
        return file.read()


def load_anchors(paths):
    found = [x509.Certificate.load(der) for path in paths for _, _, der in pem.unarmor(read(path), multiple=True)]
    if not found:
        raise ValueError("no trust anchor")
    return SimpleTrustManager.build(trust_roots=found)


def specification(anchors, online, knowledge=None):
    """Revocation data are required of every certificate below an anchor: absent ones fail."""
    return SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(
            trust_manager=anchors, revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=REQUIRE_REVINFO)),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            online_fetching_rule=RevinfoOnlineFetchingRule.ALWAYS_FETCH if online else RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=knowledge or LocalKnowledge())


def verdict(passed, level, indication, reason=""):
    return {"ok": passed, "level": level, "indication": indication, "reason": reason}


def time_stamps(signer):
    return list(find_cms_attribute_iter(signer["unsigned_attrs"], "signature_time_stamp_token"))


def judged(result, level):
    status, name = result.api_status, result.ades_subindic.standard_name
    if result.ades_subindic != AdESPassed.OK:
        return verdict(False, None, name, result.failure_msg or "")
    if not (status.intact and status.valid):
        return verdict(False, None, name, "not intact")
    return verdict(True, level, "PASSED")


async def with_time(data, anchors, online, knowledge, digest):
    """B-B without a signature time-stamp; with one B-LT when the revocation data that came along are enough, else B-T."""
    if not time_stamps(data["signer_infos"][0]):
        return judged(await ades.ades_basic_validation(data, specification(anchors, online, knowledge), raw_digest=digest),
                      "B-B")
    found = judged(await ades.ades_with_time_validation(data, specification(anchors, False, knowledge), raw_digest=digest),
                   "B-LT")
    if found["ok"] or not online:
        return found
    return judged(await ades.ades_with_time_validation(data, specification(anchors, True, knowledge), raw_digest=digest),
                  "B-T")


def with_adobe_attribute(knowledge, signer):
    """Adds what adbe.pkcs7.detached keeps in a signed attribute: the revocation data of the day of signing."""
    found = knowledge or LocalKnowledge()
    for archive in find_cms_attribute_iter(signer["signed_attrs"], "adobe_revocation_info_archival"):
        found.known_crls.extend(CRLContainer(one) for one in archive["crl"] or [])
        found.known_ocsps.extend(one for response in archive["ocsp"] or [] for one in OCSPContainer.load_multi(response))
    return found


async def pdf_signature(embedded, anchors, online, knowledge):
    embedded.compute_integrity_info()
    integrity = embedded.summarise_integrity_info()
    if integrity["coverage"] < SignatureCoverageLevel.ENTIRE_REVISION:
        return verdict(False, None, "FORMAT_FAILURE", f"covers {integrity['coverage'].name} only")
    if not integrity["docmdp_ok"]:
        return verdict(False, None, "FORMAT_FAILURE", f"changed afterwards: {integrity.get('diff_result')}")
    if knowledge is not None and time_stamps(embedded.signer_info):
        # Document time-stamps are the evidence that the DSS's entries were there in time.
        result = await ades.ades_lta_validation(embedded, PdfSignatureValidationSpec(specification(anchors, False)))
        if result.oldest_evidence_record_timestamp is not None and judged(result, "B-LTA")["ok"]:
            return judged(result, "B-LTA")
    known = with_adobe_attribute(knowledge, embedded.signer_info)
    return await with_time(embedded.signed_data, anchors, online, known, embedded.compute_digest())


def knowledge_of_dss(reader):
    """Certificates and revocation data of a DSS dictionary, None without one."""
    try:
        dss = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return None
    responses = [ocsp.OCSPResponse.load(entry.get_object().data) for entry in dss.ocsps]
    return LocalKnowledge(
        known_ocsps=[one for response in responses for one in OCSPContainer.load_multi(response)],
        known_crls=[CRLContainer(crl.CertificateList.load(entry.get_object().data)) for entry in dss.crls],
        known_certs=list(dss.load_certs()))


async def pdf(request):
    anchors = load_anchors(request["anchors"])
    with open(request["path"], "rb") as file:
        reader = PdfFileReader(file, strict=False)
        knowledge = knowledge_of_dss(reader)
        return [await pdf_signature(embedded, anchors, request["online"], knowledge)
                for embedded in reader.embedded_regular_signatures]


def ocsp_response(other):
    """The OCSPResponse in a choice "other" of SignedData.crls, or None: RFC 5940, or a BasicOCSPResponse as CAdES had it."""
    kind, der = other["other_rev_info_format"].dotted, other["other_rev_info"].dump()
    if kind == "1.3.6.1.5.5.7.16.2":
        return ocsp.OCSPResponse.load(der)
    if kind == "1.3.6.1.5.5.7.48.1.1":
        return ocsp.OCSPResponse({"response_status": "successful", "response_bytes": {
            "response_type": "basic_ocsp_response", "response": ocsp.BasicOCSPResponse.load(der)}})
    return None


def knowledge_of(signed_data):
    """What a SignedData and the time-stamps in it hold to judge certificates by."""
    found = LocalKnowledge()
    queue = [signed_data]
    while queue:
        data = queue.pop()
        for choice in data["crls"] if data["crls"] else []:
            if choice.name == "crl":
                found.known_crls.append(CRLContainer(choice.chosen))
            else:
                response = ocsp_response(choice.chosen)
                if response is not None:
                    found.known_ocsps.extend(OCSPContainer.load_multi(response))
        found.known_certs.extend(choice.chosen for choice in data["certificates"] if choice.name == "certificate")
        for signer in data["signer_infos"]:
            queue.extend(token["content"] for token in time_stamps(signer))
    return found


async def cms_signature(single, anchors, online, knowledge, content):
    digest = None
    if content is not None:
        algorithm = single["signer_infos"][0]["digest_algorithm"]["algorithm"].native
        digest = hashlib.new(algorithm, content).digest()
    elif single["encap_content_info"]["content"].native is None:
        return verdict(False, None, "SIGNED_DATA_NOT_FOUND", "detached, and no content was given")
    return await with_time(single, anchors, online, knowledge, digest)


async def cms_file(request):
    anchors = load_anchors(request["anchors"])
    content = read(request["content"]) if request.get("content") else None
    outer = cms.ContentInfo.load(read(request["path"]), strict=True)
    if outer["content_type"].native != "signed_data":
        raise ValueError("no SignedData")
    data = outer["content"]
    knowledge = knowledge_of(data)
    found = []
    for signer in data["signer_infos"]:
        single = data.copy()
        single["signer_infos"] = cms.SignerInfos([signer])
        found.append(await cms_signature(single, anchors, request["online"], knowledge, content))
    return found


def main():
    logging.disable(logging.CRITICAL)
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"signatures": asyncio.run({"pdf": pdf, "cms": cms_file}[request["kind"]](request))}
        except Exception as error:  # whatever a damaged document provokes is a verdict, not the end
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
