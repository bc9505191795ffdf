"""Reading a mailbox: every mail into the inbox, then on its way, then the cursor; in this order, mail by mail.

Whatever dies in between, the mail is read again and is the same one: the inbox has its key. So a mail may be read
twice, and none is left out.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from channels.base import ExternalId, RawEvent
from channels.email.address import mailbox_of
from channels.email.event import fetched_event, named_in, set_aside_event
from channels.email.imap_account import Account
from channels.email.imap_source import LARGEST_MAIL, LOST, NotDone, NotGiven, Source
from channels.email.imap_wire import Overrun
from models.departments import owned
from models.mailboxes import Cursor, advance, forget_cursor, note_watching
from workers.db import Database
from workers.inbox import Inbox
from workers.logs import get_logger

log = get_logger()

_AT_ONCE = 200
_MEBIBYTE = 1024 * 1024
_NOBODYS = "no department has its address: what names no other of ours becomes a ticket without a department"
_TOO_LARGE = f"the mail is larger than {LARGEST_MAIL // _MEBIBYTE} MiB: it is still in its mailbox"
# One may be chance. At the second, asking again would keep all mails behind it from being read.
_LOSSES = 2
_BREAKS_OFF = "the mail server breaks off whenever it is to give this mail out: it is still in its mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how far; in seconds, but for the days of a look back."""

    idle: float = 240.0  # servers end IDLE after 30 minutes, routers forget a silent connection much sooner
    pause: float = 0.2  # between two readings, however often the server says that there is something new
    look_back_days: float = 3.0
    look_back_every: float = 3600.0
    silent: float = 900.0
    stand_by: float = 5.0
    shortest_wait: float = 1.0  # after trouble; doubling
    longest_wait: float = 60.0
    wait_when_refused: float = 300.0  # providers lock an account that knocks too often


@dataclass(slots=True)
class Progress:
    """What this process knows of a mailbox from one connection to the next.

    `uids` are the mails it has handed in, so that a look back does not fetch them again; `lost` counts, by mail, the
    connections that ended while it was fetched; `alive_at` is when reading last got on.
    """

    alive_at: float
    uidvalidity: int = 0
    uids: set[int] = field(default_factory=set)
    lost: Counter[int] = field(default_factory=Counter)
    looked_back_at: float | None = None

    def under(self, uidvalidity: int) -> None:
        """Forget the mails when the server counts anew."""
        if self.uidvalidity != uidvalidity:
            self.uidvalidity, self.uids, self.looked_back_at = uidvalidity, set(), None
            self.lost.clear()


