"""The weekday digest: what waits, told once a day to the agents of each department.

A digest is a row a department and day. Its post carries the row's key, so that one whose answer was lost is found in
the channel before it would be posted again. One process at a time posts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from channels.base import AgentsDesk, ExternalId, Listing, OutboundMessage
from channels.errors import TryLater, Unclear, Undeliverable
from models.base import now
from models.departments import Department, desk_of
from models.digests import Digest, digest_by_id, failed_since, open_digests
from models.worklists import WAITING, Worklist, of_nobody, within, worklist
from workers.db import Database
from workers.desk.home import line_of
from workers.logs import get_logger
from workers.outbox import AGENTS_CHANNEL
from workers.silence import silent_mailboxes

log = get_logger()

# A desk that was down in the morning is told when it is up again, but not at night.
LATE = timedelta(hours=3)
_FRIDAY = 4
_QUIET = "nothing to say"


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTime:
    """When the day's digest is due: at this time of weekdays there."""

    at: time
    zone: ZoneInfo

    def day(self, moment: datetime) -> date | None:
        """Return the day whose digest is due, `None` when none is."""
        local = moment.astimezone(self.zone)
        due = local.weekday() <= _FRIDAY and self._start(local.date()) <= local < self._start(local.date()) + LATE
        return local.date() if due else None

    def before(self, day: date) -> datetime:
        """Return when the digest before this day's was due."""
        return self._start(day - timedelta(days=3 if day.weekday() == 0 else 1))

    def _start(self, day: date) -> datetime:
        return datetime.combine(day, self.at, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Posts the digests that are due."""

    database: Database
    desk: AgentsDesk
    time: DigestTime | None
    environment: Mapping[str, str] = field(repr=False)

    def run(self, moment: datetime) -> int:
        """Post what is due and return how many were posted; any number of runs at once post each once."""
        day = self.time.day(moment) if self.time and self.desk.connected else None
        if self.time is None or day is None:
            return 0
        with self.database.lock("frontdesk.digests") as lock:
            if lock is None:
                return 0
            with self.database.session_scope() as session:
                due = [each.id for each in open_digests(session, day)]
            posted = 0
            for each in due:
                lock.check()
                posted += self._post(each, self.time.before(day))
            return posted

    def _post(self, digest_id: int, since: datetime) -> bool:
        with self.database.session_scope() as session:
            digest = digest_by_id(session, digest_id)
            outbound = self._outbound(session, digest, since)
            tried_at, digest.attempted_at = digest.attempted_at, digest.attempted_at or now()
        if outbound is None:
            return self._end(digest_id, _QUIET)
        try:
            if tried_at is None or not self.desk.find_sent(outbound, tried_at):
                self.desk.send(outbound)
        except (TryLater, Unclear) as error:
            log.warning("digest_postponed", digest_id=digest_id, reason=str(error))
            return False
        except Undeliverable as error:
            return self._end(digest_id, str(error))
        self._end(digest_id, "posted")
        return True

    def _end(self, digest_id: int, outcome: str) -> bool:
        with self.database.session_scope() as session:
            digest = digest_by_id(session, digest_id)
            digest.ended_at, digest.outcome = now(), outcome
        log.info("digest_ended", digest_id=digest_id, outcome=outcome)
        return False

    def _outbound(self, session: Session, digest: Digest, since: datetime) -> OutboundMessage | None:
        department = session.get_one(Department, digest.department_id)
        listing = digest_of(session, department, since, list(silent_mailboxes(session, self.environment)))
        place = desk_of(session, department.id).agents_channel
        if listing is None or place is None:
            return None
        to = ExternalId(type=AGENTS_CHANNEL, value=place)
        return OutboundMessage(idempotency_key=str(digest.idempotency_key), to=to, listing=listing)


def digest_of(
    session: Session, department: Department, since: datetime, mailboxes: Sequence[str] = ()
) -> Listing | None:
    """Return what a department's agents are to know, `None` when there is nothing."""
    own = within([department.id])
    waiting = worklist(session, WAITING, 1, own)
    failed = failed_since(session, department.id, since)
    told = [*_waiting(waiting, worklist(session, WAITING, 1, own, of_nobody()).number), *_failed(failed), *mailboxes]
    if not told:
        return None
    oldest = tuple(map(line_of, waiting.listed))
    return Listing(
        title=f"{department.name}: {_tickets(waiting.number)} for an agent", lines=oldest, below="\n".join(told)
    )


def _tickets(number: int) -> str:
    return {0: "nothing waits", 1: "1 ticket waits"}.get(number, f"{number} tickets wait")


def _waiting(waiting: Worklist, free: int) -> list[str]:
    if not waiting.number:
        return []
    nobody = f" Nobody has {free} of them." if free else ""
    return [f"Above is the one that has waited longest.{nobody} /desk waiting lists them."]


def _failed(number: int) -> list[str]:
    if not number:
        return []
    return [f"Answers since the last digest that failed, or may have: {number}. Their threads say why."]
