"""Two desks that acknowledge mail and write to each other: for a full minute at length."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.client import Sandbox
from tests import wire
from tests.at_length import times
from tests.desk import Desk
from tests.desk_door import door_of
from tests.wire import Change, Wire
from workers.cli.apply import Applier, read_desk
from workers.migrate import migrate
from workers.runtime import build
from workers.settings import from_environment

SECONDS = float(times(60, 0))
# A loop would go on for as long as it is let; this many turns without an end are one.
MOST_TURNS = 40

DESK = """
[[departments]]
name = "Support"
email = "support@{domain}"
acknowledge = true
"""


def without(*names: str) -> Change:
    """Return what takes these headers away, folded lines included."""
    found = re.compile(rf"^(?:{'|'.join(names)}):.*\r\n(?:[ \t].*\r\n)*".encode(), re.IGNORECASE | re.MULTILINE)

    def change(raw: bytes) -> bytes:
        head, blank, body = raw.partition(b"\r\n\r\n")
        return found.sub(b"", head + b"\r\n").removesuffix(b"\r\n") + blank + body

    return change


MARKS = ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X-Frontdesk")
THREADS = ("Message-ID", "In-Reply-To", "References", "Reply-To", "Subject")
BETWEEN: dict[str, tuple[Change, int]] = {
    "nothing": (lambda raw: raw, 1),
    "what takes the marks of machines away": (without(*MARKS), 2),
    "what leaves only who writes to whom": (without(*MARKS, *THREADS), 2),
}


Make = Callable[[str, int], Desk]


@pytest.fixture
def make(
    environment: dict[str, str], sandbox: Sandbox, empty_database: Callable[[], str], tmp_path: Path
) -> Iterator[Make]:
    """Return what makes a desk of a domain, which mails through a relay at this port."""
    made: list[Desk] = []

    def make(domain: str, relay: int) -> Desk:
        file, url = tmp_path / f"{domain}.toml", empty_database()
        file.write_text(DESK.format(domain=domain))
        migrate(url)
        own = {"DATABASE_URL": url, "SMTP_RELAY_URL": f"smtp://127.0.0.1:{relay}?starttls=off"}
        desk = Desk(build(from_environment({**environment, **own}), lambda _: None), sandbox)
        made.append(desk)
        with desk.session() as session:
            list(Applier(session=session, channels=desk.tools.channels).apply(read_desk(file)))
        return desk

    yield make
    for desk in made:
        desk.tools.database.engine.dispose()


@pytest.mark.parametrize(("change", "most"), BETWEEN.values(), ids=BETWEEN)
@pytest.mark.timeout(180 + SECONDS)
def test_two_desks_that_acknowledge_each_other_come_to_an_end(make: Make, change: Change, most: int) -> None:
    between = Wire(change)
    with ExitStack() as stack:
        port = stack.enter_context(wire.running(between))
        desks = [make(domain, port) for domain in ("one.example", "two.example")]
        for domain, desk in zip(("one.example", "two.example"), desks, strict=True):
            between.doors[domain] = stack.enter_context(door_of(desk))
        desks[0].mail(sender="support@two.example", to="support@one.example")
        talk(desks)
    assert len(between.passed) == most <= 2
    assert all(desk.scalars("SELECT count(*) FROM inbound_events WHERE status = 'failed'") == [0] for desk in desks)


def talk(desks: list[Desk]) -> None:
    """Let both work for as long as there is work, and for so many seconds at least."""
    end, turns = time.monotonic() + SECONDS, 0
    while turns < MOST_TURNS or time.monotonic() < end:
        before = [desk.count("inbound_events") + desk.count("deliveries") for desk in desks]
        for desk in desks:
            desk.let_pass(60)
        after = [desk.count("inbound_events") + desk.count("deliveries") for desk in desks]
        turns += 1
        if before == after and time.monotonic() >= end:
            return
