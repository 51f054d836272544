# ctest: TIMEOUT 180 SERIAL
"""The network's worst, through the real nginx to the real sigillo-api: peers that hold connections, requests that two
readers could take for two different things. tests/README.md, 31 and 32."""
import contextlib
import os
import re
import resource
import selectors
import socket
import ssl
import threading
import time
import unittest

import harness
from api_client import digest

HALF_OPEN = 1000
# What a refusal of bad HTTP may be: by nginx or by sigillo-api.
REFUSALS = {400, 405, 408, 411, 413, 414, 417, 431, 501, 505}


def setUpModule():
    """A thousand sockets, beside what nginx is given."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def client_hello():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


class Crowd:
    """Peers of one address that hold TLS handshakes open: a third says nothing, a third sends its hello byte by byte, a
    third sends it whole and never answers. Whoever is thrown out comes back."""

    def __init__(self, port, size):
        self.port, self.size = port, size
        self.hello = client_hello()
        self.peers = {}
        self.most = self.thrown_out = 0
        self.selector = selectors.DefaultSelector()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        harness.wait_until(lambda: self.most >= self.size, 60, "the crowd's arrival")
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        for peer in self.peers:
            peer.close()

    def _arrive(self):
        peer = socket.socket()
        peer.setblocking(False)
        peer.connect_ex(("127.0.0.1", self.port))
        self.peers[peer] = [len(self.peers) % 3, 0]
        self.selector.register(peer, selectors.EVENT_READ)

    def _leave(self, peer):
        self.thrown_out += 1
        self.selector.unregister(peer)
        del self.peers[peer]
        peer.close()

    def _say(self, peer, state):
        kind, said = state
        upto = {0: 0, 1: said + 1, 2: len(self.hello)}[kind]
        with contextlib.suppress(BlockingIOError):
            try:
                state[1] += peer.send(self.hello[said:upto]) if upto > said else 0
            except OSError:
                self._leave(peer)

    def _run(self):
        next_byte = 0.0
        while not self.ending.is_set():
            for _ in range(min(50, self.size - len(self.peers))):
                self._arrive()
            for key, _ in self.selector.select(0.02):
                try:
                    alive = key.fileobj.recv(65536)
                except BlockingIOError:
                    continue
                except OSError:
                    alive = b""
                if not alive:
                    self._leave(key.fileobj)
            if time.monotonic() >= next_byte:
                next_byte = time.monotonic() + 0.5
                for peer, state in list(self.peers.items()):
                    self._say(peer, state)
            self.most = max(self.most, len(self.peers))


def request_bytes(line, *headers, body=b""):
    return "\r\n".join((line, "Host: localhost", *headers, "", "")).encode("latin-1") + body


class Network(harness.InstanceTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.signer = cls.instance.client.signer()
        cls.credential = cls.instance.client.credential_by_click()

    # ---- tests/README.md, 31 ------------------------------------------------------------------------------------------

    def test_network_1000_half_open_and_dribbling_handshakes_leave_a_valid_client_under_one_second(self):
        def one_document(number):
            hashes = [digest(f"document {number}".encode())]
            self.client.sign(self.credential, self.client.authorize(self.credential, hashes), hashes)

        def one_handshake():
            with contextlib.closing(self.client.connect()) as connection:
                connection.request("GET", "/csc/v2/info")
                self.assertEqual(200, connection.getresponse().status)
        took = []
        with Crowd(self.instance.api_port, HALF_OPEN) as crowd:
            # Longer than client_header_timeout, so that nginx has thrown the first ones out meanwhile.
            end = time.monotonic() + 14
            while time.monotonic() < end or len(took) < 200:
                start = time.monotonic()
                (one_document(len(took)) if len(took) % 2 else one_handshake())
                took.append(time.monotonic() - start)
            self.assertGreaterEqual(crowd.thrown_out, HALF_OPEN / 3, "silent peers are never thrown out")
        took.sort()
        bound = 5.0 if harness.SANITIZED else 1.0
        self.assertLess(took[int(len(took) * 0.99)], bound, f"{len(took)} calls, the slowest {took[-5:]}")

    # ---- tests/README.md, 32 ------------------------------------------------------------------------------------------

    def raw(self, data, patience=20, chunks=()):
        """Sends the bytes on a TLS connection of a valid client and reads until the server is done: every status line
        that came, and all of the bytes. `chunks` is sent on until the server stops listening."""
        received = b""
        with socket.create_connection(("127.0.0.1", self.instance.api_port), timeout=patience) as plain, \
                self.client._context.wrap_socket(plain, server_hostname="localhost") as tls:
            try:
                tls.sendall(data)
                for chunk in chunks:
                    tls.sendall(chunk)
            except OSError:
                pass  # it had enough; what it said still waits to be read
            # What is missing of the request will never come: whoever waits for it shall give up.
            tls.settimeout(patience)
            try:
                while got := tls.recv(65536):
                    received += got
            except TimeoutError:
                self.fail(f"the server goes on waiting after {data[:60]!r}, having said {received[:200]!r}")
            except OSError:
                pass
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d\d\d)", received)], received

    def malformed(self):
        """What each is, and its bytes. `inner` is a request that must never be answered: whoever reads the framing in
        another way takes it for the next one."""
        inner = request_bytes(f"GET /v1/signers/{self.signer} HTTP/1.1")
        info = "POST /csc/v2/info HTTP/1.1"
        json_type = "Content-Type: application/json"
        body = b"{}" + inner
        for name, headers in {
                "Content-Length twice, different": ("Content-Length: 2", f"Content-Length: {len(body)}"),
                "Content-Length twice, the larger first": (f"Content-Length: {len(body)}", "Content-Length: 2"),
                "Content-Length twice, alike": ("Content-Length: 2", "Content-Length: 2"),
                "a list as Content-Length": (f"Content-Length: 2, {len(body)}",),
                "negative Content-Length": ("Content-Length: -1",),
                "signed Content-Length": ("Content-Length: +2",),
                "hexadecimal Content-Length": ("Content-Length: 0x2",),
                "empty Content-Length": ("Content-Length:",),
                "Content-Length past 64 bits": ("Content-Length: 18446744073709551618",),
                "Content-Length of many digits": ("Content-Length: " + "9" * 200,),
                "huge Content-Length": ("Content-Length: 9223372036854775807",),
                "10 MiB announced": ("Content-Length: 10485760",),
                "Content-Length with Transfer-Encoding": ("Content-Length: 2", "Transfer-Encoding: chunked"),
                "Transfer-Encoding with Content-Length": ("Transfer-Encoding: chunked", "Content-Length: 2"),
                "unknown Transfer-Encoding": ("Transfer-Encoding: gzip",),
                "Transfer-Encoding twice": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
                "obfuscated Transfer-Encoding": ("Transfer-Encoding: xchunked",),
        }.items():
            yield name, request_bytes(info, json_type, *headers, body=body)
        for name, chunks in {
                "a chunk without a number": b"zz\r\n{}\r\n0\r\n\r\n",
                "a negative chunk": b"-2\r\n{}\r\n0\r\n\r\n",
                "a chunk past 64 bits": b"10000000000000002\r\n{}\r\n0\r\n\r\n",
                "a chunk longer than said": b"1\r\n{}\r\n0\r\n\r\n"}.items():
            yield name, request_bytes(info, json_type, "Transfer-Encoding: chunked", body=chunks + inner)
        yield "a NUL in a header", request_bytes(info, "X-Name: a\0b", "Content-Length: 0") + inner
        yield "a header without a colon", request_bytes(info, "Content-Length 2", body=body)
        yield "no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"
        yield "a request line of 64 KiB", request_bytes("GET /" + "a" * 65536 + " HTTP/1.1")
        yield "a header of 1 MiB", request_bytes("GET /csc/v2/info HTTP/1.1", "X-Large: " + "a" * (1 << 20))
        yield "20,000 headers", request_bytes("GET /csc/v2/info HTTP/1.1", *(f"X-{n}: {n}" for n in range(20000)))
        yield "HTTP/9.9", request_bytes("GET /csc/v2/info HTTP/9.9")

    def test_network_a_request_of_doubtful_length_is_refused_and_what_follows_it_is_not_answered(self):
        before = self.open_files()
        for name, data in self.malformed():
            with self.subTest(name):
                statuses, received = self.raw(data)
                self.assertLessEqual(len(statuses), 1, received[:2000])
                # nginx hangs up on what is no HTTP of ours without a word: no answer is a refusal as well.
                self.assertLessEqual(set(statuses), REFUSALS, received[:400])
                self.assertNotIn(self.signer.encode(), received)
                self.assertNotIn(b"<html", received, "not what an API's client can parse")
        self.assertTrue(self.instance.healthy())
        self.no_descriptor_stays_open(before)

    def test_network_endless_chunks_are_cut_off_at_the_limit_of_a_body(self):
        def endless():
            piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
            for _ in range(1024):
                yield piece
        head = request_bytes("POST /csc/v2/info HTTP/1.1", "Content-Type: application/json", "Transfer-Encoding: chunked")
        before, size = self.open_files(), self.resident()
        for _ in range(8):
            statuses, received = self.raw(head, chunks=endless())
            self.assertLessEqual(set(statuses), {413}, received[:400])
        statuses, received = self.raw(head, patience=30, chunks=(b"100000\r\n",))  # promised, and silence
        self.assertLessEqual(set(statuses), {408, 413}, received[:400])
        self.assertTrue(self.instance.healthy())
        self.no_descriptor_stays_open(before)
        for name, kib in self.resident().items():
            self.assertLess(kib - size[name], 64 * 1024, f"{name} has grown")

    def test_network_chunks_within_the_limit_are_a_body_like_any_other(self):
        head = request_bytes("POST /csc/v2/info HTTP/1.1", "Content-Type: application/json",
                             "Transfer-Encoding: chunked", "Connection: close")
        statuses, received = self.raw(head, chunks=(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",))
        self.assertEqual([200], statuses, received[:400])

    def test_network_no_answer_goes_to_another_request_while_others_send_rubbish_and_hang_up(self):
        """Each client asks for signers of its own, and checks whose answer came."""
        ending, wrong, right = threading.Event(), [], []

        def asker(number):
            signer = self.client.signer(externalReference=f"asker-{number}")
            while not ending.is_set():
                answer = self.client.request("GET", f"/v1/signers/{signer}")
                ours = answer.status == 200 and answer.json["signerID"] == signer \
                    and answer.json["externalReference"] == f"asker-{number}"
                (right if ours else wrong).append(answer)
            self.client.close()
        askers = [threading.Thread(target=asker, args=(n,)) for n in range(6)]
        for thread in askers:
            thread.start()
        try:
            for _, data in list(self.malformed())[:17]:
                with socket.create_connection(("127.0.0.1", self.instance.api_port), timeout=20) as plain, \
                        self.client._context.wrap_socket(plain, server_hostname="localhost") as tls:
                    with contextlib.suppress(OSError):
                        tls.sendall(data)
                # A good request whose answer nobody waits for.
                connection = self.client.connect()
                connection.request("GET", f"/v1/signers/{self.signer}")
                connection.close()
            harness.wait_until(lambda: len(right) >= 600 or wrong, 60, "600 answers")
        finally:
            ending.set()
            for thread in askers:
                thread.join()
        self.assertEqual([], wrong)

    def open_files(self):
        """Descriptors of each process of ours and of each nginx worker."""
        pids = {name: str(self.instance.pid(name)) for name in ("sigillod", "sigillo-api", "sigillo-public")}
        pids.update({f"nginx worker {pid}": pid for pid in self.instance.nginx_workers()})
        return {name: len(os.listdir(f"/proc/{pid}/fd")) for name, pid in pids.items()}

    def no_descriptor_stays_open(self, before):
        # Connections that are kept alive towards sigillo-api (64 a worker, nginx.conf) are no leak.
        harness.wait_until(lambda: all(count <= before[name] + 70 for name, count in self.open_files().items()), 30,
                           f"as few open files as before ({before})")

    def resident(self):
        def kib(pid):
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1))
        return {"sigillo-api": kib(self.instance.pid("sigillo-api")), "sigillod": kib(self.instance.pid("sigillod")),
                "nginx": sum(kib(pid) for pid in self.instance.nginx_workers())}


if __name__ == "__main__":
    unittest.main()
