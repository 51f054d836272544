# ctest: TIMEOUT 180
"""Activation as the orchestration API sees it: what an OTP, a SAD and click evidence permit, once, and in which words
everything else is refused. tests/README.md, 13, 16 to 19, 21, 23."""
import base64
import json
import os
import time
import unittest

import api_client
import harness
from api_client import ECDSA_SHA256, SHA256, SHA384, b64, click_evidence, digest, signature_holds
from harness import at_once

INVALID_OTP = (400, "invalid_otp", "The OTP is invalid")
INVALID_DATA = (400, "invalid_authentication_data", "The authentication data is invalid")


def refused(description):
    return (400, "invalid_request", description)


def hashes(*names):
    return [digest(name.encode()) for name in names]


class Otp(harness.InstanceTest):
    # A machine where tests run side by side counts failures of many: the client's budget is not what is tried here.
    SETTINGS = {"activation.client_failures": 10000}

    def connected(self, count):
        """TLS connections that are open already, so that the requests meet."""
        connections = [self.client.connect() for _ in range(count)]
        for connection in connections:
            connection.connect()
            self.addCleanup(connection.close)
        return connections

    def race(self, count, body):
        """The same authorize on `count` connections at once: their statuses and bodies."""
        connections = self.connected(count)

        def ask(number):
            connections[number].request("POST", "/csc/v2/credentials/authorize", json.dumps(body),
                                        {"Content-Type": "application/json"})
            answer = connections[number].getresponse()
            return answer.status, json.loads(answer.read())
        return at_once(count, ask)

    def body(self, credential, wanted, code):
        return {"credentialID": credential.id, "numSignatures": len(wanted), "hashes": [b64(h) for h in wanted],
                "hashAlgorithmOID": SHA256, "authData": [{"id": "totp", "value": code}]}

    def test_activation_the_same_otp_on_two_connections_is_accepted_once(self):
        for _ in range(5):
            self.one_of(2)

    def test_activation_the_same_otp_on_twenty_connections_is_accepted_once(self):
        self.one_of(20)

    def one_of(self, count):
        # As many wrong ones as connections must not lock the credential before the right one had its turn: it has
        # it at the first, since all show the right code.
        credential = self.client.credential_by_totp()
        wanted = hashes(os.urandom(8).hex())
        answers = self.race(count, self.body(credential, wanted, credential.otp.now()))
        granted = [body for status, body in answers if status == 200]
        self.assertEqual(1, len(granted), answers)
        for status, body in answers:
            if status != 200:
                self.assertIn((status, body["error"], body["error_description"]), (INVALID_OTP, refused("Credential locked")))
        self.client.sign(credential, granted[0]["SAD"], wanted)
        self.assertEqual(1, len(self.client.expect("GET", f"/v1/credentials/{credential.id}/uses")["uses"]))

    def test_activation_wrong_otps_in_parallel_lock_after_exactly_five(self):
        credential = self.client.credential_by_totp()
        wanted = hashes("never")
        answers = self.race(20, self.body(credential, wanted, credential.otp.wrong()))
        seen = sorted((status, body["error"], body["error_description"]) for status, body in answers)
        self.assertEqual([INVALID_OTP] * 5, [s for s in seen if s == INVALID_OTP])
        self.assertEqual([refused("Credential locked")] * 15, [s for s in seen if s != INVALID_OTP])
        # Locked for the right one as well.
        right = self.client.try_authorize(credential.id, wanted, {"totp": credential.otp.now()})
        self.assertEqual(refused("Credential locked"), right.error)
        # Until an officer unlocks it; then the count starts anew.
        self.instance.ctl("factor", "unlock", "--credential", credential.id, "--reason", "test")
        for _ in range(4):
            wrong = self.client.try_authorize(credential.id, wanted, {"totp": credential.otp.wrong()})
            self.assertEqual(INVALID_OTP, wrong.error)
        self.client.sign(credential, self.client.authorize(credential, wanted), wanted)

    def test_activation_a_right_otp_starts_the_count_anew(self):
        credential = self.client.credential_by_totp()
        wanted = hashes("a")
        for _ in range(4):
            self.client.try_authorize(credential.id, wanted, {"totp": credential.otp.wrong()})
        self.client.authorize(credential, wanted)
        for _ in range(4):
            wrong = self.client.try_authorize(credential.id, wanted, {"totp": credential.otp.wrong()})
            self.assertEqual(INVALID_OTP, wrong.error)

    def test_activation_otps_of_another_time_or_shape_are_refused(self):
        credential = self.client.credential_by_totp()
        wanted, now = hashes("a"), time.time()
        codes = [credential.otp.at(now - 300), credential.otp.at(now + 300), credential.otp.now()[:-1],
                 credential.otp.now() + "0"]
        for code in codes:
            if code in (credential.otp.at(now + 30 * n) for n in range(-2, 4)):
                continue  # the one in a million
            self.instance.ctl("factor", "unlock", "--credential", credential.id)
            self.assertEqual(INVALID_OTP, self.client.try_authorize(credential.id, wanted, {"totp": code}).error, code)

    def test_activation_a_factor_enrolled_later_does_not_serve_an_existing_credential(self):
        credential = self.client.credential_by_totp()
        own = api_client.Otp(self.client.factor(credential.signer, "totp")["otpauth"])
        answer = self.client.try_authorize(credential.id, hashes("a"), {"totp": own.now()})
        self.assertEqual(INVALID_OTP, answer.error)


