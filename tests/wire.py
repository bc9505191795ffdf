"""What stands between two mail servers: it counts what passes, and may change it."""

import asyncio
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.channels.email.smtp_talk import served

Change = Callable[[bytes], bytes]


class Wire:
    """Passes mail on to the door of its recipient's domain."""

    def __init__(self, change: Change) -> None:
        self.passed: list[bytes] = []
        self.doors: dict[str, int] = {}
        self._change = change

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Pass a mail on and answer as the door did."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        self.passed.append(raw)
        return await asyncio.get_running_loop().run_in_executor(None, self._pass_on, envelope, self._change(raw))

    def _pass_on(self, envelope: Envelope, raw: bytes) -> str:
        (recipient,) = envelope.rcpt_tos
        port = self.doors[recipient.rpartition("@")[2]]
        with smtplib.SMTP("127.0.0.1", port, local_hostname="wire.example", timeout=10) as door:
            door.sendmail(envelope.mail_from or "", [recipient], raw)
        return "250 passed on"


@contextmanager
def running(wire: Wire) -> Iterator[int]:
    """Run it on a loop of its own and give its port."""
    loop = asyncio.new_event_loop()
    serving = loop.create_server(lambda: SMTP(wire, hostname="wire.example", loop=loop), "127.0.0.1", 0)
    with served(loop, serving) as port:
        yield port
