"""The fields of a delivery status notification (RFC 3464), in a part of their own or in the midst of a text."""

import re
from collections.abc import Iterator

from channels.base import ReportState
from channels.email import decode, headers
from channels.email.bounces import status
from channels.email.bounces.notice import Notice
from channels.email.bounces.status import Status
from channels.email.headers import Headers

_MAX_BYTES = 64 * 1024
_MAX_RECIPIENTS = 100
_FIRST = re.compile(r"^(?:reporting-mta|final-recipient|original-recipient|action):", re.IGNORECASE | re.MULTILINE)
_RECIPIENTS = ("final-recipient", "original-recipient", "x-actual-recipient")
_MAILBOX = re.compile(r"[^\s<>;:,()\"@]{1,200}@[^\s<>;:,()\"@]{1,200}\.[^\s<>;:,()\"@]{1,63}")
_STATES = {
    "failed": ReportState.FAILED,
    "failure": ReportState.FAILED,
    "delayed": ReportState.DELAYED,
    "delivered": ReportState.DELIVERED,
    "relayed": ReportState.SENT,
    "expanded": ReportState.SENT,
}
_GRAVEST = (ReportState.FAILED, ReportState.DELAYED, ReportState.SENT, ReportState.DELIVERED)


def in_parts(notice: Notice) -> list[Headers]:
    """Return the fields of the recipients whom it went worst for, as the status parts have them."""
    data = (decode.transfer(part.data, part.encoding, _MAX_BYTES) for part in notice.status_parts)
    return _gravest([block for each in data for block in _blocks(each)])


def in_text(notice: Notice) -> list[Headers]:
    """Return the fields of the recipients whom it went worst for, as they stand in the text."""
    first = _FIRST.search(notice.text)
    if first is None:
        return []
    return _gravest(list(_blocks(notice.text[first.start() :].encode("utf-8", "replace"))))


def _gravest(blocks: list[Headers]) -> list[Headers]:
    worst = min((_GRAVEST.index(state(each)) for each in blocks), default=0)
    return [each for each in blocks if state(each) is _GRAVEST[worst]]


def _blocks(data: bytes) -> Iterator[Headers]:
    """Yield the blocks that say an action or a status."""
    at = 0
    for _ in range(_MAX_RECIPIENTS):
        if at >= len(data):
            return
        block, after = headers.read(data, at)
        if block.first("action") or block.first("status"):
            yield block
        at = max(after, at + 1)


def recipients(block: Headers) -> tuple[str, ...]:
    """Return the address that failed and those it stands for, as far as they have the form of one."""
    found = (_MAILBOX.search(block.first(name)[:1000]) for name in _RECIPIENTS)
    return tuple(match[0] for match in found if match)


def state(block: Headers) -> ReportState:
    """Read the action first: a server that gave up says `failed` even where its last answer was a 4.x.x."""
    named = _STATES.get(block.first("action").partition("(")[0].strip().lower())
    if named:
        return named
    return {"2": ReportState.DELIVERED, "4": ReportState.DELAYED}.get(code(block)[:1], ReportState.FAILED)


def code(block: Headers) -> str:
    """Return the code as given: a general one gives way to what the other server said."""
    given, said = status.explicit(block.first("status")[:200]), status.explicit(block.first("diagnostic-code")[:2000])
    if given.endswith(".0.0") and said[:1] == given[:1]:
        return said
    return given or said


def judged(block: Headers) -> Status:
    """Return code and reason; where no code is given, what the diagnosis comes to."""
    diagnosis = _diagnosis(block)
    if code(block):
        return Status(code=code(block), detail=status.detail(diagnosis))
    return status.of_text(diagnosis, delayed=state(block) is ReportState.DELAYED)


def _diagnosis(block: Headers) -> str:
    given = block.first("diagnostic-code")[:2000]
    return given.partition(";")[2] if given.lower().startswith(("smtp;", "x-")) else given
