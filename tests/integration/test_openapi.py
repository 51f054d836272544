# ctest: TIMEOUT 240
"""Drives every operation of the openapi.yaml that the service serves: a good request made of the operation's own example,
with ids of things that exist, and every bad one that its schemas tell of (a field that is not theirs, one of another type, a
required one missing, a value out of bounds). Status, media type, headers and body of each answer are held to the description,
and an answer may have no member that the description does not name. An operation that this test does not drive fails it.
"""
import base64
import binascii
import copy
import datetime
import json
import re
import secrets
import time
import unittest

import jsonschema  # Debian: python3-jsonschema
import yaml  # Debian: python3-yaml

import harness
from api_client import ApiClient, b64, click_evidence, digest
from documents import CONTRACT
from test_certificates_http import OutsideCa

METHODS = ("get", "post", "put", "delete", "patch", "head", "options", "trace")
PIN = "271828"


def is_base64(_, encoding, instance, __):
    if encoding == "base64" and isinstance(instance, str):
        try:
            base64.b64decode(instance, validate=True)
        except binascii.Error:
            yield jsonschema.ValidationError(f"{instance[:40]!r} is not base64")


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_date_time(text):
    if not isinstance(text, str):
        return True
    try:
        datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text))


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"contentEncoding": is_base64})


class Operation:
    def __init__(self, description, method, path, item, node):
        self.method, self.path, self.id = method.upper(), path, node["operationId"]
        self.node = node
        self.parameters = [description.resolved(p) for p in item.get("parameters", []) + node.get("parameters", [])]
        body = node.get("requestBody")
        self.body = body and description.inlined(body["content"]["application/json"]["schema"])
        self.example = body and body["content"]["application/json"].get("example")
        self.responses = {code: description.resolved(response) for code, response in node["responses"].items()}

    def __str__(self):
        return f"{self.method} {self.path}"


class Description:
    def __init__(self, text):
        self.document = yaml.safe_load(text)
        self.operations = {}
        for path, item in self.document["paths"].items():
            if "servers" in item:  # of other listeners: test_openapi_public.py
                continue
            for method in METHODS:
                if method in item:
                    operation = Operation(self, method, path, item, item[method])
                    assert operation.id not in self.operations, operation.id
                    self.operations[operation.id] = operation

    def resolved(self, node):
        """Without a reference at its top; what stands beside a reference stays (OpenAPI 3.1, JSON Schema 2020-12)."""
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = {**target, **{k: v for k, v in node.items() if k != "$ref"}}
        return node

    def inlined(self, schema, closed=False, part_of_all=False):
        """The schema without references; `closed`: every object admits the members that it names, and no more."""
        schema = dict(self.resolved(schema))
        for key in ("properties", "patternProperties"):
            if key in schema:
                schema[key] = {name: self.inlined(s, closed) for name, s in schema[key].items()}
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                schema[key] = self.inlined(schema[key], closed)
        for key in ("allOf", "anyOf", "oneOf"):
            if key in schema:
                schema[key] = [self.inlined(s, closed, part_of_all=True) for s in schema[key]]
        if closed and not part_of_all and ("properties" in schema or "allOf" in schema) \
                and "additionalProperties" not in schema:
            schema["unevaluatedProperties"] = False
        return schema


def flaws(schema, value, where=""):
    """(what is wrong, the value with exactly that wrong), for everything that the schema says of the value."""
    schema = merged(schema)
    kind = schema.get("type")
    other = {"string": 7, "integer": "seven", "boolean": "yes", "array": "x", "object": "x"}
    if kind in other:
        yield f"{where or 'the body'} is no {kind}", other[kind]
    if kind == "integer":
        yield f"{where} is a fraction", 1.5
    if "enum" in schema:
        yield f"{where} is not one of the enumerated", next(v for v in ("no such", True) if v not in schema["enum"]
                                                            and (kind == "boolean") == isinstance(v, bool))
    if "minimum" in schema:
        yield f"{where} is too small", schema["minimum"] - 1
    if "maximum" in schema:
        yield f"{where} is too large", schema["maximum"] + 1
    if "maxLength" in schema:
        yield f"{where} is too long", "x" * (schema["maxLength"] + 1)
    if "pattern" in schema:
        yield f"{where} does not match", "no such"
    if schema.get("contentEncoding") == "base64":
        yield f"{where} is not base64", "%%%"
    if kind == "array":
        if schema.get("minItems"):
            yield f"{where} is empty", []
        if "maxItems" in schema and value:
            yield f"{where} has too many items", [value[0]] * (schema["maxItems"] + 1)
        for what, wrong in flaws(schema["items"], value[0], f"{where}[0]") if value else ():
            yield what, [wrong, *value[1:]]
    if kind == "object" and isinstance(value, dict):
        if schema.get("additionalProperties") is False:
            yield f"{where} has a surplus member", {**value, "surplus": 1}
        for name in schema.get("required", ()):
            yield f"{where}.{name} is missing", {k: v for k, v in value.items() if k != name}
        for name, inner in schema.get("properties", {}).items():
            for what, wrong in flaws(inner, value.get(name), f"{where}.{name}"):
                yield what, {**value, name: wrong}
        if isinstance(schema.get("additionalProperties"), dict):
            for what, wrong in flaws(schema["additionalProperties"], None, f"{where}.totp"):
                yield what, {**value, "totp": wrong}


