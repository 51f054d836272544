# ctest: TIMEOUT 180
"""The other factors end to end: a PIN that seals the key, counters (HOTP), policies of several factors; and credentials
that are suspended, revoked or deleted while they are at work. tests/README.md, 16 and 22."""
import json
import os
import unittest

import harness
from api_client import Otp, b64, click_evidence, digest, signature_holds

PIN = "271828"
INVALID_OTP = (400, "invalid_otp", "The OTP is invalid")
INVALID_DATA = (400, "invalid_authentication_data", "The authentication data is invalid")
DISABLED = (400, "invalid_request", "The credential identified by credentialID is disabled")
LOCKED = (400, "invalid_request", "Credential locked")
INVALID_SAD = (400, "invalid_request", "Invalid parameter SAD")


class Factors(harness.InstanceTest):
    SETTINGS = {"activation.client_failures": 10000}

    def setUp(self):
        self.hashes = [digest(os.urandom(8))]

    def signer_with(self, *kinds):
        """A new signer's id, and what each factor is shown with."""
        signer, shown = self.client.signer(), {}
        for kind in kinds:
            enrolled = self.client.factor(signer, kind, **({"pin": PIN} if kind == "pin" else {}))
            shown[kind] = PIN if kind == "pin" else Otp(enrolled["otpauth"])
        return signer, shown

    def ask(self, credential, **factors):
        return self.client.try_authorize(credential.id, self.hashes, factors)

    def signs(self, credential, **factors):
        """The factors activate the key, and what it signs holds."""
        answer = self.ask(credential, **factors)
        self.assertEqual(200, answer.status, answer.body)
        (signature,) = self.client.sign(credential, answer.json["SAD"], self.hashes)
        self.assertTrue(signature_holds(credential.certificate, self.hashes[0], signature))

    def test_activation_a_pin_opens_the_key_that_it_seals_and_no_other_pin_does(self):
        signer, _ = self.signer_with("pin")
        credential = self.client.credential(signer, "pin")
        self.assertEqual(INVALID_DATA, self.ask(credential, pin="271829").error)
        self.assertEqual(INVALID_DATA, self.ask(credential, pin="").error)
        self.signs(credential, pin=PIN)
        self.signs(credential, pin=PIN)  # a PIN is no OTP
        self.instance.restart("sigillod")
        harness.wait_until(self.instance.healthy)
        self.signs(credential, pin=PIN)

    def test_activation_a_key_sealed_by_a_pin_signs_a_batch_and_its_retry(self):
        signer, _ = self.signer_with("pin")
        credential = self.client.credential(signer, "pin")
        self.hashes = [digest(os.urandom(8)) for _ in range(5)]
        sad = self.ask(credential, pin=PIN).json["SAD"]
        first = self.client.sign(credential, sad, self.hashes[:2])
        self.client.sign(credential, sad, self.hashes[2:])
        self.assertEqual(first, self.client.sign(credential, sad, self.hashes[:2]))

    def test_activation_wrong_pins_lock_after_exactly_five(self):
        signer, _ = self.signer_with("pin")
        credential = self.client.credential(signer, "pin")
        for _ in range(5):
            self.assertEqual(INVALID_DATA, self.ask(credential, pin="271829").error)
        self.assertEqual(LOCKED, self.ask(credential, pin=PIN).error)
        self.shows_lock(credential, True)
        self.instance.ctl("factor", "unlock", "--credential", credential.id)
        self.shows_lock(credential, False)
        self.signs(credential, pin=PIN)

    def shows_lock(self, credential, locked):
        """Client and officer see it: a key that cannot be activated is not enabled, and the reason is told."""
        info = self.client.info(credential.id)
        self.assertEqual("disabled" if locked else "enabled", info["key"]["status"])
        self.assertEqual("Locked after too many wrong factors" if locked else None, info.get("description"))
        valid = self.client.expect("POST", "/csc/v2/credentials/list", {"userID": credential.signer, "onlyValid": True})
        self.assertEqual([] if locked else [credential.id], valid["credentialIDs"])
        self.assertEqual(locked, self.instance.ctl("credential", "show", credential.id)["locked"])

    def change_pin(self, signer, factor, old, new, headers=None):
        return self.client.request("POST", f"/v1/signers/{signer}/factors/{factor}/pin", {"old": old, "new": new}, headers)

    def test_a_pin_that_was_changed_opens_the_same_key_and_the_old_one_nothing(self):
        signer = self.client.signer()
        factor = self.client.factor(signer, "pin", pin=PIN)["factorID"]
        credential = self.client.credential(signer, "pin")
        key = {"Idempotency-Key": "change-1"}
        answers = [self.change_pin(signer, factor, PIN, "314159", key) for _ in range(2)]  # a lost answer, asked for again
        self.assertEqual([204, 204], [answer.status for answer in answers], answers[1].body)
        self.assertEqual(INVALID_DATA, self.ask(credential, pin=PIN).error)
        self.signs(credential, pin="314159")
        self.instance.restart("sigillod")
        harness.wait_until(self.instance.healthy)
        self.signs(credential, pin="314159")

    def test_repetitions_of_a_change_at_the_same_time_are_one_and_no_wrong_tries(self):
        signer = self.client.signer()
        factor = self.client.factor(signer, "pin", pin=PIN)["factorID"]
        credential = self.client.credential(signer, "pin")
        answers = harness.at_once(10, lambda _: self.change_pin(signer, factor, PIN, "314159", {"Idempotency-Key": "change-2"}))
        self.assertEqual([204] * 10, [answer.status for answer in answers], [answer.body for answer in answers])
        for _ in range(4):  # none of the five tries is used up
            self.assertEqual(INVALID_DATA, self.ask(credential, pin=PIN).error)
        self.signs(credential, pin="314159")

    def test_guessing_a_pin_by_changing_it_locks_after_exactly_five(self):
        signer = self.client.signer()
        factor = self.client.factor(signer, "pin", pin=PIN)["factorID"]
        credential = self.client.credential(signer, "pin")
        answers = harness.at_once(20, lambda n: self.change_pin(signer, factor, f"27182{n:02}", "314159"))
        self.assertEqual([400] * 5 + [409] * 15, sorted(answer.status for answer in answers))
        self.assertEqual(LOCKED, self.ask(credential, pin=PIN).error)
        self.shows_lock(credential, True)
        self.instance.ctl("factor", "unlock", "--credential", credential.id)
        for weak in ("1234567", "111111", PIN):
            refused = self.change_pin(signer, factor, PIN, weak)
            self.assertEqual((400, "new"), (refused.status, refused.json["parameter"]), refused.body)
        self.assertEqual(204, self.change_pin(signer, factor, PIN, "314159").status)

    def test_activation_weak_pins_are_refused_at_enrolment(self):
        signer = self.client.signer()
        for pin in ("", "12345", "111111", "123456", "654321", "1" * 200, "27182\n"):
            answer = self.client.request("POST", f"/v1/signers/{signer}/factors", {"type": "pin", "pin": pin})
            self.assertEqual((400, "pin"), (answer.status, answer.json.get("parameter")), answer.body)
            if len(pin) > 5:
                self.assertNotIn(pin, answer.body.decode())
        self.assertEqual([], self.client.expect("GET", f"/v1/signers/{signer}/factors")["factors"])

    def test_activation_pin_and_totp_wants_both_and_a_matching_otp_is_spent_with_a_wrong_pin(self):
        signer, shown = self.signer_with("pin", "totp")
        credential = self.client.credential(signer, "pin and totp")
        totp = shown["totp"]
        info = self.client.info(credential.id)["auth"]
        self.assertEqual({"pin", "totp"}, {item["id"] for item in info["objects"]})
        # One alone is no guess and costs nothing.
        for factors in ({"pin": PIN}, {"totp": totp.now()}, {}):
            self.assertEqual(INVALID_DATA, self.ask(credential, **factors).error)
        code = totp.now()
        wrong_pin = self.ask(credential, pin="271829", totp=code)
        wrong_otp = self.ask(credential, pin=PIN, totp=totp.wrong())
        # Which of the two was wrong is not told.
        self.assertEqual(INVALID_DATA, wrong_pin.error)
        self.assertEqual(wrong_pin.body, wrong_otp.body)
        self.assertEqual(INVALID_DATA, self.ask(credential, pin=PIN, totp=code).error, "the OTP was not spent")
        harness.wait_until(lambda: totp.now() != code, 35, "the next OTP")
        self.signs(credential, pin=PIN, totp=totp.now())

    def test_activation_hotp_accepts_each_counter_once_and_looks_ahead(self):
        signer, shown = self.signer_with("hotp")
        app = shown["hotp"]
        self.assertEqual("hotp", app.kind)
        credential = self.client.credential(signer, "hotp")
        first = app.next()
        self.signs(credential, hotp=first)
        self.assertEqual(INVALID_OTP, self.ask(credential, hotp=first).error)
        skipped = [app.next() for _ in range(3)]  # pressed and not used
        self.signs(credential, hotp=app.next())
        for code in skipped:
            self.assertEqual(INVALID_OTP, self.ask(credential, hotp=code).error)
        for _ in range(200):
            far = app.next()
        self.assertEqual(INVALID_OTP, self.ask(credential, hotp=far).error)

    def test_activation_policies_of_alternatives_take_either_branch(self):
        signer, shown = self.signer_with("totp", "hotp", "pin")
        credential = self.client.credential(signer, "pin and (totp or hotp)")
        self.signs(credential, pin=PIN, totp=shown["totp"].now())
        self.signs(credential, pin=PIN, hotp=shown["hotp"].next())
        self.assertEqual(INVALID_DATA, self.ask(credential, totp=shown["totp"].now(), hotp=shown["hotp"].next()).error)
        self.assertEqual(INVALID_DATA, self.ask(credential, pin=PIN).error)

    def test_activation_click_beside_an_authenticating_factor_does_not_replace_it(self):
        signer, shown = self.signer_with("totp")
        credential = self.client.credential(signer, "click and totp")
        click = lambda: click_evidence(self.hashes)  # noqa: E731
        self.assertEqual(INVALID_DATA, self.ask(credential, click=click()).error)
        self.signs(credential, click=click(), totp=shown["totp"].now())

    def refused_policy(self, policy, grade="advanced", signer=None, key="EC-P256", **fields):
        answer = self.client.request("POST", "/v1/credentials", {
            "signerID": signer or self.everyone, "class": grade, "key": {"algo": key}, "activation": policy,
            "certificate": {"source": "embedded"}, **fields})
        self.assertIn(answer.status, (400, 404, 409), (policy, answer.body))
        self.assertTrue(answer.json["detail"])
        return answer.json

    def test_activation_policies_that_do_not_protect_are_refused_with_a_reason(self):
        self.everyone, _ = self.signer_with("pin", "totp", "hotp")
        for policy in ("click", "click or totp", "totp or click", "(pin and totp) or click"):
            self.refused_policy(policy)
        self.refused_policy("pin or totp")  # a branch without the PIN that seals the key
        for policy in ("", "and", "totp and", "(totp", "totp)", "totp totp", "not totp", "TOTP;drop", "sms", "a" * 10_000,
                       "(" * 500 + "totp" + ")" * 500):
            self.refused_policy(policy)
        for word in ("otp_email", "otp_sms", "grapho"):
            self.assertIn("not available yet", self.refused_policy(word)["detail"])
        self.refused_policy("totp", key="RSA-2048")
        self.refused_policy("totp", grade="qualified", key="RSA-2048")
        self.refused_policy("totp", signer=self.client.signer())  # has none
        self.refused_policy("totp", disposable=True)
        self.refused_policy("totp", multisign=1001)
        self.assertEqual([], self.client.expect("POST", "/csc/v2/credentials/list", {"userID": self.everyone})["credentialIDs"])

    def test_activation_with_two_factors_of_a_type_the_credential_says_which(self):
        signer, shown = self.signer_with("totp")
        second = self.client.factor(signer, "totp")
        self.refused_policy("totp", signer=signer)
        credential = self.client.credential(signer, "totp", factors={"totp": second["factorID"]})
        self.assertEqual(INVALID_OTP, self.ask(credential, totp=shown["totp"].now()).error)
        self.signs(credential, totp=Otp(second["otpauth"]).now())

    # ---- tests/README.md, 22 ------------------------------------------------------------------------------------------

    def set_status(self, credential, status):
        return self.client.request("POST", f"/v1/credentials/{credential.id}/status", {"status": status, "reason": "test"})

    def activated(self):
        """A credential whose key is in the cache, and a SAD that is good."""
        credential = self.client.credential_by_click()
        self.signs(credential, click=click_evidence(self.hashes))
        self.hashes = [digest(os.urandom(8))]
        return credential, self.ask(credential, click=click_evidence(self.hashes)).json["SAD"]

    def test_activation_a_suspended_credential_is_unusable_at_once_and_usable_when_resumed(self):
        credential, sad = self.activated()
        self.assertEqual(204, self.set_status(credential, "suspended").status)
        self.assertEqual(DISABLED, self.client.try_sign(credential.id, sad, self.hashes).error)
        self.assertEqual(DISABLED, self.ask(credential, click=click_evidence(self.hashes)).error)
        self.assertEqual("disabled", self.client.info(credential.id)["key"]["status"])
        self.assertEqual(204, self.set_status(credential, "active").status)
        self.assertEqual(INVALID_SAD, self.client.try_sign(credential.id, sad, self.hashes).error)
        extended = self.client.request("POST", "/csc/v2/credentials/extendTransaction", {
            "credentialID": credential.id, "SAD": sad, "hashes": [b64(one) for one in self.hashes],
            "hashAlgorithmOID": "2.16.840.1.101.3.4.2.1"})
        self.assertEqual(INVALID_SAD, extended.error)
        self.signs(credential, click=click_evidence(self.hashes))

    def test_activation_a_revoked_credential_is_unusable_at_once_and_for_ever(self):
        credential, sad = self.activated()
        self.assertEqual(204, self.set_status(credential, "revoked").status)
        for _ in range(2):
            self.assertEqual(DISABLED, self.client.try_sign(credential.id, sad, self.hashes).error)
            self.assertEqual(DISABLED, self.ask(credential, click=click_evidence(self.hashes)).error)
            self.assertEqual(409, self.set_status(credential, "active").status)
            self.assertEqual(409, self.set_status(credential, "suspended").status)
            self.instance.restart("sigillod")
            harness.wait_until(self.instance.healthy)
        self.assertEqual(204, self.set_status(credential, "revoked").status)  # asked again: it is
        self.assertEqual([], self.client.expect("POST", "/csc/v2/credentials/list",
                                                {"userID": credential.signer, "onlyValid": True})["credentialIDs"])

    def test_activation_an_officer_s_suspension_holds_for_the_client_as_well(self):
        credential, sad = self.activated()
        self.instance.ctl("credential", "suspend", credential.id, "--reason", "test")
        self.assertEqual(DISABLED, self.client.try_sign(credential.id, sad, self.hashes).error)
        self.instance.ctl("credential", "resume", credential.id, "--reason", "test")
        self.signs(credential, click=click_evidence(self.hashes))

    def test_activation_a_deleted_credential_is_gone_and_the_log_keeps_its_uses(self):
        credential, sad = self.activated()
        nobody = (400, "invalid_request", "Invalid parameter credentialID")
        self.assertEqual(204, self.client.request("DELETE", f"/v1/credentials/{credential.id}").status)
        self.assertEqual(nobody, self.client.try_sign(credential.id, sad, self.hashes).error)
        self.assertEqual(nobody, self.ask(credential, click=click_evidence(self.hashes)).error)
        self.assertEqual(404, self.client.request("DELETE", f"/v1/credentials/{credential.id}").status)
        self.assertEqual(404, self.set_status(credential, "active").status)
        self.assertEqual(1, len(self.instance.signed_uses(credential.id, 1)))

    def test_activation_a_deleted_factor_activates_nothing_any_more(self):
        signer, shown = self.signer_with("totp")
        credential = self.client.credential(signer, "totp")
        (factor,) = self.client.expect("GET", f"/v1/signers/{signer}/factors")["factors"]
        path = f"/v1/signers/{signer}/factors/{factor['factorID']}"
        self.assertEqual(204, self.client.request("DELETE", path).status)
        answer = self.ask(credential, totp=shown["totp"].now())
        self.assertEqual(400, answer.status, answer.body)
        self.assertEqual(404, self.client.request("DELETE", path).status)
        # A new one is not the one that the credential was made with.
        new = Otp(self.client.factor(signer, "totp")["otpauth"])
        self.assertEqual(400, self.ask(credential, totp=new.now()).status)


class Expired(harness.InstanceTest):
    """SADs of ten seconds."""
    SETTINGS = {"activation.sad_lifetime_s": 10, "activation.transaction_s": 10}

    def test_activation_an_expired_sad_is_refused_and_its_retries_are_still_answered(self):
        credential = self.client.credential_by_click()
        a, b = digest(b"a"), digest(b"b")
        answer = self.client.try_authorize(credential.id, [a, b], {"click": click_evidence([a, b])})
        self.assertEqual(10, answer.json["expiresIn"])
        sad = answer.json["SAD"]
        signed = self.client.sign(credential, sad, [a])

        def expired():
            answer = self.client.try_sign(credential.id, sad, [digest(b"never authorised")])
            return "SAD expired" in json.dumps(answer.json)
        harness.wait_until(expired, 30, "the SAD's end")
        self.assertEqual((400, "invalid_request", "SAD expired"), self.client.try_sign(credential.id, sad, [b]).error)
        self.assertEqual(signed, self.client.sign(credential, sad, [a]))


if __name__ == "__main__":
    unittest.main()
