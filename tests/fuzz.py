"""`make fuzz`: mutated and hostile mails through the inbox and the rules of a desk, with a real database.

    python -m tests.fuzz [FOLDER] [--count N] [--seed N]

The mails are made of those in FOLDER, of our own without one. Of each must come a message, or a row set aside with its
reason; none may take a second; memory must not grow with their number. The same seed gives the same mails.
"""

import argparse
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlalchemy.orm import Session

from channels.base import RawEvent
from channels.email.event import raw_event
from channels.email.parse import parse
from channels.errors import Malformed
from models.inbound_events import due_events
from tests.channels.email.hostile_mails import HOSTILE
from tests.channels.email.mail_samples import MAILS
from tests.channels.email.mutations import mutated
from workers.inbox import Inbox
from workers.local.postgres import LocalPostgres
from workers.logs import configure_logs
from workers.migrate import migrate
from workers.runtime import Runtime, build
from workers.settings import from_environment
from workers.tasks.inbound import ingest_conversation

COUNT = 10_000
SLOWEST = 1.0
GROWTH = 60 << 20
_BATCH = 100
_SENDERS = ("", "jane@client.example")


@dataclass(slots=True)
class Fed:
    """What became of the mails that were fed."""

    mails: int = 0
    slowest: float = 0.0
    slowest_mail: bytes = b""
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: int = 0


def mutations(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(count):
        yield mutated(chance, chance.choice(seeds), chance.choice(seeds))


def feed(tools: Runtime, mails: Iterable[bytes]) -> Iterator[Fed]:
    """Feed mails one by one, and yield what became of them so far after each hundred and at the end."""
    fed, inbox = Fed(), Inbox(tools.database, lambda _: None)
    for number, payload in enumerate(mails):
        event = _arrived(payload, _SENDERS[number % 2])
        _time(fed, event)
        inbox.accept([event])
        fed.mails += 1
        if fed.mails % _BATCH == 0:
            _ingest(tools)
            yield fed
    _ingest(tools)
    with tools.database.session_scope() as session:
        fed.outcomes, fed.lost = _outcomes(session), lost(session)
    yield fed


def _arrived(payload: bytes, sender: str) -> RawEvent:
    to = ["support@desk.example"]
    return raw_event(payload, mail_from=sender, rcpt_tos=to, peer="192.0.2.1", mailboxes=to)


def _time(fed: Fed, event: RawEvent) -> None:
    """Read a mail for the time that takes this process; whatever raises but `Malformed` ends the run."""
    began = time.process_time()
    with suppress(Malformed):
        parse(event, frozenset({"mx.desk.example"}))
    took = time.process_time() - began
    if took > fed.slowest:
        fed.slowest, fed.slowest_mail = took, event.payload


def _ingest(tools: Runtime) -> None:
    while True:
        with tools.database.session_scope() as session:
            due = due_events(session, older_than=timedelta(0), limit=1000)
        if not due:
            return
        for event_id, _ in due:
            ingest_conversation(tools, event_id)


def _outcomes(session: Session) -> Counter[str]:
    rows = session.execute(text("SELECT status, coalesce(error, ''), count(*) FROM inbound_events GROUP BY 1, 2"))
    return Counter({f"{status}: {reason}".rstrip(": "): count for status, reason, count in rows})


def lost(session: Session) -> int:
    """Count the mails that are neither a message nor set aside for a reason that is a sentence."""
    message = "EXISTS (SELECT 1 FROM message_sources s WHERE s.inbound_event_id = e.id)"
    aside = "status IN ('failed', 'ignored') AND error LIKE '% %'"
    statement = f"SELECT count(*) FROM inbound_events e WHERE NOT (status = 'processed' AND {message} OR {aside})"  # noqa: S608 (words of ours)
    return int(session.execute(text(statement)).scalar_one())


@contextmanager
def small_desk() -> Iterator[Runtime]:
    """Run a database, and nothing else, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-fuzz-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # root's servers run as another user
        settings = {"fsync": "off", "autovacuum": "off"}
        with LocalPostgres.start(folder / "postgres", settings=settings, say=lambda _: None) as server:
            migrate(server.url)
            environment = {"DATABASE_URL": server.url, "REDIS_URL": "redis://127.0.0.1:1/0"}
            environment |= {"SECRET_KEY": secrets.token_urlsafe(32), "FRONTDESK_DIR": str(folder / "desk")}
            tools = build(from_environment(environment), lambda _: None)
            yield tools
            tools.database.engine.dispose()


def seeds_in(folder: Path) -> list[bytes]:
    """Return the mails of a folder. Raises `ValueError` when there are none."""
    mails = [file.read_bytes().lstrip(b"\r\n") for file in sorted(folder.rglob("*.eml"))]
    if not mails:
        raise ValueError(f"there is no .eml in {folder}; say where with CORPORA=DIR")
    return [each for each in mails if each]


def main(words: Sequence[str] | None = None) -> None:
    arguments = argparse.ArgumentParser(prog="make fuzz", description="Feed a desk mutated and hostile mails.")
    arguments.add_argument("folder", type=Path, nargs="?", default=MAILS, help="mails to make them of")
    arguments.add_argument("--count", type=int, default=COUNT, help="how many")
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="to have the same mails again")
    given = arguments.parse_args(words)
    try:
        seeds = seeds_in(given.folder)
    except ValueError as error:
        sys.exit(f"make fuzz: {error}")
    configure_logs({"LOG_LEVEL": "ERROR"})
    say(f"seed {given.seed}: {given.count} mutations of {len(seeds)} mails, then {len(HOSTILE)} hostile ones")
    with small_desk() as tools:
        sys.exit(report(feed(tools, chain(mutations(seeds, given.count, given.seed), HOSTILE.values()))))


def report(course: Iterator[Fed]) -> int:
    """Say how it goes and how it ended; return the exit code."""
    began, process, held = time.monotonic(), psutil.Process(), 0
    for fed in course:
        now = process.memory_info().rss
        held = held or now
        print(f"\r{fed.mails} mails, {now >> 20} MB", end="", file=sys.stderr, flush=True)  # noqa: T201 (progress)
    grown = max(0, now - held)
    say(f"\n{fed.mails} mails in {time.monotonic() - began:.0f} s, {sum(fed.outcomes.values())} of them different")
    for outcome, count in fed.outcomes.most_common():
        say(f"  {count:>6} {outcome}")
    say(f"slowest to read {fed.slowest * 1000:.0f} ms; memory grew by {grown >> 20} MB; lost {fed.lost}")
    if fed.slowest > SLOWEST:
        say(f"too slow: a mail that begins {fed.slowest_mail[:200]!r}")
    return int(fed.slowest > SLOWEST or fed.lost > 0 or grown > GROWTH)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (printing is what it is for)


if __name__ == "__main__":
    main()
