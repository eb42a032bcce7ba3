"""A webhook and a mail server on this machine that keep what they are sent."""

import base64
import http.server
import json
import socketserver
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest


class Webhook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] == "application/json":
            body = json.loads(body)
        self.server.received.append((self.path, body, dict(self.headers)))
        self.send_response(self.server.status)
        if self.server.status in (301, 302, 303, 307, 308):
            self.send_header("Location", f"{self.server.address}/elsewhere")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class MailServer(socketserver.StreamRequestHandler):
    """As much of SMTP as one message needs: STARTTLS where the server has a certificate, and a login after it."""

    def handle(self):
        self.encrypted = False
        self.say("220 ready")
        while line := self.rfile.readline().decode():
            word = line.upper().split(" ")[0].strip()
            if word == "EHLO":
                offered = "AUTH PLAIN" if self.encrypted else "STARTTLS" if self.server.certificate else ""
                self.say("\r\n".join(["250-here", f"250 {offered}"]) if offered else "250 here")
            elif word == "STARTTLS":
                self.say("220 go on")
                self.encrypt()
            elif word == "AUTH":
                login = base64.b64decode(line.split()[-1]).decode().split("\0")[1:]
                self.server.logins.append((*login, self.encrypted))
                self.say("235 welcome" if login[1] == self.server.password else "535 no")
            elif word == "RCPT" and self.server.refused and self.server.refused.upper() in line.upper():
                self.say("550 nobody of that name")
            elif word == "DATA":
                self.say("354 go on")
                message = b""
                while not message.endswith(b"\r\n.\r\n"):
                    message += self.rfile.readline()
                self.server.received.append(message.decode())
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def encrypt(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.encrypted = True


def answer_oddly(stream, habit):
    """Hang, drip headers for ever, or answer what is no HTTP."""
    if habit == "garbage":
        stream.write(b"\x00\xff no answer\r\n\r\n")
        return
    if habit == "drips":
        stream.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        time.sleep(0.2)
        if habit == "drips":
            stream.write(f"X-{number}: drop\r\n".encode())


class OddReceiver(socketserver.StreamRequestHandler):
    """Takes what is posted and then gives no answer."""

    def handle(self):
        answer_oddly(self.wfile, self.server.habit)


class FickleReceiver(Webhook):
    """Answers with a status, or oddly where its status is a habit; `taken` are the posts that it answered with 204."""

    def do_POST(self):
        habit = self.server.status
        if isinstance(habit, str):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.close_connection = True
            answer_oddly(self.wfile, habit)
            return
        super().do_POST()
        if habit == 204:
            self.server.taken.append(self.server.received[-1][1])


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is no news."""


def serve(handler, **settings):
    server = Server(("127.0.0.1", 0), handler)
    server.received, server.port = [], server.server_address[1]
    server.address = f"http://127.0.0.1:{server.port}"
    vars(server).update(settings)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def webhook():
    yield from serve(Webhook, status=204)


@pytest.fixture
def odd_receiver():
    yield from serve(OddReceiver, habit="hangs")


@pytest.fixture
def fickle():
    """Three of them: two who are alerted, and the server of the retraining workflow."""
    with ExitStack() as held:
        yield [held.enter_context(contextmanager(serve)(FickleReceiver, status=204, taken=[])) for _ in range(3)]


@pytest.fixture
def mail_server():
    yield from serve(MailServer, certificate=None, logins=[], password="", refused="")


@pytest.fixture(autouse=True)
def nobody_is_told(monkeypatch):
    """Whatever the machine that runs the tests has set."""
    for name in ("DERMAI_ALERT_URLS", "DERMAI_ALERT_WEBHOOK", "DERMAI_SMTP_USER", "DERMAI_SMTP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
