"""One mail to the relay, with every way it can fail sorted by whether the mail may have left.

The line is the final dot: before it nothing was sent, after it only the relay knows.
"""

import re
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from channels.base import clean_line
from channels.errors import SendError, TryLater, Unclear, Undeliverable

_PORTS = {"smtp": 25, "smtps": 465}
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"<?[^\s<>@]{1,100}@[^\s<>@]{1,255}>?")
_BAD_ADDRESS = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"))
# Answers that say our login is wrong, not the mail: it waits until the settings are mended.
_LOGIN_WANTED = (530, 534, 535, 538)
_DOT_AT_START = re.compile(rb"(?m)^\.")
_GOODBYE_SECONDS = 2.0


class StartTLS(StrEnum):
    """When a plain connection is encrypted; an offered STARTTLS that fails its check is never gone without."""

    OFFERED = "offered"
    REQUIRED = "required"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mail. The password is in no text of this object."""

    host: str
    port: int
    tls: bool = False
    starttls: StartTLS = StartTLS.OFFERED
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 60.0
    hostname: str = ""
    context: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str, *, timeout: float = 60.0, hostname: str = "") -> "Relay":
        """Read `smtp://[user:password@]host[:port][?starttls=required|off]` or `smtps://…`.

        Raises `ValueError`, which names no secret.
        """
        try:
            parts = urlsplit(url)
            port, asked = parts.port, parse_qs(parts.query)
            starttls = StartTLS(asked.get("starttls", ["offered"])[0])
        except ValueError:
            raise ValueError("SMTP_RELAY_URL cannot be read") from None
        if not (parts.username or "").isascii() or not (parts.password or "").isascii():
            raise ValueError("SMTP_RELAY_URL has a user or password outside ASCII")
        if parts.scheme not in _PORTS or not parts.hostname or set(asked) - {"starttls"}:
            raise ValueError("SMTP_RELAY_URL must be smtp://host:port or smtps://host:port")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            starttls=starttls,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            timeout=timeout,
            hostname=hostname or socket.gethostname(),
        )


def deliver(relay: Relay, *, mail_from: str, to: str, mail: bytes) -> None:
    """Hand one mail to the relay. Raises a `SendError`; returning means the relay said yes."""
    deadline = time.monotonic() + relay.timeout
    try:
        connection = _connected(relay)
    except OSError as error:
        raise TryLater(f"the mail relay cannot be reached: {type(error).__name__}") from error
    try:
        _submit(_Conversation(connection, deadline), relay, mail_from=mail_from, to=to, mail=mail)
        _say_goodbye(connection)
    finally:
        connection.close()


def _connected(relay: Relay) -> smtplib.SMTP:
    context = relay.context or ssl.create_default_context()
    if relay.tls:
        return smtplib.SMTP_SSL(
            relay.host, relay.port, local_hostname=relay.hostname, timeout=relay.timeout, context=context
        )
    return smtplib.SMTP(relay.host, relay.port, local_hostname=relay.hostname, timeout=relay.timeout)


class _Conversation:
    """A connection whose every step gets only what is left of the whole send's time."""

    def __init__(self, connection: smtplib.SMTP, deadline: float) -> None:
        self.connection = connection
        self.deadline = deadline

    def limited(self) -> smtplib.SMTP:
        left = self.deadline - time.monotonic()
        if left <= 0 or self.connection.sock is None:
            raise TimeoutError
        self.connection.sock.settimeout(left)
        return self.connection

    def say(self, command: str, arguments: str = "") -> tuple[int, bytes]:
        return self.limited().docmd(command, arguments)


def _submit(conversation: _Conversation, relay: Relay, *, mail_from: str, to: str, mail: bytes) -> None:
    try:
        _greet(conversation, relay)
        _demand(conversation.say("MAIL", f"FROM:<{mail_from}>"), 250, "sender")
        _demand(conversation.say("RCPT", f"TO:<{to}>"), 250, "recipient")
        _demand(conversation.say("DATA"), 354, "mail")
        conversation.limited().send(_DOT_AT_START.sub(b"..", mail))
    except OSError as error:
        raise TryLater(f"the mail relay broke off: {type(error).__name__}") from error
    try:
        conversation.limited().send(b".\r\n")
        answer = conversation.limited().getreply()
    except OSError as error:
        raise Unclear(f"the mail relay took the mail and gave no answer: {type(error).__name__}") from error
    _demand_clear(answer)
    _demand(answer, 250, "mail")


def _greet(conversation: _Conversation, relay: Relay) -> None:
    """Say hello, encrypt, log in. Whatever goes wrong here is a matter of settings, so the mail waits."""
    connection = conversation.limited()
    connection.ehlo_or_helo_if_needed()
    if not relay.tls and relay.starttls is not StartTLS.OFF:
        _encrypt(conversation, relay)
    if relay.user:
        conversation.limited().login(relay.user, relay.password)


def _encrypt(conversation: _Conversation, relay: Relay) -> None:
    connection = conversation.limited()
    if not connection.has_extn("starttls"):
        if relay.starttls is StartTLS.REQUIRED:
            raise TryLater("the mail relay offers no encryption, which the settings demand")
        return
    connection.starttls(context=relay.context or ssl.create_default_context())
    conversation.limited().ehlo()


def _demand_clear(answer: tuple[int, bytes]) -> None:
    """Raise `Unclear` for what is neither a yes nor a refusal: a line cut short can be the start of either."""
    code, _ = answer
    if code not in {250, 251} and not 400 <= code < 600:  # noqa: PLR2004 - SMTP's own numbers
        raise Unclear("the mail relay took the mail and gave an answer that cannot be read")


def _demand(answer: tuple[int, bytes], wanted: int, what: str) -> None:
    code, text = answer
    if code == wanted or (wanted == 250 and code == 251):  # noqa: PLR2004 - SMTP's own numbers
        return
    raise _refusal(code, text, what)


def _refusal(code: int, text: bytes, what: str) -> SendError:
    found = _ENHANCED.match(text)
    named = found[1].decode("ascii") if found else str(code)
    if code == -1:
        return TryLater("the mail relay closed the connection")
    if code in _LOGIN_WANTED:
        return TryLater(f"the mail relay wants another login: {code}")
    if not 500 <= code < 600:  # noqa: PLR2004 - SMTP's own numbers
        return TryLater(f"the mail relay put the {what} off: {named}")
    said = clean_line(_ADDRESS.sub("…", text.decode("utf-8", "replace")), 160)
    bad = what == "recipient" and named in _BAD_ADDRESS
    return Undeliverable(f"the mail relay refused the {what}: {code} {said}", code=named, bad_address=bad)


def _say_goodbye(connection: smtplib.SMTP) -> None:
    with suppress(OSError):  # the mail is taken; how the conversation ends changes nothing
        if connection.sock is not None:
            connection.sock.settimeout(_GOODBYE_SECONDS)
        connection.docmd("QUIT")
