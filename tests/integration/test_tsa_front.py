# ctest: TIMEOUT 180 SERIAL
"""What nginx keeps away from the time-stamping authority: too many requests of one address, bodies that are long or slow.
tests/README.md, 31, 32 and 39."""
import contextlib
import http.client
import secrets
import socket
import ssl
import time
import unittest

import harness
from api_client import ApiClient
from time_stamps import BAD_DATA_FORMAT, QUERY, TsaTest, parse, query, tlv

RATE, BURST, CONNECTIONS = 20, 30, 8


def post_head(length):
    return (f"POST /tsa HTTP/1.1\r\nHost: localhost\r\nContent-Type: {QUERY}\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


def answer_of(peer, seconds=20):
    """Status of what comes, or None if the peer is hung up on without a word."""
    peer.settimeout(seconds)
    data = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n\r\n" not in data:
            more = peer.recv(4096)
            if not more:
                break
            data += more
    return int(data.split()[1]) if data else None


class Bodies(TsaTest):

    def test_mistakes_of_http_are_answered_by_http(self):
        good = query()
        for kind in ("application/json", "text/plain", ""):
            headers = {"Content-Type": kind} if kind else {}
            self.assertEqual(415, self.tsa.request("POST", "/tsa", good, headers).status)
        self.assertEqual(200, self.tsa.request("POST", "/tsa", good, {"Content-Type": QUERY + "; a=b"}).status)
        for method in ("GET", "PUT", "DELETE"):
            answer = self.tsa.request(method, "/tsa")
            self.assertEqual((405, "POST"), (answer.status, answer.headers["allow"]))
        for size in (65 * 1024, 10 << 20):
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may hang up on the rest
                self.assertEqual(413, self.tsa.request("POST", "/tsa", bytes(size), {"Content-Type": QUERY}).status)
            self.tsa.close()
        self.granted(good)

    def test_a_nonce_of_a_megabyte_is_refused_unread_and_one_within_the_body_limit_by_its_failinfo(self):
        for client in (self.tsa, self.tls):
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer = client.request("POST", "/tsa", query(nonce=b"\x01" * (1 << 20)), {"Content-Type": QUERY})
                self.assertEqual(413, answer.status)
            client.close()
            self.assertEqual((2, BAD_DATA_FORMAT), parse(self.stamp(query(nonce=b"\x01" * 6000), client))[:2])

    def test_ten_mebibytes_are_refused_before_they_are_sent(self):
        for tls in (False, True):
            with self.subTest(tls=tls), self.connect(tls) as peer:
                peer.sendall(post_head(10 << 20))
                self.assertEqual(413, answer_of(peer))
            with self.subTest(tls=tls, chunked=True), self.connect(tls) as peer:
                peer.sendall(post_head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
                with contextlib.suppress(ConnectionError):
                    for _ in range(10 << 4):
                        peer.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                self.assertIn(answer_of(peer), (413, None))

    def connect(self, tls):
        port = self.instance.tsa_tls_port if tls else self.instance.tsa_port
        peer = socket.create_connection(("127.0.0.1", port), 20)
        if not tls:
            return peer
        context = ssl.create_default_context(cafile=str(self.instance.home / "tls/server-ca/ca.crt"))
        return context.wrap_socket(peer, server_hostname="localhost")

    def test_slow_bodies_are_given_up_and_hold_nobody_else(self):
        """200 peers whose bodies never end: half says nothing after the header, half a byte a second. Others are served
        at once meanwhile; whoever fell silent is gone after client_body_timeout (5 s)."""
        peers = []
        try:
            for number in range(200):
                peer = self.connect(tls=number % 4 == 0)
                peer.sendall(post_head(100) + tlv(0x30)[:1])
                peers.append(peer)
            begun, took, sent = time.monotonic(), [], 0
            while time.monotonic() < begun + 4:
                at = time.monotonic()
                self.granted(query())
                took.append(time.monotonic() - at)
                if time.monotonic() > begun + sent:
                    for peer in peers[100:]:
                        peer.sendall(b"\x01")
                    sent += 1
            self.assertLess(sorted(took)[int(len(took) * 0.99)], 1.0)
            self.assertGreater(sent, 2)
            for peer in peers[:100]:
                self.assertIn(answer_of(peer), (408, None))
            self.assertLess(time.monotonic() - begun, 15)
            # Those that went on sending are still heard, however slowly.
            peers[-1].settimeout(0.1)
            with self.assertRaises(TimeoutError):
                peers[-1].recv(1)
        finally:
            for peer in peers:
                peer.close()
        self.granted(query())


class Limits(TsaTest):
    """One address, with little allowed to it: SIGILLO_TSA_RATE and its kin."""

    @classmethod
    def make_instance(cls):
        return harness.Instance(environment={"SIGILLO_TSA_RATE": str(RATE), "SIGILLO_TSA_BURST": str(BURST),
                                             "SIGILLO_TSA_CONNECTIONS": str(CONNECTIONS)})

    def from_address(self, address, port, tls=False):
        """A connection that comes from another address of this machine."""
        if tls:
            context = ssl.create_default_context(cafile=str(self.instance.home / "tls/server-ca/ca.crt"))
            return http.client.HTTPSConnection("localhost", port, timeout=20, source_address=(address, 0), context=context)
        return http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(address, 0))

    def flood(self, connection, count):
        statuses = []
        for _ in range(count):
            connection.request("POST", "/tsa", query(), {"Content-Type": QUERY})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        return statuses

    def test_more_than_the_rate_of_one_address_is_answered_429_over_http_and_https_together(self):
        begun = time.monotonic()
        plain = self.from_address("127.0.0.2", self.instance.tsa_port)
        statuses = self.flood(plain, 150)
        allowed = BURST + 2 + RATE * (time.monotonic() - begun)
        self.assertEqual({200, 429}, set(statuses))
        self.assertLessEqual(statuses.count(200), allowed)
        self.assertGreaterEqual(statuses.count(200), BURST)
        # The same address over HTTPS: what it had is spent.
        self.assertLess(self.flood(self.from_address("127.0.0.2", self.instance.tsa_tls_port, tls=True), 20).count(200), 20)
        # Another address, over both: untouched.
        self.assertEqual([200] * 10, self.flood(self.from_address("127.0.0.3", self.instance.tsa_port), 10))
        self.assertEqual([200] * 10, self.flood(self.from_address("127.0.0.4", self.instance.tsa_tls_port, tls=True), 10))
        # The rest of that listener, for the same address: limits of its own.
        for _ in range(50):
            plain.request("GET", "/pki/ca.crl")
            answer = plain.getresponse()
            answer.read()
            self.assertEqual(200, answer.status)
        time.sleep(1)
        self.assertEqual([200] * 5, self.flood(plain, 5))  # it passes

    def test_more_connections_at_work_than_one_address_may_have_are_answered_429(self):
        peers = []
        try:
            for _ in range(CONNECTIONS):
                peer = socket.create_connection(("127.0.0.1", self.instance.tsa_port), 20, source_address=("127.0.0.5", 0))
                peer.sendall(post_head(100) + b"\x30")
                peers.append(peer)
            time.sleep(0.2)
            self.assertEqual([429], self.flood(self.from_address("127.0.0.5", self.instance.tsa_port), 1))
            self.assertEqual([200], self.flood(self.from_address("127.0.0.6", self.instance.tsa_port), 1))
        finally:
            for peer in peers:
                peer.close()
        harness.wait_until(lambda: self.flood(self.from_address("127.0.0.5", self.instance.tsa_port), 1) == [200], 10,
                           "room again")


if __name__ == "__main__":
    unittest.main()
