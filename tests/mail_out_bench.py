"""How many mails a second leave over a connection that is kept, and over a fresh one each.

`python -m tests.mail_out_bench`; a part of `make bench`. The relay stores nothing and stands beside us: with a real
one, the gain is larger by every round trip of a greeting and of a handshake.
"""

import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from channels.base import ExternalId, OutboundMessage
from channels.email.compose import compose, envelope
from channels.email.relay import Relay, StartTLS
from channels.email.send import Letter, Sender
from tests.bench_sink import bare_sink
from tests.certificate import certificate_in

MAILS = 300
ROUNDS = 3


def mail_out(say: Callable[[str], None]) -> None:
    """Send the same mails both ways, in the clear and encrypted."""
    _compare(say, "in the clear", None, Relay(host="127.0.0.1", port=0, hostname="desk.example", starttls=StartTLS.OFF))
    with tempfile.TemporaryDirectory() as folder:
        certificate = certificate_in(Path(folder))
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        theirs.load_cert_chain(certificate)
        ours = ssl.create_default_context(cafile=certificate)
    _compare(say, "with STARTTLS", theirs, Relay(host="127.0.0.1", port=0, hostname="desk.example", context=ours))


def _compare(say: Callable[[str], None], how: str, tls: ssl.SSLContext | None, relay: Relay) -> None:
    """Send in turn over a kept connection and over fresh ones, and compare the best rounds."""
    with bare_sink(tls) as port:
        there = replace(relay, port=port)
        rounds = [(_rate(there), _rate(replace(there, mails=1))) for _ in range(ROUNDS)]
    kept, fresh = (max(rates) for rates in zip(*rounds, strict=True))
    say(
        f"mails out {how}: {kept:.0f}/s over a kept connection, {fresh:.0f}/s over fresh ones; ratio {kept / fresh:.1f}"
    )


def _rate(relay: Relay) -> float:
    sender = Sender(relay)
    started = time.monotonic()
    for _ in range(MAILS):
        sender.deliver(_LETTER)
    return MAILS / (time.monotonic() - started)


_ANSWER = OutboundMessage(
    idempotency_key="0f1e2d3c-4b5a-4678-9abc-def012345678",
    to=ExternalId(type="email", value="cleo@client.example"),
    sender=ExternalId(type="email", value="support@desk.example"),
    subject="Re: Printer on fire",
    body="Pull the plug.\n" * 20,
)
_FROM, _TO = envelope(_ANSWER)
_LETTER = Letter(mail_from=_FROM, to=_TO, mail=compose(_ANSWER, datetime.now(UTC)))


if __name__ == "__main__":
    mail_out(print)
