# ctest: TIMEOUT 180
"""Every method on every path of openapi.yaml, and on paths that are not in it. tests/README.md, 33."""
import contextlib
import json
import re
import secrets
import unittest

import harness
from api_client import ApiClient

UNHEARD_OF = ("BREW", "PROPFIND", "X")
# No path has them: nginx refuses TRACE and CONNECT, sigillo-api what it has never heard of (RFC 9110 §9.1, §15.6.2).
NOT_IMPLEMENTED = ("TRACE", "CONNECT", *UNHEARD_OF)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "CONNECT", *UNHEARD_OF)


class Routes(harness.InstanceTest):

    def one(self, client, method, path, body=None):
        """An answer on a connection of its own: HEAD and CONNECT upset the framing of what comes after them."""
        with contextlib.closing(client.connect()) as connection:
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()

    def refusal_is_json(self, path, status, headers, answer):
        said = json.loads(answer)
        if headers["content-type"] == "application/problem+json":
            self.assertFalse(path.startswith("/csc/"))
            self.assertEqual(status, said["status"])
        else:
            self.assertEqual("application/json", headers["content-type"])
            self.assertEqual("invalid_request", said["error"])
            self.assertTrue(said["error_description"])

    def test_every_method_on_every_path_is_answered_and_never_with_a_failure_of_the_server(self):
        for path, known in self.client.operations().items():
            concrete = re.sub(r"\{\w+\}", lambda _: secrets.token_hex(16), path)
            for method in METHODS:
                for body in (None, "{}", "[1,2"):
                    with self.subTest(method=method, path=path, body=body):
                        status, headers, answer = self.one(self.client, method, concrete, body)
                        if method in known:
                            self.assertLess(status, 500, answer)
                            self.assertNotEqual(405, status)
                            continue
                        if method in NOT_IMPLEMENTED:
                            self.assertEqual(501, status, answer)
                        else:
                            self.assertEqual(405, status, answer)
                            self.assertEqual(known, set(headers["allow"].split(", ")))
                        if method != "HEAD":
                            self.refusal_is_json(path, status, headers, answer)

    def test_unknown_paths_are_not_found_by_any_method(self):
        paths = ("/", "/csc", "/csc/v2", "/csc/v2/", "/csc/v1/info", "/csc/v2/info/", "/csc/v2/INFO", "//csc/v2/info",
                 "/v1", "/v1/signers/", "/v1/signers//factors", "/v1/x", "/csc/v2/credentials/authorize/x", "/healthz/x",
                 "/metrics%00", "/%2e%2e/etc/passwd", "/v1/../healthz/..", "/pki/ca.crt", "/tsa", "/openapi.yaml.bak",
                 "/csc/v2%2finfo")
        for path in paths:
            for method in METHODS:
                with self.subTest(method=method, path=path):
                    status, _, answer = self.one(self.client, method, path)
                    if method in NOT_IMPLEMENTED:
                        self.assertIn(status, (400, 501), answer)
                        continue
                    self.assertLess(status, 500, answer)
                    if path != "//csc/v2/info":
                        self.assertIn(status, (400, 404), answer)
                    self.assertNotEqual(200, status)

    def test_the_anonymous_ports_serve_their_few_paths_and_nothing_of_the_api(self):
        """The signers' pages, the PKI's files and time-stamps: nothing there is a client's."""
        anonymous = (ApiClient(self.instance, port=self.instance.pages_port),
                     ApiClient(self.instance, port=self.instance.tsa_port, tls=False),
                     ApiClient(self.instance, port=self.instance.tsa_tls_port))
        for client in anonymous:
            for path in (*self.client.operations(), "/", "/pki/x", "/pki/", "/x"):
                if path == "/healthz":
                    continue
                concrete = re.sub(r"\{\w+\}", lambda _: secrets.token_hex(16), path)
                for method in ("GET", "POST", "DELETE", "PATCH"):
                    with self.subTest(port=client.port, method=method, path=path):
                        self.assertEqual(404, self.one(client, method, concrete, "{}")[0])

if __name__ == "__main__":
    unittest.main()
