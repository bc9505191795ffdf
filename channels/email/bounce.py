"""Delivery status notifications (RFC 3464) about mails of ours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from channels.base import DeliveryReport, ExternalId, ReportState, clean_line
from channels.email import automatic, decode, headers, mime, references, tokens
from channels.email.headers import Headers
from channels.email.mime import Part

_STATUS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = (
    "message/rfc822",
    "message/global",
    "message/rfc822-headers",
    "message/global-headers",
    "text/rfc822-headers",
)
_STATES = {
    "failed": ReportState.FAILED,
    "delayed": ReportState.DELAYED,
    "delivered": ReportState.DELIVERED,
    "relayed": ReportState.SENT,
    "expanded": ReportState.SENT,
}
_GRAVEST = (ReportState.FAILED, ReportState.DELAYED, ReportState.SENT, ReportState.DELIVERED)
_CODE = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_BAD_ADDRESS = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.10"))
_ADDRESS = re.compile(r"<?[^\s<>@]{1,100}@[^\s<>@]{1,255}>?")
_MAX_STATUS_BYTES = 64 * 1024
_MAX_RECIPIENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """Whose mail came back and with which status, and the rule that saw it."""

    recipient: str
    status: str
    rule: str


def find(root: Part, mail_from: str | None) -> Bounce | None:
    """Return what a mail says about one that was not delivered, ours or not; `mail_from` is `None` without envelope."""
    status = next((part for part in mime.leaves(root) if part.content_type in _STATUS), None)
    first = next(_recipients(status), None) if status else None
    if first is None or (mail_from or "").strip() not in {"", "<>"}:
        return None
    recipient = first.first("final-recipient").rpartition(";")[2].strip()
    return Bounce(recipient=clean_line(recipient), status=_code(first), rule="delivery_status")


def report(root: Part, mail_from: str | None, at: datetime | None) -> DeliveryReport | None:
    """Return what became of a mail of ours, or `None` when this is no report or names no mail of ours with a token.

    Only the null sender reports (RFC 3464, 2): whoever has an address writes as themselves. No envelope, no report.
    """
    if mail_from is None or mail_from.strip() not in {"", "<>"}:
        return None
    status = next((part for part in mime.leaves(root) if part.content_type in _STATUS), None)
    if status is None:
        return None
    original = _original(root)
    found = max(_recipients(status), key=lambda each: -_GRAVEST.index(_state(each)), default=None)
    if not original or found is None:
        return None
    return _report(original, found, at)


def _report(original: str, recipient: Headers, at: datetime | None) -> DeliveryReport:
    state, code = _state(recipient), _code(recipient)
    return DeliveryReport(
        external_id=ExternalId(type="email", value=original),
        idempotency_key=tokens.idempotency_key(original),
        state=state,
        code=code,
        detail=_detail(recipient),
        at=at,
        bad_address=state is ReportState.FAILED and code in _BAD_ADDRESS,
    )


def _recipients(status: Part) -> Iterator[Headers]:
    """Yield the per-recipient blocks: those that say an action or a status."""
    data, at = decode.transfer(status.data, status.encoding, _MAX_STATUS_BYTES), 0
    for _ in range(_MAX_RECIPIENTS):
        if at >= len(data):
            return
        block, after = headers.read(data, at)
        if block.first("action") or block.first("status"):
            yield block
        at = max(after, at + 1)


def _state(recipient: Headers) -> ReportState:
    """Read the action first: a server that gave up says `failed` even where its last answer was a 4.x.x."""
    action = recipient.first("action").partition("(")[0].strip().lower()
    named = _STATES.get(action)
    if named:
        return named
    return {"2": ReportState.DELIVERED, "4": ReportState.DELAYED}.get(_code(recipient)[:1], ReportState.FAILED)


def _code(recipient: Headers) -> str:
    found = _CODE.search(recipient.first("status")[:200]) or _CODE.search(recipient.first("diagnostic-code")[:2000])
    return found[1] if found else ""


def _detail(recipient: Headers) -> str:
    diagnostic = recipient.first("diagnostic-code")[:2000]
    said = diagnostic.partition(";")[2] if diagnostic.lower().startswith(("smtp;", "x-")) else diagnostic
    return clean_line(_ADDRESS.sub("…", decode.line(said, 1000)), 200)


def _original(root: Part) -> str:
    """Return the Message-ID of ours that the report names: in what it returns, or in its own threading headers.

    The mark in our loop header stands first, since some relays replace the Message-ID.
    """
    returned = (_returned_headers(part) for part in mime.leaves(root) if part.content_type in _RETURNED)
    places = [(found.first(automatic.LOOP_HEADER), found.first("message-id")) for found in returned]
    own = (root.headers.first("in-reply-to"), root.headers.first("references"))
    named = (each for values in (*places, own) for value in values for each in references.message_ids(value))
    return next((each for each in named if tokens.of_ticket(each)), "")


def _returned_headers(part: Part) -> Headers:
    return headers.read(decode.transfer(part.data, part.encoding, 2 * headers.MAX_BYTES))[0]
