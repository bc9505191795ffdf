"""How fast mails are read, beside the standard library's own reading of the same mails in the same run."""

import email
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from email import policy
from pathlib import Path

from channels.base import RawEvent
from channels.email.event import raw_event
from channels.email.parse import parse
from channels.errors import Malformed
from tests.channels.email.mail_samples import MAILS
from tests.fuzz import seeds_in

ROUNDS = 5
LEAST_SECONDS = 1.0


def lines(folder: Path = MAILS) -> list[str]:
    """Read the mails of a folder both ways, in turns, and return what to print. Raises `ValueError` without mails."""
    mails = seeds_in(folder)
    events = [raw_event(each, mail_from="a@x.example", rcpt_tos=[], peer="", mailboxes=[]) for each in mails]
    ours: list[float] = []
    theirs: list[float] = []
    while len(ours) < ROUNDS * len(mails) or sum(ours) < LEAST_SECONDS:
        for payload, event in zip(mails, events, strict=True):
            ours.append(_timed(lambda event=event: _ours(event)))  # type: ignore[misc]
            theirs.append(_timed(lambda payload=payload: _theirs(payload)))  # type: ignore[misc]
    size = sum(map(len, mails)) / len(mails) / 1024
    return [
        f"reading {len(mails)} mails of {size:.1f} KiB each on average, {len(ours) // len(mails)} times over",
        f"ours, to message, quote, files and sender: {_figures(ours)}",
        f"standard library, every part decoded and no more: {_figures(theirs)}",
        f"ratio {sum(theirs) / sum(ours):.2f} (above 1: ours is faster)",
    ]


def _timed(read: Callable[[], None]) -> float:
    began = time.process_time()  # others on the machine do not count
    read()
    return time.process_time() - began


def _ours(event: RawEvent) -> None:
    with suppress(Malformed):
        parse(event)


def _theirs(payload: bytes) -> None:
    for part in email.message_from_bytes(payload, policy=policy.compat32).walk():
        part.get_payload(decode=True)


def _figures(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    return f"{len(seconds) / sum(seconds):.0f} mails/s on one core, p50 {p50:.2f} ms, p99 {p99:.2f} ms"
