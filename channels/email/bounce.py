"""Mails that came back, and which of them are ours.

A notice is recognised by its form first: the fields of RFC 3464, in a part or in the text, or the header that Exim and
Gmail write. What has no form is one only if a mail system sent it and says so.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from channels.base import DeliveryReport, ExternalId, ReportState
from channels.email import address, headers, references, tokens
from channels.email.bounces import fields, notice, recipients, status, words
from channels.email.bounces.notice import Notice
from channels.email.mime import Part

_BAD_NEWS = (ReportState.FAILED, ReportState.DELAYED)
_OURS = re.compile(
    r"(?<![a-z0-9.@_-])t[1-9]\d{0,18}+\.[a-z2-7]{26}\.[0-9a-f-]{36}@[a-z0-9.\[\]:-]{1,255}+", re.IGNORECASE
)
# By whom something may be written that looks like a notice without a mail system's name on it.
_MACHINES = re.compile(r"(?:no|do[-_.]?not)[-_.]?reply\b.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What a notice says: whom a mail did not reach, why, and the Message-ID of ours that it names, if any.

    `named` are the recipient and whom else the notice names as such: who was written to, who that was sent on to.
    """

    recipient: str
    named: tuple[str, ...]
    status: str
    state: ReportState
    detail: str
    message_id: str
    rule: str


def find(root: Part, mail_from: str | None) -> Bounce | None:
    """Return what a mail says of one that did not, or not yet, arrive; `None` for any other mail."""
    found = _read(root, mail_from)
    return found if found and found.state in _BAD_NEWS else None


def report(root: Part, mail_from: str | None, at: datetime | None) -> DeliveryReport | None:
    """Return what became of a mail of ours, or `None` when this is no report or names no mail of ours with a token.

    Only the null sender reports (RFC 3464, 2): whoever has an address writes as themselves. No envelope, no report.
    """
    if mail_from is None or not notice.null_sender(root.headers, mail_from):
        return None
    found = _read(root, mail_from)
    if found is None or not found.message_id:
        return None
    return DeliveryReport(
        external_id=ExternalId(type="email", value=found.message_id),
        idempotency_key=tokens.idempotency_key(found.message_id),
        state=found.state,
        code=found.status,
        detail=found.detail,
        at=at,
        token=tokens.find(found.message_id) or "",
        recipients=_addresses(found.named),
        bad_address=found.state is ReportState.FAILED and found.status in status.BAD_ADDRESS,
    )


def _addresses(named: Iterable[str]) -> tuple[ExternalId, ...]:
    return tuple(dict.fromkeys(each for text in named for each in _address(text)))


def _address(text: str) -> Iterator[ExternalId]:
    with suppress(ValueError):
        yield address.external_id(text)


def _read(root: Part, mail_from: str | None) -> Bounce | None:
    read = notice.read(root)
    return next((found for found in (rule(read, mail_from) for rule in _RULES) if found), None)


def _status_part(read: Notice, mail_from: str | None) -> Bounce | None:
    """Read the status part of a report, or of a mail system's mail: people pass on the parts of a report too."""
    return _by_fields(read, fields.in_parts(read), "status_part") if _formal(read, mail_from) else None


def _status_text(read: Notice, mail_from: str | None) -> Bounce | None:
    return _by_fields(read, fields.in_text(read), "status_text") if _formal(read, mail_from) else None


def _formal(read: Notice, mail_from: str | None) -> bool:
    return _is_report(read.root) or notice.from_mail_system(read, mail_from) or _from_machine(read, mail_from)


def _by_fields(read: Notice, blocks: Sequence[headers.Headers], rule: str) -> Bounce | None:
    if not blocks:
        return None
    block, found = blocks[0], recipients.find(read)
    judged, failed = fields.judged(block), fields.recipients(block)
    named = [each for block in blocks for each in fields.recipients(block)]
    return Bounce(
        recipient=failed[0] if failed else (found.address if found else ""),
        named=tuple(named) or (found.addresses if found else ()),
        status=judged.code,
        state=fields.state(block),
        detail=judged.detail,
        message_id=_ours(read, formal=True),
        rule=rule,
    )


