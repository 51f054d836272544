"""Documents that come signed, by pyHanko under a PKI of the corpus's own: roots in signers.pem beside the manifest. All carry
their revocation data (B-LT), so that they can be validated without its services, as long as these data are fresh: a week."""
from recipes import recipe


def presigned(name, how, *jobs, source="shape-minimal", **more):
    """jobs: of pyhanko_signer.py, one after the other."""
    @recipe(f"signed-{name}", "pyHanko", how, **more)
    def make(bench, path):
        bench.sign(bench.base(source), path, *jobs)


presigned("invisible", "an invisible approval signature", {}, signatures=1, quick=True)
presigned("visible", "a visible approval signature", {"visible": [72, 100, 272, 160]}, signatures=1, quick=True)
presigned("xref-stream", "signed, xref streams", {}, source="qpdf-object-streams", signatures=1, quick=True)
presigned("hybrid", "a hybrid-reference file, signed", {}, source="shape-hybrid", signatures=1)
presigned("linearized", "linearized before it was signed", {}, source="qpdf-linearized", signatures=1)
presigned("twice", "two signatures", {"field": "First"}, {"field": "Second"}, signatures=2, quick=True)
presigned("lta", "B-LTA: DSS and a document time-stamp", {"level": "B-LTA"}, signatures=1, timestamps=1, quick=True)
presigned("adbe", "adbe.pkcs7.detached, not PAdES", {"subfilter": "adbe"}, signatures=1)
presigned("form", "a form, signed", {}, source="form-fields", signatures=1)
presigned("empty-field-left", "signed in one of two empty fields", {"field": "Landlord"}, source="field-two-empty", signatures=1,
          field="Tenant", quick=True)
presigned("timestamp-only", "a document time-stamp, no signature", {"timestamp_only": True}, timestamps=1)
presigned("certified-1", "certified: no changes allowed", {"certify": 1}, signatures=1, refused="certified", quick=True)
presigned("certified-2", "certified: filling in and signing allowed", {"certify": 2}, signatures=1, quick=True)
presigned("certified-3", "certified: annotations too", {"certify": 3}, signatures=1)
presigned("certified-2-field", "certified at level 2, an empty field left",
          {"certify": 2, "field": "Landlord"}, source="field-two-empty", signatures=1, field="Tenant")
presigned("lock-include", "FieldMDP locks the text field", {"lock": {"action": "INCLUDE", "fields": ["name"]}},
          source="form-fields", signatures=1)
presigned("lock-exclude", "FieldMDP locks all but the field Tenant",
          {"lock": {"action": "EXCLUDE", "fields": ["Tenant"]}, "field": "Third"}, source="field-two-empty", signatures=1,
          field="Tenant")
presigned("lock-all", "FieldMDP locks all fields of the form", {"lock": {"action": "ALL"}}, source="form-fields", signatures=1,
          refused="locked")
