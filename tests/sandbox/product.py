"""The product's place: what the sandbox calls, and the secrets both sides share."""

import contextlib
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from sandbox.client import wait_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A started sandbox."""

    process: "subprocess.Popen[str]"
    url: str
    smtp_port: int
    ledger: Path


PUBLIC_URL = "https://desk.example"
ACCOUNT = "AC" + "0" * 32
ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-sandbox",
    "SLACK_SIGNING_SECRET": "slack-secret",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": "twilio-secret",
    "PUBLIC_URL": PUBLIC_URL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A call the sandbox made to the product."""

    path: str
    headers: Message
    body: bytes


@dataclass(slots=True)
class Receiver:
    """What came, and how to answer a call with a word in its body: with `answers`, or after it is no longer `held`."""

    calls: list[Received] = field(default_factory=list)
    answers: dict[bytes, list[tuple[int, Mapping[str, str], bytes]]] = field(default_factory=dict)
    held: dict[bytes, threading.Event] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def got(self, word: str, count: int = 1) -> list[Received]:
        """Wait for so many calls with this word in their body."""

        def found() -> list[Received]:
            fitting = [call for call in self.calls if word.encode() in call.body]
            return fitting if len(fitting) >= count else []

        return wait_for(found, f"{count} calls with {word}")

    def answer_to(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Hold the call if its word is held, then return its next answer."""
        for word, event in list(self.held.items()):
            if word in body:
                event.wait(20)
        fitting = next((answers for word, answers in self.answers.items() if word in body and answers), None)
        return fitting.pop(0) if fitting else (200, {}, b"")


def handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.calls.append(Received(path=self.path, headers=self.headers, body=body))
            with contextlib.suppress(ConnectionError):  # a caller that gave up
                self.write(*receiver.answer_to(body))

        def do_GET(self) -> None:
            found = receiver.files.get(self.path)
            self.write(200 if found else 404, {"Content-Type": "image/png"}, found or b"")

        def write(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
