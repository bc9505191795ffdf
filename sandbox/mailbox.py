"""A mailbox that takes every mail, keeps its bytes, and can be told whom to refuse."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.reset import break_off
from sandbox.wire import BadRequest, Json, encoded

LARGEST_MAIL = 64 * 1024 * 1024
REFUSALS = range(400, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as it was handed in."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    def as_json(self) -> Json:
        """Return it read as a mail program would, beside its bytes."""
        parsed = message_from_bytes(self.raw)
        head = {"id": self.id, "from": self.sender, "to": list(self.recipients), "headers": _headers(parsed)}
        files = [name for part in parsed.walk() if (name := part.get_filename())]
        return head | {"text": _text(parsed), "files": files, "raw_base64": encoded(self.raw)}


class Mailbox:
    """Handler of the SMTP server; its `handle_*` names are aiosmtpd's."""

    def __init__(self, ledger: Ledger, faults: Faults) -> None:
        self._ledger = ledger
        self._faults = faults
        self._mails: list[Mail] = []
        self._refusals: dict[str, tuple[int, str]] = {}

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Start taking mail."""
        return await asyncio.get_running_loop().create_server(self._protocol, host, port)

    def refuse(self, recipient: str, code: int, text: str) -> None:
        """Refuse a recipient from now on; code 0 takes them again. Raises `BadRequest`."""
        if code and code not in REFUSALS:
            raise BadRequest(f"{code} refuses nothing")
        self._refusals.pop(recipient.lower(), None)
        if code:
            self._refusals[recipient.lower()] = (code, text)

    def entries(self, after: int = 0) -> list[Json]:
        """Return the mails, oldest first."""
        return [mail.as_json() for mail in self._mails[after:]]

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address.lower() in self._refusals:
            code, text = self._refusals[address.lower()]
            return f"{code} {text}"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Keep a mail, then answer, or not."""
        fault = self._faults.take("mailbox", "DATA")
        self._keep(envelope)
        if fault and fault.kind == "reset_after_data" and server.transport is not None:
            break_off(server.transport)
        if fault:
            # aiosmtpd cancels this when the connection is gone.
            await asyncio.Event().wait()
        return f"250 2.0.0 OK: kept as {len(self._mails)}"

    def _keep(self, envelope: Envelope) -> None:
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        recipients = tuple(envelope.rcpt_tos)
        sender = (envelope.mail_from or "").replace("<>", "")  # so aiosmtpd writes the empty one
        self._mails.append(Mail(id=len(self._mails) + 1, sender=sender, recipients=recipients, raw=raw))
        details: Mapping[str, object] = {
            "from": sender,
            "to": list(recipients),
            "message_id": (message_from_bytes(raw)["Message-ID"] or "").strip(),
            "raw_base64": encoded(raw),
        }
        self._ledger.add("mailbox", "mail", details)

    def _protocol(self) -> SMTP:
        return SMTP(
            self, data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, hostname="mailbox.example", ident="Mailbox"
        )


def _headers(parsed: Message) -> dict[str, str]:
    return {name: _readable(str(value)) for name, value in parsed.items()}


def _readable(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError):
        return value


def _text(parsed: Message) -> str:
    for part in parsed.walk():
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            content = part.get_payload(decode=True)
            charset = part.get_content_charset("utf-8")
            return content.decode(charset, errors="replace") if isinstance(content, bytes) else ""
    return ""
