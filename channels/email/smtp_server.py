"""The SMTP door: it takes mail for mailboxes of ours and for nothing else, and says 250 only once the mail is stored.

aiosmtpd speaks the protocol; what a stranger could lean on is ours: how DATA ends, how much of anything there may be,
and what is answered when something of ours fails.
"""

import asyncio
import logging
import re
import ssl
from collections import Counter
from collections.abc import Awaitable
from typing import Protocol, TypeVar

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException, syntax

from channels.base import RawEvent
from channels.email import address
from channels.email.event import raw_event
from channels.email.smtp_data import Limits, Usage, receive

__all__ = ["TRY_AGAIN", "UNKNOWN", "Door", "Intake", "Limits", "start"]

TRY_AGAIN = "451 4.3.0 Try again later"
UNKNOWN = "550 5.1.1 Unknown recipient"

_PATH = re.compile(r'\s*(?:<((?:"(?:[^"\\]|\\.)*+"|[^<>"])*+)>|([^\s<>]+))(?:\s+(.*))?', re.DOTALL)
# How often one connection may give each command; a smart host may bring many mails through one.
_COMMANDS = {"MAIL": 1_000, "RCPT": 10_000, "DATA": 1_000, "RSET": 1_000, "NOOP": 100, "*": 20}

_Answer = TypeVar("_Answer")

log = structlog.get_logger(__name__)


class Intake(Protocol):
    """What the door asks of the house."""

    async def knows(self, address: str) -> bool:
        """Say whether a normalised address, without its `+tag`, is a mailbox of ours."""

    async def accept(self, event: RawEvent) -> None:
        """Store a mail; returning means it is committed."""


async def start(
    intake: Intake,
    *,
    host: str,
    port: int,
    hostname: str,
    tls_context: ssl.SSLContext | None = None,
    limits: Limits | None = None,
) -> asyncio.Server:
    """Listen; the server returned is already accepting. `hostname` is what it calls itself."""
    # aiosmtpd logs every command, and below ERROR also peers and whatever word a stranger sends as a command.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    chosen, usage = limits or Limits(), Usage()

    def connection() -> "Door":
        return Door(intake, chosen, usage, hostname=hostname, tls_context=tls_context)

    return await asyncio.get_running_loop().create_server(connection, host, port)


class _IntakeFailed(Exception):
    """Storing failed with an error that aiosmtpd would take for the sender's connection breaking."""


class _Handler:
    """The hooks that aiosmtpd calls."""

    def __init__(self, intake: Intake, limits: Limits) -> None:
        self._intake = intake
        self._limits = limits

    async def handle_EHLO(  # noqa: N802 - the hook's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Leave out AUTH: nobody logs in here."""
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_RCPT(  # noqa: N802 - the hook's name
        self, _server: SMTP, _session: Session, envelope: Envelope, recipient: str, _options: list[str]
    ) -> str:
        """Take a recipient of ours; there is no relaying, so every other one is unknown."""
        if len(envelope.rcpt_tos) >= self._limits.recipients:
            return "452 4.5.3 Too many recipients"
        mailbox = _mailbox(recipient)
        if not mailbox or not await self._asked(self._intake.knows(mailbox)):
            return UNKNOWN
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the hook's name
        """Hand the mail in and say yes once it is stored."""
        event = raw_event(
            envelope.content if isinstance(envelope.content, bytes) else b"",
            mail_from=(envelope.mail_from or "").strip("<>"),
            rcpt_tos=envelope.rcpt_tos,
            peer=_peer_host(session.peer),
            mailboxes=[_mailbox(each) for each in envelope.rcpt_tos],
        )
        await self._asked(self._intake.accept(event))
        return "250 2.0.0 OK"

    async def _asked(self, answer: Awaitable[_Answer]) -> _Answer:
        try:
            return await asyncio.wait_for(answer, self._limits.intake_seconds)
        except OSError as error:
            raise _IntakeFailed from error


def _mailbox(recipient: str) -> str:
    try:
        return address.mailbox_of(address.normalise(recipient))
    except ValueError:
        return ""


def _peer_host(peer: object) -> str:
    return str(peer[0]) if isinstance(peer, tuple) and peer else str(peer or "")


class Door(SMTP):
    """One connection."""

    line_length_limit = 64 * 1024  # the size of a piece read at once; lines of a mail may be longer

    def __init__(
        self, intake: Intake, limits: Limits, usage: Usage, *, hostname: str, tls_context: ssl.SSLContext | None
    ) -> None:
        super().__init__(
            _Handler(intake, limits),
            data_size_limit=limits.size,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP",
            tls_context=tls_context,
            timeout=limits.idle_seconds,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            command_call_limit=_COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self._limits = limits
        self._usage = usage
        self._peer: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or turn it away over a limit; a second call, after STARTTLS, is the same connection."""
        peer = _peer_host(transport.get_extra_info("peername"))
        if self._peer is None and self._full(peer):
            _turn_away(transport)
            return
        if self._peer is None:
            self._peer = peer
            self._usage.peers[peer] += 1
        super().connection_made(transport)

    def _full(self, peer: str) -> bool:
        peers = self._usage.peers
        return peers.total() >= self._limits.connections or peers[peer] >= self._limits.connections_per_peer

    def connection_lost(self, error: Exception | None) -> None:
        """Give the place back, once."""
        if self._peer is None:
            return
        self._usage.peers -= Counter((self._peer,))
        self._peer = None
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """Let a connection that was turned away end without a session."""
        return super().eof_received() if self._peer is not None else False

    async def handle_exception(self, error: Exception) -> str:
        """Answer any trouble of ours with "later", and with nothing of what it was."""
        if isinstance(error, TLSSetupException):  # the sender's handshake, and nothing of ours
            log.info("smtp_handshake_failed")
        else:
            log.error("smtp_trouble", error=type(error).__name__)
        return TRY_AGAIN

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Read a path with one bounded expression; the standard library's reader recurses on comments."""
        match = _PATH.fullmatch(arg or "")
        if not match:
            return None, None
        path = match[2] if match[1] is None else match[1]
        return path.strip() or "<>", match[3] or ""

    @syntax("VRFY <address>")
    async def smtp_VRFY(self, _arg: str | None) -> None:  # noqa: N802 - the library's name
        """Tell nobody who has a mailbox here."""
        await self.push("252 2.1.5 Cannot VRFY user, but will accept message and attempt delivery")

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the library's name
        """Receive a mail within the limits and answer for it."""
        if await self.check_helo_needed():
            return
        if arg or not self.envelope or not self.envelope.rcpt_tos:
            await self.push("501 Syntax: DATA" if arg else "503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self._reset_timeout(self._limits.data_seconds)
        try:
            answer = await self._received(self.envelope)
        finally:
            self.envelope = self._create_envelope()
            if self.transport is not None:
                self._reset_timeout()
        await self.push(answer)

    async def _received(self, envelope: Envelope) -> str:
        mail = await receive(self._reader, self._limits, self._usage)
        if mail.refusal:
            return mail.refusal
        envelope.content = mail.content
        return str(await self._call_handler_hook("DATA"))


def _turn_away(transport: asyncio.BaseTransport) -> None:
    if isinstance(transport, asyncio.WriteTransport):
        transport.write(b"421 4.7.0 Too many connections, try again later\r\n")
    transport.close()
