"""The recipe of a reverse proxy, before a server that says what reaches it."""

import base64
import http.server
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

RECIPE = pathlib.Path(__file__).parents[2] / "serving" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(not (NGINX and shutil.which("openssl")), reason="nginx or openssl is not installed")


class _Upstream(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.path} {len(body)} {self.headers.get('Authorization')}".encode())

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def proxy(tmp_path):
    """Yields the address of a proxy by the recipe, and what trusts its certificate."""
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = free_port()
    recipe = RECIPE.read_text().replace("8443", str(port)).replace("8444", str(free_port())).replace("8080", str(upstream.server_port))
    (tmp_path / "nginx.conf").write_text(f"daemon off;\nuser root;\n{recipe}")
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    certificate += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(certificate, cwd=tmp_path, check=True, capture_output=True)
    password = subprocess.run(["openssl", "passwd", "-apr1", "secret"], capture_output=True, text=True, check=True).stdout
    (tmp_path / "passwords").write_text(f"me:{password}")
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen([NGINX, "-p", str(tmp_path), "-c", "nginx.conf"], stderr=said)
    try:
        for _ in range(100):
            with socket.socket() as one:
                if not one.connect_ex(("127.0.0.1", port)):
                    break
            assert process.poll() is None, (tmp_path / "said").read_text()
            time.sleep(0.05)
        yield f"https://localhost:{port}", ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    finally:
        process.terminate()
        process.wait(10)
        upstream.shutdown()
        upstream.server_close()


def ask(proxy, path, body=b"{}", user="me:secret"):
    address, context = proxy
    request = urllib.request.Request(address + path, body)
    if user:
        request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_the_proxy_asks_who_one_is_and_passes_requests_alone(proxy):
    assert ask(proxy, "/v2/models/m/infer") == (200, "/v2/models/m/infer 2 None")
    assert ask(proxy, "/v2/models/m/infer", user="")[0] == 401
    assert ask(proxy, "/v2/models/m/infer", user="me:wrong")[0] == 401
    assert ask(proxy, "/metrics")[0] == 404
    assert ask(proxy, "/v2/models/m/infer", body=b" " * (9 << 20))[0] == 413
