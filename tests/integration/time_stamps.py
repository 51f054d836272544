"""Time-stamp requests by hand, what is in an answer, and the class of tests that ask an instance's TSA. Standard library
only; openssl(1) is the judge of tokens."""
import base64
import collections
import json
import secrets
import selectors
import socket
import subprocess
import threading
import time

import harness
from api_client import ApiClient

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"
OIDS = {"sha256": "608648016503040201", "sha384": "608648016503040202", "sha512": "608648016503040203",
        "sha1": "2b0e03021a", "md5": "2a864886f70d0205"}
BAD_ALG, BAD_REQUEST, BAD_DATA_FORMAT, TIME, POLICY, EXTENSION, SYSTEM = 0, 2, 5, 14, 15, 16, 25


def tlv(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def query(digest=None, algorithm="sha256", version=1, policy=b"", nonce=b"", cert=True, extensions=b"", tail=b""):
    digest = secrets.token_bytes(32) if digest is None else digest
    identifier = tlv(0x30, tlv(0x06, bytes.fromhex(OIDS[algorithm])), b"\x05\x00")
    return tlv(0x30, tlv(0x02, bytes([version])), tlv(0x30, identifier, tlv(0x04, digest)),
               tlv(0x06, policy) if policy else b"", tlv(0x02, nonce) if nonce else b"",
               b"\x01\x01\xff" if cert else b"", extensions) + tail


def read(der, at=0):
    """(tag, content, end) of the element at `at`."""
    tag, size, at = der[at], der[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7f
        size, at = int.from_bytes(der[at:at + count], "big"), at + count
    return tag, der[at:at + size], at + size


Reply = collections.namedtuple("Reply", "status failure token")


def parse(der):
    tag, outer, end = read(der)
    assert tag == 0x30 and end == len(der)
    _, info, at = read(outer)
    _, status, next_ = read(info)
    failure = None
    while next_ < len(info):
        kind, content, next_ = read(info, next_)
        if kind == 0x03:
            bits = int.from_bytes(content[1:], "big")
            failure, = [bit for bit in range(8 * len(content) - 8) if bits >> (8 * len(content) - 9 - bit) & 1]
    return Reply(status[0], failure, outer[at:])


class TsaTest(harness.InstanceTest):
    """`tsa` asks over HTTP, `tls` over HTTPS."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tsa = ApiClient(cls.instance, port=cls.instance.tsa_port, tls=False)
        cls.tls = ApiClient(cls.instance, port=cls.instance.tsa_tls_port)

    def stamp(self, der, client=None):
        answer = (client or self.tsa).request("POST", "/tsa", der, {"Content-Type": QUERY})
        self.assertEqual((200, REPLY), (answer.status, answer.headers["content-type"]), answer.body)
        return answer.body

    def granted(self, der, client=None):
        body = self.stamp(der, client)
        reply = parse(body)
        self.assertEqual((0, None), reply[:2], body)
        return body

    def refused(self, failure, der):
        reply = parse(self.stamp(der))
        self.assertEqual((2, failure, b""), reply)

    def openssl(self, *arguments, good=True):
        done = subprocess.run(["openssl", "ts", *map(str, arguments)], capture_output=True, text=True, check=False)
        if good:
            self.assertEqual(0, done.returncode, done.stderr)
        return done

    def verify(self, request, response):
        folder = self.instance.home / "state"
        (folder / "t.tsq").write_bytes(request)
        (folder / "t.tsr").write_bytes(response)
        self.openssl("-verify", "-queryfile", folder / "t.tsq", "-in", folder / "t.tsr", "-CAfile",
                     self.instance.home / "tsa-ca.crt")

    def tokens(self, *arguments):
        done = subprocess.run([harness.PROGRAMS / "sigillo-audit", "tokens", "--json", "--log",
                               self.instance.home / "tsa-log", "--key", self.instance.home / "tsa-log.vkey", *arguments],
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)["tokens"]

    def leaves(self, kind="", log=None, key=None):
        """Events of this type in a published log, the TSA's if no other is named."""
        done = subprocess.run([harness.PROGRAMS / "sigillo-audit", "show", "--json", "--log",
                               log or self.instance.home / "tsa-log", "--key", key or self.instance.home / "tsa-log.vkey",
                               *(["--type", kind] if kind else [])], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return [json.loads(line)["event"] for line in done.stdout.splitlines()]

    def units(self, state):
        return [unit for unit in self.instance.ctl("tsu", "list") if unit["state"] == state]

    def new_unit(self, algorithm="EC-P256"):
        return self.instance.ctl("tsu", "create", "--name", "another", "--algorithm", algorithm, "--country", "IT",
                                 "--organization", "Tests", "--common-name", f"Unit {secrets.token_hex(4)}",
                                 "--embedded")["unitID"]

    def restart(self, settings=None):
        """sigillod anew, with these settings; healthy when this returns."""
        if self.instance.running("sigillod"):
            self.assertEqual(0, self.instance.stop("sigillod"))
        self.instance.configure(settings or {})
        self.instance.start("sigillod")
        harness.wait_until(self.instance.healthy, 30, "health")

    def published(self, digests):
        """The tokens in the published log, once all of these SHA-256 digests are there."""
        wanted = {base64.b64encode(digest).decode() for digest in digests}
        found = []

        def there():
            found[:] = self.tokens()
            return wanted <= {token["imprint"] for token in found}
        harness.wait_until(there, 30, "the tokens in the published log")
        return found


class Stampers:
    """Clients of one address that stamp as fast as they are answered, each on a connection of its own, all on one thread.
    `held`: digest and serial number of every token that reached them."""

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.held, self.refusals = {}, 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _ask(self, selector):
        peer = socket.socket()
        try:
            peer.connect(("127.0.0.1", self.port))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            peer.close()
            return
        selector.register(peer, selectors.EVENT_READ, [b"", b""])
        self._send(selector, peer, selector.get_key(peer).data)

    def _send(self, selector, peer, state):
        digest = secrets.token_bytes(32)
        body = query(digest, cert=False)
        state[:] = [digest, b""]
        try:
            peer.sendall(b"POST /tsa HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + QUERY.encode()
                         + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except OSError:
            self._leave(selector, peer)

    @staticmethod
    def _leave(selector, peer):
        selector.unregister(peer)
        peer.close()

    def _take(self, selector, peer, state):
        try:
            data = peer.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._leave(selector, peer)
            return
        state[1] += data
        head, end, body = state[1].partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        at = body.find(state[0]) if head.startswith(b"HTTP/1.1 200 ") else -1
        if at < 0:
            self.refusals += 1
            time.sleep(0.002)  # it is down: no need to hammer it
        else:  # serialNumber follows messageImprint (RFC 3161 2.4.2)
            tag, serial, _ = read(body, at + len(state[0]))
            assert tag == 0x02 and parse(body).status == 0
            assert state[0] not in self.held
            self.held[state[0]] = serial
        self._send(selector, peer, state)

    def _run(self):
        with selectors.DefaultSelector() as selector:
            while not self._ending.is_set():
                for _ in range(self.count - len(selector.get_map())):
                    self._ask(selector)
                for key, _ in selector.select(0.05):
                    self._take(selector, key.fileobj, key.data)
            for key in list(selector.get_map().values()):
                key.fileobj.close()