class Sad(harness.InstanceTest):

    def setUp(self):
        self.credential = self.client.credential_by_click()

    def sign(self, sad, wanted, **fields):
        return self.client.try_sign(self.credential.id, sad, wanted, **fields)

    def signed_in_log(self):
        uses = self.client.expect("GET", f"/v1/credentials/{self.credential.id}/uses")["uses"]
        return [use["hash"] for use in uses if use["outcome"] == "signed"]

    def test_activation_a_sad_for_one_hash_signs_no_other_and_the_refusal_is_logged(self):
        a, b = hashes("a"), hashes("b")
        sad = self.client.authorize(self.credential, a)
        not_authorized = refused("Hash is not authorized by the SAD")
        for wanted in (b, a + b, b + a, [digest(b"a", "sha256")[:31] + b"\0"]):
            self.assertEqual(not_authorized, self.sign(sad, wanted).error)
        self.assertEqual(refused("Invalid digest value length"), self.sign(sad, [digest(b"a")[:31]]).error)
        self.assertEqual(refused("Empty hash array"), self.sign(sad, []).error)
        self.client.sign(self.credential, sad, a)
        self.assertEqual([b64(a[0])], self.signed_in_log())
        self.instance.signed_uses(self.credential.id, 1)
        shown = self.instance.audit("show", check=False).stdout
        self.assertIn("signing.refused", shown)

    def test_activation_a_sad_for_three_hashes_signs_each_of_them_once(self):
        a, b, c, d = hashes("a", "b", "c", "d")
        sad = self.client.authorize(self.credential, [a, b, c])
        not_authorized = refused("Hash is not authorized by the SAD")
        self.assertEqual(not_authorized, self.sign(sad, [a, b, c, d]).error)
        first = self.client.sign(self.credential, sad, [a])
        self.assertEqual(not_authorized, self.sign(sad, [a, b]).error)  # a in a second, different call
        rest = self.client.sign(self.credential, sad, [c, b])
        self.assertEqual(not_authorized, self.sign(sad, [b]).error)
        self.assertEqual(not_authorized, self.sign(sad, [b, c]).error)  # another order is another call
        # The identical calls are retries.
        self.assertEqual(first, self.client.sign(self.credential, sad, [a]))
        self.assertEqual(rest, self.client.sign(self.credential, sad, [c, b]))
        self.assertEqual(sorted(map(b64, (a, b, c))), sorted(self.signed_in_log()))
        for raw, signature in zip((c, b), rest):
            self.assertTrue(signature_holds(self.credential.certificate, raw, signature))

    def test_activation_one_hash_in_twenty_different_calls_at_once_is_signed_once(self):
        target = digest(b"the one")
        others = hashes(*map(str, range(20)))
        sad = self.client.authorize(self.credential, [target, *others])
        answers = at_once(20, lambda n: self.sign(sad, [target, others[n]]))
        self.assertEqual(1, sum(answer.status == 200 for answer in answers), [a.body for a in answers])
        self.assertEqual(1, self.signed_in_log().count(b64(target)))

    def test_activation_the_identical_call_on_twenty_connections_gets_one_signature(self):
        wanted = hashes("a", "b")
        sad = self.client.authorize(self.credential, wanted)
        answers = at_once(20, lambda _: self.sign(sad, wanted))
        # Few may wait for a call under way, each in a thread: others are told to come back, and get the same.
        self.assertLessEqual({answer.status for answer in answers}, {200, 503}, [a.body for a in answers])
        answers = [answer if answer.status == 200 else self.sign(sad, wanted) for answer in answers]
        self.assertEqual({200}, {answer.status for answer in answers})
        self.assertEqual(1, len({answer.body for answer in answers}))
        self.assertEqual(2, len(self.signed_in_log()))

    def test_activation_a_sad_is_for_its_credential_algorithm_and_text_alone(self):
        wanted = hashes("a")
        sad = self.client.authorize(self.credential, wanted)
        other = self.client.credential_by_click()
        invalid = refused("Invalid parameter SAD")
        self.assertEqual(invalid, self.client.try_sign(other.id, sad, wanted).error)
        for text in (sad[:-1], sad + "A", sad.swapcase(), base64.b64encode(os.urandom(32)).decode(), "x"):
            self.assertEqual(invalid, self.sign(text, wanted).error, text)
        self.assertEqual(refused("Missing (or invalid type) string parameter SAD"),
                         self.client.request("POST", "/csc/v2/signatures/signHash", {
                             "credentialID": self.credential.id, "hashes": [b64(wanted[0])], "signAlgo": ECDSA_SHA256,
                             "hashAlgorithmOID": SHA256}).error)
        self.assertEqual(refused("String parameter hashAlgorithmOID contradicts with signAlgo parameter"),
                         self.sign(sad, wanted, algorithm=SHA384).error)
        self.assertEqual(refused("Invalid parameter signAlgo"),
                         self.sign(sad, wanted, sign_algorithm="1.2.840.113549.1.1.11").error)
        self.assertEqual(refused("Invalid parameter operationMode"), self.sign(sad, wanted, operationMode="X").error)
        self.client.sign(self.credential, sad, wanted)

    def test_activation_authorize_refuses_in_the_words_of_the_standard(self):
        (a,) = hashes("a")
        evidence = {"click": click_evidence([a])}
        ask = self.client.try_authorize
        for expected, answer in (
                (refused("Invalid value for parameter numSignatures"), ask(self.credential.id, [a], evidence, numSignatures=2)),
                (refused("Invalid value for parameter numSignatures"), ask(self.credential.id, [a], evidence, numSignatures=0)),
                (refused("Numbers of signatures is too high"),
                 ask(self.credential.id, hashes(*map(str, range(101))), evidence)),
                (refused("Empty hash array"), ask(self.credential.id, [], evidence, numSignatures=1)),
                (refused("Invalid parameter credentialID"), ask("0" * 32, [a], evidence)),
                (refused("Invalid parameter hashAlgorithmOID"), ask(self.credential.id, [a], evidence, algorithm="1.3.14.3.2.26")),
                (refused("Invalid Base64 hash string parameter"), self.authorize_with(hashes=["_-"])),
                (refused("Invalid digest value length"), ask(self.credential.id, [a[:20]], evidence)),
                (refused("Missing (or invalid type) integer parameter numSignatures"),
                 ask(self.credential.id, [a], evidence, numSignatures="1")),
                (refused("Missing (or invalid type) array parameter hash"), self.authorize_with(hashes="a")),
                (INVALID_DATA, ask(self.credential.id, [a], {}))):
            self.assertEqual(expected, answer.error)
        self.assertEqual(400, ask(self.credential.id, [a, a], {"click": click_evidence([a, a])}).status)  # one hash twice
        self.assertEqual(400, ask(self.credential.id, [a], {**evidence, "pin": "271828"}).status)  # no factor of the policy
        self.assertEqual([], self.signed_in_log())
        self.assertEqual(200, ask(self.credential.id, [a], evidence).status)

    def authorize_with(self, **fields):
        """authorize of one good hash, some fields in another way."""
        (raw,) = hashes("a")
        return self.client.request("POST", "/csc/v2/credentials/authorize", {
            "credentialID": self.credential.id, "numSignatures": 1, "hashes": [b64(raw)], "hashAlgorithmOID": SHA256,
            "authData": [{"id": "click", "value": click_evidence([raw])}], **fields})

    # ---- extendTransaction -------------------------------------------------------------------------------------------

    def extend(self, sad, wanted):
        return self.client.request("POST", "/csc/v2/credentials/extendTransaction", {
            "credentialID": self.credential.id, "SAD": sad, "hashes": [b64(h) for h in wanted], "hashAlgorithmOID": SHA256})

    def test_activation_extend_transaction_renews_what_is_unused_and_voids_the_old_sad(self):
        a, b, c, d = hashes("a", "b", "c", "d")
        sad = self.client.authorize(self.credential, [a, b, c])
        signed = self.client.sign(self.credential, sad, [a])
        not_authorized = refused("Hash is not authorized by the SAD")
        for wanted in ([a], [a, b], [d], [b, d]):
            self.assertEqual(not_authorized, self.extend(sad, wanted).error)
        fresh = self.extend(sad, [b])
        self.assertEqual(200, fresh.status, fresh.body)
        self.assertLessEqual(fresh.json["expiresIn"], 300)
        invalid = refused("Invalid parameter SAD")
        self.assertEqual(invalid, self.sign(sad, [b]).error)
        self.assertEqual(invalid, self.sign(sad, [c]).error)
        self.assertEqual(invalid, self.extend(sad, [c]).error)
        self.assertEqual(signed, self.client.sign(self.credential, sad, [a]), "a retry outlives its SAD")
        fresh_sad = fresh.json["SAD"]
        self.assertEqual(not_authorized, self.sign(fresh_sad, [c]).error)
        self.client.sign(self.credential, fresh_sad, [b])
        self.assertEqual(2, len(self.signed_in_log()))

    # ---- tests/README.md, 21 ------------------------------------------------------------------------------------------

    def test_activation_click_evidence_is_for_its_hashes_its_time_and_one_use(self):
        a, b = hashes("a", "b")
        evidence = click_evidence([a])
        ask = self.client.try_authorize
        self.assertEqual(INVALID_DATA, ask(self.credential.id, [b], {"click": evidence}).error)
        self.assertEqual(INVALID_DATA, ask(self.credential.id, [a, b], {"click": evidence}).error)
        self.assertEqual(INVALID_DATA, ask(self.credential.id, [b, a], {"click": click_evidence([a, b])}).error)
        self.assertEqual(200, ask(self.credential.id, [a], {"click": evidence}).status)
        self.assertEqual(INVALID_DATA, ask(self.credential.id, [a], {"click": evidence}).error)  # its nonce is used
        fields = json.loads(evidence)
        for seconds in (-400, 400):
            other = {**fields, "time": fields["time"] + seconds, "nonce": b64(os.urandom(16))}
            self.assertEqual(INVALID_DATA, ask(self.credential.id, [a], {"click": json.dumps(other)}).error)
        short = {**fields, "nonce": b64(os.urandom(15))}
        self.assertEqual(INVALID_DATA, ask(self.credential.id, [a], {"click": json.dumps(short)}).error)
        for text in ("", "{}", "null", "[" * 5000, evidence[:-1], evidence + evidence):
            self.assertEqual(INVALID_DATA, ask(self.credential.id, [a], {"click": text}).error, text[:50])

    def test_activation_one_click_on_twenty_connections_is_accepted_once(self):
        wanted = hashes("a")
        evidence = click_evidence(wanted)
        answers = at_once(20, lambda _: self.client.try_authorize(self.credential.id, wanted, {"click": evidence}))
        self.assertEqual(1, sum(answer.status == 200 for answer in answers))

    # ---- tests/README.md, 23 ------------------------------------------------------------------------------------------

    def test_activation_clients_that_hang_up_get_the_same_signature_on_their_retry(self):
        """They send the whole request and are gone before the answer: what was spent is not lost to them."""
        wanted = hashes(*(f"document {n}" for n in range(24)))
        sads = [self.client.authorize(self.credential, [h]) for h in wanted]
        for raw, sad in zip(wanted, sads):
            connection = self.client.connect()
            connection.request("POST", "/csc/v2/signatures/signHash", json.dumps({
                "credentialID": self.credential.id, "SAD": sad, "hashes": [b64(raw)], "hashAlgorithmOID": SHA256,
                "signAlgo": ECDSA_SHA256}), {"Content-Type": "application/json"})
            connection.close()
        harness.wait_until(lambda: len(self.signed_in_log()) == len(wanted), 30, "all calls carried out")
        for raw, sad in zip(wanted, sads):
            (first,), (second,) = (self.client.sign(self.credential, sad, [raw]) for _ in range(2))
            self.assertEqual(first, second)
            self.assertTrue(signature_holds(self.credential.certificate, raw, first))
        self.assertEqual(len(wanted), len(self.signed_in_log()))
        uses = {use["hash"]: use["signatureSHA256"]
                for use in self.client.expect("GET", f"/v1/credentials/{self.credential.id}/uses")["uses"]}
        (again,) = self.client.sign(self.credential, sads[0], [wanted[0]])
        self.assertEqual(b64(digest(again)), uses[b64(wanted[0])])


if __name__ == "__main__":
    unittest.main()
