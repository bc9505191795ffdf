"""The doors as processes on a database of their own, and calls signed as Slack and Twilio sign them."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg

from tests.conftest import CREDENTIALS
from workers.local.postgres import LocalPostgres

PUBLIC_URL = "https://desk.example.com"
SLACK_SECRET = CREDENTIALS["SLACK_SIGNING_SECRET"]
TWILIO_TOKEN = CREDENTIALS["TWILIO_AUTH_TOKEN"]
EVENTS, INTERACTIVITY, COMMANDS = (f"/webhooks/slack/{name}" for name in ("events", "interactivity", "commands"))
MESSAGES = "/webhooks/twilio/messages"
STATUS = "/webhooks/twilio/status/5b0c6e0e-6f5a-4b5e-9d53-0a2b7c9f3f1d"
SLACK, TWILIO = (EVENTS, INTERACTIVITY, COMMANDS), (MESSAGES, STATUS)

# Bytes, so that a header may hold whatever a stranger sends.
Headers = Sequence[tuple[str, bytes]]

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One POST to the web door."""

    path: str
    headers: Headers
    body: bytes

    def but(self, *headers: tuple[str, str | bytes], **changes: Any) -> "Call":  # noqa: ANN401 (any field)
        """Return the call with other headers of these names, or with other fields."""
        names = {name for name, _ in headers}
        kept = [(name, value) for name, value in self.headers if name not in names]
        new = [(name, value if isinstance(value, bytes) else value.encode()) for name, value in headers]
        given: dict[str, Any] = {"path": self.path, "headers": [*kept, *new], "body": self.body}
        return Call(**(given | changes))

    def header(self, name: str) -> str:
        """Return a header of the call."""
        return dict(self.headers)[name].decode()

    def without(self, *names: str) -> "Call":
        """Return the call without these headers."""
        return self.but(headers=[(name, value) for name, value in self.headers if name not in names])


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The web and the SMTP door, and the database behind them."""

    web: str
    smtp: int
    environment: Mapping[str, str] = field(repr=False)
    postgres: LocalPostgres
    lines: list[str] = field(repr=False)
    certificate: str
    http: httpx.Client = field(repr=False)

    def post(self, call: Call) -> httpx.Response:
        headers = [(name.encode(), value) for name, value in call.headers]
        return self.http.post(f"{self.web}{call.path}", headers=headers, content=call.body)

    def get(self, path: str) -> httpx.Response:
        return self.http.get(f"{self.web}{path}")

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Return what a statement finds, over a connection of the test's own."""
        with self.connect() as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.postgres.url.replace("+psycopg", ""), autocommit=True)

    def count(self) -> int:
        """Return how many events were accepted so far."""
        return int(self.rows("SELECT count(*) FROM inbound_events")[0][0])

    def stored(self, call: Call) -> int:
        """Return how many rows hold the bytes of a call."""
        statement = "SELECT count(*) FROM inbound_events WHERE payload = %(body)s"
        return int(self.rows(statement, body=call.body)[0][0])


@contextmanager
def stopped(doors: Doors) -> Iterator[None]:
    """Take the database away."""
    doors.postgres.stop("fast")
    try:
        yield
    finally:
        doors.postgres.launch()


def slack_signature(body: bytes, timestamp: str, secret: str = SLACK_SECRET) -> str:
    """Sign as https://docs.slack.dev/authentication/verifying-requests-from-slack says."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, "sha256").hexdigest()


def slack_call(path: str, body: bytes, *, timestamp: str = "", secret: str = SLACK_SECRET) -> Call:
    timestamp = timestamp or str(int(time.time()))
    kind = b"application/json" if path == EVENTS else b"application/x-www-form-urlencoded"
    signature = slack_signature(body, timestamp, secret).encode()
    headers = [
        ("content-type", kind),
        ("x-slack-request-timestamp", timestamp.encode()),
        ("x-slack-signature", signature),
    ]
    return Call(path=path, headers=headers, body=body)


def twilio_signature(
    url: str, form: Sequence[tuple[str, str]], token: str = TWILIO_TOKEN, algorithm: str = "sha1"
) -> str:
    """Sign as https://www.twilio.com/docs/usage/security#validating-requests says."""
    signed = url + "".join(name + value for name, value in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), algorithm).digest()).decode()


def twilio_call(path: str, form: Sequence[tuple[str, str]], *, url: str = "", token: str = TWILIO_TOKEN) -> Call:
    signature = twilio_signature(url or PUBLIC_URL + path, form, token)
    headers = [
        ("content-type", b"application/x-www-form-urlencoded"),
        ("x-twilio-signature", signature.encode()),
    ]
    return Call(path=path, headers=headers, body=urlencode(form).encode())


def twilio_form(path: str, **more: str) -> list[tuple[str, str]]:
    """Return the fields of a new text, or of a report."""
    sid = f"SM{hashlib.md5(f'{path}{time.time_ns()}{next(_numbers)}'.encode()).hexdigest()}"  # noqa: S324 (an id)
    said = {"MessageStatus": "delivered"} if path == STATUS else {"Body": "Grüße & more", "NumMedia": "0"}
    head = {"MessageSid": sid, "AccountSid": "AC0", "From": "+15557654321", "To": "+15550100001"}
    return list({**head, **said, **more}.items())


def genuine(path: str) -> Call:
    """Return a new call as the provider makes it."""
    if path in TWILIO:
        return twilio_call(path, twilio_form(path))
    number = f"{time.time_ns()}{next(_numbers)}"
    bodies = {
        EVENTS: json.dumps(event(f"Ev{number}")).encode(),
        INTERACTIVITY: urlencode({"payload": json.dumps(press(number))}).encode(),
        COMMANDS: urlencode({"command": "/desk", "text": "list", "trigger_id": number, **WHO}).encode(),
    }
    return slack_call(path, bodies[path])


WHO = {"team_id": "T0DESK", "channel_id": "C0SUPPORT", "user_id": "U0ADA"}


def event(event_id: str, **more: object) -> dict[str, object]:
    said = {"type": "message", "user": "U0ADA", "channel": "C0SUPPORT", "text": "Hello"}
    said["ts"] = f"1795{next(_numbers):06}.000100"
    return {
        "type": "event_callback",
        "team_id": "T0DESK",
        "api_app_id": "A0FRONTDESK",
        "event_id": event_id,
        "authorizations": [{"team_id": "T0DESK", "user_id": "U0FRONTDESK", "is_bot": True}],
        "event": said,
        **more,
    }


def press(trigger: str) -> dict[str, object]:
    return {
        "type": "block_actions",
        "trigger_id": trigger,
        "team": {"id": "T0DESK"},
        "user": {"id": "U0ADA", "team_id": "T0DESK"},
        "channel": {"id": "C0SUPPORT"},
        "container": {"type": "message", "message_ts": "1795000000.000100", "channel_id": "C0SUPPORT"},
        "actions": [{"action_id": "take", "block_id": "b", "type": "button", "value": "1", "action_ts": "1.2"}],
    }
