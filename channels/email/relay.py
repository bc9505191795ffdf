"""The server that takes our mail, as the settings name it."""

import socket
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

_PORTS = {"smtp": 25, "smtps": 465}


class StartTLS(StrEnum):
    """When a plain connection is encrypted; an offered STARTTLS that fails its check is never gone without."""

    OFFERED = "offered"
    REQUIRED = "required"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mail. The password is in no text of this object.

    A connection is kept for the next mail for `idle` seconds, and for `mails` in all: less than relays bear with.
    """

    host: str
    port: int
    tls: bool = False
    starttls: StartTLS = StartTLS.OFFERED
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 60.0
    hostname: str = ""
    context: ssl.SSLContext | None = field(default=None, repr=False)
    idle: float = 10.0
    mails: int = 100

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
