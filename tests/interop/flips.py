"""Where to flip a byte of a signed document so that every judge must say no: places by what stands there."""
import pathlib
import sys

from asn1crypto import cms

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "validators"))

from pdf_ranges import embedded_signatures  # noqa: E402


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


def places_in_pdf(pdf, original_size, chance):
    """In the ranges of the signature that was made first of those behind original_size. chance: a random.Random."""
    signature = next(one for one in embedded_signatures(pdf) if one.end > original_size)
    _, first, second, rest = signature.ranges
    return {"the version in the header": pdf.index(b"%PDF-1.") + 7,
            "the document as it was": chance.randrange(8, original_size),
            "the revision before Contents": chance.randrange(original_size, first),
            "the revision behind Contents": chance.randrange(second, second + rest),
            "the last byte but one": second + rest - 2}


def places_in_cms(signature, content, chance):
    """In what one of the signers, the last of them, has signed: in the content, unless it is None, in each signed attribute, and
    in the signature value."""
    signer = cms.ContentInfo.load(signature)["content"]["signer_infos"][-1]
    value = signer["signature"].native
    places = {"the signature value": signature.index(value) + chance.randrange(8, len(value))}
    for attribute in signer["signed_attrs"]:
        encoded = attribute.dump()
        places[f"the end of {attribute['type'].native}"] = signature.index(encoded) + len(encoded) - 1
    if content is not None:
        places["the content"] = signature.index(content) + chance.randrange(len(content))
    return places
