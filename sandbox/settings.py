"""What the sandbox is told at its start, from the command line and the environment."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REQUIRED = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_URL")

# Slack itself waits 0, 60 and 300 seconds; sixty times faster keeps a test's patience and the order of the three.
SLACK_RETRY_DELAYS = (0.0, 1.0, 5.0)


class MissingSettings(ValueError):
    """The environment lacks a variable without which no signature can be made or checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Credentials shared with the product, and where each side listens."""

    slack_bot_token: str
    slack_signing_secret: str
    twilio_account_sid: str
    twilio_auth_token: str
    public_url: str
    web_url: str
    smtp_door: tuple[str, int]
    host: str
    port: int
    smtp_port: int
    ledger: Path | None = None
    slack_app_token: str = ""
    authserv_id: str = ""  # of the mail server whose word about a sender the product believes
    slack_retry_delays: tuple[float, ...] = SLACK_RETRY_DELAYS

    @property
    def own_url(self) -> str:
        """Return the address under which the product reaches this process."""
        return f"http://{self.host}:{self.port}"

    def through(self, url: str) -> str:
        """Return where to really post what is signed for `url`."""
        return self.web_url + url.removeprefix(self.public_url) if url.startswith(self.public_url) else url


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Put command line and environment together. Raises `MissingSettings`; a wrong argument ends the process."""
    given = _parser().parse_args(arguments)
    missing = [name for name in REQUIRED if not environment.get(name)]
    if missing:
        raise MissingSettings(f"the sandbox needs {', '.join(missing)} in the environment, the same as the product's")
    public_url = environment["PUBLIC_URL"].rstrip("/")
    return Settings(
        slack_bot_token=environment["SLACK_BOT_TOKEN"],
        slack_signing_secret=environment["SLACK_SIGNING_SECRET"],
        twilio_account_sid=environment["TWILIO_ACCOUNT_SID"],
        twilio_auth_token=environment["TWILIO_AUTH_TOKEN"],
        public_url=public_url,
        web_url=environment.get("WEB_URL", "").rstrip("/") or public_url,
        smtp_door=_host_and_port(environment.get("SMTP_DOOR") or "127.0.0.1:2525"),
        host=given.host,
        port=given.port,
        smtp_port=given.smtp_port,
        ledger=given.ledger,
        slack_app_token=environment.get("SLACK_APP_TOKEN", ""),
        authserv_id=next(iter(environment.get("TRUSTED_AUTHSERV_ID", "").replace(",", " ").split()), ""),
        slack_retry_delays=given.slack_retry_delays,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=8099, help="for HTTP; 0 takes a free one (%(default)s)")
    parser.add_argument("--smtp-port", type=int, default=8026, help="for mail; 0 takes a free one (%(default)s)")
    parser.add_argument("--ledger", type=Path, help="also append every effect to this file, one JSON line each")
    parser.add_argument(
        "--slack-retry-delays",
        type=_delays,
        default=SLACK_RETRY_DELAYS,
        metavar="SECONDS,...",
        help="pauses before an unanswered Slack event is posted again",
    )
    return parser


def _delays(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        raise MissingSettings(f"SMTP_DOOR must be host:port, not {text!r}")
    return host or "127.0.0.1", int(port)