def merged(schema):
    """allOf, put together: enough for schemas that only add to a shared one."""
    for part in schema.get("allOf", ()):
        schema = {**merged(part), **schema}
    return schema


class OpenApi(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.instance.client
        cls.text = client.request("GET", "/openapi.yaml").body.decode()
        cls.description = Description(cls.text)
        cls.operations = cls.description.operations
        cls.ca = OutsideCa(cls.instance.home / "outside")
        cls.credential = client.credential_by_click()
        cls.signer = cls.credential.signer
        cls.stranger = ApiClient(cls.instance, *cls.instance.issue("not-registered"))

    # ---- good requests: for each operation what its example lacks, the things that exist ---------------------------------

    def sad(self, hashes):
        """Of self.credential."""
        return self.client.authorize(self.credential, [base64.b64decode(h) for h in hashes])

    def good(self, operation):
        """(path parameters, query, body): from the example, with ids that exist. Several, where one does not show all."""
        example = copy.deepcopy(operation.example)
        make = getattr(self, "good_" + operation.id, None)
        if make is None:
            self.fail(f"{operation} ({operation.id}) has no good request in this test: add one")
        return list(make(example))

    def good_cscInfo(self, example):
        yield {}, {}, example
        yield {}, {}, {**example, "lang": "it"}

    def good_cscInfoGet(self, _):
        yield {}, {}, None

    def good_cscCredentialsList(self, example):
        yield {}, {}, {**example, "userID": self.signer}
        yield {}, {}, {"userID": self.signer, "onlyValid": True, "lang": "en", "clientData": "x"}

    def good_cscCredentialsInfo(self, example):
        yield {}, {}, {**example, "credentialID": self.credential.id}
        yield {}, {}, {"credentialID": self.credential_by("pin and (totp or hotp)"), "authInfo": True, "lang": "en"}
        yield {}, {}, {**example, "credentialID": self.pending()[0]}
        locked = self.client.credential_by_totp()
        for _ in range(5):
            self.client.try_authorize(locked.id, [bytes(32)], {"totp": locked.otp.wrong()})
        yield {}, {}, {**example, "credentialID": locked.id}

    def good_cscCredentialsAuthorize(self, example):
        credential = self.client.credential_by_totp()
        example["authData"][0]["value"] = credential.otp.now()
        yield {}, {}, {**example, "credentialID": credential.id}

    def good_cscCredentialsExtendTransaction(self, example):
        yield {}, {}, {**example, "credentialID": self.credential.id, "SAD": self.sad(example["hashes"])}

    def good_cscSignaturesSignHash(self, example):
        yield {}, {}, {**example, "credentialID": self.credential.id, "SAD": self.sad(example["hashes"])}

    def good_cscSignaturesTimestamp(self, example):
        yield {}, {}, example
        yield {}, {}, {"hash": example["hash"], "hashAlgo": example["hashAlgo"], "nonce": "F00", "clientData": "x"}

    def permission(self, *documents):
        """A SAD for these documents, of self.credential."""
        hashes = [digest(document) for document in documents]
        answer = self.client.try_authorize(self.credential.id, hashes, {"click": click_evidence(hashes)}, hashType="sdr")
        return answer.json["SAD"]

    def good_cscSignaturesSignDoc(self, example):
        document = base64.b64decode(example["documents"][0]["document"])
        ids = {"credentialID": self.credential.id}
        yield {}, {}, {**example, **ids, "SAD": self.permission(document)}
        yield {}, {}, {**example, **ids, "SAD": self.permission(document), "operationMode": "A", "validity_period": 60_000}
        entry = {"hashes": [b64(digest(document))], **{k: v for k, v in example["documents"][0].items()
                                                       if k not in ("document", "signed_envelope_property")}}
        yield {}, {}, {**ids, "SAD": self.permission(document), "documentDigests": [entry], "returnValidationInfo": True}
        pdf = CONTRACT.read_bytes()
        seen = {"page": 1, "position": "rect: 10mm, 10mm, 80mm, 40mm", "field": "Firma", "border": "#102030",
                "text": [{"format": ["{name}"], "font": {"size": 9}, "text_align": "middle", "valign": "top", "colour": "#000000"}],
                "handwriting": {"strokes": [[[0, 0], [10, 10, 500]]]}, "picture_place": "left"}
        yield {}, {}, {**ids, "SAD": self.permission(pdf), "documents": [{
            **example["documents"][0], "document": b64(pdf), "signature_format": "P", "signed_envelope_property": "Certification",
            "certification_level": 2, "visible_signature": seen}]}

    def good_cscSignaturesSignPolling(self, example):
        hashes = [secrets.token_bytes(32)]
        answer = self.client.try_sign(self.credential.id, self.client.authorize(self.credential, hashes), hashes, operationMode="A")
        time.sleep(1)
        yield {}, {}, {**example, "requestID": answer.json["responseID"]}
        yield {}, {}, {"requestID": answer.json["responseID"], "clientData": "x"}

    def good_prepareDocument(self, example):
        yield {}, {}, {**example, "credentialID": self.credential.id}

    def good_completeDocument(self, example):
        prepared = copy.deepcopy(self.operations["prepareDocument"].example)
        made = self.client.expect("POST", "/v1/documents/prepare", {**prepared, "credentialID": self.credential.id})
        raw = [base64.b64decode(made["hash"])]
        signature, = self.client.sign(self.credential, self.client.authorize(self.credential, raw), raw)
        yield {}, {}, {**example, "documentID": made["documentID"], "signature": b64(signature)}

    def good_extendDocument(self, example):
        pdf = CONTRACT.read_bytes()
        signed, = self.client.expect("POST", "/csc/v2/signatures/signDoc", {
            "credentialID": self.credential.id, "SAD": self.permission(pdf), "documents": [{
                "document": b64(pdf), "signature_format": "P", "signAlgo": "1.2.840.10045.4.3.2"}]})["DocumentWithSignature"]
        yield {}, {}, {**example, "document": signed}
        cms, = self.client.expect("POST", "/csc/v2/signatures/signDoc", {
            "credentialID": self.credential.id, "SAD": self.permission(b"text"), "documents": [{
                "document": b64(b"text"), "signature_format": "C", "signAlgo": "1.2.840.10045.4.3.2",
                "signed_envelope_property": "Detached"}]})["SignatureObject"]
        yield {}, {}, {"document": cms, "signature_format": "C", "conformance_level": "ades-lta", "content": b64(b"text")}

    def good_createSigner(self, example):
        yield {}, {}, example

    def good_listSigners(self, _):
        self.client.signer(externalReference="crm 4712", organization="ACME", phone="+39 1", language="it")
        first = self.client.expect("GET", "/v1/signers?limit=1")["next"]
        yield {}, {}, None
        yield {}, {"limit": "1", "after": first}, None
        yield {}, {"externalReference": "crm%204712"}, None

    def good_getSigner(self, _):
        whole = copy.deepcopy(self.operations["createSigner"].example)
        yield {"signerID": self.client.expect("POST", "/v1/signers", whole)["signerID"]}, {}, None

    def good_enrolFactor(self, example):
        ids = {"signerID": self.client.signer()}
        yield ids, {}, example
        yield ids, {}, {"type": "hotp"}
        yield ids, {}, {"type": "pin", "pin": PIN}

    def good_listFactors(self, _):
        signer = self.client.signer()
        self.client.factor(signer, "totp")
        yield {"signerID": signer}, {}, None

    def good_deleteFactor(self, _):
        signer = self.client.signer()
        yield {"signerID": signer, "factorID": self.client.factor(signer, "totp")["factorID"]}, {}, None

    def good_changePin(self, example):
        signer = self.client.signer()
        factor = self.client.factor(signer, "pin", pin=example["old"])["factorID"]
        yield {"signerID": signer, "factorID": factor}, {}, example
        yield {"signerID": signer, "factorID": factor}, {}, {"old": example["new"], "new": example["old"]}

    def good_createCredential(self, example):
        signer = self.client.signer()
        factor = self.client.factor(signer, "totp")["factorID"]
        yield {}, {}, {**example, "signerID": signer}
        yield {}, {}, {**example, "signerID": signer, "factors": {"totp": factor}, "multisign": 1000, "disposable": False,
                       "certificate": {"source": "csr"}}

    def pending(self):
        """A credential that waits for its certificate: its id, its CSR."""
        made = self.client.expect("POST", "/v1/credentials", {
            "signerID": self.client.signer(), "class": "simple", "key": {"algo": "EC-P256"}, "activation": "click",
            "certificate": {"source": "csr"}})
        return made["credentialID"], base64.b64decode(made["csr"])

    def good_setCertificate(self, example):
        credential, csr = self.pending()
        yield {"credentialID": credential}, {}, {**example, "chain": [b64(c) for c in self.ca.chain_for(csr)]}

    def good_setStatus(self, example):
        ids = {"credentialID": self.client.credential_by_click().id}
        yield ids, {}, example
        yield ids, {}, {"status": "active"}
        yield ids, {}, {"status": "revoked", "reason": "keyCompromise"}

    def good_deleteCredential(self, _):
        yield {"credentialID": self.client.credential_by_click().id}, {}, None

    def good_listUses(self, _):
        for n in range(3):
            hashes = [secrets.token_bytes(32)]
            self.client.sign(self.credential, self.client.authorize(self.credential, hashes), hashes)
        ids = {"credentialID": self.credential.id}
        yield ids, {"limit": "2"}, None
        yield ids, {"limit": "1000", "after": "0"}, None

    def good_health(self, _):
        yield {}, {}, None

    def good_metrics(self, _):
        yield {}, {}, None

    def good_openapi(self, _):
        yield {}, {}, None

    def credential_by(self, policy):
        signer = self.client.signer()
        for kind in ("pin", "totp", "hotp"):
            self.client.factor(signer, kind, **({"pin": PIN} if kind == "pin" else {}))
        return self.client.credential(signer, policy).id

    # ---- answers ------------------------------------------------------------------------------------------------------------

    def send(self, operation, ids, query, body, client=None, headers=None):
        path = re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], operation.path)
        if query:
            path += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        return (client or self.client).request(operation.method, path, body, headers)

    def holds(self, operation, answer):
        """The answer is one that the operation describes."""
        response = operation.responses.get(str(answer.status))
        self.assertIsNotNone(response, f"{operation} answered {answer.status}, which it does not describe: {answer.body[:300]}")
        for name in response.get("headers", {}):
            self.assertIn(name.lower(), answer.headers, f"{operation} {answer.status}")
        content = response.get("content")
        if content is None:
            self.assertEqual(b"", answer.body)
            return
        media_type = answer.headers["content-type"].split(";")[0]
        self.assertIn(media_type, content, f"{operation} {answer.status}")
        value = answer.json if media_type.endswith("json") else answer.body.decode("utf-8")
        schema = self.description.inlined(content[media_type]["schema"], closed=True)
        errors = [f"{'/'.join(map(str, e.path))}: {e.message[:300]}"
                  for e in Validator(schema, format_checker=FORMATS).iter_errors(value)]
        self.assertEqual([], errors, f"{operation} {answer.status}: {answer.body[:600]}")

    def refused(self, operation, what, ids, query, body, headers=None):
        answer = self.send(operation, ids, query, body, headers=headers)
        with self.subTest(operation=operation.id, what=what):
            self.assertTrue(400 <= answer.status < 500, f"{answer.status} {answer.body[:300]}")
            self.holds(operation, answer)

    # ---- the tests ------------------------------------------------------------------------------------------------------------

    def test_the_served_description_is_the_repository_s_and_names_exactly_the_routes_of_the_server(self):
        self.assertEqual((harness.REPOSITORY / "api/openapi.yaml").read_text(encoding="utf-8"), self.text)
        self.assertEqual("3.1.0", self.description.document["openapi"])
        described = {}
        for operation in self.operations.values():
            described.setdefault(operation.path, set()).add(operation.method)
        for path, methods in described.items():
            concrete = re.sub(r"\{\w+\}", lambda _: secrets.token_hex(16), path)
            answer = self.client.request("PATCH", concrete)
            self.assertEqual((405, methods), (answer.status, set(answer.headers["allow"].split(", "))), path)
        # The server counts by the patterns of its own table: whatever it has answered by now, it answered by a route of ours.
        metrics = self.client.request("GET", "/metrics").body.decode()
        routes = set(re.findall(r'sigillo_api_requests_total\{method="([A-Z]+)",route="(/[^"]*)"', metrics))
        self.assertLessEqual(routes, {(o.method, o.path) for o in self.operations.values()})

    def test_examples_of_requests_and_answers_fit_their_schemas(self):
        plain = jsonschema.Draft202012Validator  # examples cut base64 short
        for operation in self.operations.values():
            contents = [("request", operation.node.get("requestBody", {}).get("content", {}))]
            contents += [(code, response.get("content", {})) for code, response in operation.responses.items()]
            for where, content in contents:
                for media in content.values():
                    plain.check_schema(self.description.inlined(media["schema"]))
                    if "example" in media:
                        schema = self.description.inlined(media["schema"], closed=where != "request")
                        with self.subTest(operation=operation.id, where=where):
                            self.assertEqual([], [e.message for e in plain(schema).iter_errors(media["example"])])

    def test_a_good_request_of_every_operation_is_answered_as_described(self):
        for operation in self.operations.values():
            for ids, query, body in self.good(operation):
                with self.subTest(operation=operation.id, body=json.dumps(body)[:200]):
                    if operation.body is not None:
                        self.assertEqual([], [e.message for e in Validator(operation.body).iter_errors(body)])
                    answer = self.send(operation, ids, query, body)
                    self.assertTrue(200 <= answer.status < 300, f"{answer.status} {answer.body[:300]}")
                    self.holds(operation, answer)
                    if any(p["name"] == "Idempotency-Key" for p in operation.parameters):
                        key = {"Idempotency-Key": secrets.token_hex(8)}
                        self.holds(operation, self.send(operation, ids, query, body, headers=key))

    def test_bad_requests_of_every_operation_are_refused_as_described(self):
        for operation in self.operations.values():
            ids, query, body = self.good(operation)[0]
            tried = 0
            for what, wrong in flaws(operation.body, body) if operation.body else ():
                self.assertFalse(Validator(operation.body).is_valid(wrong), f"{operation}: {what}")
                self.refused(operation, what, ids, query, json.dumps(wrong).encode(), {"Content-Type": "application/json"})
                tried += 1
            for parameter in operation.parameters:
                name = parameter["name"]
                schema = self.description.inlined(parameter["schema"])
                if parameter["in"] == "path":
                    for bad in ("x", "A" * 32, secrets.token_hex(16)):
                        self.refused(operation, f"{name} of nothing", {**ids, name: bad}, query, body)
                        tried += 1
                    continue
                for what, wrong in flaws(schema, None, name):
                    if schema["type"] == "string" and isinstance(wrong, int):
                        continue  # every query value is a string
                    wrong = str(wrong).replace(" ", "%20")
                    if parameter["in"] == "query":
                        self.refused(operation, what, ids, {**query, name: wrong}, body)
                    else:
                        self.refused(operation, what, ids, query, body, {name: wrong})
                    tried += 1
            if any(p["in"] == "query" for p in operation.parameters):
                self.refused(operation, "a surplus query parameter", ids, {**query, "surplus": "1"}, body)
            if not tried:
                self.refused_method(operation)

    def refused_method(self, operation):
        """An operation that takes nothing can only be asked by another method: an error of the path's kind."""
        answer = self.client.request("PUT", operation.path, {"a": 1})
        csc = operation.path.startswith("/csc/")
        self.assertEqual(405, answer.status)
        self.assertEqual("application/json" if csc else "application/problem+json", answer.headers["content-type"])
        schema = self.description.document["components"]["schemas"]["CscError" if csc else "Problem"]
        self.assertEqual([], [e.message for e in Validator(self.description.inlined(schema, True)).iter_errors(answer.json)])

    def test_an_unregistered_client_is_refused_as_described_wherever_clients_are_asked_for(self):
        for operation in self.operations.values():
            ids, query, body = self.good(operation)[0]
            answer = self.send(operation, ids, query, body, self.stranger)
            with self.subTest(operation=operation.id):
                self.assertEqual("403" in operation.responses, answer.status == 403, answer.body[:300])
                self.holds(operation, answer)


if __name__ == "__main__":
    unittest.main()
