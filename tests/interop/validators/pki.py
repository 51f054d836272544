"""A public-key infrastructure of a test's own: root, signers, OCSP responder, and under a second root a time-stamping unit,
all made and served by openssl; its answers come over http on a free port of 127.0.0.1.

    with Pki(folder) as pki:
        key, certificate = pki.signer("p256")       # PEM files
        pki.anchors                                 # PEM files of both roots
        pki.url + "/tsa"                            # RFC 3161; also /ocsp /ca.crt /ca.crl /tsa-ca.crt /tsa-ca.crl

Not the product's PKI: it proves the validators without the product.
"""
import base64
import http.server
import pathlib
import secrets
import subprocess
import threading
import urllib.parse

KEYS = {
    "rsa2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
}

CONFIG = """
[ca]
dir = {folder}
database = {folder}/{ca}.index
serial = {folder}/{ca}.serial
crlnumber = {folder}/{ca}.crlnumber
new_certs_dir = {folder}
certificate = {folder}/{ca}.pem
private_key = {folder}/{ca}.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
unique_subject = no
copy_extensions = none
[any]
countryName = optional
organizationName = optional
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[signer]
keyUsage = critical,digitalSignature,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
authorityInfoAccess = caIssuers;URI:{url}/ca.crt,OCSP;URI:{url}/ocsp
crlDistributionPoints = URI:{url}/ca.crl
[ocsp]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning
noCheck = ignored
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsu]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
authorityInfoAccess = caIssuers;URI:{url}/tsa-ca.crt
crlDistributionPoints = URI:{url}/tsa-ca.crl
[tsa]
signer_cert = {folder}/tsu.pem
signer_key = {folder}/tsu.key
certs = {folder}/tsa-ca.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1.1
digests = sha256,sha384,sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
serial = {folder}/tsa.serial
[req]
distinguished_name = dn
[dn]
"""


def openssl(*arguments, stdin=None):
    """What openssl prints, as bytes. Raises when it fails, with what it said."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False, timeout=60)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Pki:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Two PKIs must not issue under one name: NSS knows certificates by issuer and serial number.
        self._name = secrets.token_hex(6)
        self._lock = threading.Lock()  # openssl's files of serials and the index have none
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        for ca in ("ca", "tsa-ca"):
            self._config(ca).write_text(CONFIG.format(folder=self.folder, ca=ca, url=self.url))
            (self.folder / f"{ca}.index").touch()
            (self.folder / f"{ca}.serial").write_text("1000\n")
            (self.folder / f"{ca}.crlnumber").write_text("01\n")
            self._key(ca, "p256")
            openssl("req", "-x509", "-config", self._config(ca), "-extensions", "root", "-days", 30, "-sha256", "-utf8",
                    "-key", self.folder / f"{ca}.key", "-subj", f"/O=Test {self._name}/CN=Root {ca}", "-out", self.folder / f"{ca}.pem")
        (self.folder / "tsa.serial").write_text("01\n")
        self._issue("ca", "ocsp", "ocsp", "p256")
        self._issue("tsa-ca", "tsu", "tsu", "p256")
        self.anchors = [self.folder / "ca.pem", self.folder / "tsa-ca.pem"]
        self.tsa_url = self.url + "/tsa"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _config(self, ca):
        return self.folder / f"{ca}.cnf"

    def _key(self, name, kind):
        openssl("genpkey", *KEYS[kind], "-out", self.folder / f"{name}.key")

    def _issue(self, ca, name, extensions, kind):
        self._key(name, kind)
        request = self.folder / f"{name}.csr"
        openssl("req", "-new", "-config", self._config(ca), "-key", self.folder / f"{name}.key",
                "-subj", f"/C=IT/O=Test/CN=Test {name}", "-out", request)
        with self._lock:
            openssl("ca", "-batch", "-notext", "-config", self._config(ca), "-name", "ca", "-extensions", extensions,
                    "-in", request, "-out", self.folder / f"{name}.pem")

    def signer(self, kind, name=None):
        """(key, certificate) of a signer, made when first asked for. kind: one of KEYS."""
        name = name or f"signer-{kind}"
        if not (self.folder / f"{name}.pem").exists():
            self._issue("ca", name, "signer", kind)
        return self.folder / f"{name}.key", self.folder / f"{name}.pem"

    def revoke(self, certificate):
        with self._lock:
            openssl("ca", "-config", self._config("ca"), "-name", "ca", "-revoke", certificate)

    def crl(self, ca):
        """The CRL of now, DER."""
        with self._lock:
            pem = openssl("ca", "-config", self._config(ca), "-name", "ca", "-gencrl")
        return openssl("crl", "-outform", "DER", stdin=pem)

    def certificate(self, ca):
        return openssl("x509", "-in", self.folder / f"{ca}.pem", "-outform", "DER")

    def timestamp(self, request):
        with self._lock:
            return openssl("ts", "-reply", "-queryfile", "/dev/stdin", "-config", self._config("tsa-ca"), "-section", "tsa",
                           stdin=request)

    def ocsp(self, request):
        with self._lock:
            return openssl("ocsp", "-index", self.folder / "ca.index", "-CA", self.folder / "ca.pem", "-rsigner",
                           self.folder / "ocsp.pem", "-rkey", self.folder / "ocsp.key", "-reqin", "/dev/stdin", "-ndays", 7,
                           "-respout", "/dev/stdout", "-rmd", "sha256", stdin=request)

    def _handler(self):
        pki = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, format, *arguments):  # noqa: A002 - the name is the base class's
                pass

            def answer(self, kind, body):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                name, _, rest = self.path.strip("/").partition("/")
                if name == "ocsp":
                    request = base64.b64decode(urllib.parse.unquote(rest))
                    self.answer("application/ocsp-response", pki.ocsp(request))
                elif name in ("ca.crl", "tsa-ca.crl"):
                    self.answer("application/pkix-crl", pki.crl(name[:-4]))
                elif name in ("ca.crt", "tsa-ca.crt"):
                    self.answer("application/pkix-cert", pki.certificate(name[:-4]))
                else:
                    self.send_error(404)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/tsa":
                    self.answer("application/timestamp-reply", pki.timestamp(body))
                elif self.path == "/ocsp":
                    self.answer("application/ocsp-response", pki.ocsp(body))
                else:
                    self.send_error(404)

        return Handler
