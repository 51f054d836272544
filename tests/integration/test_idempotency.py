"""Idempotency-Key under /v1: the same request again gets the same answer and changes nothing a second time; another request
with the same key is a conflict; repetitions at the same time are one."""
import re
import unittest

import harness
from harness import at_once


class Idempotency(harness.InstanceTest):

    def setUp(self):
        self.key = {"Idempotency-Key": self.id()[-40:] + "-key"}
        self.person = {"name": {"given": "Ada", "family": "Rossi"}, "country": "IT", "externalReference": self.id()[-40:]}

    def post(self, path, body, headers=None):
        return self.client.request("POST", path, body, self.key if headers is None else headers)

    def signers(self):
        found = self.client.expect("GET", "/v1/signers?limit=1000")["signers"]
        return [s for s in found if s.get("externalReference") == self.person["externalReference"]]

    def test_the_same_request_gets_the_same_answer_and_one_signer(self):
        answers = [self.post("/v1/signers", self.person) for _ in range(3)]
        self.assertEqual([201] * 3, [answer.status for answer in answers])
        self.assertEqual(1, len({answer.body for answer in answers}))
        self.assertEqual(1, len({answer.headers["location"] for answer in answers}))
        self.assertEqual(1, len(self.signers()))
        self.assertNotEqual(answers[0].body, self.post("/v1/signers", self.person, {}).body)  # no key, no memory

    def test_repetitions_at_the_same_time_are_one(self):
        answers = at_once(20, lambda _: self.post("/v1/signers", self.person))
        self.assertEqual({201}, {answer.status for answer in answers}, [a.body for a in answers])
        self.assertEqual(1, len({answer.body for answer in answers}))
        self.assertEqual(1, len(self.signers()))

    def test_a_credential_is_made_once_even_when_asked_for_on_ten_connections(self):
        signer = self.client.signer()
        wanted = {"signerID": signer, "class": "simple", "key": {"algo": "EC-P256"}, "activation": "click",
                  "certificate": {"source": "csr"}}
        answers = at_once(10, lambda _: self.post("/v1/credentials", wanted))
        self.assertEqual({201}, {answer.status for answer in answers}, [a.body for a in answers])
        self.assertEqual(1, len({answer.body for answer in answers}))  # the CSR included
        self.assertEqual(1, len(self.client.expect("POST", "/csc/v2/credentials/list", {"userID": signer})["credentialIDs"]))

    def test_an_enrolment_s_answer_is_told_again_to_who_missed_it(self):
        path = f"/v1/signers/{self.client.signer()}/factors"
        first, second = (self.post(path, {"type": "totp"}) for _ in range(2))
        self.assertEqual(first.body, second.body)
        self.assertTrue(re.search("secret=[A-Z2-7]{16,}", first.json["otpauth"]))
        self.assertEqual(1, len(self.client.expect("GET", path)["factors"]))

    def test_another_request_with_the_same_key_is_a_conflict_and_does_nothing(self):
        self.assertEqual(201, self.post("/v1/signers", self.person).status)
        other = {**self.person, "name": {"given": "Eva", "family": "Bianchi"}}
        for path, body in (("/v1/signers", other),
                           (f"/v1/signers/{self.signers()[0]['signerID']}/factors", {"type": "totp"})):
            answer = self.post(path, body)
            self.assertEqual((409, "Idempotency-Key"), (answer.status, answer.json["parameter"]), answer.body)
        self.assertEqual(["Ada"], [s["name"]["given"] for s in self.signers()])
        self.assertEqual([], self.client.expect("GET", f"/v1/signers/{self.signers()[0]['signerID']}/factors")["factors"])

    def test_one_key_with_different_requests_at_the_same_time_serves_one_of_them(self):
        answers = at_once(10, lambda n: self.post("/v1/signers", {**self.person, "organization": f"Org {n}"}))
        self.assertEqual([201] + [409] * 9, sorted(answer.status for answer in answers), [a.body for a in answers])
        self.assertEqual(1, len(self.signers()))

    def test_a_refused_request_does_not_use_the_key_up(self):
        bad = {**self.person, "country": "Italy"}
        self.assertEqual(400, self.post("/v1/signers", bad).status)
        self.assertEqual(201, self.post("/v1/signers", self.person).status)

    def test_answers_survive_a_restart(self):
        first = self.post("/v1/signers", self.person)
        self.instance.restart("sigillod")
        harness.wait_until(self.instance.healthy)
        self.assertEqual(first.body, self.post("/v1/signers", self.person).body)

    def test_a_status_that_was_set_is_not_set_again_by_a_late_repetition(self):
        credential = self.client.credential_by_click()
        path = f"/v1/credentials/{credential.id}/status"
        self.assertEqual(204, self.post(path, {"status": "suspended"}).status)
        self.assertEqual(204, self.post(path, {"status": "active"}, {}).status)
        self.assertEqual(204, self.post(path, {"status": "suspended"}).status)  # the network's late copy
        self.assertEqual("enabled", self.client.info(credential.id)["key"]["status"])

    def test_keys_that_are_none_are_refused(self):
        for key in ("", "a b", "x" * 256, "\x80", "a\tb"):
            answer = self.post("/v1/signers", self.person, {"Idempotency-Key": key.encode("latin-1")})
            self.assertEqual(400, answer.status, (key, answer.body))
        self.assertEqual([], self.signers())


if __name__ == "__main__":
    unittest.main()
