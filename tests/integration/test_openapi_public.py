"""The paths of openapi.yaml that name servers of their own: served there, over each of them, with the statuses and media
types that are described."""
import base64
import subprocess
import unittest
import urllib.parse

import yaml  # Debian: python3-yaml

from api_client import ApiClient
from time_stamps import QUERY, TsaTest, query

LISTENERS = {8318: "tsa_port", 8319: "tsa_tls_port"}  # of the quickstart, and what they are here


class Public(TsaTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = yaml.safe_load(cls.client_text())
        cls.items = {path: item for path, item in cls.document["paths"].items() if "servers" in item}

    @classmethod
    def client_text(cls):
        return cls.instance.client.request("GET", "/openapi.yaml").body

    def listeners(self, item):
        for server in item["servers"]:
            url = urllib.parse.urlparse(server["url"])
            yield ApiClient(self.instance, port=getattr(self.instance, LISTENERS[url.port]), tls=url.scheme == "https")

    def held(self, path, method, client, body=None, headers=None, described_as=None):
        """The answer, which is as described."""
        answer = client.request(method, path, body, headers)
        path = described_as or path
        described = self.items[path][method.lower()]["responses"][str(answer.status)]
        while "$ref" in described:
            part = self.document
            for name in described["$ref"].removeprefix("#/").split("/"):
                part = part[name]
            described = part
        self.assertIn(answer.headers["content-type"].split(";")[0], described["content"], (path, answer))
        return answer

    def test_time_stamps(self):
        for client in self.listeners(self.items["/tsa"]):
            good = self.held("/tsa", "POST", client, query(), {"Content-Type": QUERY})
            self.assertEqual((200, "no-store"), (good.status, good.headers["cache-control"]))
            self.assertEqual(200, self.held("/tsa", "POST", client, b"no DER", {"Content-Type": QUERY}).status)
            self.assertEqual(415, self.held("/tsa", "POST", client, b"{}", {"Content-Type": "application/json"}).status)
            self.assertEqual(413, self.held("/tsa", "POST", client, bytes(65537), {"Content-Type": QUERY}).status)

    def test_publications_of_the_embedded_ca(self):
        for path, kind in (("/pki/ca.crt", "x509"), ("/pki/ca.crl", "crl")):
            for client in self.listeners(self.items[path]):
                answer = self.held(path, "GET", client)
                self.assertEqual(200, answer.status)
                subprocess.run(["openssl", kind, "-inform", "DER", "-noout"], input=answer.body, check=True)

    def test_status_of_certificates(self):
        ca = self.instance.home / "ocsp-ca.pem"
        for client in self.listeners(self.items["/pki/ocsp"]):
            der = self.held("/pki/ca.crt", "GET", client).body
            ca.write_bytes(subprocess.run(["openssl", "x509", "-inform", "DER"], input=der, check=True, capture_output=True).stdout)
            request = self.instance.home / "request.ocsp"
            subprocess.run(["openssl", "ocsp", "-issuer", ca, "-serial", "0x17", "-no_nonce", "-reqout", request], check=True,
                           capture_output=True)
            asked = request.read_bytes()
            posted = self.held("/pki/ocsp", "POST", client, asked, {"Content-Type": "application/ocsp-request"})
            in_path = urllib.parse.quote(base64.b64encode(asked), safe="")
            got = self.held(f"/pki/ocsp/{in_path}", "GET", client, described_as="/pki/ocsp/{request*}")
            for answer in posted, got:
                self.assertEqual(200, answer.status)
                text = subprocess.run(["openssl", "ocsp", "-respin", "/dev/stdin", "-resp_text", "-noverify"], input=answer.body,
                                      check=True, capture_output=True).stdout
                self.assertIn(b"Cert Status: unknown", text)

    def test_every_described_path_is_tried_here(self):
        self.assertEqual({"/tsa", "/pki/ca.crt", "/pki/ca.crl", "/pki/ocsp", "/pki/ocsp/{request*}"}, set(self.items))


if __name__ == "__main__":
    unittest.main()