def _failed_header(read: Notice, mail_from: str | None) -> Bounce | None:  # noqa: ARG001 - the form says enough
    return _by_text(read, "failed_header") if read.headers.first("x-failed-recipients") else None


def _report_part(read: Notice, mail_from: str | None) -> Bounce | None:
    """Read a report whose status part is missing or says nothing."""
    declared = _is_report(read.root) or (read.status_parts and _formal(read, mail_from))
    return _by_text(read, "report") if declared and words.holds(read.words, "failed") else None


def _is_report(root: Part) -> bool:
    declared = root.content_type == "multipart/report"
    return declared and root.parameters.get("report-type", "delivery-status").lower() == "delivery-status"


def _returned_report(read: Notice, mail_from: str | None) -> Bounce | None:
    inner = notice.returned_report(read) if notice.from_mail_system(read, mail_from) else None
    return _by_fields(inner, fields.in_parts(inner), "returned_report") if inner else None


def _system_text(read: Notice, mail_from: str | None) -> Bounce | None:
    said = notice.from_mail_system(read, mail_from) and words.holds(read.words, "failed")
    return _by_text(read, "system_text") if said else None


def _machine_text(read: Notice, mail_from: str | None) -> Bounce | None:
    """Read a notice of a machine under a name that tells nothing: it sends the mail back, or is a program's record."""
    shown = read.returned.strip() or read.text.lstrip().startswith("{")
    said = shown and words.holds(read.words, "failed") and _from_machine(read, mail_from)
    return _by_text(read, "machine_text") if said else None


def _from_machine(read: Notice, mail_from: str | None) -> bool:
    sender = address.sole_mailbox(read.headers.first("from")[:1000])
    return (
        notice.null_sender(read.headers, mail_from)
        or (sender is not None and bool(_MACHINES.fullmatch(sender.address.rpartition("@")[0])))
        or read.headers.first("auto-submitted").strip().lower() not in {"", "no"}
    )


def _by_text(read: Notice, rule: str) -> Bounce:
    found = recipients.find(read)
    delayed = _is_delay(read)
    judged = status.of_text(found.text if found else "", read.text, read.subject, delayed=delayed)
    return Bounce(
        recipient=found.address if found else "",
        named=found.addresses if found else (),
        status=judged.code,
        state=ReportState.DELAYED if delayed else ReportState.FAILED,
        detail=judged.detail,
        message_id=_ours(read, formal=rule == "failed_header"),
        rule=rule,
    )


def _is_delay(read: Notice) -> bool:
    """Take the subject's word first: a warning says in its text what will be permanent later."""
    if words.holds(words.plain(read.subject), "delayed"):
        return True
    return words.holds(read.words, "delayed") and not words.holds(read.words, "final")


def _ours(read: Notice, *, formal: bool) -> str:
    """Return the Message-ID of ours that a notice names in the mail it sends back or in its text.

    What it says to answer counts for a notice of a form only: vacation notes answer our mails too. In the mail that
    came back the mark in our loop header stands first, since some relays replace the Message-ID.
    """
    returned = read.returned_headers()
    named = [returned.first(references.LOOP_HEADER), returned.first("message-id")]
    named += _OURS.findall(f"{read.returned}\n{read.text}")[:10]
    named += [read.headers.first(name) for name in ("in-reply-to", "references")] if formal else []
    ids = (each for value in named for each in references.message_ids(value))
    return next((each for each in ids if tokens.of_ticket(each)), "")


_RULES: tuple[Callable[[Notice, str | None], Bounce | None], ...] = (
    _status_part,
    _status_text,
    _failed_header,
    _report_part,
    _returned_report,
    _system_text,
    _machine_text,
)