class Reader:
    """Reads one mailbox, over one connection after another."""

    def __init__(self, database: Database, inbox: Inbox, account: Account, pace: Pace, progress: Progress) -> None:
        self._database = database
        self._inbox = inbox
        self._account = account
        self._pace = pace
        self._progress = progress

    def begin(self, source: Source, cursor: Cursor) -> None:
        """Read what is there: all after the cursor, or, where it does not hold, what arrived lately."""
        self._source = source
        self._last_uid = 0
        self._remark = "" if self._owned([self._account.address]) else _NOBODYS
        self._progress.under(source.uidvalidity)
        if cursor.uidvalidity == source.uidvalidity and source.knows_of(cursor.last_uid):
            self._last_uid = cursor.last_uid
            self.read_on()
        else:
            self._begin_anew(cursor)

    def _begin_anew(self, cursor: Cursor) -> None:
        newest = self._source.newest_uid()
        if cursor.uidvalidity is not None:
            log.warning("mailbox_counts_anew", mailbox=self._account.name)
            with self._database.session_scope() as session:
                forget_cursor(session, self._account.name)
        self._look_back(cursor.fetched_at)
        self._move_on(newest)
        self._note_end()

    def read_on(self) -> None:
        """Read what came after the cursor; now and then also look back.

        A look back finds what the cursor passed without meeting it: servers show mails late, or out of order.
        """
        self._read(self._source.after(self._last_uid), moves_on=True)
        last = self._progress.looked_back_at
        if last is None or time.monotonic() - last > self._pace.look_back_every:
            self._look_back(None)
        self._note_end()

    def _look_back(self, since: datetime | None) -> None:
        recent = self._source.since(self._earliest(since))
        self._read(recent, moves_on=False)
        self._progress.uids.intersection_update(recent)
        self._progress.looked_back_at = time.monotonic()

    def _earliest(self, since: datetime | None) -> date:
        """Return the day to look back to; a day earlier than meant, since servers count days in zones of their own."""
        now = datetime.now(UTC)
        earliest = min(now - timedelta(days=self._pace.look_back_days), since or now)
        return (earliest - timedelta(days=1)).date()

    def _read(self, uids: Sequence[int], *, moves_on: bool) -> None:
        unknown = [uid for uid in uids if uid not in self._progress.uids]
        for first in range(0, len(unknown), _AT_ONCE):
            some = unknown[first : first + _AT_ONCE]
            sizes = self._source.sizes(some)
            for uid in some:
                if self._hand_in(uid, sizes.get(uid, 0)) and moves_on:
                    self._move_on(uid)

    def _hand_in(self, uid: int, size: int) -> bool:
        """Store a mail and send it on its way; false when it is gone."""
        try:
            event = self._fetched(uid, size)
        except Overrun as error:
            # The connection is lost, and the next one must not meet this mail again.
            self._inbox.accept([self._set_aside(uid, b"", f"the mail could not be read: {error}")])
            self._progress.uids.add(uid)
            raise
        except LOST:
            self._progress.lost[uid] += 1
            raise
        if event is None:
            return False
        self._inbox.accept([event])
        if "set_aside" in event.facts:
            log.warning("mail_set_aside", mailbox=self._account.name, uid=uid, size=size)
            # Asking for these again is of no use, or does harm; another trouble may be over at the next look back.
            if size > LARGEST_MAIL or self._progress.lost[uid] >= _LOSSES:
                self._progress.uids.add(uid)
        else:
            self._finish(uid)
            self._progress.uids.add(uid)
        self._progress.alive_at = time.monotonic()
        return True

    def _fetched(self, uid: int, size: int) -> RawEvent | None:
        if size > LARGEST_MAIL:
            return self._without_body(uid, _TOO_LARGE)
        if self._progress.lost[uid] >= _LOSSES:
            return self._without_body(uid, _BREAKS_OFF)
        try:
            payload = self._source.fetch(uid)
        except NotGiven as error:
            return self._without_body(uid, str(error))
        return None if payload is None else self._event(payload)

    def _without_body(self, uid: int, reason: str) -> RawEvent | None:
        try:
            header = self._source.headers(uid) if self._progress.lost[uid] <= _LOSSES else b""
        except NotGiven:
            header = b""
        return None if header is None else self._set_aside(uid, header, reason)

    def _set_aside(self, uid: int, header: bytes, reason: str) -> RawEvent:
        place = f"{self._account.place};UIDVALIDITY={self._source.uidvalidity};UID={uid}"
        name, address = self._account.name, self._account.address
        return set_aside_event(header, mailbox=name, address=address, place=place, reason=reason)

    def _event(self, payload: bytes) -> RawEvent:
        name, address = self._account.name, self._account.address
        return fetched_event(payload, mailbox=name, address=address, rcpt_tos=self._ours(payload) or [address])

    def _ours(self, payload: bytes) -> list[str]:
        named = named_in(payload)
        ours = self._owned([mailbox_of(each) for each in named])
        return [each for each in named if mailbox_of(each) in ours]

    def _owned(self, addresses: Sequence[str]) -> list[str]:
        with self._database.session_scope() as session:
            ours = owned(session, [ExternalId(type="email", value=each) for each in addresses])
        return [each.value for each in ours]

    def _finish(self, uid: int) -> None:
        try:
            self._source.finish(uid)
        except NotDone as error:
            if self._remark != str(error):
                log.warning("mail_not_moved_or_flagged", mailbox=self._account.name, reason=str(error))
            self._remark = str(error)

    def _move_on(self, uid: int) -> None:
        self._last_uid = max(self._last_uid, uid)
        with self._database.session_scope() as session:
            advance(session, self._account.name, self._source.uidvalidity, self._last_uid)

    def _note_end(self) -> None:
        with self._database.session_scope() as session:
            note_watching(session, self._account.name, self._remark)
        self._progress.alive_at = time.monotonic()
