# ctest: TIMEOUT 180
"""nginx before Sigillo: who is let in, and that nobody can say in a header who they are. The upstreams here are stubs
that answer with the headers that reached them, so that nothing behind nginx hides what nginx lets through."""
import contextlib
import http.client
import http.server
import json
import os
import re
import socket
import socketserver
import ssl
import threading
import unittest
import urllib.parse

import harness
from api_client import Answer, ApiClient


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps([list(pair) for pair in self.headers.items()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class FrontEnd(unittest.TestCase):
    """Only nginx runs, on the configuration of a real instance."""

    @classmethod
    def setUpClass(cls):
        cls.instance = harness.Instance()
        cls.addClassCleanup(cls.instance.close)
        for name in ("sigillo-api", "sigillo-public"):
            server = UnixServer(str(cls.instance.socket(name)), Echo)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            cls.addClassCleanup(server.server_close)
            cls.addClassCleanup(server.shutdown)
        cls.instance.start("nginx")
        home = cls.instance.home
        cls.certificate = (home / "tls/client.crt").read_text(encoding="ascii")
        cls.api = ApiClient(cls.instance, home / "tls/client.crt", home / "tls/client.key")

    def ports(self):
        """Every listener: a client for it, and the paths that reach an upstream."""
        return [(self.api, ["/", "/csc/v2/info", "/healthz", "/v1/signers", "/metrics", "/openapi.yaml", "/x"]),
                (ApiClient(self.instance, port=self.instance.pages_port), ["/healthz"]),
                (ApiClient(self.instance, port=self.instance.tsa_port, tls=False),
                 ["/tsa", "/pki/ca.crt", "/pki/ca.crl", "/pki/x", "/pki/ocsp", "/pki/ocsp/MA==", "/healthz"]),
                (ApiClient(self.instance, port=self.instance.tsa_tls_port), ["/tsa"])]

    def test_a_forged_certificate_header_is_without_effect_on_every_path_of_every_port(self):
        forged = urllib.parse.quote("-----BEGIN CERTIFICATE-----\nforged\n-----END CERTIFICATE-----\n")
        names = ["X-Sigillo-Client-Cert", "x-sigillo-client-cert", "X-SIGILLO-CLIENT-CERT", "X_Sigillo_Client_Cert"]
        for client, paths in self.ports():
            for path in paths:
                for name in names:
                    for method in ("GET", "POST"):
                        answer = client.request(method, path, headers={name: forged})
                        self.assertEqual(200, answer.status, (client.port, path))
                        seen = [value for key, value in answer.json
                                if key.lower().replace("_", "-") == "x-sigillo-client-cert"]
                        if client is self.api:
                            self.assertEqual([self.certificate.strip()],
                                             [urllib.parse.unquote(value).strip() for value in seen])
                        else:
                            self.assertEqual([], seen, (client.port, path, name))

    def test_a_header_given_twice_does_not_survive_either(self):
        with contextlib.closing(self.api.connect()) as connection:
            connection.putrequest("GET", "/csc/v2/info")
            for _ in range(2):
                connection.putheader("X-Sigillo-Client-Cert", "forged")
            connection.endheaders()
            seen = [v for k, v in json.loads(connection.getresponse().read()) if k.lower() == "x-sigillo-client-cert"]
        self.assertEqual([self.certificate.strip()], [urllib.parse.unquote(value).strip() for value in seen])

    def test_headers_that_tell_where_a_request_came_from_do_not_reach_the_upstream(self):
        told = {name: "203.0.113.9" for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host", "Proxy")}
        for client, paths in self.ports():
            answer = client.request("GET", paths[0], headers=told)
            self.assertNotIn("203.0.113.9", [value for _, value in answer.json])

    def test_every_location_includes_the_file_that_sets_and_clears_the_headers(self):
        for name in ("nginx.conf", "errors.conf"):
            text = (self.instance.home / "nginx" / name).read_text(encoding="utf-8")
            locations = re.findall(r"location [^{]+\{([^}]*)\}", text)
            self.assertTrue(locations)
            for body in locations:
                self.assertTrue(body.strip().startswith("include client_identity.conf;"), body)
                self.assertNotIn("proxy_set_header", body)

    def refusal(self, certificate=None, key=None):
        """What a peer with this certificate gets: a status, or "handshake"."""
        try:
            return ApiClient(self.instance, certificate, key).request("GET", "/csc/v2/info").status
        except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
            return "handshake"

    def test_the_api_admits_no_certificate_that_is_absent_expired_revoked_or_of_another_purpose(self):
        self.assertEqual(200, self.refusal(*self.instance.issue("fresh")))
        refused = (400, "handshake")
        self.assertIn(self.refusal(), refused)
        expired = self.instance.issue("expired", options=("-startdate", "20200101000000Z", "-enddate", "20210101000000Z"))
        self.assertIn(self.refusal(*expired), refused)
        self.assertIn(self.refusal(*self.instance.issue("future", options=("-startdate", "20400101000000Z", "-enddate",
                                                                          "20410101000000Z"))), refused)
        self.assertIn(self.refusal(*self.instance.issue("server", "not_a_client")), refused)
        self.assertIn(self.refusal(self.instance.home / "tls/server.crt", self.instance.home / "tls/server.key"), refused)
        revoked = self.instance.issue("revoked")
        self.assertEqual(200, self.refusal(*revoked))
        self.instance.revoke(revoked[0])
        self.assertIn(self.refusal(*revoked), refused)

    def test_tls_below_1_3_is_refused_on_every_tls_port(self):
        for port in (self.instance.api_port, self.instance.pages_port, self.instance.tsa_tls_port):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with socket.create_connection(("127.0.0.1", port)) as raw, self.assertRaises(OSError):
                context.wrap_socket(raw).close()

    def test_a_body_over_the_limit_is_refused_as_json(self):
        # Only the announcement is sent: nginx refuses before it reads.
        with contextlib.closing(self.api.connect()) as connection:
            connection.putrequest("POST", "/csc/v2/info")
            connection.putheader("Content-Length", str((1 << 20) + 1))
            connection.endheaders()
            received = connection.getresponse()
            answer = Answer(received.status, {}, received.read())
        self.assertEqual((413, "invalid_request"), answer.error[:2])

    def test_everything_listens_on_loopback_only(self):
        pid = str(self.instance.pid("nginx"))
        inodes = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        listening = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table, encoding="ascii") as lines:
                for line in list(lines)[1:]:
                    fields = line.split()
                    if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                        listening.add(fields[1].split(":")[0])
        self.assertEqual({"0100007F"}, listening)


if __name__ == "__main__":
    unittest.main()
